"""The revocation feed as another service reads it: verified with what is published, by PyJWT alone."""

from typing import Any

import jwt
from httpx import AsyncClient, Response

from auth_service.tokens.revocations import RevocationKind, revocation_digest
from tests.support.service import Account, Service, bearer
from tests.support.settings import ISSUER

FEED = "/oauth/revocations"
Claims = dict[str, Any]


async def fetch_feed(client: AsyncClient, **query: object) -> Claims:
    """Return the claims of a document after every check that docs/revocation-feed.md asks for."""
    response = await client.get(FEED, params={name: str(value) for name, value in query.items()})
    assert response.status_code == 200, response.text
    return await verify_feed(client, response)


async def verify_feed(client: AsyncClient, response: Response) -> Claims:
    assert response.headers["content-type"] == "application/jwt"
    header = jwt.get_unverified_header(response.text)
    assert header["typ"] == "revocations+jwt"
    assert header.keys() == {"typ", "alg", "kid"}
    keys = jwt.PyJWKSet.from_dict((await client.get("/.well-known/jwks.json")).json())
    claims: Claims = jwt.decode(
        response.text,
        keys[header["kid"]].key,
        algorithms=[header["alg"]],
        issuer=ISSUER,
        options={"require": ["iss", "iat", "exp"]},
    )
    return claims


async def record_ends(service: Service, count: int) -> None:
    """Record the ends of sessions that nobody had."""
    async with service.runtime.unit_of_work(writing=True) as work:
        await work.revocations.record(RevocationKind.SESSION, [f"session {number}" for number in range(count)])


async def sign_out(service: Service, account: Account) -> None:
    """End the session that the account's token belongs to."""
    path = f"/users/me/sessions/{account.session_id}"
    assert (await service.client.delete(path, headers=bearer(account))).status_code == 204


def digest_of(account: Account) -> str:
    """Return the digest by which the feed names the account's session."""
    return revocation_digest(RevocationKind.SESSION, str(account.session_id))

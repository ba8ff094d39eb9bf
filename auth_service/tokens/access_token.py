"""Access tokens in the JWT profile of RFC 9068: what is in one, how it is issued and how it is verified."""

from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from auth_service.authz.scopes import Scope, format_scopes
from auth_service.db.uuid7 import uuid7
from auth_service.tokens import jws
from auth_service.tokens.errors import InvalidTokenError
from auth_service.tokens.settings import TokenSettings
from auth_service.tokens.signing_keys import KeyRing

ACCESS_TOKEN_TYPE = "at+jwt"
EPOCH_CLAIM = "credential_epoch"
_TYPES = {"client_id": str, "scope": str, "auth_time": int, "amr": list, EPOCH_CLAIM: int}
_REQUIRED = ("iss", "sub", "aud", "exp", "iat", "jti", *_TYPES)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """The facts that an access token carries.

    `credential_epoch` ties it to the state of the account's credentials: the account gate refuses a token of an
    earlier epoch. `amr` names how the user proved who they are (RFC 8176).
    """

    subject: UUID
    client_id: str
    scopes: frozenset[Scope]
    credential_epoch: int
    authenticated_at: datetime
    amr: tuple[str, ...]
    roles: tuple[str, ...] = ()


def issue_access_token(
    token: AccessToken, keys: KeyRing, settings: TokenSettings, *, audiences: tuple[str, ...], now: datetime
) -> str:
    """Sign `token` with the active key, good from `now` for the configured lifetime. No personal facts go in."""
    issued_at = int(now.timestamp())
    claims: jws.Claims = {
        "iss": settings.issuer,
        "sub": str(token.subject),
        "aud": list(audiences),
        "exp": issued_at + int(settings.access_token_lifetime.total_seconds()),
        "iat": issued_at,
        "jti": str(uuid7(now)),
        "client_id": token.client_id,
        "scope": format_scopes(token.scopes),
        "auth_time": int(token.authenticated_at.timestamp()),
        "amr": list(token.amr),
        EPOCH_CLAIM: token.credential_epoch,
    }
    if token.roles:
        claims["roles"] = list(token.roles)
    return jws.sign(claims, keys.active, typ=ACCESS_TOKEN_TYPE)


def verify_access_token(encoded: str, keys: KeyRing, settings: TokenSettings) -> AccessToken:
    """Return the facts of a token that was issued by this service for this service. Raises InvalidTokenError.

    Nothing is looked up: whether the account may still use it is for the account gate to say.
    """
    claims = jws.verify(
        encoded,
        keys.published,
        typ=ACCESS_TOKEN_TYPE,
        issuer=settings.issuer,
        audience=settings.audience,
        leeway=settings.leeway,
        required=_REQUIRED,
    )
    roles = claims.get("roles", [])
    # Exactly these types: for Python `True` is a number too, and text is a sequence.
    if any(type(claims[name]) is not expected for name, expected in _TYPES.items()) or type(roles) is not list:
        raise InvalidTokenError("a claim is not of the type that we issue")
    try:
        return AccessToken(
            subject=UUID(claims["sub"]),
            client_id=claims["client_id"],
            scopes=frozenset(Scope(name) for name in claims["scope"].split() if name in set(Scope)),
            credential_epoch=claims[EPOCH_CLAIM],
            authenticated_at=datetime.fromtimestamp(claims["auth_time"], tz=UTC),
            amr=tuple(claims["amr"]),
            roles=tuple(roles),
        )
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidTokenError("a claim is not what we issue") from error

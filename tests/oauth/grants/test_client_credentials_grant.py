"""The client credentials grant: a service gets a token for itself, and where people go it is not let in."""

import pytest
from httpx import AsyncClient, Response

from auth_service.clients.schemas import ClientWithSecret
from auth_service.tokens.revocations import RevocationKind, revocation_digest
from tests.conftest import MakeUser
from tests.support.feed import fetch_feed
from tests.support.forgery import read_segment
from tests.support.oauth import assert_oauth_error, basic
from tests.support.paths import fill
from tests.support.routes import documented_routes
from tests.support.service import Service, assert_problem, bearer

ORDERS = "https://orders.example.com"
GRANT = {"grants": ["client_credentials"], "scopes": ["items:read", "items:write"]}


async def _ask(service: Service, client: ClientWithSecret, **parameters: str) -> Response:
    form = {"grant_type": "client_credentials", **parameters}
    headers = basic(f"{client.client_id}:{client.client_secret}")
    return await service.client.post("/oauth/token", data=form, headers=headers)


async def test_a_service_gets_a_token_of_its_own_and_no_refresh_token(service: Service) -> None:
    client = await service.make_client(**GRANT, audiences=[ORDERS])

    response = await _ask(service, client)

    answer = response.json()
    claims = read_segment(answer["access_token"], 1)
    assert response.status_code == 200
    assert response.headers["cache-control"] == "no-store"
    assert answer == {
        "access_token": answer["access_token"],
        "token_type": "Bearer",
        "expires_in": 600,
        "scope": "items:read items:write",
    }
    assert claims == {
        "iss": "http://127.0.0.1:8000",
        "sub": client.client_id,
        "aud": [ORDERS],
        "exp": claims["iat"] + 600,
        "iat": claims["iat"],
        "jti": claims["jti"],
        "client_id": client.client_id,
        "scope": "items:read items:write",
        "sid": claims["sid"],
    }


async def test_it_is_audited(service: Service) -> None:
    client = await service.make_client(**GRANT)

    await _ask(service, client)

    (event,) = [event for event in await service.audit_events() if event.event == "client.sign_in"]
    assert (event.client_id, event.actor_id, event.outcome) == (client.client_id, None, "success")


async def test_its_scopes_narrow_and_never_widen(service: Service) -> None:
    client = await service.make_client(**GRANT)

    narrowed = await _ask(service, client, scope="items:read")
    widened = await _ask(service, client, scope="items:read profile:read")

    assert narrowed.json()["scope"] == "items:read"
    assert_oauth_error(widened, "invalid_scope")


async def test_a_client_without_the_grant_and_a_public_one_get_nothing(service: Service) -> None:
    client = await service.make_client(grants=["password"])

    refused = await _ask(service, client)
    first_party = await service.client.post("/oauth/token", data={"grant_type": "client_credentials"})

    assert_oauth_error(refused, "unauthorized_client")
    assert_oauth_error(first_party, "unauthorized_client")


async def test_a_token_of_a_client_opens_nothing_that_is_for_people(service: Service) -> None:
    client = await service.make_client(grants=["client_credentials"], scopes=["admin", "profile:read", "items:read"])
    token = (await _ask(service, client)).json()["access_token"]
    guarded = [route for route, operation in documented_routes(service.app).items() if "security" in operation]

    answers = {}
    for route in guarded:
        method, _, path = route.partition(" ")
        url = fill(path, client_id=client.client_id)
        answers[route] = await service.client.request(
            method, url, headers={"Authorization": f"Bearer {token}"}, json={}
        )

    assert len(guarded) > 20
    for route, answer in answers.items():
        assert answer.status_code == 403 or (route, answer.status_code) == ("POST /users", 422), (route, answer.text)
        if answer.status_code == 403:
            assert_problem(answer, 403, code="user_token_required")


@pytest.mark.parametrize("ending", ["disabled", "deleted", "disabled and enabled again"])
async def test_what_ends_a_client_ends_its_tokens_here_and_tells_the_others(
    service: Service, client: AsyncClient, make_admin: MakeUser, ending: str
) -> None:
    admin, made = await make_admin(), await service.make_client(**GRANT)
    token = (await _ask(service, made)).json()["access_token"]
    asking = await service.make_client(own_audience="http://127.0.0.1:8000", grants=[])

    async def is_active() -> bool:
        response = await client.post(
            "/oauth/introspect", data={"token": token}, headers=basic(f"{asking.client_id}:{asking.client_secret}")
        )
        return bool(response.json()["active"])

    before, head = await is_active(), await fetch_feed(client)
    url = f"/clients/{made.client_id}"
    if ending == "deleted":
        await client.delete(url, headers=bearer(admin))
    else:
        await client.patch(url, headers=bearer(admin), json={"is_active": False})
        if "again" in ending:
            await client.patch(url, headers=bearer(admin), json={"is_active": True})
    news = await fetch_feed(client, after=head["next"], epoch=head["epoch"])

    assert (before, await is_active()) == (True, False)
    digest = revocation_digest(RevocationKind.CLIENT, made.client_id)
    assert [(entry["kind"], entry["digest"]) for entry in news["entries"]] == [("client", digest)]
    again = await _ask(service, made)
    if "again" in ending:
        assert again.status_code == 200
    else:
        assert_oauth_error(again, "invalid_client", status=401)

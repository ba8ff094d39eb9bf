"""What a client may ask for, by its grants, its scopes and its audiences, and until when."""

from typing import Any

import pytest
from httpx import Response

from auth_service.clients.schemas import ClientWithSecret
from tests.support.forgery import read_segment
from tests.support.oauth import assert_oauth_error
from tests.support.service import PASSWORD, Service, bearer, running_service
from tests.support.settings import make_settings

ORDERS, BILLING = "https://orders.example.com", "https://billing.example.com"
_TOKENS: dict[str, object] = {"issuer": "https://auth.example.com", "shared_audiences": BILLING}
OWN_SCOPES = ["items:read", "items:write", "profile:read", "profile:write"]


async def _ask(service: Service, client: ClientWithSecret, **parameters: Any) -> Response:
    credentials = {"client_id": client.client_id, "client_secret": client.client_secret or ""}
    form = {"grant_type": "password", "username": "ann", "password": PASSWORD, **credentials, **parameters}
    return await service.client.post("/oauth/token", data=form)


@pytest.mark.parametrize("grants", [[], ["refresh_token"], ["client_credentials", "refresh_token"]])
async def test_a_grant_that_a_client_was_not_allowed_is_refused(service: Service, grants: list[str]) -> None:
    await service.make_user(username="ann")
    client = await service.make_client(grants=grants)

    assert_oauth_error(await _ask(service, client), "unauthorized_client")


@pytest.mark.parametrize("grant_type", ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"])
async def test_a_grant_that_nobody_has_is_unsupported(service: Service, grant_type: str) -> None:
    client = await service.make_client(grants=[])

    assert_oauth_error(await _ask(service, client, grant_type=grant_type), "unsupported_grant_type")


@pytest.mark.parametrize("kind", ["public", "confidential"])
async def test_the_password_grant_is_what_an_administrator_allows(service: Service, kind: str) -> None:
    await service.make_user(username="ann")
    client = await service.make_client(kind=kind, grants=["password"])

    response = await _ask(service, client)

    assert response.status_code == 200
    [signed_in] = [event for event in await service.audit_events() if event.client_id == client.client_id]
    assert signed_in.event == "sign_in"


@pytest.mark.parametrize(
    ("scopes", "is_superuser", "granted"),
    [
        pytest.param(["items:read"], False, "items:read", id="less than the user"),
        pytest.param(["items:read", "admin"], False, "items:read", id="what the user is not"),
        pytest.param(["items:read", "admin"], True, "admin items:read", id="some of both"),
        pytest.param([*OWN_SCOPES, "admin"], False, " ".join(OWN_SCOPES), id="more than the user"),
        pytest.param([], True, "", id="nothing"),
    ],
)
async def test_without_a_scope_a_token_has_what_user_and_client_may_have(
    service: Service, scopes: list[str], is_superuser: bool, granted: str
) -> None:
    await service.make_user(username="ann", is_superuser=is_superuser)
    client = await service.make_client(scopes=scopes)

    assert (await _ask(service, client)).json()["scope"] == granted


@pytest.mark.parametrize(
    "asked", ["items:write", "items:read items:write", "admin", "profile:read", "items:read profile:read admin"]
)
async def test_a_scope_beyond_the_clients_is_refused_whoever_signs_in(service: Service, asked: str) -> None:
    await service.make_admin(username="ann")
    client = await service.make_client(scopes=["items:read"])

    # A wrong password: what the client may not have is refused before the password is even checked.
    assert_oauth_error(await _ask(service, client, scope=asked, password="wrong"), "invalid_scope")
    assert_oauth_error(await _ask(service, client, scope=asked), "invalid_scope")
    assert (await _ask(service, client, scope="items:read")).json()["scope"] == "items:read"


@pytest.mark.parametrize(
    ("audiences", "resource", "expected"),
    [
        pytest.param([], None, ["https://auth.example.com", BILLING], id="the configured ones"),
        pytest.param([], BILLING, [BILLING], id="one of the configured ones"),
        pytest.param([ORDERS], None, [ORDERS], id="the client's own"),
        pytest.param([ORDERS, BILLING], None, [BILLING, ORDERS], id="all of the client's own"),
        pytest.param([ORDERS, "billing"], "billing", ["billing"], id="one of the client's own"),
    ],
)
async def test_tokens_are_made_out_to(
    migrated_database: str, audiences: list[str], resource: str | None, expected: list[str]
) -> None:
    async with running_service(make_settings(migrated_database, tokens=_TOKENS)) as service:
        await service.make_user(username="ann")
        client = await service.make_client(audiences=audiences)

        response = await _ask(service, client, **({"resource": resource} if resource else {}))

    assert _audiences(response) == expected


@pytest.mark.parametrize(
    ("audiences", "resource"),
    [
        pytest.param([ORDERS], BILLING, id="a configured one that is not the client's"),
        pytest.param([ORDERS], "https://auth.example.com", id="this service, which is not the client's"),
        pytest.param([ORDERS], f"{ORDERS}/", id="almost the client's"),
        pytest.param([ORDERS], ORDERS.upper(), id="the client's in another case"),
        pytest.param([ORDERS], "", id="none"),
        pytest.param([], ORDERS, id="one that is not configured"),
    ],
)
async def test_another_resource_is_refused(migrated_database: str, audiences: list[str], resource: str) -> None:
    async with running_service(make_settings(migrated_database, tokens=_TOKENS)) as service:
        await service.make_user(username="ann")
        client = await service.make_client(audiences=audiences)

        response = await _ask(service, client, resource=resource)
        two = await _ask(service, client, resource=[*audiences, BILLING, BILLING])

    if resource:
        assert_oauth_error(response, "invalid_target")
    else:  # a parameter without a value counts as absent
        assert _audiences(response) == audiences
    assert_oauth_error(two, "invalid_request")


async def test_a_rotated_secret_is_refused_at_once_and_the_new_one_accepted(service: Service) -> None:
    await service.make_user(username="ann")
    admin, client = await service.make_admin(), await service.make_client()

    rotated = await service.client.post(f"/clients/{client.client_id}/secret", headers=bearer(admin))

    assert_oauth_error(await _ask(service, client), "invalid_client", status=401)
    assert (await _ask(service, client, client_secret=rotated.json()["client_secret"])).status_code == 200


@pytest.mark.parametrize(
    ("method", "body"),
    [pytest.param("PATCH", {"is_active": False}, id="disabled"), pytest.param("DELETE", None, id="deleted")],
)
async def test_a_client_that_ended_is_refused_at_once(
    service: Service, method: str, body: dict[str, bool] | None
) -> None:
    await service.make_user(username="ann")
    admin, client = await service.make_admin(), await service.make_client()

    ended = await service.client.request(method, f"/clients/{client.client_id}", headers=bearer(admin), json=body)

    assert ended.is_success
    assert_oauth_error(await _ask(service, client), "invalid_client", status=401)


def _audiences(response: Response) -> list[str]:
    assert response.status_code == 200, response.text
    audiences: list[str] = read_segment(response.json()["access_token"], 1)["aud"]
    return audiences

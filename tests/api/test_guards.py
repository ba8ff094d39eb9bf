"""How a bearer token is brought, and what a caller without a good one is told (RFC 6750)."""

from collections.abc import Callable

import pytest
from httpx import AsyncClient, Response
from structlog.testing import capture_logs

from tests.conftest import MakeUser
from tests.support.forgery import encode, read_segment
from tests.support.service import Account, Service, assert_problem, bearer
from tests.support.tokens import assert_invalid_token, read_me

CHALLENGE = 'Bearer realm="auth-service"'
ONE_TOKEN = "Send one access token, in the Authorization header and nowhere else."
Headers = list[tuple[bytes, bytes]]
Bring = Callable[[Account], tuple[Headers, dict[str, str]]]


def assert_not_authenticated(response: Response) -> None:
    assert_problem(response, 401, code="not_authenticated")
    assert response.headers["www-authenticate"] == CHALLENGE


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param([], id="no header"),
        pytest.param([(b"Authorization", b"")], id="an empty header"),
        pytest.param([(b"Authorization", b"Basic Og==")], id="an empty Basic pair"),
        pytest.param([(b"Authorization", b"Basic YW5uOnNlY3JldA==")], id="Basic"),
        pytest.param([(b"Authorization", b"Digest username=ann")], id="Digest"),
        pytest.param([(b"Authorization", b"DPoP a.b.c")], id="DPoP"),
        pytest.param([(b"Authorization", b"Bearers a.b.c")], id="a longer word"),
        pytest.param([(b"Authorization", b"a.b.c")], id="a token without a scheme"),
        pytest.param([(b"X-Authorization", b"Bearer a.b.c")], id="another header"),
        pytest.param([(b"Cookie", b"access_token=a.b.c")], id="a cookie"),
    ],
)
async def test_without_a_bearer_token_the_challenge_names_no_error(client: AsyncClient, headers: Headers) -> None:
    response = await client.get("/users/me", headers=headers)

    assert_not_authenticated(response)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
async def test_the_scheme_is_read_in_any_case(client: AsyncClient, make_user: MakeUser, scheme: str) -> None:
    account = await make_user()

    response = await client.get("/users/me", headers={"Authorization": f"{scheme}  {account.token} "})

    assert response.status_code == 200


async def test_a_token_in_the_query_alone_is_not_read(client: AsyncClient, make_user: MakeUser) -> None:
    account = await make_user()

    response = await client.get("/users/me", params={"access_token": account.token})

    assert_not_authenticated(response)


async def test_a_token_in_the_body_alone_is_not_read(client: AsyncClient, make_user: MakeUser) -> None:
    account = await make_user()

    response = await client.request("GET", "/users/me", data={"access_token": account.token})

    assert_not_authenticated(response)


def _in_the_query_too(account: Account) -> tuple[Headers, dict[str, str]]:
    return _headers(account.token), {"access_token": account.token}


def _another_in_the_query(account: Account) -> tuple[Headers, dict[str, str]]:
    return _headers(account.token), {"access_token": "a.b.c"}


def _nothing_in_the_query(account: Account) -> tuple[Headers, dict[str, str]]:
    return _headers(account.token), {"access_token": ""}


def _twice(account: Account) -> tuple[Headers, dict[str, str]]:
    return _headers(account.token, account.token), {}


def _a_bad_one_first(account: Account) -> tuple[Headers, dict[str, str]]:
    return _headers("a.b.c", account.token), {}


def _beside_basic(account: Account) -> tuple[Headers, dict[str, str]]:
    return [*_headers(account.token), (b"Authorization", b"Basic Og==")], {}


def _headers(*tokens: str) -> Headers:
    return [(b"Authorization", f"Bearer {token}".encode()) for token in tokens]


@pytest.mark.parametrize(
    "bring",
    [_in_the_query_too, _another_in_the_query, _nothing_in_the_query, _twice, _a_bad_one_first, _beside_basic],
)
async def test_two_ways_at_once_are_a_bad_request(client: AsyncClient, make_user: MakeUser, bring: Bring) -> None:
    headers, params = bring(await make_user())

    response = await client.get("/users/me", headers=headers, params=params)

    assert_problem(response, 400, code="invalid_request")
    assert response.json()["detail"] == ONE_TOKEN
    assert response.headers["www-authenticate"] == (
        f'{CHALLENGE}, error="invalid_request", error_description="{ONE_TOKEN}"'
    )


async def test_a_route_that_strangers_may_use_still_refuses_a_bad_token(service: Service) -> None:
    new_user = {"email": "ann@example.com", "password": "correct horse battery staple"}

    response = await service.client.post("/users", json=new_user, headers={"Authorization": "Bearer a.b.c"})

    assert_invalid_token(response)
    assert (await service.sign_in("ann@example.com")).status_code == 400


async def test_a_route_that_strangers_may_use_knows_who_is_calling(service: Service, make_admin: MakeUser) -> None:
    admin = await make_admin()
    new_user = {"email": "ann@example.com", "is_active": False}

    response = await service.client.post("/users", json=new_user, headers=bearer(admin))

    assert response.status_code == 201
    assert response.json()["is_active"] is False


async def test_an_administrators_route_is_closed_to_others_by_its_guard(service: Service, make_user: MakeUser) -> None:
    account = await make_user()

    response = await service.client.get("/users", headers=bearer(account))

    assert_problem(response, 403, code="permission_denied")
    assert response.headers["www-authenticate"] == f'{CHALLENGE}, error="insufficient_scope"'
    assert (await service.audit_events())[-1].detail == {"code": "permission_denied", "action": "user.administer"}


async def test_an_administrators_route_is_open_to_an_administrator(client: AsyncClient, make_admin: MakeUser) -> None:
    admin = await make_admin()

    response = await client.get("/users", headers=bearer(admin))

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("route", "granted", "needed"),
    [
        pytest.param("GET /users/me", "profile:write", "profile:read", id="reading the account"),
        pytest.param("PATCH /users/me", "profile:read", "profile:write", id="changing the account"),
        pytest.param("GET /items", "items:write", "items:read", id="reading items"),
        pytest.param("POST /items", "items:read", "items:write", id="creating an item"),
        pytest.param("GET /users", "profile:read profile:write", "admin", id="searching users"),
        pytest.param("DELETE /users/{id}", "profile:write items:write", "admin", id="deleting a user"),
        pytest.param("POST /users", "profile:write", "admin", id="creating a user"),
    ],
)
async def test_a_narrowed_token_is_refused_and_told_which_scope_it_lacks(
    service: Service, make_admin: MakeUser, route: str, granted: str, needed: str
) -> None:
    method, path = route.split()
    admin = await service.sign_in_again(await make_admin(), scope=granted)
    body = {"/items": {"title": "A blue bicycle"}, "/users": {"email": "bob@example.com"}}.get(path, {})

    response = await service.client.request(
        method, path.format(id=admin.id), headers=bearer(admin), json=None if method == "GET" else body
    )

    assert_problem(response, 403, code="insufficient_scope")
    assert response.json()["detail"] == f"This token does not have the scope {needed}."
    assert response.headers["www-authenticate"] == f'{CHALLENGE}, error="insufficient_scope", scope="{needed}"'


async def test_the_refused_token_is_in_the_log_with_its_reason_and_never_itself(
    service: Service, make_user: MakeUser, capsys: pytest.CaptureFixture[str]
) -> None:
    account = await make_user()
    broken = account.token[:-4]

    await read_me(service, broken)

    written = capsys.readouterr().out
    assert "access_token.refused" in written
    assert account.token.rpartition(".")[0] not in written


async def test_the_log_says_that_the_key_of_a_token_is_gone(service: Service) -> None:
    ann = await service.make_user()
    header = {**read_segment(ann.token, 0), "kid": "gone"}
    token = ".".join([encode(header), *ann.token.split(".")[1:]])

    with capture_logs() as logs:
        answer = await service.client.get("/users/me", headers={"Authorization": f"Bearer {token}"})

    reasons = [entry["reason"] for entry in logs if entry["event"] == "access_token.refused"]
    assert (answer.status_code, reasons) == (401, ["unknown key: revoked, retired long ago, or never one of ours"])

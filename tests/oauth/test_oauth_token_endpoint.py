"""What the token endpoint refuses, and how (RFC 6749 section 5.2)."""

from collections.abc import AsyncIterator

import pytest

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID
from tests.support.oauth import FORM_TYPE, assert_oauth_error
from tests.support.service import PASSWORD, Service, running_service
from tests.support.settings import make_settings

GOOD = {"grant_type": "password", "username": "ann", "password": PASSWORD}
Form = dict[str, str | list[str]]
pytestmark = pytest.mark.usefixtures("ann")


@pytest.fixture(scope="module")
async def ann(started_service: Service) -> AsyncIterator[None]:
    await started_service.make_user(username="ann")
    yield
    await started_service.empty()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        pytest.param({"grant_type": []}, "invalid_request", id="no grant type"),
        pytest.param({"grant_type": ""}, "invalid_request", id="an empty grant type"),
        pytest.param({"grant_type": ["password", "password"]}, "invalid_request", id="two grant types"),
        pytest.param({"grant_type": "Password"}, "unsupported_grant_type", id="a grant type in another case"),
        pytest.param({"grant_type": "refresh_token"}, "invalid_request", id="no refresh token"),
        pytest.param({"grant_type": "client_credentials"}, "unauthorized_client", id="client credentials"),
        pytest.param({"grant_type": "authorization_code"}, "unsupported_grant_type", id="authorization code"),
        pytest.param({"grant_type": "<script>"}, "unsupported_grant_type", id="a hostile grant type"),
        pytest.param({"username": []}, "invalid_request", id="no username"),
        pytest.param({"username": ""}, "invalid_request", id="an empty username"),
        pytest.param({"username": ["ann", "bob"]}, "invalid_request", id="two usernames"),
        pytest.param({"password": []}, "invalid_request", id="no password"),
        pytest.param({"password": ""}, "invalid_request", id="an empty password"),
        pytest.param({"password": ["", PASSWORD]}, "invalid_request", id="an empty password and a good one"),
        pytest.param({"password": "x" * 257}, "invalid_request", id="a password of 257 characters"),
        pytest.param({"scope": "everything"}, "invalid_scope", id="an unknown scope"),
        pytest.param({"scope": "profile:read everything"}, "invalid_scope", id="a known scope and an unknown one"),
        pytest.param({"scope": "Profile:read"}, "invalid_scope", id="a scope in another case"),
        pytest.param({"scope": "profile:read,items:read"}, "invalid_scope", id="scopes with a comma"),
        pytest.param({"scope": " "}, "invalid_scope", id="a scope that names none"),
        pytest.param({"scope": ["profile:read", "items:read"]}, "invalid_request", id="two scope parameters"),
        pytest.param({"scope": "admin"}, "invalid_scope", id="admin for somebody who is none"),
        pytest.param({"scope": "profile:read admin"}, "invalid_scope", id="admin among others"),
        pytest.param({"resource": "https://orders.example.com"}, "invalid_target", id="an unknown resource"),
        pytest.param({"resource": "not a URL"}, "invalid_target", id="a resource that is no URL"),
        pytest.param({"resource": ["a", "b"]}, "invalid_request", id="two resources"),
        pytest.param({"unknown": ["1", "2"]}, "invalid_request", id="an unknown parameter, twice"),
        pytest.param({"client_id": "client_x", "client_secret": "s"}, "invalid_client", id="an unknown client"),
        pytest.param({"client_id": "client_x"}, "invalid_client", id="an unknown public client"),
        pytest.param({"client_secret": "s"}, "invalid_client", id="a secret alone"),
        pytest.param({"client_id": FIRST_PARTY_CLIENT_ID, "client_secret": "s"}, "invalid_client", id="a wrong secret"),
        pytest.param({"client_id": FIRST_PARTY_CLIENT_ID.upper()}, "invalid_client", id="a client in another case"),
        pytest.param({"client_id": "client_x", "grant_type": []}, "invalid_client", id="the client comes first"),
    ],
)
async def test_a_form_is_refused(started_service: Service, changes: Form, error: str) -> None:
    response = await started_service.client.post("/oauth/token", data={**GOOD, **changes})

    assert_oauth_error(response, error, status=401 if error == "invalid_client" else 400)


_QUERY = "grant_type=password&username=ann&password=correct+horse+battery+staple"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        pytest.param("application/json", b'{"grant_type":"password"}', id="JSON"),
        pytest.param("application/json", _QUERY.encode(), id="a form that says it is JSON"),
        pytest.param("text/plain", _QUERY.encode(), id="a form that says it is text"),
        pytest.param(f"{FORM_TYPE}x", _QUERY.encode(), id="a form of almost the right type"),
        pytest.param("", _QUERY.encode(), id="a form that does not say so"),
        pytest.param(FORM_TYPE, b'{"grant_type":"password"}', id="JSON that says it is a form"),
        pytest.param(FORM_TYPE, b"", id="nothing"),
        pytest.param(FORM_TYPE, b"&&&", id="separators"),
        pytest.param(FORM_TYPE, b"&".join(b"a%d=1" % number for number in range(2000)), id="2000 fields"),
        pytest.param(FORM_TYPE, _QUERY.encode() + b"&username=ann", id="a parameter repeated"),
    ],
)
async def test_another_body_is_refused(started_service: Service, content_type: str, body: bytes) -> None:
    headers = {"Content-Type": content_type} if content_type else {}

    response = await started_service.client.post("/oauth/token", content=body, headers=headers)

    assert_oauth_error(response, "invalid_request")


async def test_a_multipart_form_is_refused(started_service: Service) -> None:
    parts = {name: (None, text) for name, text in GOOD.items()}

    response = await started_service.client.post("/oauth/token", files=parts)

    assert_oauth_error(response, "invalid_request")


@pytest.mark.parametrize("body", [{}, {"grant_type": "password"}], ids=["all of it", "most of it"])
async def test_parameters_in_the_query_are_not_read(started_service: Service, body: dict[str, str]) -> None:
    headers = {"Content-Type": FORM_TYPE}

    response = await started_service.client.post(f"/oauth/token?{_QUERY}", data=body, headers=headers)

    assert_oauth_error(response, "invalid_request")


@pytest.mark.parametrize("content_type", [f"{FORM_TYPE}; charset=UTF-8", FORM_TYPE.upper(), f" {FORM_TYPE} ;"])
async def test_the_type_of_a_form_is_read_as_http_says(started_service: Service, content_type: str) -> None:

    response = await started_service.client.post(
        "/oauth/token", content=_QUERY.encode(), headers={"Content-Type": content_type}
    )

    assert response.status_code == 200


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE"])
async def test_only_post_gets_tokens(started_service: Service, method: str) -> None:
    response = await started_service.client.request(method, "/oauth/token")

    assert response.status_code == 405
    assert response.headers["allow"] == "POST"
    assert response.headers["cache-control"] == "no-store"
    assert response.json()["error"] == "invalid_request"


async def test_the_password_grant_can_be_switched_off(migrated_database: str) -> None:
    async with running_service(make_settings(migrated_database, oauth={"password_grant": False})) as service:
        response = await service.sign_in("ann@example.com")

    assert_oauth_error(response, "unsupported_grant_type")


async def test_nothing_of_the_request_is_reflected(started_service: Service) -> None:
    marks = {name: f"mark-{name}" for name in ("grant_type", "username", "password", "scope", "resource")}

    response = await started_service.client.post("/oauth/token", data=marks)

    assert "mark-" not in response.text
    assert "mark-" not in str(response.headers)

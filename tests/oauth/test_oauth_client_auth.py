"""Which client asks for tokens, and how it proves that (RFC 6749 section 2.3)."""

from collections.abc import AsyncIterator

import pytest

from auth_service.clients.models import FIRST_PARTY_CLIENT_ID
from tests.support.oauth import assert_oauth_error, basic
from tests.support.service import PASSWORD, Service

GOOD = {"grant_type": "password", "username": "ann", "password": PASSWORD}
Form = dict[str, str | list[str]]
pytestmark = pytest.mark.usefixtures("ann")


@pytest.fixture(scope="module")
async def ann(started_service: Service) -> AsyncIterator[None]:
    await started_service.make_user(username="ann")
    yield
    await started_service.empty()


@pytest.mark.parametrize(
    ("headers", "form", "error"),
    [
        pytest.param(basic("client_x:secret"), {}, "invalid_client", id="an unknown client"),
        pytest.param(basic("client_x:"), {}, "invalid_client", id="an unknown public client"),
        pytest.param(basic(":secret"), {}, "invalid_client", id="a secret alone"),
        pytest.param(basic(f"{FIRST_PARTY_CLIENT_ID}:secret"), {}, "invalid_client", id="a wrong secret"),
        pytest.param(basic("no colon"), {}, "invalid_client", id="no colon"),
        pytest.param(basic(""), {}, "invalid_client", id="nothing encoded"),
        pytest.param({"Authorization": "Basic"}, {}, "invalid_client", id="nothing"),
        pytest.param({"Authorization": "Basic ???"}, {}, "invalid_client", id="no base64"),
        pytest.param({"Authorization": "Basic Og"}, {}, "invalid_client", id="base64 without its padding"),
        pytest.param({"Authorization": "Basic /zo="}, {}, "invalid_client", id="invalid UTF-8"),
        pytest.param({"Authorization": "Bearer a.b.c"}, {}, "invalid_client", id="a bearer token"),
        pytest.param({"Authorization": "ann"}, {}, "invalid_client", id="no scheme"),
        pytest.param(basic("client_x:s"), {"client_id": "client_x"}, "invalid_client", id="the same client twice"),
        pytest.param(basic("client_x:s"), {"client_id": "client_y"}, "invalid_request", id="two clients"),
        pytest.param(basic("client_x:s"), {"client_secret": "s"}, "invalid_request", id="a secret in two ways"),
        pytest.param(
            basic("client_x:s"),
            {"client_id": "client_x", "client_secret": "s"},
            "invalid_request",
            id="the same client in two ways",
        ),
    ],
)
async def test_a_client_is_refused(started_service: Service, headers: dict[str, str], form: Form, error: str) -> None:

    response = await started_service.client.post("/oauth/token", data={**GOOD, **form}, headers=headers)

    assert_oauth_error(response, error, status=401 if error == "invalid_client" else 400)


@pytest.mark.parametrize("second", ["Basic Og==", "Bearer a.b.c", ""])
async def test_two_authorization_headers_are_refused(started_service: Service, second: str) -> None:
    headers = [("Authorization", "Basic Og=="), ("Authorization", second)]

    response = await started_service.client.post("/oauth/token", data=GOOD, headers=headers)

    assert_oauth_error(response, "invalid_request")


@pytest.mark.parametrize(
    ("headers", "form"),
    [
        pytest.param({}, {}, id="nothing"),
        pytest.param({}, {"client_id": "", "client_secret": ""}, id="empty fields"),
        pytest.param({}, {"client_id": FIRST_PARTY_CLIENT_ID}, id="its name"),
        pytest.param({}, {"client_id": FIRST_PARTY_CLIENT_ID, "client_secret": ""}, id="its name, an empty secret"),
        pytest.param({"Authorization": "Basic Og=="}, {}, id="an empty Basic pair"),
        pytest.param({"Authorization": "basic  Og== "}, {}, id="an empty Basic pair, loosely"),
        pytest.param({"Authorization": "Basic Og=="}, {"client_id": FIRST_PARTY_CLIENT_ID}, id="both"),
        pytest.param(basic(f"{FIRST_PARTY_CLIENT_ID}:"), {}, id="its name by Basic"),
        pytest.param(basic("client%5Ffirst%5Fparty:"), {}, id="its name by Basic, form-encoded"),
        pytest.param(basic(f"{FIRST_PARTY_CLIENT_ID}:"), {"client_id": FIRST_PARTY_CLIENT_ID}, id="its name twice"),
    ],
)
async def test_the_first_party_client_is_meant_by(
    started_service: Service, headers: dict[str, str], form: Form
) -> None:

    response = await started_service.client.post("/oauth/token", data={**GOOD, **form}, headers=headers)

    assert response.status_code == 200, response.text

"""What a token has to say, signed as it may be, and what is made of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth_service_client.access_token import AccessToken
from auth_service_client.errors import InvalidTokenError
from auth_service_client.testing import AUDIENCE, LocalIssuer
from client_support import StandingClock, core_of

ISSUER = LocalIssuer()
TEXTS = ("iss", "sub", "jti", "client_id", "sid")
NOT_A_TEXT: tuple[Any, ...] = (None, "", 1, True, ["x"], {"x": "y"})
NOT_A_NUMBER: tuple[Any, ...] = ("1790000000", 1790000000.5, True, [], {}, float("inf"), float("nan"), 1e400)
NOT_A_LIST: tuple[Any, ...] = ("pwd", [1], 1, {})
NOT_OUR_AUDIENCE: tuple[Any, ...] = (None, AUDIENCE, "", [], ["x"], [AUDIENCE, 1], {AUDIENCE: 1})

WRONG: dict[str, dict[str, Any]] = {
    **{f"{name} {value!r}": {name: value} for name in TEXTS for value in NOT_A_TEXT},
    **{f"{name} {value!r}": {name: value} for name in ("exp", "iat", "auth_time", "nbf") for value in NOT_A_NUMBER},
    **{f"aud {value!r}": {"aud": value} for value in NOT_OUR_AUDIENCE},
    **{f"{name} {value!r}": {name: value} for name in ("amr", "roles") for value in NOT_A_LIST},
    **{f"acr {value!r}": {"acr": value} for value in (2, ["aal2"], "")},
    **{f"scope {value!r}": {"scope": value} for value in (None, ["orders:read"], 1)},
    "exp missing": {"exp": None},
    "iat missing": {"iat": None},
    "another issuer": {"iss": "https://elsewhere.example.com"},
    "the issuer with a slash": {"iss": ISSUER.url + "/"},
    "the issuer in capitals": {"iss": ISSUER.url.upper()},
    "an audience that begins like ours": {"aud": [AUDIENCE + ".evil.example"]},
    "an audience in capitals": {"aud": [AUDIENCE.upper()]},
    "exp beyond all calendars": {"exp": 10**18},
    "exp of five hundred digits": {"exp": 10**500},
    "iat before all calendars": {"iat": -(10**18)},
    "half a character": {"sid": "\ud800"},
}


def verified(**claims: Any) -> AccessToken:
    clock = StandingClock()
    return core_of(ISSUER, clock, follow_revocations=False).verify(ISSUER.token(**claims))


@pytest.mark.parametrize("claims", [pytest.param(claims, id=name) for name, claims in WRONG.items()])
def test_a_claim_that_the_service_does_not_issue_is_refused(claims: dict[str, Any]) -> None:
    with pytest.raises(InvalidTokenError):
        verified(**claims)


@pytest.mark.parametrize(
    ("claims", "accepted"),
    [
        pytest.param({"exp": -29}, True, id="expired within the leeway"),
        pytest.param({"exp": -31}, False, id="expired"),
        pytest.param({"iat": 29}, True, id="issued within the leeway"),
        pytest.param({"iat": 32}, False, id="issued in the future"),
        pytest.param({"nbf": 29}, True, id="good within the leeway"),
        pytest.param({"nbf": 32}, False, id="good only later"),
    ],
)
def test_times_have_a_leeway_and_no_more(claims: dict[str, int], *, accepted: bool) -> None:
    clock = StandingClock()
    core = core_of(ISSUER, clock, follow_revocations=False)
    clock.now = clock.now._replace(wall=float(int(clock.now.wall)) + 0.5)
    times: dict[str, Any] = {name: int(clock.now.wall) + offset for name, offset in claims.items()}
    token = ISSUER.token(**times)

    if accepted:
        core.verify(token)
    else:
        with pytest.raises(InvalidTokenError):
            core.verify(token)


def test_a_persons_token_says_all_that_the_service_vouches_for() -> None:
    now = int(datetime.now(UTC).timestamp())
    moment = datetime.fromtimestamp(now, UTC)
    claims = {"iat": now, "exp": now + 600, "auth_time": now - 5, "sid": "s", "jti": "j", "client_id": "client_x"}

    token = verified(subject="ann", scopes="a b", roles=["admin"], aud=[AUDIENCE, "other"], **claims)

    assert token == AccessToken(
        subject="ann",
        client_id="client_x",
        session_id="s",
        token_id="j",
        audiences=(AUDIENCE, "other"),
        scopes=frozenset({"a", "b"}),
        issued_at=moment,
        expires_at=moment + timedelta(seconds=600),
        authenticated_at=moment - timedelta(seconds=5),
        amr=("pwd",),
        roles=("admin",),
        acr="aal1",
    )
    assert (token.is_person, token.is_service) == (True, False)


def test_a_token_of_client_credentials_is_a_services() -> None:
    core = core_of(ISSUER, StandingClock(), follow_revocations=False)

    token = core.verify(ISSUER.client_token("client_robot"))

    assert (token.subject, token.authenticated_at, token.amr) == ("client_robot", None, ())
    assert (token.is_person, token.is_service) == (False, True)


@pytest.mark.parametrize(
    "claims",
    [
        pytest.param({"auth_time": None, "amr": None}, id="a person's id without a sign-in"),
        pytest.param({"sub": "x", "client_id": "x"}, id="a client that signed in like a person"),
    ],
)
def test_what_is_neither_is_neither(claims: dict[str, Any]) -> None:
    token = verified(**claims)

    assert (token.is_person, token.is_service) == (False, False)

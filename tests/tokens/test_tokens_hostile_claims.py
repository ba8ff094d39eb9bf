"""Tokens that are signed well and say what this service never says: each is refused like any other bad token."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from tests.support.forgery import ABSENT, Forger
from tests.support.service import Service
from tests.support.settings import ISSUER
from tests.support.statements import watched_statements
from tests.support.tokens import assert_invalid_token, read_me

LEEWAY = 30
REQUIRED = ("iss", "sub", "aud", "exp", "iat", "jti", "client_id", "scope", "sid", "auth_time", "amr")


@pytest.fixture(scope="module")
async def forger(started_service: Service) -> AsyncIterator[Forger]:
    yield Forger(started_service, await started_service.make_user())
    await started_service.empty()


def in_seconds(seconds: int) -> int:
    return int(datetime.now(UTC).timestamp()) + seconds


WRONG: dict[str, tuple[str, Any]] = {
    **{f"{claim} missing": (claim, ABSENT) for claim in REQUIRED},
    **{f"{claim} null": (claim, None) for claim in REQUIRED},
    "iss of somebody else": ("iss", "https://evil.example.com"),
    "iss with a slash more": ("iss", f"{ISSUER}/"),
    "iss in capitals": ("iss", ISSUER.upper()),
    "iss a list": ("iss", [ISSUER]),
    "aud of another service": ("aud", ["https://orders.example.com"]),
    "aud empty": ("aud", []),
    "aud an object": ("aud", {ISSUER: True}),
    "aud numbers": ("aud", [1]),
    "aud part of ours": ("aud", ISSUER[:-1]),
    "sub no UUID": ("sub", "ann@example.com"),
    "sub empty": ("sub", ""),
    "sub a number": ("sub", 1),
    "sub a list": ("sub", [str(uuid4())]),
    "sub SQL": ("sub", "' OR '1'='1' --"),
    "exp text": ("exp", "tomorrow"),
    "exp zero": ("exp", 0),
    "exp negative": ("exp", -1),
    "exp infinite": ("exp", float("inf")),
    "exp not a number": ("exp", float("nan")),
    "exp a list": ("exp", [9999999999]),
    "iat text": ("iat", "now"),
    "iat infinite": ("iat", float("inf")),
    "iat an object": ("iat", {}),
    "jti a number": ("jti", 7),
    "client_id a number": ("client_id", 7),
    "client_id a list": ("client_id", ["client_first_party"]),
    "scope a list": ("scope", ["profile:read"]),
    "scope a number": ("scope", 7),
    "auth_time text": ("auth_time", "now"),
    "auth_time infinite": ("auth_time", float("inf")),
    "auth_time beyond the calendar": ("auth_time", 10**18),
    "auth_time a list": ("auth_time", [1]),
    "sid no UUID": ("sid", "3f6c"),
    "sid empty": ("sid", ""),
    "sid a number": ("sid", 7),
    "sid a list": ("sid", [str(uuid4())]),
    "aud a text": ("aud", ISSUER),
    "amr text": ("amr", "pwd"),
    "amr a number": ("amr", 1),
    "acr a number": ("acr", 2),
    "acr a list": ("acr", ["aal2"]),
    "acr null": ("acr", None),
    "roles text": ("roles", "admin"),
    "roles null": ("roles", None),
    "roles a number": ("roles", 1),
    "nbf text": ("nbf", "now"),
}


@pytest.mark.parametrize(("claim", "content"), [pytest.param(*row, id=name) for name, row in WRONG.items()])
async def test_a_token_with_a_wrong_claim_is_refused_without_a_look_at_anything(
    forger: Forger, claim: str, content: Any
) -> None:
    token = forger.sign(claims=forger.claims(**{claim: content}))

    with watched_statements(forger.service) as statements:
        response = await read_me(forger.service, token)

    assert_invalid_token(response)
    assert statements == []


@pytest.mark.parametrize(
    ("claim", "seconds"),
    [
        pytest.param("exp", -LEEWAY - 1, id="expired beyond the leeway"),
        pytest.param("iat", LEEWAY + 10, id="issued in the future beyond the leeway"),
        pytest.param("nbf", LEEWAY + 10, id="not yet valid beyond the leeway"),
    ],
)
async def test_a_token_out_of_its_time_is_refused(forger: Forger, claim: str, seconds: int) -> None:
    token = forger.sign(claims=forger.claims(**{claim: in_seconds(seconds)}))

    with watched_statements(forger.service) as statements:
        response = await read_me(forger.service, token)

    assert_invalid_token(response)
    assert statements == []


@pytest.mark.parametrize(
    ("claim", "seconds"),
    [
        pytest.param("exp", -LEEWAY + 15, id="expired within the leeway"),
        pytest.param("iat", LEEWAY - 5, id="issued in the future within the leeway"),
        pytest.param("nbf", LEEWAY - 5, id="not yet valid within the leeway"),
    ],
)
async def test_clocks_may_be_apart_by_the_leeway(forger: Forger, claim: str, seconds: int) -> None:
    token = forger.sign(claims=forger.claims(**{claim: in_seconds(seconds)}))

    response = await read_me(forger.service, token)

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("claim", "content"),
    [
        pytest.param("sub", str(uuid4()), id="sub of nobody"),
        pytest.param("sub", "00000000-0000-0000-0000-000000000000", id="sub nil"),
        pytest.param("sub", "client_first_party", id="sub of the client"),
        pytest.param("sid", str(uuid4()), id="sid of nothing"),
        pytest.param("client_id", "client_of_somebody_else", id="another client"),
    ],
)
async def test_the_account_gate_gives_the_same_answer(forger: Forger, claim: str, content: Any) -> None:
    token = forger.sign(claims=forger.claims(**{claim: content}))

    response = await read_me(forger.service, token)

    assert_invalid_token(response)


async def test_an_unknown_scope_in_a_token_allows_nothing(forger: Forger) -> None:
    token = forger.sign(claims=forger.claims(scope="everything profile:Read"))

    response = await read_me(forger.service, token)

    assert response.status_code == 403
    assert response.json()["code"] == "insufficient_scope"


async def test_a_claim_that_nobody_knows_yet_is_no_reason_to_refuse(forger: Forger) -> None:
    token = forger.sign(claims=forger.claims(cnf={"jkt": "3f6c"}))

    response = await read_me(forger.service, token)

    assert response.status_code == 200

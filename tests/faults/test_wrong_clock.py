"""A replica whose clock is three minutes off: what it says of time is refused, and nothing else depends on it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from glob import glob

import httpx
import pytest
from structlog.testing import capture_logs

from auth_service.db.clock import read_clock_offset
from auth_service.wiring.parts import utc_now
from auth_service.wiring.runtime import Runtime
from tests.support.commands import Operator
from tests.support.databases import Databases
from tests.support.ports import free_port
from tests.support.replicas import EMAIL, PASSWORD
from tests.support.settings import NO_LIMITS_BY_VARIABLE, make_settings

OFF_SECONDS = 180
Replicas = tuple[httpx.Client, httpx.Client]
FORM = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}


@pytest.fixture
def url(databases: Databases) -> str:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return databases.migrated("postgresql")


@pytest.mark.parametrize("seconds", [OFF_SECONDS, -OFF_SECONDS, 20, 0])
async def test_a_clock_that_is_off_by_more_than_the_leeway_is_said_to_be(url: str, seconds: int) -> None:
    async with Runtime(make_settings(url), clock=lambda: utc_now() + timedelta(seconds=seconds)) as runtime:
        with capture_logs() as logs:
            await runtime.check_clock()
        async with runtime.database.transaction(writing=False) as session:
            offset = await read_clock_offset(session, runtime.clock)

    said = [line for line in logs if line["event"] == "clock.off"]
    assert len(said) == (1 if abs(seconds) > 30 else 0)
    assert [abs(line["seconds"] - seconds) <= 2 for line in said] == [True] * len(said)
    assert abs(offset.total_seconds() - seconds) <= 2


def _off_by(seconds: int) -> dict[str, str]:
    """Return what makes a program believe that it is later, or earlier."""
    found = sorted(glob("/usr/lib/*/faketime/libfaketime.so.1"))  # noqa: PTH207 - one pattern over several folders
    if not found:
        pytest.skip("libfaketime is not installed")
    return {"LD_PRELOAD": found[0], "FAKETIME": f"{seconds:+d}s", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}


@contextmanager
def _replica(operator: Operator, **changes: str) -> Iterator[httpx.Client]:
    port = free_port()
    with operator.start("serve", "--port", str(port), **NO_LIMITS_BY_VARIABLE, **changes) as program:
        program.ready("service.ready")
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            yield client


@pytest.fixture(params=[OFF_SECONDS, -OFF_SECONDS], ids=["ahead", "behind"])
def replicas(request: pytest.FixtureRequest, operator: Operator, url: str) -> Iterator[tuple[int, Replicas]]:
    """Return by how much the second of two replicas is ahead, and both."""
    operator.environment["AUTH_DATABASE__URL"] = url
    operator.run("migrate")
    operator.run("create-admin", "--email", EMAIL, "--password-stdin", stdin=f"{PASSWORD}\n")
    with _replica(operator) as right, _replica(operator, **_off_by(request.param)) as wrong:
        yield request.param, (right, wrong)


def _sign_in(replica: httpx.Client) -> dict[str, str]:
    tokens: dict[str, str] = replica.post("/oauth/token", data=FORM).json()
    return tokens


def _me(replica: httpx.Client, tokens: dict[str, str]) -> int:
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    return replica.get("/users/me", headers=bearer).status_code


def _refresh(replica: httpx.Client, tokens: dict[str, str]) -> dict[str, str]:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    refreshed: dict[str, str] = replica.post("/oauth/token", data=form).json()
    return refreshed


def test_doctor_says_that_the_clock_is_off(operator: Operator, url: str) -> None:
    outcome = operator.execute("doctor", AUTH_DATABASE__URL=url, **_off_by(OFF_SECONDS))

    clock = next(line for line in outcome.stdout.splitlines() if line.startswith("clock"))
    assert outcome.code == 2
    assert re.search(r"TO MEND: this machine's clock is 1(79|80) s ahead of the database's", clock)


def test_only_who_is_behind_refuses_the_tokens_of_who_is_ahead(replicas: tuple[int, Replicas]) -> None:
    seconds, (right, wrong) = replicas

    by_right, by_wrong = _sign_in(right), _sign_in(wrong)

    assert (_me(right, by_right), _me(wrong, by_wrong)) == (200, 200)
    assert (_me(right, by_wrong), _me(wrong, by_right)) == ((401, 200) if seconds > 0 else (200, 401))


def test_sessions_refresh_tokens_and_keys_do_not_depend_on_it(replicas: tuple[int, Replicas]) -> None:
    _, (right, wrong) = replicas
    tokens = _sign_in(wrong)

    for replica in (right, wrong, wrong, right):
        tokens = _refresh(replica, tokens)
    signed_in = _me(right, tokens)
    key_sets = {replica.get("/.well-known/jwks.json").text for replica in (right, wrong)}
    ended = right.post("/oauth/revoke", data={"token": tokens["refresh_token"]})
    again = _refresh(wrong, tokens)

    assert (signed_in, ended.status_code) == (200, 200)
    assert again["error"] == "invalid_grant"
    assert len(key_sets) == 1

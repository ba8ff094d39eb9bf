"""Refreshes at once, over several processes: the database decides who is first, and nobody is signed out by a race."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from sqlalchemy import text

from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings
from tests.support.commands import Operator, make_operator
from tests.support.databases import Databases
from tests.support.ports import free_port
from tests.support.processes import run_commands, running_at_once

EMAIL, PASSWORD = "ann@example.com", "correct horse battery staple"
REPLICAS, AT_ONCE = 3, 60


@pytest.fixture
def operator(tmp_path: Path, databases: Databases) -> Operator:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    made = make_operator(tmp_path, databases.migrated("postgresql"))
    made.environment["AUTH_TOKENS__REFRESH_REPLAY_WINDOW"] = "PT1M"  # a slow machine has no part in this
    return made


@contextmanager
def _replicas(operator: Operator) -> Iterator[list[str]]:
    """Yield the URLs of processes that serve one database."""
    ports = [free_port() for _ in range(REPLICAS)]
    create_admin = ["create-admin", "--if-none", "--email", EMAIL, "--password-stdin"]
    commands = [[create_admin, ["serve", "--port", str(port)]] for port in ports]
    arguments = [(operator.folder, operator.environment, f"{PASSWORD}\n", each) for each in commands]
    with running_at_once(run_commands, arguments) as processes:
        for process in processes:
            process.wait_for("service.ready")
        yield [f"http://127.0.0.1:{port}" for port in ports]


def _post(urls: list[str], *forms: dict[str, str]) -> list[httpx.Response]:
    """Send all forms at once, each to the next of the processes."""

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=30) as client:
            return await asyncio.gather(
                *(
                    client.post(f"{urls[number % len(urls)]}/oauth/token", data=form)
                    for number, form in enumerate(forms)
                )
            )

    return asyncio.run(send())


def _refresh(urls: list[str], token: str, *, times: int = 1) -> list[httpx.Response]:
    return _post(urls, *[{"grant_type": "refresh_token", "refresh_token": token}] * times)


def _successors(answers: list[httpx.Response]) -> set[str]:
    """Return what was given; everything else has to be an orderly refusal."""
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(answer.status_code, answer.json()["error"]) for answer in refused} <= {(400, "invalid_grant")}
    return {answer.json()["refresh_token"] for answer in answers if answer.status_code == 200}


def _query(operator: Operator, *statements: str) -> list[tuple[object, ...]]:
    """Execute the statements and return the rows of the last one."""

    async def execute() -> list[tuple[object, ...]]:
        database = Database(DatabaseSettings.model_validate({"url": operator.environment["AUTH_DATABASE__URL"]}))
        async with database.connection() as connection, connection.begin():
            for statement in statements:
                result = await connection.execute(text(statement))
            rows = [tuple(row) for row in result]
        await database.dispose()
        return rows

    return asyncio.run(execute())


def test_of_sixty_refreshes_at_once_over_three_processes_all_get_the_same_successor(operator: Operator) -> None:
    form = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}
    with _replicas(operator) as urls:
        first = _post(urls, form)[0].json()["refresh_token"]
        (second,) = _successors(_refresh(urls, first, times=AT_ONCE))
        (third,) = _successors(_refresh(urls, second, times=AT_ONCE))
        late = _refresh(urls, first)
        (fourth,) = _successors(_refresh(urls, third))

    assert _successors(late) == set()
    assert len({first, second, third, fourth}) == 4
    with _replicas(operator) as urls:
        again = _successors(_refresh(urls, third, times=AT_ONCE))
        (newest,) = _refresh(urls, fourth)
        live = "SELECT ended_at IS NULL, (SELECT count(*) FROM revocations) FROM sessions"
        before = _query(operator, live)
        _query(operator, "UPDATE sessions SET rotated_at = rotated_at - interval '1 minute' RETURNING id")
        reused = _refresh(urls, fourth, times=REPLICAS)
        after = _query(operator, live)
        successor, access_token = newest.json()["refresh_token"], newest.json()["access_token"]
        refused = [_refresh([url], successor)[0].json()["error"] for url in urls]
        headers = {"Authorization": f"Bearer {access_token}"}
        read = [httpx.get(f"{url}/users/me", headers=headers).status_code for url in urls]

    assert again == {fourth}
    assert _successors(reused) == set()
    assert (before, after) == ([(True, 0)], [(False, 1)])
    assert refused == ["invalid_grant"] * REPLICAS
    assert read == [401] * REPLICAS

"""Replicas that each run `migrate`, `create-admin --if-none` and `serve` at once on an empty database."""

import asyncio

import httpx
import pytest
from sqlmodel import col, select

from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings
from auth_service.tokens.models import SigningKeyRecord
from auth_service.users.models import User
from tests.support.commands import Operator, Outcome
from tests.support.processes import load_keys, running_at_once
from tests.support.replicas import EMAIL, running_replicas


async def _stored(url: str) -> tuple[list[str], list[str]]:
    """Return the states of the signing keys, and the administrators."""
    database = Database(DatabaseSettings.model_validate({"url": url}))
    async with database.transaction(writing=False) as session:
        states = (await session.exec(select(SigningKeyRecord.state).order_by("state"))).all()
        administrators = (await session.exec(select(User.email).where(col(User.is_superuser)))).all()
    await database.dispose()
    return list(states), list(administrators)


def test_replicas_that_start_at_once_agree_on_one_key_set_and_one_administrator(
    operator: Operator, empty_database: str
) -> None:
    operator.environment["AUTH_DATABASE__URL"] = empty_database
    count = 5 if empty_database.startswith("postgresql") else 2

    with running_replicas(operator, count) as replicas, httpx.Client() as client:
        ready = [client.get(f"{replica.url}/readyz").status_code for replica in replicas]
        key_sets = {client.get(f"{replica.url}/.well-known/jwks.json").content for replica in replicas}
        tokens = [replica.sign_in(client) for replica in replicas]
        accepted = {replica.read_me(client, token).status_code for replica in replicas for token in tokens}
        for replica in replicas:
            replica.process.process.terminate()
        exit_codes = [replica.process.wait() for replica in replicas]

    assert ready == [200] * count
    assert len(key_sets) == 1
    assert accepted == {200}
    assert asyncio.run(_stored(empty_database)) == (["active", "next"], [EMAIL])
    assert exit_codes == [0] * count
    for replica in replicas:
        operator.check(Outcome(0, replica.process.text, ""))


@pytest.mark.parametrize("algorithm", ["ES256", "RS256"])
def test_of_many_first_key_sets_made_at_once_one_is_stored_and_used_by_all(
    operator: Operator, migrated_database: str, algorithm: str
) -> None:
    """Here nothing else makes the processes wait for each other, as the other commands of a start do."""
    changes = {"AUTH_DATABASE__URL": migrated_database, "AUTH_TOKENS__ALGORITHM": algorithm}

    with running_at_once(load_keys, [({**operator.environment, **changes},)] * 6) as processes:
        exit_codes = [process.wait() for process in processes]

    assert exit_codes == [0] * 6, processes[0].text
    assert len({process.text for process in processes}) == 1
    assert asyncio.run(_stored(migrated_database)) == (["active", "next"], [])

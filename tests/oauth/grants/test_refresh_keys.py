"""Refresh tokens across restarts and changes of the master key; what of them is stored, and what is written down."""

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import select
from structlog.testing import capture_logs

from auth_service.db.base import Table
from tests.support.oauth import assert_oauth_error
from tests.support.service import Service, running_service
from tests.support.sessions import is_alive, next_token, refresh, refresh_events, session_row
from tests.support.settings import make_settings, new_master_key

OLD, NEW = new_master_key(), new_master_key()


@asynccontextmanager
async def _started(database: str, *master_keys: str) -> AsyncIterator[Service]:
    settings = make_settings(database, security={"master_keys": ",".join(master_keys)})
    async with running_service(settings) as service:
        yield service


@pytest.mark.parametrize(
    "keys",
    [
        pytest.param((OLD,), id="the same key"),
        pytest.param((NEW, OLD), id="a new key before the old one"),
        pytest.param((OLD, NEW), id="a new key after the old one"),
    ],
)
async def test_after_a_restart_a_replay_gives_the_same_successor(migrated_database: str, keys: tuple[str, ...]) -> None:
    async with _started(migrated_database, OLD) as service:
        ann = await service.make_user()
        successor = await next_token(service, ann.refresh_token)

    async with _started(migrated_database, *keys) as service:
        again = await next_token(service, ann.refresh_token)
        newest = await next_token(service, again)

        assert again == successor
        unknown = ("y" if ann.refresh_token.startswith("x") else "x") + ann.refresh_token[1:]
        assert_oauth_error(await refresh(service, unknown), "invalid_grant")
        assert (await refresh(service, newest)).status_code == 200
        assert await is_alive(service, ann.session_id)


async def test_a_new_key_is_used_from_the_next_rotation_on(migrated_database: str) -> None:
    async with _started(migrated_database, OLD) as service:
        ann = await service.make_user()
        successor = await next_token(service, ann.refresh_token)
        old = await session_row(service, ann.session_id)

    async with _started(migrated_database, NEW, OLD) as service:
        newest = await next_token(service, successor)
        new = await session_row(service, ann.session_id)

        assert new.derivation_key_id != old.derivation_key_id
        assert new.successor_salt != old.successor_salt
        assert await next_token(service, successor) == newest


async def test_without_the_old_key_a_replay_gets_nothing_and_the_session_stays(migrated_database: str) -> None:
    """The signing keys need the old key too, so a service that lost it does not start: a key is taken away here."""
    async with _started(migrated_database, NEW, OLD) as service:
        ann = await service.make_user()
        successor = await next_token(service, ann.refresh_token)
        new, old = service.runtime.derivation_keys.items()
        service.runtime.derivation_keys = dict([old])

        replay = await refresh(service, ann.refresh_token)

        assert_oauth_error(replay, "invalid_grant")
        refusal = {"reason": "derivation_key_gone"}
        assert await refresh_events(service) == [("refresh", "failure", refusal)]
        newest = await next_token(service, successor)
        service.runtime.derivation_keys = dict([new, old])
        assert (await refresh(service, newest)).status_code == 200
        assert await is_alive(service, ann.session_id)


async def test_no_secret_is_stored_or_logged(service: Service) -> None:
    with capture_logs() as logs:
        ann = await service.make_user()
        tokens = [ann.refresh_token, await next_token(service, ann.refresh_token)]
        tokens.append(await next_token(service, tokens[-1]))
        for token in (tokens[1], tokens[0]):
            await refresh(service, token)
        stored = await _everything_stored(service)
        await refresh(service, tokens[1], user_agent="another")
        stored += await _everything_stored(service)

    secrets = [token.partition(".")[2] for token in tokens]
    raw = [base64.urlsafe_b64decode(secret + "=") for secret in secrets]
    written = json.dumps(logs, default=repr)
    assert [secret for secret in secrets if secret in stored or secret in written] == []
    assert [one for one in raw if one.hex() in stored or repr(one) in stored or repr(one) in written] == []
    assert tokens[0].partition(".")[0] in stored  # the locator is stored, so the search finds what is there
    assert {"refresh_token.refused", "refresh_token.reused"} == {line["event"] for line in logs}


async def _everything_stored(service: Service) -> str:
    """Return every row of every table, as text, with binary columns both as they are and in hexadecimal."""
    rows: list[str] = []
    async with service.runtime.database.engine.connect() as connection:
        for table in Table.metadata.sorted_tables:
            for row in (await connection.execute(select(table))).all():
                rows += [value.hex() if isinstance(value, bytes) else "" for value in row]
                rows.append(repr(tuple(row)))
    return "\n".join(rows)

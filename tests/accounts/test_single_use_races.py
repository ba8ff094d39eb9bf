"""One-time tokens used many times at once, over several processes: one use succeeds."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import pytest
from sqlmodel import select

from auth_service.accounts.models import PendingRegistration
from auth_service.accounts.pending_repository import PendingRegistrationRepository
from auth_service.authenticators.single_use import Purpose, digest_one_time_token, new_one_time_token
from auth_service.authenticators.single_use_repository import SingleUseTokenRepository
from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings
from auth_service.users.models import User
from tests.support.commands import Operator, make_operator
from tests.support.databases import Databases
from tests.support.replicas import EMAIL, PASSWORD, Replica, running_replicas
from tests.support.settings import NO_LIMITS_BY_VARIABLE

REPLICAS, AT_ONCE = 3, 20
LIFETIME = timedelta(hours=1)
PATHS: Mapping[Purpose, str] = {
    Purpose.VERIFY_EMAIL: "/email-verifications/confirm",
    Purpose.CONFIRM_REGISTRATION: "/email-verifications/confirm",
    Purpose.CHANGE_EMAIL: "/users/me/email/confirm",
    Purpose.RECOVER_PASSWORD: "/password-recoveries/confirm",
    Purpose.ACCEPT_INVITATION: "/password-recoveries/confirm",
}
BODIES: Mapping[Purpose, dict[str, str]] = {
    Purpose.VERIFY_EMAIL: {"password": PASSWORD},
    Purpose.CONFIRM_REGISTRATION: {"password": PASSWORD},
    Purpose.CHANGE_EMAIL: {},
    Purpose.RECOVER_PASSWORD: {"new_password": "a much better passphrase"},
    Purpose.ACCEPT_INVITATION: {"new_password": "yet another passphrase"},
}


@pytest.fixture
def operator(tmp_path: Path, databases: Databases) -> Operator:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    made = make_operator(tmp_path, databases.migrated("postgresql"))
    made.environment.update(NO_LIMITS_BY_VARIABLE)
    made.environment["AUTH_DATABASE__CONNECT_TIMEOUT"] = "PT20S"  # machines that test are busy
    return made


async def _store(url: str, purpose: Purpose) -> str:
    """Store a token of the administrator, or of an attempt to register with the administrator's password."""
    token = new_one_time_token(purpose)
    digest = digest_one_time_token(token, purpose)
    database = Database(DatabaseSettings.model_validate({"url": url}))
    async with database.transaction(writing=True) as session:
        user = (
            (await session.exec(select(User).where(User.is_superuser))).one()
            if purpose is not Purpose.CONFIRM_REGISTRATION
            else None
        )
        if user is not None:
            email = "new@example.com" if purpose is Purpose.CHANGE_EMAIL else user.email
            tokens = SingleUseTokenRepository(session)
            await tokens.replace(user, purpose=purpose, digest=digest, email=email, lifetime=LIFETIME)
        else:
            hashes = (await session.exec(select(User.hashed_password).where(User.email == EMAIL))).one()
            now = datetime.now(UTC)
            attempt = PendingRegistration(
                digest=digest,
                email="other@example.com",
                email_normalized="other@example.com",
                hashed_password=str(hashes),
                created_at=now,
                expires_at=now,
            )
            await PendingRegistrationRepository(session).add(attempt, lifetime=LIFETIME)
    await database.dispose()
    return token


async def _use(replicas: list[Replica], purpose: Purpose, token: str, access_token: str) -> list[httpx.Response]:
    headers = {"Authorization": f"Bearer {access_token}"} if purpose is Purpose.CHANGE_EMAIL else {}
    body = {"token": token, **BODIES[purpose]}
    async with httpx.AsyncClient(timeout=30, headers=headers) as client:
        urls = [replicas[number % REPLICAS].url + PATHS[purpose] for number in range(AT_ONCE)]
        return await asyncio.gather(*(client.post(url, json=body) for url in urls))


async def _users(url: str) -> list[tuple[UUID, int]]:
    database = Database(DatabaseSettings.model_validate({"url": url}))
    async with database.transaction(writing=False) as session:
        found = [(user.id, user.credential_epoch) for user in (await session.exec(select(User))).all()]
    await database.dispose()
    return found


def test_of_twenty_uses_of_each_token_at_once_over_three_processes_one_succeeds(operator: Operator) -> None:
    url = operator.environment["AUTH_DATABASE__URL"]
    answers = {}
    with running_replicas(operator, REPLICAS) as replicas:
        with httpx.Client(timeout=30) as client:
            access_token = replicas[0].sign_in(client)
        for purpose in sorted(PATHS, key=lambda purpose: purpose is not Purpose.CONFIRM_REGISTRATION):
            token = asyncio.run(_store(url, purpose))
            answers[purpose] = asyncio.run(_use(replicas, purpose, token, access_token))

    codes = {purpose: [answer.status_code for answer in given] for purpose, given in answers.items()}
    assert {purpose: given.count(204) for purpose, given in codes.items()} == dict.fromkeys(PATHS, 1)
    assert {code for given in codes.values() for code in given} <= {204, 401, 403}
    assert sorted(epoch for _, epoch in asyncio.run(_users(url))) == [1, 4]

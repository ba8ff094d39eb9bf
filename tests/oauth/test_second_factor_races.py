"""Second factors used at once, over several processes: the database decides which one counts, and no other does."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx
import pytest
from sqlmodel import select

from auth_service.audit.models import AuditRecord
from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings
from tests.support.commands import Operator, make_operator
from tests.support.databases import Databases
from tests.support.replicas import EMAIL, PASSWORD, running_replicas
from tests.support.second_factor import GRANT_TYPE, code_of, wrong_code
from tests.support.settings import NO_LIMITS_BY_VARIABLE

REPLICAS, AT_ONCE = 3, 20
FIRST_FACTOR = {"grant_type": "password", "username": EMAIL, "password": PASSWORD}


@pytest.fixture
def operator(tmp_path: Path, databases: Databases) -> Operator:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    made = make_operator(tmp_path, databases.migrated("postgresql"))
    made.environment.update(NO_LIMITS_BY_VARIABLE)
    return made


def _post(urls: Sequence[str], forms: Sequence[dict[str, str]]) -> list[httpx.Response]:
    """Send all forms at once, each to the next of the processes."""

    async def send() -> list[httpx.Response]:
        async with httpx.AsyncClient(timeout=30) as client:
            sent = (client.post(f"{urls[n % len(urls)]}/oauth/token", data=form) for n, form in enumerate(forms))
            return await asyncio.gather(*sent)

    return asyncio.run(send())


def _challenges(urls: Sequence[str], count: int) -> list[str]:
    answers = [answer.json() for answer in _post(urls, [FIRST_FACTOR] * count)]
    assert {answer["error"] for answer in answers} == {"mfa_required"}
    return [answer["mfa_token"] for answer in answers]


def _finish(urls: Sequence[str], *forms: dict[str, str]) -> list[str]:
    """Return the access tokens that were given; everything else has to be an orderly refusal."""
    answers = _post(urls, [{"grant_type": GRANT_TYPE, **form} for form in forms])
    refused = [answer for answer in answers if answer.status_code != 200]
    assert {(answer.status_code, answer.json()["error"]) for answer in refused} <= {(400, "invalid_grant")}
    return [answer.json()["access_token"] for answer in answers if answer.status_code == 200]


def _enrol(url: str) -> tuple[str, list[str]]:
    """Give the administrator an app; return its secret and the recovery codes."""
    token = _post([url], [FIRST_FACTOR])[0].json()["access_token"]
    with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {token}"}) as client:
        client.patch("/users/me", json={"email_verified": True}).raise_for_status()
        secret = client.post("/users/me/totp").json()["secret"]
        confirmed = client.post("/users/me/totp/confirm", json={"code": code_of(secret)})
    return secret, confirmed.json()["recovery_codes"]


def _get(url: str, path: str, token: str) -> httpx.Response:
    return httpx.get(f"{url}{path}", headers={"Authorization": f"Bearer {token}"})


def test_of_twenty_uses_at_once_over_three_processes_one_counts_and_of_twenty_guesses_five_are_checked(
    operator: Operator,
) -> None:
    with running_replicas(operator, REPLICAS) as replicas:
        urls = [replica.url for replica in replicas]
        secret, codes = _enrol(urls[0])

        otp = code_of(secret, steps=1)  # the one of now has confirmed the app
        by_otp = _finish(urls, *({"mfa_token": token, "otp": otp} for token in _challenges(urls, AT_ONCE)))
        one = {"recovery_code": codes[0]}
        by_code = _finish(urls, *({"mfa_token": token, **one} for token in _challenges(urls, AT_ONCE)))
        (token,) = _challenges(urls, 1)
        others = [{"mfa_token": token, "recovery_code": code} for code in codes[1:]]
        by_challenge = _finish(urls, *(others * AT_ONCE)[:AT_ONCE])
        (token,) = _challenges(urls, 1)
        guessed = _finish(urls, *[{"mfa_token": token, "otp": wrong_code(secret)}] * AT_ONCE)
        given = [*by_otp, *by_code, *by_challenge]
        left = _get(urls[0], "/users/me/totp", given[0]).json()["recovery_codes_left"]
        sessions = _get(urls[1], "/users/me/sessions", given[0]).json()["data"]

    assert [len(by_otp), len(by_code), len(by_challenge)] == [1, 1, 1]
    assert left == 8
    assert (guessed, [event.detail for event in _refusals(operator)].count({"reason": "wrong_otp"})) == ([], 5 + 19)
    assert sorted(session["amr"] for session in sessions) == [["pwd", "mfa"]] * 2 + [["pwd", "otp", "mfa"]]


def _refusals(operator: Operator) -> Sequence[AuditRecord]:
    async def ask() -> Sequence[AuditRecord]:
        database = Database(DatabaseSettings.model_validate({"url": operator.environment["AUTH_DATABASE__URL"]}))
        async with database.transaction(writing=False) as session:
            found = (await session.exec(select(AuditRecord).where(AuditRecord.outcome == "failure"))).all()
        await database.dispose()
        return found

    return asyncio.run(ask())

"""New passwords are looked up among the stolen ones if an operator wants that; who is asked learns next to nothing."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from httpx import Response
from pydantic import SecretStr
from structlog.testing import capture_logs

from auth_service.authenticators.breached_passwords import BreachedPasswords
from tests.support.range_api import RangeApi, digest_of, running_range_api
from tests.support.service import PASSWORD, Service, bearer, running_service
from tests.support.settings import make_settings

STOLEN = "a stolen passphrasé"


@asynccontextmanager
async def asking_service(database: str, api: RangeApi) -> AsyncIterator[Service]:
    async with running_service(make_settings(database, password_policy={"breach_range_url": api.url})) as service:
        yield service


async def register(service: Service, password: str) -> Response:
    return await service.client.post("/users", json={"email": "new@example.com", "password": password})


async def test_a_stolen_password_is_refused_everywhere_with_the_reason(migrated_database: str) -> None:
    async with running_range_api(stolen=(STOLEN,)) as api, asking_service(migrated_database, api) as service:
        user, administrator = await service.make_user(), await service.make_admin()

        change = {"current_password": PASSWORD, "new_password": STOLEN}
        answers = [
            await register(service, STOLEN),
            await register(service, unicodedata.normalize("NFD", STOLEN)),
            await service.client.put("/users/me/password", headers=bearer(user), json=change),
            await service.client.post(
                "/users", headers=bearer(administrator), json={"email": "new@example.com", "password": STOLEN}
            ),
        ]

    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (422, "weak_password")
        assert answer.json()["detail"] == (
            "This password was stolen somewhere and is known to attackers. Choose another one."
        )


async def test_whoever_is_asked_learns_five_digits_and_no_more(migrated_database: str) -> None:
    async with running_range_api() as api, asking_service(migrated_database, api) as service:
        answer = await register(service, STOLEN)

        [request] = api.requests
    assert answer.status_code == 201
    line, *headers = request.lower().splitlines()
    assert line == f"get /range/{digest_of(STOLEN)[:5]} http/1.1".lower()
    assert "add-padding: true" in headers
    assert digest_of(STOLEN)[5:].lower() not in request.lower()
    assert {header.partition(":")[0] for header in headers if header} <= {
        "host", "accept", "accept-encoding", "connection", "add-padding", "user-agent",
    }  # fmt: skip


async def test_a_password_that_was_seen_never_is_padding() -> None:
    async with running_range_api(padding=(STOLEN,)) as api:
        breached = BreachedPasswords(api.url)

        assert not await breached.contain(SecretStr(STOLEN))
        await breached.close()


@pytest.mark.parametrize(
    "behaviour",
    [
        pytest.param({"status": 503}, id="unavailable"),
        pytest.param({"status": 302}, id="elsewhere"),
        pytest.param({"body": b"\xff\xfe"}, id="no text"),
        pytest.param({"body": b"0" * 1_100_000}, id="too much"),
        pytest.param({"answers": False}, id="silent"),
    ],
)
async def test_while_it_does_not_answer_passwords_pass_and_the_log_says_so(behaviour: dict[str, object]) -> None:
    async with running_range_api(stolen=(STOLEN,), **behaviour) as api:
        breached = BreachedPasswords(api.url)
        with capture_logs() as logs:
            found = await breached.contain(SecretStr(STOLEN))
        await breached.close()

    assert not found
    assert [(line["event"], line["log_level"]) for line in logs] == [("breached_passwords.unavailable", "warning")]
    assert STOLEN not in str(logs)
    assert digest_of(STOLEN)[:5] not in str(logs).upper()


async def test_nobody_there_lets_a_password_pass() -> None:
    async with running_range_api() as api:
        url = api.url
    breached = BreachedPasswords(url)

    with capture_logs() as logs:
        found = await breached.contain(SecretStr(STOLEN))
    await breached.close()

    assert (found, len(logs)) == (False, 1)


async def test_who_never_asked_has_nothing_to_close() -> None:
    async with running_range_api() as api:
        await BreachedPasswords(api.url).close()

    assert api.requests == []


async def test_an_address_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with running_range_api() as api:
        breached = BreachedPasswords(api.url)
        await breached.contain(SecretStr(STOLEN))
        await breached.close()

    assert digest_of(STOLEN)[:5] not in caplog.text


async def test_nobody_is_asked_unless_an_operator_wants_it() -> None:
    assert not await BreachedPasswords(None).contain(SecretStr(STOLEN))


async def test_no_transaction_waits_for_the_answer(migrated_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_service.authenticators.breach_range._TIMEOUT_SECONDS", 20.0)
    one_connection = {"url": migrated_database, "pool_size": 1, "pool_overflow": 0, "connect_timeout": "PT3S"}
    async with running_range_api(release=asyncio.Event()) as api:
        settings = make_settings(
            migrated_database, database=one_connection, password_policy={"breach_range_url": api.url}
        )
        async with running_service(settings) as service:
            registering = asyncio.create_task(register(service, STOLEN))
            await api.asked.wait()

            meanwhile = await service.client.get("/readyz")

            assert api.release is not None
            api.release.set()
            assert (meanwhile.status_code, (await registering).status_code) == (200, 201)

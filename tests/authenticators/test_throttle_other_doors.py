"""Throttles behind the other doors: changing a password, registering, and the secrets of clients."""

import asyncio
import secrets
from pathlib import Path

import httpx
import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from auth_service.audit.models import AuditRecord
from auth_service.authenticators.throttle import network_of
from auth_service.authenticators.throttle_settings import ThrottleKind, ThrottleSettings
from auth_service.db.engine import Database
from auth_service.db.settings import DatabaseSettings
from auth_service.errors import TooManyAttemptsError
from auth_service.oauth import client_secret_throttle
from auth_service.oauth.client_secret_throttle import ClientSecretThrottle, Guess
from tests.support.commands import make_operator
from tests.support.oauth import assert_oauth_error, basic
from tests.support.ports import free_port
from tests.support.replicas import EMAIL, Replica, running_replicas
from tests.support.service import PASSWORD, Service, assert_problem, bearer
from tests.support.throttled import Clock, counted_checks, throttled_service

NEW_PASSWORD = "another correct horse"


async def test_guesses_at_the_current_password_of_a_session_are_throttled(migrated_database: str) -> None:
    async with throttled_service(migrated_database) as service:
        ann = await service.make_user()
        wrong = {"current_password": "wrong", "new_password": NEW_PASSWORD}

        with counted_checks(service.runtime.hasher) as checked:
            responses = await asyncio.gather(
                *[service.client.put("/users/me/password", headers=bearer(ann), json=wrong) for _ in range(30)]
            )
        right = {**wrong, "current_password": PASSWORD}
        refused = await service.client.put("/users/me/password", headers=bearer(ann), json=right)

        assert sorted(response.status_code for response in responses) == [403] * 5 + [429] * 25
        assert len(checked) == 5
        assert_problem(refused, 429, code="too_many_attempts")
        assert int(refused.headers["retry-after"]) > 0
        assert (await service.sign_in(ann.email)).status_code == 200  # another kind


async def test_registrations_from_one_network_are_throttled_and_those_of_administrators_are_not(
    migrated_database: str,
) -> None:
    async with throttled_service(migrated_database, registrations_per_network=4) as service:
        admin = await service.make_admin()
        strangers = [
            await service.client.post("/users", json={"email": f"a{n}@example.com", "password": PASSWORD})
            for n in range(6)
        ]
        by_admin = await service.client.post("/users", headers=bearer(admin), json={"email": "b@example.com"})

    assert [response.status_code for response in strangers] == [201] * 4 + [429] * 2
    assert_problem(strangers[-1], 429, code="too_many_attempts")
    assert by_admin.status_code == 201


async def test_registrations_of_one_address_are_throttled_whether_it_is_taken_or_not(migrated_database: str) -> None:
    async with throttled_service(migrated_database, mails_per_address=3) as service:
        weak = [
            [
                (await service.client.post("/users", json={"email": email, "password": password})).status_code
                for password in (PASSWORD, PASSWORD, PASSWORD, PASSWORD)
            ]
            for email in ("ann@example.com", "Ann@Example.com")
        ]

    assert weak == [[201, 409, 409, 429], [429] * 4]


async def test_wrong_secrets_of_a_client_are_throttled_and_leave_one_audit_event_each(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(service.runtime.client_secret_throttle, "_limit", 20)
    made = await service.make_client(grants=["client_credentials"])
    form = {"grant_type": "client_credentials"}

    async def ask(secret: str) -> int:
        headers = basic(f"{made.client_id}:{secret}")
        return (await service.client.post("/oauth/token", data=form, headers=headers)).status_code

    stale = [await ask("last week's") for _ in range(30)]
    honest = [await ask(made.client_secret or "") for _ in range(30)]
    guesses = [await ask(secrets.token_urlsafe()) for _ in range(30)]
    with capture_logs() as lines:
        refused = await service.client.post(
            "/oauth/introspect", data={"token": "x"}, headers=basic(f"{made.client_id}:{made.client_secret}")
        )
    events = [event for event in await service.audit_events() if event.event == "client.authentication"]

    assert (set(stale), set(honest)) == ({401}, {200})
    assert guesses == [401] * 19 + [429] * 11
    assert_oauth_error(refused, "slow_down", status=429)
    assert 890 < int(refused.headers["retry-after"]) <= 900
    assert [line["event"] for line in lines] == ["client.throttled"]
    assert len(events) == 20


def test_a_client_is_let_in_again_when_the_window_is_over_and_elsewhere_at_once() -> None:
    clock = Clock()
    throttle = ClientSecretThrottle(ThrottleSettings(client_secrets_per_pair=1), clock=clock)
    throttle.admit(Guess("client_a", "192.0.2.1", b"1"))

    with pytest.raises(TooManyAttemptsError) as refusal:
        throttle.admit(Guess("client_a", "192.0.2.1", b"2"))
    throttle.admit(Guess("client_a", "192.0.2.2", b"2"))
    clock.now = refusal.value.retry_after

    assert throttle.admit(Guess("client_a", "192.0.2.1", b"2"))


async def test_counting_in_the_middle_of_a_write_is_refused(service: Service) -> None:
    async with service.runtime.unit_of_work(writing=True) as work:
        work.outbox.queue("test", {})
        with pytest.raises(RuntimeError, match="in the middle of a write"):
            await work.throttle.admit(ThrottleKind.RECOVERY_MAIL, identifier="ann@example.com", network=None)
        await work.session.rollback()


async def test_who_has_no_network_is_counted_by_the_identifier(migrated_database: str) -> None:
    async with throttled_service(migrated_database) as service, service.runtime.unit_of_work(writing=True) as work:
        for _ in range(8):
            await work.throttle.admit(ThrottleKind.SIGN_IN, identifier="ann", network=None)

        with pytest.raises(TooManyAttemptsError):
            await work.throttle.admit(ThrottleKind.SIGN_IN, identifier=" ANN ", network=None)
        await work.throttle.succeeded(ThrottleKind.SIGN_IN, identifier="ann", network=None)


def test_three_processes_together_check_no_more_passwords_than_the_throttle_allows(
    migrated_database: str, tmp_path: Path
) -> None:
    operator = make_operator(tmp_path, migrated_database)
    operator.environment["AUTH_THROTTLE__GUESSES_PER_PAIR"] = "7"

    with running_replicas(operator, 3) as replicas:
        statuses = asyncio.run(_guess_at_once(replicas))
        checked = asyncio.run(_refused_sign_ins(migrated_database))

    assert sorted(statuses) == [400] * 7 + [429] * 83
    assert checked == 7


async def _refused_sign_ins(database_url: str) -> int:
    """Return how often a password was checked in vain: each time is an audit event."""
    database = Database(DatabaseSettings.model_validate({"url": database_url}))
    try:
        async with database.transaction(writing=False) as session:
            found = await session.exec(select(AuditRecord).where(AuditRecord.event == "sign_in"))
            return len(found.all())
    finally:
        await database.dispose()


async def _guess_at_once(replicas: list[Replica]) -> list[int]:
    form = {"grant_type": "password", "username": EMAIL, "password": "wrong"}
    async with httpx.AsyncClient(timeout=30) as client:
        urls = [f"{replica.url}/oauth/token" for replica in replicas]
        answers = await asyncio.gather(*[client.post(urls[n % 3], data=form) for n in range(90)])
    return [answer.status_code for answer in answers]


def test_the_doctor_says_that_the_store_is_away_and_shows_no_password(tmp_path: Path) -> None:
    operator = make_operator(tmp_path)
    operator.secrets.append("hunter2")
    operator.run("migrate")
    operator.run("create-admin", "--email", "ann@example.com")
    operator.make_signing_key()
    url = f"redis://:hunter2@127.0.0.1:{free_port()}/0"

    outcome = operator.run("doctor", AUTH_THROTTLE__STORAGE=url)

    assert outcome.code == 2
    assert "throttles      TO MEND: the store that AUTH_THROTTLE__STORAGE names does not answer" in outcome.stdout


@pytest.mark.parametrize("url", ["redis:", "redis://", "redis://:hunter2@", "amqp://:hunter2@host", "redis://h:port"])
def test_a_storage_that_is_none_is_refused_without_repeating_it(tmp_path: Path, url: str) -> None:
    operator = make_operator(tmp_path)
    operator.secrets.append("hunter2")

    outcome = operator.run("serve", AUTH_THROTTLE__STORAGE=url)

    assert outcome.code == 2
    assert outcome.stderr.startswith("auth-service: AUTH_THROTTLE__STORAGE: it is database, memory, or a URL")


def test_the_pairs_that_are_remembered_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_secret_throttle, "_MOST_PAIRS", 2)
    throttle = ClientSecretThrottle(ThrottleSettings(client_secrets_per_pair=1))

    for number in range(3):
        throttle.admit(Guess(f"client_{number}", "192.0.2.1", b"1"))

    assert throttle.admit(Guess("client_0", "192.0.2.1", b"2"))  # forgotten, as the oldest
    with pytest.raises(TooManyAttemptsError):
        throttle.admit(Guess("client_2", "192.0.2.1", b"2"))


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("a socket", "a socket"),
        (None, None),
    ],
)
def test_what_counts_as_one_network(address: str | None, network: str | None) -> None:
    assert network_of(address) == network

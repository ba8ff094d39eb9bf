"""A commit that fails is never answered with 2xx: the database makes it fail, after every statement succeeded."""

from collections.abc import Mapping
from dataclasses import dataclass

import pytest
from httpx import Response
from structlog.testing import capture_logs

from auth_service.authenticators.single_use import Purpose
from tests.support.databases import Databases
from tests.support.oauth import form_for
from tests.support.openapi import FORM, JSON, Operation, operations
from tests.support.paths import fill
from tests.support.post import issue_token
from tests.support.second_factor import enrol
from tests.support.service import Account, Service, bearer, running_service
from tests.support.settings import make_settings
from tests.support.snapshots import stored_rows

NEEDING_A_FACTOR = ("DELETE /users/me/totp", "POST /users/me/recovery-codes", "DELETE /users/{user_id}/totp")
# Every use case that writes records an audit event or queues mail, so what fails on such rows at COMMIT fails them all.
_TABLES = ("audit_events", "outbox")
_SQLITE = (
    "CREATE TABLE known (id INTEGER PRIMARY KEY)",
    "CREATE TABLE refusals (id INTEGER REFERENCES known (id) DEFERRABLE INITIALLY DEFERRED)",
    *(
        f"CREATE TRIGGER refuse_{table} AFTER INSERT ON {table} BEGIN INSERT INTO refusals VALUES (1); END"  # noqa: S608
        for table in _TABLES
    ),
)
_POSTGRESQL = (
    "CREATE FUNCTION {what}() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {statement}; RETURN NULL; END'",
    *(
        f"""CREATE CONSTRAINT TRIGGER {{what}} AFTER INSERT ON {table}
       DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {{what}}()"""
        for table in _TABLES
    ),
)


@pytest.fixture
def postgresql_database(databases: Databases) -> str:
    if databases.postgresql is None:
        pytest.skip("there is no PostgreSQL: half of what these tests are for is not tested")
    return databases.migrated("postgresql")


async def test_a_commit_that_the_database_refuses_is_a_fault(migrated_database: str) -> None:
    async with running_service(make_settings(migrated_database, mail={"transport": "console"})) as service:
        admin, user = await service.make_admin(email_verified=True), await service.make_user()
        await service.make_admin()  # so that the other one may leave
        ids = {"item_id": (await service.make_item(user))["id"], "client_id": (await service.make_client()).client_id}
        special = await _what_takes_more(service, admin, user)
        await _make_commits_fail(service, "RAISE EXCEPTION USING MESSAGE = TG_OP")
        before = await stored_rows(service)

        with capture_logs() as logs:
            answers = await _call_every_writing_route(service, admin, user, special, ids)
            refusal = await service.sign_in(user.email, "a wrong password")

        assert {route: answer.status_code for route, answer in answers.items()} == dict.fromkeys(answers, 500)
        assert refusal.json()["error"] == "server_error"  # a refusal that cannot leave its trace is not given either
        assert [line["event"] for line in logs] == ["request.failed"] * (len(answers) + 1)
        assert await stored_rows(service) == before


async def test_a_commit_that_loses_its_connection_is_an_outage(postgresql_database: str) -> None:
    async with running_service(make_settings(postgresql_database, mail={"transport": "console"})) as service:
        admin, user = await service.make_admin(email_verified=True), await service.make_user()
        await service.make_admin()  # so that the other one may leave
        ids = {"item_id": (await service.make_item(user))["id"], "client_id": (await service.make_client()).client_id}
        special = await _what_takes_more(service, admin, user)
        await _make_commits_fail(service, "PERFORM pg_terminate_backend(pg_backend_pid())")
        before = await stored_rows(service)

        answers = await _call_every_writing_route(service, admin, user, special, ids)

        assert {route: answer.status_code for route, answer in answers.items()} == dict.fromkeys(answers, 503)
        assert {answer.headers["retry-after"] for answer in answers.values()} == {"2"}
        assert await stored_rows(service) == before


async def _make_commits_fail(service: Service, statement: str) -> None:
    on_postgresql = [one.format(what="fail_at_commit", statement=statement) for one in _POSTGRESQL]
    engine = service.runtime.database.engine
    async with engine.begin() as connection:
        for one in _SQLITE if engine.dialect.name == "sqlite" else on_postgresql:
            await connection.exec_driver_sql(one)


@dataclass(frozen=True, slots=True)
class Special:
    """Who and what some routes need to succeed: by route."""

    accounts: Mapping[str, Account]
    bodies: Mapping[str, Mapping[str, str]]


async def _what_takes_more(service: Service, admin: Account, user: Account) -> Special:
    protected = await (await enrol(service)).signed_in(service)
    invited = await service.make_user(password=None)
    address = await issue_token(service, admin.id, Purpose.CHANGE_EMAIL, email="new@example.com")
    verified = await issue_token(service, user.id, Purpose.VERIFY_EMAIL)
    recovered = await issue_token(service, user.id, Purpose.RECOVER_PASSWORD)
    return Special(
        {**dict.fromkeys(NEEDING_A_FACTOR, protected), "POST /users/{user_id}/invitation": invited},
        {
            "POST /users/me/email/confirm": {"token": address},
            "POST /email-verifications/confirm": {"token": verified, "password": user.password},
            "POST /password-recoveries/confirm": {"token": recovered, "new_password": "a much better passphrase"},
        },
    )


async def _call_every_writing_route(
    service: Service, admin: Account, user: Account, special: Special, ids: Mapping[str, str]
) -> dict[str, Response]:
    """Make the calls that the document gives as examples, or special ones, each of which would succeed."""
    writes = [one for one in operations() if one.method != "GET" and one.path != "/oauth/introspect"]
    answers = {}
    for one in writes:
        other = special.accounts.get(str(one), user)
        caller = special.accounts.get(str(one), admin) if "/me/" in one.path else admin
        answers[str(one)] = await _call(service, one, caller, other, ids, special.bodies.get(str(one)))
    return answers


async def _call(  # noqa: PLR0913, PLR0917
    service: Service,
    operation: Operation,
    admin: Account,
    user: Account,
    ids: Mapping[str, str],
    body: Mapping[str, str] | None,
) -> Response:
    schema = operation.body_schema(JSON)
    with_session = admin if "/me/" in operation.path or not user.token else user
    return await service.client.request(
        operation.method,
        fill(operation.path, user_id=user.id, session_id=with_session.session_id, **ids),
        headers=bearer(admin) if operation.body_schema(FORM) is None else {},
        json=body or (schema["examples"][0] if schema else None),
        data=form_for(operation.path, user) if operation.body_schema(FORM) else None,
    )

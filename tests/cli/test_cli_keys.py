"""`keys`: what an operator sees of the signing keys, and what they can do in the middle of the night."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from auth_service.mail.outbox import Outbox
from auth_service.wiring.runtime import Runtime
from tests.support.commands import Operator, Outcome
from tests.support.keys import KeyStore
from tests.support.post import queued
from tests.support.second_factor import Protected, enrol, replace_seed
from tests.support.service import running_service
from tests.support.settings import make_settings, new_master_key
from tests.support.tokens import read_me

MOMENTS = ("signs_not_before", "rotates_at", "removed_after")


@pytest.fixture
def store(operator: Operator, migrated_database: str) -> KeyStore:
    """Return the keys of a service that was started once."""
    operator.environment["AUTH_DATABASE__URL"] = migrated_database
    operator.make_signing_key()
    return KeyStore(make_settings(migrated_database))


def states(store: KeyStore) -> dict[str, str]:
    return asyncio.run(store.states())


def kid_of(store: KeyStore, state: str) -> str:
    return asyncio.run(store.kid(state))


def listed(outcome: Outcome) -> list[dict[str, Any]]:
    assert (outcome.code, outcome.stderr) == (0, "")
    keys: list[dict[str, Any]] = json.loads(outcome.stdout)
    return keys


def test_the_list_says_what_each_key_is_for_and_until_when(operator: Operator, store: KeyStore) -> None:
    operator.run("keys", "rotate", "--emergency")
    records = {record.state: record for record in asyncio.run(store.all())}

    for_people, for_programs = operator.run("keys", "list"), listed(operator.run("keys", "list", "--json"))

    entries = {key["state"]: key for key in for_programs}
    heading, *rows = [line.split() for line in for_people.stdout.splitlines()]
    retired, active, upcoming = records["retired"], records["active"], records["next"]
    assert retired.retired_at is not None
    assert active.activated_at is not None
    assert heading == ["STATE", "KID", "ALGORITHM", "CREATED", "SIGNS", "FROM", "UNTIL", "MASTER", "KEY"]
    assert {row[0]: row[1] for row in rows} == {state: record.kid for state, record in records.items()}
    assert entries["retired"] == {
        "kid": retired.kid,
        "algorithm": "ES256",
        "state": "retired",
        "created_at": retired.created_at.isoformat(),
        "activated_at": str(retired.activated_at).replace(" ", "T"),
        "retired_at": retired.retired_at.isoformat(),
        "signs_not_before": None,
        "rotates_at": None,
        "removed_after": (retired.retired_at + timedelta(minutes=10, seconds=30 + 10 + 60)).isoformat(),
        "master_key": "first",
    }
    dwelt = upcoming.created_at + timedelta(hours=24)
    assert entries["next"]["signs_not_before"] == dwelt.isoformat()
    assert entries["active"]["rotates_at"] == (active.activated_at + timedelta(days=30)).isoformat()
    assert {key["state"]: sum(key[name] is not None for name in MOMENTS) for key in for_programs} == dict.fromkeys(
        records, 1
    )
    assert f"not before {dwelt:%Y-%m-%d %H:%M:%S}Z" in for_people.stdout
    assert f"signs until {active.activated_at + timedelta(days=30):%Y-%m-%d %H:%M:%S}Z" in for_people.stdout


def test_a_next_key_that_is_younger_than_its_dwell_holds_up_the_rotation(operator: Operator, store: KeyStore) -> None:
    asyncio.run(store.change(kid_of(store, "active"), activated_at=datetime(2020, 1, 1, tzinfo=UTC)))

    keys = {key["state"]: key for key in listed(operator.run("keys", "list", "--json"))}

    assert keys["active"]["rotates_at"] == keys["next"]["signs_not_before"]


def test_before_the_first_start_there_are_no_keys(operator: Operator) -> None:
    operator.run("migrate")

    for_people, for_programs = operator.run("keys", "list"), operator.run("keys", "list", "--json")

    assert for_people == Outcome(0, "None yet: 'auth-service serve' makes them.\n", "")
    assert listed(for_programs) == []


def test_an_active_key_is_revoked_after_a_next_one_that_cannot_be_opened(operator: Operator, store: KeyStore) -> None:
    active, upcoming = kid_of(store, "active"), kid_of(store, "next")
    operator.environment["AUTH_SECURITY__MASTER_KEYS"] = new_master_key()

    too_early = operator.run("keys", "revoke", active, "--emergency")
    after_the_refusal = states(store)
    first = operator.run("keys", "revoke", upcoming)
    second = operator.run("keys", "revoke", active, "--emergency")

    assert (too_early.code, too_early.stdout, too_early.stderr.count("\n")) == (1, "", 1)
    assert f"revoke the next key first ('auth-service keys revoke {upcoming}'" in too_early.stderr
    assert after_the_refusal == {active: "active", upcoming: "next"}
    assert (first.code, second.code) == (0, 0)
    assert sorted(states(store).values()) == ["active", "next"]
    assert not {active, upcoming} & set(states(store))


def test_a_rotation_before_its_time_is_refused_with_the_time(operator: Operator, store: KeyStore) -> None:
    before = states(store)

    outcome = operator.run("keys", "rotate")

    assert (outcome.code, outcome.stdout) == (1, "")
    assert outcome.stderr.startswith("auth-service: The next key is too young: ")
    assert "with --emergency it is used at once" in outcome.stderr
    assert states(store) == before


def test_a_rotation_in_time_needs_no_emergency(operator: Operator, store: KeyStore) -> None:
    upcoming = kid_of(store, "next")
    asyncio.run(store.let_pass(timedelta(hours=24)))

    outcome = operator.run("keys", "rotate")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith(f"{upcoming} signs now. ")
    assert kid_of(store, "active") == upcoming


def test_a_rotation_can_be_read_by_programs(operator: Operator, store: KeyStore) -> None:
    keys = listed(operator.run("keys", "rotate", "--emergency", "--json"))

    assert {key["kid"]: key["state"] for key in keys} == states(store)


def test_the_key_that_signs_is_revoked_in_an_emergency_only(operator: Operator, store: KeyStore) -> None:
    active, upcoming = kid_of(store, "active"), kid_of(store, "next")

    refused = operator.run("keys", "revoke", active)
    after_the_refusal = states(store)
    done = operator.run("keys", "revoke", active, "--emergency")

    assert (refused.code, refused.stdout) == (1, "")
    assert refused.stderr.startswith("auth-service: This key signs now. When it is compromised, add --emergency: ")
    assert after_the_refusal == {active: "active", upcoming: "next"}
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.startswith(f"{active} is gone. ")
    assert states(store) == {upcoming: "active", kid_of(store, "next"): "next"}


def test_a_key_that_does_not_sign_is_revoked_without_more_ado(operator: Operator, store: KeyStore) -> None:
    upcoming = kid_of(store, "next")

    keys = listed(operator.run("keys", "revoke", upcoming, "--json"))

    assert upcoming not in {key["kid"] for key in keys}
    assert sorted(key["state"] for key in keys) == ["active", "next"]


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("kid", ["no-such-key", "-no-such-key", "--no-such-key", "-"])
def test_an_unknown_key_is_not_revoked(operator: Operator, kid: str) -> None:
    outcome = operator.run("keys", "revoke", kid, "--emergency")

    assert outcome == Outcome(
        1, "", "auth-service: There is no such signing key. 'auth-service keys list' shows those that there are.\n"
    )


async def _store_secrets(database_url: str, master_key: str) -> tuple[str, Protected]:
    async with running_service(make_settings(database_url, security={"master_keys": master_key})) as service:
        async with service.runtime.database.transaction(writing=True) as session:
            outbox = Outbox(session, service.runtime.outbox_box, datetime.now(UTC), is_on=True)
            outbox.queue("a kind", {"secret": "in a mail"})
        return (await service.make_user()).token, await enrol(service)


async def _statuses(database_url: str, master_key: str, token: str, protected: Protected) -> list[int]:
    """Return what those get who come back after the change, of which there are events."""
    async with running_service(make_settings(database_url, security={"master_keys": master_key})) as service:
        signed_in = await protected.sign_in(service)
        assert ("a kind", {"secret": "in a mail"}) in await queued(service)
        events = {one.event: one for one in await service.audit_events() if one.event.endswith(".rewrapped")}
        assert set(events) == {"signing_keys.rewrapped", "totp_seeds.rewrapped", "queued_mail.rewrapped"}
        assert len(events["signing_keys.rewrapped"].detail["kids"]) == 2
        assert events["totp_seeds.rewrapped"].detail == events["queued_mail.rewrapped"].detail == {"count": 1}
        return [(await read_me(service, token)).status_code, signed_in.status_code]


def test_the_master_key_is_changed_while_the_service_serves(operator: Operator, migrated_database: str) -> None:
    operator.environment["AUTH_DATABASE__URL"] = migrated_database
    old, new = operator.environment["AUTH_SECURITY__MASTER_KEYS"], new_master_key()
    both = f"{new},{old}"

    token, protected = asyncio.run(_store_secrets(migrated_database, old))
    before = listed(operator.run("keys", "list", "--json", AUTH_SECURITY__MASTER_KEYS=both))
    done = operator.run("keys", "rewrap", AUTH_SECURITY__MASTER_KEYS=both)
    again = operator.run("keys", "rewrap", "--json", AUTH_SECURITY__MASTER_KEYS=both)
    after = listed(operator.run("keys", "list", "--json", AUTH_SECURITY__MASTER_KEYS=new))

    assert done == Outcome(
        0,
        "Signing keys: 2 of 2 encrypted anew; all are under the first master key now.\n"
        "Seeds of authenticator apps: 1 of 1 encrypted anew; all are under the first master key now.\n"
        "Queued mail: 1 of 1 encrypted anew; all are under the first master key now.\n",
        "",
    )
    assert (again.code, json.loads(again.stdout)) == (
        0,
        {
            "signing_keys": {"rewrapped": 0, "total": 2, "unopened": 0},
            "totp_seeds": {"rewrapped": 0, "total": 1, "unopened": 0},
            "queued_mail": {"rewrapped": 0, "total": 1, "unopened": 0},
        },
    )
    assert [key["master_key"] for key in (*before, *after)] == ["older", "older", "first", "first"]
    assert asyncio.run(_statuses(migrated_database, new, token, protected)) == [200, 200]


def test_mail_that_no_master_key_opens_is_counted_and_the_rest_encrypted_anew(
    operator: Operator, migrated_database: str
) -> None:
    old, lost = operator.environment["AUTH_SECURITY__MASTER_KEYS"], new_master_key()
    operator.environment["AUTH_DATABASE__URL"] = migrated_database
    operator.make_signing_key()

    async def queue_mail(master_keys: str) -> None:
        settings = make_settings(migrated_database, security={"master_keys": master_keys})
        async with Runtime(settings) as runtime, runtime.database.transaction(writing=True) as session:
            Outbox(session, runtime.outbox_box, datetime.now(UTC), is_on=True).queue("a kind", {"secret": "in a mail"})

    for master_keys in (lost, old):
        asyncio.run(queue_mail(master_keys))
    operator.environment["AUTH_SECURITY__MASTER_KEYS"] = f"{new_master_key()},{old}"
    for_people, again = operator.run("keys", "rewrap"), operator.run("keys", "rewrap", "--json")

    assert for_people.code == 0
    assert for_people.stdout.endswith(
        "Queued mail: 1 of 2 encrypted anew; no master key opens 1, all others are under the first master key now.\n"
    )
    assert json.loads(again.stdout)["queued_mail"] == {"rewrapped": 0, "total": 2, "unopened": 1}


def test_nobody_s_seed_is_lost_when_it_does_not_open(operator: Operator, migrated_database: str) -> None:
    old = operator.environment["AUTH_SECURITY__MASTER_KEYS"]
    both = f"{new_master_key()},{old}"
    operator.environment.update(AUTH_DATABASE__URL=migrated_database, AUTH_SECURITY__MASTER_KEYS=both)

    async def damage() -> Protected:
        async with running_service(make_settings(migrated_database, security={"master_keys": old})) as service:
            protected = await enrol(service)
            await replace_seed(service, b"damaged")
        return protected

    async def stored() -> bytes:
        async with running_service(make_settings(migrated_database, security={"master_keys": both})) as service:
            return await replace_seed(service, b"")

    protected = asyncio.run(damage())
    outcome = operator.run("keys", "rewrap")

    assert (outcome.code, outcome.stdout) == (2, "")
    assert f"app of the account {protected.account.id} cannot be opened with" in outcome.stderr
    assert asyncio.run(stored()) == b"damaged"


def test_a_key_whose_name_begins_with_a_dash_is_revoked(operator: Operator, store: KeyStore) -> None:
    asyncio.run(store.change(kid_of(store, "next"), kid="-dash"))

    outcome = operator.run("keys", "revoke", "-dash")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert outcome.stdout.startswith("-dash is gone. ")


def test_nothing_is_rewrapped_when_one_key_does_not_open(operator: Operator, store: KeyStore) -> None:
    new = new_master_key()
    asyncio.run(store.change(kid_of(store, "next"), encrypted_private_key=b"damaged"))
    before = [record.model_dump() for record in asyncio.run(store.all())]

    changes = {"AUTH_SECURITY__MASTER_KEYS": f"{new},{operator.environment['AUTH_SECURITY__MASTER_KEYS']}"}
    outcome = operator.run("keys", "rewrap", **changes)
    keys = listed(operator.run("keys", "list", "--json", **changes))

    assert (outcome.code, outcome.stdout) == (2, "")
    assert "cannot be opened with the configured master keys" in outcome.stderr
    assert [record.model_dump() for record in asyncio.run(store.all())] == before
    assert {key["state"]: key["master_key"] for key in keys} == {"active": "older", "next": "none"}


@pytest.mark.parametrize("command", ["list", "rotate", "revoke", "rewrap"])
def test_every_command_about_keys_explains_itself(operator: Operator, command: str) -> None:
    outcome = operator.run("keys", command, "--help")

    assert (outcome.code, outcome.stderr) == (0, "")
    assert f" keys {command} " in outcome.stdout


def test_keys_alone_prints_its_help(operator: Operator) -> None:
    outcome = operator.run("keys")

    assert all(f" {command} " in outcome.stdout + outcome.stderr for command in ("list", "rotate", "revoke", "rewrap"))

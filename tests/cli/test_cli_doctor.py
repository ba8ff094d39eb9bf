"""`doctor`: every finding, for people and for programs; the exit code says whether all is well."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.commands import Operator, Outcome
from tests.support.settings import new_master_key

CHECKS = ["settings", "database", "schema", "clock", "signing keys", "administrator", "throttles"]


def _well(*names: str) -> list[dict[str, Any]]:
    return [{"check": name, "well": True, "mend": ""} for name in names]


def _findings(outcome: Outcome) -> list[dict[str, Any]]:
    """Return the findings but for the one that is measured, and the role of the tests, which is a superuser."""
    return [finding for finding in json.loads(outcome.stdout) if finding["check"] not in {"hashing", "database role"}]


def test_a_healthy_service_is_said_to_be_well(operator: Operator, migrated_database: str) -> None:
    operator.environment["AUTH_DATABASE__URL"] = migrated_database
    operator.run("create-admin", "--email", "ann@example.com")
    operator.make_signing_key()

    for_people, for_programs = operator.run("doctor"), operator.run("doctor", "--json")

    ok = [f"{name:<13}  ok" for name in CHECKS]
    lines = [line for line in for_people.stdout.splitlines() if not line.startswith("database role")]
    assert (for_people.code, for_people.stderr, [*lines[:1], *lines[2:]]) == (0, "", ok)
    assert (for_programs.code, for_programs.stderr) == (0, "")
    assert _findings(for_programs) == _well(*CHECKS)


@pytest.mark.parametrize(
    ("scheme", "setting"), [("argon2", "AUTH_HASHING__ARGON2_PASSES"), ("bcrypt", "AUTH_HASHING__BCRYPT_COST")]
)
def test_a_hash_is_timed_and_the_setting_for_a_tenth_of_a_second_is_named(
    operator: Operator, scheme: str, setting: str
) -> None:
    cheap = {"AUTH_HASHING__BCRYPT_COST": "4", "AUTH_HASHING__ARGON2_PASSES": "1", "AUTH_HASHING__WORKERS": "2"}

    outcome = operator.run("doctor", "--json", AUTH_HASHING__SCHEME=scheme, **cheap)

    hashing = json.loads(outcome.stdout)[1]
    assert (hashing["check"], hashing["well"]) == ("hashing", True)
    measured = r"a hash takes [\d.]+ ms here: 2 at once make [\d.e+]+ sign-ins a second\."
    assert re.fullmatch(rf"{measured} {setting}=\d+ would take about 100 ms\.", hashing["mend"])


def test_a_missing_schema_ends_the_examination(operator: Operator, empty_database: str) -> None:
    if empty_database.startswith("sqlite"):
        Path(empty_database.removeprefix("sqlite:///")).touch()
    outcome = operator.run("doctor", "--json", AUTH_DATABASE__URL=empty_database)

    mend = "The database's schema is not what this release needs. Run 'auth-service migrate'."
    assert outcome.code == 2
    assert _findings(outcome) == [*_well("settings", "database"), {"check": "schema", "well": False, "mend": mend}]


def test_a_key_that_does_not_open_and_a_missing_administrator_are_both_named(operator: Operator) -> None:
    operator.run("migrate")
    operator.make_signing_key()

    outcome = operator.run("doctor", "--json", AUTH_SECURITY__MASTER_KEYS=new_master_key())

    keys, administrator = _findings(outcome)[4:6]
    assert outcome.code == 2
    assert keys["mend"].startswith("signing key ")
    assert keys["mend"].endswith(": put the earlier one back into AUTH_SECURITY__MASTER_KEYS.")
    assert administrator == {
        "check": "administrator",
        "well": False,
        "mend": "There is none. Run: auth-service create-admin --email you@example.com",
    }


def test_an_unsafe_setting_is_named_and_the_examination_goes_on(operator: Operator) -> None:
    operator.run("migrate")

    outcome = operator.run("doctor", "--json", AUTH_TOKENS__ISSUER="http://127.0.0.1:8000")

    findings = _findings(outcome)
    assert [(finding["check"], finding["well"]) for finding in findings[:3]] == [
        ("settings", False),
        ("database", True),
        ("schema", True),
    ]


def test_every_wrong_setting_is_a_finding_and_nothing_is_connected(operator: Operator) -> None:
    outcome = operator.run("doctor", "--json", AUTH_TOKENS__ISSUER=None, AUTH_HTTP__DOCS="perhaps")

    assert [(finding["check"], finding["well"]) for finding in _findings(outcome)] == [("settings", False)] * 2
    assert list(operator.folder.iterdir()) == []


def test_variables_that_are_ignored_are_noted_and_those_of_kubernetes_are_not(operator: Operator) -> None:
    operator.run("migrate")

    outcome = operator.run("doctor", AUTH_COLOUR="blue", AUTH_SERVICE_PORT="tcp://10.0.0.1:80")

    assert "ignored        note: AUTH_COLOUR: not a setting of this service." in outcome.stdout.splitlines()
    assert "AUTH_SERVICE_PORT" not in outcome.stdout

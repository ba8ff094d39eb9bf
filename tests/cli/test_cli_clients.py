"""`clients`: an operator administers the programs that ask for tokens."""

import json
import re
from typing import Any

import pytest

from tests.support.commands import Operator, Outcome

SECRET_LINE = r"\nThe secret is (client_secret_[\w-]{43}) — it is shown only this once\.\n"
NO_CLIENT = "auth-service: There is no such client.\n"


@pytest.fixture
def migrated(operator: Operator, migrated_database: str) -> Operator:
    """Return an operator whose database has the schema."""
    operator.environment["AUTH_DATABASE__URL"] = migrated_database
    return operator


def _json(operator: Operator, *command: str) -> Any:
    outcome = operator.run("clients", *command, "--json")
    assert (outcome.code, outcome.stderr) == (0, "")
    return json.loads(outcome.stdout)


def _create(operator: Operator, *options: str) -> str:
    """Return the id of a new client, whose secret no later command may show."""
    made = _json(operator, "create", "--name", "Orders", *options)
    if made["client_secret"]:
        operator.secrets.append(made["client_secret"])
    client_id: str = made["client_id"]
    return client_id


def test_a_client_is_created_and_its_secret_shown_once(migrated: Operator) -> None:
    created = migrated.run(
        *("clients", "create", "--name", "Orders", "--grant", "client_credentials", "--grant", "refresh_token"),
        *("--scope", "items:read", "--audience", "https://billing.example.com", "--own-audience", "orders"),
    )

    shown, secret, rest = re.split(SECRET_LINE, created.stdout)
    assert (created.code, created.stderr, rest) == (0, "", "")
    rows = dict(line.split(maxsplit=1) for line in shown.splitlines())
    assert (
        rows.items()
        >= {
            "name": "Orders",
            "kind": "confidential",
            "state": "active",
            "grants": "client_credentials refresh_token",
            "scopes": "items:read",
            "audiences": "https://billing.example.com",
            "own_audience": "orders",
        }.items()
    )
    migrated.secrets.append(secret)
    assert migrated.run("clients", "show", rows["client_id"]) == Outcome(0, shown, "")


def test_a_public_client_has_no_secret(migrated: Operator) -> None:
    created = migrated.run("clients", "create", "--name", "Shop", "--public", "--grant", "password")

    assert created.code == 0
    assert "secret" not in created.stdout
    assert "audiences     (the configured ones)\n" in created.stdout


def test_clients_are_listed_for_people_and_for_programs(migrated: Operator) -> None:
    client_id = _create(migrated)
    migrated.run("clients", "disable", client_id)

    table, listed = migrated.run("clients", "list"), _json(migrated, "list")

    assert [line.split() for line in table.stdout.splitlines()] == [
        ["CLIENT_ID", "KIND", "STATE", "GRANTS", "NAME"],
        ["client_first_party", "public", "active", "password,refresh_token", "First-party", "applications"],
        [client_id, "confidential", "disabled", "-", "Orders"],
    ]
    assert [one["client_id"] for one in listed] == ["client_first_party", client_id]
    assert listed[1] == _json(migrated, "show", client_id)


def test_a_long_list_is_whole(migrated: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("auth_service.cli.client_commands._PAGE", 2)
    made = {_create(migrated) for _ in range(4)}

    listed = [one["client_id"] for one in _json(migrated, "list")]

    assert len(listed) == 5
    assert set(listed) == {*made, "client_first_party"}


def test_an_update_changes_what_is_given_and_an_empty_value_takes_away(migrated: Operator) -> None:
    client_id = _create(migrated, "--grant", "password", "--scope", "admin", "--own-audience", "orders")

    renamed = _json(migrated, "update", client_id, "--name", "Returns", "--audience", "a", "--audience", "b")
    emptied = _json(migrated, "update", client_id, "--grant", "", "--audience", "", "--own-audience", "")

    expected = {"name": "Returns", "grants": ["password"], "audiences": ["a", "b"], "own_audience": "orders"}
    assert renamed.items() >= {**expected, "scopes": ["admin"]}.items()
    assert emptied.items() >= {"grants": [], "audiences": [], "own_audience": None, "scopes": ["admin"]}.items()


def test_a_client_is_disabled_and_enabled(migrated: Operator) -> None:
    client_id = _create(migrated)

    states = [_json(migrated, command, client_id)["is_active"] for command in ("disable", "enable")]

    assert states == [False, True]


def test_a_new_secret_is_shown_once(migrated: Operator) -> None:
    client_id = _create(migrated)

    rotated = migrated.run("clients", "rotate-secret", client_id)

    match = re.search(SECRET_LINE, rotated.stdout)
    assert match
    assert match[1] not in migrated.secrets
    assert _json(migrated, "rotate-secret", client_id)["client_secret"] not in {match[1], *migrated.secrets}


def test_a_deleted_client_is_gone(migrated: Operator) -> None:
    client_id = _create(migrated)

    deleted = migrated.run("clients", "delete", client_id)

    assert deleted == Outcome(0, f"{client_id} is deleted.\n", "")
    assert migrated.run("clients", "show", client_id) == Outcome(1, "", NO_CLIENT)


@pytest.mark.parametrize("command", ["show", "update", "disable", "enable", "rotate-secret", "delete"])
def test_an_unknown_client_gets_one_line(migrated: Operator, command: str) -> None:
    ids = ["client_unknown", "", "x\x1b[2J", "client_\udcff", "client_\x00", "a" * 5000]

    outcomes = [migrated.run("clients", command, "--", client_id) for client_id in ids]

    assert outcomes == [Outcome(1, "", NO_CLIENT)] * len(ids)


@pytest.mark.parametrize(
    ("command", "code", "line"),
    [
        pytest.param(["create", "--name", "x", "--grant", "all"], 2, "--grant: Input should be ", id="a grant"),
        pytest.param(["create", "--name", "x", "--scope", "all"], 2, "--scope: Input should be ", id="a scope"),
        pytest.param(["create", "--name", ""], 2, "--name: ", id="no name"),
        pytest.param(["create", "--name", "\udcff"], 2, "--name: must not contain ", id="a name that is no text"),
        pytest.param(
            ["create", "--name", "x", "--audience", "a b"],
            2,
            "--audience: it has a character that it may not have in a name or a URI",
            id="an audience",
        ),
        pytest.param(["update", "client_x", "--own-audience", "#"], 2, "--own-audience: ", id="an own audience"),
        pytest.param(
            ["create", "--name", "x", "--public", "--grant", "client_credentials"],
            1,
            "The grant client_credentials is for confidential clients only.",
            id="tokens of its own for a public client",
        ),
        pytest.param(["disable", "client_first_party"], 1, "This client is built in: ", id="the built-in client"),
        pytest.param(["delete", "client_first_party"], 1, "This client is built in: ", id="the built-in client, gone"),
    ],
)
def test_what_cannot_be_done_is_refused_in_one_line(
    migrated: Operator, command: list[str], code: int, line: str
) -> None:
    outcome = migrated.run("clients", *command)

    assert (outcome.code, outcome.stdout, outcome.stderr.count("\n")) == (code, "", 1)
    assert outcome.stderr.startswith(f"auth-service: {line}")


def test_without_a_schema_every_command_says_so(operator: Operator) -> None:
    (operator.folder / "auth.db").touch()

    outcome = operator.run("clients", "list")

    assert (outcome.code, outcome.stdout) == (2, "")
    assert "Run 'auth-service migrate'" in outcome.stderr


def test_the_commands_explain_themselves(operator: Operator) -> None:
    outcome = operator.run("clients", "--help")

    commands = ("create", "list", "show", "update", "rotate-secret", "disable", "enable", "delete")
    assert [one for one in commands if f" {one} " not in outcome.stdout] == []

"""Secrets that stand in files: a folder like the one that a mounted Secret is, a wrong one, and a missing one."""

from pathlib import Path

import pytest

from tests.support.commands import Operator
from tests.support.settings import new_master_key

DIR, URL, KEYS = "AUTH_SECRETS_DIR", "AUTH_DATABASE__URL", "AUTH_SECURITY__MASTER_KEYS"


@pytest.fixture
def mounted(operator: Operator) -> Path:
    """Return a folder as Kubernetes mounts a Secret: links to a version of it, whose names are hidden."""
    folder = operator.folder / "secrets"
    version = folder / "..2026_11_21"
    version.mkdir(parents=True)
    (folder / "..data").symlink_to(version.name)
    for name in (URL, KEYS):
        (version / name).write_text(f"{operator.environment.pop(name)}\n", encoding="utf-8")
        (folder / name).symlink_to(f"..data/{name}")
    operator.environment[DIR] = str(folder)
    return folder


def test_secrets_come_from_the_files_of_a_folder(operator: Operator, mounted: Path) -> None:
    assert sorted(file.name for file in mounted.iterdir()) == ["..2026_11_21", "..data", URL, KEYS]

    migrated = operator.run("migrate")
    examined = operator.run("doctor")

    assert (migrated.code, migrated.stderr) == (0, "")
    assert (operator.folder / "auth.db").exists()
    findings = {line.split("  ")[0]: line.split()[-1] for line in examined.stdout.splitlines()}
    assert (findings["settings"], findings["schema"]) == ("ok", "ok")
    assert "ignored" not in findings


def test_a_folder_that_names_none_of_them_leaves_them_missing(operator: Operator, mounted: Path) -> None:
    (mounted / KEYS).unlink()

    outcome = operator.run("migrate")

    assert outcome.code == 2
    assert outcome.stderr.startswith(f"auth-service: {KEYS}: it is not set. ")


@pytest.mark.parametrize("variable", ["", None])
def test_without_a_folder_no_file_is_looked_for(operator: Operator, variable: str | None) -> None:
    Path(KEYS).write_text("not a key", encoding="utf-8")

    outcome = operator.run("migrate", AUTH_SECRETS_DIR=variable)

    assert (outcome.code, outcome.stderr) == (0, "")


def test_a_folder_that_is_missing_is_named(operator: Operator) -> None:
    outcome = operator.run("migrate", AUTH_SECRETS_DIR="nowhere")

    assert outcome.code == 2
    assert outcome.stderr == f"auth-service: {DIR}: nowhere cannot be read: No such file or directory.\n"


def test_a_file_that_is_not_text_is_named_and_not_shown(operator: Operator, mounted: Path) -> None:
    file = mounted / KEYS
    file.write_bytes(b"\xff\xfe secret")

    outcome = operator.run("migrate")

    assert (outcome.code, outcome.stderr) == (2, f"auth-service: {DIR}: {file} cannot be read: it is not text.\n")


def test_a_misspelled_file_gets_the_line_of_a_misspelled_variable(operator: Operator, mounted: Path) -> None:
    (mounted / "AUTH_MAIL__PASSWROD").write_text("s3cret", encoding="utf-8")
    (mounted / "token").write_text("another program's", encoding="utf-8")

    outcome = operator.run("migrate")

    assert outcome.code == 2
    assert outcome.stderr == (
        "auth-service: AUTH_MAIL__PASSWROD: there is no such setting. Did you mean AUTH_MAIL__PASSWORD?\n"
    )


def test_a_secret_that_is_set_in_both_ways_is_refused(operator: Operator, mounted: Path) -> None:
    assert (mounted / KEYS).exists()

    outcome = operator.run("migrate", AUTH_SECURITY__MASTER_KEYS=new_master_key())

    line = f"{KEYS}: it is set, and there is a file of that name in {DIR}. Take one of them away."
    assert (outcome.code, outcome.stderr) == (2, f"auth-service: {line}\n")

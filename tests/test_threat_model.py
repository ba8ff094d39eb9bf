"""The threat model names tests and files that are there, and each line of its tables names one at least."""

import re

import pytest

from tests.support.commands import ROOT

THREATS = (ROOT / "docs" / "threat-model.md").read_text(encoding="utf-8")
PATHS = sorted(set(re.findall(r"`((?:tests|benchmarks|auth_service|docs)/[\w./-]+\.\w+)`", THREATS)))


@pytest.mark.parametrize("path", PATHS)
def test_what_is_said_to_show_it_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_each_line_says_what_shows_it() -> None:
    tables = re.findall(r"^\| (?:threat|fault) \|.*?(?=\n\n)", THREATS, flags=re.MULTILINE | re.DOTALL)
    rows = [line for table in tables for line in table.splitlines()[2:]]

    assert len(rows) > 30
    assert [row for row in rows if "`" not in row.rsplit("|", 2)[1]] == []

"""docs/settings.md and the code name the same settings and limits."""

import re
from datetime import timedelta
from pathlib import Path

from pydantic import TypeAdapter

from auth_service.cli.configuration import variables
from auth_service.db.limits import LIMITS

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def test_every_setting_is_on_the_page_with_its_description_and_no_other_is() -> None:
    rows = dict(re.findall(r"^\| `(AUTH_\w+)` \| (.*?) \|", PAGE.read_text(), flags=re.MULTILINE))

    assert rows == {name: field.description for name, field in variables().items()}


def test_who_runs_a_pooler_is_told_the_limits_that_hold_without_one() -> None:
    told = dict(re.findall(r"^ALTER ROLE auth SET (\w+) = '(\w+)';$", PAGE.read_text(), flags=re.MULTILINE))

    assert told == LIMITS


def test_a_default_that_is_a_duration_is_written_as_it_may_be_set() -> None:
    rows = dict(re.findall(r"^\| `(AUTH_\w+)` \| .*? \| `(P\w+)` \|$", PAGE.read_text(), flags=re.MULTILINE))

    durations = {name: field.default for name, field in variables().items() if isinstance(field.default, timedelta)}
    assert {name: TypeAdapter(timedelta).validate_python(written) for name, written in rows.items()} == durations

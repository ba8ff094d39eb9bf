"""docs/settings.md and the code name the same settings and limits."""

import re
from pathlib import Path

from auth_service.cli.configuration import variables
from auth_service.db.limits import LIMITS

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def test_every_setting_is_on_the_page_with_its_description_and_no_other_is() -> None:
    rows = dict(re.findall(r"^\| `(AUTH_\w+)` \| (.*?) \|", PAGE.read_text(), flags=re.MULTILINE))

    assert rows == {name: field.description for name, field in variables().items()}


def test_who_runs_a_pooler_is_told_the_limits_that_hold_without_one() -> None:
    told = dict(re.findall(r"^ALTER ROLE auth SET (\w+) = '(\w+)';$", PAGE.read_text(), flags=re.MULTILINE))

    assert told == LIMITS

"""docs/settings.md and the code name the same settings."""

import re
from pathlib import Path

from auth_service.cli.configuration import variables

PAGE = Path(__file__).parents[1] / "docs" / "settings.md"


def test_every_setting_is_on_the_page_with_its_description_and_no_other_is() -> None:
    rows = dict(re.findall(r"^\| `(AUTH_\w+)` \| (.*?) \|", PAGE.read_text(), flags=re.MULTILINE))

    assert rows == {name: field.description for name, field in variables().items()}

"""docs/guides/observe.md and the service name the same metrics."""

import re
from pathlib import Path

from tests.support.metrics import families_of, labels_of
from tests.support.service import Service

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "observe.md"


async def test_every_metric_is_on_the_page_as_a_scrape_describes_it_and_no_other_is(service: Service) -> None:
    rows = re.findall(r"^\| `(auth_service_\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", PAGE.read_text(), flags=re.MULTILINE)

    families = await families_of(service)

    assert rows == [
        (
            f"{family.name}_total" if family.type == "counter" else family.name,
            family.type,
            ", ".join(f"`{label}`" for label in labels_of(family)),
            family.documentation,
        )
        for family in families
    ]

"""docs/guides/observe.md and the service name the same metrics."""

import re
from pathlib import Path

from auth_service.errors import UnavailableError
from tests.support.metrics import families_of, labels_of
from tests.support.service import Service

PAGE = Path(__file__).parents[1] / "docs" / "guides" / "observe.md"


def _codes_of(refusal: type[UnavailableError]) -> set[str]:
    return {each.code for each in refusal.__subclasses__()}.union(*map(_codes_of, refusal.__subclasses__()))


def test_what_a_503_can_mean_is_on_the_page() -> None:
    codes = _codes_of(UnavailableError)

    assert {code for code in codes if f"`{code}`" not in PAGE.read_text()} == set()
    assert "database_unavailable" in codes


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

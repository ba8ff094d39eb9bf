"""The page about scaling shows what its script computes."""

from benchmarks.scaling import ACTIVE_A_DAY, SIZES, Needs, tables
from tests.support.commands import ROOT


def test_the_tables_of_the_page_are_the_output_of_the_script() -> None:
    page = (ROOT / "docs" / "scaling.md").read_text(encoding="utf-8")

    assert f"\n{tables()}\n" in page, "run `python -m benchmarks.scaling` and paste what it prints into docs/scaling.md"


def test_ten_times_the_users_need_ten_times_the_storage_and_no_less_of_anything_else() -> None:
    few, many = Needs(100_000_000, 500), Needs(1_000_000_000, 5_000)

    assert round(many.accounts_gb / few.accounts_gb, 6) == round(many.audit_gb / few.audit_gb, 6) == 10
    assert many.cores(0) > few.cores(0)
    assert many.feed_mb_a_second > 10 * few.feed_mb_a_second
    assert many.active == 1_000_000_000 * ACTIVE_A_DAY


def test_three_sizes_are_computed() -> None:
    assert list(SIZES) == [1_000_000, 100_000_000, 1_000_000_000]

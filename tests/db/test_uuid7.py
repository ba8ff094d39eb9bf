"""Time-ordered identifiers, bit by bit."""

from datetime import UTC, datetime, timedelta
from uuid import RFC_4122

from hypothesis import given, settings
from hypothesis import strategies as st

from auth_service.db.uuid7 import uuid7

MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
BOUNDED = settings(derandomize=True, database=None, max_examples=200)


@BOUNDED
@given(now=MOMENTS)
def test_an_identifier_says_version_variant_and_millisecond(now: datetime) -> None:
    identifier = uuid7(now)

    assert (identifier.version, identifier.variant) == (7, RFC_4122)
    assert identifier.int >> 80 == (now - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


@BOUNDED
@given(now=MOMENTS, later=st.timedeltas(min_value=timedelta(milliseconds=1), max_value=timedelta(days=9000)))
def test_a_later_identifier_sorts_behind_an_earlier_one(now: datetime, later: timedelta) -> None:
    moment = min(now, datetime(9999, 1, 1, tzinfo=UTC) - later)

    assert uuid7(moment) < uuid7(moment + later)


def test_identifiers_of_one_moment_differ() -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)

    identifiers = {uuid7(now) for _ in range(1000)}

    assert len(identifiers) == 1000
    assert len({identifier.int & ((1 << 62) - 1) for identifier in identifiers}) == 1000
    assert len({(identifier.int >> 64) & 0xFFF for identifier in identifiers}) > 1

"""Durations in buckets."""

from auth_service.telemetry.timings import Timings


def test_each_bucket_counts_what_took_at_most_that_long() -> None:
    timings = Timings((0.1, 1.0))

    for seconds in (0.05, 0.1, 0.5, 7.0):
        timings.observe(seconds)

    assert timings.cumulative() == [("0.1", 2), ("1.0", 3), ("+Inf", 4)]
    assert timings.total_seconds == 7.65

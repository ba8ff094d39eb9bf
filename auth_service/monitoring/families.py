"""Makes Prometheus metrics of the plain numbers that the rooms keep; each has our prefix."""

from collections.abc import Iterable, Sequence

from prometheus_client.metrics_core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from auth_service.telemetry.timings import Timings

PREFIX = "auth_service_"

Labels = tuple[str, ...]  # their values, in the order of the names


def counter(name: str, help_text: str, labels: Sequence[str], values: Iterable[tuple[Labels, float]]) -> Metric:
    """Return a number that only rises, for each combination of labels that there was."""
    family = CounterMetricFamily(PREFIX + name, help_text, labels=labels)
    for combination, value in values:
        family.add_metric(combination, value)
    return family


def gauge(name: str, help_text: str, value: float | None) -> Metric:
    """Return a number of now; one that is not known has no value."""
    return gauges(name, help_text, (), [] if value is None else [((), value)])


def gauges(name: str, help_text: str, labels: Sequence[str], values: Iterable[tuple[Labels, float]]) -> Metric:
    """Return numbers of now, one for each combination of labels."""
    family = GaugeMetricFamily(PREFIX + name, help_text, labels=labels)
    for combination, value in values:
        family.add_metric(combination, value)
    return family


def histogram(name: str, help_text: str, labels: Sequence[str], values: Iterable[tuple[Labels, Timings]]) -> Metric:
    """Return durations, counted in buckets."""
    family = HistogramMetricFamily(PREFIX + name, help_text, labels=labels)
    for combination, timings in values:
        family.add_metric(combination, timings.cumulative(), timings.total_seconds)
    return family

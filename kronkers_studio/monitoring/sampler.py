"""From two readings of a service's counters to what happened between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kronkers_studio.domain.errors import MetricsUnreadable
from kronkers_studio.domain.series import Metric
from kronkers_studio.monitoring.exposition import Reading, parse_exposition

_QUANTILES = {Metric.LATENCY_P50: 0.50, Metric.LATENCY_P95: 0.95, Metric.LATENCY_P99: 0.99}
_SIGNIFICANT_DIGITS = 5  # finer than anything that is measured, and what makes the series small


@dataclass(frozen=True, slots=True)
class _Scrape:
    """One reading, reduced to what is charted. Answers by HTTP status class ("2", "4", "5"), buckets by upper bound in
    seconds; all counted since ``started``."""

    at: float
    started: float
    answers: Mapping[str, float]
    buckets: Mapping[float, float]
    cpu_seconds: float | None
    memory: float | None
    in_flight: float | None


class Sampler:
    """Turns one service's successive metrics into samples. Not thread-safe.

    Only prediction routes count; being asked for health and metrics is not work. A service that was restarted, so that
    its counters began anew, counts with what it did since.
    """

    def __init__(self) -> None:
        self._before: _Scrape | None = None
        self._totals: dict[str, int] = {}

    def take(self, text: str, at: float) -> dict[Metric, float]:
        """The samples of the metrics page ``text`` that was read at ``at`` (seconds since the epoch).

        Rates and response times need an earlier reading; response times also need a request in between. Values have
        five significant digits. Raises ``MetricsUnreadable``.
        """
        now = _read(text, at)
        before, self._before = self._before, now
        self._totals = {
            "answered": int(sum(n for kind, n in now.answers.items() if kind not in "45")),
            "refused": int(now.answers.get("4", 0)),
            "failed": int(now.answers.get("5", 0)),
        }
        samples = {Metric.MEMORY: now.memory, Metric.IN_FLIGHT: now.in_flight}
        if before is not None and now.at > before.at:
            samples |= _between(before, now)
        return {metric: _rounded(value) for metric, value in samples.items() if value is not None}

    @property
    def totals(self) -> Mapping[str, int]:
        """Requests "answered", "refused" (4xx) and "failed" (5xx) since the service started."""
        return self._totals


def quantile(bounds: Sequence[float], counts: Sequence[float], q: float) -> float | None:
    """The ``q``-quantile of a histogram, or None when it is empty.

    ``counts`` are the observations in each bucket, ``bounds`` the buckets' rising upper bounds, the last perhaps
    infinite. Linear within the bucket as Prometheus' ``histogram_quantile``: the first bucket begins at 0, and what
    lies in the infinite bucket is given as its lower bound.
    """
    total = sum(counts)
    if total <= 0:
        return None
    rank, below, lower = q * total, 0.0, 0.0
    for upper, number in zip(bounds, counts, strict=True):
        if number > 0 and below + number >= rank:
            return lower if math.isinf(upper) else lower + (upper - lower) * (rank - below) / number
        below += number
        lower = lower if math.isinf(upper) else upper
    return lower  # rounding left the rank just above the last count


def _between(before: _Scrape, now: _Scrape) -> dict[Metric, float | None]:
    if _restarted(before, now):
        before = _Scrape(before.at, now.started, {}, {}, 0.0, None, None)
    seconds = now.at - before.at
    answers = {kind: number - before.answers.get(kind, 0.0) for kind, number in now.answers.items()}
    samples: dict[Metric, float | None] = {
        Metric.REQUEST_RATE: sum(answers.values()) / seconds,
        Metric.ERROR_RATE: (answers.get("4", 0.0) + answers.get("5", 0.0)) / seconds,
    }
    if now.cpu_seconds is not None and before.cpu_seconds is not None:
        samples[Metric.CPU] = 100.0 * (now.cpu_seconds - before.cpu_seconds) / seconds
    bounds = sorted(now.buckets)
    cumulative = [now.buckets[bound] - before.buckets.get(bound, 0.0) for bound in bounds]
    counts = [max(0.0, upper - lower) for upper, lower in zip(cumulative, [0.0, *cumulative], strict=False)]
    for metric, q in _QUANTILES.items():
        seconds_taken = quantile(bounds, counts, q)
        samples[metric] = None if seconds_taken is None else 1000.0 * seconds_taken
    return samples


def _restarted(before: _Scrape, now: _Scrape) -> bool:
    """Whether the counters began anew: another start, or any of them fell."""
    return (
        now.started != before.started
        or any(now.answers.get(kind, 0.0) < number for kind, number in before.answers.items())
        or any(now.buckets.get(bound, 0.0) < number for bound, number in before.buckets.items())
        or (now.cpu_seconds is not None and before.cpu_seconds is not None and now.cpu_seconds < before.cpu_seconds)
    )


@dataclass(slots=True)
class _Sums:
    answers: dict[str, float] = field(default_factory=dict)
    buckets: dict[float, float] = field(default_factory=dict)
    single: dict[str, float] = field(default_factory=dict)


def _read(text: str, at: float) -> _Scrape:
    sums = _Sums()
    for reading in parse_exposition(text):
        match reading.name:
            case "kronkers_requests_total" if _predicts(reading.labels.get("route", "")):
                kind = reading.labels.get("code", "")[:1]
                sums.answers[kind] = sums.answers.get(kind, 0.0) + reading.value
            case "kronkers_request_seconds_bucket":
                bound = _bound(reading)
                sums.buckets[bound] = sums.buckets.get(bound, 0.0) + reading.value
            case name:
                sums.single[name] = reading.value
    return _Scrape(
        at=at,
        started=sums.single.get("kronkers_process_start_time_seconds", 0.0),
        answers=sums.answers,
        buckets=sums.buckets,
        cpu_seconds=sums.single.get("kronkers_process_cpu_seconds_total"),
        memory=sums.single.get("kronkers_process_memory_bytes"),
        in_flight=sums.single.get("kronkers_requests_in_flight"),
    )


def _bound(bucket: Reading) -> float:
    try:
        return float(bucket.labels["le"])
    except (KeyError, ValueError) as problem:
        raise MetricsUnreadable(
            "The service answered with a histogram whose buckets have no bounds.",
            next_step="Package the model again and release it.",
            details=str(bucket),
        ) from problem


def _predicts(route: str) -> bool:
    return route.rstrip("/").endswith(("predict", "infer"))


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")

"""From two readings of a service's counters to what happened between them."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from kronkers_studio.domain.errors import MetricsUnreadable
from kronkers_studio.domain.series import Metric
from kronkers_studio.monitoring.exposition import Reading, parse_exposition

_QUANTILES = {Metric.LATENCY_P50: 0.50, Metric.LATENCY_P95: 0.95, Metric.LATENCY_P99: 0.99}
_SIGNIFICANT_DIGITS = 5  # finer than anything that is measured, and what makes the series small
_LARGEST = 2.0**63  # nothing that is counted or measured here comes near
_MOST_BUCKETS = 200
_CODE = re.compile("[1-9][0-9]{2}")


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
    model: tuple[str, str] | None


class Sampler:
    """Turns one service's successive metrics into samples. Not thread-safe.

    Only prediction routes count; being asked for health and metrics is not work. A service that was restarted, so that
    its counters began anew, counts with what it did since.
    """

    def __init__(self) -> None:
        self._before: _Scrape | None = None
        self._model: tuple[str, str] | None = None
        self._totals: dict[str, int] = {}

    def take(self, text: str, at: float) -> dict[Metric, float]:
        """The samples of the metrics page ``text`` that was read at ``at`` (seconds since the epoch).

        Rates and response times need an earlier reading; response times also need a request in between. Values have
        five significant digits. Raises ``MetricsUnreadable``.
        """
        now = _read(text, at)
        before, self._before = self._before, now
        self._model = now.model
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

    @property
    def model(self) -> tuple[str, str] | None:
        """The name and version of the model that the service says it serves, None when it does not say."""
        return self._model


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
        before = _Scrape(before.at, now.started, {}, {}, 0.0, None, None, None)
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
    model: tuple[str, str] | None = None


_SINGLE = frozenset(
    {
        *("kronkers_process_start_time_seconds", "kronkers_process_cpu_seconds_total"),
        *("kronkers_process_memory_bytes", "kronkers_requests_in_flight"),
    }
)


def _read(text: str, at: float) -> _Scrape:
    sums = _Sums()
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for reading in parse_exposition(text):
        if reading.name in _SINGLE or reading.name in _LABELLED:
            series = (reading.name, frozenset(reading.labels.items()))
            if series in seen:
                raise _odd("A series is there twice", reading)
            seen.add(series)
            _add(sums, reading)
    if not all(0 <= value <= _LARGEST for value in (*sums.answers.values(), *sums.buckets.values())):
        raise _odd("A sum is out of range", None)
    return _Scrape(
        at=at,
        started=sums.single.get("kronkers_process_start_time_seconds", 0.0),
        answers=sums.answers,
        buckets=sums.buckets,
        cpu_seconds=sums.single.get("kronkers_process_cpu_seconds_total"),
        memory=sums.single.get("kronkers_process_memory_bytes"),
        in_flight=sums.single.get("kronkers_requests_in_flight"),
        model=sums.model,
    )


_LABELLED = frozenset({"kronkers_requests_total", "kronkers_request_seconds_bucket", "kronkers_model_info"})


def _add(sums: _Sums, reading: Reading) -> None:
    if not 0 <= reading.value <= _LARGEST:  # NaN and infinities neither
        raise _odd("A value is out of range", reading)
    match reading.name:
        case "kronkers_requests_total":
            if _predicts(reading.labels.get("route", "")):
                code = reading.labels.get("code", "")
                if not _CODE.fullmatch(code):
                    raise _odd("A status is none", reading)
                sums.answers[code[0]] = sums.answers.get(code[0], 0.0) + reading.value
        case "kronkers_request_seconds_bucket":
            bound = _bound(reading)
            sums.buckets[bound] = sums.buckets.get(bound, 0.0) + reading.value
            if len(sums.buckets) > _MOST_BUCKETS:
                raise _odd("A histogram has too many buckets", None)
        case "kronkers_model_info":
            sums.model = (reading.labels.get("model", ""), reading.labels.get("version", ""))
        case name:
            if name in sums.single:
                raise _odd("A series is there twice", reading)
            sums.single[name] = reading.value


def _bound(bucket: Reading) -> float:
    try:
        bound = float(bucket.labels["le"])
    except (KeyError, ValueError):
        bound = math.nan
    if math.isnan(bound) or bound < 0:
        raise _odd("A histogram's bucket has no bound", bucket)
    return bound


def _odd(what: str, reading: Reading | None) -> MetricsUnreadable:
    return MetricsUnreadable(
        "The service's metrics are not what a released model shows.",
        next_step="Release the model again; if it stays so, package it again.",
        details=f"{what}: {str(reading)[:200]}" if reading else what,
    )


def _predicts(route: str) -> bool:
    return route.rstrip("/").endswith(("predict", "infer"))


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")

"""One reading of a service's counters, reduced to what is charted and checked within bounds."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kronkers_studio.domain.errors import MetricsUnreadable
from kronkers_studio.monitoring.exposition import Reading, parse_exposition

LARGEST = 2.0**63  # nothing that is counted or measured here comes near
LONGEST = 100 * 366 * 86_400.0  # seconds that a service may have run; further back there is no time to keep it at
_MOST_BUCKETS = 200
_CODE = re.compile("[1-9][0-9]{2}")
_DIGEST = re.compile("[0-9a-f]{64}")
_RUN = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Scrape:
    """Counters as they were at ``at`` (seconds since the epoch, by this computer's clock).

    Answers by HTTP status class ("2", "4", "5"), buckets by upper bound in seconds; all counted since ``started``.
    ``uptime`` is how long the service had run then, by a clock of its own, and ``run`` the name of that run; None of a
    service that does not tell. ``profile`` is the digest of the reference profile in whose bins it counts.
    """

    at: float
    started: float = 0.0
    answers: Mapping[str, float] = field(default_factory=dict)
    buckets: Mapping[float, float] = field(default_factory=dict)
    rows: float | None = None
    cpu_seconds: float | None = None
    memory: float | None = None
    in_flight: float | None = None
    model: tuple[str, str] | None = None
    run: str | None = None
    uptime: float | None = None
    profile: str | None = None


@dataclass(slots=True)
class _Sums:
    answers: dict[str, float] = field(default_factory=dict)
    buckets: dict[float, float] = field(default_factory=dict)
    single: dict[str, float] = field(default_factory=dict)
    model: tuple[str, str] | None = None
    run: str | None = None
    profile: str | None = None


_SINGLE = frozenset(
    {
        *("kronkers_process_start_time_seconds", "kronkers_process_cpu_seconds_total"),
        *("kronkers_process_memory_bytes", "kronkers_requests_in_flight", "kronkers_rows_total"),
        "kronkers_process_uptime_seconds",
    }
)


def read_scrape(text: str, at: float) -> Scrape:
    """What the metrics page ``text`` says that was read at ``at``. Raises ``MetricsUnreadable``."""
    sums = _Sums()
    seen: set[tuple[str, frozenset[tuple[str, str]]]] = set()
    for reading in parse_exposition(text):
        if reading.name in _SINGLE or reading.name in _LABELLED:
            series = (reading.name, frozenset(reading.labels.items()))
            if series in seen:
                raise _odd("A series is there twice", reading)
            seen.add(series)
            _add(sums, reading)
    if not all(0 <= value <= LARGEST for value in (*sums.answers.values(), *sums.buckets.values())):
        raise _odd("A sum is out of range", None)
    return Scrape(
        at=at,
        started=sums.single.get("kronkers_process_start_time_seconds", 0.0),
        answers=sums.answers,
        buckets=sums.buckets,
        cpu_seconds=sums.single.get("kronkers_process_cpu_seconds_total"),
        memory=sums.single.get("kronkers_process_memory_bytes"),
        in_flight=sums.single.get("kronkers_requests_in_flight"),
        model=sums.model,
        rows=sums.single.get("kronkers_rows_total"),
        run=sums.run,
        uptime=sums.single.get("kronkers_process_uptime_seconds") if sums.run is not None else None,
        profile=sums.profile,
    )


_LABELLED = frozenset(
    {
        *("kronkers_requests_total", "kronkers_request_seconds_bucket"),
        *("kronkers_model_info", "kronkers_run_info", "kronkers_statistics_info"),
    }
)


def _add(sums: _Sums, reading: Reading) -> None:
    if not 0 <= reading.value <= LARGEST:  # NaN and infinities neither
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
        case "kronkers_run_info":
            sums.run = _named_once(sums.run, reading, "run", _RUN)
        case "kronkers_statistics_info":
            sums.profile = _named_once(sums.profile, reading, "profile", _DIGEST)
        case "kronkers_process_uptime_seconds" if reading.value > LONGEST:
            raise _odd("A service has run too long", reading)
        case name:
            if name in sums.single:
                raise _odd("A series is there twice", reading)
            sums.single[name] = reading.value


def _named_once(before: str | None, reading: Reading, label: str, form: re.Pattern[str]) -> str:
    """What the one series of its kind names."""
    name = reading.labels.get(label, "")
    if before is not None or not form.fullmatch(name):
        raise _odd(f"A {label} has no name, or two", reading)
    return name


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

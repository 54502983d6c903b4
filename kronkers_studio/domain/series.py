"""Metrics over time, as charts need them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from kronkers_studio.domain.releases import Release


class Metric(StrEnum):
    """What is charted of a live release; the value's unit is in ``unit``."""

    REQUEST_RATE = "request_rate"
    ERROR_RATE = "error_rate"  # refused or failed answers per second
    LATENCY_P50 = "latency_p50"
    LATENCY_P95 = "latency_p95"
    LATENCY_P99 = "latency_p99"
    IN_FLIGHT = "in_flight"
    CPU = "cpu"
    MEMORY = "memory"

    @property
    def unit(self) -> str:
        return _UNITS[self]


_UNITS = {
    Metric.REQUEST_RATE: "1/s",
    Metric.ERROR_RATE: "1/s",
    Metric.LATENCY_P50: "ms",
    Metric.LATENCY_P95: "ms",
    Metric.LATENCY_P99: "ms",
    Metric.IN_FLIGHT: "requests",
    Metric.CPU: "%",  # of one core
    Metric.MEMORY: "bytes",
}


@dataclass(frozen=True, slots=True)
class AnswerLine:
    """What is charted of a model's answers: the share of the class ``name``, that of all ``others``, or below which
    number the share ``quantile`` of them lies."""

    name: str = ""
    others: bool = False
    quantile: float | None = None

    @property
    def value(self) -> str:
        if self.quantile is not None:
            return f"answer_p{self.quantile * 100:.0f}"
        return "answer_other" if self.others else f"answer={self.name}"

    @property
    def unit(self) -> str:
        return "%" if self.quantile is None else ""


Charted = Metric | AnswerLine


@dataclass(frozen=True, slots=True)
class SeriesKey:
    """One series: a metric of a model in a place, across its releases."""

    model: str
    place: str
    metric: Charted


@dataclass(frozen=True, slots=True)
class Window:
    """A range of one series, reduced to at most the number of points asked for.

    ``times`` (seconds since the epoch), ``low``, ``high`` and ``mean`` are contiguous memoryviews of C doubles of equal
    length (``numpy.asarray(view)`` shares their memory); a gap in the recording is one point of NaN values.
    """

    key: SeriesKey
    times: memoryview
    low: memoryview
    high: memoryview
    mean: memoryview
    step: float = 0.0  # seconds per point; 0 = every sample

    def __len__(self) -> int:
        return len(self.times)


@dataclass(frozen=True, slots=True)
class Answers:
    """What a model answered in a range of time, to ``rows`` rows: how often each class, the most frequent first, and
    how many ``others``; or of numbers the values below which a tenth, a half and nine tenths lie. ``windows`` are the
    same over time."""

    rows: int = 0
    classes: tuple[tuple[str, int], ...] = ()
    others: int = 0
    quantiles: tuple[float, float, float] | None = None
    windows: Mapping[Charted, Window] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Marker:
    """Something that happened at a time, shown on every chart's time axis."""

    at: datetime
    text: str
    kind: str = "release"  # "release", "failure"


@dataclass(frozen=True, slots=True)
class LiveState:
    """The newest value of each metric; ``as_of`` is when it was measured, ``reachable`` whether it is live now."""

    model: str
    place: str
    as_of: datetime | None
    reachable: bool
    values: Mapping[Metric, float] = field(default_factory=dict)
    totals: Mapping[str, int] = field(default_factory=dict)  # "answered", "refused", "failed", "rows" since the start
    problem: str = ""
    live: bool = True  # a release is recorded as live; what was stopped meanwhile is not silent


@dataclass(frozen=True, slots=True)
class LiveService:
    """How one of several services does: its release, what was measured last, and its ``requests`` in the last hour."""

    release: Release
    state: LiveState
    requests: Window

    @property
    def errors(self) -> float | None:
        """The share of requests that were not accepted or failed, since the service began; None without requests."""
        totals = self.state.totals
        wrong = totals.get("refused", 0) + totals.get("failed", 0)
        every = wrong + totals.get("answered", 0)
        return wrong / every if every else None

"""From two readings of a service's counters to what happened between them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kronkers_studio.domain.series import Metric
from kronkers_studio.monitoring.scrape import Scrape, read_scrape
from kronkers_studio.monitoring.service_history import EVERY, Interval, ServiceHistory

_QUANTILES = {Metric.LATENCY_P50: 0.50, Metric.LATENCY_P95: 0.95, Metric.LATENCY_P99: 0.99}
_SIGNIFICANT_DIGITS = 5  # finer than anything that is measured, and what makes the series small
_MISSED = 2 * EVERY  # seconds between two readings from which on the service is asked what happened between them
_TOO_SHORT = EVERY / 2  # a rate of so few seconds would be a spike of a single request
_ADJACENT = 0.01


@dataclass(frozen=True, slots=True)
class Sample:
    """What is told of the time from ``start`` to ``at`` (seconds since the epoch)."""

    start: float
    at: float
    values: Mapping[Metric, float]


@dataclass(frozen=True, slots=True)
class Taken:
    """What one reading adds: ``samples`` in their order, the last of them of the reading itself. Those before it are
    what ``history`` told of the time since ``before``. ``known``: the samples leave nothing out of the time that each
    of them says."""

    scrape: Scrape
    before: Scrape | None
    samples: Sequence[Sample]
    known: bool

    @property
    def values(self) -> Mapping[Metric, float]:
        return self.samples[-1].values


class Sampler:
    """Turns one service's successive metrics into samples. Not thread-safe.

    Only prediction routes count; being asked for health and metrics is not work. A service that was restarted, so that
    its counters began anew, counts with what it did since.
    """

    def __init__(self, before: Scrape | None = None) -> None:
        """``before`` is what was read last of this model in this place, by whomever."""
        self._before = before
        self._model: tuple[str, str] | None = None
        self._totals: dict[str, int] = {}

    def take(self, text: str, at: float) -> Mapping[Metric, float]:
        """The samples of the metrics page ``text`` that was read at ``at`` (seconds since the epoch).

        Rates and response times need an earlier reading; response times also need a request in between. Values have
        five significant digits. Raises ``MetricsUnreadable``.
        """
        return self.add(read_scrape(text, at)).values

    def missed_since(self, now: Scrape) -> float | None:
        """The service's uptime after which it has to be asked what happened, None when ``now`` tells enough."""
        if now.run is None or now.uptime is None:
            return None
        before = self._before
        if before is None or before.run != now.run or before.uptime is None:
            return 0.0
        return before.uptime if now.uptime - before.uptime > _MISSED else None

    def add(self, now: Scrape, history: ServiceHistory | None = None) -> Taken:
        """What ``now`` says and, with what the service kept since it was read last, ``history``. Raises
        ``MetricsUnreadable``."""
        before = self._before
        if history is not None and history.run == now.run and self.missed_since(now) is not None:
            samples = [_sample(*piece) for piece in _pieces(before, now, history)]
            known = True
        else:
            values: dict[Metric, float | None] = {}
            if before is not None and _seconds(before, now) > 0:
                values = _between(before, now, _seconds(before, now))
            start = before.at if before is not None else now.at
            samples = [Sample(start, now.at, _whole(values, now))]
            known = before is not None and now.run is not None and before.run == now.run
        self._before, self._model = now, now.model
        self._totals = {
            "answered": int(sum(n for kind, n in now.answers.items() if kind not in "45")),
            "refused": int(now.answers.get("4", 0)),
            "failed": int(now.answers.get("5", 0)),
            **({} if now.rows is None else {"rows": int(now.rows)}),
        }
        return Taken(now, before, samples, known)

    @property
    def totals(self) -> Mapping[str, int]:
        """Requests "answered", "refused" (4xx) and "failed" (5xx) and "rows" since the service started."""
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


_Piece = tuple[Scrape, float, Scrape]
"""What was counted up to its beginning, the uptime at which it begins, and what was counted up to its end."""


def _pieces(before: Scrape | None, now: Scrape, history: ServiceHistory) -> list[_Piece]:
    """The time from ``before`` to ``now``, as the service kept it; at least its last piece.

    The counters at the end of each interval are those of the last one less what came after. So the pieces add up to
    the difference of the two readings exactly, wherever in an interval ``before`` lies.
    """
    assert now.uptime is not None  # noqa: S101 — a history belongs to a run, and is asked for by its uptime
    same = before is not None and before.run == now.run and before.uptime is not None
    begun = Scrape(now.at - now.uptime, run=now.run, uptime=0.0)  # what loading it took of the processor is not known
    if before is not None and same:
        begun = before
    since = begun.uptime or 0.0
    pieces: list[_Piece] = []
    last, current = begun, history.start
    for interval, end in zip(history.intervals, _ends(now, history), strict=True):
        if interval.end <= since:
            continue
        if interval.end > now.uptime:
            current = interval.start
            break
        beginning = last if interval.start <= (last.uptime or 0.0) + _ADJACENT else _less(end, interval, history.bounds)
        pieces.append((beginning, max(since, interval.start), end))
        last = end
    pieces.append((last, max(last.uptime or 0.0, min(current, now.uptime)), now))
    if before is not None and not same:  # until then another run was counted
        pieces = [*(piece for piece in pieces[:-1] if piece[2].at > before.at), pieces[-1]]
    return _joined(pieces)


def _ends(now: Scrape, history: ServiceHistory) -> list[Scrape]:
    """The counters at the end of each interval."""
    answers, buckets = dict(history.answers), list(history.buckets)
    found = []
    for interval in reversed(history.intervals):
        at = now.at - ((now.uptime or 0.0) - interval.end)
        found.append(
            Scrape(
                at,
                now.started,
                dict(answers),
                _cumulative(history.bounds, buckets),
                cpu_seconds=interval.cpu_seconds,
                memory=interval.memory,
                run=history.run,
                uptime=interval.end,
            )
        )
        answers = {kind: number - interval.answers[kind] for kind, number in answers.items()}
        buckets = [number - less for number, less in zip(buckets, interval.buckets, strict=True)]
    return found[::-1]


def _less(end: Scrape, interval: Interval, bounds: Sequence[float]) -> Scrape:
    """The counters at the beginning of ``interval``, before which something is missing."""
    added = _cumulative(bounds, interval.buckets)
    return replace(
        end,
        answers={kind: number - interval.answers[kind] for kind, number in end.answers.items()},
        buckets={bound: number - added[bound] for bound, number in end.buckets.items()},
        cpu_seconds=None,
    )


def _joined(pieces: list[_Piece]) -> list[_Piece]:
    """The pieces, but for the first and the last one where they are too short: these are put to their neighbours."""
    if _is_short(pieces[0]):
        _join(pieces, 0)
    if _is_short(pieces[-1]):
        _join(pieces, len(pieces) - 2)
    return pieces


def _is_short(piece: _Piece) -> bool:
    return (piece[2].uptime or 0.0) - piece[1] < _TOO_SHORT


def _join(pieces: list[_Piece], index: int) -> None:
    """Make one of the piece at ``index`` and the next one, where there is one and nothing is missing between them."""
    if not 0 <= index < len(pieces) - 1:
        return
    (first, start, middle), (_, next_start, end) = pieces[index : index + 2]
    if next_start - (middle.uptime or 0.0) <= _ADJACENT:
        pieces[index : index + 2] = [(first, start, end)]


def _sample(before: Scrape, start: float, now: Scrape) -> Sample:
    seconds = (now.uptime or 0.0) - start
    values = _between(before, now, seconds) if seconds > 0 else {}
    return Sample(now.at - seconds, now.at, _whole(values, now))


def _whole(values: Mapping[Metric, float | None], now: Scrape) -> dict[Metric, float]:
    """``values`` with what needs no earlier reading."""
    every = {Metric.MEMORY: now.memory, Metric.IN_FLIGHT: now.in_flight, **values}
    return {metric: _rounded(value) for metric, value in every.items() if value is not None}


def _seconds(before: Scrape, now: Scrape) -> float:
    """How long it is from one to the other, by the service's clock where that can be told."""
    if now.run is not None and before.run == now.run and before.uptime is not None and now.uptime is not None:
        return now.uptime - before.uptime
    return now.at - before.at


def _between(before: Scrape, now: Scrape, seconds: float) -> dict[Metric, float | None]:
    if _restarted(before, now):
        before = Scrape(before.at, now.started, cpu_seconds=0.0)
    answers = {kind: number - before.answers.get(kind, 0.0) for kind, number in now.answers.items()}
    samples: dict[Metric, float | None] = {
        Metric.REQUEST_RATE: sum(answers.values()) / seconds,
        Metric.ERROR_RATE: (answers.get("4", 0.0) + answers.get("5", 0.0)) / seconds,
    }
    if now.cpu_seconds is not None and before.cpu_seconds is not None:
        samples[Metric.CPU] = 100.0 * max(0.0, now.cpu_seconds - before.cpu_seconds) / seconds
    bounds = sorted(now.buckets)
    cumulative = [now.buckets[bound] - before.buckets.get(bound, 0.0) for bound in bounds]
    counts = [max(0.0, upper - lower) for upper, lower in zip(cumulative, [0.0, *cumulative], strict=False)]
    for metric, q in _QUANTILES.items():
        seconds_taken = quantile(bounds, counts, q)
        samples[metric] = None if seconds_taken is None else 1000.0 * seconds_taken
    return samples


def _restarted(before: Scrape, now: Scrape) -> bool:
    """Whether the counters began anew: another start, or any of them fell."""
    if now.run is not None and before.run is not None and now.run == before.run:
        return any(now.answers.get(kind, 0.0) < number for kind, number in before.answers.items())
    return (
        now.started != before.started
        or any(now.answers.get(kind, 0.0) < number for kind, number in before.answers.items())
        or any(now.buckets.get(bound, 0.0) < number for bound, number in before.buckets.items())
        or (now.cpu_seconds is not None and before.cpu_seconds is not None and now.cpu_seconds < before.cpu_seconds)
    )


def _cumulative(bounds: Sequence[float], buckets: Sequence[int]) -> dict[float, float]:
    """Counts of single buckets as a ``Scrape`` has them."""
    found, below = {}, 0
    for bound, number in zip([*bounds, math.inf], buckets, strict=True):
        below += number
        found[bound] = float(below)
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.{_SIGNIFICANT_DIGITS}g}")

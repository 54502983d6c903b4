"""The service's own last 24 hours, in memory: whoever charts it misses nothing of what happened while nobody looked.

Time is the service's *uptime*, seconds since it began by a clock that nobody sets: who asks knows how long ago
something was, whatever the clocks of the two computers say. What happened is kept in *intervals* of some ten seconds,
each by what it added to the counters that ``/metrics`` shows; added to each other they give these very counters, so
that nothing is counted twice or left out where both were read. A restarted service begins anew, with another ``run``.

An interval is its JSON text, at most some 900 bytes of it, so that a day takes 8 MB at the most; an idle one takes 60.
"""

from __future__ import annotations

import math
import os
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import orjson

from kronkers_studio.serving.metrics.answer_counts import AnswerCounts

EVERY = 10.0
MOST_INTERVALS = 8_640
MOST_SENT = 720  # in one answer: who asks is not held up by reading it

_SHORTEST = 0.01  # seconds; finer than that, two ends could be told alike
_CLASSES = {4: 1, 5: 2}  # of statuses: refused, failed; everything else was answered


def _now() -> float:
    """Seconds by a clock that goes on while the computer sleeps, and that nobody sets."""
    for name in ("CLOCK_BOOTTIME", "CLOCK_MONOTONIC"):  # of Linux, of macOS
        if hasattr(time, name):
            return time.clock_gettime(getattr(time, name))
    return time.monotonic()


class History:
    """``bounds`` are the response times' buckets in seconds, rising. ``usage`` gives processor seconds used so far and
    the bytes of memory (None where it cannot be told). All of its methods belong to one thread."""

    def __init__(
        self,
        bounds: Sequence[float],
        answers: AnswerCounts | None,
        usage: Callable[[], tuple[float, int | None]],
        clock: Callable[[], float] = _now,
    ) -> None:
        self.run = os.urandom(8).hex()
        self._bounds = [bound for bound in bounds if math.isfinite(bound)]
        self._answers = answers
        self._usage = usage
        self._clock = clock
        self._began = clock()
        self._ends: deque[float] = deque(maxlen=MOST_INTERVALS)
        self._intervals: deque[bytes] = deque(maxlen=MOST_INTERVALS)
        self._start = self._seen = 0.0  # of the interval that is being counted; when the clock was looked at last
        self._statuses, self._rows = [0, 0, 0], 0
        self._seconds = [0] * (len(self._bounds) + 1)
        self._all_statuses, self._all_rows = [0, 0, 0], 0  # up to the start of the interval that is being counted
        self._all_seconds = [0] * (len(self._bounds) + 1)

    @property
    def uptime(self) -> float:
        """Seconds since the service began."""
        return self._clock() - self._began

    def count(self, code: int, bucket: int, rows: int, label: Any) -> None:
        """One request was answered with status ``code``, in the time of the ``bucket`` of that number; ``label`` holds
        the answers as an array, or is None."""
        self._statuses[_CLASSES.get(code // 100, 0)] += 1
        self._seconds[bucket] += 1
        self._rows += rows
        if label is not None and self._answers is not None:
            self._answers.add(label)

    def advance(self) -> None:
        """Look at the clock; at least every few seconds."""
        now = self.uptime
        if now - self._seen > EVERY:  # the computer slept: nothing is known of that time
            self._close(self._seen)
            self._start = now
        elif now - self._start >= EVERY:
            self._close(now)
        self._seen = now

    def after(self, uptime: float) -> bytes:
        """What happened after ``uptime``, as JSON: the first ``MOST_SENT`` intervals that end later.

        "intervals": [end, length, [answered, refused, failed], rows, processor seconds used until its end, memory then
        or null, [bucket, count, …], answers as ``AnswerCounts.take`` gives them], oldest first. "total": what all
        intervals up to the last one of all add up to, since the service began. "start": when the one began that is
        being counted. "more": there are later ones than those sent.
        """
        self.advance()
        first = next((index for index, end in enumerate(self._ends) if end > uptime), len(self._ends))
        sent = [self._intervals[index] for index in range(first, min(first + MOST_SENT, len(self._ends)))]
        about = {
            "run": self.run,
            "uptime": self.uptime,
            "start": self._start,
            "bounds": self._bounds,
            "kind": self._answers.kind if self._answers is not None else "",
            "names": self._answers.names if self._answers is not None else [],
            "total": {
                "statuses": self._all_statuses,
                "rows": self._all_rows,
                "seconds": self._all_seconds,
            },
            "more": first + len(sent) < len(self._ends),
        }
        return orjson.dumps(about)[:-1] + b',"intervals":[' + b",".join(sent) + b"]}"

    def _close(self, end: float) -> None:
        if end - self._start < _SHORTEST:  # what was counted in it is the next one's
            return
        cpu, memory = self._usage()
        sparse = [part for index, number in enumerate(self._seconds) if number for part in (index, number)]
        answers = self._answers.take() if self._answers is not None else []
        interval = [round(end, 3), round(end - self._start, 3), self._statuses, self._rows]
        self._intervals.append(orjson.dumps([*interval, round(cpu, 3), memory, sparse, answers]))
        self._ends.append(round(end, 3))
        self._all_rows += self._rows
        self._all_statuses = [before + new for before, new in zip(self._all_statuses, self._statuses, strict=True)]
        self._all_seconds = [before + new for before, new in zip(self._all_seconds, self._seconds, strict=True)]
        self._statuses, self._rows, self._start = [0, 0, 0], 0, end
        self._seconds = [0] * len(self._seconds)

"""What two versions of a model answer to the same rows, and how that differs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kronkers_studio.domain.row_tables import RowTable

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
"""Of the differences of numbers."""
MOST_TRANSITIONS = 200
"""Pairs of answers that are told one by one, the most frequent first."""


@dataclass(frozen=True, slots=True)
class Transition:
    """``rows`` rows get the class ``before`` from the left version and ``after`` from the right one."""

    before: str
    after: str
    rows: int


@dataclass(frozen=True, slots=True)
class Bin:
    """``rows`` differences from ``low`` up to ``high``."""

    low: float
    high: float
    rows: int


@dataclass(frozen=True, slots=True)
class NumberChange:
    """By how much the right version's numbers are above the left one's: ``quantiles`` by their share (0.5 is the
    median), ``largest`` with its sign, ``mean_size`` without; ``bins`` are its histogram."""

    mean: float
    mean_size: float
    largest: float
    quantiles: Mapping[str, float]
    bins: tuple[Bin, ...] = ()


@dataclass(frozen=True, slots=True)
class ChanceChange:
    """How the probabilities of classes that both versions know differ: of each row the most of any class, from 0 to
    1."""

    mean: float
    largest: float
    row: int  # with the largest change, from 1


@dataclass(frozen=True, slots=True)
class ComparedMetric:
    """A metric by the truth that a column holds; None where it cannot be told."""

    name: str
    left: float | None
    right: float | None
    lower_is_better: bool


@dataclass(frozen=True, slots=True)
class ByTruth:
    """How good both are on the ``rows`` whose truth is known. ``chance`` is the probability of so large a difference of
    the first metric, or a larger one, between versions that are equally good; None where it cannot be told."""

    column: str
    rows: int
    metrics: tuple[ComparedMetric, ...]
    chance: float | None
    sentence: str


@dataclass(frozen=True, slots=True)
class RowComparison:
    """``left`` and ``right`` are versions ("wine:3"); milliseconds are those of all their answers, the way there and
    back included. ``transitions`` are of classes, ``numbers`` of numbers."""

    left: str
    right: str
    table: str
    rows: int
    alike: int
    left_milliseconds: float
    right_milliseconds: float
    transitions: tuple[Transition, ...] = ()
    numbers: NumberChange | None = None
    chances: ChanceChange | None = None
    truth: ByTruth | None = None
    remarks: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Of the rows that are answered alike."""
        return self.alike / self.rows if self.rows else 1.0

    @property
    def differing(self) -> int:
        return self.rows - self.alike


@dataclass(frozen=True, slots=True)
class ComparedRows:
    """The answers behind a comparison, row by row: ``changed`` says whether they differ, ``sizes`` how much (numbers:
    the difference, right less left; classes: the most that a probability changed; NaN where that cannot be told).
    ``order`` are the indices of the rows that differ, those that differ most first."""

    comparison: RowComparison
    table: RowTable
    left: Sequence[Any]
    right: Sequence[Any]
    changed: Sequence[bool]
    sizes: Sequence[float]
    order: Sequence[int]


def most_changed(changed: Sequence[bool], sizes: Sequence[float]) -> list[int]:
    """The ``order`` of compared rows."""
    found = [row for row, differs in enumerate(changed) if differs]
    return sorted(found, key=lambda row: (-_size(sizes[row]), row))


def _size(size: float) -> float:
    """What cannot be told counts as least."""
    return -1.0 if math.isnan(size) else abs(size)


def difference_bins(sizes: Sequence[float], most: int = 12) -> list[Bin]:
    """How often differences are how large, in at most ``most`` steps of the same round width, of which one begins at 0;
    what is no number is left out."""
    known = [size for size in sizes if math.isfinite(size)]
    low, high = min(known, default=0.0), max(known, default=0.0)
    if low == high:
        return [Bin(low, high, len(known))] if known else []
    width = _round_width((high - low) / (most - 2))
    first, last = math.floor(low / width), max(math.floor(low / width) + 1, math.ceil(high / width))
    counts = [0] * (last - first)
    for size in known:
        counts[min(len(counts) - 1, max(0, math.floor(size / width) - first))] += 1
    return [Bin((first + at) * width, (first + at + 1) * width, rows) for at, rows in enumerate(counts)]


def _round_width(least: float) -> float:
    """The next of 1, 2, 5, 10, 20 …, or such a fraction."""
    power = 10.0 ** math.floor(math.log10(least))
    return next((factor * power for factor in (1.0, 2.0, 5.0) if factor * power >= least), 10 * power)

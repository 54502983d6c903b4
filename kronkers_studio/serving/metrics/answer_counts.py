"""What a model answered, counted in a fixed room: how often each class or, for numbers, how many lie where.

Nothing that a person could be known by is kept: no row, and no text but the names of the model's own classes. A model
that answers free text is not counted.
"""

from __future__ import annotations

import math
from collections import Counter
from typing import Any, Protocol

import numpy as np

from kronkers_studio.serving.model import Model

MOST_CLASSES = 20
_LONGEST_NAME = 40  # letters; a longer one is text rather than a class
_MOST_BINS = 24
_FINEST = 10  # the first bins are 2 ** -10 of a value wide: a thousandth
_LARGEST_INDEX = 40  # bits, so that every index is a number that all readers of JSON keep

OTHER = -1
"""The index of every class that has no name here, and of answers that are no class of the model's."""


class AnswerCounts(Protocol):
    """Counts of the answers since they were taken last."""

    kind: str
    names: list[str]

    def add(self, label: np.ndarray[Any, Any]) -> None:
        """Count one answer for each row."""

    def take(self) -> list[Any]:
        """The counts as plain numbers, and begin anew; [] when there was nothing."""


def counts_for(model: Model) -> AnswerCounts | None:
    """What counts this model's answers; None when they are none that can be counted."""
    spec = next((spec for spec in model.signature.outputs if spec.name == model.label), None)
    if spec is None or spec.width not in (1, -1):
        return None
    if model.classes:
        return ClassCounts(model.classes)
    if spec.datatype == "BOOL":
        return ClassCounts(("False", "True"))
    return None if spec.datatype == "BYTES" else NumberCounts()


class ClassCounts:
    """``take`` gives [index of a name, count, index, count, …]; names are only ever added at the end of ``names``."""

    kind = "classes"

    def __init__(self, classes: tuple[str, ...]) -> None:
        named = [name for name in classes if len(name) <= _LONGEST_NAME and name.isprintable()]
        self._known = frozenset(named)
        self.names = list(dict.fromkeys(named)) if len(self._known) <= MOST_CLASSES else []
        self._indices = {name: index for index, name in enumerate(self.names)}
        self._counts: dict[int, int] = {}

    def add(self, label: np.ndarray[Any, Any]) -> None:
        if label.ndim == 2 and label.shape[1] == 1:
            label = label[:, 0]
        if label.ndim != 1:
            return
        for value, number in Counter(label.tolist()).items():
            index = self._index(str(value))
            self._counts[index] = self._counts.get(index, 0) + number

    def take(self) -> list[Any]:
        taken = [part for pair in sorted(self._counts.items()) for part in pair]
        self._counts.clear()
        return taken

    def _index(self, name: str) -> int:
        index = self._indices.get(name)
        if index is None:
            if name not in self._known or len(self.names) == MOST_CLASSES:
                return OTHER
            index = self._indices[name] = len(self.names)
            self.names.append(name)
        return index


class NumberCounts:
    """A histogram of at most 24 bins that hold something, each 2 ** power wide and beginning at a multiple of that.
    ``take`` gives [power, others, index, count, index, count, …]; ``others`` are answers that are no finite number.

    The bins are made coarser by doubling their width when there are too many, so that two such histograms can be put
    together without loss.
    """

    kind = "numbers"

    def __init__(self) -> None:
        self.names: list[str] = []
        self._power: int | None = None
        self._bins: dict[int, int] = {}
        self._others = 0

    def add(self, label: np.ndarray[Any, Any]) -> None:
        if label.dtype.kind not in "iufb":
            return
        if label.ndim > 1 and label.size != len(label):
            return
        values = label.reshape(-1).astype(np.float64)
        finite = values[np.isfinite(values)]
        self._others += len(values) - len(finite)
        if not len(finite):
            return
        largest = math.frexp(float(np.abs(finite).max()))[1]
        if self._power is None:
            self._power = max(-1000, largest - _FINEST)
        while largest - self._power > _LARGEST_INDEX:
            self._coarsen()
        indices, counts = self._binned(finite)
        while len(indices) > 8 * _MOST_BINS:  # cheaper than one by one
            self._coarsen()
            indices, counts = self._binned(finite)
        for index, number in zip(indices.tolist(), counts.tolist(), strict=True):
            self._bins[int(index)] = self._bins.get(int(index), 0) + number
        while len(self._bins) > _MOST_BINS:
            self._coarsen()

    def take(self) -> list[Any]:
        if not self._bins and not self._others:
            return []
        taken = [self._power or 0, self._others, *(part for pair in sorted(self._bins.items()) for part in pair)]
        self._power, self._others = None, 0
        self._bins.clear()
        return taken

    def _binned(self, finite: np.ndarray[Any, Any]) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
        indices = np.floor(np.ldexp(finite, -(self._power or 0)))
        if len(indices) == 1:  # np.unique would take ten times as long as all the rest
            return indices, np.ones(1, np.int64)
        return np.unique(indices, return_counts=True)

    def _coarsen(self) -> None:
        assert self._power is not None  # noqa: S101 — the first number has set it
        self._power += 1
        coarser: dict[int, int] = {}
        for index, number in self._bins.items():
            coarser[index // 2] = coarser.get(index // 2, 0) + number
        self._bins = coarser

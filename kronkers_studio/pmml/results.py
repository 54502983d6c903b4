"""What a model answers for many rows, before it is given out."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from kronkers_studio.pmml.columns import Array, Column, Kind, blank, objects


@dataclass(frozen=True, slots=True)
class Result:
    """``numbers`` are predicted numbers (NaN: no answer), or ``weights`` those of the ``classes``, a column each (NaN:
    no answer), of which the greatest wins. ``labels`` (None: no answer) tell where another one does, ``entities`` which
    part of the model answered."""

    numbers: Array | None = None
    classes: tuple[str, ...] = ()
    weights: Array | None = None
    labels: Array | None = None
    entities: Array | None = None
    segments: dict[str, Result] = field(default_factory=dict)

    def label_texts(self) -> Array:
        """The predicted classes as texts; None where there is no answer."""
        if self.labels is not None:
            return self.labels
        if self.weights is None:
            return blank(Kind.TEXT, 0 if self.numbers is None else len(self.numbers))
        none = np.isnan(self.weights).any(axis=1)
        best = np.where(np.isnan(self.weights), -math.inf, self.weights).argmax(axis=1)
        found = np.asarray(objects(list(self.classes))[best], dtype=object)
        found[none] = None
        return found

    def value(self) -> Column:
        """The predicted value: a number, or a class as a text."""
        return Column(Kind.NUMBER, self.numbers) if self.numbers is not None else Column(Kind.TEXT, self.label_texts())

    def weight_of(self, name: str) -> Array:
        """The weights of one class; 0 for one that the model has not, NaN where there is no answer."""
        if self.weights is None:
            return np.full(len(self.value().values), math.nan)
        if name in self.classes:
            return np.asarray(self.weights[:, self.classes.index(name)])
        return np.where(np.isnan(self.weights).any(axis=1), math.nan, 0.0)


def scattered(result: Result, at: Array, rows: int) -> Result:
    """The result of some rows among ``rows``: the others have no answer."""

    def spread(values: Array | None) -> Array | None:
        if values is None:
            return None
        whole = np.full((rows, *values.shape[1:]), None if values.dtype == object else math.nan, dtype=values.dtype)
        whole[at] = values
        return whole

    return Result(
        spread(result.numbers),
        result.classes,
        spread(result.weights),
        spread(result.labels),
        spread(result.entities),
        {name: scattered(each, at, rows) for name, each in result.segments.items()},
    )


def chosen(at: Array, first: Result, other: Result) -> Result:
    """``first`` for the rows ``at`` which it is true, ``other`` for the rest; those have no answer where one tells
    numbers and the other classes."""
    if (first.numbers is None) != (other.numbers is None):
        return _alone(at, first)
    classes = (*first.classes, *(name for name in other.classes if name not in first.classes))

    def pick(one: Array | None, two: Array | None) -> Array | None:
        if one is None or two is None:
            return None
        return np.where(at.reshape((-1,) + (1,) * (one.ndim - 1)), one, two)

    return Result(
        pick(first.numbers, other.numbers),
        classes,
        pick(aligned(first, classes), aligned(other, classes)) if classes else None,
        pick(first.label_texts(), other.label_texts()) if classes else None,
        pick(first.entities, other.entities),
    )


def _alone(at: Array, result: Result) -> Result:
    """The result for the rows ``at`` which it is true; the rest has no answer."""
    places = np.flatnonzero(at)

    def pick(values: Array | None) -> Array | None:
        return None if values is None else values[places]

    kept = Result(
        pick(result.numbers), result.classes, pick(result.weights), pick(result.labels), pick(result.entities)
    )
    return scattered(kept, places, len(at))


def aligned(result: Result, classes: tuple[str, ...]) -> Array:
    """The weights of ``classes``, a column each."""
    if result.classes == classes and result.weights is not None:
        return result.weights
    return np.stack([result.weight_of(name) for name in classes], axis=1)

"""What each column of a table must hold for an estimator, as its encoders and imputers remember what they saw."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Final

from kronkers_studio.estimators.views import EstimatorView, Value, is_array, is_estimator, listed, whole
from kronkers_studio.estimators.wrappers import DEEPEST, parts_that_see_the_table, steps_of

MOST_COLUMNS: Final = 100_000
_MOST_LOOKS = 4_000_000  # columns times estimators that look at them
_MOST_PARTS = 1_000
_TEXT_VECTORIZERS: Final = ("CountVectorizer", "TfidfVectorizer", "HashingVectorizer")
_OBJECT_VECTORIZERS: Final = ("DictVectorizer", "FeatureHasher")
_LOOK_AT_NOTHING: Final = ("DummyClassifier", "DummyRegressor")
_ONE_TO_ONE: Final = re.compile(
    r"(?:MinMax|MaxAbs|Standard|Robust)Scaler|(?:Power|Quantile|Function)Transformer|(?:Simple|KNN|Iterative)Imputer"
    r"|OrdinalEncoder|Normalizer|Binarizer"
)


class Holds(Enum):
    """What a column holds. ``ANYTHING``: the estimator never looks at it. ``CATEGORIES``: names of categories, as text
    or as whole numbers, which count as their digits."""

    NUMBERS = "numbers"
    TEXT = "text"
    DATES = "dates"
    ANYTHING = "anything"
    CATEGORIES = "categories"


class Shape(Enum):
    """What an estimator is fitted to: a table, one text or one number for each row, or what is none of these."""

    TABLE = "table"
    TEXTS = "texts"
    NUMBERS = "numbers"
    OBJECTS = "objects"
    PICTURES = "pictures"


_SHAPES: Final = {
    **dict.fromkeys(_TEXT_VECTORIZERS, Shape.TEXTS),
    **dict.fromkeys(_OBJECT_VECTORIZERS, Shape.OBJECTS),
    "IsotonicRegression": Shape.NUMBERS,
    "PatchExtractor": Shape.PICTURES,
}


def inwards(root: EstimatorView) -> Iterator[EstimatorView]:
    """``root``, then the estimators inside it that see the table that it sees, the outer ones first."""
    waiting = [(root, 0)]
    for estimator, depth in waiting:  # which grows meanwhile
        yield estimator
        if depth < DEEPEST and len(waiting) < _MOST_PARTS:
            waiting.extend((part, depth + 1) for part in parts_that_see_the_table(estimator))


def shape_seen(root: EstimatorView) -> Shape:
    """What ``root`` is fitted to."""
    for estimator in inwards(root):
        if estimator.name in _SHAPES:
            return _SHAPES[estimator.name]
        if estimator.name == "ColumnTransformer":
            return Shape.TABLE
    return Shape.TABLE


def looks_at_nothing(root: EstimatorView) -> bool:
    """Whether ``root`` answers without a look at the row."""
    return root.name in _LOOK_AT_NOTHING


def width_of(root: EstimatorView) -> int | None:
    """How many columns ``root`` was fitted to, None when it does not say."""
    names = names_of(root)
    stated = (whole(estimator.get("n_features_in_")) for estimator in inwards(root))
    width = next((number for number in stated if number and 0 < number <= MOST_COLUMNS), None)
    return width or len(names) or None


def names_of(root: EstimatorView) -> tuple[str, ...]:
    """The names of the columns, none when it was fitted to a table without names."""
    for estimator in inwards(root):
        names = listed(estimator.get("feature_names_in_"))
        if names and len(names) <= MOST_COLUMNS and all(isinstance(name, str) for name in names):
            return tuple(names)
    return ()


def what_columns_hold(root: EstimatorView, width: int) -> tuple[Holds, ...]:
    """What each of the ``width`` columns of ``root``'s table must hold; numbers, where nothing else is known."""
    found = _Look().at(root, tuple(range(width)))
    return tuple(found.get(position, Holds.ANYTHING) for position in range(width))


_Uses = dict[int, Holds]
_Columns = Sequence[int | None]
"""Positions in the whole table, in the order in which an estimator sees them; None for what is no column of it."""


class _Look:
    """Goes through the estimators of one model, within a bound: what a pickle describes may hold itself."""

    def __init__(self) -> None:
        self._left = _MOST_LOOKS

    def at(self, estimator: EstimatorView, columns: _Columns, depth: int = 0) -> _Uses:
        """What those of ``columns`` that ``estimator`` looks at must hold."""
        self._left -= len(columns) + 1
        if self._left < 0 or depth > DEEPEST or estimator.name in _LOOK_AT_NOTHING:
            return {}
        steps = steps_of(estimator)
        if steps:
            return self._on_the_way(steps, columns, depth + 1)
        if estimator.name in _TEXT_VECTORIZERS:
            return {column: Holds.TEXT for column in columns[:1] if column is not None}
        parts = parts_that_see_the_table(estimator)
        if estimator.name == "ColumnTransformer" or parts:
            return self._at_parts(estimator, parts, columns, depth + 1)
        seen = _seen(estimator, len(columns))
        return {column: holds for column, holds in zip(columns, seen, strict=True) if column is not None}

    def _at_parts(self, holder: EstimatorView, parts: list[EstimatorView], columns: _Columns, depth: int) -> _Uses:
        found: _Uses = {}
        for part in parts:
            _add(found, self.at(part, columns, depth))
        for part, chosen in branches_of(holder, len(columns)):
            if is_estimator(part):
                _add(found, self.at(part, [columns[position] for position in chosen], depth))
            elif part != "drop":  # it is passed on
                _add(found, {column: Holds.NUMBERS for column in (columns[p] for p in chosen) if column is not None})
        return found

    def _on_the_way(self, steps: list[Value], columns: _Columns, depth: int) -> _Uses:
        """Of steps one after the other: the first that can tell says what a column must hold."""
        found: _Uses = {}
        for step in filter(is_estimator, steps):
            _add(found, self.at(step, columns, depth))
            after = _after(step, columns)
            if after is None:
                break
            columns = after
        return found


def _add(found: _Uses, more: _Uses) -> None:
    for column, holds in more.items():
        if found.get(column, Holds.NUMBERS) is Holds.NUMBERS:
            found[column] = holds


def _after(step: EstimatorView, columns: _Columns) -> _Columns | None:
    """The columns as they come out of ``step``, None when that is not known."""
    if _ONE_TO_ONE.fullmatch(step.name):
        return columns
    if step.name != "ColumnTransformer":
        return None
    layout = step.get("output_indices_")
    if not isinstance(layout, dict):
        return None
    slices = [place for place in layout.values() if isinstance(place, slice)]
    total = max((place.stop for place in slices if isinstance(place.stop, int)), default=0)
    if not 0 < total <= MOST_COLUMNS:
        return None
    after: list[int | None] = [None] * total
    for name, (part, chosen) in zip(_names_of_branches(step), branches_of(step, len(columns)), strict=True):
        place = layout.get(name)
        passes = part == "passthrough" or (is_estimator(part) and _ONE_TO_ONE.fullmatch(part.name) is not None)
        if passes and isinstance(place, slice) and place.stop - place.start == len(chosen):
            after[place] = [columns[position] for position in chosen]
    return after


def _names_of_branches(transformer: EstimatorView) -> list[str]:
    return [str(branch[0]) for branch in _branches(transformer)]


def _branches(transformer: EstimatorView) -> list[Value]:
    branches = listed(transformer.get("transformers_"))
    return [branch for branch in branches if isinstance(branch, tuple | list) and len(branch) == 3]


def branches_of(transformer: EstimatorView, width: int) -> list[tuple[Value, list[int]]]:
    """A ColumnTransformer's parts (an estimator or a word such as "drop"), each with the positions that it gets."""
    names = {str(name): place for place, name in enumerate(listed(transformer.get("feature_names_in_")))}
    return [(branch[1], positions(branch[2], names, width)) for branch in _branches(transformer)]


def positions(chosen: Value, names: Mapping[str, int], width: int) -> list[int]:
    """The positions that a ColumnTransformer's choice means: names, numbers, a mask or a slice; none when it is not
    understood."""
    if isinstance(chosen, slice):
        return _of_slice(chosen, names, width)
    choices = listed(chosen) if is_array(chosen) or isinstance(chosen, list | tuple) else [chosen]
    if choices and len(choices) == width and all(isinstance(choice, bool) for choice in choices):
        return [position for position, choice in enumerate(choices) if choice]
    found = [names.get(choice) if isinstance(choice, str) else choice for choice in choices]
    return [place % width for place in map(whole, found) if place is not None and -width <= place < width]


def _of_slice(chosen: slice, names: Mapping[str, int], width: int) -> list[int]:
    ends = [names.get(end) if isinstance(end, str) else end for end in (chosen.start, chosen.stop)]
    start, stop = (end if end is None else whole(end) for end in ends)
    if isinstance(chosen.stop, str) and stop is not None:
        stop += 1  # a slice of names includes its end
    return list(range(width))[slice(start, stop, whole(chosen.step))]


def _seen(estimator: EstimatorView, count: int) -> list[Holds]:
    """What each of the ``count`` columns held that ``estimator`` saw, numbers when it does not say."""
    texts = estimator.get("text_columns_")
    if isinstance(texts, list) and texts:
        return [Holds.TEXT if column in texts else Holds.NUMBERS for column in range(count)]
    categories = estimator.get("categories_")
    if isinstance(categories, list) and len(categories) == count:
        return [_held_by(one) for one in categories]
    statistics = listed(estimator.get("statistics_"))
    if len(statistics) == count:
        return [Holds.TEXT if isinstance(value, str) else Holds.NUMBERS for value in statistics]
    return [Holds.NUMBERS] * count


def _held_by(categories: Value) -> Holds:
    if not is_array(categories):
        return Holds.NUMBERS
    if categories.kind == "M":
        return Holds.DATES
    text = categories.kind in "US" or any(isinstance(value, str) for value in listed(categories))
    return Holds.TEXT if text else Holds.NUMBERS

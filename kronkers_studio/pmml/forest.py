"""Trees as tables of numbers, which all rows walk through together.

Each place tests one predicate and says where to go on when it is false, true or unknown: to another place, or,
below 0, to an answer. So each strategy for missing values is only another place to go on.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from kronkers_studio.pmml.columns import Array, Column, Kind
from kronkers_studio.pmml.frames import Frame, Scope
from kronkers_studio.pmml.predicates import OPERATORS, UNKNOWN, Predicate
from kronkers_studio.pmml.problems import InvalidRow

NO_ANSWER: Final = 0
"""The answer that is none."""
STUCK: Final = 1
"""The answer of a tree that does not say where to go on for a missing value: such a row is refused."""
_AT_ONCE = 1 << 18
"""Places of rows in trees that are kept at once."""
_TRUTH: Final = np.array(
    # less, equal, greater, missing
    [
        [1, 0, 0, 2],  # lessThan
        [1, 1, 0, 2],  # lessOrEqual
        [0, 1, 0, 2],  # equal
        [1, 0, 1, 2],  # notEqual
        [0, 1, 1, 2],  # greaterOrEqual
        [0, 0, 1, 2],  # greaterThan
        [0, 0, 0, 1],  # isMissing
        [1, 1, 1, 0],  # isNotMissing
    ],
    dtype=np.int8,
)
_CODES: Final = {operator: place for place, operator in enumerate(OPERATORS)}


class Forest:
    """Trees over the fields of one scope. They are built first, then walked through."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self._sources: list[tuple[str, Predicate | None]] = []
        self._places: dict[object, int] = {}
        self._numbers: dict[str, dict[str, float]] = {}
        self._tests: list[tuple[int, int, float]] = []
        self._next: list[tuple[int, int, int]] = []
        self._roots: list[int] = []
        self._made: tuple[Array, Array, Array, Array] | None = None
        self.answers = 2

    def answer(self) -> int:
        """A new answer's number."""
        self.answers += 1
        return self.answers - 1

    def test(self, predicate: Predicate, on: tuple[int, int, int]) -> int:
        """A new place that tests ``predicate`` and goes ``on`` when it is false, true or unknown: to a place, or to the
        answer n as -1 - n."""
        self._tests.append(self._test_of(predicate))
        self._next.append(on)
        return len(self._tests) - 1

    def root(self, place: int) -> None:
        """Begin a tree at ``place``."""
        self._roots.append(place)

    def _test_of(self, predicate: Predicate) -> tuple[int, int, float]:
        compared = predicate.comparison
        if predicate.always is not None:
            return self._place("", None), _CODES["equal" if predicate.always else "notEqual"], 0.0
        if compared is None:
            return self._place("", predicate), _CODES["equal"], 1.0
        value = compared.value
        if isinstance(value, str):
            numbers = self._numbers.setdefault(compared.field, {})
            value = numbers.setdefault(value, float(len(numbers)))
        return self._place(compared.field, None), _CODES[compared.operator], 0.0 if value is None else value

    def _place(self, field: str, predicate: Predicate | None) -> int:
        key = field if predicate is None else predicate.key
        if key not in self._places:
            self._places[key] = len(self._sources)
            self._sources.append((field, predicate))
        return self._places[key]

    def walk(self, frame: Frame) -> Array:
        """For each row and tree the number of the answer."""
        table = np.empty((frame.rows, len(self._sources)))
        for place, (field, predicate) in enumerate(self._sources):
            table[:, place] = self._source(frame, field, predicate)
        found = np.empty((frame.rows, len(self._roots)), dtype=np.int32)
        step = max(1, _AT_ONCE // max(1, len(self._roots)))
        for start in range(0, frame.rows, step):
            found[start : start + step] = self._walked(table[start : start + step])
        stuck = (found == STUCK).any(axis=1)
        if stuck.any():
            reason = "A value is missing where a tree of the model does not say how to go on without."
            raise InvalidRow(reason, "", int(np.argmax(stuck)))
        return found

    def _source(self, frame: Frame, field: str, predicate: Predicate | None) -> Array:
        if predicate is not None:
            truth = predicate.truth(frame)
            return np.where(truth == UNKNOWN, np.nan, truth)
        return self._numbered(frame.column(field), field) if field else np.zeros(frame.rows)

    def _numbered(self, column: Column, field: str) -> Array:
        if column.kind is not Kind.TEXT:
            return column.values
        numbers: dict[str | None, float] = {None: np.nan}
        numbers.update(self._numbers.get(field, {}))
        values = (numbers.get(value, -1.0) for value in column.values.tolist())
        return np.fromiter(values, dtype=np.float64, count=len(column.values))

    def _arrays(self) -> tuple[Array, Array, Array, Array]:
        if self._made is None:
            sources, operators, values = zip(*self._tests, strict=True)
            self._made = (
                np.array(sources, dtype=np.int32),
                np.array(operators, dtype=np.int8),
                np.array(values, dtype=np.float64),
                np.array(self._next, dtype=np.int32),
            )
        return self._made

    def _walked(self, table: Array) -> Array:
        sources, operators, values, following = self._arrays()
        width = table.shape[1]
        flat = np.ascontiguousarray(table).reshape(-1)
        places = np.tile(np.array(self._roots, dtype=np.int32), len(table))
        rows = np.repeat(np.arange(len(table)) * width, len(self._roots))
        going = np.flatnonzero(places >= 0)
        while len(going):
            at = places[going]
            found = flat[rows[going] + sources[at]]
            wanted = values[at]
            relation = (found > wanted) * 2 + (found == wanted)
            relation[np.isnan(found)] = 3
            after = following[at, _TRUTH[operators[at], relation]]
            places[going] = after
            going = going[after >= 0]
        return (-1 - places).reshape(len(table), len(self._roots))

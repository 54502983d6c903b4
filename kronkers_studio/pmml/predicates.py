"""Predicates: true, false, or unknown where a value is missing. https://dmg.org/pmml/v4-4-1/TreeModel.html"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from kronkers_studio.pmml.columns import Array, Kind
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.frames import Frame, Scope

FALSE, TRUE, UNKNOWN = 0, 1, 2
TESTS: Final = ("SimplePredicate", "CompoundPredicate", "SimpleSetPredicate", "True", "False")
"""The elements that are predicates."""
OPERATORS: Final = (
    *("lessThan", "lessOrEqual", "equal", "notEqual", "greaterOrEqual", "greaterThan", "isMissing", "isNotMissing"),
)
_DEEPEST = 40
_WORD = re.compile(r'"((?:\\.|[^"\\])*)"|(\S+)', re.DOTALL)
_COMPARE: Final[dict[str, Callable[[Array, Any], Array]]] = {
    "lessThan": lambda values, value: values < value,
    "lessOrEqual": lambda values, value: values <= value,
    "equal": lambda values, value: values == value,
    "notEqual": lambda values, value: values != value,
    "greaterOrEqual": lambda values, value: values >= value,
    "greaterThan": lambda values, value: values > value,
}


@dataclass(frozen=True, slots=True)
class Comparison:
    """A predicate that compares one field with one value."""

    field: str
    operator: str
    value: str | float | None


@dataclass(frozen=True, slots=True)
class Predicate:
    """``truth`` gives FALSE, TRUE or UNKNOWN for each row. ``comparison`` and ``always`` tell the plain ones; ``key``
    is the same for predicates that mean the same."""

    truth: Callable[[Frame], Array]
    key: tuple[object, ...]
    comparison: Comparison | None = None
    always: bool | None = None
    size: int = 1


def read_predicate(parent: Element, scope: Scope) -> Predicate:
    """The one predicate in ``parent``. Raises ``Unevaluated``."""
    return _predicate(parent.one(*TESTS), scope, 0)


def _predicate(element: Element, scope: Scope, level: int) -> Predicate:
    if level > _DEEPEST:
        element.refuse(f"predicates are nested deeper than {_DEEPEST}")
    match element.tag:
        case "True" | "False":
            always = element.tag == "True"
            return Predicate(lambda frame: np.full(frame.rows, always, dtype=np.int8), (element.tag,), always=always)
        case "SimplePredicate":
            return _simple(element, scope)
        case "SimpleSetPredicate":
            return _set(element, scope)
    return _compound(element, scope, level)


def _simple(element: Element, scope: Scope) -> Predicate:
    name = element.need("field")
    operator = element.choice("operator", OPERATORS)
    kind = scope.need(name, element).type.kind
    if operator in ("isMissing", "isNotMissing"):
        wanted = operator == "isMissing"
        return Predicate(
            lambda frame: (frame.column(name).missing() == wanted).astype(np.int8),
            (name, operator),
            Comparison(name, operator, None),
        )
    value = scope.value(name, element.need("value"), element)
    if kind is Kind.TEXT and operator not in ("equal", "notEqual"):
        element.refuse(f"“{name[:60]}” holds texts, of which none is less than another")
    compare = _COMPARE[operator]

    def truth(frame: Frame) -> Array:
        column = frame.column(name)
        found = np.asarray(compare(column.values, value), dtype=np.int8)
        found[column.missing()] = UNKNOWN
        return found

    return Predicate(truth, (name, operator, value), Comparison(name, operator, value))


def words_of(element: Element) -> list[str]:
    """The words of an ``Array``, which may stand in quotes."""
    return [
        found[2] if found[1] is None else re.sub(r"\\(.)", r"\1", found[1]) for found in _WORD.finditer(element.text)
    ]


def numbers_in(element: Element) -> Array:
    """The numbers of an ``Array`` or of the like. Raises ``Unevaluated`` for other words."""
    return np.array([element.as_number(word) for word in element.text.split()], dtype=np.float64)


def _set(element: Element, scope: Scope) -> Predicate:
    name = element.need("field")
    wanted = element.choice("booleanOperator", ("isIn", "isNotIn")) == "isIn"
    words = words_of(element.one("Array"))
    known = frozenset(scope.value(name, word, element) for word in words)
    if scope.need(name, element).type.kind is Kind.TEXT:

        def member(values: Array) -> Array:
            return np.fromiter((value in known for value in values.tolist()), dtype=bool, count=len(values))
    else:
        numbers = np.array(sorted(known), dtype=np.float64)

        def member(values: Array) -> Array:
            return np.isin(values, numbers)

    def truth(frame: Frame) -> Array:
        column = frame.column(name)
        found: Array = np.asarray(member(column.values) == wanted, dtype=np.int8)
        found[column.missing()] = UNKNOWN
        return found

    return Predicate(truth, (name, wanted, known), size=1 + len(words) // 50)


def _compound(element: Element, scope: Scope, level: int) -> Predicate:
    operator = element.choice("booleanOperator", ("and", "or", "xor", "surrogate"))
    parts = [_predicate(child, scope, level + 1) for child in element.all(*TESTS)]
    if len(parts) < 2:
        element.refuse("it needs two predicates or more")
    combine = _COMBINED[operator]

    def truth(frame: Frame) -> Array:
        found = parts[0].truth(frame)
        for part in parts[1:]:
            found = combine(found, part.truth(frame))
        return found

    key = (operator, *(part.key for part in parts))
    return Predicate(truth, key, size=sum(part.size for part in parts))


def _and(left: Array, right: Array) -> Array:
    either = (left == UNKNOWN) | (right == UNKNOWN)
    found = np.where(either, UNKNOWN, TRUE)
    return np.where((left == FALSE) | (right == FALSE), FALSE, found).astype(np.int8)


def _or(left: Array, right: Array) -> Array:
    either = (left == UNKNOWN) | (right == UNKNOWN)
    found = np.where(either, UNKNOWN, FALSE)
    return np.where((left == TRUE) | (right == TRUE), TRUE, found).astype(np.int8)


def _xor(left: Array, right: Array) -> Array:
    either = (left == UNKNOWN) | (right == UNKNOWN)
    return np.where(either, UNKNOWN, left != right).astype(np.int8)


def _surrogate(left: Array, right: Array) -> Array:
    return np.where(left == UNKNOWN, right, left)


_COMBINED: Final[dict[str, Callable[[Array, Array], Array]]] = {
    "and": _and,
    "or": _or,
    "xor": _xor,
    "surrogate": _surrogate,
}

"""Expressions: what derives a value from other fields, made ready once and run on all rows.

https://dmg.org/pmml/v4-4-1/Transformations.html
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from kronkers_studio.pmml.columns import (
    KINDS,
    Array,
    Column,
    Kind,
    blank,
    cast,
    constant,
    objects,
    parsed,
    same,
    texts_of,
)
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.frames import Frame, Scope
from kronkers_studio.pmml.intervals import Interval, read_interval

VALUES = ("Constant", "FieldRef", "NormContinuous", "NormDiscrete", "Discretize", "MapValues", "Apply")
"""The elements that are expressions."""
_DEEPEST = 40
_MOST_EXPRESSIONS = 300_000
_MOST_CALLS = 20_000
"""Expressions of a document, and calls that one may come to, those inside defined functions among them."""


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression: ``run`` gives its values as ``data_type``. ``depth`` is how many fields lie below it, ``calls``
    how many calls it comes to. ``text`` is what a constant says."""

    run: Callable[[Frame], Column]
    data_type: str
    depth: int = 0
    calls: int = 1
    text: str | None = None

    @property
    def kind(self) -> Kind:
        return KINDS[self.data_type]


Compile = Callable[[Element, Scope, int], Expression]


class Compiler:
    """Makes expressions ready. ``apply`` is what does so with calls of functions."""

    def __init__(self, apply: Callable[[Compiler, Element, Scope, int], Expression]) -> None:
        self._apply = apply
        self._made = 0
        self._makers: Mapping[str, Compile] = {
            "Constant": _constant,
            "FieldRef": _field_ref,
            "NormContinuous": _norm_continuous,
            "NormDiscrete": _norm_discrete,
            "Discretize": _discretize,
            "MapValues": _map_values,
        }

    def expression(self, element: Element, scope: Scope, level: int = 0) -> Expression:
        """``element``, which is one of ``VALUES``, in ``scope``. Raises ``Unevaluated``."""
        self._made += 1
        if self._made > _MOST_EXPRESSIONS:
            element.refuse(f"the document comes to more than {_MOST_EXPRESSIONS:,} expressions")
        if level > _DEEPEST:
            element.refuse(f"expressions are nested deeper than {_DEEPEST}")
        if element.tag == "Apply":
            found = self._apply(self, element, scope, level)
        else:
            found = self._makers[element.tag](element, scope, level)
        if found.calls > _MOST_CALLS:
            element.refuse(f"it comes to more than {_MOST_CALLS:,} calls of functions")
        return found

    def inside(self, element: Element, scope: Scope) -> Expression:
        """The one expression in ``element``."""
        return self.expression(element.one(*VALUES), scope)


def _constant(element: Element, _scope: Scope, _level: int) -> Expression:
    text = element.text
    data_type = element.choice("dataType", tuple(KINDS), _guessed(text))
    if element.flag("missing"):
        return Expression(lambda frame: constant(KINDS[data_type], None, frame.rows), data_type)
    value = parsed(text, data_type)
    if value is None:
        element.refuse(f"“{text[:60]}” is no {data_type}")
    return Expression(lambda frame: constant(KINDS[data_type], value, frame.rows), data_type, text=text)


def _guessed(text: str) -> str:
    """The type of a constant that says none."""
    if parsed(text, "integer") is not None and not set(".eE") & set(text):
        return "integer"
    return "double" if parsed(text, "double") is not None else "string"


def _field_ref(element: Element, scope: Scope, _level: int) -> Expression:
    name = element.need("field")
    field = scope.need(name, element)
    if not element.has("mapMissingTo"):
        return Expression(lambda frame: frame.column(name), field.type.data_type, field.depth)
    instead = scope.value(name, element.get("mapMissingTo"), element)
    return Expression(lambda frame: frame.column(name).where_missing(instead), field.type.data_type, field.depth)


def numbers_of(name: str, scope: Scope, element: Element) -> Callable[[Frame], Array]:
    """The values of a field of numbers; truth values count as 1 and 0. Raises ``Unevaluated`` for texts."""
    if scope.need(name, element).type.kind is Kind.TEXT:
        element.refuse(f"“{name[:60]}” holds texts, where numbers are needed")
    return lambda frame: frame.column(name).values


def _norm_continuous(element: Element, scope: Scope, _level: int) -> Expression:
    name = element.need("field")
    values_of = numbers_of(name, scope, element)
    points = [(norm.number("orig"), norm.number("norm")) for norm in element.all("LinearNorm")]
    given, wanted = np.array([one for one, _ in points]), np.array([other for _, other in points])
    if len(points) < 2 or not (np.diff(given) > 0).all():
        element.refuse("it needs two points or more, in ascending order")
    outliers = element.choice("outliers", ("asIs", "asMissingValues", "asExtremeValues"), "asIs")
    instead = element.number("mapMissingTo", math.nan)

    def run(frame: Frame) -> Column:
        values = values_of(frame)
        place = np.clip(np.searchsorted(given, values, side="right") - 1, 0, len(given) - 2)
        slope = (wanted[place + 1] - wanted[place]) / (given[place + 1] - given[place])
        found = wanted[place] + (values - given[place]) * slope
        if outliers != "asIs":
            low, high = (wanted[0], wanted[-1]) if outliers == "asExtremeValues" else (math.nan, math.nan)
            found = np.where(values < given[0], low, np.where(values > given[-1], high, found))
        return Column(Kind.NUMBER, np.where(np.isnan(values), instead, found))

    return Expression(run, "double", scope.need(name, element).depth)


def inverted(element: Element) -> Callable[[Array], Array]:
    """What a ``NormContinuous`` takes back from the normalized numbers."""
    points = sorted((norm.number("norm"), norm.number("orig")) for norm in element.all("LinearNorm"))
    if len(points) < 2 or any(one[0] == other[0] for one, other in itertools.pairwise(points)):
        element.refuse("it cannot be taken back: it needs two points or more that differ")
    given, wanted = np.array([one for one, _ in points]), np.array([other for _, other in points])

    def run(values: Array) -> Array:
        place = np.clip(np.searchsorted(given, values, side="right") - 1, 0, len(given) - 2)
        slope = (wanted[place + 1] - wanted[place]) / (given[place + 1] - given[place])
        return np.asarray(wanted[place] + (values - given[place]) * slope)

    return run


def _norm_discrete(element: Element, scope: Scope, _level: int) -> Expression:
    name = element.need("field")
    value = scope.value(name, element.need("value"), element)
    element.choice("method", ("indicator",), "indicator")
    instead = element.number("mapMissingTo", math.nan)

    def run(frame: Frame) -> Column:
        column = frame.column(name)
        return Column(Kind.NUMBER, np.where(column.missing(), instead, same(column.values, value).astype(float)))

    return Expression(run, "double", scope.need(name, element).depth)


def _discretize(element: Element, scope: Scope, _level: int) -> Expression:
    name = element.need("field")
    values_of = numbers_of(name, scope, element)
    data_type = element.choice("dataType", tuple(KINDS), "string")
    bins: list[tuple[Interval, str | float]] = [
        (read_interval(each.one("Interval")), _value(each, "binValue", data_type))
        for each in element.all("DiscretizeBin")
    ]
    default = _value(element, "defaultValue", data_type) if element.has("defaultValue") else None
    missing = _value(element, "mapMissingTo", data_type) if element.has("mapMissingTo") else None

    def run(frame: Frame) -> Column:
        values = values_of(frame)
        found = constant(KINDS[data_type], default, frame.rows).values
        for interval, value in reversed(bins):
            found[interval.holds(values)] = value
        if np.isnan(values).any():
            found[np.isnan(values)] = math.nan if missing is None and found.dtype != object else missing
        return Column(KINDS[data_type], found)

    return Expression(run, data_type, scope.need(name, element).depth)


def _value(element: Element, attribute: str, data_type: str) -> str | float:
    value = parsed(element.need(attribute), data_type)
    if value is None:
        element.refuse(f"{attribute}=“{element.get(attribute)[:60]}” is no {data_type}")
    return value


def _map_values(element: Element, scope: Scope, _level: int) -> Expression:
    data_type = element.choice("dataType", tuple(KINDS), "string")
    pairs = [(each.need("field"), each.need("column")) for each in element.all("FieldColumnPair")]
    output = element.need("outputColumn")
    if not pairs:
        element.refuse("it names no field")
    types = [scope.need(name, element).type.data_type for name, _ in pairs]
    table: dict[tuple[str | float | None, ...], str | float | None] = {}
    for row in element.one("InlineTable").children:
        cells = {cell.tag: cell.text for cell in row.children}
        key = tuple(
            parsed(cells.get(column, ""), data_type) for (_, column), data_type in zip(pairs, types, strict=True)
        )
        value = parsed(cells.get(output, ""), data_type)
        if None in key or value is None or any(column not in cells for _, column in pairs) or output not in cells:
            row.refuse("a row of the table does not fit its fields")
        table.setdefault(key, value)
    default = _value(element, "defaultValue", data_type) if element.has("defaultValue") else None
    missing = _value(element, "mapMissingTo", data_type) if element.has("mapMissingTo") else None

    def run(frame: Frame) -> Column:
        columns = [frame.column(name) for name, _ in pairs]
        gaps = columns[0].missing()
        for column in columns[1:]:
            gaps = gaps | column.missing()
        keys = zip(*(column.values.tolist() for column in columns), strict=True)
        values = [missing if gap else table.get(key, default) for key, gap in zip(keys, gaps.tolist(), strict=True)]
        return _column_of(values, data_type)

    return Expression(run, data_type, max(scope.need(name, element).depth for name, _ in pairs))


def _column_of(values: list[str | float | None], data_type: str) -> Column:
    kind = KINDS[data_type]
    if kind is Kind.TEXT:
        return Column(kind, objects(values))
    return Column(kind, np.array([math.nan if value is None else value for value in values], dtype=np.float64))


def alike(expressions: list[Expression], element: Element) -> list[Expression]:
    """The arguments as one kind: a constant beside others is read as they are. Raises ``Unevaluated``."""
    kinds = {expression.kind for expression in expressions if expression.text is None}
    if len(kinds) > 1:
        if kinds == {Kind.NUMBER, Kind.TRUTH}:
            return expressions
        element.refuse("its arguments are texts and numbers, which cannot be compared")
    if not kinds or all(expression.kind in kinds for expression in expressions):
        return _of_constants(expressions) if not kinds else expressions
    data_type = next(expression.data_type for expression in expressions if expression.text is None)
    return [_as(expression, data_type, element) for expression in expressions]


def _of_constants(expressions: list[Expression]) -> list[Expression]:
    if len({expression.kind for expression in expressions}) == 1:
        return expressions
    return [_text_constant(expression) for expression in expressions]


def _text_constant(expression: Expression) -> Expression:
    text = expression.text
    return Expression(lambda frame: constant(Kind.TEXT, text, frame.rows), "string", text=text)


def _as(expression: Expression, data_type: str, element: Element) -> Expression:
    if expression.text is None or expression.kind is KINDS[data_type]:
        return expression
    wanted = "double" if KINDS[data_type] is Kind.NUMBER else data_type
    value = parsed(expression.text, wanted)
    if value is None:
        element.refuse(f"“{expression.text[:60]}” is no {wanted}")
    return Expression(lambda frame: constant(KINDS[wanted], value, frame.rows), wanted, text=expression.text)


def as_text(expression: Expression) -> Callable[[Frame], Column]:
    """The expression's values as texts."""
    return lambda frame: Column(Kind.TEXT, texts_of(expression.run(frame)))


def typed(expression: Expression, data_type: str, field: str) -> Callable[[Frame], Column]:
    """The expression's values as ``data_type``."""
    if expression.data_type == data_type and data_type != "float":
        return expression.run
    return lambda frame: cast(expression.run(frame), data_type, field)


def nothing(kind: Kind, frame: Frame) -> Column:
    """A column of missing values."""
    return Column(kind, blank(kind, frame.rows))

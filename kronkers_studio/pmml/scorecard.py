"""Scorecards: points for what holds of a row, added up. https://dmg.org/pmml/v4-4-1/Scorecard.html"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kronkers_studio.pmml.columns import Array, Kind
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import Compiler
from kronkers_studio.pmml.frames import Frame, Scope
from kronkers_studio.pmml.predicates import TRUE, Predicate, read_predicate
from kronkers_studio.pmml.results import Result

_Points = Callable[[Frame], Array]


def scorecard_model(element: Element, scope: Scope, compiler: Compiler) -> Callable[[Frame], Result]:
    """What answers rows; the reasons are not told. Raises ``Unevaluated``."""
    if element.get("functionName") != "regression":
        element.refuse("a scorecard is a regression")
    initial = element.number("initialScore", 0.0)
    holder = element.one("Characteristics")
    parts = [_characteristic(each, scope, compiler) for each in holder.all("Characteristic")]

    def run(frame: Frame) -> Result:
        total = np.full(frame.rows, initial)
        for attributes in parts:
            total += _points(attributes, frame)
        return Result(total)

    return run


def _characteristic(element: Element, scope: Scope, compiler: Compiler) -> list[tuple[Predicate, _Points]]:
    return [(read_predicate(each, scope), _score(each, scope, compiler)) for each in element.all("Attribute")]


def _score(attribute: Element, scope: Scope, compiler: Compiler) -> _Points:
    derived = attribute.first("ComplexPartialScore")
    if derived is None:
        points = attribute.number("partialScore")
        return lambda frame: np.full(frame.rows, points)
    expression = compiler.inside(derived, scope)
    if expression.kind is Kind.TEXT:
        derived.refuse("a score is a number")
    return lambda frame: expression.run(frame).values


def _points(attributes: list[tuple[Predicate, _Points]], frame: Frame) -> Array:
    """The points of the first attribute that holds of each row; NaN where none does: then the row has no score."""
    found = np.full(frame.rows, np.nan)
    waiting = np.ones(frame.rows, dtype=bool)
    for predicate, points in attributes:
        at = waiting & (predicate.truth(frame) == TRUE)
        if at.any():
            found[at] = points(frame)[at]
            waiting &= ~at
    return found

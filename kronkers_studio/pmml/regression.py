"""Regression: sums of weighted fields, and what makes an answer of them. https://dmg.org/pmml/v4-4-1/Regression.html"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kronkers_studio.pmml.columns import Array, same
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import numbers_of
from kronkers_studio.pmml.frames import FieldType, Frame, Scope
from kronkers_studio.pmml.results import Result

_NORMALIZATIONS = ("none", "simplemax", "softmax", "logit", "probit", "cloglog", "exp", "loglog", "cauchit")
_OF_NUMBERS = ("none", "softmax", "logit", "probit", "cloglog", "exp", "loglog", "cauchit")
Run = Callable[[Frame], Result]


def _probit(values: Array) -> Array:
    return np.asarray(0.5 * np.vectorize(math.erfc, otypes=[np.float64])(-values / math.sqrt(2)))


INVERSE: dict[str, Callable[[Array], Array]] = {
    "none": lambda y: y,
    "logit": lambda y: 1 / (1 + np.exp(-y)),
    "softmax": lambda y: 1 / (1 + np.exp(-y)),
    "probit": _probit,
    "cloglog": lambda y: 1 - np.exp(-np.exp(y)),
    "exp": np.exp,
    "loglog": lambda y: np.exp(-np.exp(-y)),
    "cauchit": lambda y: 0.5 + np.arctan(y) / math.pi,
}
"""From a sum to an answer, by the names of normalizations."""


def regression_model(element: Element, scope: Scope, target: FieldType | None) -> tuple[Run, tuple[str, ...]]:
    """What answers rows, and the classes. Raises ``Unevaluated``."""
    normalization = element.choice("normalizationMethod", _NORMALIZATIONS, "none")
    tables = element.all("RegressionTable")
    sums = [_table(table, scope) for table in tables]
    if element.choice("functionName", ("regression", "classification")) == "regression":
        if len(tables) != 1 or normalization not in _OF_NUMBERS:
            element.refuse("a regression has one table, whose normalization is not simplemax")
        return lambda frame: Result(_safely(INVERSE[normalization], sums[0](frame))), ()
    classes = tuple(table.need("targetCategory") for table in tables)
    if len(classes) < 2 or len(set(classes)) < len(classes):
        element.refuse("a classification has two tables or more, each of a class of its own")
    ordinal = target is not None and target.optype == "ordinal"
    if ordinal and normalization in ("softmax", "simplemax"):
        ordinal = False
    if normalization == "exp" or (
        len(classes) > 2 and not ordinal and normalization not in ("none", "softmax", "simplemax")
    ):
        element.refuse(f"normalizationMethod=“{normalization}” is not evaluated for these classes")

    def run(frame: Frame) -> Result:
        weights = np.stack([each(frame) for each in sums], axis=1)
        found = _cumulated(weights, normalization) if ordinal else _normalized(weights, normalization)
        found[np.isnan(found).any(axis=1)] = math.nan
        return Result(classes=classes, weights=found)

    return run, classes


def _safely(compute: Callable[[Array], Array], values: Array) -> Array:
    with np.errstate(all="ignore"):
        return compute(values)


def _normalized(weights: Array, method: str) -> Array:
    with np.errstate(all="ignore"):
        if method == "softmax":
            grown = np.exp(weights - weights.max(axis=1, keepdims=True))
            return np.asarray(grown / grown.sum(axis=1, keepdims=True))
        if method == "simplemax":
            return np.asarray(weights / weights.sum(axis=1, keepdims=True))
        found = INVERSE[method](weights)
        found[:, -1] = 1 - found[:, :-1].sum(axis=1)
        return found


def _cumulated(weights: Array, method: str) -> Array:
    """Of ordered classes: each sum tells how probable all classes up to its own are."""
    up_to = _safely(INVERSE[method], weights)
    up_to[:, -1] = np.where(np.isnan(up_to[:, -1]), math.nan, 1.0)
    return np.diff(up_to, axis=1, prepend=0.0)


def _table(table: Element, scope: Scope) -> Callable[[Frame], Array]:
    intercept = table.number("intercept")
    terms: list[Callable[[Frame], Array]] = []
    for child in table.children:
        match child.tag:
            case "NumericPredictor":
                terms.append(_numeric(child, scope))
            case "CategoricalPredictor":
                terms.append(_categorical(child, scope))
            case _:
                terms.append(_product(child, scope))

    def run(frame: Frame) -> Array:
        found = np.full(frame.rows, intercept)
        with np.errstate(all="ignore"):
            for term in terms:
                found += term(frame)
        return found

    return run


def _numeric(element: Element, scope: Scope) -> Callable[[Frame], Array]:
    values = numbers_of(element.need("name"), scope, element)
    coefficient = element.number("coefficient")
    exponent = element.whole("exponent", 1)
    return lambda frame: coefficient * (values(frame) if exponent == 1 else values(frame) ** exponent)


def _categorical(element: Element, scope: Scope) -> Callable[[Frame], Array]:
    name = element.need("name")
    value = scope.value(name, element.need("value"), element)
    coefficient = element.number("coefficient")
    return lambda frame: coefficient * same(frame.column(name).values, value).astype(np.float64)


def _product(element: Element, scope: Scope) -> Callable[[Frame], Array]:
    fields = [numbers_of(ref.need("field"), scope, ref) for ref in element.all("FieldRef")]
    coefficient = element.number("coefficient")

    def run(frame: Frame) -> Array:
        found = np.full(frame.rows, coefficient)
        for values in fields:
            found *= values(frame)
        return found

    return run

"""Generalized linear and multinomial models, with contrasts by parameters.
https://dmg.org/pmml/v4-4-1/GeneralRegression.html"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kronkers_studio.pmml.columns import Array, same
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import numbers_of
from kronkers_studio.pmml.frames import FieldType, Frame, Scope
from kronkers_studio.pmml.regression import INVERSE
from kronkers_studio.pmml.results import Result

_TYPES = ("regression", "generalLinear", "generalizedLinear", "multinomialLogistic", "ordinalMultinomial")
_LINKS: dict[str, Callable[[Array], Array]] = {
    "identity": lambda y: y,
    "log": np.exp,
    "logc": lambda y: 1 - np.exp(y),
    **{name: INVERSE[name] for name in ("logit", "probit", "cloglog", "loglog", "cauchit")},
}
Run = Callable[[Frame], Result]
_Values = Callable[[Frame], Array]


def general_regression_model(element: Element, scope: Scope, target: FieldType | None) -> tuple[Run, tuple[str, ...]]:
    """What answers rows, and the classes. Raises ``Unevaluated``."""
    kind = element.choice("modelType", _TYPES)
    if element.has("trialsVariable") or element.has("trialsValue"):
        element.refuse("trials are not evaluated")
    design = _design(element, scope)
    offset = _offset(element, scope)
    cells = [
        (cell.get("targetCategory"), cell.need("parameterName"), cell.number("beta"))
        for cell in element.one("ParamMatrix").all("PCell")
    ]
    unknown = [name for _, name, _ in cells if name not in design]
    if unknown or not cells:
        element.refuse(f"there is no parameter “{(unknown or [''])[0][:60]}”")

    def total(frame: Frame, category: str) -> Array:
        found = offset(frame)
        for of, name, beta in cells:
            if of == category:
                found = found + beta * design[name](frame)
        return found

    categories = tuple(dict.fromkeys(of for of, _, _ in cells if of))
    if element.get("functionName") == "regression":
        if categories or kind in ("multinomialLogistic", "ordinalMultinomial"):
            element.refuse("a regression has no classes")
        inverse = _inverse(element) if kind == "generalizedLinear" else _LINKS["identity"]
        return lambda frame: Result(_quietly(inverse, total(frame, ""))), ()
    if kind == "ordinalMultinomial":
        element.refuse("ordered classes are not evaluated")
    return _classification(element, kind, categories, target, total)


def _classification(
    element: Element,
    kind: str,
    categories: tuple[str, ...],
    target: FieldType | None,
    total: Callable[[Frame, str], Array],
) -> tuple[Run, tuple[str, ...]]:
    if kind not in ("generalizedLinear", "multinomialLogistic"):
        element.refuse(f"modelType=“{kind}” of a classification is not evaluated")
    known = target.values if target else ()
    reference = element.get("targetReferenceCategory")
    if not reference:
        left = [name for name in known if name not in categories]
        if len(left) != 1 or not categories:
            element.refuse("it does not say which class the others are compared with")
        reference = left[0]
    if not categories:
        left = [name for name in known if name != reference]
        if len(left) != 1:
            element.refuse("it does not say which class its parameters are for")
        named: tuple[str, ...] = (left[0],)
        sums: tuple[str, ...] = ("",)
    else:
        named = sums = tuple(name for name in categories if name != reference)
    if kind == "generalizedLinear" and len(named) != 1:
        element.refuse("a generalized linear model tells two classes apart")
    inverse = _inverse(element) if kind == "generalizedLinear" else None
    every = (*named, reference)
    classes = (*(name for name in known if name in every), *(name for name in every if name not in known))

    def run(frame: Frame) -> Result:
        raw = np.stack([total(frame, each) for each in sums], axis=1)
        if inverse is not None:
            found = _quietly(inverse, raw)
            whole = np.concatenate([found, 1 - found], axis=1)
        else:
            grown = np.concatenate([raw, np.zeros((frame.rows, 1))], axis=1)
            grown = np.exp(grown - grown.max(axis=1, keepdims=True))
            whole = grown / grown.sum(axis=1, keepdims=True)
        order = [(*named, reference).index(name) for name in classes]
        whole = whole[:, order]
        whole[np.isnan(whole).any(axis=1)] = math.nan
        return Result(classes=classes, weights=whole)

    return run, classes


def _quietly(compute: Callable[[Array], Array], values: Array) -> Array:
    with np.errstate(all="ignore"):
        return compute(values)


def _inverse(element: Element) -> Callable[[Array], Array]:
    link = element.choice("linkFunction", (*_LINKS, "power", "negbin", "oddspower"))
    if link == "power":
        power = element.number("linkParameter")
        return np.exp if power == 0 else lambda y: y ** (1 / power)
    if link not in _LINKS:
        element.refuse(f"linkFunction=“{link}” is not evaluated")
    return _LINKS[link]


def _offset(element: Element, scope: Scope) -> _Values:
    if element.has("offsetVariable"):
        return numbers_of(element.need("offsetVariable"), scope, element)
    value = element.number("offsetValue", 0.0)
    return lambda frame: np.full(frame.rows, value)


def _design(element: Element, scope: Scope) -> dict[str, _Values]:
    """What each parameter is multiplied with."""
    factors = _predictors(element, "FactorList")
    covariates = _predictors(element, "CovariateList")
    parts: dict[str, list[_Values]] = {each.need("name"): [] for each in element.one("ParameterList").children}
    matrix = element.first("PPMatrix")
    for cell in matrix.all("PPCell") if matrix else ():
        if cell.has("targetCategory"):
            cell.refuse("cells for one class are not evaluated")
        parameter, name = cell.need("parameterName"), cell.need("predictorName")
        if parameter not in parts or (name in factors) == (name in covariates):
            cell.refuse(f"there is no such parameter or predictor as “{parameter[:30]}” and “{name[:30]}”")
        parts[parameter].append(_indicator(cell, name, scope) if name in factors else _power(cell, name, scope))
    return {name: _product(factors_of) for name, factors_of in parts.items()}


def _predictors(element: Element, tag: str) -> frozenset[str]:
    holder = element.first(tag)
    found = holder.all("Predictor") if holder else []
    for each in found:
        if each.has("contrastMatrixType"):
            each.refuse("matrices of contrasts are not evaluated")
    return frozenset(each.need("name") for each in found)


def _indicator(cell: Element, name: str, scope: Scope) -> _Values:
    value = scope.value(name, cell.need("value"), cell)

    def run(frame: Frame) -> Array:
        column = frame.column(name)
        return np.where(column.missing(), math.nan, same(column.values, value).astype(np.float64))

    return run


def _power(cell: Element, name: str, scope: Scope) -> _Values:
    values = numbers_of(name, scope, cell)
    exponent = cell.number("value")
    return lambda frame: values(frame) if exponent == 1 else _quietly(lambda found: found**exponent, values(frame))


def _product(parts: list[_Values]) -> _Values:
    def run(frame: Frame) -> Array:
        found = np.ones(frame.rows)
        for part in parts:
            found = found * part(frame)
        return found

    return run

"""Naive Bayes. https://dmg.org/pmml/v4-4-1/NaiveBayes.html"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from kronkers_studio.pmml.columns import Array, Column, Kind, parsed, same
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import Compiler, typed
from kronkers_studio.pmml.frames import Frame, Scope
from kronkers_studio.pmml.results import Result

_MOST_NUMBERS = 20_000_000
_Likelihood = Callable[[Frame], Array]
"""For each row and class the logarithm of how likely a field's value is, 0 where it is missing."""


def naive_bayes_model(
    element: Element, scope: Scope, compiler: Compiler
) -> tuple[Callable[[Frame], Result], tuple[str, ...]]:
    """What answers rows, and the classes. Raises ``Unevaluated``."""
    if element.get("functionName") != "classification":
        element.refuse("naive Bayes is a classification")
    least = element.number("threshold")
    counts = _counts(element.one("BayesOutput").one("TargetValueCounts"))
    classes = tuple(counts)
    if len(classes) < 2 or min(counts.values()) <= 0:
        element.refuse("it needs two classes or more, each with records")
    with np.errstate(all="ignore"):
        first = np.log(np.array([counts[name] for name in classes]))
    inputs = element.one("BayesInputs").all("BayesInput")
    if sum(1 + len(each.all("PairCounts")) for each in inputs) * len(classes) > _MOST_NUMBERS:
        element.refuse(f"it has more than {_MOST_NUMBERS:,} likelihoods")
    parts = [_input(each, scope, compiler, classes, least) for each in inputs]

    def run(frame: Frame) -> Result:
        total = np.tile(first, (frame.rows, 1))
        for part in parts:
            total += part(frame)
        grown = np.exp(total - total.max(axis=1, keepdims=True))
        return Result(classes=classes, weights=grown / grown.sum(axis=1, keepdims=True))

    return run, classes


def _counts(element: Element) -> dict[str, float]:
    return {each.need("value"): each.number("count") for each in element.all("TargetValueCount")}


def _input(element: Element, scope: Scope, compiler: Compiler, classes: tuple[str, ...], least: float) -> _Likelihood:
    name = element.need("fieldName")
    stats = element.first("TargetValueStats")
    if stats is not None:
        return _gaussian(stats, name, scope, classes, least)
    field = element.first("DerivedField")
    if field is None:
        data_type = scope.need(name, element).type.data_type
        values_of: Callable[[Frame], Column] = lambda frame: frame.column(name)  # noqa: E731
    else:
        expression = compiler.inside(field, scope)
        values_of = typed(expression, expression.data_type, name)
        data_type = expression.data_type
    pairs = [(pair.need("value"), _counts(pair.one("TargetValueCounts"))) for pair in element.all("PairCounts")]
    totals = {each: sum(counts.get(each, 0.0) for _, counts in pairs) for each in classes}
    table = [(parsed(text, data_type), _logarithms(counts, totals, classes, least)) for text, counts in pairs]
    if any(value is None for value, _ in table):
        element.refuse(f"a value of “{name[:60]}” is no {data_type}")

    def run(frame: Frame) -> Array:
        values = values_of(frame).values
        found = np.zeros((frame.rows, len(classes)))
        for value, logarithms in table:
            found[same(values, value)] = logarithms
        return found

    return run


def _logarithms(counts: dict[str, float], totals: dict[str, float], classes: tuple[str, ...], least: float) -> Array:
    shares = [counts.get(name, 0.0) / totals[name] if totals[name] > 0 else 0.0 for name in classes]
    with np.errstate(all="ignore"):
        return np.asarray(np.log([share if share > 0 else least for share in shares]))


def _gaussian(stats: Element, name: str, scope: Scope, classes: tuple[str, ...], least: float) -> _Likelihood:
    if scope.need(name, stats).type.kind is Kind.TEXT:
        stats.refuse("a distribution of texts is not evaluated")
    means, variances = [], []
    told = {each.need("value"): each for each in stats.all("TargetValueStat")}
    for each in classes:
        if each not in told:
            stats.refuse(f"the class “{each[:60]}” has no distribution")
        shape = told[each].one("GaussianDistribution", "PoissonDistribution")
        if shape.tag != "GaussianDistribution" or shape.number("variance") <= 0:
            shape.refuse("of distributions, Gaussian ones with a variance are evaluated")
        means.append(shape.number("mean"))
        variances.append(shape.number("variance"))
    mean, variance = np.array(means), np.array(variances)
    scale = 1 / np.sqrt(2 * math.pi * variance)

    def run(frame: Frame) -> Array:
        values = frame.column(name).values[:, None]
        with np.errstate(all="ignore"):
            density = scale * np.exp(-((values - mean) ** 2) / (2 * variance))
            found = np.log(np.maximum(density, least))  # PMML's threshold is the least that a density counts as
        return np.where(np.isnan(values), 0.0, found)

    return run

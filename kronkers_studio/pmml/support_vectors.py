"""Support vector machines. https://dmg.org/pmml/v4-4-1/SupportVectorMachine.html"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kronkers_studio.pmml.columns import Array, objects, same
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import numbers_of
from kronkers_studio.pmml.frames import Frame, Scope
from kronkers_studio.pmml.predicates import numbers_in
from kronkers_studio.pmml.results import Result

_Kernel = Callable[[Array, Array], Array]
_MOST_NUMBERS = 10_000_000
_AT_ONCE = 4_000_000  # numbers of a kernel


@dataclass(frozen=True, slots=True)
class _Machine:
    """One machine: its ``vectors`` (None: it is linear in the fields themselves) with ``factors``, and the classes that
    a value below and above the threshold is for."""

    vectors: Array | None
    factors: Array
    absolute: float
    category: str
    other: str
    threshold: float


def support_vector_machine(element: Element, scope: Scope) -> tuple[Callable[[Frame], Result], tuple[str, ...]]:
    """What answers rows, and the classes. Raises ``Unevaluated``."""
    if element.has("alternateBinaryTargetCategory"):
        element.refuse("alternateBinaryTargetCategory is not evaluated")
    kernel = _kernel(element)
    dictionary = element.one("VectorDictionary")
    fields = _fields(dictionary.one("VectorFields"), scope)
    machine_elements = element.all("SupportVectorMachine")
    by_vectors = element.choice("svmRepresentation", ("SupportVectors", "Coefficients"), "SupportVectors")
    vectors = _vectors(dictionary, len(fields)) if by_vectors == "SupportVectors" else {}
    used = sum(len(each.all("SupportVectors") and each.one("SupportVectors").children) for each in machine_elements)
    if used * len(fields) > _MOST_NUMBERS:
        element.refuse(f"its vectors have more than {_MOST_NUMBERS:,} numbers")
    machines = [_machine(each, vectors, len(fields), element) for each in machine_elements]
    if not machines:
        element.refuse("it has no machine")

    def values(frame: Frame) -> Array:
        given = np.stack([each(frame) for each in fields], axis=1)
        with np.errstate(all="ignore"):
            return np.stack([_value(each, given, kernel) for each in machines], axis=1)

    if element.get("functionName") == "regression":
        if len(machines) != 1:
            element.refuse("a regression has one machine")
        return lambda frame: Result(values(frame)[:, 0]), ()
    method = element.choice("classificationMethod", ("OneAgainstAll", "OneAgainstOne"), "OneAgainstAll")
    most = element.flag("maxWins")
    classes = tuple(dict.fromkeys(name for each in machines for name in (each.category, each.other) if name))
    one_to_one = method == "OneAgainstOne" or (len(machines) == 1 and bool(machines[0].other))
    if any(not each.category or (one_to_one and not each.other) for each in machines) or len(classes) < 2:
        element.refuse("each machine names its classes")
    choose = _voted if one_to_one else _best

    def run(frame: Frame) -> Result:
        found = values(frame)
        labels = choose(found, machines, classes, most)
        labels[np.isnan(found).any(axis=1)] = None
        weights = np.stack([same(labels, name).astype(np.float64) for name in classes], axis=1)
        return Result(classes=classes, weights=weights, labels=labels)

    return run, classes


def _voted(found: Array, machines: list[_Machine], classes: tuple[str, ...], most: bool) -> Array:
    votes = np.zeros((len(found), len(classes)))
    for place, machine in enumerate(machines):
        above = found[:, place] > machine.threshold
        first = above if most else ~above
        votes[first, classes.index(machine.category)] += 1
        votes[~first, classes.index(machine.other)] += 1
    return np.asarray(objects(list(classes))[votes.argmax(axis=1)], dtype=object)


def _best(found: Array, machines: list[_Machine], classes: tuple[str, ...], most: bool) -> Array:
    named = objects([machine.category for machine in machines])
    return np.asarray(named[(found if most else -found).argmax(axis=1)], dtype=object)


def _kernel(element: Element) -> _Kernel:
    kernel = element.one("LinearKernelType", "PolynomialKernelType", "RadialBasisKernelType", "SigmoidKernelType")
    gamma, coefficient = kernel.number("gamma", 1.0), kernel.number("coef0", 1.0)
    degree = kernel.number("degree", 1.0)
    match kernel.tag:
        case "LinearKernelType":
            return lambda x, v: x @ v.T
        case "PolynomialKernelType":
            return lambda x, v: (gamma * (x @ v.T) + coefficient) ** degree
        case "SigmoidKernelType":
            return lambda x, v: np.tanh(gamma * (x @ v.T) + coefficient)
    return lambda x, v: np.exp(-gamma * _distances(x, v))


def _distances(x: Array, v: Array) -> Array:
    """Squared, by differences: products would lose digits of what is near."""
    found = np.zeros((len(x), len(v)))
    for place in range(x.shape[1]):
        found += (x[:, place, None] - v[None, :, place]) ** 2
    return found


def _fields(element: Element, scope: Scope) -> list[Callable[[Frame], Array]]:
    fields: list[Callable[[Frame], Array]] = []
    for child in element.children:
        if child.tag == "FieldRef" and not child.has("mapMissingTo"):
            fields.append(numbers_of(child.need("field"), scope, child))
        elif child.tag == "CategoricalPredictor":
            fields.append(_indicator(child, scope))
        else:
            child.refuse("mapMissingTo is not evaluated here")
    if not fields:
        element.refuse("it names no fields")
    return fields


def _indicator(element: Element, scope: Scope) -> Callable[[Frame], Array]:
    name = element.need("name")
    value = scope.value(name, element.need("value"), element)

    def run(frame: Frame) -> Array:
        column = frame.column(name)
        return np.where(column.missing(), math.nan, same(column.values, value).astype(np.float64))

    return run


def _vectors(element: Element, width: int) -> dict[str, Array]:
    instances = element.all("VectorInstance")
    if len(instances) * width > _MOST_NUMBERS:
        element.refuse(f"its vectors have more than {_MOST_NUMBERS:,} numbers")
    return {each.need("id"): _vector(each, width) for each in instances}


def _vector(element: Element, width: int) -> Array:
    dense = element.first("Array")
    if dense is not None:
        found = numbers_in(dense)
        if len(found) != width:
            dense.refuse(f"it has {len(found)} numbers for {width} fields")
        return found
    sparse = element.one("REAL-SparseArray")
    found = np.full(width, sparse.number("defaultValue", 0.0))
    indices, entries = sparse.first("Indices"), sparse.first("REAL-Entries")
    places = numbers_in(indices) if indices else np.empty(0)
    values = numbers_in(entries) if entries else np.empty(0)
    fits = len(places) == len(values) and bool(((places >= 1) & (places <= width) & (places % 1 == 0)).all())
    if not fits:
        sparse.refuse("its numbers do not fit their places")
    found[places.astype(np.int64) - 1] = values
    return found


def _machine(element: Element, vectors: dict[str, Array], width: int, model: Element) -> _Machine:
    holder = element.one("Coefficients")
    factors = np.array([each.number("value", 0.0) for each in holder.all("Coefficient")])
    used = None
    if vectors:
        names = [each.need("vectorId") for each in element.one("SupportVectors").all("SupportVector")]
        unknown = [name for name in names if name not in vectors]
        if unknown or len(names) != len(factors) or not names:
            element.refuse("its vectors and coefficients do not fit together")
        used = np.stack([vectors[name] for name in names])
    elif len(factors) != width:
        element.refuse(f"it has {len(factors)} coefficients for {width} fields")
    threshold = element.number("threshold", model.number("threshold", 0.0))
    return _Machine(
        used,
        factors,
        holder.number("absoluteValue", 0.0),
        element.get("targetCategory"),
        element.get("alternateTargetCategory"),
        threshold,
    )


def _value(machine: _Machine, given: Array, kernel: _Kernel) -> Array:
    if machine.vectors is None:
        return np.asarray(given @ machine.factors + machine.absolute)
    step = max(1, _AT_ONCE // len(machine.vectors))
    parts = [
        kernel(given[start : start + step], machine.vectors) @ machine.factors for start in range(0, len(given), step)
    ]
    return np.concatenate(parts) + machine.absolute

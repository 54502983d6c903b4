"""Output fields: what of a result is given out, under which name. https://dmg.org/pmml/v4-4-1/Output.html"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kronkers_studio.pmml.columns import KINDS, Array, Column, Kind, blank, cast, same
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import VALUES, Compiler, typed
from kronkers_studio.pmml.frames import Field, FieldType, Frame, Scope
from kronkers_studio.pmml.results import Result
from kronkers_studio.pmml.schema import require_name

_FEATURES = {
    "predictedValue": "string",
    "predictedDisplayValue": "string",
    "probability": "double",
    "transformedValue": "string",
    "decision": "string",
    "entityId": "string",
    "clusterId": "string",
}
"""The features that are evaluated, and the types of those that do not say theirs."""


@dataclass(frozen=True, slots=True)
class OutputField:
    """One field that is given out. ``final``: it is for who asked, and not only for other fields."""

    name: str
    data_type: str
    final: bool
    compute: Callable[[Frame, Result], Column]


@dataclass(frozen=True, slots=True)
class ToldOf:
    """What outputs are read for: the model's ``function``, its ``classes`` and whether it tells their probabilities,
    the names of classes as they are ``shown``, and the ``segments``, each with its function."""

    function: str
    classes: tuple[str, ...]
    tells_shares: bool
    shown: dict[str, str]
    segments: dict[str, ToldOf]


def read_outputs(model: Element, scope: Scope, compiler: Compiler, told: ToldOf) -> tuple[OutputField, ...]:
    """The output fields of ``model``; those that are derived see its fields in ``scope``, and the output fields before
    them. Raises ``Unevaluated``."""
    holder = model.first("Output")
    if holder is None:
        return ()
    own = Scope(scope)
    found: dict[str, OutputField] = {}
    for element in holder.all("OutputField"):
        name = element.need("name")
        if name in found:
            element.refuse(f"the output “{name[:60]}” is there twice")
        require_name(name, element)
        field = _output(name, element, own, compiler, told)
        own.fields[name] = Field(FieldType(field.data_type, element.get("optype")))
        found[name] = field
    return tuple(found.values())


def given_out(outputs: tuple[OutputField, ...], frame: Frame, result: Result) -> dict[str, Column]:
    """Every output field's values, by its name."""
    scope = Scope(frame.scope)
    inner = Frame(scope, frame.rows, frame)
    found: dict[str, Column] = {}
    for output in outputs:
        column = output.compute(inner, result)
        scope.fields[output.name] = Field(FieldType(output.data_type))
        inner.put(output.name, column)
        found[output.name] = column
    return found


def _output(name: str, element: Element, scope: Scope, compiler: Compiler, told: ToldOf) -> OutputField:
    feature = element.choice("feature", tuple(_FEATURES), "predictedValue")
    final = element.flag("isFinalResult", True)
    if feature in ("transformedValue", "decision"):
        expression = compiler.inside(element, scope)
        data_type = element.choice("dataType", tuple(KINDS), expression.data_type)
        run = typed(expression, data_type, name)
        return OutputField(name, data_type, final, lambda frame, _: run(frame))
    if element.first(*VALUES) is not None:
        element.refuse(f"an expression beside the feature {feature} is not evaluated")
    if element.whole("rank", 1) != 1 or element.flag("isMultiValued"):
        element.refuse("ranks and lists of values are not evaluated")
    segment = element.get("segmentId")
    if segment and segment not in told.segments:
        element.refuse(f"there is no segment “{segment[:60]}” whose result is kept")
    of = told.segments[segment] if segment else told
    usual = "double" if feature == "predictedValue" and of.function == "regression" else _FEATURES[feature]
    data_type = element.choice("dataType", tuple(KINDS), usual)
    compute = _feature(feature, element, of)

    def run_feature(frame: Frame, result: Result) -> Column:
        kept = result.segments.get(segment, Result(np.full(frame.rows, np.nan))) if segment else result
        return cast(compute(kept), data_type, name)

    return OutputField(name, data_type, final, run_feature)


def _feature(feature: str, element: Element, told: ToldOf) -> Callable[[Result], Column]:
    match feature:
        case "predictedValue":
            return Result.value
        case "predictedDisplayValue":
            return lambda result: _shown(result, told.shown)
        case "probability":
            return _probability(element, told)
    return lambda result: Column(Kind.TEXT, _entities(result))


def _shown(result: Result, names: dict[str, str]) -> Column:
    column = result.value()
    if column.kind is not Kind.TEXT:
        return column
    values = np.empty(len(column.values), dtype=object)
    values[:] = [names.get(value, value) for value in column.values.tolist()]
    return Column(Kind.TEXT, values)


def _probability(element: Element, told: ToldOf) -> Callable[[Result], Column]:
    if told.function != "classification" or not told.tells_shares:
        element.refuse("the model tells no probabilities")
    if not element.has("value"):
        return lambda result: Column(Kind.NUMBER, _greatest(result))
    value = element.get("value")
    if value not in told.classes:
        element.refuse(f"the model has no class “{value[:60]}”")
    return lambda result: Column(Kind.NUMBER, result.weight_of(value))


def _greatest(result: Result) -> Array:
    """The probability of the class that is predicted."""
    labels = result.label_texts()
    found = np.full(len(labels), np.nan)
    for name in result.classes:
        found = np.where(same(labels, name), result.weight_of(name), found)
    return found


def _entities(result: Result) -> Array:
    return blank(Kind.TEXT, len(result.value().values)) if result.entities is None else result.entities

"""What becomes of a predicted value: rescaled, rounded, or replaced where there is none.
https://dmg.org/pmml/v4-4-1/Targets.html"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kronkers_studio.pmml.columns import Array, same
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.results import Result

_CASTS: dict[str, Callable[[Array], Array]] = {
    "round": lambda values: np.floor(values + 0.5),
    "ceiling": np.ceil,
    "floor": np.floor,
}


def read_target(model: Element, name: str) -> Callable[[Result], Result]:
    """What is done to the results for the target ``name``. Raises ``Unevaluated``."""
    holder = model.first("Targets")
    found = [each for each in holder.all("Target") if each.get("field", name) == name] if holder is not None else []
    if not found:
        return lambda result: result
    if len(found) > 1:
        found[1].refuse("the target is there twice")
    return _rescaled(found[0])


def shown_values(model: Element) -> dict[str, str]:
    """What the classes are called, where the model's targets say it."""
    holder = model.first("Targets")
    named = [value for target in (holder.all("Target") if holder else []) for value in target.all("TargetValue")]
    return {value.get("value"): value.get("displayValue") for value in named if value.has("displayValue")}


def _rescaled(target: Element) -> Callable[[Result], Result]:
    low, high = target.number("min", -math.inf), target.number("max", math.inf)
    factor, constant = target.number("rescaleFactor", 1.0), target.number("rescaleConstant", 0.0)
    cast = _CASTS[target.choice("castInteger", tuple(_CASTS))] if target.has("castInteger") else None
    values = target.all("TargetValue")
    priors = {
        value.need("value"): value.number("priorProbability") for value in values if value.has("priorProbability")
    }
    defaults = [value.number("defaultValue") for value in values if value.has("defaultValue")]
    default = defaults[0] if defaults else math.nan

    def apply(result: Result) -> Result:
        if result.numbers is None:
            return _with_priors(result, priors) if priors else result
        found = np.clip(result.numbers, low, high) * factor + constant
        found = cast(found) if cast else found
        return Result(np.where(np.isnan(found), default, found), entities=result.entities, segments=result.segments)

    return apply


def _with_priors(result: Result, priors: dict[str, float]) -> Result:
    """The most probable class as it was before, for rows without an answer."""
    labels = result.label_texts().copy()
    none = same(labels, None)
    if not none.any():
        return result
    labels[none] = max(priors, key=lambda name: priors[name])
    weights = None if result.weights is None else result.weights.copy()
    if weights is not None:
        weights[none] = [priors.get(name, 0.0) for name in result.classes]
    return replace(result, labels=labels, weights=weights)

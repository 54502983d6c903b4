"""Neural networks of layers. https://dmg.org/pmml/v4-4-1/NeuralNetwork.html"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from kronkers_studio.pmml.columns import Array, Kind
from kronkers_studio.pmml.document import Element
from kronkers_studio.pmml.expressions import VALUES, Compiler, inverted
from kronkers_studio.pmml.frames import Frame, Scope
from kronkers_studio.pmml.results import Result

_ACTIVATIONS: dict[str, Callable[[Array], Array]] = {
    "logistic": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
    "identity": lambda z: z,
    "exponential": np.exp,
    "reciprocal": lambda z: 1 / z,
    "square": lambda z: z * z,
    "Gauss": lambda z: np.exp(-z * z),
    "sine": np.sin,
    "cosine": np.cos,
    "Elliott": lambda z: z / (1 + np.abs(z)),
    "arctan": lambda z: 2 * np.arctan(z) / math.pi,
    "rectifier": lambda z: np.maximum(z, 0),
}
_NORMALIZATIONS = ("none", "softmax", "simplemax")
_MOST_WEIGHTS = 20_000_000


@dataclass(frozen=True, slots=True)
class _Layer:
    """``weights`` from the neurons at ``sources`` to its own, and what is done with the sums."""

    sources: Array
    weights: Array
    bias: Array
    activation: Callable[[Array], Array]
    normalization: str

    def run(self, before: Array) -> Array:
        found = self.activation(before[:, self.sources] @ self.weights + self.bias)
        if self.normalization == "softmax":
            found = np.exp(found - found.max(axis=1, keepdims=True))
        return found if self.normalization == "none" else found / found.sum(axis=1, keepdims=True)


def neural_network(
    element: Element, scope: Scope, compiler: Compiler
) -> tuple[Callable[[Frame], Result], tuple[str, ...]]:
    """What answers rows, and the classes. Raises ``Unevaluated``."""
    places: dict[str, int] = {}
    inputs = []
    for given in element.one("NeuralInputs").all("NeuralInput"):
        expression = compiler.inside(given.one("DerivedField"), scope)
        if expression.kind is Kind.TEXT:
            given.refuse("a neuron takes numbers")
        _named(places, given)
        inputs.append(expression.run)
    layers = _layers(element, places)
    outputs = element.one("NeuralOutputs").all("NeuralOutput")
    answers = [_output(each, places) for each in outputs]

    def neurons(frame: Frame) -> Array:
        found = np.stack([each(frame).values for each in inputs], axis=1)
        with np.errstate(all="ignore"):
            for layer in layers:
                found = np.concatenate([found, layer.run(found)], axis=1)
        return found

    if element.get("functionName") == "regression":
        if len(answers) != 1 or answers[0][1] is None:
            element.refuse("a regression has one output, which is a number")
        place, back, _ = answers[0]
        return lambda frame: Result(_applied(back, neurons(frame)[:, place])), ()
    classes = tuple(name for _, _, name in answers)
    if len(classes) < 2 or len(set(classes)) < len(classes) or "" in classes:
        element.refuse("each output of a classification is for a class of its own")

    def classify(frame: Frame) -> Result:
        found = neurons(frame)[:, [at for at, _, _ in answers]]
        found[np.isnan(found).any(axis=1)] = math.nan
        return Result(classes=classes, weights=found)

    return classify, classes


def _applied(back: Callable[[Array], Array] | None, values: Array) -> Array:
    return values if back is None else back(values)


def _named(places: dict[str, int], element: Element) -> None:
    name = element.need("id")
    if name in places:
        element.refuse(f"the neuron “{name[:60]}” is there twice")
    places[name] = len(places)


def _layers(element: Element, places: dict[str, int]) -> list[_Layer]:
    threshold = element.number("threshold", 0.0)
    usual = element.choice("activationFunction", (*_ACTIVATIONS, "threshold", "radialBasis"))
    normalization = element.choice("normalizationMethod", _NORMALIZATIONS, "none")
    layers = []
    total = 0
    for layer in element.all("NeuralLayer"):
        activation = _activation(layer, layer.get("activationFunction", usual), threshold)
        neurons = layer.all("Neuron")
        connected = [[(each.need("from"), each.number("weight")) for each in one.all("Con")] for one in neurons]
        used = sorted({source for each in connected for source, _ in each})
        unknown = [source for source in used if source not in places]
        if unknown:
            layer.refuse(f"there is no neuron “{unknown[0][:60]}” before it")
        total += len(used) * len(neurons)
        if total > _MOST_WEIGHTS:
            layer.refuse(f"the network has more than {_MOST_WEIGHTS:,} weights")
        at = {source: place for place, source in enumerate(used)}
        weights = np.zeros((len(used), len(neurons)))
        for place, each in enumerate(connected):
            for source, weight in each:
                weights[at[source], place] += weight
        bias = np.array([one.number("bias", 0.0) for one in neurons])
        sources = np.array([places[source] for source in used], dtype=np.int64)
        own = layer.choice("normalizationMethod", _NORMALIZATIONS, normalization)
        layers.append(_Layer(sources, weights, bias, activation, own))
        for one in neurons:
            _named(places, one)
    if not layers:
        element.refuse("it has no layers")
    return layers


def _activation(layer: Element, name: str, threshold: float) -> Callable[[Array], Array]:
    if name == "threshold":
        bound = layer.number("threshold", threshold)
        return lambda z: np.where(np.isnan(z), math.nan, (z > bound).astype(np.float64))
    if name not in _ACTIVATIONS:
        layer.refuse(f"activationFunction=“{name[:60]}” is not evaluated")
    return _ACTIVATIONS[name]


def _output(element: Element, places: dict[str, int]) -> tuple[int, Callable[[Array], Array] | None, str]:
    """Which neuron an output is, what takes a number back from it, and the class that it is for ("" for none)."""
    neuron = element.need("outputNeuron")
    if neuron not in places:
        element.refuse(f"there is no neuron “{neuron[:60]}”")
    expression = element.one("DerivedField").one(*VALUES)
    if expression.tag == "NormContinuous":
        return places[neuron], inverted(expression), ""
    if expression.tag == "FieldRef":
        return places[neuron], lambda values: values, ""
    if expression.tag != "NormDiscrete":
        expression.refuse(f"{expression.tag} of an output is not evaluated")
    return places[neuron], None, expression.need("value")

"""What models of XGBoost and LightGBM share: one call gives numbers, of which the answers are made."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from kronkers_studio.serving.inputs.table_inputs import NumberedCategories, counting_truth, width_of
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature

_Array = np.ndarray[Any, Any]


class TreeModel:
    """``predict`` takes a matrix, a row for each case, and gives a number or a row of numbers for each.

    With probabilities in the signature those are the numbers (of two classes perhaps the second's alone), and the label
    is the most probable class; else the numbers are the answer.
    """

    takes_missing = True

    def __init__(
        self, predict: Callable[[_Array], _Array], signature: Signature, categories: NumberedCategories
    ) -> None:
        self._predict = predict
        self._categories = categories
        self.signature = counting_truth(signature)
        self.label = signature.outputs[0].name
        self.probabilities = signature.outputs[1].name if len(signature.outputs) > 1 else ""
        self.classes = signature.outputs[1].columns if self.probabilities else ()
        self._class_values = np.array([int(name) for name in self.classes], dtype=np.int64)
        self._require_shape()

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``."""
        answers = self._answers(self._categories.matrix(inputs))
        return {name: answers[name] for name in wanted}

    def _answers(self, matrix: _Array) -> dict[str, _Array]:
        found = self._predict(matrix)
        if not self.probabilities:
            return {self.label: found.astype(NUMPY_TYPES[self.signature.outputs[0].datatype], copy=False)}
        probabilities = found if found.ndim == 2 else np.stack([1 - found, found], axis=1)
        return {self.label: self._class_values[probabilities.argmax(axis=1)], self.probabilities: probabilities}

    def _require_shape(self) -> None:
        """Try one row: the package must have told what the model is."""
        answers = self._answers(np.zeros((1, width_of(self.signature))))
        for spec in self.signature.outputs:
            seen, declared = answers[spec.name].shape, (1, *spec.shape[1:])
            if seen != declared:
                raise CannotStart(
                    f"The model gives its {spec.name} the shape {list(seen)}, its package says {list(declared)}: "
                    "package it again with this release."
                )

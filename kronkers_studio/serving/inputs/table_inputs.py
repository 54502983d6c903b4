"""The inputs of a model that was fitted on a table, as the one matrix that its library takes."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import Refusal, shown
from kronkers_studio.serving.signature import Signature

_Array = np.ndarray[Any, Any]

Categories = Mapping[int, Sequence[Any]]
"""By a column's position, what it may hold, each at the place that is its number in the model."""


def column_names(signature: Signature) -> tuple[str, ...]:
    """What the columns are called; () when they have no names."""
    inputs = signature.inputs
    return inputs[0].columns if len(inputs) == 1 else tuple(spec.name for spec in inputs)


def width_of(signature: Signature) -> int:
    """How many columns there are; -1 for a signature that says nothing."""
    return signature.inputs[0].width if len(signature.inputs) == 1 else len(signature.inputs) or -1


def naming_categories(signature: Signature) -> Signature:
    """``signature`` with whole numbers, true and false standing for their digits in columns of text."""
    inputs = (replace(spec, holds=Holds.CATEGORIES) if spec.datatype == "BYTES" else spec for spec in signature.inputs)
    return replace(signature, inputs=tuple(inputs))


def counting_truth(signature: Signature) -> Signature:
    """``signature`` with true and false standing for 1 and 0 in columns of numbers, as for the libraries."""
    inputs = (spec if spec.datatype == "BYTES" else replace(spec, holds=Holds.NUMBERS) for spec in signature.inputs)
    return replace(signature, inputs=tuple(inputs))


class NumberedCategories:
    """Replaces what a table's columns hold by the numbers that stand for it in the model.

    ``strict`` refuses what the model never saw, as its library does; otherwise that counts as missing, as missing
    values do.
    """

    def __init__(self, signature: Signature, categories: Categories, *, strict: bool) -> None:
        self._names = column_names(signature)
        self._numbers = {
            position: {value: number for number, value in enumerate(known)} for position, known in categories.items()
        }
        self._strict = strict

    def matrix(self, inputs: Arrays) -> _Array:
        """``inputs`` as numbers, a column each. Raises ``Refusal``."""
        arrays = list(inputs.values())
        if not self._numbers:
            return arrays[0] if len(arrays) == 1 else np.hstack([array.reshape(len(array), -1) for array in arrays])
        if len(arrays) == 1:
            arrays = [arrays[0][:, position] for position in range(arrays[0].shape[1])]
        columns = [self._numbered(position, array.reshape(-1)) for position, array in enumerate(arrays)]
        return np.stack(columns, axis=1).astype(np.float64, copy=False)

    def _numbered(self, position: int, column: _Array) -> _Array:
        numbers = self._numbers.get(position)
        if numbers is None:
            return column
        return np.array([self._number(position, numbers, value) for value in column.tolist()], dtype=np.float64)

    def _number(self, position: int, numbers: Mapping[Any, int], value: Any) -> float:
        if value in numbers:
            return float(numbers[value])
        if self._strict and not (isinstance(value, float) and math.isnan(value)):
            name = shown(self._names[position]) if self._names else str(position + 1)
            raise Refusal(f"The column {name} holds {shown(str(value))}, which the model never saw.", field=None)
        return float("nan")

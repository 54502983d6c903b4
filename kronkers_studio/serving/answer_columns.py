"""A model's answers as a table: a column of outputs, and one for the probability of each class."""

from __future__ import annotations

from typing import Any

import numpy as np

from kronkers_studio.serving.model import Arrays, Model

_Array = np.ndarray[Any, Any]


def answer_columns(model: Model, outputs: Arrays) -> tuple[list[str], list[_Array]]:
    """The names of the columns, and what stands in them, of those of the model's ``outputs`` that are there."""
    names: list[str] = []
    columns: list[_Array] = []
    if model.label in outputs:
        label = plain_label(outputs[model.label])
        names, columns = ["output"], [label]
        if label.ndim == 2:
            names, columns = [f"output_{at}" for at in range(1, label.shape[1] + 1)], list(label.T)
    if model.probabilities and model.probabilities in outputs:
        matrix = outputs[model.probabilities]
        names += [f"probability_{name}" for name in class_names(model, matrix.shape[1])]
        columns += list(matrix.T)
    return names, columns


def plain_label(label: _Array) -> _Array:
    """The outputs as a vector where each row has one value, as some exports of regressors wrap it."""
    return label[:, 0] if label.ndim == 2 and label.shape[1] == 1 else label


def class_names(model: Model, count: int) -> tuple[str, ...]:
    """The names of the ``count`` classes that there are probabilities of."""
    return model.classes or tuple(map(str, range(count)))

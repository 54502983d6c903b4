"""What a model takes and gives, in the terms of the Open Inference Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from kronkers_studio.estimators.columns import Holds

NUMPY_TYPES: Mapping[str, np.dtype[Any]] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}
"""The protocol's datatypes. BYTES holds text: an array of ``str`` objects."""

_DATATYPES = {dtype: name for name, dtype in NUMPY_TYPES.items()}


def datatype_of(array: np.ndarray[Any, Any]) -> str:
    """The protocol's name for an array's type; everything that is no number or truth value is BYTES."""
    return _DATATYPES.get(array.dtype, "BYTES")


@dataclass(frozen=True)
class TensorSpec:
    """One input or output. ``shape`` uses -1 for any length; ``columns`` names the last axis where that is known.

    ``holds`` says more than the datatype of what scikit-learn models take: dates are BYTES, and so is what the model
    never looks at. None: the datatype says all. ``may_be_missing`` says of each column whether NaN is a value like any
    other there; none of them: the model says it of all.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()
    holds: Holds | None = None
    may_be_missing: tuple[bool, ...] = ()

    @property
    def width(self) -> int:
        """Values per row: 1 for a vector, the last axis of a matrix, -1 when it may be anything."""
        if len(self.shape) < 2:
            return 1
        return self.shape[1] if len(self.shape) == 2 else -1


@dataclass(frozen=True)
class Signature:
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()


def blank_row(inputs: tuple[TensorSpec, ...]) -> dict[str, np.ndarray[Any, Any]]:
    """One row of zeros and empty texts, to try a model with; lengths that may be anything are 1."""
    return {
        spec.name: np.full(
            [max(1, length) for length in spec.shape],
            "" if spec.datatype == "BYTES" else 0,
            dtype=NUMPY_TYPES[spec.datatype],
        )
        for spec in inputs
    }

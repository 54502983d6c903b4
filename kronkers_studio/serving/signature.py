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
    """One input or output. ``shape`` uses -1 for any length, and says nothing with ``any_rank``; ``columns`` names the
    last axis where that is known.

    ``holds`` says more than the datatype of what scikit-learn models take: dates are BYTES, and so is what the model
    never looks at. None: the datatype says all. ``may_be_missing`` says of each column whether NaN is a value like any
    other there; none of them: the model says it of all. ``levels`` are the texts that an input may hold, () for any.
    ``any_type``: nothing tells the type, the sender's is taken.
    """

    name: str
    datatype: str
    shape: tuple[int, ...]
    columns: tuple[str, ...] = ()
    any_rank: bool = False
    holds: Holds | None = None
    may_be_missing: tuple[bool, ...] = ()
    levels: tuple[str, ...] = ()
    any_type: bool = False

    @property
    def width(self) -> int:
        """Values per row: 1 for a vector, the last axis of a matrix, -1 when it may be anything."""
        if len(self.shape) < 2:
            return 1
        return self.shape[1] if len(self.shape) == 2 else -1


@dataclass(frozen=True)
class Signature:
    """What goes in and what comes out. ``by_tensor``: the protocol's tensors are taken as they are, each with its own
    shape, of any length from 0, NaN and infinity too, for what they mean is the model's affair."""

    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    by_tensor: bool = False

    @property
    def no_rows(self) -> str:
        """Why the model takes no rows, as the end of a sentence; "" when it does.

        It does when each input holds one value, or the only one a list of values, for each of any number of rows (or
        for exactly one), and an output as many answers.
        """
        if not self.inputs and not self.outputs:
            return ""  # nothing is known
        if not self.inputs:
            return "it has no inputs"
        lengths = {spec.shape[0] for spec in self.inputs if spec.shape and not spec.any_rank}
        for spec in self.inputs:
            reason = _not_of_rows(spec, alone=len(self.inputs) == 1)
            if reason:
                return f"its input “{spec.name}” {reason}"
        if len(lengths) > 1:
            return "its inputs have lengths of their own"
        if self.outputs and not any(map(is_by_row, self.outputs)):
            return "it gives no answer for each row"
        return ""

    @property
    def one_row(self) -> bool:
        """Whether it takes exactly one row, as it was exported."""
        return not self.no_rows and any(spec.shape[:1] == (1,) for spec in self.inputs)


def _not_of_rows(spec: TensorSpec, *, alone: bool) -> str:
    if spec.any_rank:
        return "may have any shape"
    if not spec.shape:
        return "is a single value"
    if spec.shape[0] not in (-1, 1):
        return f"has a length of its own, {spec.shape[0]}"
    if len(spec.shape) > 2:
        return f"has {len(spec.shape)} axes"
    return "" if alone or spec.width == 1 else "is a table beside others"


def is_by_row(spec: TensorSpec) -> bool:
    """Whether an output may hold one answer for each row."""
    return spec.any_rank or spec.shape[:1] in ((-1,), (1,))


def blank_row(inputs: tuple[TensorSpec, ...]) -> dict[str, np.ndarray[Any, Any]]:
    """One row of zeros and empty texts, to try a model with; lengths that may be anything are 1."""
    return blank_rows(inputs, 1)


def blank_rows(inputs: tuple[TensorSpec, ...], count: int) -> dict[str, np.ndarray[Any, Any]]:
    """``count`` rows of zeros and empty texts; other lengths that may be anything are 1."""
    return {
        spec.name: np.full(
            [_blank(length, count if axis == 0 else 1) for axis, length in enumerate(spec.shape)],
            "" if spec.datatype == "BYTES" else 0,
            dtype=NUMPY_TYPES[spec.datatype],
        )
        for spec in inputs
    }


def _blank(length: int, count: int) -> int:
    return length if length >= 0 else count

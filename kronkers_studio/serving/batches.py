"""Several requests' rows as one call of the model, and its outputs as each request's own."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.signature import Signature

Outputs = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True, eq=False)
class Call:
    """What one request wants of the model. Calls with equal ``alike`` may be one; None: it stays alone."""

    inputs: Arrays
    wanted: Collection[str]
    rows: int
    alike: Hashable
    future: asyncio.Future[Outputs]


def takes_batches(signature: Signature) -> bool:
    """Whether each row of the inputs has a row of its own in every output, as far as the signature tells."""
    tensors = (*signature.inputs, *signature.outputs)
    by_row = all(not spec.any_rank and spec.shape[:1] == (-1,) for spec in tensors)
    return bool(signature.inputs) and bool(signature.outputs) and by_row and not signature.no_rows


def alike(inputs: Arrays, wanted: Collection[str], rows: int) -> Hashable:
    """What calls must share to be one: the outputs wanted, and the inputs' types and shapes but for the rows. None when
    an input is not of ``rows``."""
    if any(len(array) != rows for array in inputs.values()):
        return None
    return tuple(wanted), tuple((name, array.dtype, array.shape[1:]) for name, array in inputs.items())


def joined(calls: Sequence[Call]) -> Arrays:
    """The inputs of all ``calls``, which are alike, one below the other."""
    return {name: np.concatenate([call.inputs[name] for call in calls]) for name in calls[0].inputs}


def parted(outputs: Outputs, calls: Sequence[Call]) -> list[Outputs] | None:
    """Each call's own rows of ``outputs``; None when an output does not have one for each row."""
    ends = np.cumsum([call.rows for call in calls]).tolist()
    if any(not array.ndim or len(array) != ends[-1] for array in outputs.values()):
        return None
    return [
        {name: array[start:end] for name, array in outputs.items()}
        for start, end in zip([0, *ends[:-1]], ends, strict=True)
    ]

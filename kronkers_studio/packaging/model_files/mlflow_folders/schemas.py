"""What MLmodel says of columns and tensors: its signature, which is JSON inside YAML.

What it means: https://mlflow.org/docs/latest/ml/model/signatures/
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from kronkers_studio.domain.models import Datatype

_WIDEST = 100_000
_LONGEST_NAME = 1000
_COLUMN_TYPES: Final = {
    "boolean": Datatype.BOOL,
    "integer": Datatype.INT32,
    "long": Datatype.INT64,
    "float": Datatype.FP32,
    "double": Datatype.FP64,
    "string": Datatype.BYTES,
    "binary": Datatype.BYTES,
    "datetime": Datatype.BYTES,
}
_TENSOR_TYPES: Final = {
    **{f"{sign}int{bits}": Datatype(f"{sign.upper()}INT{bits}") for sign in ("", "u") for bits in (8, 16, 32, 64)},
    **{f"float{bits}": Datatype(f"FP{bits}") for bits in (16, 32, 64)},
    "bool": Datatype.BOOL,
    "str": Datatype.BYTES,
    "object": Datatype.BYTES,
}


@dataclass(frozen=True, slots=True)
class Field:
    """A column or a tensor. ``datatype`` is None for a type that has no name in the service's protocol; ``shape``, of
    tensors alone, uses -1 for any length."""

    name: str
    datatype: Datatype | None
    shape: tuple[int, ...] | None = None


def read_schema(text: object) -> tuple[Field, ...]:
    """The fields that ``text``, a JSON list, holds; () for everything else."""
    if not isinstance(text, str):
        return ()
    try:
        listed = json.loads(text)
    except (ValueError, RecursionError):
        return ()
    if not isinstance(listed, list) or not 0 < len(listed) <= _WIDEST:
        return ()
    fields = [_field(found) for found in listed]
    return tuple(field for field in fields if field is not None) if None not in fields else ()


def names_of(fields: Sequence[Field]) -> tuple[str, ...]:
    """What the columns are called; () when not each has a name of its own, or they are tensors."""
    names = tuple(field.name for field in fields if field.name and field.shape is None)
    return names if len(set(names)) == len(fields) else ()


def _field(found: Any) -> Field | None:
    if not isinstance(found, dict):
        return None
    name, kind = found.get("name", ""), found.get("type")
    if not isinstance(name, str) or not isinstance(kind, str) or len(name) > _LONGEST_NAME:
        return None
    name = name.encode("utf-8", "replace").decode("utf-8")  # half a pair of UTF-16 is no letter
    return _tensor(name, found.get("tensor-spec")) if kind == "tensor" else Field(name, _COLUMN_TYPES.get(kind))


def _tensor(name: str, spec: Any) -> Field | None:
    shape, dtype = (spec.get("shape"), spec.get("dtype")) if isinstance(spec, dict) else (None, None)
    if not isinstance(shape, list) or not isinstance(dtype, str) or len(shape) > 32:
        return None
    if not all(isinstance(length, int) and -1 <= length < 1 << 40 for length in shape):
        return None
    return Field(name, _TENSOR_TYPES.get(dtype), tuple(shape))

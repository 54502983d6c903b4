"""Domain objects as JSON documents: field names are the dataclasses' own, times ISO 8601, bytes hex."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from pathlib import Path
from typing import Any

from kronkers_studio.domain.printable import printable


def json_text(value: Any) -> str:
    """``value`` as one JSON document on one line."""
    text = json.dumps(document(value), ensure_ascii=False, allow_nan=False)
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(char: str) -> str:
    """A control character, or one that turns the direction of writing, in JSON's own way: exact, and without effect on
    a terminal."""
    return char if printable(char) == char else json.dumps(char)[1:-1]


def document(value: Any) -> Any:  # noqa: PLR0911  # one return a type reads best
    """``value`` as what ``json.dumps`` takes.

    Names that are not text show their bytes as ``\\xNN``. Numbers that JSON has no form for (not a number, infinite)
    are null.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, bool | int):
        return value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: document(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Path):
        return _text(str(value))
    if isinstance(value, Mapping):
        return {str(document(key)): document(item) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [document(item) for item in value]
    raise TypeError(f"no JSON form for {type(value).__name__}")


def _text(text: str) -> str:
    return (
        text if text.isascii() else "".join(printable(char) if "\ud800" <= char <= "\udfff" else char for char in text)
    )

"""Classes as files and services write them: 1, "1", 1.0 and "1.0" are one class, True and "true" as well."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any

_NUMBER = re.compile(r"[+-]?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WHOLE = re.compile(r"[+-]?(0|[1-9][0-9]{0,99})")
_LONGEST = 100  # characters of a number
_DIGITS = frozenset(("0", "1"))
_EXACT = 2.0**63
_TRUTHS = {"true": "1", "false": "0"}


def label_of(value: Any) -> str:  # noqa: PLR0911  # one return per kind of value
    """The class that ``value`` names; "" for none. A text that is written as no number is, such as 007, stays as it
    is, without spaces around it."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _of_number(value)
    if isinstance(value, list | tuple) and len(value) == 1:  # some models answer a list of one
        return label_of(value[0])
    text = str(value).strip()
    if text.lower() in _TRUTHS:
        return text.lower()
    if _WHOLE.fullmatch(text):
        return str(int(text))  # numbers of customers are longer than what a float tells apart
    return _of_number(float(text)) if len(text) <= _LONGEST and _NUMBER.fullmatch(text) else text


def _of_number(value: float) -> str:
    if not math.isfinite(value):
        return str(value)
    return str(int(value)) if value.is_integer() and abs(value) < _EXACT else repr(value)


def one_spelling(*groups: Sequence[str]) -> list[list[str]]:
    """The labels of ``groups``, where one has true and false for what another has 1 and 0 for, all as 1 and 0."""
    there = frozenset(label for group in groups for label in group) - {""}
    if not (there & _TRUTHS.keys() and there & _DIGITS and there <= _DIGITS | _TRUTHS.keys()):
        return [list(group) for group in groups]
    return [[_TRUTHS.get(label, label) for label in group] for group in groups]


def in_order(labels: set[str]) -> list[str]:
    """Numbers by size, else as texts: as scikit-learn orders classes."""
    try:
        return sorted(labels, key=float)
    except ValueError:
        return sorted(labels)

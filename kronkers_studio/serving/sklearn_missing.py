"""Whether a fitted scikit-learn model takes missing values: they must be filled on the way, or be welcome to the end.

A pipeline's own tags tell only of its first step, and a ColumnTransformer's of none of its parts.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class _Fate(IntEnum):
    """What becomes of a missing value; of several paths the worst counts."""

    REFUSED = 0
    PASSED_ON = 1
    GONE = 2


_FILLING = ("Imputer", "MissingIndicator", "OneHotEncoder")


def takes_missing(estimator: Any) -> bool:
    """Whether ``estimator`` predicts rows with NaN in them."""
    return _fate(estimator) > _Fate.REFUSED


def _fate(part: Any) -> _Fate:
    if isinstance(part, str) or part is None:
        return _Fate.GONE if part == "drop" else _Fate.PASSED_ON
    if hasattr(part, "best_estimator_"):
        return _fate(part.best_estimator_)
    if hasattr(part, "steps"):
        return _fate_on_the_way([step for _, step in part.steps])
    if hasattr(part, "transformers_") or hasattr(part, "transformer_list"):
        branches = getattr(part, "transformers_", None) or part.transformer_list
        return min((_fate(branch[1]) for branch in branches), default=_Fate.GONE)
    if type(part).__name__.endswith(_FILLING):
        return _Fate.GONE
    return _Fate.PASSED_ON if _allows_nan(part) else _Fate.REFUSED


def _fate_on_the_way(steps: list[Any]) -> _Fate:
    for step in steps:
        fate = _fate(step)
        if fate is not _Fate.PASSED_ON:
            return fate
    return _Fate.PASSED_ON


def _allows_nan(part: Any) -> bool:
    if hasattr(part, "__sklearn_tags__"):
        return bool(part.__sklearn_tags__().input_tags.allow_nan)
    tags = part._get_tags() if hasattr(part, "_get_tags") else {}  # scikit-learn before 1.6
    return bool(tags.get("allow_nan", False))

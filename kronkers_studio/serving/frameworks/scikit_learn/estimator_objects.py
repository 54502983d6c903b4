"""Loaded estimators, shown to ``kronkers_studio.estimators``, which says what they take and answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kronkers_studio.estimators.views import is_own_module

BOOSTED_VIEW = "_kronkers_view"
"""The attribute in which a tree library's estimator, once it is ready, keeps what it says of itself."""


class ObjectView:
    """An ``EstimatorView`` of a loaded ``estimator``."""

    def __init__(self, estimator: Any) -> None:
        self.estimator = estimator
        self.name = type(estimator).__name__
        self.module = type(estimator).__module__
        self._state: dict[str, Any] = getattr(estimator, "__dict__", {})
        self._is_foreign = not self.module.startswith("sklearn.")

    def get(self, attribute: str) -> Any:
        if self._is_foreign:  # whose own class may say it
            return viewed(getattr(self.estimator, attribute, None))
        return viewed(self._state.get(attribute))

    def attributes(self) -> Sequence[str]:
        return list(self._state)


class OwnObject(ObjectView):
    """A step whose class is of no library known here: whatever it is called, it is not scikit-learn's."""

    def __init__(self, estimator: Any) -> None:
        super().__init__(estimator)
        self.name = f"{self.module}.{self.name}"

    def get(self, attribute: str) -> Any:
        return viewed(self._state.get(attribute))


class BoostedObject(ObjectView):
    """A tree library's estimator, which was made ready (``boosted_parts``)."""

    def get(self, attribute: str) -> Any:
        return self._told.get(attribute)

    def attributes(self) -> Sequence[str]:
        return list(self._told.attributes())

    @property
    def _told(self) -> Any:
        return self._state[BOOSTED_VIEW]


def view_of(estimator: Any) -> ObjectView:
    """``estimator`` as a view, whichever library's it is."""
    return BoostedObject(estimator) if BOOSTED_VIEW in getattr(estimator, "__dict__", {}) else ObjectView(estimator)


class ObjectArray:
    """An ``ArrayView`` of a numpy array."""

    def __init__(self, array: np.ndarray[Any, Any]) -> None:
        self._array = array
        self.kind = array.dtype.kind
        self.shape = array.shape

    def listed(self) -> list[Any] | None:
        return self._array.tolist() if self._array.ndim == 1 else None


def viewed(value: Any) -> Any:
    """``value`` as a value of ``kronkers_studio.estimators``; None for what is none of them."""
    if value is None or isinstance(value, bool | int | float | str | slice):
        return value
    if isinstance(value, np.ndarray | np.generic):
        return ObjectArray(value) if isinstance(value, np.ndarray) else value.item()
    return _viewed_container(value)


def _viewed_container(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(map(viewed, value))
    if isinstance(value, list) or type(value).__name__ == "_RemainderColsList":
        return list(map(viewed, value))
    if isinstance(value, dict):
        return {key: viewed(held) for key, held in value.items() if isinstance(key, str)}
    if BOOSTED_VIEW in getattr(value, "__dict__", {}):
        return BoostedObject(value)
    module = type(value).__module__
    if module.startswith("sklearn."):
        return ObjectView(value)
    return OwnObject(value) if is_own_module(module) and hasattr(value, "__dict__") else None

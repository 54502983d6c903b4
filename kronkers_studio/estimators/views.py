"""An estimator and an array, as whoever reads them shows them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, Protocol, TypeGuard

Value = Any
"""None, bool, int, float, str, slice, a list, tuple or dict of values, an ``EstimatorView`` or an ``ArrayView``."""


_NOT_OWN: Final = frozenset(
    {
        *("abc", "builtins", "collections", "copyreg", "_codecs", "datetime", "decimal", "fractions", "functools"),
        *(
            "types",
            "numpy",
            "scipy",
            "joblib",
            "pandas",
            "sklearn",
            "xgboost",
            "lightgbm",
            "catboost",
            "kronkers_studio",
        ),
    }
)


def is_own_module(module: str) -> bool:
    """Whether ``module`` is of none of the libraries that are known here, so that its objects may be steps of a model
    which do with a table whatever they like."""
    return module.partition(".")[0] not in _NOT_OWN


class EstimatorView(Protocol):
    """An instance of a class of scikit-learn, or of one of a person's own; ``name`` is its class (of the latter with
    its module, so that it is not taken for scikit-learn's), ``module`` where that is defined."""

    @property
    def name(self) -> str: ...

    @property
    def module(self) -> str: ...

    def get(self, attribute: str) -> Value:
        """What it keeps as ``attribute`` (in its own state: no property of its class), None without one."""

    def attributes(self) -> Sequence[str]:
        """The names of all that it keeps."""


class ArrayView(Protocol):
    """An array. ``kind`` is numpy's letter for its type: "f", "i", "u", "b", "U", "O", "M" …"""

    @property
    def kind(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def listed(self) -> list[Value] | None:
        """The values of a small array of one dimension; None for any other."""


def is_estimator(value: Value) -> TypeGuard[EstimatorView]:
    """Whether ``value`` is an ``EstimatorView``."""
    return hasattr(value, "attributes")


def is_array(value: Value) -> TypeGuard[ArrayView]:
    """Whether ``value`` is an ``ArrayView``."""
    return hasattr(value, "listed")


def listed(value: Value) -> list[Value]:
    """The members of a list, tuple or array of one dimension; none of anything else."""
    if is_array(value):
        return value.listed() or []
    return list(value) if isinstance(value, list | tuple) else []


def shape_of(value: Value) -> tuple[int, ...] | None:
    """The shape of an array, None of anything else."""
    return value.shape if is_array(value) else None


def whole(value: Value) -> int | None:
    """``value`` when it is a whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None

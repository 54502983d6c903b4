"""What stands in the place of names that honest models need and that no service imports.

The distributions that a search drew its parameters from become empty objects: the state that scipy would run is thrown
away. ``functools.partial`` becomes a class that calls scikit-learn's check of arrays, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from kronkers_studio.serving.problems import CannotStart

_DRAWN_FROM = re.compile(r"scipy\.stats\._\w+\.\w+|numpy(?:\.lib\.\w+)?\.vectorize")
_CHECK_OPTIONS = frozenset({"dtype", "ensure_all_finite", "force_all_finite"})


class DrawnFrom:
    """A distribution that nobody asks for numbers any more."""

    def __init__(self, *_: Any) -> None:
        pass

    def __new__(cls, *_: Any) -> DrawnFrom:
        return super().__new__(cls)

    def __setstate__(self, _: Any) -> None:
        pass


class CheckOfNumbers:
    """``functools.partial`` of scikit-learn's ``check_array`` with a few options."""

    def __init__(self, function: Any) -> None:
        self._function = _check_array(function)
        self._options: Mapping[str, Any] = {}

    def __setstate__(self, state: tuple[Any, tuple[()], Mapping[str, Any], None]) -> None:
        function, arguments, options, _ = state
        if arguments or not set(options) <= _CHECK_OPTIONS:
            raise CannotStart("The model file prepares a call that no model needs. It was refused.")
        self._function, self._options = _check_array(function), dict(options)

    def __call__(self, table: Any) -> Any:
        return self._function(table, **self._options)


def replacement(module: str, name: str) -> Any:
    """What a service has for ``module.name``, None when that must be imported."""
    wanted = f"{module}.{name}"
    if wanted in ("builtins.getattr", "__builtin__.getattr"):
        return _attribute_of_distribution
    if wanted == "functools.partial":
        return CheckOfNumbers
    return DrawnFrom if _DRAWN_FROM.fullmatch(wanted) else None


def _attribute_of_distribution(owner: Any, _: str) -> DrawnFrom:
    if type(owner) is DrawnFrom:
        return owner
    raise CannotStart("The model file asks for a part of an object by its name. It was refused.")


def _check_array(function: Any) -> Any:
    from sklearn.utils.validation import check_array

    if function is check_array:
        return function
    raise CannotStart("The model file prepares a call that no model needs. It was refused.")

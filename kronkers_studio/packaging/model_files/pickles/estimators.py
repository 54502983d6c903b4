"""Estimators as their pickles describe them: shown to ``kronkers_studio.estimators``, which says what they take and
answer. Nothing is imported, loaded or run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.estimators.columns import inwards
from kronkers_studio.estimators.description import DescribedTensor, Description, describe
from kronkers_studio.estimators.views import Value, is_own_module
from kronkers_studio.packaging.model_files.pickles.allowlist import is_boosted
from kronkers_studio.packaging.model_files.pickles.array_types import kind_of, number_of, shape_of, values_of
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import (
    Array,
    Call,
    Pairs,
    Symbol,
    attributes_of,
    class_of,
)

_DEEPEST = 4  # containers in containers: pairs in lists of steps, slices in dictionaries
_LISTS: Final = ("_RemainderColsList",)


class SymbolView:
    """An ``EstimatorView`` of what a pickle would build."""

    def __init__(self, symbol: Call) -> None:
        self._attributes = attributes_of(symbol)
        self.module, _, self.name = class_of(symbol).rpartition(".")

    def get(self, attribute: str) -> Value:
        return viewed(self._attributes.get(attribute))

    def attributes(self) -> Sequence[str]:
        return list(self._attributes)


class OwnSymbolView(SymbolView):
    """An instance of a class that is of no library known here: whatever it is called, it is not scikit-learn's."""

    def __init__(self, symbol: Call) -> None:
        super().__init__(symbol)
        self.name = class_of(symbol)


class SymbolArray:
    """An ``ArrayView`` of what a pickle would build."""

    def __init__(self, symbol: Symbol, shape: tuple[int, ...]) -> None:
        self._symbol = symbol
        self.shape = shape
        self.kind = kind_of(symbol)

    def listed(self) -> list[Value] | None:
        found = values_of(self._symbol)
        return None if found is None else [viewed(value, _DEEPEST) for value in found[1]]


def viewed(symbol: Symbol, depth: int = 0) -> Value:
    """``symbol`` as a value of ``kronkers_studio.estimators``; None for what is none of them."""
    if symbol is None or isinstance(symbol, bool | int | float | str):
        return symbol
    if depth > _DEEPEST:
        return None
    if isinstance(symbol, list):
        return [viewed(part, depth + 1) for part in symbol]
    if isinstance(symbol, tuple):
        return tuple(viewed(part, depth + 1) for part in symbol)
    if isinstance(symbol, Pairs):
        return {key: viewed(value, depth + 1) for key, value in symbol.pairs if isinstance(key, str)}
    return _viewed_object(symbol, depth) if isinstance(symbol, Call | Array) else None


def _viewed_object(symbol: Call | Array, depth: int) -> Value:
    shape = shape_of(symbol)
    if shape is not None:
        return SymbolArray(symbol, shape)
    if not isinstance(symbol, Call):
        return None
    made = class_of(symbol)
    if made.endswith(_LISTS):
        return viewed(attributes_of(symbol).get("data"), depth + 1)
    if made == "builtins.slice" and 1 <= len(symbol.arguments) <= 3:
        return slice(*(viewed(end, _DEEPEST) for end in symbol.arguments))
    if made.startswith("sklearn."):
        return SymbolView(symbol)
    return _viewed_other(symbol, made)


def _viewed_other(symbol: Call, made: str) -> Value:
    if symbol.bare and is_own_module(made.rpartition(".")[0]):
        return OwnSymbolView(symbol)
    return symbol.told or number_of(symbol)


def is_estimator(root: Symbol) -> bool:
    """Whether ``root`` is an instance of a class of scikit-learn, or an estimator of a tree library."""
    if not isinstance(root, Call) or not (root.bare or str(root.function) == "copyreg._reconstructor"):
        return False  # what a function gave
    return class_of(root).startswith("sklearn.") or is_boosted(class_of(root))


def version_of(root: Symbol) -> str:
    """The version of scikit-learn that ``root`` was fitted with, "" when it does not say."""
    for part in inwards(viewed(root)) if isinstance(root, Call) else ():
        version = part.get("_sklearn_version")
        if isinstance(version, str):
            return version
    return ""


def signature_of(root: Symbol) -> Signature:
    """What the estimator ``root`` takes and answers. Raises ``CannotPredict`` for what has no answer to new rows."""
    return _signature(describe(viewed(root)))


def _signature(description: Description) -> Signature:
    return Signature(tuple(map(_tensor, description.inputs)), tuple(map(_tensor, description.outputs)))


def _tensor(described: DescribedTensor) -> Tensor:
    return Tensor(described.name, Datatype(described.datatype), described.shape, described.columns)

"""What came in, counted in the bins of the model's reference profile: per feature, and per answer.

Rows wait as the arrays that the model got, a few hundred at most and for a second at most, and are counted together:
counting one row by itself would take ten times as long. No row and no value is kept after that.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any

import numpy as np

from kronkers_studio.estimators.class_labels import label_of
from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.metrics.feature_bins import Bins, ProfileBins
from kronkers_studio.serving.model import Arrays, Model
from kronkers_studio.serving.signature import Signature, TensorSpec

_Array = np.ndarray[Any, Any]
_MOST_WAITING = 256  # rows
_FEW = 16  # rows of a request that waits for others; larger ones are counted at once
_LARGEST_WAITING = 1 << 14  # bytes of a request's numbers, or letters of one of its texts

_PLAIN = (str, int, float, np.generic, NoneType)


@dataclass
class Counted:
    """One feature, or the answers: its ``bins``, and how many rows lie in each."""

    bins: Bins
    counts: _Array
    count: Callable[[_Array], _Array]

    @classmethod
    def of(cls, bins: Bins, *, is_answer: bool = False) -> Counted:
        """Nothing counted yet."""
        count = {"number": _of_numbers, "category": _of_classes if is_answer else _of_texts, "truth": _of_truths}
        return cls(bins, np.zeros(len(bins.labels), np.int64), count[bins.kind](bins))


class FeatureCounts:
    """Counts rows that were answered. All of its methods belong to one thread."""

    def __init__(self, profile: ProfileBins, model: Model) -> None:
        self.digest = profile.digest
        signature = model.signature
        places = {} if signature.no_rows else _places(signature, profile.features)
        self._places = dict(places)
        self.features = [Counted.of(bins) for bins in profile.features if bins.name in self._places]
        self.answers = Counted.of(profile.answers, is_answer=True) if profile.answers is not None else None
        self._names = tuple(dict.fromkeys(name for name, _ in self._places.values()))
        self._alone = any(spec.width == -1 for spec in signature.inputs)  # requests may be of different widths
        self._waiting: list[tuple[Arrays, _Array | None]] = []
        self._rows = 0

    def add(self, inputs: Arrays, rows: int, label: _Array | None) -> None:
        """``rows`` rows were answered: ``inputs`` are the arrays that the model got, ``label`` its answers, which are
        counted when each row has one."""
        if not rows:
            return
        at_once = rows > _FEW or self._alone or any(map(_is_large, inputs.values()))
        self._waiting.append((inputs, _one_for_each(rows, label, copied=not at_once)))
        self._rows += rows
        if at_once or self._rows >= _MOST_WAITING:
            self.flush()

    def flush(self) -> None:
        """Count what waits."""
        waiting, self._waiting, self._rows = self._waiting, [], 0
        if not waiting:
            return
        joined = {name: _joined([_table(inputs[name]) for inputs, _ in waiting]) for name in self._names}
        for feature in self.features:
            name, column = self._places[feature.bins.name]
            if column < joined[name].shape[1]:
                feature.counts += feature.count(joined[name][:, column])
        labels = [label for _, label in waiting if label is not None]
        if self.answers is not None and labels:
            self.answers.counts += self.answers.count(_joined(labels))


def kept(inputs: Arrays) -> Arrays:
    """``inputs`` as they are now: a model may write into the arrays that it gets."""
    return {name: array.copy() for name, array in inputs.items()}


def _one_for_each(rows: int, label: _Array | None, *, copied: bool) -> _Array | None:
    """The answers as a vector; None when they are not one for each row. ``copied``: a model may write over them."""
    if label is None or not label.ndim or len(label) != rows or label.size != rows:
        return None
    flat = label.reshape(-1)
    return flat.copy() if copied else flat


def _is_large(array: _Array) -> bool:
    """Whether many of them would take much memory while they wait."""
    if array.nbytes > _LARGEST_WAITING:
        return True
    return array.dtype.hasobject and any(len(value) > _LARGEST_WAITING for value in array.flat if type(value) is str)


def _table(array: _Array) -> _Array:
    return array if array.ndim == 2 else array.reshape(len(array), -1)


def _joined(arrays: Sequence[_Array]) -> _Array:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


def _places(signature: Signature, features: Sequence[Bins]) -> Mapping[str, tuple[str, int]]:
    """By a feature's name, the input that holds it and its column there; without those that the model never looks at,
    or takes in another type than the profile has them."""
    inputs = signature.inputs
    found: dict[str, tuple[TensorSpec, int]] = {}
    if len(inputs) == 1 and len(inputs[0].shape) == 2:
        spec = inputs[0]
        width = spec.width if spec.width > 0 else len(features)
        names = spec.columns or tuple(str(number) for number in range(1, width + 1))
        found = {name: (spec, column) for column, name in enumerate(names)}
    elif all(spec.width == 1 and len(spec.shape) <= 2 for spec in inputs):
        found = {(spec.columns or (spec.name,))[0]: (spec, 0) for spec in inputs}
    return {
        bins.name: (spec.name, column)
        for bins in features
        if bins.name in found
        for spec, column in [found[bins.name]]
        if spec.holds is not Holds.ANYTHING and not spec.any_type and _fits(bins, spec)
    }


def _fits(bins: Bins, spec: TensorSpec) -> bool:
    if spec.datatype == "BYTES":
        return bins.kind == "category"
    return bins.kind == ("truth" if spec.datatype == "BOOL" else "number")


# ---- one column ----


def _of_numbers(bins: Bins) -> Callable[[_Array], _Array]:
    cuts, own = np.array(bins.cuts, np.float64), bins.own
    least, greatest = bins.least, bins.greatest

    def count(values: _Array) -> _Array:
        values = _floats(values)
        places = np.searchsorted(cuts, values, side="right")
        places[values < least] = own
        places[values > greatest] = own + 1
        places[np.isnan(values)] = own + 2
        return np.bincount(places, minlength=own + 3)

    return count


def _floats(values: _Array) -> _Array:
    if values.dtype.kind in "fiub":
        return values.astype(np.float64)
    return np.array([_float(value) for value in values.tolist()], np.float64)


def _float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan


def _of_names(bins: Bins, read: Callable[[Any], str]) -> Callable[[_Array], _Array]:
    own, total = bins.own, len(bins.labels)
    rare, unknown, missing = range(own, own + 3)
    place = {**dict.fromkeys(bins.rare, rare), **{name: at for at, name in enumerate(bins.categories)}}

    def count(values: _Array) -> _Array:
        counts = np.zeros(total, np.int64)
        for value, number in _counted(values.tolist()).items():
            is_missing = value is None or (isinstance(value, float | np.floating) and math.isnan(value))
            name = "" if is_missing else read(value)
            counts[missing if is_missing or not name.strip() else place.get(name, unknown)] += number
        return counts

    return count


def _counted(values: list[Any]) -> Counter[Any]:
    """How often each of ``values`` is there. Those of a model's own code may be objects that cannot be compared: what
    is neither text nor a single number then counts as its text."""
    if not all(isinstance(value, _PLAIN) for value in values):
        values = [value if isinstance(value, _PLAIN) else str(value) for value in values]
    return Counter(values)


def _of_texts(bins: Bins) -> Callable[[_Array], _Array]:
    return _of_names(bins, str)


def _of_classes(bins: Bins) -> Callable[[_Array], _Array]:
    return _of_names(bins, label_of)


def _of_truths(_bins: Bins) -> Callable[[_Array], _Array]:
    def count(values: _Array) -> _Array:
        true = int(np.count_nonzero(values.astype(bool)))
        return np.array([len(values) - true, true, 0], np.int64)

    return count

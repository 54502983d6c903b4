"""The columns inside a fitted scikit-learn pipeline: which hold text, and which goes where.

A pipeline fitted on a data frame keeps its column choices as names and then insists on data frames, which cost more
than a small model's whole prediction and would bring pandas into every package. Rows are checked against the names
before, so the choices are turned into positions here, and arrays go in.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np


def choose_by_position(part: Any) -> None:
    """Let every ColumnTransformer in the fitted ``part`` choose its columns by position instead of by name."""
    if hasattr(part, "transformers_"):
        names, total = _names_seen(part), int(part.n_features_in_)
        part.transformers_ = [
            (name, inner, _by_position(chosen, names, total)) for name, inner, chosen in part.transformers_
        ]
    for inner in _parts(part):
        choose_by_position(inner)


def _parts(part: Any) -> Iterable[Any]:
    yield from (step for _, step in getattr(part, "steps", ()))
    yield from (inner for _, inner, _ in getattr(part, "transformers_", ()))
    yield from (inner for _, inner in getattr(part, "transformer_list", ()))
    if hasattr(part, "best_estimator_"):
        yield part.best_estimator_


def _by_position(chosen: Any, names: list[str], total: int) -> int | list[int]:
    positions = _positions(chosen, names, total)
    return positions[0] if isinstance(chosen, (str, int)) else positions  # one column alone is handed on as a vector


def _names_seen(transformer: Any) -> list[str]:
    return [str(name) for name in getattr(transformer, "feature_names_in_", ())]


def text_columns(estimator: Any) -> frozenset[int]:
    """The positions of ``estimator``'s input columns that were text when it was fitted; empty when none or unknown."""
    width = getattr(estimator, "n_features_in_", 0)
    return frozenset(_texts(estimator, tuple(range(width))))


def _texts(part: Any, columns: tuple[int, ...]) -> Iterable[int]:
    """The members of ``columns`` (positions in the whole input, in the order ``part`` sees them) that hold text."""
    if hasattr(part, "steps"):  # a pipeline: the first step that can tell, while the columns still line up
        for _, step in part.steps:
            found = tuple(_texts(step, columns))
            if found or hasattr(step, "transformers_"):
                return found
        return ()
    if hasattr(part, "transformers_"):
        return _texts_of_parts(part, columns)
    if hasattr(part, "vocabulary_"):
        return columns[:1]
    for values in (getattr(part, "categories_", None), getattr(part, "statistics_", None)):
        if values is not None and len(values) == len(columns):
            return (column for column, seen in zip(columns, values, strict=True) if _is_text(seen))
    return ()


def _texts_of_parts(transformer: Any, columns: tuple[int, ...]) -> Iterable[int]:
    names = _names_seen(transformer)
    for _, part, chosen in transformer.transformers_:
        if not isinstance(part, str):
            yield from _texts(part, tuple(columns[position] for position in _positions(chosen, names, len(columns))))


def _positions(chosen: Any, names: list[str], total: int) -> list[int]:
    """The positions that a ColumnTransformer's column choice means: names, numbers, a mask or a slice."""
    if isinstance(chosen, str):
        return [names.index(chosen)]
    if isinstance(chosen, slice):
        start, stop = (names.index(end) if isinstance(end, str) else end for end in (chosen.start, chosen.stop))
        stop = stop + 1 if isinstance(chosen.stop, str) else stop  # a slice of names includes its end
        return list(range(total))[slice(start, stop, chosen.step)]
    if isinstance(chosen, int):
        return [chosen]
    picked = np.asarray(chosen)
    if picked.dtype == bool:
        return [int(position) for position in np.flatnonzero(picked)]
    return [names.index(str(item)) if isinstance(item, str) else int(item) for item in picked.tolist()]


def _is_text(seen: Any) -> bool:
    values = np.asarray(seen)
    return values.dtype.kind in "US" or (values.dtype == object and any(isinstance(v, str) for v in values.flat))

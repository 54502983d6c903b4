"""Column choices inside a fitted scikit-learn model, turned from names to positions.

What was fitted on a data frame keeps its choices as names and then insists on data frames, which cost more than a
small model's whole prediction and would bring pandas into every package. Rows are checked against the names before, so
arrays go in, and come out of every step.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from kronkers_studio.estimators.columns import positions
from kronkers_studio.serving.frameworks.scikit_learn.estimator_objects import viewed

_ESTIMATORS = ("sklearn.", "xgboost.sklearn", "lightgbm.sklearn", "catboost.core")


def choose_by_position(estimator: Any) -> None:
    """Let every ColumnTransformer anywhere in ``estimator`` choose its columns by position, and no step make frames."""
    for part in every_part(estimator):
        vars(part).pop("_sklearn_output_config", None)
        if type(part).__name__ == "ColumnTransformer" and hasattr(part, "transformers_"):
            names = {str(name): place for place, name in enumerate(getattr(part, "feature_names_in_", ()))}
            width = int(part.n_features_in_)
            part.transformers_ = [
                (name, inner, _by_position(chosen, names, width)) for name, inner, chosen in part.transformers_
            ]


def every_part(estimator: Any) -> Iterator[Any]:
    """``estimator``, all objects of scikit-learn's own classes that it keeps, and all tree libraries' estimators, each
    once."""
    waiting: list[Any] = [estimator]
    seen: set[int] = set()
    while waiting:
        part = waiting.pop()
        if id(part) in seen:
            continue
        if isinstance(part, list | tuple | dict) or (isinstance(part, np.ndarray) and part.dtype == object):
            seen.add(id(part))
            waiting.extend(_members(part))
        elif type(part).__module__.startswith(_ESTIMATORS) and hasattr(part, "__dict__"):
            seen.add(id(part))
            yield part
            waiting.extend(vars(part).values())


def _members(container: Any) -> Iterable[Any]:
    """What a container holds and may be an estimator: plain values, which there are many of, are left out."""
    values = container.values() if isinstance(container, dict) else getattr(container, "flat", container)
    return [value for value in values if not isinstance(value, str | int | float)]


def _by_position(chosen: Any, names: dict[str, int], width: int) -> int | list[int]:
    found = positions(viewed(chosen), names, width)
    return found[0] if isinstance(chosen, str | int) else found  # one column alone is handed on as a vector

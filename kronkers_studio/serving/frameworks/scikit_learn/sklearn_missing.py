"""Where a fitted scikit-learn model takes missing values: they must be filled on the way, or be welcome to the end.

A pipeline's own tags tell only of its first step, and a ColumnTransformer's of none of its parts.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from kronkers_studio.estimators.boosted import library_of
from kronkers_studio.estimators.columns import branches_of
from kronkers_studio.estimators.wrappers import parts_that_see_the_table
from kronkers_studio.serving.frameworks.scikit_learn.estimator_objects import ObjectView, view_of
from kronkers_studio.serving.frameworks.scikit_learn.sklearn_columns import every_part


class _Fate(IntEnum):
    """What becomes of a missing value; of several paths the worst counts."""

    REFUSED = 0
    PASSED_ON = 1
    GONE = 2


_FILLING = ("Imputer", "MissingIndicator", "OneHotEncoder", "TargetEncoder", "DummyClassifier", "DummyRegressor")
_HAND_ON = frozenset(
    {
        "FeatureUnion",
        *("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV", "FrozenEstimator"),
        *("StackingClassifier", "StackingRegressor", "VotingClassifier", "VotingRegressor", "CalibratedClassifierCV"),
        *("BaggingClassifier", "BaggingRegressor", "TransformedTargetRegressor", "_CalibratedClassifier"),
        *("MultiOutputClassifier", "MultiOutputRegressor", "OneVsRestClassifier", "OneVsOneClassifier"),
        *("SelfTrainingClassifier", "FixedThresholdClassifier", "TunedThresholdClassifierCV", "RANSACRegressor"),
    }
)
"""Estimators that give the table to their parts as it is."""


def columns_that_may_be_missing(estimator: Any, width: int) -> tuple[bool, ...]:
    """For each of the ``width`` columns of its table: whether ``estimator`` predicts rows with NaN there."""
    if not any(map(_tells_columns_apart, every_part(estimator))):
        return (_fate(estimator, None) > _Fate.REFUSED,) * width
    return tuple(_fate(estimator, column) > _Fate.REFUSED for column in range(width))


def _tells_columns_apart(part: Any) -> bool:
    return type(part).__name__ == "ColumnTransformer" or bool(view_of(part).get("text_columns_"))


def _fate(part: Any, column: int | None) -> _Fate:
    """What ``part`` makes of NaN in that column of its table; None: in any that it may be in."""
    if isinstance(part, str) or part is None:
        return _Fate.GONE if part == "drop" else _Fate.PASSED_ON
    if hasattr(part, "steps"):
        return _fate_on_the_way([step for _, step in part.steps], column)
    if hasattr(part, "transformers_"):
        view = ObjectView(part)
        branches = branches_of(view, int(part.n_features_in_))
        through = [(inner, chosen) for inner, chosen in branches if column is None or column in chosen]
        return min((_fate_in_branch(inner, chosen, column) for inner, chosen in through), default=_Fate.GONE)
    if type(part).__name__.endswith(_FILLING):
        return _Fate.GONE
    inner = parts_that_see_the_table(ObjectView(part)) if type(part).__name__ in _HAND_ON else ()
    if inner:
        return min(_fate(view.estimator, column) for view in inner if isinstance(view, ObjectView))
    return _Fate.PASSED_ON if _allows_nan(part, column) else _Fate.REFUSED


def _fate_in_branch(inner: Any, chosen: list[int], column: int | None) -> _Fate:
    part = inner.estimator if isinstance(inner, ObjectView) else inner
    return _fate(part, None if column is None else chosen.index(column))


def _fate_on_the_way(steps: list[Any], column: int | None) -> _Fate:
    place = column
    for step in steps:
        fate = _fate(step, place)
        if fate is not _Fate.PASSED_ON:
            return fate
        place = None  # where it is among what comes out of the step is not followed
    return _Fate.PASSED_ON


def _allows_nan(part: Any, column: int | None) -> bool:
    library = library_of(type(part).__module__)
    if library:  # CatBoost takes no missing categories
        return library != "catboost" or column not in view_of(part).get("text_columns_")
    if type(part).__name__ == "FunctionTransformer" and not part.validate:
        return True
    if hasattr(part, "__sklearn_tags__"):
        return bool(part.__sklearn_tags__().input_tags.allow_nan)
    tags = part._get_tags() if hasattr(part, "_get_tags") else {}  # scikit-learn before 1.6
    return bool(tags.get("allow_nan", False))

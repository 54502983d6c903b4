"""Where the parts of an estimator are, and which of them see the whole table.

Most estimators that hold others keep the fitted ones under names of their own: the table below is the one place that
says which. A part *sees the table* when it gets the columns that its holder got, all of them and in their order.
"""

from __future__ import annotations

from typing import Final

from kronkers_studio.estimators.views import EstimatorView, Value, is_estimator, listed

DEEPEST: Final = 16
"""Estimators in one another: real ones stay below 6."""

_MOST_PARTS = 64  # of one estimator that are looked at: they were fitted to the same table

_SEE_THE_TABLE: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"), ("best_estimator_",)
    ),
    **dict.fromkeys(("StackingClassifier", "StackingRegressor"), ("estimators_",)),
    **dict.fromkeys(("VotingClassifier", "VotingRegressor"), ("estimators_",)),
    **dict.fromkeys(("MultiOutputClassifier", "MultiOutputRegressor"), ("estimators_",)),
    **dict.fromkeys(("OneVsRestClassifier", "OneVsOneClassifier", "OutputCodeClassifier"), ("estimators_",)),
    **dict.fromkeys(("AdaBoostClassifier", "AdaBoostRegressor"), ("estimators_",)),
    **dict.fromkeys(("ClassifierChain", "RegressorChain"), ()),  # each sees the answers before its own, too
    **dict.fromkeys(("FixedThresholdClassifier", "TunedThresholdClassifierCV", "RANSACRegressor"), ("estimator_",)),
    **dict.fromkeys(("HistGradientBoostingClassifier", "HistGradientBoostingRegressor"), ("_preprocessor",)),
    "TransformedTargetRegressor": ("regressor_",),
    "CalibratedClassifierCV": ("calibrated_classifiers_",),
    "_CalibratedClassifier": ("estimator", "base_estimator"),
    "SelfTrainingClassifier": ("estimator_", "base_estimator_"),
    "FrozenEstimator": ("estimator",),
    "FeatureUnion": ("transformer_list",),
    "SelectFromModel": ("estimator_", "estimator"),
}
"""By class: the attributes with the fitted parts that see the table (of two names, older versions have the second)."""

_SEE_SOME_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(("RFE", "RFECV"), ("estimator_",)),
    **dict.fromkeys(("BaggingClassifier", "BaggingRegressor"), ("estimators_",)),
}
_BAGS: Final = ("BaggingClassifier", "BaggingRegressor")


def steps_of(estimator: EstimatorView) -> list[Value]:
    """A pipeline's steps in their order, those that do nothing left out; none for anything else."""
    if estimator.name != "Pipeline":
        return []
    steps = [pair[1] for pair in listed(estimator.get("steps")) if isinstance(pair, tuple) and len(pair) == 2]
    return [step for step in steps if step is not None and step != "passthrough"]


def parts_that_see_the_table(estimator: EstimatorView) -> list[EstimatorView]:
    """The fitted estimators inside ``estimator`` that get the columns that it gets; of a pipeline, its first step."""
    steps = steps_of(estimator)
    if steps:
        return [steps[0]] if is_estimator(steps[0]) else []
    found = _held(estimator, _SEE_THE_TABLE.get(estimator.name, ()))
    if estimator.name in _BAGS:
        parts = _held(estimator, ("estimators_",))
        width = estimator.get("n_features_in_")
        chosen = listed(estimator.get("estimators_features_"))[: len(parts)]
        alike = [_is_all(features, width) for features in chosen]
        found = parts if len(alike) == len(parts) and all(alike) else []
    return found


def part_that_answers(estimator: EstimatorView) -> EstimatorView | None:
    """The part whose answers ``estimator`` gives as its own; None when it answers itself."""
    return next(iter(_held(estimator, _ANSWERS_ITSELF_BY.get(estimator.name, ()))), None)


_ANSWERS_ITSELF_BY: Final[dict[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("GridSearchCV", "RandomizedSearchCV", "HalvingGridSearchCV", "HalvingRandomSearchCV"), ("best_estimator_",)
    ),
    **dict.fromkeys(("RFE", "RFECV"), ("estimator_",)),
    **dict.fromkeys(("FixedThresholdClassifier", "TunedThresholdClassifierCV", "RANSACRegressor"), ("estimator_",)),
    "FrozenEstimator": ("estimator",),
}


def all_parts(estimator: EstimatorView) -> list[EstimatorView]:
    """The estimators that ``estimator`` keeps as fitted parts, whatever they see."""
    branches = [branch[1] for branch in listed(estimator.get("transformers_")) if isinstance(branch, tuple | list)]
    return [
        *filter(is_estimator, (*steps_of(estimator), *branches)),
        *_held(estimator, (*_SEE_THE_TABLE.get(estimator.name, ()), *_SEE_SOME_COLUMNS.get(estimator.name, ()))),
    ]


def _held(estimator: EstimatorView, attributes: tuple[str, ...]) -> list[EstimatorView]:
    """The estimators in the first of ``attributes`` that there is: one, a list of them, or a list of named ones."""
    for attribute in attributes:
        value = estimator.get(attribute)
        if is_estimator(value):
            return [value]
        members = listed(value)[:_MOST_PARTS]
        found = [member[1] if isinstance(member, tuple) and len(member) == 2 else member for member in members]
        estimators = [member for member in found if is_estimator(member)]
        if estimators:
            return estimators
    return []


def _is_all(features: Value, width: Value) -> bool:
    """Whether a bag's choice of columns is all of them, in their order."""
    chosen = listed(features)
    return bool(chosen) and chosen == list(range(width if isinstance(width, int) else 0))

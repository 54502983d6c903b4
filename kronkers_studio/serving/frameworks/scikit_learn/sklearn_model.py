"""scikit-learn estimators and pipelines."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from kronkers_studio.estimators.answers import CannotPredict
from kronkers_studio.estimators.columns import Holds
from kronkers_studio.estimators.description import Description, describe
from kronkers_studio.serving.frameworks.scikit_learn.boosted_parts import prepare_boosted_parts
from kronkers_studio.serving.frameworks.scikit_learn.estimator_objects import view_of
from kronkers_studio.serving.frameworks.scikit_learn.sklearn_columns import choose_by_position, every_part
from kronkers_studio.serving.frameworks.scikit_learn.sklearn_missing import columns_that_may_be_missing
from kronkers_studio.serving.inputs.row_reader import dates
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec, blank_row

_Array = np.ndarray[Any, Any]
_log = logging.getLogger(__name__)

# Classifiers of scikit-learn whose predict() is by definition the most probable class, so that one pass gives both.
_PREDICT_THE_MOST_PROBABLE = frozenset(
    {
        *("LogisticRegression", "LogisticRegressionCV", "LinearDiscriminantAnalysis", "MLPClassifier"),
        *("DecisionTreeClassifier", "ExtraTreeClassifier", "RandomForestClassifier", "ExtraTreesClassifier"),
        *("GradientBoostingClassifier", "HistGradientBoostingClassifier"),
        *("GaussianNB", "BernoulliNB", "MultinomialNB"),
    }
)
_CLEAR_LEAD = 1e-9  # below it, rounding could make another class the most probable: then predict() decides


class SklearnModel:
    """An estimator with ``predict``, and ``predict_proba`` where it has one."""

    def __init__(self, estimator: Any, declared: Signature) -> None:
        # Arrays, not data frames, go in: names are checked before.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        prepare_boosted_parts(estimator)
        description = _described(estimator)
        width = len(description.inputs) if len(description.inputs) > 1 else max(1, (*description.inputs[0].shape, 1)[1])
        missing = columns_that_may_be_missing(estimator, width)
        _use_one_thread(estimator)
        choose_by_position(estimator)
        self.signature = _named_as(declared, description, missing)
        self._predict = estimator.predict
        label, *probable = self.signature.outputs
        self._predict_proba: Any = estimator.predict_proba if probable else None
        self.classes = description.classes
        self.takes_missing = all(missing)
        self.label, self._label = label.name, label
        self.probabilities = probable[0].name if probable else ""
        self._label_follows = len(self.classes) > 1 and len(label.shape) == 1 and _predicts_the_most_probable(estimator)
        self._class_values: Any = getattr(estimator, "classes_", None)
        self._warm_up()

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``."""
        matrix = _matrix(inputs, self.signature.inputs)
        outputs = {}
        if self.probabilities in wanted:
            outputs[self.probabilities] = np.asarray(self._predict_proba(matrix), dtype=np.float64)
        if self.label in wanted:
            probabilities = outputs.get(self.probabilities) if self._label_follows else None
            outputs[self.label] = _as_declared(self._labels(matrix, probabilities), self._label)
        return outputs

    def _labels(self, matrix: _Array, probabilities: _Array | None) -> Any:
        if probabilities is not None:
            best = np.partition(probabilities, -2, axis=1)
            if (best[:, -1] - best[:, -2] > _CLEAR_LEAD).all():
                return self._class_values[probabilities.argmax(axis=1)]
        return self._predict(matrix)

    def _warm_up(self) -> None:
        """A first prediction, which makes the next one quick."""
        try:
            self.run(blank_row(self.signature.inputs), tuple(filter(None, (self.label, self.probabilities))))
        except Exception as error:  # noqa: BLE001 — models raise anything; this one may dislike zeros
            _log.info("the model does not take zeros", extra={"fields": {"error": type(error).__name__}})


def _described(estimator: Any) -> Description:
    if not callable(getattr(estimator, "predict", None)) and not type(estimator).__module__.startswith("sklearn."):
        raise CannotStart(f"The model is a {type(estimator).__name__}, which cannot predict.")
    try:
        found = describe(view_of(estimator))
    except CannotPredict as reason:
        raise CannotStart(f"{reason} {reason.advice}") from None
    probable = callable(getattr(estimator, "predict_proba", None))
    return found if probable else replace(found, outputs=found.outputs[:1])


def _named_as(declared: Signature, found: Description, missing: tuple[bool, ...]) -> Signature:
    """What was found, under the names that the package declares; ``missing`` says where values may be."""
    alone = len(found.inputs) == 1
    inputs = [
        TensorSpec(
            *(t.name, t.datatype, t.shape, t.columns),
            holds=t.holds,
            may_be_missing=missing if alone else missing[place : place + 1],
        )
        for place, t in enumerate(found.inputs)
    ]
    if alone and len(declared.inputs) == 1:
        given = declared.inputs[0]
        fits = len(given.columns) == inputs[0].width
        inputs = [replace(inputs[0], name=given.name, columns=inputs[0].columns or (given.columns if fits else ()))]
    elif not alone:
        named = [spec.name for spec in declared.inputs] if len(declared.inputs) > 1 else _columns_of(declared)
        if len(named) == len(inputs):
            inputs = [replace(spec, name=name) for spec, name in zip(inputs, named, strict=True)]
    outputs = [TensorSpec(t.name, t.datatype, t.shape, t.columns) for t in found.outputs]
    if len(outputs) == len(declared.outputs):
        outputs = [replace(spec, name=given.name) for spec, given in zip(outputs, declared.outputs, strict=True)]
    return Signature(tuple(inputs), tuple(outputs))


def _columns_of(declared: Signature) -> list[str]:
    return [name for spec in declared.inputs for name in spec.columns]


def _matrix(inputs: Arrays, specs: tuple[TensorSpec, ...]) -> _Array:
    """All inputs as the one table that the estimator was fitted to."""
    if len(specs) == 1 and specs[0].holds is not Holds.DATES:
        return inputs[specs[0].name]
    columns = [_column(inputs[spec.name], spec) for spec in specs]
    mixed = any(column.dtype == object for column in columns)
    return np.concatenate([column.astype(object) for column in columns] if mixed else columns, axis=1)


def _column(array: _Array, spec: TensorSpec) -> _Array:
    if spec.holds is Holds.ANYTHING:
        return np.zeros((len(array), 1))
    column = array.reshape(len(array), -1)
    return column if spec.holds is not Holds.DATES else dates(column, spec.name)


def _predicts_the_most_probable(estimator: Any) -> bool:
    """Whether the classifier at the end of pipelines and searches is one of those."""
    while True:
        if hasattr(estimator, "steps"):
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            kind = type(estimator)
            return kind.__module__.startswith("sklearn.") and kind.__name__ in _PREDICT_THE_MOST_PROBABLE


def _as_declared(result: Any, spec: TensorSpec) -> _Array:
    """An estimator's answers in the type and shape that its signature says, whatever they happen to be in."""
    array = np.asarray(result)
    if len(spec.shape) == 1 and array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    return array.astype(NUMPY_TYPES[spec.datatype], copy=False)


def _use_one_thread(estimator: Any) -> None:
    """Requests run side by side already; starting workers for each would cost a hundred times the prediction."""
    for part in every_part(estimator):
        if vars(part).get("n_jobs") not in (None, 1):
            part.n_jobs = 1

"""scikit-learn estimators and pipelines."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Collection
from dataclasses import replace
from typing import Any

import numpy as np

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import Signature, TensorSpec, blank_row, datatype_of
from kronkers_studio.serving.sklearn_columns import choose_by_position, text_columns
from kronkers_studio.serving.sklearn_missing import takes_missing

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

_UNKNOWN = TensorSpec("input", "FP64", (-1, -1))


class SklearnModel:
    """An estimator with ``predict``, and ``predict_proba`` where it has one."""

    def __init__(self, estimator: Any, declared: Signature) -> None:
        if not callable(getattr(estimator, "predict", None)):
            raise CannotStart(f"The model is a {type(estimator).__name__}, which cannot predict.")
        # Arrays, not data frames, go in: names are checked before.
        warnings.filterwarnings("ignore", message="X does not have valid feature names")
        _use_one_thread(estimator)
        choose_by_position(estimator)
        self._predict = estimator.predict
        self._predict_proba = _probabilities_of(estimator)
        classes = getattr(estimator, "classes_", None)
        self.classes = tuple(map(str, classes.tolist())) if isinstance(classes, np.ndarray) else ()
        self.takes_missing = takes_missing(estimator)
        outputs = _complete_outputs(estimator, declared.outputs, self._predict_proba is not None)
        self.label = outputs[0].name
        self.probabilities = outputs[1].name if self._predict_proba is not None else ""
        self._label_follows = len(self.classes) > 1 and _predicts_the_most_probable(estimator)
        self._class_values: Any = classes
        inputs = _complete_inputs(estimator, declared.inputs)
        self.signature = Signature(inputs, (self._warmed_up(inputs, outputs[0]), *outputs[1:]))

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``."""
        matrix = _matrix(list(inputs.values()))
        outputs = {}
        if self.probabilities in wanted:
            outputs[self.probabilities] = np.asarray(self._predict_proba(matrix))
        if self.label in wanted:
            probabilities = outputs.get(self.probabilities) if self._label_follows else None
            outputs[self.label] = _plain(self._labels(matrix, probabilities))
        return outputs

    def _labels(self, matrix: _Array, probabilities: _Array | None) -> Any:
        if probabilities is not None:
            best = np.partition(probabilities, -2, axis=1)
            if (best[:, -1] - best[:, -2] > _CLEAR_LEAD).all():
                return self._class_values[probabilities.argmax(axis=1)]
        return self._predict(matrix)

    def _warmed_up(self, inputs: tuple[TensorSpec, ...], label: TensorSpec) -> TensorSpec:
        """``label`` with the shape and type that a first prediction shows, which also makes the next one quick."""
        try:
            seen = self.run(blank_row(inputs), tuple(filter(None, (self.label, self.probabilities))))[self.label]
        except Exception as error:  # noqa: BLE001 — models raise anything; this one may dislike zeros
            _log.info("the model does not take zeros", extra={"fields": {"error": type(error).__name__}})
            return label
        return replace(label, datatype=datatype_of(seen), shape=(-1, *seen.shape[1:]))


def _matrix(arrays: list[_Array]) -> _Array:
    if len(arrays) == 1:
        return arrays[0]
    columns = [array.reshape(len(array), -1) for array in arrays]
    return np.concatenate([c.astype(object) for c in columns] if _mixed(columns) else columns, axis=1)


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


def _mixed(columns: list[_Array]) -> bool:
    return any(column.dtype == object for column in columns)


def _plain(result: Any) -> _Array:
    array = np.asarray(result)
    return array.astype(object) if array.dtype.kind in "US" else array


def _use_one_thread(estimator: Any) -> None:
    """Requests run side by side already; starting workers for each would cost a hundred times the prediction."""
    parameters = estimator.get_params(deep=True) if hasattr(estimator, "get_params") else {}
    jobs = {name: 1 for name, value in parameters.items() if name.rsplit("__", 1)[-1] == "n_jobs" and value != 1}
    if jobs:
        estimator.set_params(**jobs)
    fitted = getattr(estimator, "estimators_", ())
    for part in (getattr(estimator, "best_estimator_", None), *(fitted if isinstance(fitted, list) else ())):
        if hasattr(part, "n_jobs"):
            _use_one_thread(part)


def _probabilities_of(estimator: Any) -> Any:
    """``predict_proba`` when it gives one matrix; several outputs have one each, which no column can name."""
    several = isinstance(getattr(estimator, "classes_", None), list)
    return None if several else getattr(estimator, "predict_proba", None)


def _complete_inputs(estimator: Any, declared: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    """The declared inputs with the width and names that the estimator was fitted with, which are the truth."""
    if len(declared) > 1:
        return declared
    base = declared[0] if declared else _UNKNOWN
    width = getattr(estimator, "n_features_in_", None)
    if width is None:
        return (base,) if declared else (TensorSpec("input", "BYTES", (-1,)),)  # text goes in as one vector
    names = tuple(map(str, getattr(estimator, "feature_names_in_", base.columns)))
    columns = names if len(names) == width else ()
    texts = text_columns(estimator)
    if texts and base.datatype != "BYTES":
        named = columns or tuple(f"x{index}" for index in range(width))  # as scikit-learn itself names them
        return tuple(
            TensorSpec(name, "BYTES" if index in texts else base.datatype, (-1, 1)) for index, name in enumerate(named)
        )
    return (replace(base, shape=(-1, int(width)), columns=columns),)


def _complete_outputs(estimator: Any, declared: tuple[TensorSpec, ...], probable: bool) -> tuple[TensorSpec, ...]:
    """The label output, then the probabilities where there are any; declared names are kept."""
    from sklearn.base import is_regressor

    classes = getattr(estimator, "classes_", None)
    names = [spec.name for spec in declared]
    label = next((name for name in names if "prob" not in name.lower()), "label" if classes is not None else "output")
    if isinstance(classes, np.ndarray):
        datatype = datatype_of(classes)
    else:
        datatype = "FP64" if is_regressor(estimator) else "INT64"
    several = (-1, -1) if isinstance(classes, list) else (-1,)
    outputs = [TensorSpec(label, datatype, several)]
    if probable:
        probabilities = next((name for name in names if "prob" in name.lower()), "probabilities")
        columns = tuple(map(str, classes.tolist())) if isinstance(classes, np.ndarray) else ()
        outputs.append(TensorSpec(probabilities, "FP64", (-1, len(columns) or -1), columns))
    return tuple(outputs)

"""CatBoost's models, loaded by CatBoost from its own format."""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

import catboost
import numpy as np

from kronkers_studio.serving.frameworks.tree_libraries.catboost_truths import in_words_of, truth_columns
from kronkers_studio.serving.inputs.table_inputs import column_names, counting_truth, naming_categories, width_of
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal, shown
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec, blank_row

_Array = np.ndarray[Any, Any]


_SEVERAL_AT_ONCE = ("MultiLogloss", "MultiCrossEntropy")
"""Losses of classes that do not exclude one another."""


class CatBoostModel:
    """A classifier with the probabilities of its classes, or a regressor, as the signature says."""

    takes_missing = True

    def __init__(self, content: bytes, signature: Signature, threads: int) -> None:
        self.signature = naming_categories(counting_truth(signature))
        self.label = signature.outputs[0].name
        self.probabilities = signature.outputs[1].name if len(signature.outputs) > 1 else ""
        self.classes = signature.outputs[1].columns if self.probabilities else ()
        self._texts = [place for place, spec in enumerate(signature.inputs) if spec.datatype == "BYTES"]
        self._truths = truth_columns(content)
        self._threads = threads
        try:
            self._model = _loaded(content, classifier=bool(self.probabilities))
        except catboost.CatBoostError as error:
            raise CannotStart(f"The CatBoost model cannot be loaded: {str(error)[:300]}") from error
        self._require_agreement()

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``."""
        table = self._table(inputs)
        if not self.probabilities:
            return {self.label: self._values(self._numbers(table))}
        answers: dict[str, _Array] = {}
        if self.label in wanted:
            answers[self.label] = self._values(self._model.predict(table, thread_count=self._threads).reshape(-1))
        if self.probabilities in wanted:
            answers[self.probabilities] = self._model.predict_proba(table, thread_count=self._threads)
        return answers

    def _numbers(self, table: Any) -> _Array:
        """What a regressor answers; of classes that do not exclude one another, the probability of each."""
        if isinstance(self._model, catboost.CatBoostClassifier):
            return np.asarray(self._model.predict_proba(table, thread_count=self._threads))
        return np.asarray(self._model.predict(table, thread_count=self._threads))

    def _values(self, found: _Array) -> _Array:
        datatype = self.signature.outputs[0].datatype
        if datatype == "BYTES":
            return np.array([str(value) for value in found.tolist()], dtype=object)
        return found.astype(NUMPY_TYPES[datatype], copy=False)

    def _table(self, inputs: Arrays) -> Any:
        """What CatBoost predicts from; texts and numbers side by side. Raises ``Refusal``."""
        arrays = list(inputs.values())
        if not self._texts:
            return arrays[0]
        columns = list(arrays[0].T) if len(arrays) == 1 else [array.reshape(-1) for array in arrays]
        texts = range(len(columns)) if len(arrays) == 1 else self._texts
        for place in texts:
            if not all(isinstance(value, str) for value in columns[place].tolist()):
                names = column_names(self.signature)
                name = shown(names[place]) if names else str(place + 1)
                raise Refusal(f"The column {name} must be text in every row: CatBoost takes no missing categories.")
            if place in self._truths:
                columns[place] = in_words_of(self._truths[place], columns[place])
        return catboost.Pool(np.stack([column.astype(object) for column in columns], axis=1), cat_features=list(texts))

    def _require_agreement(self) -> None:
        """The package must have told what the model is: its columns, its classes and what a row gives."""
        width = len(self._model.feature_names_)
        if width != width_of(self.signature):
            raise CannotStart(f"The model takes {width} columns, its package says otherwise.")
        answers = self.run(blank_row(self.signature.inputs), [spec.name for spec in self.signature.outputs])
        if not all(_fits(answers[spec.name], spec) for spec in self.signature.outputs):
            raise CannotStart("The model gives other answers than its package says: package it again.")


def _loaded(content: bytes, *, classifier: bool) -> Any:
    """The classifier or regressor. Some losses' answers are other than the trees' sums, and only who is told of the
    loss gives them."""
    plain = catboost.CatBoost().load_model(blob=content)
    loss = json.loads(plain.get_metadata().get("params", "{}")).get("loss_function", {}).get("type")
    if classifier or loss in _SEVERAL_AT_ONCE:
        return catboost.CatBoostClassifier().load_model(blob=content)
    return catboost.CatBoostRegressor(**({"loss_function": loss} if loss else {})).load_model(blob=content)


def _fits(answer: _Array, spec: TensorSpec) -> bool:
    return bool(answer.shape == (1, *spec.shape[1:]))

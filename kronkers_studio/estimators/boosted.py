"""Estimators of XGBoost, LightGBM and CatBoost, alone or inside models of scikit-learn.

They keep their columns and outputs in a model in their library's own form, not in attributes. Whoever reads one tells
what is in that model; here it is shown under the names that scikit-learn's own estimators have for the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from kronkers_studio.estimators.answers import Answer
from kronkers_studio.estimators.views import Value

LIBRARIES: Final = ("xgboost", "lightgbm", "catboost")


def library_of(module: str) -> str:
    """Which of ``LIBRARIES`` the module belongs to; "" when to none."""
    top = module.partition(".")[0]
    return top if top in LIBRARIES else ""


@dataclass(frozen=True)
class BoostedView:
    """An ``EstimatorView`` of such an estimator. It was fitted to ``width`` columns, which are called ``columns`` where
    they have names; those at ``texts`` hold categories that are texts. ``answer`` is what it answers for a row."""

    module: str
    name: str
    width: int
    columns: tuple[str, ...]
    texts: tuple[int, ...]
    answer: Answer

    def get(self, attribute: str) -> Value:
        return self._shown().get(attribute)

    def attributes(self) -> Sequence[str]:
        return list(self._shown())

    def _shown(self) -> dict[str, Value]:
        return {
            "n_features_in_": self.width,
            "feature_names_in_": list(self.columns),
            "text_columns_": list(self.texts),
            "answer_": self.answer,
        }


def is_classifier(name: str) -> bool:
    """Whether the libraries' class of that name answers with classes."""
    return name.endswith("Classifier")


def labels_of_several(count: int) -> Answer:
    """The answer of a classifier of ``count`` labels of which a row can have several at once: 0 or 1 for each."""
    return Answer("INT64", count, is_class=True, classes=tuple(range(count)), probable=True, columns=count)


def numbers(count: int) -> Answer:
    """The answer of what gives ``count`` numbers for a row."""
    return Answer("FP64", count)

"""What a model is said to be, to take and to answer, in words for people who do not build models."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from kronkers_studio.desktop.model_words import assumed_words, kind_words, tensor_hint, tensor_words
from kronkers_studio.desktop.pages.models import by_model
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Tensor
from tests.desktop.things import NOON, a_version

_FACTS = ModelFacts(Framework.SKLEARN, "1.9.1", "joblib", "sklearn.ensemble._forest.RandomForestClassifier")


@pytest.mark.parametrize(
    ("estimator", "words"),
    [
        ("sklearn.ensemble._forest.RandomForestClassifier", "Random forest classifier"),
        ("sklearn.pipeline.Pipeline", "Several steps, one after the other"),
        ("sklearn.svm._classes.SVC", "SVC"),
        ("sklearn.linear_model._ridge.RidgeCV", "Ridge CV"),
        ("sklearn.neural_network.MLPRegressor", "MLP regressor"),
        ("sklearn.cluster.KMeans", "K means"),
        ("sklearn.naive_bayes.GaussianNB", "Gaussian NB"),
        ("", "–"),
    ],
)
def test_an_estimator_is_called_by_words(estimator: str, words: str) -> None:
    assert kind_words(replace(_FACTS, estimator=estimator)) == words


@pytest.mark.parametrize(
    ("datatype", "shape", "words", "hint"),
    [
        (Datatype.FP64, (-1, 3), "3 numbers", "FP64, rows × 3"),
        (Datatype.FP64, (-1, 1), "a number", "FP64, rows × 1"),
        (Datatype.FP64, (-1,), "a number", "FP64, rows"),
        (Datatype.BYTES, (-1,), "a word", "BYTES, rows"),
        (Datatype.BYTES, (-1, 2), "2 words", "BYTES, rows × 2"),
        (Datatype.BOOL, (-1,), "yes or no", "BOOL, rows"),
        (Datatype.FP32, (-1, 28, 28), "28 × 28 numbers", "FP32, rows × 28 × 28"),
        (Datatype.FP32, (-1, -1), "numbers", "FP32, rows × rows"),
        (Datatype.INT64, (), "a number", "INT64"),
    ],
)
def test_tensors_are_told_for_each_row(datatype: Datatype, shape: tuple[int, ...], words: str, hint: str) -> None:
    tensor = Tensor("x", datatype, shape)
    assert (tensor_words(tensor), tensor_hint(tensor)) == (words, hint)


def test_what_is_assumed_is_said_without_names_of_fields() -> None:
    assert assumed_words(_FACTS) == ""
    both = assumed_words(replace(_FACTS, assumed=("python_version", "requirements")))
    assert both == "No list of libraries lay beside the model: Python 3.11 and the usual ones are assumed."
    for each in ("python_version", "requirements"):
        words = assumed_words(replace(_FACTS, assumed=(each,)))
        assert words and "_" not in words and ("Python 3.11" in words) == (each == "python_version")


def test_versions_of_a_model_stay_together_and_the_model_registered_last_comes_first() -> None:
    versions = [
        replace(a_version(1), created=NOON),
        replace(a_version(1, name="churn"), created=NOON + timedelta(hours=1)),
        replace(a_version(2), created=NOON + timedelta(hours=2)),
        replace(a_version(10), created=NOON + timedelta(hours=3)),
    ]
    assert [version.label for version in by_model(versions)] == ["wine:10", "wine:2", "wine:1", "churn:1"]

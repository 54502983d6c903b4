"""What an estimator takes and answers, told from its pickle and from the loaded object alike."""

from __future__ import annotations

import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn import cluster, covariance, decomposition, manifold, neighbors
from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.estimators.columns import Holds
from kronkers_studio.estimators.description import describe
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.model_files.pickles.estimators import SymbolView
from kronkers_studio.serving.frameworks.scikit_learn.estimator_objects import ObjectView
from kronkers_studio.serving.frameworks.scikit_learn.sklearn_model import SklearnModel
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import Signature, datatype_of
from tests.packaging import model_zoo

TABLE = np.array(
    [[f"case {n}", float(n), ("Graz", "Linz", "Wien")[n % 3], n % 2 == 0, float(n % 5)] for n in range(30)],
    dtype=object,
)
LABELS = np.arange(30) % 3


def root_of(data: bytes) -> Any:
    from kronkers_studio.packaging.byte_reader import ByteReader
    from kronkers_studio.packaging.model_files.pickles.pickle_reader import Budget, Findings, PickleReader

    return PickleReader(ByteReader(io.BytesIO(data), len(data) + 1), Findings(), Budget.for_file(len(data))).load()


@pytest.mark.parametrize("name", list(model_zoo.makers()))
def test_a_pickle_and_the_loaded_object_are_described_alike(name: str) -> None:
    model = model_zoo.make(name)
    dumped = io.BytesIO()
    joblib.dump(model, dumped)

    loaded = describe(ObjectView(model))

    assert describe(SymbolView(root_of(pickle.dumps(model)))) == loaded
    assert describe(SymbolView(root_of(dumped.getvalue()))) == loaded


def columns(*more: Any, **options: Any) -> ColumnTransformer:
    parts = [("numbers", make_pipeline(SimpleImputer(), StandardScaler()), [1]), ("town", OneHotEncoder(), [2]), *more]
    return ColumnTransformer(parts, **options)


def pipeline(*more: Any, **options: Any) -> Any:
    return make_pipeline(columns(*more, **options), LogisticRegression())


def held(model: Any) -> list[Holds]:
    return [tensor.holds for tensor in describe(ObjectView(model.fit(TABLE, LABELS))).inputs]


N, T, A = Holds.NUMBERS, Holds.TEXT, Holds.ANYTHING


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (pipeline(), [A, N, T, A, A]),
        (pipeline(("rest", "passthrough", [3, 4])), [A, N, T, N, N]),
        (pipeline(("rest", "drop", [0]), remainder="passthrough"), [A, N, T, N, N]),
        (StackingClassifier([("a", pipeline())], cv=2), [A, N, T, A, A]),
        (VotingClassifier([("a", pipeline()), ("b", pipeline(("last", "passthrough", [4])))]), [A, N, T, A, N]),
        (GridSearchCV(pipeline(), {"logisticregression__C": [1, 2]}, cv=2), [A, N, T, A, A]),
        (
            make_pipeline(
                ColumnTransformer([("words", "passthrough", [0, 2]), ("number", "passthrough", [1])]),
                ColumnTransformer(
                    [("words", OneHotEncoder(handle_unknown="ignore"), [0, 1]), ("n", "passthrough", [2])]
                ),
                LogisticRegression(),
            ),
            [T, N, T, A, A],
        ),
        (
            make_pipeline(
                ColumnTransformer([("inner", columns(), [0, 1, 2])], remainder="drop"),
                LogisticRegression(),
            ),
            [A, N, T, A, A],
        ),
    ],
)
def test_each_column_is_what_the_estimators_that_see_it_need(model: Any, expected: list[Holds]) -> None:
    assert held(model) == expected


def served(model: Any) -> tuple[SklearnModel, RowReader]:
    loaded = SklearnModel(clone(model).fit(TABLE, LABELS), Signature())
    return loaded, RowReader(loaded.signature, takes_missing=loaded.takes_missing, most_rows=10)


@pytest.mark.parametrize("unused", ["case 7", 7, 0.5, True, None])
def test_a_column_that_is_never_looked_at_may_hold_anything_or_be_left_out(unused: Any) -> None:
    model, reader = served(pipeline())
    full = {"x0": unused, "x1": 3.0, "x2": "Linz", "x3": unused, "x4": unused}

    inputs, _ = reader.read([full, {"x1": 3.0, "x2": "Linz"}, {"x1": 3.0, "x2": "Linz", "x4": unused}])
    answers = model.run(inputs, (model.label, model.probabilities))[model.probabilities]

    assert (answers == answers[0]).all()
    with pytest.raises(Refusal, match="unknown field “x9”"):
        reader.read([{**full, "x9": 1}])
    with pytest.raises(Refusal, match="the field “x1” is missing"):
        reader.read([{"x2": "Linz"}])


def test_null_is_taken_in_the_columns_where_the_model_fills_it() -> None:
    model, reader = served(pipeline(("rest", "passthrough", [4])))

    inputs, _ = reader.read([{"x1": None, "x2": "Graz", "x4": 1}])

    assert model.run(inputs, (model.label,))[model.label].shape == (1,)
    with pytest.raises(Refusal, match="“x4” is null, and this model cannot take missing values"):
        reader.read([{"x1": 1, "x2": "Graz", "x4": None}])


def test_true_and_false_are_numbers_and_no_text() -> None:
    model, reader = served(pipeline(("rest", "passthrough", [3])))

    inputs, _ = reader.read([{"x1": 1, "x2": "Graz", "x3": truth} for truth in (True, 1, 1.0)])

    assert len(set(map(tuple, model.run(inputs, (model.probabilities,))[model.probabilities].tolist()))) == 1
    with pytest.raises(Refusal, match="“x2” must be text, not true or false"):
        reader.read([{"x1": 1, "x2": True, "x3": 1}])


def test_dates_are_told_as_text() -> None:
    days = np.arange("2024-02-01", "2024-02-07", dtype="datetime64[D]").astype("datetime64[ns]")
    model = make_pipeline(OneHotEncoder(handle_unknown="ignore"), LogisticRegression())
    fitted = model.fit(days.reshape(-1, 1), [0, 1] * 3)
    loaded = SklearnModel(copy.deepcopy(fitted), Signature())
    reader = RowReader(loaded.signature, takes_missing=loaded.takes_missing, most_rows=10)

    inputs, _ = reader.read([["2024-02-02"], ["2024-02-03T00:00:00Z"]])
    answers = loaded.run(inputs, (loaded.probabilities,))[loaded.probabilities]

    np.testing.assert_allclose(answers, fitted.predict_proba(days[1:3].reshape(-1, 1)), rtol=1e-9)
    for no_date in ("yesterday", "2500-01-01", "0024-02-29", "292277026596-12-04"):  # NumPy made 1915 of 2500
        with pytest.raises(Refusal, match="Row 1: the field “input” must be a date like 2024-02-29"):
            loaded.run(reader.read([[no_date]])[0], (loaded.label,))


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (cluster.DBSCAN, "Train a classifier on its labels_"),
        (covariance.LedoitWolf, "use EllipticEnvelope"),
        (lambda: manifold.TSNE(perplexity=3), "Use its coordinates for pictures"),
        (neighbors.NearestNeighbors, "KNeighborsClassifier"),
        (neighbors.LocalOutlierFactor, "novelty=True"),
        (neighbors.KernelDensity, "GaussianMixture"),
        (decomposition.PCA, "Put it before an estimator that predicts"),
        (lambda: make_pipeline(StandardScaler(), decomposition.PCA()), "Put it before an estimator that predicts"),
        (lambda: make_pipeline(StandardScaler(), "passthrough"), "Put one that predicts at its end"),
        (lambda: GridSearchCV(Ridge(), {"alpha": [1, 2]}, refit=False, cv=2), "refit=True"),
    ],
)
def test_what_cannot_predict_is_refused_at_once_with_what_it_is_good_for(model: Callable[[], Any], words: str) -> None:
    fitted = model().fit(np.random.default_rng(1).normal(size=(20, 3)), np.arange(20.0))

    with pytest.raises(UnsupportedModel, match=r"model\.pkl is no model that predicts\. It is an? ") as refusal:
        inspect_model("model.pkl", io.BytesIO(pickle.dumps(fitted)), {})

    assert words in refusal.value.next_step


def test_an_estimator_that_was_not_fitted_is_refused() -> None:
    with pytest.raises(UnsupportedModel, match="a LinearRegression that was saved before it was fitted"):
        inspect_model("model.pkl", io.BytesIO(pickle.dumps(LinearRegression())), {})


def test_an_estimator_around_itself_ends() -> None:
    search = GridSearchCV(Ridge(), {"alpha": [1, 2]}, cv=2).fit(np.arange(12.0).reshape(6, 2), np.arange(6.0))
    search.best_estimator_ = search

    with pytest.raises(UnsupportedModel, match="an estimator around itself"):
        inspect_model("model.pkl", io.BytesIO(pickle.dumps(search)), {})


def test_labels_of_objects_are_what_they_hold() -> None:
    numbers = LogisticRegression().fit(np.arange(8.0).reshape(4, 2), [3, 5, 3, 5])
    numbers.classes_ = numbers.classes_.astype(object)

    assert describe(ObjectView(numbers)).outputs[0].datatype == "INT64"


@pytest.mark.parametrize(
    ("model", "target", "datatype"),
    [
        (cluster.KMeans(2, n_init=1, random_state=0), None, "INT64"),  # it answers with int32
        (LinearRegression(), np.arange(12.0).reshape(-1, 1), "FP64"),  # it answers with a column
        (LinearRegression(), np.arange(12, dtype=np.float32), "FP64"),
    ],
)
def test_answers_have_the_type_and_shape_that_is_declared(model: Any, target: Any, datatype: str) -> None:
    features = np.arange(24, dtype=np.float32).reshape(12, 2) ** 2
    loaded = SklearnModel(clone(model).fit(features, target), Signature())

    answers = loaded.run({"input": features}, (loaded.label,))[loaded.label]

    assert (loaded.signature.outputs[0].datatype, loaded.signature.outputs[0].shape) == (datatype, (-1,))
    assert (datatype_of(answers), answers.shape) == (datatype, (12,))

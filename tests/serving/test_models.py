"""Models of every supported kind, each behind a live server."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_diabetes, load_wine
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import CategoricalNB
from sklearn.neighbors import RadiusNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PowerTransformer, SplineTransformer, StandardScaler
from sklearn.svm import SVC

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.serving.frameworks.scikit_learn.sklearn_model import SklearnModel
from kronkers_studio.serving.signature import Signature
from tests.serving.model_folders import (
    diabetes_regressor,
    gappy_classifier,
    mixed_classifier,
    running,
    save_joblib,
    save_onnx,
    save_pickle,
)


def ask(folder: Path, *requests: tuple[str, str, Any]) -> list[tuple[int, Any]]:
    """The answers of a fresh server of ``folder``."""
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        sent = {"Content-Type": "application/json"}
        answers = [client.request(method, path, json.dumps(body).encode(), sent) for method, path, body in requests]
        client.close()
    return [(status, json.loads(body)) for status, body in answers]


def test_a_regressor_answers_with_numbers_only(tmp_path: Path) -> None:
    model, matrix = diabetes_regressor(), load_diabetes().data[:3]
    folder = save_pickle(tmp_path / "model", model)
    [(status, answer)] = ask(folder, ("POST", "/predict", {"rows": matrix.tolist()}))
    assert status == 200
    assert "probabilities" not in answer
    np.testing.assert_allclose(answer["outputs"], model.predict(matrix))


def test_text_and_number_columns_are_learned_from_the_fitted_pipeline(tmp_path: Path) -> None:
    model = mixed_classifier()
    columns = [{"name": "input", "datatype": "FP64", "shape": [-1, 2], "columns": ["town", "age"]}]
    folder = save_joblib(tmp_path / "model", model, compress=3, signature={"inputs": columns, "outputs": []})
    rows = [{"age": 66, "town": "Wien"}, {"town": "Graz", "age": 21.5}]
    tensors = [
        {"name": "age", "datatype": "FP64", "shape": [1, 1], "data": [66]},
        {"name": "town", "datatype": "BYTES", "shape": [1], "data": ["Wien"]},
    ]
    good, wrong, unknown, by_tensor = ask(
        folder,
        ("POST", "/predict", {"rows": rows}),
        ("POST", "/predict", {"rows": [{"town": 7, "age": 1}]}),
        ("POST", "/predict", {"rows": [{"town": "Rome", "age": 1}]}),
        ("POST", "/v2/models/wine/infer", {"inputs": tensors}),
    )
    assert good == (200, {**good[1], "outputs": ["yes", "no"]})
    assert set(good[1]["probabilities"][0]) == {"yes", "no"}
    assert (wrong[0], wrong[1]["field"]) == (400, "town")
    assert unknown[0] == 422, "what only the model can tell is wrong with a row is the row's, not the service's"
    assert "unknown categories" in unknown[1]["error"]
    assert by_tensor[1]["outputs"][0] == {"name": "label", "datatype": "BYTES", "shape": [1], "data": ["yes"]}


COUNTS = np.arange(12.0).reshape(-1, 1)


@pytest.mark.parametrize(
    ("model", "value"),
    [
        (RandomForestClassifier(2), 1e308),
        (CategoricalNB(), 99.0),
        (CategoricalNB(), -1.0),
        (make_pipeline(SplineTransformer(extrapolation="error"), LogisticRegression()), 99.0),
        (RadiusNeighborsClassifier(0.5), 99.0),
        (IsotonicRegression(out_of_bounds="raise"), 99.0),
        (make_pipeline(PowerTransformer("box-cox"), LogisticRegression()), -5.0),
    ],
    ids=str,
)
def test_a_value_that_the_library_itself_refuses_is_the_clients_mistake(
    tmp_path: Path, model: Any, value: float
) -> None:
    features = COUNTS + 1 if "box-cox" in str(model) else COUNTS
    folder = save_joblib(tmp_path / "model", model.fit(features, COUNTS.ravel() % 2))
    good, wrong = ask(folder, ("POST", "/predict", {"rows": [[3.0]]}), ("POST", "/predict", {"rows": [[3.0], [value]]}))
    assert good[0] == 200
    assert (wrong[0], wrong[1]["error"][:35]) == (422, "The model does not take these rows:")


def fitted_on_a_frame() -> tuple[Any, list[list[Any]]]:
    """A pipeline as it is after fitting on a data frame: its column choices are names, its parts fill gaps."""
    rows = [["Graz", 20.0, 1.0], ["Linz", 60.0, np.nan], ["Graz", 30.0, 3.0], ["Wien", 70.0, 4.0]] * 5
    town = make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder())
    numbers = make_pipeline(SimpleImputer(), StandardScaler())
    parts = ColumnTransformer([("town", town, [0]), ("numbers", numbers, slice(1, 3))])
    model = make_pipeline(parts, LogisticRegression()).fit(np.array(rows, dtype=object), ["no", "yes", "no", "yes"] * 5)
    parts.feature_names_in_ = np.array(["town", "age", "income"], dtype=object)
    parts.transformers_ = [
        ("town", parts.transformers_[0][1], ["town"]),
        ("numbers", parts.transformers_[1][1], slice("age", "income")),
    ]
    return model, rows


def test_column_choices_by_name_work_without_data_frames_and_gaps_are_filled(tmp_path: Path) -> None:
    model, _ = fitted_on_a_frame()
    folder = save_joblib(tmp_path / "model", model)
    rows = [{"income": None, "town": "Wien", "age": 66}, {"town": None, "age": 21, "income": 2}]
    [(status, answer)] = ask(folder, ("POST", "/predict", {"rows": rows}))
    assert (status, answer["outputs"]) == (200, ["yes", "no"])


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (make_pipeline(StandardScaler(), LogisticRegression()), False),
        (make_pipeline(SimpleImputer(), LogisticRegression()), True),
        (make_pipeline(StandardScaler(), HistGradientBoostingClassifier(max_iter=2)), True),
        (make_pipeline(ColumnTransformer([("a", SimpleImputer(), [0])]), LogisticRegression()), True),
        (
            make_pipeline(
                ColumnTransformer([("a", SimpleImputer(), [0])], remainder="passthrough"), LogisticRegression()
            ),
            False,
        ),
        (LogisticRegression(), False),
    ],
)
def test_missing_values_are_taken_where_the_pipeline_fills_them(model: Any, expected: bool) -> None:
    fitted = model.fit(load_wine().data[:, :2], load_wine().target)
    assert SklearnModel(fitted, Signature()).takes_missing is expected


def test_a_model_of_plain_text_takes_one_text_per_row(tmp_path: Path) -> None:
    model = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(["good wine", "bad beer"] * 4, [1, 0] * 4)
    folder = save_joblib(tmp_path / "model", model)
    rows = [["a good one"], {"input": "bad"}]
    [(status, answer)] = ask(folder, ("POST", "/predict", {"rows": rows}))
    assert (status, answer["outputs"]) == (200, [1, 0])


def test_missing_values_are_taken_only_by_models_made_for_them(tmp_path: Path) -> None:
    folder = save_joblib(tmp_path / "model", gappy_classifier())
    row: list[float | None] = [*load_wine().data[0].tolist()]
    row[3] = None
    [(status, answer)] = ask(folder, ("POST", "/predict", {"rows": [row]}))
    assert (status, answer["outputs"]) == (200, [0])


@pytest.mark.parametrize("zipmap", [True, False])
@pytest.mark.parametrize("labels", [np.array(["barolo", "grignolino", "barbera"]), np.array([10, 20, 30])])
def test_onnx_exports_of_classifiers_give_labels_and_named_probabilities(
    tmp_path: Path, zipmap: bool, labels: Any
) -> None:
    features, classes = load_wine(return_X_y=True)
    model = RandomForestClassifier(5, random_state=0).fit(features.astype(np.float32), labels[classes])
    folder = save_onnx(tmp_path / "model", to_onnx(model, features, zipmap))
    tensor = {"name": "X", "datatype": "FP64", "shape": [2, 13], "data": features[::90].ravel().tolist()}
    plain, by_protocol = ask(
        folder,
        ("POST", "/predict", {"rows": features[::90].tolist()}),
        ("POST", "/v2/models/wine/infer", {"inputs": [tensor]}),
    )
    expected = model.predict_proba(features[::90])
    assert plain[1]["outputs"] == model.predict(features[::90]).tolist()
    for found, wanted in zip(plain[1]["probabilities"], expected, strict=True):
        assert found == pytest.approx(dict(zip(map(str, model.classes_), wanted, strict=True)), abs=1e-6)
    assert [output["shape"] for output in by_protocol[1]["outputs"]] == [[2], [2, 3]]


def test_onnx_exports_of_regressors_give_one_number_per_row(tmp_path: Path) -> None:
    model, features = diabetes_regressor(), load_diabetes().data
    folder = save_onnx(tmp_path / "model", to_onnx(model, features, None))
    [(_, answer)] = ask(folder, ("POST", "/predict", {"rows": features[:2].tolist()}))
    assert answer["outputs"] == pytest.approx(model.predict(features[:2]).tolist(), rel=1e-3)


def to_onnx(model: Any, features: Any, zipmap: bool | None) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import skl2onnx

        options = None if zipmap is None else {id(model): {"zipmap": zipmap}}
        exported = skl2onnx.to_onnx(model, features[:1].astype(np.float32), options=options)
    return bytes(exported.SerializeToString())


@pytest.mark.parametrize("model", [LogisticRegression(max_iter=5000), RandomForestClassifier(7), gappy_classifier()])
def test_labels_taken_from_probabilities_are_those_of_predict(model: Any) -> None:
    features, classes = load_wine(return_X_y=True)
    served = SklearnModel(model.fit(features, classes), Signature())
    noisy = np.random.default_rng(1).normal(features, features.std(axis=0))
    found = served.run({"input": noisy}, ("label", "probabilities"))
    assert found["label"].tolist() == model.predict(noisy).tolist()


def test_a_tie_between_classes_is_left_to_predict() -> None:
    features = np.array([[0.0], [0.0], [1.0], [1.0]])
    model = RandomForestClassifier(3, bootstrap=False).fit(features, [1, 0, 1, 0])
    served = SklearnModel(model, Signature())
    model.predict = None
    served._predict = lambda matrix: np.full(len(matrix), 7)
    assert served.run({"input": features}, ("label", "probabilities"))["label"].tolist() == [7] * 4


def test_classifiers_that_do_not_predict_the_most_probable_class_are_asked_twice() -> None:
    features, classes = load_wine(return_X_y=True)
    served = SklearnModel(SVC().fit(features, classes), Signature())
    assert (served.probabilities, served._label_follows) == ("", False)


def test_forests_use_no_workers_of_their_own() -> None:
    features, classes = load_wine(return_X_y=True)
    model = RandomForestClassifier(3, n_jobs=-1).fit(features, classes)
    SklearnModel(model, Signature())
    assert model.n_jobs == 1

"""Makes models of every estimator that the scikit-learn of this Python has, and writes what they answer.

    python -m tests.estimators.models FOLDER [--skops] [NAME …]

With names it makes only those special models; with --skops, which needs that library, files of skops. FOLDER gets each
model as a pickle and as a joblib file, and ``models.json``: for each of them the rows of JSON that a client would
send, and the library's own answers. It runs in an environment with one version of scikit-learn (and pandas, since
models are fitted on data frames), and imports nothing of the program.
"""

from __future__ import annotations

import json
import math
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import joblib
import numpy as np

ROWS = 72
ASKED = 6  # rows of each request

_RANDOM = np.random.default_rng(11)
NUMBERS = np.round(np.abs(_RANDOM.normal(size=(ROWS, 4))) + 0.1, 3)
CLASSES = np.arange(ROWS) % 3
CLASSES[::7] = (CLASSES[::7] + 1) % 3  # so that the classes can be told apart, but not without errors
NUMBERS[:, 0] += CLASSES
NAMES = np.array(["Barolo", "Barbera", "Grignolino"])[CLASSES]
AMOUNTS = np.round(NUMBERS @ np.array([1.0, 0.5, 0.25, 2.0]) + 1, 4)
TWO_AMOUNTS = np.column_stack([AMOUNTS, AMOUNTS[::-1]])
TWO_CLASSES = np.column_stack([CLASSES, (CLASSES + 1) % 3])
TWO_NAMES = np.column_stack([NAMES, NAMES[::-1]])
COUNTS = np.floor(NUMBERS * 2)
TEXTS = [f"{name.lower()} {('sweet', 'dry', 'old')[n % 3]} wine number{n % 5}" for n, name in enumerate(NAMES)]


@dataclass
class Case:
    """One model: ``rows`` are asked of it, ``asked`` is what the library itself gets for them."""

    name: str
    kind: str
    model: Any
    asked: Any
    rows: list[Any]


def frame() -> Any:
    """A table as people have them: numbers with gaps, whole numbers, truth values, words, a date and a comment."""
    import pandas as pd

    return pd.DataFrame(
        {
            "subject": [f"case {n}" for n in range(ROWS)],
            "age": np.where(np.arange(ROWS) % 9 == 4, np.nan, NUMBERS[:, 0] * 10),
            "visits": COUNTS[:, 1].astype(int),
            "member": NUMBERS[:, 2] > 0.7,
            "town": np.array(["Graz", "Linz", "Wien"])[(CLASSES + (np.arange(ROWS) % 2)) % 3],
            "plan": np.array(["basic", "full"])[np.arange(ROWS) % 2],
            "since": pd.Timestamp("2024-02-29") + pd.to_timedelta(np.arange(ROWS), unit="D"),
            "income": NUMBERS[:, 3],
        }
    )


def frame_rows(table: Any) -> list[dict[str, Any]]:
    """The rows of ``table`` as a client would write them into JSON."""

    def plain(value: Any) -> Any:
        if hasattr(value, "isoformat"):
            return value.isoformat()
        return None if isinstance(value, float) and math.isnan(value) else getattr(value, "item", lambda: value)()

    return [{str(name): plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def mixed_columns(named: bool = True) -> Any:
    """A ColumnTransformer over ``frame``, which drops two of its columns; it chooses by name, or by position."""
    from sklearn.compose import ColumnTransformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder

    def chosen(*names: str) -> list[Any]:
        return list(names) if named else [list(frame().columns).index(name) for name in names]

    return ColumnTransformer(
        [
            ("numbers", make_pipeline(SimpleImputer(), MinMaxScaler()), chosen("age", "income")),
            ("counts", "passthrough", chosen("visits", "member")),
            ("town", OneHotEncoder(handle_unknown="ignore", sparse_output=False), chosen("town")),
            ("plan", OrdinalEncoder(), chosen("plan")),
        ]
    )


# every estimator
_NEEDS: dict[str, Callable[[], dict[str, Any]]] = {
    "SparseCoder": lambda: {"dictionary": np.eye(4)},
    "ColumnTransformer": lambda: {"transformers": [("all", _scaler(), slice(0, 4))]},
    "FeatureUnion": lambda: {"transformer_list": [("a", _scaler())]},
    "Pipeline": lambda: {"steps": [("a", _scaler()), ("b", _logistic())]},
    "StackingClassifier": lambda: {"estimators": [("a", _logistic()), ("b", _tree())], "cv": 2},
    "StackingRegressor": lambda: {"estimators": [("a", _ridge()), ("b", _tree("Regressor"))], "cv": 2},
    "VotingClassifier": lambda: {"estimators": [("a", _logistic()), ("b", _tree())]},
    "VotingRegressor": lambda: {"estimators": [("a", _ridge()), ("b", _tree("Regressor"))]},
    "GridSearchCV": lambda: {"estimator": _logistic(), "param_grid": {"C": [0.1, 1.0]}, "cv": 2},
    "RandomizedSearchCV": lambda: {
        "estimator": _logistic(),
        "param_distributions": {"C": _scipy_stats().loguniform(0.1, 1), "max_iter": _scipy_stats().randint(200, 300)},
        "n_iter": 2,
        "cv": 2,
        "random_state": 0,
    },
    "HalvingGridSearchCV": lambda: {"estimator": _logistic(), "param_grid": {"C": [0.1, 1.0]}, "cv": 2},
    "HalvingRandomSearchCV": lambda: {
        "estimator": _logistic(),
        "param_distributions": {"C": _scipy_stats().uniform(0.1, 1)},
        "cv": 2,
        "random_state": 0,
    },
    "SequentialFeatureSelector": lambda: {"estimator": _logistic(), "n_features_to_select": 2, "cv": 2},
    "FrozenEstimator": lambda: {"estimator": _logistic().fit(NUMBERS, NAMES)},
    "RegressorChain": lambda: _one_estimator(_ridge()),
    "ClassifierChain": lambda: _one_estimator(_logistic()),
    "SelectKBest": lambda: {"k": 2},
    "TSNE": lambda: {"perplexity": 5.0},
    "QuantileTransformer": lambda: {"n_quantiles": 20},
    "FixedThresholdClassifier": lambda: {"estimator": _logistic(), "threshold": 0.4},
    "TunedThresholdClassifierCV": lambda: {"estimator": _logistic(), "cv": 2},
    "OrthogonalMatchingPursuitCV": lambda: {"cv": 2, "max_iter": 3},
    "GraphicalLassoCV": lambda: {"alphas": [0.1, 0.5], "cv": 2},
    "QuadraticDiscriminantAnalysis": lambda: {"reg_param": 0.5},
    "MissingIndicator": lambda: {"features": "all"},
    "GenericUnivariateSelect": lambda: {"mode": "k_best", "param": 2},
    "SelectFdr": lambda: {"alpha": 0.5},
    "SelectFpr": lambda: {"alpha": 0.5},
    "SelectFwe": lambda: {"alpha": 0.5},
    "SelectPercentile": lambda: {"percentile": 50},
    "SelfTrainingClassifier": lambda: _one_estimator(_logistic()),
    "RANSACRegressor": lambda: {"min_samples": 10, "random_state": 0},
    "QuantileRegressor": lambda: {"solver": "highs"},
    "RadiusNeighborsClassifier": lambda: {"radius": 10.0},
    "RadiusNeighborsRegressor": lambda: {"radius": 10.0},
    "MultiOutputClassifier": lambda: _one_estimator(_logistic()),
    "MultiOutputRegressor": lambda: _one_estimator(_ridge()),
    "CCA": lambda: {"n_components": 1},
    "PLSCanonical": lambda: {"n_components": 1},
    "PLSSVD": lambda: {"n_components": 1},
    "SpectralBiclustering": lambda: {"n_components": 3, "n_best": 2},
    "HashingVectorizer": lambda: {"n_features": 64},
    "FeatureHasher": lambda: {"n_features": 16},
    "PatchExtractor": lambda: {"patch_size": (2, 2)},
}
_SMALLER = {"n_estimators": 4, "max_iter": 300, "n_init": 1, "random_state": 0, "n_components": 2, "n_clusters": 3}
_OWN_ITERATIONS = ("HistGradientBoosting", "MLP", "BernoulliRBM")


def _scaler() -> Any:
    from sklearn.preprocessing import MinMaxScaler

    return MinMaxScaler()


def _logistic() -> Any:
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(max_iter=500)


def _ridge() -> Any:
    from sklearn.linear_model import Ridge

    return Ridge()


def _tree(kind: str = "Classifier") -> Any:
    from sklearn import tree

    return getattr(tree, f"DecisionTree{kind}")(max_depth=3, random_state=0)


def _scipy_stats() -> Any:
    from scipy import stats

    return stats


def _one_estimator(inner: Any) -> dict[str, Any]:
    return {"estimator": inner}


def construct(name: str, cls: Any) -> Any:
    """An instance of ``cls`` that is quick to fit."""
    import inspect

    options = dict(_NEEDS[name]()) if name in _NEEDS else {}
    taken = inspect.signature(cls).parameters
    if name in ("RegressorChain", "ClassifierChain") and "base_estimator" in taken:
        options["base_estimator"] = options.pop("estimator")
        if name == "ClassifierChain" and "estimator" in taken:
            options = {"estimator": options["base_estimator"]}
    if name == "SelfTrainingClassifier" and "estimator" not in taken:
        options["base_estimator"] = options.pop("estimator")
    if "estimator" in taken and taken["estimator"].default is inspect.Parameter.empty and "estimator" not in options:
        options["estimator"] = _ridge() if name.endswith("Regressor") else _logistic()
    for option, value in _SMALLER.items():
        if (
            option in taken
            and option not in options
            and not (option == "max_iter" and name.startswith(_OWN_ITERATIONS))
        ):
            options[option] = value
    if name.startswith(_OWN_ITERATIONS):
        options |= {"max_iter": 8} if "max_iter" in taken else {"n_iter": 2}
    if name == "IsotonicRegression":
        options = {"out_of_bounds": "clip"}
    return cls(**options)


_FITTED_TO: dict[str, Callable[[], list[Any]]] = {
    "ClassifierChain": lambda: [(TWO_CLASSES > 0).astype(int)],
    "MultiOutputClassifier": lambda: [TWO_NAMES, TWO_CLASSES],
    **dict.fromkeys(("RegressorChain", "MultiOutputRegressor"), lambda: [TWO_AMOUNTS]),
    **dict.fromkeys(
        ("FixedThresholdClassifier", "TunedThresholdClassifierCV"),
        lambda: [np.where(CLASSES > 0, "yes", "no"), (CLASSES > 0).astype(int)],
    ),
    **dict.fromkeys(
        ("SelfTrainingClassifier", "LabelPropagation", "LabelSpreading"),
        lambda: [np.where(np.arange(ROWS) % 8 == 3, -1, CLASSES)],
    ),
}


def _targets(name: str, model: Any) -> list[Any]:
    """What ``model`` may be fitted to, the most fitting first."""
    from sklearn.base import is_classifier, is_regressor

    if name in _FITTED_TO:
        return _FITTED_TO[name]()
    if name.startswith("MultiTask"):
        return [TWO_AMOUNTS]
    if is_regressor(model):
        return [AMOUNTS]
    return [NAMES, CLASSES] if is_classifier(model) else [NAMES, CLASSES, AMOUNTS, None]


def _fitted(model: Any, features: Any, targets: list[Any]) -> Any:
    """``model`` fitted to the first of ``targets`` that it takes; raises what it said to the last."""
    from sklearn.base import clone

    for position, target in enumerate(targets):
        try:
            return clone(model).fit(features, target)
        except (ValueError, TypeError, AttributeError):
            if position == len(targets) - 1:
                raise
    raise AssertionError


def _is_kernel(name: str) -> bool:
    return name == "KernelCenterer"


def _features(name: str) -> Any:
    if name == "CategoricalNB":
        return np.minimum(COUNTS, 4)
    if name == "IsotonicRegression":
        return NUMBERS[:, :1]
    if _is_kernel(name):
        return NUMBERS @ NUMBERS.T
    return NUMBERS


def _predicts(model: Any) -> bool:
    return callable(getattr(model, "predict", None))


def of_every_estimator(failed: dict[str, str]) -> Iterator[Case]:
    """Each estimator alone, in a pipeline, behind a ColumnTransformer over a mixed table, and before a predictor."""
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401
    from sklearn.utils import all_estimators

    for name, cls in all_estimators():
        try:
            yield from _of_one(name, cls, failed)
        except Exception as error:  # noqa: BLE001 — whatever a library says is kept for the test to judge
            failed[name] = f"{type(error).__name__}: {error}"


def _of_one(name: str, cls: Any, failed: dict[str, str]) -> Iterator[Case]:
    made = construct(name, cls)
    builders: dict[str, Callable[[], Case]] = {}
    if name in _SPECIAL_INPUT:
        yield from _SPECIAL_INPUT[name](made)
        return
    if name == "FrozenEstimator":
        yield Case(f"{name} alone", name, made, NUMBERS[:ASKED], NUMBERS[:ASKED].tolist())
        return
    features = _features(name)
    asked = features[:ASKED]
    builders["alone"] = lambda: Case(
        f"{name} alone", name, _fitted(made, features, _targets(name, made)), asked, asked.tolist()
    )
    builders["frame"] = lambda: _over_numeric_frame(name, made, features)
    if _is_kernel(name):
        builders["before"] = lambda: _before(name, made, features)
    else:
        builders["columns"] = lambda: _behind_columns(name, made)
        if hasattr(cls, "transform") and not hasattr(cls, "predict"):
            builders["before"] = lambda: _before(name, made, features)
            builders["columns before"] = lambda: _behind_columns_before(name, made)
    for variant, build in builders.items():
        try:
            yield build()
        except (ValueError, TypeError, AttributeError, IndexError, np.linalg.LinAlgError) as error:
            failed[f"{name} {variant}"] = f"{type(error).__name__}: {error}"[:300]


def _over_numeric_frame(name: str, made: Any, features: Any) -> Case:
    import pandas as pd

    table = pd.DataFrame(features, columns=[f"column {n}" for n in range(features.shape[1])])
    asked = table[:ASKED]
    rows = asked.to_numpy().tolist() if name == "IsotonicRegression" else frame_rows(asked)  # which keeps no names
    return Case(f"{name} frame", name, _fitted(made, table, _targets(name, made)), asked, rows)


def _positive_whole(name: str) -> list[Any]:
    """What must come between the columns and an estimator that takes whole numbers only."""
    from sklearn.preprocessing import KBinsDiscretizer

    options = {"quantile_method": "averaged_inverted_cdf"} if hasattr(KBinsDiscretizer(), "quantile_method") else {}
    return [KBinsDiscretizer(3, encode="ordinal", strategy="uniform", **options)] if name == "CategoricalNB" else []


def _behind(name: str, *after: Any) -> Any:
    from sklearn.pipeline import make_pipeline

    if name == "IsotonicRegression":
        from sklearn.compose import ColumnTransformer

        return make_pipeline(ColumnTransformer([("one", "passthrough", ["income"])]), *after)
    return make_pipeline(mixed_columns(), *_positive_whole(name), *after)


def _behind_columns(name: str, made: Any) -> Case:
    table = frame()
    made = type(made)(dictionary=np.eye(8)) if name == "SparseCoder" else made
    model = _fitted(_behind(name, made), table, _targets(name, made))
    return Case(f"{name} columns", name, model, table[:ASKED], frame_rows(table[:ASKED]))


def _before(name: str, made: Any, features: Any) -> Case:
    from sklearn.pipeline import make_pipeline

    model = _fitted(make_pipeline(made, _logistic()), features, [NAMES, CLASSES, CLASSES > 0])
    return Case(f"{name} before", name, model, features[:ASKED], features[:ASKED].tolist())


def _behind_columns_before(name: str, made: Any) -> Case:
    table = frame()
    made = type(made)(dictionary=np.eye(8)) if name == "SparseCoder" else made
    model = _fitted(_behind(name, made, _logistic()), table, [NAMES, CLASSES, CLASSES > 0])
    return Case(f"{name} columns before", name, model, table[:ASKED], frame_rows(table[:ASKED]))


# estimators whose input is no table of numbers
def _of_texts(made: Any) -> Iterator[Case]:
    import pandas as pd
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import make_pipeline

    name = type(made).__name__
    yield Case(f"{name} alone", name, made.fit(TEXTS), TEXTS[:ASKED], [[text] for text in TEXTS[:ASKED]])
    model = make_pipeline(type(made)(), _logistic()).fit(TEXTS, NAMES)
    yield Case(f"{name} before", name, model, TEXTS[:ASKED], [[text] for text in TEXTS[:ASKED]])
    table = pd.DataFrame({"note": TEXTS, "amount": NUMBERS[:, 0]})
    parts = ColumnTransformer([("note", type(made)(), "note"), ("amount", _scaler(), ["amount"])])
    model = make_pipeline(parts, _logistic()).fit(table, NAMES)
    yield Case(f"{name} columns", name, model, table[:ASKED], frame_rows(table[:ASKED]))


def _of_labels(made: Any) -> Iterator[Case]:
    name = type(made).__name__
    given = [[name] for name in NAMES] if name == "MultiLabelBinarizer" else NAMES
    yield Case(f"{name} alone", name, made.fit(given), given[:ASKED], [])


def _of_objects(made: Any) -> Iterator[Case]:
    from sklearn.pipeline import make_pipeline

    name = type(made).__name__
    rows = [{"town": town, "size": size} for town, size in zip(NAMES.tolist(), AMOUNTS.tolist(), strict=True)]
    yield Case(f"{name} alone", name, made.fit(rows), rows[:ASKED], rows[:ASKED])
    yield Case(f"{name} before", name, make_pipeline(made, _logistic()).fit(rows, NAMES), rows[:ASKED], rows[:ASKED])


def _of_pictures(made: Any) -> Iterator[Case]:
    pictures = _RANDOM.normal(size=(3, 4, 4))
    yield Case(f"{type(made).__name__} alone", type(made).__name__, made.fit(pictures), pictures, [])


_SPECIAL_INPUT: dict[str, Callable[[Any], Iterator[Case]]] = {
    **dict.fromkeys(("CountVectorizer", "TfidfVectorizer", "HashingVectorizer"), _of_texts),
    **dict.fromkeys(("LabelEncoder", "LabelBinarizer", "MultiLabelBinarizer"), _of_labels),
    **dict.fromkeys(("DictVectorizer", "FeatureHasher"), _of_objects),
    "PatchExtractor": _of_pictures,
}


def _all_names() -> list[str]:
    from sklearn.utils import all_estimators

    return [name for name, _ in all_estimators()]


# writing
ENDINGS = ["pkl", "joblib"]
unsaved: dict[str, str] = {}
"""What skops could not save."""


def write(folder: Path, case: Case, number: int) -> list[dict[str, Any]]:
    """The files of ``case``, and what is to be known of them."""
    said: dict[str, Any] = {"name": case.name, "kind": case.kind, "rows": case.rows, "predicts": _predicts(case.model)}
    said["class"] = f"{type(case.model).__module__}.{type(case.model).__qualname__}"
    if said["predicts"]:
        said["outputs"] = _listed(case.model.predict(case.asked))
        said["probabilities"] = _probabilities(case.model, case.asked)
        said["classes"] = _classes(case.model)
    entries = []
    for ending in ENDINGS:
        file = folder / f"{number:04}.{ending}"
        if ending == "skops":
            from skops.io import dump  # type: ignore[import-not-found]  # in an environment of its own

            try:
                dump(case.model, file, compression=8 if number % 2 else 0)
            except (TypeError, AttributeError, ValueError, RecursionError) as reason:  # skops does not know how
                unsaved[case.name] = f"{type(reason).__name__}: {reason}"
                continue
        elif ending == "pkl":
            file.write_bytes(pickle.dumps(case.model, 2 + number % 4))
        else:
            joblib.dump(case.model, file, compress=3 if number % 2 else 0)
        entries.append({**said, "file": file.name})
    return entries


def _probabilities(model: Any, asked: Any) -> Any:
    if not callable(getattr(model, "predict_proba", None)):
        return None
    if type(model).__name__ == "ClassifierChain" and any(len(classes) > 2 for classes in model.classes_):
        return None  # of three classes, new versions fail and old ones give the second's alone
    found = model.predict_proba(asked)
    return None if isinstance(found, list) else np.asarray(found).tolist()


def _classes(model: Any) -> list[str] | None:
    classes = getattr(model, "classes_", None)
    return [str(one) for one in classes.tolist()] if isinstance(classes, np.ndarray) and classes.ndim == 1 else None


def _listed(found: Any) -> Any:
    array = np.asarray(found)
    return array.reshape(-1).tolist() if array.ndim == 2 and array.shape[1] == 1 else array.tolist()


def main(folder: Path, only: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    failed: dict[str, str] = {}
    entries: list[dict[str, Any]] = []
    warnings.simplefilter("ignore")
    from tests.estimators import special_models

    every = () if only else of_every_estimator(failed)
    for number, case in enumerate([*every, *special_models.cases(failed, only)]):
        entries += write(folder, case, number)
    said = {"models": entries, "failed": failed, "unsaved": unsaved, "estimators": [] if only else _all_names()}
    (folder / "models.json").write_text(json.dumps(said), encoding="utf-8")


if __name__ == "__main__":
    from tests.estimators.models import ENDINGS, main  # the module that the special models know, too

    if "--skops" in sys.argv:
        ENDINGS[:] = ["skops"]
    main(Path(sys.argv[1]), tuple(name for name in sys.argv[2:] if name != "--skops"))

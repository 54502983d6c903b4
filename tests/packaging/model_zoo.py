"""Fitted scikit-learn models of many kinds, small enough to train in a second each."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

ROWS = 60
RANDOM = np.random.default_rng(7)
NUMBERS = RANDOM.normal(size=(ROWS, 4))
CLASSES = np.arange(ROWS) % 3
NAMES = np.array(["Barolo", "Barbera", "Grignolino"])[CLASSES]
AMOUNTS = NUMBERS @ np.array([1.0, -2.0, 0.5, 3.0]) + 1
TEXTS = [f"wine number {index % 5} tastes {'good' if index % 3 else 'bad'}" for index in range(ROWS)]
MIXED = np.column_stack([NUMBERS[:, :2].astype(object), np.array(["red", "white"])[np.arange(ROWS) % 2]])


def makers() -> dict[str, Callable[[], Any]]:
    """What each model is called, and how it is made and fitted."""
    from sklearn import (
        calibration,
        cluster,
        compose,
        decomposition,
        discriminant_analysis,
        ensemble,
        feature_extraction,
        feature_selection,
        gaussian_process,
        impute,
        isotonic,
        kernel_ridge,
        linear_model,
        mixture,
        model_selection,
        multioutput,
        naive_bayes,
        neighbors,
        neural_network,
        pipeline,
        preprocessing,
        svm,
        tree,
    )

    logistic = linear_model.LogisticRegression
    small = {"n_estimators": 5, "random_state": 0}

    def columns() -> Any:
        parts = [
            ("numbers", preprocessing.StandardScaler(), [0, 1]),
            ("colour", preprocessing.OneHotEncoder(handle_unknown="ignore"), [2]),
        ]
        return pipeline.make_pipeline(compose.ColumnTransformer(parts), logistic()).fit(MIXED, NAMES)

    def search() -> Any:
        grid = model_selection.GridSearchCV(
            pipeline.make_pipeline(preprocessing.StandardScaler(), svm.SVC(probability=True)), {"svc__C": [1, 10]}, cv=2
        )
        return grid.fit(NUMBERS, NAMES)

    return {
        "logistic": lambda: logistic().fit(NUMBERS, CLASSES),
        "pipeline": lambda: pipeline.make_pipeline(preprocessing.StandardScaler(), logistic()).fit(NUMBERS, NAMES),
        "forest": lambda: ensemble.RandomForestClassifier(**small).fit(NUMBERS, NAMES),
        "forest of objects": lambda: ensemble.RandomForestClassifier(**small).fit(NUMBERS, NAMES.astype(object)),
        "extra trees": lambda: ensemble.ExtraTreesRegressor(**small).fit(NUMBERS, AMOUNTS),
        "gradient boosting": lambda: ensemble.GradientBoostingClassifier(**small).fit(NUMBERS, NAMES),
        "gradient boosting regressor": lambda: ensemble.GradientBoostingRegressor(**small).fit(NUMBERS, AMOUNTS),
        "histogram boosting": lambda: ensemble.HistGradientBoostingClassifier(max_iter=5).fit(NUMBERS, NAMES),
        "ada boost": lambda: ensemble.AdaBoostClassifier(**small).fit(NUMBERS, NAMES),
        "bagging": lambda: ensemble.BaggingClassifier(**small).fit(NUMBERS, NAMES),
        "isolation forest": lambda: ensemble.IsolationForest(**small).fit(NUMBERS),
        "voting": lambda: ensemble.VotingClassifier(
            [("a", logistic()), ("b", tree.DecisionTreeClassifier())], voting="soft"
        ).fit(NUMBERS, NAMES),
        "stacking": lambda: ensemble.StackingClassifier([("a", logistic()), ("b", naive_bayes.GaussianNB())], cv=2).fit(
            NUMBERS, NAMES
        ),
        "svc": lambda: svm.SVC(random_state=0).fit(NUMBERS, NAMES),
        "linear svc": lambda: svm.LinearSVC().fit(NUMBERS, NAMES),
        "svr": lambda: svm.SVR().fit(NUMBERS, AMOUNTS),
        "neighbours": lambda: neighbors.KNeighborsClassifier(algorithm="kd_tree").fit(NUMBERS, NAMES),
        "ball tree": lambda: neighbors.KNeighborsRegressor(algorithm="ball_tree").fit(NUMBERS, AMOUNTS),
        "network": lambda: neural_network.MLPClassifier((4,), max_iter=5, random_state=0).fit(NUMBERS, NAMES),
        "gaussian process": lambda: gaussian_process.GaussianProcessRegressor(
            gaussian_process.kernels.RBF() + gaussian_process.kernels.WhiteKernel()
        ).fit(NUMBERS, AMOUNTS),
        "naive bayes": lambda: naive_bayes.GaussianNB().fit(NUMBERS, CLASSES),
        "calibrated": lambda: calibration.CalibratedClassifierCV(logistic(), method="isotonic", cv=2).fit(
            NUMBERS, NAMES
        ),
        "search": search,
        "threshold": lambda: model_selection.TunedThresholdClassifierCV(logistic(), cv=2).fit(NUMBERS, CLASSES > 0),
        "columns": columns,
        "text": lambda: pipeline.make_pipeline(
            feature_extraction.text.TfidfVectorizer(), naive_bayes.MultinomialNB()
        ).fit(TEXTS, NAMES),
        "linear": lambda: linear_model.LinearRegression().fit(NUMBERS, AMOUNTS),
        "two answers": lambda: linear_model.Ridge().fit(NUMBERS, np.column_stack([AMOUNTS, -AMOUNTS])),
        "stochastic": lambda: linear_model.SGDClassifier(random_state=0).fit(NUMBERS, NAMES),
        "huber": lambda: linear_model.HuberRegressor().fit(NUMBERS, AMOUNTS),
        "kernel ridge": lambda: kernel_ridge.KernelRidge().fit(NUMBERS, AMOUNTS),
        "target": lambda: compose.TransformedTargetRegressor(
            linear_model.LinearRegression(), transformer=preprocessing.QuantileTransformer(n_quantiles=10)
        ).fit(NUMBERS, AMOUNTS),
        "isotonic": lambda: isotonic.IsotonicRegression().fit(NUMBERS[:, 0], AMOUNTS),
        "splines": lambda: pipeline.make_pipeline(preprocessing.SplineTransformer(), linear_model.Ridge()).fit(
            NUMBERS, AMOUNTS
        ),
        "logarithms": lambda: pipeline.make_pipeline(
            preprocessing.FunctionTransformer(np.square), feature_selection.SelectKBest(k=2), logistic()
        ).fit(NUMBERS, NAMES),
        "gaps": lambda: pipeline.make_pipeline(impute.KNNImputer(), decomposition.PCA(2), logistic()).fit(
            NUMBERS, NAMES
        ),
        "union": lambda: pipeline.make_pipeline(
            pipeline.make_union(preprocessing.MinMaxScaler(), decomposition.TruncatedSVD(2)), logistic()
        ).fit(NUMBERS, NAMES),
        "several": lambda: multioutput.MultiOutputClassifier(logistic()).fit(
            NUMBERS, np.column_stack([CLASSES, CLASSES > 0])
        ),
        "discriminant": lambda: discriminant_analysis.LinearDiscriminantAnalysis().fit(NUMBERS, NAMES),
        "groups": lambda: cluster.KMeans(3, n_init=1, random_state=0).fit(NUMBERS),
        "mixture": lambda: mixture.GaussianMixture(2, random_state=0).fit(NUMBERS),
        "elimination": lambda: feature_selection.RFE(tree.DecisionTreeClassifier(random_state=0)).fit(NUMBERS, NAMES),
    }


def make(name: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tiny data does not converge
        return makers()[name]()

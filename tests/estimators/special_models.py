"""The hard kinds: estimators around pipelines over a mixed table, searches, nested transformers, labels, functions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tests.estimators import models
from tests.estimators.models import (
    AMOUNTS,
    ASKED,
    CLASSES,
    NAMES,
    NUMBERS,
    ROWS,
    TEXTS,
    TWO_AMOUNTS,
    TWO_CLASSES,
    TWO_NAMES,
    Case,
)


def cases(failed: dict[str, str], only: tuple[str, ...] = ()) -> Iterator[Case]:
    """Each special model, or those called as in ``only``. What this scikit-learn cannot fit goes into ``failed``."""
    from sklearn.experimental import enable_halving_search_cv, enable_iterative_imputer  # noqa: F401

    for name, build in _builders().items():
        if only and name not in only:
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield build(name)
        except (ImportError, ValueError, TypeError, AttributeError) as error:
            failed[name] = f"{type(error).__name__}: {error}"[:300]


def _builders() -> dict[str, Callable[[str], Case]]:  # noqa: PLR0915 — a table of models, with what they share
    from scipy import stats
    from sklearn import (
        calibration,
        cluster,
        compose,
        dummy,
        ensemble,
        feature_selection,
        impute,
        isotonic,
        linear_model,
        mixture,
        model_selection,
        multiclass,
        multioutput,
        naive_bayes,
        neighbors,
        pipeline,
        preprocessing,
        semi_supervised,
        svm,
        tree,
    )

    make = pipeline.make_pipeline
    ridge, logistic = linear_model.Ridge, linear_model.LogisticRegression

    def over_columns(
        wrap: Callable[[Any], Any], inner: Any, target: Any, *, as_array: bool = False
    ) -> Callable[[str], Case]:
        """With ``as_array`` the wrapper itself makes an array of the table, so that names and dates are no use."""

        def build(name: str) -> Case:
            table = models.frame()
            if as_array:
                table["since"] = table["since"].astype(str)
            model = wrap(make(models.mixed_columns(named=not as_array), inner)).fit(table, target)
            return Case(name, type(model).__name__, model, table[:ASKED], models.frame_rows(table[:ASKED]))

        return build

    def over_frame(model: Any, target: Any, columns: list[str] | None = None) -> Callable[[str], Case]:
        def build(name: str) -> Case:
            table = models.frame()[columns] if columns else models.frame()
            fitted = model().fit(table, target)
            return Case(name, type(fitted).__name__, fitted, table[:ASKED], models.frame_rows(table[:ASKED]))

        return build

    def over_numbers(model: Any, target: Any, features: Any = NUMBERS) -> Callable[[str], Case]:
        def build(name: str) -> Case:
            fitted = model().fit(features, target)
            return Case(name, type(fitted).__name__, fitted, features[:ASKED], np.asarray(features[:ASKED]).tolist())

        return build

    def over_texts(model: Any, target: Any) -> Callable[[str], Case]:
        def build(name: str) -> Case:
            fitted = model().fit(TEXTS, target)
            return Case(name, type(fitted).__name__, fitted, TEXTS[:ASKED], [[text] for text in TEXTS[:ASKED]])

        return build

    def chain(kind: Any, inner: Any) -> Any:
        return kind(inner)

    def some_columns(inner: Any) -> Any:
        parts = [("first", preprocessing.MinMaxScaler(), [0, 1]), ("rest", "passthrough", [2])]
        return make(compose.ColumnTransformer(parts), inner)

    def columns() -> Any:
        return models.mixed_columns()

    def nested() -> Any:
        numbers = compose.ColumnTransformer(
            [("age", impute.SimpleImputer(), ["age"]), ("income", preprocessing.MinMaxScaler(), ["income"])]
        )
        words = compose.ColumnTransformer([("town", preprocessing.OneHotEncoder(), ["town"])], remainder="drop")
        outer = compose.ColumnTransformer(
            [("numbers", numbers, ["age", "income"]), ("words", words, ["town", "plan", "subject"])]
        )
        return make(outer, logistic(max_iter=500))

    def set_output() -> Any:
        first = models.mixed_columns().set_output(transform="pandas")
        second = compose.ColumnTransformer(
            [("a", preprocessing.StandardScaler(), ["numbers__age", "numbers__income"]), ("b", "passthrough", [2, 3])]
        ).set_output(transform="pandas")
        return make(first, second, logistic(max_iter=500))

    def selector() -> Any:
        choose = compose.make_column_selector
        parts = [
            ("numbers", make(impute.SimpleImputer(), preprocessing.StandardScaler()), choose(dtype_include=np.number)),
            ("words", preprocessing.OneHotEncoder(handle_unknown="ignore"), choose("town|plan")),
        ]
        return make(compose.ColumnTransformer(parts), logistic(max_iter=500))

    def union() -> Any:
        parts = [
            ("a", compose.ColumnTransformer([("n", impute.SimpleImputer(), ["age", "income"])])),
            ("b", compose.ColumnTransformer([("t", preprocessing.OneHotEncoder(), ["town"])])),
        ]
        return make(pipeline.FeatureUnion(parts), logistic(max_iter=500))

    def remainder(kind: Any) -> Any:
        numbers = impute.SimpleImputer()
        columns = compose.ColumnTransformer(
            [("town", preprocessing.OneHotEncoder(), ["town"]), ("gone", "drop", ["subject", "since", "plan"])],
            remainder=numbers if kind == "imputer" else kind,
        )
        return make(columns, impute.SimpleImputer(), logistic(max_iter=500))

    def by_mask() -> Any:
        mask = np.array([False, True, False, False, False, False, False, True])
        parts = [("n", impute.SimpleImputer(), mask), ("t", preprocessing.OneHotEncoder(), slice("town", "plan"))]
        return make(compose.ColumnTransformer(parts), ridge())

    def text_and_more() -> Any:
        from sklearn.feature_extraction.text import TfidfVectorizer

        parts = [("subject", TfidfVectorizer(), "subject"), ("age", impute.SimpleImputer(), ["age"])]
        return make(compose.ColumnTransformer(parts), logistic(max_iter=500))

    def encoder(kind: Any, **options: Any) -> Any:
        return lambda: make(kind(**options), logistic(max_iter=500))

    def boosted_table() -> Any:
        return ensemble.HistGradientBoostingClassifier(categorical_features="from_dtype", max_iter=8)

    def over_categories(name: str) -> Case:
        table = models.frame()[["age", "town", "plan"]].astype({"town": "category", "plan": "category"})
        model = boosted_table().fit(table, NAMES)
        return Case(name, type(model).__name__, model, table[:ASKED], models.frame_rows(table[:ASKED]))

    def functions(*names: str) -> Any:
        steps = [preprocessing.FunctionTransformer(getattr(np, name)) for name in names]
        return lambda: make(*steps, ridge())

    def special() -> Any:
        from scipy import special as functions

        return make(preprocessing.FunctionTransformer(functions.expit, functions.logit), ridge())

    def searched(distribution: Any) -> Any:
        return lambda: model_selection.RandomizedSearchCV(
            ridge(), {"alpha": distribution}, n_iter=2, cv=2, random_state=0
        )

    def small_numbers(name: str) -> Case:
        fitted = ridge().fit(NUMBERS.astype(np.float32), AMOUNTS.astype(np.float32))
        return Case(name, "Ridge", fitted, NUMBERS[:ASKED], NUMBERS[:ASKED].tolist())

    forest = ensemble.RandomForestClassifier
    target_pairs = ("log1p", "expm1")
    whole = np.arange(ROWS) % 2 == 0
    return {
        # around a pipeline over the table
        "stack of columns": over_columns(
            lambda p: ensemble.StackingClassifier([("a", p), ("b", dummy.DummyClassifier())], cv=2),
            logistic(max_iter=500),
            NAMES,
        ),
        "stack with passthrough": over_frame(
            lambda: ensemble.StackingRegressor([("a", make(impute.SimpleImputer(), ridge()))], cv=2, passthrough=False),
            AMOUNTS,
            ["age", "income"],
        ),
        "vote of columns": over_columns(
            lambda p: ensemble.VotingClassifier([("a", p), ("b", dummy.DummyClassifier())], voting="soft"),
            logistic(max_iter=500),
            NAMES,
        ),
        "hard vote of columns": over_columns(
            lambda p: ensemble.VotingClassifier([("a", p)]), logistic(max_iter=500), NAMES
        ),
        "vote of regressors": over_columns(lambda p: ensemble.VotingRegressor([("a", p)]), ridge(), AMOUNTS),
        "calibrated columns": over_columns(
            lambda p: calibration.CalibratedClassifierCV(p, cv=2), svm.LinearSVC(), NAMES
        ),
        "isotonic calibration": over_columns(
            lambda p: calibration.CalibratedClassifierCV(p, cv=2, method="isotonic"), logistic(max_iter=500), NAMES
        ),
        "prefitted calibration": over_columns(
            lambda p: calibration.CalibratedClassifierCV(p, cv=3, ensemble=False), logistic(max_iter=500), NAMES
        ),
        "target over columns": over_columns(
            lambda p: compose.TransformedTargetRegressor(p, func=np.log1p, inverse_func=np.expm1), ridge(), AMOUNTS
        ),
        "target transformer": over_columns(
            lambda p: compose.TransformedTargetRegressor(p, transformer=preprocessing.StandardScaler()),
            ridge(),
            AMOUNTS,
        ),
        "two targets": over_columns(
            lambda p: compose.TransformedTargetRegressor(p, transformer=preprocessing.StandardScaler()),
            ridge(),
            TWO_AMOUNTS,
        ),
        "bagging of columns": over_columns(
            lambda p: ensemble.BaggingClassifier(p, n_estimators=3, random_state=0),
            logistic(max_iter=500),
            NAMES,
            as_array=True,
        ),
        "bagging of regressors": over_columns(
            lambda p: ensemble.BaggingRegressor(p, n_estimators=3, random_state=0), ridge(), AMOUNTS, as_array=True
        ),
        "bagging of numbers with gaps": over_frame(
            lambda: ensemble.BaggingRegressor(make(impute.SimpleImputer(), ridge()), n_estimators=3, random_state=0),
            AMOUNTS,
            ["age", "income"],
        ),
        "bagging of some features": over_numbers(
            lambda: ensemble.BaggingRegressor(ridge(), n_estimators=3, max_features=2, random_state=0), AMOUNTS
        ),
        "boosting of trees": over_numbers(
            lambda: ensemble.AdaBoostClassifier(tree.DecisionTreeClassifier(max_depth=2), n_estimators=3), NAMES
        ),
        "outputs of columns": over_columns(multioutput.MultiOutputRegressor, ridge(), TWO_AMOUNTS),
        "class outputs of columns": over_columns(
            multioutput.MultiOutputClassifier, logistic(max_iter=500), TWO_CLASSES
        ),
        "text outputs": over_columns(multioutput.MultiOutputClassifier, logistic(max_iter=500), TWO_NAMES),
        "chain of columns": over_numbers(lambda: chain(multioutput.RegressorChain, some_columns(ridge())), TWO_AMOUNTS),
        "class chain": over_numbers(
            lambda: chain(multioutput.ClassifierChain, logistic(max_iter=500)), (TWO_CLASSES > 0).astype(int)
        ),
        "chain of three classes": over_numbers(
            lambda: chain(multioutput.ClassifierChain, logistic(max_iter=500)), TWO_CLASSES
        ),
        "one against the rest of columns": over_columns(multiclass.OneVsRestClassifier, logistic(max_iter=500), NAMES),
        "one against one of columns": over_numbers(
            lambda: multiclass.OneVsOneClassifier(some_columns(logistic(max_iter=500))), NAMES
        ),
        "codes of numbers": over_numbers(lambda: multiclass.OutputCodeClassifier(logistic(), random_state=0), NAMES),
        "self training of columns": over_numbers(
            lambda: semi_supervised.SelfTrainingClassifier(some_columns(logistic(max_iter=500))),
            np.where(whole, CLASSES, -1),
        ),
        "search of columns": over_columns(
            lambda p: model_selection.GridSearchCV(p, {"logisticregression__C": [0.1, 1]}, cv=2),
            logistic(max_iter=500),
            NAMES,
        ),
        "search of a stack": over_columns(
            lambda p: model_selection.GridSearchCV(
                ensemble.StackingRegressor([("a", p)], cv=2), {"a__ridge__alpha": [0.1, 1.0]}, cv=2
            ),
            ridge(),
            AMOUNTS,
        ),
        "search with several scores": over_columns(
            lambda p: model_selection.GridSearchCV(
                p, {"ridge__alpha": [0.1, 1]}, scoring=["r2", "neg_mean_squared_error"], refit="r2", cv=2
            ),
            ridge(),
            AMOUNTS,
        ),
        "threshold over columns": over_columns(
            lambda p: model_selection.TunedThresholdClassifierCV(p, cv=2), logistic(max_iter=500), CLASSES > 0
        ),
        "fixed threshold over columns": over_columns(
            lambda p: model_selection.FixedThresholdClassifier(p, threshold=0.3), logistic(max_iter=500), CLASSES > 0
        ),
        "frozen columns": over_columns(
            lambda p: __import__("sklearn.frozen", fromlist=["FrozenEstimator"]).FrozenEstimator(
                p.fit(models.frame(), NAMES)
            ),
            logistic(max_iter=500),
            NAMES,
        ),
        "outliers behind columns": over_columns(lambda p: p, ensemble.IsolationForest(n_estimators=4), None),
        "groups behind columns": over_columns(lambda p: p, cluster.KMeans(3, n_init=1, random_state=0), None),
        "elimination": over_numbers(
            lambda: feature_selection.RFECV(tree.DecisionTreeClassifier(random_state=0), cv=2), NAMES
        ),
        "robust lines behind columns": over_columns(
            lambda p: p, linear_model.RANSACRegressor(min_samples=20, random_state=0), AMOUNTS
        ),
        # columns
        "nested columns": over_frame(nested, NAMES),
        "set output": over_frame(set_output, NAMES),
        "selector": over_frame(selector, NAMES),
        "union of columns": over_frame(union, NAMES),
        "remainder passes": over_frame(lambda: remainder("passthrough"), NAMES),
        "remainder by an imputer": over_frame(lambda: remainder("imputer"), NAMES),
        "mask and slice": over_frame(by_mask, AMOUNTS),
        "text and more": over_frame(text_and_more, NAMES),
        "target encoding": over_frame(
            lambda: make(
                compose.ColumnTransformer(
                    [("t", preprocessing.TargetEncoder(random_state=0), ["town", "plan"])], remainder="drop"
                ),
                ridge(),
            ),
            AMOUNTS,
        ),
        "columns in columns and text": over_frame(
            lambda: make(
                pipeline.FeatureUnion([("a", make(columns(), preprocessing.StandardScaler())), ("b", columns())]),
                ridge(),
            ),
            AMOUNTS,
        ),
        "text table": over_frame(
            encoder(preprocessing.OneHotEncoder, handle_unknown="ignore"), NAMES, ["town", "plan"]
        ),
        "one text column": over_frame(encoder(preprocessing.OneHotEncoder), NAMES, ["town"]),
        "truth table": over_frame(encoder(preprocessing.OneHotEncoder), NAMES, ["member"]),
        "unknown category": over_frame(encoder(preprocessing.OneHotEncoder), NAMES, ["town", "member", "visits"]),
        "ordinal table": over_frame(encoder(preprocessing.OrdinalEncoder), NAMES, ["plan", "town", "visits"]),
        "dates as categories": over_frame(
            encoder(preprocessing.OneHotEncoder, handle_unknown="ignore"), NAMES, ["town", "since"]
        ),
        "most frequent words": over_frame(
            lambda: make(
                impute.SimpleImputer(strategy="most_frequent"),
                preprocessing.OneHotEncoder(handle_unknown="ignore"),
                logistic(max_iter=500),
            ),
            NAMES,
            ["town", "plan"],
        ),
        "missing words as a category": over_frame(
            lambda: make(preprocessing.OrdinalEncoder(), ensemble.HistGradientBoostingClassifier(max_iter=5)),
            NAMES,
            ["town", "age"],
        ),
        "categories of trees": over_categories,
        "multiclass text forest": over_frame(lambda: make(columns(), forest(4, random_state=0)), NAMES.astype(object)),
        "iterative imputer": over_frame(
            lambda: make(_iterative(), preprocessing.StandardScaler(), ridge()), AMOUNTS, ["age", "income"]
        ),
        # labels
        "truth labels": over_numbers(lambda: logistic(max_iter=500), CLASSES > 0),
        "float labels": over_numbers(lambda: tree.DecisionTreeClassifier(max_depth=2), CLASSES.astype(float)),
        "small labels": over_numbers(lambda: tree.DecisionTreeClassifier(max_depth=2), CLASSES.astype(np.int8)),
        "object labels": over_numbers(lambda: forest(3, random_state=0), NAMES.astype(object)),
        "one label": over_numbers(dummy.DummyClassifier, np.zeros(ROWS, dtype=int)),
        "labels of several outputs": over_numbers(lambda: forest(3, random_state=0), TWO_CLASSES),
        "text of several outputs": over_numbers(lambda: tree.DecisionTreeClassifier(max_depth=3), TWO_NAMES),
        "neighbours of several outputs": over_numbers(lambda: neighbors.KNeighborsClassifier(3), TWO_CLASSES),
        "multilabel": over_numbers(
            lambda: multiclass.OneVsRestClassifier(logistic(max_iter=500)), np.column_stack([CLASSES > 0, CLASSES > 1])
        ),
        "multilabel network": over_numbers(
            lambda: __import__("sklearn.neural_network", fromlist=["MLPClassifier"]).MLPClassifier(
                (3,), max_iter=4, random_state=0
            ),
            np.column_stack([CLASSES > 0, CLASSES > 1]).astype(int),
        ),
        "multilabel ridge": over_numbers(
            linear_model.RidgeClassifier, np.column_stack([CLASSES > 0, CLASSES > 1]).astype(int)
        ),
        "column target": over_numbers(linear_model.LinearRegression, AMOUNTS.reshape(-1, 1)),
        "column target of a forest": over_numbers(
            lambda: ensemble.RandomForestRegressor(3, random_state=0), AMOUNTS.reshape(-1, 1)
        ),
        "two amounts of a forest": over_numbers(lambda: ensemble.RandomForestRegressor(3, random_state=0), TWO_AMOUNTS),
        "two amounts of neighbours": over_numbers(lambda: neighbors.KNeighborsRegressor(3), TWO_AMOUNTS),
        "two amounts of a network": over_numbers(
            lambda: __import__("sklearn.neural_network", fromlist=["MLPRegressor"]).MLPRegressor(
                hidden_layer_sizes=(3,), max_iter=4, random_state=0
            ),
            TWO_AMOUNTS,
        ),
        "two amounts of a process": over_numbers(
            lambda: __import__("sklearn.gaussian_process", fromlist=["x"]).GaussianProcessRegressor(), TWO_AMOUNTS
        ),
        "two amounts of a dummy": over_numbers(dummy.DummyRegressor, TWO_AMOUNTS),
        "two amounts of PLS": over_numbers(
            lambda: __import__("sklearn.cross_decomposition", fromlist=["x"]).PLSRegression(2), TWO_AMOUNTS
        ),
        "two amounts of kernel ridge": over_numbers(
            lambda: __import__("sklearn.kernel_ridge", fromlist=["x"]).KernelRidge(), TWO_AMOUNTS
        ),
        "two amounts of RANSAC": over_numbers(
            lambda: linear_model.RANSACRegressor(min_samples=20, random_state=0), TWO_AMOUNTS
        ),
        "whole amounts": over_numbers(lambda: tree.DecisionTreeRegressor(max_depth=3), CLASSES),
        "whole amounts of neighbours": over_numbers(lambda: neighbors.KNeighborsRegressor(1), CLASSES),
        "small numbers": small_numbers,
        "support vectors": over_numbers(lambda: svm.SVC(random_state=0), NAMES),
        "log loss": over_numbers(lambda: linear_model.SGDClassifier(loss="log_loss", random_state=0), NAMES),
        "huber loss": over_numbers(lambda: linear_model.SGDClassifier(loss="modified_huber", random_state=0), NAMES),
        "novelties": over_numbers(lambda: neighbors.LocalOutlierFactor(novelty=True), None),
        "categorical bayes": over_numbers(naive_bayes.CategoricalNB, NAMES, np.floor(NUMBERS)),
        "mixtures": over_numbers(lambda: mixture.GaussianMixture(2, random_state=0), None),
        "isotonic": lambda name: _isotonic(name, isotonic.IsotonicRegression(out_of_bounds="clip")),
        # functions
        "logarithms": over_numbers(functions("log1p"), AMOUNTS),
        "angles": over_numbers(functions("deg2rad", "sin", "cos"), AMOUNTS),
        "roots": over_numbers(functions("sqrt", "cbrt", "square", "abs", "exp2", "tanh"), AMOUNTS),
        "more functions": over_numbers(functions("fabs", "floor", "positive", "spacing", "conjugate", "sign"), AMOUNTS),
        "cleaned numbers": over_numbers(functions("nan_to_num", "round"), AMOUNTS),
        "expit": over_numbers(special, AMOUNTS),
        "target functions": over_numbers(
            lambda: compose.TransformedTargetRegressor(
                ridge(), func=getattr(np, target_pairs[0]), inverse_func=getattr(np, target_pairs[1])
            ),
            AMOUNTS,
        ),
        "random search": over_numbers(searched(stats.randint(1, 9)), AMOUNTS),
        "random search of a norm": over_numbers(searched(stats.expon(scale=2)), AMOUNTS),
        "random search of a uniform": over_numbers(searched(stats.uniform(0.1, 1)), AMOUNTS),
        "random search of a logarithm": over_numbers(searched(stats.loguniform(0.1, 1)), AMOUNTS),
        "random search of a truncated normal": over_numbers(searched(stats.truncnorm(0.1, 3)), AMOUNTS),
        "selection by a score": over_numbers(
            lambda: make(feature_selection.SelectKBest(feature_selection.mutual_info_classif, k=2), logistic()), NAMES
        ),
        "neighbours with a metric": over_numbers(
            lambda: neighbors.KNeighborsClassifier(3, metric="haversine", algorithm="ball_tree"), NAMES, NUMBERS[:, :2]
        ),
        "bisected texts": over_texts(
            lambda: make(_tfidf(), cluster.BisectingKMeans(2, n_init=1, random_state=0)), None
        ),
        "texts with accents": over_texts(
            lambda: make(_tfidf(strip_accents="unicode"), naive_bayes.MultinomialNB()), NAMES
        ),
        "search of texts": over_texts(
            lambda: model_selection.GridSearchCV(
                make(_tfidf(), logistic()), {"tfidfvectorizer__ngram_range": [(1, 1), (1, 2)]}, cv=2
            ),
            NAMES,
        ),
        "stack of texts": over_texts(
            lambda: ensemble.StackingClassifier([("a", make(_tfidf(), logistic()))], cv=2), NAMES
        ),
        "vote of texts": over_texts(
            lambda: ensemble.VotingClassifier([("a", make(_tfidf(), naive_bayes.MultinomialNB()))], voting="soft"),
            NAMES,
        ),
    }


def _tfidf(**options: Any) -> Any:
    from sklearn.feature_extraction.text import TfidfVectorizer

    return TfidfVectorizer(**options)


def _iterative() -> Any:
    from sklearn.impute import IterativeImputer

    return IterativeImputer(max_iter=2, random_state=0)


def _isotonic(name: str, model: Any) -> Case:
    features = NUMBERS[:, 0]
    fitted = model.fit(features, AMOUNTS)
    return Case(name, "IsotonicRegression", fitted, features[:ASKED], [[value] for value in features[:ASKED].tolist()])

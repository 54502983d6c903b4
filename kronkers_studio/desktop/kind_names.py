"""What kinds of models are called by people who do not build them, by the names that libraries give them."""

from __future__ import annotations

import re

from kronkers_studio.desktop.localization import tr
from kronkers_studio.domain.models import Framework, ModelFacts

_WORD = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z][a-z]+|[A-Z]+|[a-z]+|[0-9]+")
_ABBREVIATIONS = {"SVC", "SVR", "SGD", "MLP", "PCA", "CV", "NB", "LDA", "QDA", "NMF", "PLS", "LARS"}
_LIBRARIES = {"LGBM": "LightGBM", "XGB": "XGBoost", "CatBoost": "CatBoost"}
"""By the beginning of the names of classes: the libraries' own names, which are not taken apart."""


def kind_name(facts: ModelFacts) -> str:
    """What a model is, in a few words; "" where nothing is known of it."""
    name = facts.estimator.rsplit(".", 1)[-1]
    match facts.framework:
        case Framework.R:
            return _of_r(facts.estimator)
        case Framework.JULIA:
            return tr("A program in Julia")
        case Framework.KERAS | Framework.PYTORCH:
            return tr("Neural network")
        case Framework.XGBOOST | Framework.LIGHTGBM | Framework.CATBOOST if not facts.globals:
            return tr("Decision trees that add up ({library})").format(library=facts.framework.label)
        case Framework.SKLEARN:
            return _of_sklearn(name) or _spaced(name)
    return _spaced(name) if facts.globals else facts.estimator


def _of_r(class_name: str) -> str:
    named = {
        "lm": tr("Linear regression"),
        "mlm": tr("Linear regression of several figures"),
        "aov": tr("Analysis of variance"),
        "glm": tr("Generalized linear model"),
        "negbin": tr("Regression of counts"),
        "rlm": tr("Linear regression that outliers do not sway"),
        "nls": tr("Nonlinear regression"),
        "loess": tr("Smooth curve"),
        "gam": tr("Smooth curves that add up"),
        "lda": tr("Linear discriminant analysis"),
        "qda": tr("Quadratic discriminant analysis"),
        "polr": tr("Regression of ordered classes"),
        "multinom": tr("Regression of classes"),
        "rpart": tr("Decision tree"),
        "randomForest": tr("Random forest"),
        "ranger": tr("Random forest"),
        "svm": tr("Support vector machine"),
        "naiveBayes": tr("Naive Bayes"),
        "nnet": tr("Neural network"),
        "cv.glmnet": tr("Linear model with the columns that count"),
    }
    return named.get(class_name, class_name)


def _of_sklearn(name: str) -> str:
    named = {
        "Pipeline": tr("Several steps, one after the other"),
        "ColumnTransformer": tr("Steps by column"),
        "GridSearchCV": tr("The best of several settings"),
        "RandomizedSearchCV": tr("The best of several settings"),
        "VotingClassifier": tr("Several models that vote"),
        "VotingRegressor": tr("The average of several models"),
        "StackingClassifier": tr("Several models, and one that weighs them"),
        "StackingRegressor": tr("Several models, and one that weighs them"),
    }
    return named.get(name, "")


def _spaced(name: str) -> str:
    """``RandomForestClassifier`` as "Random forest classifier"."""
    library = next((each for each in _LIBRARIES if name.startswith(each)), "")
    words = _WORD.findall(name.removeprefix(library))
    begun = [_LIBRARIES[library]] if library else words[:1]
    rest = words if library else words[1:]
    return " ".join([*begun, *(word if word in _ABBREVIATIONS else word.lower() for word in rest)])

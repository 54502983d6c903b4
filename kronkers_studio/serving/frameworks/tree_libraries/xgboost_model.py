"""XGBoost's models, loaded by XGBoost from its own formats."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import xgboost

from kronkers_studio.serving.frameworks.tree_libraries.tree_model import TreeModel
from kronkers_studio.serving.inputs.table_inputs import Categories, NumberedCategories, width_of
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import Signature

_Array = np.ndarray[Any, Any]


def xgboost_model(content: bytes, signature: Signature, threads: int) -> TreeModel:
    """The model in ``content``. Raises ``CannotStart`` when it cannot be loaded, or is not the one of the package."""
    booster = xgboost.Booster({"nthread": threads})
    try:
        booster.load_model(bytearray(content))
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise CannotStart(f"The XGBoost model cannot be loaded: {str(error).splitlines()[0][:300]}") from error
    booster.set_param({"nthread": threads})
    if booster.num_features() != width_of(signature):
        raise CannotStart(f"The model takes {booster.num_features()} columns, its package says otherwise.")
    categories = NumberedCategories(signature, categories_of(booster), strict=True)
    return TreeModel(_predictor(booster), signature, categories)


def _predictor(booster: Any) -> Callable[[_Array], _Array]:
    """What the objective answers; for ``multi:softmax``, which answers the class alone, the classes' probabilities."""
    learner = json.loads(booster.save_config())["learner"]
    linear = learner["gradient_booster"]["name"] == "gblinear"
    in_place = partial(booster.inplace_predict, iteration_range=_rounds(booster), validate_features=False)
    run = _linear(booster) if linear else in_place
    if learner["objective"]["name"] == "multi:softmax":
        return lambda matrix: _softmax(run(matrix, predict_type="margin"))
    return run


def _rounds(booster: Any) -> tuple[int, int]:
    """The rounds that count: XGBoost's estimators that stopped early answer with the best and those before it, its
    boosters with all, for which (0, 0) stands."""
    best = booster.attr("best_iteration") if booster.attr("scikit_learn") is not None else None
    if best is None:
        return 0, 0
    if not best.isdecimal() or int(best) >= booster.num_boosted_rounds():
        raise CannotStart("The model says that its best round is one that it does not have.")
    return 0, int(best) + 1


def _linear(booster: Any) -> Callable[..., _Array]:
    """Linear boosters take nothing but XGBoost's own matrices, and one at a time."""
    lock = threading.Lock()

    def run(matrix: _Array, predict_type: str = "value") -> _Array:
        with lock:
            margin = predict_type == "margin"
            found = booster.predict(xgboost.DMatrix(matrix), output_margin=margin, validate_features=False)
        return np.asarray(found)

    return run


def _softmax(margins: _Array) -> _Array:
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def categories_of(booster: Any) -> Categories:
    """What stands for numbers in the columns of categories: since 3.1 the model keeps that.

    Models from before take the numbers themselves. Raises ``CannotStart``.
    """
    if "c" not in (booster.feature_types or ()):
        return {}
    gradient = json.loads(booster.save_raw("json"))["learner"]["gradient_booster"]
    model = (gradient["gbtree"] if gradient["name"] == "dart" else gradient)["model"]
    encoders = model.get("cats", {}).get("enc", ())
    try:
        known = {column: _known(encoder) for column, encoder in enumerate(encoders)}
    except (KeyError, ValueError) as error:
        raise CannotStart("The categories in the model cannot be read.") from error
    return {column: values for column, values in known.items() if values}


def _known(encoder: dict[str, Any]) -> list[Any]:
    """A column's categories: numbers, or texts one after the other and where each ends."""
    values: list[int] = encoder["values"]
    if "offsets" not in encoder:
        return values
    letters = bytes(values)
    return [letters[start:end].decode("ascii") for start, end in pairwise(encoder["offsets"])]

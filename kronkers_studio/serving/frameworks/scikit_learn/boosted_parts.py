"""Estimators of XGBoost, LightGBM and CatBoost in a loaded model: made ready for rows, and what they say of themselves.

They take arrays as they come out of the steps before, and nothing else: given a text, their libraries would take it for
the name of a file. Columns of categories are sent as words; the words' numbers are in the library's own model.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from kronkers_studio.estimators.answers import Answer, answer_with
from kronkers_studio.estimators.boosted import BoostedView, is_classifier, labels_of_several, library_of, numbers
from kronkers_studio.serving.frameworks.scikit_learn.estimator_objects import BOOSTED_VIEW, ObjectArray
from kronkers_studio.serving.frameworks.scikit_learn.sklearn_columns import every_part
from kronkers_studio.serving.inputs.table_inputs import Categories, NumberedCategories
from kronkers_studio.serving.signature import Signature, TensorSpec

_Array = np.ndarray[Any, Any]


def prepare_boosted_parts(estimator: Any) -> None:
    """Make the tree libraries' estimators anywhere in ``estimator`` ready: one thread each, guarded, described."""
    for part in every_part(estimator):
        library = library_of(type(part).__module__)
        if library and _is_fitted(part, library):
            width, columns, categories, texts = _COLUMNS[library](part)
            options = _use_one_thread(part, library)
            numbered = NumberedCategories(_signature(width, columns), categories, strict=library == "xgboost")
            one_at_a_time = getattr(part, "booster", "") == "gblinear"  # XGBoost's linear boosters
            lock = threading.Lock() if one_at_a_time else contextlib.nullcontext()
            for name in ("predict", "predict_proba"):
                if callable(getattr(part, name, None)):
                    method = _guarded(getattr(part, name), numbered if categories else None, options, lock)
                    setattr(part, name, _in_its_words(method, part) if library == "catboost" else method)
            answer = _answer(part, _blank(width, categories, texts))
            told = BoostedView(type(part).__module__, type(part).__name__, width, columns, texts, answer)
            vars(part)[BOOSTED_VIEW] = told


def _is_fitted(part: Any, library: str) -> bool:
    """Searches and wrappers keep what they were given, beside the fitted copies."""
    if library == "catboost":
        return bool(part.is_fitted())
    return vars(part).get("_Booster") is not None


def _guarded(
    method: Callable[..., Any],
    categories: NumberedCategories | None,
    options: dict[str, Any],
    lock: contextlib.AbstractContextManager[Any],
) -> Callable[..., Any]:
    """``method``, given tables and nothing else, with ``options``."""

    @wraps(method)
    def run(*tables: Any, **others: Any) -> Any:
        table: Any = tables[0] if tables else others.get("X")
        if not (isinstance(table, np.ndarray) and table.ndim == 2) and not _is_sparse(table):
            raise ValueError("A step before gives something that is no table.")
        if len(tables) != 1 or others:  # LightGBM's predict asks its predict_proba, with what it was given itself
            return method(*tables, **others)
        if categories is not None:
            table = categories.matrix({"table": table})
        with lock:
            return method(table, **options)

    return run


def _in_its_words(method: Callable[..., Any], part: Any) -> Callable[..., Any]:
    """``method`` of CatBoost's ``part``, with true and false in the words that this was fitted to."""
    from kronkers_studio.serving.frameworks.tree_libraries.catboost_truths import in_words_of, truth_columns

    truths = truth_columns(part._serialize_model())
    if not truths:
        return method

    @wraps(method)
    def run(*tables: Any, **others: Any) -> Any:
        if len(tables) == 1 and isinstance(tables[0], np.ndarray) and tables[0].ndim == 2:
            table = tables[0].astype(object)
            for place, words in truths.items():
                table[:, place] = in_words_of(words, table[:, place])
            tables = (table,)
        return method(*tables, **others)

    return run


def _is_sparse(table: Any) -> bool:
    return type(table).__module__.startswith("scipy.sparse.") and hasattr(table, "tocsr")


def _signature(width: int, columns: tuple[str, ...]) -> Signature:
    return Signature((TensorSpec("table", "FP64", (-1, width), columns),))


def _use_one_thread(part: Any, library: str) -> dict[str, Any]:
    """Requests run side by side already. The answer is what each call must be told in addition."""
    if library == "catboost":
        return {"thread_count": 1}
    part.n_jobs = 1
    if library == "xgboost":
        part.get_booster().set_param({"nthread": 1})
        return {"validate_features": False}  # names were compared with the rows before
    return {}


# columns: how many, their names, their categories, and which of them hold words
_Told = tuple[int, tuple[str, ...], Categories, tuple[int, ...]]


def _xgboost_columns(part: Any) -> _Told:
    from kronkers_studio.serving.frameworks.tree_libraries.xgboost_model import categories_of

    booster = part.get_booster()
    categories = categories_of(booster)
    return int(booster.num_features()), tuple(booster.feature_names or ()), categories, _words(categories)


def _lightgbm_columns(part: Any) -> _Told:
    from kronkers_studio.serving.frameworks.tree_libraries.lightgbm_model import categories_of

    booster = part.booster_
    categories = categories_of(booster)
    booster.pandas_categorical = None  # rows come as numbers, with the categories numbered already
    names = tuple(booster.feature_name())
    own = names == tuple(f"Column_{place}" for place in range(len(names)))
    return int(booster.num_feature()), () if own else names, categories, _words(categories)


def _catboost_columns(part: Any) -> _Told:
    names = tuple(part.feature_names_)
    part._n_features_in = len(names)  # which it forgets when it is pickled
    own = names == tuple(map(str, range(len(names)))) or not all(names)
    return len(names), () if own else names, {}, tuple(map(int, part._get_cat_feature_indices()))


_COLUMNS: dict[str, Callable[[Any], _Told]] = {
    "xgboost": _xgboost_columns,
    "lightgbm": _lightgbm_columns,
    "catboost": _catboost_columns,
}


def _words(categories: Categories) -> tuple[int, ...]:
    return tuple(place for place, known in categories.items() if any(isinstance(one, str) for one in known))


# answers
def _answer(part: Any, blank: _Array) -> Answer:
    """What it answers: of its labels it says itself, how many values a row gets is seen in the answer to ``blank``."""
    found = np.asarray(part.predict(blank))
    several = found.shape[1] if found.ndim == 2 else 1
    if not is_classifier(type(part).__name__):
        return numbers(several)
    if several > 1:
        return labels_of_several(several)
    answer = answer_with(ObjectArray(np.asarray(part.classes_)))
    if answer.datatype == "BOOL" and library_of(type(part).__module__) == "catboost":  # which answers with words
        return Answer("BYTES", 1, True, tuple(map(str, answer.classes)), True, answer.columns)
    return answer


def _blank(width: int, categories: Categories, texts: tuple[int, ...]) -> _Array:
    """A row of zeros, and of words that the model knows."""
    row: _Array = np.zeros((1, width), dtype=object if texts else np.float64)
    for place in texts:
        row[:, place] = ""
    for place, known in categories.items():
        row[:, place] = known[0] if known else 0
    return row

"""LightGBM's models, loaded by LightGBM from its own text."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Any

from kronkers_studio.serving.frameworks.tree_libraries.tree_model import TreeModel
from kronkers_studio.serving.inputs.table_inputs import Categories, NumberedCategories, width_of
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import Signature


def lightgbm_model(content: bytes, signature: Signature, threads: int) -> TreeModel:
    """The model in ``content``. Raises ``CannotStart`` when it cannot be loaded, or is not the one of the package."""
    lightgbm = lightgbm_library()
    try:
        booster = lightgbm.Booster(model_str=content.decode("utf-8"))
    except (lightgbm.basic.LightGBMError, ValueError) as error:
        raise CannotStart(f"The LightGBM model cannot be loaded: {str(error)[:300]}") from error
    if booster.num_feature() != width_of(signature):
        raise CannotStart(f"The model takes {booster.num_feature()} columns, its package says otherwise.")
    categories = categories_of(booster)
    booster.pandas_categorical = None  # rows come as numbers, with the categories numbered already
    predict = partial(booster.predict, num_threads=threads)
    return TreeModel(predict, signature, NumberedCategories(signature, categories, strict=False))


def lightgbm_library() -> Any:
    """LightGBM. Its wheels take OpenMP from the system, which slim images lack: then the package's own is loaded."""
    if sys.platform == "linux":
        import ctypes

        own = next(filter(Path.exists, (Path(folder) / "openmp" / "libgomp.so.1" for folder in sys.path)), None)
        if own is not None:
            ctypes.CDLL(str(own), mode=ctypes.RTLD_GLOBAL)
    import lightgbm

    return lightgbm


def categories_of(booster: Any) -> Categories:
    """The categories of a table's columns, which the model lists in the columns' order without naming them."""
    known = booster.pandas_categorical
    if not known:
        return {}
    infos = booster.dump_model(num_iteration=1)["feature_infos"]
    names = booster.feature_name()
    places = [place for place, name in enumerate(names) if infos.get(name, {}).get("values")]
    if len(places) != len(known):
        raise CannotStart("The model does not tell which columns hold its categories.")
    return dict(zip(places, known, strict=True))

"""The model of a manifest, verified and loaded by what its framework needs; nothing else is imported."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, BinaryIO

from kronkers_studio.serving.manifest import Manifest, open_verified
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.problems import CannotStart

if TYPE_CHECKING:
    from kronkers_studio.serving.frameworks.workers.python_workers import PythonWorkers

_log = logging.getLogger(__name__)

_LANGUAGES = ("r", "julia")


def load_model(manifest: Manifest, threads: int, workers: int | None = 0) -> Model:
    """The manifest's model, verified and ready: in this process, or in at most ``workers`` of its own. None: as suits
    it. R and Julia answer in as many as there are ``threads``; so does a model of Python that holds Python's lock while
    it answers, where there are two of them and memory for two. ``threads`` bounds what one prediction may use.

    Raises ``CannotStart`` when it must not or cannot be run so.
    """
    if manifest.framework in _LANGUAGES:
        if workers == 0:
            raise CannotStart(
                "Models of R and Julia always run in processes of their own: ask for 1 or more of them, or for auto."
            )
        with open_verified(manifest):
            from kronkers_studio.serving.frameworks.workers.worker_model import worker_model

            return worker_model(manifest, threads, threads if workers is None else workers)
    if workers is None:
        return _as_suits(manifest, threads)
    return _beside(manifest, threads, workers) if workers else load_here(manifest, threads)


def load_here(manifest: Manifest, threads: int) -> Model:
    """The manifest's model, of any framework of Python, in this process. Raises ``CannotStart``."""
    with open_verified(manifest) as stream:
        if manifest.is_pickle:
            return _unpickled(stream, manifest)
        match manifest.framework:
            case "onnx":
                from kronkers_studio.serving.frameworks.onnx_files.onnx_model import OnnxModel

                weights = manifest.weights_folder if manifest.weights else None
                return OnnxModel(stream.read(), manifest.signature, threads, weights)
            case "keras" | "pytorch":
                return _network(stream, manifest, threads)
            case "pmml":
                from kronkers_studio.serving.frameworks.pmml_files.pmml_model import PmmlModel

                return PmmlModel(stream, manifest.signature)
        return _of_trees(stream, manifest, threads)


def holds_lock(manifest: Manifest) -> bool:
    """Whether the model computes in Python itself, which answers one question at a time in one process: a document of
    PMML, and an object with a person's own code. (Own code around PyTorch's weights calls PyTorch, which lets go.)"""
    return manifest.framework == "pmml" or (manifest.is_pickle and bool(manifest.code))


def _as_suits(manifest: Manifest, threads: int) -> Model:
    from kronkers_studio.serving.frameworks.workers.worker_problems import NoProcess

    if not holds_lock(manifest) or threads < 2:
        return load_here(manifest, threads)
    try:
        model = _beside(manifest, threads, threads)
    except NoProcess as problem:
        _log.warning("the model runs in the service's own process", extra={"fields": {"reason": str(problem)}})
        return load_here(manifest, threads)
    if model.pool.fitting > 1:
        return model
    model.pool.close()
    _log.warning("the model runs in the service's own process", extra={"fields": {"reason": "memory for one alone"}})
    return load_here(manifest, threads)


def _beside(manifest: Manifest, threads: int, workers: int) -> PythonWorkers:
    """In processes of its own, each of which verifies it when it loads it."""
    from kronkers_studio.serving.frameworks.workers.python_workers import PythonWorkers

    return PythonWorkers(manifest.folder, threads, workers)


def _of_trees(stream: BinaryIO, manifest: Manifest, threads: int) -> Model:
    """A model in the own form of a library of trees."""
    match manifest.framework:
        case "xgboost":
            from kronkers_studio.serving.frameworks.tree_libraries.xgboost_model import xgboost_model

            return xgboost_model(stream.read(), manifest.signature, threads)
        case "lightgbm":
            from kronkers_studio.serving.frameworks.tree_libraries.lightgbm_model import lightgbm_model

            return lightgbm_model(stream.read(), manifest.signature, threads)
    from kronkers_studio.serving.frameworks.tree_libraries.catboost_model import CatBoostModel

    return CatBoostModel(stream.read(), manifest.signature, threads)


def _unpickled(stream: BinaryIO, manifest: Manifest) -> Model:
    """A scikit-learn model, or a tree library's estimator, with what it holds of the others."""
    from kronkers_studio.serving.frameworks.scikit_learn.sklearn_model import SklearnModel
    from kronkers_studio.serving.frameworks.scikit_learn.skops_file import load_skops
    from kronkers_studio.serving.frameworks.scikit_learn.unpickling import load_joblib, load_pickle

    if any(name.startswith("lightgbm.") for name in manifest.allowed_globals):
        from kronkers_studio.serving.frameworks.tree_libraries.lightgbm_model import lightgbm_library

        lightgbm_library()
    if manifest.code:
        from kronkers_studio.serving.frameworks.own_code import make_importable

        make_importable(manifest.code_folder, manifest.code)
    load = {"joblib": load_joblib, "skops": load_skops}.get(manifest.file_format, load_pickle)
    return SklearnModel(load(stream, manifest.allowed_globals), manifest.signature)


def _network(stream: BinaryIO, manifest: Manifest, threads: int) -> Model:
    """A neural network, loaded by its own library."""
    if manifest.framework == "keras":
        from kronkers_studio.serving.frameworks.keras_files.keras_model import KerasModel

        return KerasModel(manifest.file, manifest.signature, threads)
    if manifest.file_format == "torch-export":
        from kronkers_studio.serving.frameworks.torch_files.exported_model import ExportedModel

        return ExportedModel(manifest.file, manifest.signature, threads)
    if manifest.file_format == "safetensors":
        from kronkers_studio.serving.frameworks.own_code import make_importable
        from kronkers_studio.serving.frameworks.torch_files.weights_model import load_weights_model

        make_importable(manifest.code_folder, manifest.code)
        return load_weights_model(stream, manifest, threads)
    from kronkers_studio.serving.frameworks.torch_files.torch_model import load_torchscript

    return load_torchscript(manifest.file, manifest.signature, threads)

"""The model of a manifest, verified and loaded by what its framework needs; nothing else is imported."""

from __future__ import annotations

from typing import BinaryIO

from kronkers_studio.serving.manifest import Manifest, open_verified
from kronkers_studio.serving.model import Model


def load_model(manifest: Manifest, threads: int, workers: int = 0) -> Model:
    """The manifest's model, verified and ready. ``threads`` bounds what one prediction may use, ``workers`` the
    processes of a model of R or Julia (0: one for each thread).

    Raises ``CannotStart`` when it must not or cannot be run.
    """
    with open_verified(manifest) as stream:
        if manifest.is_pickle:
            return _unpickled(stream, manifest)
        match manifest.framework:
            case "onnx":
                from kronkers_studio.serving.frameworks.onnx_files.onnx_model import OnnxModel

                weights = manifest.weights_folder if manifest.weights else None
                return OnnxModel(stream.read(), manifest.signature, threads, weights)
            case "r" | "julia":
                from kronkers_studio.serving.frameworks.workers.worker_model import worker_model

                return worker_model(manifest, threads, workers)
            case "keras" | "pytorch":
                return _network(stream, manifest, threads)
            case "pmml":
                from kronkers_studio.serving.frameworks.pmml_files.pmml_model import PmmlModel

                return PmmlModel(stream, manifest.signature)
        return _of_trees(stream, manifest, threads)


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

"""A fitted model as the bytes of a file that the product serves, and what it was made with.

The object is in this process already, so writing it runs nothing that did not run before; nothing is ever unpickled.
Where a library has a file of its own that keeps the whole model, that is written, else joblib's.
"""

from __future__ import annotations

import io
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from kronkers_studio.domain.errors import UnsupportedModel

_OURS = "kronkers-studio"
_LONGEST_REASON = 300  # letters of what a library says


class WrittenModel(NamedTuple):
    """The bytes of a model's file, and how its name ends."""

    content: bytes
    ending: str


def model_bytes(model: Any) -> WrittenModel:
    """``model`` as a file: ONNX and PMML-like bytes as they are, TorchScript and exported programs, Keras, XGBoost,
    LightGBM and CatBoost in the forms of their own, everything of scikit-learn by joblib. Raises ``UnsupportedModel``.
    """
    libraries = [each.__module__.partition(".")[0] for each in type(model).__mro__]
    write = next((write for library, write in _WRITERS.items() if library in libraries), None)
    if write is None:
        raise _no_model(model)
    try:
        return write(model)
    except UnsupportedModel:
        raise
    except Exception as error:  # noqa: BLE001  # libraries raise anything, and so does a model's own way of being saved
        reason = " ".join(str(error).split())[:_LONGEST_REASON]
        raise UnsupportedModel(
            f"A {type(model).__qualname__} cannot be written into a file: {type(error).__name__}: {reason}",
            next_step="Fit it, and leave out of it what is no part of a model, such as lambdas and open files.",
        ) from None


def environment_files() -> dict[str, bytes]:
    """What says beside a model which Python and which libraries made it: those that this process has loaded, each at
    its version."""
    from importlib.metadata import packages_distributions, version

    loaded = {name.partition(".")[0] for name in sys.modules}
    projects = {project for name, found in packages_distributions().items() if name in loaded for project in found}
    lines = [f"{project}=={version(project)}" for project in sorted(projects, key=str.lower) if project != _OURS]
    python = f"{sys.version_info.major}.{sys.version_info.minor}.{sys.version_info.micro}"
    return {
        "requirements.txt": ("\n".join(lines) + "\n").encode("utf-8"),
        ".python-version": f"{python}\n".encode(),
    }


# ---- one writer for each library ----


def _joblib(model: Any) -> WrittenModel:
    import joblib

    buffer = io.BytesIO()
    joblib.dump(model, buffer, compress=3)
    return WrittenModel(buffer.getvalue(), ".joblib")


def _xgboost(model: Any) -> WrittenModel:
    if hasattr(model, "get_booster"):
        _require_fitted(model)
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    if not hasattr(booster, "save_raw"):
        return _joblib(model)
    return WrittenModel(bytes(booster.save_raw(raw_format="ubj")), ".ubj")


def _lightgbm(model: Any) -> WrittenModel:
    """With the scikit-learn interface, labels are in the object alone: text keeps them where they are 0, 1, 2 …"""
    if hasattr(model, "model_to_string"):
        return WrittenModel(model.model_to_string().encode("utf-8"), ".txt")
    return _joblib(model)


def _catboost(model: Any) -> WrittenModel:
    if not model.is_fitted():
        raise _unfitted(model)
    return _through_a_folder(lambda file: model.save_model(str(file), format="cbm"), ".cbm")


def _keras(model: Any) -> WrittenModel:
    import keras

    if not isinstance(model, keras.Model):  # a layer, say
        raise _no_model(model)
    return _through_a_folder(lambda file: model.save(str(file)), ".keras")


def _torch(model: Any) -> WrittenModel:
    import torch

    buffer = io.BytesIO()
    if isinstance(model, torch.jit.ScriptModule):
        torch.jit.save(model, buffer)
        return WrittenModel(buffer.getvalue(), ".pt")
    if isinstance(model, torch.export.ExportedProgram):
        torch.export.save(model, buffer)
        return WrittenModel(buffer.getvalue(), ".pt2")
    raise UnsupportedModel(
        f"A {type(model).__qualname__} of PyTorch is a program, and its weights alone are no model.",
        next_step="Give torch.jit.script(model), torch.jit.trace(model, example) or torch.export.export(model, args).",
    )


def _onnx(model: Any) -> WrittenModel:
    return WrittenModel(model.SerializeToString(), ".onnx")


def _through_a_folder(save: Callable[[Path], object], ending: str) -> WrittenModel:
    """Of a library that writes to paths alone: the folder is this user's own, and is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kronkers-") as folder:
        file = Path(folder) / f"model{ending}"
        save(file)
        return WrittenModel(file.read_bytes(), ending)


def _require_fitted(model: Any) -> None:
    """Raises ``UnsupportedModel`` for an estimator that scikit-learn knows not to be fitted."""
    from sklearn.exceptions import NotFittedError
    from sklearn.utils.validation import check_is_fitted

    try:
        check_is_fitted(model)
    except NotFittedError:
        raise _unfitted(model) from None


def _unfitted(model: Any) -> UnsupportedModel:
    return UnsupportedModel(
        f"The {type(model).__qualname__} is not fitted yet: it has nothing to predict with.",
        next_step="Fit it, then register it.",
    )


def _no_model(model: Any) -> UnsupportedModel:
    return UnsupportedModel(
        f"A {type(model).__module__}.{type(model).__qualname__} is no model that can be registered.",
        next_step="Give a fitted model of scikit-learn, XGBoost, LightGBM, CatBoost, Keras, ONNX or TorchScript, or "
        "the path of its file.",
    )


_WRITERS: dict[str, Callable[[Any], WrittenModel]] = {
    "xgboost": _xgboost,
    "lightgbm": _lightgbm,
    "catboost": _catboost,
    "keras": _keras,
    "torch": _torch,
    "onnx": _onnx,
    "sklearn": _joblib,
}
"""By the library that one of the model's classes comes from; XGBoost's, LightGBM's and CatBoost's estimators are
scikit-learn's too."""

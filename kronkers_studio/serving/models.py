"""One face for every framework: what a loaded model takes and gives, and how it is run."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Protocol

import numpy as np

from kronkers_studio.serving.manifest import Manifest, open_verified
from kronkers_studio.serving.signature import Signature

Arrays = Mapping[str, np.ndarray[Any, Any]]


class Model(Protocol):
    """A loaded model. Its methods may be called from several threads at once.

    ``signature`` is the manifest's, completed by what the loaded model knows of itself. ``label`` and
    ``probabilities`` name outputs ("" when it gives no probabilities); ``classes`` are the names of the probabilities'
    columns. ``takes_missing`` says whether NaN is a value like any other for it.
    """

    signature: Signature
    label: str
    probabilities: str
    classes: tuple[str, ...]
    takes_missing: bool

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        """The ``wanted`` outputs for ``inputs``, which hold one checked array for each input of the signature, in its
        order and all of the same first length. May raise anything that the framework raises."""


def load_model(manifest: Manifest, threads: int) -> Model:
    """The manifest's model, verified and ready. ``threads`` bounds what one prediction may use.

    Raises ``CannotStart`` when it must not or cannot be run.
    """
    with open_verified(manifest) as stream:
        if manifest.framework == "onnx":
            from kronkers_studio.serving.onnx_model import OnnxModel

            return OnnxModel(stream.read(), manifest.signature, threads)
        from kronkers_studio.serving.sklearn_model import SklearnModel
        from kronkers_studio.serving.unpickling import load_joblib, load_pickle

        load = load_joblib if manifest.file_format == "joblib" else load_pickle
        return SklearnModel(load(stream, manifest.allowed_globals), manifest.signature)

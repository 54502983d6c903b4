"""Archives whose weights are not what Keras writes, and what the service says of each: ``python hostile_weights.py
FOLDER``, with Keras's Python; ``FOLDER/sequence.keras`` is a whole one."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from kronkers_studio.serving.frameworks.keras_files.keras_weights import require_plain_weights
from kronkers_studio.serving.problems import CannotStart

_WEIGHTS = "model.weights.h5"


def main(folder: Path) -> None:
    secret = folder / "secret.bin"
    layout = h5py.VirtualLayout(shape=(8,), dtype="u1")
    layout[:] = h5py.VirtualSource(str(secret), "x", shape=(8,))
    changes: dict[str, Callable[[Any], object]] = {
        "plain": lambda weights: None,
        "external link": lambda weights: weights.__setitem__("far", h5py.ExternalLink(str(secret), "/")),
        "soft link": lambda weights: weights.__setitem__("soft", h5py.SoftLink("/layers")),
        "external data": lambda weights: weights.create_dataset("x", (8,), "u1", external=[(str(secret), 0, 8)]),
        "virtual data": lambda weights: weights.create_virtual_dataset("x", layout),
        "claimed size": lambda weights: weights.create_dataset("x", (1 << 40,), np.float32, chunks=(1 << 10,)),
        "circle": lambda weights: weights.__setitem__("again", weights["layers"]),
    }
    found = {name: _said(_changed(folder, change)) for name, change in changes.items()}
    found["no HDF5"] = _said(_archive(folder, b"none" * 100))
    (folder / "found.json").write_text(json.dumps(found), encoding="utf-8")


def _changed(folder: Path, change: Callable[[Any], object]) -> Path:
    with zipfile.ZipFile(folder / "sequence.keras") as archive:
        content = io.BytesIO(archive.read(_WEIGHTS))
    with h5py.File(content, "r+") as weights:
        change(weights)
    return _archive(folder, content.getvalue())


def _archive(folder: Path, weights: bytes) -> Path:
    file = folder / "changed.keras"
    with zipfile.ZipFile(folder / "sequence.keras") as whole, zipfile.ZipFile(file, "w") as archive:
        for name in whole.namelist():
            archive.writestr(name, weights if name == _WEIGHTS else whole.read(name))
    return file


def _said(file: Path) -> str:
    try:
        require_plain_weights(file)
    except CannotStart as problem:
        return str(problem)
    return "loaded"


if __name__ == "__main__":
    main(Path(sys.argv[1]))

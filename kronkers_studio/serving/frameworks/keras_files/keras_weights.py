"""The weights in a Keras archive, looked at before Keras reads them: HDF5 may refer to other files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import h5py

from kronkers_studio.serving.problems import CannotStart

_WEIGHTS = "model.weights.h5"
_MOST_PARTS = 1_000_000
_SPARE = 1 << 20  # bytes, for what is smaller than the smallest block


def require_plain_weights(file: Path) -> None:
    """Raise ``CannotStart`` when the weights in the archive ``file`` lead to other files, or claim to be larger than
    they are: Keras writes neither, and whatever reads such weights reads what they name."""
    try:
        with zipfile.ZipFile(file) as archive:
            content = archive.read(_WEIGHTS)
        with h5py.File(io.BytesIO(content), "r") as weights:
            _require_plain(weights, len(content))
    except (OSError, KeyError, ValueError, RuntimeError, zipfile.BadZipFile) as error:
        raise CannotStart(f"The Keras model's weights cannot be read: {type(error).__name__}.") from error


def _require_plain(weights: Any, size: int) -> None:
    waiting = [weights]
    seen: set[Any] = set()
    left = size + _SPARE
    while waiting:
        group = waiting.pop()
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise CannotStart("The Keras model's weights refer to another file or place: refused.")
            part = group[name]
            where = h5py.h5o.get_info(part.id).addr
            if where in seen:
                continue
            seen.add(where)
            if isinstance(part, h5py.Dataset):
                left -= part.nbytes
                if part.external or part.is_virtual:
                    raise CannotStart("The Keras model's weights refer to another file or place: refused.")
            elif isinstance(part, h5py.Group):
                waiting.append(part)
            if left < 0 or len(seen) > _MOST_PARTS:
                raise CannotStart("The Keras model's weights claim to be larger than their file: refused.")

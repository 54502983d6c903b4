"""``model.json``: what lies in the model folder, and proof that it is what was packaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, BinaryIO

from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec

FORMAT = 1
_PICKLES = ("joblib", "pickle", "skops")
_FRAMEWORKS = {
    "scikit-learn": _PICKLES,
    "onnx": ("onnx",),
    "xgboost": (*_PICKLES, "xgboost-json", "xgboost-ubj"),
    "lightgbm": (*_PICKLES, "lightgbm"),
    "catboost": (*_PICKLES, "catboost"),
    "keras": ("keras",),
    "pytorch": ("torchscript", "torch-export", "safetensors"),
    "pmml": ("pmml",),
    "r": ("rds",),
    "julia": ("jls",),
}


@dataclass(frozen=True)
class Manifest:
    """The model's identity. ``allowed_globals`` are the only "module.name" pairs its pickle may import; ``weights``
    the SHA-256 of the files of weights that belong to it, by their names in the folder ``weights``; ``code`` likewise
    those of a person's own modules in the folder ``code``; ``packages`` those of R or Julia that it needs;
    ``statistics`` the SHA-256 of the bins that what comes in is counted into, "" without."""

    name: str
    version: int
    framework: str
    framework_version: str
    file: Path
    file_format: str
    sha256: str
    signature: Signature
    allowed_globals: frozenset[str]
    weights: Mapping[str, str] = field(default_factory=dict)
    code: Mapping[str, str] = field(default_factory=dict)
    packages: tuple[str, ...] = ()
    statistics: str = ""

    @property
    def is_pickle(self) -> bool:
        """Whether the model's file is a Python object, whichever library's."""
        return self.file_format in _PICKLES

    @property
    def folder(self) -> Path:
        """Where ``model.json`` lies, too."""
        return self.file.parent

    @property
    def weights_folder(self) -> Path:
        return self.folder / "weights"

    @property
    def code_folder(self) -> Path:
        return self.folder / "code"


def read_manifest(folder: Path) -> Manifest:
    """The manifest in ``folder``. Raises ``CannotStart`` when it is missing, unreadable or of another format."""
    path = folder / "model.json"
    try:
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise CannotStart(f"There is no readable model.json in {folder}: {error.strerror}.") from None
    except ValueError:
        raise CannotStart(f"{path} is not valid JSON.") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        raise CannotStart(f"{path} is not of format {FORMAT}; package the model again with this release.")
    try:
        manifest = _manifest(folder, found)
    except (KeyError, TypeError, ValueError) as error:
        raise CannotStart(f"{path} is incomplete or malformed: {error}.") from None
    if manifest.file_format not in _FRAMEWORKS.get(manifest.framework, ()):
        raise CannotStart(f"This service cannot run {manifest.framework} models of format {manifest.file_format}.")
    return manifest


def open_verified(manifest: Manifest) -> BinaryIO:
    """The model file, open at its start, after its SHA-256 was found to be the manifest's.

    Its files of weights are verified, too. Raises ``CannotStart`` when a file is missing or differs.
    """
    for name, sha256 in manifest.weights.items():
        _verified(manifest.weights_folder / name, sha256).close()
    return _verified(manifest.file, manifest.sha256)


def _verified(file: Path, sha256: str) -> BinaryIO:
    try:
        stream = file.open("rb")
    except OSError as error:
        raise CannotStart(f"The model file {file} cannot be read: {error.strerror}.") from None
    if _sha256(stream) != sha256:
        stream.close()
        raise CannotStart(f"The model file {file.name} is not the one that was packaged: its SHA-256 differs.")
    stream.seek(0)
    return stream


def _sha256(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()


def _manifest(folder: Path, found: dict[str, Any]) -> Manifest:
    file = str(found["file"])
    if not file or PurePosixPath(file).name != file or PureWindowsPath(file).name != file:
        raise ValueError("“file” must be a plain file name")
    signature = found.get("signature") or {}
    return Manifest(
        name=str(found["name"]),
        version=int(found["version"]),
        framework=str(found["framework"]),
        framework_version=str(found.get("framework_version", "")),
        file=folder / file,
        file_format=str(found["file_format"]),
        sha256=_digest(found["sha256"]),
        signature=Signature(
            inputs=tuple(map(_tensor, signature.get("inputs") or ())),
            outputs=tuple(map(_tensor, signature.get("outputs") or ())),
        ),
        allowed_globals=frozenset(map(str, found.get("allowed_globals") or ())),
        weights=dict(map(_beside, found.get("weights") or ())),
        code=dict(map(_beside, found.get("code") or ())),
        packages=tuple(map(str, found.get("packages") or ())),
        statistics=_digest(found.get("statistics") or ""),
    )


def _digest(found: object) -> str:
    return str(found).lower().removeprefix("sha256:")


def _beside(found: dict[str, Any]) -> tuple[str, str]:
    name = str(found["file"])
    parts = PurePosixPath(name).parts
    if not parts or ".." in parts or "\\" in name or PureWindowsPath(name).drive or PurePosixPath(name).is_absolute():
        raise ValueError("“weights” and “code” must name files inside their folders")
    return name, _digest(found["sha256"])


def _tensor(found: dict[str, Any]) -> TensorSpec:
    datatype = str(found["datatype"])
    if datatype not in NUMPY_TYPES:
        raise ValueError(f"unknown datatype {datatype!r}")
    return TensorSpec(
        name=str(found["name"]),
        datatype=datatype,
        shape=tuple(int(length) for length in found["shape"]),
        columns=tuple(map(str, found.get("columns") or ())),
        any_rank=found.get("any_rank") is True,
        levels=tuple(map(str, found.get("levels") or ())),
    )

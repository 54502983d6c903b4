"""Model files told apart by their bytes, and by their name where these do not tell."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from kronkers_studio.domain import model_files
from kronkers_studio.domain.errors import NotAModel
from kronkers_studio.domain.model_files import (
    HEAD_BYTES,
    R_DATA_CLASSES,
    R_MODEL_CLASSES,
    ModelFileKind,
    kind_of_bytes,
    may_be_model,
    model_file_kind,
)
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.model_files.r_files.r_objects import RObject, is_r_object, read_r_object
from kronkers_studio.packaging.model_files.zip_entries import zip_entries

_PICKLE_SUFFIXES = (*model_files.JOBLIB.suffixes, *model_files.PICKLE.suffixes, *model_files.PICKLE.shared)
_CLASSES_SHOWN = 3
_SUPPORTED = (
    "Models of scikit-learn (joblib, pickle, skops), XGBoost, LightGBM, CatBoost, Keras, PyTorch (TorchScript, .pt2), "
    "ONNX, PMML and R (.rds), and Julia objects (.jls)"
)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What a file is: ``sure`` when its bytes say so, and not its name alone. ``detail`` is what it says of itself, the
    class of an R object for one; ``is_model`` is False for what is data of the same form."""

    kind: ModelFileKind
    sure: bool
    detail: str = ""
    is_model: bool = True


def not_a_model(name: str) -> NotAModel:
    """Why the file ``name`` is refused that is of no kind known here."""
    return NotAModel(
        f"{name} is not a model file that is known here.",
        next_step=f"{_SUPPORTED} can be registered.",
    )


def looks_like_pickle(name: str, head: bytes) -> bool:
    """Protocols 2–5 begin with a mark of their own; older ones can be told only by the file's name."""
    if len(head) > 2 and head[0] == 0x80 and head[1] <= 5:
        return True
    return name.lower().endswith(_PICKLE_SUFFIXES) and bool(head)


def looks_like_onnx(name: str, head: bytes) -> bool:
    """An ONNX file is a protocol buffer without any mark; its first field is nearly always the format's version."""
    if name.lower().endswith(model_files.ONNX.suffixes):
        return True
    if model_file_kind(name) in (model_files.TENSORFLOW, model_files.CORE_ML):  # protocol buffers that begin alike
        return False
    return len(head) > 4 and head[0] == 0x08 and 1 <= head[1] <= 32 and head[2] in (0x12, 0x1A, 0x3A, 0x42)


def may_be_model_in(name: str, head: bytes) -> bool:
    """Whether a file of a model's name, or of one that is mostly of others, is worth a closer look."""
    if not may_be_model(name):
        return False
    return model_file_kind(name) is not None or kind_of_bytes(head) is not None or looks_like_pickle(name, head)


def loaded_kind(head: bytes, stream: BinaryIO) -> ModelFileKind | None:
    """The kind of a model whose first bytes, or what is in an archive, tell that it is one that is loaded; None for the
    others, pickles and ONNX, which have no mark of their own, among them. ``stream`` is at its start afterwards."""
    kind = kind_of_bytes(head, zip_entries(stream) if head.startswith(b"PK\x03\x04") else ())
    stream.seek(0)
    return kind if kind is not None and kind.framework is not None else None


def recognised(name: str, stream: BinaryIO) -> Recognised | None:
    """What the file is when it is a model that is known here but not loaded; None for everything else, what is loaded
    among it."""
    stream.seek(0)
    head = stream.read(HEAD_BYTES)
    kind = kind_of_bytes(head, zip_entries(stream) if head.startswith(b"PK\x03\x04") else ())
    if kind is not None:
        return Recognised(kind, sure=True) if kind.framework is None else None
    named = model_file_kind(name)
    if named in (model_files.R, None) and is_r_object(head) and (found := read_r_object(stream)) is not None:
        return _of_r(found)
    if named is None or looks_like_pickle(name, head) or (named.framework is not None and named is not model_files.R):
        return None
    if named is model_files.KERAS_HDF5 and head.startswith(b"\x89HDF"):
        return Recognised(named, sure=False, detail="the file is HDF5, which holds any data")
    return Recognised(named, sure=False)


def _of_r(found: RObject) -> Recognised:
    kind = model_files.R
    if found.workspace:
        return Recognised(kind, sure=False, detail="a workspace of several objects")
    shown = ", ".join(printable(name) for name in found.classes[:_CLASSES_SHOWN])
    if R_MODEL_CLASSES.intersection(found.classes):
        return Recognised(kind, sure=True, detail=shown)
    if not found.read:
        return Recognised(kind, sure=False, detail="its class was not found")
    is_data = not found.classes or R_DATA_CLASSES.intersection(found.classes)
    return Recognised(kind, sure=bool(is_data), detail=shown, is_model=not is_data)

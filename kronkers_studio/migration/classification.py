"""What a file is, from its name and its first bytes: cheap enough to be asked of every file, and never wrong loudly.

Nothing is loaded or run: a pickle is recognised by the names in its first bytes. What exactly a model is, and whether
it can be packaged, is packaging's business.
"""

from __future__ import annotations

import codecs
import csv
import json
import re
import zlib
from collections.abc import Callable
from typing import NamedTuple

from kronkers_studio.domain.file_types import (
    BINARY,
    BY_EXTENSION,
    BY_NAME,
    EMPTY,
    MAGIC,
    OWN_SCRIPT,
    TEXT,
    Look,
    look_of_model,
)
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.domain.model_files import R_MODEL_CLASSES

HEAD_BYTES = 4096
"""How much of a file's start is looked at, except of notebooks."""

NOTEBOOK_BYTES = 512 * 1024
"""Notebooks up to this size are seen whole, for their cells are counted."""


class FileType(NamedTuple):
    """What a name says: the look (None: nothing), and how many first bytes would say more (0: none)."""

    look: Look | None
    bytes_wanted: int
    inspect: Callable[[bytes], Look | None] | None = None

    def classify(self, head: bytes) -> Look:
        """What a file of this type is that begins with ``head``: ``bytes_wanted`` bytes, or all of it."""
        if not head:
            return self.look._replace(description=f"{self.look.description}, empty") if self.look else EMPTY
        found = self.inspect(head) if self.inspect else None
        return found or self.look or _look_of_bytes(head)


def classify(path: str, head: bytes) -> Look:
    """The kind of the file ``path``, a sentence about it, and whether its bytes are compressed already.

    ``head`` is the file's first ``type_of(path).bytes_wanted`` bytes, or all of it; b"" for an empty file.
    """
    return type_of(path).classify(head)


def type_of(path: str) -> FileType:
    """What the name alone says of the file ``path``."""
    name = path.rpartition("/")[2].lower()
    stem, _, extension = name.rpartition(".")
    return _BY_NAME.get(name) or _BY_EXTENSION.get(extension if stem else "", _UNKNOWN)


def _look_of_bytes(head: bytes) -> Look:
    for magic, look in MAGIC:
        if head.startswith(magic):
            return look
    if found := look_of_model(head):
        return found
    if head.startswith(b"#!"):
        return OWN_SCRIPT
    if head[:1] == b"\x80" and (pickled := _pickle("pickle", head)):
        return pickled
    text = b"\0" not in head
    return TEXT if text else BINARY


# Tables
def _delimited(label: str, separators: str) -> Callable[[bytes], Look | None]:
    def inspect(head: bytes) -> Look | None:
        if head.startswith((b"\xff\xfe", b"\xfe\xff")):
            head = head[: len(head) & ~1].decode("utf-16", "replace").encode("utf-8", "replace")
        elif b"\0" in head:
            return None
        first, ended, _ = (head.replace(b"\r", b"\n") if b"\r" in head else head).partition(b"\n")
        line = first.removeprefix(codecs.BOM_UTF8).decode("utf-8", "replace")
        separator = max(separators, key=line.count)
        columns = line.count(separator) + 1
        if '"' in line:
            columns = len(next(csv.reader([line], delimiter=separator)))
        more = "more than " if not ended and len(head) >= HEAD_BYTES else ""
        plural = "" if columns == 1 else "s"
        return Look(FileKind.DATA, f"Data, {label}, {more}{columns} column{plural}", False)

    return inspect


def _excel(head: bytes) -> Look | None:
    if head.startswith(b"\xd0\xcf\x11\xe0"):  # an encrypted workbook lies in the container of the old format
        return Look(FileKind.DATA, "Data, Excel workbook (protected by a password)", False)
    if not head.startswith(b"PK"):
        return Look(FileKind.OTHER, "Named like an Excel workbook, but it is none", False)
    return None


_NPY_SHAPE = re.compile(rb"'shape': \(([\d, ]*)\)")


def _numpy_array(head: bytes) -> Look | None:
    found = _NPY_SHAPE.search(head[:256])
    if not head.startswith(b"\x93NUMPY") or found is None:
        return None
    shape = " × ".join(number.strip().decode() for number in found[1].split(b",") if number.strip())
    return Look(FileKind.DATA, f"Data, NumPy array, {shape or 'one value'}", False)


# Notebooks
def _notebook(head: bytes) -> Look | None:
    if len(head) >= NOTEBOOK_BYTES:
        return None
    try:
        cells = json.loads(head)["cells"]
        count = len(cells)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return Look(FileKind.NOTEBOOK, f"Notebook, {count} cell{'' if count == 1 else 's'}", False)


# Models and what is saved like them
_PICKLED = (
    (b"sklearn", FileKind.MODEL, "scikit-learn"),
    (b"xgboost", FileKind.MODEL, "XGBoost"),
    (b"lightgbm", FileKind.MODEL, "LightGBM"),
    (b"catboost", FileKind.MODEL, "CatBoost"),
    (b"statsmodels", FileKind.MODEL, "statsmodels"),
    (b"torch", FileKind.MODEL, "PyTorch"),
    (b"keras", FileKind.MODEL, "Keras"),
    (b"pandas", FileKind.DATA, "pandas"),
    (b"polars", FileKind.DATA, "polars"),
    (b"numpy", FileKind.DATA, "NumPy"),
)
_COMPRESSED_PICKLES = (b"\x78", b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x5d\0\0", b"\x04\x22\x4d\x18")
_SAID_OF_KIND = {FileKind.MODEL: "Model", FileKind.DATA: "Data"}


def _pickle(container: str, head: bytes) -> Look | None:
    """A pickle or joblib file: the first library named in it made the outermost object."""
    compressed = head.startswith(_COMPRESSED_PICKLES)
    seen = _inflated(head) if compressed else head
    named = [(at, kind, label) for mark, kind, label in _PICKLED if (at := seen.find(mark)) >= 0]
    if not named:
        return Look(FileKind.OTHER, f"Python object ({container})", compressed)
    _, kind, label = min(named)
    return Look(kind, f"{_SAID_OF_KIND[kind]}, {label} ({container})", compressed)


def _inflated(head: bytes) -> bytes:
    """The first bytes behind a zlib or gzip header; the stream is cut off, so its end is not looked for."""
    try:
        return zlib.decompressobj(wbits=47).decompress(head, HEAD_BYTES)
    except zlib.error:
        return b""


def _sav(head: bytes) -> Look | None:
    """``.sav`` is SPSS's, and what some people call a pickled model."""
    if head.startswith((b"$FL2", b"$FL3")):
        return None
    return _pickle("pickle", head) if head[:1] == b"\x80" else None


_R_MODELS = re.compile(
    b"|".join(len(name).to_bytes(4, "big") + re.escape(name.encode()) for name in sorted(R_MODEL_CLASSES))
)


def _r_object(head: bytes) -> Look | None:
    """An R object; its class is written behind its content, so it is seen in small files only."""
    compressed = head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0"))
    seen = _inflated(head) if compressed else head
    if _R_MODELS.search(seen):
        return Look(FileKind.MODEL, "Model, R (RDS)", compressed)
    what = "R data frame" if b"\ndata.frame" in seen else "R object"
    return Look(FileKind.DATA, f"Data, {what} (RDS)", compressed)


def _onnx(head: bytes) -> Look | None:
    # A protobuf ModelProto: the format's version, a small number, and behind it the tag of one of the other fields.
    if head[:1] == b"\x08" and head[2:3] in b"\x12\x1a\x22\x28\x32\x3a\x42\x72":
        return None
    return Look(FileKind.OTHER, "Named like an ONNX model, but it is none", False)


def _hdf5(head: bytes) -> Look | None:
    return Look(FileKind.MODEL, "Model, Keras (HDF5)", False) if look_of_model(head) else None


_INSPECTORS: dict[str, Callable[[bytes], Look | None]] = {
    "csv": _delimited("CSV", ",;\t|"),
    "tsv": _delimited("TSV", "\t,;|"),
    "tab": _delimited("TSV", "\t,;|"),
    "xlsx": _excel,
    "xlsm": _excel,
    "npy": _numpy_array,
    "ipynb": _notebook,
    "joblib": lambda head: _pickle("joblib", head),
    "pkl": lambda head: _pickle("pickle", head),
    "pickle": lambda head: _pickle("pickle", head),
    "sav": _sav,
    "rds": _r_object,
    "onnx": _onnx,
    "json": look_of_model,
    "txt": look_of_model,
    "xml": look_of_model,
    "model": look_of_model,
    "h5": _hdf5,
    "hdf5": _hdf5,
}

_UNKNOWN = FileType(None, HEAD_BYTES)
_BY_NAME = {name: FileType(look, 0) for name, look in BY_NAME.items()}
_BY_EXTENSION = {
    extension: FileType(
        look,
        NOTEBOOK_BYTES if extension == "ipynb" else HEAD_BYTES if extension in _INSPECTORS else 0,
        _INSPECTORS.get(extension),
    )
    for extension, look in BY_EXTENSION.items()
}

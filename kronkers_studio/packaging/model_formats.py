"""Model files told apart by their first bytes and their name."""

from __future__ import annotations

import zlib
from collections.abc import Callable

from kronkers_studio.domain import model_files
from kronkers_studio.domain.model_files import ModelFileKind

_PICKLE_SUFFIXES = (*model_files.JOBLIB.suffixes, *model_files.PICKLE.suffixes, *model_files.PICKLE.shared)
_R_MAGIC = (b"X\n", b"A\n", b"RDX2", b"RDX3", b"RDA2", b"RDA3")


def looks_like_pickle(name: str, head: bytes) -> bool:
    """Protocols 2–5 begin with a mark of their own; older ones can be told only by the file's name."""
    if len(head) > 2 and head[0] == 0x80 and head[1] <= 5:
        return True
    return name.lower().endswith(_PICKLE_SUFFIXES) and bool(head)


def looks_like_onnx(name: str, head: bytes) -> bool:
    """An ONNX file is a protocol buffer without any mark; its first field is nearly always the format's version."""
    if name.lower().endswith(model_files.ONNX.suffixes):
        return True
    return len(head) > 4 and head[0] == 0x08 and 1 <= head[1] <= 32 and head[2] in (0x12, 0x1A, 0x3A, 0x42)


def kind_by_bytes(name: str, head: bytes) -> ModelFileKind | None:
    """The kind of a model that its first bytes tell, but for pickles and ONNX; None for everything else."""
    lower = name.lower()
    return next((kind for kind, matches in _MATCHES if matches(lower, head)), None)


def _is_zip(head: bytes) -> bool:
    return head[:4] == b"PK\x03\x04"


def _is_r(_: str, head: bytes) -> bool:
    """R's ``saveRDS`` and ``save`` write a format of their own, mostly inside gzip."""
    if head[:2] != b"\x1f\x8b":
        return head.startswith(_R_MAGIC)
    try:
        return zlib.decompressobj(wbits=31).decompress(head, 16).startswith(_R_MAGIC)
    except zlib.error:
        return False


_MATCHES: tuple[tuple[ModelFileKind, Callable[[str, bytes], bool]], ...] = (
    (model_files.SKOPS, lambda name, head: _is_zip(head) and (b"schema.json" in head or name.endswith(".skops"))),
    (model_files.KERAS, lambda name, head: _is_zip(head) and (b"metadata.json" in head or name.endswith(".keras"))),
    (
        model_files.PYTORCH,
        lambda name, head: (
            (_is_zip(head) and (b"/data.pkl" in head or b"/byteorder" in head or name.endswith((".pt", ".pth"))))
            or head.startswith(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 ")
        ),
    ),
    (model_files.KERAS_HDF5, lambda _, head: head.startswith(b"\x89HDF\r\n\x1a\n")),
    (model_files.R, _is_r),
    (model_files.LIGHTGBM, lambda _, head: head[:5] in (b"tree\n", b"tree\r")),
    (model_files.XGBOOST_JSON, lambda _, head: head.lstrip()[:1] == b"{" and b'"learner"' in head),
    (model_files.XGBOOST, lambda _, head: head[:2] == b"{L" and b"learner" in head[:32]),
    (model_files.MLFLOW, lambda name, head: name == "mlmodel" or (b"flavors:" in head and b"model_uuid" in head)),
    (model_files.TFLITE, lambda _, head: head[4:8] == b"TFL3"),
    (model_files.ORT, lambda _, head: head[4:8] == b"ORTM"),
    (model_files.GGUF, lambda _, head: head.startswith(b"GGUF")),
    (model_files.CATBOOST, lambda _, head: head.startswith(b"CBM1")),
    (model_files.SAFETENSORS, lambda name, head: name.endswith(".safetensors") and head[8:10] == b'{"'),
)

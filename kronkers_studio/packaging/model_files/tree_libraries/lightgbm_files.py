"""LightGBM's own files: text, whose head describes the model, with the categories of a table in its last line."""

from __future__ import annotations

import json
import re
from typing import BinaryIO

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import Surroundings
from kronkers_studio.packaging.model_files.tree_libraries.signatures import (
    checked_width,
    class_outputs,
    described,
    numbered_classes,
    table_inputs,
    value_outputs,
)
from kronkers_studio.packaging.model_files.tree_libraries.unreadable import unreadable

_LONGEST_LINE = 64 << 20  # a column's categories, or a tree's size each: real ones stay far below
_MOST_LINES = 200
_SHORT_TAIL = 1 << 20
_LONGEST_LIST = 8 << 20  # bytes; some 400,000 categories
_CATEGORIES = b"\npandas_categorical:"
_AFTER_TREES = b"\nend of trees"
_CATEGORICAL = re.compile(r"-?\d+(?::-?\d+)*")
_PROBABLE = ("multiclass", "multiclassova", "softmax", "multiclass_ova", "ova", "ovr")


def inspect_lightgbm(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """What the LightGBM model in ``stream``, at its start, says of itself. Raises ``UnsupportedModel``."""
    try:
        head = _head(stream)
    except (Damaged, TooMuch) as reason:
        raise unreadable(name, reason) from None
    width = checked_width(name, _number(head, "max_feature_idx", -1) + 1)
    categories = _categories(name, stream)
    return described(
        Framework.LIGHTGBM,
        surroundings.pins.get("lightgbm", ""),  # the file does not say it
        "lightgbm",
        f"LightGBM {head.get('objective', '').partition(' ')[0]}".strip(),
        Signature(table_inputs(_columns(head), width, _text_columns(name, head, categories)), _outputs(name, head)),
        surroundings,
    )


def _head(stream: BinaryIO) -> dict[str, str]:
    """The lines ``key=value`` before the first tree."""
    reader = ByteReader(stream, _LONGEST_LINE * 4)
    found: dict[str, str] = {}
    for _ in range(_MOST_LINES):
        line = reader.line(_LONGEST_LINE).decode("utf-8", "replace").rstrip("\r")
        key, equals, value = line.partition("=")
        if key in ("Tree", "end of trees"):
            return found
        if equals:
            found[key] = value
    raise Damaged("there is no tree in it")


def _number(head: dict[str, str], key: str, default: int) -> int:
    value = head.get(key, "")
    return int(value) if value.isdecimal() and len(value) < 10 else default


def _columns(head: dict[str, str]) -> tuple[str, ...]:
    """The names of columns; those that LightGBM itself gave are none."""
    names = tuple(head.get("feature_names", "").split(" "))
    own = tuple(f"Column_{place}" for place in range(len(names)))
    return () if names == own else names


def _text_columns(name: str, head: dict[str, str], categories: list[list[object]]) -> list[int]:
    """The columns whose categories are texts. The file lists the categories in order, but not of which columns."""
    if not categories:
        return []
    infos = head.get("feature_infos", "").split(" ")
    places = [index for index, info in enumerate(infos) if _CATEGORICAL.fullmatch(info)]
    if len(places) != len(categories):
        raise UnsupportedModel(
            f"{name} was fitted on a table with categories, and does not tell which columns hold them.",
            next_step="Fit it again without ordered categories, columns of one category only and categorical_feature, "
            "or on numbers in their place.",
        )
    return [place for place, known in zip(places, categories, strict=True) if any(isinstance(k, str) for k in known)]


def _categories(name: str, stream: BinaryIO) -> list[list[object]]:
    text = _listed(name, stream)
    if not text:
        return []
    try:
        categories = json.loads(text)
    except (ValueError, RecursionError):
        raise unreadable(name, Damaged("the list of its categories is damaged")) from None
    listed = categories if isinstance(categories, list) else []
    if not all(isinstance(known, list) for known in listed):
        raise unreadable(name, Damaged("the list of its categories is damaged"))
    return listed


def _listed(name: str, stream: BinaryIO) -> bytes:
    """The list of the categories, which is the file's last line; b"" when there is none."""
    size = stream.seek(0, 2)
    for length in (_SHORT_TAIL, _LONGEST_LIST):
        stream.seek(max(0, size - length))
        tail = stream.read(length)
        _, found, text = tail.rpartition(_CATEGORIES)
        if found:
            return text
        if len(tail) == size or _AFTER_TREES in tail:
            return b""
    raise UnsupportedModel(
        f"{name} has a longer list of categories than can be read, or its last part is missing.",
        next_step="Fit it with fewer categories, or on numbers in their place.",
    )


def _outputs(name: str, head: dict[str, str]) -> tuple[Tensor, ...]:
    objective = head.get("objective", "").partition(" ")[0]
    count = checked_width(name, _number(head, "num_class", 1))
    if objective == "binary":
        return class_outputs(numbered_classes(2), Datatype.INT64, Datatype.FP64)
    if objective in _PROBABLE and count > 1:
        return class_outputs(numbered_classes(count), Datatype.INT64, Datatype.FP64)
    return value_outputs(count, Datatype.FP64)

"""CatBoost's own files (.cbm): a FlatBuffers table behind four letters and its size.

The fields' numbers are those of catboost/libs/model/flatbuffers/{model,features}.fbs.
"""

from __future__ import annotations

import json
import re
import struct
from typing import Any, BinaryIO

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import Surroundings
from kronkers_studio.packaging.model_files.tree_libraries.flat_buffer import FlatBuffer, FlatTable
from kronkers_studio.packaging.model_files.tree_libraries.signatures import (
    checked_width,
    class_outputs,
    described,
    numbered_classes,
    table_inputs,
    value_outputs,
)
from kronkers_studio.packaging.model_files.tree_libraries.unreadable import unreadable

MAGIC = b"CBM1"
_RELEASE = re.compile(r"(?:release|tags/v|Version:?)\s*v?(\d+\.\d+(?:\.\d+){0,2})")

# TModelCore
_MODEL, _INFO = 1, 2
# TModelTrees
_DIMENSION, _CATEGORICAL, _FLOAT, _TEXT, _EMBEDDING = 0, 4, 5, 12, 18
# TFloatFeature, TCatFeature
_FLOAT_PLACE, _FLOAT_NAME = 2, 4
_CATEGORICAL_PLACE, _CATEGORICAL_NAME = 1, 2

_LABELS = {"Integer": Datatype.INT64, "Float": Datatype.FP64, "String": Datatype.BYTES, "Boolean": Datatype.BYTES}
_LONGEST_CLASS = 1000  # characters
_CLASSES = ("Logloss", "CrossEntropy", "Focal", "MultiClass", "MultiClassOneVsAll")


def inspect_catboost(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """What the CatBoost model in ``stream``, at its start, says of itself. Raises ``UnsupportedModel``."""
    try:
        root = _root(stream)
        trees = root.table(_MODEL)
        if trees is None:
            raise Damaged("there are no trees in it")
        information = {pair.text(0): pair.text(1) for pair in root.tables(_INFO)}
        signature = Signature(_inputs(name, trees), _outputs(name, trees, information))
    except (Damaged, TooMuch) as reason:
        raise unreadable(name, reason) from None
    found = _RELEASE.search(information.get("catboost_version_info", ""))
    return described(
        Framework.CATBOOST,
        found[1] if found else surroundings.pins.get("catboost", ""),
        "catboost",
        f"CatBoost {_loss(information)}".strip(),
        signature,
        surroundings,
    )


def _root(stream: BinaryIO) -> FlatTable:
    head = stream.read(8)
    if len(head) < 8 or not head.startswith(MAGIC):
        raise Damaged("it ends too early")
    (size,) = struct.unpack("<I", head[4:])
    return FlatBuffer(stream, 8, size).root()


def _inputs(name: str, trees: FlatTable) -> tuple[Tensor, ...]:
    if trees.count(_TEXT) or trees.count(_EMBEDDING):
        raise UnsupportedModel(
            f"{name} reads columns of free text or of vectors: such CatBoost models are not supported yet.",
            next_step="Fit it with those columns as numbers, or in a scikit-learn pipeline that makes numbers of them.",
        )
    places: dict[int, str] = {}
    categorical = trees.tables(_CATEGORICAL)
    for feature in trees.tables(_FLOAT):
        places[feature.integer(_FLOAT_PLACE, -1)] = feature.text(_FLOAT_NAME)
    for feature in categorical:
        places[feature.integer(_CATEGORICAL_PLACE, -1)] = feature.text(_CATEGORICAL_NAME)
    width = checked_width(name, len(places))
    if sorted(places) != list(range(width)):
        raise Damaged("its columns have no places")
    names = [places[place] for place in range(width)]
    own = names == [str(place) for place in range(width)]  # the names that CatBoost gives itself
    texts = {feature.integer(_CATEGORICAL_PLACE, -1) for feature in categorical}
    return table_inputs(() if own or not all(names) else names, width, texts)


def _outputs(name: str, trees: FlatTable, information: dict[str, str]) -> tuple[Tensor, ...]:
    count = checked_width(name, trees.integer(_DIMENSION, 1))
    found = _json(information.get("class_params", ""))
    classes = found.get("class_names")
    loss = _loss(information)
    if loss == "CrossEntropy" and classes == []:  # fitted on the share of the second class
        return class_outputs(numbered_classes(2), Datatype.INT64, Datatype.FP64)
    if loss in _CLASSES and isinstance(classes, list) and len(classes) == max(count, 2):
        label = _LABELS.get(str(found.get("class_label_type")), Datatype.BYTES)
        return class_outputs([_class_name(one, label) for one in classes], label, Datatype.FP64)
    if loss in _CLASSES:
        raise UnsupportedModel(
            f"{name} does not say which classes it tells apart.",
            next_step="Save it again from the classifier: model.save_model('model.cbm').",
        )
    return value_outputs(count, Datatype.FP64)


def _class_name(value: Any, label: Datatype) -> str:
    """The class as text, as Python writes a value of the labels' type."""
    fraction = label is Datatype.FP64 and isinstance(value, int | float)
    return str(float(value) if fraction else value)[:_LONGEST_CLASS]


def _loss(information: dict[str, str]) -> str:
    options = _json(information.get("params", "")).get("loss_function")
    kind = options.get("type") if isinstance(options, dict) else None
    return kind[:100] if isinstance(kind, str) and kind.isprintable() else ""


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}

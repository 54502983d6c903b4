"""XGBoost's own files, as ``save_model`` writes them: JSON and UBJSON hold the same document.

What it means: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
"""

from __future__ import annotations

from itertools import pairwise
from typing import BinaryIO, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch
from kronkers_studio.packaging.environment_hints import Surroundings, is_version
from kronkers_studio.packaging.model_files.tree_libraries.json_outline import read_json_outline
from kronkers_studio.packaging.model_files.tree_libraries.outlines import Outline, entry, texts
from kronkers_studio.packaging.model_files.tree_libraries.signatures import (
    WIDEST,
    checked_width,
    class_outputs,
    described,
    numbered_classes,
    table_inputs,
    value_outputs,
)
from kronkers_studio.packaging.model_files.tree_libraries.unreadable import unreadable

_PASSED_OVER: Final = ("trees", "weights", "tree_info", "iteration_indptr", "weight_drop", "sorted_idx", "Config")
_LARGEST = 32 * 1024**3
_CLASS_ALONE = ("binary:hinge",)
_CLASSES = ("multi:softprob", "multi:softmax")


def inspect_xgboost(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """What the XGBoost model in ``stream``, at its start, says of itself. Raises ``UnsupportedModel``."""
    document, text = _document(name, stream)
    return _told(name, document, text, surroundings)


def inspect_xgboost_memory(name: str, stream: BinaryIO, surroundings: Surroundings) -> ModelFacts:
    """As ``inspect_xgboost``, of a booster as it is pickled: the model beside what it was trained with."""
    document, text = _document(name, stream)
    return _told(name, entry(document, "Model"), text, surroundings)


def _document(name: str, stream: BinaryIO) -> tuple[Outline, bool]:
    """The document in ``stream``, and whether it is JSON."""
    text = stream.read(16).lstrip()[:2] != b"{L"
    stream.seek(0)
    try:
        return (read_json_outline(stream, _PASSED_OVER, _LARGEST) if text else _ubjson(stream)), text
    except (Damaged, TooMuch) as reason:
        raise unreadable(name, reason) from None


def _told(name: str, document: Outline, text: bool, surroundings: Surroundings) -> ModelFacts:
    learner = entry(document, "learner")
    version = _version(entry(document, "version"))
    if not version or not isinstance(learner, dict):
        raise UnsupportedModel(
            f"{name} is an XGBoost model of a version before 1.0, or not a whole one.",
            next_step="Open it with the XGBoost that made it and save it again: model.save_model('model.ubj').",
        )
    return described(
        Framework.XGBOOST,
        version,
        "xgboost-json" if text else "xgboost-ubj",
        f"XGBoost {_objective(learner)}",
        Signature(_inputs(name, learner), _outputs(name, learner)),
        surroundings,
    )


def _ubjson(stream: BinaryIO) -> Outline:
    from kronkers_studio.packaging.model_files.tree_libraries.ubjson_outline import read_ubjson_outline

    return read_ubjson_outline(ByteReader(stream, _LARGEST), _PASSED_OVER)


def _version(outline: Outline) -> str:
    numbers = outline if isinstance(outline, list) and len(outline) == 3 else []
    version = ".".join(str(number) for number in numbers if isinstance(number, int))
    return version if is_version(version) and numbers and all(isinstance(n, int) and n >= 0 for n in numbers) else ""


def _objective(learner: Outline) -> str:
    objective = entry(learner, "objective", "name")
    return objective[:100] if isinstance(objective, str) and objective.isprintable() else ""


def _parameter(learner: Outline, key: str, default: int) -> int:
    """A number that XGBoost writes as text."""
    value = entry(learner, "learner_model_param", key)
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 10 else default


def _inputs(name: str, learner: Outline) -> tuple[Tensor, ...]:
    width = checked_width(name, _parameter(learner, "num_feature", 0))
    return table_inputs(texts(entry(learner, "feature_names")), width, _texts(name, learner, width))


def _texts(name: str, learner: Outline, width: int) -> list[int]:
    """The columns whose categories are texts: since 3.1 the model keeps them."""
    encoders = entry(_booster(learner), "model", "cats", "enc")
    if not isinstance(encoders, list) or len(encoders) != width:
        return []
    columns = [index for index, encoder in enumerate(encoders) if _is_text(encoder)]
    if not all(map(_is_ascii, (entry(encoders[index], "values") for index in columns))):
        raise UnsupportedModel(
            f"{name} has categories with letters beyond A to Z. XGBoost cuts such texts off when it saves them, so "
            "that some could be taken for others.",
            next_step="Write the categories in plain letters, or as numbers, and fit the model again.",
        )
    return columns


def _is_ascii(values: Outline) -> bool:
    return isinstance(values, list) and all(isinstance(value, int) and 0 <= value < 0x80 for value in values)


def _is_text(encoder: Outline) -> bool:
    ends = entry(encoder, "offsets")
    if not isinstance(ends, list) or len(ends) < 2 or not all(isinstance(end, int) for end in ends):
        return False
    return all(start <= end for start, end in pairwise(ends))


def _booster(learner: Outline) -> Outline:
    """The part with the trees: DART wraps it once more."""
    booster = entry(learner, "gradient_booster")
    return entry(booster, "gbtree") if entry(booster, "name") == "dart" else booster


def _outputs(name: str, learner: Outline) -> tuple[Tensor, ...]:
    objective = _objective(learner)
    targets = max(1, _parameter(learner, "num_target", 1))
    classes = _parameter(learner, "num_class", 0)
    if objective == "binary:logistic" and targets == 1:
        return class_outputs(numbered_classes(2), Datatype.INT64, Datatype.FP32)
    if objective in _CLASS_ALONE:
        return (Tensor("label", Datatype.INT64, (-1,)),)
    if objective in _CLASSES and 1 < classes <= WIDEST:
        return class_outputs(numbered_classes(classes), Datatype.INT64, Datatype.FP32)
    return value_outputs(checked_width(name, max(targets, classes)), Datatype.FP32)

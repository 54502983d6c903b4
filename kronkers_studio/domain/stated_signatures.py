"""What a person says that a model takes and gives, where its file does not say it.

It is written as ``image:FP32[-1,3,224,224]``: a tensor's name, its type as the Open Inference Protocol calls it, and
the length of each axis, -1 for any, which the first mostly is, for the number of rows. ``=age,income`` behind that
names the last axis: columns, classes, units.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, ModelVersion, Signature, Tensor
from kronkers_studio.domain.printable import printable

LONGEST_NAME = 200
"""Characters of a tensor's name, or of one of its columns."""
MOST_AXES = 32
MOST_COLUMNS = 10_000
_LONGEST_AXIS = 1 << 31
_WRITTEN = re.compile(r"(?P<name>[^\[\]]+):(?P<type>[^\[\]:]+)\[(?P<shape>[^\[\]]*)\](?:=(?P<columns>.+))?", re.DOTALL)
_LENGTH = re.compile(r"-1|[0-9]{1,10}")
_ANY_LENGTH = ("n", "*", "?")
_TYPES = {
    **{each.value.lower(): each for each in Datatype},
    **{"float16": Datatype.FP16, "float32": Datatype.FP32, "float64": Datatype.FP64},
    **{"half": Datatype.FP16, "float": Datatype.FP32, "double": Datatype.FP64, "int": Datatype.INT32},
    **{"long": Datatype.INT64, "string": Datatype.BYTES, "str": Datatype.BYTES},
}
_EXAMPLE = "Write it as NAME:TYPE[LENGTHS], e.g. image:FP32[-1,3,224,224]; -1 stands for any length."

NOTHING_TOLD = "The file does not say the shape and type of what it takes: send tensors as it was made for."
"""The note in the facts of a model of which that is not known."""


def may_be_stated(facts: ModelFacts) -> bool:
    """Whether a person may say what such a model takes: its file does not. What other files say counts, whatever
    anybody says."""
    if facts.framework is not Framework.PYTORCH:
        return False
    tensors = (*facts.signature.inputs, *facts.signature.outputs)
    return facts.file_format == "torchscript" or not tensors or any(tensor.any_rank for tensor in tensors)


def is_untold(version: ModelVersion) -> bool:
    """Whether nobody and nothing says what shape some input of a version has, and a person may."""
    return may_be_stated(version.facts) and any(tensor.any_rank for tensor in version.signature.inputs)


def notes_of(version: ModelVersion) -> tuple[str, ...]:
    """The notes of a version's facts that still hold."""
    return tuple(note for note in version.facts.notes if note != NOTHING_TOLD or is_untold(version))


def parse_tensor(text: str) -> Tensor:
    """The tensor that is written so. Raises ``InvalidInput``."""
    found = _WRITTEN.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"“{_cut(text)}” is no input or output.", next_step=_EXAMPLE)
    datatype = _TYPES.get(found["type"].strip().lower())
    if datatype is None:
        known = ", ".join(each.value for each in Datatype)
        raise InvalidInput(f"“{_cut(found['type'])}” is no type of values.", next_step=f"The types are {known}.")
    columns = tuple(part.strip() for part in found["columns"].split(",")) if found["columns"] else ()
    return checked_tensor(Tensor(found["name"].strip(), datatype, parse_shape(found["shape"]), columns))


def parse_shape(text: str) -> tuple[int, ...]:
    """``-1, 3, 224`` as lengths; "" is a single value. Raises ``InvalidInput``."""
    lengths = [part.strip().lower() for part in text.split(",")] if text.strip() else []
    wrong = next((part for part in lengths if part not in _ANY_LENGTH and not _LENGTH.fullmatch(part)), None)
    if wrong is not None:
        raise InvalidInput(
            f"“{_cut(wrong)}” is no length of an axis.",
            next_step="Write whole numbers with commas between them, e.g. -1,3,224,224; -1 stands for any length.",
        )
    return tuple(-1 if part in _ANY_LENGTH else int(part) for part in lengths)


def written_shape(shape: tuple[int, ...]) -> str:
    """As ``parse_shape`` reads it."""
    return ",".join(map(str, shape))


def written_tensor(tensor: Tensor) -> str:
    """As ``parse_tensor`` reads it, where the tensor has a shape; ``name:FP32[…]`` where nothing is known of it."""
    shape = "…" if tensor.any_rank else written_shape(tensor.shape)
    columns = f"={','.join(tensor.columns)}" if tensor.columns else ""
    return f"{tensor.name}:{tensor.datatype.value}[{shape}]{columns}"


def checked_tensor(tensor: Tensor) -> Tensor:
    """``tensor``, with as long a last axis as it has columns. Raises ``InvalidInput`` for what can be none."""
    name, shape, columns = tensor.name, tensor.shape, tensor.columns
    for text in (name, *columns):
        if not text.strip() or len(text) > LONGEST_NAME or not text.isprintable():
            raise InvalidInput(
                f"“{_cut(text)}” cannot be the name of an input, an output or a column.",
                next_step=f"Use letters, digits and signs, at most {LONGEST_NAME}.",
            )
    comma = next((column for column in columns if "," in column), None)
    if comma is not None:
        raise InvalidInput(
            f"“{_cut(comma)}” cannot be the name of a column: commas stand between the names.",
            next_step="Write it without a comma.",
        )
    if len(shape) > MOST_AXES or not all(-1 <= length < _LONGEST_AXIS for length in shape):
        raise InvalidInput(
            f"“{_cut(name)}” has a shape that no tensor has.",
            next_step=f"Give at most {MOST_AXES} axes; -1 stands for any length.",
        )
    if len(set(columns)) < len(columns) or len(columns) > MOST_COLUMNS:
        raise InvalidInput(
            f"The columns of “{_cut(name)}” have the same name twice, or are more than {MOST_COLUMNS:,}.",
            next_step="Give each column a name of its own.",
        )
    if not columns:
        return tensor
    if len(shape) < 2 or shape[-1] not in (-1, len(columns)):
        last = f"is {shape[-1]} long" if len(shape) > 1 else "is that of the rows"
        raise InvalidInput(
            f"“{_cut(name)}” gets {len(columns)} names of columns, and its last axis {last}.",
            next_step="Give a name for each place of the last axis, or none.",
        )
    return Tensor(name, tensor.datatype, (*shape[:-1], len(columns)), columns)


def stated(known: Signature, inputs: Sequence[Tensor], outputs: Sequence[Tensor], label: str = "") -> Signature:
    """``known`` with what is said of ``inputs`` and ``outputs`` in place of what was; none of either leaves it.

    Tensors of names that it has are those; else all are said, in its order, and get these names. Raises
    ``InvalidInput`` for what does not fit it, which ``label`` ("churn:3") is the version of.
    """
    said = Signature(
        _placed(known.inputs, [checked_tensor(one) for one in inputs], "input", label),
        _placed(known.outputs, [checked_tensor(one) for one in outputs], "output", label),
    )
    for tensor in (*said.inputs, *said.outputs):
        if tensor.datatype is Datatype.BYTES:
            raise InvalidInput(
                f"“{_cut(tensor.name)}” cannot hold text: PyTorch knows numbers and truth values alone.",
                next_step="Say the type of the numbers that texts are turned into before, e.g. INT64.",
            )
    return said


def _placed(known: tuple[Tensor, ...], said: Sequence[Tensor], side: str, label: str) -> tuple[Tensor, ...]:
    names = [tensor.name for tensor in known]
    by_name = {tensor.name: tensor for tensor in said}
    if len(by_name) < len(said):
        twice = next(one.name for one in said if sum(one.name == other.name for other in said) > 1)
        raise InvalidInput(f"The {side} “{_cut(twice)}” is said twice.", next_step="Say each once.")
    if all(name in names for name in by_name):
        return tuple(by_name.get(tensor.name, tensor) for tensor in known)
    own = ", ".join(_cut(name) for name in names[:20])
    if known and len(said) != len(known):
        amount = f"{len(known)} {side}{'' if len(known) == 1 else 's'}"
        raise InvalidInput(
            f"{label or 'The model'} has {amount} ({own}), and {len(said)} "
            f"{'is' if len(said) == 1 else 'are'} said under other names.",
            next_step="Say one by its own name, or all of them in this order.",
        )
    moved = next((one.name for at, one in enumerate(said) if one.name in names and names.index(one.name) != at), None)
    if moved is not None:
        raise InvalidInput(
            f"“{_cut(moved)}” is the name of another {side} of {label or 'the model'} ({own}).",
            next_step="Say all of them in this order, or by these names.",
        )
    return tuple(said)


def _cut(text: str) -> str:
    return printable(text[:80])

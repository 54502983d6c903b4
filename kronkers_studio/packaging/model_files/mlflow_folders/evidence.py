"""What MLmodel adds to what the model's own file says, and where the two differ: then the file counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import BinaryIO

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, Signature, Tensor
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.model_files.mlflow_folders.mlmodel import (
    LARGEST_MLMODEL,
    MLMODEL,
    MlflowModel,
    read_mlmodel,
)
from kronkers_studio.packaging.model_files.mlflow_folders.schemas import Field, names_of

_SHOWN = 5
_LONGEST_SHOWN = 40
_TEXT = frozenset({Datatype.BYTES})
_EXACT = (Framework.ONNX, Framework.KERAS)  # the others take any numbers


def with_mlmodel(facts: ModelFacts, name: str, beside: Mapping[str, Callable[[], bytes]]) -> ModelFacts:
    """``facts`` of the file ``name``, and what the MLmodel ``beside`` it says of it, if that is about this file."""
    if MLMODEL not in beside:
        return facts
    try:
        said = read_mlmodel(beside[MLMODEL]())
    except UnsupportedModel as reason:
        return replace(facts, notes=(*facts.notes, f"{MLMODEL} beside it was not used. {reason.message}"))
    if said.file.rpartition("/")[2] != name:
        return facts
    saved = f"Saved by MLflow {said.mlflow_version}".strip() + f" as {said.flavor}."
    version = facts.framework_version
    if not version and said.framework is facts.framework:  # LightGBM's files do not say theirs
        version = said.version
    notes = [saved, *_version_differs(facts, said), *_inputs_differ(facts, said), *_outputs_differ(facts, said)]
    signature, named = _with_names(_with_tensors(facts.signature, said), said.inputs)
    notes += ["The names of the columns are MLmodel's: the model's own file has none."] if named else []
    return replace(facts, framework_version=version, signature=signature, notes=(*facts.notes, *notes))


def description_refused(name: str, stream: BinaryIO) -> UnsupportedModel:
    """Why ``name``, which is an MLmodel and at its start, is no model by itself, and where that is."""
    stream.seek(0)
    try:
        said = read_mlmodel(stream.read(LARGEST_MLMODEL + 1))
    except UnsupportedModel as reason:
        return reason
    return UnsupportedModel(
        f"{name} describes the folder that it lies in; the model itself is {said.file} there.",
        next_step="Register the folder, or that file.",
    )


def _version_differs(facts: ModelFacts, said: MlflowModel) -> list[str]:
    made = facts.framework_version
    if not said.version or not made or said.version == made or said.framework is not facts.framework:
        return []
    label = facts.framework.label
    return [f"MLmodel says {label} {said.version}, the model's own file {made}: the file counts."]


def _with_names(signature: Signature, fields: Sequence[Field]) -> tuple[Signature, bool]:
    """A table's columns get MLmodel's names where the file has none; whether they did."""
    names = names_of(fields)
    table = signature.inputs[0] if len(signature.inputs) == 1 else None
    if not names or table is None or table.columns or table.any_rank or table.shape[1:] != (len(names),):
        return signature, False
    return replace(signature, inputs=(replace(table, columns=names),)), True


def _with_tensors(signature: Signature, said: MlflowModel) -> Signature:
    """Of what a program of PyTorch's takes and gives only MLmodel tells shape and type."""
    if said.framework is not Framework.PYTORCH:
        return signature
    return Signature(_told(signature.inputs, said.inputs), _told(signature.outputs, said.outputs))


def _told(tensors: tuple[Tensor, ...], fields: Sequence[Field]) -> tuple[Tensor, ...]:
    if len(tensors) != len(fields) or any(field.shape is None or field.datatype is None for field in fields):
        return tensors
    return tuple(
        replace(tensor, datatype=field.datatype, shape=field.shape, any_rank=False)
        if tensor.any_rank and field.shape is not None and field.datatype is not None
        else tensor
        for tensor, field in zip(tensors, fields, strict=True)
    )


def _columns(signature: Signature) -> list[tuple[str, Datatype]] | None:
    """The columns of a table, with "" for those without a name; None when the model takes no table."""
    inputs = signature.inputs
    if len(inputs) == 1 and len(inputs[0].shape) == 2 and inputs[0].shape[1] > 0:
        names = inputs[0].columns or ("",) * inputs[0].shape[1]
        return [(name, inputs[0].datatype) for name in names]
    if inputs and all(tensor.shape[1:] in ((), (1,)) and not tensor.any_rank for tensor in inputs):
        return [(tensor.name, tensor.datatype) for tensor in inputs]
    return None


def _inputs_differ(facts: ModelFacts, said: MlflowModel) -> list[str]:
    if any(field.shape is not None for field in said.inputs):
        return _tensors_differ(facts, said.inputs)
    columns = _columns(facts.signature) if said.inputs else None
    if columns is None:
        return []
    if len(columns) != len(said.inputs):
        return [f"MLmodel names {len(said.inputs)} columns, the model's own file {len(columns)}: the file counts."]
    return _names_differ(columns, said.inputs) or _types_differ(columns, said.inputs)


def _names_differ(columns: Sequence[tuple[str, Datatype]], fields: Sequence[Field]) -> list[str]:
    own, others = [name for name, _ in columns], [field.name for field in fields]
    if own == others or not all(own) or not all(others):
        return []
    if sorted(own) == sorted(others):
        return ["MLmodel lists the columns in another order than the model's own file: the file's order counts."]
    return [f"MLmodel calls the columns {_listed(others)}, the model's own file {_listed(own)}: the file counts."]


def _types_differ(columns: Sequence[tuple[str, Datatype]], fields: Sequence[Field]) -> list[str]:
    wrong = [
        name or field.name or str(place)
        for place, ((name, datatype), field) in enumerate(zip(columns, fields, strict=True), 1)
        if field.datatype is not None and (field.datatype in _TEXT) != (datatype in _TEXT)
    ]
    if not wrong:
        return []
    return [f"MLmodel and the model's own file differ on whether {_listed(wrong)} is text: the file counts."]


def _tensors_differ(facts: ModelFacts, fields: Sequence[Field]) -> list[str]:
    inputs = facts.signature.inputs
    if len(inputs) != len(fields):
        return [f"MLmodel names {len(fields)} inputs, the model's own file {len(inputs)}: the file counts."]
    by_name = {tensor.name: tensor for tensor in inputs}
    notes = []
    for field, in_order in zip(fields, inputs, strict=True):
        tensor = by_name.get(field.name, in_order)
        exact = facts.framework in _EXACT and field.datatype not in (None, tensor.datatype)
        if exact or not _fits(field.shape or (), tensor):
            theirs = field.datatype.value if field.datatype is not None else "a type"
            notes.append(
                f"MLmodel says that “{_name(tensor.name)}” takes {theirs} {_shape(field.shape or ())}, the model's own "
                f"file {tensor.datatype.value} {_shape(tensor.shape)}: the file counts."
            )
    return notes[:_SHOWN]


def _fits(shape: tuple[int, ...], tensor: Tensor) -> bool:
    if tensor.any_rank or not shape:
        return True
    return len(shape) == len(tensor.shape) and all(
        one == other or -1 in (one, other) for one, other in zip(shape, tensor.shape, strict=True)
    )


def _outputs_differ(facts: ModelFacts, said: MlflowModel) -> list[str]:
    """Only whether the first answer is text: probabilities and labels are named as the flavor likes."""
    if not said.outputs or not facts.signature.outputs or said.outputs[0].datatype is None:
        return []
    if (said.outputs[0].datatype in _TEXT) == (facts.signature.outputs[0].datatype in _TEXT):
        return []
    own = "text" if facts.signature.outputs[0].datatype in _TEXT else "a number"
    return [f"The model's own file answers with {own}, MLmodel says otherwise: the file counts."]


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(map(_name, names[:_SHOWN])) + more


def _name(name: str) -> str:
    return printable(name[:_LONGEST_SHOWN])


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join("n" if length < 0 else str(length) for length in shape) or "of a single value"

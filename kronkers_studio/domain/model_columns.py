"""What a row of a model holds, as its signature tells it."""

from __future__ import annotations

from dataclasses import dataclass

from kronkers_studio.domain.models import Datatype, Signature


@dataclass(frozen=True, slots=True)
class ModelColumns:
    """What a row of a model holds: columns by name and type, or ``width`` values without names; neither when that is
    not known."""

    named: tuple[tuple[str, Datatype], ...] = ()
    width: int = 0
    datatype: Datatype = Datatype.FP64

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.named)


def model_columns(signature: Signature) -> ModelColumns:
    """What a service reads in a row for this signature."""
    inputs = signature.inputs
    if len(inputs) == 1 and len(inputs[0].shape) == 2:
        tensor = inputs[0]
        if tensor.columns:
            return ModelColumns(tuple((name, tensor.datatype) for name in tensor.columns))
        return ModelColumns(width=max(0, tensor.shape[1]), datatype=tensor.datatype)
    if any(len(tensor.shape) > 2 or (len(tensor.shape) == 2 and tensor.shape[1] != 1) for tensor in inputs):
        return ModelColumns()
    return ModelColumns(tuple(((tensor.columns or (tensor.name,))[0], tensor.datatype) for tensor in inputs))


def example_row(signature: Signature) -> dict[str, object] | list[object]:
    """A row of zeros and empty words, as a service takes it: by the names of the columns, else in their order."""
    columns = model_columns(signature)
    if columns.named:
        return {name: _nothing(datatype) for name, datatype in columns.named}
    return [_nothing(columns.datatype)] * max(1, columns.width)


def _nothing(datatype: Datatype) -> object:
    return {Datatype.BYTES: "", Datatype.BOOL: False}.get(datatype, 0)

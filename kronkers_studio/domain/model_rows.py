"""Whether a model takes rows, and how many at once, or only whole tensors, as its signature tells it; and what such
tensors are like."""

from __future__ import annotations

from math import prod

from kronkers_studio.domain.models import Datatype, Signature, Tensor

_LONGEST_EXAMPLE = 4096
"""Values of an example; what has more is left to whoever knows the model."""


def why_no_rows(signature: Signature) -> str:
    """Why a model takes no rows, as the end of a sentence; "" when it does.

    A service that holds it decides the same (``Signature.no_rows`` in ``serving/signature.py``): it takes rows when
    each input holds one value, or the only one a list of values, for each of any number of rows (or for exactly one),
    and an output as many answers.
    """
    if not signature.inputs and not signature.outputs:
        return ""  # nothing is known
    if not signature.inputs:
        return "it has no inputs"
    for tensor in signature.inputs:
        reason = _not_of_rows(tensor, alone=len(signature.inputs) == 1)
        if reason:
            return f"its input “{tensor.name}” {reason}"
    if len({tensor.shape[0] for tensor in signature.inputs}) > 1:
        return "its inputs have lengths of their own"
    if signature.outputs and not any(map(_is_by_row, signature.outputs)):
        return "it gives no answer for each row"
    return ""


def takes_one_row(signature: Signature) -> bool:
    """Whether a service of the model answers exactly one row at a time, as the model was exported."""
    return not why_no_rows(signature) and any(tensor.shape[:1] == (1,) for tensor in signature.inputs)


def _not_of_rows(tensor: Tensor, *, alone: bool) -> str:
    if tensor.any_rank:
        return "may have any shape"
    if not tensor.shape:
        return "is a single value"
    if tensor.shape[0] not in (-1, 1):
        return f"has a length of its own, {tensor.shape[0]}"
    if len(tensor.shape) > 2:
        return f"has {len(tensor.shape)} axes"
    return "" if alone or tensor.shape[1:] in ((), (1,)) else "is a table beside others"


def _is_by_row(tensor: Tensor) -> bool:
    return tensor.any_rank or tensor.shape[:1] in ((-1,), (1,))


def example_tensors(signature: Signature) -> dict[str, object]:
    """A request of the Open Inference Protocol with zeros and empty texts; lengths that may be anything are 1."""
    return {"inputs": [_example(tensor) for tensor in signature.inputs]}


def _example(tensor: Tensor) -> dict[str, object]:
    shape = [1 if length < 0 else length for length in tensor.shape]
    count = prod(shape)
    blank: object = {Datatype.BYTES: "", Datatype.BOOL: False}.get(tensor.datatype, 0)
    data = [blank] * count if count <= _LONGEST_EXAMPLE else []
    return {"name": tensor.name, "datatype": tensor.datatype.value, "shape": shape, "data": data}

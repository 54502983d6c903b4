"""Programs of PyTorch, run on the processor."""

from __future__ import annotations

import logging
import math
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec, blank_rows, datatype_of

_Array = np.ndarray[Any, Any]
_log = logging.getLogger(__name__)
_NOT_TAKEN = (RuntimeError, TypeError, ValueError, IndexError, torch.jit.Error)
"""What PyTorch raises for tensors that a program does not take (texts are no tensors to it); the last is for what the
program raises itself."""
_TRIED_ROWS = 2  # so that the axis of the rows shows
_MOST_TRIED = 1 << 22  # values


def load_torchscript(file: Path, declared: Signature, threads: int) -> TorchModel:
    """The TorchScript program in ``file``, which was verified. Raises ``CannotStart``."""
    torch.set_num_threads(threads)
    try:
        program = torch.jit.load(str(file), map_location="cpu").eval()
    except (RuntimeError, ValueError, OSError) as error:
        reason = " ".join(str(error).split())[:300]
        raise CannotStart(f"The PyTorch program cannot be loaded: {reason}") from error
    return TorchModel(program, declared)


class TorchModel:
    """A loaded ``program``. It takes tensors of any shape and type, but for those of which the package says more: a
    person did, or a description beside the file."""

    takes_missing = False
    probabilities = ""
    classes: tuple[str, ...] = ()

    def __init__(self, program: Any, declared: Signature) -> None:
        self._program = program
        inputs = tuple(replace(spec, any_type=spec.any_rank) for spec in declared.inputs)
        self.signature = Signature(inputs, declared.outputs, by_tensor=True)
        self.signature = replace(self.signature, outputs=self._seen())
        self.label = declared.outputs[0].name

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``. Raises ``Refusal`` for tensors that an operator of the program does not take."""
        try:
            given = [torch.from_numpy(np.ascontiguousarray(inputs[spec.name])) for spec in self.signature.inputs]
            with torch.inference_mode():
                found = self._program(*given)
        except _NOT_TAKEN as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise Refusal(f"The model does not take these inputs: {lines[-1][:300]}", status=422) from None
        outputs = list(found) if isinstance(found, tuple | list) else [found]
        if len(outputs) != len(self.signature.outputs) or not all(isinstance(one, torch.Tensor) for one in outputs):
            raise Refusal(
                f"The model answers with something else than {len(self.signature.outputs)} tensors.", status=422
            )
        answers = zip(self.signature.outputs, outputs, strict=True)
        return {spec.name: as_array(one) for spec, one in answers if spec.name in wanted}

    def _seen(self) -> tuple[TensorSpec, ...]:
        """The outputs as they are for rows of zeros: what the program gives counts, whatever is said of it. As they are
        said, when not all lengths of the inputs are, or when it takes no zeros."""
        inputs, outputs = self.signature.inputs, self.signature.outputs
        known = all(not spec.any_rank and all(length >= 0 for length in spec.shape[1:]) for spec in inputs)
        if not known or sum(math.prod(spec.shape[1:]) for spec in inputs) * _TRIED_ROWS > _MOST_TRIED:
            return outputs
        try:
            found = self.run(blank_rows(inputs, _TRIED_ROWS), [spec.name for spec in outputs])
        except Refusal as problem:
            _log.warning("the model does not take zeros", extra={"fields": {"problem": problem.message}})
            return outputs
        of_rows = any(spec.shape[:1] == (-1,) for spec in inputs)
        return tuple(_as_seen(spec, found[spec.name], of_rows=of_rows) for spec in outputs)


def _as_seen(said: TensorSpec, found: _Array, *, of_rows: bool) -> TensorSpec:
    """``said`` where ``found`` is such a tensor, else what it is."""
    fits = len(said.shape) == found.ndim and all(
        one in (-1, other) for one, other in zip(said.shape, found.shape, strict=True)
    )
    if fits and not said.any_rank and NUMPY_TYPES[said.datatype] == found.dtype:
        return said
    if not said.any_rank:
        given = {"output": said.name, "said": list(said.shape), "given": list(found.shape), "type": str(found.dtype)}
        _log.warning("the model gives something else than was said of it", extra={"fields": given})
    first = (-1,) if of_rows and found.shape[:1] == (_TRIED_ROWS,) else found.shape[:1]
    shape = (*first, *found.shape[1:])
    columns = said.columns if len(shape) > 1 and shape[-1] == len(said.columns) else ()
    return replace(said, datatype=datatype_of(found), shape=shape, columns=columns, any_rank=False)


def as_array(tensor: Any) -> _Array:
    """``tensor`` as the array that it is; of numbers that NumPy does not have, as the nearest that it has."""
    found = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return np.asarray(found.detach().numpy())

"""TorchScript programs, run by PyTorch on the processor."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import Signature

_Array = np.ndarray[Any, Any]


class TorchModel:
    """The program in ``file``, which was verified. It takes tensors of any shape and type: only it knows which."""

    takes_missing = False
    probabilities = ""
    classes: tuple[str, ...] = ()

    def __init__(self, file: Path, declared: Signature, threads: int) -> None:
        torch.set_num_threads(threads)
        try:
            self._program = torch.jit.load(str(file), map_location="cpu").eval()
        except (RuntimeError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())[:300]
            raise CannotStart(f"The PyTorch program cannot be loaded: {reason}") from error
        inputs = tuple(replace(spec, any_type=spec.any_rank) for spec in declared.inputs)
        self.signature = Signature(inputs, declared.outputs, by_tensor=True)
        self.label = declared.outputs[0].name

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``. Raises ``Refusal`` for tensors that an operator of the program does not take."""
        try:
            given = [torch.from_numpy(np.ascontiguousarray(inputs[spec.name])) for spec in self.signature.inputs]
            with torch.inference_mode():
                found = self._program(*given)
        except (RuntimeError, TypeError) as error:  # texts are no tensors to PyTorch
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            raise Refusal(f"The model does not take these inputs: {lines[-1][:300]}", status=422) from None
        outputs = list(found) if isinstance(found, tuple) else [found]
        answers = zip(self.signature.outputs, outputs, strict=True)
        return {spec.name: _plain(one) for spec, one in answers if spec.name in wanted}


def _plain(tensor: Any) -> _Array:
    """``tensor`` as the array that it is; of numbers that NumPy does not have, as the nearest that it has."""
    found = tensor.float() if tensor.dtype == torch.bfloat16 else tensor
    return np.asarray(found.detach().numpy())

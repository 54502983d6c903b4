"""Exported programs, run by the PyTorch that wrote them, on the processor."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch._higher_order_ops.wrap  # else PyTorch 2.6 does not find the operator that torch.no_grad() becomes
from torch.utils import _pytree

from kronkers_studio.serving.frameworks.torch_files.torch_model import as_array
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import Signature

_Array = np.ndarray[Any, Any]


class ExportedModel:
    """The program in ``file``, which was looked at when it was packaged, and verified. What it takes is what its file
    says; lengths that it was not exported for are refused by its own guards."""

    takes_missing = False
    probabilities = ""
    classes: tuple[str, ...] = ()

    def __init__(self, file: Path, declared: Signature, threads: int) -> None:
        torch.set_num_threads(threads)
        _name_folders(file.parent)
        try:
            exported = torch.export.load(str(file))
            self._program, self._takes = exported.module(), exported.call_spec.in_spec
        except Exception as error:  # what it raises shares no class
            reason = " ".join(str(error).split())[:300]
            raise CannotStart(f"The exported PyTorch program cannot be loaded: {reason}") from error
        self.signature = Signature(declared.inputs, declared.outputs, by_tensor=True)
        self.label = declared.outputs[0].name

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``. Raises ``Refusal`` for lengths that the program was not exported for."""
        try:
            given = [torch.from_numpy(np.ascontiguousarray(inputs[spec.name])) for spec in self.signature.inputs]
            places, names = _pytree.tree_unflatten(given, self._takes)
            with torch.inference_mode():
                found = self._program(*places, **names)
        except (RuntimeError, TypeError, ValueError, AssertionError) as error:  # guards assert
            lines = [line.strip() for line in str(error).splitlines() if line.strip()] or ["of other lengths"]
            raise Refusal(f"The model does not take these inputs: {lines[0][:300]}", status=422) from None
        answers = zip(self.signature.outputs, _pytree.tree_leaves(found), strict=True)
        return {spec.name: as_array(one) for spec, one in answers if spec.name in wanted}


def _name_folders(folder: Path) -> None:
    """Give PyTorch ``folder`` for the ones that it wants to know of as soon as it loads a program: its compiler's, and
    one for temporary files, which a service on a person's computer does not have. Nothing is compiled, so that nothing
    is written there."""
    os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder)
    try:
        tempfile.gettempdir()
    except FileNotFoundError:
        tempfile.tempdir = str(folder)

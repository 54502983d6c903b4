"""Weights of PyTorch in the form of safetensors, put into the class that the package names."""

from __future__ import annotations

import importlib
import json
import math
from typing import Any, BinaryIO

import torch

from kronkers_studio.serving.frameworks.torch_files.torch_model import TorchModel
from kronkers_studio.serving.manifest import Manifest
from kronkers_studio.serving.problems import CannotStart

_TYPES = {
    **{"F64": torch.float64, "F32": torch.float32, "F16": torch.float16, "BF16": torch.bfloat16},
    **{"I64": torch.int64, "I32": torch.int32, "I16": torch.int16, "I8": torch.int8, "U8": torch.uint8},
    **{"BOOL": torch.bool, "C64": torch.complex64},
}


def load_weights_model(stream: BinaryIO, manifest: Manifest, threads: int) -> TorchModel:
    """The model of the weights in ``stream``, which were verified, as is the code that may be imported. Raises
    ``CannotStart`` for a class that is not there or cannot be made, and for weights that are not all of its own."""
    if len(manifest.allowed_globals) != 1:
        raise CannotStart("The package does not name one class for its weights; package the model again.")
    torch.set_num_threads(threads)
    (called,) = manifest.allowed_globals
    program = _made(called)
    try:
        program.load_state_dict(_weights(stream), strict=True)
    except (RuntimeError, KeyError, ValueError) as error:
        reason = " ".join(str(error).split())[:500]
        raise CannotStart(f"The weights are not those of {called}: {reason}") from error
    return TorchModel(program.eval(), manifest.signature)


def _made(called: str) -> Any:
    """An object of the class ``called``. Whatever its own code raises keeps the service from starting."""
    module, _, name = called.rpartition(".")
    try:
        made = getattr(importlib.import_module(module), name)()
    except Exception as error:
        reason = " ".join(str(error).split())[:300]
        raise CannotStart(f"{called} cannot be made: {type(error).__name__}: {reason}") from error
    if not isinstance(made, torch.nn.Module):
        raise CannotStart(f"{called} is no torch.nn.Module.")
    return made


def _weights(stream: BinaryIO) -> dict[str, Any]:
    """https://github.com/huggingface/safetensors: the length of a header, the header as JSON, the numbers."""
    content = bytearray(stream.read())  # PyTorch wants memory that could be written to
    start = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:start])
    header.pop("__metadata__", None)
    return {name: _tensor(one, content, start) for name, one in header.items()}


def _tensor(described: dict[str, Any], content: bytearray, start: int) -> Any:
    shape, datatype = described["shape"], _TYPES[described["dtype"]]
    count = math.prod(shape)
    if not count:
        return torch.empty(shape, dtype=datatype)
    begin = start + described["data_offsets"][0]
    return torch.frombuffer(content, dtype=datatype, count=count, offset=begin).reshape(shape)

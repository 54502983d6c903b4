"""What PyTorch says of an exported program: JSON, of which every part that it would look up, run or import is looked at
first, wherever it lies in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.packaging.byte_reader import Damaged
from kronkers_studio.packaging.model_files.torch_files.exported_changes import require_unchanged
from kronkers_studio.packaging.model_files.torch_files.exported_code import (
    require_guard,
    require_length,
    require_name,
    require_operator,
    require_path,
)

SCHEMA: Final = 8
"""The only major version of the form, from PyTorch 2.4 on."""
_DATATYPES: Final[Mapping[int, Datatype]] = {
    **{1: Datatype.UINT8, 2: Datatype.INT8, 3: Datatype.INT16, 4: Datatype.INT32, 5: Datatype.INT64, 6: Datatype.FP16},
    **{7: Datatype.FP32, 8: Datatype.FP64, 12: Datatype.BOOL, 28: Datatype.UINT16, 34: Datatype.UINT32},
    **{35: Datatype.UINT64},
}
_BFLOAT16: Final = 13
_CONTAINERS: Final = (None, "builtins.tuple", "builtins.list", "builtins.dict")
_NAMES_OF: Final = ("tensor_values", "sym_int_values", "sym_bool_values", "sym_float_values", "range_constraints")
_PARTS: Final = ("fqn", "parameter_name", "buffer_name", "tensor_constant_name", "user_input_name")
_REFUSED: Final = {
    **dict.fromkeys(("as_custom_obj", "custom_obj", "class_fqn"), "objects of own classes"),
    **dict.fromkeys(("token", "as_string_to_argument"), "what no model needs"),
}
_VERIFIER: Final = re.compile(r"[A-Z_]{1,40}")
_NO_BOUND: Final = 1 << 31
_ANY: Final = 2
"""A least length up to this means any: PyTorch looks into lengths of 0 and 1 apart, and takes them all the same."""


@dataclass(frozen=True, slots=True)
class Program:
    """``bounds`` are sentences on the lengths that an axis may have."""

    torch_version: str
    signature: Signature
    bounds: tuple[str, ...]


def read_program(document: bytes) -> Program:
    """The program that ``document`` describes. Raises ``Damaged`` for what would run as Python, and for what cannot be
    asked with tensors alone."""
    try:
        found = json.loads(document.decode("utf-8"))
        _require_plain(found)
        if found["schema_version"]["major"] != SCHEMA:
            raise Damaged("it is of a form that PyTorch 2.4 to 2.14 do not write: export it again with one of these")
        return _program(found)
    except (UnicodeDecodeError, RecursionError, KeyError, TypeError, AttributeError, IndexError, ValueError):
        raise Damaged("its description is not what PyTorch writes") from None


def _require_plain(found: Any) -> None:
    waiting = [found]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            if part.get("name") in ("training", "train") and part.get("arg") == {"as_bool": True}:
                raise Damaged("it was exported in training: export it after model.eval()")
            for key, value in part.items():
                if value is None:
                    continue
                if key in _REFUSED:
                    raise Damaged(f"it holds {_REFUSED[key]}: not supported yet")
                check = _CHECKS.get(key)
                if check is not None and not (key == "name" and value == "" and "arg" in part):  # in its place
                    check(value)
                if key in _NAMES_OF:
                    waiting += value.values()  # a value may be called “target”
                elif key != "metadata":
                    waiting.append(value)
        elif isinstance(part, list):
            waiting += part


def _each(check: Callable[[Any], Any]) -> Callable[[Any], None]:
    def checked(values: Any) -> None:
        for value in values:
            check(value)

    return checked


def _require_processor(device: Any) -> None:
    if device["type"] != "cpu":
        raise Damaged("it was exported for a graphics card: move the model to the processor and export it again")


def _require_texts(metadata: Any) -> None:
    if not all(isinstance(text, str) for text in metadata.values()):
        raise Damaged("what it says of its source is no text")


def _require_verifier(name: Any) -> None:
    if not _VERIFIER.fullmatch(name):
        raise Damaged("it was checked by what is no part of PyTorch")


def _require_no_fields(fields: Any) -> None:
    if fields:
        raise Damaged("it takes or gives named tuples: not supported yet")


def _tree(spec: str) -> dict[str, Any]:
    """How arguments and answers are held: in tuples, lists and dictionaries of Python's, and nothing else."""
    protocol, root = json.loads(spec)
    waiting = [root]
    while waiting:
        part = waiting.pop()
        if part["type"] not in _CONTAINERS or protocol != 1:
            raise Damaged("what it takes or gives is held by a class of its own: not supported yet")
        waiting += part["children_spec"]
    return root  # type: ignore[no-any-return]


_CHECKS: Final[Mapping[str, Callable[[Any], Any]]] = {
    **dict.fromkeys(("target", "as_operator"), require_operator),
    **dict.fromkeys(("name", "as_name"), require_name),
    **dict.fromkeys(_NAMES_OF, _each(require_name)),
    "range_constraints": _each(require_length),
    **dict.fromkeys(_PARTS, require_path),
    **dict.fromkeys(("device", "as_device"), _require_processor),
    **dict.fromkeys(("in_spec", "out_spec"), _tree),
    "expr_str": require_length,
    "guards_code": _each(require_guard),
    "forward_arg_names": _each(require_name),
    "metadata": _require_texts,
    "verifiers": _each(_require_verifier),
    "treespec_namedtuple_fields": _require_no_fields,
}


def _program(found: Mapping[str, Any]) -> Program:
    module = found["graph_module"]
    values, signature = module["graph"]["tensor_values"], module["signature"]
    call = next(entry["signature"] for entry in module["module_call_graph"] if entry["fqn"] == "")
    given = [_user(spec, "user_input") for spec in signature["input_specs"] if _kind(spec) not in _LIFTED]
    _require_arguments(_tree(call["in_spec"]), len(given))
    lifted = [spec[kind]["arg"]["name"] for spec in signature["input_specs"] if (kind := _kind(spec)) in _LIFTED]
    require_unchanged(module["graph"], lifted)
    answers = [_user(spec, "user_output") for spec in signature["output_specs"]]
    names = _answer_names(_tree(call["out_spec"]), len(answers))
    inputs = tuple(_tensor(name, values[name]) for name in given)
    outputs = tuple(_tensor(called, values[name]) for called, name in zip(names, answers, strict=True))
    if any(values[name]["dtype"] == _BFLOAT16 for name in given):
        raise Damaged("it takes numbers of the type bfloat16, which has no name in the protocol")
    if len(set(given)) != len(given):
        raise Damaged("it has two inputs of one name")
    ranges = found["range_constraints"]
    bounds = [sentence for name in given for sentence in _bounds(name, values[name]["sizes"], ranges)]
    return Program(str(found.get("torch_version", "")), Signature(inputs, outputs), tuple(bounds))


def _require_arguments(takes: Mapping[str, Any], count: int) -> None:
    """Arguments, by place and by name, that ``count`` tensors fill; PyTorch writes names into code."""
    places, names = takes["children_spec"]
    if (takes["type"], places["type"], names["type"]) != ("builtins.tuple", "builtins.tuple", "builtins.dict"):
        raise Damaged("it takes something else than arguments")
    leaves, waiting = 0, [takes]
    while waiting:
        part = waiting.pop()
        leaves += part["type"] is None
        waiting += part["children_spec"]
        if part["type"] == "builtins.dict":
            keys = json.loads(part["context"])
            if not isinstance(keys, list) or len(keys) != len(part["children_spec"]):
                raise Damaged("it takes something else than arguments")
            for key in keys:
                require_name(key)
    if not count or leaves != count:
        raise Damaged("it takes something else than tensors: not supported yet")


_LIFTED: Final = ("parameter", "buffer", "tensor_constant")


def _kind(spec: Mapping[str, Any]) -> str:
    (kind,) = spec
    return kind


def _user(spec: Mapping[str, Any], wanted: str) -> str:
    kind = _kind(spec)
    if kind in ("buffer_mutation", "parameter_mutation", "user_input_mutation"):
        raise Damaged("it changes its own weights while it answers: export it after model.eval()")
    if kind != wanted or "as_tensor" not in spec[kind]["arg"]:
        raise Damaged("it takes or gives something else than tensors: not supported yet")
    return str(spec[kind]["arg"]["as_tensor"]["name"])


def _answer_names(tree: Mapping[str, Any], count: int) -> list[str]:
    if tree["type"] is None:
        return ["output"]
    keys = json.loads(tree["context"]) if tree["type"] == "builtins.dict" else None
    if isinstance(keys, list) and len(keys) == len(set(map(str, keys))) == count:
        return [str(key)[:200] for key in keys]
    return [f"output_{place}" for place in range(count)]


def _tensor(name: str, value: Mapping[str, Any]) -> Tensor:
    datatype = Datatype.FP32 if value["dtype"] == _BFLOAT16 else _DATATYPES.get(value["dtype"])
    if datatype is None:
        raise Damaged(f"“{name}” is of numbers that have no name in the protocol")
    return Tensor(name, datatype, tuple(_length(size) for size in value["sizes"]))


def _length(size: Mapping[str, Any]) -> int:
    if "as_expr" in size:
        return -1
    length = size["as_int"]
    if type(length) is not int or not 0 <= length < _NO_BOUND:
        raise Damaged("it has a tensor of an impossible length")
    return length


def _bounds(name: str, sizes: list[Any], ranges: Mapping[str, Any]) -> list[str]:
    found = []
    for axis, size in enumerate(sizes):
        symbol = require_length(size["as_expr"]["expr_str"]) if "as_expr" in size else ""
        bound = ranges.get(symbol) or {}
        least, most = bound.get("min_val") or 0, bound.get("max_val")
        if not isinstance(least, int) or not isinstance(most, int | None):
            raise Damaged("its lengths have bounds that are no numbers")
        bounded = most is not None and most < _NO_BOUND
        if bounded and least > _ANY:
            found.append(f"The input “{name}” takes {least} to {most} along axis {axis}.")
        elif bounded:
            found.append(f"The input “{name}” takes at most {most} along axis {axis}.")
        elif least > _ANY:
            found.append(f"The input “{name}” takes at least {least} along axis {axis}.")
    return found

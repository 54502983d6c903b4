"""The code of a TorchScript program: nearly Python's own language, read as such and never run.

A module of PyTorch's (torch, ops.aten) is only ever the beginning of an operator's name: kept in a variable or given to
getattr, as PyTorch allows, it would hide which operator is called.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.model_files.torch_files.listed_operators import ATEN, PRIM

_OPERATORS: Final = {"aten": ATEN, "prim": PRIM}
_BUILT_IN: Final = frozenset(
    {
        *("annotate", "unchecked_cast", "uninitialized", "isinstance", "getattr", "range", "int", "float", "bool"),
        *("complex", "str", "len", "print", "device"),
    }
)
"""What such code calls without saying where it is from."""
_CONTROL: Final = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")
"""Signs but for the end of a line. At a carriage return a comment ends for Python, and goes on for PyTorch."""
_MODULES: Final = frozenset({"torch", "ops", "__torch__"})
_STATEMENTS: Final = (
    *(ast.ClassDef, ast.FunctionDef, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Return, ast.If, ast.For, ast.While),
    *(ast.Expr, ast.Pass, ast.Break, ast.Continue, ast.Assert, ast.Raise),
)


def parsed(name: str, code: bytes) -> ast.Module:
    """The program's ``code``, of the file ``name``, when it calls nothing but listed operators and its own functions.
    Raises ``UnsupportedModel``."""
    if _CONTROL.search(code):
        raise _refused(name, "holds code with signs that PyTorch never writes")
    try:
        tree = ast.parse(code.decode("utf-8"))  # as a text: PyTorch, too, heeds no line that names an encoding
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise _refused(name, "holds code of no known form, as of programs that call back into Python") from None
    named: dict[tuple[str, ...], None] = {}
    own: set[str] = set()
    beginnings: set[int] = set()
    for node in ast.walk(tree):  # what is outside comes first
        if isinstance(node, ast.stmt) and not isinstance(node, _STATEMENTS):
            raise _refused(name, f"holds a statement that no such program has ({type(node).__name__})")
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            own.add(node.id)
        named.update(dict.fromkeys(_named(node, beginnings)))
    for called in named:
        _require_listed(name, called, own)
    return tree


def _named(node: ast.AST, beginnings: set[int]) -> Iterator[tuple[str, ...]]:
    """What ``node`` is when it is a name with dots, as its parts and as long as it is, one that is called without any,
    or a module that stands alone."""
    if isinstance(node, ast.Attribute) and id(node) not in beginnings:
        parts = _parts(node, beginnings)
        if parts:
            yield parts
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
        yield (node.func.id,)
    elif isinstance(node, ast.Name) and node.id in _MODULES and id(node) not in beginnings:
        yield (node.id,)


def _parts(node: ast.Attribute, beginnings: set[int]) -> tuple[str, ...]:
    """The parts of a name such as ``ops.prim.min``; () for an attribute of a value. Adds the nodes of its beginnings to
    ``beginnings``."""
    parts: list[str] = []
    at: ast.expr = node
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
        beginnings.add(id(at))
    return (at.id, *reversed(parts)) if isinstance(at, ast.Name) else ()


def _require_listed(name: str, parts: tuple[str, ...], own: set[str]) -> None:
    called = ".".join(parts)
    match parts:
        case ("torch", operator):
            listed = operator in ATEN
        case ("torch", *_):
            listed = False
        case ("ops", space, operator):
            if space not in _OPERATORS:
                raise UnsupportedModel(
                    f"{name} calls {_shown(called)}, an operator of another library: not supported yet. It would need "
                    "that library in the service.",
                    next_step="Export it to ONNX where it was trained: torch.onnx.export(model, example, file).",
                )
            listed = operator in _OPERATORS[space]
        case ("ops", *_):
            listed = False
        case ("__torch__",) | ("__torch__", "torch"):
            listed = False
        case ("__torch__", "torch", "classes", *_):
            listed = parts[3:4] == ("quantized",) and len(parts) > 4  # the class, too
        case (alone,):
            listed = alone in _BUILT_IN or alone in own
        case _:
            listed = True
    if not listed:
        raise _refused(name, f"calls {_shown(called)}, which no model needs")


def _refused(name: str, what: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{name} is refused: it {what}.",
        next_step="Ask where the file comes from; of your own, export it to ONNX where it was trained.",
    )


def _shown(called: str) -> str:
    return f"“{printable(called[:100])}”"

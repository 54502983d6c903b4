"""The parts of an exported program's description that PyTorch would run as Python: expressions of lengths, guards, the
names of operators and of values. Each must have the plain form that PyTorch writes."""

from __future__ import annotations

import ast
import re
from typing import Any, Final

from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.byte_reader import Damaged
from kronkers_studio.packaging.model_files.torch_files.listed_operators import ATEN

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,199}")
_PATH: Final = re.compile(r"(?:(?!__)[A-Za-z0-9_]+(?:\.(?!__)[A-Za-z0-9_]+)*)?")
_SYMBOL: Final = re.compile(r"(?:s|u|zf|zuf)[0-9]{1,9}")
_ATEN: Final = re.compile(r"torch\.ops\.aten\.([A-Za-z0-9_]+)\.([A-Za-z0-9][A-Za-z0-9_]*)")
_MODES: Final = frozenset(
    f"torch.ops.higher_order.{name}" for name in ("wrap_with_set_grad_enabled", "wrap_with_autocast")
)
"""Parts of a program that run in a mode: ``torch.no_grad()``. What is in them is looked at like the rest."""
_PLAIN: Final = frozenset(
    {
        *(f"_operator.{name}" for name in ("add", "sub", "mul", "floordiv", "truediv", "mod", "neg", "pow", "getitem")),
        *(f"_operator.{name}" for name in ("eq", "ne", "lt", "le", "gt", "ge", "and_", "or_", "pos")),
        *(f"math.{name}" for name in ("ceil", "floor", "trunc", "sqrt")),
        *(f"torch.sym_{name}" for name in ("int", "float", "max", "min", "not", "ite", "sum")),
    }
)
_LONGEST: Final = 2000
_FUNCTIONS: Final = frozenset(
    {
        *("Symbol", "Integer", "Float", "Rational", "Add", "Mul", "Pow", "Mod", "Max", "Min", "max", "min", "true"),
        *("false", "Eq", "Ne", "Lt", "Le", "Gt", "Ge", "And", "Or", "Not", "Equality", "Unequality", "LessThan"),
        *("StrictLessThan", "GreaterThan", "StrictGreaterThan", "FloorDiv", "ModularIndexing", "Where", "PythonMod"),
        *("CleanDiv", "CeilToInt", "FloorToInt", "CeilDiv", "LShift", "RShift", "PowByNatural", "FloatTrueDiv"),
        *("IntTrueDiv", "TruncToFloat", "TruncToInt", "RoundToInt", "ToFloat", "Identity"),
    }
)
_POWERS: Final = frozenset({"Pow", "PowByNatural", "LShift"})
_HIGHEST: Final = 64
_KEYWORDS: Final = frozenset(
    {"positive", "integer", "nonnegative", "real", "finite", "negative", "evaluate", "precision"}
)
_OF_TENSORS: Final = frozenset({"size", "stride", "storage_offset", "dim", "ndim", "shape", "ceil", "floor", "trunc"})
_NODES: Final = (
    *(ast.Expression, ast.Compare, ast.BoolOp, ast.UnaryOp, ast.BinOp, ast.Call, ast.Subscript, ast.Name),
    *(ast.Constant, ast.Load, ast.keyword, ast.Attribute, ast.cmpop, ast.boolop, ast.unaryop),
    *(ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Div, ast.Mod),
)


def require_name(name: Any) -> str:
    """``name`` when a program can call a value so. Raises ``Damaged``, as all here."""
    if isinstance(name, str) and _NAME.fullmatch(name):
        return name
    raise Damaged(f"it calls a value “{_shown(name)}”, which is no name")


def require_path(path: Any) -> None:
    """A name with dots, as parameters and parts of a model have."""
    if not (isinstance(path, str) and _PATH.fullmatch(path)):
        raise Damaged(f"it calls a part “{_shown(path)}”, which is no name")


def require_operator(target: Any) -> None:
    """One of PyTorch's own that no model is harmed by."""
    if isinstance(target, str) and target in _MODES:
        return
    if isinstance(target, str) and target.startswith("torch.ops.higher_order."):
        called = _shown(target.rpartition(".")[2])
        raise Damaged(f"it has a part that runs under a condition or over and over (“{called}”): not supported yet")
    of_aten = _ATEN.fullmatch(target) if isinstance(target, str) else None
    if target not in _PLAIN and (of_aten is None or of_aten[1] not in ATEN):
        raise Damaged(f"it calls “{_shown(target)}”, which is on no list of what a model needs")


def require_length(expression: Any) -> str:
    """An expression of lengths, "Mul(Integer(3), Symbol('s0'))": the one symbol that it is, or ""."""
    tree = _plain(expression, {*_FUNCTIONS}, attributes=False)
    match tree.body:
        case ast.Name(id=name) if _SYMBOL.fullmatch(name):
            return name
        case ast.Call(func=ast.Name(id="Symbol"), args=[ast.Constant(value=str(name))]):
            return name
    return ""


def require_guard(guard: Any) -> None:
    """A condition of the inputs' lengths, "L['x'].size()[0] <= 64"."""
    _plain(guard, {*_FUNCTIONS, "L", "math"}, attributes=True)


def _plain(text: Any, names: set[str], *, attributes: bool) -> ast.Expression:
    if not isinstance(text, str) or len(text) > _LONGEST or re.search(r"[^ -~]|[#\\{}`]", text):
        raise Damaged("it holds an expression of no known form")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise Damaged("it holds an expression of no known form") from None
    for node in ast.walk(tree):
        if not (_is_plain(node, names, attributes=attributes) and _ends_soon(node)):
            raise Damaged(f"it holds the expression “{_shown(text)}”, which is more than lengths")
    return tree


def _is_plain(node: ast.AST, names: set[str], *, attributes: bool) -> bool:
    match node:
        case ast.Name(id=name):
            plain = name in names or _SYMBOL.fullmatch(name) is not None
        case ast.Attribute(attr=name):
            plain = attributes and name in _OF_TENSORS
        case ast.Call(func=called):
            plain = isinstance(called, ast.Name | ast.Attribute)
        case ast.keyword(arg=name):
            plain = name in _KEYWORDS
        case ast.Constant(value=str(text)):
            plain = _NAME.fullmatch(text) is not None
        case ast.Constant(value=value):
            plain = isinstance(value, bool | int | float) and abs(value) <= 1 << 63
        case _:
            plain = isinstance(node, _NODES)
    return plain


def _ends_soon(node: ast.AST) -> bool:
    """Whether ``node`` is no power, or one that is worked out at once: powers of powers could take all time."""
    match node:
        case ast.Call(func=ast.Name(id=name), args=[base, exponent]) if name in _POWERS:
            parts = list(ast.walk(exponent))
            numbers = [part.value for part in parts if isinstance(part, ast.Constant)]
            called = {part.id for part in parts if isinstance(part, ast.Name)}
            powers = sum(isinstance(part, ast.Name) and part.id in _POWERS for part in ast.walk(base))
            return (
                called <= {"Integer", "Rational", "Float"}
                and not any(isinstance(part, ast.BinOp) for part in parts)
                and all(isinstance(number, int | float) and abs(number) <= _HIGHEST for number in numbers)
                and powers <= 1
            )
        case ast.Call(func=ast.Name(id=name)):
            return name not in _POWERS
    return True


def _shown(text: Any) -> str:
    return printable(str(text)[:100])

"""String literals of the window's code that people would see or hear without ``tr``.

A literal that reads as words, a capital letter first or several words, is one wherever it stands, unless what it is can
be told from where that is. A single small word may be a key or an icon as well: it is one where it is given to
something that shows it or reads it out, which is found by how a parameter is called or used in the window's own code.
"""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

_READS_AS_WORDS = re.compile(r"[^\W\d_]{2,}[ ,…]+[^\W\d_]|^\W*[A-Z][a-z]+(\W|$)")
_DATE_FORMAT = re.compile(r"[dMyHhms :.-]+")
_SHORTCUT = re.compile(r"(Ctrl|Alt|Shift)\+\w*")
_WORDY = {
    "action", "caption", "figure", "heading", "help_text", "hint", "message", "next_step", "placeholder", "sentence",
    "text", "title", "words",
}  # fmt: skip
"""Parameters that are called so are shown, in every function and class of the window."""
_CODE = {"colour", "icon", "key", "kind", "role", "shortcut"}
"""Parameters that are called so are never shown."""
_SHOWN_BY_QT = {
    "QAction": 0, "QCheckBox": 0, "QLabel": 0, "QPushButton": 0, "addAction": 0, "addItem": 0,
    "setAccessibleDescription": 0, "setAccessibleName": 0, "setPlaceholderText": 0, "setText": 0, "setToolTip": 0,
    "setWindowTitle": 0,
}  # fmt: skip


class Source:
    """The modules of the window, and what of their functions and classes is shown."""

    def __init__(self, files: Sequence[Path]) -> None:
        self._trees = {file: ast.parse(file.read_text(encoding="utf-8")) for file in files}
        self._shown: dict[str, dict[str, int]] = {}  # callable to parameter and its position
        for file, tree in self._trees.items():
            for name, parameters, body in _callables(tree):
                used = {parameter for parameter in parameters if _is_given_to_qt(parameter, body)}
                shown = {each: at for at, each in enumerate(parameters) if each in _WORDY | used and each not in _CODE}
                self._shown.setdefault(_known_as(name, file), {}).update(shown)

    def untold_parameters(self, room: str) -> list[str]:
        """Parameters of text, of the classes in ``room``, of which it is not known whether they are shown."""
        return [
            f"{name}.{parameter}"
            for file, tree in self._trees.items()
            if file.parent.name == room
            for name, parameters, _body in _callables(tree, classes_only=True)
            for parameter, is_text in parameters.items()
            if is_text and parameter not in self._shown[_known_as(name, file)] and parameter not in _CODE
        ]

    def plain_words(self) -> list[tuple[str, str]]:
        """What people would see or hear without ``tr``: (words, where they stand)."""
        return [
            (str(literal.value), f"{file.name}:{literal.lineno}")
            for file, tree in self._trees.items()
            for literal in dict.fromkeys([*_words_of(tree), *self._given(file, tree)])
            if id(literal) not in _told_otherwise(tree)
        ]

    def _given(self, file: Path, tree: ast.AST) -> Iterator[ast.Constant]:
        """Literals with letters that are given to something that shows them."""
        for call in ast.walk(tree):
            if isinstance(call, ast.Call) and (name := _name_of(call)) != "tr":
                at = self._shown.get(_known_as(name, file), {})
                shown = [argument for place, argument in enumerate(call.args) if place in at.values()]
                shown += [keyword.value for keyword in call.keywords if keyword.arg in at]
                if name in _SHOWN_BY_QT:
                    shown += call.args[_SHOWN_BY_QT[name] :][:1]
                literals = (literal for argument in shown for literal in _literals(argument))
                yield from (literal for literal in literals if any(letter.isalpha() for letter in str(literal.value)))


def _callables(tree: ast.AST, *, classes_only: bool = False) -> Iterator[tuple[str, dict[str, bool], list[ast.stmt]]]:
    """(name, parameters in order and whether they are text, body) of each class and function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            fields = {
                part.target.id: _is_text(part.annotation)
                for part in node.body
                if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
            }
            if any("dataclass" in ast.unparse(decorator) for decorator in node.decorator_list):
                yield node.name, fields, []
            for part in node.body:
                if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                    yield node.name, _parameters(part), part.body
        elif isinstance(node, ast.FunctionDef) and node.name != "__init__" and not classes_only:
            yield node.name, _parameters(node), node.body


def _parameters(node: ast.FunctionDef) -> dict[str, bool]:
    every = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
    return {each.arg: _is_text(each.annotation) for each in every if each.arg != "self"}


def _is_text(annotation: ast.expr | None) -> bool:
    return annotation is not None and ast.unparse(annotation) in ("str", "str | None", "Callable[[], str]")


def _is_given_to_qt(parameter: str, body: list[ast.stmt]) -> bool:
    calls = [node for part in body for node in ast.walk(part) if isinstance(node, ast.Call)]
    return any(
        _is_as_it_was(argument, parameter)
        for call in calls
        if _name_of(call) in _SHOWN_BY_QT
        for argument in call.args[_SHOWN_BY_QT[_name_of(call)] :][:1]
    )


def _is_as_it_was(node: ast.expr, parameter: str) -> bool:
    match node:
        case ast.Name(id=name):
            return name == parameter
        case ast.BoolOp(values=values):
            return any(_is_as_it_was(value, parameter) for value in values)
        case ast.Call(args=[argument]) if _name_of(node) == "printable":
            return _is_as_it_was(argument, parameter)
    return False


def _known_as(name: str, file: Path) -> str:
    """Private names mean something in their own module only."""
    return f"{file}:{name}" if name.startswith("_") else name


def _words_of(tree: ast.Module) -> Iterator[ast.Constant]:
    """Literals that read as words."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            code = _DATE_FORMAT.fullmatch(node.value) or _SHORTCUT.fullmatch(node.value)
            if _READS_AS_WORDS.search(node.value) and not code:
                yield node


@functools.cache
def _told_otherwise(tree: ast.Module) -> frozenset[int]:
    """The identities of what is not shown, or is translated."""
    return frozenset(id(inner) for node in ast.walk(tree) for outer in _told(node) for inner in ast.walk(outer))


def _told(node: ast.AST) -> Iterator[ast.AST]:
    """What of ``node`` is translated, or is never shown: docstrings, types, what is raised at programmers, and the
    titles of tasks that no list shows."""
    match node:
        case ast.Expr(value=ast.Constant()):
            yield node
        case ast.Call() if _name_of(node) in ("tr", "TypeVar", "cast"):
            yield node
        case ast.Call() if _name_of(node) == "run" and any(
            keyword.arg == "shown" and isinstance(keyword.value, ast.Constant) and keyword.value.value is False
            for keyword in node.keywords
        ):
            yield node.args[0]
        case ast.Raise(exc=ast.Call(func=ast.Name(id="RuntimeError" | "ValueError" | "TypeError"))):
            yield node
    for field in ("annotation", "returns"):
        if isinstance(annotation := getattr(node, field, None), ast.AST):
            yield annotation


def _name_of(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _literals(node: ast.AST) -> Iterator[ast.Constant]:
    """Bare strings of ``node`` itself: not those inside calls, whose own arguments are looked at by themselves."""
    if isinstance(node, ast.Constant):
        if isinstance(node.value, str):
            yield node
    elif isinstance(node, ast.IfExp):
        yield from (*_literals(node.body), *_literals(node.orelse))
    elif isinstance(node, ast.JoinedStr | ast.BinOp | ast.BoolOp | ast.Tuple):
        for child in ast.iter_child_nodes(node):
            yield from _literals(child)

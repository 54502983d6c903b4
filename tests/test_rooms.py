"""What documents, docstrings and comments name is there, and what lies in a room is named by it."""

from __future__ import annotations

import ast
import functools
import io
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest

_TOP = Path(__file__).parents[1]
_ROOM = _TOP / "kronkers_studio"
_SOURCES = [
    *sorted(_ROOM.rglob("*.py")),
    *sorted((_TOP / "tests").rglob("*.py")),
    *sorted((_TOP / "benchmarks").glob("*.py")),  # not .cache, where other people's programs are
    *sorted((_TOP / "benchmarks" / "services").rglob("*.py")),
]
_DOCUMENTS = [_TOP / "README.md", _TOP / "CONTRIBUTING.md", *sorted((_TOP / "docs").rglob("*.md"))]  # no history
_FILE = re.compile(r"(?<![\w./{*-])(?:[\w-]+/)*[\w-]+\.py(?!\w)")
_DECISION = re.compile(r"decisions/(\d{4})")
_DOTTED = re.compile(r"`(\w+(?:\.\w+)+)(?:\(\))?`")
_ROW = re.compile(r"^(?:``)?([a-z_0-9]+(?:, [a-z_0-9]+)*)(?:``)? {2,}\S", re.MULTILINE)
_OF_OTHERS = {"sitecustomize.py", "http.client"}
"""Files and modules of other programs, and of Python."""


def _docstrings_and_comments(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield node.value.value
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.string


def _texts() -> Iterator[tuple[Path, str]]:
    for file in _SOURCES:
        for text in _docstrings_and_comments(file.read_text(encoding="utf-8")):
            yield file, text
    for file in _DOCUMENTS:
        yield file, file.read_text(encoding="utf-8")


@functools.cache
def _files() -> str:
    """Every file's path, a line each, after a slash."""
    every = [*_SOURCES, *_DOCUMENTS, *_TOP.glob("*.py"), *_TOP.glob("resources/templates/**/*.py")]
    return "".join(f"/{file.relative_to(_TOP).as_posix()}\n" for file in every)


@functools.cache
def _modules() -> dict[str, Path]:
    """Every module of the program by its dotted name."""
    found = {}
    for file in _ROOM.rglob("*.py"):
        parts = file.relative_to(_TOP).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = file
    return found


@functools.cache
def _begins_like_a_module(first: str) -> bool:
    """Whether ``first`` is the name of a room, as in "registry.trees.tree_format" and "kronkers_studio.cli"."""
    return any(name.rpartition(".")[2] == first for name in _rooms())


@functools.cache
def _is_there(name: str) -> bool:
    """Whether there is a module of that name, or one with such a thing in it."""
    parts = name.split(".")
    for length in range(len(parts), 0, -1):
        beginning = ".".join(parts[:length])
        if found := [file for module, file in _modules().items() if f".{module}".endswith(f".{beginning}")]:
            return any({*parts[length:]} <= _defined_in(file) for file in found)
    return False


@functools.cache
def _defined_in(file: Path) -> set[str]:
    """The names of functions, classes, methods, and of what is assigned to."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
        elif isinstance(node, ast.alias):  # what a room gives out as its own
            names.add(node.asname or node.name)
    return names


def _missing(text: str) -> set[str]:
    """What ``text`` names that is not there."""
    missing = {name for name in _FILE.findall(text) if name not in _OF_OTHERS and f"/{name}\n" not in _files()}
    missing |= {f"decisions/{number}" for number in _DECISION.findall(text) if f"decisions/{number}-" not in _files()}
    dotted = {name for name in _DOTTED.findall(text) if not name.endswith((".db", ".json", ".py"))}
    dotted -= _OF_OTHERS
    return missing | {name for name in dotted if _begins_like_a_module(name.split(".")[0]) and not _is_there(name)}


def test_what_is_named_is_there() -> None:
    """Seen to fail with the names of four modules that had moved."""
    found = {f"{file.relative_to(_TOP).as_posix()}: {name}" for file, text in _texts() for name in _missing(text)}
    assert found == set()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        (
            "see ``registry.gone.module`` and `kronkers_studio.nowhere`",
            {"registry.gone.module", "kronkers_studio.nowhere"},
        ),
        ("``registry.search.file``", {"registry.search.file"}),
        ("see ``registry.trees.tree_format.nothing_of_it``", {"registry.trees.tree_format.nothing_of_it"}),
        ("``registry.trees.tree_format.decode_tree`` in `tree_format.py` (decisions/0001)", set()),
        (
            "`workflows/nothing.py`, nobody.py and docs/decisions/9999",
            {"workflows/nothing.py", "nobody.py", "decisions/9999"},
        ),
        ("`json.loads`, `tests/test_*.py`", set()),
    ],
)
def test_what_is_missing_is_found(text: str, missing: set[str]) -> None:
    assert _missing(text) == missing


def _rooms() -> list[str]:
    return sorted(name for name, file in _modules().items() if file.name == "__init__.py")


def _named_as(room: str) -> tuple[str, set[str], set[str]]:
    """A room's docstring, the first words of its table's rows, and the names of what lies in the room."""
    file = _modules()[room]
    docstring = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    rows = {name for names in _ROW.findall(docstring) for name in names.split(", ")}
    there = {name.rpartition(".")[2] for name in _modules() if name.rpartition(".")[0] == room}
    return docstring, rows, there - {"__main__"}


def _has_table(rows: set[str], there: set[str]) -> bool:
    """Whether the rows are modules; those of the domain are words."""
    return len(rows & there) * 2 > len(rows)


@pytest.mark.parametrize("room", _rooms())
def test_a_room_says_what_lies_in_it(room: str) -> None:
    """A sentence, or a table, which then has all of it. Seen to fail with a module that the table does not know, and
    with a row for one that is gone."""
    docstring, rows, there = _named_as(room)
    assert docstring.count(" ") > 3
    if _has_table(rows, there):
        assert rows - there == set()
        assert {name for name in there if not re.search(rf"\b{name}\b", docstring)} == set()


def test_the_rooms_with_tables_are_looked_at() -> None:
    with_tables = {room.removeprefix("kronkers_studio.") for room in _rooms() if _has_table(*_named_as(room)[1:])}
    assert {"cli", "desktop", "formats", "workflows", "workflows.migration"} <= with_tables

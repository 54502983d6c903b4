"""A person's own classes beside a model: the files of the project that define what its pickle names, and their imports.

The files are parsed, never run or imported. Modules are looked for as Python would: in the model's folder and in those
that it lies in, up to the project's top. Names of Python's own modules and of the libraries that every service has are
not looked for, so that no file can take their place.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import CodeFile, ModelFacts
from kronkers_studio.domain.naming import WINDOWS, folded, name_problem
from kronkers_studio.domain.paths import join
from kronkers_studio.packaging.model_files.pickles.allowances import LISTED_LIBRARIES, parsed, why_never

LARGEST_CODE_FILE: Final = 256 * 1024
"""Bytes of one file."""
_LIBRARIES: Final = LISTED_LIBRARIES | {"torch"}
_MOST_FILES: Final = 100
_MOST_BYTES: Final = 4 * 1024 * 1024
_MOST_FOLDERS: Final = 16
_MOST_LOOKS: Final = 20_000
_DEEPEST_MODULE: Final = 8

ReadCode = Callable[[str], bytes | None]
"""What the file at a path of the project holds; None when there is none, or one larger than ``LARGEST_CODE_FILE``."""


def find_own_code(unsafe: Sequence[str], folders: Sequence[str], read: ReadCode) -> tuple[CodeFile, ...]:
    """The files that define names among ``unsafe``, and those of the project that they import, by their names.

    ``folders`` are where modules are looked for, the model's own first. Raises ``UnsupportedModel`` for more code than
    can be looked into.
    """
    search = _Search(folders[:_MOST_FOLDERS], read)
    for name in unsafe:
        if not why_never(name):
            wanted = parsed(name)
            search.add_definition(wanted.module, wanted.name)
    search.follow_imports()
    return search.files()


def own_names(facts: ModelFacts) -> tuple[str, ...]:
    """Those of a model's unsafe names that its ``code`` defines."""
    modules = {file.module for file in facts.code}
    return tuple(name for name in facts.unsafe if not why_never(name) and parsed(name).module in modules)


def is_own_code(files: Sequence[CodeFile]) -> bool:
    """Whether ``files`` are such as are found: plain modules, of no library that every service has, and each another
    one on every system."""
    return (
        len(files) <= _MOST_FILES
        and len({folded(file.name) for file in files}) == len(files)
        and all(map(_is_module, files))
    )


def _is_module(file: CodeFile) -> bool:
    parts = file.module.split(".")
    return (
        file.name.endswith(".py")
        and 0 <= file.size <= LARGEST_CODE_FILE
        and file.name in (f"{'/'.join(parts)}.py", f"{'/'.join(parts)}/__init__.py")
        and _may_be_own(file.module)
    )


def _may_be_own(module: str) -> bool:
    parts = module.split(".")
    return (
        len(parts) <= _DEEPEST_MODULE
        and all(part.isidentifier() and part.isascii() and not name_problem(part, WINDOWS) for part in parts)
        and parts[0] not in _LIBRARIES
        and parts[0] not in sys.stdlib_module_names
        and parts[0] != "__main__"
    )


class _Search:
    """Reads each file once."""

    def __init__(self, folders: Sequence[str], read: ReadCode) -> None:
        self._folders = folders
        self._read = read
        self._looked: dict[str, bytes | None] = {}  # by path
        self._found: dict[str, tuple[CodeFile, ast.Module]] = {}  # by module
        self._bytes = 0

    def files(self) -> tuple[CodeFile, ...]:
        return tuple(sorted((file for file, _ in self._found.values()), key=lambda file: file.name))

    def add_definition(self, module: str, name: str) -> None:
        """The file of ``module``, when that itself defines ``name``."""
        found = self._module(module)
        if found is not None and name in _defined(found[1]):
            self._add(module, found)

    def follow_imports(self) -> None:
        waiting = list(self._found)
        for module in waiting:  # which grows meanwhile
            file, tree = self._found[module]
            for imported in _imported(tree, module, is_package=file.name.endswith("/__init__.py")):
                found = self._module(imported) if imported not in self._found else None
                if found is not None:
                    known = set(self._found)
                    self._add(imported, found)
                    waiting += [new for new in self._found if new not in known]

    def _add(self, module: str, found: tuple[CodeFile, ast.Module]) -> None:
        """With the packages that it lies in, which are run before it."""
        parts = module.split(".")
        for length in range(1, len(parts)):
            package = ".".join(parts[:length])
            around = self._in_folder(package, found[0].folder) if package not in self._found else None
            if around is not None:
                self._keep(package, around)
        self._keep(module, found)

    def _keep(self, module: str, found: tuple[CodeFile, ast.Module]) -> None:
        if module in self._found:
            return
        self._found[module] = found
        self._bytes += found[0].size
        if len(self._found) > _MOST_FILES or self._bytes > _MOST_BYTES:
            raise UnsupportedModel(
                f"The model's own code is more than {_MOST_FILES} files, or than {_MOST_BYTES >> 20} MiB.",
                next_step="Move what the model needs into a module that imports little of the project.",
            )

    def _module(self, module: str) -> tuple[CodeFile, ast.Module] | None:
        if not _may_be_own(module):
            return None
        top = module.partition(".")[0]
        for folder in self._folders:
            found = self._in_folder(module, folder)
            if found is not None:
                return found
            if self._in_folder(top, folder) is not None:
                return None  # another package of that name hides those further up
        return None

    def _in_folder(self, module: str, folder: str) -> tuple[CodeFile, ast.Module] | None:
        path = module.replace(".", "/")
        for name in (f"{path}/__init__.py", f"{path}.py"):
            content = self._content(join(folder, name))
            tree = None if content is None else _parsed(content)
            if content is not None and tree is not None:
                return CodeFile(name, len(content), folder), tree
        return None

    def _content(self, path: str) -> bytes | None:
        if path not in self._looked:
            if len(self._looked) >= _MOST_LOOKS:
                raise UnsupportedModel(
                    "The model's own code imports more than can be looked for.",
                    next_step="Move what the model needs into a module that imports little.",
                )
            self._looked[path] = self._read(path)
        return self._looked[path]


def _parsed(content: bytes) -> ast.Module | None:
    try:
        return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # deep nesting is the last two
        return None


def _defined(tree: ast.Module) -> set[str]:
    """The classes and functions that a module defines itself, also where it chooses between definitions."""
    found, waiting = set(), list(tree.body)
    for statement in waiting:  # which grows meanwhile
        if isinstance(statement, ast.ClassDef | ast.FunctionDef):
            found.add(statement.name)
        elif isinstance(statement, ast.If | ast.Try):
            waiting += [*statement.body, *statement.orelse]
            for handler in getattr(statement, "handlers", ()):
                waiting += handler.body
    return found


def _imported(tree: ast.Module, module: str, *, is_package: bool) -> Iterator[str]:
    """The modules that a module may import, wherever in it that is done."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from _with_packages(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _absolute(node, module, is_package=is_package)
            if base:
                yield from _with_packages([base])
                yield from (f"{base}.{alias.name}" for alias in node.names if alias.name != "*")


def _with_packages(modules: Iterable[str]) -> Iterator[str]:
    for module in modules:
        parts = module.split(".")
        yield from (".".join(parts[:length]) for length in range(1, min(len(parts), _DEEPEST_MODULE) + 1))


def _absolute(node: ast.ImportFrom, module: str, *, is_package: bool) -> str:
    """What follows "from", with dots made into the packages that they mean; "" outside of any."""
    if not node.level:
        return node.module or ""
    packages = module.split(".") if is_package else module.split(".")[:-1]
    if node.level > len(packages):
        return ""
    return ".".join([*packages[: len(packages) - node.level + 1], *([node.module] if node.module else [])])

"""The files of a person's own code that travel with a model: imported only as they were packaged.

Their bytes are verified and kept before anything of them is imported, so that nothing else can come in their place: no
other file in their folder, no compiled copy, no library of the same name.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import MetaPathFinder, SourceLoader
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Final

from kronkers_studio.serving.problems import CannotStart

_LIBRARIES: Final = (
    *("numpy", "scipy", "sklearn", "joblib", "xgboost", "lightgbm", "catboost", "torch", "kronkers_studio"),
)
_PACKAGE: Final = "/__init__.py"


def make_importable(folder: Path, files: Mapping[str, str]) -> None:
    """Let the ``files`` in ``folder``, by their names with the SHA-256 of each, be imported as modules.

    Raises ``CannotStart`` for a file that is missing or differs, or that would stand for a module of Python's or of a
    library that every service has.
    """
    modules: dict[str, tuple[Path, bytes, bool]] = {}
    for name, sha256 in files.items():
        module = name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        top = module.partition(".")[0]
        if not name.endswith(".py") or top in _LIBRARIES or top in sys.stdlib_module_names:
            raise CannotStart(f"The package's code {name} would take the place of a library. It was refused.")
        modules[module] = (folder / name, _verified(folder / name, sha256), name.endswith(_PACKAGE))
    for module in list(modules):
        parts = module.split(".")
        for length in range(1, len(parts)):  # folders without a file of their own
            modules.setdefault(".".join(parts[:length]), (folder.joinpath(*parts[:length], "__init__.py"), b"", True))
    if modules:
        sys.meta_path.insert(0, _Finder(modules))


def _verified(file: Path, sha256: str) -> bytes:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise CannotStart(f"The code {file} cannot be read: {error.strerror}.") from None
    if hashlib.sha256(content).hexdigest() != sha256:
        raise CannotStart(f"The code {file.name} is not what was packaged: its SHA-256 differs.")
    return content


class _Finder(MetaPathFinder):
    def __init__(self, modules: Mapping[str, tuple[Path, bytes, bool]]) -> None:
        self._modules = modules

    def find_spec(
        self, fullname: str, _path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        found = self._modules.get(fullname)
        if found is None:
            return None
        path, content, is_package = found
        return spec_from_loader(fullname, _Loader(path, content), origin=str(path), is_package=is_package)


class _Loader(SourceLoader):
    """Of one module."""

    def __init__(self, path: Path, content: bytes) -> None:
        self._path = path
        self._content = content

    def get_filename(self, _fullname: str) -> str:
        return str(self._path)

    def get_data(self, path: bytes | str) -> bytes:
        """Never a compiled copy: those are asked for by other paths."""
        if path != str(self._path):
            raise OSError(f"{path!r} is not part of the package")
        return self._content

"""What the files beside a model say of the libraries that its code uses: lists of them, and what is imported."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kronkers_studio.domain.dependencies import DependencyEvidence
from kronkers_studio.packaging.environment_hints import (
    CONDA_FILES,
    conda_requirements,
    decoded,
    only_version,
    requirement_of,
    script_header,
    toml_table,
)

_COMMAND = re.compile(r"^(\s*)[%!?].*")
_MOST = 5000  # pieces of evidence
_MOST_LINES = 50_000  # of one file

_PROJECTS: Final[Mapping[str, str]] = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "google": "",  # of many
    "imblearn": "imbalanced-learn",
    "jwt": "pyjwt",
    "mpl_toolkits": "matplotlib",
    "pil": "pillow",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}
"""Modules that are published under another name than their own."""


def find_evidence(beside: Mapping[str, Callable[[], bytes]]) -> tuple[DependencyEvidence, ...]:
    """What the files in ``beside`` (by name) say, file by file; a list of libraries before what merely imports them.

    Files that cannot be read as what their name says, say nothing. Own modules beside the model are no libraries.
    """
    own = {name.partition(".")[0].lower() for name in beside if name.endswith(".py")}
    found: list[DependencyEvidence] = []
    imported: list[DependencyEvidence] = []
    for name, read in sorted(beside.items()):
        lower = name.lower()
        text = decoded(read)
        if lower.endswith((".txt", ".in", ".lock")) and ("require" in lower or "constraint" in lower):
            found += _lines(name, text.splitlines())
        elif lower == "pyproject.toml":
            found += _project(name, text)
        elif lower in CONDA_FILES:
            found += _lines(name, list(conda_requirements(text)))
        elif lower.endswith(".py"):
            found += _lines(name, _texts(script_header(text).get("dependencies")))
            imported += _imports(name, text, own)
        elif lower.endswith(".ipynb"):
            imported += _imports(name, _code_of_notebook(text), own)
    listed = {evidence.project for evidence in found}
    return tuple([*found, *(one for one in imported if one.project not in listed)][:_MOST])


def _evidence(file: str, requirement: Requirement) -> DependencyEvidence:
    plain = f"{canonicalize_name(requirement.name)}{requirement.specifier}"
    return DependencyEvidence(canonicalize_name(requirement.name), plain, only_version(requirement.specifier), file)


def _lines(file: str, lines: list[str]) -> Iterator[DependencyEvidence]:
    for line in lines[:_MOST_LINES]:
        requirement = requirement_of(line)
        if requirement is not None:
            yield _evidence(file, requirement)


def _project(file: str, text: str) -> Iterator[DependencyEvidence]:
    """Dependencies as the standard has them, and as Poetry had them before."""
    content = toml_table(text)
    yield from _lines(file, _texts(_at(content, "project").get("dependencies")))
    for name, wanted in _at(content, "tool", "poetry", "dependencies").items():
        version = wanted.get("version") if isinstance(wanted, dict) else wanted
        if isinstance(version, str) and name.lower() != "python":
            exact = version if version[:1] in "<>=!~" else f"=={version}" if version[:1].isdigit() else ""
            yield from _lines(file, [f"{name}{exact}"])


def _imports(file: str, code: str, own: set[str]) -> Iterator[DependencyEvidence]:
    seen = set()
    for module in _imported_modules(code):
        lower = module.lower()
        if module in sys.stdlib_module_names or lower in own or lower in seen or module.startswith("_"):
            continue
        seen.add(lower)
        project = _PROJECTS.get(lower, canonicalize_name(module))
        if project:
            yield DependencyEvidence(project, "", "", file)


def _imported_modules(code: str) -> Iterator[str]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # of another Python, or no Python
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.partition(".")[0]


def _code_of_notebook(text: str) -> str:
    """The Python of a notebook's cells, but for what is a command to the notebook itself."""
    try:
        cells = json.loads(text).get("cells")
    except (ValueError, AttributeError, RecursionError):
        return ""
    lines: list[str] = []
    for cell in cells if isinstance(cells, list) else ():
        if isinstance(cell, dict) and cell.get("cell_type") == "code":
            source = cell.get("source")
            text = "".join(_texts(source)) if isinstance(source, list) else source if isinstance(source, str) else ""
            if text.lstrip().startswith("%%"):  # all of it is for another program
                continue
            plain = [_COMMAND.sub(r"\1pass", line) for line in text.splitlines()]
            if _is_python("\n".join(plain)):  # one cell that is none must not hide the others
                lines += plain
    return "\n".join(lines)


def _is_python(code: str) -> bool:
    try:
        ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True


def _at(content: Any, *path: str) -> dict[str, Any]:
    for key in path:
        content = content.get(key) if isinstance(content, dict) else None
    return content if isinstance(content, dict) else {}


def _texts(value: Any) -> list[str]:
    return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

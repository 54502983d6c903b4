"""The review rule of the list of names: what it finds, and what it lets pass."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import sklearn

from kronkers_studio.packaging.model_files.pickles.listed_names import CLASSES
from tests.estimators import listed_names


def suspects(source: str) -> list[str]:
    """Which classes and functions of a module the rule would have looked at again."""
    body = ast.parse(source).body
    classes: dict[str, list[ast.ClassDef]] = {}
    for node in body:
        if isinstance(node, ast.ClassDef):
            classes.setdefault(node.name, []).append(node)
    return [
        node.name
        for node in body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
        and any(map(listed_names._is_suspect, listed_names._with_bases(node, classes)))
    ]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("open(rows)", True),
        ("os.system(rows)", True),
        ("np.fromfile(rows)", True),
        ("importlib.import_module(rows)", True),
        ("eval(rows)", True),
        ("np.log(rows)", False),
        ("self.load(rows)", False),
    ],
)
def test_a_call_that_does_more_than_compute_is_found_also_where_it_is_inherited(line: str, found: bool) -> None:
    source = f"class Base:\n    def run(self, rows):\n        return {line}\nclass Heir(Base):\n    pass\n"
    assert suspects(source) == (["Base", "Heir"] if found else [])


def test_of_the_installed_version_only_what_was_reviewed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listed_names, "READ", ())
    monkeypatch.setattr(listed_names, "IMPORTED", (sklearn.__version__,))
    monkeypatch.setattr(listed_names, "_installed", lambda _: Path(sklearn.__file__).parents[1])

    listed = {module: set(names.split()) for module, names in CLASSES.items()}

    assert set(listed_names._suspects(listed, {})) == set(listed_names.REVIEWED)

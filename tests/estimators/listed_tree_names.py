"""Makes ``kronkers_studio/packaging/model_files/pickles/listed_tree_names.py``: the classes of XGBoost, LightGBM and
CatBoost that a model may hold.

    python -m tests.estimators.listed_tree_names

The names come from the libraries, in an old and a new version of each. Listed are their estimators and the boosters
that hold the models of XGBoost's and LightGBM's; no function, and nothing of what is for training alone. Such classes
do have methods that read files. The review rule: **no pickle calls one of them, and what runs when one is filled or
asked to predict reads no files, starts no programs, fetches and imports nothing.** So a pickle may make an empty
instance and give it a state, which is data (``boosted_state``); and the source of what runs then is searched here.
Compiled code is not: it is given the model, which was read before, and tables.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from tests.estimators.listed_names import OUTPUT as BESIDE
from tests.estimators.listed_names import _is_suspect, _table
from tests.tree_libraries.environments import VERSIONS, libraries_of

OUTPUT: Final = BESIDE.with_name("listed_tree_names.py")
MODULES: Final = {"xgboost.sklearn": "XGBModel", "lightgbm.sklearn": "LGBMModel", "catboost.core": "CatBoost"}
"""By module of estimators, what they all inherit from."""
BOOSTERS: Final = {"xgboost.core": "Booster", "lightgbm.basic": "Booster"}
_RUNS: Final = frozenset(
    {"__new__", "__setstate__", "__setattr__", "predict", "predict_proba", "_predict", "_load_from_string"}
)
"""The methods that run when an instance is filled or asked."""
REVIEWED: Final[dict[str, str]] = {}
"""Methods whose source holds a suspect call, and what keeps it harmless."""

_ASKED: Final = """
import importlib, inspect, json, sys
found = {}
for module, base in json.loads(sys.argv[1]).items():
    own = importlib.import_module(module)
    classes = [c for c in vars(own).values() if inspect.isclass(c) and c.__module__ == module]
    found[module] = [[c.__name__ for c in classes if issubclass(c, getattr(own, base))], own.__file__]
print(json.dumps(found))
"""


def found_in(age: str, modules: dict[str, str]) -> dict[str, tuple[list[str], str]]:
    """By module, the classes defined there that inherit from the one named for it, and the module's file."""
    command = [str(libraries_of(age)), "-W", "ignore", "-c", _ASKED, json.dumps(modules)]
    told = subprocess.run(command, check=True, capture_output=True)
    return dict(json.loads(told.stdout.splitlines()[-1]))


def suspects(file: Path, names: set[str]) -> Iterator[str]:
    """What of those classes runs when one is filled or asked, and calls what a model must not; and ways of pickling
    themselves that call anything."""
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.ClassDef) and node.name in names:
            for method in node.body:
                if not isinstance(method, ast.FunctionDef):
                    continue
                if method.name.startswith("__reduce") or (method.name in _RUNS and _is_suspect(method)):
                    yield f"{node.name}.{method.name}"


def main() -> None:
    estimators: dict[str, set[str]] = {}
    wrong: set[str] = set()
    for age in VERSIONS:
        for module, (names, file) in found_in(age, {**MODULES, **BOOSTERS}).items():
            if module in MODULES:
                estimators.setdefault(module, set()).update(names)
            wrong.update(f"{module}.{name}" for name in suspects(Path(file), set(names)))
    if wrong - set(REVIEWED):
        raise SystemExit("These do more than compute:\n" + "\n".join(sorted(wrong - set(REVIEWED))))
    OUTPUT.write_text(_written(estimators), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(OUTPUT)], check=True)


def _written(estimators: dict[str, set[str]]) -> str:
    boosters: dict[str, Any] = {module: {name} for module, name in BOOSTERS.items()}
    versions = ["Made of " + ", ".join(one for one in wanted if "==" in one) + "." for wanted in VERSIONS.values()]
    return "\n".join(
        [
            '"""The classes of XGBoost, LightGBM and CatBoost that a model may hold, one by one.',
            "",
            *versions,
            "",
            "Made by ``python -m tests.estimators.listed_tree_names``: do not edit. A name counts only where it is",
            "defined.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import Final",
            "",
            f"ESTIMATORS: Final = {_table(estimators)}",
            '"""Estimators, by module."""',
            "",
            f"BOOSTERS: Final = {_table(boosters)}",
            '"""What holds the model of an estimator, by module."""',
            "",
        ]
    )


if __name__ == "__main__":
    sys.exit(main())

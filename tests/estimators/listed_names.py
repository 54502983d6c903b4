"""Makes ``kronkers_studio/packaging/model_files/pickles/listed_names.py``: the names that a scikit-learn model may use.

    python -m tests.estimators.listed_names

The names come from the libraries themselves: every module of each version below is imported in an environment of its
own (of the two oldest the sources are read). The rules below say which of the names are listed. The review rule:
**nothing on the list reads files, starts programs, fetches or imports.** The source of every listed class and function
is searched for what does; what is found must stand in ``REVIEWED``, with what keeps it harmless, or nothing is written.
"""

from __future__ import annotations

import ast
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from tests.estimators.environments import environment, sources

IMPORTED: Final = ("1.1.3", "1.2.2", "1.3.2", "1.4.2", "1.5.2", "1.6.1", "1.7.2", "1.8.0", "1.9.1")
READ: Final = ("0.24.2", "1.0.2")
_PACKAGING: Final = Path(__file__).parents[2] / "kronkers_studio" / "packaging"
OUTPUT: Final = _PACKAGING / "model_files" / "pickles" / "listed_names.py"

_LEFT_OUT_MODULES: Final = re.compile(
    r"sklearn\.(?:datasets|externals|experimental|inspection|callback|_build_utils|_isotonic|_config|conftest"
    r"|_min_dependencies|_distributor_init|__check_build|exceptions|setup|metrics\._plot|model_selection\._plot"
    r"|utils|_cyutility)(?:\.|$).*|.*\.(?:setup|_?plot\w*|_export|_reingold_tilford)|sklearn\.metrics\._pairwise\w*(?:\..*)?"
    r"|sklearn\.metrics\.(?:_?pairwise_fast|_base)|sklearn\..*\.(?:splitting|grower|_bitset|_splitter|_criterion"
    r"|_partitioner|histogram|utils|_gradient_boosting|_binning|_predictor|_tree|_utils|_linkage|_reachability"
    r"|_hierarchical_fast|_quad_tree)"
)
"""Modules whose classes no model holds: data sets, pictures, tests, training."""
_KEPT_CLASSES: Final[dict[str, str]] = {
    "sklearn.utils": "Bunch",
    "sklearn.utils._bunch": "Bunch",
    "sklearn.utils._weight_vector": "WeightVector32 WeightVector64",
    "sklearn.utils._metadata_requests": (
        "MetadataRequest MetadataRouter MethodMapping MethodMetadataRequest MethodPair RequestMethod "
        "RouterMappingPair _MetadataRequester"
    ),
    "sklearn.tree._tree": "Tree",
}
"""What models hold of the modules that are left out otherwise."""
_COMPILED: Final = {"sklearn.neighbors._dist_metrics": "sklearn.metrics._dist_metrics"}
"""Where the two oldest versions, whose compiled modules cannot be read, had what lies elsewhere since."""
_NO_MODEL_HOLDS: Final = re.compile(r".*(?:Mixin|Warning|Exception|Display|Callback|Bridge)")

_FUNCTIONS: Final[dict[str, re.Pattern[str]]] = {
    "sklearn.cluster._kmeans": re.compile("_kmeans_single_(?:elkan|lloyd)"),
    "sklearn.decomposition._fastica": re.compile("_cube|_exp|_logcosh"),
    "sklearn.feature_extraction.text": re.compile("strip_accents_(?:ascii|unicode)"),
    "sklearn.feature_selection._mutual_info": re.compile("mutual_info_(?:classif|regression)"),
    "sklearn.feature_selection._univariate_selection": re.compile("chi2|[fr]_[a-z]+"),
    "sklearn.metrics._classification": re.compile("[a-z]\\w+"),
    "sklearn.metrics._ranking": re.compile("(?!metric_at_)[a-z]\\w+"),  # which calls what it is given
    "sklearn.metrics._regression": re.compile("[a-z]\\w+"),
    "sklearn.metrics._scorer": re.compile("_passthrough_scorer"),
    "sklearn.metrics.cluster._supervised": re.compile("(?!check_|expected_)[a-z]\\w+"),
    "sklearn.metrics.cluster._unsupervised": re.compile("(?!check_)[a-z]\\w+"),
    "sklearn.metrics.pairwise": re.compile(
        "(?!check_|distance_metrics|kernel_metrics|pairwise_distances_chunked)[a-z]\\w+"
    ),
    "sklearn.preprocessing._function_transformer": re.compile("_identity"),
    "sklearn.utils.validation": re.compile("check_array"),
}
"""Functions that models hold, by module: they compute numbers from arrays."""

_SUSPECT_CALLS: Final = frozenset(
    {
        *("open", "eval", "exec", "compile", "__import__", "import_module", "urlopen", "urlretrieve", "system"),
        *("Popen", "run", "check_output", "check_call", "load", "loads", "memmap", "fromfile", "loadtxt", "genfromtxt"),
        *("savetxt", "tofile", "save", "dump", "unlink", "remove", "rmtree", "makedirs", "mkdir", "mkdtemp"),
    }
)
_SUSPECT_OWNERS: Final = frozenset(
    {"os", "subprocess", "pickle", "joblib", "shutil", "tempfile", "importlib", "np", ""}
)
REVIEWED: Final[dict[str, str]] = {
    "sklearn.feature_extraction.text.CountVectorizer": (
        "opens the files that rows name, with input='filename': such models are refused (model_state)"
    ),
    "sklearn.feature_extraction.text.TfidfVectorizer": "as CountVectorizer",
    "sklearn.feature_extraction.text.HashingVectorizer": "as CountVectorizer",
}
"""Listed names whose source holds a suspect call, and what keeps it harmless."""


def main() -> None:
    classes: dict[str, set[str]] = {}
    functions: dict[str, set[str]] = {}
    numpy: set[str] = set()
    special: set[str] = set()
    for version in (*READ, *IMPORTED):
        found = _defined(version)
        for module, names in found["classes"].items():
            classes.setdefault(module, set()).update(name for name in names if _lists_class(module, name))
        for module, names in found["functions"].items():
            functions.setdefault(module, set()).update(name for name in names if _lists_function(module, name))
        numpy.update(found["numpy"])
        special.update(found["scipy.special"])
    for module, name in _COMPILED.items():
        classes[module] = set(classes[name])
    suspects = sorted(set(_suspects(classes, functions)) - set(REVIEWED))
    if suspects:
        raise SystemExit("These do more than compute; list them no more, or review them:\n" + "\n".join(suspects))
    OUTPUT.write_text(_written(classes, functions, numpy, special), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", str(OUTPUT)], check=True)


def _lists_class(module: str, name: str) -> bool:
    if name in _KEPT_CLASSES.get(module, "").split():
        return True
    return _LEFT_OUT_MODULES.fullmatch(module) is None and _NO_MODEL_HOLDS.fullmatch(name) is None


def _lists_function(module: str, name: str) -> bool:
    rule = _FUNCTIONS.get(module)
    return rule is not None and rule.fullmatch(name) is not None


# what versions define
def _defined(version: str) -> Mapping[str, Any]:
    if version in READ:
        return _read(sources(version))
    script = Path(__file__).with_name("defined_names.py")
    told = subprocess.run([str(_python(version)), str(script)], check=True, capture_output=True)
    return dict(json.loads(told.stdout.splitlines()[-1]))


def _python(version: str) -> Path:
    return environment(version, ("numpy<2",) if version < "1.5" else ())


def _read(folder: Path) -> Mapping[str, Any]:
    classes: dict[str, list[str]] = {}
    functions: dict[str, list[str]] = {}
    for module, tree in _modules(folder):
        classes[module] = [node.name for node in tree.body if isinstance(node, ast.ClassDef)]
        functions[module] = [node.name for node in tree.body if isinstance(node, ast.FunctionDef)]
    return {"classes": classes, "functions": functions, "numpy": [], "scipy.special": []}


def _modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    for file in sorted((folder / "sklearn").rglob("*.py")):
        relative = file.relative_to(folder).with_suffix("")
        if "tests" in relative.parts:
            continue
        parts = relative.parts[:-1] if relative.name == "__init__" else relative.parts
        yield ".".join(parts), ast.parse(file.read_text(encoding="utf-8"))


# review
def _suspects(classes: Mapping[str, set[str]], functions: Mapping[str, set[str]]) -> Iterator[str]:
    """Listed classes and functions whose source, or that of a class that they inherit from, calls what a model must
    not. Compiled code, and functions that they call elsewhere, are not seen."""
    for version in (*READ, *IMPORTED):
        modules = list(_modules(sources(version) if version in READ else _installed(version)))
        bases: dict[str, list[ast.ClassDef]] = {}
        for _, tree in modules:
            for node in tree.body:
                if isinstance(node, ast.ClassDef):
                    bases.setdefault(node.name, []).append(node)
        for module, tree in modules:
            listed = classes.get(module, set()) | functions.get(module, set())
            for node in tree.body:
                if not isinstance(node, ast.ClassDef | ast.FunctionDef) or node.name not in listed:
                    continue
                if any(map(_is_suspect, _with_bases(node, bases))):
                    yield f"{module}.{node.name}"


def _with_bases(node: ast.stmt, classes: Mapping[str, list[ast.ClassDef]]) -> list[ast.stmt]:
    """``node`` and every class of those names that it inherits from, near or far."""
    found = [node]
    for one in found:  # which grows meanwhile
        for base in one.bases if isinstance(one, ast.ClassDef) else ():
            name = base.id if isinstance(base, ast.Name) else getattr(base, "attr", "")
            found.extend(known for known in classes.get(name, ()) if known not in found)
    return found


def _installed(version: str) -> Path:
    python = _python(version)
    asked = "import sklearn, pathlib; print(pathlib.Path(sklearn.__file__).parents[1])"
    return Path(subprocess.run([str(python), "-c", asked], check=True, capture_output=True, text=True).stdout.strip())


def _is_suspect(node: ast.AST) -> bool:
    for call in ast.walk(node):
        if not isinstance(call, ast.Call):
            continue
        function = call.func
        if isinstance(function, ast.Name) and function.id in _SUSPECT_CALLS:
            return True
        if isinstance(function, ast.Attribute) and function.attr in _SUSPECT_CALLS:
            owner = function.value.id if isinstance(function.value, ast.Name) else ""
            if owner in _SUSPECT_OWNERS:
                return True
    return False


# writing
def _written(
    classes: Mapping[str, set[str]], functions: Mapping[str, set[str]], numpy: set[str], special: set[str]
) -> str:
    first, last = READ[0], IMPORTED[-1]
    return "\n".join(
        [
            f'"""The names in scikit-learn {first} to {last}, numpy and scipy that a model may use, one by one.',
            "",
            "Made by ``python -m tests.estimators.listed_names``: do not edit. A name counts only where it is defined.",
            '"""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import Final",
            "",
            f"CLASSES: Final = {_table(classes)}",
            '"""Classes whose instances a model may hold, by module."""',
            "",
            f"FUNCTIONS: Final = {_table(functions)}",
            '"""Functions that a model may hold and no pickle may call, by module."""',
            "",
            f"UFUNCS: Final = {_paragraph(numpy)}",
            '"""Universal functions of numpy, 1 and 2: they compute one array from others."""',
            "",
            f"SPECIAL: Final = {_paragraph(special)}",
            '"""Universal functions of scipy.special."""',
            "",
        ]
    )


def _table(names: Mapping[str, set[str]]) -> str:
    lines = [f'    "{module}": {_paragraph(found, 4)},' for module, found in sorted(names.items()) if found]
    return "{\n" + "\n".join(lines) + "\n}"


def _paragraph(names: set[str], indent: int = 0) -> str:
    """Names as text in lines that fit."""
    lines, line = [], ""
    for name in sorted(names):
        if len(line) + len(name) > 100:
            lines.append(line)
            line = ""
        line += f"{name} "
    lines.append(line.rstrip())
    if len(lines) == 1 and indent + len(lines[0]) < 60:
        return f'"{lines[0]}"'
    space = " " * indent
    return "(\n" + "\n".join(f'{space}    "{one}"' for one in lines) + f"\n{space})"


if __name__ == "__main__":
    sys.exit(main())

"""Makes the list of what a Keras model may name: ``python listed_classes.py FILE``, with the Python of an environment
that has Keras (and a library that it computes with). The list in the package was made with Keras 3.0.5 and 3.15.1, one
after the other: names that are there already stay.

The review rule: *nothing on the list reads files, starts programs, fetches or imports.* The sources of each class, and
of those that it inherits from, are searched for such calls, and nothing is written while one is found that is not in
``_REVIEWED``.
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras

_NAMESPACES = ("layers", "initializers", "regularizers", "constraints", "dtype_policies", "quantizers")
_RUNS_PROGRAMS = {"Lambda", "TFSMLayer", "TorchModuleWrapper", "JaxLayer", "FlaxLayer"}
_NEEDS_TENSORFLOW = {"StringLookup", "TextVectorization", "IntegerLookup", "Hashing", "HashedCrossing", "FeatureSpace"}
_TAKES_FUNCTIONS = {
    "Map",
    "Scan",
    "WhileLoop",
    "Cond",
    "ForiLoop",
    "VectorizedMap",
    "AssociativeScan",
    "CustomGradient",
}
_OUTSIDE = re.compile(
    r"\b(open\(|file_utils|get_file|load_model|load_weights|pickle|marshal|subprocess|os\.|importlib|import_module|"
    r"__import__|exec\(|eval\(|urlopen|requests\b|gfile|deserialize_lambda|func_load|np\.load|numpy\.load)"
)
_REVIEWED: dict[str, str] = {}
"""What may do so all the same, and why."""


def main(target: Path) -> None:
    classes = dict.fromkeys([*_known(target), *_public(), *_models(), *_operations()])
    wrong = [f"{name}: {found}" for name, found in _outside() if name not in _REVIEWED]
    if wrong:
        sys.exit("These read, start or import something:\n" + "\n".join(wrong))
    activations = sorted(
        name
        for name, one in vars(keras.activations).items()
        if inspect.isfunction(one) and name not in _NOT_ACTIVATIONS
    )
    target.write_text(_text(sorted(classes), activations), encoding="utf-8")


_NOT_ACTIVATIONS = {"deserialize", "get", "serialize"}


def _known(target: Path) -> list[str]:
    return re.findall(r'"(keras[\w.]+)"', target.read_text(encoding="utf-8")) if target.exists() else []


def _is_listed(name: str) -> bool:
    return name not in _RUNS_PROGRAMS | _NEEDS_TENSORFLOW | _TAKES_FUNCTIONS and not name.startswith("_")


def _public() -> Iterator[str]:
    """Classes by the name that Keras gives them to the outside, which is what it saves."""
    for namespace in _NAMESPACES:
        for name, one in vars(getattr(keras, namespace, None) or object).items():
            if inspect.isclass(one) and _is_listed(name):
                yield f"keras.{namespace}.{name}"
    for name in ("DTypePolicy", "FloatDTypePolicy", "Sequential", "Quantizer"):
        if hasattr(keras, name):
            yield f"keras.{name}"


def _models() -> list[str]:
    return ["keras.src.models.functional.Functional", "keras.models.Functional", "keras.models.Sequential"]


def _operations() -> Iterator[str]:
    """What ``x + y`` and ``keras.ops.mean(x)`` become in a model; they have no name to the outside."""
    for name, one in _operation_classes():
        yield f"{one.__module__}.{name}"


def _operation_classes() -> Iterator[tuple[str, Any]]:
    from keras.src import ops

    for found in pkgutil.iter_modules(ops.__path__):
        if found.name.endswith("_test"):
            continue
        module = importlib.import_module(f"keras.src.ops.{found.name}")
        for name, one in vars(module).items():
            is_operation = inspect.isclass(one) and issubclass(one, keras.Operation)
            if is_operation and one.__module__ == module.__name__ and _is_listed(name) and one is not keras.Operation:
                yield name, one


def _outside() -> Iterator[tuple[str, str]]:
    """What the sources of listed classes do with the world outside, by the name of the class that does."""
    classes = [one for _, one in _operation_classes()]
    for namespace in _NAMESPACES:
        found = vars(getattr(keras, namespace, None) or object)
        classes += [one for name, one in found.items() if inspect.isclass(one) and _is_listed(name)]
    seen = set()
    for one in classes:
        for part in one.__mro__:
            if part in seen or not part.__module__.startswith("keras.src") or part.__module__.startswith(_GROUND):
                continue
            seen.add(part)
            for line in inspect.getsource(part).splitlines():
                if _OUTSIDE.search(line.partition("#")[0]):
                    yield f"{part.__module__}.{part.__qualname__}", line.strip()


_GROUND = (
    "keras.src.layers.layer",
    "keras.src.ops.operation",
    "keras.src.saving",
    "keras.src.backend",
    "keras.src.utils",
)
"""What every class is made of, and which therefore no list could leave out."""


def _text(classes: list[str], activations: list[str]) -> str:
    return "\n".join(
        [
            '"""What a Keras model may name. Made by tests/keras_models/listed_classes.py: do not edit."""',
            "",
            "from __future__ import annotations",
            "",
            "from typing import Final",
            "",
            *_set("CLASSES", classes),
            *_set("ACTIVATIONS", activations),
            *_set("RUNS_PROGRAMS", sorted(_RUNS_PROGRAMS)),
            *_set("NEEDS_TENSORFLOW", sorted(_NEEDS_TENSORFLOW)),
        ]
    )


def _set(name: str, words: list[str]) -> list[str]:
    return [f"{name}: Final = frozenset(", "    {", *(f'        "{word}",' for word in words), "    }", ")"]


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""What a configuration of Keras's names: classes and functions that Keras looks up, imports and calls.

Keras's own safe mode was passed by again and again (CVE-2025-1550, -8747, -9905, -9906, -12058, -49655): whatever is
not on the list is refused, module and name together, and so are names that a program registered.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.model_files.keras_files.listed_classes import (
    ACTIVATIONS,
    CLASSES,
    NEEDS_TENSORFLOW,
    RUNS_PROGRAMS,
)

_MODELS: Final = ("Sequential", "Functional")
_VALUES: Final = ("__keras_tensor__", "__numpy__", "__tensor__", "__ellipsis__", "__slice__")
"""What Keras writes for values in place of classes."""
_FUNCTIONS: Final = ("builtins", "keras.activations", "keras.src.activations.activations")
_DEEPEST = 60
_MOST_VALUES = 2_000_000


def require_listed(name: str, configuration: dict[str, Any]) -> None:
    """Raise ``UnsupportedModel`` when the model in the file ``name`` names anything that is not on the list, or is made
    of a class of its own."""
    top = dict(configuration)
    top.pop("compile_config", None)  # how it was trained: a service leaves that out
    for found in _objects(name, top):
        _require(name, found)
    if top.get("class_name") not in _MODELS:
        raise UnsupportedModel(
            f"{name} holds a {_shown(top.get('class_name'))}, and not a model made of layers.",
            next_step="Save the model itself, a Sequential or a functional one: model.save('model.keras').",
        )


def _require(name: str, found: dict[str, Any]) -> None:
    made, module, registered = found["class_name"], found.get("module"), found.get("registered_name")
    if not isinstance(made, str):
        raise _refused(name, "an object without a class")
    if made in _VALUES:
        return
    if made == "function":
        called = found.get("config")
        if isinstance(called, str) and called in ACTIVATIONS and module in _FUNCTIONS:
            return
        raise _refused(name, f"the function {_shown(module)}.{_shown(found.get('config'))}")
    full = f"{module}.{made}"
    if made in RUNS_PROGRAMS or made == "__lambda__":
        raise _refused(name, f"a layer {_shown(made)}, which runs whatever program is written in it")
    if made in NEEDS_TENSORFLOW and isinstance(module, str) and module.startswith("keras"):
        raise UnsupportedModel(
            f"{name} prepares its inputs with {made}: not supported yet. It would need tensorflow in the service.",
            next_step="Save the part of the model behind that layer, or export it to ONNX.",
        )
    if isinstance(registered, str) and registered not in ("", made):
        raise _own(name, registered)
    if full not in CLASSES:
        raise _refused(name, _shown(full)) if _is_of_keras(module) else _own(name, full if module else made)
    if found.get("compile_config"):
        raise _refused(name, "how a part of it is trained")


def _is_of_keras(module: object) -> bool:
    return isinstance(module, str) and module.partition(".")[0] == "keras"


def _refused(name: str, what: str) -> UnsupportedModel:
    return UnsupportedModel(
        f"{name} is refused: it names {what}. A model is only layers of Keras's own.",
        next_step="Ask where it comes from. If it is your own, use a layer of Keras's instead, or export it to ONNX.",
    )


def _own(name: str, what: object) -> UnsupportedModel:
    return UnsupportedModel(
        f"{name} needs {_shown(what)}, which is not Keras's own and not in the file.",
        next_step="Export the model to ONNX where it was trained: model.export(file, format=“onnx”).",
    )


def _shown(value: object) -> str:
    return f"“{printable(value[:100])}”" if isinstance(value, str) else "something without a name"


def _objects(name: str, configuration: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Every object in ``configuration`` that Keras would look up a class or function for."""
    waiting: list[tuple[Any, int]] = [(configuration, 0)]
    left = _MOST_VALUES
    while waiting:
        value, depth = waiting.pop()
        left -= 1
        if left < 0 or depth > _DEEPEST:
            raise UnsupportedModel(f"{name} is refused: it is longer or nested deeper than any model.")
        if isinstance(value, list):
            waiting.extend((part, depth + 1) for part in value)
        elif isinstance(value, dict):
            if "class_name" in value:
                yield value
            elif "module" in value and "registered_name" in value:
                raise _refused(name, "an object without a class")
            waiting.extend((part, depth + 1) for part in value.values())

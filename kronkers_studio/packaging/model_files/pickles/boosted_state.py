"""What estimators of XGBoost, LightGBM and CatBoost may hold, and where in them their libraries' own models are.

Such an estimator is data around one model in its library's own form, which compiled code reads when it is loaded. None
of its attributes is a function, a type or another object, but for the booster that holds the model and scikit-learn's
encoder of labels. Of LightGBM's, the options that it was given go into every prediction: there are some that name
files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Final

from kronkers_studio.packaging.model_files.pickles import listed_tree_names
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import (
    Call,
    Global,
    Omitted,
    Pairs,
    Symbol,
    attributes_of,
    class_of,
    entries_of,
)

_BOOSTER: Final = "_Booster"
_MODELS: Final = {"xgboost": ("handle",), "lightgbm": ("_handle", "handle"), "catboost": ("__model",)}
"""By library, the attributes that hold its own model: of the booster, or of CatBoost's estimators themselves."""
_ENCODER: Final = ("sklearn.preprocessing._label.LabelEncoder", "sklearn.preprocessing.label.LabelEncoder")
_DATA: Final = re.compile(
    r"numpy\.(?:_?core\.multiarray\.(?:_reconstruct|scalar)|_?core\.numeric\._frombuffer|dtype|random\..+)"
    r"|joblib\.numpy_pickle\.NumpyArrayWrapper|_codecs\.encode|builtins\.(?:bytes|bytearray|slice|range|float|int)"
)
_NAMES_FILES: Final = re.compile(r"file|config|machine|snapshot|parser|input_model|output|^data$|^valid", re.IGNORECASE)
_LATIN: Final = ("latin1", "latin-1")

Leaves = Callable[[Symbol], Iterable[Symbol]]
"""What the containers in a symbol hold in the end; within a bound."""


def misuse_of_boosted(call: Call, leaves: Leaves) -> str:
    """What no library would have written into the instance that ``call`` makes, as a sentence; "" when all fits."""
    made = class_of(call)
    name = made.rpartition(".")[2][:60]
    if call.items or call.pairs:
        return f"It adds entries to {name}, which is no container."
    if not isinstance(call.state, Pairs | None):
        return f"It gives {name} what is no state of one."
    seen: set[str] = set()
    for attribute, value in call.state.pairs if call.state is not None else ():
        if not isinstance(attribute, str):
            return f"It gives {name} an attribute whose name is no plain text."
        if attribute in seen or (attribute.startswith("__") and attribute not in _MODELS["catboost"]):
            return f"It sets {attribute[:60]} of {name}, which no model does so."
        seen.add(attribute)
        wrong = _misuse_of_attribute(made.partition(".")[0], attribute, value, leaves)
        if wrong:
            return f"{attribute[:60]} of its {name} {wrong}."
    return ""


def _misuse_of_attribute(library: str, attribute: str, value: Symbol, leaves: Leaves) -> str:
    if attribute == _BOOSTER:
        return "" if value is None or _is_booster(value, library) else "is no booster"
    if attribute in _MODELS[library]:
        return "" if value is None or _is_content(value) else "is no model in the library's own form"
    if attribute == "_le":
        return "" if value is None or class_of(value) in _ENCODER else "is no encoder of labels"
    if attribute in ("_other_params", "params") and library == "lightgbm":
        named = next((key for key in entries_of(value) if _NAMES_FILES.search(key)), "")
        if named:
            return f"sets “{named[:40]}”, which names files"
    return _misuse_of_data(value, leaves)


def _misuse_of_data(value: Symbol, leaves: Leaves) -> str:
    for leaf in leaves(value):
        if isinstance(leaf, Global):
            return f"holds `{str(leaf)[:100]}`, where that library keeps none"
        if isinstance(leaf, Call) and _DATA.fullmatch(str(leaf.function)) is None:
            return f"holds an object of {str(leaf.function)[:100]}, where that library keeps none"
    return ""


def _is_booster(value: Symbol, library: str) -> bool:
    module, _, name = class_of(value).rpartition(".")
    return module.startswith(f"{library}.") and name in listed_tree_names.BOOSTERS.get(module, "").split()


def _is_content(value: Symbol) -> bool:
    if isinstance(value, bytes | str | Omitted):
        return True
    if not isinstance(value, Call) or value.state is not None or not 1 <= len(value.arguments) <= 2:
        return False
    inner, *codec = value.arguments
    match str(value.function):
        case "builtins.bytearray":
            return isinstance(inner, bytes | Omitted | str) or (isinstance(inner, Call) and _is_content(inner))
        case "_codecs.encode":
            return isinstance(inner, str | Omitted) and codec[:1] != [] and codec[0] in _LATIN
    return False


def model_in(call: Call) -> tuple[Symbol, bool] | None:
    """The symbol of the library's own model in the instance that ``call`` makes; and whether its bytes stand in the
    file as text, one character for each. None for one that was not fitted."""
    library = class_of(call).partition(".")[0]
    held = attributes_of(call)
    if library != "catboost":
        held = attributes_of(held.get(_BOOSTER))
    found = next((held[name] for name in _MODELS.get(library, ()) if held.get(name) is not None), None)
    if found is None:
        return None
    as_text = False
    while isinstance(found, Call):
        as_text = as_text or len(found.arguments) == 2  # with the name of the encoding
        found = found.arguments[0] if found.arguments else b""
    return found, as_text


def holds_old_handle(call: Call) -> bool:
    """Whether a LightGBM estimator keeps its model as versions before 4 did."""
    return "handle" in attributes_of(attributes_of(call).get(_BOOSTER))

"""Which names that are not on the list a person may let a model's file name, and which nobody may.

What belongs to Python itself runs programs, and of the libraries whose names were gone through one by one
(``allowlist``) what is not listed was left out for a reason. What an allowed name may do in a file is for
``model_state`` to say: be the class of an object that is filled with a state, or stand where scikit-learn keeps
functions. It is never called with what the file says.
"""

from __future__ import annotations

from typing import Final

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.model_files.pickles import allowlist
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Global

LISTED_LIBRARIES: Final = frozenset(
    ("sklearn", "numpy", "scipy", "joblib", "xgboost", "lightgbm", "catboost", "threadpoolctl", "kronkers_studio")
)
"""The top modules of what every service of a pickle may hold; their names were gone through."""
_PICKLE_WHAT_CANNOT_BE: Final = frozenset(("cloudpickle", "dill", "loky"))  # functions that make functions of bytes
_LONGEST = 300


def parsed(name: str) -> Global:
    """``name`` ("features.Ratio", "package.module.function") as a module and what is in it."""
    module, _, last = name.rpartition(".")
    return Global(module, last)


def why_never(name: str) -> str:
    """Why nobody may allow ``name``, as a sentence; "" when somebody may."""
    found = parsed(name)
    parts = name.split(".")
    if len(name) > _LONGEST or len(parts) < 2 or not all(part.isidentifier() and part.isascii() for part in parts):
        return "It is no name of a class or function in a module."
    if parts[0] == "__main__":
        return "It was written in the notebook or script that made the model, and nobody can say in which."
    if allowlist.runs_programs(found):
        return "It belongs to Python itself, and would let the file run any program."
    if parts[0] in LISTED_LIBRARIES:
        return f"What a model may use of {parts[0]} is on a list, and this was left out of it."
    if parts[0] in _PICKLE_WHAT_CANNOT_BE:
        return "It makes code of what the file holds, and would let the file run any program."
    return ""


def require_allowable(name: str) -> None:
    """Raises ``InvalidInput`` for a name that nobody may allow."""
    reason = why_never(name)
    if not reason:
        return
    advice = "Save the fitted model without it, or export it to ONNX."
    if name.startswith("__main__."):
        advice = "Move the class or function into a file beside the model (features.py), import it there, fit and save."
    raise InvalidInput(f"“{printable(name[:80])}” cannot be allowed. {reason}", next_step=advice)

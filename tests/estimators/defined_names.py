"""Prints, as JSON, what the scikit-learn, numpy and scipy of this Python define: classes and functions by module, and
the universal functions of numpy and scipy. It imports every module; it is run in an environment of its own.

A class or function counts where it is defined, never where it is imported.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import pkgutil
import sys
import warnings
from typing import Any


def main() -> None:
    warnings.simplefilter("ignore")
    import numpy as np
    import scipy.special
    import sklearn

    for found in pkgutil.walk_packages(sklearn.__path__, "sklearn.", onerror=lambda _: None):
        if ".tests" not in found.name and not found.name.endswith("conftest"):
            with contextlib.suppress(ImportError, RuntimeError):
                importlib.import_module(found.name)
    classes: dict[str, list[str]] = {}
    functions: dict[str, list[str]] = {}
    for name, module in sorted(sys.modules.items()):
        if not name.startswith("sklearn.") or module is None:
            continue
        own = {key: value for key, value in vars(module).items() if _is_defined_there(key, value, name)}
        classes[name] = sorted(key for key, value in own.items() if isinstance(value, type))
        functions[name] = sorted(key for key, value in own.items() if inspect.isfunction(value))
    said = {
        "classes": classes,
        "functions": functions,
        "numpy": sorted(name for name in dir(np) if isinstance(getattr(np, name, None), np.ufunc)),
        "scipy.special": sorted(
            name for name in dir(scipy.special) if isinstance(getattr(scipy.special, name, None), np.ufunc)
        ),
    }
    print(json.dumps(said))


def _is_defined_there(name: str, value: Any, module: str) -> bool:
    """Compiled modules of some versions say their own name without the packages before it."""
    own = getattr(value, "__module__", None)
    return getattr(value, "__name__", None) == name and own in (module, module.rpartition(".")[2])


if __name__ == "__main__":
    main()

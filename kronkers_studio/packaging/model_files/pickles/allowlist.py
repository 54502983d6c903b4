"""Which globals a scikit-learn pickle may name: what fitted models are made of, and nothing that runs a program.

A pickle can call what it names, with arguments of its choice, and scikit-learn calls what a model holds; so "it belongs
to scikit-learn" is not enough: that library holds functions that download, open files and start programs, and its
modules hold other modules. Allowed are its classes and functions that are listed one by one where they are defined
(``sklearn_names``, ``listed_tree_names``), the functions that rebuild numpy and scipy arrays, and functions of numpy
that models refer to. Names with dots are never allowed: they walk from a harmless module to whatever that module
imported. Which calls and which places fit an allowed name is for ``construction`` and ``model_state`` to say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping
from typing import Final

from kronkers_studio.packaging.model_files.pickles import listed_tree_names, sklearn_names
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Global
from kronkers_studio.packaging.model_files.pickles.sklearn_names import words

_OTHER_CALLABLE = re.compile(
    "|".join(
        [
            r"numpy\.(?:ndarray|dtype|matrix)",
            r"numpy\.(?:bool_?|u?int(?:8|16|32|64|c|p)|u?long(?:long)?|float(?:16|32|64)|longdouble|complex(?:64|128)|str_|bytes_|object_)",
            r"numpy\.(?:number|integer|signedinteger|unsignedinteger|inexact|floating|generic)",
            r"numpy\.dtypes\.\w+DType",
            r"numpy\._?core\.multiarray\.(?:_reconstruct|scalar)",
            r"numpy\._?core\.numeric\._frombuffer",
            r"numpy\.ma\.(?:core\.)?(?:MaskedArray|_mareconstruct)",
            r"numpy\.random\._pickle\.(?:__randomstate_ctor|__generator_ctor|__bit_generator_ctor)",
            r"numpy\.random\.(?:_mt19937\.MT19937|_pcg64\.PCG64(?:DXSM)?|_philox\.Philox|_sfc64\.SFC64)",
            r"numpy\.random\.bit_generator\.(?:SeedSequence|__pyx_unpickle_SeedSequence)",
            r"scipy\.sparse\._?(?:bsr|coo|csc|csr|dia|dok|lil)\.(?:bsr|coo|csc|csr|dia|dok|lil)_(?:matrix|array)",
            r"scipy\.interpolate\.(?:_?interpolate|interpolate)\.(?:interp1d|PPoly|BPoly)",
            r"scipy\.interpolate\._bsplines\.BSpline",
            r"scipy\.interpolate\._cubic\.(?:CubicSpline|PchipInterpolator|Akima1DInterpolator)",
            r"joblib\.numpy_pickle\.NumpyArrayWrapper",
            r"builtins\.(?:object|list|dict|set|frozenset|tuple|int|float|complex|bool|str|bytes|bytearray|slice|range)",
            r"collections\.(?:OrderedDict|defaultdict|Counter|deque)",
            r"copyreg\._reconstructor|_codecs\.encode",
            r"datetime\.(?:datetime|date|time|timedelta|timezone)|decimal\.Decimal|fractions\.Fraction",
        ]
    )
)
"""What a pickle may name and call outside scikit-learn. ``construction`` says with which arguments."""

_UFUNCS: Final = words(sklearn_names.UFUNCS)
_ARRAY_FUNCTIONS: Final = words(
    "abs amax amin around array asarray clip max mean median min nan_to_num nanmax nanmean nanmedian nanmin nanstd "
    "nansum nanvar ravel round std sum var"
)
_REFERABLE: Final = frozenset(
    [
        *(f"{module}.{name}" for module, names in sklearn_names.FUNCTIONS.items() for name in names.split()),
        *(f"numpy.{name}" for name in _UFUNCS | _ARRAY_FUNCTIONS),
        *(f"numpy.{core}._multiarray_umath.{name}" for core in ("core", "_core") for name in _UFUNCS),  # numpy 1
        "scipy._lib.array_api_compat.numpy._aliases.asarray",  # in splines
        *(
            f"scipy.special{module}.{name}"
            for module in ("", "._ufuncs", "._special_ufuncs")
            for name in words(sklearn_names.SPECIAL)
        ),
    ]
)
"""What a pickle may name (as a parameter, say) but not call. ``model_state`` says as which attribute."""


def _full_names(table: Mapping[str, str]) -> frozenset[str]:
    return frozenset(f"{module}.{name}" for module, names in table.items() for name in names.split())


_BOOSTED: Final = _full_names(listed_tree_names.ESTIMATORS)
_CLASSES: Final = _full_names(sklearn_names.CLASSES) | _BOOSTED | _full_names(listed_tree_names.BOOSTERS)
_STANDARD_LIBRARY = frozenset(sys.stdlib_module_names) | {"nt", "posix", "pip", "setuptools", "pkg_resources", "test"}


def is_allowed(found: Global, *, called: bool) -> bool:
    """Whether a scikit-learn model's pickle may name ``found``; and call it, with ``called``."""
    if "." in found.name:
        return False
    text = str(found)
    if text in _CLASSES or _rebuilds(found) or _OTHER_CALLABLE.fullmatch(text):
        return True
    return not called and text in _REFERABLE


def is_boosted(class_name: str) -> bool:
    """Whether the class of that full name is a listed estimator of XGBoost, LightGBM or CatBoost."""
    return class_name in _BOOSTED


def is_function(found: Global) -> bool:
    """Whether ``found`` is on the list as a function that a model may hold, not as a class."""
    return "." not in found.name and str(found) in _REFERABLE


def _rebuilds(found: Global) -> bool:
    """Whether ``found`` is one of the functions with which compiled classes of scikit-learn unpickle."""
    if found.name == "newObj":
        return found.module in sklearn_names.REBUILDING_MODULES["newObj"]
    if (
        not found.name.startswith("__pyx_unpickle_")
        or found.module not in (sklearn_names.REBUILDING_MODULES["__pyx_unpickle_"])
    ):
        return False
    return f"{found.module}.{found.name.removeprefix('__pyx_unpickle_')}" in _CLASSES


def outside(named: Iterable[Global], called: Iterable[Global]) -> list[Global]:
    """Those of a pickle's globals that are not allowed, in their order."""
    calls = frozenset(called)
    return [found for found in named if not is_allowed(found, called=found in calls)]


def runs_programs(found: Global) -> bool:
    """Whether ``found``, which is not allowed, belongs to what every Python has: such a pickle is no model that merely
    needs a further library, it does something when it is opened."""
    return found.module.partition(".")[0] in _STANDARD_LIBRARY

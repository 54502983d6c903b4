"""Names that honest models need and that no service imports: it puts something of its own in their place.

A search keeps the distributions that it drew parameters from. They are scipy's, whose state is source text that scipy
runs, and no prediction needs them: services make empty objects of them. Boosted trees over categories keep
scikit-learn's check of arrays with a few options, as ``functools.partial``: services have a class that does that and
nothing else. Which calls of ``getattr`` and ``partial`` are such, is looked at here for a whole file: one other call,
and the name counts as what it is. The other side is in ``serving``:
``kronkers_studio/serving/frameworks/scikit_learn/replaced_names.py``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from kronkers_studio.packaging.model_files.pickles.construction import is_number
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Call, Global, Pairs, Symbol

_DRAWN_FROM: Final = re.compile(r"scipy\.stats\._\w+\.\w+|numpy(?:\.lib\.\w+)?\.vectorize")
_GETATTR: Final = Global("builtins", "getattr")
_PARTIAL: Final = Global("functools", "partial")
_CHECK: Final = "sklearn.utils.validation.check_array"
_CHECK_OPTIONS: Final = ("dtype", "ensure_all_finite", "force_all_finite")
_NUMBER_TYPES: Final = ("numpy.float64", "numpy.float32")


def replaced(named: Iterable[Global], calls: Iterable[Call]) -> frozenset[Global]:
    """Those of a file's globals that a service does not import."""
    found = {name for name in named if _DRAWN_FROM.fullmatch(str(name)) is not None}
    fitting: dict[Global, bool] = {}
    for call in calls:
        if call.function == _GETATTR:
            fitting[_GETATTR] = fitting.get(_GETATTR, True) and _is_of_a_distribution(call)
        elif call.function == _PARTIAL:
            fitting[_PARTIAL] = fitting.get(_PARTIAL, True) and _is_check_of_numbers(call)
    return frozenset(found | {name for name, fits in fitting.items() if fits})


def _is_of_a_distribution(call: Call) -> bool:
    """``getattr(distribution, "_entropy")``: what a distribution keeps of its own methods."""
    if len(call.arguments) != 2 or call.bare or call.state is not None or call.items or call.pairs:
        return False
    owner, name = call.arguments
    return isinstance(owner, Call) and _DRAWN_FROM.fullmatch(str(owner.function)) is not None and isinstance(name, str)


def _is_check_of_numbers(call: Call) -> bool:
    """``partial(check_array, dtype=[float64], ensure_all_finite=False)``, as it pickles itself."""
    state = call.state
    if call.bare or len(call.arguments) != 1 or not isinstance(state, tuple) or len(state) != 4:
        return False
    function, arguments, keywords, more = state
    if str(call.arguments[0]) != _CHECK or str(function) != _CHECK or arguments != () or more is not None:
        return False
    return isinstance(keywords, Pairs) and all(_is_option(key, value) for key, value in keywords.pairs)


def _is_option(key: Symbol, value: Symbol) -> bool:
    if key not in _CHECK_OPTIONS:
        return False
    types = value if isinstance(value, list) else [value]
    return is_number(value) or (len(types) == 1 and str(types[0]) in _NUMBER_TYPES)

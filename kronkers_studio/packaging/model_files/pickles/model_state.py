"""What the attributes of a model may hold, so that scikit-learn's own calls do what they are meant to do.

scikit-learn calls methods by names that it keeps in attributes (``stack_method_``), calls functions that it keeps in
attributes (``func``, ``metric``), hands them keyword arguments that it keeps in attributes (``kw_args``), opens the
files that a row names when an attribute says so (``input="filename"``), and trusts that what it keeps as estimators
are estimators. A pickle can put anything there. So attributes are checked by what scikit-learn does with them, for
every object in the file and under every class alike:

- a function stands only where scikit-learn keeps functions, and only one of those that it keeps there;
- the text in an attribute that names a method is a word that scikit-learn itself would write there;
- keyword arguments are numbers, arrays of numbers and known words, under known names;
- where estimators belong there are estimators;
- attributes are set once, by plain names, and none of Python's own.

Everything else (numbers, text, arrays, the learnt parts of estimators) is data: scikit-learn computes with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from kronkers_studio.packaging.model_files.pickles import sklearn_names
from kronkers_studio.packaging.model_files.pickles.allowlist import is_boosted, is_function
from kronkers_studio.packaging.model_files.pickles.boosted_state import misuse_of_boosted
from kronkers_studio.packaging.model_files.pickles.construction import is_number, misuse_of
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import (
    Array,
    Call,
    Global,
    Members,
    Omitted,
    Pairs,
    Symbol,
    class_of,
)
from kronkers_studio.packaging.model_files.pickles.sklearn_names import words

_MOST_STEPS = 4_000_000  # of the walk through attributes: a forest of 100 MB takes a tenth
_MOST_OPTIONS = 64  # keyword arguments, words for methods
_MOST_JOBS = 512
_MOST_ITERATIONS = 1_000_000
_LARGEST_NUMBER = 1 << 64
_LARGEST_DEGREE = 100
_SPLINES: Final = ("BSpline", "SplineTransformer", "CubicSpline")

_METHODS: Final = words(
    # what is called by name
    "auto predict predict_proba predict_log_proba decision_function score_samples transform "
    # how something is computed
    "D FW SAMME SAMME.R arpack auto averaged_inverted_cdf barnes_hut batch bistochastic box-cox cd "
    "closest_observation dbscan deprecated eom exact hazen hessian interpolated_inverted_cdf inverted_cdf isotonic "
    "lapack lar lars lasso lasso_cd lasso_lars leaf linear log ltsa lu median_unbiased modified normal_unbiased "
    "omp online quantile randomized scale sigmoid standard svd temperature threshold uniform warn weibull xi "
    "yeo-johnson "
    "ball_tree brute kd_tree"
)
"""Words in attributes that name a method. No such method writes, reads, or leaves the estimator's own numbers."""

_PAIRWISE: Final = words(sklearn_names.FUNCTIONS["sklearn.metrics.pairwise"])
_SCORES: Final = frozenset(
    name
    for module, names in sklearn_names.FUNCTIONS.items()
    if module.startswith("sklearn.metrics.") and not module.endswith(".pairwise")
    for name in names.split()
)
_SELECTION: Final = frozenset(
    name
    for module, names in sklearn_names.FUNCTIONS.items()
    if module.startswith("sklearn.feature_selection.")
    for name in names.split()
)
_ACCENTS: Final = words(sklearn_names.FUNCTIONS["sklearn.feature_extraction.text"])
_POOLING: Final = words("amax amin max mean median min std sum var")

_HOLDS_FUNCTIONS: Final[dict[str, frozenset[str]]] = {
    **dict.fromkeys(("score_func", "score_func_"), _SELECTION | _SCORES),
    **dict.fromkeys(
        ("metric", "metric_", "effective_metric_", "affinity", "affinity_", "kernel", "kernel_"), _PAIRWISE
    ),
    **dict.fromkeys(("scoring", "scorer", "scorer_", "_scorer", "_score_func", "oob_score", "refit"), _SCORES),
    "pooling_func": _POOLING,
    "strip_accents": _ACCENTS,
    "fun": words(sklearn_names.FUNCTIONS["sklearn.decomposition._fastica"]),
    "_kmeans_single": words(sklearn_names.FUNCTIONS["sklearn.cluster._kmeans"]),
    "_asarray": frozenset({"asarray"}),
}
_TRANSFORMS: Final = ("func", "inverse_func")  # any listed function of numbers
_NOT_TRANSFORMS: Final = _ACCENTS | {"check_array", "_kmeans_single_elkan", "_kmeans_single_lloyd"}

_TRIED: Final = ("param_grid", "param_distributions", "best_params_", "cv_results_")
"""What a search tried: nothing of it is called by the model that it found."""

_KEYWORDS: Final = frozenset(
    {
        *(
            "kw_args",
            "inv_kw_args",
            "metric_params",
            "effective_metric_params_",
            "kernel_params",
            "_kwargs",
            "fun_args",
        ),
        *("metric_kwds", "metric_params_"),
    }
)
_OPTIONS: Final = words(
    "a_min a_max min max nan posinf neginf copy axis keepdims ddof initial decimals dtype gamma degree coef0 Y X "
    "metric squared lmbda base x_squared_norms y_squared_norms missing_values dense_output sum_over_features "
    "p w V VI average beta labels pos_label zero_division normalize multi_class max_fpr k weights alpha "
    "multioutput force_finite power response_method needs_proba needs_threshold sample_weight eps ignore_ties "
    "log_base raise_warning adjusted average_method random_state sample_size "
    "greater_is_better drop_intermediate normalized n_components"
)
"""Names of keyword arguments to listed functions that are numbers, arrays of numbers or a word."""
_TEXT_OPTIONS: Final = words(
    "metric average multi_class multioutput pos_label zero_division average_method response_method normalize labels "
    "weights"
)

_TYPES: Final = re.compile(
    r"numpy\.(?:bool_?|u?int(?:8|16|32|64|c|p)|u?long(?:long)?|float(?:16|32|64)|longdouble|complex(?:64|128)|str_"
    r"|bytes_|object_|number|integer|signedinteger|unsignedinteger|inexact|floating|generic|dtypes\.\w+DType)|builtins\.(?:int|float|bool|str|object|complex)"
)
_TYPE_WORDS: Final = re.compile(r"[<>=|]?[biuf][1248]?|bool|(?:u?int|float)(?:8|16|32|64)?|object|O")
_WORDS: Final = re.compile(r"[\w .-]{0,60}")
_ESTIMATORS: Final = re.compile(
    r"_*(?:\w*_)?(?:estimators?|regressors?|classifiers?|transformers?|transformer_list|steps)_*"
)
_MANY_ESTIMATORS: Final = re.compile(r"_*(?:\w*_)?(?:estimators|classifiers|regressors)_")
_GETTER: Final = re.compile(r"auto|[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*_")
_NAME_TEMPLATE: Final = re.compile(r"(?:[^{}]|\{\{|\}\}|\{(?:feature_name|transformer_name)\})*")
_CODEC: Final = re.compile(r"[A-Za-z0-9_-]{1,24}")
_LOOPS_WHEN_ASKED: Final = (
    *("LatentDirichletAllocation", "NMF", "MiniBatchNMF", "SparseCoder", "DictionaryLearning"),
    *("MiniBatchDictionaryLearning", "SparsePCA", "MiniBatchSparsePCA", "FactorAnalysis", "IterativeImputer"),
)
_OF_TREE_LIBRARIES: Final = ("xgboost.", "lightgbm.", "catboost.")
_TRANSPARENT: Final = frozenset(
    {
        *("list", "tuple", "set", "frozenset", "dict", "OrderedDict", "defaultdict", "Counter", "deque", "Bunch"),
        *("_reconstruct", "_mareconstruct", "_ImputerTriplet"),
    }
)


class _TooManySteps(Exception):
    pass


def misuse_in(calls: Iterable[Call], allowed: frozenset[str] = frozenset()) -> str:
    """The first thing in a pickle's ``calls`` that no scikit-learn would have written, as a sentence for people; ""
    when there is none. Classes and functions that a person ``allowed`` may be filled and held, and not called."""
    walk = _Walk(allowed)
    try:
        for call in calls:
            found = walk.misuse_of_call(call)
            if found:
                return found
    except _TooManySteps:
        return "It refers to its own parts more often than any model."
    return ""


class _Walk:
    """Goes through the objects of one file, each container once for each question, within a bound."""

    def __init__(self, allowed: frozenset[str]) -> None:
        self._allowed = allowed
        self._steps = 0
        self._special: dict[str, Callable[[Symbol], str] | None] = {}  # by attribute
        self._without_functions: dict[int, Symbol] = {}  # containers that are known to hold no functions, kept alive

    def misuse_of_call(self, call: Call) -> str:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise _TooManySteps
        wrong = misuse_of(call)
        if wrong:
            return f"It calls `{str(call.function)[:100]}` {wrong}."
        made = class_of(call)
        if made in self._allowed:
            return self._misuse_of_allowed(made, call)
        if made.startswith(_OF_TREE_LIBRARIES):
            return misuse_of_boosted(call, self._leaves)
        if not made.startswith("sklearn."):
            return self._misuse_of_data(call, made)
        if call.function.name == "_ImputerTriplet":
            return self._misuse_of_triplet(call)
        name = made.rpartition(".")[2]
        return self._misuse_of_making(name, call) or self._misuse_of_state(name, call.state)

    def _misuse_of_making(self, name: str, call: Call) -> str:
        if call.items or (call.pairs and name != "Bunch"):
            return f"It adds entries to {_a(name)}, which is no container."
        given = [argument for argument in call.arguments if not isinstance(argument, Global)]
        if self._function_in(given) or self._function_in(call.pairs):
            return f"It keeps a function in {_a(name)}, where no model has one."
        return ""

    def _misuse_of_triplet(self, call: Call) -> str:
        return "" if len(call.arguments) == 3 and not self._function_in(call.arguments) else "It imputes by a function."

    def _misuse_of_allowed(self, made: str, call: Call) -> str:
        """What its own code does with its attributes is for whoever allowed it to know."""
        parts = call.state if isinstance(call.state, tuple) and len(call.state) == 2 else (call.state,)
        for attribute in (key for part in parts if isinstance(part, Pairs) for key, _ in part.pairs):
            if not isinstance(attribute, str) or attribute.startswith("__"):
                return f"It sets {str(attribute)[:60]} of {_a(made)}, which no model does."
        for leaf in self._leaves([call.state, call.items, call.pairs]):
            if isinstance(leaf, Global) and not (
                str(leaf) in self._allowed or is_function(leaf) or _TYPES.fullmatch(str(leaf))
            ):
                return f"It keeps `{str(leaf)[:100]}` in {_a(made)}, where no model has one."
        return ""

    def _misuse_of_data(self, call: Call, made: str) -> str:
        """Arrays, containers, splines, random numbers: none keeps a function but the splines, which keep one."""
        name = made.rpartition(".")[2]
        if call.bare and made.startswith("scipy."):
            return self._misuse_of_state(name, call.state)
        if (call.items or call.pairs) and name not in _TRANSPARENT:
            return f"It adds entries to {_a(name)}, which is no container."
        for part in (call.state, call.items, call.pairs):
            if name != "NumpyArrayWrapper" and part and self._function_in(part):
                return f"It keeps a function in {_a(name)}, where no model has one."
        return ""

    # attributes
    def _misuse_of_state(self, name: str, state: Symbol) -> str:
        parts = state if isinstance(state, tuple) and len(state) == 2 else (state,)
        if not all(part is None or isinstance(part, Pairs) for part in parts):
            compiled = isinstance(state, tuple) and not any(map(_is_mapping, state))
            return "" if compiled and not self._function_in(state) else f"It gives {_a(name)} what is no state of one."
        seen: set[str] = set()
        for part in parts:
            for attribute, value in part.pairs if part is not None else ():
                self._steps += 1
                if not isinstance(attribute, str):
                    return f"It gives {_a(name)} an attribute whose name is no plain text."
                if attribute.startswith("__") or attribute in seen:
                    return f"It sets {attribute[:60]} of {_a(name)}, which no model does" + (
                        " twice." if attribute in seen else "."
                    )
                seen.add(attribute)
                wrong = self._misuse_of_attribute(name, attribute, value)
                if wrong:
                    return f"{attribute[:60]} of its {name} {wrong}."
        return ""

    def _misuse_of_attribute(self, owner: str, attribute: str, value: Symbol) -> str:
        if value is None or isinstance(value, bool | float):
            return ""
        if isinstance(value, int):
            return _misuse_of_integer(owner, attribute, value)
        if attribute not in self._special:
            self._special[attribute] = self._check_for(attribute)
        check = self._special[attribute]
        if check is not None and owner != "MethodMetadataRequest":  # which keeps the names of methods, and calls none
            return check(value)
        if isinstance(value, str):
            return ""
        wrong = self._misuse_of_estimators(attribute, value) if _ESTIMATORS.fullmatch(attribute) else ""
        return wrong or self._misuse_of_functions(attribute, value)

    def _check_for(self, attribute: str) -> Callable[[Symbol], str] | None:
        """What checks the values of an attribute that is more than data; None for one that is not."""
        if attribute in _KEYWORDS:
            return self._misuse_of_keywords
        if "method" in attribute.lower():
            return self._misuse_of_method
        return _misuse_of_getter if "getter" in attribute else _SPECIAL.get(attribute)

    def _misuse_of_functions(self, attribute: str, value: Symbol) -> str:
        """Functions and types in ``value``, where the attribute is none for them."""
        if isinstance(value, Global):
            return self._misuse_of_named(attribute, value)
        if attribute in _HOLDS_FUNCTIONS or attribute in _TRIED or "dtype" in attribute:
            named = [leaf for leaf in self._leaves(value) if isinstance(leaf, Global)]
            return next(filter(None, (self._misuse_of_named(attribute, found) for found in named)), "")
        return "holds a function, where scikit-learn keeps none" if self._function_in(value) else ""

    def _misuse_of_named(self, attribute: str, found: Global) -> str:
        if str(found) in self._allowed and (attribute in _TRANSFORMS or attribute in _HOLDS_FUNCTIONS):
            return ""
        return _misuse_of_named(attribute, found)

    def _misuse_of_method(self, value: Symbol) -> str:
        words = [value] if isinstance(value, str) else list(self._leaves(value, most=100_000))
        for word in words:
            if isinstance(word, str) and word in _METHODS:
                continue
            if is_number(word) and not isinstance(word, str):
                continue
            shown = f"“{word[:40]}”" if isinstance(word, str) else "something that is no plain text"
            return f"names {shown}, which is no method that scikit-learn calls there"
        return ""

    def _misuse_of_keywords(self, value: Symbol) -> str:
        pairs = value.pairs if isinstance(value, Pairs) else None
        if pairs is None or len(pairs) > _MOST_OPTIONS:
            return "holds no keyword arguments"
        for key, given in pairs:
            if not isinstance(key, str) or key not in _OPTIONS:
                return f"hands on “{str(key)[:40]}”, which is no argument that a model needs"
            if is_number(given):
                continue
            if isinstance(given, Global) and key == "dtype" and _TYPES.fullmatch(str(given)):
                continue
            if isinstance(given, str) and _is_option_word(key, given):
                continue
            if isinstance(given, str) or not self._is_numeric(given, texts=key in _TEXT_OPTIONS):
                return f"hands on something for “{key}” that is no number"
        return ""

    def _is_numeric(self, value: Symbol, *, texts: bool) -> bool:
        """Whether ``value`` is an array, list or tuple of numbers (or of words, with ``texts``)."""
        if isinstance(value, Call) and str(value.function).startswith("scipy.sparse."):
            return not self._function_in(value.state)
        return all(
            is_number(leaf) or _is_plain_array(leaf) or (texts and isinstance(leaf, str))
            for leaf in self._leaves(value)
        )

    def _misuse_of_estimators(self, attribute: str, value: Symbol) -> str:
        """An array or a foreign object among estimators would have its own methods called."""
        if isinstance(value, Array) and value.content is None:
            return "holds an array of numbers instead of estimators"
        if isinstance(value, bytes | Omitted):
            return "holds bytes instead of estimators"
        if _MANY_ESTIMATORS.fullmatch(attribute):
            members = list(self._leaves(value))
        else:
            members = [member for pair in _listed(value) for member in (pair[1:2] if _is_named(pair) else (pair,))]
        for member in members:
            if isinstance(member, str | int | float) or member is None or self._is_estimator(class_of(member)):
                continue
            return "holds something that is no estimator"
        return ""

    def _is_estimator(self, class_name: str) -> bool:
        return class_name.startswith("sklearn.") or is_boosted(class_name) or class_name in self._allowed

    # containers
    def _function_in(self, value: Symbol) -> bool:
        """Whether a function or class stands anywhere in ``value``, in the containers that it is made of."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            self._steps += 1
            if self._steps > _MOST_STEPS:
                raise _TooManySteps
            if isinstance(one, Global):
                return True
            parts = _parts(one)
            if parts is not None and id(one) not in self._without_functions:
                self._without_functions[id(one)] = one
                waiting.extend(part for part in parts if isinstance(part, Global) or _parts(part) is not None)
                self._steps += len(parts)
        return False

    def _leaves(self, value: Symbol, most: int = _MOST_STEPS) -> Iterator[Symbol]:
        """What the containers in ``value`` hold in the end. Those that hold themselves end the walk."""
        waiting = [value]
        taken = 0
        while waiting:
            one = waiting.pop()
            taken += 1
            self._steps += 1
            if taken > most or self._steps > _MOST_STEPS:
                raise _TooManySteps
            parts = _parts(one)
            if parts is None:
                yield one
            else:
                waiting.extend(parts)


def _parts(symbol: Symbol) -> list[Symbol] | tuple[Symbol, ...] | None:
    """What a container holds, keys included; None for what is none. Arrays of numbers hold nothing."""
    if isinstance(symbol, list | tuple):
        return symbol
    if isinstance(symbol, Pairs):
        return [part for pair in symbol.pairs for part in pair]
    if isinstance(symbol, Members):
        return symbol.members
    if isinstance(symbol, Array):
        return None if symbol.content is None else [symbol.content]
    if isinstance(symbol, Call) and symbol.function.name in _TRANSPARENT:
        return _parts_of_call(symbol)
    return None


def _parts_of_call(call: Call) -> list[Symbol] | None:
    if call.function.name in ("_reconstruct", "_mareconstruct"):
        state = call.state
        return [state[4]] if isinstance(state, tuple) and len(state) >= 5 and isinstance(state[4], list) else None
    held = [*call.arguments, *call.items, *(part for pair in call.pairs for part in pair)]
    if call.function.name == "defaultdict":
        held = held[1:]  # what it makes for a missing key was checked with its arguments
    return held if call.state is None else [*held, call.state]


def _is_plain_array(symbol: Symbol) -> bool:
    """Whether ``symbol`` is an array or a scalar of numpy that holds no objects."""
    return isinstance(symbol, Array | bytes | Omitted) or (
        isinstance(symbol, Call) and symbol.function.name in ("_reconstruct", "_mareconstruct", "_frombuffer", "scalar")
    )


def _listed(value: Symbol) -> Iterable[Symbol]:
    """The members of a list of estimators, of one by names, or the one estimator itself."""
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, Pairs):
        return [member for _, member in value.pairs]
    if isinstance(value, Call) and value.function.name in ("Bunch", "OrderedDict", "dict"):
        return [member for _, member in value.pairs]
    return (value,)


def _is_mapping(symbol: Symbol) -> bool:
    return isinstance(symbol, Pairs) or (
        isinstance(symbol, Call) and symbol.function.name in _TRANSPARENT and _parts(symbol) is not None
    )


def _is_named(pair: Symbol) -> bool:
    return isinstance(pair, tuple | list) and len(pair) in (2, 3) and isinstance(pair[0], str)


def _misuse_of_integer(owner: str, attribute: str, value: int) -> str:
    if attribute == "n_jobs" and abs(value) > _MOST_JOBS:
        return f"asks for {value} processes"
    if "max_" in attribute and "iter" in attribute and value > _MOST_ITERATIONS and owner in _LOOPS_WHEN_ASKED:
        return f"asks for {value} rounds in each prediction"
    if attribute == "n_features" and value < 1:
        return "is no number of features"
    if attribute in ("k", "degree") and owner.startswith(_SPLINES) and not 0 <= value <= _LARGEST_DEGREE:
        return f"asks for curves of degree {value}"
    if attribute.startswith("n_") and abs(value) >= _LARGEST_NUMBER:
        return "is larger than any model's"
    return ""


def _misuse_of_named(attribute: str, found: Global) -> str:
    """Whether the function or class ``found`` may be the value of ``attribute``."""
    if _TYPES.fullmatch(str(found)):
        return "" if "dtype" in attribute or attribute in _TRIED else "holds a type, where scikit-learn keeps none"
    if is_function(found):
        transforms = attribute in _TRANSFORMS and found.name not in _NOT_TRANSFORMS
        if transforms or attribute in _TRIED or found.name in _HOLDS_FUNCTIONS.get(attribute, ()):
            return ""
    return f"holds `{str(found)[:100]}`, which scikit-learn does not keep there"


def _is_option_word(key: str, given: str) -> bool:
    if key == "dtype":
        return _TYPE_WORDS.fullmatch(given) is not None
    return key in _TEXT_OPTIONS and _WORDS.fullmatch(given) is not None


def _misuse_of_getter(value: Symbol) -> str:
    fits = isinstance(value, str) and _GETTER.fullmatch(value) and "__" not in value
    return "" if fits else "names something that is no learnt attribute"


def _misuse_of_input(value: Symbol) -> str:
    if value == "content":
        return ""
    return 'lets each row name a file that the service would open: fit it again with input="content"'


def _misuse_of_memory(_: Symbol) -> str:
    return "names a folder for intermediate results: set it to None before saving (model.set_params(memory=None))"


def _misuse_of_vocabulary(value: Symbol) -> str:
    """Compiled code takes the weight of a word by its number, wherever that is."""
    pairs = value.pairs if isinstance(value, Pairs | Call) else []
    count = len({word for word, _ in pairs if isinstance(word, str)})
    for _, number in pairs:
        if isinstance(number, Call) and number.function.name == "scalar":
            data = number.arguments[1] if len(number.arguments) == 2 else None
            number = int.from_bytes(data, "little") if isinstance(data, bytes) else None  # noqa: PLW2901
        if isinstance(number, int) and not 0 <= number < count:
            return "numbers its words otherwise than one after the other"
    return ""


def _misuse_of_codec(value: Symbol) -> str:
    return "" if isinstance(value, str) and _CODEC.fullmatch(value) else "names no encoding"


def _misuse_of_template(value: Symbol) -> str:
    fits = isinstance(value, str) and _NAME_TEMPLATE.fullmatch(value)
    return "" if fits else "is no pattern for column names"


def _a(name: str) -> str:
    return f"{'an' if name[:1] in 'AEIOU' else 'a'} {name[:60]}"


_SPECIAL: Final[dict[str, Callable[[Symbol], str]]] = {
    "input": _misuse_of_input,
    "memory": _misuse_of_memory,
    "vocabulary_": _misuse_of_vocabulary,
    "encoding": _misuse_of_codec,
    "format": _misuse_of_codec,
    "_format": _misuse_of_codec,
    "verbose_feature_names_out": _misuse_of_template,
}

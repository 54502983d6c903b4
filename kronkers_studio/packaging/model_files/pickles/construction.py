"""What a model's pickle may call, with which arguments: enough to rebuild what models are made of, and no more.

An allowed name is no allowed call. ``bytearray(2**40)`` takes a terabyte, ``__randomstate_ctor`` calls whatever it is
given, ``numpy.dtype`` can be told that bytes of the file are pointers, and an estimator's class that is called, instead
of being filled with a state, takes every attribute from its arguments. So each call is compared with what picklers
write.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from math import prod
from typing import Final

from kronkers_studio.packaging.model_files.pickles import sklearn_names
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

_LARGEST_COUNT = 1_000_000  # outputs, classes, dimensions: real ones stay far below
_LONGEST_NUMBER = 100  # characters
_LONGEST_RANGE = 10_000_000
_MOST_PARTS = 100  # of a random generator's state

_DTYPE = re.compile(r"[<>=|]?(?:[biufc]\d{1,2}|[SUV]\d{1,9}|O[48]?|[Mm]8(?:\[\w{1,12}\])?)")
_DECIMAL = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:E[+-]?\d{1,4})?|[+-]?(?:s?NaN\d*|Infinity)", re.IGNORECASE)
_FRACTION = re.compile(r"[+-]?\d+(?:/\d+)?")
_OBJECT_FLAGS = 0x3F  # what numpy itself sets for a type whose elements are objects
_HOLDS_OBJECTS = 0x01 | 0x02  # reference counts; pickled as a list
_ALIGNMENTS = (-1, 1, 2, 4, 8, 16)
_POSITIONS = {"pos": 624, "buffer_pos": 4}  # the largest, of the next number among those that a generator has ready
_CONTAINERS = ("list", "tuple", "set", "frozenset", "dict")
_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")
_PLAIN_CODECS = ("latin1", "latin-1", "iso-8859-1")

_Check = Callable[[tuple[Symbol, ...]], bool]


def misuse_of(call: Call) -> str:
    """What is wrong with ``call``, as the end of "it calls `…` " for people; "" for a call that models need."""
    name = str(call.function)
    if call.bare and not call.arguments:
        return _state_misuse(name, call)
    if name.startswith("sklearn."):
        fits = _fits_sklearn(call, name)
    elif call.bare:
        fits = False
    else:
        check = _CHECKS.get(name) or next((check for end, check in _CHECKS_BY_END.items() if name.endswith(end)), None)
        fits = check is not None and check(call.arguments)
    return _state_misuse(name, call) if fits else "with arguments that no model needs"


def is_number(symbol: Symbol) -> bool:
    """Whether ``symbol`` is None, a truth value or a plain number."""
    return symbol is None or isinstance(symbol, bool | int | float)


# plain Python
def _no_arguments(arguments: tuple[Symbol, ...]) -> bool:
    return not arguments


def _one_container(arguments: tuple[Symbol, ...]) -> bool:
    """Nothing, or one container that the file itself holds in full."""
    return not arguments or (len(arguments) == 1 and isinstance(arguments[0], list | tuple | Pairs | Members))


def _one_number(arguments: tuple[Symbol, ...]) -> bool:
    return len(arguments) <= 1 and all(map(is_number, arguments))


def _numbers(arguments: tuple[Symbol, ...]) -> bool:
    return all(map(is_number, arguments))


def _held_bytes(arguments: tuple[Symbol, ...]) -> bool:
    """The content of ``bytes`` or ``bytearray``, in the file itself: a number would be a length."""
    if not arguments:
        return True
    content, *options = arguments
    if options:
        return isinstance(content, str | Omitted) and options[0] in _PLAIN_CODECS and len(options) == 1
    return (
        isinstance(content, bytes | Omitted)
        or (isinstance(content, list) and all(isinstance(item, int) for item in content))
        or (isinstance(content, Call) and str(content.function) == "_codecs.encode")
    )


def _held_text(arguments: tuple[Symbol, ...]) -> bool:
    return all(isinstance(argument, str) for argument in arguments[:1]) and len(arguments) <= 1


def _short_range(arguments: tuple[Symbol, ...]) -> bool:
    return 1 <= len(arguments) <= 3 and all(
        isinstance(bound, int) and abs(bound) <= _LONGEST_RANGE for bound in arguments
    )


def _slice(arguments: tuple[Symbol, ...]) -> bool:
    return 1 <= len(arguments) <= 3 and all(is_number(bound) or isinstance(bound, str) for bound in arguments)


def _latin(arguments: tuple[Symbol, ...]) -> bool:
    return len(arguments) == 2 and isinstance(arguments[0], str | Omitted) and arguments[1] in _PLAIN_CODECS


def _reconstructor(arguments: tuple[Symbol, ...]) -> bool:
    """``copyreg._reconstructor(class, base, state)``: with another base than object, the state goes to its __init__."""
    if len(arguments) != 3 or not all(isinstance(argument, Global) for argument in arguments[:2]):
        return False
    made, base, state = arguments
    if str(base) == "builtins.object":
        own = ("sklearn.", "numpy.", "scipy.", "joblib.", "builtins", "xgboost.", "lightgbm.", "catboost.")
        return state is None and made.module.startswith(own)
    if str(base) in ("builtins.dict", "builtins.list", "builtins.tuple", "builtins.set"):
        return made.module.startswith(("sklearn.", "collections")) and isinstance(state, list | tuple | Pairs | Members)
    return False


def _default_factory(arguments: tuple[Symbol, ...]) -> bool:
    made = ("int", "float", "list", "dict", "set", "str")
    kinds = ("None", "collections.OrderedDict", *(f"builtins.{name}" for name in made))
    return not arguments or (str(arguments[0]) in kinds and _one_container(arguments[1:]))


def _deque(arguments: tuple[Symbol, ...]) -> bool:
    return _one_container(arguments[:1]) and _numbers(arguments[1:])


def _moment(arguments: tuple[Symbol, ...]) -> bool:
    """A date or time: its packed bytes (as text from Python 2), or numbers; and a time zone."""
    return all(
        is_number(part)
        or (isinstance(part, str | bytes) and len(part) <= _LONGEST_NUMBER)
        or (isinstance(part, Call) and str(part.function).startswith(("datetime.", "_codecs.")))
        for part in arguments
    )


def _written_as(pattern: re.Pattern[str]) -> _Check:
    def check(arguments: tuple[Symbol, ...]) -> bool:
        return _numbers(arguments) or (
            len(arguments) == 1
            and isinstance(arguments[0], str)
            and len(arguments[0]) <= _LONGEST_NUMBER
            and pattern.fullmatch(arguments[0]) is not None
        )

    return check


# numpy
def _dtype(arguments: tuple[Symbol, ...]) -> bool:
    kind, *options = arguments
    named = isinstance(kind, str) and _DTYPE.fullmatch(kind) is not None
    return (named or isinstance(kind, Global)) and _numbers(tuple(options)) and len(options) <= 2


def _empty_array(arguments: tuple[Symbol, ...]) -> bool:
    """``_reconstruct(class, (0,), b"b")``: nothing yet, its state brings shape and content."""
    return (
        len(arguments) == 3
        and str(arguments[0]) in ("numpy.ndarray", "numpy.matrix", "numpy.ma.MaskedArray", "numpy.ma.core.MaskedArray")
        and arguments[1] == (0,)
        and _is_byte_type(arguments[2])
    )


def _is_byte_type(symbol: Symbol) -> bool:
    if isinstance(symbol, Call) and str(symbol.function) == "_codecs.encode":
        return symbol.arguments[:1] == ("b",)
    return symbol in ("b", b"b")


def _masked_array(arguments: tuple[Symbol, ...]) -> bool:
    return (
        len(arguments) == 4
        and str(arguments[0]).startswith("numpy.ma.")
        and str(arguments[1]) == "numpy.ndarray"
        and arguments[2] == (0,)
        and _is_byte_type(arguments[3])
    )


def _scalar(arguments: tuple[Symbol, ...]) -> bool:
    """``scalar(type, bytes)``. Without bytes it makes room for whatever the type says; of objects it hands on any."""
    if len(arguments) != 2:
        return False
    kind, data = arguments
    if isinstance(data, Call):
        return str(data.function) in ("_codecs.encode", "builtins.bytes") and not _may_hold_objects(kind)
    return isinstance(data, bytes | str | Omitted) and not _may_hold_objects(kind)


def _may_hold_objects(kind: Symbol) -> bool:
    if not isinstance(kind, Call) or class_of(kind) != "numpy.dtype" or not kind.arguments:
        return True
    name = kind.arguments[0]
    return not isinstance(name, str) or "O" in name or "V" in name


def _from_buffer(arguments: tuple[Symbol, ...]) -> bool:
    if len(arguments) != 4:
        return False
    data, kind, shape, order = arguments
    held = isinstance(data, bytes | Omitted) or (isinstance(data, Call) and str(data.function) == "builtins.bytearray")
    return held and not _is_object_type(kind) and _is_shape(shape) and order in ("C", "F")


def _is_object_type(kind: Symbol) -> bool:
    return isinstance(kind, Call) and bool(kind.arguments) and "O" in str(kind.arguments[0])


def _is_shape(symbol: Symbol) -> bool:
    return isinstance(symbol, tuple) and all(
        isinstance(length, int) and not isinstance(length, bool) and length >= 0 for length in symbol
    )


def _random_constructor(arguments: tuple[Symbol, ...]) -> bool:
    """A generator's kind, by name; numpy would call any second argument with the first."""
    return (
        len(arguments) <= 2
        and all(_is_bit_generator(argument) for argument in arguments[:1])
        and all(isinstance(argument, Global) and argument.name == "__bit_generator_ctor" for argument in arguments[1:])
    )


def _is_bit_generator(symbol: Symbol) -> bool:
    if isinstance(symbol, Call):  # numpy 2 hands over the generator itself
        return symbol.function.name == "__bit_generator_ctor"
    return symbol in _BIT_GENERATORS or (isinstance(symbol, Global) and symbol.name in _BIT_GENERATORS)


def _cython_unpickle(arguments: tuple[Symbol, ...]) -> bool:
    return (
        2 <= len(arguments) <= 3
        and isinstance(arguments[0], Global)
        and isinstance(arguments[1], int)
        and all(argument is None or isinstance(argument, tuple) for argument in arguments[2:])
    )


def _seed_sequence(arguments: tuple[Symbol, ...]) -> bool:
    return _cython_unpickle(arguments) and arguments[0].name == "SeedSequence"


# scikit-learn
def _fits_sklearn(call: Call, name: str) -> bool:
    arguments = call.arguments
    if call.bare:  # a named tuple, the one kind of class that takes its content in this way
        return call.function.name in sklearn_names.NAMED_TUPLES
    if call.function.name == "newObj":
        return len(arguments) == 1 and isinstance(arguments[0], Global) and arguments[0].module == call.function.module
    if call.function.name.startswith("__pyx_unpickle_"):
        return _cython_unpickle(arguments) and name.endswith(arguments[0].name)
    if name.endswith("._tree.Tree"):
        return len(arguments) == 3 and all(map(_is_count, arguments[::2]))
    if call.function.module in sklearn_names.CALLED_MODULES:
        return all(is_number(argument) or _is_array(argument) for argument in arguments) and all(
            abs(argument) <= _LARGEST_COUNT for argument in arguments if isinstance(argument, int)
        )
    return name.endswith(("._bunch.Bunch", "utils.Bunch")) and _one_container(arguments)


def _is_count(symbol: Symbol) -> bool:
    return isinstance(symbol, int) and 0 <= symbol <= _LARGEST_COUNT


def _is_array(symbol: Symbol) -> bool:
    return isinstance(symbol, Array) or (
        isinstance(symbol, Call) and symbol.function.name in ("_reconstruct", "_frombuffer", "scalar", "dtype")
    )


# states of what is no estimator
def _state_misuse(name: str, call: Call) -> str:
    """As ``misuse_of``, for the state that a dtype or an array is given: it says how many bytes mean what."""
    if name == "numpy.dtype" and call.state is not None:
        return "" if _is_sound_type(call) else "with a layout that does not fit its size"
    if call.function.name == "_reconstruct" and call.state is not None:
        return "" if _is_sound_array(call.state) else "with a shape that does not fit its content"
    if name.startswith("numpy.random."):
        return "" if _is_sound_generator(call.state) else "with a position outside of its numbers"
    return ""


def _is_sound_type(kind: Call) -> bool:
    state, name = kind.state, kind.arguments[0]
    if not isinstance(state, tuple) or len(state) not in (8, 9) or not isinstance(name, str):
        return False
    _, _, base, names, fields, stated, alignment, flags = state[:8]
    if not isinstance(flags, int) or alignment not in _ALIGNMENTS:
        return False
    if "O" in name:
        return flags & _OBJECT_FLAGS == _OBJECT_FLAGS and base is None and fields is None and stated == -1
    size = _size_of(kind)
    if flags & _HOLDS_OBJECTS or size is None:
        return False
    if stated != size and (stated != -1 or any(letter in name for letter in "SUV")):  # whose size is only there
        return False
    return _fits_base(base, size) and _fits_fields(names, fields, size)


def _size_of(kind: Symbol) -> int | None:
    """Bytes of one element; None for what is no type without objects."""
    if not isinstance(kind, Call) or class_of(kind) != "numpy.dtype" or not kind.arguments:
        return None
    matched = re.fullmatch(r"[<>=|]?([biufcSUVMm])(\d{1,9}).*", str(kind.arguments[0]))
    return int(matched[2]) * (4 if matched[1] == "U" else 1) if matched else None


def _fits_base(base: Symbol, size: int) -> bool:
    if base is None:
        return True
    if not isinstance(base, tuple) or len(base) != 2:
        return False
    inner, shape = _size_of(base[0]), base[1] if isinstance(base[1], tuple) else (base[1],)
    return inner is not None and _is_shape(shape) and inner * prod(shape) == size


def _fits_fields(names: Symbol, fields: Symbol, size: int) -> bool:
    if fields is None:
        return names is None
    if not isinstance(fields, Pairs) or not isinstance(names, tuple):
        return False
    if sorted(map(str, names)) != sorted(str(name) for name, _ in fields.pairs):
        return False
    for _, field in fields.pairs:
        if not isinstance(field, tuple) or len(field) not in (2, 3) or not isinstance(field[1], int):
            return False
        inner = _size_of(field[0])
        if inner is None or field[1] < 0 or field[1] + inner > size:
            return False
    return True


def _is_sound_array(state: Symbol) -> bool:
    """(version, shape, type, is_fortran, content): as many bytes as the shape needs, or as many objects."""
    if not isinstance(state, tuple) or len(state) not in (5, 7):
        return False
    _, shape, kind, _, data = state[:5]
    if not _is_shape(shape):
        return False
    count = prod(shape)
    if isinstance(data, list):
        return len(data) == count and _is_object_type(kind)
    size = _size_of(kind)
    if size is None or (size == 0 and count > _LARGEST_COUNT):
        return False
    held = len(data) if isinstance(data, bytes) else data.size if isinstance(data, Omitted) else None
    return held is None or held == size * count


def _is_sound_generator(state: Symbol) -> bool:
    """Compiled code takes the number at the position, wherever that is."""
    parts = [state]
    for part in parts:  # which grows meanwhile
        if len(parts) > _MOST_PARTS:
            return False
        if isinstance(part, Pairs):
            for key, value in part.pairs:
                if key in _POSITIONS and not (type(value) is int and 0 <= value <= _POSITIONS[key]):
                    return False
                parts.append(value)
        elif isinstance(part, tuple):
            if part[:1] == ("MT19937",) and not (len(part) > 2 and type(part[2]) is int and 0 <= part[2] <= 624):
                return False
            parts.extend(part)
    return True


_CHECKS: Final[dict[str, _Check]] = {
    **{f"builtins.{name}": _one_container for name in _CONTAINERS},
    **{f"builtins.{name}": _one_number for name in ("int", "float", "bool")},
    "builtins.complex": _numbers,
    "builtins.object": _no_arguments,
    "builtins.bytes": _held_bytes,
    "builtins.bytearray": _held_bytes,
    "builtins.str": _held_text,
    "builtins.slice": _slice,
    "builtins.range": _short_range,
    "collections.OrderedDict": _one_container,
    "collections.Counter": _one_container,
    "collections.defaultdict": _default_factory,
    "collections.deque": _deque,
    "copyreg._reconstructor": _reconstructor,
    "_codecs.encode": _latin,
    "datetime.datetime": _moment,
    "datetime.date": _moment,
    "datetime.time": _moment,
    "datetime.timedelta": _moment,
    "datetime.timezone": _moment,
    "decimal.Decimal": _written_as(_DECIMAL),
    "fractions.Fraction": _written_as(_FRACTION),
    "numpy.dtype": _dtype,
    "numpy.ma.core._mareconstruct": _masked_array,
    "numpy.ma._mareconstruct": _masked_array,
    "numpy.random._pickle.__randomstate_ctor": _random_constructor,
    "numpy.random._pickle.__generator_ctor": _random_constructor,
    "numpy.random._pickle.__bit_generator_ctor": _random_constructor,
    "numpy.random.bit_generator.__pyx_unpickle_SeedSequence": _seed_sequence,
}
_CHECKS_BY_END: Final[dict[str, _Check]] = {
    "core.multiarray._reconstruct": _empty_array,
    "core.multiarray.scalar": _scalar,
    "core.numeric._frombuffer": _from_buffer,
}

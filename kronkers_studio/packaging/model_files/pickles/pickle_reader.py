"""Reads a pickle without running it: every opcode is carried out on symbols, nothing is imported or called.

Understands all protocols and joblib's files, where the bytes of an array follow its wrapper in the stream. Python's
own reader and this one must never disagree about where data ends and opcodes go on, so whatever they could read
differently (crossing frames, a second protocol mark, extension codes …) is refused: real picklers write none of it.
"""

from __future__ import annotations

import _compat_pickle
import struct
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch
from kronkers_studio.packaging.model_files.pickles.array_types import ArrayType, array_type, parts_of_type
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import (
    Array,
    Call,
    Global,
    Members,
    Omitted,
    Pairs,
    Symbol,
    attributes_of,
    class_of,
)

ARRAY_WRAPPER: Final = "joblib.numpy_pickle.NumpyArrayWrapper"
_MISNAMED: Final = {"_loss": "sklearn._loss._loss"}  # what scikit-learn 1.6 and 1.7 write; serving reads it alike
_KEPT_ARRAY = 64 * 1024
_KEPT_VALUE = 64 * 1024
_LONGEST_NUMBER = 1024
_LONGEST_LINE = 64 * 1024
_FREE_STEPS = 800_000  # ten thousand trees of one branch, the densest real models, take 0.15 a byte more than below
_STEPS_PER_BYTE = 0.3  # vocabularies take 0.2
_FREE_STORED_STEPS = 2_000_000  # the same of compressed files: less is known of them before they are read
_STEPS_PER_STORED_BYTE = 1.0
_STEPS_OF_CALL = 8  # to make it, and to look at its arguments afterwards
_BETWEEN_LOOKS = 256
_DEEPEST = (
    100  # tuples in tuples, types in types: Python and numpy go through them on the C stack, however deep it gets
)
_HASHED_IN_FULL: Final = ("builtins.tuple", "copyreg._reconstructor")


class Forbidden(Exception):
    """The pickle does something that no model's pickle does. The text completes "This file …" for people."""


@dataclass(slots=True)
class Budget:
    """What reading one file may cost, over all pickles in it. The largest real models stay below a tenth."""

    steps: int = 20_000_000
    symbols: int = 8_000_000  # on the stack and in the memo at once
    kept_bytes: int = 512 * 1024 * 1024
    given: int = field(init=False)

    def __post_init__(self) -> None:
        self.given = self.steps

    @classmethod
    def for_file(cls, size: int) -> Budget:
        """What reading a file of ``size`` bytes may cost. A compressed vocabulary takes half as many steps."""
        return cls(steps=min(_FREE_STORED_STEPS + int(size * _STEPS_PER_STORED_BYTE), 20_000_000))


@dataclass(slots=True)
class Findings:
    """What was found on the way. ``called`` are the globals among ``globals`` that the pickle calls itself."""

    globals: dict[Global, None] = field(default_factory=dict)  # in the order of their first appearance
    called: dict[Global, None] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)  # also those whose result the pickle throws away
    protocol: int = 0
    joblib_arrays: bool = False


class PickleReader:
    """One pickle in ``source``, from its current position. ``load()`` returns the root symbol and fills ``findings``.

    Raises ``Damaged`` (also for opcodes that make no sense), ``TooMuch`` and ``Forbidden``.
    """

    def __init__(self, source: ByteReader, findings: Findings, budget: Budget, *, arrays_follow: bool = True) -> None:
        self._source = source
        self._findings = findings
        self._budget = budget
        self._arrays_follow = arrays_follow
        self._stack: list[Symbol] = []
        self._marks: list[list[Symbol]] = []
        self._marked = 0  # symbols in all of _marks
        self._memo: dict[int, Symbol] = {}
        self._types: dict[int, tuple[Symbol, ArrayType]] = {}
        self._depths: dict[int, tuple[Symbol, int]] = {}  # of what is nested, kept alive: no other object gets its id
        self._protocol = 0
        self._frame_end: int | None = None

    def load(self) -> Symbol:
        """The pickle's root, read up to and including its STOP."""
        try:
            self._run()
            if self._marks or len(self._stack) != 1:
                raise Damaged("its objects do not fit together")
            return self._stack.pop()
        except (IndexError, KeyError, ValueError, TypeError, OverflowError, struct.error) as error:
            raise Damaged("its objects do not fit together") from error

    def _run(self) -> None:
        """Every opcode up to STOP. Those that long lists and dictionaries consist of are carried out here, and count
        as one step; the others take about twice as long."""
        source, budget, memo = self._source, self._budget, self._memo
        next_byte, exact = source.byte, source.exact
        stack, frame_end, steps, look = self._stack, self._frame_end, budget.steps, budget.steps - _BETWEEN_LOOKS
        first = True
        while True:
            code = next_byte()
            steps -= 1
            if code == _MEMOIZE:
                memo[len(memo)] = stack[-1]
            elif code == _SHORT_BINUNICODE:
                size = next_byte()
                budget.kept_bytes -= size
                stack.append(str(exact(size), "utf-8", "surrogatepass"))
            elif code == _BINGET:
                stack.append(memo[next_byte()])
            elif code == _BININT1:
                stack.append(next_byte())
            elif code == _BININT2:
                stack.append(next_byte() + 256 * next_byte())
            elif code == _BININT:
                stack.append(int.from_bytes(exact(4), "little", signed=True))
            elif code == _STOP:
                budget.steps = steps
                return
            else:
                budget.steps = steps - 1  # of all pickles in the file: there may be one in an array
                self._carry_out(code, first=first)
                stack, frame_end, steps = self._stack, self._frame_end, budget.steps
            first = False
            if steps < look:
                self._require_measure(steps)
                look = steps - _BETWEEN_LOOKS
            if frame_end is not None and source.position >= frame_end:
                self._leave_frame()
                frame_end = None

    def _carry_out(self, code: int, *, first: bool) -> None:
        operation = _OPERATIONS.get(code)
        if operation is None:
            raise Damaged(f"it holds the unknown opcode 0x{code:02x}")
        if code == _PROTO and not first:
            raise Forbidden("changes its protocol midway, which no real pickle does")
        operation(self)

    def _require_measure(self, steps_left: int) -> None:
        budget = self._budget
        if steps_left < 0 or budget.kept_bytes < 0:
            raise TooMuch("it takes more steps to read than any model")
        if budget.given - steps_left > _FREE_STEPS + self._source.position * _STEPS_PER_BYTE:
            raise TooMuch("it takes more steps to read than any model of its size")
        if len(self._stack) + self._marked + len(self._memo) > budget.symbols:
            raise TooMuch("it holds more objects than any model")

    # frames
    def _proto(self) -> None:
        self._protocol = self._source.byte()
        if self._protocol > 5:
            raise Forbidden(f"uses pickle protocol {self._protocol}, which is not known")
        self._findings.protocol = max(self._findings.protocol, self._protocol)

    def _frame(self) -> None:
        if self._frame_end is not None:
            raise Forbidden("has frames that overlap, which no real pickle has")
        self._frame_end = self._source.position + int.from_bytes(self._source.exact(8), "little") + 8

    def _leave_frame(self) -> None:
        if self._frame_end is not None and self._source.position > self._frame_end:
            raise Forbidden("has data that crosses its frames, which no real pickle has")
        self._frame_end = None

    # stack
    def _push(self, symbol: Symbol) -> None:
        self._stack.append(symbol)

    def _mark(self) -> None:
        self._marks.append(self._stack)
        self._marked += len(self._stack) + 1
        self._stack = []

    def _pop_mark(self) -> list[Symbol]:
        items, self._stack = self._stack, self._marks.pop()
        self._marked -= len(self._stack) + 1
        return items

    def _drop_mark(self) -> None:
        self._pop_mark()

    def _pop(self) -> None:
        if self._stack:
            del self._stack[-1]
        else:
            self._pop_mark()

    def _dup(self) -> None:
        self._push(self._stack[-1])

    # values
    def _keep(self, size: int) -> bytes | None:
        """The next ``size`` bytes, or None when there are too many to be of interest: they are passed over."""
        if size < 0:
            raise Damaged("it holds a negative length")
        if size > _KEPT_VALUE:
            self._source.skip(size)
            return None
        self._budget.kept_bytes -= size
        if self._budget.kept_bytes < 0:
            raise TooMuch("it holds more text than any model")
        return self._source.exact(size)

    def _push_bytes(self, size: int) -> None:
        at, data = self._source.position, self._keep(size)
        self._push(Omitted(size, at) if data is None else data)

    def _push_text(self, size: int) -> None:
        at, data = self._source.position, self._keep(size)
        self._push(Omitted(size, at) if data is None else str(data, "utf-8", "surrogatepass"))

    def _push_old_text(self, size: int) -> None:
        at, data = self._source.position, self._keep(size)
        self._push(Omitted(size, at) if data is None else data.decode("latin-1"))

    def _push_number(self, size: int) -> None:
        if not 0 <= size <= _LONGEST_NUMBER:
            raise TooMuch("it holds a number longer than any model's")
        self._push(int.from_bytes(self._source.exact(size), "little", signed=True))

    def _unsigned(self, size: int) -> int:
        return int.from_bytes(self._source.exact(size), "little")

    def _signed(self, size: int) -> int:
        return int.from_bytes(self._source.exact(size), "little", signed=True)

    def _text_line(self) -> str:
        return str(self._source.line(_LONGEST_LINE), "utf-8")

    def _int_line(self) -> None:
        text = self._source.line(_LONGEST_NUMBER)
        self._push({b"00": False, b"01": True}[text] if text in (b"00", b"01") else int(text))

    def _long_line(self) -> None:
        self._push(int(self._source.line(_LONGEST_NUMBER).removesuffix(b"L")))

    def _float_line(self) -> None:
        self._push(float(self._source.line(_LONGEST_NUMBER)))

    def _string_line(self) -> None:
        line = self._source.line(_LONGEST_LINE)
        if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
            raise Damaged("it holds text without quotes")
        self._push(line[1:-1].decode("latin-1"))

    def _unicode_line(self) -> None:
        self._push(str(self._source.line(_LONGEST_LINE), "raw-unicode-escape"))

    # containers
    def _tuple_of(self, count: int) -> None:
        if len(self._stack) < count:
            raise IndexError
        items = tuple(self._stack[-count:])
        del self._stack[-count:]
        self._push_tuple(items)

    def _push_tuple(self, items: tuple[Symbol, ...]) -> None:
        self._note_depth(items, items)
        self._push(items)

    def _note_depth(self, made: Symbol, parts: Iterable[Symbol]) -> None:
        depths = self._depths
        inner = 0
        for part in parts:
            if isinstance(part, tuple):
                inner = max(inner, depths[id(part)][1] if id(part) in depths else 1)
            elif id(part) in depths:
                inner = max(inner, depths[id(part)][1])
        if inner >= _DEEPEST:
            raise Forbidden("nests its data deeper than any model")
        if inner:
            depths[id(made)] = made, inner + 1

    def _append_all(self, items: list[Symbol]) -> None:
        target = self._stack[-1]
        if isinstance(target, Call):
            target.items.extend(items)
        elif isinstance(target, list):
            target.extend(items)
        else:
            raise Forbidden("adds items to something that is no list")

    def _add_all(self, items: list[Symbol]) -> None:
        target = self._stack[-1]
        if isinstance(target, Members):
            target.members.extend(items)
        elif isinstance(target, Call):
            target.items.extend(items)
        else:
            raise Forbidden("adds members to something that is no set")

    def _set_all(self, items: list[Symbol]) -> None:
        target = self._stack[-1]
        if not isinstance(target, Pairs | Call) or len(items) % 2:
            raise Forbidden("sets entries in something that is no dictionary")
        target.pairs.extend(_paired(items))

    # memo
    def _remember(self, key: int) -> None:
        if key < 0:
            raise Damaged("it numbers its objects wrongly")
        if key > self._budget.symbols:  # Python's own reader would make room for all the numbers below
            raise TooMuch("it holds more objects than any model")
        self._memo[key] = self._stack[-1]

    def _recall(self, key: int) -> None:
        self._push(self._memo[key])

    # globals and calls
    def _global(self, module: Symbol, name: Symbol) -> Global:
        if not isinstance(module, str) or not isinstance(name, str):
            raise Forbidden("builds the names of what it imports while it is read")
        if self._protocol < 3:  # as Python 3 reads the names of Python 2
            if (module, name) in _compat_pickle.NAME_MAPPING:
                module, name = _compat_pickle.NAME_MAPPING[module, name]
            else:
                module = _compat_pickle.IMPORT_MAPPING.get(module, module)
        found = Global(_MISNAMED.get(module) or module, name)
        self._findings.globals.setdefault(found)
        return found

    def _global_line(self) -> None:
        module = self._text_line()
        self._push(self._global(module, self._text_line()))

    def _stack_global(self) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._push(self._global(module, name))

    def _call(self, function: Symbol, arguments: Symbol, *, bare: bool = False) -> None:
        if not isinstance(function, Global):
            raise Forbidden("calls something that it builds only while it is read")
        if not isinstance(arguments, tuple):
            raise Damaged("it calls something without arguments")
        self._findings.called.setdefault(function)
        self._budget.steps -= _STEPS_OF_CALL
        call = Call(function, arguments, bare)
        self._findings.calls.append(call)
        if bare or str(function) in _HASHED_IN_FULL:  # bare: a named tuple
            self._note_depth(
                call, [part for given in arguments for part in (given if type(given) is list else (given,))]
            )
        self._push(call)

    def _reduce(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self._call(function, arguments)

    def _new(self) -> None:
        arguments, function = self._stack.pop(), self._stack.pop()
        self._call(function, arguments, bare=True)

    def _new_with_keywords(self) -> None:
        keywords, arguments, function = self._stack.pop(), self._stack.pop(), self._stack.pop()
        if not isinstance(keywords, Pairs) or not isinstance(arguments, tuple):
            raise Damaged("it makes an object without arguments")
        self._call(function, (*arguments, keywords) if keywords.pairs else arguments, bare=True)

    def _inst(self) -> None:
        module = self._text_line()
        function = self._global(module, self._text_line())
        self._call(function, tuple(self._pop_mark()))

    def _obj(self) -> None:
        function, *arguments = self._pop_mark()
        self._call(function, tuple(arguments))

    def _build(self) -> None:
        state, target = self._stack.pop(), self._stack[-1]
        if not isinstance(target, Call):
            raise Forbidden("changes something that it did not make itself")
        if target.state is not None:
            raise Forbidden("sets the content of an object twice")
        if str(target.function) == "numpy.dtype" and isinstance(state, tuple) and len(state) > 4:
            parts = parts_of_type(state[2], state[4])
            if any(isinstance(part, Call) and part.state is None for part in parts):
                raise Forbidden("uses a type before it describes it")
            self._note_depth(target, [(part,) if id(part) not in self._depths else part for part in parts])
        target.state = state
        if class_of(target) == ARRAY_WRAPPER:
            self._stack[-1] = self._array_after(target)

    # joblib
    def _array_after(self, wrapper: Call) -> Array:
        """The array whose bytes follow ``wrapper`` in a joblib file."""
        if not self._arrays_follow:
            raise Forbidden("has an array's data where joblib never puts it")
        if self._frame_end is not None and self._source.position < self._frame_end:
            raise Forbidden("has array data inside a frame, where joblib never puts it")
        self._leave_frame()
        self._findings.joblib_arrays = True
        described = attributes_of(wrapper)
        kind = self._array_type(described.get("dtype"))
        shape, order = _shape(described.get("shape")), str(described.get("order"))
        if kind.has_objects:
            nested = PickleReader(self._source, self._findings, self._budget, arrays_follow=False)
            return Array(described["dtype"], shape, order, content=nested.load())
        if described.get("numpy_array_alignment_bytes") is not None:
            self._source.skip(self._source.byte())
        return Array(described["dtype"], shape, order, data=self._array_bytes(kind, shape))

    def _array_type(self, described: Symbol) -> ArrayType:
        """As ``array_type``; a model's arrays share a few types, each looked at once its state is set for good."""
        known = self._types.get(id(described))
        if known is not None:
            return known[1]
        kind = array_type(described)
        if described.state is not None:
            self._types[id(described)] = (described, kind)  # kept alive, so that no other object gets its id
        return kind

    def _array_bytes(self, kind: ArrayType, shape: tuple[int, ...]) -> bytes | None:
        size = kind.size
        for length in shape:
            size *= length
        if size > _KEPT_ARRAY:
            self._source.skip(size)
            return None
        return self._keep(size)


def _shape(symbol: Symbol) -> tuple[int, ...]:
    """A wrapper's shape. Its product stays within 64 bits, where joblib's own arithmetic is exact."""
    if not isinstance(symbol, tuple) or len(symbol) > 64:
        raise Damaged("an array in it has no shape")
    product = 1
    for length in symbol:
        number = _plain_int(length)
        if number is None or number < 0:
            raise Damaged("an array in it has no shape")
        product *= max(number, 1)
    if product >= 1 << 48:
        raise TooMuch("an array in it is larger than any model's")
    return tuple(_plain_int(length) or 0 for length in symbol)


def _plain_int(symbol: Symbol) -> int | None:
    return symbol if isinstance(symbol, int) and not isinstance(symbol, bool) else None


def _paired(items: list[Symbol]) -> list[tuple[Symbol, Symbol]]:
    return list(zip(items[::2], items[1::2], strict=True))


def _refuse(reason: str) -> Callable[[PickleReader], None]:
    def operation(_: PickleReader) -> None:
        raise Forbidden(reason)

    return operation


_PROTO: Final = 0x80
_STOP: Final = ord(".")
_MEMOIZE: Final = 0x94
_BINGET: Final = ord("h")
_BININT: Final = ord("J")
_BININT1: Final = ord("K")
_BININT2: Final = ord("M")
_SHORT_BINUNICODE: Final = 0x8C
_ELSEWHERE = _refuse("needs objects that are stored elsewhere")
_REGISTERED = _refuse("needs a registry of extension codes")

# The private methods below belong to the class of this module; the table is its second half.
_OPERATIONS: Final[dict[int, Callable[[PickleReader], None]]] = {
    _PROTO: PickleReader._proto,
    0x95: PickleReader._frame,
    ord("("): PickleReader._mark,
    ord("0"): PickleReader._pop,
    ord("1"): PickleReader._drop_mark,
    ord("2"): PickleReader._dup,
    ord("N"): lambda r: r._push(None),
    0x88: lambda r: r._push(True),
    0x89: lambda r: r._push(False),
    ord("I"): PickleReader._int_line,
    ord("J"): lambda r: r._push(r._signed(4)),
    ord("K"): lambda r: r._push(r._source.byte()),
    ord("M"): lambda r: r._push(r._unsigned(2)),
    ord("L"): PickleReader._long_line,
    0x8A: lambda r: r._push_number(r._unsigned(1)),
    0x8B: lambda r: r._push_number(r._signed(4)),
    ord("F"): PickleReader._float_line,
    ord("G"): lambda r: r._push(struct.unpack(">d", r._source.exact(8))[0]),
    ord("S"): PickleReader._string_line,
    ord("T"): lambda r: r._push_old_text(r._signed(4)),
    ord("U"): lambda r: r._push_old_text(r._unsigned(1)),
    ord("B"): lambda r: r._push_bytes(r._unsigned(4)),
    ord("C"): lambda r: r._push_bytes(r._unsigned(1)),
    0x8E: lambda r: r._push_bytes(r._unsigned(8)),
    0x96: lambda r: r._push_bytes(r._unsigned(8)),
    ord("V"): PickleReader._unicode_line,
    ord("X"): lambda r: r._push_text(r._unsigned(4)),
    0x8C: lambda r: r._push_text(r._unsigned(1)),
    0x8D: lambda r: r._push_text(r._unsigned(8)),
    ord("]"): lambda r: r._push([]),
    ord("l"): lambda r: r._push(r._pop_mark()),
    ord("a"): lambda r: r._append_all([r._stack.pop()]),
    ord("e"): lambda r: r._append_all(r._pop_mark()),
    ord(")"): lambda r: r._push(()),
    ord("t"): lambda r: r._push_tuple(tuple(r._pop_mark())),
    0x85: lambda r: r._tuple_of(1),
    0x86: lambda r: r._tuple_of(2),
    0x87: lambda r: r._tuple_of(3),
    ord("}"): lambda r: r._push(Pairs()),
    ord("d"): lambda r: r._push(Pairs(_paired(r._pop_mark()))),
    ord("s"): lambda r: r._set_all([r._stack.pop(-2), r._stack.pop()]),
    ord("u"): lambda r: r._set_all(r._pop_mark()),
    0x8F: lambda r: r._push(Members()),
    0x90: lambda r: r._add_all(r._pop_mark()),
    0x91: lambda r: r._push(Members(r._pop_mark())),
    ord("c"): PickleReader._global_line,
    0x93: PickleReader._stack_global,
    ord("R"): PickleReader._reduce,
    0x81: PickleReader._new,
    0x92: PickleReader._new_with_keywords,
    ord("i"): PickleReader._inst,
    ord("o"): PickleReader._obj,
    ord("b"): PickleReader._build,
    ord("g"): lambda r: r._recall(int(r._source.line(_LONGEST_NUMBER))),
    ord("h"): lambda r: r._recall(r._source.byte()),
    ord("j"): lambda r: r._recall(r._unsigned(4)),
    ord("p"): lambda r: r._remember(int(r._source.line(_LONGEST_NUMBER))),
    ord("q"): lambda r: r._remember(r._source.byte()),
    ord("r"): lambda r: r._remember(r._unsigned(4)),
    0x94: lambda r: r._remember(len(r._memo)),
    ord("P"): _ELSEWHERE,
    ord("Q"): _ELSEWHERE,
    0x97: _ELSEWHERE,
    0x98: _ELSEWHERE,
    0x82: _REGISTERED,
    0x83: _REGISTERED,
    0x84: _REGISTERED,
}

"""R's serialization read into values: short vectors with what they hold, long ones by their length. Nothing is run.

The format is described in "R Internals", section 1.8, "Serialization Formats".
"""

from __future__ import annotations

import struct
from collections.abc import Generator
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch

_MOST_ITEMS = 500_000
_MOST_TEXTS = 20_000_000  # in vectors: of a fit to many rows, their names
_MOST_KEPT = 10_000  # elements of one vector
_MOST_KEPT_IN_ALL = 500_000
_DEEPEST = 20_000  # a formula of a thousand columns lies a thousand deep
_LONGEST_TEXT = 1000  # bytes of one that is kept


class Kind(IntEnum):
    """R's types, and the codes that its serialization has besides."""

    SYMBOL = 1
    PAIRS = 2
    CLOSURE = 3
    ENVIRONMENT = 4
    PROMISE = 5
    CALL = 6
    SPECIAL = 7
    BUILTIN = 8
    TEXT = 9
    LOGICAL = 10
    INTEGER = 13
    NUMBER = 14
    COMPLEX = 15
    TEXTS = 16
    DOTS = 17
    LIST = 19
    EXPRESSIONS = 20
    BYTECODE = 21
    POINTER = 22
    WEAK = 23
    RAW = 24
    S4 = 25
    COMPACT = 238
    ATTRIBUTED_PAIRS = 239
    ATTRIBUTED_CALL = 240
    BASE_ENVIRONMENT = 241
    EMPTY_ENVIRONMENT = 242
    CODE_REFERENCE = 243
    CODE_SHARED = 244
    PERSISTENT = 247
    PACKAGE = 248
    NAMESPACE = 249
    BASE_NAMESPACE = 250
    MISSING = 251
    UNBOUND = 252
    GLOBAL_ENVIRONMENT = 253
    NOTHING = 254
    REFERENCE = 255


_ALONE = {
    **{int(kind): kind for kind in Kind if kind in (*range(241, 243), *range(250, 255))},
    **dict.fromkeys((0, 245, 246), Kind.NOTHING),
}
"""Codes that stand for a value without anything after them."""
_WIDTHS = {Kind.LOGICAL: 4, Kind.INTEGER: 4, Kind.NUMBER: 8, Kind.COMPLEX: 16, Kind.RAW: 1}  # bytes of an element
_LINES = {Kind.LOGICAL: 1, Kind.INTEGER: 1, Kind.NUMBER: 1, Kind.COMPLEX: 2}  # of an element in the form of text
_PAIRED = frozenset({Kind.PAIRS, Kind.CALL, Kind.CLOSURE, Kind.PROMISE, Kind.DOTS})
_CODE_PAIRS = frozenset({Kind.PAIRS, Kind.CALL, Kind.ATTRIBUTED_CALL, Kind.ATTRIBUTED_PAIRS, Kind.CODE_SHARED})
_HAS_ATTRIBUTES, _HAS_TAG, _ACTIVE = 0x200, 0x400, 1 << (12 + 15)
_LATIN_1 = 1 << (12 + 2)
_WESTERN = ("cp1252", "latin-1")  # what R on Windows calls latin1 has more signs
_NA_INTEGER = -(1 << 31)


@dataclass(slots=True, eq=False)
class Value:
    """One of R's values.

    ``length`` is a vector's or list's; ``items`` are its texts (None: missing) or numbers where it is short, the values
    in a list or call; of a closure its environment, arguments and body, of a promise its environment, value and
    expression, of an environment its enclosure, its variables and its hashed ones. ``tags`` are the names of the values
    in a pair list or call, "" for none. ``active``: a variable in it is computed whenever it is read.
    """

    kind: Kind
    length: int = 0
    items: list[Any] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    attributes: dict[str, Value] = field(default_factory=dict)
    name: str = ""
    active: bool = False

    @property
    def names(self) -> list[str]:
        """The names of a vector's or list's elements; none when they have none, or there are too many."""
        named = self.attributes.get("names")
        return list(named.texts) if named is not None else list(self.tags)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes that it was given, its own first."""
        return self.texts_of("class")

    def texts_of(self, attribute: str) -> tuple[str, ...]:
        """The texts of an attribute, such as "levels"; none when it has no such attribute."""
        found = self.attributes.get(attribute)
        return found.texts if found is not None else ()

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of a short vector of texts; none for all else."""
        return tuple(text or "" for text in self.items) if self.kind is Kind.TEXTS else ()

    @property
    def values(self) -> tuple[Value, ...]:
        """The values in a list or call; none for vectors, whose items are none."""
        return tuple(item for item in self.items if isinstance(item, Value))

    def get(self, name: str) -> Value | None:
        """The element of that name in a list; None when there is none."""
        if self.kind not in (Kind.LIST, Kind.PAIRS, Kind.CALL):
            return None
        return next((item for item, known in zip(self.items, self.names, strict=False) if known == name), None)


_Steps = Generator["_Steps", Value, Value]
"""Reads one value; gives out the readers of the values in it, and gets those."""


class ValueReader:
    """Reads one serialized object; however deep it is, no deeper stack is needed for it."""

    def __init__(self, form: Binary | Text) -> None:
        self._form = form
        self._references: list[Value] = []
        self._items = self._texts = self._kept = 0

    def read(self) -> Value:
        """The object. Raises ``Damaged``, ``TooMuch``."""
        found = self._begun()
        if isinstance(found, Value):
            return found
        waiting: list[_Steps] = [found]
        value: Any = None
        while waiting:
            try:
                waiting.append(waiting[-1].send(value))
                value = None
            except StopIteration as done:
                waiting.pop()
                value = done.value
            if len(waiting) > _DEEPEST:
                raise TooMuch("it holds more parts than are read here")
        assert isinstance(value, Value)  # noqa: S101 — each reader gives one
        return value

    def _begun(self) -> Value | _Steps:
        return self._of(self._form.integer())

    def _of(self, flags: int) -> Value | _Steps:  # noqa: PLR0911 — one answer per form
        """The value that begins with ``flags``: itself when it is a simple one, else what reads it on."""
        self._count()
        kind = flags & 0xFF
        if kind in _ALONE:
            return Value(_ALONE[kind])
        if kind == Kind.REFERENCE:
            return self._referred((flags >> 8) or self._form.integer())
        if kind == Kind.TEXT:
            return Value(Kind.TEXT, items=[self._text(flags)])
        if kind == Kind.SYMBOL:
            return self._symbol()
        if kind in _PAIRED:
            return self._pairs(flags)
        if kind in (Kind.ATTRIBUTED_CALL, Kind.ATTRIBUTED_PAIRS):
            plain = Kind.CALL if kind == Kind.ATTRIBUTED_CALL else Kind.PAIRS
            return self._pairs((flags & ~0xFF) | plain | _HAS_ATTRIBUTES)
        if kind in _WIDTHS or kind == Kind.TEXTS:
            value = self._vector(Kind(kind))
            return self._with_attributes(value) if flags & _HAS_ATTRIBUTES else value
        return self._compound(kind, flags)

    def _compound(self, kind: int, flags: int) -> Value | _Steps:  # noqa: PLR0911 — one answer per form
        if kind in (Kind.LIST, Kind.EXPRESSIONS):
            return self._list(Kind(kind), flags)
        if kind == Kind.S4:
            return self._with_attributes(Value(Kind.S4))
        if kind == Kind.ENVIRONMENT:
            return self._environment()
        if kind in (Kind.POINTER, Kind.WEAK):
            return self._pointer(Kind(kind), flags)
        if kind in (Kind.NAMESPACE, Kind.PACKAGE, Kind.PERSISTENT):
            return self._named(Kind(kind))
        if kind in (Kind.SPECIAL, Kind.BUILTIN):
            return Value(Kind(kind), name=self._form.text(self._short(self._length())).decode("ascii", "replace"))
        if kind == Kind.COMPACT:
            return self._compact()
        if kind == Kind.BYTECODE:
            self._form.integer()
            return self._bytecode(flags)
        raise Damaged("it has a part of an unknown kind")

    def _symbol(self) -> Value:
        flags = self._form.integer()
        if flags & 0xFF != Kind.TEXT:
            raise Damaged("a name in it is none")
        symbol = Value(Kind.SYMBOL, name=self._text(flags) or "")
        self._references.append(symbol)
        return symbol

    def _pairs(self, flags: int) -> _Steps:
        """A list of pairs, of which a closure and a promise are one: attributes and name come before each value."""
        kind = Kind(flags & 0xFF)
        found = Value(kind)
        while True:
            if flags & _HAS_ATTRIBUTES:
                attributes = yield self._attribute_list()
                found.attributes = found.attributes or attributes.attributes
            tag = Value(Kind.NOTHING)
            if flags & _HAS_TAG:
                begun = self._begun()
                tag = begun if isinstance(begun, Value) else (yield begun)
            found.active |= bool(flags & _ACTIVE)
            begun = self._begun()
            value = begun if isinstance(begun, Value) else (yield begun)
            if kind in (Kind.CLOSURE, Kind.PROMISE):
                begun = self._begun()
                last = begun if isinstance(begun, Value) else (yield begun)
                found.items = [tag, value, last]
                return found
            found.items.append(value)
            found.tags.append(tag.name)
            flags = self._form.integer()
            self._count()
            if flags & 0xFF not in (Kind.PAIRS, Kind.CALL, Kind.DOTS):
                break
        rest = self._of(flags)
        last = rest if isinstance(rest, Value) else (yield rest)
        if last.kind is not Kind.NOTHING:
            found.items.append(last)
            found.tags.append("")
        found.length = len(found.items)
        return found

    def _attribute_list(self) -> _Steps:
        """The attributes after a value's content, as those of a value that is nothing else."""
        begun = self._begun()
        listed = begun if isinstance(begun, Value) else (yield begun)
        return Value(Kind.NOTHING, attributes=dict(zip(listed.tags, listed.items, strict=False)))

    def _with_attributes(self, value: Value) -> _Steps:
        attributes = yield self._attribute_list()
        value.attributes = attributes.attributes
        return value

    def _list(self, kind: Kind, flags: int) -> _Steps:
        found = Value(kind, self._length())
        for _ in range(found.length):
            begun = self._begun()
            found.items.append(begun if isinstance(begun, Value) else (yield begun))
        return (yield self._with_attributes(found)) if flags & _HAS_ATTRIBUTES else found

    def _environment(self) -> _Steps:
        found = Value(Kind.ENVIRONMENT)
        self._references.append(found)
        self._form.integer()
        for _ in range(3):
            begun = self._begun()
            found.items.append(begun if isinstance(begun, Value) else (yield begun))
        attributes = yield self._attribute_list()
        found.attributes = attributes.attributes
        return found

    def _pointer(self, kind: Kind, flags: int) -> _Steps:
        found = Value(kind)
        self._references.append(found)
        for _ in range(2 if kind is Kind.POINTER else 0):
            begun = self._begun()
            found.items.append(begun if isinstance(begun, Value) else (yield begun))
        return (yield self._with_attributes(found)) if flags & _HAS_ATTRIBUTES else found

    def _named(self, kind: Kind) -> _Steps:
        found = Value(kind)
        self._references.append(found)
        self._form.integer()
        for _ in range(self._length()):
            begun = self._begun()
            found.items.append(begun if isinstance(begun, Value) else (yield begun))
        found.name = next((text for item in found.values[:1] for text in item.texts[:1]), "")
        return found

    def _compact(self) -> _Steps:
        """A vector that R keeps in another way; a wrapped one is what it wraps."""
        parts = []
        for _ in range(3):
            begun = self._begun()
            parts.append(begun if isinstance(begun, Value) else (yield begun))
        about, state, attributes = parts
        form = next((item.name for item in about.values[:1]), "")
        found = Value(Kind.COMPACT, name=form)
        if form.startswith("wrap_") and state.values:
            inner = state.values[0]
            found = Value(inner.kind, inner.length, inner.items)
        elif form in ("compact_intseq", "compact_realseq") and state.kind is Kind.NUMBER and state.items:
            found.length = int(state.items[0]) if 0 <= state.items[0] < 1 << 53 else 0
        found.attributes = dict(zip(attributes.tags, attributes.items, strict=False))
        return found

    def _bytecode(self, flags: int) -> _Steps:
        yield self._code()
        found = Value(Kind.BYTECODE)
        return (yield self._with_attributes(found)) if flags & _HAS_ATTRIBUTES else found

    def _code(self) -> _Steps:
        """Compiled code: its numbers, and its constants."""
        self._count()
        begun = self._begun()
        if not isinstance(begun, Value):
            yield begun
        for _ in range(self._length()):
            kind = self._form.integer()
            if kind == Kind.BYTECODE:
                yield self._code()
            elif kind in _CODE_PAIRS or kind == Kind.CODE_REFERENCE:
                yield self._code_pairs(kind)
            else:
                begun = self._begun()
                if not isinstance(begun, Value):
                    yield begun
        return Value(Kind.BYTECODE)

    def _code_pairs(self, kind: int) -> _Steps:
        self._count()
        if kind == Kind.CODE_REFERENCE:
            self._form.integer()
            return Value(Kind.BYTECODE)
        if kind not in _CODE_PAIRS:
            begun = self._begun()
            return begun if isinstance(begun, Value) else (yield begun)
        if kind == Kind.CODE_SHARED:
            self._form.integer()
            kind = self._form.integer()
        for _ in range(2 if kind in (Kind.ATTRIBUTED_CALL, Kind.ATTRIBUTED_PAIRS) else 1):  # attributes, and the name
            begun = self._begun()
            if not isinstance(begun, Value):
                yield begun
        for _ in range(2):
            yield self._code_pairs(self._form.integer())
        return Value(Kind.BYTECODE)

    def _vector(self, kind: Kind) -> Value:
        """A vector without its attributes; with its elements when they are few."""
        found = Value(kind, self._length())
        keep = found.length <= _MOST_KEPT and self._kept + found.length <= _MOST_KEPT_IN_ALL
        if keep:
            self._kept += found.length
        if kind is Kind.TEXTS:
            self._texts += found.length
            if self._texts > _MOST_TEXTS:
                raise TooMuch("it holds more texts than are read here")
            for _ in range(found.length):
                flags = self._form.integer()
                if flags & 0xFF != Kind.TEXT:
                    raise Damaged("a text in it is none")
                if keep:
                    found.items.append(self._text(flags))
                else:
                    self._form.skip_text(max(0, self._form.integer()))
        elif keep and kind in (Kind.LOGICAL, Kind.INTEGER, Kind.NUMBER):
            found.items = self._form.numbers(kind, found.length)
        else:
            self._form.skip_elements(kind, found.length)
        return found

    def _text(self, flags: int) -> str | None:
        """A text, whose ``flags`` say which encoding it has; those that do not are of the computer that wrote them."""
        length = self._form.integer()
        if length < 0:
            return None
        if length > _LONGEST_TEXT:
            self._form.skip_text(length)
            return ""
        content = self._form.text(length)
        for encoding in _WESTERN if flags & _LATIN_1 else ("utf-8", *_WESTERN):
            try:
                return content.decode(encoding)
            except UnicodeDecodeError:
                continue
        return ""

    def _short(self, length: int) -> int:
        if length > _LONGEST_TEXT:
            raise Damaged("a name in it has no end")
        return length

    def _length(self) -> int:
        length = self._form.integer()
        if length == -1:
            length = (self._form.integer() << 32) + (self._form.integer() & 0xFFFFFFFF)
        if length < 0:
            raise Damaged("a part of it has no length")
        return length

    def _referred(self, index: int) -> Value:
        if not 0 < index <= len(self._references):
            raise Damaged("it refers to what is not there")
        return self._references[index - 1]

    def _count(self) -> None:
        self._items += 1
        if self._items > _MOST_ITEMS:
            raise TooMuch("it holds more parts than are read here")


class Binary:
    """Numbers and texts as bytes."""

    def __init__(self, reader: ByteReader, *, big: bool) -> None:
        self._reader = reader
        self._order = ">" if big else "<"
        self._integer = struct.Struct(f"{self._order}i")

    def integer(self) -> int:
        return int(self._integer.unpack(self._reader.exact(4))[0])

    def text(self, length: int) -> bytes:
        return self._reader.exact(length)

    def skip_text(self, length: int) -> None:
        self._reader.skip(length)

    def numbers(self, kind: Kind, count: int) -> list[float]:
        """NA among whole numbers is NaN, as it is among others."""
        letter = "d" if kind is Kind.NUMBER else "i"
        found = struct.unpack(f"{self._order}{count}{letter}", self._reader.exact(count * _WIDTHS[kind]))
        return [float("nan") if number == _NA_INTEGER and letter == "i" else number for number in found]

    def skip_elements(self, kind: Kind, count: int) -> None:
        self._reader.skip(count * _WIDTHS[kind])


class Text:
    """Numbers and texts a line each."""

    def __init__(self, reader: ByteReader) -> None:
        self._reader = reader

    def integer(self) -> int:
        line = self._reader.line(32)
        if line == b"NA":
            return _NA_INTEGER
        try:
            return int(line)
        except ValueError:
            raise Damaged("a number in it is none") from None

    def text(self, length: int) -> bytes:
        """Signs that are no plain letters are written as in C."""
        line = self._reader.line(4 * length + 2)
        try:
            return line.decode("ascii").encode("latin-1").decode("unicode_escape").encode("latin-1")
        except UnicodeError:
            return line

    def skip_text(self, length: int) -> None:
        self._reader.line(4 * length + 2)

    def numbers(self, kind: Kind, count: int) -> list[float]:
        return [self._number() for _ in range(count * _LINES[kind])]

    def _number(self) -> float:
        line = self._reader.line(64)
        try:
            return float("nan") if line == b"NA" else float(line)
        except ValueError:
            raise Damaged("a number in it is none") from None

    def skip_elements(self, kind: Kind, count: int) -> None:
        if kind not in _LINES:
            self._reader.line(3 * count + 2)
            return
        for _ in range(count * _LINES[kind]):
            self._reader.line(64)

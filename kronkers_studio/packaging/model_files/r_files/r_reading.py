"""R's serialization read into values. Nothing is run, and nothing is read twice.

The format is described in "R Internals", section 1.8, "Serialization Formats".
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.model_files.r_files.r_forms import WIDTHS, Binary, Text
from kronkers_studio.packaging.model_files.r_files.r_values import Kind, Value

_MOST_ITEMS = 500_000
_MOST_TEXTS = 20_000_000  # in vectors: of a fit to many rows, their names
_MOST_KEPT = 10_000  # elements of one vector
_MOST_KEPT_IN_ALL = 500_000
_DEEPEST = 20_000  # a formula of a thousand columns lies a thousand deep
_LONGEST_TEXT = 1000  # bytes of one that is kept

_ALONE = {
    **{int(kind): kind for kind in Kind if kind in (*range(241, 243), *range(250, 255))},
    **dict.fromkeys((0, 245, 246), Kind.NOTHING),
}
"""Codes that stand for a value without anything after them."""
_PAIRED = frozenset({Kind.PAIRS, Kind.CALL, Kind.CLOSURE, Kind.PROMISE, Kind.DOTS})
_CODE_PAIRS = frozenset({Kind.PAIRS, Kind.CALL, Kind.ATTRIBUTED_CALL, Kind.ATTRIBUTED_PAIRS, Kind.CODE_SHARED})
_HAS_ATTRIBUTES, _HAS_TAG, _ACTIVE = 0x200, 0x400, 1 << (12 + 15)
_LATIN_1 = 1 << (12 + 2)
_WESTERN = ("cp1252", "latin-1")  # what R on Windows calls latin1 has more signs

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
        if kind in WIDTHS or kind == Kind.TEXTS:
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
        found.name = next((text for item in found.items[:1] for text in item.items[:1] if isinstance(text, str)), "")
        return found

    def _compact(self) -> _Steps:
        """A vector that R keeps in another way; a wrapped one is what it wraps."""
        parts = []
        for _ in range(3):
            begun = self._begun()
            parts.append(begun if isinstance(begun, Value) else (yield begun))
        about, state, attributes = parts
        form = next((item.name for item in about.items[:1] if isinstance(item, Value)), "")
        found = Value(Kind.COMPACT, name=form)
        if form.startswith("wrap_") and state.items and isinstance(state.items[0], Value):
            inner = state.items[0]
            found = Value(inner.kind, inner.length, inner.items)
        elif form in ("compact_intseq", "compact_realseq") and state.items:
            first = state.items[0]
            found.length = int(first) if isinstance(first, int | float) and 0 <= first < 1 << 53 else 0
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

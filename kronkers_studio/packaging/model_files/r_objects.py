"""R's saved objects: the class of what is in them, read past its content. R itself is never asked, nothing is made.

The format is described in "R Internals", section 1.8, "Serialization Formats".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch, compression_of, decompressed

_FREE = 64 * 1024 * 1024
_EXPANSION = 40  # beyond the first part: a compressed model grows less
_LARGEST = 1024**3
_MOST_ITEMS = 500_000
_DEEPEST = 200
_LONGEST_NAME = 256
_MOST_CLASSES = 50
_WORKSPACES = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n")
_FORMATS = (b"X\n", b"A\n", b"B\n")

# SEXPTYPEs, and the codes that stand for what is written otherwise
_SYMBOL, _PAIRS, _CLOSURE, _ENVIRONMENT, _PROMISE, _CALL, _DOTS = 1, 2, 3, 4, 5, 6, 17
_SPECIAL, _BUILTIN, _TEXT, _TEXTS, _LIST, _EXPRESSIONS, _BYTECODE = 7, 8, 9, 16, 19, 20, 21
_POINTER, _WEAK, _S4 = 22, 23, 25
_WIDTHS = {10: 4, 13: 4, 14: 8, 15: 16, 24: 1}  # bytes of an element of a vector of numbers
_NUMBERS = {10: 1, 13: 1, 14: 1, 15: 2}  # lines of an element in the form of text
_REFERENCE, _NAMESPACE, _PACKAGE, _PERSISTENT = 255, 249, 248, 247
_NOTHING = frozenset({0, 254, 253, 252, 251, 250, 242, 241, 246, 245})
_CALL_WITH_ATTRIBUTES, _PAIRS_WITH_ATTRIBUTES, _BACK, _SHARED, _COMPACT = 240, 239, 243, 244, 238
_CODE_PAIRS = frozenset({_PAIRS, _CALL, _CALL_WITH_ATTRIBUTES, _PAIRS_WITH_ATTRIBUTES, _SHARED})

_HAS_ATTRIBUTES, _HAS_TAG = 0x200, 0x400


@dataclass(frozen=True, slots=True)
class RObject:
    """``classes``: the object's own class and those that it extends, () when it has none; ``workspace``: the file is
    one of ``save``, which holds several objects, and their classes are not read. ``read`` is False when the object is
    larger, or of another form, than is read here."""

    classes: tuple[str, ...] = ()
    workspace: bool = False
    read: bool = True


def is_r_object(head: bytes) -> bool:
    """Whether a file that begins with ``head`` may be one of R's ``saveRDS`` or ``save``, compressed or not."""
    return compression_of(head) in ("gzip", "bz2", "xz") or head.startswith((*_WORKSPACES, *_FORMATS))


def read_r_object(stream: BinaryIO) -> RObject | None:
    """What R saved in ``stream``, read from its start; None when it is not R's."""
    size = stream.seek(0, 2)
    stream.seek(0)
    compression = compression_of(stream.read(16))
    stream.seek(0)
    limit = min(_LARGEST, size * _EXPANSION + _FREE)
    reader = ByteReader(decompressed(stream, compression if compression != "lz4" else ""), limit)
    try:
        mark = reader.exact(2)
        if mark == b"RD" and mark + reader.exact(3) in _WORKSPACES:
            return RObject(workspace=True)
        if mark not in _FORMATS:
            return None
        form = _Text(reader) if mark == b"A\n" else _Binary(reader, "big" if mark == b"X\n" else "little")
        version = form.integer()
        if not 2 <= version <= 3 or not 0 <= form.integer() >> 16 <= 99:
            return None
        form.integer()
        if version == 3:
            form.skip_text(form.integer())
    except (Damaged, TooMuch):
        return None
    try:
        return RObject(_Object(form).classes())
    except (Damaged, TooMuch, RecursionError):
        return RObject(read=False)


class _Binary:
    """Numbers and texts as bytes."""

    def __init__(self, reader: ByteReader, order: str) -> None:
        self._reader = reader
        self._order = order

    def integer(self) -> int:
        return int.from_bytes(self._reader.exact(4), "big" if self._order == "big" else "little", signed=True)

    def text(self, length: int) -> str:
        return self._reader.exact(length).decode("utf-8", "replace")

    def skip_text(self, length: int) -> None:
        self._reader.skip(length)

    def skip_elements(self, kind: int, count: int) -> None:
        self._reader.skip(count * _WIDTHS[kind])


class _Text:
    """Numbers and texts a line each."""

    def __init__(self, reader: ByteReader) -> None:
        self._reader = reader

    def integer(self) -> int:
        line = self._reader.line(32)
        if line == b"NA":
            return -1 << 31
        try:
            return int(line)
        except ValueError:
            raise Damaged("a number in it is none") from None

    def text(self, length: int) -> str:
        return self._reader.line(4 * length + 2).decode("ascii", "replace")

    def skip_text(self, length: int) -> None:
        self.text(length)

    def skip_elements(self, kind: int, count: int) -> None:
        if kind not in _NUMBERS:
            self._reader.line(3 * count + 2)
            return
        for _ in range(count * _NUMBERS[kind]):
            self._reader.line(64)


class _Object:
    """A walk over one serialized object, which keeps the names of symbols and the outermost object's classes."""

    def __init__(self, form: _Binary | _Text) -> None:
        self._form = form
        self._references: list[str] = []  # a symbol's name, "" for what else can be referred to
        self._items = 0
        self._classes: tuple[str, ...] = ()

    def classes(self) -> tuple[str, ...]:
        self._item(0)
        return self._classes

    def _item(self, depth: int) -> str | tuple[str, ...]:
        """Pass over one item: a text or a symbol's name is given, and short lists of texts; "" for all others."""
        self._count(depth)
        flags = self._form.integer()
        kind = flags & 0xFF
        if kind in _NOTHING:
            return ""
        if kind == _REFERENCE:
            return self._referred((flags >> 8) or self._form.integer())
        if kind == _SYMBOL:
            name = self._item(depth + 1)
            self._references.append(name if isinstance(name, str) else "")
            return self._references[-1]
        if kind == _TEXT:
            return self._text()
        if kind == _TEXTS:
            return self._texts(flags, depth)
        self._others(kind, flags, depth)
        return ""

    def _others(self, kind: int, flags: int, depth: int) -> None:  # noqa: PLR0912 — one branch per form
        form = self._form
        if kind in (_PAIRS, _CALL, _CLOSURE, _PROMISE, _DOTS):
            self._pairs(flags, depth)
        elif kind in (_CALL_WITH_ATTRIBUTES, _PAIRS_WITH_ATTRIBUTES):
            self._pairs(flags | _HAS_ATTRIBUTES, depth)
        elif kind in _WIDTHS:
            form.skip_elements(kind, self._length())
            self._attributes(flags, depth)
        elif kind in (_LIST, _EXPRESSIONS):
            for _ in range(self._length()):
                self._item(depth + 1)
            self._attributes(flags, depth)
        elif kind == _S4:
            self._attributes(flags, depth)
        elif kind == _ENVIRONMENT:
            self._references.append("")
            form.integer()
            for _ in range(4):
                self._item(depth + 1)
        elif kind in (_POINTER, _WEAK):
            self._references.append("")
            for _ in range(2 if kind == _POINTER else 0):
                self._item(depth + 1)
            self._attributes(flags, depth)
        elif kind in (_NAMESPACE, _PACKAGE, _PERSISTENT):
            self._references.append("")
            form.integer()
            for _ in range(self._length()):
                self._item(depth + 1)
        elif kind in (_SPECIAL, _BUILTIN):
            form.skip_text(self._length())
        elif kind == _COMPACT:
            for _ in range(3):
                self._item(depth + 1)
        elif kind == _BYTECODE:
            form.integer()
            self._code(depth)
            self._attributes(flags, depth)
        else:
            raise Damaged("it has a part of an unknown kind")

    def _pairs(self, flags: int, depth: int) -> None:
        """A pair of a list: its own attributes and name come before its value, and the next pair after it."""
        while True:
            self._attributes(flags, depth)
            if flags & _HAS_TAG:
                self._item(depth + 1)
            self._item(depth + 1)
            self._count(depth)
            flags = self._form.integer()
            kind = flags & 0xFF
            if kind not in (_PAIRS, _CALL):
                self._continued(kind, flags, depth)
                return
            depth = max(depth, 1)  # the outermost item's own attributes are the first pair's

    def _continued(self, kind: int, flags: int, depth: int) -> None:
        """What ends a list, whose flags were read already."""
        if kind in _NOTHING:
            return
        if kind == _REFERENCE:
            self._referred((flags >> 8) or self._form.integer())
        elif kind == _SYMBOL:
            name = self._item(depth + 1)
            self._references.append(name if isinstance(name, str) else "")
        elif kind == _TEXT:
            self._text()
        elif kind == _TEXTS:
            self._texts(flags, depth)
        else:
            self._others(kind, flags, depth + 1)

    def _attributes(self, flags: int, depth: int) -> None:
        """The attributes after an item's content; the class of the outermost item is kept."""
        if not flags & _HAS_ATTRIBUTES:
            return
        self._count(depth)
        flags = self._form.integer()
        while flags & 0xFF == _PAIRS:
            self._attributes(flags, depth + 1)
            name = self._item(depth + 1) if flags & _HAS_TAG else ""
            value = self._item(depth + 1)
            if depth == 0 and name == "class":
                self._classes = (value,) if isinstance(value, str) and value else tuple(value)
            self._count(depth)
            flags = self._form.integer()
        self._continued(flags & 0xFF, flags, depth + 1)

    def _texts(self, flags: int, depth: int) -> tuple[str, ...]:
        count = self._length()
        kept = [self._item(depth + 1) for _ in range(min(count, _MOST_CLASSES))]
        for _ in range(count - len(kept)):
            self._item(depth + 1)
        self._attributes(flags, depth + 1)
        return tuple(text for text in kept if isinstance(text, str))

    def _text(self) -> str:
        length = self._form.integer()
        if length < 0:
            return ""
        if length > _LONGEST_NAME:
            self._form.skip_text(length)
            return ""
        return self._form.text(length)

    def _length(self) -> int:
        length = self._form.integer()
        if length == -1:
            length = (self._form.integer() << 32) + (self._form.integer() & 0xFFFFFFFF)
        if length < 0:
            raise Damaged("a part of it has no length")
        return length

    def _referred(self, index: int) -> str:
        if not 0 < index <= len(self._references):
            raise Damaged("it refers to what is not there")
        return self._references[index - 1]

    def _code(self, depth: int) -> None:
        """Compiled code: its numbers, and its constants."""
        self._count(depth)
        self._item(depth + 1)
        for _ in range(self._length()):
            kind = self._form.integer()
            if kind == _BYTECODE:
                self._code(depth + 1)
            elif kind in _CODE_PAIRS or kind == _BACK:
                self._code_pairs(kind, depth + 1)
            else:
                self._item(depth + 1)

    def _code_pairs(self, kind: int, depth: int) -> None:
        self._count(depth)
        if kind == _BACK:
            self._form.integer()
            return
        if kind not in _CODE_PAIRS:
            self._item(depth + 1)
            return
        if kind == _SHARED:
            self._form.integer()
            kind = self._form.integer()
        if kind in (_CALL_WITH_ATTRIBUTES, _PAIRS_WITH_ATTRIBUTES):
            self._item(depth + 1)
        self._item(depth + 1)  # the name
        for _ in range(2):
            self._code_pairs(self._form.integer(), depth + 1)

    def _count(self, depth: int) -> None:
        self._items += 1
        if self._items > _MOST_ITEMS or depth > _DEEPEST:
            raise TooMuch("it holds more parts than are read here")

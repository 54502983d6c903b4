"""A UBJSON document (ubjson.org, draft 12) without its large parts, read as a stream."""

from __future__ import annotations

import struct
from collections.abc import Collection

from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch
from kronkers_studio.packaging.model_files.tree_libraries.outlines import (
    LONGEST_TEXT,
    Allowance,
    Outline,
    require_depth,
)

_NUMBERS = {"i": ">b", "U": ">B", "I": ">h", "l": ">i", "L": ">q", "d": ">f", "D": ">d"}
_LENGTHS = "iUIlL"
_FIXED: dict[str, Outline] = {"Z": None, "T": True, "F": False}


def read_ubjson_outline(reader: ByteReader, passed_over: Collection[str]) -> Outline:
    """The document that ``reader`` is at the start of; without the entries whose keys are in ``passed_over``.

    Raises ``Damaged`` and ``TooMuch``.
    """
    return _UbjsonReader(reader, frozenset(passed_over)).document()


class _UbjsonReader:
    """``keep`` below says whether a value is wanted, or only what comes behind it."""

    def __init__(self, reader: ByteReader, passed_over: frozenset[str]) -> None:
        self._reader = reader
        self._passed_over = passed_over
        self._allowance = Allowance()

    def document(self) -> Outline:
        return self._value(self._mark(), 0, keep=True)

    def _value(self, mark: str, depth: int, *, keep: bool) -> Outline:
        require_depth(depth)
        self._allowance.take(keep=keep)
        if mark in _FIXED:
            return _FIXED[mark]
        if mark in _NUMBERS:
            return self._number(mark)
        if mark == "C":
            return chr(self._reader.byte())
        if mark in ("S", "H"):
            return self._text(self._length(self._mark()), keep=keep)
        if mark == "{":
            return self._object(depth, keep=keep)
        if mark == "[":
            return self._array(depth, keep=keep)
        raise Damaged("it is no UBJSON")

    def _object(self, depth: int, *, keep: bool) -> Outline:
        kind, count = self._container()
        found: dict[str, Outline] = {}
        left = count
        while left is None or left > 0:
            mark = self._mark()
            if left is None and mark == "}":
                break
            key = self._text(self._length(mark), keep=True)
            wanted = keep and key not in self._passed_over
            value = self._value(kind or self._mark(), depth + 1, keep=wanted)
            if wanted:
                found[key] = value
            left = None if left is None else left - 1
        return found if keep else None

    def _array(self, depth: int, *, keep: bool) -> Outline:
        kind, count = self._container()
        if kind in _NUMBERS and count is not None:
            return self._numbers(kind, count, keep=keep)
        if kind in _FIXED and count is not None:  # they take no bytes: any number of them costs nothing to write
            if keep:
                self._allowance.take(count)
            return [_FIXED[kind]] * count if keep else None
        found: list[Outline] = []
        left = count
        while left is None or left > 0:
            mark = kind or self._mark()
            if left is None and mark == "]":
                break
            value = self._value(mark, depth + 1, keep=keep)
            if keep:
                found.append(value)
            left = None if left is None else left - 1
        return found if keep else None

    def _container(self) -> tuple[str, int | None]:
        """The one type of all that a container holds and how many that are, where it says so."""
        kind, count = "", None
        if self._peek() == "$":
            self._mark()
            kind = self._mark()
        if self._peek() == "#":
            self._mark()
            count = self._length(self._mark())
        elif kind:
            raise Damaged("it is no UBJSON")
        return kind, count

    def _numbers(self, kind: str, count: int, *, keep: bool) -> Outline:
        size = struct.calcsize(_NUMBERS[kind])
        if not keep:
            self._reader.skip(size * count)
            return None
        self._allowance.take(count)
        data = self._reader.exact(size * count)
        return list(struct.unpack(f">{count}{_NUMBERS[kind][1]}", data))

    def _number(self, mark: str) -> int | float:
        form = _NUMBERS[mark]
        (value,) = struct.unpack(form, self._reader.exact(struct.calcsize(form)))
        return value  # type: ignore[no-any-return]

    def _length(self, mark: str) -> int:
        if mark not in _LENGTHS:
            raise Damaged("it is no UBJSON")
        length = int(self._number(mark))
        if length < 0:
            raise Damaged("it is no UBJSON")
        return length

    def _text(self, length: int, *, keep: bool) -> str:
        if not keep:
            self._reader.skip(length)
            return ""
        if length > LONGEST_TEXT:
            raise TooMuch("a text in it is longer than any model's")
        self._allowance.take_text(length)
        return self._reader.exact(length).decode("utf-8", "replace")

    def _mark(self) -> str:
        """The next mark of a type. Those that say nothing ("N") are refused: XGBoost writes none, and any number of
        them would have to be read."""
        return chr(self._reader.byte())

    def _peek(self) -> str:
        return chr(self._reader.peek())

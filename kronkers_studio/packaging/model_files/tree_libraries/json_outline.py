"""A JSON document without its large parts, read as a stream."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from kronkers_studio.packaging.byte_reader import Damaged, Readable, TooMuch
from kronkers_studio.packaging.model_files.tree_libraries.outlines import (
    LONGEST_TEXT,
    Allowance,
    Outline,
    require_depth,
)

_CHUNK = 1 << 20
_NO_SPACE = re.compile(rb"[^ \t\r\n]")
_STRUCTURE = re.compile(rb'["\[\]{}]')
_QUOTE = re.compile(rb'[\\"]')
_SCALAR_END = re.compile(rb"[,\]}\s]")
_LONGEST_NUMBER = 64


def read_json_outline(source: Readable, passed_over: Collection[str], limit: int) -> Outline:
    """The document in ``source``, at most ``limit`` bytes of it; without the entries whose keys are in ``passed_over``.

    Raises ``Damaged`` and ``TooMuch``. What follows the document is not read.
    """
    return _JsonReader(source, frozenset(passed_over), limit).value(0)


class _JsonReader:
    def __init__(self, source: Readable, passed_over: frozenset[str], limit: int) -> None:
        self._source = source
        self._passed_over = passed_over
        self._left = limit
        self._buffer = b""
        self._at = 0
        self._allowance = Allowance()

    def value(self, depth: int) -> Outline:
        require_depth(depth)
        self._allowance.take()
        match self._next():
            case b"{":
                return self._object(depth)
            case b"[":
                return self._array(depth)
            case b'"':
                return self._text()
            case first:
                return self._scalar(first)

    def _object(self, depth: int) -> dict[str, Outline]:
        found: dict[str, Outline] = {}
        mark = self._next()
        while mark != b"}":
            if mark != b'"':
                raise _not_json()
            key = self._text()
            self._expect(b":")
            if key in self._passed_over:
                self._pass_over()
            else:
                found[key] = self.value(depth + 1)
            mark = self._next()
            if mark == b",":
                mark = self._next()
        return found

    def _array(self, depth: int) -> list[Outline]:
        found: list[Outline] = []
        mark = self._next()
        while mark != b"]":
            if mark != b",":
                self._at -= 1
            elif not found:
                raise _not_json()
            found.append(self.value(depth + 1))
            mark = self._next()
        return found

    def _text(self) -> str:
        """The text whose opening quote was read."""
        content = self._until_quote(LONGEST_TEXT)
        try:
            text = json.loads(b'"' + content + b'"', strict=False)
        except ValueError:
            raise _not_json() from None
        self._allowance.take_text(len(text))
        return str(text).encode("utf-8", "replace").decode("utf-8")  # half a pair of UTF-16 is no letter

    def _until_quote(self, most: int) -> bytes:
        """The bytes before the closing quote, at most ``most`` of them kept; -1: none is kept and any may pass."""
        pieces: list[bytes] = []
        kept = 0
        while True:
            found = _QUOTE.search(self._buffer, self._at)
            end = found.end() if found else len(self._buffer)
            if found and found[0] == b"\\":
                end += 1
            piece = self._buffer[self._at : end]
            self._at = end
            if most >= 0:
                pieces.append(piece)
                kept += len(piece)
                if kept > most:
                    raise TooMuch("a text in it is longer than any model's")
            if found and found[0] == b'"':
                return b"".join(pieces)[:-1]
            if self._at >= len(self._buffer):
                over = self._at - len(self._buffer)  # the character after a backslash lies in the next chunk
                self._fill()
                if over and most >= 0:
                    pieces.append(self._buffer[:over])
                self._at = over

    def _scalar(self, first: bytes) -> Outline:
        pieces = [first]
        while True:
            found = _SCALAR_END.search(self._buffer, self._at)
            end = found.start() if found else len(self._buffer)
            pieces.append(self._buffer[self._at : end])
            self._at = end
            if sum(map(len, pieces)) > _LONGEST_NUMBER:
                raise _not_json()
            if found or not self._filled():
                break
        try:
            return json.loads(b"".join(pieces))
        except ValueError:
            raise _not_json() from None

    def _pass_over(self) -> None:
        """Go behind the next value without keeping any of it."""
        first = self._next()
        if first == b'"':
            self._until_quote(-1)
        elif first in (b"{", b"["):
            self._leave_brackets()
        else:
            self._scalar(first)

    def _leave_brackets(self) -> None:
        depth = 1
        while depth:
            found = _STRUCTURE.search(self._buffer, self._at)
            if found is None:
                self._fill()
                continue
            self._at = found.end()
            mark = found[0]
            if mark == b'"':
                self._until_quote(-1)
            else:
                depth += 1 if mark in b"[{" else -1

    def _next(self) -> bytes:
        """The next byte that is no white space."""
        while True:
            found = _NO_SPACE.search(self._buffer, self._at)
            if found is not None:
                self._at = found.end()
                return found[0]
            self._fill()

    def _expect(self, wanted: bytes) -> None:
        if self._next() != wanted:
            raise _not_json()

    def _fill(self) -> None:
        if not self._filled():
            raise Damaged("it ends too early")

    def _filled(self) -> bool:
        if self._left <= 0:
            raise TooMuch("it holds more bytes than any model")
        self._buffer = self._source.read(min(_CHUNK, self._left))
        self._at = 0
        self._left -= len(self._buffer)
        return bool(self._buffer)


def _not_json() -> Damaged:
    return Damaged("it is no JSON")

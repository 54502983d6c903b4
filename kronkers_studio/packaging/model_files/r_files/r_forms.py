"""The two forms of R's serialization: numbers and texts as bytes, and as lines."""

from __future__ import annotations

import struct

from kronkers_studio.packaging.byte_reader import ByteReader, Damaged
from kronkers_studio.packaging.model_files.r_files.r_values import Kind

WIDTHS = {Kind.LOGICAL: 4, Kind.INTEGER: 4, Kind.NUMBER: 8, Kind.COMPLEX: 16, Kind.RAW: 1}  # bytes of an element
_LINES = {Kind.LOGICAL: 1, Kind.INTEGER: 1, Kind.NUMBER: 1, Kind.COMPLEX: 2}  # of an element in the form of text
_NA_INTEGER = -(1 << 31)


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
        found = struct.unpack(f"{self._order}{count}{letter}", self._reader.exact(count * WIDTHS[kind]))
        return [float("nan") if number == _NA_INTEGER and letter == "i" else number for number in found]

    def skip_elements(self, kind: Kind, count: int) -> None:
        self._reader.skip(count * WIDTHS[kind])


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

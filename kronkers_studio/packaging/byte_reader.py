"""Reading a model file of unknown and perhaps hostile content: buffered, counted, bounded, decompressed on the way."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections.abc import Callable
from typing import BinaryIO, Protocol

_CHUNK = 256 * 1024


_MAGIC = {
    b"\x1f\x8b": "gzip",
    b"BZh": "bz2",
    b"\xfd7zXZ\x00": "xz",
    b"\x5d\x00\x00": "lzma",
    b"\x04\x22\x4d\x18": "lz4",
}


class Damaged(Exception):
    """The bytes are not what their format promises. The text is a clause for people: "it ends too early"."""


class TooMuch(Exception):
    """A limit was reached: the file is far beyond any real model, or made to exhaust this computer."""


class Readable(Protocol):
    """Whatever gives bytes when it is asked for them; none at its end."""

    def read(self, size: int, /) -> bytes: ...


class _Zlib:
    """A zlib stream (what joblib's ``compress=`` writes by default) as something readable."""

    def __init__(self, source: BinaryIO) -> None:
        self._source = source
        self._inflate = zlib.decompressobj()

    def read(self, size: int, /) -> bytes:
        while not self._inflate.eof:
            chunk = self._inflate.unconsumed_tail or self._source.read(_CHUNK)
            if not chunk:
                raise Damaged("it ends too early")
            plain = self._inflate.decompress(chunk, size)
            if plain:
                return plain
        return b""


def compression_of(head: bytes) -> str:
    """The compression that a file beginning with ``head`` uses: "zlib", "gzip", "bz2", "xz", "lzma", "lz4" or ""."""
    if len(head) > 1 and head[0] == 0x78 and (head[0] * 256 + head[1]) % 31 == 0:
        return "zlib"
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "")


def decompressed(stream: BinaryIO, compression: str) -> Readable:
    """``stream`` from its current position without its compression. Raises ``KeyError`` for one that is not known."""
    openers: dict[str, Callable[[BinaryIO], Readable]] = {
        "": lambda source: source,
        "zlib": _Zlib,
        "gzip": lambda source: gzip.GzipFile(fileobj=source, mode="rb"),
        "bz2": bz2.BZ2File,
        "xz": lzma.LZMAFile,
        "lzma": lzma.LZMAFile,
    }
    return openers[compression](stream)


class ByteReader:
    """Exact reads from ``source``, at most ``limit`` bytes in all.

    Every method raises ``Damaged`` at the end of the file or for a damaged compression; ``TooMuch`` beyond the limit.
    """

    def __init__(self, source: Readable, limit: int) -> None:
        self._source = source
        self._left = limit
        self._buffer = b""
        self._at = 0
        self._before = 0  # bytes read before the buffer

    @property
    def position(self) -> int:
        """Bytes read so far."""
        return self._before + self._at

    def byte(self) -> int:
        """The next byte."""
        if self._at >= len(self._buffer):
            self._fill()
        value = self._buffer[self._at]
        self._at += 1
        return value

    def peek(self) -> int:
        """The next byte, which stays the next one."""
        if self._at >= len(self._buffer):
            self._fill()
        return self._buffer[self._at]

    def exact(self, count: int) -> bytes:
        """The next ``count`` bytes."""
        end = self._at + count
        if end <= len(self._buffer):
            piece = self._buffer[self._at : end]
            self._at = end
            return piece
        pieces = []
        while count:
            if self._at >= len(self._buffer):
                self._fill()
            piece = self._buffer[self._at : self._at + count]
            self._at += len(piece)
            count -= len(piece)
            pieces.append(piece)
        return b"".join(pieces)

    def skip(self, count: int) -> None:
        """Pass over the next ``count`` bytes."""
        while count:
            if self._at >= len(self._buffer):
                self._fill()
            step = min(count, len(self._buffer) - self._at)
            self._at += step
            count -= step

    def line(self, limit: int) -> bytes:
        """The bytes up to the next line feed, without it; ``Damaged`` when that is more than ``limit`` away."""
        pieces: list[bytes] = []
        left = limit
        while True:
            end = self._buffer.find(b"\n", self._at, self._at + left + 1)
            if end >= 0:
                pieces.append(self._buffer[self._at : end])
                self._at = end + 1
                return b"".join(pieces)
            piece = self._buffer[self._at : self._at + left + 1]
            if len(piece) > left:
                raise Damaged("a line in it has no end")
            pieces.append(piece)
            left -= len(piece)
            self._at += len(piece)
            self._fill()

    def _fill(self) -> None:
        if self._left <= 0:
            raise TooMuch("it holds more bytes than any model")
        self._before += len(self._buffer)
        try:
            self._buffer = self._source.read(min(_CHUNK, self._left))
        except (OSError, EOFError, zlib.error, lzma.LZMAError, ValueError) as error:
            raise Damaged("its compression is damaged") from error
        self._at = 0
        self._left -= len(self._buffer)
        if not self._buffer:
            raise Damaged("it ends too early")

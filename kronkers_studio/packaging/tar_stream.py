"""Tar archives that depend on nothing but their content: fixed times, owners and modes, entries in a fixed order."""

from __future__ import annotations

import bz2
import itertools
import lzma
import tarfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from kronkers_studio.domain.errors import PackagingFailed

_CHUNK = 1 << 20
_BUFFER = 1 << 18
_LONGEST_HEADER = 1 << 20
_TIME = 315_532_800  # 1980-01-01: the earliest that every archive format can hold
_END = b"\0" * (2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class TarEntry:
    """A file of exactly ``size`` bytes, asked for when its turn comes; a folder when ``pieces`` is None. Everybody may
    read it; only the user ``owner``, where one is named, and nobody else, may read and write it."""

    name: str
    size: int = 0
    pieces: Callable[[], Iterable[bytes]] | None = None
    owner: int = 0

    @classmethod
    def document(cls, name: str, content: bytes) -> TarEntry:
        """A small file."""
        return cls(name, len(content), lambda: (content,))


def tar_stream(entries: Iterable[TarEntry]) -> Iterator[bytes]:
    """The archive's bytes, in pieces of bounded size. Raises ``PackagingFailed`` when a file is not as long as said."""
    for entry in entries:
        yield _header(entry)
        if entry.pieces is not None:
            yield from _content(entry, entry.pieces())
    yield _END


def folders_of(names: Iterable[str]) -> list[TarEntry]:
    """The folders that ``names`` lie in, outermost first."""
    found = {"/".join(name.split("/")[:depth]) for name in names for depth in range(1, name.count("/") + 1)}
    return [TarEntry(name) for name in sorted(found)]


def _header(entry: TarEntry) -> bytes:
    info = tarfile.TarInfo(entry.name if entry.pieces is not None else f"{entry.name}/")
    info.mtime = _TIME
    if entry.pieces is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    else:
        info.size, info.mode = entry.size, 0o600 if entry.owner else 0o644
        info.uid = info.gid = entry.owner
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(entry: TarEntry, pieces: Iterable[bytes]) -> Iterator[bytes]:
    left = entry.size
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            break
        yield piece
    if left:
        raise PackagingFailed(f"{entry.name.rpartition('/')[2]} is not as long as it was.", next_step="Package again.")
    padding = -entry.size % tarfile.BLOCKSIZE
    if padding:
        yield b"\0" * padding


def stream_pieces(stream: BinaryIO) -> Iterator[bytes]:
    """What is left of ``stream``, which is closed afterwards."""
    with stream:
        while piece := stream.read(_CHUNK):
            yield piece


class PieceReader:
    """Pieces of bytes as something that ``tarfile`` can read as a stream."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._pieces = iter(pieces)
        self._buffer = b""
        self._at = 0

    def read(self, size: int, /) -> bytes:
        """Exactly ``size`` bytes, or what is left."""
        found = []
        while size:
            if self._at >= len(self._buffer):
                self._buffer, self._at = next(self._pieces, b""), 0
                if not self._buffer:
                    break
            part = self._buffer[self._at : self._at + size]
            self._at += len(part)
            size -= len(part)
            found.append(part)
        return b"".join(found)


def open_stream(pieces: Iterable[bytes]) -> tarfile.TarFile:
    """The tar archive in ``pieces``, compressed or not, to be read once from front to back."""
    unpacked = _unpacked(piece for piece in pieces if piece)
    reader = cast(BinaryIO, PieceReader(unpacked))  # stream mode calls nothing but read()
    return tarfile.open(fileobj=reader, mode="r|", bufsize=_BUFFER, tarinfo=_BoundedEntry)


def open_file(file: BinaryIO) -> tarfile.TarFile:
    """The tar archive in ``file``, not compressed, whose members say where in it they lie."""
    return tarfile.open(fileobj=file, mode="r:", tarinfo=_BoundedEntry)


def _unpacked(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """What ``pieces`` are, compressed or not, in pieces of a bounded size: a few hundred bytes may hold gigabytes, and
    tarfile's own way unpacks them at once. Raises ``tarfile.ReadError``."""
    first = next(pieces, b"")
    while len(first) < _LONGEST_MAGIC and (more := next(pieces, b"")):
        first += more
    opened = next((make for magic, make in _UNPACKERS.items() if first.startswith(magic)), None)
    if opened is None:
        yield first
        yield from pieces
        return
    unpacker = opened()
    try:
        for piece in itertools.chain((first,), pieces):
            data = piece
            while True:
                if unpacker.eof:  # several may stand one behind the other
                    data = unpacker.unused_data + data
                    if not data.rstrip(b"\0"):
                        break
                    unpacker = opened()
                part = unpacker.decompress(data, _CHUNK)
                data = getattr(unpacker, "unconsumed_tail", b"")
                if part:
                    yield part
                if not (part or data or (unpacker.eof and unpacker.unused_data)):
                    break
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise tarfile.ReadError(f"it cannot be unpacked ({type(error).__name__})") from None


_LONGEST_MAGIC = 6
_UNPACKER_MEMORY = 256 << 20
_UNPACKERS: Mapping[bytes, Callable[[], Any]] = {
    b"\x1f\x8b": lambda: zlib.decompressobj(31),  # 31: with gzip's header
    b"BZh": bz2.BZ2Decompressor,
    b"\xfd7zXZ\0": lambda: lzma.LZMADecompressor(memlimit=_UNPACKER_MEMORY),
}
"""By what a file begins with."""


class _BoundedEntry(tarfile.TarInfo):
    """An entry whose headers cannot fill the memory: names and attributes are read as a whole, however long they say
    that they are; and that is no file of holes, which would be endless and costs nothing to write down."""

    def _proc_member(self, archive: tarfile.TarFile) -> tarfile.TarInfo:
        header = self.type in (
            *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
            *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
        )
        if self.size < 0 or (header and self.size > _LONGEST_HEADER) or self.type == tarfile.GNUTYPE_SPARSE:
            raise tarfile.ReadError("a header that no archive of images has")
        found: tarfile.TarInfo = super()._proc_member(archive)  # type: ignore[misc]
        if found.size < 0 or found.issparse():
            raise tarfile.ReadError("a file that no archive of images has")
        return found

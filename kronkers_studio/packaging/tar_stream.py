"""Tar archives that depend on nothing but their content: fixed times, owners and modes, entries in a fixed order."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from kronkers_studio.domain.errors import PackagingFailed

_CHUNK = 1 << 20
_BUFFER = 1 << 18
_LONGEST_HEADER = 1 << 20
_TIME = 315_532_800  # 1980-01-01: the earliest that every archive format can hold
_END = b"\0" * (2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class TarEntry:
    """A file of exactly ``size`` bytes, asked for when its turn comes; a folder when ``pieces`` is None."""

    name: str
    size: int = 0
    pieces: Callable[[], Iterable[bytes]] | None = None

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
        info.size, info.mode = entry.size, 0o644
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
    reader = cast(BinaryIO, PieceReader(piece for piece in pieces if piece))  # stream mode calls nothing but read()
    return tarfile.open(fileobj=reader, mode="r|*", bufsize=_BUFFER, tarinfo=_BoundedEntry)


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

"""Tar archives that depend on nothing but their content: fixed times, owners and modes, entries in a fixed order."""

from __future__ import annotations

import tarfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from kronkers_studio.domain.errors import PackagingFailed

_CHUNK = 1 << 20
_TIME = 315_532_800  # 1980-01-01: the earliest that every archive format can hold
_END = b"\0" * (2 * tarfile.BLOCKSIZE)


@dataclass(frozen=True, slots=True)
class TarEntry:
    """A file of exactly ``size`` bytes, opened when its turn comes; a folder when ``open`` is None."""

    name: str
    size: int = 0
    open: Callable[[], BinaryIO] | None = None


def tar_stream(entries: Iterable[TarEntry]) -> Iterator[bytes]:
    """The archive's bytes, in pieces of bounded size. Raises ``PackagingFailed`` when a file is not as long as said."""
    for entry in entries:
        yield _header(entry)
        if entry.open is not None:
            yield from _content(entry, entry.open)
    yield _END


def folders_of(names: Iterable[str]) -> list[TarEntry]:
    """The folders that ``names`` lie in, outermost first."""
    found = {"/".join(name.split("/")[:depth]) for name in names for depth in range(1, name.count("/") + 1)}
    return [TarEntry(name) for name in sorted(found)]


def _header(entry: TarEntry) -> bytes:
    info = tarfile.TarInfo(entry.name if entry.open is not None else f"{entry.name}/")
    info.mtime = _TIME
    if entry.open is None:
        info.type, info.mode = tarfile.DIRTYPE, 0o755
    else:
        info.size, info.mode = entry.size, 0o644
    return info.tobuf(tarfile.PAX_FORMAT, "utf-8", "surrogateescape")


def _content(entry: TarEntry, opener: Callable[[], BinaryIO]) -> Iterator[bytes]:
    left = entry.size
    with opener() as stream:
        while left and (piece := stream.read(min(_CHUNK, left))):
            left -= len(piece)
            yield piece
        if left or stream.read(1):
            raise PackagingFailed(
                f"{entry.name.rpartition('/')[2]} is not as long as it was.", next_step="Package again."
            )
    padding = -entry.size % tarfile.BLOCKSIZE
    if padding:
        yield b"\0" * padding

"""Reading what a scan found: safely, and noticing files that change under the reader."""

from __future__ import annotations

import io
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn, cast

from kronkers_studio.domain.content import (
    WHOLE_LIMIT,
    EntryKind,
    SkippedItem,
    SkipReason,
    SourceItem,
    SourceProblem,
)
from kronkers_studio.domain.errors import SourceUnavailable
from kronkers_studio.domain.printable import printable
from kronkers_studio.migration import filesystem
from kronkers_studio.migration.classification import type_of
from kronkers_studio.migration.folder_paths import absolute_folder
from kronkers_studio.migration.found_item import FoundItem
from kronkers_studio.migration.throttle import Pace

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_CHANGED = "It changed while it was read. Close it in the program that writes to it and migrate again."
_ONLINE_ONLY = "OneDrive has moved it to the cloud meanwhile. Make it available on this device and migrate again."
_OUTSIDE = "Its folder became a link to another place; links are never followed."
_BEYOND = 4096  # bytes asked for past a file's known size, to see its end


class FolderSource:
    """The files below ``folder``; implements ``ContentSource``. Safe to use from several threads.

    With ``fetch``, placeholders are opened, which downloads them. ``pace`` says how gently files are read.
    """

    def __init__(self, folder: Path, *, fetch: bool = False, pace: Pace | None = None) -> None:
        self._fetch = fetch
        self._pace = pace
        self._folder = absolute_folder(folder)
        self._root = str(self._folder)
        self._real_folder = Path(os.path.realpath(self._folder))  # resolve() fails for a link to itself

    @contextmanager
    def open(self, item: SourceItem) -> Iterator[BinaryIO]:
        """The bytes of a file, from its start.

        Never follows a link, waits for a pipe or downloads a placeholder that took the file's place since the scan.
        Raises ``SourceProblem`` on entering when it cannot be opened, while reading when the disk fails, and on leaving
        when the file was changed, replaced or deleted meanwhile: then what was read must be dropped (reading it once
        more may well succeed). A write that keeps the size and falls into the same tick of the file system's clock as
        the one before it cannot be noticed here; such a file is read again by the next migration (``stat_cache``).

        Raises ``SourceUnavailable`` when the whole folder is gone.
        """
        path = self._path_to_read(item)
        descriptor, at_open = self._open_checked(item, path)
        with io.BufferedReader(_File(descriptor, item.path, at_open.st_size, self._pace)) as stream:
            yield cast(BinaryIO, stream)
            self._verify(item.path, path, at_open)

    def read_whole(self, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        """All bytes of a file of at most ``WHOLE_LIMIT``, None for a larger one; raises what ``open`` does.

        The item returned has been looked at (``FoundItem.unseen``).
        """
        path = self._path_to_read(item)
        descriptor, at_open = self._open_checked(item, path)
        size = at_open.st_size
        try:
            if size > WHOLE_LIMIT:
                return None
            content = self._read_all(item.path, descriptor, size)
            self._verify(item.path, path, at_open)
        finally:
            os.close(descriptor)
        return _looked_at(item, content), content

    def _path_to_read(self, item: SourceItem) -> str:
        if item.kind is not EntryKind.FILE:
            raise ValueError(f"{item.path!r} is a {item.kind}; only files have bytes")
        if self._pace is not None:
            self._pace.enter()
        return self._system_path(item.path)

    def _read_all(self, name: str, descriptor: int, size: int) -> bytes:
        """The file's bytes to its end, which must be where it was at opening; one more is asked for to see it."""
        try:
            content = os.read(descriptor, size + 1)
            if len(content) != size:  # fewer than were asked for is the end, on a disk
                pieces = [content]
                missing = size - len(content)
                while missing > 0 and (piece := os.read(descriptor, missing + 1)):
                    pieces.append(piece)
                    missing -= len(piece)
                if missing < 0:
                    raise SourceProblem(SkippedItem(name, SkipReason.CHANGED_WHILE_READ, _CHANGED))
                content = b"".join(pieces)
        except OSError as error:
            raise SourceProblem(filesystem.problem_of(name, error)) from None
        if self._pace is not None and size:
            self._pace.took(len(content))
        return content

    def _open_checked(self, item: SourceItem, path: str) -> tuple[int, os.stat_result]:
        try:
            if filesystem.MAY_BE_ONLINE_ONLY:  # opening alone could download it
                self._refuse_unsuitable(item, os.lstat(path))
            descriptor = filesystem.open_file(path)
        except OSError as error:
            self._give_up(item.path, error)
        try:
            at_open = os.fstat(descriptor)
            if filesystem.MAY_BE_ONLINE_ONLY or not stat.S_ISREG(at_open.st_mode):
                self._refuse_unsuitable(item, at_open)
            if at_open.st_ino != item.inode:  # else the very file that was found, wherever it is now
                self._refuse_outside(item, at_open)
        except BaseException:
            os.close(descriptor)
            raise
        return descriptor, at_open

    def _refuse_unsuitable(self, item: SourceItem, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            is_link = stat.S_ISLNK(status.st_mode)
            detail = filesystem.BECAME_LINK if is_link else filesystem.special_file_detail(status.st_mode)
            raise SourceProblem(SkippedItem(item.path, SkipReason.SPECIAL_FILE, detail))
        if not self._fetch and filesystem.is_online_only(status):
            raise SourceProblem(SkippedItem(item.path, SkipReason.PLACEHOLDER, _ONLINE_ONLY))

    def _refuse_outside(self, item: SourceItem, status: os.stat_result) -> None:
        """Refuse another file than the scan found when a link among its folders leads there."""
        if filesystem.fingerprint(status)[2] == item.inode:
            return  # the very file that was found, wherever it is now
        parents = item.path.split("/")[:-1]
        if os.path.realpath(self._folder.joinpath(*parents)) != str(self._real_folder.joinpath(*parents)):
            raise SourceProblem(SkippedItem(item.path, SkipReason.SPECIAL_FILE, _OUTSIDE))

    def _verify(self, name: str, path: str, before: os.stat_result) -> None:
        """Neither the file that was opened nor the one that lies there now may be other than ``before``."""
        try:
            now = os.lstat(path)
        except OSError as error:
            self._give_up(name, error)
        if _state(now) != _state(before):  # the number among it says that it is the file that was opened
            raise SourceProblem(SkippedItem(name, SkipReason.CHANGED_WHILE_READ, _CHANGED))

    def _give_up(self, name: str, error: OSError) -> NoReturn:
        if not self._folder.is_dir():
            raise SourceUnavailable(
                f"The folder {printable(self._root)} is gone.",
                next_step="Connect its drive again and start once more: what was stored so far is kept.",
            ) from None
        raise SourceProblem(filesystem.problem_of(name, error)) from None

    def _system_path(self, path: str) -> str:
        return filesystem.system_path(self._root, path)


def _looked_at(item: SourceItem, content: bytes) -> SourceItem:
    """``item`` with what its bytes say it is, where the scan has only its name's word for it."""
    if not isinstance(item, FoundItem) or not item.unseen:
        return item
    type_ = type_of(item.path)
    if type_.look and content and not type_.bytes_wanted:
        return item.seen_as(type_.look)
    return item.seen_as(type_.classify(content[: type_.bytes_wanted]))


def _state(status: os.stat_result) -> tuple[int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ino


class _File(io.FileIO):
    """The open file, whose failures are ``SourceProblem``: an ``OSError`` then always means the reader's own disk.

    A file that grows as fast as it is read would never end: reading past the size that it had at opening fails.
    """

    def __init__(self, descriptor: int, name: str, size: int, pace: Pace | None) -> None:
        super().__init__(descriptor, "rb")
        self._pace = pace
        self._name = name
        self._size = size
        self._count = 0

    def readinto(self, buffer: WriteableBuffer, /) -> int | None:
        try:
            count = super().readinto(buffer)
            self._count += count or 0
            grown = self._count > self._size and os.fstat(self.fileno()).st_size != self._size
        except OSError as error:
            raise SourceProblem(filesystem.problem_of(self._name, error)) from None
        if grown:
            raise SourceProblem(SkippedItem(self._name, SkipReason.CHANGED_WHILE_READ, _CHANGED))
        if self._pace is not None and count:
            self._pace.took(count)
        return count

    def readall(self) -> bytes:
        content = bytearray()
        while True:
            piece = bytearray(max(self._size - self._count, 0) + _BEYOND)
            count = self.readinto(piece)
            if not count:
                return bytes(content)
            content += memoryview(piece)[:count]

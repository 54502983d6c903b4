"""A folder as a content source, without migration's care for untidy ones; used by conftest.py and the crash test."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from kronkers_studio.domain.content import WHOLE_LIMIT, EntryKind, SkippedItem, SkipReason, SourceItem, SourceProblem


def listing(folder: Path) -> list[SourceItem]:
    """Everything in ``folder``: files, links and empty folders."""
    items = []
    for found in folder.rglob("*"):
        path, status = found.relative_to(folder).as_posix(), found.lstat()
        if found.is_symlink():
            items.append(SourceItem(path, EntryKind.LINK, 0, status.st_mtime_ns, target=str(found.readlink())))
        elif found.is_file():
            executable = bool(status.st_mode & 0o100)
            items.append(SourceItem(path, EntryKind.FILE, status.st_size, status.st_mtime_ns, executable))
        elif not any(found.iterdir()):
            items.append(SourceItem(path, EntryKind.FOLDER, 0, status.st_mtime_ns))
    return sorted(items, key=lambda item: item.path)


class LocalFolder:
    """Reads files of a folder; ``trouble`` names paths that always change while they are read."""

    def __init__(self, folder: Path, trouble: frozenset[str] = frozenset()) -> None:
        self.folder = folder
        self.trouble = trouble
        self.opened: list[str] = []

    def read_whole(self, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        with contextlib.suppress(FileNotFoundError):
            if (self.folder / item.path).stat().st_size > WHOLE_LIMIT:
                return None
        with self.open(item) as stream:
            return item, stream.read()

    @contextlib.contextmanager
    def open(self, item: SourceItem) -> Iterator[BinaryIO]:
        self.opened.append(item.path)
        try:
            with (self.folder / item.path).open("rb") as stream:
                yield stream
        except FileNotFoundError:
            raise SourceProblem(SkippedItem(item.path, SkipReason.VANISHED, "It vanished.")) from None
        if item.path in self.trouble:
            raise SourceProblem(SkippedItem(item.path, SkipReason.CHANGED_WHILE_READ, "It changed while it was read."))

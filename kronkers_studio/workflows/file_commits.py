"""Files that come from no folder, such as a table of a notebook: each set of them is one commit on a branch.

All else that the branch holds stays as it is. Bringing a folder in later does not undo it without a word: what is newer
than the folder's last version is known to be from elsewhere (``WouldUndo``).
"""

from __future__ import annotations

import io
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, cast

from kronkers_studio.domain.content import (
    DEFAULT_BRANCH,
    WHOLE_LIMIT,
    Commit,
    Entry,
    EntryKind,
    SkippedItem,
    SkipReason,
    SourceItem,
    SourceProblem,
    StoredItem,
)
from kronkers_studio.domain.errors import BranchChanged, InvalidInput, NotFound
from kronkers_studio.domain.paths import lies_in, parent
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.session import Session

_PIECE = 1 << 20
Content = bytes | BinaryIO
"""A file's bytes, or a seekable stream of them, which is read from its start and stays open."""


def save_files(
    session: Session,
    project: str,
    files: Mapping[str, Content],
    *,
    message: str = "",
    branch: str = DEFAULT_BRANCH,
    create: bool = False,
    expect: str = "",
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> tuple[Commit, bool]:
    """Make ``files``, by their paths in the project, part of ``branch`` as one commit; the branch's head, and whether
    it is new: the same content as before makes none.

    With ``create`` the project or the branch is made when there is none: a branch begins where ``main`` is. With
    ``expect``, the id of a commit or its beginning (12 characters at least), the branch must still be there. Raises
    ``InvalidInput`` for a path that cannot be stored, ``NotFound``, ``BranchChanged`` (nothing is changed, also when it
    moves while this is under way), ``StorageFull``, ``WorkspaceBusy`` or ``Cancelled``.
    """
    content = session.workspace.content
    head = _head(session, project, branch, create=create)
    begins = head or _beginning(session, project, branch)
    if expect and not _is_at(head, expect):
        raise BranchChanged(
            f"“{branch}” of “{project}” is at version {head.id[:12] if head else 'none'}, not at {expect[:12]}: "
            "somebody changed it. Nothing was saved.",
            next_step="Read it again as it is now, then save.",
        )
    for path in files:
        _refuse_place(session, begins, path)
    now = time.time_ns()
    items = [SourceItem(path, EntryKind.FILE, _size(each), now) for path, each in files.items()]
    outcome = content.store_items(items, _Given(files), progress=progress, cancel=cancel)
    if outcome.skipped:
        unread = outcome.skipped[0]
        raise InvalidInput(f"“{unread.path}” cannot be stored: {unread.detail}", next_step="Nothing was saved.")
    stored = [_as_before(session, begins, each) for each in outcome.stored]
    cancel.check()
    return content.commit(
        project,
        branch,
        [*_kept(session, begins, files), *stored],
        message=message or f"Saved {', '.join(files)}",
        author=session.author,
        skipped=[item for item in begins.skipped if item.path not in files] if begins else (),
        base=head.id if head is not None else "",
    )


def _head(session: Session, project: str, branch: str, *, create: bool) -> Commit | None:
    head = session.workspace.head(project, branch)
    if head is None and not create:
        session.workspace.versions.branches(project)  # raises NotFound when there is no such project
        raise NotFound(
            f"Project “{project}” has no branch “{branch}”.",
            next_step=f"`kronkers branch {project}` shows those that exist.",
        )
    return head


def _beginning(session: Session, project: str, branch: str) -> Commit | None:
    """What a new branch begins with; None for a new project."""
    return session.workspace.head(project, DEFAULT_BRANCH) if branch != DEFAULT_BRANCH else None


def _is_at(head: Commit | None, expected: str) -> bool:
    return head is not None and len(expected) >= 12 and head.id.startswith(expected)


def _refuse_place(session: Session, head: Commit | None, path: str) -> None:
    """Raises ``InvalidInput`` where a folder is, or below a file."""
    if not path.strip("/") or path != path.strip("/") or any(part in ("", ".", "..") for part in path.split("/")):
        raise InvalidInput(
            f"“{printable(path)}” is no path of a file in a project.", next_step="Write for instance Sales/2026.csv."
        )
    place = path
    while head is not None and place:
        found = _found(session, head, place)
        if found is not None and (found.kind is EntryKind.FOLDER) is (place == path):
            what = "is a folder" if place == path else f"cannot lie in “{place}”, which is a file"
            raise InvalidInput(f"“{path}” {what}.", next_step="Choose another name.")
        place = parent(place)


def _found(session: Session, head: Commit, path: str) -> Entry | None:
    try:
        return session.workspace.content.find(head.project, head.id, path)
    except NotFound:
        return None


def _as_before(session: Session, head: Commit | None, stored: StoredItem) -> StoredItem:
    """What replaces a program is one too; the same bytes as before keep their time."""
    before = _found(session, head, stored.item.path) if head is not None else None
    if before is None or before.kind is not EntryKind.FILE:
        return stored
    time_ns = before.mtime_ns if before.content == stored.content else stored.item.mtime_ns
    return replace(stored, item=replace(stored.item, executable=before.executable, mtime_ns=time_ns))


def _kept(session: Session, head: Commit | None, files: Mapping[str, Content]) -> Iterator[StoredItem]:
    """All that stays of a version, empty folders among it."""
    if head is None:
        return
    for folder, below in session.workspace.content.walk_folders(head.project, head.id):
        if not below and folder.path and not any(lies_in(path, (folder.path,)) for path in files):
            yield StoredItem.of(folder)
        for entry in below:
            if entry.kind is not EntryKind.FOLDER and entry.path not in files:
                yield StoredItem.of(entry)


def _size(content: Content) -> int:
    return len(content) if isinstance(content, bytes) else content.seek(0, io.SEEK_END)


class _Given:
    """The files as what the store reads from; implements ``ContentSource``."""

    def __init__(self, files: Mapping[str, Content]) -> None:
        self._files = files

    def read_whole(self, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        content = self._files[item.path]
        if item.size > WHOLE_LIMIT:
            return None
        if isinstance(content, bytes):
            return item, content
        with self.open(item) as stream:
            return item, stream.read()

    @contextmanager
    def open(self, item: SourceItem) -> Iterator[BinaryIO]:
        content = self._files[item.path]
        if isinstance(content, bytes):
            yield io.BytesIO(content)
            return
        try:
            content.seek(0)
            yield cast(BinaryIO, _Pieces(content, item))
            same = content.seek(0, io.SEEK_END) == item.size
        except OSError as error:
            raise _unread(item, SkipReason.READ_ERROR, f"{error.strerror or error}.") from None
        if not same:
            raise _changed(item)


class _Pieces(io.RawIOBase):
    """A stream of whoever has one, which may do no more than ``read``, and never end."""

    def __init__(self, stream: BinaryIO, item: SourceItem) -> None:
        self._stream = stream
        self._item = item
        self._left = item.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._stream.read(min(len(buffer), _PIECE))
        self._left -= len(piece)
        if self._left < 0:
            raise _changed(self._item)
        buffer[: len(piece)] = piece
        return len(piece)


def _changed(item: SourceItem) -> SourceProblem:
    return _unread(item, SkipReason.CHANGED_WHILE_READ, "It changed while it was read.")


def _unread(item: SourceItem, reason: SkipReason, words: str) -> SourceProblem:
    return SourceProblem(SkippedItem(item.path, reason, words))

"""Branches, tags, differences and merges of a workspace's projects."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import TYPE_CHECKING

from kronkers_studio.domain.changes import BranchMoved, TagMoved
from kronkers_studio.domain.content import DEFAULT_BRANCH, Branch, Commit, Entry, EntryKind, Tag
from kronkers_studio.domain.differences import (
    ChangeKind,
    EntryChange,
    TableFileDifference,
    TextDifference,
    TreeDifference,
)
from kronkers_studio.domain.errors import AlreadyExists, InvalidInput, NotFound
from kronkers_studio.domain.history import FileHistory, FileState
from kronkers_studio.domain.paths import lies_in
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.formats.table_files import table_format
from kronkers_studio.registry.content_store import ContentStore
from kronkers_studio.registry.metadata.ledger import Ledger
from kronkers_studio.registry.metadata.refs import References, check_name
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.trees.file_states import file_states
from kronkers_studio.registry.trees.tree_diff import diff_trees
from kronkers_studio.storage.database import Database

if TYPE_CHECKING:
    from kronkers_studio.formats.table_reading import TableReader
    from kronkers_studio.registry.merging.merger import Merging

COMPARED_LIMIT = 512 << 20
"""Bytes of the largest file whose content is compared: two versions of it are held in memory."""
MOST_STATES, MOST_VERSIONS = 1000, 20_000
"""States of one file that are told, and versions that are looked through for them."""


class Versions:
    """Thread-safe for reading. Raises ``NotFound`` for what does not exist."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        ledger: Ledger,
        content: ContentStore,
        tables: Callable[[], TableReader],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._store = store
        self._ledger = ledger
        self._content = content
        self._tables = tables
        self._clock = clock
        self._references = References(database, clock)

    @cached_property
    def merging(self) -> Merging:
        from kronkers_studio.registry.merging.merger import Merging

        return Merging(self._database, self._store, self._ledger, self._content, self._tables, self._clock)

    # ---- names of commits ----

    def branches(self, project: str) -> list[Branch]:
        """By name."""
        self._require_project(project)
        return self._references.branches(project)

    def create_branch(self, project: str, name: str, ref: str = "", *, author: str) -> Branch:
        """Make a branch that begins at ``ref``. Raises ``AlreadyExists`` when a branch or tag has that name."""
        check_name("branch", name)
        commit = self._content.resolve(project, ref)
        if self._references.branches(project, name):
            raise AlreadyExists(f"There is a branch “{name}” already.", next_step="Choose another name.")
        self._ledger.record(BranchMoved(project, name, commit.id, ""), author=author)
        return Branch(project, name, commit)

    def tags(self, project: str) -> list[Tag]:
        """By name."""
        self._require_project(project)
        return self._references.tags(project)

    def set_tag(self, project: str, name: str, ref: str = "", *, author: str, move: bool = False) -> Tag:
        """Give the commit ``ref`` a name. Raises ``AlreadyExists`` when it is taken, unless it may ``move``."""
        check_name("tag", name)
        commit = self._content.resolve(project, ref)
        found = self._references.tags(project, name)
        if found and found[0].commit == commit:
            return found[0]
        if found and not move:
            raise AlreadyExists(
                f"There is a tag “{name}” already; it names {found[0].commit.id[:12]}.",
                next_step="Choose another name, or move it with --move.",
            )
        now = self._clock()
        previous = found[0].commit.id if found else ""
        self._ledger.record(TagMoved(project, name, commit.id, previous, now), author=author)
        return Tag(project, name, commit, now)

    def remove_tag(self, project: str, name: str, *, author: str) -> Tag:
        self._require_project(project)
        found = self._references.tags(project, name)
        if not found:
            raise NotFound(
                f"Project “{project}” has no tag “{name}”.",
                next_step=f"`kronkers tag {project}` shows those that exist.",
            )
        self._ledger.record(TagMoved(project, name, "", found[0].commit.id, self._clock()), author=author)
        return found[0]

    def at(self, project: str, branch: str, moment: datetime) -> Commit:
        """The head that ``branch`` had at ``moment``, also when it was removed since."""
        self._require_project(project)
        return self._references.at(project, branch, moment)

    # ---- differences ----

    def diff(self, project: str, old: str, new: str, path: str = "", *, renames: bool = True) -> TreeDifference:
        """What differs between two versions of a project, or of the folder ``path`` in it.

        A folder that is in one version only is compared with an empty one. Without ``renames`` each of them is an entry
        removed and one added.
        """
        before, after = self._find(project, old, path), self._find(project, new, path)
        for entry in (before, after):
            if entry is not None and entry.kind is not EntryKind.FOLDER:
                raise InvalidInput(f"“{path}” is a file.", next_step="Compare its content instead.")
        ids = [entry.content[0] if entry else b"" for entry in self._both(path, before, after)]
        return diff_trees(ids[0], ids[1], self._store, folder=path, renames=renames)

    def diff_table(
        self,
        project: str,
        old: str,
        new: str,
        path: str,
        *,
        key: Sequence[str] = (),
        old_path: str = "",
        cancel: CancelToken = NEVER,
    ) -> TableFileDifference:
        """What differs between two versions of a CSV, Parquet or Excel file; ``old_path`` is where it was before.

        Raises ``InvalidInput`` when it is no table that can be read, ``TableUnreadable`` or ``Cancelled``.
        """
        before, after = self._contents(project, old, new, path, old_path)
        return self._tables().difference(path, before, after, key=key, cancel=cancel)

    def diff_text(self, project: str, old: str, new: str, path: str, *, old_path: str = "") -> TextDifference | None:
        """What differs between two versions of a text; None when it is not a text. A file that is in one version only
        is compared with an empty one."""
        from kronkers_studio.formats.text_diff import diff_texts

        return diff_texts(path, *self._contents(project, old, new, path, old_path))

    def diff_path(
        self,
        project: str,
        old: str,
        new: str,
        path: str = "",
        *,
        key: Sequence[str] = (),
        cancel: CancelToken = NEVER,
    ) -> TreeDifference | TableFileDifference | TextDifference | None:
        """What differs at ``path``, in the way that suits it; None for a file that is neither table nor text.

        A file that is only in the new version is compared with the one it was renamed from. Raises what ``diff_table``
        does, but for a table that is read as the text that it is too.
        """
        before, after = self._both(path, self._find(project, old, path), self._find(project, new, path))
        found = after or before
        if found is None or found.kind is EntryKind.FOLDER:
            return self.diff(project, old, new, path)
        old_path = path if before else self._renamed_from(project, old, new, path)
        if table_format(path) is not None and after and (before or old_path != path):
            try:
                return self.diff_table(project, old, new, path, key=key, old_path=old_path, cancel=cancel)
            except InvalidInput:
                if key:
                    raise
        return self.diff_text(project, old, new, path, old_path=old_path)

    # ---- one file ----

    def file_history(
        self, project: str, ref: str, path: str, *, limit: int = MOST_STATES, cancel: CancelToken = NEVER
    ) -> FileHistory:
        """The states of the file or folder ``path``, also one that is no more, in the version ``ref`` and those before
        it; at most ``limit`` of them. Where it begins by being renamed, those that it had before follow.

        Of each version no more is read than the folders on the way to it. Raises ``NotFound`` when none has it, and
        ``Cancelled``.
        """
        states: list[FileState] = []
        looked, complete, names = 0, True, {path}
        at, head = path, self._content.resolve(project, ref).id
        while True:
            commits = self._content.history(project, head, MOST_VERSIONS)
            found, whole = file_states(commits, at, self._store, limit - len(states), cancel)
            states += found
            looked, complete = max(looked, len(commits)), whole and len(commits) < MOST_VERSIONS
            oldest = states[-1] if found and whole else None
            if oldest is None or oldest.change.before is not None or not oldest.before:
                break
            cancel.check()
            earlier = self._renamed_from(project, oldest.before, oldest.commit.id, at)
            entry = self._find(project, oldest.before, earlier)
            if earlier in names or entry is None:
                break
            names.add(earlier)
            renamed = EntryChange(ChangeKind.RENAMED, entry, oldest.change.after)
            states[-1] = replace(oldest, change=renamed)
            at, head = earlier, oldest.before
            if len(states) >= limit:
                complete = False
                break
        if not states:
            raise NotFound(f"No version of “{project}” has “{path}”.", next_step="`kronkers ls` shows what there is.")
        return FileHistory(path, tuple(states), looked, complete)

    # ---- inside ----

    def _renamed_from(self, project: str, old: str, new: str, path: str) -> str:
        """Where the file ``path`` of the new version was in the old one; ``path`` itself when it is new."""
        for change in self.diff(project, old, new).of_kind(ChangeKind.RENAMED):
            if change.before is not None and lies_in(path, (change.path,)):
                return change.before.path + path.removeprefix(change.path)
        return path

    def _contents(self, project: str, old: str, new: str, path: str, old_path: str) -> tuple[bytes, bytes]:
        before, after = self._find(project, old, old_path or path), self._find(project, new, path)
        contents = []
        for entry in self._both(path, before, after):
            if entry is not None and entry.kind is not EntryKind.FILE:
                raise InvalidInput(f"“{path}” is not a file.", next_step="Compare the folder instead.")
            if entry is not None and entry.size > COMPARED_LIMIT:
                raise InvalidInput(f"“{path}” is larger than {COMPARED_LIMIT >> 20} MB: its content is not compared.")
            contents.append(self._content.read(entry) if entry else b"")
        return contents[0], contents[1]

    def _find(self, project: str, ref: str, path: str) -> Entry | None:
        """What is at ``path`` in a version that exists; None for nothing."""
        commit = self._content.resolve(project, ref)
        try:
            return self._content.find(project, commit.id, path)
        except NotFound:
            return None

    def _both(self, path: str, before: Entry | None, after: Entry | None) -> tuple[Entry | None, Entry | None]:
        if before is None and after is None:
            raise NotFound(
                f"“{path}” is in neither of the two versions.", next_step="`kronkers ls` shows what there is."
            )
        return before, after

    def _require_project(self, project: str) -> None:
        if not self._references.head(project, DEFAULT_BRANCH)[0]:
            raise NotFound(f"There is no project “{project}”.", next_step="`kronkers projects` shows those that exist.")

"""The versioned content of a workspace: projects, their commits, and the files in them."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, cast

from kronkers_studio.domain.changes import BranchMoved, Change, CommitRecorded, ProjectCreated
from kronkers_studio.domain.content import (
    DEFAULT_BRANCH,
    CheckReport,
    Commit,
    ContentSource,
    Entry,
    EntryKind,
    Project,
    RestoreReport,
    SkippedItem,
    SourceElsewhere,
    SourceItem,
    StoredItem,
)
from kronkers_studio.domain.errors import BranchChanged, ContentCleanedUp, InvalidInput, NotFound
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.registry.importing.importer import Import, OnDurable, StoreOutcome
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.ancestry import history
from kronkers_studio.registry.metadata.ledger import Ledger
from kronkers_studio.registry.metadata.refs import References, check_name
from kronkers_studio.registry.restoring.restorer import Restore
from kronkers_studio.registry.store.file_stream import FileStream
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.trees.commits import write_commit
from kronkers_studio.registry.trees.tree_id_cache import KnownTrees
from kronkers_studio.registry.trees.tree_reader import TreeReader
from kronkers_studio.registry.trees.tree_writer import write_trees
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import from_text, object_id, records_read

_BUFFER = 1 << 17
_HEADS = (
    "SELECT branches.project, branches.name, commits.document FROM branches "
    "JOIN commits ON commits.id = branches.head ORDER BY branches.name"
)
_RECORDED_AT = "SELECT id, created FROM commits WHERE id IN (SELECT value FROM json_each(?))"


def _nobody(_stored: Sequence[StoredItem]) -> None:
    """The default of ``on_durable``."""


class ContentStore:
    """Reading is thread-safe; storing and committing are done by one process and thread at a time, and raise
    ``WorkspaceBusy`` for the others."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        ledger: Ledger,
        check: Callable[[bool, Progress, CancelToken], CheckReport],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._database = database
        self._store = store
        self._ledger = ledger
        self._check = check
        self._clock = clock
        self._trees = TreeReader(store)
        self._references = References(database, clock)
        self._known_trees = KnownTrees(database)

    # ---- bringing in ----

    def store_items(
        self,
        items: Iterable[SourceItem],
        source: ContentSource,
        *,
        progress: Progress = SILENT,
        cancel: CancelToken = NEVER,
        on_durable: OnDurable = _nobody,
        known_in: int | None = None,
        elsewhere: SourceElsewhere | None = None,
    ) -> StoreOutcome:
        """Store the bytes of ``items``; ``on_durable`` is told, in this thread, of those that now survive a power cut.

        ``known_in`` is the generation in which a run before found all that items are known to consist of: while it
        lasts, that is not looked up again. What cannot be read is in the outcome's ``skipped``. Raises ``Cancelled``,
        ``StorageFull`` or ``WorkspaceBusy``; what was acknowledged is then kept.
        """
        progress.step("Storing", len(items) if isinstance(items, Sequence) else None, "files")
        run = Import(
            self._store,
            source,
            progress=progress,
            cancel=cancel,
            on_durable=on_durable,
            known_in=known_in,
            elsewhere=elsewhere,
        )
        return run.run(items)

    def commit(
        self,
        project: str,
        branch: str,
        stored: Iterable[StoredItem],
        *,
        message: str,
        author: str,
        skipped: Sequence[SkippedItem] = (),
        source: str = "",
        base: str | None = None,
        generation: int | None = None,
    ) -> tuple[Commit, bool]:
        """Make ``stored`` the content of ``branch``, making project and branch when they do not exist.

        Returns the branch's head, and whether it is new: the same content as before makes no new commit. With ``base``
        the branch must still be at that commit, beside which ``stored`` was judged; "" for no such branch.
        ``generation`` is that of the store in which all of ``stored`` was there (``StoreOutcome.generation``); unless
        it lasts, and when None, all is looked up. Raises ``InvalidInput``, ``BranchChanged``, ``ContentCleanedUp``
        (store it again), ``StorageFull`` or ``WorkspaceBusy``.
        """
        check_name("project", project)
        check_name("branch", branch)
        stored = tuple(stored)
        with self._store.writing() as writer:
            self._expect(stored, generation)
            known = self._known_trees.load(project, branch)
            written = write_trees(stored, self._store, writer, known)
            tree = written.top.hex()
            exists, head = self._references.head(project, branch)
            if base is not None and base != (head.id if head is not None else ""):
                raise BranchChanged(
                    f"Branch “{branch}” of “{project}” was changed meanwhile.",
                    next_step="Nothing was lost: run it again on it as it is now.",
                )
            if head is not None and head.tree == tree:
                writer.checkpoint()
                return head, False
            now = self._clock()
            commit = Commit(
                id="",
                project=project,
                parents=(head.id,) if head else (),
                tree=tree,
                author=author,
                created=now,
                message=message,
                files=written.files,
                size=written.size,
                skipped=tuple(skipped),
            )
            commit = replace(commit, id=write_commit(commit, source, self._store, writer))
            writer.checkpoint()
            self._known_trees.save(project, branch, written.known)
            changes: list[Change] = [] if exists else [ProjectCreated(project, now)]
            changes.append(CommitRecorded(commit, source))
            changes.append(BranchMoved(project, branch, commit.id, head.id if head else ""))
            self._ledger.record(*changes, author=author)
        return commit, True

    def _expect(self, stored: Sequence[StoredItem], generation: int | None) -> None:
        """All of ``stored`` must be there. It was in ``generation``; only a cleaning up since can have changed that."""
        if generation == self._store.index.generation():
            return
        wanted = {id for item in stored for id in item.content}
        lost = wanted - self._store.index.known(wanted)
        if lost:
            raise ContentCleanedUp(
                f"{len(lost)} objects that this version shares with removed ones were cleaned up meanwhile.",
                next_step="Run it again: what is missing is read once more.",
            )

    # ---- looking ----

    def projects(self) -> list[Project]:
        """All projects by name."""
        with self._database.read() as connection:
            projects = statements.select(connection, statements.PROJECTS, removed=0)
            heads = statements.query(connection, _HEADS)
        names: dict[str, tuple[str, ...]] = {}
        main: dict[str, Commit] = {}
        for project, name, document in heads:
            names[project] = (*names.get(project, ()), name)
            if name == DEFAULT_BRANCH:
                main[project] = from_text(Commit, document)
        with records_read("project"):
            return [
                Project(
                    name, datetime.fromisoformat(row["created"]), names.get(name, ()), main.get(name), row["source"]
                )
                for row in projects
                for name in [row["name"]]
            ]

    def resolve(self, project: str, ref: str = "") -> Commit:
        """The commit that ``ref`` names: a branch, a tag, a moment as in ``{yesterday 14:05}``, or the first characters
        (4 at least) of a commit's id; "" is the default branch.

        Raises ``NotFound``, or ``InvalidInput`` when several commits begin so or a moment cannot be read.
        """
        return self._references.resolve(project, ref)

    def branch_head(self, project: str, branch: str) -> Commit | None:
        """The newest commit of a branch; None when there is no such branch."""
        return self._references.head(project, branch)[1]

    def history(self, project: str, ref: str = "", limit: int = 100, offset: int = 0) -> list[Commit]:
        """The commit that ``ref`` names and those before it, newest first. Raises as ``resolve``."""
        head = self.resolve(project, ref)
        with self._database.read() as connection:
            return history(connection, head.id, limit, offset)

    def recorded_at(self, commits: Iterable[str]) -> dict[str, datetime]:
        """When each of ``commits``, which are ids, was recorded; those that are not known are left out."""
        with self._database.read() as connection, records_read("commit"):
            found = statements.query(connection, _RECORDED_AT, json.dumps(sorted(set(commits))))
            return {id: datetime.fromisoformat(created) for id, created in found}

    def list_folder(self, project: str, ref: str = "", path: str = "") -> list[Entry]:
        """What lies directly in the folder ``path``: folders first, then files and links, by name.

        Raises ``NotFound``, also when ``path`` is not a folder.
        """
        folder = self.find(project, ref, path)
        if folder.kind is not EntryKind.FOLDER:
            raise NotFound(f"“{path}” is not a folder.", next_step="Name the folder it lies in.")
        below = self._trees.below(folder)
        return sorted(below, key=lambda entry: (entry.kind is not EntryKind.FOLDER, entry.name))

    def find(self, project: str, ref: str, path: str) -> Entry:
        """The entry at ``path``; "" is the project's top folder. Raises ``NotFound``."""
        return self._trees.find(object_id(self.resolve(project, ref).tree), path)

    def walk(self, project: str, ref: str = "", path: str = "") -> Iterator[Entry]:
        """Everything below the folder ``path``, a folder before what it holds. Raises ``NotFound``."""
        return self._trees.walk(self.find(project, ref, path))

    def walk_folders(self, project: str, ref: str = "", path: str = "") -> Iterator[tuple[Entry, list[Entry]]]:
        """The folder ``path`` and each one below it, with what lies directly in it. Raises ``NotFound``."""
        return self._trees.folders(self.find(project, ref, path))

    # ---- taking out ----

    def open(self, entry: Entry) -> BinaryIO:
        """A seekable stream of a file's bytes, each chunk verified before it is given out."""
        if entry.kind is not EntryKind.FILE:
            raise InvalidInput(f"“{entry.path}” is not a file.")
        return cast(BinaryIO, io.BufferedReader(FileStream(entry, self._store), _BUFFER))

    def read(self, entry: Entry, limit: int | None = None) -> bytes:
        """All bytes of a file, or the first ``limit``, verified."""
        with self.open(entry) as stream:
            return stream.read(-1 if limit is None else limit)

    def restore(
        self,
        project: str,
        ref: str,
        target: Path,
        paths: Sequence[str] = (),
        *,
        progress: Progress = SILENT,
        cancel: CancelToken = NEVER,
        elsewhere: Sequence[str] = (),
        without: Collection[str] = (),
    ) -> RestoreReport:
        """Write ``paths`` (all when empty) below ``target`` as they were at ``ref``, but for what lies at or below the
        paths ``without``.

        Every file is verified and appears whole or not at all; one that lies there already with other content is left
        alone and listed. Run again, it goes on where it stopped. ``elsewhere`` is the command of a process of this
        program that writes files, which is started where there are many.

        Raises ``NotFound``, ``StoreDamaged``, ``StorageFull`` or ``Cancelled``.
        """
        top = object_id(self.resolve(project, ref).tree)
        chosen = [self._trees.find(top, path) for path in paths] or [self._trees.find(top, "")]
        run = Restore(
            self._store, self._trees, target, progress=progress, cancel=cancel, elsewhere=elsewhere, without=without
        )
        return run.run(chosen)

    def check(
        self, *, read_data: bool = False, progress: Progress = SILENT, cancel: CancelToken = NEVER
    ) -> CheckReport:
        """Check the structure, and with ``read_data`` every byte of every pack. Finds problems, never raises them."""
        return self._check(read_data, progress, cancel)

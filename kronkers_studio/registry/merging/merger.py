"""Merging one commit into a branch: planned, decided, then committed with two parents."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from kronkers_studio.domain.changes import BranchMoved, Change, CommitRecorded
from kronkers_studio.domain.content import Commit, Entry, EntryKind, SourceItem
from kronkers_studio.domain.differences import (
    Choice,
    Conflict,
    MergeConflicts,
    MergePlan,
    MergeResult,
    TreeDifference,
)
from kronkers_studio.domain.errors import BranchChanged, ContentCleanedUp, InvalidInput, NotFound
from kronkers_studio.domain.paths import join
from kronkers_studio.domain.progress import NEVER, CancelToken
from kronkers_studio.formats.file_merge import merge_content
from kronkers_studio.registry.content_store import ContentStore
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.merging.rename_following import follow_renames
from kronkers_studio.registry.merging.tree_merge import TreeMerge
from kronkers_studio.registry.merging.tree_nodes import Folder, Node, children
from kronkers_studio.registry.metadata.ancestry import best_common_ancestors
from kronkers_studio.registry.metadata.ledger import Ledger
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.object_writer import ObjectWriter
from kronkers_studio.registry.trees.commits import write_commit
from kronkers_studio.registry.trees.tree_diff import diff_trees
from kronkers_studio.registry.trees.tree_format import Piece, piece_of
from kronkers_studio.registry.trees.tree_parts import tree_objects
from kronkers_studio.registry.trees.tree_reader import TreeReader
from kronkers_studio.registry.trees.tree_writer import append_new
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.json_form import object_id

if TYPE_CHECKING:
    from kronkers_studio.formats.table_reading import TableReader


@dataclass(frozen=True, slots=True)
class _Merge:
    """A merge that has been worked out, and what it needs to be committed."""

    plan: MergePlan
    tree: Node
    new_content: Mapping[str, bytes]
    kept_as: Mapping[str, str]


class Merging:
    """Merges in one workspace."""

    def __init__(
        self,
        database: Database,
        store: ObjectStore,
        ledger: Ledger,
        content: ContentStore,
        tables: Callable[[], TableReader],
        clock: Callable[[], datetime],
    ) -> None:
        self._database = database
        self._store = store
        self._ledger = ledger
        self._content = content
        self._tables = tables
        self._clock = clock
        self._trees = TreeReader(store)

    def plan(self, project: str, source: str, branch: str, *, cancel: CancelToken = NEVER) -> MergePlan:
        """What merging ``source`` (a reference) into ``branch`` would do, with its conflicts. Nothing is changed.

        Raises ``NotFound`` or ``Cancelled``.
        """
        return self._worked_out(project, source, branch, {}, cancel).plan

    def merge(
        self,
        project: str,
        source: str,
        branch: str,
        choices: Mapping[str, Choice],
        *,
        author: str,
        message: str = "",
        expected: MergePlan | None = None,
        cancel: CancelToken = NEVER,
    ) -> MergeResult:
        """Merge ``source`` into ``branch`` with conflicts decided by ``choices`` (path to choice).

        With ``expected`` it is refused when one of the two has moved since that plan. Raises ``MergeConflicts`` when a
        conflict is undecided, ``InvalidInput`` for a choice about a path without conflict, ``BranchChanged``,
        ``ContentCleanedUp``, ``NotFound``, ``StorageFull``, ``WorkspaceBusy`` or ``Cancelled``: nothing was changed.
        """
        generation = self._store.index.generation()
        merge = self._worked_out(project, source, branch, choices, cancel)
        plan = merge.plan
        if expected and (expected.ours.id, expected.theirs.id) != (plan.ours.id, plan.theirs.id):
            raise BranchChanged(
                f"“{branch}” or “{source}” was changed since the merge was looked at.", next_step="Look at it again."
            )
        _require_decided(plan, choices)
        if plan.up_to_date:
            return MergeResult(plan, plan.ours, changed=False)
        if plan.fast_forward:
            self._ledger.record(BranchMoved(project, branch, plan.theirs.id, plan.ours.id), author=author)
            return MergeResult(plan, plan.theirs, changed=True)
        commit = self._commit(merge, generation, author, message or f"Merged {source} into {branch}")
        return MergeResult(plan, commit, changed=True, kept_as=merge.kept_as)

    # ---- working it out ----

    def _worked_out(
        self, project: str, source: str, branch: str, choices: Mapping[str, Choice], cancel: CancelToken
    ) -> _Merge:
        ours, theirs = self._branch_head(project, branch), self._content.resolve(project, source)
        with self._database.read() as connection:
            bases = best_common_ancestors(connection, ours.id, theirs.id)
        plan = MergePlan(project, branch, source or theirs.id[:12], ours, theirs, bases)
        if theirs.id in bases:
            return _Merge(replace(plan, up_to_date=True), None, {}, {})
        past = self._past(project, bases)
        incoming = self._changes(past, theirs)
        if ours.id in bases:
            return _Merge(replace(plan, fast_forward=True, incoming=incoming), None, {}, {})
        merged_content = partial(merge_content, self._content.read, self._tables, cancel)
        merge = TreeMerge(self._trees.entries, merged_content, choices, plan.source)
        outgoing = self._changes(past, ours)
        tree = merge.run(*follow_renames(past, _top(ours), _top(theirs), outgoing, incoming, self._trees.entries))
        plan = replace(plan, incoming=incoming, merged=tuple(merge.merged), conflicts=tuple(merge.conflicts))
        return _Merge(plan, tree, merge.new_content, merge.kept_as)

    def _branch_head(self, project: str, branch: str) -> Commit:
        head = self._content.branch_head(project, branch)
        if head is None:
            raise NotFound(
                f"Project “{project}” has no branch “{branch}”.",
                next_step=f"`kronkers branch {project}` shows those that exist.",
            )
        return head

    def _past(self, project: str, bases: tuple[str, ...]) -> Node:
        """The common past: an empty one for unrelated histories; several are merged, as git's recursive strategy
        does, and where they disagree nothing is known."""
        if not bases:
            return Folder()
        past: Node = _top(self._content.resolve(project, bases[0]))
        for number, other in enumerate(bases[1:], start=1):
            with self._database.read() as connection:
                older = best_common_ancestors(connection, bases[number - 1], other)
            merge = TreeMerge(self._trees.entries, None, {}, "")
            past = merge.run(self._past(project, older), past, _top(self._content.resolve(project, other)))
        return past

    def _changes(self, past: Node, commit: Commit) -> TreeDifference:
        """What ``commit`` changed since the common past, as far as that is one tree."""
        if not isinstance(past, Entry):
            return TreeDifference()
        return diff_trees(past.content[0], object_id(commit.tree), self._store)

    # ---- committing ----

    def _commit(self, merge: _Merge, generation: int, author: str, message: str) -> Commit:
        plan = merge.plan
        stored = self._stored(merge.new_content)
        with self._store.writing() as writer:
            if self._store.index.generation() != generation:
                raise ContentCleanedUp("The store was cleaned up while merging.", next_step="Merge again.")
            tree = self._write(merge.tree, "", stored, writer)
            writer.checkpoint()  # so that it can be read, to be counted
            files, size = self._counted(plan.ours, tree)
            commit = Commit(
                id="",
                project=plan.project,
                parents=(plan.ours.id, plan.theirs.id),
                tree=tree.hex(),
                author=author,
                created=self._clock(),
                message=message,
                files=files,
                size=size,
                skipped=tuple(dict.fromkeys((*plan.ours.skipped, *plan.theirs.skipped))),
            )
            commit = replace(commit, id=write_commit(commit, "", self._store, writer))
            writer.checkpoint()
            changes: list[Change] = [
                CommitRecorded(commit),
                BranchMoved(plan.project, plan.branch, commit.id, plan.ours.id),
            ]
            self._ledger.record(*changes, author=author)
        return commit

    def _stored(self, new_content: Mapping[str, bytes]) -> dict[str, tuple[bytes, ...]]:
        """Store the merged files: path to content ids."""
        items = [SourceItem(path, EntryKind.FILE, len(data), 0) for path, data in new_content.items()]
        outcome = self._content.store_items(items, MemorySource(new_content))
        return {stored.item.path: stored.content for stored in outcome.stored}

    def _write(self, node: Node, path: str, stored: Mapping[str, tuple[bytes, ...]], writer: ObjectWriter) -> bytes:
        """Append the trees of ``node`` that are new; the id of its own."""
        if isinstance(node, Entry):
            return node.content[0]
        pieces: list[Piece] = []
        for name, child in children(node, self._trees.entries).items():
            below = join(path, name)
            if isinstance(child, Folder):
                id = self._write(child, below, stored, writer)
                folder = Entry(name, EntryKind.FOLDER, self._size_of(child), child.mtime_ns, content=(id,))
                pieces.append(piece_of(folder))
            elif isinstance(child, Entry):
                pieces.append(piece_of(replace(child, content=stored[below]) if below in stored else child))
        id, objects = tree_objects(sorted(pieces), self._store.sealer)
        append_new(objects, self._store, writer)
        return id

    def _size_of(self, folder: Folder) -> int:
        return sum(
            child.size if isinstance(child, Entry) else self._size_of(child)
            for child in folder.children.values()
            if isinstance(child, Entry | Folder)
        )

    def _counted(self, ours: Commit, tree: bytes) -> tuple[int, int]:
        """The number of files and their bytes in ``tree``, from what differs from ours."""
        files, size = ours.files, ours.size
        for change in diff_trees(object_id(ours.tree), tree, self._store, renames=False).changes:
            for entry, sign in ((change.before, -1), (change.after, 1)):
                if entry is not None and entry.kind is EntryKind.FILE:
                    files, size = files + sign, size + sign * entry.size
        return files, size


def _top(commit: Commit) -> Entry:
    return Entry("", EntryKind.FOLDER, content=(object_id(commit.tree),))


def _require_decided(plan: MergePlan, choices: Mapping[str, Choice]) -> None:
    paths = {conflict.path for conflict in plan.conflicts}
    needless = sorted(choices.keys() - paths)
    if needless:
        raise InvalidInput(f"“{needless[0]}” is in no conflict.", next_step="Decide only what is listed as a conflict.")
    undecided: tuple[Conflict, ...] = tuple(c for c in plan.conflicts if c.path not in choices)
    if undecided:
        raise MergeConflicts(plan, undecided)

"""One run of bringing folders in: their files are stored folder by folder, and all of it becomes one commit."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Commit, EntryKind, SkippedItem, StoredItem
from kronkers_studio.domain.errors import BranchChanged, ContentCleanedUp, InvalidInput
from kronkers_studio.domain.migration import (
    FoldedVersion,
    MigrationResult,
    MigrationSource,
    Rename,
)
from kronkers_studio.domain.paths import join
from kronkers_studio.domain.progress import SILENT, CancelToken, Progress
from kronkers_studio.workflows.migration.folder_access import reader, reader_elsewhere, scan_source, stat_cache
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.domain.working_copies import WorkingCopy
    from kronkers_studio.migration import Scan, StatCache

_NO_STATE = b""  # no folder is ever found to be in it


@dataclass(slots=True)
class Brought:
    """What came of one folder."""

    source: MigrationSource
    scan: Scan
    cache: StatCache
    stored: Sequence[StoredItem]
    skipped: tuple[SkippedItem, ...]
    renamed: tuple[Rename, ...]
    read_files: int
    read_bytes: int
    new_bytes: int
    generation: int  # of the store, in which all of it is there
    found: int  # files, links, and what was left out


@dataclass(slots=True)
class BringIn:
    """One run: the folders are stored one after the other, and become one commit."""

    session: Session
    project: str
    branch: str
    message: str
    replace_others: bool  # also what a merge, or another folder in the same place, brought in since
    watching: bool
    progress: Progress
    cancel: CancelToken
    started: float

    @classmethod
    def of_copy(cls, session: Session, copy: WorkingCopy, progress: Progress, cancel: CancelToken) -> BringIn:
        """A run of which only ``store`` is wanted, for a working copy."""
        return cls(session, copy.project, copy.branch, "", False, False, progress, cancel, time.monotonic())

    def run(self, sources: Sequence[MigrationSource]) -> MigrationResult:
        """Store and commit.

        Once more when a cleaning up in between took away what unchanged files share, or when something else moved the
        branch meanwhile: it may have brought what would now be undone. Raises ``BranchChanged`` when it does so again.
        """
        try:
            return self._bring_in(sources)
        except (ContentCleanedUp, BranchChanged):
            pass
        try:
            return self._bring_in(sources)
        except BranchChanged:
            raise BranchChanged(
                f"Something else keeps changing “{self.branch}” of “{self.project}”, also while the folder was brought "
                "in for a second time.",
                next_step="Nothing was lost, and what was read is stored: run it again when the other is done.",
            ) from None

    def _bring_in(self, sources: Sequence[MigrationSource]) -> MigrationResult:
        from kronkers_studio.workflows.migration.sources import kept_besides, project_sources
        from kronkers_studio.workflows.migration.undo_check import refuse_undoing, undone_by

        remembered = project_sources(self.session, self.project)
        brought = [self.store(source) for source in sources]
        head = self.session.workspace.head(self.project, self.branch)  # all below goes by it, and is refused at another
        for each in brought:
            self._complete(each, head)
        _refuse_rules_that_leave_nothing(brought, remembered)
        kept: tuple[StoredItem, ...] = ()
        if head is not None and any(source.into for source in (*remembered, *sources)):
            kept = kept_besides(self.session, self.project, head.id, sources)
            _refuse_overlap(brought, kept)
        stored = [*brought[0].stored] if len(brought) == 1 else [item for each in brought for item in each.stored]
        stored += kept
        undone = undone_by(self.session, self.branch, head, sources, stored) if head is not None else None
        if undone is not None and not self.replace_others:
            refuse_undoing(undone, self.session, self.project, self.branch, [source.folder for source in sources])
        skipped = tuple(item for each in brought for item in each.skipped)
        renamed = tuple(rename for each in brought for rename in each.renamed)
        base = head.id if head is not None else ""
        commit, changed, folded, as_versions = self._commit(stored, skipped, sources, brought, base)
        self._remember(remembered, brought, commit)
        return MigrationResult(
            project=self.project,
            branch=self.branch,
            commit=commit,
            changed=changed,
            files=commit.files,
            read_files=sum(each.read_files for each in brought),
            read_bytes=sum(each.read_bytes for each in brought),
            new_bytes=sum(each.new_bytes for each in brought),
            seconds=time.monotonic() - self.started,
            skipped=skipped,
            renamed=renamed,
            folded=folded,
            undone=undone,
            unmatched=_unmatched(brought),
            before=base,
            found=sum(each.found for each in brought),
            as_versions=as_versions,
        )

    def store(self, source: MigrationSource) -> Brought:
        """Store the files of one folder."""
        from kronkers_studio.migration.moved_files import renamed_by_content
        from kronkers_studio.migration.scan_ahead import ScanAhead

        folder = Path(source.folder)
        cache = stat_cache(self.session, self.project, folder)
        known_in = cache.generation()  # first: what another process stamps later says nothing of what is loaded here
        known = cache.load()
        store = partial(
            self.session.workspace.content.store_items,
            source=reader(folder, source.options, self.session, self.cancel, watching=self.watching),
            progress=self.progress,
            cancel=self.cancel,
            on_durable=cache.remember,
            known_in=known_in,
            elsewhere=reader_elsewhere(self.session, source, watching=self.watching),
        )
        plan = source.options.fold_conflicts  # which files are conflict copies is found by planning
        scanned = partial(scan_source, self.session, source, known, cancel=self.cancel, plan=plan)
        if known:  # little will be read: two threads would only wait for one another
            scan = scanned(self.progress)
            outcome = store(scan.items)
        else:
            with ScanAhead(lambda found: scanned(SILENT, found=found), self.progress.expect) as ahead:
                outcome = store(ahead)
            scan = ahead.scan
        # First forgotten, so that all that is remembered was found in the store, or put there, by this run. Of a file
        # that grew or shrank after the scan, or gave way to a link or a folder, only what an earlier run knew of it
        # could be remembered.
        cache.forget_missing(
            each.item.path
            for each in outcome.stored
            if each.item.kind is EntryKind.FILE and each.size == each.item.size
        )
        cache.remember_generation(outcome.generation)
        return Brought(
            source,
            scan,
            cache,
            outcome.stored,
            (*scan.skipped, *outcome.skipped),
            (*scan.renamed, *renamed_by_content(known, scan, outcome.stored)),
            outcome.read_files,
            outcome.read_bytes,
            outcome.new_bytes,
            outcome.generation,
            sum(each.item.kind is not EntryKind.FOLDER for each in outcome.stored)
            + len(scan.skipped)
            + len(outcome.skipped),
        )

    def _complete(self, brought: Brought, head: Commit | None) -> None:
        """Add what stays of the branch's head though it was not read, and put all where it lies in the project."""
        from kronkers_studio.workflows.migration.carried_over import with_staying
        from kronkers_studio.workflows.migration.sources import placed

        brought.stored, brought.skipped = with_staying(
            self.session, head, brought.source, brought.stored, brought.skipped
        )
        into = brought.source.into
        if into:
            brought.stored = [placed(each, into) for each in brought.stored]
            brought.skipped = tuple(replace(item, path=f"{into}/{item.path}") for item in brought.skipped)
            brought.renamed = tuple(
                replace(each, old=f"{into}/{each.old}", new=f"{into}/{each.new}") for each in brought.renamed
            )

    def _commit(
        self,
        stored: list[StoredItem],
        skipped: tuple[SkippedItem, ...],
        sources: Sequence[MigrationSource],
        brought: Sequence[Brought],
        base: str,
    ) -> tuple[Commit, bool, tuple[FoldedVersion, ...], int]:
        """Record what was stored; conflict copies that are to be folded, which are counted, become versions before the
        newest."""
        from kronkers_studio.workflows.migration.commit_folders import Recording

        generation = brought[0].generation  # the earliest: what was stored then and later is there while it lasts
        recording = Recording(self.session, self.project, self.branch, base, sources[0].folder, generation)
        names = ", ".join(Path(source.folder).name for source in sources)
        message = self.message or f"Brought in from {names}"
        copies = _conflict_copies(brought)
        if copies:
            return *recording.record_folded(stored, copies, message, skipped), recording.as_versions
        return *recording.record(stored, message, skipped), (), 0

    def _remember(self, remembered: Sequence[MigrationSource], brought: Sequence[Brought], commit: Commit) -> None:
        """What the next run needs to know: the folders and their options, their files, and that all is there."""
        from kronkers_studio.workflows.migration.sources import remembering

        changes = remembering(remembered, self.project, [each.source for each in brought])
        if changes:
            self.session.workspace.ledger.record(*changes, author=self.session.author)
        for each in brought:
            known = each.scan.state is not None and len(brought) == 1 and _is_all_there(each)
            each.cache.remember_commit(self.branch, commit.id, (each.scan.state or b"") if known else _NO_STATE)


def _refuse_rules_that_leave_nothing(brought: Sequence[Brought], remembered: Sequence[MigrationSource]) -> None:
    """Raises ``InvalidInput`` when new rules leave nothing of a folder that has something: they are mistyped."""
    for each in brought:
        include = each.source.options.include
        if include and not each.stored and each.scan.skipped and each.source not in remembered:
            patterns = ", ".join(f"“{pattern}”" for pattern in include)
            raise InvalidInput(
                f"Nothing in {each.source.folder} matches what is to be included, {patterns}. Nothing was changed.",
                next_step="Correct the pattern, or see with --dry-run what it hits.",
            )


def _unmatched(brought: Sequence[Brought]) -> tuple[str, ...]:
    """The patterns of what to include that nothing in any of the folders matches."""
    hits = [rule for each in brought for rule in each.scan.rules if rule.includes]
    matched = {rule.pattern for rule in hits if rule.files}
    return tuple(dict.fromkeys(rule.pattern for rule in hits if rule.pattern not in matched))


def _conflict_copies(brought: Sequence[Brought]) -> dict[str, str]:
    """The copies that are to be folded, each with its original, as they lie in the project."""
    copies: dict[str, str] = {}
    for each in brought:
        if each.source.options.fold_conflicts:
            into = each.source.into
            folded = (item for item in each.scan.planned if item.conflict_of)
            copies.update({join(into, item.path): join(into, item.conflict_of) for item in folded})
    return copies


def _refuse_overlap(brought: Sequence[Brought], kept: Sequence[StoredItem]) -> None:
    """Raises ``InvalidInput`` when a folder holds what has its place in another's: neither may hide the other."""
    taken = {item.item.path for item in kept}
    for each in brought:
        for stored in each.stored:
            if stored.item.path in taken:
                raise InvalidInput(
                    f"“{stored.item.path}” lies in {each.source.folder}, and in another folder of this project.",
                    next_step="Bring one of them in under another name, with --into.",
                )


def _is_all_there(brought: Brought) -> bool:
    """Whether all that anybody would want kept is in the commit, as it was listed."""
    return all(item.reason.expected for item in brought.skipped) and all(
        each.size == each.item.size for each in brought.stored if each.item.kind is EntryKind.FILE
    )

"""One run of bringing folders in: their files are stored folder by folder, and all of it becomes one commit."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import Commit, EntryKind, SkippedItem, SourceElsewhere, StoredItem
from kronkers_studio.domain.errors import BranchChanged, ContentCleanedUp, InvalidInput, NotFound
from kronkers_studio.domain.migration import (
    FoldedVersion,
    MigrationOptions,
    MigrationResult,
    MigrationSource,
    OnlineOnly,
    Rename,
)
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.migration import FolderSource, KnownFile, Scan, StatCache
    from kronkers_studio.migration.folding import Folding
    from kronkers_studio.migration.found import FoundItem
    from kronkers_studio.migration.scan_ahead import Found

_HISTORY_LOOKED_AT = 1000
_NO_STATE = b""  # no folder is ever found to be in it


def _nobody(_items: Sequence[FoundItem]) -> None:
    """The default of ``found``: told of what a scan finds."""


@dataclass(slots=True)
class _Brought:
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
        from kronkers_studio.workflows.sources import kept_besides, project_sources
        from kronkers_studio.workflows.undoing import refuse_undoing, undone_by

        remembered = project_sources(self.session, self.project)
        brought = [self._store(source) for source in sources]
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
        commit, changed, folded = self._commit(stored, skipped, sources, brought, base)
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
        )

    def _store(self, source: MigrationSource) -> _Brought:
        """Store the files of one folder."""
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
            elsewhere=self._elsewhere(source),
        )
        if known:  # little will be read: two threads would only wait for one another
            scan = self._scan(source, known, self.progress)
            outcome = store(scan.items)
        else:
            with ScanAhead(lambda found: self._scan(source, known, SILENT, found), self.progress.expect) as ahead:
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
        return _Brought(
            source,
            scan,
            cache,
            outcome.stored,
            (*scan.skipped, *outcome.skipped),
            (*scan.renamed, *_renamed_by_content(known, scan, outcome.stored)),
            outcome.read_files,
            outcome.read_bytes,
            outcome.new_bytes,
        )

    def _complete(self, brought: _Brought, head: Commit | None) -> None:
        """Add what stays of the branch's head though it was not read, and put all where it lies in the project."""
        from kronkers_studio.workflows.sources import placed
        from kronkers_studio.workflows.staying import with_staying

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

    def _elsewhere(self, source: MigrationSource) -> SourceElsewhere | None:
        """How other processes read the folder; None where one alone keeps to the limit that the settings give."""
        from kronkers_studio.workflows.reading_process import read_elsewhere

        limit, give_way = pace_of(self.session, watching=self.watching)
        if limit:
            return None
        return read_elsewhere(
            Path(source.folder), fetch=source.options.online_only is OnlineOnly.FETCH, give_way=give_way
        )

    def _scan(
        self, source: MigrationSource, known: Mapping[str, KnownFile], progress: Progress, found: Found = _nobody
    ) -> Scan:
        plan = source.options.fold_conflicts  # which files are conflict copies is found by planning
        return scan_source(self.session, source, known, progress, self.cancel, plan=plan, found=found)

    def _commit(
        self,
        stored: list[StoredItem],
        skipped: tuple[SkippedItem, ...],
        sources: Sequence[MigrationSource],
        brought: Sequence[_Brought],
        base: str,
    ) -> tuple[Commit, bool, tuple[FoldedVersion, ...]]:
        """Record what was stored; conflict copies that are folded become versions before the newest."""
        folding = _folding(stored, brought)
        names = ", ".join(Path(source.folder).name for source in sources)
        message = self.message or f"Brought in from {names}"
        folder = sources[0].folder
        if folding is None:
            commit, changed = self._record(stored, message, skipped, folder, base)
            return commit, changed, ()
        made: dict[tuple[str, str], FoldedVersion] = {}
        any_changed = False
        known = self._contents_in_history([file.path for file in folding.files])
        for step in folding.steps(known):
            earlier = [*folding.rest, *(_at(step.get(each.item.path), each) for each in folding.newest_files)]
            about = f"Earlier versions, from conflict copies: {', '.join(sorted(step))}"
            commit, changed = self._record(earlier, about, skipped, folder, base)
            base = commit.id
            any_changed = any_changed or changed
            made |= {(path, found.item.path): _folded(path, found, commit) for path, found in step.items()}
        commit, changed = self._record(folding.newest, message, skipped, folder, base)
        if changed:
            newest = [(file.path, file.versions[-1]) for file in folding.files]
            newest = [(path, found) for path, found in newest if found.content not in known[path]]
            made |= {(path, found.item.path): _folded(path, found, commit) for path, found in newest}
        folded = sorted(made.values(), key=lambda version: (version.path, version.mtime_ns))
        return commit, changed or any_changed, tuple(folded)

    def _record(
        self, stored: Sequence[StoredItem], message: str, skipped: tuple[SkippedItem, ...], folder: str, base: str
    ) -> tuple[Commit, bool]:
        return self.session.workspace.content.commit(
            self.project,
            self.branch,
            stored,
            message=message,
            author=self.session.author,
            skipped=skipped,
            source=folder,
            base=base,
        )

    def _contents_in_history(self, paths: Sequence[str]) -> dict[str, set[tuple[bytes, ...]]]:
        """What the branch's history has of these files already: folding them again would record them twice."""
        content = self.session.workspace.content
        found: dict[str, set[tuple[bytes, ...]]] = {path: set() for path in paths}
        try:
            history = content.history(self.project, self.branch, limit=_HISTORY_LOOKED_AT)
        except NotFound:
            return found
        for commit in history:
            for path, contents in found.items():
                try:
                    contents.add(content.find(self.project, commit.id, path).content)
                except NotFound:  # it was not there yet
                    continue
        return found

    def _remember(self, remembered: Sequence[MigrationSource], brought: Sequence[_Brought], commit: Commit) -> None:
        """What the next run needs to know: the folders and their options, their files, and that all is there."""
        from kronkers_studio.workflows.sources import remembering

        changes = remembering(remembered, self.project, [each.source for each in brought])
        if changes:
            self.session.workspace.ledger.record(*changes, author=self.session.author)
        for each in brought:
            known = each.scan.state is not None and len(brought) == 1 and _is_all_there(each)
            each.cache.remember_commit(self.branch, commit.id, (each.scan.state or b"") if known else _NO_STATE)


def _refuse_rules_that_leave_nothing(brought: Sequence[_Brought], remembered: Sequence[MigrationSource]) -> None:
    """Raises ``InvalidInput`` when new rules leave nothing of a folder that has something: they are mistyped."""
    for each in brought:
        include = each.source.options.include
        if include and not each.stored and each.scan.skipped and each.source not in remembered:
            patterns = ", ".join(f"“{pattern}”" for pattern in include)
            raise InvalidInput(
                f"Nothing in {each.source.folder} matches what is to be included, {patterns}. Nothing was changed.",
                next_step="Correct the pattern, or see with --dry-run what it hits.",
            )


def _unmatched(brought: Sequence[_Brought]) -> tuple[str, ...]:
    """The patterns of what to include that nothing in any of the folders matches."""
    hits = [rule for each in brought for rule in each.scan.rules if rule.includes]
    matched = {rule.pattern for rule in hits if rule.files}
    return tuple(dict.fromkeys(rule.pattern for rule in hits if rule.pattern not in matched))


def _folded(path: str, found: StoredItem, commit: Commit) -> FoldedVersion:
    return FoldedVersion(path, found.item.path, found.item.mtime_ns, commit.id)


def _at(version: StoredItem | None, otherwise: StoredItem) -> StoredItem:
    """An earlier version under the file's own name; ``otherwise`` where there is none at this step."""
    return otherwise if version is None else replace(version, item=replace(version.item, path=otherwise.item.path))


def _folding(stored: Sequence[StoredItem], brought: Sequence[_Brought]) -> Folding | None:
    """How conflict copies are folded; None when none are to be, or there are none."""
    copies: dict[str, str] = {}
    for each in brought:
        if each.source.options.fold_conflicts:
            prefix = f"{each.source.into}/" if each.source.into else ""
            copies.update(
                {prefix + item.path: prefix + item.conflict_of for item in each.scan.planned if item.conflict_of}
            )
    if not copies:
        return None
    from kronkers_studio.migration.folding import fold_conflicts

    folding = fold_conflicts(stored, copies)
    return folding if folding.files else None


def _refuse_overlap(brought: Sequence[_Brought], kept: Sequence[StoredItem]) -> None:
    """Raises ``InvalidInput`` when a folder holds what has its place in another's: neither may hide the other."""
    taken = {item.item.path for item in kept}
    for each in brought:
        for stored in each.stored:
            if stored.item.path in taken:
                raise InvalidInput(
                    f"“{stored.item.path}” lies in {each.source.folder}, and in another folder of this project.",
                    next_step="Bring one of them in under another name, with --into.",
                )


def _renamed_by_content(known: Mapping[str, KnownFile], scan: Scan, stored: Sequence[StoredItem]) -> tuple[Rename, ...]:
    """Files that were read because nothing proved it, and turned out to be ones that lay elsewhere before."""
    if not known:
        return ()
    gone = known.keys() - {item.path for item in scan.items} - {rename.old for rename in scan.renamed}
    if not gone:
        return ()
    by_content: dict[tuple[bytes, ...], list[str]] = {}
    for path in sorted(gone, reverse=True):
        if known[path].ids:
            by_content.setdefault(known[path].chunks, []).append(path)
    renames = []
    for each in stored:
        item = each.item
        if item.kind is EntryKind.FILE and item.known is None and item.path not in known and each.content:
            candidates = by_content.get(each.content)
            if candidates:
                renames.append(Rename(candidates.pop(), item.path, read=True))
    return tuple(renames)


def _is_all_there(brought: _Brought) -> bool:
    """Whether all that anybody would want kept is in the commit, as it was listed."""
    return all(item.reason.expected for item in brought.skipped) and all(
        each.size == each.item.size for each in brought.stored if each.item.kind is EntryKind.FILE
    )


def scan_source(
    session: Session,
    source: MigrationSource,
    known: Mapping[str, KnownFile],
    progress: Progress,
    cancel: CancelToken,
    *,
    plan: bool,
    found: Found = _nobody,
) -> Scan:
    from kronkers_studio.migration import scan_folder

    progress.step("Looking through the folder", None, "files")
    # a workspace that lies inside the folder does not bring in itself
    return scan_folder(
        Path(source.folder),
        known=known,
        options=source.options,
        exclude=[session.directory],
        plan=plan,
        progress=progress,
        cancel=cancel,
        found=found,
    )


def reader(
    folder: Path,
    options: MigrationOptions | None = None,
    session: Session | None = None,
    cancel: CancelToken = NEVER,
    *,
    watching: bool = False,
) -> FolderSource:
    """Reads the folder's files: for storing them with ``options`` and at the pace of the settings, else as they are."""
    from kronkers_studio.migration import FolderSource
    from kronkers_studio.migration.pace import Pace

    if options is None or session is None:
        return FolderSource(folder)
    limit, give_way = pace_of(session, watching=watching)
    pace = Pace(limit, give_way=give_way, cancel=cancel) if limit or give_way else None
    return FolderSource(folder, fetch=options.online_only is OnlineOnly.FETCH, pace=pace)


def pace_of(session: Session, *, watching: bool) -> tuple[float, bool]:
    """How gently the settings want files read: bytes per second (0: no limit), and whether to give way to others."""
    megabytes, low = session.pace
    return megabytes * 1_000_000, low == "always" or (low == "watching" and watching)


def stat_cache(session: Session, project: str, folder: Path) -> StatCache:
    from kronkers_studio.migration import StatCache

    return StatCache(session.workspace.database, project, folder)

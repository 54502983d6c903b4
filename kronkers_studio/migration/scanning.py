"""Listing a folder: what is found, what will be stored, what is left out and why. Nothing is changed or downloaded."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType

from kronkers_studio.domain.content import WHOLE_LIMIT, EntryKind, SkippedItem, SkipReason
from kronkers_studio.domain.errors import SourceUnavailable
from kronkers_studio.domain.migration import (
    Decision,
    FileKind,
    MigrationOptions,
    OnlineOnly,
    PlannedItem,
    Rename,
    RuleHits,
)
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.migration import filesystem, names
from kronkers_studio.migration.classification import type_of
from kronkers_studio.migration.file_types import (
    BINARY,
    EXCLUDED_FOLDER,
    FOLDER,
    LOCK_FILE,
    SYSTEM_FILE,
    UNREADABLE_FOLDER,
    Look,
)
from kronkers_studio.migration.folder_state import FolderState, by_name
from kronkers_studio.migration.found import FoundItem, KnownFile
from kronkers_studio.migration.remarks import remark_on_folder, why_decide
from kronkers_studio.migration.rules import Rules

_LEFT_OUT_LOOKS = {SkipReason.LOCK_FILE: LOCK_FILE, SkipReason.SYSTEM_FILE: SYSTEM_FILE}
_NOTHING_KNOWN: Mapping[str, KnownFile] = MappingProxyType({})
_AS_USUAL = MigrationOptions()
_LISTED_PER_RULE = 100


def _nobody(_items: Sequence[FoundItem]) -> None:
    """The default of ``found``."""


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds. ``items`` are to be stored, ``planned`` says all of it to people, ``skipped`` is not kept.

    All are in the order of the walk: a folder's own files by name, then its subfolders by name. Of many files that one
    rule leaves out, ``skipped`` has only their number. ``state`` is the digest of ``folder_state``, None when something
    was not at rest, or when options say what is looked at. ``renamed`` are stored files that were found elsewhere.
    """

    items: tuple[FoundItem, ...]
    planned: tuple[PlannedItem, ...]
    skipped: tuple[SkippedItem, ...]
    state: bytes | None = field(default=None, compare=False)
    rules: tuple[RuleHits, ...] = ()
    renamed: tuple[Rename, ...] = ()


def scan_folder(
    folder: Path,
    *,
    known: Mapping[str, KnownFile] = _NOTHING_KNOWN,
    options: MigrationOptions = _AS_USUAL,
    exclude: Collection[Path] = (),
    plan: bool = True,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
    found: Callable[[Sequence[FoundItem]], None] = _nobody,
) -> Scan:
    """List ``folder`` and everything below it; links are listed and never followed.

    ``known`` holds what a ``StatCache`` remembers: files that are as they were then are not opened. ``options`` say
    what rules leave out, and whether placeholders will be fetched (none is opened here). ``exclude`` names folders
    to leave out (the workspace, should it lie inside). Without ``plan``, ``planned`` stays empty and files that will be
    read whole are not opened (``FoundItem.unseen``), which saves time: one that cannot be read is noticed by then.
    ``progress`` is advanced by files; ``found`` is told of the items of each folder when it has been listed.

    Whatever cannot be kept is in ``skipped``; only ``folder`` itself can make the scan fail: ``SourceUnavailable`` when
    it is missing, no folder, not readable, or gone before the end. Raises ``InvalidInput`` for a rule that is none.
    """
    folder = folder.expanduser().absolute()
    walk = _Walk(str(folder), known, excluded_below(folder, exclude), options, Rules.of(options), plan)
    begun = _identity(folder)
    pending = [_Folder("")]
    while pending:
        cancel.check()
        here = pending.pop()
        entries = walk.entries_of(here)
        if entries is None:
            continue
        before, items_before = walk.count, len(walk.items)
        pending.extend(reversed(walk.take(here, entries, cancel)))
        progress.advance(walk.count - before)
        found(walk.items[items_before:])
    if _identity(folder) != begun:
        raise _unavailable(folder, "was taken away while it was looked through")
    return Scan(
        tuple(walk.items),
        tuple(walk.planned),
        (*walk.skipped, *walk.left_out_by_rules()),
        walk.state.digest if options == _AS_USUAL else None,
        walk.rules.hits() if walk.rules is not None else (),
        walk.renames(),
    )


def excluded_below(folder: Path, exclude: Collection[Path]) -> frozenset[str]:
    """Those of ``exclude`` that lie below the absolute ``folder``, as relative paths."""
    outside = (path.expanduser().absolute() for path in exclude)
    return frozenset(path.relative_to(folder).as_posix() for path in outside if path.is_relative_to(folder))


def _identity(folder: Path) -> tuple[int, int]:
    try:
        status = folder.stat()
    except PermissionError:
        raise _unavailable(folder, "may not be looked into") from None
    except OSError:
        raise _unavailable(folder, "is not there") from None
    if not stat.S_ISDIR(status.st_mode):
        raise _unavailable(folder, "is not a folder")
    return status.st_dev, status.st_ino


def _unavailable(folder: Path, what: str) -> SourceUnavailable:
    return SourceUnavailable(
        f"The folder {names.printable(str(folder))} {what}.",
        next_step="Check its name, that its drive is connected and that you may read it, then try again.",
    )


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed. ``remark`` says what other systems make of its name, if not what it is."""

    path: str
    remark: str = ""

    def child(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


@dataclass(slots=True)
class _Walk:
    """The findings so far, and one method per kind of thing found."""

    root: str
    known: Mapping[str, KnownFile]
    excluded: frozenset[str]
    options: MigrationOptions
    rules: Rules | None
    planning: bool = True
    items: list[FoundItem] = field(default_factory=list)
    planned: list[PlannedItem] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    seen_ns: int = 0
    state: FolderState = field(default_factory=FolderState)
    ruled_out: dict[str, list[str]] = field(default_factory=dict)  # sentence → paths
    moved_here: dict[str, str] = field(default_factory=dict)  # where a stored file is now → where it was
    _by_inode: dict[int, str] | None = None

    @property
    def count(self) -> int:
        """How many things were found so far."""
        return len(self.items) + len(self.skipped) + sum(map(len, self.ruled_out.values()))

    def entries_of(self, folder: _Folder) -> list[os.DirEntry[str]] | None:
        """The folder's entries by name, or None when it cannot be listed (and that is noted)."""
        self.seen_ns = time.time_ns()
        try:
            with os.scandir(self._system_path(folder.path)) as entries:
                found = sorted(entries, key=by_name)
        except OSError as error:
            if not folder.path:
                may_not = isinstance(error, PermissionError)
                raise _unavailable(
                    Path(self.root), "may not be looked into" if may_not else "cannot be listed"
                ) from None
            self._skip(filesystem.problem_of(folder.path, error, folder=True), UNREADABLE_FOLDER)
            self.state.unknown()
            return None
        self.state.add(folder.path, found, self.seen_ns)
        return found

    def take(self, folder: _Folder, entries: list[os.DirEntry[str]], cancel: CancelToken) -> list[_Folder]:
        """Note every entry of ``folder``; its subfolders are returned, in order."""
        siblings = {entry.name for entry in entries} if self.planning else set()
        clashes = names.clashing_names(siblings)
        subfolders: list[_Folder] = []
        kept_before = len(self.items)
        for number, entry in enumerate(entries):
            if number % 512 == 511:
                cancel.check()
            name, path = entry.name, folder.child(entry.name)
            if entry.is_symlink():
                self._take_link(path, entry, clashes.get(name, ""))
            elif entry.is_dir(follow_symlinks=False):
                if self._enters(path, entry):
                    subfolders.append(_Folder(path, remark_on_folder(name, clashes.get(name, ""))))
            else:
                self._take_file(path, entry, siblings, clashes.get(name, ""), folder.remark)
        if folder.path and not subfolders and len(self.items) == kept_before:
            self._take_empty_folder(folder)
        return subfolders

    # One kind of thing each
    def _take_file(
        self, path: str, entry: os.DirEntry[str], siblings: Collection[str], clash: str, folder_remark: str
    ) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self._skip(filesystem.problem_of(path, error), _look_of_name(path))
            return
        left_out = names.left_out_file(entry.name)
        if left_out is not None:
            self._skip(SkippedItem(path, *left_out), _LEFT_OUT_LOOKS[left_out[0]], status)
            return
        if not stat.S_ISREG(status.st_mode):
            detail = filesystem.special_file_detail(status.st_mode)
            self._skip(SkippedItem(path, SkipReason.SPECIAL_FILE, detail), BINARY, status)
            return
        if self.rules is not None and (why := self.rules.why_file(path, status.st_size)):
            self._rule_out(path, why, _look_of_name(path), status)
            return

        fingerprint = filesystem.fingerprint(status)
        known = self.known.get(path)
        renamed_from = ""
        if known is not None and not known.matches(fingerprint):
            known = None
        if known is None and self.known and (renamed_from := self._earlier_path(path, fingerprint)):
            known = self.known[renamed_from]
        online_only = known is None and filesystem.is_online_only(status)
        if online_only and self.options.online_only is OnlineOnly.SKIP:
            self._skip_placeholder(path, status)
            return
        try:
            unseen = online_only or (known is None and not self.planning and status.st_size <= WHOLE_LIMIT)
            if unseen:
                look = _look_of_name(path)
            elif known is not None and (not renamed_from or type_of(path) is type_of(renamed_from)):
                look = known.look
            else:
                look = self._look_at(path, status)
        except OSError as error:
            self._skip(filesystem.problem_of(path, error), _look_of_name(path), status)
            return
        size, mtime_ns, inode = fingerprint if known is None else known[:3]  # the same, and no memory of its own
        self.items.append(
            FoundItem(
                path=path,
                kind=EntryKind.FILE,
                size=size,
                mtime_ns=mtime_ns,
                executable=filesystem.is_executable(status),
                known=known.chunks if known is not None else None,
                compressed=look.compressed,
                inode=inode,
                look=look,
                seen_ns=self.seen_ns,
                renamed_from=renamed_from,
                online_only=online_only,
                unseen=unseen,
            )
        )
        if self.planning:
            original = names.conflict_original(entry.name, siblings)
            why = why_decide(entry.name, path, original, clash, folder_remark, fold=self.options.fold_conflicts)
            self.planned.append(
                PlannedItem(
                    path=path,
                    kind=look.kind,
                    description=look.description,
                    size=status.st_size,
                    mtime_ns=status.st_mtime_ns,
                    decision=Decision.DECIDE if why else Decision.KEEP,
                    why=why or (_WILL_BE_FETCHED if online_only else ""),
                    unchanged=known is not None and not renamed_from,
                    conflict_of=path[: len(path) - len(entry.name)] + original if original else "",
                    online_only=online_only,
                    renamed_from=renamed_from,
                )
            )

    def _look_at(self, path: str, status: os.stat_result) -> Look:
        """Classify by name and, where that is not enough, by the first bytes. Raises ``OSError`` when unreadable."""
        type_ = type_of(path)
        system_path = self._system_path(path)
        if type_.bytes_wanted and status.st_size:
            return type_.classify(filesystem.read_head(system_path, type_.bytes_wanted))
        if not filesystem.may_read(system_path):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return type_.look if type_.look and status.st_size else type_.classify(b"")

    def _take_link(self, path: str, entry: os.DirEntry[str], clash: str) -> None:
        system_path = self._system_path(path)
        try:
            target = os.readlink(system_path)  # noqa: PTH115  # as it stands: Path would tidy it up
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self._skip(filesystem.problem_of(path, error), BINARY)
            return
        if self.rules is not None and (why := self.rules.why_file(path, 0)):
            self._rule_out(path, why, BINARY, status)
            return
        self._take_unread(
            FoundItem(path, EntryKind.LINK, 0, status.st_mtime_ns, target=target, seen_ns=self.seen_ns),
            f"Link to {names.printable(target)}",
            why_decide(entry.name, path, "", clash, ""),
        )

    def _take_empty_folder(self, folder: _Folder) -> None:
        try:
            mtime_ns = Path(self._system_path(folder.path)).stat().st_mtime_ns
        except OSError as error:
            self._skip(filesystem.problem_of(folder.path, error, folder=True), UNREADABLE_FOLDER)
            return
        if self.rules is not None and self.rules.only_included and self.rules.why_file(f"{folder.path}/", 0):
            return  # nothing was asked for that would lie in it
        item = FoundItem(folder.path, EntryKind.FOLDER, 0, mtime_ns, seen_ns=self.seen_ns)
        self._take_unread(item, FOLDER.description, folder.remark)

    def _take_unread(self, item: FoundItem, description: str, why: str) -> None:
        """Note a thing that has no bytes of its own."""
        self.items.append(item)
        if self.planning:
            decision = Decision.DECIDE if why else Decision.KEEP
            self.planned.append(PlannedItem(item.path, FileKind.OTHER, description, 0, item.mtime_ns, decision, why))

    def _enters(self, path: str, entry: os.DirEntry[str]) -> bool:
        """Whether the folder is to be listed; one that is not is noted here."""
        left_out = names.left_out_folder(entry.name)
        if left_out is not None:
            self._skip(SkippedItem(path, *left_out), EXCLUDED_FOLDER)
            return False
        if path in self.excluded:
            self._skip(SkippedItem(path, SkipReason.EXCLUDED, "The folder was excluded."), EXCLUDED_FOLDER)
            return False
        if self.rules is not None and (why := self.rules.why_folder(path)):
            self._skip(SkippedItem(path, SkipReason.EXCLUDED, why), EXCLUDED_FOLDER)
            return False
        if os.name == "nt" and filesystem.is_junction(entry.stat(follow_symlinks=False)):
            self._take_link(path, entry, "")
            return False
        return True

    # What is not kept
    def _skip(self, item: SkippedItem, look: Look, status: os.stat_result | None = None) -> None:
        self.skipped.append(item)
        if self.planning:
            size, mtime_ns = (status.st_size, status.st_mtime_ns) if status is not None else (0, 0)
            why = item.detail
            self.planned.append(
                PlannedItem(item.path, look.kind, look.description, size, mtime_ns, Decision.LEAVE_OUT, why)
            )

    def _skip_placeholder(self, path: str, status: os.stat_result) -> None:
        detail = (
            "It is online-only: OneDrive has it in the cloud, not on this computer. "
            "Choose “Always keep on this device” for it and migrate again, have it fetched, or leave it out."
        )
        self.skipped.append(SkippedItem(path, SkipReason.PLACEHOLDER, detail))
        if self.planning:
            look = _look_of_name(path)
            size, mtime_ns = status.st_size, status.st_mtime_ns
            planned = PlannedItem(path, look.kind, look.description, size, mtime_ns, Decision.DECIDE, detail)
            self.planned.append(replace(planned, online_only=True))

    def _rule_out(self, path: str, why: str, look: Look, status: os.stat_result) -> None:
        self.ruled_out.setdefault(why, []).append(path)
        if self.planning:
            size, mtime_ns = status.st_size, status.st_mtime_ns
            self.planned.append(PlannedItem(path, look.kind, look.description, size, mtime_ns, Decision.LEAVE_OUT, why))

    def left_out_by_rules(self) -> list[SkippedItem]:
        """The files that rules leave out; where they are many, their number stands for them: commits carry this."""
        listed = []
        for why, paths in self.ruled_out.items():
            listed += [SkippedItem(path, SkipReason.EXCLUDED, why) for path in paths[:_LISTED_PER_RULE]]
            more = len(paths) - _LISTED_PER_RULE
            if more > 0:
                listed.append(SkippedItem("…", SkipReason.EXCLUDED, f"{why} So it does {more:,} more files."))
        return listed

    # What was stored and lies elsewhere now
    def _earlier_path(self, path: str, fingerprint: tuple[int, int, int]) -> str:
        """Where the very file found at ``path`` lay when it was stored, or "" when that is not certain."""
        if self._by_inode is None:
            self._by_inode = {each.inode: old for old, each in self.known.items()}
        old = self._by_inode.get(fingerprint[2], "")
        if not old or old == path or not self.known[old].proves_rename(fingerprint):
            return ""
        self.moved_here[path] = old
        return old

    def renames(self) -> tuple[Rename, ...]:
        """The files that lie elsewhere than when they were stored; another name of a file that stayed is none."""
        if not self.moved_here:
            return ()
        present = {item.path for item in self.items}
        return tuple(Rename(old, new) for new, old in self.moved_here.items() if old not in present)

    def _system_path(self, path: str) -> str:
        return filesystem.system_path(self.root, path)


def _look_of_name(path: str) -> Look:
    return type_of(path).look or BINARY


_WILL_BE_FETCHED = "It is online-only: bringing it in downloads it from OneDrive."

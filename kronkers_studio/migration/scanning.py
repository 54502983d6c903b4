"""Listing a folder, and what becomes of each kind of thing in it. Nothing is changed or downloaded."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from kronkers_studio.domain.content import WHOLE_LIMIT, EntryKind, SkippedItem, SkipReason
from kronkers_studio.domain.errors import SourceUnavailable
from kronkers_studio.domain.file_types import (
    BINARY,
    EXCLUDED_FOLDER,
    FOLDER,
    LOCK_FILE,
    SYSTEM_FILE,
    UNREADABLE_FOLDER,
    Look,
)
from kronkers_studio.domain.migration import MigrationOptions, OnlineOnly
from kronkers_studio.domain.paths import join
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.migration import file_names, filesystem
from kronkers_studio.migration.classification import type_of
from kronkers_studio.migration.folder_paths import absolute_folder
from kronkers_studio.migration.folder_state import FolderState, by_name
from kronkers_studio.migration.found_item import FoundItem, KnownFile
from kronkers_studio.migration.moved_files import MovedFiles
from kronkers_studio.migration.own_folders import OwnFolders
from kronkers_studio.migration.plan_remarks import remark_on_folder, why_decide
from kronkers_studio.migration.rules import Rules
from kronkers_studio.migration.scan_result import Findings, Scan, look_of_name

_LEFT_OUT_LOOKS = {SkipReason.LOCK_FILE: LOCK_FILE, SkipReason.SYSTEM_FILE: SYSTEM_FILE}
_NOTHING_KNOWN: Mapping[str, KnownFile] = MappingProxyType({})
_AS_USUAL = MigrationOptions()


def _nobody(_items: Sequence[FoundItem]) -> None:
    """The default of ``found``."""


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
    and key files to leave out (the workspace, should it lie inside); other workspaces are left out too. Without
    ``plan``, ``planned`` stays empty and files that will be read whole are not opened (``FoundItem.unseen``), which
    saves time: one that cannot be read is noticed by then.
    ``progress`` is advanced by files; ``found`` is told of the items of each folder when it has been listed.

    Whatever cannot be kept is in ``skipped``; only ``folder`` itself can make the scan fail: ``SourceUnavailable`` when
    it is missing, no folder, not readable, or gone before the end. Raises ``InvalidInput`` for a rule that is none, and
    for a folder that is, or lies in, a workspace.
    """
    folder = absolute_folder(folder)
    findings = Findings(plan)
    own = OwnFolders(exclude)
    walk = _Walk(str(folder), known, own, options, Rules.of(options), findings)
    begun = _identity(folder)
    own.refuse(folder)
    pending = [_Folder("")]
    while pending:
        cancel.check()
        here = pending.pop()
        entries = walk.entries_of(here)
        if entries is None:
            continue
        before, items_before = findings.count, len(findings.items)
        pending.extend(reversed(walk.take(here, entries, cancel)))
        progress.advance(findings.count - before)
        found(findings.items[items_before:])
    if _identity(folder) != begun:
        raise _unavailable(folder, "was taken away while it was looked through")
    return Scan(
        tuple(findings.items),
        tuple(findings.planned),
        (*findings.skipped, *findings.left_out_by_rules()),
        walk.state.digest if options == _AS_USUAL else None,
        walk.rules.hits() if walk.rules is not None else (),
        walk.moved.renames(findings.items),
    )


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
        f"The folder {printable(str(folder))} {what}.",
        next_step="Check its name, that its drive is connected and that you may read it, then try again.",
    )


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder still to be listed. ``remark`` says what other systems make of its name, if not what it is."""

    path: str
    remark: str = ""

    def child(self, name: str) -> str:
        return join(self.path, name)


@dataclass(slots=True)
class _Walk:
    """One method per kind of thing found."""

    root: str
    known: Mapping[str, KnownFile]
    own: OwnFolders
    options: MigrationOptions
    rules: Rules | None
    findings: Findings
    seen_ns: int = 0
    state: FolderState = field(default_factory=FolderState)
    moved: MovedFiles = field(init=False)

    def __post_init__(self) -> None:
        self.moved = MovedFiles(self.known)

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
            self.findings.skip(filesystem.problem_of(folder.path, error, folder=True), UNREADABLE_FOLDER)
            self.state.unknown()
            return None
        if why := self.own.why_listed(found):
            self.findings.skip(SkippedItem(folder.path, SkipReason.EXCLUDED, why), EXCLUDED_FOLDER)
            return None
        self.state.add(folder.path, found, self.seen_ns)
        return found

    def take(self, folder: _Folder, entries: list[os.DirEntry[str]], cancel: CancelToken) -> list[_Folder]:
        """Note every entry of ``folder``; its subfolders are returned, in order."""
        siblings = {entry.name for entry in entries} if self.findings.planning else set()
        clashes = file_names.clashing_names(siblings)
        subfolders: list[_Folder] = []
        kept_before = len(self.findings.items)
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
        if folder.path and not subfolders and len(self.findings.items) == kept_before:
            self._take_empty_folder(folder)
        return subfolders

    # One kind of thing each
    def _take_file(
        self, path: str, entry: os.DirEntry[str], siblings: Collection[str], clash: str, folder_remark: str
    ) -> None:
        try:
            status = entry.stat(follow_symlinks=False)
        except OSError as error:
            self.findings.skip(filesystem.problem_of(path, error), look_of_name(path))
            return
        if self._leaves_out(path, entry, status):
            return
        fingerprint = filesystem.fingerprint(status)
        known = self.known.get(path)
        renamed_from = ""
        if known is not None and not known.matches(fingerprint):
            known = None
        if known is None and self.known and (renamed_from := self.moved.earlier_path(path, fingerprint)):
            known = self.known[renamed_from]
        online_only = known is None and filesystem.is_online_only(status)
        if online_only and self.options.online_only is OnlineOnly.SKIP:
            self.findings.skip_placeholder(path, status)
            return
        try:
            unseen = online_only or (known is None and not self.findings.planning and status.st_size <= WHOLE_LIMIT)
            if unseen:
                look = look_of_name(path)
            elif known is not None and (not renamed_from or type_of(path) is type_of(renamed_from)):
                look = known.look
            else:
                look = self._look_at(path, status)
        except OSError as error:
            self.findings.skip(filesystem.problem_of(path, error), look_of_name(path), status)
            return
        size, mtime_ns, inode = fingerprint if known is None else known[:3]  # the same, and no memory of its own
        item = FoundItem(
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
        original = why = ""
        if self.findings.planning:
            original = file_names.conflict_original(entry.name, siblings)
            why = why_decide(entry.name, path, original, clash, folder_remark, fold=self.options.fold_conflicts)
        conflict_of = path[: len(path) - len(entry.name)] + original if original else ""
        self.findings.keep_file(item, why, conflict_of)

    def _leaves_out(self, path: str, entry: os.DirEntry[str], status: os.stat_result) -> bool:
        """Whether a file stays out for what it is called, is, or by a rule; noted here."""
        left_out = file_names.left_out_file(entry.name)
        if left_out is not None:
            self.findings.skip(SkippedItem(path, *left_out), _LEFT_OUT_LOOKS[left_out[0]], status)
        elif not stat.S_ISREG(status.st_mode):
            detail = filesystem.special_file_detail(status.st_mode)
            self.findings.skip(SkippedItem(path, SkipReason.SPECIAL_FILE, detail), BINARY, status)
        elif self.rules is not None and (why := self.rules.why_file(path, status.st_size)):
            self.findings.rule_out(path, why, look_of_name(path), status)
        elif self.own.may_be_key_file(status) and (why := self.own.why_file(self._system_path(path), status)):
            self.findings.skip(SkippedItem(path, SkipReason.EXCLUDED, why), look_of_name(path), status)
        else:
            return False
        return True

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
            self.findings.skip(filesystem.problem_of(path, error), BINARY)
            return
        if self.rules is not None and (why := self.rules.why_file(path, 0)):
            self.findings.rule_out(path, why, BINARY, status)
            return
        self.findings.keep_unread(
            FoundItem(path, EntryKind.LINK, 0, status.st_mtime_ns, target=target, seen_ns=self.seen_ns),
            f"Link to {printable(target)}",
            why_decide(entry.name, path, "", clash, ""),
        )

    def _take_empty_folder(self, folder: _Folder) -> None:
        try:
            mtime_ns = Path(self._system_path(folder.path)).stat().st_mtime_ns
        except OSError as error:
            self.findings.skip(filesystem.problem_of(folder.path, error, folder=True), UNREADABLE_FOLDER)
            return
        if self.rules is not None and self.rules.only_included and self.rules.why_file(f"{folder.path}/", 0):
            return  # nothing was asked for that would lie in it
        item = FoundItem(folder.path, EntryKind.FOLDER, 0, mtime_ns, seen_ns=self.seen_ns)
        self.findings.keep_unread(item, FOLDER.description, folder.remark)

    def _enters(self, path: str, entry: os.DirEntry[str]) -> bool:
        """Whether the folder is to be listed; one that is not is noted here."""
        left_out = file_names.left_out_folder(entry.name)
        if left_out is not None:
            self.findings.skip(SkippedItem(path, *left_out), EXCLUDED_FOLDER)
            return False
        if why := self.own.why_folder(self._system_path(path), entry):
            self.findings.skip(SkippedItem(path, SkipReason.EXCLUDED, why), EXCLUDED_FOLDER)
            return False
        if self.rules is not None and (why := self.rules.why_folder(path)):
            self.findings.skip(SkippedItem(path, SkipReason.EXCLUDED, why), EXCLUDED_FOLDER)
            return False
        if os.name == "nt" and filesystem.is_junction(entry.stat(follow_symlinks=False)):
            self._take_link(path, entry, "")
            return False
        return True

    def _system_path(self, path: str) -> str:
        return filesystem.system_path(self.root, path)

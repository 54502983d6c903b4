"""Listing a folder: what is found, what will be stored, what is left out and why. Nothing is changed or downloaded."""

from __future__ import annotations

import errno
import os
import stat
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from kronkers_studio.domain.content import EntryKind, SkippedItem, SkipReason, SourceItem
from kronkers_studio.domain.errors import SourceUnavailable
from kronkers_studio.domain.migration import Decision, FileKind, PlannedItem
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
from kronkers_studio.migration.found import FoundItem, KnownFile

_LEFT_OUT_LOOKS = {SkipReason.LOCK_FILE: LOCK_FILE, SkipReason.SYSTEM_FILE: SYSTEM_FILE}
_NOTHING_KNOWN: Mapping[str, KnownFile] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds. ``items`` are to be stored, ``planned`` says all of it to people, ``skipped`` is not kept.

    All are in the order of the walk: a folder's own files by name, then its subfolders by name.
    """

    items: tuple[SourceItem, ...]
    planned: tuple[PlannedItem, ...]
    skipped: tuple[SkippedItem, ...]


def scan_folder(
    folder: Path,
    *,
    known: Mapping[str, KnownFile] = _NOTHING_KNOWN,
    exclude: Collection[Path] = (),
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Scan:
    """List ``folder`` and everything below it; links are listed and never followed.

    ``known`` holds what a ``StatCache`` remembers: files that are as they were then are not opened. ``exclude`` names
    folders to leave out (the workspace, should it lie inside). ``progress`` is advanced by files.

    Whatever cannot be kept is in ``skipped``; only ``folder`` itself can make the scan fail: ``SourceUnavailable`` when
    it is missing, no folder, not readable, or gone before the end.
    """
    folder = folder.expanduser().absolute()
    outside = (path.expanduser().absolute() for path in exclude)
    excluded = frozenset(path.relative_to(folder).as_posix() for path in outside if path.is_relative_to(folder))
    walk = _Walk(str(folder), known, excluded)
    begun = _identity(folder)
    pending = [_Folder("")]
    while pending:
        cancel.check()
        here = pending.pop()
        entries = walk.entries_of(here)
        if entries is None:
            continue
        before = len(walk.planned)
        pending.extend(reversed(walk.take(here, entries, cancel)))
        progress.advance(len(walk.planned) - before)
    if _identity(folder) != begun:
        raise _unavailable(folder, "was taken away while it was looked through")
    return Scan(tuple(walk.items), tuple(walk.planned), tuple(walk.skipped))


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
    """A folder still to be listed. ``clash`` is the sibling folder that other systems cannot tell from it by name."""

    path: str
    clash: str = ""

    def child(self, name: str) -> str:
        return f"{self.path}/{name}" if self.path else name


@dataclass(slots=True)
class _Walk:
    """The findings so far, and one method per kind of thing found."""

    root: str
    known: Mapping[str, KnownFile]
    excluded: frozenset[str]
    items: list[FoundItem] = field(default_factory=list)
    planned: list[PlannedItem] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    seen_ns: int = 0

    def entries_of(self, folder: _Folder) -> list[os.DirEntry[str]] | None:
        """The folder's entries by name, or None when it cannot be listed (and that is noted)."""
        self.seen_ns = time.time_ns()
        try:
            with os.scandir(self._system_path(folder.path)) as entries:
                return sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            if not folder.path:
                may_not = isinstance(error, PermissionError)
                raise _unavailable(
                    Path(self.root), "may not be looked into" if may_not else "cannot be listed"
                ) from None
            self._skip(filesystem.problem_of(folder.path, error, folder=True), UNREADABLE_FOLDER)
            return None

    def take(self, folder: _Folder, entries: list[os.DirEntry[str]], cancel: CancelToken) -> list[_Folder]:
        """Note every entry of ``folder``; its subfolders are returned, in order."""
        siblings = {entry.name for entry in entries}
        clashes = names.clashing_names(siblings)
        subfolders: list[_Folder] = []
        kept_before = len(self.items)
        for number, entry in enumerate(entries):
            if number % 512 == 511:
                cancel.check()
            name, path = entry.name, folder.child(entry.name)
            if not names.is_utf8(name):
                self._skip_unnameable(path, entry)
            elif entry.is_symlink():
                self._take_link(path, entry, clashes.get(name, ""))
            elif entry.is_dir(follow_symlinks=False):
                if self._enters(path, entry):
                    subfolders.append(_Folder(path, clashes.get(name, "")))
            else:
                self._take_file(path, entry, siblings, clashes.get(name, ""), folder.clash)
        if folder.path and not subfolders and len(self.items) == kept_before:
            self._take_empty_folder(folder)
        return subfolders

    # One kind of thing each
    def _take_file(
        self, path: str, entry: os.DirEntry[str], siblings: Collection[str], clash: str, folder_clash: str
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

        fingerprint = filesystem.fingerprint(status)
        known = self.known.get(path)
        if known is not None and not known.matches(fingerprint):
            known = None
        if known is None and filesystem.is_online_only(status):
            self._skip_placeholder(path, status)
            return
        try:
            look = known.look if known is not None else self._look_at(path, status)
        except OSError as error:
            self._skip(filesystem.problem_of(path, error), _look_of_name(path), status)
            return
        self.items.append(
            FoundItem(
                path=path,
                kind=EntryKind.FILE,
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                executable=filesystem.is_executable(status),
                known=known.chunks if known is not None else None,
                compressed=look.compressed,
                fingerprint=fingerprint,
                look=look,
                seen_ns=self.seen_ns,
            )
        )
        original = names.conflict_original(entry.name, siblings)
        why = _why_decide(original, clash, folder_clash)
        self.planned.append(
            PlannedItem(
                path=path,
                kind=look.kind,
                description=look.description,
                size=status.st_size,
                mtime_ns=status.st_mtime_ns,
                decision=Decision.DECIDE if why else Decision.KEEP,
                why=why,
                unchanged=known is not None,
                conflict_of=path[: len(path) - len(entry.name)] + original if original else "",
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
        if not names.is_utf8(target):
            detail = f"It is a link to {names.printable(target)}, whose name is not UTF-8 text."
            self._skip(SkippedItem(path, SkipReason.NOT_UTF8, detail), BINARY, status)
            return
        self._take_unread(
            FoundItem(path, EntryKind.LINK, 0, status.st_mtime_ns, target=target, seen_ns=self.seen_ns),
            f"Link to {target}",
            _why_decide("", clash, ""),
        )

    def _take_empty_folder(self, folder: _Folder) -> None:
        try:
            mtime_ns = Path(self._system_path(folder.path)).stat().st_mtime_ns
        except OSError as error:
            self._skip(filesystem.problem_of(folder.path, error, folder=True), UNREADABLE_FOLDER)
            return
        item = FoundItem(folder.path, EntryKind.FOLDER, 0, mtime_ns, seen_ns=self.seen_ns)
        self._take_unread(item, FOLDER.description, _why_decide("", folder.clash, ""))

    def _take_unread(self, item: FoundItem, description: str, why: str) -> None:
        """Note a thing that has no bytes of its own."""
        self.items.append(item)
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
        if os.name == "nt" and filesystem.is_junction(entry.stat(follow_symlinks=False)):
            self._take_link(path, entry, "")
            return False
        return True

    # What is not kept
    def _skip(self, item: SkippedItem, look: Look, status: os.stat_result | None = None) -> None:
        self.skipped.append(item)
        size, mtime_ns = (status.st_size, status.st_mtime_ns) if status is not None else (0, 0)
        why = item.detail
        self.planned.append(
            PlannedItem(item.path, look.kind, look.description, size, mtime_ns, Decision.LEAVE_OUT, why)
        )

    def _skip_placeholder(self, path: str, status: os.stat_result) -> None:
        detail = (
            "It is online-only: OneDrive has it in the cloud, not on this computer. "
            "Choose “Always keep on this device” for it and migrate again, or leave it out."
        )
        look = _look_of_name(path)
        self.skipped.append(SkippedItem(path, SkipReason.PLACEHOLDER, detail))
        self.planned.append(
            PlannedItem(path, look.kind, look.description, status.st_size, status.st_mtime_ns, Decision.DECIDE, detail)
        )

    def _skip_unnameable(self, path: str, entry: os.DirEntry[str]) -> None:
        shown = names.printable(path)
        is_folder = entry.is_dir(follow_symlinks=False)
        what = "The folder and everything in it is left out. " if is_folder else ""
        detail = f"Its name is not UTF-8 text, so other systems cannot hold it. {what}Rename it and migrate again."
        look = UNREADABLE_FOLDER if is_folder else _look_of_name(shown)
        self._skip(SkippedItem(shown, SkipReason.NOT_UTF8, detail), look)

    def _system_path(self, path: str) -> str:
        return filesystem.system_path(self.root, path)


def _look_of_name(path: str) -> Look:
    return type_of(path).look or BINARY


def _why_decide(original: str, clash: str, folder_clash: str) -> str:
    """What a person should look at, or "" when there is nothing."""
    reasons = []
    if original:
        reasons.append(f"Looks like a conflict copy of {original}. Both are kept: compare them, decide which counts.")
    if clash:
        reasons.append(f"Windows and the Mac cannot tell its name from {clash}. Both are kept here: rename one.")
    if folder_clash:
        reasons.append(f"Windows and the Mac would put its folder into one with {folder_clash}: rename one folder.")
    return " ".join(reasons)

"""Writing a commit's files back to disk: each verified, whole or not at all, never outside the target.

Nothing that lies there is overwritten: a file that has the same bytes already counts as restored (so a run that was
stopped goes on), one that has others is left alone and listed. What the target cannot hold under its own name gets
another one, the same every time, and is listed too.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, islice
from pathlib import Path

from kronkers_studio.domain.content import Entry, EntryKind, MappedName, RestoreReport, SkippedItem, SkipReason
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.index import Location
from kronkers_studio.registry.names import TargetNames, rules_of
from kronkers_studio.registry.objects import ObjectStore
from kronkers_studio.registry.records import ObjectType
from kronkers_studio.registry.snapshots import TreeReader
from kronkers_studio.storage.files import BINARY, disk_failures, is_disk_failure, write_fully

_BATCH = 1024
_RUN_FILES = 64
_RUN_BYTES = 1 << 20
_HOLE = 4096
_ZEROS = bytes(_HOLE)
_WORKERS = max(2, min(4, os.cpu_count() or 2))


class _Skip(Exception):
    """One entry cannot be restored; the rest can."""

    def __init__(self, reason: SkipReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


class Restore:
    """One run of ``restore``."""

    def __init__(
        self, store: ObjectStore, trees: TreeReader, target: Path, *, progress: Progress, cancel: CancelToken
    ) -> None:
        self._store = store
        self._trees = trees
        self._target = target
        self._progress = progress
        self._cancel = cancel
        self._making_folders = threading.Lock()
        self._folders: set[str] = set()  # made, or found to be real folders
        self._files = self._size = 0
        self._skipped: list[SkippedItem] = []
        self._mapped: list[MappedName] = []

    def run(self, chosen: Iterable[Entry]) -> RestoreReport:
        """Restore the ``chosen`` entries and all that is below them. Raises ``StoreDamaged``, ``StorageFull``."""
        self._progress.step("Restoring", None, "files")
        folder_times: list[tuple[str, int]] = []
        with disk_failures("restoring files"):
            self._make_target()
            self._names = TargetNames(rules_of(self._target))
            with ThreadPoolExecutor(_WORKERS) as pool:
                for batch in _batches(self._everything(chosen)):
                    self._restore_batch(batch, pool)
                    folder_times += [(e.path, e.mtime_ns) for e in batch if e.kind is EntryKind.FOLDER and e.mtime_ns]
            self._set_folder_times(folder_times)
        return RestoreReport(str(self._target), self._files, self._size, tuple(self._skipped), tuple(self._mapped))

    def _everything(self, chosen: Iterable[Entry]) -> Iterator[Entry]:
        for entry in chosen:
            if entry.path:
                yield entry
            if entry.kind is EntryKind.FOLDER:
                self._learn_names(entry)
                for below in self._trees.walk(entry):
                    if below.kind is EntryKind.FOLDER:
                        self._learn_names(below)
                    yield below

    def _learn_names(self, folder: Entry) -> None:
        self._names.learn(folder.path, (entry.path for entry in self._trees.entries(folder.content[0])))

    def _restore_batch(self, batch: list[Entry], pool: ThreadPoolExecutor) -> None:
        """Several threads, because most of the time goes into the system's making of files.

        Each takes files of one folder: where two make files in the same one, the system lets one wait for the other.
        """
        located = self._store.locate(id for entry in batch if entry.kind is EntryKind.FILE for id in entry.content)
        running = [pool.submit(self._restore_run, run, located) for run in _runs(batch)]
        outcomes = chain.from_iterable(outcome.result() for outcome in running)
        try:
            for entry, skipped in zip(batch, outcomes, strict=True):
                if skipped is not None:
                    self._skipped.append(skipped)
                else:
                    self._note_name(entry)
                if skipped is None and entry.kind is not EntryKind.FOLDER:
                    self._files += 1
                    self._size += entry.size
                if entry.kind is not EntryKind.FOLDER:
                    self._progress.advance()
        finally:
            for outcome in running:
                outcome.cancel()

    def _restore_run(self, run: list[Entry], located: dict[bytes, Location]) -> list[SkippedItem | None]:
        return [self._restore_entry(entry, located) for entry in run]

    def _note_name(self, entry: Entry) -> None:
        name = self._names.name(entry.path)
        if name != entry.name:
            self._mapped.append(MappedName(entry.path, name, self._names.why(entry.path)))

    def _restore_entry(self, entry: Entry, located: dict[bytes, Location]) -> SkippedItem | None:
        """Restore one entry; what keeps it, and it alone, from being restored is returned."""
        self._cancel.check()
        try:
            folder = _folder_of(entry)
            if folder not in self._folders:
                with self._making_folders:
                    self._make_folder(folder)
            if entry.kind is EntryKind.FILE:
                self._restore_file(entry, located)
            elif entry.kind is EntryKind.LINK:
                self._restore_link(entry)
        except _Skip as skip:
            return SkippedItem(entry.path, skip.reason, skip.detail)
        except OSError as error:
            if is_disk_failure(error):
                raise
            reasons = {errno.EACCES: SkipReason.NO_PERMISSION, errno.ENAMETOOLONG: SkipReason.NAME_TOO_LONG}
            reason = reasons.get(error.errno or 0, SkipReason.READ_ERROR)
            return SkippedItem(entry.path, reason, f"It cannot be written: {error.strerror}.")
        return None

    def _make_target(self) -> None:
        try:
            self._target.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InvalidInput(f"{self._target} is not a folder.", next_step="Choose another place.") from None

    def _make_folder(self, folder: str) -> None:
        """Make ``folder`` and those above it, none of which may be a link that leads elsewhere."""
        missing: list[str] = []
        while folder and folder not in self._folders:
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for step in reversed(missing):
            path = self._path(step)
            try:
                path.mkdir()
            except FileExistsError:
                if not stat.S_ISDIR(path.lstat().st_mode):
                    raise _Skip(SkipReason.NAME_CLASH, f"“{step}” is there already and is not a folder.") from None
            self._folders.add(step)

    def _restore_file(self, entry: Entry, located: dict[bytes, Location]) -> None:
        path = self._free_path(entry, lambda path: self._has_content(path, entry))
        if path is None:
            return
        draft = path.with_name(f".kronkers-{secrets.token_hex(8)}.part")
        try:
            descriptor = os.open(
                draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o777 if entry.executable else 0o666
            )
            try:
                hole = False
                for id in entry.content:
                    hole = _write_or_leap(descriptor, self._store.read_at(id, located[id], ObjectType.CHUNK))
                if hole:  # at the end, where a leap alone does not make the file longer
                    os.ftruncate(descriptor, entry.size)
            finally:
                os.close(descriptor)
            os.utime(draft, ns=(entry.mtime_ns, entry.mtime_ns))
            draft.replace(path)
        except BaseException:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise

    def _restore_link(self, entry: Entry) -> None:
        path = self._free_path(entry, lambda path: path.is_symlink() and str(path.readlink()) == entry.target)
        if path is None:
            return
        try:
            path.symlink_to(entry.target)
        except (OSError, NotImplementedError) as error:  # Windows allows links to few
            raise _Skip(SkipReason.SPECIAL_FILE, f"This system does not let you make links: {error}.") from None

    def _free_path(self, entry: Entry, is_same: Callable[[Path], bool]) -> Path | None:
        """Where ``entry`` goes; None when it lies there already."""
        path = self._path(entry.path)
        if not os.path.lexists(path):
            return path
        if is_same(path):
            return None
        raise _Skip(SkipReason.NAME_CLASH, "Something else is there already; it was left as it is.")

    def _has_content(self, path: Path, entry: Entry) -> bool:
        """Whether the file at ``path`` has exactly the bytes of ``entry``."""
        status = path.lstat()
        if not stat.S_ISREG(status.st_mode) or status.st_size != entry.size:
            return False
        located = self._store.locate(entry.content)
        with path.open("rb") as stream:
            for id in entry.content:
                if self._store.sealer.name(ObjectType.CHUNK, stream.read(located[id].length)) != id:
                    return False
            return not stream.read(1)

    def _set_folder_times(self, times: list[tuple[str, int]]) -> None:
        """Last of all, because putting a file into a folder changes the folder's time."""
        for folder, mtime_ns in reversed(times):
            if folder in self._folders:
                with contextlib.suppress(PermissionError):
                    os.utime(self._path(folder), ns=(mtime_ns, mtime_ns))

    def _path(self, path: str) -> Path:
        return self._target.joinpath(*self._names.place(path).split("/"))


def _write_or_leap(descriptor: int, data: bytes) -> bool:
    """Write ``data``; where it is nothing but zeros, leave a hole, so that a sparse file does not fill the disk.

    Whether it was a hole.
    """
    if data[:_HOLE] == _ZEROS and data.count(0) == len(data):
        os.lseek(descriptor, len(data), os.SEEK_CUR)
        return True
    write_fully(descriptor, data)
    return False


def _folder_of(entry: Entry) -> str:
    """The folder that must be there for ``entry``: itself, or the one it lies in."""
    return entry.path if entry.kind is EntryKind.FOLDER else entry.path.rpartition("/")[0]


def _runs(batch: list[Entry]) -> Iterator[list[Entry]]:
    """The entries in their order, those of one folder together, but not too many and not too much."""
    run: list[Entry] = []
    size = 0
    for entry in batch:
        if run and (_folder_of(entry) != _folder_of(run[0]) or len(run) == _RUN_FILES or size >= _RUN_BYTES):
            yield run
            run, size = [], 0
        run.append(entry)
        size += entry.size if entry.kind is EntryKind.FILE else 0
    if run:
        yield run


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, _BATCH)):
        yield batch

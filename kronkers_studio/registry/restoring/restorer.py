"""Writing a commit's files back to disk: each verified, whole or not at all, never outside the target.

Nothing that lies there is overwritten: a file that has the same bytes already counts as restored (so a run that was
stopped goes on), one that has others is left alone and listed. What the target cannot hold under its own name gets
another one, the same every time, and is listed too.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import secrets
import stat
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from pathlib import Path

from kronkers_studio.domain.content import Entry, EntryKind, MappedName, RestoreReport, SkippedItem, SkipReason
from kronkers_studio.domain.errors import InvalidInput, StoreDamaged
from kronkers_studio.domain.naming import ANYTHING
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.restoring.target_lock import (
    MARKER,
    claimed,
    clear_of_drafts,
    draft_name,
    refuse_below_another,
)
from kronkers_studio.registry.restoring.target_names import TargetNames, rules_of
from kronkers_studio.registry.store.object_index import Location
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.tree_reader import TreeReader
from kronkers_studio.storage.files import BINARY, disk_failures, is_disk_failure, write_fully

_BATCH = 1024
_RUN_FILES = 64
_RUN_BYTES = 1 << 20
_HOLE = 4096
_NAMED = 5
_ZEROS = bytes(_HOLE)
_WINDOW_BYTES = 4 << 20
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
_SETS_TIMES_OF_OPEN_FILES = os.utime in os.supports_fd  # not on Windows
_WORKERS = max(2, min(4, os.cpu_count() or 2))


_Run = tuple[list[Entry], "Future[list[SkippedItem | None]]"]
"""Entries that a thread restores, and what keeps each from it."""


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
        self._placing = threading.Lock()  # held from looking whether a name is free until it is taken
        self._folders = {"": str(target)}  # made, or found to be real folders, and where they are
        self._new_folders: set[str] = set()
        self._names_differ = False  # no two of the entries can get the same name
        self._token = secrets.token_hex(6)
        self._drafts = itertools.count()
        self._files = self._size = 0
        self._skipped: list[SkippedItem] = []
        self._mapped: list[MappedName] = []
        self._damaged: list[str] = []

    def run(self, chosen: Iterable[Entry]) -> RestoreReport:
        """Restore the ``chosen`` entries and all that is below them.

        Raises ``StorageFull``, ``RestoreUnderWay``, and ``StoreDamaged`` when all was restored that is not damaged.
        """
        self._progress.step("Restoring", None, "files")
        with disk_failures("restoring files"):
            refuse_below_another(self._target)
            self._make_target()
            with claimed(self._target):
                self._restore(list(chosen))
        if self._damaged:
            raise _damage_of(self._damaged, self._target)
        return RestoreReport(str(self._target), self._files, self._size, tuple(self._skipped), tuple(self._mapped))

    def _restore(self, chosen: list[Entry]) -> None:
        rules = rules_of(self._target)
        self._names = TargetNames(rules)
        # Names of entries chosen one by one are not told apart, only those within a folder that is restored as a
        # whole; and which names are one to Windows or a Mac is for certain known to them alone.
        self._names_differ = len(chosen) == 1 and rules == ANYTHING
        folder_times: list[tuple[str, int]] = []
        with ThreadPoolExecutor(_WORKERS) as pool:
            under_way: list[_Run] = []
            try:
                for batch in _batches(self._everything(chosen)):
                    before, under_way = under_way, self._started(batch, pool)
                    self._collect(before)  # while the threads have this batch to work on
                    folders = [entry for entry in batch if entry.kind is EntryKind.FOLDER and entry.mtime_ns]
                    folder_times += [(folder.path, folder.mtime_ns) for folder in folders]
                self._collect(under_way)
            finally:
                pool.shutdown(cancel_futures=True)
        self._set_folder_times(folder_times)

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

    def _started(self, batch: list[Entry], pool: ThreadPoolExecutor) -> list[_Run]:
        """Several threads, because most of the time goes into the system's making of files.

        Each takes files of one folder: where two make files in the same one, the system lets one wait for the other.
        """
        located = self._store.index.locate(
            id for entry in batch if entry.kind is EntryKind.FILE for id in entry.content
        )
        return [(run, pool.submit(self._restore_run, run, located)) for run in _runs(batch)]

    def _collect(self, runs: list[_Run]) -> None:
        for run, outcomes in runs:
            for entry, skipped in zip(run, outcomes.result(), strict=True):
                if skipped is not None:
                    self._skipped.append(skipped)
                else:
                    self._note_name(entry)
                if entry.kind is EntryKind.FILE and skipped is None:
                    self._files += 1
                    self._size += entry.size
                if entry.kind is not EntryKind.FOLDER:
                    self._progress.advance()

    def _restore_run(self, run: list[Entry], located: Mapping[bytes, Location]) -> list[SkippedItem | None]:
        """Restore entries of one folder: all of their content is read at once. What kept each from it, if anything."""
        outcomes: list[SkippedItem | None] = []
        paths: dict[int, str] = {}  # of the files to be written, by the number of their entry
        for number, entry in enumerate(run):
            outcomes.append(self._unless_impossible(entry, lambda n=number: self._prepare(run[n], n, paths)))  # type: ignore[misc]
        contents = self._contents([run[number] for number in paths if run[number].size <= _WINDOW_BYTES], located)
        for number, path in paths.items():
            entry = run[number]
            if contents.keys() >= set(entry.content):
                chunks: Iterable[bytes | memoryview] = [contents[id] for id in entry.content]
            else:
                chunks = self._chunks(entry, located)
            outcomes[number] = self._unless_impossible(
                entry,
                lambda e=entry, p=path, c=chunks: self._write_file(e, p, c),  # type: ignore[misc]
            )
        return outcomes

    def _contents(self, small: list[Entry], located: Mapping[bytes, Location]) -> dict[bytes, bytes | memoryview]:
        """The content of small files by its ids; nothing when some of it is damaged, which one by one will tell."""
        ids = list({id for entry in small for id in entry.content})
        try:
            found = self._store.read_all([(id, _known(id, located)) for id in ids], ObjectType.CHUNK)
        except StoreDamaged:
            return {}
        return dict(zip(ids, found, strict=True))

    def _chunks(self, entry: Entry, located: Mapping[bytes, Location]) -> Iterator[bytes | memoryview]:
        """The content of a large file, some MB at a time."""
        window: list[tuple[bytes, Location]] = []
        size = 0
        for id in entry.content:
            if size >= _WINDOW_BYTES:
                yield from self._store.read_all(window, ObjectType.CHUNK)
                window, size = [], 0
            window.append((id, _known(id, located)))
            size += window[-1][1].length
        yield from self._store.read_all(window, ObjectType.CHUNK)

    def _note_name(self, entry: Entry) -> None:
        name = self._names.name(entry.path)
        if name != entry.name:
            self._mapped.append(MappedName(entry.path, name, self._names.why(entry.path)))

    def _unless_impossible(self, entry: Entry, step: Callable[[], None]) -> SkippedItem | None:
        """Do a step of restoring ``entry``; what keeps it, and it alone, from being restored is returned."""
        self._cancel.check()
        try:
            step()
        except _Skip as skip:
            return SkippedItem(entry.path, skip.reason, skip.detail)
        except StoreDamaged as damage:
            self._damaged.append(entry.path)
            return SkippedItem(entry.path, SkipReason.READ_ERROR, damage.message)
        except OSError as error:
            if is_disk_failure(error):
                raise
            reasons = {errno.EACCES: SkipReason.NO_PERMISSION, errno.ENAMETOOLONG: SkipReason.NAME_TOO_LONG}
            reason = reasons.get(error.errno or 0, SkipReason.READ_ERROR)
            return SkippedItem(entry.path, reason, f"It cannot be written: {error.strerror}.")
        except UnicodeEncodeError as error:
            return SkippedItem(
                entry.path,
                SkipReason.READ_ERROR,
                f"Its name has letters that this system's language settings lack ({error.encoding}).",
            )
        return None

    def _prepare(self, entry: Entry, number: int, paths: dict[int, str]) -> None:
        """Make the folder of an entry, and links; of a file that must be written, note the path in ``paths``."""
        folder = _folder_of(entry)
        if folder not in self._folders:
            with self._making_folders:
                self._make_folder(folder)
        if entry.path == MARKER:  # somebody brought in what a killed restore had left
            raise _something_else()
        if entry.kind is EntryKind.FILE:
            path = f"{self._folders[folder]}{os.sep}{self._names.name(entry.path)}"
            # Nothing else can lie in a folder that this run has made.
            if (self._names_differ and folder in self._new_folders) or self._is_free(path, entry):
                paths[number] = path
        elif entry.kind is EntryKind.LINK:
            self._restore_link(entry)

    def _make_target(self) -> None:
        try:
            if not self._target.exists():
                self._new_folders.add("")
            self._target.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):
            raise InvalidInput(f"{self._target} is not a folder.", next_step="Choose another place.") from None
        except OSError as error:
            if isinstance(error, PermissionError) or is_disk_failure(error):
                raise
            reason = error.strerror or error
            raise InvalidInput(
                f"The folder {self._target} cannot be made: {reason}.", next_step="Choose another place."
            ) from None

    def _make_folder(self, folder: str) -> None:
        """Make ``folder`` and those above it, none of which may be a link that leads elsewhere."""
        missing: list[str] = []
        while folder not in self._folders:
            missing.append(folder)
            folder = folder.rpartition("/")[0]
        for step in reversed(missing):
            path = self._path(step)
            try:
                path.mkdir()
                self._new_folders.add(step)
            except FileExistsError:
                if not stat.S_ISDIR(path.lstat().st_mode):
                    raise _Skip(SkipReason.NAME_CLASH, f"“{step}” is there already and is not a folder.") from None
                clear_of_drafts(path, self._token)
            self._folders[step] = str(path)

    def _write_file(self, entry: Entry, path: str, chunks: Iterable[bytes | memoryview]) -> None:
        """The file appears under its name when it is whole."""
        draft = f"{path.rpartition(os.sep)[0]}{os.sep}{draft_name(self._token, next(self._drafts))}"
        try:
            descriptor = os.open(draft, _NEW_FILE, 0o777 if entry.executable else 0o666)
            try:
                hole = False
                for data in chunks:
                    hole = _write_or_leap(descriptor, data)
                if hole:  # at the end, where a leap alone does not make the file longer
                    os.ftruncate(descriptor, entry.size)
                if _SETS_TIMES_OF_OPEN_FILES:
                    os.utime(descriptor, ns=(entry.mtime_ns, entry.mtime_ns))
            finally:
                os.close(descriptor)
            if not _SETS_TIMES_OF_OPEN_FILES:
                os.utime(draft, ns=(entry.mtime_ns, entry.mtime_ns))
            self._place(draft, path, entry)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(draft)  # noqa: PTH108
            raise

    def _place(self, draft: str, path: str, entry: Entry) -> None:
        """Give the whole file its name, unless another entry has come to lie there meanwhile."""
        if self._names_differ:
            os.replace(draft, path)  # noqa: PTH105  # a Path for each of many files costs more than the rest
            return
        with self._placing:
            if not os.path.lexists(path):
                os.replace(draft, path)  # noqa: PTH105
                return
        os.unlink(draft)  # noqa: PTH108
        self._is_free(path, entry)

    def _restore_link(self, entry: Entry) -> None:
        path = self._path(entry.path)
        with self._placing:
            if os.path.lexists(path):
                if not path.is_symlink() or str(path.readlink()) != entry.target:
                    raise _something_else()
                return
            try:
                path.symlink_to(entry.target)
            except (OSError, NotImplementedError) as error:  # Windows allows links to few
                raise _Skip(SkipReason.SPECIAL_FILE, f"This system does not let you make links: {error}.") from None
        if os.utime in os.supports_follow_symlinks:
            with contextlib.suppress(OSError):  # some file systems keep no times of links
                os.utime(path, ns=(entry.mtime_ns, entry.mtime_ns), follow_symlinks=False)

    def _is_free(self, path: str, entry: Entry) -> bool:
        """Whether nothing lies at ``path``; False when it is ``entry`` that does."""
        if not os.path.lexists(path):
            return True
        if not self._has_content(Path(path), entry):
            raise _something_else()
        return False

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


def _known(id: bytes, located: Mapping[bytes, Location]) -> Location:
    """Where an object lies. Raises ``StoreDamaged`` when the index does not know."""
    at = located.get(id)
    if at is None:
        raise StoreDamaged(f"Object {id.hex()[:16]} is missing from the store.")
    return at


def _damage_of(paths: list[str], target: Path) -> StoreDamaged:
    named = ", ".join(f"“{path}”" for path in sorted(paths)[:_NAMED])
    more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
    files = "1 file is" if len(paths) == 1 else f"{len(paths)} files are"
    return StoreDamaged(
        f"{files} damaged in the store and could not be restored: {named}{more}. All else lies in {target}.",
        next_step="Restore them from another version, or the workspace from a backup; "
        "`kronkers check --read-data` tells what else is damaged.",
    )


def _something_else() -> _Skip:
    return _Skip(SkipReason.NAME_CLASH, "Something else is there already; it was left as it is.")


def _write_or_leap(descriptor: int, data: bytes | memoryview) -> bool:
    """Write ``data``; where it is nothing but zeros, leave a hole, so that a sparse file does not fill the disk.

    Whether it was a hole.
    """
    if not data[0] and bytes(data[:_HOLE]) == _ZEROS and bytes(data).count(0) == len(data):
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

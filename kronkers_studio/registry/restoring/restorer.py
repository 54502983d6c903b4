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
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from itertools import islice
from pathlib import Path

from kronkers_studio.domain.content import Entry, EntryKind, MappedName, RestoreReport, SkippedItem, SkipReason
from kronkers_studio.domain.errors import InvalidInput, StoreDamaged
from kronkers_studio.domain.naming import ANYTHING
from kronkers_studio.domain.paths import lies_in
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.registry.restoring.file_writer import WINDOW_BYTES, windows, write_file
from kronkers_studio.registry.restoring.target_lock import (
    MARKER,
    claimed,
    clear_of_drafts,
    draft_name,
    refuse_below_another,
    remove_drafts,
)
from kronkers_studio.registry.restoring.target_names import TargetNames, rules_of
from kronkers_studio.registry.restoring.worker_process import NewFile, RestoringProcess
from kronkers_studio.registry.store.object_index import Location
from kronkers_studio.registry.store.object_store import ObjectStore
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees.tree_reader import TreeReader
from kronkers_studio.storage.files import disk_failures, is_disk_failure
from kronkers_studio.storage.process_pipe import ProcessEnded

_BATCH = 4096
_RUN_FILES = 256
_RUN_BYTES = 4 << 20
_MANY_FILES = 2000
_NAMED = 5
_LONGEST_WAIT = 0.2  # seconds
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
        self,
        store: ObjectStore,
        trees: TreeReader,
        target: Path,
        *,
        progress: Progress,
        cancel: CancelToken,
        elsewhere: Sequence[str] = (),
        without: Collection[str] = (),
    ) -> None:
        self._store = store
        self._without = without
        self._trees = trees
        self._target = target
        self._elsewhere = elsewhere
        self._is_much = False  # so many files that other processes are worth their start
        self._others: list[RestoringProcess] = []
        self._thread = threading.local()
        self._stopping = False
        self._progress = progress
        self._cancel = cancel
        self._making_folders = threading.Lock()
        self._placing = threading.Lock()  # held from looking whether a name is free until it is taken
        self._folders = {"": str(target.absolute())}  # made, or found to be real folders, and where they are
        self._new_folders: set[str] = set()
        self._names_differ = False  # no two of the entries can get the same name
        self._token = secrets.token_hex(6)
        self._tokens = {self._token}  # also of the other processes
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
            except BaseException:
                self._stopping = True
                raise
            finally:
                pool.shutdown(wait=False, cancel_futures=True)
                self._end_others()  # threads wait for them
                pool.shutdown()
                self._end_others()  # also one that was just being started
        self._set_folder_times(folder_times)

    def _everything(self, chosen: Iterable[Entry]) -> Iterator[Entry]:
        """The entries, folder by folder, whose names are learned before."""
        for entry in chosen:
            if entry.kind is not EntryKind.FOLDER:
                yield entry
                continue
            for folder, below in self._trees.folders(entry):
                if self._is_left_out(folder):
                    continue
                start = len(folder.path) + 1 if folder.path else 0
                self._names.learn(folder.path, (child.path[start:] for child in below))
                if folder.path:
                    yield folder
                for child in below:
                    if child.kind is not EntryKind.FOLDER and not self._is_left_out(child):
                        yield child

    def _is_left_out(self, entry: Entry) -> bool:
        return bool(self._without) and lies_in(entry.path, self._without)

    def _started(self, batch: list[Entry], pool: ThreadPoolExecutor) -> list[_Run]:
        """Several threads, because most of the time goes into the system's making of files.

        Each takes entries that follow one another: where two make files in the same folder, the system lets one wait
        for the other.
        """
        self._is_much = self._is_much or len(batch) >= _MANY_FILES
        located = self._store.index.locate(
            id for entry in batch if entry.kind is EntryKind.FILE for id in entry.content
        )
        return [(run, pool.submit(self._restore_run, run, located)) for run in _runs(batch)]

    def _end_others(self) -> None:
        for other in tuple(self._others):  # all at once
            other.stop()
        for other in tuple(self._others):  # also one that was started meanwhile
            other.end()

    def _collect(self, runs: list[_Run]) -> None:
        for run, outcomes in runs:
            while not wait([outcomes], _LONGEST_WAIT).done:  # another process may be at a large file
                self._cancel.check()
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
        """Restore entries that follow one another: all of their content is read at once. What kept each from it, if
        anything."""
        outcomes: list[SkippedItem | None] = []
        paths: dict[int, str] = {}  # of the files to be written, by the number of their entry
        for number, entry in enumerate(run):
            outcomes.append(self._unless_impossible(entry, lambda n=number: self._prepare(run[n], n, paths)))  # type: ignore[misc]
        self._write_elsewhere(run, paths, located)
        contents = self._contents([run[number] for number in paths if run[number].size <= WINDOW_BYTES], located)
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

    def _write_elsewhere(self, run: list[Entry], paths: dict[int, str], located: Mapping[bytes, Location]) -> None:
        """Have another process write what it can, and take that out of ``paths``; what is left is done here."""
        other = self._other()
        if other is None or not paths:
            return
        files = {
            number: NewFile(
                path,
                run[number].size,
                run[number].mtime_ns,
                run[number].executable,
                [(id, located[id]) for id in run[number].content],
            )
            for number, path in paths.items()
            if all(id in located for id in run[number].content)
        }
        try:
            done = other.write(list(files.values()))
        except ProcessEnded:
            for folder in {path.rpartition(os.sep)[0] for path in paths.values()}:
                remove_drafts(Path(folder), other.token)
            return
        for number, is_written in zip(files, done, strict=True):
            if is_written:
                del paths[number]

    def _other(self) -> RestoringProcess | None:
        """This thread's other process; None while it is not ready, and where there is to be none, or cannot be."""
        if not self._elsewhere or not self._is_much:
            return None
        other: RestoringProcess | None = getattr(self._thread, "other", None)
        if other is None:
            try:
                other = RestoringProcess(
                    self._elsewhere, self._store.packs, self._store.sealer, replaces=self._names_differ
                )
            except OSError:  # the system has no room for more of them: it goes on without
                self._elsewhere = ()
                return None
            self._thread.other = other
            self._tokens.add(other.token)
            self._others.append(other)
        return other if other.ready and not self._stopping else None

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
        for window in windows([(id, _known(id, located)) for id in entry.content]):
            self._cancel.check()
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
                clear_of_drafts(path, self._tokens)
            self._folders[step] = str(path)

    def _write_file(self, entry: Entry, path: str, chunks: Iterable[bytes | memoryview]) -> None:
        """The file appears under its name when it is whole."""
        draft = f"{path.rpartition(os.sep)[0]}{os.sep}{draft_name(self._token, next(self._drafts))}"
        write_file(
            draft,
            chunks,
            lambda: self._place(draft, path, entry),
            size=entry.size,
            mtime_ns=entry.mtime_ns,
            executable=entry.executable,
        )

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


def _folder_of(entry: Entry) -> str:
    """The folder that must be there for ``entry``: itself, or the one it lies in."""
    return entry.path if entry.kind is EntryKind.FOLDER else entry.path.rpartition("/")[0]


def _runs(batch: list[Entry]) -> Iterator[list[Entry]]:
    """The entries in their order, not too many and not too much at a time."""
    run: list[Entry] = []
    size = 0
    for entry in batch:
        if len(run) == _RUN_FILES or size >= _RUN_BYTES:
            yield run
            run, size = [], 0
        run.append(entry)
        size += entry.size if entry.kind is EntryKind.FILE else 0
    if run:
        yield run


def _batches(entries: Iterator[Entry]) -> Iterator[list[Entry]]:
    while batch := list(islice(entries, _BATCH)):
        yield batch

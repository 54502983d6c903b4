"""Writing a restore's files in other processes of this program: the interpreter lets only one thread of a process
compute, and where files are small much of their making is that.

    this process                                        the other one, on its standard input and output
    where the packs are, the keys to open with ─────►
                                               ◄─────   ready
    a job: files, and where their content lies ─────►
                                               ◄─────   which of them are written

The other process reads packs and writes files that this one found to be missing, in folders that are there. It decides
nothing: what it does not write, for whatever reason, is done here, where it fails as itself. When its standard input
ends it stops at the next file, or within one after some MB, and leaves no draft.
"""

from __future__ import annotations

import contextlib
import io
import os
import queue
import secrets
import threading
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kronkers_studio.domain.errors import StudioError
from kronkers_studio.registry.restoring.file_writer import WINDOW_BYTES, Located, windows, write_file
from kronkers_studio.registry.restoring.target_lock import draft_name
from kronkers_studio.registry.store.object_index import Location
from kronkers_studio.registry.store.object_store import read_together
from kronkers_studio.registry.store.packs import PackFolder
from kronkers_studio.registry.store.records import HandedKeys, ObjectType, Sealer
from kronkers_studio.storage.process_pipe import ProcessEnded, ProcessPipe, WorkerProcess

_SETUP, _READY, _JOB, _DONE = range(4)
_LEAVING_SECONDS = 10.0
"""Longer than a disk takes for some MB."""


class NewFile(NamedTuple):
    """A file to be written: its path in the file system, and what it is to be."""

    path: str
    size: int
    mtime_ns: int
    executable: bool
    content: Sequence[Located]


class RestoringProcess:
    """The end of this process: has the other one write files. Made and used by one thread."""

    def __init__(self, command: Sequence[str], packs: PackFolder, sealer: Sealer, *, replaces: bool) -> None:
        """Starts it and does not wait for it. ``replaces``: no two files can get one name, so that none needs to look
        before it takes its own. Raises ``OSError`` when it cannot be started."""
        self.token = secrets.token_hex(6)
        setup = os.fsencode(packs.folder.absolute()), packs.workspace_id, self.token, replaces, sealer.handed_over()

        def greet(pipe: ProcessPipe) -> None:
            pipe.send(_SETUP, setup)
            pipe.receive()

        self._worker = WorkerProcess(command, greet)

    @property
    def ready(self) -> bool:
        return self._worker.ready

    def write(self, files: Sequence[NewFile]) -> list[bool]:
        """Have ``files`` written; which of them are. Raises ``ProcessEnded``: then drafts of it may lie there."""
        try:
            self._worker.pipe.send(_JOB, [_row(file) for file in files])
            _kind, _about, done = self._worker.pipe.receive()
        except ProcessEnded:
            self._worker.fail()
            raise
        if not any(done):  # a file system that it cannot write to as it does, or a full one
            self._worker.fail()
        return [bool(each) for each in done]

    def stop(self) -> None:
        """Let it end soon, without leaving drafts; any thread may."""
        self._worker.stop()

    def end(self) -> None:
        """Return when it has ended, which it is given some seconds for; any thread may."""
        self._worker.stop()
        self._worker.end(wait=_LEAVING_SECONDS)


def _row(file: NewFile) -> tuple[Any, ...]:
    content = [(id, at.pack, at.offset, at.stored, at.length) for id, at in file.content]
    return os.fsencode(file.path), file.size, file.mtime_ns, file.executable, content


def serve(incoming: io.FileIO, outgoing: io.FileIO) -> None:
    """The end of the other process: do jobs until there are no more."""
    pipe = ProcessPipe(incoming, outgoing)
    with contextlib.suppress(ProcessEnded):
        _kind, (packs, workspace_id, token, replaces, keys), _body = pipe.receive()
        folder = PackFolder(Path(os.fsdecode(packs)), workspace_id)
        writer = _Writer(folder, Sealer(HandedKeys(keys)), token, replaces=replaces)
        pipe.send(_READY, None)
        for job in _jobs(pipe, writer.stopping):
            pipe.send(_DONE, None, writer.write_all([_file(row) for row in job]))


def _jobs(pipe: ProcessPipe, stopping: threading.Event) -> Iterator[Any]:
    """The jobs as they come; ``stopping`` is set as soon as the input ends, also while one is being done."""
    jobs: queue.SimpleQueue[Any] = queue.SimpleQueue()

    def listen() -> None:
        try:
            while True:
                jobs.put(pipe.receive()[1])
        except ProcessEnded:
            stopping.set()
            jobs.put(None)

    threading.Thread(target=listen, name="jobs", daemon=True).start()
    while (job := jobs.get()) is not None:
        yield job


def _file(row: Sequence[Any]) -> NewFile:
    path, size, mtime_ns, executable, content = row
    located = [
        (id, Location(pack, offset, stored, length, ObjectType.CHUNK)) for id, pack, offset, stored, length in content
    ]
    return NewFile(os.fsdecode(path), size, mtime_ns, executable, located)


class _Stopped(Exception):
    """The input has ended."""


class _Writer:
    """Writes files whose content lies in packs."""

    def __init__(self, packs: PackFolder, sealer: Sealer, token: str, *, replaces: bool) -> None:
        self.stopping = threading.Event()
        self._packs = packs
        self._sealer = sealer
        self._token = token
        self._replaces = replaces
        self._drafts = 0

    def write_all(self, files: Sequence[NewFile]) -> bytes:
        """Which of ``files`` are written, a byte for each."""
        small = self._contents([file for file in files if file.size <= WINDOW_BYTES])
        done = bytearray(len(files))
        for number, file in enumerate(files):
            if self.stopping.is_set():
                break
            with contextlib.suppress(OSError, StudioError, _Stopped):
                self._write(file, small)
                done[number] = True
        return bytes(done)

    def _contents(self, files: Iterable[NewFile]) -> dict[bytes, bytes | memoryview]:
        """The content of small files; nothing when some of it cannot be read, which one by one will tell."""
        wanted = list({id: (id, at) for file in files for id, at in file.content}.values())
        try:
            found = read_together(self._packs, self._sealer, wanted, ObjectType.CHUNK)
        except (OSError, StudioError):
            return {}
        return dict(zip((id for id, _at in wanted), found, strict=True))

    def _write(self, file: NewFile, small: dict[bytes, bytes | memoryview]) -> None:
        draft = os.path.join(os.path.dirname(file.path), draft_name(self._token, self._drafts))  # noqa: PTH118, PTH120
        self._drafts += 1
        chunks = self._chunks(file, small)
        write_file(
            draft,
            chunks,
            lambda: self._place(draft, file.path),
            size=file.size,
            mtime_ns=file.mtime_ns,
            executable=file.executable,
        )

    def _chunks(self, file: NewFile, small: dict[bytes, bytes | memoryview]) -> Iterator[bytes | memoryview]:
        if all(id in small for id, _at in file.content):
            yield from (small[id] for id, _at in file.content)
            return
        for window in windows(file.content):
            for data in read_together(self._packs, self._sealer, window, ObjectType.CHUNK):
                if self.stopping.is_set():
                    raise _Stopped
                yield data

    def _place(self, draft: str, path: str) -> None:
        """Give the whole file its name, which nothing else may have taken meanwhile. Raises ``OSError``."""
        if self._replaces:
            os.replace(draft, path)  # noqa: PTH105
        elif os.name == "nt":
            os.rename(draft, path)  # noqa: PTH104  # fails where there is something, and takes the name at once
        else:
            os.link(draft, path)
            os.unlink(draft)  # noqa: PTH108

"""Talking to another process of this program over a pair of pipes: frames of ``marshal``'s format.

Both ends share that format, as they are the same program; nothing of it is kept.
"""

from __future__ import annotations

import contextlib
import io
import marshal
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from kronkers_studio.storage.files import widen_pipe

_FRAME = struct.Struct(">4sBII")  # magic, kind, length of what marshal wrote, length of the bytes that follow it
_MAGIC = b"KRPF"
_CLOSING_SECONDS = 1.0


def own_command(module: str, argument: str) -> tuple[str, ...]:
    """The command that starts ``module`` of this program in a process of its own.

    A frozen program, which has no modules that could be named, starts itself with ``argument``.
    """
    if getattr(sys, "frozen", False):
        program = Path(sys.executable)
        return str(program.with_name("kronkers" + program.suffix)), argument  # the one with a console
    return sys.executable, "-P", "-m", module


class ProcessEnded(Exception):
    """The other process is no more; its job is to be done again."""


class ProcessPipe:
    """Frames over a pair of pipes: a kind, what ``marshal`` can write, and bytes."""

    def __init__(self, incoming: io.FileIO, outgoing: io.FileIO) -> None:
        self._in = incoming
        self._out = outgoing
        # Nothing is closed while it is in use: its number would get another file.
        self._sending, self._receiving = threading.Lock(), threading.Lock()

    def send(self, kind: int, about: Any, body: bytes = b"") -> None:
        """Raises ``ProcessEnded``, as ``receive`` does, when the other end is closed."""
        described = marshal.dumps(about)
        with self._sending:
            self._write(_FRAME.pack(_MAGIC, kind, len(described), len(body)) + described)
            if body:
                self._write(body)

    def close(self) -> None:
        """Let go of both pipes, the other end being closed; whoever still reads from it comes to its end first."""
        self.close_output()
        with self._receiving:
            self._in.close()

    def close_output(self) -> bool:
        """Let the other end see that nothing more comes; any thread may. False when it does not take what is sent."""
        if not self._sending.acquire(timeout=_CLOSING_SECONDS):
            return False
        try:
            self._out.close()
        finally:
            self._sending.release()
        return True

    def receive(self) -> tuple[int, Any, memoryview]:
        with self._receiving:
            magic, kind, described, length = _FRAME.unpack(self._read(_FRAME.size))
            if magic != _MAGIC:  # it is not what it should be, or something else was printed there
                raise ProcessEnded
            about = marshal.loads(self._read(described))  # noqa: S302  # from a process of this very program
            return kind, about, self._read(length)

    def _read(self, length: int) -> memoryview:
        view = memoryview(bytearray(length))
        at = 0
        while at < length:
            count = 0 if self._in.closed else self._in.readinto(view[at:])
            if not count:
                raise ProcessEnded
            at += count
        return view

    def _write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self._out.write(rest) :]
            except (OSError, ValueError):  # ``ValueError``: this end was closed to stop the other
                raise ProcessEnded from None


class WorkerProcess:
    """Another process of this program, started by ``command``, that does jobs until its input ends.

    Made, used and ended by one thread; any may ``kill`` it.
    """

    def __init__(self, command: Sequence[str], greet: Callable[[ProcessPipe], None]) -> None:
        """Starts it and does not wait for it: ``greet`` tells it what it works on, and waits for its answer, in a
        thread of its own. Raises ``OSError`` when it cannot be started."""
        self._process = subprocess.Popen(  # noqa: S603  # this very program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what fails there fails here once more, and says so
            bufsize=0,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )
        incoming, outgoing = cast(io.FileIO, self._process.stdout), cast(io.FileIO, self._process.stdin)
        widen_pipe(incoming.fileno())
        self.pipe = ProcessPipe(incoming, outgoing)
        self._is_ready = threading.Event()
        self._starting = threading.Thread(target=self._wait_ready, args=(greet,), name="process-start", daemon=True)
        self._starting.start()

    @property
    def ready(self) -> bool:
        """Whether it takes jobs: not yet while it starts, and not any more once it has ended."""
        return self._is_ready.is_set()

    def fail(self) -> None:
        """It gets no more jobs."""
        self._is_ready.clear()

    def kill(self) -> None:
        """Let whoever waits for it get ``ProcessEnded``."""
        self._process.kill()

    def stop(self) -> None:
        """End its input: it then ends by itself. Any thread may."""
        if not self.pipe.close_output():
            self.kill()

    def end(self, *, wait: float = 0.0) -> None:
        """Return when it has ended, which it is given ``wait`` seconds to do by itself after ``stop``.

        Whoever waits for it gets ``ProcessEnded``.
        """
        if wait:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait)
        self._process.kill()
        self._process.wait()
        self._starting.join()
        self._is_ready.clear()
        self.pipe.close()

    def _wait_ready(self, greet: Callable[[ProcessPipe], None]) -> None:
        with contextlib.suppress(ProcessEnded):
            greet(self.pipe)
            self._is_ready.set()

"""Starting and ending a process that outlives the program that started it, on every platform.

A process is known by its pid and its start time, so that another one that got the same pid later is never touched.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil

# A start time is computed from the system's clock, which may have been set since; two processes with one pid are
# much further apart, because pids are used in turn.
_SAME_START_SECONDS = 2.0

# Windows' flags, whose names the subprocess module has only there. Without a window of its own, what the service's
# libraries start gets none either; a terminal or task scheduler may end what stays in its job.
_CREATE_NO_WINDOW = 0x08000000
_CREATE_NEW_PROCESS_GROUP = 0x00000200
_CREATE_BREAKAWAY_FROM_JOB = 0x01000000

_children: dict[int, subprocess.Popen[bytes]] = {}
"""Children of this program that may have to be reaped: on POSIX a dead child stays a zombie until its parent asks."""


def detachments(platform: str = sys.platform) -> list[Mapping[str, Any]]:
    """The ``Popen`` arguments that let a process live on when this program, its terminal or its session ends; the next
    ones where a system refuses the first."""
    if platform == "win32":
        flags = _CREATE_NO_WINDOW | _CREATE_NEW_PROCESS_GROUP
        return [{"creationflags": flags | _CREATE_BREAKAWAY_FROM_JOB}, {"creationflags": flags}]
    return [{"start_new_session": True}]


def clean_environment(folder: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """What a service needs of ``environment`` and nothing else: no secret is handed on. ``folder`` is its home and
    where its temporary files go."""
    kept = (
        *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ"),
        *(
            "SYSTEMROOT",
            "SYSTEMDRIVE",
            "WINDIR",
            "COMSPEC",
            "PATHEXT",
            "NUMBER_OF_PROCESSORS",
            "PROCESSOR_ARCHITECTURE",
        ),
    )
    own = ("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP")
    return {
        **{name: environment[name] for name in kept if name in environment},
        **dict.fromkeys(own, str(folder)),
        "JOBLIB_MULTIPROCESSING": "0",  # it may start no processes, and would warn about it
    }


_ended: dict[int, int] = {}
"""How those of them ended that were reaped."""
_FIRST_FAULT_ON_WINDOWS = 0xC0000000


def crashed(pid: int) -> bool:
    """Whether the child ``pid`` of this program was ended by a fault of its compiled code, or by force."""
    code = _ended.get(pid, 0)
    return code < 0 or code >= _FIRST_FAULT_ON_WINDOWS


def ended_badly(pid: int) -> int:
    """How the child ``pid`` of this program ended when that was not well; 0 while it runs, and when it was."""
    _reap(pid)
    return _ended.get(pid, 0)


def spawn(command: Sequence[str], environment: Mapping[str, str], output: Path, handed_on: Sequence[int] = ()) -> int:
    """Start ``command`` detached, its output in the file ``output`` and the descriptors ``handed_on`` open (not on
    Windows); the pid. Its folder is the root of the disk: no folder of ours is held. Raises ``OSError``."""
    *others, last = detachments()
    for detachment in others:
        try:
            return _started(command, environment, output, handed_on, detachment)
        except PermissionError:  # a job that lets nothing leave it
            continue
    return _started(command, environment, output, handed_on, last)


def _started(
    command: Sequence[str],
    environment: Mapping[str, str],
    output: Path,
    handed_on: Sequence[int],
    detachment: Mapping[str, Any],
) -> int:
    with output.open("wb") as file:
        process = subprocess.Popen(  # noqa: S603 — the command is put together by local_service.py
            list(command),
            env=dict(environment),
            cwd=output.anchor,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            close_fds=True,
            pass_fds=tuple(handed_on),
            **detachment,
        )
    _reap(process.pid)  # an earlier child of the same number has ended, or the system would not give it again
    _children[process.pid] = process
    _ended.pop(process.pid, None)
    return process.pid


def find_process(pid: int, started: float | None = None) -> psutil.Process | None:
    """The running process ``pid`` that began at ``started`` (seconds since the epoch; None: whenever), if there is."""
    _reap(pid)
    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE and process.num_threads() < 2:  # its others may go on without it
            _reap(pid)  # it ended since it was asked for above
            return None
        same = started is None or abs(process.create_time() - started) <= _SAME_START_SECONDS
    except (psutil.NoSuchProcess, psutil.AccessDenied):  # another person's process is none of ours
        return None
    return process if same else None


def processor_seconds(process: psutil.Process) -> float:
    """The processor time, in seconds, that ``process`` and what it started have taken so far; where the system tells
    it, also what they waited for the disk."""
    total = 0.0
    for member in _with_children(process):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
            total += sum(member.cpu_times())
    return total


def end(process: psutil.Process, *, timeout: float) -> None:
    """End ``process`` and what it started: asked by SIGTERM and given ``timeout`` seconds, then forced.

    Windows knows no asking: there it is forced at once.
    """
    family = _with_children(process)
    if timeout > 0:
        _each(family[:1], "terminate")
        psutil.wait_procs(family[:1], timeout=timeout)
    _each(family, "kill")
    psutil.wait_procs(family, timeout=5)
    for member in family:
        _reap(member.pid)


def _with_children(process: psutil.Process) -> list[psutil.Process]:
    try:
        return [process, *process.children(recursive=True)]
    except psutil.NoSuchProcess:
        return [process]


def _each(processes: Sequence[psutil.Process], action: str) -> None:
    for process in processes:
        try:
            getattr(process, action)()
        except psutil.NoSuchProcess:
            continue


def _reap(pid: int) -> None:
    child = _children.get(pid)
    if child is not None and (code := child.poll()) is not None:
        _ended[pid] = code
        del _children[pid]

"""Running one command as a process of its own, and what it cost."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil


class CommandFailed(Exception):
    """A command of a benchmark ended with an exit code that is not expected."""


@dataclass(frozen=True, slots=True)
class Command:
    """A program to run: ``fine`` are the exit codes that mean success."""

    argv: Sequence[str | Path]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None  # added to the benchmark's own environment
    fine: tuple[int, ...] = (0,)


@dataclass(frozen=True, slots=True)
class Cost:
    """What one step cost: ``wall`` and ``cpu`` (user and system) in seconds, ``peak`` memory in bytes.

    ``cpu`` and ``peak`` include the processes that the command started; ``peak`` is that of the largest of them.
    """

    wall: float
    cpu: float
    peak: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.wall + other.wall, self.cpu + other.cpu, max(self.peak, other.peak))


def run(commands: Sequence[Command]) -> Cost:
    """Run ``commands`` one after the other, from start to end of each process. Raises ``CommandFailed``."""
    total = Cost(0.0, 0.0, 0)
    for command in commands:
        total += _run(command)
    return total


def environment(command: Command) -> dict[str, str]:
    """What ``command`` finds in its environment: as on people's computers, bytecode is compiled once and kept."""
    env = {**os.environ, **(command.env or {})}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    return env


def settle() -> None:
    """Wait until what was written before has reached the disk, so that it does not burden the next measurement."""
    if hasattr(os, "sync"):
        os.sync()


def _run(command: Command) -> Cost:
    argv = [str(word) for word in command.argv]
    env = environment(command)
    with tempfile.TemporaryFile() as output:
        begun = time.perf_counter()
        process = subprocess.Popen(
            argv, cwd=command.cwd, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
        )
        cpu, peak = _wait(process)
        wall = time.perf_counter() - begun
        if process.returncode not in command.fine:
            output.seek(0)
            told = output.read()[-2000:].decode("utf-8", "replace")
            raise CommandFailed(f"{' '.join(argv)} ended with {process.returncode}: {told}")
    return Cost(wall, cpu, peak)


def _wait(process: subprocess.Popen[bytes]) -> tuple[float, int]:
    """CPU seconds and peak memory of the process and those it waited for."""
    if not hasattr(os, "wait4"):
        return _watch(process)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    unit = 1 if sys.platform == "darwin" else 1024
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss * unit


def _watch(process: subprocess.Popen[bytes]) -> tuple[float, int]:
    """Windows: looked at every few milliseconds, for it keeps no account for parents."""
    cpu, peak = 0.0, 0
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        time.sleep(0.005)
        try:
            times, memory = watched.cpu_times(), watched.memory_info()
        except psutil.NoSuchProcess:
            break
        cpu, peak = times.user + times.system, max(peak, getattr(memory, "peak_wset", memory.rss))
    process.wait()
    return cpu, peak

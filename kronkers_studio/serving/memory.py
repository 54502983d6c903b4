"""How much memory processes take, and how much may still be taken. Linux only, as containers are; elsewhere nothing is
known."""

from __future__ import annotations

from pathlib import Path

_GROUP = Path("/sys/fs/cgroup")
_MACHINE = Path("/proc/meminfo")
_PROCESSES = Path("/proc")


def memory_of(process: int, processes: Path = _PROCESSES) -> int | None:
    """Bytes of ``process`` that are in memory."""
    try:
        lines = (processes / str(process) / "status").read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("VmRSS:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None


def memory_left(group: Path = _GROUP, machine: Path = _MACHINE) -> int | None:
    """Bytes that may still be taken: by the container's limit, where there is one, and by what the machine has."""
    found = [each for each in (_left_in_group(group), _left_in_machine(machine)) if each is not None]
    return max(0, min(found)) if found else None


def _left_in_group(group: Path) -> int | None:
    for most, taken in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        try:
            return int((group / most).read_text(encoding="ascii")) - int((group / taken).read_text(encoding="ascii"))
        except (OSError, ValueError):  # not of this version, or "max": no limit
            continue
    return None


def _left_in_machine(machine: Path) -> int | None:
    try:
        lines = machine.read_text(encoding="ascii", errors="replace").splitlines()
        return next(int(line.split()[1]) << 10 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return None

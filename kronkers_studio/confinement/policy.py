"""What a confined process may still do, and how much of that a system can keep to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Policy:
    """Folders and files to read (``readable``), folders to write into (``writable``, may be read too), and bounds.

    ``memory`` in bytes counts what the process itself fills, not the libraries it maps; ``file_size`` is the most one
    file may grow to, in bytes; ``cpu_seconds`` ends a process that has used that much processor time. Python's own
    library and the system's are always readable. Nothing may be executed, no process started, no socket made: what
    the process serves on is handed to it open.
    """

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    memory: int = 2 << 30
    file_size: int = 16 << 20
    open_files: int = 1024
    cpu_seconds: int | None = None


class Level(StrEnum):
    """How much of a policy is in force."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Means:
    """``by``: the means' name ("landlock", "bubblewrap", "sandbox-exec", "restricted token", or "").

    ``missing``: what is not prevented, as sentences for people; empty when all is.
    """

    level: Level
    by: str = ""
    missing: tuple[str, ...] = ()

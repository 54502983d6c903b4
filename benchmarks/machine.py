"""What the machine is, because figures mean nothing without it."""

from __future__ import annotations

import os
import platform
import subprocess
from pathlib import Path
from typing import Any

import psutil


def facts(folder: Path) -> dict[str, Any]:
    """Processor, memory, system, and the file system of ``folder``; ``summary`` says it in one line."""
    found: dict[str, Any] = {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "memory": _memory(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "file_system": _file_system(folder),
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "version": _version(),
    }
    load = f", load {found['load']:.1f}" if found["load"] is not None else ""
    found["summary"] = (
        f"{found['processor']}, {found['cores']} cores, {found['memory'] / 1e9:.0f} GB, {found['system']}, "
        f"{found['file_system']}, Python {found['python']}, commit {found['version']}{load}"
    )
    return found


def _processor() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass  # not Linux
    return platform.processor() or platform.machine()


def _memory() -> int:
    return int(psutil.virtual_memory().total)


def _file_system(folder: Path) -> str:
    holding = [part for part in psutil.disk_partitions(all=True) if folder.absolute().is_relative_to(part.mountpoint)]
    return max(holding, key=lambda part: len(part.mountpoint)).fstype if holding else "unknown file system"


def _version() -> str:
    try:
        done = subprocess.run(
            ["git", "describe", "--always", "--dirty"],
            cwd=Path(__file__).parent,
            capture_output=True,
            check=True,
            encoding="utf-8",
        )
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.strip()

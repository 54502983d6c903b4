"""How much memory a service on this computer has taken."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

from kronkers_studio.deployment.processes import find_process

_PEAK = re.compile(r"^VmHWM:\s+([0-9]+) kB$", re.MULTILINE)


def peak_memory(endpoint: Mapping[str, Any]) -> int | None:
    """The most resident memory, in bytes, of the service of ``endpoint`` and what it started; where the system does not
    tell the most, what it takes now. None when it does not run."""
    process = find_process(int(endpoint["pid"]), float(endpoint["started"]))
    if process is None:
        return None
    try:
        return sum(map(_peak, [process, *process.children(recursive=True)]))
    except psutil.NoSuchProcess:
        return None


def _peak(process: psutil.Process) -> int:
    found: Any = process.memory_info()
    if hasattr(found, "peak_wset"):  # Windows
        return int(found.peak_wset)
    try:
        status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")  # Linux; elsewhere it is not there
    except OSError:
        return int(found.rss)
    told = _PEAK.search(status)
    return int(told[1]) * 1024 if told else int(found.rss)

"""Work counted instead of timed: it is the same on a busy machine as on a quiet one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import kronkers_studio

_OURS = str(Path(kronkers_studio.__file__).parent)


def lines_run(work: Callable[[], object]) -> int:
    """How many lines of the program's own code ``work`` runs, on this thread; what libraries do is not counted."""
    lines = 0

    def count(_frame: FrameType, event: str, _what: Any) -> Any:
        nonlocal lines
        lines += event == "line"
        return count

    def enter(frame: FrameType, event: str, what: Any) -> Any:
        return count if frame.f_code.co_filename.startswith(_OURS) else None

    before = sys.gettrace()
    sys.settrace(enter)
    try:
        work()
    finally:
        sys.settrace(before)
    return lines


@dataclass
class Grown:
    """By how many bytes this process was larger than before, at most."""

    size: int = 0


@contextmanager
def memory_grown() -> Iterator[Grown]:
    """How large this process grows until the block ends. Linux only: it alone lets the highest mark be set back."""
    grown = Grown()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    before = _status("VmHWM")
    yield grown
    grown.size = _status("VmHWM") - before


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text(encoding="ascii").splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)

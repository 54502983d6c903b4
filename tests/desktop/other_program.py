"""Another program that has the workspace."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HOLDS = """
import sys
from pathlib import Path
from kronkers_studio.storage.writer_lock import WriterLock
WriterLock(Path(sys.argv[1])).acquire()
print("held", flush=True)
sys.stdin.read()
"""


@contextmanager
def held_by_another_program(workspace: Path) -> Iterator[None]:
    """While another process writes to ``workspace``."""
    program = [sys.executable, "-c", _HOLDS, str(workspace / "writer.lock")]
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdin is not None
        assert other.stdout.readline().strip() == "held"
        yield
        other.stdin.close()

"""What a service says that it takes is what all of its processes take: models of R and Julia are in others."""

from __future__ import annotations

import subprocess
import sys

from kronkers_studio.serving.metrics.exposition import Metrics

_HELD = 120_000_000
_CHILD = f"""
held = bytearray({_HELD})
sum(at * at for at in range(3_000_000))
print("ready", flush=True)
input()
"""


def _said(name: str) -> float:
    lines = Metrics("m", 1, "r", None, has_workers=True).text().decode("utf-8").splitlines()
    (line,) = (line for line in lines if line.startswith(f"{name} "))
    return float(line.split(" ")[1])


def test_processes_that_it_started_count() -> None:
    """Seen to fail with the memory and the time of the first process alone."""
    memory, seconds = _said("kronkers_process_memory_bytes"), _said("kronkers_process_cpu_seconds_total")
    child = subprocess.Popen([sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with child:
        assert child.stdout is not None and child.stdout.readline().strip() == b"ready"
        more = _said("kronkers_process_memory_bytes") - memory
        assert more > _HELD * 0.9
        used = _said("kronkers_process_cpu_seconds_total") - seconds
        assert used > 0.05
        child.communicate(b"\n")
    assert _said("kronkers_process_cpu_seconds_total") - seconds > 0.05

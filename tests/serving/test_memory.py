"""How much memory is taken, and left."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from kronkers_studio.serving.memory import memory_left, memory_of

_MACHINE = "MemTotal:       4000000 kB\nMemFree:          10000 kB\nMemAvailable:    2000000 kB\n"


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    file = tmp_path / "meminfo"
    file.write_text(_MACHINE, encoding="ascii")
    return file


def test_a_containers_limit_bounds_what_is_left(tmp_path: Path, machine: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000000\n", encoding="ascii")
    (tmp_path / "memory.current").write_text("400000000\n", encoding="ascii")
    assert memory_left(tmp_path, machine) == 600_000_000


def test_so_does_one_of_the_older_kind(tmp_path: Path, machine: Path) -> None:
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("1000000000", encoding="ascii")
    (tmp_path / "memory" / "memory.usage_in_bytes").write_text("1100000000", encoding="ascii")
    assert memory_left(tmp_path, machine) == 0


def test_without_a_limit_it_is_what_the_machine_has(tmp_path: Path, machine: Path) -> None:
    (tmp_path / "memory.max").write_text("max\n", encoding="ascii")
    assert memory_left(tmp_path, machine) == 2_000_000 << 10
    assert memory_left(tmp_path, tmp_path / "absent") is None


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere nothing is known")
def test_a_process_is_weighed() -> None:
    assert (memory_of(os.getpid()) or 0) > 10 << 20
    assert memory_of(2**22 + 1) is None

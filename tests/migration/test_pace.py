"""Reading so that the computer stays usable."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path

import pytest

from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.migration import FolderSource, scan_folder
from kronkers_studio.migration.throttle import Pace, lower_thread_priority
from tests.migration.kinds import Make


class Clock:
    def __init__(self) -> None:
        self.now = 100.0
        self.slept = 0.0

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds


def test_reading_takes_as_long_as_the_limit_says() -> None:
    clock = Clock()
    pace = Pace(1_000_000, clock=lambda: clock.now, sleep=clock.sleep)
    for _ in range(50):
        pace.took(100_000)
    assert clock.slept == pytest.approx(5.0, abs=0.3)


def test_a_pause_is_not_caught_up_with_by_a_burst() -> None:
    clock = Clock()
    pace = Pace(1_000_000, clock=lambda: clock.now, sleep=clock.sleep)
    clock.now += 3600
    for _ in range(10):
        pace.took(200_000)
    assert clock.slept == pytest.approx(2.0, abs=0.3)


def test_cancelling_ends_the_wait() -> None:
    clock, cancel = Clock(), CancelSource()
    cancel.cancel()
    Pace(1.0, cancel=cancel, clock=lambda: clock.now, sleep=clock.sleep).took(1_000_000)
    assert clock.slept == 0


@pytest.mark.skipif(sys.platform != "linux", reason="Linux keeps a nice value for each thread")
def test_only_the_threads_that_read_give_way(folder: Path, make: Make) -> None:
    make("a.csv", "x")
    (item,) = scan_folder(folder).items
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    seen = []

    def read() -> None:
        with FolderSource(folder, pace=Pace(give_way=True)).open(item) as stream:
            stream.read()
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))

    thread = threading.Thread(target=read)
    thread.start()
    thread.join()
    assert seen[0] > before or before >= 10
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_a_system_that_refuses_is_no_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_arguments: object) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "setpriority", refuse, raising=False)
    assert not lower_thread_priority("darwin")

"""Progress in a terminal is told from any thread."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator

import pytest

from kronkers_studio.cli.bars import progress_bars


@pytest.fixture
def threads_in_turn() -> Iterator[None]:
    """Threads take turns as often as they can."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("threads_in_turn")
def test_a_step_may_begin_while_another_thread_reports_of_the_one_before() -> None:
    """Seen to fail without the lock: the bar that was advanced had just been removed, `KeyError`."""
    failures: list[BaseException] = []
    over = threading.Event()

    def report() -> None:
        try:
            while not over.is_set():
                bars.advance()
                bars.expect(100)
        except BaseException as failure:  # noqa: BLE001  # handed to the test
            failures.append(failure)

    with progress_bars() as bars:
        readers = [threading.Thread(target=report) for _ in range(3)]
        for reader in readers:
            reader.start()
        for number in range(500):
            bars.step(f"Step {number}", number or None, "files")
            if failures:
                break
        over.set()
        for reader in readers:
            reader.join()
    assert failures == []

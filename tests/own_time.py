"""Time as the program is to answer for it: how long it took, less how long the machine had no processor for it."""

from __future__ import annotations

import time

_SCHEDULER = "/proc/thread-self/schedstat"  # nanoseconds on a processor, and ready but waiting for one


def own_time() -> float:
    """Seconds of a clock that stands while this thread waits for a processor that others use, where the system tells
    that (Linux); it goes on while the thread computes, sleeps, or waits for another thread or a disk."""
    try:
        with open(_SCHEDULER, encoding="ascii") as file:  # noqa: PTH123  # pathlib's import would be part of what is measured
            waited = int(file.read().split()[1]) / 1e9
    except OSError:
        waited = 0.0
    return time.perf_counter() - waited

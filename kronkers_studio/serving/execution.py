"""Running the model: beside the event loop, and never more at once than the process can hold."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from kronkers_studio.serving.model import Arrays, Model
from kronkers_studio.serving.problems import Refusal

# A hand-over to a thread and back costs about as much as a small model's whole prediction, so what is known to be
# quick runs on the event loop: few rows, of a model whose calls of that size have been taking less than this.
_QUICK_SECONDS = 0.002
_QUICK_ROWS = 16
_SMOOTHING = 0.25


class Runner:
    """Runs predictions in ``threads`` threads, with at most ``most_waiting`` begun and not finished. Without ``quick``
    none runs on the event loop: those of a model in another process take no time of this one's, and still last."""

    def __init__(self, model: Model, *, threads: int, most_waiting: int, quick: bool = True) -> None:
        self._model = model
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="prediction")
        self._most_waiting = most_waiting
        self._waiting = 0
        self._quick_rows = _QUICK_ROWS if quick else 0
        self._quick_seconds = 5 * _QUICK_SECONDS  # of a call with few rows; slow until the first calls prove otherwise

    async def run(self, inputs: Arrays, wanted: Collection[str], rows: int) -> dict[str, np.ndarray[Any, Any]]:
        """As ``Model.run``. Raises ``Refusal`` (429) when too much is waiting already."""
        if rows <= self._quick_rows and self._quick_seconds < _QUICK_SECONDS:
            return self._timed(inputs, wanted, rows)
        if self._waiting >= self._most_waiting:
            raise Refusal(
                f"The service is busy: {self._waiting} requests are being worked on. Try again in a moment.",
                status=429,
                headers=((b"retry-after", b"1"),),
            )
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, self._timed, inputs, wanted, rows)
        finally:
            self._waiting -= 1

    def _timed(self, inputs: Arrays, wanted: Collection[str], rows: int) -> dict[str, np.ndarray[Any, Any]]:
        before = time.thread_time()
        outputs = self._model.run(inputs, wanted)
        if rows <= _QUICK_ROWS:
            self._quick_seconds += _SMOOTHING * (time.thread_time() - before - self._quick_seconds)
        return outputs

    def close(self) -> None:
        """Let go of the threads; what still runs in them finishes."""
        self._pool.shutdown(wait=False, cancel_futures=True)

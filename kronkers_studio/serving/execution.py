"""Running the model: beside the event loop, and never more at once than the process can hold.

Requests that come while every thread is busy wait, and those that are alike are one call of the model as soon as a
thread is free: what a call costs besides its rows is paid once. Nobody waits for others to come, and a batch is only
as large as is expected to take ``_LONGEST_BATCH`` seconds. Models known to be quick run on the event loop (``turns``).
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from kronkers_studio.serving.batches import Call, Outputs, alike, joined, parted, takes_batches
from kronkers_studio.serving.model import Arrays, Model
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.turns import Turns

# A hand-over to a thread and back costs about as much as a small model's whole prediction, so what is known to be
# quick runs on the event loop: few rows, of a model whose calls of that size have been taking less than this.
_QUICK_SECONDS = 0.002
_QUICK_ROWS = 16
_SMOOTHING = 0.25
_LONGEST_BATCH = 0.05  # seconds
_SECONDS_TO_MEET = 5.0  # of the threads, which requests may keep busy


class Runner:
    """Runs predictions in ``threads`` threads, with at most ``most_waiting`` begun and not finished. Without ``quick``
    none runs on the event loop: those of a model in another process take no time of this one's, and still last."""

    def __init__(self, model: Model, *, threads: int, most_waiting: int, quick: bool = True) -> None:
        self._model = model
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="prediction")
        self._most_waiting = most_waiting
        self._waiting = 0
        self._running = 0
        self._calls: deque[Call] = deque()
        self._batches = takes_batches(model.signature)
        self._seconds_per_row = _LONGEST_BATCH  # one row at a time until the first calls prove otherwise
        self.quick = quick
        self._turns = Turns(self._timed, most_rows=_QUICK_ROWS, together=self._batches)
        self._quick_seconds = 5 * _QUICK_SECONDS  # of a call with few rows; slow until the first calls prove otherwise

    async def run(self, inputs: Arrays, wanted: Collection[str], rows: int) -> Outputs:
        """As ``Model.run``. Raises ``Refusal`` (429) when too much is waiting already."""
        if self.quick and rows <= _QUICK_ROWS and self._quick_seconds < _QUICK_SECONDS:
            return await self._turns.run(inputs, wanted, rows)
        if self._waiting >= self._most_waiting:
            raise Refusal(
                f"The service is busy: {self._waiting} requests are being worked on. Try again in a moment.",
                status=429,
                headers=((b"retry-after", b"1"),),
            )
        future: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()
        kind = alike(inputs, wanted, rows) if self._batches else None
        self._calls.append(Call(inputs, wanted, rows, kind, future))
        self._waiting += 1
        try:
            self._start()
            return await future
        finally:
            self._waiting -= 1

    async def try_out(self, inputs: Arrays, wanted: Collection[str], *, everywhere: bool) -> None:
        """Run the model once, or ``everywhere`` in each thread at the same time. How long that takes is not learnt
        from: what libraries set up for a thread, and compile for a shape, they do the first time. Raises what the model
        raises."""
        count = self._threads if everywhere else 1
        together = threading.Barrier(count)

        def once() -> None:
            together.wait(_SECONDS_TO_MEET)
            self._model.run(inputs, wanted)

        loop = asyncio.get_running_loop()
        ran = [loop.run_in_executor(self._pool, once) for _ in range(count)]
        for outcome in await asyncio.gather(*ran, return_exceptions=True):
            if isinstance(outcome, BaseException) and not isinstance(outcome, threading.BrokenBarrierError):
                raise outcome

    def _start(self) -> None:
        """Give every free thread something to do."""
        while self._running < self._threads and (batch := self._next_batch()):
            self._running += 1
            task = asyncio.get_running_loop().run_in_executor(self._pool, self._outputs, batch)
            task.add_done_callback(partial(self._finished, batch))

    def _next_batch(self) -> list[Call]:
        """What waits longest, and what waits behind it, is alike, and fits into the time of one batch."""
        while self._calls and self._calls[0].future.done():  # nobody waits for it any more
            self._calls.popleft()
        if not self._calls:
            return []
        batch = [self._calls.popleft()]
        left = _LONGEST_BATCH / self._seconds_per_row - batch[0].rows
        others: list[Call] = []
        while self._calls and batch[0].alike is not None:
            call = self._calls.popleft()
            if call.alike != batch[0].alike or call.rows > left:
                others.append(call)
            elif not call.future.done():
                batch.append(call)
                left -= call.rows
        self._calls.extend(others)
        return batch

    def _outputs(self, batch: list[Call]) -> list[Outputs] | None:
        """Each call's outputs; None when the model did not answer each row of them."""
        rows = sum(call.rows for call in batch)
        before = time.perf_counter()
        outputs = self._timed(joined(batch) if len(batch) > 1 else batch[0].inputs, batch[0].wanted, rows)
        seconds = max((time.perf_counter() - before) / max(rows, 1), 1e-9)
        self._seconds_per_row += _SMOOTHING * (seconds - self._seconds_per_row)
        return parted(outputs, batch) if len(batch) > 1 else [outputs]

    def _finished(self, batch: list[Call], task: asyncio.Future[list[Outputs] | None]) -> None:
        self._running -= 1
        if task.cancelled():
            for call in batch:
                call.future.cancel()
            return
        error = task.exception()
        found = None if error is not None else task.result()
        if found is None and len(batch) > 1:
            self._run_alone(batch, for_good=error is None)
        elif error is not None and not batch[0].future.done():
            batch[0].future.set_exception(error)
        else:
            for call, outputs in zip(batch, found or (), strict=False):
                if not call.future.done():
                    call.future.set_result(outputs)
        self._start()

    def _run_alone(self, batch: list[Call], *, for_good: bool) -> None:
        """Run each call by itself, before all others: one of them spoiled the batch. ``for_good``: every other too, for
        this model does not answer row by row."""
        alone = [Call(call.inputs, call.wanted, call.rows, None, call.future) for call in batch]
        self._calls.extendleft(reversed(alone))
        if for_good:
            self._batches = False

    def _timed(self, inputs: Arrays, wanted: Collection[str], rows: int) -> Outputs:
        before = time.thread_time()
        outputs = self._model.run(inputs, wanted)
        if rows <= _QUICK_ROWS:
            self._quick_seconds += _SMOOTHING * (time.thread_time() - before - self._quick_seconds)
        return outputs

    def close(self) -> None:
        """Let go of the threads; what still runs in them finishes."""
        self._pool.shutdown(wait=False, cancel_futures=True)

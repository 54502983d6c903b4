"""Several worker processes of one model, each of which answers one question at a time.

A worker that ends costs the question that it had, and is started again at once. One that ends within seconds of its
start, again and again, is given longer and longer pauses: a model that cannot live does not take the processor.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from kronkers_studio.serving.frameworks.workers.worker_frames import BadFrame, RowsRefused, WorkerFailed, answers_in
from kronkers_studio.serving.frameworks.workers.worker_process import WorkerDied, WorkerGone, WorkerProcess
from kronkers_studio.serving.memory import memory_left, memory_of

_log = logging.getLogger(__name__)

_SECONDS_TO_WAIT = 20.0  # for a worker that is free
_SECONDS_TO_END = 10.0
_SECONDS_OF_LIFE = 10.0  # that are none of a worker that cannot live
_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 30.0
_SHARE_OF_MEMORY = 0.5  # of what is left, for workers besides the first: answers need some, too


class NoWorker(Exception):
    """No worker is free, or lives; the text is a sentence that says which."""


class WorkerPool:
    """As many processes made by ``make`` as there are to be, at most ``most``.

    ``start`` begins with one, ``grow`` adds the others as far as memory allows. Questions come from several threads.
    """

    def __init__(self, make: Callable[[], WorkerProcess], most: int) -> None:
        self._make = make
        self.most = most
        self.starts = 0
        self._changed = threading.Condition()
        self._free: list[WorkerProcess] = []
        self._alive: set[WorkerProcess] = set()
        self._starting: set[WorkerProcess] = set()
        self._short_lives: list[int] = []  # of each place in the pool, one after the other
        self._last: WorkerProcess | None = None
        self._closing = threading.Event()
        self._keepers: list[threading.Thread] = []

    def start(self) -> None:
        """Start the first worker. Raises ``WorkerDied``, and ``WorkerFailed``, ``RowsRefused`` or ``BadFrame`` for what
        it says of itself; no process is left then."""
        worker = self._last = self._make()
        try:
            self._start(worker)
        except (WorkerDied, WorkerFailed, RowsRefused, BadFrame):
            worker.end()
            raise
        self._keep(worker)

    @property
    def fitting(self) -> int:
        """How many there are to be in all, as far as memory holds others like the one that lives."""
        processes = self.processes
        each, left = memory_of(processes[0]) if processes else None, memory_left()
        if each is None or left is None:
            return self.most
        return min(self.most, 1 + int(_SHARE_OF_MEMORY * left // max(each, 1)))

    def grow(self) -> int:
        """Start the others, each beside the others; how many there are to be in all."""
        fitting = self.fitting if self.most > 1 else 1
        if fitting < self.most:
            fields = {"workers": fitting, "of": self.most, "memory_left": memory_left()}
            _log.warning("fewer workers than were to be: each holds the model", extra={"fields": fields})
        for _ in range(fitting - 1):
            self._keep(None)
        return fitting

    @property
    def last_errors(self) -> str:
        """The last lines that the worker that was started last wrote as errors."""
        return self._last.last_errors if self._last is not None else ""

    @property
    def is_full(self) -> bool:
        """Whether every worker lives."""
        with self._changed:
            return len(self._alive) >= len(self._short_lives)

    @property
    def processes(self) -> list[int]:
        """The ids of the processes that live."""
        with self._changed:
            return [worker.process_id for worker in self._alive]

    @property
    def unready(self) -> str:
        """Why nothing can be asked; "" when a worker lives."""
        with self._changed:
            if self._alive:
                return ""
            if (times := min(self._short_lives)) > 1:
                return f"The model's own program has ended {times} times soon after its start."
            return "The model's own program is being started again."

    def ask(self, question: bytes) -> bytes:
        """The answer of a worker that is free. Raises ``NoWorker``, and ``WorkerDied`` when it ended without one."""
        while True:
            worker = self._taken()
            try:
                answer = worker.ask(question)
            except WorkerGone:  # before it was asked anything
                continue
            with self._changed:
                if worker in self._alive:
                    self._free.append(worker)
                    self._changed.notify()
            return answer

    def close(self) -> None:
        """End all processes."""
        self._closing.set()
        with self._changed:
            workers = [*self._alive, *self._starting]  # who loads the model is not waited for
            self._changed.notify_all()
        for worker in workers:
            worker.end()
        for keeper in self._keepers:
            keeper.join(_SECONDS_TO_END)

    def _taken(self) -> WorkerProcess:
        with self._changed:
            self._changed.wait_for(lambda: self._free or self._hopeless(), _SECONDS_TO_WAIT)
            if self._free:
                return self._free.pop()
        raise NoWorker(self.unready or "All of the model's processes are busy.")

    def _hopeless(self) -> bool:
        return self._closing.is_set() or (not self._alive and min(self._short_lives) > 1)

    def _keep(self, worker: WorkerProcess | None) -> None:
        self._short_lives.append(0)
        place = len(self._short_lives) - 1
        keeper = threading.Thread(target=self._kept_alive, args=(place, worker), name="worker", daemon=True)
        self._keepers.append(keeper)
        keeper.start()

    def _kept_alive(self, place: int, worker: WorkerProcess | None) -> None:
        """One place in the pool: a worker, and another one whenever it has ended."""
        while not self._closing.is_set():
            began = time.monotonic()
            try:
                if worker is None:
                    worker = self._last = self._make()
                    self._start(worker)
                worker.wait_until_ended()
            except (WorkerDied, WorkerFailed, RowsRefused, BadFrame) as problem:
                _log.error("worker did not start", extra={"fields": {"reason": str(problem)}})
            self._ended(place, worker, time.monotonic() - began)
            worker = None
            self._closing.wait(_pause(self._short_lives[place]))

    def _start(self, worker: WorkerProcess) -> None:
        with self._changed:
            self.starts += 1
            self._starting.add(worker)
        try:
            answers_in(worker.start())
        finally:
            with self._changed:
                self._starting.discard(worker)
        with self._changed:
            if self._closing.is_set():
                raise WorkerDied("the service ends")
            self._alive.add(worker)
            self._free.append(worker)
            self._changed.notify_all()

    def _ended(self, place: int, worker: WorkerProcess | None, seconds: float) -> None:
        with self._changed:
            self._short_lives[place] = self._short_lives[place] + 1 if seconds < _SECONDS_OF_LIFE else 0
            if worker is not None:
                self._alive.discard(worker)
                if worker in self._free:
                    self._free.remove(worker)
            self._changed.notify_all()
        if worker is not None:
            worker.end()
        if not self._closing.is_set():
            fields = {"lived": round(seconds, 3), "short_lives": self._short_lives[place]}
            _log.error("worker ended; it is started again", extra={"fields": fields})


def _pause(short_lives: int) -> float:
    """Seconds until the next start: none after the first end."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(short_lives - 2, 10)) if short_lives > 1 else 0.0

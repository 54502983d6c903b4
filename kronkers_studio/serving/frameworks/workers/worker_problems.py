"""What goes wrong with a pool of workers, as what the service says of it: at its start, and over a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kronkers_studio.serving.frameworks.workers.worker_frames import BadFrame, RowsRefused, WorkerFailed
from kronkers_studio.serving.frameworks.workers.worker_pool import NoWorker, WorkerPool
from kronkers_studio.serving.frameworks.workers.worker_process import WorkerDied, WorkerNotStarted
from kronkers_studio.serving.problems import CannotStart, Refusal


class NoProcess(CannotStart):
    """No process can be started here at all."""


@contextmanager
def started(pool: WorkerPool) -> Iterator[None]:
    """Start ``pool`` for what is first asked of it inside. Raises ``CannotStart`` when either goes wrong, ``NoProcess``
    where it is not the model's fault; no process is left then."""
    try:
        pool.start()
        yield
    except (WorkerFailed, RowsRefused) as problem:
        pool.close()
        raise CannotStart(str(problem)) from None
    except (WorkerDied, NoWorker, BadFrame) as problem:
        said = " ".join(pool.last_errors.split())[-500:]
        pool.close()
        kind = NoProcess if isinstance(problem, WorkerNotStarted) else CannotStart
        raise kind(f"The model's own program does not start: {problem}. {said}".strip()) from None


def unanswered(problem: WorkerDied | NoWorker) -> Refusal:
    """The refusal of a request whose worker ended, or for which none is free: another one answers in a moment."""
    why = f"The model's own program did not answer: {problem}." if isinstance(problem, WorkerDied) else str(problem)
    return Refusal(f"{why} Try again in a moment.", status=503, headers=((b"retry-after", b"2"),))

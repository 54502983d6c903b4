"""``python -m kronkers_studio.serving.model_worker FOLDER THREADS``: the other side of ``python_workers``.

It loads the package's model, says so, and then answers one question after the other: frames come in on its standard
input and go out on its standard output, which the model itself cannot reach. What it prints are errors.
"""

from __future__ import annotations

import os
import signal
import struct
import sys
from pathlib import Path
from typing import IO, NoReturn

from kronkers_studio.serving.frameworks.workers.python_workers import DESCRIBE, facts_of
from kronkers_studio.serving.frameworks.workers.tensor_frames import (
    answer_frame,
    facts_frame,
    failure_frame,
    question_in,
    refusal_frame,
)
from kronkers_studio.serving.frameworks.workers.worker_frames import failed_frame, ready_frame
from kronkers_studio.serving.logs import start_logging
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.model_failures import failure_of
from kronkers_studio.serving.model_loader import load_here
from kronkers_studio.serving.problems import CannotStart, Refusal

_LENGTH = struct.Struct("<i")
_OOM_SCORE = Path("/proc/self/oom_score_adj")
_FIRST_TO_END = "500"


def main() -> None:
    """Answer until there are no more questions."""
    questions, answers = _own_pipes()
    start_logging(None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal: it ends when the service does
    _end_before_the_service()
    _question(questions)
    try:
        model = load_here(read_manifest(Path(sys.argv[1])), int(sys.argv[2]))
    except CannotStart as problem:
        _say(answers, failed_frame(str(problem)))
        return
    _say(answers, ready_frame())
    while (question := _question(questions)) is not None:
        _say(answers, _answer(model, question))


def _answer(model: Model, question: bytes) -> bytes:
    if question == DESCRIBE:
        return facts_frame(facts_of(model))
    inputs, wanted = question_in(question)
    try:
        return answer_frame(model.run(inputs, wanted))
    except Refusal as refusal:
        return refusal_frame(refusal)
    except Exception as error:  # noqa: BLE001 — models may raise anything; the front tells it as its own
        return failure_frame(failure_of(error))


def _own_pipes() -> tuple[IO[bytes], IO[bytes]]:
    """The two pipes to the service, in whose place the model has nothing to read, and errors to print to."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return questions, answers


def _end_before_the_service() -> None:
    """Where memory runs out, Linux ends a worker, which is started again, and not the service."""
    try:
        _OOM_SCORE.write_text(_FIRST_TO_END, encoding="ascii")
    except OSError:  # another system, or one that does not let it
        return


def _question(pipe: IO[bytes]) -> bytes | None:
    """None when the service has ended."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    found = pipe.read(length)
    return found if len(found) == length else None


def _say(pipe: IO[bytes], frame: bytes) -> None:
    pipe.write(_LENGTH.pack(len(frame)))
    pipe.write(frame)
    pipe.flush()


def _leave() -> NoReturn:
    """End at once: the threads that libraries have left are not waited for."""
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
    _leave()

"""A model in another process: what is said to it and by it, and what becomes of it. The process here is one of Python
that speaks as those of other languages do."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.frameworks.workers import worker_pool
from kronkers_studio.serving.frameworks.workers.worker_frames import BadFrame, WorkerFailed, answers_in
from kronkers_studio.serving.frameworks.workers.worker_model import WorkerModel
from kronkers_studio.serving.frameworks.workers.worker_process import WorkerDied
from kronkers_studio.serving.inputs.tensors import write_tensor
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.problems import CannotStart, Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec

WORKER = Path(__file__).with_name("worker.py")
SIGNATURE = Signature(
    (
        TensorSpec("number", "FP64", (-1, 1)),
        TensorSpec("word", "BYTES", (-1, 1), levels=("say", "refuse", "fail", "die", "hang", "shout", "für dich")),
    ),
    (TensorSpec("label", "BYTES", (-1,)), TensorSpec("probabilities", "FP64", (-1, 2), columns=("a", "b"))),
)


@pytest.fixture
def model() -> Iterator[WorkerModel]:
    model = WorkerModel((sys.executable, str(WORKER)), {}, SIGNATURE, 1)
    yield model
    model.pool.close()


def ask(model: WorkerModel, *rows: tuple[float, str | None]) -> dict[str, np.ndarray]:
    numbers = np.array([[number] for number, _ in rows], dtype=np.float64)
    words = np.array([[math.nan if word is None else word] for _, word in rows], dtype=object)
    return model.run({"number": numbers, "word": words}, ["label", "probabilities"])


def test_numbers_and_texts_arrive_as_they_are(model: WorkerModel) -> None:
    """It answers the words, and each number and its opposite. Seen to fail with rows and columns exchanged."""
    numbers = (0.1, -0.0, 5e-324, math.inf, math.nan, 1.7976931348623157e308)
    answers = ask(model, *((number, "für dich") for number in numbers), (2.0, None))
    assert answers["label"].tolist() == ["für dich"] * 6 + [None]
    found = answers["probabilities"]
    np.testing.assert_array_equal(found[:, 0], [*numbers, 2.0])
    np.testing.assert_array_equal(found[:, 1], [-number for number in (*numbers, 2.0)])
    assert math.copysign(1, found[1, 0]) == -1


def test_a_word_that_the_model_never_saw_is_refused_before_it_is_asked(model: WorkerModel) -> None:
    with pytest.raises(Refusal, match="Row 2: the field “word” holds “new”, which the model never saw") as refused:
        ask(model, (1.0, "say"), (1.0, "new"))
    assert (refused.value.status, refused.value.field, refused.value.row) == (422, "word", 2)


def test_what_the_worker_refuses_is_the_senders_and_what_fails_is_not(model: WorkerModel) -> None:
    with pytest.raises(Refusal, match="the worker takes no such rows") as refused:
        ask(model, (1.0, "refuse"))
    assert refused.value.status == 422
    with pytest.raises(WorkerFailed, match="something broke"):
        ask(model, (1.0, "fail"))
    assert ask(model, (1.0, "say"))["label"].tolist() == ["say"]
    assert model.pool.starts == 1


def test_a_worker_that_dies_is_started_again_and_who_asked_it_may_ask_again(model: WorkerModel) -> None:
    """Seen to fail without the new start."""
    with pytest.raises(Refusal, match="did not answer: it ended") as refused:
        ask(model, (1.0, "die"))
    assert (refused.value.status, refused.value.headers) == (503, ((b"retry-after", b"2"),))
    assert ask(model, (1.0, "say"))["label"].tolist() == ["say"]
    assert model.pool.starts == 2


@pytest.mark.skipif(os.name == "nt", reason="signals are not sent there")
def test_one_that_died_between_two_questions_costs_no_answer(model: WorkerModel) -> None:
    (process,) = model.pool.processes
    os.kill(process, signal.SIGKILL)
    while process in model.pool.processes:
        time.sleep(0.01)
    assert ask(model, (3.0, "say"))["probabilities"].tolist() == [[3.0, -3.0]]


def test_a_worker_that_takes_too_long_is_ended() -> None:
    model = WorkerModel((sys.executable, str(WORKER)), {}, SIGNATURE, 1, seconds=0.5)
    with pytest.raises(WorkerDied, match=r"longer than 0\.5 seconds"):
        ask(model, (1.0, "hang"))
    assert ask(model, (1.0, "say"))["label"].tolist() == ["say"]
    model.pool.close()


def test_each_worker_answers_beside_the_others() -> None:
    """Three questions that never end leave the fourth worker. Seen to fail with one worker."""
    model = WorkerModel((sys.executable, str(WORKER)), {}, SIGNATURE, 1, workers=4)
    assert model.pool.grow() == 4
    deadline = time.monotonic() + 60
    while not model.pool.is_full:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    for _ in range(3):
        threading.Thread(target=_asked_in_vain, args=(model,)).start()
    assert ask(model, (1.0, "say"))["label"].tolist() == ["say"]
    model.pool.close()
    assert model.pool.processes == []


def _asked_in_vain(model: WorkerModel) -> None:
    with pytest.raises(Refusal):
        ask(model, (1.0, "hang"))


def test_workers_are_as_many_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    model = WorkerModel((sys.executable, str(WORKER)), {}, SIGNATURE, 1, workers=4)
    monkeypatch.setattr(worker_pool, "memory_of", lambda _: 100 << 20)
    monkeypatch.setattr(worker_pool, "memory_left", lambda: 250 << 20)
    assert model.pool.grow() == 2
    model.pool.close()


def test_a_model_that_cannot_live_is_given_pauses_and_readiness_says_so(model: WorkerModel) -> None:
    """Seen to fail without pauses."""
    began, said = time.monotonic(), ""
    while "ended 4 times soon after its start" not in said:
        assert time.monotonic() - began < 60
        with pytest.raises(Refusal) as refused:
            ask(model, (1.0, "die"))
        assert refused.value.status == 503
        said = refused.value.message
        time.sleep(0.01)
    assert "ended 4 times soon after its start" in model.pool.unready
    assert model.pool.starts == 4
    assert time.monotonic() - began > 1.5, "half a second and a second"


def test_what_a_model_prints_is_no_answer_and_stops_nothing(model: WorkerModel) -> None:
    """More than a pipe holds."""
    assert ask(model, (1.0, "shout"))["label"].tolist() == ["shout"]


def test_questions_of_several_threads_get_their_own_answers(model: WorkerModel) -> None:
    found: dict[int, float] = {}

    def ask_ten_times(number: int) -> None:
        for _ in range(10):
            found[number] = float(ask(model, (float(number), "say"))["probabilities"][0, 0])

    threads = [threading.Thread(target=ask_ten_times, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {number: float(number) for number in range(8)}


def test_a_worker_that_does_not_start_says_why() -> None:
    with pytest.raises(CannotStart, match="a package is missing"):
        WorkerModel((sys.executable, str(WORKER), "missing"), {}, SIGNATURE, 1)
    with pytest.raises(CannotStart, match=r"does not start: it ended.*no such file of ours"):
        WorkerModel((sys.executable, str(WORKER), "crash"), {}, SIGNATURE, 1)
    with pytest.raises(CannotStart, match="cannot be started"):
        WorkerModel(("/nowhere/Rscript",), {}, SIGNATURE, 1)


def test_a_model_that_gives_something_else_than_its_package_says_is_not_served() -> None:
    other = Signature(SIGNATURE.inputs, (TensorSpec("output", "FP64", (-1,)),))
    with pytest.raises(CannotStart, match="the model gives its output the shape"):
        WorkerModel((sys.executable, str(WORKER)), {}, other, 1)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\0\0\0\0\xff\xff\xff\x7f",
        b"\0\0\0\0\1\0\0\0\xff\xff\xff\x7f",
        b"\0\0\0\0\1\0\0\0\1\0\0\0a" + b"\0\0\0\0" + b"\xff\xff\xff\x7f" * 2 + b"\0\0\0\0",
        b"\0\0\0\0\1\0\0\0\1\0\0\0a\7\0\0\0" + b"\0\0\0\0" * 3,
        b"\0\0\0\0\0\0\0\0more",
    ],
)
def test_what_no_worker_says_is_no_answer(frame: bytes) -> None:
    began = time.monotonic()
    with pytest.raises(BadFrame):
        answers_in(frame)
    assert time.monotonic() - began < 5


def test_a_row_without_an_answer_has_null_for_its_label() -> None:
    label = np.array(["a", None], dtype=object)
    assert write_tensor("label", label, as_binary=False)[0]["data"] == ["a", None]
    assert write_tensor("label", label, as_binary=True)[1] == b"\1\0\0\0a\0\0\0\0"


def test_a_question_to_another_process_never_holds_up_the_event_loop() -> None:
    """It takes no time of this one's processor, however long it lasts. Seen to fail with a runner that counts that."""
    here = threading.current_thread().name

    class Elsewhere:
        signature = Signature()

        def run(self, _inputs: object, _wanted: object) -> dict[str, np.ndarray]:
            return {"thread": np.array([threading.current_thread().name], dtype=object)}

    async def ask_often(runner: Runner) -> set[str]:
        return {str((await runner.run({}, (), 1))["thread"][0]) for _ in range(50)}

    for quick in (True, False):
        runner = Runner(cast(Model, Elsewhere()), threads=1, most_waiting=8, quick=quick)
        assert (here in asyncio.run(ask_often(runner))) is quick
        runner.close()

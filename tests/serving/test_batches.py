"""Several requests as one call of the model."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Coroutine
from typing import Any, cast

import numpy as np
import pytest

from kronkers_studio.serving import execution
from kronkers_studio.serving.batches import takes_batches
from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.model import Arrays, Model
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec

_HANGS = 30.0


class _Doubling:
    """Answers twice its input. The first call waits until ``go`` is set; each call's rows are noted in ``calls``."""

    signature = Signature((TensorSpec("x", "FP64", (-1, 2)),), (TensorSpec("y", "FP64", (-1, 2)),))

    def __init__(self) -> None:
        self.go = threading.Event()
        self.calls: list[int] = []

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        x = inputs["x"]
        self.calls.append(len(x))
        if len(self.calls) == 1:
            assert self.go.wait(_HANGS)
        if (x == -1).any():
            raise ValueError("minus one")
        return dict.fromkeys(wanted, 2 * x)


@pytest.fixture(autouse=True)
def _nothing_is_learnt(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a row takes stays as a test says it, however slow the machine is."""
    monkeypatch.setattr(execution, "_SMOOTHING", 0.0)


def _runner(model: Any, **options: Any) -> Runner:
    runner = Runner(cast(Model, model), **{"threads": 1, "most_waiting": 64, "quick": False, **options})
    runner._seconds_per_row = 1e-6  # as after many calls
    return runner


def _rows(value: float, count: int = 1) -> np.ndarray[Any, Any]:
    return np.full((count, 2), value)


async def _together(model: _Doubling, *asked: Coroutine[Any, Any, Any]) -> list[Any]:
    """The outcomes of all that is asked while the first is being worked on."""
    tasks = [asyncio.ensure_future(each) for each in asked]
    await asyncio.sleep(0)  # each has come as far as it gets
    model.go.set()
    return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), _HANGS)


def test_what_waits_is_answered_in_one_call_each_with_its_own_rows() -> None:
    model = _Doubling()
    runner = _runner(model)
    asked = [runner.run({"x": _rows(n, n)}, ("y",), n) for n in (1, 2, 3, 4)]
    found = asyncio.run(_together(model, *asked))
    assert model.calls == [1, 9]
    for n, outputs in zip((1, 2, 3, 4), found, strict=True):
        np.testing.assert_array_equal(outputs["y"], _rows(2 * n, n))


def test_a_model_in_another_process_never_holds_up_the_event_loop_whatever_is_asked() -> None:
    """Seen to fail for a tensor without rows: a worker may take minutes over it."""
    threads: list[str] = []

    class Noting(_Doubling):
        def run(self, inputs: Any, wanted: Any) -> dict[str, Any]:
            threads.append(threading.current_thread().name)
            return dict.fromkeys(wanted, inputs["x"])

    model = Noting()
    model.go.set()
    runner = _runner(model)
    runner._quick_seconds = 0.0  # as after many calls
    asyncio.run(runner.run({"x": np.zeros((0, 2))}, ("y",), 0))
    runner.close()
    assert threads[0].startswith("prediction")


def test_a_request_that_fails_fails_alone() -> None:
    model = _Doubling()
    runner = _runner(model)
    asked = [runner.run({"x": _rows(value)}, ("y",), 1) for value in (0, 5, -1, 6)]
    found = asyncio.run(_together(model, *asked))
    assert isinstance(found[2], ValueError)
    assert [found[n]["y"][0, 0] for n in (0, 1, 3)] == [0, 10, 12]
    assert model.calls == [1, 3, 1, 1, 1]


def test_other_outputs_types_and_shapes_stay_apart_and_none_is_overtaken_for_ever() -> None:
    model = _Doubling()
    runner = _runner(model)
    asked = [
        runner.run({"x": _rows(0)}, ("y",), 1),
        runner.run({"x": _rows(1)}, ("y",), 1),
        runner.run({"x": _rows(2)}, ("y", "z"), 1),
        runner.run({"x": _rows(3).astype("f4")}, ("y",), 1),
        runner.run({"x": _rows(4)}, ("y",), 1),
        runner.run({"x": _rows(5)}, ("y", "z"), 1),
    ]
    found = asyncio.run(_together(model, *asked))
    assert model.calls == [1, 2, 2, 1]
    assert [outputs["y"][0, 0] for outputs in found] == [0, 2, 4, 6, 8, 10]
    assert found[3]["y"].dtype == np.dtype("f4")


def test_a_batch_is_as_large_as_is_expected_to_take_its_time() -> None:
    model = _Doubling()
    runner = _runner(model)
    runner._seconds_per_row = execution._LONGEST_BATCH / 3
    runner._outputs = lambda batch: [model.run(call.inputs, call.wanted) for call in batch]  # type: ignore[method-assign]
    sizes: list[int] = []
    finished = runner._finished

    def noted(batch: Any, task: Any) -> None:
        sizes.append(len(batch))
        finished(batch, task)

    runner._finished = noted  # type: ignore[method-assign]
    asyncio.run(_together(model, *(runner.run({"x": _rows(n)}, ("y",), 1) for n in range(8))))
    assert sizes == [1, 3, 3, 1]


class _Summing(_Doubling):
    """One answer for all rows, whatever its signature says."""

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        super().run(inputs, wanted)
        return {"y": inputs["x"].sum(keepdims=True)}


def test_a_model_that_does_not_answer_row_by_row_is_asked_for_each_request() -> None:
    model = _Summing()
    runner = _runner(model)

    async def twice() -> list[Any]:
        first = await _together(model, *(runner.run({"x": _rows(n)}, ("y",), 1) for n in range(3)))
        return first + await _together(model, *(runner.run({"x": _rows(n)}, ("y",), 1) for n in range(3)))

    found = asyncio.run(twice())
    assert [outputs["y"].item() for outputs in found] == [0, 2, 4, 0, 2, 4]
    assert model.calls == [1, 2, 1, 1, 1, 1, 1]


def test_who_gives_up_while_waiting_is_left_out() -> None:
    model = _Doubling()
    runner = _runner(model, most_waiting=3)

    async def some_give_up() -> Any:
        tasks = [asyncio.ensure_future(runner.run({"x": _rows(n)}, ("y",), 1)) for n in range(3)]
        await asyncio.sleep(0)
        with pytest.raises(Refusal, match="busy") as refused:
            await runner.run({"x": _rows(9)}, ("y",), 1)
        assert refused.value.status == 429
        tasks[1].cancel()
        await asyncio.sleep(0)
        model.go.set()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), _HANGS)

    found = asyncio.run(some_give_up())
    assert isinstance(found[1], asyncio.CancelledError)
    assert (found[0]["y"][0, 0], found[2]["y"][0, 0]) == (0, 4)
    assert model.calls == [1, 1]
    assert runner._waiting == 0


@pytest.mark.parametrize(
    ("shapes", "batches"),
    [
        ([(-1, 3), (-1,)], True),
        ([(1, 3), (1,)], False),
        ([(-1, 3), (3,)], False),
        ([(-1, 3, 8, 8), (-1, 10)], False),  # no rows: whole tensors
    ],
)
def test_only_models_of_rows_are_asked_for_several_requests(shapes: list[tuple[int, ...]], batches: bool) -> None:
    tensors = [TensorSpec(name, "FP32", shape) for name, shape in zip("xy", shapes, strict=True)]
    assert takes_batches(Signature((tensors[0],), (tensors[1],))) is batches
    assert not takes_batches(Signature((TensorSpec("x", "FP32", (-1,), any_rank=True),), (tensors[1],)))

"""What requests of one turn of the event loop have to do with each other: one call of the model, and nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Coroutine
from typing import Any

import numpy as np
import pytest

from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.turns import Turns

_WANTED = ("y",)
_HANGS = 10.0


class _Doubling:
    """Answers twice its input; each call's rows are noted in ``calls``."""

    def __init__(self) -> None:
        self.calls: list[int] = []

    def run(self, inputs: Arrays, wanted: Collection[str], rows: int) -> dict[str, np.ndarray[Any, Any]]:
        x = inputs["x"]
        self.calls.append(len(x))
        assert len(x) == rows
        if (x == -1).any():
            raise ValueError("minus one")
        if (x == -2).any():
            raise StopIteration("minus two")
        return dict.fromkeys(wanted, 2 * x)


class _Summing(_Doubling):
    """One answer for all rows."""

    def run(self, inputs: Arrays, wanted: Collection[str], rows: int) -> dict[str, np.ndarray[Any, Any]]:
        return {name: array.sum(keepdims=True) for name, array in super().run(inputs, wanted, rows).items()}


def _turns(model: _Doubling, *, together: bool = True) -> Turns:
    return Turns(model.run, most_rows=4, together=together)


async def _asked(turns: Turns, *values: float, rows: int = 1, wanted: Collection[str] = _WANTED) -> list[Any]:
    """The outcomes of requests that come in one turn, each of ``rows`` rows of one value."""
    asked = [turns.run({"x": np.full((rows, 1), value)}, wanted, rows) for value in values]
    return list(await asyncio.gather(*asked, return_exceptions=True))


def _run(asking: Coroutine[Any, Any, list[Any]]) -> list[Any]:
    return asyncio.run(asyncio.wait_for(asking, _HANGS))


def _values(found: list[Any]) -> list[float]:
    return [outputs["y"].max() for outputs in found]


def test_what_one_turn_brings_is_one_call_and_each_gets_its_own_rows() -> None:
    model = _Doubling()
    found = _run(_asked(_turns(model), 1, 2, rows=2))
    assert _values(found) == [2, 4]
    assert [outputs["y"].shape for outputs in found] == [(2, 1), (2, 1)]
    assert model.calls == [4]


def test_a_call_is_never_larger_than_what_is_known_to_be_quick() -> None:
    model = _Doubling()
    assert _values(_run(_asked(_turns(model), *range(10)))) == [2.0 * value for value in range(10)]
    assert model.calls == [4, 4, 2]


def test_a_request_that_fails_fails_alone() -> None:
    model = _Doubling()
    found = _run(_asked(_turns(model), 1, -1, 2))
    assert isinstance(found[1], ValueError)
    assert _values([found[0], found[2]]) == [2, 4]
    assert model.calls == [3, 1, 1, 1]


def test_an_error_that_no_future_takes_is_told_all_the_same() -> None:
    found = _run(_asked(_turns(_Doubling()), -2))
    assert isinstance(found[0], RuntimeError)


def test_a_model_that_gives_the_same_array_each_time_gives_each_request_its_own_answer() -> None:
    """Seen to fail with the model's own array: requests were told the answer of another one of their turn."""

    class Overwriting(_Doubling):
        buffer = np.zeros((4, 1))

        def run(self, inputs: Arrays, wanted: Collection[str], rows: int) -> dict[str, np.ndarray[Any, Any]]:
            found = self.buffer[:rows]
            found[:] = super().run(inputs, wanted, rows)["y"]
            return {"y": found}

    assert _values(_run(_asked(_turns(Overwriting()), 1, 2, rows=4))) == [2, 4]
    assert _values(_run(_asked(_turns(Overwriting()), 1, -1, 2))[::2]) == [2, 4]


def test_a_request_without_rows_is_answered_like_any_other() -> None:
    """Models of tensors take those. Seen to fail: no request of that turn was ever answered."""
    model = _Doubling()
    turns = _turns(model)

    async def mixed() -> list[Any]:
        asked = [turns.run({"x": np.full((rows, 1), 1.0)}, _WANTED, rows) for rows in (0, 1, 4, 0)]
        return list(await asyncio.gather(*asked, return_exceptions=True))

    assert [outputs["y"].tolist() for outputs in _run(mixed())] == [[], [[2.0]], [[2.0]] * 4, []]


def test_other_outputs_and_types_stay_apart() -> None:
    model = _Doubling()
    turns = _turns(model)

    async def mixed() -> list[Any]:
        found = await asyncio.gather(
            turns.run({"x": np.full((1, 1), 1.0)}, _WANTED, 1),
            turns.run({"x": np.full((1, 1), 2.0)}, ("y", "z"), 1),
            turns.run({"x": np.full((1, 1), 3.0, np.float32)}, _WANTED, 1),
            turns.run({"x": np.full((2, 1), 4.0)}, _WANTED, 1),  # not of the rows that are told: alone
            turns.run({"x": np.full((2, 1), 4.0)}, _WANTED, 1),
            turns.run({"x": np.full((1, 1), 5.0)}, _WANTED, 1),
            return_exceptions=True,
        )
        return list(found)

    found = _run(mixed())
    assert _values([*found[:3], found[5]]) == [2, 4, 6, 10]
    assert [type(each) for each in found[3:5]] == [AssertionError] * 2
    assert found[2]["y"].dtype == np.float32
    assert model.calls == [2, 1, 1, 2, 2]


@pytest.mark.parametrize("together", [True, False])
def test_a_model_that_does_not_answer_row_by_row_is_asked_for_each_request(together: bool) -> None:
    model = _Summing()
    turns = _turns(model, together=together)

    async def twice() -> list[Any]:
        return [*await _asked(turns, 1, 2), *await _asked(turns, 3, 4)]

    assert _values(_run(twice())) == [2, 4, 6, 8]
    assert model.calls == [*([2] if together else []), 1, 1, 1, 1]


def test_who_gives_up_is_left_out() -> None:
    model = _Doubling()
    turns = _turns(model)

    async def one_gives_up() -> list[Any]:
        tasks = [asyncio.ensure_future(_asked(turns, value)) for value in (1, 2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)  # both have asked, and their turn has not ended
        tasks[0].cancel()
        return list(await asyncio.gather(*tasks, return_exceptions=True))

    found = _run(one_gives_up())
    assert isinstance(found[0], asyncio.CancelledError)
    assert _values(found[1]) == [4]
    assert model.calls == [1]

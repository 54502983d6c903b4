"""Quick calls of the model on the event loop: those that one turn of it brings are one call.

A model of scikit-learn spends most of a row's time on what it does once a call. Requests that came in the same turn are
all there already, so that nobody waits for others to come.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Hashable, Sequence

from kronkers_studio.serving.batches import Call, Outputs, alike, joined, parted
from kronkers_studio.serving.model import Arrays


class Turns:
    """Calls ``run_model``, which must not last, with ``most_rows`` rows at most. With ``together``, calls that are
    alike are one. All of its methods belong to the event loop's thread."""

    def __init__(
        self, run_model: Callable[[Arrays, Collection[str], int], Outputs], *, most_rows: int, together: bool
    ) -> None:
        self._run_model = run_model
        self._most_rows = most_rows
        self._together = together
        self._calls: list[Call] = []

    async def run(self, inputs: Arrays, wanted: Collection[str], rows: int) -> Outputs:
        """As ``Model.run``, at the end of this turn of the loop."""
        if not self._together:
            return self._run_model(inputs, wanted, rows)
        loop = asyncio.get_running_loop()
        call = Call(inputs, wanted, rows, alike(inputs, wanted, rows), loop.create_future())
        if not self._calls:
            loop.call_soon(self._end_turn)
        self._calls.append(call)
        return await call.future

    def _run_for_good(self, inputs: Arrays, wanted: Collection[str], rows: int) -> Outputs:
        """Outputs that stay: a model may give the same arrays each time, and others are asked before these are used."""
        return {name: array.copy() for name, array in self._run_model(inputs, wanted, rows).items()}

    def _end_turn(self) -> None:
        calls, self._calls = self._calls, []
        for batch in _batches([call for call in calls if not call.future.done()], self._most_rows):
            if len(batch) == 1 or not self._answer_together(batch):
                for call in batch:
                    self._answer_alone(call)

    def _answer_together(self, batch: Sequence[Call]) -> bool:
        """Whether that went well: where not, nothing has been answered."""
        try:
            outputs = self._run_for_good(joined(batch), batch[0].wanted, sum(call.rows for call in batch))
            own = parted(outputs, batch)
        except Exception:  # noqa: BLE001 — models may raise anything; each request is told of its own rows alone
            return False
        if own is None:  # for good: this model does not answer row by row
            self._together = False
            return False
        for call, found in zip(batch, own, strict=True):
            call.future.set_result(found)
        return True

    def _answer_alone(self, call: Call) -> None:
        try:
            call.future.set_result(self._run_for_good(call.inputs, call.wanted, call.rows))
        except StopIteration as error:  # which no future takes
            call.future.set_exception(RuntimeError(f"StopIteration: {error}"))
        except Exception as error:  # noqa: BLE001 — models may raise anything; who asked is told
            call.future.set_exception(error)


def _batches(calls: Sequence[Call], most_rows: int) -> list[list[Call]]:
    """``calls`` that are alike, put together up to ``most_rows`` rows, in the order in which they came."""
    found: list[list[Call]] = []
    latest: dict[Hashable, list[Call]] = {}
    left: dict[Hashable, int] = {}
    for call in calls:
        if call.alike is not None and call.alike in latest and call.rows <= left[call.alike]:
            latest[call.alike].append(call)
        else:
            found.append([call])
            latest[call.alike], left[call.alike] = found[-1], most_rows
        left[call.alike] -= call.rows
    return found

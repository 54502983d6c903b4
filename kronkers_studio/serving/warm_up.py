"""The model's first answers, before the service says that it is ready.

What libraries put off until they are asked (code that is compiled for a shape, threads and memory) is not for the first
sender to wait for.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.inputs.example_rows import example_row
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import Signature, blank_rows

_log = logging.getLogger(__name__)

_SIZES = (1, 2, 4, 8, 16, 32, 64)
"""Rows of one call: as many as requests that wait are put together, and what models are compiled for."""

_QUICK_SECONDS = 0.01
SECONDS = 15.0
"""What it may take: a model that is slower is ready without."""

_Inputs = dict[str, np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Trial:
    """Rows for the model, made for ``size`` of them; ``sizes`` are those that it takes."""

    sizes: tuple[int, ...]
    of: Callable[[int], _Inputs]


async def warm_up(model: Model, runner: Runner, *, seconds: float = SECONDS) -> bool:
    """Run ``model`` by its ``runner`` until it answers as fast as it does: one row in every thread, then more rows.

    True when it answered; else the log says why not. Rows of zeros are none that a model has to take, so that it is
    ready all the same.
    """
    began = time.perf_counter()
    trying = asyncio.ensure_future(_tried(model, runner))
    try:
        done, _ = await asyncio.wait({trying}, timeout=seconds)
        if not done:
            return _not_warm(f"it takes longer than {seconds:g} seconds", began)
        calls = trying.result()
    except Refusal as refusal:
        return _not_warm(refusal.message, began)
    except Exception as error:  # noqa: BLE001 — models may raise anything, of rows that nobody sent
        return _not_warm(type(error).__name__, began)
    finally:
        trying.cancel()
    if calls:
        _log.info("warmed up", extra={"fields": {"calls": calls, "seconds": _since(began)}})
    return calls > 0


async def _tried(model: Model, runner: Runner) -> int:
    """How many calls there were. Nothing is learnt of how long they took: of zeros a model may be quick to say."""
    trial = _trial(model)
    if trial is None:
        return 0
    wanted = tuple(spec.name for spec in model.signature.outputs) or (model.label,)
    one = trial.of(1)
    await runner.try_out(one, wanted, everywhere=True)
    for size in trial.sizes[1:]:
        await runner.try_out(trial.of(size), wanted, everywhere=False)
    before = time.perf_counter()
    await runner.try_out(one, wanted, everywhere=True)
    if runner.quick and time.perf_counter() - before < _QUICK_SECONDS:
        model.run(one, wanted)  # here, where quick models run when they are asked
    return len(trial.sizes) + 1


def _trial(model: Model) -> Trial | None:
    """None for a model of which nothing is known."""
    signature = model.signature
    if not signature.inputs:
        return None
    if signature.no_rows:
        return None if any(spec.any_rank for spec in signature.inputs) else Trial((1,), _blank(signature))
    sizes = (1,) if signature.one_row else _SIZES
    reader = RowReader(signature, takes_missing=model.takes_missing, most_rows=max(_SIZES))
    if not reader.columns:
        return None if any(spec.any_rank for spec in signature.inputs) else Trial(sizes, _blank(signature))
    row = example_row(reader)
    return Trial(sizes, lambda size: reader.read([row] * size)[0])


def _blank(signature: Signature) -> Callable[[int], _Inputs]:
    return lambda size: blank_rows(signature.inputs, size)


def _not_warm(reason: str, began: float) -> bool:
    _log.warning("not warmed up", extra={"fields": {"reason": reason, "seconds": _since(began)}})
    return False


def _since(began: float) -> float:
    return round(time.perf_counter() - began, 3)

"""A model of Python in processes beside the service: each has loaded it as the service itself would, and answers whole
tensors. One that crashes, or takes all memory, takes nothing else with it."""

from __future__ import annotations

import sys
from collections.abc import Collection
from dataclasses import asdict, fields
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.serving.frameworks.workers.tensor_frames import facts_in, outputs_in, question_frame
from kronkers_studio.serving.frameworks.workers.worker_frames import BadFrame
from kronkers_studio.serving.frameworks.workers.worker_pool import NoWorker, WorkerPool
from kronkers_studio.serving.frameworks.workers.worker_problems import started, unanswered
from kronkers_studio.serving.frameworks.workers.worker_process import WorkerDied, WorkerProcess, WorkerTooSlow
from kronkers_studio.serving.model import Arrays, Model
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec

DESCRIBE = b""
"""The question what the model is: a frame without content, as no question of rows is."""

_LOAD = b"load"
_PROGRAM = "kronkers_studio.serving.model_worker"
_LIBRARY_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
_SECONDS = 600.0


class PythonWorkers:
    """The model of the package in ``folder``, in at most ``workers`` processes, whose ``threads`` are theirs together.
    The first is there when this is made; ``pool.grow`` starts the others. Raises ``CannotStart``."""

    def __init__(self, folder: Path, threads: int, workers: int, *, seconds: float = _SECONDS) -> None:
        share = str(max(1, threads // workers))
        command = (sys.executable, "-m", _PROGRAM, str(folder), share)
        environment = dict.fromkeys(_LIBRARY_THREADS, share)
        self.pool = WorkerPool(
            partial(WorkerProcess, command, environment, _LOAD, seconds=seconds, heard=True),
            workers,
        )
        with started(self.pool):
            facts = facts_in(self.pool.ask(DESCRIBE))
            try:
                self.signature = _signature(facts)
                self.label, self.probabilities = str(facts["label"]), str(facts["probabilities"])
                self.classes = tuple(map(str, facts["classes"]))
                self.takes_missing = facts["takes_missing"] is True
            except (LookupError, TypeError, ValueError) as problem:
                raise BadFrame(f"it says of its model what is none ({type(problem).__name__})") from None

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        """See ``Model.run``. A worker that ends, or none that is free, is 503: another one answers in a moment. What
        the model raised is ``ModelFailed``."""
        try:
            return outputs_in(self.pool.ask(question_frame(inputs, wanted)), wanted)
        except WorkerTooSlow:
            raise
        except (WorkerDied, NoWorker) as problem:
            raise unanswered(problem) from None


def facts_of(model: Model) -> dict[str, Any]:
    """All that the service asks of ``model`` besides its answers, as JSON has it."""
    signature = model.signature
    return {
        "inputs": [_as_json(spec) for spec in signature.inputs],
        "outputs": [_as_json(spec) for spec in signature.outputs],
        "by_tensor": signature.by_tensor,
        "label": model.label,
        "probabilities": model.probabilities,
        "classes": list(model.classes),
        "takes_missing": bool(model.takes_missing),
    }


def _as_json(spec: TensorSpec) -> dict[str, Any]:
    return {**asdict(spec), "holds": spec.holds.value if spec.holds is not None else None}


def _signature(facts: dict[str, Any]) -> Signature:
    inputs, outputs = (tuple(map(_tensor, facts[name])) for name in ("inputs", "outputs"))
    return Signature(inputs, outputs, by_tensor=facts["by_tensor"] is True)


def _tensor(found: dict[str, Any]) -> TensorSpec:
    """Raises ``LookupError``, ``TypeError`` and ``ValueError`` for what is no tensor's."""
    if found.keys() != {each.name for each in fields(TensorSpec)} or found["datatype"] not in NUMPY_TYPES:
        raise ValueError
    return TensorSpec(
        name=str(found["name"]),
        datatype=found["datatype"],
        shape=tuple(map(int, found["shape"])),
        columns=tuple(map(str, found["columns"])),
        any_rank=found["any_rank"] is True,
        holds=None if found["holds"] is None else Holds(found["holds"]),
        may_be_missing=tuple(each is True for each in found["may_be_missing"]),
        levels=tuple(map(str, found["levels"])),
        any_type=found["any_type"] is True,
    )

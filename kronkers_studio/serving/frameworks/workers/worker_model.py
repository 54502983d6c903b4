"""Models of R and Julia, run by R or Julia itself in a process beside the service, which checks what goes in and knows
what comes out."""

from __future__ import annotations

import shutil
from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from kronkers_studio.serving.frameworks.workers.worker_frames import (
    RowsRefused,
    WorkerFailed,
    answers_in,
    rows_frame,
    setup_frame,
)
from kronkers_studio.serving.frameworks.workers.worker_pool import NoWorker, WorkerPool
from kronkers_studio.serving.frameworks.workers.worker_problems import started, unanswered
from kronkers_studio.serving.frameworks.workers.worker_process import WorkerDied, WorkerProcess, WorkerTooSlow
from kronkers_studio.serving.inputs.table_inputs import counting_truth
from kronkers_studio.serving.manifest import Manifest
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal, shown
from kronkers_studio.serving.signature import Signature, blank_row

_Array = np.ndarray[Any, Any]
_KINDS = {"BYTES": "text", "BOOL": "truth"}
_PROGRAMS = Path(__file__).parent


def worker_model(manifest: Manifest, threads: int, workers: int) -> WorkerModel:
    """The manifest's model in processes of its own language, at most ``workers``, whose ``threads`` are theirs
    together. Raises ``CannotStart``."""
    share = max(1, threads // workers)
    model = _r_model if manifest.framework == "r" else _julia_model
    return model(manifest, share, workers)


def _r_model(manifest: Manifest, threads: int, workers: int) -> WorkerModel:
    program = shutil.which("Rscript")
    if program is None:
        raise CannotStart("The image holds no R: package the model again, on a base image that has it.")
    command = (program, "--vanilla", str(_PROGRAMS / "predict.R"), str(manifest.file), *manifest.packages)
    environment = {"LC_ALL": "C.UTF-8", "R_DEFAULT_PACKAGES": "stats,splines,utils,methods"}
    return WorkerModel(command, environment, manifest.signature, threads, workers)


def _julia_model(manifest: Manifest, threads: int, workers: int) -> WorkerModel:
    program = shutil.which("julia")
    if program is None:
        raise CannotStart("The image holds no Julia: package the model again, on a base image that has it.")
    code = next((manifest.weights_folder / name for name in manifest.weights), None)
    if code is None:
        raise CannotStart("The package lacks the code that answers with the object: package the model again.")
    classes = manifest.signature.outputs[1].columns if len(manifest.signature.outputs) > 1 else ()
    command = (program, "--startup-file=no", str(_PROGRAMS / "predict.jl"), str(manifest.file), str(code), *classes)
    environment = {"JULIA_NUM_THREADS": str(threads)}
    return WorkerModel(command, environment, manifest.signature, threads, workers)


class WorkerModel:
    """A model behind pipes: ``workers`` processes of ``threads`` threads each, which have ``seconds`` for an answer.
    Missing values are given to them as their language has them. The first is there when this is made; ``pool.grow``
    starts the others."""

    takes_missing = True

    def __init__(
        self,
        command: Sequence[str],
        environment: dict[str, str],
        signature: Signature,
        threads: int,
        workers: int = 1,
        seconds: float = 120.0,
    ) -> None:
        self.signature = counting_truth(signature)
        self.label = signature.outputs[0].name
        self.probabilities = signature.outputs[1].name if len(signature.outputs) > 1 else ""
        self.classes = signature.outputs[1].columns if self.probabilities else ()
        self._names, kinds, self._levels = _columns(signature)
        self._known = [frozenset(levels) for levels in self._levels]
        setup = setup_frame(self._names, kinds, self._levels, threads)
        self.pool = WorkerPool(partial(WorkerProcess, command, environment, setup, seconds=seconds), workers)
        with started(self.pool):
            self._require_agreement()

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``. A worker that ends, or none that is free, is 503: another one answers in a moment."""
        try:
            return self._asked(inputs, wanted)
        except WorkerTooSlow:
            raise
        except (WorkerDied, NoWorker) as problem:
            raise unanswered(problem) from None

    def _asked(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        columns = self._checked(_split(inputs))
        try:
            answers = answers_in(self.pool.ask(rows_frame(columns)))
        except RowsRefused as refusal:
            raise Refusal(str(refusal), status=422) from None
        return {name: self._fitting(name, answers, len(columns[0])) for name in wanted}

    def _checked(self, columns: list[_Array]) -> list[_Array]:
        """Raises ``Refusal`` for a text that the model never saw, and one that its language has no word for."""
        for name, known, column in zip(self._names, self._known, columns, strict=True):
            if not column.dtype.hasobject:
                continue
            for row, value in enumerate(column.tolist(), 1):
                if not isinstance(value, str) or (known and value in known):
                    continue
                if known:
                    raise Refusal(
                        f"Row {row}: the field {shown(name)} holds {shown(value)}, which the model never saw; "
                        f"it knows {_listed(sorted(known))}.",
                        status=422,
                        field=name,
                        row=row,
                    )
                if "\0" in value:
                    raise Refusal(f"Row {row}: the field {shown(name)} holds a sign that is none.", field=name, row=row)
        return columns

    def _fitting(self, name: str, answers: Any, rows: int) -> _Array:
        spec = next(spec for spec in self.signature.outputs if spec.name == name)
        array, names = answers[name] if name in answers else (np.empty(0), ())
        if array.shape != (rows, *spec.shape[1:]) or names != spec.columns:
            raise WorkerFailed(f"the model gives its {name} the shape {list(array.shape)}, and not for each row")
        return np.asarray(array)

    def _require_agreement(self) -> None:
        """Try one row: the package must have told what the model is."""
        row = blank_row(self.signature.inputs)
        for spec, levels in zip(self.signature.inputs, self._levels, strict=False):
            if levels:
                row[spec.name] = np.full((1, 1), levels[0], dtype=object)
        try:
            self._asked(row, [spec.name for spec in self.signature.outputs])
        except Refusal:  # of zeros, where the formula makes a factor of numbers
            return


def _columns(signature: Signature) -> tuple[list[str], list[str], list[tuple[str, ...]]]:
    """Names, kinds and levels of what a row holds, in the signature's order."""
    if len(signature.inputs) == 1 and signature.inputs[0].columns:
        (table,) = signature.inputs
        count = len(table.columns)
        return list(table.columns), [_KINDS.get(table.datatype, "number")] * count, [table.levels] * count
    return (
        [spec.name for spec in signature.inputs],
        [_KINDS.get(spec.datatype, "number") for spec in signature.inputs],
        [spec.levels for spec in signature.inputs],
    )


def _split(inputs: Arrays) -> list[_Array]:
    """One array for each column."""
    arrays = list(inputs.values())
    if len(arrays) == 1 and arrays[0].ndim == 2:
        return [arrays[0][:, place] for place in range(arrays[0].shape[1])]
    return [array.reshape(-1) for array in arrays]


def _listed(known: Sequence[str]) -> str:
    named = ", ".join(shown(each) for each in known[:10])
    return named + (f" and {len(known) - 10} others" if len(known) > 10 else "")

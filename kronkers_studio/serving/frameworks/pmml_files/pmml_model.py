"""The model of a PMML document, asked for rows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, BinaryIO

import numpy as np

from kronkers_studio.estimators.columns import Holds
from kronkers_studio.pmml.columns import Kind
from kronkers_studio.pmml.evaluator import Evaluator
from kronkers_studio.pmml.problems import InvalidRow, Unevaluated
from kronkers_studio.serving.model import Arrays
from kronkers_studio.serving.problems import CannotStart, Refusal, shown
from kronkers_studio.serving.signature import Signature, TensorSpec

_Array = np.ndarray[Any, Any]


class PmmlModel:
    """The model in ``stream``, which must be the one of which the package says ``declared``. Where a field may be
    missing, null stands for that."""

    takes_missing = True

    def __init__(self, stream: BinaryIO, declared: Signature) -> None:
        try:
            self._evaluator = Evaluator(stream)
        except Unevaluated as reason:
            raise CannotStart(f"The PMML document cannot be evaluated: {reason}.") from None
        inputs, outputs = self._evaluator.inputs, self._evaluator.outputs
        said = [[spec.name for spec in specs] for specs in (declared.inputs, declared.outputs)]
        if said != [[field.name for field in inputs], [value.name for value in outputs]]:
            raise CannotStart("The PMML document takes and gives other fields than its package says.")
        self.signature = Signature(
            tuple(_as_sent(spec, field.may_be_missing) for spec, field in zip(declared.inputs, inputs, strict=True)),
            declared.outputs,
        )
        self.label = outputs[0].name
        probable = outputs[1] if len(outputs) > 1 and outputs[1].columns else None
        self.probabilities = probable.name if probable else ""
        self.classes = probable.columns if probable else ()

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, _Array]:
        """See ``Model.run``. Raises ``Refusal`` for values that the document's schema refuses."""
        columns = {}
        for field in self._evaluator.inputs:
            values = inputs[field.name].reshape(-1)
            columns[field.name] = _texts(values) if field.kind is Kind.TEXT else values
        rows = len(next(iter(columns.values())))
        try:
            found = self._evaluator.answer(columns, rows)
        except InvalidRow as problem:
            row = problem.row + 1
            named = (
                f"Row {row}: the field {shown(problem.field)} {problem.reason}"
                if problem.field
                else (f"Row {row}: {problem.reason}")
            )
            raise Refusal(named.rstrip(".") + ".", status=422, field=problem.field or None, row=row) from None
        return {name: values for name, values in found.items() if name in wanted}


def _as_sent(spec: TensorSpec, may_be_missing: bool) -> TensorSpec:
    """Texts may be sent as whole numbers, numbers as true and false."""
    holds = Holds.CATEGORIES if spec.datatype == "BYTES" else Holds.NUMBERS
    return replace(spec, holds=holds, may_be_missing=(may_be_missing,))


def _texts(values: _Array) -> _Array:
    """Texts with None for what is missing."""
    found = np.empty(len(values), dtype=object)
    found[:] = [value if isinstance(value, str) else None for value in values.tolist()]
    return found

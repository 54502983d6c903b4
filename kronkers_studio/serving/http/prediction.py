"""``POST /predict``: rows as JSON, CSV or Arrow in, the same out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from kronkers_studio.serving.answer_columns import answer_columns, class_names, plain_label
from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.http.answers import Answer, json_answer
from kronkers_studio.serving.http.bodies import (
    ARROW,
    ARROW_FILE,
    CSV,
    ROWS,
    SAMPLED,
    Receive,
    Scope,
    check_type,
    header,
    parse_json,
    read_body,
)
from kronkers_studio.serving.inputs.arrow_answers import arrow_of
from kronkers_studio.serving.inputs.arrow_rows import rows_of_arrow
from kronkers_studio.serving.inputs.csv_rows import csv_of, rows_of_csv
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.manifest import Manifest
from kronkers_studio.serving.metrics.feature_counts import kept
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.problems import Refusal, shown
from kronkers_studio.serving.recording.documents import AnsweredRows

_ARROW_HEADERS = ((b"content-type", ARROW.encode()),)
_CSV_HEADERS = ((b"content-type", b"text/csv; charset=utf-8; header=present"),)


class Prediction:
    """Answers {"rows": […]} with {"model", "version", "outputs", "probabilities"?}: one output per row.

    Rows of CSV and Arrow (by the Content-Type) are taken too; ``Accept`` of CSV or of an Arrow stream gets a column of
    outputs, and one of each class's probability.
    """

    def __init__(
        self,
        manifest: Manifest,
        model: Model,
        runner: Runner,
        *,
        most_rows: int,
        most_bytes: int,
        counted: bool = False,
    ) -> None:
        """With ``counted``, what goes in is handed on with each answer."""
        self._counted = counted
        self._head = {"model": manifest.name, "version": manifest.version}
        self._model = model
        self._runner = runner
        self._no_rows = model.signature.no_rows
        self.most_rows = most_rows = 1 if model.signature.one_row else most_rows
        self.reader = RowReader(model.signature, takes_missing=model.takes_missing, most_rows=most_rows)
        self._most_bytes = most_bytes
        self._wanted = tuple(filter(None, (model.label, model.probabilities)))

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The answer to one request. Raises ``Refusal``, and whatever the model raises."""
        kind = check_type(scope, others=(CSV, ARROW, ARROW_FILE))
        if self._no_rows:
            raise Refusal(
                f"This model takes no rows: {self._no_rows}. "
                f"Send whole tensors to /v2/models/{self._head['model']}/infer.",
                status=422,
            )
        body = await read_body(scope, receive, self._most_bytes)
        inputs, rows = self.reader.read(self._rows(scope, kind, body))
        scope[ROWS] = rows
        sampled = SAMPLED in scope
        counted = kept(inputs) if self._counted or sampled else None
        outputs = await self._runner.run(inputs, self._wanted, rows)
        label = outputs[self._model.label]
        if not label.ndim or len(label) != rows:
            raise Refusal(
                "This model gives no answer for each row: send whole tensors to its infer address.", status=422
            )
        recorded = AnsweredRows(counted, kept(outputs), rows, len(body)) if sampled and counted is not None else None
        answer = self._written(header(scope, b"accept") or "", outputs)
        return replace(answer, rows=rows, label=label, inputs=counted, recorded=recorded)

    def _written(self, accepted: str, outputs: dict[str, np.ndarray[Any, Any]]) -> Answer:
        wanted = accepted.partition(";")[0].strip().lower()
        if wanted == CSV:
            names, columns = answer_columns(self._model, outputs)
            return Answer(csv_of(names, [column.tolist() for column in columns]), headers=_CSV_HEADERS)
        if wanted == ARROW:
            return Answer(arrow_of(*answer_columns(self._model, outputs)), headers=_ARROW_HEADERS)
        return json_answer(self._content(outputs))

    def _rows(self, scope: Scope, kind: str, body: bytes) -> Any:
        if kind == CSV:
            return self._rows_of_csv(scope, body)
        if kind in (ARROW, ARROW_FILE):
            return rows_of_arrow(body, self.reader, most_rows=self.most_rows, most_bytes=self._most_bytes)
        return _rows_of_json(body)

    def _rows_of_csv(self, scope: Scope, body: bytes) -> list[Any]:
        parameters = (header(scope, b"content-type") or "").lower().replace(" ", "").split(";")[1:]
        told = {"header=present": True, "header=absent": False}
        has_header = next((told[each] for each in parameters if each in told), None)
        return rows_of_csv(body, self.reader, has_header=has_header, most_rows=self.most_rows)

    def _content(self, outputs: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        content = {**self._head, "outputs": plain_label(outputs[self._model.label]).tolist()}
        if self._model.probabilities:
            matrix = outputs[self._model.probabilities].tolist()
            names = class_names(self._model, len(matrix[0]))
            content["probabilities"] = [dict(zip(names, row, strict=True)) for row in matrix]
        return content


def _rows_of_json(body: bytes) -> Any:
    content = parse_json(body)
    if "rows" not in content:
        sent = f", not {', '.join(map(shown, list(content)[:3]))}" if content else ""
        raise Refusal(f"The body must have the field “rows”, a list of rows{sent}.", field="rows")
    return content["rows"]

"""``POST /predict``: rows of JSON in, plain JSON out."""

from __future__ import annotations

from typing import Any

import numpy as np

from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.http.answers import Answer, json_answer
from kronkers_studio.serving.http.bodies import Receive, Scope, check_type, parse_json, read_body
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.manifest import Manifest
from kronkers_studio.serving.model import Model
from kronkers_studio.serving.problems import Refusal, shown


class Prediction:
    """Answers {"rows": […]} with {"model", "version", "outputs", "probabilities"?}: one output per row."""

    def __init__(self, manifest: Manifest, model: Model, runner: Runner, *, most_rows: int, most_bytes: int) -> None:
        self._head = {"model": manifest.name, "version": manifest.version}
        self._model = model
        self._runner = runner
        self._no_rows = model.signature.no_rows
        most_rows = 1 if model.signature.one_row else most_rows
        self._reader = RowReader(model.signature, takes_missing=model.takes_missing, most_rows=most_rows)
        self._most_bytes = most_bytes
        self._wanted = tuple(filter(None, (model.label, model.probabilities)))

    async def answer(self, scope: Scope, receive: Receive) -> Answer:
        """The answer to one request. Raises ``Refusal``, and whatever the model raises."""
        check_type(scope)
        if self._no_rows:
            raise Refusal(
                f"This model takes no rows: {self._no_rows}. "
                f"Send whole tensors to /v2/models/{self._head['model']}/infer.",
                status=422,
            )
        content = parse_json(await read_body(scope, receive, self._most_bytes))
        if "rows" not in content:
            sent = f", not {', '.join(map(shown, list(content)[:3]))}" if content else ""
            raise Refusal(f"The body must have the field “rows”, a list of rows{sent}.", field="rows")
        inputs, rows = self._reader.read(content["rows"])
        outputs = await self._runner.run(inputs, self._wanted, rows)
        label = outputs[self._model.label]
        if not label.ndim or len(label) != rows:
            raise Refusal(
                "This model gives no answer for each row: send whole tensors to its infer address.", status=422
            )
        return json_answer(self._content(outputs), rows=rows, label=label)

    def _content(self, outputs: dict[str, np.ndarray[Any, Any]]) -> dict[str, Any]:
        label = outputs[self._model.label]
        if label.ndim == 2 and label.shape[1] == 1:
            label = label[:, 0]  # one value per row, as some exports of regressors wrap it
        content = {**self._head, "outputs": label.tolist()}
        if self._model.probabilities:
            matrix = outputs[self._model.probabilities].tolist()
            names = self._model.classes or tuple(map(str, range(len(matrix[0]))))
            content["probabilities"] = [dict(zip(names, row, strict=True)) for row in matrix]
        return content

"""What a service that is tested answers to rows."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kronkers_studio.domain.errors import PredictionFailed
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.workflows.model_test_runs.findings import Unmeasurable
from kronkers_studio.workflows.model_test_runs.holdouts import Answers
from kronkers_studio.workflows.model_test_runs.private_service import PrivateService
from kronkers_studio.workflows.prediction_answers import read_prediction
from kronkers_studio.workflows.prediction_requests import RawAnswer, row_parts, send_rows

_MOST_TENSORS = 10_000
_MOST_METADATA_BYTES = 4_000_000


class AskedService:
    """Asks one service; ``sent`` is told after every request, how many rows."""

    def __init__(
        self, service: PrivateService, cancel: CancelToken, sent: Callable[[int], object] = lambda _rows: None
    ) -> None:
        self.service = service
        self._cancel = cancel
        self._sent = sent

    def answers(self, rows: Sequence[Any]) -> Answers:
        """The answers to ``rows``, sent in parts. Raises ``PredictionFailed``, which names the row among all of them,
        ``ServiceUnavailable``, ``Cancelled``."""
        outputs: list[Any] = []
        probabilities: list[Mapping[str, float]] = []
        for start, part in row_parts(rows, self.service.version.signature):
            raw = self.raw(part)
            try:
                found = read_prediction(
                    self.service.release, raw.status, raw.body, rows=len(part), milliseconds=raw.milliseconds
                )
            except PredictionFailed as problem:
                problem.row += start if problem.row else 0
                raise
            outputs += found.outputs
            probabilities += found.probabilities
        return Answers(outputs, probabilities if len(probabilities) == len(outputs) else ())

    def raw(self, rows: Sequence[Any]) -> RawAnswer:
        """What comes back for one request of ``rows``, whatever it is."""
        self._cancel.check()
        answer = send_rows(self.service.client, rows)
        self._sent(len(rows))
        return answer

    def inputs(self) -> dict[str, str]:
        """The columns that the service says that it takes, and their types: by their names, those of a table without
        names by their numbers from 1; any other tensor by its own name. Raises ``Unmeasurable``."""
        path = f"/v2/models/{self.service.version.name}"
        status, body = self.service.client.request("GET", path, most_bytes=_MOST_METADATA_BYTES)
        try:
            described: Any = json.loads(body) if status == 200 else None
            found: dict[str, str] = {}
            tensors = described["inputs"][:_MOST_TENSORS]
            for tensor in tensors:
                datatype = str(tensor["datatype"])
                columns = tensor.get("parameters", {}).get("columns") or _numbers(tensor["shape"], len(tensors))
                found.update((str(column), datatype) for column in (columns or [tensor["name"]])[:_MOST_TENSORS])
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise Unmeasurable("The service does not say what it takes.") from None
        return found


def _numbers(shape: Any, tensors: int) -> Sequence[int]:
    """The columns of the only tensor as test sets call them where they have no names; none where it is no table."""
    return range(1, 1 + max(0, int(shape[1]))) if tensors == 1 and len(shape) == 2 else ()

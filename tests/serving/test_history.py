"""What a real service tells of its last hours, and whose answers it counts."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.serving.metrics.answer_counts import ClassCounts, NumberCounts, counts_for
from kronkers_studio.serving.signature import Signature, TensorSpec
from tests.serving.model_folders import diabetes_regressor, running, save_joblib


def told(client: LoopbackClient, query: str = "") -> Any:
    status, body = client.request("GET", f"/history{query}")
    return json.loads(body) if status == 200 else (status, json.loads(body)["error"])


def test_the_history_and_the_metrics_are_of_one_run_and_clock(wine: LoopbackClient) -> None:
    _, page = wine.request("GET", "/metrics")
    lines = dict(line.rsplit(" ", 1) for line in page.decode().splitlines() if not line.startswith("#"))
    history = told(wine)
    assert lines[f'kronkers_run_info{{run="{history["run"]}"}}'] == "1.0"
    assert 0 <= history["uptime"] - float(lines["kronkers_process_uptime_seconds"]) < 60
    assert history["names"] == ["0", "1", "2"]
    assert told(wine, "?after=999999999999.999999")["intervals"] == []


@pytest.mark.parametrize(
    "query",
    ["?after=x", "?after=", "?after=-1", "?after=1e5", "?after=nan", "?before=1", "?after=1&after=2", "?after=%31"],
)
def test_a_question_that_is_none_is_refused_with_a_sentence(wine: LoopbackClient, query: str) -> None:
    assert told(wine, query) == (400, "The query must be after=SECONDS, the service's uptime up to which all is known.")


def test_numbers_are_counted_of_rows_and_tensors_alike(tmp_path: Path) -> None:
    columns = [f"c{number}" for number in range(10)]
    signature = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 10], "columns": columns}], "outputs": []}
    with running(save_joblib(tmp_path / "model", diabetes_regressor(), signature=signature)) as (port, _):
        client = LoopbackClient(port)
        json_type = {"Content-Type": "application/json"}
        rows = json.dumps({"rows": [[0.01 * number] * 10 for number in range(5)]}).encode()
        assert client.request("POST", "/predict", rows, json_type)[0] == 200
        tensor = {"name": "x", "datatype": "FP64", "shape": [3, 10], "data": [0.05] * 30}
        body = json.dumps({"inputs": [tensor]}).encode()
        assert client.request("POST", "/v2/models/wine/infer", body, json_type)[0] == 200
        assert client.request("POST", "/predict", b"{}", json_type)[0] == 400
        for _ in range(150):
            history = told(client)
            if history["intervals"]:
                break
            client.request("GET", "/v2/health/live")
            time.sleep(0.1)
        client.close()
    (first, *_) = history["intervals"]
    assert history["kind"] == "numbers"
    assert (first[2], first[3]) == ([2, 1, 0], 8)
    _power, others, *pairs = first[7]
    assert (sum(pairs[1::2]), others) == (8, 0)
    assert history["total"]["rows"] == 8


def model(datatype: str, shape: tuple[int, ...] = (-1,), classes: tuple[str, ...] = ()) -> Any:
    signature = Signature(outputs=(TensorSpec("label", datatype, shape),))
    return SimpleNamespace(signature=signature, label="label", classes=classes)


def test_free_text_is_never_counted_and_what_can_be_is() -> None:
    assert counts_for(model("BYTES")) is None
    assert counts_for(model("FP64", (-1, 3))) is None
    assert isinstance(counts_for(model("BYTES", classes=("no", "yes"))), ClassCounts)
    assert isinstance(counts_for(model("INT64")), NumberCounts)
    flags = counts_for(model("BOOL"))
    assert flags is not None
    flags.add(np.array([True, False, True]))
    assert flags.take() == [0, 1, 1, 2]


def test_several_answers_for_a_row_are_not_counted() -> None:
    for counts in (ClassCounts(("0", "1")), NumberCounts()):
        counts.add(np.zeros((4, 2)))
        assert counts.take() == []
        counts.add(np.zeros((4, 1)))
        assert counts.take() != []

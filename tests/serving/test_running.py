"""The process: metrics, logs, saturation, stopping."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from kronkers_studio.deployment.service_client import LoopbackClient
from tests.serving.model_folders import running, wine_folder, wine_rows, write_folder

_HANGS = 60  # seconds: it would not end at all

SLOW = """
import time
from sklearn.base import BaseEstimator

class Slow(BaseEstimator):
    n_features_in_ = 1
    def predict(self, rows):
        if rows[0, 0] < 0:
            raise ValueError("secret-4711 is not welcome")
        time.sleep(float(rows[0, 0]))
        return rows[:, 0]
"""


def slow_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A model that takes as many seconds as its only column says, and raises for negative ones."""
    folder.mkdir()
    (folder / "slow_model.py").write_text(SLOW, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    code = "import pickle, slow_model; pickle.dump(slow_model.Slow(), open('model.pkl', 'wb'))"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True)
    return write_folder(folder, folder / "model.pkl", file_format="pickle", allowed_globals=["slow_model.Slow"])


def ask(port: int, rows: list[Any]) -> tuple[int, Any]:
    client = LoopbackClient(port)
    sent = json.dumps({"rows": rows}).encode()
    status, body = client.request("POST", "/predict", sent, {"Content-Type": "application/json"}, timeout=_HANGS)
    client.close()
    return status, json.loads(body)


def metrics_of(port: int) -> dict[tuple[str, ...], float]:
    client = LoopbackClient(port)
    _, text = client.request("GET", "/metrics")
    client.close()
    families = text_string_to_metric_families(text.decode())
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in families
        for sample in family.samples
    }


def test_metrics_count_answers_rows_and_seconds(tmp_path: Path) -> None:
    with running(wine_folder(tmp_path / "model")) as (port, process):
        for _ in range(3):
            ask(port, wine_rows(2))
        ask(port, [])
        found = metrics_of(port)
        assert found["kronkers_requests_total", "200", "/predict"] == 3
        assert found["kronkers_requests_total", "400", "/predict"] == 1
        assert found["kronkers_rows_total",] == 6
        assert found["kronkers_request_seconds_count",] == 4
        assert found["kronkers_requests_in_flight",] == 0
        assert found["kronkers_model_info", "scikit-learn", "wine", "3"] == 1
        assert found["kronkers_process_memory_bytes",] > 20e6
        assert found["kronkers_process_cpu_seconds_total",] > 0
        assert abs(found["kronkers_process_start_time_seconds",] - time.time()) < 60
        assert process.poll() is None


def test_a_model_that_raises_is_a_500_with_its_reason_and_the_log_keeps_rows_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(slow_folder(tmp_path / "model", monkeypatch), output=subprocess.PIPE) as (port, process):
        status, answer = ask(port, [[-1]])
        assert ask(port, [[0]])[0] == 200, "the service goes on"
        process.terminate()
        _, log = process.communicate(timeout=_HANGS)
    assert (status, answer["error"]) == (
        500,
        "The model failed on these rows: ValueError: secret-4711 is not welcome",
    )
    lines = [json.loads(line) for line in log.decode().splitlines()]
    failure = next(line for line in lines if line["message"] == "the model failed")
    assert (failure["error"], failure["level"]) == ("ValueError", "error")
    assert "slow_model.py" in failure["place"]
    assert b"4711" not in log


def test_sigterm_finishes_what_is_in_flight_and_takes_nothing_new(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with running(slow_folder(tmp_path / "model", monkeypatch)) as (port, process):
        answers: list[tuple[int, Any]] = []
        asking = threading.Thread(target=lambda: answers.append(ask(port, [[1.5]])))
        asking.start()
        _wait_for(lambda: metrics_of(port)["kronkers_requests_in_flight",] == 1)
        process.send_signal(signal.SIGTERM)
        asking.join()
        assert answers[0][0] == 200
        assert process.wait(timeout=_HANGS) == 0
        assert not (tmp_path / "model" / "ready.json").exists()


def test_more_than_it_can_hold_is_refused_with_a_time_to_come_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import http.client

    with running(slow_folder(tmp_path / "model", monkeypatch), "--most-waiting", "2") as (port, _):
        asking = [threading.Thread(target=ask, args=(port, [[1.0]])) for _ in range(2)]
        for thread in asking:
            thread.start()
        _wait_for(lambda: metrics_of(port)["kronkers_requests_in_flight",] == 2)
        connection = http.client.HTTPConnection("127.0.0.1", port)
        connection.request("POST", "/predict", b'{"rows": [[0]]}', {"Content-Type": "application/json"})
        response = connection.getresponse()
        assert (response.status, response.headers["Retry-After"]) == (429, "1")
        assert "busy" in json.loads(response.read())["error"]
        connection.close()
        for thread in asking:
            thread.join()
        assert ask(port, [[0]])[0] == 200


def test_garbage_instead_of_http_does_not_stop_it(tmp_path: Path) -> None:
    import socket

    with running(wine_folder(tmp_path / "model")) as (port, process):
        for garbage in (
            b"\x00\xff\x16\x03\x01",
            b"GET / HTTP/9\r\n\r\n",
            b"POST /predict HTTP/1.1\r\nContent-Length: 99\r\n\r\nx",
        ):
            with socket.create_connection(("127.0.0.1", port)) as stream:
                stream.sendall(garbage)
        assert ask(port, wine_rows())[0] == 200
        assert process.poll() is None


def test_a_stop_file_stops_it_in_order(tmp_path: Path) -> None:
    stop = tmp_path / "stop"
    with running(wine_folder(tmp_path / "model"), "--stop-file", str(stop)) as (_, process):
        stop.touch()
        assert process.wait(timeout=_HANGS) == 0


def test_the_log_file_stays_within_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import logging

    from kronkers_studio.serving import logs

    monkeypatch.setattr(logs, "_MOST_BYTES", 2000)
    monkeypatch.setattr(logging.root, "handlers", [])
    level = logging.root.level
    logs.start_logging(tmp_path / "service.log")
    try:
        for number in range(500):
            logging.getLogger("x").info("line %d", number)
    finally:
        for handler in logging.root.handlers:
            handler.close()
        logging.captureWarnings(False)
        logging.root.setLevel(level)
    sizes = [file.stat().st_size for file in tmp_path.iterdir()]
    assert len(sizes) == 2
    assert max(sizes) <= 2000


def test_it_imports_only_its_own_framework(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from kronkers_studio.serving import server\n"
        "from kronkers_studio.serving.http import app\n"
        "from kronkers_studio.serving.manifest import read_manifest\n"
        "from kronkers_studio.serving.model_loader import load_model\n"
        f"load_model(read_manifest(Path({str(wine_folder(tmp_path / 'model'))!r})), 1)\n"
        "print([name for name in ('onnxruntime', 'onnx', 'PySide6', 'sqlalchemy') if name in sys.modules])\n"
        "rooms = ('kronkers_studio.serving', 'kronkers_studio.estimators')\n"
        "print([name for name in sys.modules if name.startswith('kronkers_studio.') and not name.startswith(rooms)])\n"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    assert found.stdout.split("\n")[:2] == ["[]", "[]"]


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)

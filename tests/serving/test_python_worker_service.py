"""A service whose model of Python is in processes of its own: it answers as it does in one process, and goes on when
the model crashes. When there are such processes, and when there are none."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import psutil
import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.serving import model_loader
from kronkers_studio.serving.frameworks.workers import worker_pool
from kronkers_studio.serving.frameworks.workers.python_workers import PythonWorkers
from kronkers_studio.serving.frameworks.workers.worker_model import WorkerModel
from kronkers_studio.serving.frameworks.workers.worker_process import WorkerNotStarted, WorkerProcess
from kronkers_studio.serving.manifest import Manifest, read_manifest
from kronkers_studio.serving.model_loader import holds_lock, load_model
from tests.serving.load import Outcome, ask_until, request
from tests.serving.model_folders import (
    refused_start,
    running,
    wine_folder,
    wine_rows,
    write_folder,
)
from tests.serving.own_models import CRASH, EXIT, FAIL, PRINT, told_folder
from tests.serving.test_python_workers import KINDS

_HANGS = 60.0
_KILLS = 5
_JSON = {"Content-Type": "application/json"}


def _workers(process: int) -> list[psutil.Process]:
    return [child for child in psutil.Process(process).children() if child.status() != psutil.STATUS_ZOMBIE]


def _asked(
    port: int, path: str, body: bytes, headers: Mapping[str, str] = _JSON, method: str = "POST"
) -> tuple[int, bytes]:
    client = LoopbackClient(port)
    status, answer = client.request(method, path, body, headers, timeout=_HANGS)
    client.close()
    return status, answer


def _told(port: int, *rows: tuple[float, float]) -> tuple[int, bytes]:
    return _asked(port, "/predict", json.dumps({"rows": rows}).encode())


def _lines(log: Path) -> list[str]:
    return log.read_text(encoding="utf-8").splitlines()


def _until_ready(port: int) -> None:
    deadline = time.monotonic() + _HANGS
    while _asked(port, "/v2/health/ready", b"", method="GET")[0] != 200:
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture
def told(tmp_path: Path) -> Path:
    return told_folder(tmp_path / "model")


# the same service
_TENSORS = [
    {"name": "x0", "datatype": "BYTES", "shape": [2], "data": ["Wien", "Graz"]},
    {"name": "x1", "datatype": "FP64", "shape": [2, 1], "data": [66, 20.5]},
]
_REQUESTS: dict[str, list[tuple[str, bytes, dict[str, str]]]] = {
    "numbers": [
        ("/predict", json.dumps({"rows": wine_rows(40)}).encode(), _JSON),
        ("/predict", json.dumps({"rows": [{**wine_rows()[0], "ash": "much"}]}).encode(), _JSON),
        ("/predict", b"\n".join([b"1,2,3,4,5,6,7,8,9,10,11,12,13"] * 3), {"Content-Type": "text/csv"}),
        ("/predict", b"{", _JSON),
    ],
    "numbers and words": [
        ("/predict", b'{"rows": [{"x0": "Wien", "x1": 66}, {"x0": "Graz", "x1": 21.5}]}', _JSON),
        ("/predict", b'{"rows": [["Rome", 1]]}', _JSON),
        ("/predict", b"x0,x1\nWien,7\n", {"Content-Type": "text/csv", "Accept": "text/csv"}),
        ("/v2/models/wine/infer", json.dumps({"id": "7", "inputs": _TENSORS}).encode(), _JSON),
    ],
    "missing values": [
        ("/predict", json.dumps({"rows": [[None] * 13, [1.5] * 13]}).encode(), _JSON),
        ("/predict", b'{"rows": [[1]]}', _JSON),
    ],
}


@pytest.mark.parametrize("kind", _REQUESTS)
def test_every_answer_is_the_same_to_the_byte(kind: str, tmp_path: Path) -> None:
    folder = KINDS[kind](tmp_path / "model")
    answers = []
    for workers in ("0", "2"):
        with running(folder, "--workers", workers) as (port, _):
            asked = [_asked(port, path, body, headers) for path, body, headers in _REQUESTS[kind]]
            asked += [_asked(port, path, b"", {}, "GET") for path in ("/openapi.json", "/v2/models/wine")]
            answers.append(asked)
    assert answers[0] == answers[1]
    assert len({status for status, _ in answers[0]}) > 1


# the model's faults are its own
@pytest.mark.parametrize("order", [CRASH, EXIT], ids=["crash", "exit"])
def test_a_model_that_crashes_does_not_take_its_service_with_it(told: Path, order: float) -> None:
    """Seen to fail with the model in the service's own process, which ends."""
    with running(told, "--workers", "1") as (port, process):
        (worker,) = _workers(process.pid)
        status, said = _told(port, (order, 0.0))
        assert (status, json.loads(said)["error"][:43]) == (503, "The model's own program did not answer: it ")
        assert process.poll() is None
        _until_ready(port)
        assert _told(port, (0.0, 0.0))[0] == 200
        (other,) = _workers(process.pid)
        assert other.pid != worker.pid


def test_what_the_model_raises_is_told_as_from_the_services_own_process(told: Path, tmp_path: Path) -> None:
    answers = []
    for workers in ("0", "1"):
        log = tmp_path / f"log{workers}"
        with log.open("wb") as output, running(told, "--workers", workers, output=output) as (port, _):
            answers.append(_told(port, (FAIL, 0.0)))
        (line,) = [json.loads(line) for line in _lines(log) if "the model failed" in line]
        assert (line["error"], Path(line["place"].rpartition(":")[0]).name) == ("KeyError", "told.py")
    assert answers[0] == answers[1]
    assert (answers[0][0], b"KeyError: 'no such row'" in answers[0][1]) == (500, True)


def test_what_the_model_prints_is_in_the_services_log_and_no_answer(told: Path, tmp_path: Path) -> None:
    """Seen to fail with a worker that answers on its standard output."""
    log = tmp_path / "log"
    with log.open("wb") as output, running(told, "--workers", "1", output=output) as (port, process):
        assert _told(port, (PRINT, 0.0))[0] == 200
        assert _told(port, (0.0, 0.0))[0] == 200
        process.terminate()
        process.wait(timeout=_HANGS)
    printed = [line for line in _lines(log) if not line.startswith("{")]
    assert printed[:3] == ["printed past Python", "printed by the model", "''"]


async def _killed_under_load(port: int, process: int) -> Outcome:
    outcome, done = Outcome(), False
    sent = request(json.dumps({"rows": [[0.0, 1.0]]}).encode())
    clients = [asyncio.ensure_future(ask_until(lambda: done, port, sent, outcome)) for _ in range(16)]
    spared = _workers(process)[0].pid
    for _ in range(_KILLS):
        await asyncio.sleep(1)
        deadline = time.monotonic() + _HANGS
        while not (victims := [each for each in _workers(process) if each.pid != spared]):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.05)
        victims[0].send_signal(signal.SIGKILL)
    done = True
    await asyncio.wait_for(asyncio.gather(*clients), _HANGS)
    return outcome


@pytest.mark.skipif(os.name == "nt", reason="signals are not sent there")
def test_what_is_killed_under_load_costs_at_most_what_it_was_asked(told: Path) -> None:
    with running(told, "--workers", "2") as (port, process):
        outcome = asyncio.run(_killed_under_load(port, process.pid))
        _until_ready(port)
        assert process.poll() is None
    assert outcome.lost == []
    assert set(outcome.statuses) <= {200, 503}
    assert outcome.statuses[503] <= _KILLS, "the one request that each had"
    assert outcome.statuses[200] > 100


@pytest.mark.skipif(os.name == "nt", reason="signals are not sent there")
def test_a_stop_leaves_no_worker_and_an_end_neither(told: Path) -> None:
    for how in (signal.SIGTERM, signal.SIGKILL):
        with running(told, "--workers", "2") as (_, process):
            workers = _workers(process.pid)
            process.send_signal(how)
            process.wait(timeout=_HANGS)
            _, left = psutil.wait_procs(workers, timeout=_HANGS)
            assert (len(workers), left) == (2, [])


# when there are some
def test_a_model_that_lets_go_of_the_lock_is_in_the_services_own_process(tmp_path: Path) -> None:
    with running(wine_folder(tmp_path / "model")) as (_, process):
        assert _workers(process.pid) == []


@pytest.mark.parametrize("environment", [{}, {"KRONKERS_WORKERS": "2"}, {"KRONKERS_WORKERS": "0"}], ids=str)
def test_one_that_holds_it_has_a_process_for_each_processor_unless_told_otherwise(
    told: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    wanted = int(environment.get("KRONKERS_WORKERS", cores if cores > 1 else 0))
    with running(told) as (_, process):
        assert len(_workers(process.pid)) == wanted


def _loaded_with(folder: Path, threads: int) -> tuple[type, int]:
    model = load_model(read_manifest(folder), threads, None)
    if not isinstance(model, PythonWorkers):
        return type(model), 0
    model.pool.close()
    return PythonWorkers, model.pool.most


def test_which_models_are_in_processes_of_their_own_by_themselves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without the look at memory."""
    folder = KINDS["trees of PMML"](tmp_path / "pmml")
    assert _loaded_with(folder, 2) == (PythonWorkers, 2)
    assert _loaded_with(folder, 1)[1] == 0
    monkeypatch.setattr(worker_pool, "memory_left", lambda: 1 << 20)
    assert _loaded_with(folder, 2)[1] == 0
    monkeypatch.undo()

    def forbidden(_self: object) -> bytes:
        raise WorkerNotStarted("python cannot be started: Operation not permitted")

    monkeypatch.setattr(WorkerProcess, "start", forbidden)
    assert _loaded_with(folder, 2)[1] == 0


@pytest.mark.parametrize(
    ("framework", "file_format", "code", "holds"),
    [
        ("scikit-learn", "joblib", False, False),
        ("scikit-learn", "skops", True, True),
        ("xgboost", "pickle", True, True),
        ("pytorch", "safetensors", True, False),
        ("onnx", "onnx", False, False),
        ("pmml", "pmml", False, True),
    ],
)
def test_what_holds_pythons_lock(framework: str, file_format: str, code: bool, holds: bool, tmp_path: Path) -> None:
    file = tmp_path / "model.x"
    file.write_bytes(b"")
    files = [{"file": "own.py", "sha256": "0"}] if code else []
    folder = write_folder(tmp_path, file, framework=framework, file_format=file_format, code=files)
    assert holds_lock(read_manifest(folder)) is holds


def test_what_cannot_be_honoured_is_refused_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "model.rds"
    file.write_bytes(b"")
    folder = write_folder(tmp_path, file, framework="r", file_format="rds")
    assert refused_start(folder, "--workers", "0") == (
        "Models of R and Julia always run in processes of their own: ask for 1 or more of them, or for auto."
    )
    command = [sys.executable, "-m", "kronkers_studio.serving", "--model", str(folder), "--workers"]
    for wrong in ("-1", "65", "many"):
        ended = subprocess.run([*command, wrong], capture_output=True, check=False)
        assert (ended.returncode, b"--workers" in ended.stderr) == (2, True)


@pytest.mark.parametrize(("workers", "wanted"), [(None, 4), (3, 3)])
def test_r_and_julia_have_one_for_each_processor_unless_told_otherwise(
    workers: int | None, wanted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, int]] = []

    def made(_manifest: Manifest, threads: int, count: int) -> WorkerModel | None:
        asked.append((threads, count))
        return None

    monkeypatch.setattr("kronkers_studio.serving.frameworks.workers.worker_model.worker_model", made)
    file = tmp_path / "model.rds"
    file.write_bytes(b"")
    model_loader.load_model(read_manifest(write_folder(tmp_path, file, framework="r", file_format="rds")), 4, workers)
    assert asked == [(4, wanted)]

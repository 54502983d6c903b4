"""The model is asked before the service says that it is ready."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.domain.errors import ServiceUnavailable
from kronkers_studio.serving import warm_up as warming
from kronkers_studio.serving.execution import Runner
from kronkers_studio.serving.model import Arrays, Model
from kronkers_studio.serving.problems import Refusal
from kronkers_studio.serving.signature import Signature, TensorSpec
from kronkers_studio.serving.warm_up import warm_up
from tests.serving.model_folders import running, write_folder

_HANGS = 60  # seconds
_SECONDS_TO_MEET = 20


class _Noting:
    """Notes the rows and the thread of each call."""

    signature = Signature(
        (TensorSpec("age", "FP64", (-1, 1)), TensorSpec("town", "BYTES", (-1, 1), levels=("Graz", "Linz"))),
        (TensorSpec("y", "FP64", (-1,)),),
    )
    label, probabilities, classes, takes_missing = "y", "", (), False

    def __init__(self, failure: Exception | None = None, seconds: float = 0) -> None:
        self.failure = failure
        self.seconds = seconds
        self.calls: list[tuple[int, str, set[Any]]] = []

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        rows = len(inputs["age"])
        self.calls.append((rows, threading.current_thread().name, set(inputs["town"].ravel().tolist())))
        if self.failure is not None:
            raise self.failure
        time.sleep(self.seconds)
        return dict.fromkeys(wanted, np.zeros(rows))


def _warm(model: _Noting, *, threads: int = 3, quick: bool = True, seconds: float = _HANGS) -> bool:
    runner = Runner(cast(Model, model), threads=threads, most_waiting=8, quick=quick)
    try:
        return asyncio.run(warm_up(cast(Model, model), runner, seconds=seconds))
    finally:
        runner.close()


class _AtOnce(_Noting):
    """Answers to one row once ``threads`` of the pool ask at the same time."""

    def __init__(self, threads: int) -> None:
        super().__init__()
        self._together = threading.Barrier(threads)

    def run(self, inputs: Arrays, wanted: Collection[str]) -> dict[str, np.ndarray[Any, Any]]:
        if len(inputs["age"]) == 1 and threading.current_thread() is not threading.main_thread():
            self._together.wait(_SECONDS_TO_MEET)
        return super().run(inputs, wanted)


def test_every_thread_and_the_event_loop_have_answered_and_batches_of_all_sizes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail with calls that are made one after the other, and with none on the event loop."""
    monkeypatch.setattr(warming, "_QUICK_SECONDS", _HANGS)  # however busy this computer is
    model = _AtOnce(3)
    assert _warm(model)
    assert {rows for rows, _, _ in model.calls} == {1, 2, 4, 8, 16, 32, 64}
    of_one = {thread for rows, thread, _ in model.calls if rows == 1}
    assert len({thread for thread in of_one if thread.startswith("prediction")}) == 3
    assert threading.current_thread().name in of_one
    assert all(towns == {"Graz"} for _, _, towns in model.calls), "a text that the model knows"


def test_a_model_in_another_process_is_not_asked_on_the_event_loop() -> None:
    model = _Noting()
    assert _warm(model, quick=False)
    assert all(thread.startswith("prediction") for _, thread, _ in model.calls)


@pytest.mark.parametrize(
    ("failure", "said"), [(Refusal("no zeros here"), "no zeros here"), (ValueError("row 4711"), "ValueError")]
)
def test_rows_that_the_model_refuses_are_no_reason_not_to_start_but_are_logged(
    failure: Exception, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    assert not _warm(_Noting(failure))
    assert [record.__dict__["fields"]["reason"] for record in caplog.records] == [said]
    assert "4711" not in caplog.text


def test_a_slow_model_is_ready_without(caplog: pytest.LogCaptureFixture) -> None:
    model = _Noting(seconds=0.3)
    assert not _warm(model, threads=1, seconds=0.1)
    assert len(model.calls) == 1
    assert "takes longer than 0.1 seconds" in caplog.records[-1].__dict__["fields"]["reason"]


SLOW_AT_FIRST = """
import time
from sklearn.base import BaseEstimator

class SlowAtFirst(BaseEstimator):
    n_features_in_ = 1
    called = 0
    def predict(self, rows):
        self.called += 1
        if self.called == 2:  # the first is asked while it is loaded
            time.sleep(2)
        return rows[:, 0]
"""


def test_it_is_alive_but_not_ready_until_the_model_has_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with a service that is ready at once."""
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "slow_at_first.py").write_text(SLOW_AT_FIRST, encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(folder))
    code = "import pickle, slow_at_first as s; pickle.dump(s.SlowAtFirst(), open('model.pkl', 'wb'))"
    subprocess.run([sys.executable, "-c", code], cwd=folder, check=True, env={**os.environ})
    signature = {"inputs": [{"name": "input", "datatype": "FP64", "shape": [-1, 1]}], "outputs": []}
    write_folder(
        folder,
        folder / "model.pkl",
        file_format="pickle",
        allowed_globals=["slow_at_first.SlowAtFirst"],
        signature=signature,
    )
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    seen: list[tuple[int, Any]] = []

    def look_until_ready() -> None:
        while not seen or seen[-1][0] != 200:
            with suppress(ServiceUnavailable):  # it does not listen yet
                seen.append(_ready(port))
            time.sleep(0.05)

    looking = threading.Thread(target=look_until_ready, daemon=True)
    looking.start()
    with running(folder, "--port", str(port)):
        looking.join(_HANGS)
    assert seen[0] == (503, {"live": True, "ready": False, "reason": "The model is being made ready."})
    assert seen[-1] == (200, {"live": True, "ready": True})


def _ready(port: int) -> tuple[int, Any]:
    client = LoopbackClient(port)
    status, body = client.request("GET", "/v2/health/ready", timeout=_HANGS)
    client.close()
    return status, json.loads(body)

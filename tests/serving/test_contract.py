"""A service beside its own OpenAPI document: schemathesis makes requests of it, right ones and wrong ones. And beside
senders who follow no document at all."""

from __future__ import annotations

import asyncio
import json
import random
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.settings.paths import uv_program
from tests.pmml_models.test_answers import FILES
from tests.serving.load import Outcome, ask_each, ask_until, request
from tests.serving.model_folders import (
    adding_folder,
    gappy_classifier,
    mixed_classifier,
    running,
    save_joblib,
    wine_folder,
    wine_rows,
)
from tests.serving.test_worker_service import folder as worker_folder  # noqa: F401 — a fixture
from tests.tree_libraries.packages import package_of

pytestmark = pytest.mark.slow

_SCHEMATHESIS = "schemathesis==4.32.5"
_MOST_GROWTH = 32 << 20
_SETTINGS = """
[checks]
positive_data_acceptance.enabled = false
negative_data_rejection.expected-statuses = [400, 413, 415, 422]
"""
"""Not every request of the right form is taken: how many values a tensor of a shape has, no schema can say, nor which
lines are a table. Too many rows are 413."""


def _pmml_folder(folder: Path) -> Path:
    folder.mkdir()
    return package_of(Path(shutil.copy(FILES / "forest.pmml", folder)))


@pytest.mark.parametrize(
    "make",
    [
        wine_folder,
        adding_folder,
        lambda folder: save_joblib(folder, mixed_classifier()),
        lambda folder: save_joblib(folder, gappy_classifier()),
        _pmml_folder,
    ],
    ids=["numbers", "onnx", "numbers and words", "missing values", "pmml"],
)
def test_what_a_service_answers_is_what_its_document_says(make: Callable[[Path], Path], tmp_path: Path) -> None:
    _require_contract(make(tmp_path / "model"), tmp_path)


def _require_contract(folder: Path, tmp_path: Path, *options: str) -> None:
    settings = tmp_path / "schemathesis.toml"
    settings.write_text(_SETTINGS, encoding="utf-8")
    with running(folder, *options) as (port, _):
        client = LoopbackClient(port)
        before = _memory(client)
        done = subprocess.run(
            [
                *(str(uv_program()), "tool", "run", "--quiet", "--from", _SCHEMATHESIS, "st"),
                *("--config-file", str(settings), "run"),
                *(f"http://127.0.0.1:{port}/openapi.json", "--max-examples", "400", "--seed", "1"),
                *("--request-timeout", "20"),
            ],
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=tmp_path,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-6000:]
        assert _memory(client) - before < _MOST_GROWTH
        client.close()


def test_a_service_whose_model_is_another_process_keeps_to_its_document_too(
    worker_folder: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    _require_contract(worker_folder, tmp_path, "--workers", "2")


def test_ten_thousand_bodies_of_random_bytes_are_refused_and_leave_nothing_behind(tmp_path: Path) -> None:
    """Wholly random ones, and right ones with some bytes changed, over 64 connections."""
    chance = random.Random(1)
    rows = [list(row.values()) for row in wine_rows(3)]
    right = (
        ("/predict", "application/json", json.dumps({"rows": rows}).encode(), b""),
        ("/predict", "text/csv", "\n".join(",".join(map(str, row)) for row in rows).encode(), b""),
        ("/v2/models/wine/infer", "application/octet-stream", *_binary(rows)),
    )
    sent = [_changed(chance, *chance.choice(right)) for _ in range(10_000)]

    async def all_sent(port: int) -> Outcome:
        outcome, waiting = Outcome(), iter(sent)
        await asyncio.gather(*(ask_each(waiting, port, outcome) for _ in range(64)))
        return outcome

    with running(wine_folder(tmp_path / "model")) as (port, _):
        client = LoopbackClient(port)
        asyncio.run(all_sent(port))  # what the service keeps for good, it has then
        before = _memory(client)
        outcome = asyncio.run(all_sent(port))
        assert _memory(client) - before < _MOST_GROWTH
        client.close()
    assert outcome.lost == []
    assert outcome.statuses.total() == len(sent)
    assert set(outcome.statuses) <= {200, 400, 413, 415, 422, 429}, outcome.statuses


def test_slow_senders_hold_nobody_up(tmp_path: Path) -> None:
    """64 connections that send their bodies a byte at a time."""

    async def asked_beside_them(port: int) -> tuple[Outcome, float]:
        slow = [await asyncio.open_connection("127.0.0.1", port) for _ in range(64)]
        for _, writer in slow:
            writer.write(request(b"x" * 1000)[:-1000])
        outcome, began = Outcome(), time.monotonic()
        sent = request(json.dumps({"rows": wine_rows()}).encode())
        asking = asyncio.ensure_future(ask_until(lambda: outcome.statuses.total() >= 500, port, sent, outcome))
        while not asking.done():
            for _, writer in slow:
                writer.write(b"x")
            await asyncio.sleep(0.05)
        for _, writer in slow:
            writer.close()
        return outcome, time.monotonic() - began

    with running(wine_folder(tmp_path / "model")) as (port, _):
        outcome, seconds = asyncio.run(asked_beside_them(port))
        client = LoopbackClient(port)
        assert client.request("GET", "/v2/health/ready")[0] == 200
        client.close()
    assert (outcome.lost, set(outcome.statuses)) == ([], {200})
    assert seconds < 30, "the requests of the others take milliseconds"


def _binary(rows: list[list[float]]) -> tuple[bytes, bytes]:
    """A tensor as its JSON part and its binary data."""
    parameters = {"binary_data_size": 8 * 13 * len(rows)}
    entry = {"name": "input", "datatype": "FP64", "shape": [len(rows), 13], "parameters": parameters}
    return json.dumps({"inputs": [entry]}).encode(), np.array(rows).tobytes()


def _changed(chance: random.Random, path: str, kind: str, head: bytes, tail: bytes) -> bytes:
    """A request with nothing but random bytes, or with some of ``head`` and ``tail`` changed, dropped and doubled."""
    if chance.random() < 0.3:
        body = chance.randbytes(chance.randrange(2000))
    else:
        changed = bytearray(head + tail)
        for _ in range(chance.randrange(1, 6)):
            place = chance.randrange(len(changed))
            match chance.randrange(3):
                case 0:
                    changed[place] = chance.randrange(256)
                case 1:
                    del changed[place : place + chance.randrange(1, 20)]
                case _:
                    changed[place:place] = changed[place : place + chance.randrange(1, 20)]
            changed = changed or bytearray(b"{")
        body = bytes(changed)
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: localhost",
        f"Content-Type: {kind}",
        f"Content-Length: {len(body)}",
        *([f"Inference-Header-Content-Length: {len(head)}"] if tail else []),
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _memory(client: LoopbackClient) -> int:
    lines = client.request("GET", "/metrics")[1].decode().splitlines()
    return int(float(next(line for line in lines if line.startswith("kronkers_process_memory_bytes ")).split()[1]))

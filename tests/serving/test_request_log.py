"""A line for each request, and what it never says."""

from __future__ import annotations

import asyncio
import json
import logging
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.serving.http import request_log
from kronkers_studio.serving.http.request_log import RequestLog
from tests.serving.model_folders import running, wine_folder, wine_rows
from tests.serving.routes import built_routes

_HANGS = 60.0


def test_each_request_has_a_line_without_what_was_sent(tmp_path: Path) -> None:
    """Seen to fail with the path as it was asked."""
    with running(wine_folder(tmp_path / "model"), "--request-log", "1", output=subprocess.PIPE) as (port, process):
        client = LoopbackClient(port)
        body = json.dumps({"rows": wine_rows(2)}).encode()
        named = {"Content-Type": "application/json", "X-Request-Id": "a-17", "Authorization": "Bearer secret-4711"}
        answered = client.request("POST", "/predict", body, named)[1]
        client.request("POST", "/predict", b'{"rows": ["secret-4711"]}', {"Content-Type": "application/json"})
        client.request("GET", "/v2/models/secret-4711/versions/secret-4711/ready?secret-4711")
        client.request("GET", "/secret-4711")
        client.close()
        process.terminate()
        _, log = process.communicate(timeout=_HANGS)
    assert b"4711" not in log
    assert b"127.0.0.1" not in log
    lines = [line for line in map(json.loads, log.decode().splitlines()) if line["message"] == "request"]
    first = lines[0]
    assert 0 < first.pop("ms") < 60_000
    assert first.pop("time")
    assert first == {
        "level": "info",
        "message": "request",
        "request_id": "a-17",
        "method": "POST",
        "route": "/predict",
        "status": 200,
        "rows": 2,
        "bytes_in": len(body),
        "bytes_out": len(answered),
    }
    assert [(line["route"], line["status"]) for line in lines[1:]] == [
        ("/predict", 400),
        ("/v2/models/MODEL/ready", 404),
        ("another", 404),
    ]


def test_every_address_without_a_models_name_is_named() -> None:
    """Seen to fail without /statistics."""
    routes = built_routes()
    assert len(routes.exact) > 6
    assert {request_log._route(path) for path in routes.exact} == routes.exact.keys()
    assert all(request_log._route(f"/v2/models/a{ending}") != "another" for ending in routes.of_model)


def test_by_default_no_request_is_logged(tmp_path: Path) -> None:
    with running(wine_folder(tmp_path / "model"), output=subprocess.PIPE) as (port, process):
        client = LoopbackClient(port)
        client.request("GET", "/v2")
        client.close()
        process.terminate()
        _, log = process.communicate(timeout=_HANGS)
    assert b'"request"' not in log


async def _nothing(*_: Any) -> Any:
    return {"type": "http.request"}


def _asked(share: float, count: int) -> None:
    log = RequestLog(_nothing, share)
    scope = {"type": "http", "method": "GET", "path": "/v2"}

    async def ask() -> None:
        for _ in range(count):
            await log(scope, _nothing, _nothing)

    asyncio.run(ask())


def test_a_share_of_requests_is_logged(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(request_log, "_MOST_A_SECOND", 10_000)
    _asked(0.25, 2000)
    assert 400 < len(caplog.records) < 600


def test_many_requests_fill_no_log(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail without the bound."""
    caplog.set_level(logging.INFO)
    monkeypatch.setattr("kronkers_studio.serving.http.request_log.time.monotonic", lambda: 7.0)
    _asked(1.0, 1000)
    assert len(caplog.records) == 100

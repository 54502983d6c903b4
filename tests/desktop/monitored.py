"""A real workspace with a model that is live in a small real service, for the tests of charts and the Monitor page."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import PIPE
from typing import ClassVar

import numpy as np
import prometheus_client
import psutil

from kronkers_studio.deployment.proof import proof
from kronkers_studio.domain.changes import ModelRegistered, ReleaseRecorded
from kronkers_studio.domain.models import ContentRef, Framework, ModelFacts, ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.domain.series import Metric, SeriesKey
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.session import Session, create_workspace
from tests.release_numbers import next_release_number

MODEL = "churn-score"


class Service:
    """Answers at /metrics like a released model, which it proves to be once ``put_live`` told it which one.
    ``answering`` False makes it refuse; ``slow`` holds it back. ``process`` is what runs on this computer for it."""

    by_port: ClassVar[dict[int, Service]] = {}

    def __init__(self) -> None:
        self.release: tuple[bytes, str, int] | None = None  # its secret, model and version
        self.process = subprocess.Popen([sys.executable, "-c", "input()", "kronkers_studio.serving"], stdin=PIPE)
        self.answering = True
        self.may_answer = threading.Event()
        self.may_answer.set()
        self.scrapes = 0
        self.registry = own = prometheus_client.CollectorRegistry()
        self.requests = prometheus_client.Counter("kronkers_requests", "Requests", ["route", "code"], registry=own)
        self.seconds = prometheus_client.Histogram(
            "kronkers_request_seconds", "Seconds", buckets=(0.01, 0.02, 0.04, 0.08, 0.16), registry=own
        )
        prometheus_client.Counter("kronkers_process_cpu_seconds", "CPU", registry=own).inc(3)
        prometheus_client.Gauge("kronkers_process_memory_bytes", "Memory", registry=own).set(190e6)
        prometheus_client.Gauge("kronkers_requests_in_flight", "In flight", registry=own).set(1)
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                if self.path == "/v2/health/ready" and service.release is not None:
                    self.send_response(200)
                    challenge = self.headers.get("Kronkers-Challenge", "")
                    secret, model, version = service.release
                    self.send_header("Kronkers-Proof", proof(secret, challenge, model, version))
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                service.may_answer.wait(20)
                service.scrapes += 1
                for _ in range(85):
                    service.answer(0.03)
                body = prometheus_client.generate_latest(service.registry)
                self.send_response(200 if service.answering else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            def handle_error(self, *_: object) -> None:
                """Whoever asked did not wait for the answer."""

        self.server = Server(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self.thread.start()
        self.by_port[self.port] = self

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def answer(self, seconds: float, code: int = 200) -> None:
        self.requests.labels("predict", str(code)).inc()
        self.seconds.observe(seconds)

    def close(self) -> None:
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()
        self.process.communicate()


@contextmanager
def service() -> Iterator[Service]:
    made = Service()
    try:
        yield made
    finally:
        made.close()


def workspace(folder: Path) -> Session:
    """An empty workspace."""
    return create_workspace(folder, passphrase=Secret("correct horse battery"))[0]


def put_live(session: Session, port: int, *, version: int = 14, ago: timedelta = timedelta(hours=3)) -> Release:
    """Record that ``version`` of the model went live ``ago`` on this computer at ``port``."""
    now = datetime.now(UTC)
    answering = Service.by_port.get(port)
    process = os.getpid() if answering is None else answering.process.pid
    before = session.workspace.ledger.live_release(MODEL, THIS_COMPUTER)
    number = next_release_number(session.workspace.ledger, MODEL, THIS_COMPUTER)
    known = [model.version for model in session.workspace.ledger.model_versions(MODEL)] if before else []
    if version not in known:
        facts = ModelFacts(Framework.SKLEARN, "1.9.1", "joblib")
        source = ContentRef("Finance", "0" * 64, "model.joblib")
        session.workspace.ledger.record(
            ModelRegistered(ModelVersion(MODEL, version, source, facts, now - ago, "you")), author="you"
        )
    release = Release(
        model=MODEL,
        place=THIS_COMPUTER,
        number=number,
        version=version,
        package="sha256:" + "0" * 64,
        state=ReleaseState.LIVE,
        created=now - ago,
        changed=now - ago,
        author="you",
        endpoint={"port": port, "pid": process, "started": psutil.Process(process).create_time(), "nonce": "11" * 16},
        message="took over from r1" if before else "",
    )
    if answering is not None:
        answering.release = (session.release_secret(release), MODEL, version)
    changes = [ReleaseRecorded(release)]
    if before is not None:
        message = f"replaced by {release.label}"
        changes.append(
            ReleaseRecorded(replace(before, state=ReleaseState.STANDBY, changed=release.changed, message=message))
        )
    session.workspace.ledger.record(*changes, author="you")
    return release


def record_history(session: Session, hours: float = 6.0, step: float = 15.0, *, until: float | None = None) -> None:
    """Hours of plausible measurements up to ``until`` (now), with a pause of seven minutes in them."""
    end = datetime.now(UTC).timestamp() if until is None else until
    number = int(hours * 3600 / step)
    chance = np.random.default_rng(7)
    times = end - hours * 3600 + np.arange(number) * step
    wave = np.sin(np.arange(number) / number * 9)
    shapes = {
        Metric.REQUEST_RATE: 42 + 8 * wave + chance.normal(0, 1.5, number),
        Metric.ERROR_RATE: np.maximum(0, chance.normal(0.2, 0.2, number)),
        Metric.LATENCY_P50: chance.normal(12, 0.5, number),
        Metric.LATENCY_P95: chance.normal(31, 2.5, number),
        Metric.LATENCY_P99: chance.normal(48, 6, number),
        Metric.CPU: 24 + 4 * wave + chance.normal(0, 1.2, number),
        Metric.MEMORY: 190e6 + np.cumsum(chance.normal(0, 4e4, number)),
    }
    paused = (times > end - 7200) & (times < end - 7200 + 420)
    for metric, values in shapes.items():
        key = SeriesKey(MODEL, THIS_COMPUTER, metric)
        kept = zip(times[~paused].tolist(), np.round(values[~paused], 2).tolist(), strict=True)
        session.series.append((key, at, value) for at, value in kept)

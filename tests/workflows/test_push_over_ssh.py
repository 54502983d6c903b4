"""A registry on a server of the company's that is reached through its sshd, as a tunnel brings it to this computer."""

from __future__ import annotations

import contextlib
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import requests

from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import SAMPLE_FOLDER
from kronkers_studio.workflows.image_registries import trust_registry
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.packages import push_package
from kronkers_studio.workflows.session import Session
from tests.lab.servers import LabServer
from tests.packaging.registry_servers import free_port, make_certificate
from tests.workflows.test_signed_packages import MODEL, session

__all__ = ["session"]  # the fixture

PORT = 5443
BESIDE_THE_LAYER = 16 * 1024
"""Bytes: the manifest, the configuration, the referrers with their documents, the requests for all that, and TLS."""


@contextlib.contextmanager
def tunnel(server: LabServer, folder: Path) -> Iterator[tuple[str, Path]]:
    """A registry on ``server``, where a tunnel brings it; and the certificate that it has."""
    certificate, key = make_certificate(folder)
    config = folder / "config.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error}\n"
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}\n"
        f"http: {{addr: '127.0.0.1:{PORT}', tls: {{certificate: {certificate}, key: {key}}}}}\n",
        encoding="utf-8",
    )
    known, port = server.as_server(name="factory"), free_port()
    registry = subprocess.Popen(server.inside("docker-registry", "serve", str(config)), stderr=subprocess.DEVNULL)
    ssh = subprocess.Popen(
        [
            *("ssh", "-N", "-i", str(known.identity_file), "-p", str(known.port), "-o", "StrictHostKeyChecking=no"),
            *("-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ExitOnForwardFailure=yes"),
            *("-L", f"127.0.0.1:{port}:127.0.0.1:{PORT}", f"{known.user}@{known.host}"),
        ]
    )
    try:
        for _ in range(200):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"https://127.0.0.1:{port}/v2/", verify=str(certificate), timeout=5)
                break
            time.sleep(0.1)
        yield f"127.0.0.1:{port}", certificate
    finally:
        for process in (ssh, registry):
            process.terminate()
            process.wait(10)
        server.root("pkill -x docker-registry || true")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not below /tmp, of which each server has its own."""
    made = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="kronkers-registry-"))
    made.chmod(0o755)
    yield made
    shutil.rmtree(made)


class Counted(socketserver.BaseRequestHandler):
    """Passes a connection on to the tunnel, and counts what this computer sends into it."""

    def handle(self) -> None:
        server = cast("Counter", self.server)
        with socket.create_connection(("127.0.0.1", server.tunnel)) as onward:
            back = threading.Thread(target=self._pass, args=(onward, self.request), daemon=True)
            back.start()
            server.sent += self._pass(self.request, onward)
            back.join()

    def _pass(self, source: socket.socket, target: socket.socket) -> int:
        total = 0
        with contextlib.suppress(OSError):
            while piece := source.recv(1 << 16):
                target.sendall(piece)
                total += len(piece)
            target.shutdown(socket.SHUT_WR)
        return total


class Counter(socketserver.ThreadingTCPServer):
    sent, tunnel = 0, 0
    daemon_threads, block_on_close = True, True


@contextlib.contextmanager
def counted(host: str) -> Iterator[tuple[str, Counter]]:
    with Counter(("127.0.0.1", 0), Counted) as counter:
        counter.tunnel = int(host.rpartition(":")[2])
        threading.Thread(target=counter.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{counter.server_address[1]}", counter
        counter.shutdown()


@pytest.mark.lab
@pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed")
def test_of_a_new_version_little_more_than_its_own_layer_goes_over_the_line(
    session: Session, lab_server: LabServer, folder: Path, tmp_path: Path
) -> None:
    """Seen to fail with blobs that are sent though they are there."""
    with tunnel(lab_server, folder) as (inner, certificate), counted(inner) as (host, counter):
        trust_registry(host, certificate)
        session.settings = load_settings()
        first = push_package(session, MODEL, reference=f"{host}/ml/{MODEL}")
        again = shutil.copytree(resource(SAMPLE_FOLDER) / "Quality/Wine/model", tmp_path / "model")
        file = again / "wine_cultivar.joblib"
        retrain(file)
        migrate_folder(session, again, "again")
        register_model(session, "again", file.name, name=MODEL)

        before, started = counter.sent, time.monotonic()
        second = push_package(session, MODEL, reference=f"{host}/ml/{MODEL}")
        seconds = time.monotonic() - started
    newest = next(each for each in session.workspace.ledger.packages(MODEL) if each.digest == second.digest)
    (layer,) = (each for each in newest.layers if each.role == "model")
    beside = counter.sent - before - layer.size
    print(f"{seconds:.2f} s, {beside} bytes beside a layer of {layer.size}")
    assert first.digest != second.digest
    assert before > 10 * layer.size  # the libraries, the first time
    assert 0 < beside <= BESIDE_THE_LAYER


def retrain(file: Path) -> None:
    import joblib

    fitted = joblib.load(file)
    fitted.steps[-1][1].random_state = 8
    joblib.dump(fitted, file)

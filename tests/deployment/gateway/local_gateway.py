"""A real HAProxy on this computer, told what to do as on a server, and services behind it that say who they are."""

from __future__ import annotations

import contextlib
import http.client
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from kronkers_studio.deployment.gateway.certificates import Authority, issue, new_authority
from kronkers_studio.deployment.gateway.gateway_control import apply_state
from kronkers_studio.deployment.gateway.haproxy_text import GatewayPlace
from kronkers_studio.domain.errors import GatewayFailed
from kronkers_studio.domain.gateways import GatewayState

NEEDS = ("haproxy", "socat")


class LocalHost:
    """A gateway's host whose container is this computer."""

    def run(self, script: str, *arguments: str) -> str:
        command = ["sh", "-c", script, "sh", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            raise GatewayFailed("The script failed.", details=(done.stdout + done.stderr)[-2000:])
        return done.stdout

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        for path, content in files.items():
            target = Path(folder, path)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)


class Service:
    """Stands for a model's service: it is ready, and answers with its name and what it was asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.ready = True
        self.delay = 0.0
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                time.sleep(service.delay)
                status = 200 if service.ready or not self.path.endswith("/ready") else 503
                headers = {name.lower(): value for name, value in self.headers.items()}
                said = {"service": service.name, "path": self.path, "headers": headers, "length": len(body)}
                answer = json.dumps(said).encode()
                with contextlib.suppress(ConnectionError):
                    self.send_response(status)
                    self.send_header("content-length", str(len(answer)))
                    self.end_headers()
                    self.wfile.write(answer)

            do_POST = do_GET

            def log_message(self, *_: object) -> None: ...

        class Server(ThreadingHTTPServer):
            request_queue_size = 128
            daemon_threads = True

            def handle_error(self, *_: object) -> None: ...

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class LocalGateway:
    """One HAProxy with its folder and ports."""

    def __init__(self, folder: Path, authority: Authority, peers: Authority, name: str = "here") -> None:
        self.place = GatewayPlace(str(folder), *free_ports(4))
        self.host = LocalHost()
        self.authority = authority
        self.certificates = {
            "server.pem": issue(authority, ["localhost", "127.0.0.1"]),
            "peer.pem": issue(peers, [f"{name}.gateway.kronkers"]),
            "peers-ca.pem": peers.certificate,
        }
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "log"
        (folder / "run").mkdir(parents=True)

    def start(self, state: GatewayState) -> None:
        """Start with ``state`` as a container does that finds it in its volume."""
        from kronkers_studio.deployment.gateway.gateway_control import generation_files

        folder = f"{self.place.folder}/g{state.generation}"
        self.host.put(folder, generation_files(state, self.certificates, self.place))
        self.host.run('cd "$1" && ln -sfn "$2" current', self.place.folder, f"g{state.generation}")
        self.restart()

    def restart(self) -> None:
        with self.log.open("ab") as log:
            command = ["haproxy", "-W", "-S", self.place.master_socket, "-f", self.place.configuration]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.place.api), 1):
                return
            assert self._process.poll() is None, self.log.read_text()
            time.sleep(0.02)
        raise AssertionError(self.log.read_text())

    def apply(self, state: GatewayState) -> None:
        apply_state(self.host, state, self.certificates, self.place)

    def kill(self) -> None:
        if self._process is not None:
            subprocess.run(["pkill", "-KILL", "-P", str(self._process.pid)], check=False)
            self._process.kill()
            self._process.wait()

    def connection(self) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cadata=self.authority.certificate.decode())
        return http.client.HTTPSConnection("localhost", self.place.api, context=context, timeout=10)

    def ask(self, path: str, key: str = "", body: bytes | None = None, **headers: str) -> Answer:
        """One request on a connection of its own."""
        sent = {
            **({"X-API-Key": key} if key else {}),
            **{name.replace("_", "-"): value for name, value in headers.items()},
        }
        with contextlib.closing(self.connection()) as connection:
            connection.request("POST" if body is not None else "GET", path, body, sent)
            answer = connection.getresponse()
            return Answer(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


@contextlib.contextmanager
def two_services() -> Iterator[tuple[Service, Service]]:
    first, second = Service("wine-r1-aaaa"), Service("wine-r2-bbbb")
    try:
        yield first, second
    finally:
        first.close()
        second.close()


def free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(each.getsockname()[1]) for each in sockets]
    for each in sockets:
        each.close()
    return ports


def authorities() -> tuple[Authority, Authority]:
    return new_authority("Kronkers models"), new_authority("Kronkers gateways")


def missing() -> list[str]:
    return [name for name in NEEDS if shutil.which(name) is None]

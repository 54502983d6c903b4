"""Registries on loopback behind a certificate of our own: Debian's real one, and one that misbehaves on demand."""

from __future__ import annotations

import base64
import contextlib
import datetime
import http.server
import ipaddress
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.packaging.image_files import DOCKER, SmallImage, index_of, sha


def make_certificate(folder: Path, *, days: int = 1, name_there: str = "localhost") -> tuple[Path, Path]:
    """(certificate, key) for 127.0.0.1 and localhost, which expires in ``days``: it did so when they are negative."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name_there} {x509.random_serial_number() % 10**9}")])
    now = datetime.datetime.now(datetime.UTC)
    alternatives: list[x509.GeneralName] = [x509.DNSName(name_there)]
    if name_there == "localhost":
        alternatives.append(x509.IPAddress(ipaddress.ip_address("127.0.0.1")))
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=9))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    certificate, private = folder / "tls.crt", folder / "tls.key"
    certificate.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return certificate, private


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def debian_registry(
    folder: Path, certificate: Path, key: Path, *, login: tuple[str, str] | None = None
) -> Iterator[str]:
    """Debian's docker-registry with TLS, its storage in ``folder``; "127.0.0.1:PORT"."""
    port = free_port()
    lines = [
        "version: 0.1",
        "log: {level: error}",
        f"storage: {{filesystem: {{rootdirectory: {folder}/data}}}}",
        f"http: {{addr: '127.0.0.1:{port}', tls: {{certificate: {certificate}, key: {key}}}}}",
    ]
    if login:
        import bcrypt

        hashed = bcrypt.hashpw(login[1].encode(), bcrypt.gensalt(4)).decode()
        (folder / "htpasswd").write_text(f"{login[0]}:{hashed}\n", encoding="utf-8")
        lines.append(f"auth: {{htpasswd: {{realm: here, path: {folder}/htpasswd}}}}")
    (folder / "config.yml").write_text("\n".join(lines), encoding="utf-8")
    process = subprocess.Popen(
        ["docker-registry", "serve", str(folder / "config.yml")], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        for _ in range(100):
            with contextlib.suppress(requests.ConnectionError):
                requests.get(f"https://127.0.0.1:{port}/v2/", verify=str(certificate), timeout=5)
                break
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def push(host: str, repository: str, tag: str, images: list[SmallImage], verify: str, login: Any = None) -> None:
    """Put images into a registry, under an index when there are several (the last as Docker's own kind otherwise)."""
    session = requests.Session()
    session.trust_env = False  # a certificate bundle in the environment would win over ours
    session.verify, session.auth = verify, login
    api = f"https://{host}/v2/{repository}"

    def put_manifest(name: str, data: bytes, kind: str) -> None:
        session.put(f"{api}/manifests/{name}", data=data, headers={"Content-Type": kind}).raise_for_status()

    for image in images:
        for blob in (image.config, *image.packed):
            started = session.post(f"{api}/blobs/uploads/")
            started.raise_for_status()
            place = started.headers["Location"]
            session.put(f"{place}&digest={sha(blob)}", data=blob).raise_for_status()
        if len(images) > 1:
            put_manifest(sha(image.manifest()), image.manifest(), "application/vnd.oci.image.manifest.v1+json")
    if len(images) > 1:
        put_manifest(tag, index_of(*images), "application/vnd.oci.image.index.v1+json")
    else:
        put_manifest(tag, images[0].manifest(docker=True), f"{DOCKER}.v2+json")
    session.close()


@dataclass
class Registry:
    """A registry that answers from ``answers`` and writes down every request. Each answer is (status, headers, body);
    a function gets the request's headers; ``cut`` bodies are sent only so far, and the connection is dropped. A body
    that is an iterator is sent piece by piece, with no length; for ever, if it likes."""

    port: int = 0
    answers: dict[str, Any] = field(default_factory=dict)
    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    cut: dict[str, list[int]] = field(default_factory=dict)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    def serve(self, image: SmallImage, repository: str = "team/base", tag: str = "1") -> None:
        """Answer for one image."""
        manifest = image.manifest()
        kind = {"Content-Type": "application/vnd.oci.image.manifest.v1+json"}
        self.answers[f"/v2/{repository}/manifests/{tag}"] = (200, kind, manifest)
        for blob in (image.config, *image.packed):
            self.answers[f"/v2/{repository}/blobs/{sha(blob)}"] = _ranged(blob)

    def paths(self) -> list[str]:
        return [path for path, _ in self.requests]


def let_svc_in(registry: Registry) -> None:
    """Only who logs in as svc with the password "correct horse" gets past the registry's front door."""
    asks = {"WWW-Authenticate": 'Basic realm="here"'}
    login = f"Basic {base64.b64encode(b'svc:correct horse').decode()}"
    registry.answers["/v2/"] = lambda headers: (
        (200, {}, b"{}") if headers.get("Authorization") == login else (401, asks, b"")
    )


def _ranged(blob: bytes) -> Callable[[dict[str, str]], tuple[int, dict[str, str], bytes]]:
    def answer(headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
        start = headers.get("Range", "").removeprefix("bytes=").removesuffix("-")
        if start:
            return 206, {"Content-Range": f"bytes {start}-{len(blob) - 1}/{len(blob)}"}, blob[int(start) :]
        return 200, {}, blob

    return answer


@contextlib.contextmanager
def own_registry(certificate: Path, key: Path) -> Iterator[Registry]:
    registry = Registry()

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            headers = dict(self.headers.items())
            registry.requests.append((self.path, headers))
            found = registry.answers.get(self.path, (404, {}, b"{}"))
            status, extra, body = found(headers) if callable(found) else found
            if not isinstance(body, bytes):
                self.close_connection = True
                with contextlib.suppress(OSError):
                    self._write_slowly(status, extra, body)
                return
            cuts = registry.cut.get(self.path)
            sent = body[: cuts.pop(0)] if cuts else body
            self.send_response(status)
            for name, value in {**extra, "Content-Length": str(len(body))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(sent)
            if len(sent) < len(body):
                self.close_connection = True

        def _write_slowly(self, status: int, extra: dict[str, str], body: Iterator[bytes]) -> None:
            """A body of pieces without a length. With status 0 they are all that is sent, headers included."""
            if status:
                self.send_response(status)
                for name, value in extra.items():
                    self.send_header(name, value)
                self.end_headers()
            for piece in body:
                if registry.stopped.is_set():
                    break
                self.wfile.write(piece)

        def log_message(self, *_: Any) -> None: ...

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    registry.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield registry
    finally:
        registry.stopped.set()
        server.shutdown()
        server.server_close()
        thread.join()

"""Packages into a real registry: what it lacks, in parts, on from where a line broke; and the whole of it readable."""

from __future__ import annotations

import contextlib
import hashlib
import http.server
import io
import json
import random
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from kronkers_studio.domain.errors import (
    Cancelled,
    InvalidInput,
    PackagingFailed,
    PushFailed,
    RegistryLoginRefused,
    RegistryUntrusted,
)
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelSource, NoProgress
from kronkers_studio.packaging import (
    BaseImage,
    ComposedImage,
    DependencyLock,
    LayerCache,
    base_from_engine,
    base_from_registry,
    compose_package,
    push_image,
    push_target,
    this_platform,
)
from kronkers_studio.packaging.images.signatures import SigningKey
from kronkers_studio.packaging.images.verification import sign_image
from kronkers_studio.packaging.registries.registry_login import RegistryCredentials
from kronkers_studio.settings.secrets import Secret
from tests.packaging.image_files import SmallImage, sha, tar_of
from tests.packaging.registry_servers import debian_registry, make_certificate

SYSTEM, PROCESSOR = this_platform().split("/")
KEY = SigningKey(bytes(range(32)))
LOGIN = ("anna", "correct horse")
pytestmark = [
    pytest.mark.lab,
    pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed"),
]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def base(layer_cache: LayerCache) -> BaseImage:
    package = b"Package: p%d\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.%d\n\n"
    packages = b"".join(package % (n, n) for n in range(400))
    layers = [tar_of({"bin/python3": b"#!"}), tar_of({"var/lib/dpkg/status": packages})]
    return base_from_engine([SmallImage(SYSTEM, PROCESSOR, layers).old_docker_save()], layer_cache)


@dataclass
class Making:
    """Makes signed images of versions of one model."""

    version: ModelVersion
    lock: DependencyLock
    cache: LayerCache
    base: BaseImage

    def image(self, number: int, data: bytes) -> ComposedImage:
        version = replace(self.version, version=number, size=len(data))
        composed = compose_package(
            version, lambda: io.BytesIO(data), self.lock, platform=this_platform(), base=self.base, cache=self.cache
        )
        return sign_image(composed, KEY)


@pytest.fixture
def making(version: ModelVersion, lock: DependencyLock, layer_cache: LayerCache, base: BaseImage) -> Making:
    return Making(version, lock, layer_cache, base)


@dataclass
class CuttingLine:
    """Passes a connection on to ``port``; cuts it after each of ``cuts`` bytes from the client, one connection each."""

    port: int
    cuts: list[int] = field(default_factory=list)
    sent: int = 0  # bytes from clients, as they are on the line
    connections: int = 0
    host: str = ""

    def pass_on(self, client: socket.socket) -> None:
        left = self.cuts.pop(0) if self.cuts else None
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            back = threading.Thread(target=self._back, args=(server, client))
            back.start()
            with contextlib.suppress(OSError):
                while data := client.recv(65536):
                    if left is not None and len(data) >= left:
                        server.sendall(data[:left])
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
                        break
                    left = None if left is None else left - len(data)
                    self.sent += len(data)
                    server.sendall(data)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)
            back.join()

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(65536):
                client.sendall(data)


@contextlib.contextmanager
def cutting_line(host: str, cuts: list[int]) -> Iterator[CuttingLine]:
    line = CuttingLine(int(host.rpartition(":")[2]), cuts)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        line.host = f"127.0.0.1:{listening.getsockname()[1]}"
        passing: list[threading.Thread] = []
        clients: list[socket.socket] = []

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listening.accept()
                    line.connections += 1
                    clients.append(client)
                    passing.append(threading.Thread(target=line.pass_on, args=(client,)))
                    passing[-1].start()

        accepting = threading.Thread(target=accept)
        accepting.start()
        try:
            yield line
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            accepting.join()
            for client in clients:  # one that a client never closed
                with contextlib.suppress(OSError):
                    client.shutdown(socket.SHUT_RDWR)
            for thread in passing:
                thread.join()


def incompressible(size: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size)


def get(host: str, path: str, certificate: Path, **headers: str) -> requests.Response:
    with requests.Session() as session:
        session.trust_env = False
        answer = session.get(f"https://{host}/v2/{path}", verify=str(certificate), headers=headers, timeout=10)
        answer.raise_for_status()
        return answer


def test_a_package_is_pushed_whole_with_all_that_refers_to_it(
    making: Making, model_bytes: bytes, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    image = making.image(3, model_bytes)
    cache = LayerCache(tmp_path / "cache")
    with debian_registry(tmp_path, *certificate) as host:
        pushed = push_image(image, f"{host}/team/wine", cache, ca_file=certificate[0])
        assert (pushed.reference, pushed.digest) == (f"{host}/team/wine:3", image.package.digest)
        assert pushed.uploaded == len(image.layers) + 5  # configuration, three contents, and the empty one
        again = push_image(image, f"{host}/team/wine:3", cache, ca_file=certificate[0])
        assert (again.uploaded, again.mounted) == (0, 0)
        assert again.bytes_sent < 16_384

        inspected = [
            "skopeo",
            "inspect",
            "--cert-dir",
            str(_trusting(tmp_path, certificate)),
            f"docker://{host}/team/wine:3",
        ]
        shown = json.loads(subprocess.run(inspected, check=True, capture_output=True, text=True).stdout)
        assert shown["Digest"] == image.package.digest
        assert shown["Layers"] == [layer.digest for layer in image.layers]

        tag = image.package.digest.replace(":", "-")
        kind = "application/vnd.oci.image.index.v1+json"
        index = get(host, f"team/wine/manifests/{tag}", certificate[0], Accept=kind).json()
        contents = {}
        for entry in index["manifests"]:
            manifest = get(
                host, f"team/wine/manifests/{entry['digest']}", certificate[0], Accept=entry["mediaType"]
            ).json()
            assert manifest["subject"]["digest"] == image.package.digest
            content = get(host, f"team/wine/blobs/{manifest['layers'][0]['digest']}", certificate[0]).content
            contents[manifest["artifactType"]] = content
        assert contents["application/vnd.cyclonedx+json"] == image.sbom
        assert contents["application/vnd.in-toto+json"] == image.provenance
        back = base_from_registry(f"{host}/team/wine:3", this_platform(), cache, ca_file=certificate[0])
        assert [layer.diff_id for layer in back.layers] == [layer.diff_id for layer in image.layers]


def test_what_the_registry_lost_is_sent_again(
    making: Making, model_bytes: bytes, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """What was pushed is not asked for the next time. Seen to fail with that being believed for good."""
    cache = LayerCache(tmp_path / "cache")
    with debian_registry(tmp_path, *certificate) as host:
        push_image(making.image(3, model_bytes), f"{host}/team/wine", cache, ca_file=certificate[0])
    shutil.rmtree(tmp_path / "data")
    with debian_registry(tmp_path, *certificate) as other:
        for fact in (tmp_path / "cache" / "pushed").iterdir():  # the same registry, at another port
            fact.unlink()
        image = making.image(4, model_bytes)
        known = {"repository": "team/wine"}
        for layer in image.layers[:-1]:
            cache.remember("pushed", f"{other} {layer.digest}", known)
        pushed = push_image(image, f"{other}/team/wine", cache, ca_file=certificate[0])
        assert pushed.uploaded >= len(image.layers) + 4
        content = get(other, f"team/wine/blobs/{image.layers[0].digest}", certificate[0]).content
        assert sha(content) == image.layers[0].digest


def _trusting(folder: Path, certificate: tuple[Path, Path]) -> Path:
    certificates = folder / "certificates"
    certificates.mkdir(exist_ok=True)
    shutil.copyfile(certificate[0], certificates / "own.crt")
    return certificates


def test_of_a_new_version_only_the_model_is_sent(
    making: Making, model_bytes: bytes, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """What is on the line, the handshakes and headers too. Seen to fail with blobs that are not asked for first."""
    cache = LayerCache(tmp_path / "cache")
    with debian_registry(tmp_path, *certificate) as host, cutting_line(host, []) as line:
        push_image(making.image(3, model_bytes), f"{line.host}/team/wine", cache, ca_file=certificate[0])
        line.sent = 0
        newer = making.image(4, incompressible(300_000))
        pushed = push_image(newer, f"{line.host}/team/wine", cache, ca_file=certificate[0])
        assert pushed.uploaded == 4  # model, configuration, provenance, signature
        assert line.sent <= newer.layers[-1].size + 16_384

        elsewhere = push_image(newer, f"{line.host}/other/wine", cache, ca_file=certificate[0])
        assert elsewhere.mounted == len(newer.layers) + 5
        assert elsewhere.uploaded == 0


def test_a_line_that_breaks_again_and_again_is_gone_on_with(
    making: Making, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """This registry forgets an upload that broke within a part, and gets it anew; what it took before stays."""
    cache = LayerCache(tmp_path / "cache")
    image = making.image(3, incompressible(20_000_000))
    with debian_registry(tmp_path, *certificate) as host:
        push_image(making.image(2, b"x" * 1000), f"{host}/team/wine", cache, ca_file=certificate[0])
        with cutting_line(host, [9_000_000, 5_000_000, 9_000_000]) as line:
            pushed = push_image(image, f"{line.host}/team/wine", cache, ca_file=certificate[0])
            assert line.connections >= 4
        assert pushed.digest == image.package.digest
        content = get(host, f"team/wine/blobs/{image.layers[-1].digest}", certificate[0]).content
        assert f"sha256:{hashlib.sha256(content).hexdigest()}" == image.layers[-1].digest


class KeepingRegistry(http.server.BaseHTTPRequestHandler):
    """A registry that keeps what it got of a part whose line broke, as the protocol wishes it to; and lists referrers
    nowhere. ``blobs`` and ``manifests`` are what it has, ``uploads`` what is on its way; ``tokens``, when there are
    any, are what it wants to see, each for so many requests."""

    protocol_version = "HTTP/1.1"
    blobs: ClassVar[dict[str, bytes]]
    manifests: ClassVar[dict[str, bytes]]
    uploads: ClassVar[dict[str, bytearray]]
    asked: ClassVar[list[str]]
    tokens: ClassVar[dict[str, int]]

    def parse_request(self) -> bool:
        """Turns away who has no token, before the body is read, as registries do."""
        whole = super().parse_request()
        if not whole or not self.tokens:
            return whole
        name = self.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.path.startswith("/token?"):
            self.asked.append(self.path)
            new = f"t{len(self.tokens)}"
            self.tokens[new] = 5
            body = json.dumps({"token": new}).encode()
            self._end(200, Content_Length=str(len(body)))
            self.wfile.write(body)
            return False
        if self.tokens.get(name, 0) > 0:
            self.tokens[name] -= 1
            return True
        host, length = self.headers["Host"], int(self.headers.get("Content-Length", 0))
        self.close_connection = length > 256 * 1024  # a short body is read first
        if not self.close_connection:
            self.rfile.read(length)
        self._end(401, WWW_Authenticate=f'Bearer realm="https://{host}/token",service="here"')
        return False

    def _end(self, status: int, **headers: str) -> None:
        self.send_response(status)
        for name, value in {"Content_Length": "0", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def do_HEAD(self) -> None:
        name = self.path.rpartition("/")[2]
        self._end(200 if name in self.blobs or name in self.manifests else 404)

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        self.asked.append(name)
        if name not in self.uploads:
            self._end(404)
        else:
            self._end(204, Location=self.path, Range=f"0-{max(len(self.uploads[name]) - 1, 0)}")

    def do_POST(self) -> None:
        name = f"upload-{len(self.uploads)}"
        self.uploads[name] = bytearray()
        self._end(202, Location=f"/v2/team/wine/blobs/uploads/{name}")

    def _take(self, upload: bytearray) -> bool:
        left = int(self.headers.get("Content-Length", 0))
        with contextlib.suppress(OSError):
            while left and (data := self.rfile.read1(min(left, 65536))):
                upload += data
                left -= len(data)
        self.close_connection = bool(left)
        return not left

    def do_PATCH(self) -> None:
        name = self.path.rpartition("/")[2]
        start = int(self.headers["Content-Range"].partition("-")[0])
        if start != len(self.uploads[name]):
            self._end(416)
        elif self._take(self.uploads[name]):
            self._end(202, Location=self.path, Range=f"0-{len(self.uploads[name]) - 1}")

    def do_PUT(self) -> None:
        parts = urlsplit(self.path)
        name = parts.path.rpartition("/")[2]
        if "/manifests/" in parts.path:
            content = bytearray()
            if self._take(content):
                self.manifests[name] = bytes(content)
                self._end(201)
            return
        if self._take(self.uploads[name]):
            digest = parse_qs(parts.query)["digest"][0]
            if sha(bytes(self.uploads[name])) != digest:
                self._end(400)
                return
            self.blobs[digest] = bytes(self.uploads.pop(name))
            self._end(201)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def keeping(certificate: tuple[Path, Path]) -> Iterator[tuple[str, type[KeepingRegistry]]]:
    class Handler(KeepingRegistry):
        blobs: ClassVar[dict[str, bytes]] = {}
        manifests: ClassVar[dict[str, bytes]] = {}
        uploads: ClassVar[dict[str, bytearray]] = {}
        asked: ClassVar[list[str]] = []
        tokens: ClassVar[dict[str, int]] = {}

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}", Handler
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_an_upload_goes_on_within_the_part_that_broke(
    making: Making, certificate: tuple[Path, Path], tmp_path: Path, keeping: tuple[str, type[KeepingRegistry]]
) -> None:
    """Seen to fail with uploads that go on at the last whole part, and with ones that begin anew."""
    host, registry = keeping
    cache = LayerCache(tmp_path / "cache")
    push_image(making.image(2, b"x" * 1000), f"{host}/team/wine", cache, ca_file=certificate[0])
    image = making.image(3, incompressible(30_000_000))
    with cutting_line(host, [7_000_000, 7_000_000, 7_000_000]) as line:
        push_image(image, f"{line.host}/team/wine", cache, ca_file=certificate[0])
        assert line.connections >= 4
        assert line.sent < image.layers[-1].size + 1_000_000
    assert len(registry.asked) >= 3
    assert sha(registry.blobs[image.layers[-1].digest]) == image.layers[-1].digest
    assert registry.manifests["3"] == image.manifest


def test_a_token_to_write_is_asked_for_and_asked_for_again_when_it_expires(
    making: Making, certificate: tuple[Path, Path], tmp_path: Path, keeping: tuple[str, type[KeepingRegistry]]
) -> None:
    """In the middle of a blob, too."""
    host, registry = keeping
    registry.tokens["nobody's"] = 0
    cache = LayerCache(tmp_path / "cache")
    image = making.image(3, incompressible(9_000_000))
    cache.remember("pushed", f"{host} {image.layers[0].digest}", {"repository": "team/base"})
    push_image(image, f"{host}/team/wine", cache, ca_file=certificate[0])
    assert registry.manifests["3"] == image.manifest
    wanted = "/token?service=here&scope=repository%3Ateam%2Fwine%3Apull%2Cpush&scope=repository%3Ateam%2Fbase%3Apull"
    asked = [each for each in registry.asked if each.startswith("/token")]
    assert len(asked) > 3
    assert set(asked) == {wanted}


class CancelAfter(NoProgress):
    def __init__(self, advanced: int) -> None:
        self.cancel, self.at, self._limit = CancelSource(), 0, advanced

    def advance(self, amount: int = 1) -> None:
        self.at += amount
        if self.at > self._limit:
            self.cancel.cancel()


def test_a_cancelled_push_is_gone_on_with_by_the_next(
    making: Making, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    """Seen to fail with no memory of where an upload was."""
    cache = LayerCache(tmp_path / "cache")
    image = making.image(3, incompressible(30_000_000))
    with debian_registry(tmp_path, *certificate) as host, cutting_line(host, []) as line:
        push_image(making.image(2, b"x" * 1000), f"{line.host}/team/wine", cache, ca_file=certificate[0])
        before = sum(layer.size for layer in image.layers[:-1])
        seen = CancelAfter(before + 15_000_000)
        with pytest.raises(Cancelled):
            push_image(
                image, f"{line.host}/team/wine", cache, ca_file=certificate[0], progress=seen, cancel=seen.cancel
            )
        with pytest.raises(requests.HTTPError):
            get(host, "team/wine/manifests/3", certificate[0])
        line.sent = 0
        push_image(image, f"{line.host}/team/wine", cache, ca_file=certificate[0])
        assert line.sent < 15_500_000
        assert not list((tmp_path / "cache" / "uploads").iterdir())


def test_a_registry_with_a_login_takes_the_right_one_only(
    making: Making, model_bytes: bytes, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    image, cache = making.image(3, model_bytes), LayerCache(tmp_path / "cache")
    right, wrong = (RegistryCredentials(LOGIN[0], Secret(word)) for word in (LOGIN[1], "wrong"))
    with debian_registry(tmp_path, *certificate, login=LOGIN) as host:
        with pytest.raises(PushFailed, match="does not let anybody write to team/wine") as refusal:
            push_image(image, f"{host}/team/wine", cache, ca_file=certificate[0])
        assert "image-registry login" in refusal.value.command
        with pytest.raises((PushFailed, RegistryLoginRefused)) as refused:
            push_image(image, f"{host}/team/wine", cache, ca_file=certificate[0], credentials=wrong)
        assert "wrong" not in str(refused.value)
        with pytest.raises(RegistryUntrusted):
            push_image(image, f"{host}/team/wine", cache, credentials=right)
        assert push_image(image, f"{host}/team/wine", cache, ca_file=certificate[0], credentials=right).uploaded


def test_a_layer_that_is_damaged_never_gets_a_tag(
    making: Making, model_bytes: bytes, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    image, cache = making.image(3, model_bytes), LayerCache(tmp_path / "cache")
    good = image._openers[image.layers[0].digest]

    def damaged() -> Iterator[bytes]:
        yield from good()
        raise PackagingFailed("A layer in the cache is damaged and was dropped.", next_step="Package again.")

    broken = replace(image, _openers={**image._openers, image.layers[0].digest: damaged})
    with debian_registry(tmp_path, *certificate) as host:
        with pytest.raises(PackagingFailed, match="is damaged"):
            push_image(broken, f"{host}/team/wine", cache, ca_file=certificate[0])
        with pytest.raises(requests.HTTPError):
            get(host, "team/wine/manifests/3", certificate[0])


def test_a_registry_that_is_not_there_is_said(making: Making, model_bytes: bytes, tmp_path: Path) -> None:
    with pytest.raises(PushFailed, match="cannot be reached") as failure:
        push_image(making.image(3, model_bytes), "127.0.0.1:9/team/wine", LayerCache(tmp_path / "cache"))
    assert failure.value.next_step.startswith("Push again")


@pytest.mark.parametrize(
    ("text", "means"),
    [
        ("registry.example/team/wine", "registry.example/team/wine:7"),
        ("registry.example:5000/team/wine", "registry.example:5000/team/wine:7"),
        ("https://registry.example/team/wine:live", "registry.example/team/wine:live"),
    ],
)
def test_a_push_goes_to_the_versions_tag_unless_another_is_named(text: str, means: str) -> None:
    assert str(push_target(text, 7)) == means


@pytest.mark.parametrize("text", ["", "registry.example/Team", f"registry.example/team@{sha(b'')}", "a b"])
def test_what_cannot_be_pushed_to_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        push_target(text, 7)

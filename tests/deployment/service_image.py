"""A small image of a model service, composed by hand from the base image: base < dependencies < program."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kronkers_studio.domain.models import Layer, Package

WELL_BEHAVED = """
import http.server, json, os, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps({"path": self.path, "name": NAME, "user": os.getuid()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

print("listening", flush=True)
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""

ENDS_LATE = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)" + WELL_BEHAVED

NEVER_READY = """
import time
print("waiting for a licence server that does not exist", flush=True)
time.sleep(3600)
"""

BREAKS_AT_ONCE = """
raise SystemExit("ValueError: the model was made by a newer scikit-learn")
"""

EATS_MEMORY = """
print("loading the model", flush=True)
held = [b"x" * (8 << 20) for _ in range(400)]
"""

REACHES_OUT = """
import http.server, json, socket, subprocess, sys, threading

def tcp(host, port):
    socket.create_connection((host, port), 1)

def fastopen(host, port):
    with socket.socket() as s:
        s.settimeout(1)
        s.sendto(b"hello", socket.MSG_FASTOPEN, (host, port))

def udp(host, port):
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"hello", (host, port))

def child(host, port):
    script = f"import socket; socket.create_connection(({host!r}, {port}), 1)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    if "PermissionError" in done.stderr:
        raise PermissionError

def thread(host, port):
    found = []
    def run():
        try:
            tcp(host, port)
        except OSError as error:
            found.append(error)
    one = threading.Thread(target=run)
    one.start()
    one.join()
    if found:
        raise found[0]

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        said = ""
        if self.path.startswith("/reach/"):
            _, _, kind, host, port = self.path.split("/")
            try:
                globals()[kind](host, int(port))
                said = "connected"
            except OSError as error:
                said = type(error).__name__
        body = json.dumps({"reached": said}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""

TAKES_OVER = """
import ctypes, glob, http.server, json, os, threading, time

libc = ctypes.CDLL(None, use_errno=True)

def other_processes():
    for status in glob.glob("/proc/[0-9]*/status"):
        try:
            facts = dict(line.split(":\\t", 1) for line in open(status).read().splitlines() if ":\\t" in line)
        except OSError:
            continue
        if facts.get("Seccomp_filters") == "1" and facts["Pid"] != "1" and facts["Uid"].startswith("65532"):
            yield int(facts["Pid"])

def memory(pid):
    open(f"/proc/{pid}/mem", "r+b", buffering=0).close()

def trace(pid):
    if libc.ptrace(16, pid, 0, 0):  # PTRACE_ATTACH
        raise OSError(ctypes.get_errno(), "ptrace")
    os.waitpid(pid, 0x40000000)
    libc.ptrace(17, pid, 0, 0)

def descriptor(pid):
    opened = libc.syscall(434, pid, 0)
    if opened < 0 or libc.syscall(438, opened, 1, 0) < 0:
        raise OSError(ctypes.get_errno(), "pidfd_getfd")

def write(pid):
    byte = ctypes.create_string_buffer(1)
    part = (ctypes.c_size_t * 2)(ctypes.addressof(byte), 1)
    if libc.process_vm_writev(pid, part, 1, part, 1, 0) < 0 and ctypes.get_errno() != 14:  # a bad address: it may write
        raise OSError(ctypes.get_errno(), "process_vm_writev")

done = {}

def lie_in_wait():
    while True:
        for pid in other_processes():
            for way in (memory, trace, descriptor, write):
                try:
                    way(pid)
                    done[way.__name__] = "done"
                except FileNotFoundError:
                    pass
                except OSError as error:
                    if error.errno != 3:  # it has ended
                        done.setdefault(way.__name__, type(error).__name__)

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = json.dumps(done).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass

threading.Thread(target=lie_in_wait, daemon=True).start()
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""

_PROBE = (
    "import socket;s=socket.create_connection(('127.0.0.1',8080),2);"
    "s.sendall(b'GET /v2/health/ready HTTP/1.0\\r\\n\\r\\n');raise SystemExit(b' 200 ' not in s.recv(32))"
)


@dataclass
class HandMadeImage:
    """What the deployment room asks of an image."""

    package: Package
    config: bytes
    _layers: dict[str, Path | bytes] = field(repr=False)
    sent: list[int] = field(default_factory=list)  # bytes given out per archive

    @property
    def config_digest(self) -> str:
        return _digest(self.config)

    def archive(self, present: Collection[str] = ()) -> Iterator[bytes]:
        """A `docker save` archive, without the layers ``present``."""
        self.sent.append(0)
        for piece in self._pieces(present):
            self.sent[-1] += len(piece)
            yield piece

    def _pieces(self, present: Collection[str]) -> Iterator[bytes]:
        config_name = f"{self.config_digest.removeprefix('sha256:')}.json"
        names = [f"{diff_id.removeprefix('sha256:')}/layer.tar" for diff_id in self._layers]
        manifest = json.dumps([{"Config": config_name, "RepoTags": None, "Layers": names}]).encode()
        for name, content in ((config_name, self.config), ("manifest.json", manifest)):
            yield from _entry(name, len(content), iter([content]))
        for name, (diff_id, layer) in zip(names, self._layers.items(), strict=True):
            if diff_id in present:
                continue
            if isinstance(layer, Path):
                yield from _entry(name, layer.stat().st_size, _read(layer))
            else:
                yield from _entry(name, len(layer), iter([layer]))
        yield bytes(1024)


def make_service_image(
    base_archive: Path,
    *,
    program: str = WELL_BEHAVED,
    model: str = "churn",
    version: int = 1,
    filling: bytes = b"",
    configuration: dict[str, Any] | None = None,
) -> HandMadeImage:
    """``filling`` becomes a layer between base and program; ``configuration`` overrides parts of the image's config."""
    base_layer, base_config = _read_base(base_archive)
    layers: dict[str, Path | bytes] = {base_config["rootfs"]["diff_ids"][0]: base_layer}
    for name, content in (("opt/filling", filling), ("opt/server.py", f"NAME = {model!r}\n{program}".encode())):
        if content:
            layer = _layer(name, content)
            layers[_digest(layer)] = layer
    config = {
        **base_config,
        "config": {
            "Env": base_config["config"]["Env"],
            "User": "65532:65532",
            "Entrypoint": ["python3.11", "/opt/server.py"],
            "ExposedPorts": {"8080/tcp": {}},
            "Healthcheck": {
                "Test": ["CMD", "python3.11", "-I", "-S", "-c", _PROBE],
                "Interval": 10_000_000_000,
                "StartPeriod": 60_000_000_000,
                "StartInterval": 1_000_000_000,
            },
            **(configuration or {}),
        },
        "history": [],
        "rootfs": {"type": "layers", "diff_ids": list(layers)},
    }
    config_bytes = json.dumps(config).encode()
    package = Package(
        digest=_digest(config_bytes + b"manifest"),
        model=model,
        version=version,
        platform="linux/amd64",
        python_version="3.11",
        base="python:3.11-slim",
        layers=tuple(
            Layer("model", diff_id, diff_id, _size(content), "application/vnd.oci.image.layer.v1.tar")
            for diff_id, content in layers.items()
        ),
        created=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return HandMadeImage(package, config_bytes, layers)


def _read_base(archive: Path) -> tuple[Path, dict[str, Any]]:
    """The base's layer as a file beside the archive (it is compressed in there; engines take it so) and its config."""
    with tarfile.open(archive) as tar:
        manifest = json.load(_member(tar, "manifest.json"))[0]
        config: dict[str, Any] = json.load(_member(tar, manifest["Config"]))
        layer = archive.with_suffix(".layer")
        if not layer.exists():
            with tempfile.TemporaryDirectory(dir=layer.parent) as folder:  # another worker never sees half of it
                draft = Path(folder) / layer.name
                draft.write_bytes(_member(tar, manifest["Layers"][0]).read())
                draft.replace(layer)
    return layer, config


def _member(tar: tarfile.TarFile, name: str) -> Any:
    file = tar.extractfile(name)
    assert file is not None
    return file


def _layer(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        entry = tarfile.TarInfo(name)
        entry.size = len(content)
        entry.mode = 0o644
        tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _entry(name: str, size: int, content: Iterator[bytes]) -> Iterator[bytes]:
    entry = tarfile.TarInfo(name)
    entry.size = size
    yield entry.tobuf()
    yield from content
    yield bytes(-size % 512)


def _read(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while piece := file.read(1 << 20):
            yield piece


def _size(content: Path | bytes) -> int:
    return content.stat().st_size if isinstance(content, Path) else len(content)


def _digest(content: bytes) -> str:
    return "sha256:" + hashlib.sha256(content).hexdigest()

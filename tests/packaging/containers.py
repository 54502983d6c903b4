"""Packages in containers of the lab's real engine: composed, running, and asked."""

from __future__ import annotations

import io
import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.packaging import (
    ComposedImage,
    base_from_archive,
    compose_package,
    docker_archive,
    inspect_model,
    lock_dependencies,
    this_platform,
)
from kronkers_studio.packaging.layer_cache import LayerCache
from tests.conftest import TEST_CACHE
from tests.lab.servers import LabServer

_ASK = (
    "import json, sys, urllib.error, urllib.request as u\n"
    "body = sys.stdin.buffer.read() or None\n"
    "r = u.Request('http://127.0.0.1:8080' + sys.argv[1], body, {'content-type': 'application/json'})\n"
    "try: print(u.urlopen(r).read().decode())\n"
    "except urllib.error.HTTPError as e: print(json.dumps({'status': e.code, 'said': e.read().decode()}))"
)


def docker(server: LabServer, *command: str, pieces: Iterable[bytes] = ()) -> str:
    """What the engine's command prints, given ``pieces``."""
    process = subprocess.Popen(
        server.inside("docker", *command), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert process.stdin is not None
    for piece in pieces:
        process.stdin.write(piece)
    output = process.communicate()[0].decode()
    assert process.returncode == 0, output
    return output


def health(server: LabServer, name: str) -> str:
    """The health of a container, once it is known."""
    state = "starting"
    deadline = time.monotonic() + 60
    while state == "starting" and time.monotonic() < deadline:
        time.sleep(0.2)
        state = docker(server, "inspect", "--format", "{{.State.Health.Status}}", name).strip()
    return state


def layer_cache() -> LayerCache:
    """The cache of layers that the tests keep."""
    return LayerCache(TEST_CACHE / "kronkers-studio" / "layers")


def composed_of_file(
    file: Path, base_archive: Path, beside: Mapping[str, Callable[[], bytes]] | None = None
) -> ComposedImage:
    """The package of the model in ``file``, on the base in ``base_archive``; what it holds is printed."""
    cache, data = layer_cache(), file.read_bytes()
    facts = inspect_model(file.name, io.BytesIO(data), {".python-version": lambda: b"3.11", **(beside or {})})
    source = ContentRef("models", "c0ffee" * 10, file.name)
    model = ModelVersion("model", 1, source, facts, datetime(2026, 11, 30, tzinfo=UTC), "ada", size=len(data))
    lock = lock_dependencies(facts, this_platform(), cache=cache)
    base = base_from_archive(base_archive, this_platform(), cache)
    image = compose_package(model, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)
    print(file.name, {layer.role: layer.size for layer in image.package.layers}, lock.requirements)
    return image


@contextmanager
def running(server: LabServer, image: ComposedImage, name: str, *options: str, port: int = 0) -> Iterator[str]:
    """The container ``name`` of ``image``, confined as releases are, run with ``options`` of the engine's besides;
    without a network, or published at ``port``."""
    docker(server, "load", pieces=docker_archive(image))
    confined = ("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL")
    network = ("--publish", f"{port}:8080") if port else ("--network", "none")
    docker(server, "run", "--detach", "--name", name, *confined, *network, *options, image.config_digest)
    try:
        yield name
    finally:
        docker(server, "rm", "--force", name)
        docker(server, "image", "rm", "--force", image.config_digest)


def asked(server: LabServer, name: str, path: str, body: Any = None) -> Any:
    """What the service in a container, which must be well, answers; of a refusal its status and what it says."""
    assert health(server, name) == "healthy", docker(server, "logs", name)
    pieces = [json.dumps(body).encode()] if body is not None else []
    said = docker(server, "exec", "--interactive", name, "python3.11", "-c", _ASK, path, pieces=pieces)
    return json.loads(said)

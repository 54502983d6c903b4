"""A registry that lies: whatever it sends, nothing outside the cache changes, and what is wrong is said in words."""

import gzip
import itertools
import json
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import BaseImageUnavailable, Cancelled, PackagingFailed
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.packaging import LayerCache, base_from_registry, http_watch
from kronkers_studio.packaging.registries.registry_login import RegistryCredentials
from kronkers_studio.settings.secrets import Secret
from tests.packaging.image_files import SmallImage, index_of, sha, tar_of
from tests.packaging.registry_servers import Registry, make_certificate, own_registry

pytestmark = pytest.mark.safety

MANIFEST = "/v2/team/base/manifests/1"
DEEP = b"[" * 200_000 + b"]" * 200_000
Lie = Callable[[Registry, SmallImage, Path], None]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def registry(certificate: tuple[Path, Path]) -> Iterator[Registry]:
    with own_registry(*certificate) as running:
        yield running


@pytest.fixture
def image() -> SmallImage:
    return SmallImage(layers=[tar_of({"bin/python3": b"#!"}), tar_of({"data": bytes(range(256)) * 500})])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """What somebody's home holds that must stay as it is."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "authorized_keys").write_text("ssh-ed25519 mine\n")
    (home / ".ssh" / "id_ed25519").write_text("private")
    (home / ".bashrc").write_text("alias ll='ls -l'\n")
    (home / "empty").write_text("")
    return home


def everything(folder: Path) -> dict[str, object]:
    """Names, bytes and times of all below ``folder``."""
    return {
        path.relative_to(folder).as_posix(): (path.read_bytes(), path.stat().st_mtime_ns) if path.is_file() else None
        for path in folder.rglob("*")
    }


def manifest(change: Callable[[dict[str, Any], Path], None]) -> Lie:
    """A manifest that differs from the true one."""

    def lie(registry: Registry, image: SmallImage, home: Path) -> None:
        document = json.loads(image.manifest())
        change(document, home)
        _answer_all(registry, document)
        registry.answers[MANIFEST] = (200, {}, json.dumps(document).encode())

    return lie


def _answer_all(registry: Registry, document: dict[str, Any]) -> None:
    """Answer for every name that ``document`` gives, so that the lie is followed as far as it goes."""
    layers = document.get("layers")
    for entry in layers if isinstance(layers, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("digest"), str):
            key = b"\nssh-ed25519 theirs\n"
            registry.answers.setdefault(f"/v2/team/base/blobs/{entry['digest']}", (200, {}, key))


def layer(**values: Any) -> Lie:
    def change(document: dict[str, Any], home: Path) -> None:
        document["layers"][1] |= values

    return manifest(change)


def layer_named(name: Callable[[Path], str], size: int = 20) -> Lie:
    def change(document: dict[str, Any], home: Path) -> None:
        document["layers"][1] |= {"digest": name(home), "size": size}

    return manifest(change)


def field(name: str, value: Any) -> Lie:
    return manifest(lambda document, _: document.__setitem__(name, value))


def without(name: str) -> Lie:
    return manifest(lambda document, _: document.pop(name))


def body(data: bytes, status: int = 200, **headers: str) -> Lie:
    def lie(registry: Registry, image: SmallImage, home: Path) -> None:
        registry.answers[MANIFEST] = (status, {name.replace("_", "-"): text for name, text in headers.items()}, data)

    return lie


def config(change: Callable[[dict[str, Any]], Any]) -> Lie:
    """A configuration that differs, named by its own digest, as whoever lies would."""

    def lie(registry: Registry, image: SmallImage, home: Path) -> None:
        document = json.loads(image.config)
        made = change(document)
        data = made if isinstance(made, bytes) else json.dumps(document).encode()
        document = json.loads(image.manifest())
        document["config"] |= {"digest": sha(data), "size": len(data)}
        registry.answers[MANIFEST] = (200, {}, json.dumps(document).encode())
        registry.answers[f"/v2/team/base/blobs/{sha(data)}"] = (200, {}, data)

    return lie


def index(**values: Any) -> Lie:
    def lie(registry: Registry, image: SmallImage, home: Path) -> None:
        document = json.loads(index_of(image))
        document["manifests"][0] |= {
            name: text.format(home=home) if isinstance(text, str) else text for name, text in values.items()
        }
        registry.answers[MANIFEST] = (200, {}, json.dumps(document).encode())
        registry.answers[f"/v2/team/base/manifests/{document['manifests'][0]['digest']}"] = (200, {}, image.manifest())

    return lie


def blob(answer: Callable[[bytes], Any]) -> Lie:
    """Another answer for the second layer than its bytes."""

    def lie(registry: Registry, image: SmallImage, home: Path) -> None:
        registry.answers[f"/v2/team/base/blobs/{sha(image.packed[1])}"] = answer(image.packed[1])

    return lie


def challenge(text: str, token: bytes = b"{}") -> Lie:
    def lie(registry: Registry, image: SmallImage, home: Path) -> None:
        realm = text.format(host=registry.host)
        registry.answers[MANIFEST] = (401, {"WWW-Authenticate": realm}, b"")
        registry.answers["/token?scope=repository%3Ateam%2Fbase%3Apull"] = (200, {}, token)

    return lie


def raw(pieces: Callable[[], Iterator[bytes]]) -> Lie:
    """Exactly these bytes for the manifest, and then nothing; with those that never end, until the test does."""

    def lie(registry: Registry, image: SmallImage, home: Path) -> None:
        registry.answers[MANIFEST] = lambda headers: (0, {}, pieces())

    return lie


def endless() -> Iterator[bytes]:
    return itertools.repeat(bytes(64 * 1024))


def a_byte_now_and_then(first: bytes = b"") -> Iterator[bytes]:
    yield first
    while True:
        yield b"a"
        time.sleep(0.05)


LIES: dict[str, Lie] = {
    "a layer named by an absolute path": layer_named(lambda home: f"sha256:{home}/.ssh/authorized_keys"),
    "a layer named by a path of its file's size": layer_named(lambda home: f"sha256:{home}/empty", size=0),
    "a layer named by a path that is new": layer_named(lambda home: f"sha256:{home}/.profile"),
    "a layer named by a path upwards": layer_named(lambda home: "sha256:../../home/.ssh/authorized_keys"),
    "a layer named by a path without an algorithm": layer_named(lambda home: f"{home}/.ssh/authorized_keys"),
    "a layer named by a Windows path": layer_named(lambda home: "sha256:C:\\Users\\anna\\.profile"),
    "a layer named in capitals": layer_named(lambda home: f"sha256:{'A' * 64}"),
    "a layer named by a digest and a line": layer_named(lambda home: f"sha256:{'a' * 64}\n"),
    "a layer named by a digest and a path": layer_named(lambda home: f"sha256:{'a' * 64}/../../x"),
    "a layer named by another algorithm": layer_named(lambda home: f"sha512:{'a' * 128}"),
    "a layer named by other digits": layer_named(lambda home: f"sha256:{'٣' * 64}"),
    "a layer with an empty name": layer_named(lambda home: ""),
    "a layer named by a number": layer(digest=7),
    "a layer named by a list": layer(digest=["sha256"]),
    "a layer without a name": layer(digest=None),
    "a layer of negative size": layer(size=-1),
    "a layer of a size that is true": layer(size=True),
    "a layer of a size that is no number": layer(size=float("nan")),
    "a layer of half a byte": layer(size=0.5),
    "a layer of a written size": layer(size="20"),
    "a layer of endless size": layer(size=10**30),
    "a layer of a kind that is a list": layer(mediaType=["x"]),
    "a layer of a kind with a line in it": layer(mediaType="a\r\nb"),
    "a configuration named by a path": manifest(lambda d, home: d["config"].update(digest=f"sha256:{home}/.bashrc")),
    "a configuration that is nothing": field("config", None),
    "a configuration that is a list": field("config", []),
    "no configuration": without("config"),
    "no layers": without("layers"),
    "layers that are nothing": field("layers", None),
    "layers that are an object": field("layers", {"0": {}}),
    "a layer that is a word": field("layers", ["sha256"]),
    "an empty list of layers": field("layers", []),
    "more layers than an engine stacks": manifest(lambda d, _: d.update(layers=d["layers"] * 5000)),
    "a manifest that is a list": body(b"[1]"),
    "a manifest that is a number": body(b"1e999"),
    "a manifest that is very deep": body(DEEP),
    "a manifest that is very deep inside": body(b'{"config":' + DEEP + b"}"),
    "a manifest with a very long number": body(b'{"config":' + b"9" * 10_000 + b"}"),
    "a manifest with what is no number": body(b'{"config": NaN}'),
    "a manifest that is no text": body(b"\xff\xfe\x00"),
    "a manifest that is huge": body(b'{"config": "' + b"x" * 9_000_000 + b'"}'),
    "a manifest that never ends": lambda registry, image, home: registry.answers.update(
        {MANIFEST: (200, {}, endless())}
    ),
    "a manifest that is a part": body(b"{}", 206),
    "a manifest that is packed": body(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip"),
    "an index that names a manifest by a path": index(digest="sha256:{home}/.bashrc"),
    "an index that names a manifest by its tag": index(digest="latest"),
    "an index with a manifest of another size": index(size=3),
    "an index whose platform is a list": index(platform=[1]),
    "an index that is an object": body(b'{"manifests": {"a": 1}}'),
    "an index of words": body(b'{"manifests": ["a"]}'),
    "a configuration that is very deep": config(lambda document: b'{"rootfs":' + DEEP + b"}"),
    "a configuration without layers": config(lambda document: document.pop("rootfs")),
    "a configuration with other layers": config(lambda document: document["rootfs"]["diff_ids"].append(sha(b""))),
    "a configuration whose layers are paths": config(
        lambda document: document["rootfs"].update(diff_ids=["sha256:../../x", "sha256:/etc/passwd"])
    ),
    "a configuration whose layers are numbers": config(lambda document: document["rootfs"].update(diff_ids=[1, 2])),
    "a configuration whose variables are numbers": config(lambda document: document["config"].update(Env=[1])),
    "a configuration whose variables are none": config(lambda document: document["config"].update(Env=["PATH"])),
    "a configuration of half letters": config(lambda document: document["config"].update(Env=["A=\ud800"])),
    "a configuration whose settings are a list": config(lambda document: document.update(config=[1])),
    "a configuration whose history is a number": config(lambda document: document.update(history=3)),
    "a configuration whose history is numbers": config(lambda document: document.update(history=[3])),
    "a configuration for a strange platform": config(lambda document: document.update(architecture="amd64\x1b[2J")),
    "a layer that goes on behind its end": blob(lambda data: (200, {}, data + b"and more")),
    "a layer that never ends": blob(lambda data: (200, {}, endless())),
    "a layer that is another one": blob(lambda data: (200, {}, bytes(len(data)))),
    "a layer that is a part, unasked": blob(lambda data: (206, {"Content-Range": f"bytes 5-{len(data)}/*"}, data)),
    "a layer that is packed once more": blob(lambda data: (200, {"Content-Encoding": "gzip"}, gzip.compress(data))),
    "a layer that is to be had without encryption": blob(lambda data: (307, {"Location": "http://127.0.0.1/x"}, b"")),
    "a layer that is a file of this computer": blob(lambda data: (307, {"Location": "file:///etc/passwd"}, b"")),
    "a layer that is in a circle": blob(lambda data: (307, {"Location": "?"}, b"")),
    "a redirect that never ends": blob(lambda data: (307, {"Location": "http://127.0.0.1/x"}, endless())),
    "a layer that is at no address": blob(lambda data: (307, {"Location": "https://[::1"}, b"")),
    "a layer that is at no port": blob(lambda data: (307, {"Location": "https://localhost:99999/"}, b"")),
    "a layer that is at an address with a login": blob(
        lambda data: (307, {"Location": "https://me:pw@localhost/"}, b"")
    ),
    "a layer that is nowhere": blob(lambda data: (307, {"Location": "https://"}, b"")),
    "a login without encryption": challenge('Bearer realm="http://{host}/token"'),
    "a login at no address": challenge('Bearer realm="https://[x/token"'),
    "a login nowhere": challenge("Bearer"),
    "a token with a header in it": challenge('Bearer realm="https://{host}/token"', b'{"token": "a\\r\\nX-Evil: 1"}'),
    "a token that is a list": challenge('Bearer realm="https://{host}/token"', b'{"token": ["a"]}'),
    "a token that is very deep": challenge('Bearer realm="https://{host}/token"', DEEP[:50_000]),
    "a status that is none": body(b"", 304),
    "a challenge of very many letters": challenge("Bearer " + "a" * 60_000),
    "very many challenges": challenge("Bearer " + 'a="' * 20_000),
    "a challenge of many parameters": challenge("Bearer " + 'a="b",' * 10_000),
    "a challenge that is answered by another one": lambda registry, image, home: registry.answers.update(
        {MANIFEST: (401, {"WWW-Authenticate": "Basic"}, b"")}
    ),
    "a login at a name that is none": challenge('Bearer realm="https://\u00e9\u00e8.\u00e9:1/token"'),
    "interim answers without end": raw(lambda: itertools.repeat(b"HTTP/1.1 100 Continue\r\n\r\n" * 1000)),
    "headers without end": raw(lambda: itertools.chain([b"HTTP/1.1 200 OK\r\n"], itertools.repeat(b"A: b\r\n" * 1000))),
    "a header line without end": raw(
        lambda: itertools.chain([b"HTTP/1.1 200 OK\r\nA: "], itertools.repeat(b"b" * 9000))
    ),
    "chunks of a negative size": raw(lambda: iter([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc"])),
    "a chunk's size without end": raw(
        lambda: itertools.chain(
            [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"], itertools.repeat(b"0" * 9000)
        )
    ),
    "two lengths": raw(lambda: iter([b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\n{}"])),
    "an answer of the first HTTP": raw(lambda: iter([b"HTTP/1.0 200 OK\r\n\r\n[]"])),
    "an answer of no HTTP": raw(lambda: iter([b"220 mail.example ESMTP\r\n"])),
    "cookies of many blanks": body(b"{}", Set_Cookie="a=b; expires=" + " " * 60_000),
    "a manifest of millions of parts": body(b'{"layers":[' + b"[]," * 2_600_000 + b"[]]}"),
    "a manifest in another encoding": body('{"config": 1}'.encode("utf-16")),
    "a manifest with a mark before it": body(b"\xef\xbb\xbf{}"),
    "a manifest that says its layers twice": body(b'{"layers": [], "config": {}, "layers": 3}'),
    "layers that lie elsewhere": layer(
        mediaType="application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", urls=["https://x"]
    ),
    "a layer at another host without a scheme": blob(lambda data: (302, {"Location": "//127.0.0.1:1/x"}, b"")),
    "a layer at a name that is none": blob(lambda data: (302, {"Location": "https://\u00e9.\u00e9\u0300/"}, b"")),
    "a layer at a very long address": blob(lambda data: (302, {"Location": "https://" + "a." * 20_000}, b"")),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_registry_that_lies_changes_nothing_outside_the_cache(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage, home: Path, lie: str
) -> None:
    registry.serve(image)
    LIES[lie](registry, image, home)
    before = everything(home)
    cache = tmp_path / "cache"

    with pytest.raises(BaseImageUnavailable) as failure:
        base_from_registry(f"{registry.host}/team/base:1", "linux/amd64", LayerCache(cache), ca_file=certificate[0])

    assert failure.value.next_step.startswith(("Check ", "Choose ", "Get it again ", "Look for ", "Try again")), (
        failure.value.next_step
    )
    assert len(failure.value.message) < 400
    assert everything(home) == before
    assert {path.name for path in tmp_path.iterdir()} <= {"home", "cache"}
    kept = {sha(data)[7:] for data in image.packed}
    assert {path.name for path in cache.rglob("*") if path.is_file()} <= kept  # nothing of a lie is kept


def test_a_layer_that_is_longer_than_announced_is_cut_off(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    """The disk gets no byte more than was announced."""
    registry.serve(image)
    written = 0

    def counted() -> Iterator[bytes]:
        nonlocal written
        for piece in endless():
            written += len(piece)
            yield piece

    blob(lambda data: (200, {}, counted()))(registry, image, tmp_path)
    sizes: list[int] = []

    class Looking(LayerCache):
        def part(self, digest: str) -> Path:
            sizes.extend(path.stat().st_size for path in (self.directory / "drafts").iterdir())
            return super().part(digest)

    with pytest.raises(BaseImageUnavailable, match="more than the layer's size"):
        base_from_registry(
            f"{registry.host}/team/base:1", "linux/amd64", Looking(tmp_path / "cache"), ca_file=certificate[0]
        )

    assert max(sizes, default=0) <= len(image.packed[1])
    assert written < 20_000_000  # what the network's buffers hold


@pytest.mark.parametrize("place", ["headers", "manifest", "layer", "silence"])
def test_a_registry_that_sends_next_to_nothing_is_given_up(
    registry: Registry,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    image: SmallImage,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
) -> None:
    monkeypatch.setattr(http_watch, "WINDOW_SECONDS", 0.5)
    registry.serve(image)
    slow: dict[str, tuple[str, Any]] = {
        "headers": (MANIFEST, (0, {}, a_byte_now_and_then(b"HTTP/1.1 200 OK\r\nX-Long: "))),
        "manifest": (MANIFEST, (200, {}, a_byte_now_and_then())),
        "layer": (f"/v2/team/base/blobs/{sha(image.packed[1])}", lambda _: (200, {}, a_byte_now_and_then())),
        "silence": (MANIFEST, (0, {}, iter(registry.stopped.wait, True))),
    }
    path, answer = slow[place]
    registry.answers[path] = answer
    started = time.monotonic()

    with pytest.raises(BaseImageUnavailable, match=r"next to nothing|broke off again and again"):
        base_from_registry(f"{registry.host}/team/base:1", "linux/amd64", LayerCache(tmp_path), ca_file=certificate[0])
    registry.stopped.set()

    assert time.monotonic() - started < 10


def test_waiting_for_a_registry_can_be_cancelled(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    cancel = CancelSource()

    def silence(_: dict[str, str]) -> Any:
        cancel.cancel()
        return 0, {}, iter(registry.stopped.wait, True)

    registry.answers[MANIFEST] = silence
    started = time.monotonic()

    with pytest.raises(Cancelled):
        base_from_registry(
            f"{registry.host}/team/base:1",
            "linux/amd64",
            LayerCache(tmp_path),
            ca_file=certificate[0],
            cancel=cancel,
        )
    registry.stopped.set()

    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("realm", "told"), [("https://localhost:{port}/token", True), ("https://127.0.0.1:{port}/token", False)]
)
def test_the_login_is_told_to_the_registrys_own_site_only(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage, realm: str, told: bool
) -> None:
    registry.serve(image)
    asks = {"WWW-Authenticate": f'Bearer realm="{realm.format(port=registry.port)}",scope="repository:other:push"'}
    for path, answer in list(registry.answers.items()):
        registry.answers[path] = lambda headers, answer=answer: (
            (answer(headers) if callable(answer) else answer)
            if headers.get("Authorization") == "Bearer token"
            else (401, asks, b"{}")
        )
    asked = "/token?scope=repository%3Ateam%2Fbase%3Apull"
    registry.answers[asked] = (200, {}, b'{"token": "token"}')

    base_from_registry(
        f"{registry.host}/team/base:1",
        "linux/amd64",
        LayerCache(tmp_path),
        ca_file=certificate[0],
        credentials=RegistryCredentials("anna", Secret("correct horse")),
    )

    sent = [headers for path, headers in registry.requests if path == asked]
    assert ["Authorization" in headers for headers in sent] == [told]


def test_a_base_image_that_the_disk_has_no_room_for_is_not_begun(
    registry: Registry,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    image: SmallImage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    import shutil
    from types import SimpleNamespace

    registry.serve(image)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=100))  # no test fills a disk

    with pytest.raises(PackagingFailed, match=r"has room for 0\.0 GB"):
        base_from_registry(f"{registry.host}/team/base:1", "linux/amd64", LayerCache(tmp_path), ca_file=certificate[0])
    assert not any("blobs" in path and sha(image.packed[0]) in path for path in registry.paths())


@pytest.mark.skipif(os.name == "nt", reason="links need a permission there")
def test_an_unfinished_download_that_is_a_link_is_not_written_through(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage, home: Path
) -> None:
    registry.serve(image)
    cache = LayerCache(tmp_path / "cache")
    cache.part(sha(image.packed[1])).symlink_to(home / ".ssh" / "authorized_keys")
    before = everything(home)

    base_from_registry(f"{registry.host}/team/base:1", "linux/amd64", cache, ca_file=certificate[0])

    assert everything(home) == before


@pytest.mark.parametrize("name", ["sha256:../x", "../x", "/etc/passwd", f"sha256:{'A' * 64}", "", f"sha256:{'a' * 63}"])
def test_the_cache_makes_paths_of_digests_only(tmp_path: Path, name: str) -> None:
    cache = LayerCache(tmp_path)
    for path_of in (cache.blob, cache.part, cache.unpacked):
        with pytest.raises(PackagingFailed, match="is no digest"):
            path_of(name)
    assert {path.name for path in tmp_path.rglob("*")} <= {"parts", "unpacked"}


FACTS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "a path for a layer": lambda fact: fact["layers"][0].update(digest="sha256:../../../home/.bashrc", size=17),
    "a path for a plain layer": lambda fact: fact["layers"][0].update(diff_id="sha256:../x"),
    "a layer of other fields": lambda fact: fact["layers"][0].update(more=1),
    "a layer that is a word": lambda fact: fact.update(layers=["x"]),
    "layers that are nothing": lambda fact: fact.update(layers=None),
    "no layers": lambda fact: fact.pop("layers"),
    "another field": lambda fact: fact.pop("reference"),
    "variables that are numbers": lambda fact: fact.update(environment=[1]),
    "another platform": lambda fact: fact.update(platform="plan9/mips"),
}


@pytest.mark.parametrize("change", FACTS)
def test_what_the_cache_remembers_is_not_believed_either(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage, home: Path, change: str
) -> None:
    """A remembered base that is none is asked for again."""
    registry.serve(image)
    cache = LayerCache(tmp_path / "cache")
    reference = f"{registry.host}/team/base:1"
    first = base_from_registry(reference, "linux/amd64", cache, ca_file=certificate[0])
    [file] = (cache.directory / "bases").iterdir()
    fact = json.loads(file.read_text())
    FACTS[change](fact)
    file.write_text(json.dumps(fact))
    asked = len(registry.requests)

    assert base_from_registry(reference, "linux/amd64", cache, ca_file=certificate[0]) == first
    assert len(registry.requests) > asked

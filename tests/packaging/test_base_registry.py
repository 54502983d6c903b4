import base64
import contextlib
import gzip
import json
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import (
    BaseImageUnavailable,
    Cancelled,
    InvalidInput,
    RegistryLoginRefused,
    RegistryUntrusted,
)
from kronkers_studio.domain.progress import CancelSource, NoProgress
from kronkers_studio.packaging import BaseImage, BaseKind, LayerCache, base_from_registry, parse_base, parse_reference
from kronkers_studio.packaging.registries.registry_login import RegistryCredentials
from kronkers_studio.settings.secrets import Secret
from tests.packaging.image_files import SmallImage, sha, tar_of
from tests.packaging.registry_servers import Registry, debian_registry, make_certificate, own_registry, push

real_registry = pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed")
LOGIN = RegistryCredentials("anna", Secret("correct horse"))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def registry(certificate: tuple[Path, Path]) -> Iterator[Registry]:
    with own_registry(*certificate) as running:
        yield running


@pytest.fixture
def image() -> SmallImage:
    return SmallImage(layers=[tar_of({"bin/python3": b"#!"}), tar_of({"data": bytes(range(256)) * 5000})])


def fetched(registry: Registry, cache: Path, ca_file: Path, **options: object) -> BaseImage:
    reference = f"{registry.host}/team/base:1"
    return base_from_registry(reference, "linux/amd64", LayerCache(cache), ca_file=ca_file, **options)  # type: ignore[arg-type]


@pytest.mark.lab
@pytest.mark.lab
@real_registry
def test_an_image_comes_from_a_real_registry(certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage) -> None:
    other = SmallImage(processor="arm64", layers=[tar_of({"arm": b"1"})])
    cache = LayerCache(tmp_path / "cache")
    with debian_registry(tmp_path, *certificate) as host:
        push(host, "team/base", "both", [other, image], str(certificate[0]))
        push(host, "team/base", "single", [image], str(certificate[0]))

        both = base_from_registry(f"{host}/team/base:both", "linux/amd64", cache, ca_file=certificate[0])
        single = base_from_registry(f"{host}/team/base:single", "linux/amd64", cache, ca_file=certificate[0])
        arm = base_from_registry(f"{host}/team/base:both", "linux/arm64", cache, ca_file=certificate[0])
        exact = base_from_registry(both.reference, "linux/amd64", cache, ca_file=certificate[0])
        with pytest.raises(BaseImageUnavailable, match="only for linux/amd64, linux/arm64"):
            base_from_registry(f"{host}/team/base:both", "windows/amd64", cache, ca_file=certificate[0])
        with pytest.raises(BaseImageUnavailable, match="has no image team/base:missing"):
            base_from_registry(f"{host}/team/base:missing", "linux/amd64", cache, ca_file=certificate[0])
        with pytest.raises(RegistryUntrusted, match="is not trusted"):
            base_from_registry(f"{host}/team/base:both", "linux/amd64", LayerCache(tmp_path / "2"))

    assert [layer.diff_id for layer in both.layers] == [sha(layer) for layer in image.layers]
    assert [layer.media_type.rpartition("+")[2] for layer in single.layers] == ["gzip", "gzip"]
    assert gzip.decompress(b"".join(cache.read_blob(both.layers[1].digest))) == image.layers[1]
    assert both.layers == single.layers == exact.layers
    assert both.reference == f"{host}/team/base@{sha(image.manifest())}"
    assert arm.platform == "linux/arm64"


@pytest.mark.lab
@pytest.mark.lab
@real_registry
def test_a_real_registry_with_a_login_needs_the_right_one(
    certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    login = (LOGIN.user, LOGIN.password.reveal())
    wrong = RegistryCredentials("anna", Secret("wrong"))
    with debian_registry(tmp_path, *certificate, login=login) as host:
        push(host, "team/base", "1", [image], str(certificate[0]), login)
        refusals = {None: "does not let anybody read team/base", wrong: "does not accept the password of “anna”"}
        for credentials, said in refusals.items():
            with pytest.raises(RegistryLoginRefused, match=said) as failure:
                base_from_registry(
                    f"{host}/team/base:1",
                    "linux/amd64",
                    LayerCache(tmp_path / "cache"),
                    ca_file=certificate[0],
                    credentials=credentials,
                )
            assert "wrong" not in str(failure.value)
            assert failure.value.image_registry == host
        base = base_from_registry(
            f"{host}/team/base:1",
            "linux/amd64",
            LayerCache(tmp_path / "cache"),
            ca_file=certificate[0],
            credentials=LOGIN,
        )

    assert len(base.layers) == 2


def test_what_was_fetched_before_needs_no_registry(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    first = fetched(registry, tmp_path, certificate[0])
    registry.answers.clear()
    seen = len(registry.requests)

    assert fetched(registry, tmp_path, certificate[0]) == first
    assert len(registry.requests) == seen


def test_refreshing_finds_a_moved_tag_and_fetches_only_what_is_new(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    first = fetched(registry, tmp_path, certificate[0])
    registry.serve(SmallImage(layers=[image.layers[0], tar_of({"new": b"1"})]))
    registry.requests.clear()

    second = fetched(registry, tmp_path, certificate[0], refresh=True)

    assert second.layers[0] == first.layers[0]
    assert second.reference != first.reference
    assert f"/v2/team/base/blobs/{first.layers[0].digest}" not in registry.paths()


def test_a_token_is_asked_for_where_the_registry_says(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    realm = f"https://{registry.host}/token"
    challenge = {"WWW-Authenticate": f'Bearer realm="{realm}",service="here",scope="repository:team/base:pull"'}
    for path, answer in list(registry.answers.items()):
        registry.answers[path] = lambda headers, answer=answer: (
            (answer(headers) if callable(answer) else answer)
            if headers.get("Authorization") == "Bearer secret-token"
            else (401, challenge, b"{}")
        )
    asked = "/token?service=here&scope=repository%3Ateam%2Fbase%3Apull"
    registry.answers[asked] = (200, {}, b'{"token": "secret-token"}')

    base = fetched(registry, tmp_path, certificate[0], credentials=LOGIN)

    assert len(base.layers) == 2
    sent = [headers.get("Authorization", "") for path, headers in registry.requests if path == asked]
    assert len(sent) == 1
    assert sent[0].startswith("Basic ")


def test_a_token_that_expires_between_two_layers_is_asked_for_again(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    challenge = {"WWW-Authenticate": f'Bearer realm="https://{registry.host}/token",service="here"'}
    uses: dict[str, int] = {}

    def only_for_two(headers: dict[str, str], answer: object) -> object:
        token = headers.get("Authorization", "")
        uses[token] = uses.get(token, 0) + 1
        if not token or uses[token] > 2:
            return 401, challenge, b"{}"
        return answer(headers) if callable(answer) else answer

    for path, answer in list(registry.answers.items()):
        registry.answers[path] = lambda headers, answer=answer: only_for_two(headers, answer)
    asked = "/token?service=here&scope=repository%3Ateam%2Fbase%3Apull"
    registry.answers[asked] = lambda _: (200, {}, b'{"token": "t%d"}' % registry.paths().count(asked))

    base = fetched(registry, tmp_path, certificate[0], credentials=LOGIN)

    assert len(base.layers) == 2
    assert registry.paths().count(asked) == 2


def test_a_token_that_is_never_accepted_is_asked_for_once_a_request(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    challenge = {"WWW-Authenticate": f'Bearer realm="https://{registry.host}/token"'}
    registry.answers["/v2/team/base/manifests/1"] = (401, challenge, b"{}")
    asked = "/token?scope=repository%3Ateam%2Fbase%3Apull"
    registry.answers[asked] = (200, {}, b'{"token": "t"}')

    with pytest.raises(RegistryLoginRefused, match="does not let “anna” read team/base"):
        fetched(registry, tmp_path, certificate[0], credentials=LOGIN)

    assert registry.paths().count(asked) == 1


def test_a_password_of_any_letters_reaches_a_token_server(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    manifest = registry.answers["/v2/team/base/manifests/1"]
    challenge = {"WWW-Authenticate": f'Bearer realm="https://{registry.host}/token"'}
    registry.answers["/v2/team/base/manifests/1"] = lambda headers: (
        manifest if "Authorization" in headers else (401, challenge, b"{}")
    )
    asked = "/token?scope=repository%3Ateam%2Fbase%3Apull"
    login = base64.b64encode("anna:žluťoučký €".encode()).decode()
    registry.answers[asked] = lambda headers: (
        (200, {}, b'{"token": "t"}') if headers.get("Authorization") == f"Basic {login}" else (401, {}, b"{}")
    )

    fetched(registry, tmp_path, certificate[0], credentials=RegistryCredentials("anna", Secret("žluťoučký €")))
    with pytest.raises(RegistryLoginRefused, match="does not accept the password of “anna”"):
        fetched(registry, tmp_path / "2", certificate[0], credentials=LOGIN)


@pytest.mark.parametrize(
    ("made", "kind", "said"),
    [
        ({"days": -1}, BaseImageUnavailable, "has expired"),
        ({"name_there": "registry.example.org"}, BaseImageUnavailable, "is for another address"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told(
    tmp_path: Path, made: dict[str, object], kind: type[BaseImageUnavailable], said: str
) -> None:
    certificate, key = make_certificate(tmp_path, **made)  # type: ignore[arg-type]
    with own_registry(certificate, key) as registry, pytest.raises(kind, match=said) as failure:
        fetched(registry, tmp_path / "cache", certificate)
    assert not isinstance(failure.value, RegistryUntrusted)  # another CA file would not help


def test_a_ca_file_that_is_none_is_named(registry: Registry, tmp_path: Path) -> None:
    empty, binary = tmp_path / "empty.pem", tmp_path / "der.crt"
    empty.write_bytes(b"")
    binary.write_bytes(b"\x30\x82\x01\x00" + b"\0" * 256)
    for file, said in (
        (tmp_path / "gone.pem", "cannot be read: No such file"),
        (tmp_path, "cannot be read: Is a directory"),
        (empty, "holds no certificate"),
        (binary, "holds no certificate"),
    ):
        with pytest.raises(RegistryUntrusted, match=said) as failure:
            fetched(registry, tmp_path / "cache", file)
        assert failure.value.image_registry == registry.host
        assert str(file) in failure.value.message
    assert registry.requests == []


def test_the_usual_authorities_are_trusted_besides_a_registrys_own(
    registry: Registry,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    image: SmallImage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A company's registry may send its layers from a public store. Here the store's certificate is a usual one."""
    registry.serve(image)
    (tmp_path / "store").mkdir()
    store_certificate, store_key = make_certificate(tmp_path / "store")
    with own_registry(store_certificate, store_key) as store:
        path = f"/v2/team/base/blobs/{sha(image.packed[1])}"
        store.answers["/blob"] = registry.answers[path]
        registry.answers[path] = (307, {"Location": f"https://{store.host}/blob"}, b"")
        with pytest.raises(RegistryUntrusted, match=f"The certificate of {store.host} ") as failure:
            fetched(registry, tmp_path / "1", certificate[0])
        assert failure.value.image_registry == registry.host  # whose CA file is used for its store, too
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(store_certificate))

        assert len(fetched(registry, tmp_path / "2", certificate[0]).layers) == 2


def test_a_redirect_elsewhere_does_not_carry_the_login(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    path = f"/v2/team/base/blobs/{sha(image.packed[1])}"
    stored = registry.answers[path]
    registry.answers[path] = lambda headers: (
        (307, {"Location": f"https://127.0.0.1:{registry.port}/store"}, b"")
        if headers.get("Authorization")
        else (401, {"WWW-Authenticate": 'Basic realm="here"'}, b"")
    )
    registry.answers["/v2/team/base/manifests/1"] = _with_login(registry.answers["/v2/team/base/manifests/1"])
    registry.answers["/store"] = stored

    fetched(registry, tmp_path, certificate[0], credentials=LOGIN)

    stores = [headers for path, headers in registry.requests if path == "/store"]
    assert len(stores) == 1
    assert "Authorization" not in stores[0]


def _with_login(answer: object) -> object:
    return lambda headers: (
        answer if headers.get("Authorization") else (401, {"WWW-Authenticate": 'Basic realm="here"'}, b"")
    )


@pytest.mark.parametrize(
    ("target", "words"), [("http://127.0.0.1/blob", "without encryption"), ("/v2/team/base/manifests/1", "in circles")]
)
def test_dangerous_redirects_are_refused(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, target: str, words: str
) -> None:
    registry.answers["/v2/team/base/manifests/1"] = (302, {"Location": target}, b"")

    with pytest.raises(BaseImageUnavailable, match=words):
        fetched(registry, tmp_path, certificate[0])


def test_a_download_that_breaks_off_goes_on_where_it_stopped(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    image = SmallImage(layers=[tar_of({"little": b"1"}), _noise(3_000_000)])
    registry.serve(image)
    large = image.packed[1]
    path = f"/v2/team/base/blobs/{sha(large)}"
    registry.cut[path] = [1_000_000, 1_000_000]

    base = fetched(registry, tmp_path, certificate[0])

    ranges = [headers.get("Range") for requested, headers in registry.requests if requested == path]
    assert ranges[0] is None
    starts = [int(str(found).removeprefix("bytes=").removesuffix("-")) for found in ranges[1:]]
    assert len(starts) == 2
    assert 700_000 < starts[0] <= 1_000_000
    assert 700_000 < starts[1] - starts[0] <= 1_000_000
    assert b"".join(LayerCache(tmp_path).read_blob(base.layers[1].digest)) == large


def test_a_cancelled_download_is_continued_by_the_next(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    image = SmallImage(layers=[tar_of({"noise": sha(b"").encode()}), _noise(3_000_000)])
    registry.serve(image)
    cancel = CancelSource()

    class AfterABit(NoProgress):
        done = 0

        def advance(self, amount: int = 1) -> None:
            self.done += amount
            if self.done > 1_000_000:
                cancel.cancel()

    with pytest.raises(Cancelled):
        fetched(registry, tmp_path, certificate[0], progress=AfterABit(), cancel=cancel)
    registry.requests.clear()
    fetched(registry, tmp_path, certificate[0])

    path = f"/v2/team/base/blobs/{sha(image.packed[1])}"
    started = [headers["Range"] for requested, headers in registry.requests if requested == path]
    assert len(started) == 1
    assert int(started[0].removeprefix("bytes=").removesuffix("-")) > 1_000_000


def _noise(size: int) -> bytes:
    import random

    return tar_of({"noise": random.Random(7).randbytes(size)})


def test_bytes_that_are_not_what_was_asked_for_are_refused(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    wrong = bytearray(image.packed[1])
    wrong[50] ^= 1
    for path, data in ((sha(image.packed[1]), bytes(wrong)), (sha(image.config), b"{}")):
        kept = registry.answers[f"/v2/team/base/blobs/{path}"]
        registry.answers[f"/v2/team/base/blobs/{path}"] = (200, {}, data)
        with pytest.raises(BaseImageUnavailable, match="not what its digest says"):
            fetched(registry, tmp_path, certificate[0])
        registry.answers[f"/v2/team/base/blobs/{path}"] = kept

    assert len(fetched(registry, tmp_path, certificate[0]).layers) == 2


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (403, b"", "does not let anybody read"),
        (429, b"", "too many requests"),
        (503, b"", "answered 503"),
        (200, b"not json", "not what its digest says"),
        (200, b"[1]", "not what its digest says"),
        (200, b'{"schemaVersion": 1}', "not an image of a kind"),
        (200, b" " * 9_000_000, "far more than was asked for"),
    ],
)
def test_what_a_registry_refuses_or_garbles_is_said_plainly(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, status: int, body: bytes, words: str
) -> None:
    registry.answers["/v2/team/base/manifests/1"] = (status, {}, body)

    with pytest.raises(BaseImageUnavailable, match=words):
        fetched(registry, tmp_path, certificate[0])


def test_layers_that_may_not_be_copied_are_refused(
    registry: Registry, certificate: tuple[Path, Path], tmp_path: Path, image: SmallImage
) -> None:
    registry.serve(image)
    manifest = json.loads(image.manifest())
    manifest["layers"][0]["mediaType"] = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    registry.answers["/v2/team/base/manifests/1"] = (200, {}, json.dumps(manifest).encode())

    with pytest.raises(BaseImageUnavailable, match="may not be copied"):
        fetched(registry, tmp_path, certificate[0])


def slow_proxy(listener: socket.socket, target: int, seconds: float) -> None:
    """Connects to ``target``, and lets whoever asks wait before each of the first answers. Ends with ``listener``."""

    def relay(source: socket.socket, sink: socket.socket, waits: int) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if waits:
                    time.sleep(seconds)
                    waits -= 1
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)

    def stop(one: socket.socket) -> None:
        with contextlib.suppress(OSError):
            one.shutdown(socket.SHUT_RDWR)

    with contextlib.ExitStack() as running:
        while True:
            try:
                client = running.enter_context(listener.accept()[0])
            except OSError:
                return
            while b"\r\n\r\n" not in client.recv(65536):
                pass
            upstream = running.enter_context(socket.create_connection(("127.0.0.1", target)))
            client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
            for way in ((client, upstream, 0), (upstream, client, 2)):
                thread = threading.Thread(target=relay, args=way)
                thread.start()
                running.callback(thread.join)
                running.callback(stop, way[0])


def test_an_image_comes_through_a_slow_proxy(
    registry: Registry,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    image: SmallImage,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry.serve(image)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=slow_proxy, args=(listener, registry.port, 0.6), daemon=True)
        thread.start()
        for name in ("NO_PROXY", "no_proxy", "https_proxy"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")

        base = fetched(registry, tmp_path, certificate[0])
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()

    assert len(base.layers) == 2


def test_a_registry_that_is_not_there_is_said_to_be_unreachable(tmp_path: Path) -> None:
    with pytest.raises(BaseImageUnavailable, match="localhost:9 cannot be reached"):
        base_from_registry("localhost:9/x:1", "linux/amd64", LayerCache(tmp_path))


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("python", "docker.io/library/python:latest"),
        ("python:3.11-slim", "docker.io/library/python:3.11-slim"),
        ("team/base:2", "docker.io/team/base:2"),
        ("docker.io/library/python:3.11-slim", "docker.io/library/python:3.11-slim"),
        ("registry.example/base", "registry.example/base:latest"),
        ("registry.example:5000/team/base:1.0", "registry.example:5000/team/base:1.0"),
        ("localhost/base:1", "localhost/base:1"),
        ("10.0.0.5:5000/base", "10.0.0.5:5000/base:latest"),
        (f"python:3@sha256:{'a' * 64}", f"docker.io/library/python@sha256:{'a' * 64}"),
    ],
)
def test_names_of_images_mean_what_engines_take_them_for(text: str, full: str) -> None:
    assert str(parse_reference(text)) == full


@pytest.mark.parametrize("text", ["", "Python", "a b", "x:", "../x", "https://registry.example/x", "x@sha256:123"])
def test_what_is_no_name_of_an_image_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_reference(text)


def test_the_setting_says_where_a_base_comes_from() -> None:
    assert parse_base("docker.io/library/python:{python}-slim", "3.12") == (
        BaseKind.REGISTRY,
        "docker.io/library/python:3.12-slim",
    )
    assert parse_base("engine:base:{python}", "3.11") == (BaseKind.ENGINE, "base:3.11")
    assert parse_base("/srv/base-{python}.tar.gz", "3.11") == (BaseKind.ARCHIVE, "/srv/base-3.11.tar.gz")

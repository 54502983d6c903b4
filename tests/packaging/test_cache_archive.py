"""A cache goes from a computer with a network to one without, and nothing else does."""

from __future__ import annotations

import io
import json
import re
import shutil
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import Cancelled, PackagingFailed, SignatureRefused
from kronkers_studio.domain.models import ModelFacts, ModelVersion
from kronkers_studio.domain.package_cache import CacheTransfer
from kronkers_studio.domain.progress import CancelSource, NoProgress
from kronkers_studio.domain.signers import Signer
from kronkers_studio.packaging import (
    BaseImage,
    ComposedImage,
    DependencyLock,
    LayerCache,
    base_from_registry,
    compose_package,
    kept_from_registry,
    lock_dependencies,
    this_platform,
)
from kronkers_studio.packaging.cache_archive import export_cache, list_cache
from kronkers_studio.packaging.cache_archive import import_cache as import_archive
from kronkers_studio.packaging.dependencies.locking import DependencyLock as Lock
from kronkers_studio.packaging.images.image import document
from kronkers_studio.packaging.images.signatures import SigningKey, fingerprint
from kronkers_studio.packaging.layer_cache import users_layer_cache
from tests.cli.shell import Shell
from tests.packaging.image_files import SmallImage, sha, tar_of
from tests.packaging.registry_servers import make_certificate, own_registry

SYSTEM, PROCESSOR = this_platform().split("/")
STATUS = b"Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36\n"


def import_cache(cache: LayerCache, file: Path, **options: Any) -> CacheTransfer:
    """The very file that is named by its SHA-256."""
    return import_archive(cache, file, expected=sha(file.read_bytes()), **options)


def composed(
    version: ModelVersion, data: bytes, lock: DependencyLock, base: BaseImage, cache: LayerCache
) -> ComposedImage:
    return compose_package(version, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)


@pytest.fixture(scope="module")
def made(
    tmp_path_factory: pytest.TempPathFactory, layer_cache: LayerCache, lock: DependencyLock
) -> tuple[LayerCache, str]:
    """The cache of a computer with a network, on which one model was packaged; and the name of the base image."""
    folder = tmp_path_factory.mktemp("online")
    cache = LayerCache(folder / "cache")
    certificate, key = make_certificate(folder)
    small = SmallImage(SYSTEM, PROCESSOR, [tar_of({"bin/python3": b"#!"}), tar_of({"var/lib/dpkg/status": STATUS})])
    with own_registry(certificate, key) as registry:
        registry.serve(small)
        reference = f"{registry.host}/team/base:1"
        base_from_registry(reference, this_platform(), cache, ca_file=certificate)
    return cache, reference


@pytest.fixture(scope="module")
def online(
    made: tuple[LayerCache, str], layer_cache: LayerCache, lock: DependencyLock
) -> tuple[LayerCache, BaseImage, str]:
    """With the layers of libraries that were made before: they are the same, as other tests show."""
    cache, reference = made
    base = kept_from_registry(reference, this_platform(), cache)
    assert base is not None
    for kind in ("layers", "components", "locks", "wheels"):
        for stem, fact in layer_cache.facts(kind).items():
            if kind != "locks" or fact.get("text") == lock.text:
                cache.keep_fact(kind, stem, fact)
            digest, size = fact.get("digest"), fact.get("size")
            if kind == "layers" and isinstance(size, int) and layer_cache.has(str(digest), size):
                with cache.draft() as draft:
                    shutil.copyfile(layer_cache.blob(str(digest)), draft)
                    cache.adopt(draft, str(digest))
    return cache, base, reference


@pytest.fixture
def no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "nothing was ever downloaded"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "https_proxy", "http_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")


@pytest.fixture(scope="module")
def archive(online: tuple[LayerCache, BaseImage, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("stick") / "cache.tar"
    done = export_cache(online[0], file, wheels=False)
    assert done.digest == sha(file.read_bytes())
    return file


@pytest.mark.usefixtures("no_network")
def test_what_was_exported_packages_the_same_where_there_is_no_network(
    online: tuple[LayerCache, BaseImage, str],
    archive: Path,
    version: ModelVersion,
    model_bytes: bytes,
    lock: DependencyLock,
    tmp_path: Path,
) -> None:
    """Seen to fail with no locks in the export."""
    cache, base, reference = online
    expected = composed(version, model_bytes, lock, base, cache)
    elsewhere = LayerCache(tmp_path / "cache")
    taken = import_cache(elsewhere, archive)
    assert taken.new == taken.parts > 0
    assert import_cache(elsewhere, archive) == replace(taken, new=0)

    there = kept_from_registry(reference, this_platform(), elsewhere)
    assert there == base
    locked = lock_dependencies(version.facts, this_platform(), cache=elsewhere)
    assert locked == lock
    image = composed(version, model_bytes, locked, there, elsewhere)
    assert (image.package.digest, image.sbom) == (expected.package.digest, expected.sbom)
    assert {(each.kind, each.present) for each in list_cache(elsewhere)} >= {("base", True), ("dependencies", True)}


def test_from_the_libraries_files_other_models_are_packaged_too(
    online: tuple[LayerCache, BaseImage, str],
    version: ModelVersion,
    facts: ModelFacts,
    model_bytes: bytes,
    lock: DependencyLock,
    tmp_path: Path,
    request: pytest.FixtureRequest,
) -> None:
    """With neither their lock nor their layer known there: both are made anew, and are the same. Seen to fail with no
    wheels in the export."""
    cache, base, _ = online
    expected = composed(version, model_bytes, lock, base, cache)
    file = tmp_path / "cache.tar"
    done = export_cache(cache, file)
    assert done.size > 20_000_000
    request.getfixturevalue("no_network")
    elsewhere = LayerCache(tmp_path / "cache")
    import_cache(elsewhere, file)
    for kind in ("locks", "layers"):
        shutil.rmtree(elsewhere.directory / kind)

    locked = lock_dependencies(facts, this_platform(), cache=elsewhere)
    assert locked.text == lock.text
    image = composed(version, model_bytes, locked, base, elsewhere)
    assert image.layers == expected.layers
    assert image.package.digest == expected.package.digest
    with pytest.raises(PackagingFailed, match="cannot be reached"):
        lock_dependencies(replace(facts, framework_version="1.0.1"), this_platform(), cache=elsewhere)


def test_a_library_that_cannot_be_downloaded_is_named(
    online: tuple[LayerCache, BaseImage, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also when nothing may be; and nothing is written then."""
    facts_only = LayerCache(tmp_path / "cache")
    for kind in ("locks", "wheels"):
        for stem, fact in online[0].facts(kind).items():
            facts_only.keep_fact(kind, stem, fact)
    with pytest.raises(PackagingFailed, match="is set to work offline") as failure:
        export_cache(facts_only, tmp_path / "out.tar", offline=True)
    assert "--without-wheels" in failure.value.next_step
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(PackagingFailed, match="cannot be reached"):
        export_cache(facts_only, tmp_path / "out.tar")
    assert not (tmp_path / "out.tar").exists()
    assert export_cache(facts_only, tmp_path / "out.tar", wheels=False).parts == 0


class CancelAfter(NoProgress):
    def __init__(self, advanced: int) -> None:
        self.cancel, self.at, self._limit = CancelSource(), 0, advanced
        self.total: int | None = None

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        self.total = total

    def advance(self, amount: int = 1) -> None:
        self.at += amount
        if self.at > self._limit:
            self.cancel.cancel()


def test_both_ways_tell_how_far_they_are_and_can_be_cancelled(
    online: tuple[LayerCache, BaseImage, str], archive: Path, tmp_path: Path
) -> None:
    seen = CancelAfter(5_000_000)
    target = tmp_path / "out" / "cache.tar"
    with pytest.raises(Cancelled):
        export_cache(online[0], target, wheels=False, progress=seen, cancel=seen.cancel)
    assert seen.total is not None
    assert seen.total > 5_000_000
    assert list(target.parent.iterdir()) == []

    elsewhere = LayerCache(tmp_path / "cache")
    seen = CancelAfter(5_000_000)
    with pytest.raises(Cancelled):
        import_cache(elsewhere, archive, progress=seen, cancel=seen.cancel)
    assert seen.total == archive.stat().st_size
    assert list((elsewhere.directory / "drafts").iterdir()) == []
    assert not (elsewhere.directory / "locks").exists()


# hostile archives
LOCK = {"text": "numpy==2.4.6 \\\n    --hash=sha256:" + "0" * 64 + "\n", "notes": []}


def small_archive(change: Callable[[dict[str, Any]], None] = lambda _: None, *, extra: bytes = b"") -> bytes:
    """An export of one base of one layer; ``change`` may do what it likes to what it lists and to its files."""
    layer = b"a layer"
    config = {"role": "base", "digest": sha(layer), "diff_id": sha(b"x"), "size": len(layer)}
    base = {
        "key": "docker.io/library/python:3.11-slim",
        "platform": "linux/amd64",
        "reference": f"docker.io/library/python@{sha(b'm')}",
        "variant": "",
        "environment": [],
        "history": [],
        "layers": [{**config, "media_type": "application/vnd.oci.image.layer.v1.tar"}],
    }
    stem = _key(f"{base['key']} {base['platform']}")
    listed: dict[str, Any] = {
        "format": 1,
        "blobs": {sha(layer): len(layer)},
        "facts": {"bases": {stem: base}, "locks": {"1" * 64: dict(LOCK)}},
    }
    files: dict[str, Any] = {"kronkers-cache.json": listed, f"blobs/sha256/{sha(layer)[7:]}": layer}
    change(files)
    plain = {name: data if isinstance(data, bytes) else json.dumps(data).encode() for name, data in files.items()}
    return tar_of(plain) + extra


def _key(text: str) -> str:
    from kronkers_studio.packaging.layer_cache import key_of

    return key_of(text)


def _listed(change: Callable[[Any], None]) -> Callable[[dict[str, Any]], None]:
    return lambda files: change(files["kronkers-cache.json"])


def _first_fact(kind: str, **changes: Any) -> Callable[[dict[str, Any]], None]:
    def change(files: dict[str, Any]) -> None:
        next(iter(files["kronkers-cache.json"]["facts"][kind].values())).update(changes)

    return change


def _renamed(files: dict[str, Any], name: str) -> None:
    (blob,) = [each for each in files if each.startswith("blobs/")]
    files[name] = files.pop(blob)


def _without_blobs(files: dict[str, Any]) -> None:
    files["kronkers-cache.json"]["blobs"] = {}
    for name in [name for name in files if name.startswith("blobs/")]:
        del files[name]


HOSTILE: dict[str, Callable[[dict[str, Any]], None]] = {
    "no list": lambda files: files.pop("kronkers-cache.json"),
    "another version": _listed(lambda listed: listed.update(format=2)),
    "facts of another kind": _listed(lambda listed: listed["facts"].update(proofs={"1" * 64: {}})),
    "facts under a path": _listed(lambda listed: listed["facts"].update(locks={"../../x": LOCK})),
    "a lock with an index": _first_fact("locks", text="--index-url https://evil.example\n"),
    "a base under another name": _first_fact("bases", key="docker.io/library/other:1"),
    "a base of a file": _first_fact("bases", key="archive /etc/passwd 1 1"),
    "a base of strange layers": _first_fact("bases", layers=[{"role": "base", "digest": "../../x"}]),
    "a base of missing layers": _without_blobs,
    "a blob with another size": _listed(lambda listed: listed["blobs"].update(dict.fromkeys(listed["blobs"], 3))),
    "a blob of no size": _listed(lambda listed: listed["blobs"].update({sha(b"z"): -1})),
    "a blob of endless size": _listed(lambda listed: listed["blobs"].update({sha(b"z"): 1 << 60})),
    "a blob that is missing": _listed(lambda listed: listed["blobs"].update({sha(b"z"): 1})),
    "a blob under a path": _listed(lambda listed: listed["blobs"].update({"../../x": 1})),
    "a blob that is not listed": lambda files: files.update({f"blobs/sha256/{sha(b'y')[7:]}": b"y"}),
    "a blob that was changed": lambda files: files.update(
        {n: b"a lawyer"[:7] for n in files if n.startswith("blobs/")}
    ),
    "a file elsewhere": lambda files: _renamed(files, "../../evil"),
    "a file of a full name": lambda files: _renamed(files, "/etc/evil"),
    "no facts": _listed(lambda listed: listed.update(facts=[])),
    "no object": lambda files: files.update({"kronkers-cache.json": b"[]"}),
    "no JSON": lambda files: files.update({"kronkers-cache.json": b"{" * 100_000}),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_an_archive_that_lies_leaves_no_fact_behind(tmp_path: Path, what: str) -> None:
    """Seen to fail with each look taken out but that at single sizes, which the look at their sum covers."""
    file = tmp_path / "cache.tar"
    file.write_bytes(small_archive(HOSTILE[what]))
    cache = LayerCache(tmp_path / "cache")
    with pytest.raises(PackagingFailed, match="not a whole export"):
        import_cache(cache, file)
    assert not any((cache.directory / kind).exists() for kind in ("bases", "locks", "layers", "wheels", "components"))
    assert [path.name for path in tmp_path.iterdir() if path.name not in ("cache", "cache.tar")] == []


def test_the_same_archive_unchanged_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "cache.tar"
    file.write_bytes(small_archive())
    cache = LayerCache(tmp_path / "cache")
    done = import_cache(cache, file)
    assert (done.parts, done.new, done.facts) == (1, 1, 2)
    assert kept_from_registry("python:3.11-slim", "linux/amd64", cache) is not None


def _linked() -> bytes:
    stream = io.BytesIO(small_archive())
    with tarfile.open(fileobj=stream, mode="a") as archive:
        info = tarfile.TarInfo(f"blobs/sha256/{'2' * 64}")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    return stream.getvalue()


def _packed() -> bytes:
    """A few bytes that unpack to very many."""
    import gzip

    zeros = bytes(50_000_000)

    def larger(files: dict[str, Any]) -> None:
        files["kronkers-cache.json"]["blobs"][sha(zeros)] = len(zeros)
        files[f"blobs/sha256/{sha(zeros)[7:]}"] = zeros

    return gzip.compress(small_archive(larger))


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100, small_archive()[:2000], _linked(), _packed()])
def test_what_is_no_export_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "cache.tar"
    file.write_bytes(content)
    with pytest.raises(PackagingFailed, match="not a whole export"):
        import_cache(LayerCache(tmp_path / "cache"), file)


def test_what_is_in_the_cache_stays_as_it_is(tmp_path: Path) -> None:
    """Nobody's export changes which lock, layer or base this computer has already."""
    file = tmp_path / "cache.tar"
    file.write_bytes(small_archive())
    cache = LayerCache(tmp_path / "cache")
    own = {"text": Lock.of_text("orjson==3.13.0\n").text, "notes": ["mine"]}
    cache.keep_fact("locks", "1" * 64, own)
    import_cache(cache, file)
    assert cache.fact("locks", "1" * 64) == own


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shell]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "caches"))
    yield Shell(tmp_path)


OURS, OTHER = SigningKey(bytes(32)), SigningKey(bytes([1]) * 32)


def signer(key: SigningKey, name: str = "the office") -> Signer:
    return Signer(name, key.public, fingerprint(key.public))


def small_cache(folder: Path) -> LayerCache:
    """With what ``small_archive`` holds."""
    archive = folder / "small.tar"
    archive.write_bytes(small_archive())
    cache = LayerCache(folder / "small")
    import_cache(cache, archive)
    return cache


def test_an_archive_is_taken_from_whom_its_signature_is_accepted(tmp_path: Path) -> None:
    """The facts in it are what decides which bytes services run on. Seen to fail without the look at who signed."""
    file = tmp_path / "cache.tar"
    export_cache(small_cache(tmp_path), file, key=OURS)
    assert (
        import_archive(LayerCache(tmp_path / "1"), file, signers=[signer(OTHER), signer(OURS)]).signer == "the office"
    )

    elsewhere = LayerCache(tmp_path / "2")
    with pytest.raises(SignatureRefused, match=f"not known here: {re.escape(fingerprint(OURS.public))}"):
        import_archive(elsewhere, file, signers=[signer(OTHER)])
    export_cache(small_cache(tmp_path), file)
    with pytest.raises(SignatureRefused, match="is not signed"):
        import_archive(elsewhere, file, signers=[signer(OURS)])
    with pytest.raises(SignatureRefused, match="another file than the one that was named"):
        import_archive(elsewhere, file, expected=sha(b"another"))
    assert not any((elsewhere.directory / kind).exists() for kind in ("bases", "locks"))


def _signed_as(files: dict[str, Any], **changes: Any) -> None:
    """As an export by OURS puts its signature into it, over what was listed before ``changes`` to it."""
    listed = json.dumps(files.pop("kronkers-cache.json")).encode()
    payload = document({"type": "kronkers package cache", "contents": sha(listed)})
    blobs = dict(files)
    files.clear()
    files["kronkers-cache.json"] = listed
    files["kronkers-cache.signature.json"] = {"key": OURS.public, "signature": OURS.sign(payload), **changes}
    files.update(blobs)


def _other_layer_for_the_lock(files: dict[str, Any]) -> None:
    _signed_as(files)
    listed = json.loads(files["kronkers-cache.json"])
    listed["facts"]["locks"] = {"2" * 64: dict(LOCK)}
    files["kronkers-cache.json"] = listed


MISSIGNED: dict[str, tuple[Callable[[dict[str, Any]], None], type[Exception]]] = {
    "what it lists was changed": (_other_layer_for_the_lock, SignatureRefused),
    "by another key": (lambda files: _signed_as(files, key=OTHER.public), SignatureRefused),
    "no key": (lambda files: _signed_as(files, key=None), SignatureRefused),
    "no hexadecimal digits": (lambda files: _signed_as(files, key="x" * 64), SignatureRefused),
    "a long signature": (lambda files: _signed_as(files, more="x" * 10_000), PackagingFailed),
}


@pytest.mark.parametrize("what", MISSIGNED)
def test_a_signature_that_does_not_fit_is_refused(tmp_path: Path, what: str) -> None:
    change, error = MISSIGNED[what]
    file = tmp_path / "cache.tar"
    file.write_bytes(small_archive(change))
    cache = LayerCache(tmp_path / "cache")
    with pytest.raises(error):
        import_archive(cache, file, signers=[signer(OURS)])
    assert not any((cache.directory / kind).exists() for kind in ("bases", "locks"))


def test_the_signature_over_these_very_bytes_is_accepted(tmp_path: Path) -> None:
    file = tmp_path / "cache.tar"
    file.write_bytes(small_archive(_signed_as))
    assert import_archive(LayerCache(tmp_path / "cache"), file, signers=[signer(OURS)]).facts == 2


def test_the_commands_need_no_workspace_where_nothing_is_signed(shell: Shell, tmp_path: Path) -> None:
    file = tmp_path / "cache.tar"
    file.write_bytes(small_archive())
    assert shell.json("cache", "list") == []
    digest = sha(file.read_bytes())
    for text in (digest, digest.removeprefix("sha256:").upper()):
        done = shell.json("cache", "import", str(file), "--sha256", text)
        assert done["parts"] == 1
    assert shell.json("cache", "import", str(file), "--sha256", "1234", expect=2)["error"]["kind"] == "InvalidInput"
    (entry,) = shell.json("cache", "list")
    assert entry["kind"] == "base"
    again = shell.json("cache", "export", str(tmp_path / "again.tar"), "--unsigned")
    assert again["parts"] == 1
    missing = shell.json("cache", "import", str(tmp_path / "none.tar"), "--sha256", digest, expect=1)
    assert missing["error"]["kind"] == "PackagingFailed"
    for words, way in (("export", "--unsigned"), ("import", "--sha256")):
        refused = shell.json("cache", words, str(file), expect=1)["error"]
        assert refused["message"].startswith("There is no workspace in") and way in refused["next_step"]


def test_one_workspace_takes_what_another_one_signed_that_it_trusts(shell: Shell, tmp_path: Path) -> None:
    """As somebody with two computers does it."""
    import_cache(users_layer_cache(), _written(tmp_path / "small.tar", small_archive()))
    shell.init()
    exported = shell.json("cache", "export", str(tmp_path / "cache.tar"))
    assert exported["signer"] == "this workspace"
    public = shell.run("key", "public").out

    (tmp_path / "other").mkdir()
    other = Shell(tmp_path / "other")
    other.init()
    refused = other.json("cache", "import", exported["file"], expect=3)["error"]
    assert refused["kind"] == "SignatureRefused"
    other.run("key", "trust", str(_written(tmp_path / "public.pem", public.encode())), "--name", "the office")
    assert other.json("cache", "import", exported["file"])["signer"] == "the office"


def _written(file: Path, content: bytes) -> Path:
    file.write_bytes(content)
    return file

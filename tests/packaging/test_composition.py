import dataclasses
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import Cancelled, ForeignEntry, PackagingFailed, UnsupportedModel
from kronkers_studio.domain.models import Layer, ModelFacts, ModelVersion
from kronkers_studio.domain.progress import NEVER, CancelSource, NoProgress
from kronkers_studio.packaging import (
    BaseImage,
    ComposedImage,
    DependencyLock,
    LayerCache,
    compose_package,
    lock_dependencies,
    runnable_here,
    this_platform,
    unpack_runtime,
)

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def composed(
    version: ModelVersion, data: bytes, lock: DependencyLock, cache: LayerCache, base: BaseImage | None = None
) -> ComposedImage:
    return compose_package(version, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)


@pytest.fixture
def image(version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache) -> ComposedImage:
    return composed(version, model_bytes, lock, layer_cache)


def names_in(image: ComposedImage, role: str) -> list[tarfile.TarInfo]:
    layer = next(layer for layer in image.layers if layer.role == role)
    data = b"".join(image.open_layer(layer))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getmembers()


def test_the_layers_lie_in_order_and_are_what_their_digests_say(image: ComposedImage) -> None:
    assert [layer.role for layer in image.layers] == ["dependencies", "server", "model"]
    for layer in image.layers:
        data = b"".join(image.open_layer(layer))
        assert f"sha256:{hashlib.sha256(data).hexdigest()}" == layer.digest
        assert len(data) == layer.size
        plain = data
        if layer.media_type.endswith("gzip"):
            import gzip

            plain = gzip.decompress(data)
        assert f"sha256:{hashlib.sha256(plain).hexdigest()}" == layer.diff_id
    manifest = json.loads(image.manifest)
    assert image.package.digest == f"sha256:{hashlib.sha256(image.manifest).hexdigest()}"
    assert manifest["config"]["digest"] == image.config_digest
    assert [entry["digest"] for entry in manifest["layers"]] == [layer.digest for layer in image.layers]


def test_only_a_package_that_can_record_has_files_for_it(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, facts: ModelFacts, layer_cache: LayerCache,
    image: ComposedImage, tmp_path: Path,
) -> None:  # fmt: skip
    records = lock_dependencies(facts, this_platform(), earlier=lock.text, records=True, cache=layer_cache)
    made = composed(version, model_bytes, records, layer_cache)
    found = {entry.name: entry for entry in names_in(made, "model")}
    names = {f"opt/kronkers/rows/rows-{number}" for number in range(8)}
    assert names < found.keys() - {entry.name for entry in names_in(image, "model")}
    assert all((found[name].uid, found[name].gid, found[name].mode, found[name].size) == (65532, 65532, 0o600, 0)
               for name in names)  # fmt: skip
    folder = found["opt/kronkers/rows"]
    assert (folder.uid, folder.mode, folder.isdir()) == (0, 0o755, True)
    assert b"pkg:pypi/pynacl@" in made.sbom and b"pkg:pypi/pynacl@" not in image.sbom
    unpack_runtime(made, tmp_path, layer_cache)
    assert not list(tmp_path.rglob("rows-*"))


def test_the_configuration_starts_the_service_as_nobody(image: ComposedImage, version: ModelVersion) -> None:
    config = json.loads(image.config)
    run = config["config"]

    assert run["Entrypoint"] == [
        *(f"python{PYTHON}", "-m", "kronkers_studio.serving", "--model", "/opt/kronkers/model"),
        *("--host", "0.0.0.0", "--port", "8080"),  # noqa: S104
    ]
    assert run["User"] == "65532:65532"
    assert run["ExposedPorts"] == {"8080/tcp": {}}
    assert "PYTHONPATH=/opt/kronkers/server:/opt/kronkers/dependencies" in run["Env"]
    assert run["Labels"]["io.kronkers.model.version"] == "3"
    assert run["Labels"]["org.opencontainers.image.revision"] == version.source.commit
    assert config["created"] == "2026-11-23T08:30:00Z"
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in image.layers]
    assert sum(not line.get("empty_layer") for line in config["history"]) == len(image.layers)


def test_entries_are_sorted_and_all_alike(image: ComposedImage) -> None:
    for role in ("dependencies", "server", "model"):
        members = names_in(image, role)
        files = [member.name for member in members if member.isfile()]
        assert role == "model" or files == sorted(files)
        assert {(member.uid, member.gid, member.mtime) for member in members} == {(0, 0, 315_532_800)}
        assert {member.mode for member in members if member.isfile()} == {0o644}
        assert {member.mode for member in members if member.isdir()} == {0o755}
        assert all(member.name.startswith("opt") for member in members)


def test_the_libraries_come_compiled_and_without_their_tests(image: ComposedImage) -> None:
    names = {member.name for member in names_in(image, "dependencies")}

    assert f"opt/kronkers/dependencies/sklearn/__pycache__/__init__.{sys.implementation.cache_tag}.pyc" in names
    assert not any("/tests/test_" in name or name.endswith("/RECORD") for name in names)
    assert not any("/dependencies/bin/" in name for name in names)
    assert any(name.endswith("dist-info/METADATA") for name in names)


def test_the_model_layer_holds_the_file_and_its_description(image: ComposedImage, model_bytes: bytes) -> None:
    layer = image.layers[-1]
    with tarfile.open(fileobj=io.BytesIO(b"".join(image.open_layer(layer)))) as archive:
        stored = archive.extractfile("opt/kronkers/model/model.joblib")
        described = archive.extractfile("opt/kronkers/model/model.json")
        assert stored is not None
        assert described is not None
        assert stored.read() == model_bytes
        found = json.load(described)

    assert found["format"] == 1
    assert (found["name"], found["version"], found["framework"]) == ("wine", 3, "scikit-learn")
    assert (found["file"], found["file_format"]) == ("model.joblib", "joblib")
    assert found["sha256"] == hashlib.sha256(model_bytes).hexdigest()
    assert found["signature"]["outputs"][1]["columns"] == ["Barbera", "Barolo", "Grignolino"]
    assert "sklearn.pipeline.Pipeline" in found["allowed_globals"]


def test_old_spellings_of_what_a_pickle_names_are_allowed_too(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> None:
    from kronkers_studio.packaging.composition import describe_model

    facts = dataclasses.replace(version.facts, globals=("builtins.object", "copyreg._reconstructor"))
    found = describe_model(dataclasses.replace(version, facts=facts), "00")["allowed_globals"]

    assert found == ["__builtin__.object", "builtins.object", "copy_reg._reconstructor", "copyreg._reconstructor"]


def test_packaging_twice_gives_the_same_digest(
    image: ComposedImage, version: ModelVersion, model_bytes: bytes, lock: DependencyLock, tmp_path: Path
) -> None:
    """The second time with an empty cache, in another place and under another umask."""
    before = os.umask(0o077)
    try:
        again = composed(version, model_bytes, lock, LayerCache(tmp_path / "elsewhere"))
    finally:
        os.umask(before)

    assert [layer.digest for layer in again.layers] == [layer.digest for layer in image.layers]
    assert again.package.digest == image.package.digest
    assert again.config == image.config


def test_a_new_version_changes_only_the_model_layer_and_nothing_else_is_made_or_read(
    image: ComposedImage,
    version: ModelVersion,
    model_bytes: bytes,
    lock: DependencyLock,
    layer_cache: LayerCache,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail with the layer of dependencies not remembered."""
    for work in ("draft", "scratch", "read_blob", "unpacked"):
        monkeypatch.setattr(layer_cache, work, lambda *_words: pytest.fail("a layer that is there was worked on"))
    newer = composed(dataclasses.replace(version, version=4), model_bytes, lock, layer_cache)

    assert newer.layers[:-1] == image.layers[:-1]
    assert newer.package.digest != image.package.digest


def test_a_large_model_is_streamed(version: ModelVersion, lock: DependencyLock, layer_cache: LayerCache) -> None:
    size = 64 * 1024 * 1024

    class Zeros(io.RawIOBase):
        left = size

        def read(self, count: int = -1, /) -> bytes:
            piece = bytes(min(count, self.left))
            self.left -= len(piece)
            return piece

    tracemalloc.start()
    try:
        image = compose_package(
            dataclasses.replace(version, size=size),
            Zeros,  # type: ignore[arg-type]
            lock,
            platform=this_platform(),
            base=None,
            cache=layer_cache,
        )
        streamed = sum(len(piece) for piece in image.open_layer(image.layers[-1]))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert streamed == image.layers[-1].size > size
    assert peak < 16 * 1024 * 1024


def test_a_model_that_changes_meanwhile_is_noticed(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> None:
    contents = [model_bytes, bytes(len(model_bytes))]
    image = compose_package(
        version,
        lambda: io.BytesIO(contents.pop(0)),
        lock,
        platform=this_platform(),
        base=None,
        cache=layer_cache,
    )

    with pytest.raises(PackagingFailed, match="changed while it was packaged"):
        list(image.open_layer(image.layers[-1]))


def test_a_model_of_another_length_than_registered_is_refused(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> None:
    for data in (model_bytes + b"x", model_bytes[:-1]):
        with pytest.raises(PackagingFailed, match="not as long as it was"):
            composed(version, data, lock, layer_cache)


def test_a_model_of_unknown_size_is_measured(
    image: ComposedImage, version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> None:
    unknown = composed(dataclasses.replace(version, size=0), model_bytes, lock, layer_cache)

    assert unknown.layers[-1] == image.layers[-1]


def test_an_unsafe_model_is_never_packaged(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> None:
    unsafe = dataclasses.replace(version, facts=dataclasses.replace(version.facts, unsafe=("mine.Cleaner",)))

    with pytest.raises(UnsupportedModel, match=r"mine\.Cleaner"):
        composed(unsafe, model_bytes, lock, layer_cache)


@pytest.mark.parametrize(
    "change",
    [
        *({"name": "../../x"}, {"name": "a/b"}, {"version": 0}, {"facts": {"globals": ("os.system",)}}),
        *({"facts": {"file_format": "../x"}}, {"facts": {"python_version": "/tmp/evil/python"}}),
    ],
)
def test_what_no_workspace_of_ours_holds_is_never_packaged(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, tmp_path: Path, change: dict[str, Any]
) -> None:
    """The names that the service's unpickler resolves are looked at again, whatever was said of them before."""
    facts = dataclasses.replace(version.facts, **change.get("facts", {}))
    foreign = dataclasses.replace(version, **{**change, "facts": facts})

    with pytest.raises(ForeignEntry):
        composed(foreign, model_bytes, lock, LayerCache(tmp_path))
    assert not list(tmp_path.iterdir())


def test_a_damaged_cached_layer_is_noticed_dropped_and_made_anew(
    image: ComposedImage, version: ModelVersion, model_bytes: bytes, lock: DependencyLock, tmp_path: Path
) -> None:
    cache = LayerCache(tmp_path)
    server = image.layers[1]
    from kronkers_studio.packaging.images.layers import server_layer

    assert server_layer(PYTHON, cache, CancelSource()) == server
    blob = cache.blob(server.digest)
    data = bytearray(blob.read_bytes())
    data[len(data) // 2] ^= 1
    blob.write_bytes(data)

    with pytest.raises(PackagingFailed, match="damaged"):
        list(cache.read_blob(server.digest))
    assert server_layer(PYTHON, cache, CancelSource()) == server
    assert len(b"".join(cache.read_blob(server.digest))) == server.size


def test_cancelling_leaves_nothing_half_built(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, tmp_path: Path
) -> None:
    cancel = CancelSource()
    cancel.cancel()
    cache = LayerCache(tmp_path)

    with pytest.raises(Cancelled):
        compose_package(
            version,
            lambda: io.BytesIO(model_bytes),
            lock,
            platform=this_platform(),
            base=None,
            cache=cache,
            cancel=cancel,
        )
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_base_with_another_python_is_refused(
    version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> None:
    layer = Layer("base", "sha256:" + "0" * 64, "sha256:" + "1" * 64, 1, "application/vnd.oci.image.layer.v1.tar")
    base = BaseImage("python@sha256:0", this_platform(), (layer,), environment=("PYTHON_VERSION=3.7.1",))

    with pytest.raises(PackagingFailed, match=r"has Python 3\.7\.1, the model needs"):
        composed(version, model_bytes, lock, layer_cache, base)
    with pytest.raises(PackagingFailed, match="plan9/mips"):
        composed(version, model_bytes, lock, layer_cache, dataclasses.replace(base, platform="plan9/mips"))


def test_the_unpacked_package_predicts_in_a_process_of_its_own(
    image: ComposedImage, layer_cache: LayerCache, tmp_path: Path, trained: Callable[[str], Any]
) -> None:
    from tests.packaging import model_zoo

    runtime = unpack_runtime(image, tmp_path / "run", layer_cache)
    program = (
        "import json,sys;from pathlib import Path;"
        "from kronkers_studio.serving.manifest import read_manifest;"
        "from kronkers_studio.serving.model_loader import load_model;"
        "import numpy as np;model=load_model(read_manifest(Path(sys.argv[1])),1);"
        "print(json.dumps([model.run({'input':np.array(json.load(sys.stdin))},['label'])['label'].tolist(),sys.path]))"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    answer = subprocess.run(
        [str(runtime.python), "-c", program, str(runtime.model)],
        input=json.dumps(model_zoo.NUMBERS[:5].tolist()),
        env=environment | {"PYTHONPATH": os.pathsep.join(map(str, runtime.python_path))},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    labels, path = json.loads(answer.stdout)

    assert labels == trained("pipeline").predict(model_zoo.NUMBERS[:5]).tolist()
    assert sys.prefix not in path


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_the_unpacked_model_is_for_its_user_only(
    image: ComposedImage, layer_cache: LayerCache, tmp_path: Path, model_bytes: bytes
) -> None:
    runtime = unpack_runtime(image, tmp_path / "run", layer_cache)

    assert runtime.model.stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "run").stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in runtime.model.iterdir()} == {0o600}
    assert (runtime.model / "model.joblib").read_bytes() == model_bytes
    assert unpack_runtime(image, tmp_path / "run", layer_cache) == runtime


def test_public_layers_are_unpacked_once_by_many_at_a_time(image: ComposedImage, tmp_path: Path) -> None:
    from concurrent.futures import ThreadPoolExecutor

    from kronkers_studio.packaging.runtime import _public

    cache = LayerCache(tmp_path)
    server = image.layers[1]
    with ThreadPoolExecutor(8) as pool:
        folders = set(pool.map(lambda _: _public(image, server, cache, NEVER), range(8)))

    assert len(folders) == 1
    assert (folders.pop() / "kronkers_studio" / "serving" / "__main__.py").is_file()
    assert not list((tmp_path / "drafts").iterdir())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_nothing_in_the_cache_is_open_to_others_whatever_the_umask(image: ComposedImage, tmp_path: Path) -> None:
    from kronkers_studio.packaging.images.layers import server_layer
    from kronkers_studio.packaging.runtime import _public

    cache = LayerCache(tmp_path / "cache" / "layers")
    drafts: set[int] = set()

    class Looking(CancelSource):
        """Sees what lies there while the layer is made."""

        def check(self) -> None:
            drafts.update(path.stat().st_mode & 0o777 for path in (cache.directory / "drafts").iterdir())

    before = os.umask(0)
    try:
        server = server_layer(PYTHON, cache, Looking())
        _public(image, server, cache, NEVER)
        cache.part(server.digest)
        cache.remember("bases", "x", {})
    finally:
        os.umask(before)

    kept = [tmp_path / "cache", cache.directory, *cache.directory.rglob("*")]
    unpacked = cache.directory / "unpacked"
    assert {path.stat().st_mode & 0o777 for path in kept if path.is_dir() and unpacked not in path.parents} == {0o700}
    assert not any(path.stat().st_mode & 0o022 for path in kept)
    assert drafts and all(not mode & 0o077 for mode in drafts)


def test_a_cache_that_an_earlier_version_left_open_is_closed(tmp_path: Path) -> None:
    if os.name == "nt":
        pytest.skip("Windows has no such modes")
    cache = LayerCache(tmp_path / "layers")
    cache.directory.mkdir()
    cache.directory.chmod(0o777)

    cache.remember("bases", "x", {})

    assert cache.directory.stat().st_mode & 0o777 == 0o700


def test_a_package_for_another_platform_is_not_unpacked(
    image: ComposedImage, layer_cache: LayerCache, tmp_path: Path
) -> None:
    foreign = dataclasses.replace(image, package=dataclasses.replace(image.package, platform="windows/arm64"))

    with pytest.raises(PackagingFailed, match="is for windows/arm64"):
        unpack_runtime(foreign, tmp_path, layer_cache)


def test_a_missing_interpreter_is_said_with_what_to_install(
    image: ComposedImage, layer_cache: LayerCache, tmp_path: Path
) -> None:
    future = dataclasses.replace(image, package=dataclasses.replace(image.package, python_version="3.99"))

    with pytest.raises(PackagingFailed, match=r"made with Python 3\.99") as failure:
        unpack_runtime(future, tmp_path, layer_cache)
    assert "Install Python 3.99" in failure.value.next_step


def test_names_that_leave_the_folder_are_refused(tmp_path: Path) -> None:
    from kronkers_studio.packaging.runtime import _below

    for name in ("../x", "a/../../x", "/etc/passwd", "C:/x", "a\\..\\x", "a//b", "."):
        with pytest.raises(PackagingFailed):
            _below(tmp_path, name)


def test_without_an_interpreter_the_layer_is_plain_and_that_is_said(
    lock: DependencyLock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.packaging.images import layers

    monkeypatch.setattr(layers, "find_python", lambda version: None)
    plain = layers.server_layer(PYTHON, LayerCache(tmp_path), CancelSource())
    with tarfile.open(LayerCache(tmp_path).blob(plain.digest)) as archive:
        names = archive.getnames()

    assert "opt/kronkers/server/kronkers_studio/serving/__main__.py" in names
    assert not any("__pycache__" in name for name in names)


def test_an_onnx_model_gets_a_package_of_its_own(
    onnx_bytes: bytes, version: ModelVersion, layer_cache: LayerCache, tmp_path: Path
) -> None:
    from kronkers_studio.packaging import inspect_model, lock_dependencies

    facts = inspect_model("model.onnx", io.BytesIO(onnx_bytes), {".python-version": PYTHON.encode})
    lock = lock_dependencies(facts, this_platform(), cache=layer_cache)
    image = composed(dataclasses.replace(version, facts=facts, size=len(onnx_bytes)), onnx_bytes, lock, layer_cache)
    runtime = unpack_runtime(image, tmp_path, layer_cache)

    assert any(line.startswith("onnxruntime==") for line in lock.requirements)
    assert not any(line.startswith("scikit-learn") for line in lock.requirements)
    assert (runtime.model / "model.onnx").read_bytes() == onnx_bytes
    assert json.loads((runtime.model / "model.json").read_bytes())["allowed_globals"] == []


def test_a_model_of_an_absent_python_runs_here_with_another(version: ModelVersion) -> None:
    notes: list[str] = []

    class Notes(NoProgress):
        def note(self, text: str) -> None:
            notes.append(text)

    absent = dataclasses.replace(version, facts=dataclasses.replace(version.facts, python_version="3.99"))

    assert runnable_here(version, Notes()) is version
    assert runnable_here(absent, Notes()).facts.python_version == PYTHON
    assert notes == [f"wine was made with Python 3.99; on this computer it runs with Python {PYTHON}."]

"""Packaging as people do it: each stage says what it does and can be cancelled; what cannot work is said at once."""

from __future__ import annotations

import io
import json
import shutil
import sys
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from kronkers_studio.domain.changes import ModelRegistered
from kronkers_studio.domain.errors import (
    BaseImageUnavailable,
    Cancelled,
    ForeignEntry,
    InvalidInput,
    PackagingFailed,
    RegistryLoginRefused,
    RegistryUntrusted,
)
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelSource, NoProgress
from kronkers_studio.registry.content_store import ContentStore
from kronkers_studio.settings.configuration import change_settings, load_settings
from kronkers_studio.settings.paths import cache_folder
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.image_registries import log_in_to_registry, trust_registry
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import find_models, list_models, register_model
from kronkers_studio.workflows.packages import package_model
from kronkers_studio.workflows.session import Session
from tests.lab.secret_service import SecretService
from tests.packaging.image_files import SmallImage, sha, tar_of
from tests.packaging.registry_servers import debian_registry, make_certificate, push

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small fitted model beside its Python version."""
    import joblib
    from sklearn.datasets import load_wine
    from sklearn.tree import DecisionTreeClassifier

    folder = tmp_path_factory.mktemp("folder")
    data, labels = load_wine(return_X_y=True)
    joblib.dump(DecisionTreeClassifier(max_depth=3, random_state=1).fit(data, labels), folder / "wine.joblib")
    (folder / ".python-version").write_text(PYTHON)
    return folder


@pytest.fixture
def wine(session: Session, folder: Path) -> ModelVersion:
    migrate_folder(session, folder, "quality")
    return register_model(session, "quality", "wine.joblib", name="wine")


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """An archive as `docker save` writes it, of one small layer."""
    from hashlib import sha256

    layer = tar_of({"bin/python3": b"#!"})
    diff_ids = [f"sha256:{sha256(layer).hexdigest()}"]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    load = [{"Config": "abc.json", "Layers": ["0/layer.tar"]}]
    file = tmp_path / "base.tar"
    file.write_bytes(
        tar_of(
            {
                "0/layer.tar": layer,
                "abc.json": json.dumps(config).encode(),
                "manifest.json": json.dumps(load).encode(),
            }
        )
    )
    return file


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of this test's own, with the locks that were made before."""
    before = cache_folder() / "layers" / "locks"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    layers = cache_folder() / "layers"
    if before.is_dir():
        shutil.copytree(before, layers / "locks")
    return layers


class CancelAt(NoProgress):
    """Cancels when a step that begins with ``title`` begins, or after ``advanced`` units of it."""

    def __init__(self, title: str, advanced: int = 0) -> None:
        self.cancel = CancelSource()
        self.steps: list[str] = []
        self._title, self._advanced, self._at = title, advanced, 0

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        self.steps.append(title)
        if title.startswith(self._title) and not self._advanced:
            self.cancel.cancel()

    def advance(self, amount: int = 1) -> None:
        if self.steps[-1].startswith(self._title):
            self._at += amount
            if self._at > self._advanced:
                self.cancel.cancel()


def drafts(cache: Path) -> list[Path]:
    return list((cache / "drafts").iterdir()) if (cache / "drafts").exists() else []


def test_finding_the_libraries_can_be_cancelled(
    session: Session, wine: ModelVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """uv is ended, instead of being waited for."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    seen = CancelAt("Finding what the model needs")

    with pytest.raises(Cancelled):
        package_model(session, "wine", progress=seen, cancel=seen.cancel)

    cache = cache_folder() / "layers"
    assert not (cache / "locks").exists()  # nothing was found out to its end
    assert drafts(cache) == []
    assert session.workspace.ledger.packages() == []


@pytest.mark.parametrize(
    "stage", ["Getting the model's libraries", "Compiling the libraries", "Compressing the libraries"]
)
def test_making_the_layer_of_libraries_can_be_cancelled(
    session: Session, wine: ModelVersion, own_cache: Path, stage: str
) -> None:
    seen = CancelAt(stage)

    with pytest.raises(Cancelled):
        package_model(session, "wine", progress=seen, cancel=seen.cancel)

    assert seen.steps[-1] == stage
    assert not (own_cache / "layers").exists()
    assert drafts(own_cache) == []
    assert session.workspace.ledger.packages() == []


@pytest.mark.parametrize(
    ("stage", "advanced"),
    [("Reading base.tar", 0), ("Adding the model", 0), ("Writing wine.tar", 0), ("Writing wine.tar", 1 << 20)],
)
def test_a_package_for_servers_can_be_cancelled_at_each_stage(
    session: Session, wine: ModelVersion, base: Path, tmp_path: Path, stage: str, advanced: int
) -> None:
    seen = CancelAt(stage, advanced)
    output = tmp_path / "out" / "wine.tar"
    output.parent.mkdir()

    with pytest.raises(Cancelled):
        package_model(session, "wine", output=output, base=str(base), progress=seen, cancel=seen.cancel)

    assert seen.steps[-1] == stage
    assert list(output.parent.iterdir()) == []
    assert session.workspace.ledger.packages() == []


def test_writing_a_package_tells_how_far_it_is(
    session: Session, wine: ModelVersion, base: Path, tmp_path: Path
) -> None:
    written: dict[str, Any] = {}

    class Listening(NoProgress):
        def step(self, title: str, total: int | None = None, unit: str = "") -> None:
            written.update(title=title, total=total, unit=unit, done=0)

        def advance(self, amount: int = 1) -> None:
            written["done"] += amount

    result = package_model(session, "wine", output=tmp_path / "wine.tar", base=str(base), progress=Listening())

    assert result.file is not None
    assert (written["title"], written["unit"]) == ("Writing wine.tar", "bytes")
    assert written["total"] == result.package.size
    assert written["done"] == result.file.stat().st_size


def test_a_place_that_cannot_be_written_to_is_said_before_anything_is_asked_for(
    session: Session, wine: ModelVersion, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    seen = CancelAt("Getting the base image")  # whoever begins is cancelled

    for place in (tmp_path / "file" / "wine.tar", tmp_path):
        with pytest.raises(PackagingFailed, match="cannot be written"):
            package_model(session, "wine", output=place, progress=seen, cancel=seen.cancel)
    assert seen.steps == []


def test_a_base_image_without_a_file_to_write_is_refused(session: Session, wine: ModelVersion) -> None:
    with pytest.raises(InvalidInput, match="written to a file") as failure:
        package_model(session, "wine", base="nope.tar")
    with pytest.raises(InvalidInput, match="for this computer"):
        package_model(session, "wine", platform="linux/arm64")
    assert "--output" in failure.value.next_step


@pytest.mark.parametrize("name", ["../../x", "C:\\x", "nul", "a/b", "x" * 300])
def test_a_model_of_a_name_that_none_can_have_is_not_worked_with(
    session: Session, wine: ModelVersion, name: str
) -> None:
    """Whoever made the workspace chose its names."""
    from dataclasses import replace

    session.workspace.ledger.record(ModelRegistered(replace(wine, name=name, version=1)), author="them")

    with pytest.raises(ForeignEntry) as failure:
        package_model(session, name)
    with pytest.raises(ForeignEntry):
        list_models(session)
    assert "ask who gave it to you" in failure.value.next_step


def test_a_model_is_looked_at_without_reading_it_whole(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a large file is, its beginning tells."""
    size = 40_000_000
    source = tmp_path / "large"
    source.mkdir()
    (source / "net.pt").write_bytes(b"PK\x03\x04" + bytes(size))
    (source / "forest.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(size))
    migrate_folder(session, source, "large")
    read = 0
    real = ContentStore.open

    def counted(store: ContentStore, entry: Any) -> BinaryIO:
        stream = real(store, entry)
        raw: Any = stream.raw  # type: ignore[attr-defined]
        readinto = raw.readinto

        def reading(buffer: Any) -> int:
            nonlocal read
            count = readinto(buffer)
            read += count
            return int(count)

        class Counting(io.RawIOBase):
            def readable(self) -> bool:
                return True

            def seekable(self) -> bool:
                return True

            def seek(self, offset: int, whence: int = 0) -> int:
                return int(raw.seek(offset, whence))

            def tell(self) -> int:
                return int(raw.tell())

            def readinto(self, buffer: Any) -> int:
                return reading(buffer)

        return io.BufferedReader(Counting(), 64 * 1024)

    monkeypatch.setattr(ContentStore, "open", counted)

    found = find_models(session, "large")

    assert [model.facts for model in found] == [None, None]
    assert 0 < read < 1_000_000


@pytest.mark.lab
def test_a_base_image_comes_from_a_registry_that_was_logged_in_to(
    session: Session, wine: ModelVersion, secret_service: SecretService, tmp_path: Path, own_cache: Path
) -> None:
    if shutil.which("docker-registry") is None:
        pytest.skip("docker-registry is not installed")
    certificate, key = make_certificate(tmp_path)
    with debian_registry(tmp_path, certificate, key, login=("svc", "correct horse")) as host:
        image = SmallImage(layers=[tar_of({"bin/python3": b"#!"})])
        push(host, "team/python", PYTHON, [image], str(certificate), ("svc", "correct horse"))
        session.settings = change_settings(base_image=f"{host}/team/python:{{python}}")
        output = tmp_path / "wine.tar"
        with pytest.raises(RegistryUntrusted) as untrusted:
            package_model(session, "wine", output=output)
        assert untrusted.value.command == f"`kronkers image-registry trust {host} --ca-file FILE` names it."
        trust_registry(host, certificate)
        session.settings = load_settings()
        with pytest.raises(RegistryLoginRefused) as refused:
            package_model(session, "wine", output=output)
        assert refused.value.command == f"`kronkers image-registry login {host} --user NAME` logs in."
        log_in_to_registry(host, "svc", Secret("correct horse"))
        session.settings = load_settings()
        with pytest.raises(BaseImageUnavailable, match="was not downloaded for linux/amd64 before"):
            session.settings = replace(session.settings, offline=True)
            package_model(session, "wine", output=output)
        session.settings = load_settings()

        first = package_model(session, "wine", output=output)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # keyring leaves its connection open when it is locked
        secret_service.lock()
        again = package_model(session, "wine", output=output)  # what is here needs neither registry nor password
    assert again.package.digest == first.package.digest
    assert [layer.digest for layer in first.package.layers if layer.role == "base"] == [sha(image.packed[0])]

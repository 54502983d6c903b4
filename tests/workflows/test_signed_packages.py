"""What is put live was signed by this workspace, or by somebody whose key it accepts, and not changed since."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.domain.changes import PackageBuilt
from kronkers_studio.domain.errors import (
    AlreadyExists,
    BaseImageUnavailable,
    InvalidInput,
    NotFound,
    PackagingFailed,
    PushFailed,
    RegistryUntrusted,
    SignatureRefused,
)
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.recording import Recording
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.packaging import LayerCache, this_platform
from kronkers_studio.packaging.images.signatures import SigningKey, public_key_pem
from kronkers_studio.packaging.images.verification import sign_image
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.paths import resource
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.demo import SAMPLE_FOLDER, sample_rows
from kronkers_studio.workflows.image_registries import log_in_to_registry, trust_registry
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.packaged_files import packaged_elsewhere, verify_package, verify_pushed
from kronkers_studio.workflows.packages import compose_for_servers, package_model, push_package, record_package
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.servers import add_server, remove_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace
from kronkers_studio.workflows.signers import forget_signer, list_signers, public_key, trust_signer
from tests.cli.shell import Shell
from tests.lab.servers import LabServer
from tests.packaging.registry_servers import debian_registry, make_certificate
from tests.workflows.test_onnx_weights import save_weighted

MODEL = "wine-cultivar"
OTHER = SigningKey(bytes(32))


@contextmanager
def workspace_with_model(folder: Path, file: str = "wine_cultivar.joblib") -> Iterator[Session]:
    session, _ = create_workspace(folder / "workspace", key_file=folder / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", f"Quality/Wine/model/{file}", name=MODEL)
        yield session


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_image_archive: Path) -> Iterator[Session]:
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    with workspace_with_model(tmp_path) as opened:
        yield opened


def model(session: Session) -> ModelVersion:
    return session.workspace.ledger.model_version(MODEL)


def images(server: LabServer) -> set[str]:
    """Without their order: the engine changes that of images that were made at the same time."""
    shown = subprocess.run(
        server.inside("docker", "image", "ls", "--all", "--quiet"), check=True, capture_output=True, text=True
    )
    return set(shown.stdout.split())


@pytest.mark.lab
def test_a_server_gets_nothing_of_a_package_that_is_not_signed_or_was_changed(
    session: Session, lab_server: LabServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with packages that are not verified before they are sent."""
    known, server = lab_server.as_server(name="factory"), "factory"
    address = f"ssh://{known.user}@{known.host}:{known.port}"
    fingerprint = show_host_key(address).fingerprint
    add_server(session, server, address, fingerprint=fingerprint, identity_file=Path(known.identity_file))
    before = images(lab_server)
    ours = compose_for_servers(session, model(session), platform="linux/amd64")
    session.workspace.ledger.record(PackageBuilt(sign_image(ours, OTHER).package), author="otto")

    with pytest.raises(SignatureRefused, match="somebody who is not known here"):
        release_model(session, MODEL, to=server)
    assert images(lab_server) == before
    assert list_releases(session, MODEL) == []

    key = tmp_path / "otto.pem"
    key.write_text(public_key_pem(OTHER.public))
    trust_signer(session, "otto", key)

    def damaged(cache: LayerCache, digest: str, cancel: object = None) -> None:
        raise PackagingFailed("A layer in the cache is damaged and was dropped.", next_step="Package again.")

    with monkeypatch.context() as patched:
        patched.setattr(LayerCache, "prove", damaged)
        with pytest.raises(PackagingFailed, match="is damaged"):
            release_model(session, MODEL, to=server)
    assert images(lab_server) == before

    assert release_model(session, MODEL, to=server).state is ReleaseState.LIVE
    (package,) = session.workspace.ledger.packages(MODEL)
    assert package.signature is not None
    assert package.signature.key == OTHER.public  # as it was recorded
    stop_release(session, MODEL, server)
    remove_server(session, server)


def test_packaging_again_signs_anew_what_another_signature_was_recorded_of(session: Session) -> None:
    first = package_model(session, MODEL)
    assert first.package.signature is not None
    assert not record_package(session, first.package)
    forged = replace(first.package.signature, signature="00" * 64)
    session.workspace.ledger.record(PackageBuilt(replace(first.package, signature=forged)), author="otto")
    with pytest.raises(SignatureRefused, match="does not fit it"):
        release_model(session, MODEL, to=THIS_COMPUTER)
    again = package_model(session, MODEL)
    assert again.reused
    assert again.package.signature == first.package.signature
    (package,) = session.workspace.ledger.packages(MODEL)
    assert package.signature == first.package.signature


@pytest.mark.lab
@pytest.mark.skipif(this_platform() != "linux/amd64", reason="the package is for servers")
def test_a_package_of_another_workspace_is_released_once_its_key_is_accepted(session: Session, tmp_path: Path) -> None:
    """Seen to fail with each key accepted."""
    file = tmp_path / "wine.oci.tar"
    built = package_model(session, MODEL, output=file).package
    (tmp_path / "other").mkdir()
    with workspace_with_model(tmp_path / "other") as other:
        with pytest.raises(SignatureRefused, match="somebody who is not known here"):
            verify_package(other, file)
        with pytest.raises(SignatureRefused):
            release_model(other, MODEL, to=THIS_COMPUTER, packaged=file)
        assert list_releases(other, MODEL) == []

        own, pem = public_key(session)
        (tmp_path / "key.pem").write_text(pem)
        trusted = trust_signer(other, "headquarters", tmp_path / "key.pem")
        assert trusted.fingerprint == own.fingerprint
        found = verify_package(other, file)
        assert (found.signer, found.digest, found.model) == ("headquarters", built.digest, MODEL)
        assert found.components > 10
        live = release_model(other, MODEL, to=THIS_COMPUTER, packaged=file)
        assert live.package == built.digest
        with pytest.raises(InvalidInput, match="cannot record rows"):
            release_model(other, MODEL, to=THIS_COMPUTER, packaged=file, recording=Recording(1.0))
        assert len(predict(other, MODEL, THIS_COMPUTER, sample_rows()).outputs) == len(sample_rows())
        stop_release(other, MODEL, THIS_COMPUTER)

        forget_signer(other, "headquarters")
        with pytest.raises(SignatureRefused):
            release_model(other, MODEL, to=THIS_COMPUTER, packaged=file)


@pytest.mark.lab
def test_a_package_with_another_models_file_is_not_released(session: Session, tmp_path: Path) -> None:
    """Of the same name and number, from a workspace that is trusted. Seen to fail with the file not compared."""
    file = tmp_path / "wine.oci.tar"
    package_model(session, MODEL, output=file)
    (tmp_path / "other").mkdir()
    with workspace_with_model(tmp_path / "other", "wine_cultivar.onnx") as other:
        (tmp_path / "key.pem").write_text(public_key(session)[1])
        trust_signer(other, "headquarters", tmp_path / "key.pem")
        with pytest.raises(InvalidInput, match="is another than wine-cultivar:1"):
            release_model(other, MODEL, to=THIS_COMPUTER, packaged=file)
        register_model(other, "sample", "Quality/Wine/model/wine_cultivar.joblib", name=MODEL)
        with pytest.raises(InvalidInput, match="holds wine-cultivar:1, not wine-cultivar:2"):
            release_model(other, MODEL, 2, to=THIS_COMPUTER, packaged=file)


@pytest.mark.lab
def test_a_package_with_other_weights_is_not_taken_for_a_version(session: Session, tmp_path: Path) -> None:
    """Its model's own file is the very same. Seen to fail with only that file compared."""
    folder, file = tmp_path / "models", tmp_path / "net.oci.tar"
    save_weighted(folder, 2.0)
    migrate_folder(session, folder, "nets")
    version = register_model(session, "nets", "net.onnx", name="net")
    package_model(session, "net", output=file)
    assert packaged_elsewhere(session, version, file).package.model == "net"

    (tmp_path / "other").mkdir()
    with workspace_with_model(tmp_path / "other") as other:
        (tmp_path / "key.pem").write_text(public_key(session)[1])
        trust_signer(other, "headquarters", tmp_path / "key.pem")
        save_weighted(folder, 3.0)
        migrate_folder(other, folder, "nets")
        theirs = register_model(other, "nets", "net.onnx", name="net")
        with pytest.raises(InvalidInput, match="is another than net:1"):
            packaged_elsewhere(other, theirs, file)


@pytest.mark.lab
@pytest.mark.skipif(shutil.which("docker-registry") is None, reason="docker-registry is not installed")
def test_a_package_is_pushed_with_the_login_that_base_images_are_got_with(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate, key = make_certificate(tmp_path)
    with debian_registry(tmp_path, certificate, key, login=("svc", "correct horse")) as host:
        with pytest.raises(RegistryUntrusted):
            push_package(session, MODEL, reference=f"{host}/ml/{MODEL}")
        trust_registry(host, certificate)
        session.settings = load_settings()
        with pytest.raises(PushFailed, match="does not let anybody write") as refusal:
            push_package(session, MODEL, reference=f"{host}/ml/{MODEL}")
        assert refusal.value.command == f"`kronkers image-registry login {host} --user NAME` logs in."
        monkeypatch.setenv("KRONKERS_REGISTRY_PASSWORD", "correct horse")
        log_in_to_registry(host, "svc", Secret("correct horse"), kept=False)
        session.settings = load_settings()
        pushed = push_package(session, MODEL, reference=f"{host}/ml/{MODEL}")
        assert pushed.reference == f"{host}/ml/{MODEL}:1"
        assert [each.digest for each in session.workspace.ledger.packages(MODEL)] == [pushed.digest]
        assert push_package(session, MODEL, reference=f"{host}/ml/{MODEL}:live").uploaded == 0
        found = verify_pushed(session, f"{host}/ml/{MODEL}:live")
        assert (found.signer, found.digest, found.version) == ("this workspace", pushed.digest, 1)
        with pytest.raises(BaseImageUnavailable, match="has no image"):
            verify_pushed(session, f"{host}/ml/{MODEL}:none")
        (tmp_path / "other").mkdir()
        with workspace_with_model(tmp_path / "other") as other, pytest.raises(SignatureRefused):
            verify_pushed(other, pushed.reference)


def test_signers_are_kept_by_name_and_only_once(tmp_path: Path) -> None:
    first, _ = create_workspace(tmp_path / "one", key_file=tmp_path / "key")
    with first:
        own, pem = public_key(first)
        assert [each.name for each in list_signers(first)] == ["this workspace"]
        key = tmp_path / "otto.pem"
        key.write_text(public_key_pem(OTHER.public))
        otto = trust_signer(first, "otto", key)
        assert trust_signer(first, "otto", key) == trust_signer(first, "again", key) == otto
        (tmp_path / "own.pem").write_text(pem)
        assert trust_signer(first, "me", tmp_path / "own.pem").name == "this workspace"
        (tmp_path / "new.pem").write_text(public_key_pem(SigningKey(b"1" * 32).public))
        with pytest.raises(AlreadyExists):
            trust_signer(first, "otto", tmp_path / "new.pem")
        for name in ("", "two\nlines", "this workspace", "x" * 200):
            with pytest.raises(InvalidInput):
                trust_signer(first, name, tmp_path / "new.pem")
        with pytest.raises(InvalidInput, match="cannot be read"):
            trust_signer(first, "gone", tmp_path / "gone.pem")
    with open_workspace(tmp_path / "one") as again:
        assert [each.name for each in list_signers(again)] == ["this workspace", "otto"]
        assert public_key(again) == (own, pem)  # the key of a workspace stays
        forget_signer(again, "otto")
        with pytest.raises(NotFound):
            forget_signer(again, "otto")
        assert len(list_signers(again)) == 1
    second, _ = create_workspace(tmp_path / "two", key_file=tmp_path / "key2")
    with second:
        assert public_key(second)[0].key != own.key


def test_the_commands_say_who_signs_and_who_is_accepted(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.init()
    pem = shell.run("key", "public").out
    assert pem.startswith("-----BEGIN PUBLIC KEY-----")
    key = tmp_path / "otto.pem"
    key.write_text(public_key_pem(OTHER.public))
    assert shell.json("key", "trust", str(key), "--name", "otto")["name"] == "otto"
    assert [each["name"] for each in shell.json("key", "signers")] == ["this workspace", "otto"]
    shell.run("key", "distrust", "otto")
    shell.run("package", "wine", "--output", "a.tar", "--push", "registry.example/wine", expect=2)
    problem = shell.json("verify", str(key), expect=1)["error"]
    assert "not a whole package" in problem["message"]

"""What a package says of itself, who signed that, and what is noticed of all that can be changed afterwards."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import InvalidInput, PackagingFailed, SignatureRefused
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import NEVER
from kronkers_studio.domain.signers import Signer
from kronkers_studio.packaging import (
    BaseImage,
    ComposedImage,
    DependencyLock,
    LayerCache,
    base_from_engine,
    compose_package,
    holds_files,
    image_from_archive,
    this_platform,
    write_oci_archive,
)
from kronkers_studio.packaging.images.bill_of_materials import bill_of_materials
from kronkers_studio.packaging.images.components import Component, components_of
from kronkers_studio.packaging.images.referrers import referrers_of
from kronkers_studio.packaging.images.signatures import (
    SigningKey,
    fingerprint,
    is_signature,
    public_key_pem,
    read_public_key,
)
from kronkers_studio.packaging.images.verification import require_signed, require_whole, sign_image
from tests.packaging.image_files import SmallImage, sha, tar_of

SYSTEM, PROCESSOR = this_platform().split("/")
KEY = SigningKey(bytes(range(32)))
OWN = Signer("this workspace", KEY.public, fingerprint(KEY.public))
STATUS = b"""Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.36-9+deb12u10

Package: removed
Status: deinstall ok config-files
Architecture: all
Version: 1

Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13.dfsg-1
Description: compression
 Version: 99
"""
RELEASE = b'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n'


@pytest.fixture
def base(layer_cache: LayerCache) -> BaseImage:
    layer = tar_of({"bin/python3": b"#!", "var/lib/dpkg/status": STATUS, "usr/lib/os-release": RELEASE})
    return base_from_engine(
        [SmallImage(SYSTEM, PROCESSOR, [layer, tar_of({"x": b"y"})]).old_docker_save()], layer_cache
    )


@pytest.fixture
def image(
    base: BaseImage, version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> ComposedImage:
    composed = compose_package(
        version, lambda: io.BytesIO(model_bytes), lock, platform=this_platform(), base=base, cache=layer_cache
    )
    return sign_image(composed, KEY)


@pytest.fixture
def archive(image: ComposedImage, tmp_path: Path) -> Path:
    file = tmp_path / "wine.oci.tar"
    write_oci_archive(image, file)
    return file


def test_the_bill_of_materials_lists_the_libraries_with_their_hashes_and_the_bases_packages(
    image: ComposedImage, lock: DependencyLock
) -> None:
    sbom = json.loads(image.sbom)
    assert (sbom["bomFormat"], sbom["specVersion"]) == ("CycloneDX", "1.6")
    found = {each["bom-ref"]: each for each in sbom["components"]}
    assert len(found) == len(sbom["components"])

    libraries = {ref for ref in found if ref.startswith("pkg:pypi/")}
    assert libraries == {f"pkg:pypi/{line.replace('==', '@').lower().replace('_', '-')}" for line in lock.requirements}
    for ref in libraries:
        (digest,) = found[ref]["hashes"]
        assert f"--hash=sha256:{digest['content']}" in lock.text
        assert found[ref]["licenses"], ref
    numpy = next(found[ref] for ref in libraries if ref.startswith("pkg:pypi/numpy@"))
    assert "BSD" in json.dumps(numpy["licenses"])

    debian = {ref for ref in found if ref.startswith("pkg:deb/")}
    assert debian == {
        "pkg:deb/debian/libc6@2.36-9%2Bdeb12u10?arch=amd64&distro=debian-12",
        "pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=debian-12",
    }


def test_the_provenance_says_of_what_and_by_whom(
    image: ComposedImage, version: ModelVersion, lock: DependencyLock, base: BaseImage, model_bytes: bytes
) -> None:
    statement = json.loads(image.provenance)
    assert statement["subject"] == [
        {"name": "kronkers/wine:3", "digest": {"sha256": image.package.digest.removeprefix("sha256:")}}
    ]
    told = statement["predicate"]["buildDefinition"]
    assert told["externalParameters"]["author"] == "anna"
    used = {each["name"]: each for each in told["resolvedDependencies"]}
    assert version.source.commit in used["model"]["uri"]
    own = hashlib.sha256(model_bytes).hexdigest()
    assert used["model"]["digest"]["sha256"] == own
    assert holds_files(image, own, {})
    assert not holds_files(image, own, {"net.bin": own})
    assert not holds_files(image, sha(b"")[7:], {})
    assert used["lock"]["digest"]["sha256"] == hashlib.sha256(lock.text.encode()).hexdigest()
    assert base.reference.endswith(used["base"]["digest"]["sha256"])

    annotations = json.loads(image.manifest)["annotations"]
    assert annotations["org.opencontainers.image.revision"] == version.source.commit
    assert annotations["org.opencontainers.image.authors"] == "anna"
    assert annotations["org.opencontainers.image.base.digest"] == base.reference.partition("@")[2]
    assert annotations["io.kronkers.sbom.digest"] == sha(image.sbom)


_ELSEWHERE = """
import io, json, os, sys
from datetime import datetime, UTC
from pathlib import Path
os.umask(int(sys.argv[4], 8))
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.packaging import *
from kronkers_studio.packaging.images.signatures import SigningKey
from kronkers_studio.packaging.images.verification import sign_image
python, lock, folder = sys.argv[1], Path(sys.argv[2]).read_text(), Path(sys.argv[3])
data = Path(sys.argv[5]).read_bytes()
facts = inspect_model("model.joblib", io.BytesIO(data), {".python-version": python.encode})
version = ModelVersion("wine", 3, ContentRef("quality", "c0ffee" * 10, "Wine/model.joblib"), facts,
                       datetime(2026, 11, 23, 8, 30, tzinfo=UTC), "anna", len(data))
base = base_from_archive(Path(sys.argv[6]), this_platform(), LayerCache(folder))
image = compose_package(version, lambda: io.BytesIO(data), DependencyLock.of_text(lock), platform=this_platform(),
                        base=base, cache=LayerCache(folder))
image = sign_image(image, SigningKey(bytes(range(32))))
from kronkers_studio.packaging.images.archives import write_oci_archive
write_oci_archive(image, folder / "out.tar")
print(json.dumps([image.package.digest, image.sbom.decode(), image.provenance.decode(), image.signature.signature]))
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no umask")
def test_another_user_folder_umask_and_time_zone_give_the_same_package_and_the_same_signature(
    lock: DependencyLock, model_bytes: bytes, tmp_path: Path
) -> None:
    """Seen to fail with the time of packaging in the bill of materials."""
    layer = tar_of({"bin/python3": b"#!", "var/lib/dpkg/status": STATUS})
    base, model, locked = tmp_path / "base.tar", tmp_path / "model", tmp_path / "lock"
    base.write_bytes(SmallImage(SYSTEM, PROCESSOR, [layer, tar_of({"x": b"y"})]).old_docker_save())
    model.write_bytes(model_bytes)
    locked.write_text(lock.text, encoding="utf-8")
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    told = []
    for number, (umask, zone, user) in enumerate((("022", "UTC", "anna"), ("077", "Pacific/Auckland", "bob"))):
        folder = tmp_path / f"folder {number}"
        folder.mkdir()
        arguments = [python, str(locked), str(folder), umask, str(model), str(base)]
        environment = {**os.environ, "TZ": zone, "USER": user, "LOGNAME": user, "HOME": str(tmp_path / user)}
        done = subprocess.run(
            [sys.executable, "-c", _ELSEWHERE, *arguments], env=environment, capture_output=True, text=True, check=True
        )
        told.append((json.loads(done.stdout), sha((folder / "out.tar").read_bytes())))
        time.sleep(1.1)  # another second, for what would take the time of the clock
    assert told[0] == told[1]


def test_only_who_has_the_key_makes_a_signature_that_fits(image: ComposedImage) -> None:
    assert require_signed(image, [OWN]) == OWN
    assert sign_image(image, KEY) == image
    payload = b"something"
    signature = KEY.sign(payload)
    assert is_signature(KEY.public, signature, payload)
    assert not is_signature(KEY.public, signature, payload + b" else")
    assert not is_signature(SigningKey(bytes(32)).public, signature, payload)
    for nonsense in ("", "00", "zz" * 64, signature + "00"):
        assert not is_signature(KEY.public, nonsense, payload)
        assert not is_signature(nonsense, signature, payload)


def test_a_public_key_goes_through_a_file(tmp_path: Path) -> None:
    pem = public_key_pem(KEY.public)
    assert read_public_key(pem.encode()) == KEY.public
    file = tmp_path / "key.pem"
    file.write_text(pem)
    show = ["openssl", "pkey", "-pubin", "-in", str(file), "-text"]
    shown = subprocess.run(show, capture_output=True, text=True, check=True)
    assert "ED25519" in shown.stdout
    for wrong in (b"", b"nothing", b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"):
        with pytest.raises(InvalidInput):
            read_public_key(wrong)


CHANGES: dict[str, Any] = {
    "the manifest": lambda image: replace(image, manifest=image.manifest + b" "),
    "the configuration": lambda image: replace(image, config=image.config + b" "),
    "the digest": lambda image: replace(image, package=replace(image.package, digest="sha256:" + "0" * 64)),
    "the layers": lambda image: replace(image, package=replace(image.package, layers=image.package.layers[1:])),
    "the bill of materials": lambda image: replace(image, sbom=image.sbom.replace(b"numpy", b"nunpy")),
    "the provenance": lambda image: replace(image, provenance=image.provenance.replace(b"anna", b"otto")),
    "the signature": lambda image: _signed(image, signature="00" + image.signature.signature[2:]),
    "whose it is": lambda image: _signed(image, key=SigningKey(bytes(32)).public),
    "that there is one": lambda image: replace(image, package=replace(image.package, signature=None)),
    "all of the bill of materials": lambda image: _signed(replace(image, sbom=b"{}"), sbom=sha(b"{}")),
    "all of the provenance": lambda image: _signed(replace(image, provenance=b"{}"), provenance=sha(b"{}")),
    "the name": lambda image: replace(image, name="kronkers/other:3"),
}


def _signed(image: ComposedImage, **changes: str) -> ComposedImage:
    assert image.signature is not None
    return replace(image, package=replace(image.package, signature=replace(image.signature, **changes)))


@pytest.mark.parametrize("what", CHANGES)
def test_whatever_is_changed_afterwards_is_noticed(image: ComposedImage, what: str) -> None:
    """Seen to fail, each, with its comparison taken out."""
    with pytest.raises(SignatureRefused) as refusal:
        require_signed(CHANGES[what](image), [OWN])
    assert refusal.value.exit_code == 3
    assert refusal.value.next_step


def test_the_signature_of_somebody_unknown_is_refused_with_what_to_compare(image: ComposedImage) -> None:
    other = SigningKey(bytes(32))
    foreign = sign_image(image, other)
    with pytest.raises(SignatureRefused) as refusal:
        require_signed(foreign, [OWN])
    assert fingerprint(other.public) in refusal.value.message
    assert "kronkers key trust" in refusal.value.next_step
    bob = Signer("bob", other.public, fingerprint(other.public))
    assert require_signed(foreign, [OWN, bob]) == bob


def test_a_layer_that_was_changed_in_the_cache_is_noticed_though_its_size_and_time_stay(
    image: ComposedImage, layer_cache: LayerCache, tmp_path: Path
) -> None:
    """Seen to fail with the time of change not compared."""
    cache = LayerCache(tmp_path / "cache")
    for layer in image.layers:
        if layer.role != "model":
            with cache.draft() as draft:
                draft.write_bytes(b"".join(layer_cache.read_blob(layer.digest)))
                cache.adopt(draft, layer.digest)
    require_whole(image, cache)
    reads: list[str] = []
    cache.read_blob = lambda digest: reads.append(digest) or iter(())  # type: ignore[method-assign]
    require_whole(image, cache)
    assert reads == []  # proven today, and untouched
    del cache.read_blob

    blob = cache.blob(image.layers[2].digest)
    before = blob.stat()
    with blob.open("r+b") as file:
        file.seek(1000)
        byte = file.read(1)
        file.seek(1000)
        file.write(bytes([byte[0] ^ 1]))
    os.utime(blob, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(PackagingFailed, match="damaged"):
        require_whole(image, cache)


# archives
def test_an_archive_carries_all_that_refers_to_its_image_and_reads_back(
    image: ComposedImage, archive: Path, model_bytes: bytes
) -> None:
    again, count = image_from_archive(archive)
    assert require_signed(again, [OWN]) == OWN
    assert (again.config, again.manifest, again.sbom, again.provenance) == (
        image.config,
        image.manifest,
        image.sbom,
        image.provenance,
    )
    assert again.layers == image.layers
    assert again.package.base == image.package.base
    assert count > sum(layer.size for layer in image.layers)
    assert holds_files(again, hashlib.sha256(model_bytes).hexdigest(), {})
    for layer in image.layers:
        assert sha(b"".join(again.open_layer(layer))) == layer.digest

    with tarfile.open(archive) as opened:
        read = {member.name: opened.extractfile(member).read() for member in opened if member.isreg()}  # type: ignore[union-attr]
    index = json.loads(read["index.json"])
    assert len(index["manifests"]) == 1  # what other tools take for "the image" of an archive
    referrers = json.loads(read[f"blobs/sha256/{index['annotations']['io.kronkers.referrers'][7:]}"])
    kinds = {}
    for entry in referrers["manifests"]:
        manifest = json.loads(read[f"blobs/sha256/{entry['digest'][7:]}"])
        assert manifest["subject"]["digest"] == image.package.digest
        assert manifest["artifactType"] == entry["artifactType"]
        kinds[entry["artifactType"]] = manifest
    assert set(kinds) == {each.artifact_type for each in referrers_of(image)}
    assert len(kinds) == 3


def test_another_program_finds_the_signature_right(image: ComposedImage, tmp_path: Path) -> None:
    """OpenSSL, with the public key, what was signed and the signature as the archive carries them."""
    signed = referrers_of(image)[2]
    layer = json.loads(signed.manifest)["layers"][0]
    (tmp_path / "key.pem").write_text(public_key_pem(KEY.public))
    (tmp_path / "payload").write_bytes(signed.blobs[1])
    (tmp_path / "signature").write_bytes(base64.b64decode(layer["annotations"]["dev.cosignproject.cosign/signature"]))
    verify = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "key.pem", "-rawin", "-in", "payload"]
    done = subprocess.run([*verify, "-sigfile", "signature"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (tmp_path / "payload").write_bytes(signed.blobs[1].replace(b"sha256:", b"sha256:0", 1))
    done = subprocess.run([*verify, "-sigfile", "signature"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0


def test_no_byte_of_an_archives_blobs_can_be_changed_unnoticed(archive: Path) -> None:
    """Seen to fail with blobs that are not compared with their names."""
    with tarfile.open(archive) as opened:
        places = {m.name: (m.offset_data, m.size) for m in opened if m.name.startswith("blobs/") and m.isreg()}
    for name, (start, size) in places.items():
        for at in (start, start + size // 2, start + size - 1):
            with archive.open("r+b") as file:
                file.seek(at)
                byte = file.read(1)
                file.seek(at)
                file.write(bytes([byte[0] ^ 1]))
            with pytest.raises(PackagingFailed, match="not a whole package"):
                image_from_archive(archive)
            with archive.open("r+b") as file:
                file.seek(at)
                file.write(byte)
        assert name
    image_from_archive(archive)


def _rewritten(archive: Path, target: Path, change: Any) -> Path:
    """``archive`` with its small files changed by ``change``, a function over what they are by name."""
    with tarfile.open(archive) as opened:
        files = {m.name: opened.extractfile(m).read() for m in opened if m.isreg()}  # type: ignore[union-attr]
    change(files)
    target.write_bytes(tar_of(files))
    return target


def _put(files: dict[str, bytes], content: Any) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    files[f"blobs/sha256/{sha(data)[7:]}"] = data
    return sha(data)


def _without_signature(files: dict[str, bytes]) -> None:
    index = json.loads(files["index.json"])
    del index["annotations"]
    files["index.json"] = json.dumps(index).encode()


def _of_another_image(files: dict[str, bytes]) -> None:
    """Another manifest under the signature of the first."""
    index = json.loads(files["index.json"])
    manifest = json.loads(files[f"blobs/sha256/{index['manifests'][0]['digest'][7:]}"])
    manifest["annotations"]["org.opencontainers.image.title"] = "better"
    digest = _put(files, manifest)
    index["manifests"][0] |= {"digest": digest, "size": len(json.dumps(manifest))}
    files["index.json"] = json.dumps(index).encode()


@pytest.mark.parametrize("change", [_without_signature, _of_another_image])
def test_an_archive_whose_image_is_not_the_signed_one_is_refused(archive: Path, tmp_path: Path, change: Any) -> None:
    image, _ = image_from_archive(_rewritten(archive, tmp_path / "changed.tar", change))
    with pytest.raises(SignatureRefused):
        require_signed(image, [OWN])


def _no_index(files: dict[str, bytes]) -> None:
    del files["index.json"]


def _two_images(files: dict[str, bytes]) -> None:
    index = json.loads(files["index.json"])
    index["manifests"] *= 2
    files["index.json"] = json.dumps(index).encode()


def _a_layer_less(files: dict[str, bytes]) -> None:
    manifest = json.loads(files[f"blobs/sha256/{json.loads(files['index.json'])['manifests'][0]['digest'][7:]}"])
    del files[f"blobs/sha256/{manifest['layers'][-1]['digest'][7:]}"]


def _strange_referrers(files: dict[str, bytes]) -> None:
    index = json.loads(files["index.json"])
    index["annotations"]["io.kronkers.referrers"] = "sha256:../../x"
    files["index.json"] = json.dumps(index).encode()


def _strange_model(files: dict[str, bytes]) -> None:
    index = json.loads(files["index.json"])
    manifest = json.loads(files[f"blobs/sha256/{index['manifests'][0]['digest'][7:]}"])
    config = json.loads(files[f"blobs/sha256/{manifest['config']['digest'][7:]}"])
    config["config"]["Labels"]["io.kronkers.model"] = "../../x"
    data = json.dumps(config).encode()
    manifest["config"] |= {"digest": _put(files, data), "size": len(data)}
    data = json.dumps(manifest).encode()
    index["manifests"][0] |= {"digest": _put(files, data), "size": len(data)}
    files["index.json"] = json.dumps(index).encode()


def test_an_archive_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(PackagingFailed, match="cannot be read: No such file"):
        image_from_archive(tmp_path / "gone.tar")
    with pytest.raises(PackagingFailed, match="not a whole package"):
        image_from_archive(tmp_path)


@pytest.mark.parametrize("change", [_no_index, _two_images, _a_layer_less, _strange_referrers, _strange_model])
def test_what_is_no_package_of_ours_is_said_to_be_none(archive: Path, tmp_path: Path, change: Any) -> None:
    with pytest.raises(PackagingFailed, match="not a whole package"):
        image_from_archive(_rewritten(archive, tmp_path / "changed.tar", change))


def test_a_lock_of_an_earlier_version_lists_what_was_published(image: ComposedImage) -> None:
    """It names every file of a library; which one was taken, nobody can say."""
    hashes = ["0" * 64, "1" * 64]
    text = f"numpy==2.4.6 \\\n    --hash=sha256:{hashes[1]} \\\n    --hash=sha256:{hashes[0]}\n"
    lock = DependencyLock.of_text(text)
    software = [Component("pypi", "numpy", "2.4.6", "BSD-3-Clause", is_expression=True)]
    sbom = json.loads(bill_of_materials(lock, software, image.layers, "linux/amd64", "3.11"))
    (numpy,) = [each for each in sbom["components"] if each["name"] == "numpy"]
    assert "hashes" not in numpy
    (published,) = numpy["externalReferences"]
    assert [each["content"] for each in published["hashes"]] == hashes
    assert published["type"] == "distribution"


# what layers hold
def test_a_base_without_dpkg_lists_its_packages_too(layer_cache: LayerCache) -> None:
    part = b"Package: base-files\nVersion: 12.4\nArchitecture: amd64\n"
    layer = tar_of({"var/lib/dpkg/status.d/base": part, "var/lib/dpkg/status.d/base.md5sums": b"00  usr/bin/x\n"})
    found = components_of(_layers(layer_cache, layer), layer_cache, NEVER)
    assert found == (Component("deb", "base-files", "12.4", processor="amd64"),)


def test_the_uppermost_list_of_packages_counts(layer_cache: LayerCache) -> None:
    lower = tar_of({"var/lib/dpkg/status": STATUS})
    upper = tar_of({"var/lib/dpkg/status": STATUS.replace(b"zlib1g", b"zlib2g")})
    found = components_of(_layers(layer_cache, lower, upper), layer_cache, NEVER)
    assert [each.name for each in found] == ["libc6", "zlib2g"]


@pytest.mark.parametrize(
    "status", [b"", b"\0" * 1000, b"Package\n\n: x\nVersion: 1", b"\xff" * 100, b"Package: a\n" * 99]
)
def test_a_list_of_packages_may_hold_anything(layer_cache: LayerCache, status: bytes) -> None:
    assert components_of(_layers(layer_cache, tar_of({"var/lib/dpkg/status": status})), layer_cache, NEVER) == ()


def _layers(cache: LayerCache, *layers: bytes) -> Any:
    """The two layers of a base, the upper one empty unless it is given."""
    two = [*layers, tar_of({"x": b"y"})][:2]
    return base_from_engine([SmallImage(SYSTEM, PROCESSOR, two).old_docker_save()], cache).layers

import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import BaseImageUnavailable, Cancelled, PackagingFailed
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.packaging import (
    BaseImage,
    ComposedImage,
    DependencyLock,
    LayerCache,
    base_from_archive,
    base_from_engine,
    compose_package,
    docker_archive,
    this_platform,
    write_oci_archive,
)
from kronkers_studio.packaging.images.signatures import SigningKey
from kronkers_studio.packaging.images.verification import sign_image
from tests.packaging.image_files import SmallImage, index_of, oci_layout, sha, tar_of

pytestmark = pytest.mark.safety

SYSTEM, PROCESSOR = this_platform().split("/")


@pytest.fixture
def small() -> SmallImage:
    return SmallImage(SYSTEM, PROCESSOR)


@pytest.fixture
def base(small: SmallImage, layer_cache: LayerCache) -> BaseImage:
    return base_from_engine([small.old_docker_save()], layer_cache)


@pytest.fixture
def image(
    base: BaseImage, version: ModelVersion, model_bytes: bytes, lock: DependencyLock, layer_cache: LayerCache
) -> ComposedImage:
    composed = compose_package(
        version, lambda: io.BytesIO(model_bytes), lock, platform=this_platform(), base=base, cache=layer_cache
    )
    return sign_image(composed, SigningKey(bytes(32)))


# bases
def test_an_old_docker_save_archive_is_a_base(small: SmallImage, tmp_path: Path) -> None:
    cache = LayerCache(tmp_path)
    base = base_from_engine([small.old_docker_save()], cache)

    assert base.platform == this_platform()
    assert [layer.diff_id for layer in base.layers] == [sha(layer) for layer in small.layers]
    assert base.environment[0] == "PATH=/usr/local/bin:/usr/bin"
    for layer, plain in zip(base.layers, small.layers, strict=True):
        assert gzip.decompress(b"".join(cache.read_blob(layer.digest))) == plain


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_oci_layout_is_a_base_and_its_layers_are_kept_as_they_are(
    small: SmallImage, tmp_path: Path, pack: type[bytes]
) -> None:
    other = SmallImage("plan9", "mips", [tar_of({"other": b"x"})])
    file = tmp_path / "base.tar"
    file.write_bytes(pack(oci_layout(other, small)))

    base = base_from_archive(file, this_platform(), LayerCache(tmp_path / "cache"))

    assert [layer.digest for layer in base.layers] == [sha(data) for data in small.packed]
    assert [layer.diff_id for layer in base.layers] == [sha(layer) for layer in small.layers]


def test_an_export_in_small_pieces_is_the_same_base(small: SmallImage, base: BaseImage, tmp_path: Path) -> None:
    data = small.old_docker_save()
    pieces = [data[at : at + 777] for at in range(0, len(data), 777)]

    assert base_from_engine(iter(pieces), LayerCache(tmp_path)) == base


def test_an_unchanged_archive_is_not_read_again(
    small: SmallImage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.packaging.images import base_archives

    file, cache = tmp_path / "base.tar", LayerCache(tmp_path / "cache")
    file.write_bytes(small.old_docker_save())
    first = base_from_archive(file, this_platform(), cache)
    monkeypatch.setattr(base_archives, "_read", None)  # whoever reads now fails

    assert base_from_archive(file, this_platform(), cache) == first


def test_an_archive_without_the_platform_says_what_it_has(small: SmallImage, tmp_path: Path) -> None:
    file = tmp_path / "base.tar"
    file.write_bytes(oci_layout(small))

    with pytest.raises(BaseImageUnavailable, match=f"no image for plan9/mips, only for {this_platform()}"):
        base_from_archive(file, "plan9/mips", LayerCache(tmp_path))


def broken_archives(small: SmallImage) -> dict[str, bytes]:
    whole = small.old_docker_save()
    swapped = SmallImage(SYSTEM, PROCESSOR)
    swapped.layers = swapped.layers[::-1]
    blobs = small.blobs()
    name = f"blobs/sha256/{sha(small.packed[0])[7:]}"
    index = {"index.json": index_of(small), "oci-layout": b"{}"}
    return {
        "nothing": b"",
        "no archive": b"hello" * 1000,
        "cut": whole[: len(whole) // 2],
        "no manifest": tar_of({"a/layer.tar": small.layers[0]}),
        "bad json": tar_of({"manifest.json": b"{not json"}),
        "strange manifest": tar_of({"manifest.json": b'[{"Config": 7, "Layers": "x"}]'}),
        "missing layer": tar_of({**index, **{key: data for key, data in blobs.items() if key != name}}),
        "another blob": tar_of({**index, **blobs, name: gzip.compress(b"other")}),
        "other layers": tar_of(
            {
                "0/layer.tar": swapped.layers[0],
                "1/layer.tar": swapped.layers[1],
                "abc.json": small.config,
                "manifest.json": b'[{"Config": "abc.json", "Layers": ["0/layer.tar", "1/layer.tar"]}]',
            }
        ),
    }


@pytest.mark.parametrize("name", broken_archives(SmallImage()))
def test_a_damaged_archive_is_said_to_be_one(small: SmallImage, name: str, tmp_path: Path) -> None:
    file = tmp_path / "base.tar"
    file.write_bytes(broken_archives(small)[name])

    with pytest.raises(BaseImageUnavailable):
        base_from_archive(file, this_platform(), LayerCache(tmp_path / "cache"))


def lying_archives(small: SmallImage) -> dict[str, bytes]:
    """Archives that want to be written elsewhere, or to fill the memory or the disk."""
    deep = b"[" * 200_000 + b"]" * 200_000
    load = json.dumps([{"Config": "abc.json", "Layers": ["0/layer.tar", "1/layer.tar"]}]).encode()
    true = {"abc.json": small.config, "manifest.json": load}

    def with_member(kind: bytes, size: int, name: str = "0/layer.tar") -> bytes:
        info = tarfile.TarInfo(name)
        info.type, info.size, info.linkname = kind, size, "/etc/passwd"
        return info.tobuf(tarfile.GNU_FORMAT) + tar_of(true)

    def pax(name: str, value: str, times: int = 1) -> bytes:
        info = tarfile.TarInfo("0/layer.tar")
        info.size, info.pax_headers = 3, {name: value}
        header = info.tobuf(tarfile.PAX_FORMAT)[:-512]
        return header * times + tar_of(true)

    return {
        "deep documents": tar_of({**true, "manifest.json": deep}),
        "a deep configuration": tar_of({**true, "abc.json": b'{"rootfs":' + deep + b"}"}),
        "an object for a list": tar_of({"manifest.json": b'{"Config": "abc.json"}'}),
        "a number for a document": tar_of({"index.json": b"7", "oci-layout": b"{}"}),
        "an index of words": tar_of({"index.json": b'{"manifests": ["x"]}'}),
        "an index of paths": tar_of({"index.json": b'{"manifests": [{"digest": "sha256:../../x", "size": 1}]}'}),
        "links": tar_of(true, {"0/layer.tar": "/etc/passwd", "1/layer.tar": "../../../etc/passwd"}),
        "links in a circle": tar_of(true, {"0/layer.tar": "../1/layer.tar", "1/layer.tar": "../0/layer.tar"}),
        "a hard link": with_member(tarfile.LNKTYPE, 0),
        "a device": with_member(tarfile.CHRTYPE, 0, "1/layer.tar"),
        "a pipe": with_member(tarfile.FIFOTYPE, 0),
        "a file of holes": with_member(tarfile.GNUTYPE_SPARSE, 10**12),
        "a file that fills every disk": with_member(tarfile.REGTYPE, 10**12),
        "a name that fills the memory": with_member(tarfile.GNUTYPE_LONGNAME, 10**12),
        "attributes that fill the memory": with_member(tarfile.XHDTYPE, 10**12),
        "a negative size": pax("size", "-1000"),
        "a sparse map": pax("GNU.sparse.realsize", "1000000000000"),
        "attributes of attributes": pax("comment", "x", 20_000),
    }


@pytest.mark.parametrize("name", lying_archives(SmallImage()))
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_an_archive_that_lies_changes_nothing_outside_the_cache(
    small: SmallImage, name: str, pack: type[bytes], tmp_path: Path
) -> None:
    file = tmp_path / "in" / "base.tar"
    file.parent.mkdir()
    file.write_bytes(pack(lying_archives(small)[name]))

    with pytest.raises(BaseImageUnavailable) as failure:
        base_from_archive(file, this_platform(), LayerCache(tmp_path / "cache"))

    assert failure.value.next_step == "Make it again with `docker save` or `skopeo copy`."
    assert {path.relative_to(tmp_path).parts[0] for path in tmp_path.rglob("*")} <= {"in", "cache"}
    assert not any(path.is_file() for path in (tmp_path / "cache" / "drafts").rglob("*"))


def test_an_archive_that_unpacks_to_far_more_than_it_is_is_refused(small: SmallImage, tmp_path: Path) -> None:
    """2 GB of nothing in 2 MB: what fills a disk is refused before it is written."""
    info = tarfile.TarInfo("0/layer.tar")
    info.size = 2 << 30
    file = tmp_path / "base.tar.gz"
    with gzip.open(file, "wb", compresslevel=1) as packed:
        packed.write(info.tobuf())
        packed.write(bytes(1 << 20))

    with pytest.raises(BaseImageUnavailable) as failure:
        base_from_archive(file, this_platform(), LayerCache(tmp_path / "cache"))
    assert "2147483648 bytes" in failure.value.details


@pytest.mark.skipif(sys.platform == "win32", reason="memory is measured as POSIX does")
@pytest.mark.parametrize("kind", ["bz2", "xz", "gzip", "documents"])
def test_an_archive_of_few_bytes_never_fills_the_memory(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "base.tar"
    info = tarfile.TarInfo("0/other")
    info.size = 600 << 20
    if kind == "documents":
        file.write_bytes(tar_of({f"{number}.json": b"[" + b"[]," * 2_700_000 + b"[]]" for number in range(7)}))
    else:
        packers: dict[str, Callable[[], Any]] = {
            "bz2": lambda: bz2.BZ2Compressor(9),
            "xz": lambda: lzma.LZMACompressor(
                filters=[{"id": lzma.FILTER_LZMA2, "preset": 1, "dict_size": 1024 << 20}]
            ),
            "gzip": lambda: zlib.compressobj(9, zlib.DEFLATED, 31),
        }
        packer = packers[kind]()
        packed = packer.compress(info.tobuf())
        file.write_bytes(packed + b"".join(packer.compress(bytes(1 << 20)) for _ in range(600)) + packer.flush())
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from kronkers_studio.domain.errors import BaseImageUnavailable\n"
        "from kronkers_studio.packaging.images.base_archives import base_from_archive\n"
        "from kronkers_studio.packaging.layer_cache import LayerCache\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "try: base_from_archive(Path(sys.argv[1]), 'linux/amd64', LayerCache(Path(sys.argv[2])))\n"
        "except BaseImageUnavailable: print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    told = subprocess.run(
        [sys.executable, "-c", script, str(file), str(tmp_path / "cache")], capture_output=True, text=True, check=True
    )
    assert int(told.stdout) < 300_000  # KB


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("times", [1, 2])
def test_a_compressed_archive_is_a_base_also_in_several_parts(
    small: SmallImage, tmp_path: Path, pack: Any, times: int
) -> None:
    whole = small.old_docker_save()
    middle = len(whole) // times
    file = tmp_path / "base.tar.packed"
    file.write_bytes(b"".join(pack(whole[at : at + middle]) for at in range(0, len(whole), middle)))
    assert base_from_archive(file, "linux/amd64", LayerCache(tmp_path / "cache")).layers


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
def test_a_pipe_is_no_archive_and_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "base.tar")

    with pytest.raises(BaseImageUnavailable, match="not a complete image archive"):
        base_from_archive(tmp_path / "base.tar", this_platform(), LayerCache(tmp_path / "cache"))


def test_a_missing_archive_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(BaseImageUnavailable, match="cannot be read"):
        base_from_archive(tmp_path / "nowhere.tar", this_platform(), LayerCache(tmp_path))


# packages
def test_a_package_on_a_base_holds_its_layers_and_settings(image: ComposedImage, base: BaseImage) -> None:
    config = json.loads(image.config)

    assert [layer.role for layer in image.layers] == ["base", "base", "dependencies", "server", "model"]
    assert image.package.base == base.reference
    assert config["config"]["Env"][0] == "PATH=/usr/local/bin:/usr/bin"
    assert "PYTHONUNBUFFERED=1" in config["config"]["Env"]
    assert "PYTHONUNBUFFERED=0" not in config["config"]["Env"]
    assert sum(not line.get("empty_layer") for line in config["history"]) == 5


def test_an_oci_archive_is_complete_and_reads_back_as_the_same_image(image: ComposedImage, tmp_path: Path) -> None:
    file = tmp_path / "out" / "wine.oci.tar"
    write_oci_archive(image, file)

    with tarfile.open(file) as archive:
        names = archive.getnames()
        for name in names:
            content = archive.extractfile(name)
            if name.startswith("blobs/sha256/") and content is not None:
                assert sha(content.read()) == f"sha256:{name.rpartition('/')[2]}"
    assert {"oci-layout", "index.json", "manifest.json"} <= set(names)
    assert len(names) == len(set(names))
    assert [path.name for path in file.parent.iterdir()] == ["wine.oci.tar"]
    again = base_from_archive(file, this_platform(), LayerCache(tmp_path / "cache"))
    assert [layer.diff_id for layer in again.layers] == [layer.diff_id for layer in image.layers]
    assert [layer.digest for layer in again.layers[:-1]] == [layer.digest for layer in image.layers[:-1]]


@pytest.mark.lab
@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed")
@pytest.mark.parametrize("kind", ["oci-archive", "docker-archive"])
def test_other_tools_read_the_archive(image: ComposedImage, tmp_path: Path, kind: str) -> None:
    file = tmp_path / "wine.oci.tar"
    write_oci_archive(image, file)

    shown = subprocess.run(["skopeo", "inspect", f"{kind}:{file}"], check=True, capture_output=True, text=True)
    found = json.loads(shown.stdout)
    assert found["Labels"]["io.kronkers.model"] == "wine"
    assert len(found["Layers"]) == 5
    if kind == "oci-archive":
        assert found["Digest"] == image.package.digest
        copied = ["skopeo", "--insecure-policy", "copy", f"{kind}:{file}", f"oci:{tmp_path / 'copy'}:x"]
        subprocess.run(copied, check=True, capture_output=True)  # verifies every digest


def test_the_archive_is_the_same_every_time(image: ComposedImage) -> None:
    assert sha(b"".join(docker_archive(image))) == sha(b"".join(docker_archive(image)))


def test_a_thin_archive_leaves_out_what_the_engine_has(image: ComposedImage) -> None:
    present = [layer.diff_id for layer in image.layers[:4]]

    data = b"".join(docker_archive(image, present=present))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        names = archive.getnames()
        load = json.load(archive.extractfile("manifest.json"))  # type: ignore[arg-type]

    assert len(data) < 40_000
    assert len(load[0]["Layers"]) == 5
    assert [name for name in load[0]["Layers"] if name in names] == [load[0]["Layers"][-1]]
    assert "index.json" not in names


def test_only_layers_with_all_below_them_are_left_out(image: ComposedImage) -> None:
    """An engine knows a layer only on top of the same layers."""
    present = [layer.diff_id for layer in image.layers[1:4]]

    data = b"".join(docker_archive(image, present=present))

    assert sum(layer.size for layer in image.layers) < len(data)


def test_the_model_is_always_sent(image: ComposedImage) -> None:
    data = b"".join(docker_archive(image, present=[layer.diff_id for layer in image.layers]))

    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        assert f"blobs/{image.layers[-1].digest.replace(':', '/')}" in archive.getnames()


def test_a_place_that_cannot_be_written_to_is_said(image: ComposedImage, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")

    with pytest.raises(PackagingFailed, match="cannot be written"):
        write_oci_archive(image, tmp_path / "file" / "wine.tar")


def test_cancelling_keeps_what_was_there(image: ComposedImage, tmp_path: Path) -> None:
    file = tmp_path / "wine.tar"
    file.write_text("before")
    cancel = CancelSource()
    cancel.cancel()

    with pytest.raises(Cancelled):
        write_oci_archive(image, file, cancel=cancel)
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["wine.tar"]

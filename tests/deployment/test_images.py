"""Images on a real engine: only what it lacks is sent, and it has what was sent."""

from __future__ import annotations

import json
import os
import tarfile
import time
from collections.abc import Collection, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.deployment import handshake, images
from kronkers_studio.deployment.engine import open_engine
from kronkers_studio.deployment.images import export_image, load_image
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import (
    BaseImageUnavailable,
    Cancelled,
    ServerError,
    ServerFull,
    ServerUnreachable,
)
from kronkers_studio.domain.image_contract import image_tag
from kronkers_studio.domain.progress import CancelSource, NoProgress
from tests.deployment.conftest import Connect
from tests.deployment.engine_layers import present_layers
from tests.deployment.service_image import HandMadeImage, make_service_image
from tests.lab.servers import LabServer


class CountingProgress(NoProgress):
    def __init__(self) -> None:
        self.total = 0
        self.done = 0

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        self.total = total or 0

    def advance(self, amount: int = 1) -> None:
        self.done += amount


def test_the_name_on_engines_says_model_version_and_package() -> None:
    assert image_tag("churn", 3, "sha256:0123456789abcdef") == "kronkers/churn:3-0123456789ab"
    assert image_tag("Größe & Co", 1, "sha256:0123456789abcdef") == "kronkers/gr--e---co:1-0123456789ab"


def test_a_second_version_sends_only_its_own_layer(
    connection: Connection, base_image_archive: Path, service_image: HandMadeImage
) -> None:
    load_image(connection, service_image.archive, service_image)
    second = make_service_image(base_image_archive, version=2, program="print('version 2')")
    progress = CountingProgress()

    loaded = load_image(connection, second.archive, second, progress=progress)

    assert loaded == second.config_digest
    assert len(second.sent) == 1
    assert second.sent[0] < 50_000
    assert progress.total < 50_000
    assert progress.done == second.sent[0]
    assert {layer.diff_id for layer in second.package.layers} <= present_layers(connection)
    tags = open_engine(connection).inspect_image(loaded)["RepoTags"]
    assert tags == [image_tag("churn", 2, second.package.digest)]


def test_what_is_there_is_not_sent_again(connection: Connection, service_image: HandMadeImage) -> None:
    load_image(connection, service_image.archive, service_image)
    before = len(service_image.sent)
    assert load_image(connection, service_image.archive, service_image) == service_image.config_digest
    assert len(service_image.sent) == before


def test_a_layer_on_top_of_other_layers_is_no_use_and_is_sent(
    connection: Connection, base_image_archive: Path, service_image: HandMadeImage
) -> None:
    load_image(connection, service_image.archive, service_image)
    stacked = make_service_image(base_image_archive, filling=b"another layer between base and program")
    assert stacked.package.layers[-1].diff_id in present_layers(connection)

    load_image(connection, stacked.archive, stacked)

    assert open_engine(connection).inspect_image(stacked.config_digest)["RootFS"]["Layers"] == [
        layer.diff_id for layer in stacked.package.layers
    ]


def test_an_engine_that_wants_the_whole_archive_gets_it(
    connection: Connection, base_image_archive: Path, service_image: HandMadeImage
) -> None:
    load_image(connection, service_image.archive, service_image)
    image = make_service_image(base_image_archive, filling=b"only in this test")
    asked: list[Collection[str]] = []

    def archive(present: Collection[str]) -> Iterator[bytes]:
        asked.append(present)
        everything = [layer.diff_id for layer in image.package.layers]
        return image.archive(everything if present else ())  # too thin to be taken, as by an engine of another kind

    assert load_image(connection, archive, image) == image.config_digest
    assert [bool(present) for present in asked] == [True, False]


def test_something_else_than_what_was_promised_is_found_out(
    connection: Connection, base_image_archive: Path, service_image: HandMadeImage
) -> None:
    promised = make_service_image(base_image_archive, filling=b"never arrives")
    with pytest.raises(ServerError, match="has another image than the one sent"):
        load_image(connection, lambda _: service_image.archive(), promised)


def test_an_archive_that_the_engine_cannot_read_is_refused_with_its_words(
    connection: Connection, base_image_archive: Path
) -> None:
    image = make_service_image(base_image_archive, filling=b"broken archive")
    with pytest.raises(ServerError, match="does not take the package"):
        load_image(connection, lambda _: iter([b"not a tar archive" * 1000]), image)


def test_cancelling_stops_the_upload_and_leaves_nothing(connection: Connection, base_image_archive: Path) -> None:
    image = make_service_image(base_image_archive, filling=b"cancelled")
    cancel = CancelSource()

    def archive(_: Collection[str]) -> Iterator[bytes]:
        for number, piece in enumerate(image.archive()):
            if number == 4:
                cancel.cancel()
            yield piece

    images = {image["Id"] for image in open_engine(connection).images()}
    with pytest.raises(Cancelled):
        load_image(connection, archive, image, cancel=cancel)
    assert {image["Id"] for image in open_engine(connection).images()} == images
    assert load_image(connection, image.archive, image) == image.config_digest


def test_a_link_cut_in_the_middle_of_an_upload_is_a_clear_error_in_time(
    spare_server: LabServer, connect_to: Connect, base_image_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "_DEAD_AFTER_SECONDS", 2)
    # far more than what socket buffers hold, which is still delivered once the link is back
    image = make_service_image(base_image_archive, filling=os.urandom(48_000_000))
    connection = connect_to(spare_server.as_server())
    cut_at = 0.0

    def archive(present: Collection[str]) -> Iterator[bytes]:
        nonlocal cut_at
        content = b"".join(image.archive(present))
        for start in range(0, len(content), 1 << 20):
            if start == 5 << 20:
                cut_at = time.monotonic()
                spare_server.cut()
            yield content[start : start + (1 << 20)]

    with pytest.raises(ServerUnreachable) as failure:
        load_image(connection, archive, image)
    assert time.monotonic() - cut_at < 15
    assert spare_server.name in failure.value.message
    spare_server.mend()
    again = connect_to(spare_server.as_server())
    _, filling, _ = image.package.layers  # the others may be there from another test's image
    assert filling.diff_id not in present_layers(again)
    assert load_image(again, image.archive, image) == image.config_digest


def test_an_image_can_be_exported_and_is_what_was_loaded(
    connection: Connection, service_image: HandMadeImage, tmp_path: Path
) -> None:
    name = load_image(connection, service_image.archive, service_image)
    archive = tmp_path / "image.tar"
    with archive.open("wb") as file:
        for piece in export_image(connection, name):
            file.write(piece)
    with tarfile.open(archive) as tar:
        manifest = json.load(tar.extractfile("manifest.json") or file)[0]
        config = json.load(tar.extractfile(manifest["Config"]) or file)
    assert config["rootfs"]["diff_ids"] == [layer.diff_id for layer in service_image.package.layers]


def test_exporting_what_is_not_there_says_so(connection: Connection) -> None:
    with pytest.raises(BaseImageUnavailable, match="no image called nothing:1"):
        list(export_image(connection, "nothing:1"))


def test_an_image_found_by_its_name_must_have_the_very_layers(
    connection: Connection, base_image_archive: Path, service_image: HandMadeImage
) -> None:
    load_image(connection, service_image.archive, service_image)
    other = make_service_image(base_image_archive, filling=b"same name, other layers")
    other.package = replace(other.package, digest=service_image.package.digest)
    assert load_image(connection, other.archive, other) == other.config_digest
    assert other.sent


@pytest.mark.parametrize(("what", "message"), [("_RESERVE_BYTES", "on its disk"), ("_LEAST_MEMORY_BYTES", "of memory")])
def test_a_server_without_room_is_told_before_anything_is_sent(
    connection: Connection, base_image_archive: Path, monkeypatch: pytest.MonkeyPatch, what: str, message: str
) -> None:
    image = make_service_image(base_image_archive, filling=what.encode())
    monkeypatch.setattr(images, what, 1 << 60)  # no server has that much
    with pytest.raises(ServerFull, match=message) as failure:
        load_image(connection, image.archive, image)
    assert "Nothing was sent" in failure.value.next_step
    assert image.sent == []


def test_free_space_and_memory_that_cannot_be_read_hinder_nothing() -> None:
    df = "Filesystem 1024-blocks Used Available Capacity Mounted on\n/dev/sda1 100 40 60 40% /"
    assert images.free_disk_bytes(df) == 60 * 1024
    assert images.free_disk_bytes("df: no such file") is None
    assert images.available_memory_bytes("MemTotal: 100 kB\nMemAvailable:   50 kB\n") == 50 * 1024
    assert images.available_memory_bytes("MemTotal: 100 kB\n") is None

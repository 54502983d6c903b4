"""What a real Docker engine makes of our archives."""

import dataclasses
import io
import json
import subprocess
from pathlib import Path

import pytest

from kronkers_studio.domain.models import ModelVersion
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
)
from tests.lab.servers import LabServer
from tests.packaging.containers import docker, health

pytestmark = pytest.mark.lab


@pytest.fixture(scope="session")
def lab_base(base_image_archive: Path, layer_cache: LayerCache) -> BaseImage:
    return base_from_archive(base_image_archive, this_platform(), layer_cache)


def composed(
    version: ModelVersion, data: bytes, lock: DependencyLock, base: BaseImage, cache: LayerCache
) -> ComposedImage:
    return compose_package(version, lambda: io.BytesIO(data), lock, platform=this_platform(), base=base, cache=cache)


def test_an_engine_runs_the_package_and_takes_a_new_version_thin(
    lab_server: LabServer,
    lab_base: BaseImage,
    version: ModelVersion,
    model_bytes: bytes,
    lock: DependencyLock,
    layer_cache: LayerCache,
    tmp_path: Path,
) -> None:
    if version.facts.python_version != "3.11":
        pytest.skip("the lab's base image has Python 3.11")
    image = composed(version, model_bytes, lock, lab_base, layer_cache)
    docker(lab_server, "load", pieces=docker_archive(image))

    shown = json.loads(docker(lab_server, "image", "inspect", image.config_digest))[0]
    assert shown["RootFS"]["Layers"] == [layer.diff_id for layer in image.layers]
    assert shown["RepoTags"] == ["kronkers/wine:3"]
    docker(
        lab_server,
        *("run", "--detach", "--name", "packaged", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
        image.config_digest,
    )
    try:
        assert health(lab_server, "packaged") == "healthy", docker(lab_server, "logs", "packaged")
        assert "uid=65532" in docker(lab_server, "exec", "packaged", "id")
    finally:
        docker(lab_server, "rm", "--force", "packaged")

    newer = composed(dataclasses.replace(version, version=4), model_bytes, lock, lab_base, layer_cache)
    thin = list(docker_archive(newer, present=shown["RootFS"]["Layers"]))
    docker(lab_server, "load", pieces=thin)
    assert sum(map(len, thin)) < 100_000
    assert json.loads(docker(lab_server, "image", "inspect", newer.config_digest))[0]["Config"]["User"] == "65532:65532"

    exported = subprocess.run(
        lab_server.inside("docker", "save", image.config_digest), check=True, capture_output=True
    ).stdout
    again = base_from_engine([exported], LayerCache(tmp_path))
    assert [layer.diff_id for layer in again.layers] == [layer.diff_id for layer in image.layers]

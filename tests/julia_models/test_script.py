"""The script of Julia in the documents, run by the Julia of the base image that the product built on a real engine."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kronkers_studio.domain.models import Framework
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.language_bases import build_language_base
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.releases import stop_release
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import create_workspace
from tests.conftest import TEST_CACHE
from tests.lab.servers import LabServer
from tests.packaging.containers import docker

ROOT = Path(__file__).parents[2]
# The image's files with this machine's below /host, in a mount namespace that ends with the script.
_INSIDE = 'mount --rbind / "$0/host" && mount -t proc proc "$0/proc" && exec chroot "$0" julia --startup-file=no "$1"'


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_script_of_julia_does_the_whole_job(
    tmp_path: Path, lab_server: LabServer, debian_image_archive: Path, package_proxy: str
) -> None:
    """Read, train, register, package, put live, predict, read series, with Julia's standard library alone."""
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        server = lab_server.as_server()
        fingerprint = show_host_key(server.address).fingerprint
        identity = Path(server.identity_file)
        add_server(session, "works", server.address, fingerprint=fingerprint, identity_file=identity)
        docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
        dockerfile = resource("bases") / "julia" / "Dockerfile.debian"
        build_language_base(session, Framework.JULIA, "works", dockerfile=dockerfile, proxy=package_proxy)
        files = _unpacked(lab_server, tmp_path)
        migrate_folder(session, resource("sample/OneDrive - Kronkers"), "analytics")
        environment = {
            **os.environ,
            "XDG_CACHE_HOME": str(TEST_CACHE),
            "KRONKERS_WORKSPACE": str(tmp_path / "workspace"),
            "KRONKERS_KEY_FILE": str(tmp_path / "key"),
        }
        script = f"/host{ROOT}/docs/examples/wine.jl"
        try:
            done = subprocess.run(
                ["unshare", "--mount", "--propagation", "private", "sh", "-c", _INSIDE, str(files), script],
                env=environment,
                capture_output=True,
                text=True,
                encoding="utf-8",
                check=False,
                timeout=600,
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        finally:
            if session.workspace.ledger.live_release("wine", THIS_COMPUTER) is not None:
                stop_release(session, "wine", THIS_COMPUTER)
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["version"], told["release"], told["same"]) == (1, "r1", True)  # as Julia answered
    assert told["correct"] == pytest.approx(told["accuracy"]) and told["correct"] > 0.9
    assert told["readings"] > 0


def _unpacked(server: LabServer, folder: Path) -> Path:
    """The files of the base image, with a `kronkers` that runs outside of them."""
    files, archive = folder / "image", folder / "image.tar"
    image = docker(server, "image", "ls", "--filter", "reference=*/base-julia*", "--quiet").split()[0]
    docker(server, "create", "--name", "image-of-julia", image, "true")
    with archive.open("wb") as stream:
        subprocess.run(server.inside("docker", "export", "image-of-julia"), stdout=stream, check=True)
    docker(server, "rm", "image-of-julia")
    files.mkdir()
    subprocess.run(["tar", "--extract", "--file", str(archive), "--directory", str(files)], check=True)
    archive.unlink()
    (files / "host").mkdir()
    program = files / "usr" / "local" / "bin" / "kronkers"
    python = f"{sys.executable} -c 'from kronkers_studio.app import command; command()'"
    program.write_text(f'#!/bin/sh\nexec chroot /host {python} "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    assert shutil.which("unshare")
    return files

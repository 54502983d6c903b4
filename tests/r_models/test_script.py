"""The script of R in the documents, with R's own object live on a real server whose engine built the base image."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from kronkers_studio.domain.models import Framework
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


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.skipif(not shutil.which("Rscript"), reason="there is no R on this computer")
def test_the_script_puts_its_own_model_of_r_live_on_a_server(
    tmp_path: Path, lab_server: LabServer, debian_image_archive: Path, package_proxy: str
) -> None:
    """Read, train, save, register, put live, predict, read series: as documented."""
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    program = tmp_path / "kronkers"
    program.write_text(f"#!{sys.executable}\nfrom kronkers_studio.app import command\ncommand()\n", encoding="utf-8")
    program.chmod(0o755)
    with session:
        server = lab_server.as_server()
        fingerprint = show_host_key(server.address).fingerprint
        add_server(
            session, "factory", server.address, fingerprint=fingerprint, identity_file=Path(server.identity_file)
        )
        docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
        build_language_base(session, Framework.R, "factory", proxy=package_proxy)
        migrate_folder(session, resource("sample/OneDrive - Kronkers"), "analytics")
        environment = {
            **os.environ,
            "PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT),
            "XDG_CACHE_HOME": str(TEST_CACHE),
            "KRONKERS_WORKSPACE": str(tmp_path / "workspace"),
            "KRONKERS_KEY_FILE": str(tmp_path / "key"),
        }
        command = ["Rscript", "--vanilla", str(ROOT / "docs" / "examples" / "wine.R"), "factory"]
        try:
            done = subprocess.run(
                command, env=environment, capture_output=True, text=True, encoding="utf-8", check=False, timeout=600
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        finally:
            if session.workspace.ledger.live_release("wine", "factory") is not None:
                stop_release(session, "wine", "factory")
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["version"], told["release"]) == (1, "r1")
    assert told["correct"] == told["accuracy"] > 0.8  # the service answers what R answered
    assert told["readings"] > 0

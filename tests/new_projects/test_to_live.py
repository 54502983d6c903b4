"""From `kronkers new` to a live model that was tested, as it is typed: how many commands it takes in each language."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.models import Framework
from kronkers_studio.settings.paths import resource, uv_program
from kronkers_studio.workflows.language_bases import build_language_base
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import ProcessShell
from tests.conftest import TEST_CACHE
from tests.lab.servers import LabServer
from tests.new_projects.julia_program import write_julia
from tests.packaging.containers import docker

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

MOST_COMMANDS = 6


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessShell:
    monkeypatch.setenv("XDG_CACHE_HOME", str(TEST_CACHE))
    monkeypatch.setenv("KRONKERS_WORKING_COPIES", str(tmp_path / "my work"))
    monkeypatch.setenv("PATH", f"{uv_program().parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    made = ProcessShell(tmp_path)
    made.init()
    return made


class Typed:
    """What a person types, counted."""

    def __init__(self, shell: ProcessShell) -> None:
        self.shell, self.count = shell, 0

    def __call__(self, line: str, expect: int = 0) -> Any:
        """Run a command line: one of `kronkers` gives its document, another one all that it prints."""
        self.count += 1
        program, *arguments = shlex.split(line)
        if program == "kronkers":
            return self.shell.json(*arguments, expect=expect)
        done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False, timeout=600)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr


def to_live(typed: Typed, made: Any, place: str) -> Any:
    """Type what the new project says comes next; what its service answers."""
    train, commit, register, test, release = made["steps"]
    assert "trained on 240 rows" in typed(train)
    assert typed(commit)["changed"]
    assert typed(register)["version"] == 1
    tested = typed(test.replace("SERVER", place))
    assert [result["outcome"] for result in tested["results"]] == ["passed"] * 4, tested
    assert tested["test_set"]["path"] == f"{made['name']}.tests.yaml"
    assert typed(f"{release.replace('SERVER', place)} --require-tests")["state"] == "live"
    assert typed.count == MOST_COMMANDS
    rows = Path(made["copy"]["folder"]) / "rows.json"
    try:
        return typed.shell.json("predict", made["name"], "--in", place, "--input", str(rows))
    finally:
        typed.shell.run("stop", made["name"], "--in", place)


def test_python(shell: ProcessShell) -> None:
    typed = Typed(shell)
    made = typed("kronkers new python machine-failure")
    folder = made["copy"]["folder"]

    answer = to_live(typed, made, "this-computer")

    said = subprocess.run(
        ["uv", "run", "--directory", folder, "test_model.py"], capture_output=True, text=True, check=False, timeout=600
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert answer["outputs"] == ["no", "yes"]
    assert shell.json("status", folder)["changes"]["changes"] == []


@pytest.fixture
def server(shell: ProcessShell, lab_server: LabServer, debian_image_archive: Path) -> LabServer:
    """One that the workspace knows as “works”."""
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        ours = lab_server.as_server()
        fingerprint = show_host_key(ours.address).fingerprint
        add_server(session, "works", ours.address, fingerprint=fingerprint, identity_file=Path(ours.identity_file))
    docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
    return lab_server


@pytest.mark.lab
@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_r(shell: ProcessShell, server: LabServer, package_proxy: str) -> None:
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        build_language_base(session, Framework.R, "works", proxy=package_proxy)
    typed = Typed(shell)
    made = typed("kronkers new r machine-failure")
    script = Path(made["copy"]["folder"]) / "test_model.R"

    answer = to_live(typed, made, "works")

    said = subprocess.run(["Rscript", str(script)], capture_output=True, text=True, check=False, timeout=600)
    assert said.returncode == 0, said.stdout + said.stderr
    assert answer["outputs"] == ["no", "yes"]


@pytest.mark.lab
def test_julia(
    shell: ProcessShell, server: LabServer, package_proxy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The `julia` that is typed runs in a container of the base image: this computer need not have Julia, and that is
    the one which reads what was written."""
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        dockerfile = resource("bases") / "julia" / "Dockerfile.debian"
        build_language_base(session, Framework.JULIA, "works", dockerfile=dockerfile, proxy=package_proxy)
    write_julia(tmp_path / "programs", server, "kronkers/base-julia")
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}")
    typed = Typed(shell)
    made = typed("kronkers new julia machine-failure")
    folder = Path(made["copy"]["folder"])
    assert made["steps"][0] == f'julia --project="{folder}" "{folder}/train.jl"'

    answer = to_live(typed, made, "works")

    script = folder / "test_model.jl"
    said = subprocess.run(
        ["julia", f"--project={folder}", str(script)], capture_output=True, text=True, check=False, timeout=600
    )
    assert said.returncode == 0 and "answers are right" in said.stderr, said.stderr
    assert answer["outputs"] == ["no", "yes"]

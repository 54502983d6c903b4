"""The CI steps in the documentation do what they say: their own shell lines, run on a workspace."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from kronkers_studio.domain.expectations import KINDS, Metric
from kronkers_studio.workflows.model_test_runs.expectation_files import parse_test_set
from tests.cli.shell import Shell
from tests.model_tests.test_command import _xml, write_project

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "model-tests.md").read_text(encoding="utf-8")
_PROGRAM = f'#!/bin/sh\nexec {sys.executable} -P -c "from kronkers_studio.app import command; command()" "$@"\n'


def _block(heading: str) -> str:
    found = re.search(rf"### {heading}\n.*?```\w+\n(.*?)```", _DOCUMENT, re.DOTALL)
    assert found is not None
    return found[1]


def shell_lines(system: str) -> list[str]:
    """What that CI system would hand to a shell."""
    text = _block(system)
    if system == "Jenkins":
        return re.findall(r"^ *sh '(.*)'$", text, re.MULTILINE)
    document = yaml.safe_load(text)
    if system == "GitLab CI":
        return list(document["model-tests"]["script"])
    steps = document["jobs"]["model-tests"]["steps"] if system == "GitHub Actions" else document["steps"]
    return [step.get("run") or step["script"] for step in steps if "run" in step or "script" in step]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("ci")
    write_project(folder / "project")
    shell = Shell(folder)
    shell.init()
    shell.run("migrate", str(folder / "project"), "--project", "quality")
    shell.run("model", "register", "quality:wine.joblib", "--name", "wine")
    program = folder / "bin" / "kronkers"
    program.parent.mkdir()
    program.write_text(_PROGRAM, encoding="utf-8")
    program.chmod(0o755)
    return folder


def _run(made: Path, lines: list[str], here: Path) -> int:
    """The lines as a CI system runs them: one after the other, until one fails."""
    environment = {
        **os.environ,
        "PATH": f"{made / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "KRONKERS_WORKSPACE": str(made / "workspace"),
        "KRONKERS_KEY_FILE": str(made / "key"),
        "MODEL": "wine",
    }
    for line in lines:
        done = subprocess.run(["sh", "-ec", line], cwd=here, env=environment, check=False, timeout=250)
        if done.returncode:
            return done.returncode
    return 0


@pytest.mark.skipif(sys.platform == "win32", reason="the steps are for a POSIX shell")
@pytest.mark.parametrize("system", ["GitLab CI", "Jenkins", "GitHub Actions"])
def test_the_steps_pass_for_a_good_model_and_stop_the_job_for_a_bad_one(
    made: Path, system: str, tmp_path: Path
) -> None:
    """Seen to fail with the option --junit written otherwise in the document."""
    lines = shell_lines(system)
    assert len(lines) == 2
    shell = Shell(made)
    shell.run("model", "tests", "wine", "--reset")
    assert _run(made, lines, tmp_path) == 0
    assert _xml((tmp_path / "report.xml").read_bytes()).get("failures") == "0"
    shell.run("model", "tests", "wine", "--set", "quality:strict.yaml")
    assert _run(made, lines, tmp_path) == 3
    assert _xml((tmp_path / "report.xml").read_bytes()).get("failures") == "1"


def test_the_azure_steps_call_the_same_command() -> None:
    assert shell_lines("Azure DevOps") == shell_lines("GitLab CI")[1:]


def test_the_guide_has_every_kind_and_metric_and_an_example_that_can_be_read() -> None:
    """Seen to fail with a kind left out of the table."""
    for word in KINDS:
        assert f"| `{word}` |" in _DOCUMENT
    assert all(f"`{metric.value}`" in _DOCUMENT for metric in Metric)
    example = re.search(r"```yaml\n(format: 1\n.*?)```", _DOCUMENT, re.DOTALL)
    assert example is not None
    assert [each.name for each in parse_test_set(example[1].encode(), "x")] == ["accurate", "quick"]

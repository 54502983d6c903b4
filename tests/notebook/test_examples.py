"""What the guide says is done, and the notebook and the scripts beside it do their whole job."""

from __future__ import annotations

import doctest
import json
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import kronkers_studio as ks
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import create_workspace, open_workspace
from tests.cli.shell import ProcessShell

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "docs" / "examples"
SAMPLE = "sample/OneDrive - Kronkers"


@pytest.fixture
def shell(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessShell:
    """The sample as the project "analytics", in a workspace that the environment names."""
    monkeypatch.setenv("KRONKERS_WORKSPACE", str(folder / "workspace"))
    monkeypatch.setenv("KRONKERS_KEY_FILE", str(folder / "key"))
    with open_workspace(folder / "workspace", key_file=folder / "key") as session:
        migrate_folder(session, resource(SAMPLE), "analytics")
    return ProcessShell(folder)


@pytest.fixture
def program(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`kronkers` as scripts find it on their path."""
    place = folder / "bin"
    place.mkdir()
    command = f"#!{sys.executable}\nfrom kronkers_studio.app import command\ncommand()\n"
    (place / "kronkers").write_text(command, encoding="utf-8")
    (place / "kronkers").chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    return place / "kronkers"


@pytest.fixture
def stopped(shell: ProcessShell) -> Iterator[None]:
    """Whatever became of the example, nothing of it runs on."""
    yield
    if any(release["state"] == "live" for release in shell.json("releases")):
        shell.run("stop", "wine", "--in", "this-computer")


def test_the_notebook_does_the_whole_job(shell: ProcessShell, stopped: None) -> None:
    """Read, train, register, package, put live, predict, watch; in a kernel of its own."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of Jupyter's own libraries
        import nbformat
        from nbclient import NotebookClient

        reads: Any = nbformat.reads
        notebook = reads((EXAMPLES / "wine.ipynb").read_text(encoding="utf-8"), as_version=4)
        NotebookClient(notebook, timeout=240, kernel_name="python3").execute()
    values = [_value(cell) for cell in notebook.cells if cell.cell_type == "code"]
    shown = " ".join(values)
    assert "sha256:" in shown and "'r1'" in shown and "&lt;" not in shown
    assert any(re.fullmatch(r"np\.float64\((1\.0|0\.9\d+)\)", value) for value in values), values
    assert "latency_p50" in shown
    assert shell.json("model", "show", "wine")["metrics"]["accuracy"] > 0.9
    kept = json.loads((EXAMPLES / "wine.ipynb").read_text(encoding="utf-8"))
    assert not any(cell.get("outputs") for cell in kept["cells"])  # nothing of whoever ran it


def _value(cell: Any) -> str:
    found = [output.data["text/plain"] for output in cell.outputs if "data" in output]
    return str(found[-1]) if found else ""


def test_what_the_guide_says_is_so(shell: ProcessShell, folder: Path) -> None:
    """Its examples run one after the other, on the sample."""
    failed, tried = doctest.testfile(
        str(ROOT / "docs" / "notebooks.md"),
        module_relative=False,
        globs={"wine_model": _wine_model},
        optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE,
        encoding="utf-8",
    )
    assert failed == 0 and tried > 20


def _wine_model(frame: Any) -> Any:
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=1000))
    return model.fit(frame.drop(columns="cultivar"), frame["cultivar"])


def test_importing_the_package_loads_nothing_and_opening_no_pandas(folder: Path) -> None:
    """Seen to fail with the library imported at the top of the package."""
    program = (
        "import sys, kronkers_studio as ks\n"
        "print(*sorted(name for name in sys.modules if name.startswith('kronkers_studio')))\n"
        "ws = ks.open(*sys.argv[1:2], key_file=sys.argv[2])\n"
        "heavy = ('pandas', 'numpy', 'polars', 'PySide6', 'sqlalchemy', 'docker', 'paramiko')\n"
        "print(*(name for name in heavy if name in sys.modules))\n"
        "print(dir(ks))\n"
    )
    words = [str(folder / "workspace"), str(folder / "key")]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program, *words], capture_output=True, text=True, check=True, timeout=60
    )
    first, heavy, names = done.stdout.splitlines()
    assert first == "kronkers_studio"
    assert heavy == ""
    assert "'open'" in names
    with pytest.raises(AttributeError, match="nothing"):
        ks.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_the_environment_and_a_function_give_the_key(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kronkers_studio.domain.errors import KeyUnavailable, WorkspaceError, WrongKey
    from kronkers_studio.settings.secrets import Secret

    create_workspace(folder / "other", passphrase=Secret("correct horse battery"))[0].close()
    with pytest.raises(KeyUnavailable, match="KRONKERS_PASSPHRASE"):
        ks.open(folder / "other")
    with pytest.raises(WorkspaceError):
        ks.open(folder / "nowhere")
    with ks.open(folder / "other", passphrase=lambda: "correct horse battery") as ws:
        assert ws.projects().empty
    with pytest.raises(WrongKey) as wrong:
        ks.open(folder / "other", passphrase="wrong horse")
    assert "wrong horse" not in str(wrong.value)
    monkeypatch.setenv("KRONKERS_PASSPHRASE", "correct horse battery")
    monkeypatch.setenv("KRONKERS_WORKSPACE", str(folder / "other"))
    with ks.open() as ws:
        assert ws.directory == folder / "other"


def run_script(command: list[str], *arguments: str, seconds: float = 240) -> dict[str, Any]:
    """The last line that a script prints, which is JSON."""
    done = subprocess.run(
        [*command, *arguments], capture_output=True, text=True, encoding="utf-8", check=False, timeout=seconds
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _has_r() -> bool:
    program = shutil.which("Rscript")
    needed = "stopifnot(requireNamespace('rpart'), requireNamespace('jsonlite'))"
    return (
        program is not None and not subprocess.run([program, "-e", needed], capture_output=True, check=False).returncode
    )


@pytest.mark.skipif(not shutil.which("julia"), reason="there is no julia on this computer")
def test_the_script_of_julia_does_the_whole_job(shell: ProcessShell, program: Path, stopped: None) -> None:
    told = run_script(["julia", "--startup-file=no", str(EXAMPLES / "wine.jl")])
    assert told["release"] == "r1" and told["correct"] > 0.8 and told["readings"] > 0


@pytest.mark.skipif(not _has_r(), reason="there is no R with rpart and jsonlite on this computer")
def test_the_script_of_r_does_the_whole_job(shell: ProcessShell, program: Path, stopped: None) -> None:
    """On this computer, with the model as PMML; with its own R, on a server, in tests/r_models."""
    told = run_script(["Rscript", "--vanilla", str(EXAMPLES / "wine.R")])
    assert told["release"] == "r1" and told["correct"] > 0.8 and told["readings"] > 0

"""The servers compared, as data: what is installed for one, how it is started, how it is asked. Nothing is measured
here. Each has one process that answers, and its defaults beside that."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.services import work

PROGRAMS = Path(__file__).with_name("programs")


@dataclass(frozen=True, slots=True)
class Peer:
    """``packages`` are installed into an environment of its own (none: this interpreter's). ``prepare`` puts into its
    folder what it needs besides the model; ``command`` starts it there on a port (with the environment's folder of
    programs)."""

    name: str
    command: Callable[[Path, int], Sequence[str]]
    body: Callable[[list[float]], bytes]
    path: str = "/predict"
    packages: Sequence[str] = ()
    prepare: Callable[[Path, int, Path], None] = lambda _folder, _port, _programs: None
    environment: Mapping[str, str] = field(default_factory=dict)


def _copied(*names: str) -> Callable[[Path, int, Path], None]:
    def prepare(folder: Path, _port: int, _programs: Path) -> None:
        for name in names:
            shutil.copy(PROGRAMS / name, folder / name)

    return prepare


def _prepare_mlserver(folder: Path, port: int, _programs: Path) -> None:
    settings = {"http_port": port, "grpc_port": port + 1, "metrics_port": port + 2, "host": "127.0.0.1"}
    model = {
        "name": "wine",
        "implementation": "mlserver_sklearn.SKLearnModel",
        "parameters": {"uri": f"./{work.MODEL}", "version": "v1"},
    }
    (folder / "settings.json").write_text(json.dumps(settings), encoding="utf-8")
    (folder / "model-settings.json").write_text(json.dumps(model), encoding="utf-8")


_SAVE_BY_MLFLOW = """
import joblib, mlflow.sklearn
mlflow.sklearn.save_model(joblib.load("model.joblib"), "mlflow-model", serialization_format="cloudpickle")
"""


def _prepare_mlflow(folder: Path, _port: int, programs: Path) -> None:
    subprocess.run([programs / "python", "-c", _SAVE_BY_MLFLOW], cwd=folder, check=True, capture_output=True)


PLAIN = Peer(
    "plain starlette",
    lambda _programs, port: [sys.executable, "plain.py", str(port)],
    work.row_of_numbers,
    prepare=_copied("plain.py"),
)
_SKLEARN = "scikit-learn==1.9.1"

PEERS: Sequence[Peer] = (
    PLAIN,
    Peer(
        "MLServer",
        lambda programs, _port: [str(programs / "mlserver"), "start", "."],
        work.tensor,
        path="/v2/models/wine/infer",
        packages=("mlserver", "mlserver-sklearn", "uvloop<0.22", _SKLEARN),  # a later uvloop ends its start
        prepare=_prepare_mlserver,
    ),
    Peer(
        "BentoML",
        lambda programs, port: [str(programs / "bentoml"), "serve", "bento:Wine", "--port", str(port)],
        work.row_of_numbers,
        packages=("bentoml", _SKLEARN),
        prepare=_copied("bento.py"),
        environment={"BENTOML_DO_NOT_TRACK": "True"},
    ),
    Peer(
        "LitServe",
        lambda programs, port: [str(programs / "python"), "lit.py", str(port)],
        work.row_of_numbers,
        packages=("litserve", _SKLEARN),
        prepare=_copied("lit.py"),
    ),
    Peer(
        "MLflow",
        lambda programs, port: [
            *(str(programs / "mlflow"), "models", "serve", "-m", "mlflow-model"),
            *("--env-manager", "local", "--host", "127.0.0.1", "--port", str(port)),
        ],
        work.mlflow_inputs,
        path="/invocations",
        packages=("mlflow", _SKLEARN),
        prepare=_prepare_mlflow,
    ),
)

PLUMBER = Peer(
    "plumber (R)",
    lambda _programs, port: ["Rscript", "-e", f'plumber::pr_run(plumber::pr("plumber.R"), port = {port}L)'],
    work.plumber_row,
    prepare=_copied("plumber.R"),
)

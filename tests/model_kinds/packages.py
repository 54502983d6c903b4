"""Packages of models of every kind, with a reference profile, as folders; and their services, run by a Python that has
their libraries."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kronkers_studio.domain.feature_profiles import TableProfile, bins_document
from kronkers_studio.domain.models import ContentRef, ModelVersion, StatedSignature
from kronkers_studio.domain.stated_signatures import parse_tensor, stated
from kronkers_studio.formats.table_profiles import profile_table
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.composition import describe_model
from kronkers_studio.workflows.feature_profiles import profile_question
from tests.model_kinds.environments import ROOT
from tests.serving.model_folders import wait_for_port
from tests.serving.statistics_beside import statistics_beside

ANSWER = "its answer"
"""The column with the answers in a table that a profile is made of."""
_NOW = datetime(2026, 12, 1, tzinfo=UTC)
_MLFLOW = ("MLmodel", "requirements.txt", "python_env.yaml")


def version_of(file: Path, takes: Sequence[str] = ()) -> ModelVersion:
    """The model in ``file``, of which a person says that it ``takes`` these tensors; of an MLflow folder, what lies
    beside it counts."""
    beside: dict[str, Callable[[], bytes]] = {
        each.name: each.read_bytes for each in file.parent.iterdir() if each.name in _MLFLOW
    }
    with file.open("rb") as stream:
        facts = inspect_model(file.name, stream, beside)
    source = ContentRef("models", "c0ffee" * 10, file.name)
    version = ModelVersion("model", 1, source, facts, _NOW, "ada")
    if not takes:
        return version
    said = stated(facts.signature, [parse_tensor(one) for one in takes], [])
    return ModelVersion("model", 1, source, facts, _NOW, "ada", stated=StatedSignature(said, _NOW, "ada"))


def package_of(folder: Path, file: Path, version: ModelVersion) -> Path:
    """``folder``, filled with the model in ``file`` and its description."""
    folder.mkdir()
    described = describe_model(version, hashlib.sha256(file.read_bytes()).hexdigest())
    shutil.copyfile(file, folder / described["file"])
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    return folder


def add_profile(package: Path, version: ModelVersion, table: bytes, *, target: str = "") -> TableProfile:
    """The reference profile of ``table``, which is CSV, beside the model in ``package``."""
    question = profile_question(version.signature, target)
    assert question is not None, version.signature
    profile = profile_table("reference.csv", io.BytesIO(table), question)
    statistics_beside(package, bins_document(profile), in_manifest=True)
    return profile


def table_of(rows: Sequence[Mapping[str, Any]], answers: Sequence[Any] = ()) -> bytes:
    """``rows`` as CSV, with the ``answers`` to them where there are any; what is missing is empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*rows[0], *([ANSWER] if answers else [])])
    for at, row in enumerate(rows):
        writer.writerow([*row.values(), *([answers[at]] if answers else [])])
    return text.getvalue().encode()


@contextmanager
def served(python: Path, package: Path) -> Iterator[int]:
    """The port of a service of ``package``, run by ``python``."""
    ready, log = package / "ready.json", package.with_name(f"{package.name}.log")
    command = [str(python), "-m", "kronkers_studio.serving", "--model", str(package), "--ready-file", str(ready)]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=output, stderr=output
        )
        try:
            yield wait_for_port(ready, process)
        finally:
            process.kill()
            process.wait()

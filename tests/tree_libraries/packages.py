"""Folders as packages hold them, for the files that ``models.py`` wrote."""

from __future__ import annotations

import hashlib
import json
import shutil
from datetime import UTC, datetime
from pathlib import Path

from kronkers_studio.domain.models import ContentRef, ModelFacts, ModelVersion
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.composition import describe_model


def facts_of(file: Path) -> ModelFacts:
    """What is found out about a model file that lies alone."""
    with file.open("rb") as stream:
        return inspect_model(file.name, stream, {})


def package_of(file: Path) -> Path:
    """The folder of ``file`` and its description, beside it."""
    facts = facts_of(file)
    source = ContentRef("trees", "c0ffee" * 10, file.name)
    version = ModelVersion("model", 1, source, facts, datetime(2026, 11, 30, tzinfo=UTC), "ada")
    described = describe_model(version, hashlib.sha256(file.read_bytes()).hexdigest())
    folder = file.with_name(f"{file.name}.package")
    folder.mkdir()
    shutil.copyfile(file, folder / described["file"])
    (folder / "model.json").write_text(json.dumps(described), encoding="utf-8")
    return folder

"""A model's file from anywhere is brought in alone, on top of what was added before."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import InvalidInput, UnsupportedModel
from kronkers_studio.migration import filesystem
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.added_models import ADDED_MODELS, add_model
from kronkers_studio.workflows.browsing import list_projects
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import Session

_MODELS = resource("sample/OneDrive - Kronkers/Quality/Wine/model")


@pytest.fixture
def downloads(tmp_path: Path) -> Path:
    folder = tmp_path / "Downloads"
    folder.mkdir()
    for name in ("wine_cultivar.joblib", "wine_cultivar.onnx"):
        shutil.copy(_MODELS / name, folder)
    (folder / "requirements.txt").write_text("scikit-learn==1.9.1\n", encoding="utf-8")
    (folder / "notes.txt").write_text("private", encoding="utf-8")
    return folder


def _paths(session: Session) -> list[str]:
    return [entry.path for entry in session.workspace.content.walk(ADDED_MODELS) if entry.kind is EntryKind.FILE]


def test_each_is_added_to_those_before_and_only_what_says_what_it_needs_comes_along(
    session: Session, downloads: Path
) -> None:
    first = add_model(session, downloads / "wine_cultivar.joblib")
    assert _paths(session) == ["wine-cultivar/requirements.txt", "wine-cultivar/wine_cultivar.joblib"]
    shutil.move(downloads / "wine_cultivar.onnx", downloads / "other.onnx")
    (downloads / "requirements.txt").unlink()
    second = add_model(session, downloads / "other.onnx")
    assert _paths(session) == [
        "other/other.onnx",
        "wine-cultivar/requirements.txt",
        "wine-cultivar/wine_cultivar.joblib",
    ]
    for found in (first, second):
        version = register_model(session, found.source.project, found.source.path, ref=found.source.commit)
        assert version.facts == found.facts
    assert first.facts is not None
    assert "scikit-learn==1.9.1" in first.facts.requirements


def test_the_same_again_makes_no_version(session: Session, downloads: Path) -> None:
    first = add_model(session, downloads / "wine_cultivar.joblib")
    assert add_model(session, downloads / "wine_cultivar.joblib") == first


def test_what_cannot_be_a_model_is_refused_before_anything_is_stored(
    session: Session, downloads: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UnsupportedModel):
        add_model(session, downloads / "notes.txt")
    for wrong in (downloads, downloads / "nowhere.onnx"):
        with pytest.raises(InvalidInput):
            add_model(session, wrong)
    if hasattr(os, "mkfifo"):
        os.mkfifo(downloads / "pipe.onnx")
        with pytest.raises(InvalidInput, match="no file"):
            add_model(session, downloads / "pipe.onnx")
    monkeypatch.setattr(filesystem, "is_online_only", lambda _status: True)
    with pytest.raises(InvalidInput, match="only in the cloud"):
        add_model(session, downloads / "wine_cultivar.joblib")
    assert list_projects(session) == []


def test_a_project_that_is_made_of_a_folder_is_left_as_that_is(session: Session, downloads: Path) -> None:
    migrate_folder(session, downloads, ADDED_MODELS)
    before = _paths(session)
    with pytest.raises(InvalidInput, match="brought in from a folder"):
        add_model(session, downloads / "wine_cultivar.joblib")
    assert _paths(session) == before


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="no links")
def test_what_a_link_leads_to_is_added(session: Session, downloads: Path, tmp_path: Path) -> None:
    (tmp_path / "link.joblib").symlink_to(downloads / "wine_cultivar.joblib")
    assert add_model(session, tmp_path / "link.joblib").source.path == "wine-cultivar/wine_cultivar.joblib"

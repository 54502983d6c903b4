"""A workspace that was copied, and one that was moved: what runs on this computer stays the one's that started it."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import SAMPLE_FOLDER, sample_rows
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.places import ThisComputer
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace

MODEL = "wine"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A workspace in which a model is live on this computer."""
    monkeypatch.setenv("KRONKERS_KEY_FILE", str(tmp_path / "key"))
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name=MODEL)
        release_model(session, MODEL, to=THIS_COMPUTER)
    yield tmp_path / "workspace"
    for place in tmp_path.iterdir():
        if (place / "keys.json").exists():
            with open_workspace(place) as session:
                end_all(session)


def end_all(session: Session) -> None:
    for release in list_releases(session):
        ThisComputer(session).remove(release)


@pytest.mark.parametrize("action", ["release", "stop", "list"])
def test_a_copy_of_a_workspace_neither_stops_nor_takes_what_the_other_runs(folder: Path, action: str) -> None:
    copy = folder.parent / "copy"
    shutil.copytree(folder, copy)
    with open_workspace(copy) as copied:
        if action == "release":
            assert release_model(copied, MODEL, to=THIS_COMPUTER).number == 2
            assert predict(copied, MODEL, THIS_COMPUTER, sample_rows()).version == 1
            stop_release(copied, MODEL, THIS_COMPUTER)
        elif action == "stop":
            stop_release(copied, MODEL, THIS_COMPUTER)  # there it is lost, which is ended by this
        assert ReleaseState.LIVE not in {release.state for release in list_releases(copied)}
        with pytest.raises(StudioError):
            predict(copied, MODEL, THIS_COMPUTER, sample_rows())
        assert not any((copy / "runs").iterdir())  # nor is the model left there in the clear
    with open_workspace(folder) as session:
        assert [release.state for release in list_releases(session)] == [ReleaseState.LIVE]
        assert predict(session, MODEL, THIS_COMPUTER, sample_rows()).version == 1


@pytest.mark.parametrize("way", ["moved", "by a link"])
def test_a_workspace_that_was_moved_or_is_reached_by_a_link_still_has_what_it_runs(folder: Path, way: str) -> None:
    """Seen to fail when the service looks for its folder by name, which it does five times a second."""
    other = folder.parent / "elsewhere"
    if way == "moved":
        folder.rename(other)
    else:
        other.symlink_to(folder, target_is_directory=True)
    time.sleep(1)
    with open_workspace(other) as session:
        assert [release.state for release in list_releases(session)] == [ReleaseState.LIVE]
        assert predict(session, MODEL, THIS_COMPUTER, sample_rows()).version == 1
        assert stop_release(session, MODEL, THIS_COMPUTER).state is ReleaseState.STANDBY
        assert not any((other / "runs").iterdir())

"""What was live on this computer and ended by itself is said to be stopped, and is started again when it is wanted."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kronkers_studio.deployment import autostart
from kronkers_studio.domain.errors import NotFound, Refused, ServiceUnavailable
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows import this_computer
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import list_releases, predict, release_model, roll_back, stop_release
from kronkers_studio.workflows.restart import start_again
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.settling import lost_releases

_SAMPLE = resource("sample/OneDrive - Kronkers")
_ROWS = json.loads(next(_SAMPLE.rglob("rows.json")).read_text(encoding="utf-8"))["rows"]


@pytest.fixture(scope="module")
def computer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where this computer keeps what it is known by."""
    folder = tmp_path_factory.mktemp("computer")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_DATA_HOME", str(folder))
        yield folder


@pytest.fixture(autouse=True)
def same_computer(own_home: Path, computer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(computer))


@pytest.fixture(scope="module")
def session(computer: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A workspace that opens by itself, with the model "wine" live on this computer."""
    folder = tmp_path_factory.mktemp("restart")
    opened, _ = create_workspace(folder / "workspace", key_file=folder / "key")
    with opened:
        migrate_folder(opened, _SAMPLE, project="sample")
        path = next(path for path in _SAMPLE.rglob("*.joblib") if "wine" in path.name)
        register_model(opened, "sample", path.relative_to(_SAMPLE).as_posix(), name="wine")
        release_model(opened, "wine", to=THIS_COMPUTER)
        yield opened
        for release in list_releases(opened):
            if release.state is ReleaseState.LIVE:
                stop_release(opened, release.model, release.place)


@pytest.fixture
def live(session: Session) -> Release:
    return start_again(session, "wine", THIS_COMPUTER)


def _kill(release: Release) -> None:
    process = psutil.Process(int(release.endpoint["pid"]))
    process.kill()
    psutil.wait_procs([process], timeout=10)


def _as_at_log_in() -> dict[str, str]:
    """Where things lie, and nothing that says how the workspace opens."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KRONKERS_")}


def test_a_killed_service_is_said_to_be_stopped_and_starts_again(session: Session, live: Release) -> None:
    _kill(live)
    found = list_releases(session, "wine")[0]
    assert (found.number, found.state, found.lost) == (live.number, ReleaseState.STANDBY, True)
    assert "stopped" in found.message
    assert lost_releases(session) == [found]
    assert not (session.directory / "runs" / f"wine-{live.label}").exists(), "the model in the clear"
    with pytest.raises(ServiceUnavailable):
        predict(session, "wine", THIS_COMPUTER, _ROWS)
    again = start_again(session, "wine", THIS_COMPUTER)
    assert (again.number, again.state, again.lost) == (live.number, ReleaseState.LIVE, False)
    assert lost_releases(session) == []
    assert len(predict(session, "wine", THIS_COMPUTER, _ROWS).outputs) == len(_ROWS)


def test_what_is_live_stays_as_it_is(session: Session, live: Release) -> None:
    assert start_again(session, "wine", THIS_COMPUTER) == live


def test_what_was_never_live_cannot_be_started_again(session: Session) -> None:
    with pytest.raises(NotFound):
        start_again(session, "nothing", THIS_COMPUTER)


def test_a_rollback_goes_before_what_ended_by_itself_and_not_to_it(session: Session, live: Release) -> None:
    newer = release_model(session, "wine", to=THIS_COMPUTER)
    _kill(newer)
    assert roll_back(session, "wine", THIS_COMPUTER).number == live.number
    assert lost_releases(session) == []
    with pytest.raises(NotFound, match="no earlier release"):
        roll_back(session, "wine", THIS_COMPUTER)


def test_what_ended_by_itself_long_ago_is_not_what_starts_again(session: Session, live: Release) -> None:
    _kill(live)
    newer = release_model(session, "wine", to=THIS_COMPUTER)
    stop_release(session, "wine", THIS_COMPUTER)
    assert lost_releases(session) == []
    assert start_again(session, "wine", THIS_COMPUTER).number == newer.number


def test_stopping_what_ended_by_itself_ends_the_warning(session: Session, live: Release) -> None:
    _kill(live)
    assert stop_release(session, "wine", THIS_COMPUTER).state is ReleaseState.STANDBY
    assert lost_releases(session) == []
    assert start_again(session, "wine", THIS_COMPUTER).number == live.number


@pytest.mark.skipif(sys.platform != "linux", reason="what Linux starts at log-in")
@pytest.mark.parametrize("systemd", [True, False])
def test_after_a_restart_the_log_in_starts_it_again(
    session: Session, live: Release, systemd: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The very command that the system's entry holds, run as the system would."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "settings"))
    files = autostart.autostart_files
    monkeypatch.setattr(autostart, "autostart_files", lambda *a: files(*a, systemd=systemd))
    assert not this_computer.autostart_enabled(session)
    this_computer.enable_autostart(session)
    assert this_computer.autostart_enabled(session)
    entry = next(file for file in (tmp_path / "settings").rglob("kronkers-*") if not file.is_symlink())
    line = next(line for line in entry.read_text(encoding="utf-8").splitlines() if line.startswith("Exec"))
    command = shlex.split(line.partition("=")[2])
    _kill(live)
    subprocess.run(command, check=True, timeout=120, cwd="/", env=_as_at_log_in())
    assert list_releases(session, "wine")[0].state is ReleaseState.LIVE
    assert len(predict(session, "wine", THIS_COMPUTER, _ROWS).outputs) == len(_ROWS)
    this_computer.disable_autostart(session)
    assert not this_computer.autostart_enabled(session)
    assert not list((tmp_path / "settings").rglob("kronkers-*"))


def test_a_workspace_that_somebody_must_open_starts_nothing_by_itself(tmp_path: Path) -> None:
    opened, _ = create_workspace(tmp_path / "typed", passphrase=Secret("correct horse"))
    with opened, pytest.raises(Refused, match="passphrase"):
        this_computer.enable_autostart(opened)


@pytest.mark.parametrize("word", ["plain", "with space", 'quo"te', "back\\slash", "per%cent", "dol$lar", "a`b", "ü"])
def test_words_of_a_command_survive_systemd_and_desktop_entries(word: str) -> None:
    """As each specification reads them back."""
    unit = next(
        iter(autostart.autostart_files("x", "T", ["p", word], platform="linux", systemd=True).contents.values())
    )
    line = next(line for line in unit.decode().splitlines() if line.startswith("ExecStart="))
    assert shlex.split(line.removeprefix("ExecStart=").replace("%%", "%").replace("$$", "$"))[1] == word
    entry = next(
        iter(autostart.autostart_files("x", "T", ["p", word], platform="linux", systemd=False).contents.values())
    )
    line = next(line for line in entry.decode().splitlines() if line.startswith("Exec="))
    plain = line.removeprefix("Exec=").replace("\\\\", "\\").replace("%%", "%").replace("\\$", "$").replace("\\`", "`")
    assert shlex.split(plain)[1] == word


def test_a_mac_gets_a_launch_agent() -> None:
    import plistlib

    ((file, content),) = autostart.autostart_files("x", "T", ["p", "a b"], platform="darwin").contents.items()
    assert file.parts[-3:] == ("Library", "LaunchAgents", "studio.kronkers.x.plist")
    assert plistlib.loads(content)["ProgramArguments"] == ["p", "a b"]

"""What lies on disk is for its owner only, whatever the account's umask lets others do."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from kronkers_studio.settings.paths import config_folder, log_folder
from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import Shell

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
_PROGRAM = """
import os, sys
os.umask(0)
from kronkers_studio.workflows.session import create_workspace
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.searching import search
from kronkers_studio.settings.configuration import change_settings
from kronkers_studio.settings.logs import log_bug, start_logging
from pathlib import Path
place = Path(sys.argv[1])
start_logging(verbose=False)
log_bug(ValueError("x"))
change_settings(author="ann")
session, _ = create_workspace(place / "ws", key_file=place / "key")
with session:
    migrate_folder(session, place / "source", "p")
    search(session, "a")
    with session.series._database.write() as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS t (x)")
    for file in sorted([place / "ws", *(place / "ws").rglob("*"), place / "key"]):
        print(oct(file.stat().st_mode & 0o777), file.relative_to(place))
"""


def _open_to_others(folder: Path) -> list[str]:
    found = [folder, *folder.rglob("*")]
    return [str(path) for path in found if stat.S_IMODE(path.stat().st_mode) & 0o077]


def test_others_may_read_nothing_of_a_workspace_made_with_an_open_umask(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.csv").write_text("1", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", _PROGRAM, str(tmp_path)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    modes = {name: mode for mode, name in (line.split(" ", 1) for line in done.stdout.splitlines())}
    for name in (
        "metadata.db",
        "metadata.db-wal",
        "metadata.db-shm",
        "search.db",
        "series.db",
        "series.db-wal",
        "reserve",
    ):
        assert modes[f"ws/{name}"] == "0o600", modes
    assert {modes[name] for name in ("ws", "ws/packs", "ws/journal")} == {"0o700"}
    assert {mode for name, mode in modes.items() if "." in name} == {"0o600"}
    assert _open_to_others(tmp_path / "ws") == []
    assert _open_to_others(log_folder()) == []
    assert _open_to_others(config_folder()) == []


def test_a_workspace_that_is_open_to_others_is_closed_when_its_owner_opens_it(tmp_path: Path) -> None:
    shell = Shell(tmp_path)
    shell.init()
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "a.csv").write_text("1", encoding="utf-8")
    shell.run("migrate", str(tmp_path / "source"), "--project", "p")
    shell.run("search", "a")
    (shell.workspace / "runs").mkdir()
    for path in (shell.workspace, *shell.workspace.rglob("*")):
        path.chmod(0o777 if path.is_dir() else 0o666)
    shell.run("search", "a")
    with open_workspace(shell.workspace) as session, session.workspace.database.read():
        still = [path for path in _open_to_others(shell.workspace) if "/packs/" not in path and "/journal/" not in path]
    assert still == []

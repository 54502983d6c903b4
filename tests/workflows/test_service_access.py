"""Other programs reach what is live by the address, the key and the programs that are shown."""

from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import ServiceUnavailable
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.service_access import service_access
from kronkers_studio.workflows.session import Session, create_workspace

_SAMPLE = resource("sample/OneDrive - Kronkers")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A workspace with the sample's model registered as wine; what is live at the end is stopped."""
    with create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")[0] as session:
        migrate_folder(session, _SAMPLE, project="sample")
        path = next(path for path in _SAMPLE.rglob("*.joblib") if "wine" in path.name)
        register_model(session, "sample", path.relative_to(_SAMPLE).as_posix(), name="wine")
        yield session
        if any(release.state is ReleaseState.LIVE for release in list_releases(session, "wine")):
            stop_release(session, "wine", THIS_COMPUTER)


def _run(*command: str, folder: Path, **variables: str) -> str:
    env = {**os.environ, **variables}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=60, check=True).stdout


def test_the_programs_for_curl_and_python_get_the_answers_that_the_window_gets(
    session: Session, tmp_path: Path
) -> None:
    release_model(session, "wine", to=THIS_COMPUTER)
    access = service_access(session, "wine", THIS_COMPUTER)
    key = access.key.reveal()
    assert access.tunnel == ""
    assert key not in repr(access) and not any(key in program for program in access.snippets.values())

    said = _run(sys.executable, "-c", access.snippets["Python"], folder=tmp_path, KRONKERS_KEY=key)
    rows, _, command = access.snippets["curl"].strip().splitlines()
    body = rows.removeprefix("# rows.json: ")
    expected = predict(session, "wine", THIS_COMPUTER, json.loads(body)["rows"]).outputs
    assert tuple(ast.literal_eval(said)) == expected

    curl = shutil.which("curl")
    assert curl is not None, "the lab installs it"
    (tmp_path / "rows.json").write_text(body, encoding="utf-8")
    (tmp_path / "kronkers-key.txt").write_text(f"Authorization: Bearer {key}\n", encoding="utf-8")
    answer = json.loads(_run(curl, "-sS", *shlex.split(command)[1:], folder=tmp_path))
    assert tuple(answer["outputs"]) == expected

    with pytest.raises(subprocess.CalledProcessError):
        _run(sys.executable, "-c", access.snippets["Python"], folder=tmp_path, KRONKERS_KEY="0" * 64)


def test_what_is_not_live_has_no_address(session: Session) -> None:
    with pytest.raises(ServiceUnavailable):
        service_access(session, "wine", THIS_COMPUTER)


def test_a_server_of_any_name_in_a_foreign_workspace_ends_no_command(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace
    from datetime import UTC, datetime

    from kronkers_studio.domain.changes import ServerAdded
    from kronkers_studio.domain.servers import Server
    from kronkers_studio.workflows import service_access as module

    server = Server("lab", "$(touch harm)", 22, "-oProxyCommand=touch harm", "ssh-ed25519 AAAA")
    session.workspace.ledger.record(ServerAdded(server), author="mallory")
    now = datetime.now(UTC)
    release = Release("wine", "lab", 1, 1, "sha256:0", ReleaseState.LIVE, now, now, "mallory")
    release = replace(release, endpoint={"port": 30000, "nonce": "00"})
    monkeypatch.setattr(module, "live_release", lambda *_: release)
    words = shlex.split(service_access(session, "wine", "lab").tunnel)
    assert words[-2:] == ["--", "-oProxyCommand=touch harm@$(touch harm)"] and words[:2] == ["ssh", "-N"]

"""What a real service logs is read while it runs, and what it said last is kept when it ends by itself."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from kronkers_studio.domain.errors import InvalidInput, NotFound, ServiceUnavailable
from kronkers_studio.domain.model_columns import example_row
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.logs import parse_line, read_log
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import SAMPLE_FOLDER
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.places import ThisComputer
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.restart import start_again
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.service_logs import service_log
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.settling import settle_releases
from tests.lab.servers import LabServer

MODEL = "wine"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name=MODEL)
        yield session
        for release in list_releases(session, None, THIS_COMPUTER):
            ThisComputer(session).remove(release)


def test_the_log_of_what_is_live_here_is_read_and_its_last_words_are_kept(session: Session, logged: None) -> None:
    with pytest.raises(NotFound):
        service_log(session, MODEL, THIS_COMPUTER)
    release = release_model(session, MODEL, to=THIS_COMPUTER)
    lines = [parse_line(line) for line in service_log(session, MODEL, THIS_COMPUTER)]
    assert [line for line in lines if line.at is not None]
    process = psutil.Process(int(release.endpoint["pid"]))
    process.kill()
    process.wait(20)
    settle_releases(session, THIS_COMPUTER, look_at_live=True)
    with pytest.raises(ServiceUnavailable):
        service_log(session, MODEL, THIS_COMPUTER)
    (told,) = [line for line in map(parse_line, read_log()) if "ended by itself" in line.text]
    assert told.text.startswith("wine r1 ended by itself")
    assert told.more.splitlines()


def test_a_release_keeps_its_log_of_requests_when_it_is_stopped_and_started_again(session: Session) -> None:
    def requests(*, wanted: int) -> int:
        """A line is written once the answer has gone out: so it may be there a moment later."""
        deadline = time.monotonic() + 30
        while True:
            found = sum("/predict" in line for line in service_log(session, MODEL, THIS_COMPUTER))
            if found >= wanted or time.monotonic() > deadline:
                return found
            time.sleep(0.05)

    row = example_row(session.workspace.ledger.model_version(MODEL).signature)
    with pytest.raises(InvalidInput, match="from 0 to 1"):
        release_model(session, MODEL, to=THIS_COMPUTER, request_log=1.5)
    release_model(session, MODEL, to=THIS_COMPUTER)
    predict(session, MODEL, THIS_COMPUTER, [row])
    assert requests(wanted=0) == 0
    release_model(session, MODEL, to=THIS_COMPUTER, request_log=1)
    predict(session, MODEL, THIS_COMPUTER, [row])
    assert requests(wanted=1) == 1
    stop_release(session, MODEL, THIS_COMPUTER)
    start_again(session, MODEL, THIS_COMPUTER)
    predict(session, MODEL, THIS_COMPUTER, [row])
    assert requests(wanted=1) == 1  # its log began anew


def test_the_command_shows_it(session: Session) -> None:
    release_model(session, MODEL, to=THIS_COMPUTER)
    command = [sys.executable, "-c", "from kronkers_studio.app import command; command()"]
    command += ["logs", MODEL, "--in", THIS_COMPUTER, "--json"]
    environment = os.environ | {"KRONKERS_WORKSPACE": str(session.directory)}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True, timeout=60)
    lines = json.loads(ran.stdout)
    assert {"at", "level", "text", "more"} == lines[0].keys()
    assert any(line["level"] == "info" for line in lines)


def test_the_log_of_what_is_live_on_a_server_is_read(
    session: Session, lab_server: LabServer, base_image_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    session.settings = load_settings()
    known = lab_server.as_server(name="lab")
    address = f"ssh://{known.user}@{known.host}:{known.port}"
    fingerprint = show_host_key(address).fingerprint
    add_server(session, "lab", address, fingerprint=fingerprint, identity_file=Path(known.identity_file))
    release_model(session, MODEL, to="lab")
    lines = [parse_line(line) for line in service_log(session, MODEL, "lab")]
    assert [line for line in lines if line.at is not None]

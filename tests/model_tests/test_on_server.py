"""A version is tested on a real server over SSH: in a container, of which nothing is left afterwards."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kronkers_studio.domain.model_tests import Outcome
from kronkers_studio.domain.progress import NEVER, SILENT
from kronkers_studio.domain.releases import Release, Worker
from kronkers_studio.settings.paths import resource
from kronkers_studio.storage.json_form import from_text, to_text
from kronkers_studio.workflows.demo import SAMPLE_FOLDER
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_test_runs.private_service import end_abandoned, private_service
from kronkers_studio.workflows.model_tests import add_test_set, run_model_tests
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import list_releases
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace
from tests.lab.servers import LabServer

_TESTS = """
data: "sample:Quality/Wine/data/wine_measurements.csv"
truth: cultivar
tests:
  - {name: accurate, kind: metric, metric: accuracy, at_least: 0.9}
  - {name: memory, kind: memory, at_most_mb: 2000}
  - {name: quick, kind: latency, p50: 5000, requests: 20, warm_up: 2}
  - {name: ready, kind: start, at_most_seconds: 200}
"""


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_image_archive: Path) -> Iterator[Session]:
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name="wine")
        file = tmp_path / "wine.yaml"
        file.write_text(_TESTS, encoding="utf-8")
        add_test_set(session, "wine", file)
        yield session


def _add(session: Session, server: LabServer) -> str:
    known = server.as_server(name="factory")
    address = f"ssh://{known.user}@{known.host}:{known.port}"
    fingerprint = show_host_key(address).fingerprint
    add_server(session, "factory", address, fingerprint=fingerprint, identity_file=Path(known.identity_file))
    return "factory"


def _services(server: LabServer, session: Session) -> list[str]:
    label = f"label=kronkers.workspace={session.workspace.id}"
    return server.root(f"docker service ls --filter {label} --format '{{{{.Name}}}}'").split()


def test_a_version_is_tested_in_a_container_and_nothing_of_it_stays(session: Session, lab_server: LabServer) -> None:
    place = _add(session, lab_server)
    run = run_model_tests(session, "wine", on=place)
    assert [result.outcome for result in run.results] == [Outcome.PASSED] * 4, run.results
    assert run.place == place and run.results[1].value is not None and run.results[1].value > 20
    assert _services(lab_server, session) == [] and list_releases(session) == []
    assert list((session.directory / "runs" / "tests").iterdir()) == []


def test_what_a_killed_program_left_on_a_server_is_ended(session: Session, lab_server: LabServer) -> None:
    place = _add(session, lab_server)
    model = session.workspace.ledger.model_version("wine")
    folder = session.directory / "runs" / "tests"
    with private_service(session, model, place, SILENT, NEVER):
        (note,) = folder.iterdir()
        assert len(_services(lab_server, session)) == 1
        end_abandoned(session)
        assert len(_services(lab_server, session)) == 1, "its process is still there"
        release = from_text(Release, note.read_text(encoding="ascii"))
        gone = Worker(secrets.token_hex(8), "another start", 1, 1.0, "t")
        long_ago = datetime(2020, 1, 1, tzinfo=UTC)
        note.write_text(to_text(replace(release, worker=gone, changed=long_ago)), encoding="ascii")
        end_abandoned(session)
        assert _services(lab_server, session) == [] and list(folder.iterdir()) == []

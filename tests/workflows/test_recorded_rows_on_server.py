"""Recorded rows in a real Swarm: a volume of the release's own, which nobody there can read, and which goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.deployment.engine import open_engine
from kronkers_studio.deployment.swarm_tasks import tasks_of
from kronkers_studio.domain.recording import MOST_BYTES, RECORD_FILES, Recording
from kronkers_studio.domain.releases import ReleaseState
from kronkers_studio.domain.servers import LeftoverKind
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import SAMPLE_FOLDER
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.places import OnServer
from kronkers_studio.workflows.recorded_rows import fetch_recorded_rows
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.restart import start_again
from kronkers_studio.workflows.server_care import find_leftovers, remove_leftovers
from kronkers_studio.workflows.servers import add_server, server_changes, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace
from tests.lab.servers import LabServer

pytestmark = pytest.mark.safety
MODEL = "wine"


@pytest.fixture
def session(
    tmp_path: Path, lab_server: LabServer, base_image_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Session]:
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        session.settings = load_settings()
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name=MODEL)
        known = lab_server.as_server(name="lab")
        address = f"ssh://{known.user}@{known.host}:{known.port}"
        fingerprint = show_host_key(address).fingerprint
        add_server(session, "lab", address, fingerprint=fingerprint, identity_file=Path(known.identity_file))
        yield session
        for release in list_releases(session, None, "lab"):
            OnServer(session, "lab").remove(release)


def test_rows_are_recorded_in_a_volume_that_goes_with_the_release(session: Session, tmp_path: Path) -> None:
    live = release_model(session, MODEL, to="lab", recording=Recording(1.0))
    service = str(live.endpoint["service"])
    assert any(change.action == "start" and "records" in str(change) for change in server_changes(session, "lab"))
    engine = open_engine(session.connection(session.workspace.ledger.server("lab")))
    (task,) = tasks_of(engine, service)
    inside = task["Status"]["ContainerStatus"]["ContainerID"]

    def run(script: str) -> str:
        return engine.output_inside(inside, ["python3", "-c", script]).decode()

    (tensor,) = session.workspace.ledger.model_version(MODEL).signature.inputs
    planted = {name: 4711.25 + place for place, name in enumerate(tensor.columns)}
    answered = predict(session, MODEL, "lab", [planted, planted]).outputs
    told = fetch_recorded_rows(session, MODEL, "lab")
    assert (told.rows, told.requests, told.problem) == (2, 1, "")

    # what is in the volume: files of a fixed number, in a folder where no other can be made
    listed = run("import os; print(sorted(os.listdir('/opt/kronkers/rows')))")
    assert listed.strip() == str([f"rows-{number}" for number in range(RECORD_FILES)])
    every = "b''.join(file.read_bytes() for file in pathlib.Path('/opt/kronkers/rows').iterdir())"
    data = bytes.fromhex(run(f"import pathlib; print({every}.hex())"))
    assert data
    for word in (b"4711", *(name.encode() for name in tensor.columns)):
        assert word not in data
    refused = "try:\n open('/opt/kronkers/rows/more','w')\nexcept OSError as error:\n print(error.errno)"
    assert run(refused).strip() == "13"
    assert run("import resource; print(resource.getrlimit(resource.RLIMIT_FSIZE))").strip() == str((MOST_BYTES,) * 2)

    # a stop and a start keep it
    stop_release(session, MODEL, "lab")
    start_again(session, MODEL, "lab")
    answered += predict(session, MODEL, "lab", [planted]).outputs
    told = fetch_recorded_rows(session, MODEL, "lab", file=tmp_path / "rows.parquet", remove=True)
    assert (told.rows, told.removed) == (3, 3)
    assert fetch_recorded_rows(session, MODEL, "lab").rows == 0

    # and it goes with the release; what is left of one is found
    assert [volume["Name"] for volume in engine.volumes()] == [f"{service}-rows"]
    assert find_leftovers(session, "lab") == []
    OnServer(session, "lab").remove(live)
    assert engine.volumes() == []
    assert OnServer(session, "lab").state(live) is ReleaseState.STOPPED
    labels = {"kronkers.workspace": session.workspace.id, "kronkers.service": "gone"}
    engine.create_volume("gone-rows", labels=labels)
    engine.create_volume("of-somebody-else")
    left = [item for item in find_leftovers(session, "lab") if item.kind is LeftoverKind.VOLUME]
    assert [item.name for item in left] == ["gone-rows"]
    assert remove_leftovers(session, "lab", left) == left
    assert [volume["Name"] for volume in engine.volumes()] == ["of-somebody-else"]
    engine.remove_volume("of-somebody-else")

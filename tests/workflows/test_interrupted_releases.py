"""Releases on a real server whose program is killed, stopped or cut off: at the next look all is ended."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.releases import IN_PLACE, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import SAMPLE_FOLDER, sample_rows
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.server_care import clean_server
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace
from tests.lab.servers import LabServer

MODEL = "wine-cultivar"
PLACE = "factory"


@pytest.fixture
def session(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_image_archive: Path, lab_server: LabServer
) -> Iterator[Session]:
    """A workspace with a model that is live on the server."""
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name=MODEL)
        known = lab_server.as_server(name=PLACE)
        address = f"ssh://{known.user}@{known.host}:{known.port}"
        fingerprint = show_host_key(address).fingerprint
        add_server(session, PLACE, address, fingerprint=fingerprint, identity_file=Path(known.identity_file))
        release_model(session, MODEL, to=PLACE)
        yield session
        stop_release(session, MODEL, PLACE)
        for release in list_releases(session):
            lab_server.root(f"docker service rm {release.endpoint.get('service', '')}", check=False)
        clean_server(session, PLACE)


def start_releasing(session: Session) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.workflows.releasing_process", str(session.directory), MODEL, PLACE]
    with (session.directory.parent / "releasing.log").open("ab") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "begun\n"
    return process


def parts_on(server: LabServer, session: Session) -> dict[str, set[str]]:
    """What the server has of the workspace: services, and the services that secrets and networks belong to."""
    label = f"label=kronkers.workspace={session.workspace.id}"
    owner = "'{{index .Labels \"kronkers.service\"}}'"
    return {
        "services": set(server.root(f"docker service ls -q --filter {label} --format '{{{{.Name}}}}'").split()),
        "secrets": set(
            server.root(
                f"docker secret ls -q --filter {label} | xargs -r docker secret inspect -f "
                "'{{index .Spec.Labels \"kronkers.service\"}}'"
            ).split()
        ),
        "networks": set(
            server.root(f"docker network ls -q --filter {label} | xargs -r docker network inspect -f {owner}").split()
        ),
    }


def assert_settled(session: Session, server: LabServer, answer: tuple[object, ...]) -> None:
    releases = list_releases(session)
    assert [release for release in releases if release.state is ReleaseState.STARTING or release.worker] == []
    assert predict(session, MODEL, PLACE, sample_rows()).outputs == answer
    live = [release for release in releases if release.state is ReleaseState.LIVE]
    assert len(live) == 1
    kept = {str(release.endpoint["service"]) for release in releases if release.state in IN_PLACE}
    deadline = time.monotonic() + 20  # the engine forgets a network when its last container has ended
    while (found := parts_on(server, session)) != dict.fromkeys(found, kept) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert found == dict.fromkeys(found, kept)
    running = json.loads(
        server.root(
            f"docker service inspect {' '.join(kept)} -f '{{{{json .Spec}}}}' | paste -sd, | sed 's/^/[/; s/$/]/'"
        )
    )
    assert [s["Name"] for s in running if s["Mode"]["Replicated"]["Replicas"]] == [live[0].endpoint["service"]]


def kill_at_random(session: Session, server: LabServer, times: int) -> None:
    answer = predict(session, MODEL, PLACE, sample_rows()).outputs
    started = time.monotonic()
    assert start_releasing(session).wait(timeout=120) == 0
    longest = time.monotonic() - started
    assert_settled(session, server, answer)
    moments = random.Random(7)  # noqa: S311  # moments that come back when a test fails
    for _ in range(times):
        process = start_releasing(session)
        time.sleep(moments.uniform(0, longest))
        process.kill()
        process.wait(timeout=10)
        assert_settled(session, server, answer)


def test_a_release_killed_at_any_moment_leaves_nothing_and_what_was_live_answers(
    session: Session, lab_server: LabServer
) -> None:
    kill_at_random(session, lab_server, 6)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_forty_releases_killed_at_random_moments_leave_nothing(session: Session, lab_server: LabServer) -> None:
    kill_at_random(session, lab_server, 40)

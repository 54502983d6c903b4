"""Releases on a real server whose program is killed, stopped or cut off: at the next look all is ended."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.deployment import handshake
from kronkers_studio.domain.errors import ReleaseFailed, ServerUnreachable
from kronkers_studio.domain.progress import NoProgress
from kronkers_studio.domain.releases import IN_PLACE, ReleaseState
from kronkers_studio.domain.servers import LeftoverKind
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows import settling
from kronkers_studio.workflows.demo import SAMPLE_FOLDER, sample_rows
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import list_releases, predict, release_model, roll_back, stop_release
from kronkers_studio.workflows.server_care import clean_server, find_leftovers
from kronkers_studio.workflows.servers import add_server, check_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.settling import settle_releases
from tests.lab.servers import LabServer
from tests.workflows.broken_model import register_model_that_never_starts

pytestmark = pytest.mark.safety

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
    owner = "--format '{{.Label \"kronkers.service\"}}'"  # one command: what is being removed is listed or not
    return {
        "services": set(server.root(f"docker service ls -q --filter {label} --format '{{{{.Name}}}}'").split()),
        "secrets": set(server.root(f"docker secret ls --filter {label} {owner}").split()),
        "networks": set(server.root(f"docker network ls --filter {label} {owner}").split()),
    }


def forget_other_images(server: LabServer, session: Session) -> None:
    """Other tests package the same models: what is brought and cleaned here must not be there already."""
    (live,) = [release for release in list_releases(session) if release.state is ReleaseState.LIVE]
    service = live.endpoint["service"]
    image = server.root(f"docker service inspect {service} -f '{{{{.Spec.TaskTemplate.ContainerSpec.Image}}}}'").strip()
    every = set(server.root("docker images -q --no-trunc 'kronkers/wine*'").split())
    server.root(f"docker rmi -f {' '.join(every - {image})}", check=False)


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


def test_a_line_that_is_cut_while_a_release_starts_leaves_nothing_once_it_is_back(
    session: Session, lab_server: LabServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = predict(session, MODEL, PLACE, sample_rows()).outputs
    with monkeypatch.context() as patched:
        patched.setattr(handshake, "_DEAD_AFTER_SECONDS", 2)
        session.forget_connection(PLACE)
        note = CutsWhenItWaits(lab_server)
        with pytest.raises(ServerUnreachable):
            release_model(session, MODEL, to=PLACE, progress=note)
        try:
            assert list_releases(session)[0].worker is not None  # what is left of it is not forgotten
        finally:
            lab_server.mend()
    monkeypatch.setattr(settling, "_silent_since", {})
    assert list_releases(session)[0].state is ReleaseState.FAILED
    assert_settled(session, lab_server, answer)


class CutsWhenItWaits(NoProgress):
    """Cuts the server's line when the service has been started and is waited for."""

    def __init__(self, server: LabServer) -> None:
        self._server = server

    def note(self, text: str) -> None:
        if text.startswith("Waiting until"):
            self._server.cut()


def test_cleaning_keeps_what_a_rollback_needs_and_what_others_have(session: Session, lab_server: LabServer) -> None:
    session.settings = replace(session.settings, keep_releases=1)
    answer = predict(session, MODEL, PLACE, sample_rows()).outputs
    image = lab_server.root("docker images -q 'kronkers/*' | head -1").strip()

    def services() -> set[str]:
        """Of this workspace, and the other's: what another test had may still be ending."""
        own = parts_on(lab_server, session)["services"]
        return own | set(lab_server.root("docker service ls --filter name=theirs --format '{{.Name}}'").split())

    label = f"--label kronkers.workspace={session.workspace.id}"
    lab_server.root(
        f"docker network create -d overlay {label} --label kronkers.service=gone-r9 gone-r9;"
        f"echo x | docker secret create {label} --label kronkers.service=gone-r9 gone-r9 -;"
        "docker network create -d overlay --label kronkers.workspace=another --label kronkers.service=theirs theirs;"
        f"docker service create -q -d --replicas 0 --name theirs --label kronkers.workspace=another {image};"
        f"docker service create -q -d --replicas 0 --name unknown-r7 {label} {image};"
        "docker tag $(docker images -q python:3.11-slim | head -1) kronkers/theirs:1-0123456789ab 2>/dev/null || true"
    )
    try:
        for _ in range(3):
            release_model(session, MODEL, to=PLACE)  # each cleans up after itself
        states = {release.number: release.state.value for release in list_releases(session)}
        assert states == {1: "stopped", 2: "stopped", 3: "standby", 4: "live"}
        named = services()
        assert {"theirs", "unknown-r7"} < named  # what the history does not know may be a copy's of the workspace
        assert len(named) == 4
        assert roll_back(session, MODEL, PLACE).number == 3
        assert predict(session, MODEL, PLACE, sample_rows()).outputs == answer

        told = clean_server(session, PLACE, dry_run=True)
        assert {(item.kind.value, item.name) for item in told.leftovers} == {
            ("service", "unknown-r7"),
            ("network", "gone-r9"),
            ("secret", "gone-r9"),
        }
        leftovers = [check for check in check_server(session, PLACE).checks if check.title == "Leftovers"]
        assert leftovers[0].verdict == "warn"
        assert services() == named
        clean_server(session, PLACE)
        assert services() == named - {"unknown-r7"}
        assert "theirs" in lab_server.root("docker network ls --format '{{.Name}}'")
        assert_settled(session, lab_server, answer)
    finally:
        lab_server.root("docker service rm theirs unknown-r7; docker network rm theirs gone-r9", check=False)


def test_an_image_that_no_release_needs_goes_and_one_that_was_just_brought_stays(
    session: Session, lab_server: LabServer, tmp_path: Path
) -> None:
    broken = register_model_that_never_starts(session, MODEL, tmp_path)
    forget_other_images(lab_server, session)
    before = set(lab_server.root("docker images -q --no-trunc 'kronkers/wine*'").split())
    assert len(before) == 1
    with pytest.raises(ReleaseFailed) as failure:
        release_model(session, MODEL, broken, to=PLACE)
    assert "What was live before (r1) still is." in failure.value.next_step
    brought = set(lab_server.root("docker images -q --no-trunc 'kronkers/wine*'").split()) - before
    assert len(brought) == 1
    told = clean_server(session, PLACE, dry_run=True)
    images = {item.id for item in told.leftovers if item.kind is LeftoverKind.IMAGE}
    assert images == brought  # its network is on its way out, which takes Swarm some seconds
    assert told.size > 0
    deadline = time.monotonic() + 30  # while the container that failed is still there, its image stays
    while brought <= set(lab_server.root("docker images -q --no-trunc").split()) and time.monotonic() < deadline:
        clean_server(session, PLACE)
        time.sleep(0.5)
    assert set(lab_server.root("docker images -q --no-trunc 'kronkers/wine*'").split()) == before
    assert predict(session, MODEL, PLACE, sample_rows()).version == 1


def test_a_service_that_somebody_removed_by_hand_is_not_called_live(session: Session, lab_server: LabServer) -> None:
    (live,) = list_releases(session)
    lab_server.root(f"docker service rm {live.endpoint['service']}")
    assert [release.state for release in settle_releases(session)] == [ReleaseState.STOPPED]
    assert release_model(session, MODEL, to=PLACE).number == 2


def test_what_was_begun_on_a_server_whose_swarm_is_gone_is_ended_too(session: Session, lab_server: LabServer) -> None:
    process = start_releasing(session)
    deadline = time.monotonic() + 60
    while len(session.workspace.ledger.releases()) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.wait(timeout=10)
    lab_server.root("docker swarm leave --force")
    states = {release.number: release.state.value for release in list_releases(session)}
    assert states == {1: "live", 2: "failed"}
    settle_releases(session)
    assert {release.number: release.state.value for release in list_releases(session)} == {1: "stopped", 2: "failed"}
    assert find_leftovers(session, PLACE) == []
    assert release_model(session, MODEL, to=PLACE).number == 3


def kill_at_random(session: Session, server: LabServer, times: int, seed: int = 7) -> None:
    answer = predict(session, MODEL, PLACE, sample_rows()).outputs
    started = time.monotonic()
    assert start_releasing(session).wait(timeout=120) == 0
    longest = time.monotonic() - started
    assert_settled(session, server, answer)
    moments = random.Random(seed)  # moments that come back when a test fails
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


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", [7, 8])  # for workers side by side
def test_forty_releases_killed_at_random_moments_leave_nothing(
    session: Session, lab_server: LabServer, seed: int
) -> None:
    kill_at_random(session, lab_server, 20, seed)

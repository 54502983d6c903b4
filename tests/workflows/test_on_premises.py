"""The main job on a real server over SSH: from the sample folder to a release, its charts and the way back."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.deployment.proof import token
from kronkers_studio.domain.errors import InvalidInput, PredictionFailed, ReleaseFailed
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.domain.series import Metric
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import SAMPLE_FOLDER, sample_rows
from kronkers_studio.workflows.metrics import LiveFeed, read_window
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import (
    events_of,
    latest_events,
    list_releases,
    predict,
    release_model,
    roll_back,
    stop_release,
)
from kronkers_studio.workflows.servers import add_server, check_server, remove_server, show_host_key
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace
from kronkers_studio.workflows.settling import settle_releases
from tests.lab.servers import LabServer
from tests.workflows.broken_model import register_model_that_never_starts

pytestmark = pytest.mark.safety

MODEL = "wine-cultivar"
MODEL_FOLDER = "Quality/Wine/model"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, base_image_archive: Path) -> Iterator[Session]:
    """A workspace with the sample in it and its scikit-learn model registered as version 1."""
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", f"{MODEL_FOLDER}/wine_cultivar.joblib", name=MODEL)
        yield session


def test_a_model_goes_live_on_a_server_survives_a_failed_release_and_rolls_back(
    session: Session, lab_server: LabServer, tmp_path: Path
) -> None:
    place = _add(session, lab_server)
    assert [check.title for check in check_server(session, place).checks if check.verdict == "bad"] == []

    first = release_model(session, MODEL, 1, to=place)
    assert (first.number, first.state) == (1, ReleaseState.LIVE)
    rows = sample_rows()
    answer = predict(session, MODEL, place, rows)
    assert len(answer.outputs) == len(rows)
    _assert_only_on_loopback(lab_server, first)

    with closing(LiveFeed(session, MODEL, place)) as feed:
        feed.scrape()
        for _ in range(20):
            predict(session, MODEL, place, rows)
        time.sleep(1)
        state = feed.scrape()
    assert state.reachable
    assert state.values[Metric.REQUEST_RATE] > 0
    assert state.values[Metric.LATENCY_P95] > 0
    assert len(read_window(session, MODEL, place, Metric.MEMORY, time.time() - 60, time.time() + 1)) >= 2

    broken = register_model_that_never_starts(session, MODEL, tmp_path)
    with pytest.raises(ReleaseFailed) as failure:
        release_model(session, MODEL, broken, to=place)
    assert failure.value.next_step.startswith("It was removed again. ")
    assert predict(session, MODEL, place, rows).outputs == answer.outputs
    states = {release.number: release.state for release in list_releases(session, MODEL, place)}
    assert states == {1: ReleaseState.LIVE, 2: ReleaseState.FAILED}
    assert _services(lab_server, session) == [first.endpoint["service"]]

    onnx_version = register_model(session, "sample", f"{MODEL_FOLDER}/wine_cultivar.onnx", name=MODEL).version
    second = release_model(session, MODEL, onnx_version, to=place)
    assert predict(session, MODEL, place, rows).version == onnx_version
    assert second.number == 3
    back = roll_back(session, MODEL, place)
    assert (back.number, back.state) == (1, ReleaseState.LIVE)
    again = predict(session, MODEL, place, rows)
    assert (again.version, again.outputs) == (1, answer.outputs)
    told = [(event.kind.value, event.version, event.replaced) for event in reversed(events_of(session, MODEL, place))]
    assert told == [
        ("went live", first.version, None),
        ("not started", broken, None),
        ("went live", second.version, first.version),
        ("rolled back", first.version, second.version),
    ]
    latest = [(MODEL, place, event) for event in events_of(session, MODEL, place)]
    assert latest_events(session, 12) == latest
    assert latest_events(session, 2) == latest[:2]

    with _forwarded(lab_server, back) as port:
        _assert_a_real_client_is_served(port, session.release_secret(back), answer.outputs)

    with pytest.raises(InvalidInput):
        remove_server(session, place)
    stop_release(session, MODEL, place)
    remove_server(session, place)


def test_what_was_seen_of_a_server_is_there_without_it(session: Session, lab_server: LabServer, tmp_path: Path) -> None:
    place = _add(session, lab_server, "away")
    release_model(session, MODEL, 1, to=place)
    with closing(LiveFeed(session, MODEL, place)) as feed:
        seen = feed.scrape()
        assert seen.reachable
        with lab_server.link_cut():
            lost = feed.scrape()
            assert not lost.reachable
            assert lost.problem
            assert lost.values[Metric.MEMORY] == seen.values[Metric.MEMORY]
            session.close()
            with open_workspace(tmp_path / "workspace") as offline:
                window = read_window(offline, MODEL, place, Metric.MEMORY, time.time() - 60, time.time() + 1)
                assert len(window) >= 1
    with open_workspace(tmp_path / "workspace") as online:
        assert predict(online, MODEL, place, sample_rows()).version == 1
        stop_release(online, MODEL, place)


def test_a_real_open_inference_client_is_served_by_a_release_on_this_computer(session: Session) -> None:
    release = release_model(session, MODEL, 1, to=THIS_COMPUTER)
    try:
        expected = predict(session, MODEL, THIS_COMPUTER, sample_rows()).outputs
        _assert_a_real_client_is_served(int(release.endpoint["port"]), session.release_secret(release), expected)
        with pytest.raises(PredictionFailed, match="alcohol"):
            predict(session, MODEL, THIS_COMPUTER, [{**sample_rows()[0], "alcohol": "much"}])
    finally:
        stop_release(session, MODEL, THIS_COMPUTER)
    assert not (session.directory / "runs" / f"{MODEL}-r1").exists()


def _add(session: Session, server: LabServer, name: str = "factory") -> str:
    known = server.as_server(name=name)
    address = f"ssh://{known.user}@{known.host}:{known.port}"
    add_server(
        session,
        name,
        address,
        fingerprint=show_host_key(address).fingerprint,
        identity_file=Path(known.identity_file),
    )
    return name


def _services(server: LabServer, session: Session) -> list[str]:
    """The services of the workspace on the server: those of other tests may be there too."""
    label = f"label=kronkers.workspace={session.workspace.id}"
    return server.root(f"docker service ls --filter {label} --format '{{{{.Name}}}}'").split()


def _assert_only_on_loopback(server: LabServer, release: Release) -> None:
    port = int(release.endpoint["port"])
    listening = server.listening()
    assert f"127.0.0.1:{port}" in listening
    assert not {address for address in listening if address.endswith(f":{port}")} - {f"127.0.0.1:{port}"}


def _assert_a_real_client_is_served(port: int, secret: bytes, expected: tuple[Any, ...]) -> None:
    rows, headers = sample_rows(), {"Authorization": f"Bearer {token(secret)}"}
    from tritonclient.http import InferenceServerClient, InferInput  # not on every system that the tests run on

    with closing(InferenceServerClient(f"127.0.0.1:{port}")) as client:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready(MODEL, headers=headers)
        metadata = client.get_model_metadata(MODEL, headers=headers)
        columns = list(rows[0])
        values = np.array([[row[column] for column in columns] for row in rows], dtype=np.float64)
        tensor = InferInput(metadata["inputs"][0]["name"], list(values.shape), "FP64")
        tensor.set_data_from_numpy(values)
        answer = client.infer(MODEL, [tensor], headers=headers)
        labels = [item.decode() if isinstance(item, bytes) else item for item in answer.as_numpy("label").tolist()]
    assert tuple(labels) == expected


@contextmanager
def _forwarded(server: LabServer, release: Release) -> Iterator[int]:
    """A local port that OpenSSH itself forwards to the service on the server's loopback."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    known = server.as_server()
    forwarding = subprocess.Popen(
        [
            *("ssh", "-N", "-i", known.identity_file, "-p", str(known.port)),
            *("-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR"),
            *("-L", f"127.0.0.1:{port}:127.0.0.1:{release.endpoint['port']}", f"{known.user}@{known.host}"),
        ]
    )
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        forwarding.terminate()
        forwarding.wait(timeout=60)


def test_after_a_reboot_of_its_server_what_was_live_is_live_and_nothing_says_otherwise_meanwhile(
    session: Session, other_server: LabServer
) -> None:
    """The link down, engine and log-in service ended, both up again: as the lab's servers can be started anew."""
    other_server.start_engine()
    place = _add(session, other_server, "second")
    live = release_model(session, MODEL, 1, to=place)
    rows = sample_rows()
    before = predict(session, MODEL, place, rows).outputs
    with closing(LiveFeed(session, MODEL, place)) as feed:
        assert feed.scrape().reachable
        other_server.cut()
        other_server.stop_engine()
        other_server.root("pkill -x sshd", check=False)
        state = feed.scrape()
        assert not state.reachable
        assert state.problem
        assert settle_releases(session, place) == [], "what cannot be seen is not said to be stopped"
        other_server.mend(sshd=True)
        other_server.start_engine()
        deadline = time.monotonic() + 120
        while not (state := feed.scrape()).reachable and time.monotonic() < deadline:
            time.sleep(1)
        assert state.reachable, state.problem
    assert predict(session, MODEL, place, rows).outputs == before
    assert settle_releases(session, place) == []
    assert [(release.number, release.state) for release in list_releases(session, MODEL, place)] == [
        (live.number, ReleaseState.LIVE)
    ]
    stop_release(session, MODEL, place)

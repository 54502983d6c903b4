"""Releases on this computer that are interrupted, killed, stopped while they start, and gone back from."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from kronkers_studio.deployment.local_service import service_alive
from kronkers_studio.domain.errors import AlreadyExists, NotFound, Refused, ReleaseFailed, ServerUnreachable
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState, Worker
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows import workers
from kronkers_studio.workflows.demo import SAMPLE_FOLDER, sample_rows
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.places import ThisComputer
from kronkers_studio.workflows.releases import (
    list_releases,
    predict,
    release_model,
    roll_back,
    stop_release,
    unpaused_releases,
)
from kronkers_studio.workflows.restart import start_again
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace
from kronkers_studio.workflows.settling import settle_releases
from kronkers_studio.workflows.trash import remove_model_version
from kronkers_studio.workflows.workers import at_work, is_abandoned

pytestmark = pytest.mark.safety

MODEL = "wine"
PLACE = THIS_COMPUTER


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name=MODEL)
        yield session
        for release in list_releases(session):
            ThisComputer(session).remove(release)


def states(session: Session) -> dict[int, str]:
    return {release.number: release.state.value for release in list_releases(session)}


def services_of(session: Session) -> list[int]:
    """The processes that run with a file of the workspace's runs as an argument."""
    runs = str(session.directory / "runs")
    return [
        process.pid
        for process in psutil.process_iter(["cmdline"])
        if any(argument.startswith(runs) for argument in process.info["cmdline"] or ())
    ]


def nobody() -> Worker:
    """A worker on this computer whose process has ended."""
    ended = subprocess.Popen([sys.executable, "-c", ""])
    started = psutil.Process(ended.pid).create_time()
    ended.wait()
    with at_work() as worker:
        return replace(worker, process=ended.pid, started=started)


@pytest.mark.parametrize(
    ("interruption", "said"),
    [
        (KeyboardInterrupt(), "it was interrupted"),
        (MemoryError(), "an error inside (MemoryError)"),
        (ReleaseFailed("it broke"), "it broke"),
    ],
)
def test_whatever_ends_a_release_is_in_the_history_and_goes_on(
    session: Session, monkeypatch: pytest.MonkeyPatch, interruption: BaseException, said: str
) -> None:
    def interrupted(*_arguments: object) -> None:
        raise interruption

    monkeypatch.setattr(ThisComputer, "start", interrupted)
    with pytest.raises(type(interruption)):
        release_model(session, MODEL, to=PLACE)
    (release,) = list_releases(session)
    assert release.state is ReleaseState.FAILED
    assert release.worker is None
    assert release.message == said


@pytest.mark.parametrize("moment", ["before it runs", "while it starts", "when it runs"])
def test_a_release_whose_program_was_killed_is_ended_by_the_next_look(session: Session, moment: str) -> None:
    release_model(session, MODEL, to=PLACE)
    services_before = services_of(session)
    assert services_before
    command = [sys.executable, "-m", "tests.workflows.releasing_process", str(session.directory), MODEL, PLACE]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    folder = session.directory / "runs" / f"{MODEL}-r2"
    awaited = {
        "before it runs": folder,
        "while it starts": folder / "scratch",
        "when it runs": folder / "scratch" / "ready.json",
    }[moment]
    deadline = time.monotonic() + 60
    while not _is_there(awaited) and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert _is_there(awaited)

    assert states(session) == {1: "live", 2: "failed"}
    assert not folder.exists()
    assert moment != "when it runs" or services_of(session) == services_before
    assert predict(session, MODEL, PLACE, sample_rows()).version == 1
    deadline = time.monotonic() + 30
    while services_of(session) != services_before:  # what was only just forked had not its own arguments yet: it finds
        assert time.monotonic() < deadline, services_of(session)  # its folder gone, and ends by itself
        time.sleep(0.05)


def _is_there(awaited: Path) -> bool:
    """A file that only says something once it is filled is there before."""
    return awaited.is_dir() or (awaited.exists() and awaited.stat().st_size > 0)


def test_a_release_that_somebody_is_at_is_left_alone(session: Session) -> None:
    with at_work() as worker:
        release = _a_release(session, worker=worker)
        assert list_releases(session) == [release]
    assert states(session) == {1: "failed"}  # this process is there, but no longer at it


def test_what_another_computer_began_is_its_own_for_an_hour(session: Session) -> None:
    elsewhere = replace(nobody(), computer="another")
    release = _a_release(session, worker=elsewhere)
    assert not is_abandoned(release)
    assert not is_abandoned(replace(release, worker=replace(elsewhere, process=os.getpid())))
    assert is_abandoned(replace(release, changed=release.changed - timedelta(hours=2)))


def test_a_process_that_got_the_number_of_one_that_ended_is_not_taken_for_it(session: Session) -> None:
    with at_work() as worker:
        assert is_abandoned(_a_release(session, worker=replace(worker, started=worker.started - 60)))


def test_of_two_who_settle_at_once_one_does(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    _a_release(session, worker=nobody())
    removed: list[int] = []
    both = threading.Barrier(2)

    def seen_by_both(release: Release) -> bool:
        found = is_abandoned(release)
        if found:
            both.wait(10)
        return found

    with monkeypatch.context() as patched:
        patched.setattr("kronkers_studio.workflows.settling.is_abandoned", seen_by_both)
        patched.setattr(ThisComputer, "remove", lambda _self, release: removed.append(release.number))
        threads = [threading.Thread(target=settle_releases, args=(session,)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert removed == [1]
    assert states(session) == {1: "failed"}


def test_stopping_ends_a_release_that_is_being_started(session: Session) -> None:
    with at_work() as worker:
        _a_release(session, worker=worker)
        stopped = stop_release(session, MODEL, PLACE)
    assert stopped.state is ReleaseState.STOPPED
    assert states(session) == {1: "stopped"}


def test_a_model_version_whose_release_was_interrupted_can_be_removed(session: Session) -> None:
    with at_work() as worker:
        _a_release(session, worker=worker)
        with pytest.raises(Refused):
            remove_model_version(session, MODEL, 1)
    remove_model_version(session, MODEL, 1)


def test_going_back_goes_further_back_each_time_and_never_forward(session: Session) -> None:
    for _ in range(3):
        release_model(session, MODEL, to=PLACE)
    assert roll_back(session, MODEL, PLACE).number == 2
    assert roll_back(session, MODEL, PLACE).number == 1
    with pytest.raises(NotFound, match="no earlier release"):
        roll_back(session, MODEL, PLACE)
    with pytest.raises(AlreadyExists, match="r1 of wine is what is live"):
        roll_back(session, MODEL, PLACE, to=1)
    with pytest.raises(NotFound, match="no release r7"):
        roll_back(session, MODEL, PLACE, to=7)
    assert roll_back(session, MODEL, PLACE, to=3).number == 3  # by its name one can go forward
    assert roll_back(session, MODEL, PLACE).number == 1  # and back to where one came from
    assert release_model(session, MODEL, to=PLACE).number == 4
    assert roll_back(session, MODEL, PLACE).number == 1


def test_going_back_goes_before_what_was_stopped_and_never_forward_to_it(session: Session) -> None:
    for _ in range(3):
        release_model(session, MODEL, to=PLACE)
    stop_release(session, MODEL, PLACE)  # it is bad: first away with it
    assert roll_back(session, MODEL, PLACE).number == 2
    assert roll_back(session, MODEL, PLACE).number == 1
    stop_release(session, MODEL, PLACE)
    with pytest.raises(NotFound, match="no earlier release"):
        roll_back(session, MODEL, PLACE)
    assert start_again(session, MODEL, PLACE).number == 1
    stop_release(session, MODEL, PLACE)
    assert roll_back(session, MODEL, PLACE, to=3).number == 3


def test_what_was_stopped_is_what_starts_again(session: Session) -> None:
    for _ in range(2):
        release_model(session, MODEL, to=PLACE)
    stop_release(session, MODEL, PLACE)
    assert start_again(session, MODEL, PLACE).number == 2
    assert roll_back(session, MODEL, PLACE).number == 1


def test_going_back_that_is_interrupted_leaves_it_on_standby(session: Session, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        release_model(session, MODEL, to=PLACE)

    def interrupted(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(ThisComputer, "resume", interrupted)
        roll_back(session, MODEL, PLACE)
    assert states(session) == {1: "standby", 2: "live"}
    assert roll_back(session, MODEL, PLACE).number == 1


def test_a_release_is_live_although_the_one_before_cannot_be_stopped_and_that_is_made_up_for(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release_model(session, MODEL, to=PLACE)

    def lost(*_arguments: object) -> None:
        raise ServerUnreachable("The connection was lost.")

    with monkeypatch.context() as patched:
        patched.setattr(ThisComputer, "pause", lost)
        second = release_model(session, MODEL, to=PLACE)
    assert second.state is ReleaseState.LIVE
    assert [release.number for release in unpaused_releases(session, MODEL, PLACE)] == [1]
    assert service_alive(first.endpoint)
    assert states(session) == {1: "standby", 2: "live"}
    assert unpaused_releases(session, MODEL, PLACE) == []
    assert not service_alive(first.endpoint)


def test_two_releases_at_once_never_take_the_same_number(session: Session, tmp_path: Path) -> None:
    both = threading.Barrier(2)
    numbers: list[int] = []

    def begin(own: Session) -> None:
        both.wait()
        numbers.extend(_a_release(own, worker=None).number for _ in range(20))

    with open_workspace(tmp_path / "workspace") as other:
        threads = [threading.Thread(target=begin, args=(each,)) for each in (session, other)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(numbers) == list(range(1, 41))


def test_who_is_at_work_is_known_only_while_it_lasts() -> None:
    with at_work() as worker:
        assert worker.token in workers._at_work
    assert worker.token not in workers._at_work


def _a_release(session: Session, *, worker: Worker | None) -> Release:
    """The entry of a release that has begun."""
    now = datetime.now(UTC)
    return session.workspace.ledger.record_new_release(
        lambda number: Release(
            model=MODEL,
            place=PLACE,
            number=number,
            version=1,
            package="sha256:p",
            state=ReleaseState.STARTING,
            created=now,
            changed=now,
            endpoint={"nonce": "0" * 32},
            worker=worker,
        ),
        author="ann",
    )

"""Large folders are read by processes of their own; whatever becomes of these, all is stored as if there were none."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from kronkers_studio.domain.content import SkipReason, SourceElsewhere, SourceItem, StoredItem
from kronkers_studio.domain.errors import Cancelled, SourceUnavailable
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.migration import FolderSource, scan_folder
from kronkers_studio.registry import StoreOutcome
from kronkers_studio.registry.importing import importer
from kronkers_studio.registry.importing.sealing import Claims, Part
from kronkers_studio.registry.importing.worker_process import OtherProcess
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.storage.process_pipe import ProcessEnded
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.migration.worker_process import read_elsewhere
from kronkers_studio.workflows.session import Session

FILES = 60
_OLD = 1_700_000_000_123_456_789


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Small files, some of them twins, two large ones with a common part, an empty one, and one with a strange name."""
    top = tmp_path / "source"
    top.mkdir()
    for number in range(FILES):
        (top / f"{number:03d}.csv").write_text(f"a,b\n{number % 40},{'x' * (number % 40)}\n" * 50, encoding="utf-8")
    common = os.urandom(3_000_000)
    (top / "large.bin").write_bytes(common + b"one")
    (top / "larger.bin").write_bytes(common + os.urandom(500_000))
    (top / "empty.txt").touch()
    (top / os.fsdecode(b"caf\xe9.txt")).write_bytes(b"latin 1")
    for file in top.iterdir():
        os.utime(file, ns=(_OLD, _OLD))
    return top


class Jobs:
    """What the processes did: which jobs, by the processes' numbers; ``before`` is called before each."""

    def __init__(self) -> None:
        self.started: list[subprocess.Popen[bytes]] = []
        self.done: list[tuple[int, Sequence[SourceItem]]] = []
        self.failed = 0
        self.before: Callable[[OtherProcess, Sequence[SourceItem]], None] = lambda _process, _job: None


@pytest.fixture
def jobs(monkeypatch: pytest.MonkeyPatch) -> Jobs:
    """Every job, also the first, is done by another process; jobs have few files."""
    seen = Jobs()
    really_made, really_run = OtherProcess.__init__, OtherProcess.run

    def made(self: OtherProcess, *words: Any) -> None:
        really_made(self, *words)
        seen.started.append(self._worker._process)
        self._worker._starting.join()

    def run(self: OtherProcess, job: Sequence[SourceItem], claims: Claims, hand_over: Callable[[Part], None]) -> None:
        seen.before(self, job)
        try:
            really_run(self, job, claims, hand_over)
        except ProcessEnded:
            seen.failed += 1
            raise
        seen.done.append((self._worker._process.pid, job))

    monkeypatch.setattr(OtherProcess, "__init__", made)
    monkeypatch.setattr(OtherProcess, "run", run)
    monkeypatch.setattr(importer, "_MANY_FILES", 1)
    monkeypatch.setattr(importer, "_BATCH_FILES", 7)
    return seen


def _store(
    session: Session,
    folder: Path,
    elsewhere: SourceElsewhere | None,
    *,
    items: Sequence[SourceItem] | None = None,
    **named: Any,
) -> StoreOutcome:
    found = scan_folder(folder, plan=False).items if items is None else items
    return session.workspace.content.store_items(found, FolderSource(folder), elsewhere=elsewhere, **named)


def _elsewhere(folder: Path) -> SourceElsewhere:
    return read_elsewhere(folder, fetch=False, give_way=False)


def _by_path(outcome: StoreOutcome) -> dict[str, StoredItem]:
    return {each.item.path: each for each in outcome.stored}


def _restored(session: Session, project: str, target: Path) -> dict[str, bytes]:
    session.workspace.content.restore(project, "", target)
    return {str(file.relative_to(target)): file.read_bytes() for file in target.rglob("*") if file.is_file()}


def _commit(session: Session, outcome: StoreOutcome) -> None:
    session.workspace.content.commit("p", "main", outcome.stored, message="", author="ann")


def test_what_other_processes_read_is_what_this_one_would(
    session: Session, folder: Path, jobs: Jobs, tmp_path: Path
) -> None:
    scanned = scan_folder(folder, plan=False).items
    theirs = _store(session, folder, _elsewhere(folder), items=scanned)
    assert sum(len(job) for _process, job in jobs.done) == FILES + 4
    assert theirs.new_bytes > 3_000_000
    ours = _store(session, folder, None, items=scanned)
    assert ours.new_bytes == 0  # each object was there, under the same name
    assert _by_path(ours) == _by_path(theirs)  # also what their bytes tell of them
    assert (ours.read_files, ours.read_bytes, ours.skipped) == (theirs.read_files, theirs.read_bytes, theirs.skipped)
    _commit(session, theirs)
    source = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert _restored(session, "p", tmp_path / "out") == source


def test_nothing_is_stored_twice_by_two_processes(session: Session, folder: Path, jobs: Jobs) -> None:
    together = threading.Barrier(2)

    def wait(_process: OtherProcess, job: Sequence[SourceItem]) -> None:
        if job[0].path.startswith("large"):
            together.wait(timeout=60)

    jobs.before = wait  # the two large files, a job each, are read at the same time
    outcome = _store(session, folder, _elsewhere(folder))
    assert len({process for process, _job in jobs.done}) > 1
    assert outcome.new_bytes < 4_000_000


def test_a_frozen_program_starts_itself_as_such_a_process(
    session: Session, folder: Path, jobs: Jobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    elsewhere = _elsewhere(folder)
    program, argument = elsewhere.command
    assert Path(program).name.startswith("kronkers")
    itself = (sys.executable, "-c", "from kronkers_studio.app import command; command()", argument)
    assert len(_store(session, folder, replace(elsewhere, command=itself)).stored) == FILES + 4
    assert jobs.done and not jobs.failed


def test_a_migration_of_many_files_uses_them(session: Session, folder: Path, jobs: Jobs) -> None:
    result = migrate_folder(session, folder)
    assert jobs.done
    assert (result.files, result.skipped) == (FILES + 4, ())
    assert migrate_folder(session, folder).read_files == 0


def test_few_files_start_no_process(session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_words: Any) -> None:
        pytest.fail("it was started")

    monkeypatch.setattr(OtherProcess, "__init__", started)
    assert migrate_folder(session, folder).files == FILES + 4


def test_a_limit_to_reading_is_kept_by_one_process(session: Session, folder: Path, jobs: Jobs) -> None:
    session.settings = replace(session.settings, read_limit=1000, low_priority="never")
    assert migrate_folder(session, folder).files == FILES + 4
    assert jobs.done == []


def test_what_a_killed_process_had_to_do_is_done_here(
    session: Session, folder: Path, jobs: Jobs, tmp_path: Path
) -> None:
    """Killed before a job, and within one: after it has claimed objects that others then wait for."""

    def kill(process: OtherProcess, job: Sequence[SourceItem]) -> None:
        if job[0].path in ("000.csv", "larger.bin"):
            psutil.Process(process._worker._process.pid).kill()

    jobs.before = kill
    outcome = _store(session, folder, _elsewhere(folder))
    assert jobs.failed > 0
    assert len(outcome.stored) == FILES + 4
    _commit(session, outcome)
    assert len(_restored(session, "p", tmp_path / "out")) == FILES + 4


def test_what_others_waited_for_is_stored_when_its_own_file_is_gone(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twins in two jobs: the first process claims the content and ends, and then its file cannot be read any more."""
    folder = tmp_path / "twins"
    folder.mkdir()
    for name in ("first.csv", "second.csv"):
        (folder / name).write_text("the same\n", encoding="utf-8")
    id = session.workspace.store.sealer.name(ObjectType.CHUNK, b"the same\n")
    is_claimed, is_borrowed = threading.Event(), threading.Event()

    class Ending:
        """Stands for a process that ends after its first claim: when exactly one dies cannot be chosen."""

        def __init__(self, *_words: Any) -> None:
            self.ready = True

        def run(self, job: Sequence[SourceItem], claims: Claims, hand_over: Callable[[Part], None]) -> None:
            self.ready = False
            if job[0].path == "first.csv":
                claims.claim([id], set())
                is_claimed.set()
                assert is_borrowed.wait(60)
                (folder / "first.csv").unlink()
                raise ProcessEnded
            assert is_claimed.wait(60)
            borrowed: set[bytes] = set()
            assert claims.claim([id], borrowed) == set()
            hand_over(Part(stored=[StoredItem(job[0], (id,), 9)], borrowed=borrowed, read_bytes=9, job_done=True))
            is_borrowed.set()

        def kill(self) -> None: ...

        def end(self) -> None: ...

    monkeypatch.setattr(importer, "OtherProcess", Ending)
    monkeypatch.setattr(importer, "_MANY_FILES", 1)
    monkeypatch.setattr(importer, "_BATCH_FILES", 1)
    outcome = _store(session, folder, _elsewhere(folder))
    assert [each.item.path for each in outcome.stored] == ["second.csv"]
    assert (outcome.read_files, outcome.read_bytes) == (1, 9)
    assert [(each.path, each.reason) for each in outcome.skipped] == [("first.csv", SkipReason.VANISHED)]
    _commit(session, outcome)
    assert _restored(session, "p", tmp_path / "out") == {"second.csv": b"the same\n"}


@pytest.mark.parametrize(
    "command",
    [
        ("/there/is/no/such/program",),
        (sys.executable, "-c", "raise SystemExit(1)"),
        (sys.executable, "-c", "import time; print('what?' * 99, flush=True); time.sleep(600)"),
    ],
    ids=["does not start", "ends at once", "says what nobody understands"],
)
def test_without_other_processes_it_goes_on_alone(
    session: Session, folder: Path, jobs: Jobs, command: tuple[str, ...]
) -> None:
    outcome = _store(session, folder, replace(_elsewhere(folder), command=command))
    assert len(outcome.stored) == FILES + 4
    assert jobs.done == []


def test_cancelling_ends_the_processes_and_keeps_what_was_acknowledged(
    session: Session, folder: Path, jobs: Jobs
) -> None:
    cancel, acknowledged = CancelSource(), list[StoredItem]()
    jobs.before = lambda _process, job: cancel.cancel() if job[0].path > "02" else None
    with pytest.raises(Cancelled):
        _store(session, folder, _elsewhere(folder), cancel=cancel, on_durable=acknowledged.extend)
    assert jobs.started and all(process.returncode is not None for process in jobs.started)
    again = _store(session, folder, None)
    assert {each.item.path for each in acknowledged} <= _by_path(again).keys()
    assert session.workspace.content.check(read_data=True).problems == ()


def test_cancelling_does_not_wait_for_a_process_that_hangs(session: Session, folder: Path, jobs: Jobs) -> None:
    hanging = (
        "import io, time\n"
        "from kronkers_studio.registry.importing.worker_process import _READY\n"
        "from kronkers_studio.storage.process_pipe import ProcessPipe\n"
        "pipe = ProcessPipe(io.FileIO(0), io.FileIO(1, 'wb'))\n"
        "pipe.receive()\n"
        "pipe.send(_READY, None)\n"
        "time.sleep(600)\n"
    )
    cancel = CancelSource()
    jobs.before = lambda _process, _job: cancel.cancel()
    with pytest.raises(Cancelled):
        _store(session, folder, replace(_elsewhere(folder), command=(sys.executable, "-c", hanging)), cancel=cancel)
    assert jobs.started and all(process.returncode is not None for process in jobs.started)


def test_a_folder_that_is_taken_away_is_said_to_be_gone(session: Session, folder: Path, jobs: Jobs) -> None:
    def take_away(_process: OtherProcess, job: Sequence[SourceItem]) -> None:
        if folder.exists() and job[0].path >= "02":
            folder.rename(folder.with_name("elsewhere"))

    jobs.before = take_away
    with pytest.raises(SourceUnavailable):
        _store(session, folder, _elsewhere(folder))
    assert jobs.started and all(process.returncode is not None for process in jobs.started)


def test_files_that_cannot_be_read_there_are_listed(session: Session, folder: Path, jobs: Jobs) -> None:
    items = scan_folder(folder, plan=False).items
    (folder / "005.csv").unlink()
    outcome = _store(session, folder, _elsewhere(folder), items=items)
    assert [(each.path, each.reason) for each in outcome.skipped] == [("005.csv", SkipReason.VANISHED)]
    assert jobs.failed == 0


def test_no_key_is_in_a_command_or_the_environment(session: Session, folder: Path, jobs: Jobs) -> None:
    keys = list(session.workspace.store.sealer.handed_over().values())
    seen: list[bool] = []

    def look(process: OtherProcess, _job: Sequence[SourceItem]) -> None:
        other = psutil.Process(process._worker._process.pid)
        said = " ".join([*other.cmdline(), *other.environ().values()])
        seen.append(any(key.hex() in said or key.decode("latin-1") in said for key in keys))

    jobs.before = look
    _store(session, folder, _elsewhere(folder))
    assert seen and not any(seen)


def test_no_process_outlives_the_one_that_started_it(folder: Path) -> None:
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from kronkers_studio.registry.importing.worker_process import OtherProcess\n"
        "from kronkers_studio.registry.store.records import Sealer\n"
        "from kronkers_studio.storage.keys import MasterKey\n"
        "from kronkers_studio.workflows.migration.worker_process import read_elsewhere\n"
        "elsewhere = read_elsewhere(Path(sys.argv[1]), fetch=False, give_way=False)\n"
        "other = OtherProcess(elsewhere, Sealer(MasterKey(bytes(32), '0' * 32)))\n"
        "other._worker._starting.join()\n"
        "print(other.ready, other._worker._process.pid, flush=True)\n"
        "time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script, str(folder)], stdout=subprocess.PIPE, text=True) as first:
        assert first.stdout is not None
        ready, number = first.stdout.readline().split()
        assert ready == "True"
        second = psutil.Process(int(number))
        first.kill()
    psutil.wait_procs([second], timeout=60)
    assert not second.is_running()

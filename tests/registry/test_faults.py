"""Real faults of the disk below a real import: killed at every flush, flushes that fail, and a disk that fills up.

strace makes the flushes of a process of its own fail or kill it; a small tmpfs fills up. Where that cannot be had, the
tests are skipped, or fail with ``KRONKERS_LAB=required``.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kronkers_studio.domain.changes import ProjectCreated
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import StorageFull
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.registry import Workspace, open_workspace
from kronkers_studio.storage.keys import Unlock

pytestmark = pytest.mark.lab
PROGRAM = Path(__file__).with_name("fault_import.py")


@pytest.fixture
def strace() -> str:
    found = shutil.which("strace")
    if found is None:
        pytest.skip("strace is not installed")
    if subprocess.run([found, "-o", os.devnull, "true"], capture_output=True, check=False).returncode:
        pytest.skip("strace may not trace here")
    return found


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of a few MB that fills up."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=2500k", "tmpfs", str(disk)]
    if not sys.platform.startswith("linux") or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here: needs root on Linux")
    yield disk
    subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A few small files."""
    return _files(tmp_path / "source", 16, 20_000)


def _files(top: Path, count: int, size: int) -> Path:
    chance = random.Random(count)
    top.mkdir()
    for number in range(count):
        (top / f"{number:03d}.bin").write_bytes(chance.randbytes(chance.randrange(size // 2, size)))
    return top


def _import_with(
    strace: str, fault: str, directory: Path, key_file: Path, source: Path, acks: Path
) -> subprocess.CompletedProcess[str]:
    """One import with a fault injected; the real interpreter, so that strace follows no launcher."""
    command = [strace, "-f", "-y", "-qq", "-o", str(acks.with_name(f"{acks.name} log"))]
    command += ["-e", "trace=fsync,fdatasync", "-e", f"inject={fault}"]
    command += [os.path.realpath(sys.executable), str(PROGRAM), *map(str, (directory, key_file, source, acks))]
    paths = [str(Path(__file__).parents[2]), *(path for path in sys.path if path.endswith("site-packages"))]
    paths += filter(None, [os.environ.get("PYTHONPATH")])  # what test_mutants.py sets
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
    return subprocess.run(command, capture_output=True, text=True, env=environment, check=False)


def _acknowledged(workspace: Workspace, source: Path, acks: Path) -> int:
    """Read back every file that was acknowledged; how many they were."""
    text = acks.read_text(encoding="utf-8") if acks.exists() else ""
    lines = text.split("\n")[:-1]  # the last one was not written to its end
    for line in lines:
        path, ids = line.split("\t")
        if path == "commit":
            assert workspace.content.resolve("project").id == ids
            continue
        entry = Entry(path, EntryKind.FILE, content=tuple(bytes.fromhex(id) for id in ids.split(",") if id))
        assert workspace.content.read(entry) == (source / path).read_bytes()
    return len(lines)


def _imports(strace: str, fault: str, template: tuple[Path, Path], source: Path, place: Path, step: int) -> int:
    """Imports with ``fault`` at the 1st, 1st + ``step``, … flush until one gets through: how many did not."""
    failed = acknowledged = 0
    for number in itertools.count(1, step):
        directory = Path(shutil.copytree(template[0], place / f"workspace {number}"))
        acks = place / f"acks {number}"
        done = _import_with(strace, fault.format(number), directory, template[1], source, acks)
        with open_workspace(directory, Unlock(key_file=template[1])) as workspace:
            acknowledged += _acknowledged(workspace, source, acks)
            assert workspace.content.check(read_data=True).problems == ()
        failing = _failing_flush(acks.with_name(f"{acks.name} log"))
        if done.returncode == 0 and failing is None:
            break
        if done.returncode == 0:
            assert failing in (str(directory), "closing"), failing
            shutil.rmtree(directory)
            continue
        failed += 1
        if "error=" in fault:
            assert done.returncode == 3 and "StorageFull" in done.stdout, (done.returncode, done.stdout, done.stderr)
        arguments = map(str, (directory, template[1], source, place / f"again {number}"))
        subprocess.run([sys.executable, str(PROGRAM), *arguments], check=True)
        with open_workspace(directory, Unlock(key_file=template[1])) as workspace:
            assert workspace.content.check(read_data=True).problems == ()
            workspace.content.restore("project", "", place / f"out {number}")
        for file in source.iterdir():
            assert (place / f"out {number}" / file.name).read_bytes() == file.read_bytes()
        shutil.rmtree(directory)
    assert acknowledged > 0
    return failed


def _failing_flush(log: Path) -> str | None:
    """What could not be flushed: a path, or "closing" for what came after the branch was moved; None for nothing.

    SQLite says nothing of two failures. The one of the folder in which it made its write-ahead log, which it made long
    before in a workspace that was ever written to; and those of the checkpoint when the database is closed, which is
    repeated when it is opened again, as the log that it takes over is on the disk.
    """
    lines = log.read_text(encoding="utf-8").splitlines()
    failed = next((number for number, line in enumerate(lines) if "INJECTED" in line), None)
    if failed is None:
        return None
    moved = max((number for number, line in enumerate(lines) if "/journal/" in line), default=len(lines))
    if failed > moved + 1:
        return "closing"
    return lines[failed].split("<", 1)[1].split(">", 1)[0]


@pytest.mark.safety
@pytest.mark.timeout(1800)
def test_a_kill_at_every_flush_of_an_import_loses_nothing(
    strace: str, empty_workspace: tuple[Path, Path], source: Path, tmp_path: Path
) -> None:
    """Seen to fail with items acknowledged before their checkpoint, and with the branch moved before the commit's."""
    assert _imports(strace, "fsync,fdatasync:signal=KILL:when={}", empty_workspace, source, tmp_path, 1) >= 20


@pytest.mark.safety
@pytest.mark.timeout(1800)
def test_a_failure_of_every_flush_of_an_import_is_loud_and_loses_nothing(
    strace: str, empty_workspace: tuple[Path, Path], source: Path, tmp_path: Path
) -> None:
    """Seen to fail with ``disk_failures`` letting EIO pass."""
    assert _imports(strace, "fsync,fdatasync:error=EIO:when={}", empty_workspace, source, tmp_path, 1) >= 20


@pytest.mark.parametrize("fault", ["fsync,fdatasync:signal=KILL:when={}", "fsync,fdatasync:error=EIO:when={}"])
def test_kills_and_failures_at_some_flushes_of_an_import_lose_nothing(
    strace: str, empty_workspace: tuple[Path, Path], source: Path, tmp_path: Path, fault: str
) -> None:
    assert _imports(strace, fault, empty_workspace, source, tmp_path, 20) >= 1


def test_a_disk_that_fills_up_is_told_and_everything_acknowledged_is_kept(
    empty_workspace: tuple[Path, Path], small_disk: Path, tmp_path: Path
) -> None:
    template, key_file = empty_workspace
    directory = Path(shutil.copytree(template, small_disk / "workspace"))
    large, acks = _files(tmp_path / "large", 60, 90_000), tmp_path / "acks"
    done = subprocess.run(
        [sys.executable, str(PROGRAM), *map(str, (directory, key_file, large, acks))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3 and "StorageFull: The disk is full" in done.stdout, done.stdout + done.stderr
    subprocess.run(["mount", "-o", "remount,size=30m", str(small_disk)], check=True)
    with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
        assert _acknowledged(workspace, large, acks) > 10
        assert workspace.content.check(read_data=True).problems == ()
    acks.unlink()
    subprocess.run([sys.executable, str(PROGRAM), *map(str, (directory, key_file, large, acks))], check=True)
    with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
        assert _acknowledged(workspace, large, acks) == 61
        assert workspace.content.check(read_data=True).problems == ()


def test_a_full_disk_refuses_changes_and_can_be_made_room_on(
    empty_workspace: tuple[Path, Path], small_disk: Path, tmp_path: Path
) -> None:
    """What is wholly unused is deleted without writing packs anew, so cleaning up needs next to no room itself."""
    template, key_file = empty_workspace
    ignore = shutil.ignore_patterns("reserve")  # of a workspace that was made on a large disk
    directory = Path(shutil.copytree(template, small_disk / "workspace", ignore=ignore))
    source, acks = _files(tmp_path / "source", 40, 40_000), tmp_path / "acks"
    subprocess.run([sys.executable, str(PROGRAM), *map(str, (directory, key_file, source, acks))], check=True)
    with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
        now = datetime.now(UTC)
        workspace.trash.put(TrashKind.PROJECT, "project", "", author="ann")
        workspace.trash.empty(author="ann")
        filler = small_disk / "filler"
        with contextlib.suppress(OSError), filler.open("wb", buffering=0) as stream:
            while stream.write(bytes(4096)):
                pass
        with pytest.raises(StorageFull, match="full"):
            for number in range(1000):
                workspace.ledger.record(ProjectCreated(f"p{number}", now), author="ann")
        assert workspace.content.check().problems == ()
        filler.write_bytes(bytes(filler.stat().st_size - 120_000))
        known = {project.name for project in workspace.content.projects()}
        assert workspace.clean_up(author="ann", clock=lambda: now + timedelta(days=15)).freed > 400_000
        workspace.ledger.record(ProjectCreated("now there is room", now), author="ann")
        assert {project.name for project in workspace.content.projects()} == {*known, "now there is room"}
        assert workspace.content.check(read_data=True).problems == ()

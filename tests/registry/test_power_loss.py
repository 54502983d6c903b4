"""The power fails in the middle of an import: everything acknowledged is on the disk itself.

A killed process cannot show a missing fsync, because the system's cache outlives it. So the workspace lies on an ext4
of its own whose log is cut off without being flushed; acknowledgements are logged outside it.
"""

from __future__ import annotations

import os
import random
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.content import Entry, EntryKind, SourceItem
from kronkers_studio.registry import Workspace, open_workspace, rebuild_workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.store import packs as packs_module
from kronkers_studio.storage.keys import Unlock

ROUNDS = 8
_PATIENCE = 200  # seconds: a busy machine gives little time to what writes to its disk
_SHUTDOWN_WITHOUT_FLUSHING = (0x8004587D, struct.pack("I", 2))

pytestmark = [
    pytest.mark.lab,
    pytest.mark.safety,
    pytest.mark.skipif(
        not sys.platform.startswith("linux") or os.geteuid() != 0 or not shutil.which("mkfs.ext4"),
        reason="mounts a file system of its own: needs root on Linux, and mkfs.ext4",
    ),
]


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A mounted ext4 that is about to lose its power."""
    image, mounted = tmp_path / "disk.img", tmp_path / "disk"
    with image.open("wb") as stream:
        stream.truncate(64 << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", str(image)], check=True)
    mounted.mkdir()
    _mount(image, mounted)
    yield mounted
    _unmount(mounted)


def _mount(image: Path, mounted: Path) -> None:
    subprocess.run(["mount", "-o", "loop", str(image), str(mounted)], check=True)


def _unmount(mounted: Path) -> None:
    for _ in range(50):
        if subprocess.run(["umount", str(mounted)], capture_output=True, check=False).returncode == 0:
            return
        time.sleep(0.1)
    raise AssertionError("the disk is still in use")


def _cut_the_power(mounted: Path) -> None:
    import fcntl

    descriptor = os.open(mounted, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, *_SHUTDOWN_WITHOUT_FLUSHING)
    finally:
        os.close(descriptor)


@pytest.mark.parametrize("number", range(ROUNDS))
def test_a_power_cut_loses_nothing_acknowledged(
    empty_workspace: tuple[Path, Path], disk: Path, tmp_path: Path, number: int
) -> None:
    """Seen to fail every time without the packs' fsync, and every time with ``synchronous=NORMAL``."""
    template, key_file = empty_workspace
    chance = random.Random(number)
    folder, acks = tmp_path / "source", tmp_path / "acks"
    folder.mkdir()
    for name in range(1000):
        (folder / f"{name}.bin").write_bytes(chance.randbytes(chance.randrange(500, 9000)))
    directory = Path(shutil.copytree(template, disk / "workspace"))
    os.sync()

    program = [sys.executable, str(Path(__file__).with_name("crash_import.py")), str(key_file), str(folder)]
    with subprocess.Popen(
        program, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True
    ) as running:
        assert running.stdin is not None
        running.stdin.write(f"{directory}\t{acks}\t-1\n")
        running.stdin.flush()
        enough, deadline = chance.randrange(60, 800), time.monotonic() + _PATIENCE
        while not acks.exists() or acks.read_bytes().count(b"\n") < enough:
            assert time.monotonic() < deadline and running.poll() is None, "the import does not get on"
            time.sleep(0.003)
        _cut_the_power(disk)
        acknowledged = [line.split("\t") for line in acks.read_text(encoding="utf-8").split("\n")[:-1]]
        running.stdin.close()
        running.wait(60)
    _unmount(disk)
    # a copy, because another mount namespace (some lab's) may keep the dead file system alive
    shutil.copyfile(tmp_path / "disk.img", tmp_path / "copy.img")
    _mount(tmp_path / "copy.img", disk)

    assert len(acknowledged) >= 50
    with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
        for path, ids in acknowledged:
            if path == "commit":
                assert workspace.content.resolve("project").id == ids
                continue
            entry = Entry(path, EntryKind.FILE, content=tuple(bytes.fromhex(id) for id in ids.split(",")))
            assert workspace.content.read(entry) == (folder / path).read_bytes()
        assert workspace.content.check(read_data=True).problems == ()
        projects = workspace.content.projects()
    (directory / "metadata.db").unlink()  # the journal's own files were on the disk before
    rebuild_workspace(directory, Unlock(key_file=key_file))
    with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
        assert workspace.content.projects() == projects
        assert workspace.content.check(read_data=True).problems == ()


_CHANGE_AND_CLEAN = """
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.changes import ProjectCreated
from kronkers_studio.registry import open_workspace
from kronkers_studio.registry.store import packs
from kronkers_studio.storage.keys import Unlock
packs.PACK_TARGET = 300_000
directory, key_file, log = (Path(argument) for argument in sys.argv[1:])
with open_workspace(directory, Unlock(key_file=key_file)) as workspace, log.open("a", buffering=1) as acknowledged:
    for number in range(1000):
        if number % 10 == 5 and number < 50:
            workspace.trash.put(TrashKind.PROJECT, f"p{number // 10}", "", author="ann")
            workspace.trash.empty(author="ann")
            workspace.clean_up(author="ann", clock=lambda: datetime.now(UTC) + timedelta(days=15))
        workspace.ledger.record(ProjectCreated(f"new {number}", datetime.now(UTC)), author="ann")
        acknowledged.write(f"new {number}\\n")
"""


@pytest.mark.parametrize("number", range(ROUNDS // 2))
def test_a_power_cut_beside_changes_and_cleaning_up_loses_nothing(
    empty_workspace: tuple[Path, Path], disk: Path, tmp_path: Path, number: int
) -> None:
    """Seen to fail without the flush of rewritten packs or of the journal, and with ``synchronous=NORMAL``."""
    template, key_file = empty_workspace
    chance = random.Random(number)
    directory, acks = Path(shutil.copytree(template, disk / "workspace")), tmp_path / "acks"
    keep = {f"{name}.bin": chance.randbytes(30_000) for name in range(30)}
    with pytest.MonkeyPatch.context() as patch, open_workspace(directory, Unlock(key_file=key_file)) as workspace:
        patch.setattr(packs_module, "PACK_TARGET", 300_000)
        for name, files in {f"p{n}": {f"{n}": chance.randbytes(200_000)} for n in range(5)}.items():
            _bring_in(workspace, name, files)
            _bring_in(workspace, "keep", dict(list(keep.items())[: 6 + 6 * int(name[1:])]))
    os.sync()
    command = [sys.executable, "-c", _CHANGE_AND_CLEAN, str(directory), str(key_file), str(acks)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        enough, deadline = chance.randrange(50, 58), time.monotonic() + _PATIENCE
        while not acks.exists() or acks.read_bytes().count(b"\n") < enough:
            assert time.monotonic() < deadline and running.poll() is None, "it does not get on"
            time.sleep(0.001)
        _cut_the_power(disk)
        acknowledged = acks.read_text(encoding="utf-8").split("\n")[:-1]  # the last one may be half written
        running.wait(60)
    _unmount(disk)
    shutil.copyfile(tmp_path / "disk.img", tmp_path / "copy.img")
    _mount(tmp_path / "copy.img", disk)

    for again in range(2):
        with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
            assert workspace.content.check(read_data=True).problems == ()
            assert set(acknowledged) <= {project.name for project in workspace.content.projects()}
            entries = list(workspace.content.walk("keep"))
            assert {entry.path: workspace.content.read(entry) for entry in entries} == keep
        if not again:
            (directory / "metadata.db").unlink()
            rebuild_workspace(directory, Unlock(key_file=key_file))


def _bring_in(workspace: Workspace, project: str, files: dict[str, bytes]) -> None:
    items = [SourceItem(path, EntryKind.FILE, len(content), 5) for path, content in files.items()]
    outcome = workspace.content.store_items(items, MemorySource(files))
    workspace.content.commit(project, "main", outcome.stored, message="", author="ann")

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

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.registry import open_workspace
from kronkers_studio.storage.keys import Unlock

ROUNDS = 8
_SHUTDOWN_WITHOUT_FLUSHING = (0x8004587D, struct.pack("I", 2))

pytestmark = [
    pytest.mark.slow,
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
    chance = random.Random(number)  # noqa: S311
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
        enough, deadline = chance.randrange(60, 800), time.monotonic() + 60
        while not acks.exists() or acks.read_bytes().count(b"\n") < enough:
            assert time.monotonic() < deadline, "the import does not get on"
            time.sleep(0.003)
        _cut_the_power(disk)
        acknowledged = [line.split("\t") for line in acks.read_text(encoding="utf-8").splitlines()]
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

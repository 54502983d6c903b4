"""A process that dies at any moment loses nothing that it had acknowledged, and the next one goes on from there."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.registry import Workspace, open_workspace
from kronkers_studio.storage.keys import Unlock

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="kills forked children")


@pytest.fixture
def crash_folder(tmp_path: Path) -> Path:
    chance = random.Random(8)
    top = tmp_path / "source"
    for number in range(150):
        (top / f"team {number % 7}").mkdir(parents=True, exist_ok=True)
        content = chance.randbytes(chance.randrange(200, 9000)) if number % 5 else b"the same"
        (top / f"team {number % 7}" / f"{number:03d}.bin").write_bytes(content)
    (top / "large.bin").write_bytes(chance.randbytes(1_400_000))
    return top


@pytest.mark.parametrize("kills", [30, pytest.param(100, marks=[pytest.mark.safety, pytest.mark.timeout(1800)])])
def test_kills_at_random_moments_lose_nothing(
    empty_workspace: tuple[Path, Path], crash_folder: Path, tmp_path: Path, kills: int
) -> None:
    """Seen to fail with items acknowledged before the checkpoint."""
    template, key_file = empty_workspace
    program = [sys.executable, str(Path(__file__).with_name("crash_import.py")), str(key_file), str(crash_folder)]
    moments = random.Random(20)
    interrupted = acknowledged = salvaged = 0
    with subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:

        def run(workspace: Path, acks: Path, seconds: float) -> tuple[str, float]:
            assert server.stdin is not None and server.stdout is not None
            server.stdin.write(f"{workspace}\t{acks}\t{seconds}\n")
            server.stdin.flush()
            answer, taken = server.stdout.readline().split() or ("failed", "0")
            assert answer in ("killed", "finished"), "the import failed by itself"
            return answer, float(taken)

        whole = min(_duration(run, template, tmp_path / f"whole {n}") for n in range(3))
        for number in range(kills):
            directory = Path(shutil.copytree(template, tmp_path / f"workspace {number}"))
            acks = tmp_path / f"acks {number}"
            ended, taken = run(directory, acks, moments.uniform(0, whole))
            if ended == "killed":
                interrupted += 1
                whole *= 1.05  # nor does it get slower unnoticed: then all would be killed at the beginning
            else:  # the machine has become quicker: what would come after the end is no moment to kill at
                whole = min(whole, taken)
            before = sum(file.stat().st_size for file in (directory / "packs").iterdir())
            with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
                acknowledged += _all_acknowledged_is_there(workspace, crash_folder, acks)
                assert workspace.content.check(read_data=True).problems == ()
            assert run(directory, acks, -1)[0] == "finished"
            with open_workspace(directory, Unlock(key_file=key_file)) as workspace:
                assert workspace.content.check(read_data=True).problems == ()
                assert workspace.content.resolve("project").files == 151
                if number % 10 == 0:
                    _all_acknowledged_is_there(workspace, crash_folder, acks)
                    workspace.content.restore("project", "", tmp_path / "out" / str(number))
                    assert _files(tmp_path / "out" / str(number)) == _files(crash_folder)
            salvaged += before > 100_000
            shutil.rmtree(directory)
        assert server.stdin is not None
        server.stdin.close()
    assert interrupted >= kills * 0.4 and acknowledged > 10 * kills and salvaged > kills / 10, (
        interrupted,
        acknowledged,
        salvaged,
    )


def _duration(run: Callable[[Path, Path, float], tuple[str, float]], template: Path, directory: Path) -> float:
    """Seconds of its processor time that a whole import takes here and now."""
    shutil.copytree(template, directory)
    return run(directory, directory / "acks", -1)[1]


def _all_acknowledged_is_there(workspace: Workspace, folder: Path, acks: Path) -> int:
    """Read back each acknowledged file; returns how many there were."""
    text = acks.read_text(encoding="utf-8") if acks.exists() else ""
    lines = text.split("\n")[:-1]  # the last one was not written to its end
    for line in lines:
        path, ids = line.split("\t")
        if path == "commit":
            assert workspace.content.resolve("project").id == ids
            continue
        content = tuple(bytes.fromhex(id) for id in ids.split(",") if id)
        entry = Entry(path, EntryKind.FILE, content=content)
        assert workspace.content.read(entry) == (folder / path).read_bytes()
    return len(lines)


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

"""Model files that misuse what models may name, opened without any fence: the confined process harms nothing.

In the product most are refused before (tests/packaging/test_misuse.py); here it is as if that look had failed for all.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.confinement.misuse_runner import MEMORY
from tests.packaging.misuse import MISUSES, Effect, Misuse, Place

pytestmark = [
    pytest.mark.safety,
    pytest.mark.skipif(sys.platform != "linux", reason="Landlock and seccomp are Linux's"),
]

_SECRET = "the planted secret"
_LIMIT_SECONDS = 20.0
_HARMFUL = 15
"""At least so many do visible harm when nothing confines them, or the tests here could not fail."""

Run = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """Opens a model file in a process of its own; what became of that."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "tests.confinement.misuse_runner"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        env=environment,
        cwd=Path(__file__).parents[2],
    ) as runner:
        stdin, stdout = runner.stdin, runner.stdout
        assert stdin is not None and stdout is not None

        def one(misuse: Misuse, place: Place, *, confined: bool) -> dict[str, Any]:
            file, scratch = place.secret.parent / "model.pkl", place.secret.parent / "scratch"
            scratch.mkdir(exist_ok=True)
            file.write_bytes(misuse.build(place))
            row = misuse.row.format(secret=place.secret) if misuse.row else ""
            job = {"file": str(file), "scratch": str(scratch), "row": row, "confined": confined}
            stdin.write(json.dumps(job) + "\n")
            stdin.flush()
            answer: dict[str, Any] = json.loads(stdout.readline())
            return answer

        yield one
        stdin.close()


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def place(tmp_path: Path, listener: socket.socket) -> Place:
    secret = tmp_path / "secret.txt"
    secret.write_text(_SECRET, encoding="utf-8")
    os.utime(secret, (1, secret.stat().st_mtime))  # the next reading shows
    return Place(tmp_path / "written.py", secret, listener.getsockname()[1])


def _harm(place: Place, listener: socket.socket, answer: dict[str, Any]) -> list[str]:
    harm = []
    around = {path.name for path in place.secret.parent.iterdir()} - {"secret.txt", "model.pkl", "scratch"}
    if around:
        harm.append(f"wrote {sorted(around)}")
    if place.secret.read_text(encoding="utf-8") != _SECRET:
        harm.append("changed a file")
    try:
        listener.accept()[0].close()
        harm.append("connected")
    except BlockingIOError:
        pass
    if _SECRET in answer["said"]:
        harm.append("told a secret")
    return harm


def _was_read(place: Place) -> bool:
    return place.secret.stat().st_atime > 1


@pytest.mark.parametrize("misuse", MISUSES, ids=lambda misuse: misuse.name)
def test_a_misuse_does_no_harm_in_a_confined_process(
    misuse: Misuse, place: Place, listener: socket.socket, run: Run
) -> None:
    answer = run(misuse, place, confined=True)
    read = _was_read(place)
    assert not _harm(place, listener, answer), answer
    assert not read, answer
    assert answer["status"] != 99, "it was not confined"
    assert answer["seconds"] < _LIMIT_SECONDS
    assert answer["kilobytes"] < (MEMORY + (1 << 29)) / 1024


def test_the_same_misuses_do_harm_when_nothing_confines_them(tmp_path: Path, run: Run) -> None:
    """Those that write, read, or connect; what takes memory or time would take this computer's."""
    harmful = []
    for number, misuse in enumerate(MISUSES):
        if misuse.effect not in (Effect.FILE, Effect.SECRET, Effect.CONNECTION):
            continue
        folder = tmp_path / str(number)
        folder.mkdir()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.setblocking(False)
            secret = folder / "secret.txt"
            secret.write_text(_SECRET, encoding="utf-8")
            os.utime(secret, (1, secret.stat().st_mtime))
            place = Place(folder / "written.py", secret, listener.getsockname()[1])
            answer = run(misuse, place, confined=False)
            read = _was_read(place)
            if _harm(place, listener, answer) or read:
                harmful.append(misuse.name)
    assert len(harmful) >= _HARMFUL, harmful

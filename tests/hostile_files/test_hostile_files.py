"""Files that are made to run programs, to read and fetch what is not theirs, or to take all memory and time: each is
refused with its reason, within bounds, and none of them runs. And honest models of as many kinds: none is refused."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import time
import tracemalloc
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import NotAModel, UnsupportedModel
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.recorded_facts import checked_facts
from tests.hostile_files.archives import ARCHIVES
from tests.hostile_files.honest import honest_files
from tests.hostile_files.hostile import Hostile
from tests.hostile_files.pickles import PICKLES
from tests.hostile_files.pmml_documents import PMML_DOCUMENTS
from tests.packaging.misuse import MISUSES, Place

pytestmark = pytest.mark.safety

HOSTILE = [*PICKLES, *ARCHIVES, *PMML_DOCUMENTS]
_WANTED = 60  # of each
_LIMIT_SECONDS = 15.0  # of the processor: tells slow from dead
_LIMIT_BYTES = 400 << 20
_HARMFUL = 30
"""At least so many leave the canary when Python opens them, or it would prove nothing."""
_DOES_HARM = ("os.system", "os.posix_spawn", "os.exec", "subprocess.Popen", "socket.connect", "pickle.find_class")
"""What Python tells of programs, connections and imports by pickles."""

_heard: list[str] | None = None


def _hear(event: str, _: tuple[Any, ...]) -> None:
    if _heard is not None and event in _DOES_HARM:
        _heard.append(event)


@pytest.fixture(scope="module")
def heard() -> list[str]:
    """What was heard of ``_DOES_HARM`` while a file was looked at."""
    sys.addaudithook(_hear)
    return []


def _looked_at(hostile: Hostile, data: bytes, heard: list[str]) -> UnsupportedModel:
    """The refusal of ``data``. Nothing happens meanwhile."""
    global _heard
    heard.clear()
    began = time.process_time()
    _heard = heard
    try:
        refusal = _refusal(hostile, data)
        assert time.process_time() - began < _LIMIT_SECONDS
        tracemalloc.start()
        _refusal(hostile, data)
        assert tracemalloc.get_traced_memory()[1] < _LIMIT_BYTES
    finally:
        _heard = None
        tracemalloc.stop()
    return refusal


def _refusal(hostile: Hostile, data: bytes) -> UnsupportedModel:
    with pytest.raises(UnsupportedModel) as refusal:
        require_safe(inspect_model(hostile.file, io.BytesIO(data), {}, dict(hostile.beside).get))
    return refusal.value


@pytest.mark.parametrize("hostile", HOSTILE, ids=lambda hostile: hostile.name)
def test_a_hostile_file_is_refused_with_its_reason_and_never_runs(
    hostile: Hostile, tmp_path: Path, heard: list[str]
) -> None:
    canary = tmp_path / "canary"

    refusal = _looked_at(hostile, hostile.build(canary), heard)

    assert re.search(hostile.reason, refusal.message), refusal.message
    assert refusal.next_step
    assert not canary.exists()
    assert list(tmp_path.iterdir()) == []
    assert heard == []


def test_the_pickles_among_them_do_run_when_python_opens_them(tmp_path: Path) -> None:
    """Each in a process of its own, without any look at it."""
    harmful = [hostile for hostile in PICKLES if hostile.harms]
    jobs = []
    for number, hostile in enumerate(harmful):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / hostile.file).write_bytes(hostile.build(folder / "canary"))
        jobs.append(str(folder / hostile.file))
    opened = "\n".join(
        [
            "import contextlib, os, sys, pickle, sklearn.linear_model",
            "for file in sys.argv[1:]:",
            "    child = os.fork()",
            "    if child == 0:",
            "        os.dup2(os.open(os.devnull, os.O_RDWR), 1)",
            "        with contextlib.suppress(BaseException), open(file, 'rb') as stream:",
            "            pickle.load(stream)",
            "        os._exit(0)",
            "    os.waitpid(child, 0)",
        ]
    )
    subprocess.run(
        [sys.executable, "-c", opened, *jobs],
        check=True,
        timeout=300,
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "PAGER": "cat"},
    )

    silent = [
        hostile.name for hostile, job in zip(harmful, jobs, strict=True) if not Path(job).with_name("canary").exists()
    ]

    assert silent == []
    assert len(harmful) >= _HARMFUL


def test_honest_models_of_as_many_kinds_are_not_refused() -> None:
    refused: dict[str, str] = {}
    kinds: Counter[str] = Counter()
    for name, file, data in honest_files():
        try:
            facts = inspect_model(file, io.BytesIO(data), {})
            require_safe(checked_facts(facts, file))
        except (UnsupportedModel, NotAModel) as refusal:
            refused[name] = refusal.message
        else:
            kinds[f"{facts.framework.value} {facts.file_format}"] += 1

    assert refused == {}
    assert sum(kinds.values()) >= _WANTED
    print(f"honest: {sum(kinds.values())} models, 0 refused: {json.dumps(kinds)}")


def test_there_are_enough_of_them_and_no_two_are_alike(tmp_path: Path) -> None:
    names = [hostile.name for hostile in HOSTILE]
    place = Place(tmp_path / "written.py", tmp_path / "secret.txt", 9)
    contents = {(hostile.file, hostile.build(tmp_path / "canary")) for hostile in HOSTILE}
    misuses = {misuse.build(place) for misuse in MISUSES if not misuse.contained}
    print(f"hostile: {len(contents)} files here, {len(misuses)} misuses of allowed names beside them, all refused")

    assert len(set(names)) == len(names)
    assert len(contents) == len(names)
    assert len(contents) >= _WANTED

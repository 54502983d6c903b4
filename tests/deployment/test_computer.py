"""Which computer, start and process this is."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from kronkers_studio.deployment import computer
from kronkers_studio.settings.paths import data_folder


def test_an_account_keeps_its_random_id() -> None:
    first = computer.computer_id()
    assert len(first) == 32
    assert computer.computer_id() == first
    assert (data_folder() / "computer-id").read_text(encoding="ascii") == first


def test_another_process_finds_the_same_id_and_start() -> None:
    code = "from kronkers_studio.deployment.computer import *; print(computer_id(), start_of_computer(), sep='|')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert said.strip() == f"{computer.computer_id()}|{computer.start_of_computer()}"


def test_another_account_has_another_id(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = computer.computer_id()
    monkeypatch.setattr(computer, "data_folder", lambda: tmp_path)
    monkeypatch.setattr(computer, "_OF_THIS_PROCESS", "0" * 32)
    assert computer.computer_id() == "0" * 32 != first


@pytest.mark.parametrize("content", [b"", b"short", b"\xff" * 32, b"../../../../../../../etc/passwd!"])
def test_a_damaged_id_is_made_anew(content: bytes) -> None:
    data_folder().mkdir(parents=True)
    (data_folder() / "computer-id").write_bytes(content)
    made = computer.computer_id()
    assert len(made) == 32
    assert computer.computer_id() == made


def test_where_nothing_can_be_written_the_id_lasts_as_long_as_the_process(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setattr(computer, "data_folder", lambda: tmp_path / "file" / "below")
    assert computer.computer_id() == computer.computer_id() != ""


def test_the_start_is_told_on_every_system(monkeypatch: pytest.MonkeyPatch) -> None:
    for system in ("linux", "darwin", "win32"):
        computer.start_of_computer.cache_clear()
        monkeypatch.setattr(sys, "platform", system)
        assert computer.start_of_computer()
    computer.start_of_computer.cache_clear()


@pytest.mark.parametrize("number", [0, -1, 2**31, 2**70])
def test_strange_numbers_are_no_processes(number: int) -> None:
    assert not computer.process_exists(number)
    assert computer.process_exists(os.getpid())

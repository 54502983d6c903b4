"""Files that must survive: replaced whole, flushed as each system needs it, and read at any offset."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from kronkers_studio.domain.errors import StorageFull, WorkspaceBusy
from kronkers_studio.storage import files, writer_lock
from kronkers_studio.storage.writer_lock import WriterLock


def test_a_failed_replacement_leaves_the_old_file_and_no_draft(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "keys.json"
    files.write_atomically(file, b"old")

    def fail(_descriptor: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StorageFull, match="failed"), files.disk_failures("trying"):
        files.write_atomically(file, b"new")
    assert file.read_bytes() == b"old" and list(tmp_path.iterdir()) == [file]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_replaced_file_is_for_its_owner_only(tmp_path: Path) -> None:
    files.write_atomically(tmp_path / "secret", b"x")
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_on_macos_the_drives_cache_is_flushed_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    monkeypatch.setattr(
        files, "_fcntl", SimpleNamespace(F_FULLFSYNC=51, fcntl=lambda _fd, command: asked.append(command))
    )
    files.write_atomically(tmp_path / "x", b"x")
    assert 51 in asked


def test_on_windows_there_are_no_folders_to_flush_and_no_pread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").write_bytes(bytes(range(100)))
    monkeypatch.delattr(os, "O_DIRECTORY", raising=False)
    monkeypatch.delattr(os, "pread", raising=False)
    files.flush_folder(tmp_path)
    opened = files.RandomAccess(tmp_path / "x")
    assert opened.read(10, 5) == bytes(range(10, 15)) and opened.read(95, 10) == bytes(range(95, 100))
    opened.close()


def test_random_access_serves_threads_at_once(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(bytes(range(256)) * 1000)
    opened = files.RandomAccess(tmp_path / "x")
    wrong: list[int] = []

    def read(start: int) -> None:
        wrong.extend(at for at in range(start, 256_000, 97) if opened.read(at, 1) != bytes([at % 256]))

    threads = [threading.Thread(target=read, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    opened.close()
    assert wrong == []


def test_failures_that_are_not_the_disks_are_left_as_they_are() -> None:
    with pytest.raises(IsADirectoryError), files.disk_failures("trying"):
        raise IsADirectoryError(errno.EISDIR, "Is a directory")


def test_a_second_writer_is_refused_by_the_name_of_the_first(tmp_path: Path) -> None:
    first, second = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    first.acquire()
    with pytest.raises(WorkspaceBusy, match=rf"process {os.getpid()} on "):
        second.acquire()
    first.release()
    second.acquire()
    second.release()


def test_a_waiting_writer_gets_its_turn(tmp_path: Path) -> None:
    first, second = WriterLock(tmp_path / "lock"), WriterLock(tmp_path / "lock")
    first.acquire()
    threading.Timer(0.2, first.release).start()
    second.acquire(wait=10)
    second.release()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    program = (
        "import sys, pathlib; from kronkers_studio.storage.writer_lock import WriterLock\n"
        "WriterLock(pathlib.Path(sys.argv[1])).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        assert other.stdout is not None and other.stdout.readline() == "held\n"
        mine = WriterLock(tmp_path / "lock")
        with pytest.raises(WorkspaceBusy, match=f"process {other.pid} on "):
            mine.acquire()
        other.kill()
        other.wait()
    mine.acquire(wait=1)
    mine.release()


def test_on_windows_a_byte_far_behind_the_owners_name_is_locked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[int, int]] = []

    def locking(descriptor: int, mode: int, _bytes: int) -> None:
        calls.append((mode, os.lseek(descriptor, 0, os.SEEK_CUR)))

    monkeypatch.setattr(writer_lock, "_fcntl", None)
    monkeypatch.setattr(writer_lock, "_msvcrt", SimpleNamespace(LK_NBLCK=2, LK_UNLCK=0, locking=locking))
    mine = WriterLock(tmp_path / "lock")
    mine.acquire()
    mine.release()
    assert calls == [(2, 1 << 30), (0, 1 << 30)]
    assert (tmp_path / "lock").stat().st_size < 200

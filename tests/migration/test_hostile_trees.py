"""Folders as hostile as they come: brought in, listed where that cannot be, and restored exactly.

The large ones are marked slow and have a small twin that always runs.
"""

# Names are bytes here, which pathlib does not take.
# ruff: noqa: PTH102, PTH114, PTH115, PTH123, PTH208, PTH211

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio.domain.content import Entry, EntryKind, SkipReason
from kronkers_studio.domain.migration import MigrationResult
from kronkers_studio.domain.naming import WINDOWS, folded, name_problem
from kronkers_studio.registry.restoring import restorer
from kronkers_studio.workflows.browsing import restore
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import Session
from tests.counted_work import memory_grown
from tests.migration.kinds import Make

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows such names and files")


def brought_in(session: Session, folder: Path, project: str = "p") -> tuple[MigrationResult, dict[str, Entry]]:
    result = migrate_folder(session, folder, project)
    entries = {entry.path: entry for entry in session.workspace.content.walk(project)}
    return result, entries


def restored(session: Session, target: Path, project: str = "p") -> Path:
    report = restore(session, project, "", target)
    assert report.skipped == ()
    assert report.mapped == ()
    return target


def names_below(folder: Path) -> dict[bytes, bytes | None]:
    """All names below ``folder``, as the file system has them, with what is there."""
    top = os.fsencode(folder)
    found: dict[bytes, bytes | None] = {}
    for here, folders, files in os.walk(top):
        for name in folders + files:
            path = here + b"/" + name
            if os.path.islink(path):
                found[os.path.relpath(path, top)] = os.readlink(path)
            elif name in files:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, top)] = file.read()
            else:
                found[os.path.relpath(path, top)] = None
    return found


def reasons_of(result: MigrationResult) -> dict[str, SkipReason]:
    return {item.path: item.reason for item in result.skipped}


NOBODY = 65534
SLOW = (pytest.mark.slow, pytest.mark.timeout(1200))
HOSTILE_NAMES = [
    b"new\nline.csv",
    b"carriage\rreturn",
    b"escape \x1b[2J sequence",
    b"tab\tand \x01 control",
    b" leading and trailing ",
    b"trailing dot.",
    b"con.txt",
    b'a:b?c*d|e<f>g"h\\i',
    b"-rf",
    b"$(touch owned)`id`",
    b"%s%n%x",
    "right-to-left \u202e fdp.exe".encode(),
    "zero\u200bwidth".encode(),
    "\U0010ffff".encode(),
    "emoji 👩‍👩‍👧‍👦".encode(),
    b"M\xfcller.csv",
    b"\xff\xfe\xfd",
    b"half \xc3",
    b"overlong \xc0\xaf slash",
    b"utf-16 surrogate \xed\xa0\x80",
]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(b"new\nline.csv", id="newline"),
        pytest.param(b"M\xfcller.csv", id="not UTF-8"),
        pytest.param(b"escape \x1b[2J sequence", id="control characters"),
        pytest.param(b"trailing dot. ", id="trailing dot and space"),
        pytest.param("right-to-left \u202e fdp.exe".encode(), id="right to left"),
    ],
)
def test_a_hostile_name_comes_back_byte_for_byte(session: Session, folder: Path, tmp_path: Path, name: bytes) -> None:
    top = os.fsencode(folder)
    os.mkdir(top + b"/in " + name)
    for path in (top + b"/" + name, top + b"/in " + name + b"/" + name):
        with open(path, "wb") as file:
            file.write(name)
    os.symlink(name, top + b"/link")

    result, _ = brought_in(session, folder)

    assert result.skipped == ()
    assert names_below(restored(session, tmp_path / "out")) == names_below(folder)
    assert migrate_folder(session, folder, "p").changed is False


def test_names_of_255_bytes_come_back(session: Session, folder: Path, tmp_path: Path) -> None:
    top = os.fsencode(folder)
    for name in (b"x" * 255, b"y" * 251 + b".csv", "ü".encode() * 127 + b"z", b"\xff" * 255):
        with open(top + b"/" + name, "wb") as file:
            file.write(b"content")
    os.mkdir(top + b"/" + b"d" * 255)

    result, _ = brought_in(session, folder)

    assert result.skipped == ()
    assert names_below(restored(session, tmp_path / "out")) == names_below(folder)


def test_a_tree_200_folders_deep_comes_back(session: Session, folder: Path, tmp_path: Path) -> None:
    deep = folder / "/".join(["level"] * 200)
    deep.mkdir(parents=True)
    (deep / "bottom.csv").write_bytes(b"bottom")
    for parent in list(deep.parents)[:150]:
        (parent / "beside.txt").write_bytes(b"beside")

    result, _ = brought_in(session, folder)

    assert (result.files, result.skipped) == (151, ())
    assert names_below(restored(session, tmp_path / "out")) == names_below(folder)


def test_loops_of_links_are_kept_as_links_and_never_followed(session: Session, folder: Path, tmp_path: Path) -> None:
    (folder / "a").mkdir()
    (folder / "a" / "file.csv").write_bytes(b"once")
    for name, target in {
        "self": "self",
        "a/up": "..",
        "a/here": ".",
        "ping": "pong",
        "pong": "ping",
        "root": "/",
        "dangling": "no/such/thing",
        "into proc": "/proc/self/root",
    }.items():
        (folder / name).symlink_to(target)

    result, entries = brought_in(session, folder)

    assert (result.files, result.skipped) == (1, ())
    assert sum(entry.kind is EntryKind.LINK for entry in entries.values()) == 8
    assert names_below(restored(session, tmp_path / "out")) == names_below(folder)


def test_pipes_sockets_and_devices_are_listed_and_nobody_waits_for_them(
    session: Session, folder: Path, make_socket: Callable[[str], Path]
) -> None:
    (folder / "good.csv").write_bytes(b"good")
    os.mkfifo(folder / "pipe")
    make_socket("socket")
    expected = {"pipe": SkipReason.SPECIAL_FILE, "socket": SkipReason.SPECIAL_FILE}
    if os.geteuid() == 0:
        try:
            os.mknod(folder / "zero", 0o666 | 0o020000, os.makedev(1, 5))  # endless, if anybody read it
            expected["zero"] = SkipReason.SPECIAL_FILE
        except PermissionError:
            pass  # a container without that right

    result, entries = brought_in(session, folder)

    assert reasons_of(result) == expected
    assert result.incomplete
    assert set(entries) == {"good.csv"}


@pytest.mark.parametrize("size", [pytest.param(150 << 20, id="150 MB"), pytest.param(5 << 30, id="5 GB", marks=SLOW)])
def test_a_sparse_file_costs_little_room_and_comes_back_whole(
    session: Session, folder: Path, tmp_path: Path, size: int
) -> None:
    file = folder / "disk image.bin"
    with file.open("wb") as stream:
        stream.write(b"begin")
        stream.seek(size // 2)
        stream.write(b"middle")
        stream.truncate(size)

    result, entries = brought_in(session, folder)

    assert (result.read_bytes, result.skipped) == (size, ())
    assert entries["disk image.bin"].size == size
    assert result.new_bytes < 4 << 20
    target = tmp_path / "out"
    try:
        with (restored(session, target) / "disk image.bin").open("rb") as stream:
            assert hashlib.file_digest(stream, "blake2b").digest() == digest_of(file)
        assert (target / "disk image.bin").stat().st_blocks * 512 < 16 << 20, "holes stay holes"
    finally:
        (target / "disk image.bin").unlink(missing_ok=True)


def digest_of(file: Path) -> bytes:
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "blake2b").digest()


def test_a_file_that_never_stops_growing_is_listed_and_holds_nothing_up(session: Session, folder: Path) -> None:
    (folder / "good.csv").write_bytes(b"good")
    log, stop = folder / "log.csv", threading.Event()
    log.write_bytes(b"line\n" * 6_000_000)  # reading it takes longer than a busy machine lets the writer wait

    def grow() -> None:
        with log.open("ab", buffering=0) as file:
            while not stop.is_set():
                file.write(b"another line\n" * 100)

    writer = threading.Thread(target=grow)
    writer.start()
    begun = time.monotonic()
    try:
        result, entries = brought_in(session, folder)
    finally:
        stop.set()
        writer.join()

    assert reasons_of(result) == {"log.csv": SkipReason.CHANGED_WHILE_READ}
    assert set(entries) == {"good.csv"}
    assert time.monotonic() - begun < 30
    later, entries = brought_in(session, folder)
    assert later.skipped == ()
    assert entries["log.csv"].size == log.stat().st_size


def test_what_this_user_may_not_read_is_listed_and_the_rest_is_brought_in(
    folder: Path, make: Make, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """As a user without rights, in a process of its own."""
    make("open/good.csv", "good")
    make("closed/inside.csv", "never seen").parent.chmod(0)
    make("secret.csv", "secret").chmod(0)
    make("unlisted/inside.csv", "x").parent.chmod(0o300)
    make("not entered/inside.csv", "x").parent.chmod(0o444)
    script = f"""
import os, sys, tempfile
from pathlib import Path
from kronkers_studio.workflows.session import create_workspace, open_workspace
from kronkers_studio.workflows.migrating import migrate_folder
place = Path(tempfile.mkdtemp())
for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME"):
    os.environ[name] = str(place)
(place / "first").mkdir()
(place / "first" / "a.csv").write_text("a")
session, _ = create_workspace(place / "workspace", key_file=place / "key")
with session:  # loads the whole program, whose files may be closed to others
    migrate_folder(session, place / "first", "first")
    list(session.workspace.content.walk("first"))
if os.geteuid() == 0:
    for path in [place, *place.rglob("*")]:
        os.chown(path, {NOBODY}, {NOBODY})
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
with open_workspace(place / "workspace", key_file=place / "key") as session:
    result = migrate_folder(session, Path({str(folder)!r}), "p")
    print(sorted((item.path, item.reason.value) for item in result.skipped))
    print(sorted(entry.path for entry in session.workspace.content.walk("p")))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "TMPDIR": str(tmp_path_factory.getbasetemp() if os.geteuid() else "/tmp")},
    )
    assert done.stdout.splitlines() == [
        str(
            [
                ("closed", "no-permission"),
                ("not entered/inside.csv", "no-permission"),
                ("secret.csv", "no-permission"),
                ("unlisted", "no-permission"),
            ]
        ),
        "['not entered', 'open', 'open/good.csv']",
    ], done.stderr


@pytest.mark.parametrize("count", [1_000, pytest.param(100_000, marks=SLOW)])
def test_a_folder_with_very_many_files_is_brought_in_and_comes_back(
    session: Session, folder: Path, tmp_path: Path, count: int
) -> None:
    full = folder / "full"
    full.mkdir()
    for number in range(count):
        descriptor = os.open(full / f"measurement {number:06}.csv", os.O_WRONLY | os.O_CREAT)
        os.write(descriptor, b"%d\n" % (number % 5000))
        os.utime(descriptor, ns=(1_600_000_000_000_000_000,) * 2)
        os.close(descriptor)

    with memory_grown() as grown:
        result, _ = brought_in(session, folder)

    assert (result.files, result.skipped) == (count, ())
    assert grown.size < (200 << 20) + count * 5_000
    again = migrate_folder(session, folder, "p")
    assert (again.changed, again.read_files) == (False, 0)
    target = restored(session, tmp_path / "out")
    assert sorted(os.listdir(target / "full")) == sorted(os.listdir(full))


def test_on_a_system_that_cannot_hold_such_names_all_come_back_under_others_and_are_listed(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Windows would have it; run again, it finds what it wrote."""
    monkeypatch.setattr(restorer, "rules_of", lambda target: WINDOWS)
    top = os.fsencode(folder)
    for name in (*HOSTILE_NAMES, b"Report.csv", b"report.csv", b"REPORT.csv", b"fine.csv"):
        with open(top + b"/" + name, "wb") as file:
            file.write(name)
    for name in (b"Data", b"data", b"aux"):
        os.mkdir(top + b"/" + name)
        with open(top + b"/" + name + b"/inside.csv", "wb") as file:
            file.write(name)
    brought_in(session, folder)

    first = restore(session, "p", "", tmp_path / "out")
    again = restore(session, "p", "", tmp_path / "out")

    assert first.skipped == again.skipped == ()
    assert first.mapped == again.mapped
    written = names_below(tmp_path / "out")
    assert sorted(filter(None, written.values())) == sorted(filter(None, names_below(folder).values()))
    assert all(not name_problem(os.fsdecode(part), WINDOWS) for path in written for part in path.split(b"/"))
    assert len({folded(os.fsdecode(path)) for path in written}) == len(written)
    named = {mapped.path: mapped.name for mapped in first.mapped}
    assert named["con.txt"] == "con_.txt"
    assert {named.get(name, name) for name in ("Data", "data")} == {"Data", "data (2)"}
    assert "fine.csv" not in named
    assert all(mapped.why for mapped in first.mapped)


def test_everything_at_once(session: Session, folder: Path, tmp_path: Path, make_socket: Callable[[str], Path]) -> None:
    """One hostile thing does not hide another."""
    top = os.fsencode(folder)
    for name in HOSTILE_NAMES:
        with open(top + b"/" + name, "wb") as file:
            file.write(name * 10)
    os.mkfifo(folder / "pipe")
    make_socket("socket")
    (folder / "loop").symlink_to(".")
    (folder / "/".join(["d" * 50] * 30)).mkdir(parents=True)

    result, _ = brought_in(session, folder)

    assert reasons_of(result) == {"pipe": SkipReason.SPECIAL_FILE, "socket": SkipReason.SPECIAL_FILE}
    (folder / "pipe").unlink()
    (folder / "socket").unlink()
    assert names_below(restored(session, tmp_path / "out")) == names_below(folder)
    report = session.workspace.content.check(read_data=True)
    assert report.problems == ()

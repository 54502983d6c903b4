"""A workspace on a disk that is read-only or full: what is in it can be used, and space can be freed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from kronkers_studio.cli.main import build
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import StorageFull, WorkspaceReadOnly
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.series import Metric, SeriesKey
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.storage.database import Database
from kronkers_studio.storage.reserve import RESERVE_FILE
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.searching import search
from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import Shell

READING = (
    ("projects",),
    ("log", "p"),
    ("show", "p"),
    ("ls", "p"),
    ("table", "p", "1.csv", "--sort", "id"),
    ("read", "p:1.csv", "--json"),
    ("diff", "p", "FIRST", "main"),
    ("check", "--read-data"),
    ("search", "csv"),
    ("model", "list"),
    ("releases",),
    ("server", "list"),
    ("consumer", "list"),
    ("trash", "list"),
    ("key", "list"),
    ("key", "public"),
    ("key", "signers"),
    ("gc", "--dry-run"),
    ("status", "p", "SOURCE"),
    ("migrate", "SOURCE", "--project", "p", "--dry-run"),
    ("folder", "list"),
    ("checkouts",),
    ("image-registry", "list"),
    ("cache", "list"),
    ("base", "list"),
    ("base", "dockerfile", "r"),
    ("branch", "p"),
    ("tag", "p"),
    ("diagnostics", "d.zip", "--dry-run"),
    ("model", "find", "p"),
    ("model", "search", "wine"),
)
OTHERS = {
    *("init", "demo", "restore", "merge", "save", "registry rebuild", "autostart", "folder forget"),
    *("checkout", "commit", "update", "new", "open"),
    *("key add", "key drill", "key recovery", "key remove", "key rotate", "key trust", "key distrust"),
    *("trash branch", "trash empty", "trash model", "trash project", "trash restore"),
    *("cache export", "cache import", "base add", "base build"),
    *("image-registry forget", "image-registry login", "image-registry refresh", "image-registry trust"),
    *(
        f"model {word}"
        for word in (
            *("add", "alias", "allow", "card", "compare", "dependencies", "disallow", "history"),
            *("lineage", "measure", "profile", "register", "show", "signature", "tag", "test", "tests"),
        )
    ),
    *("package", "verify", "release", "rollback", "start", "stop", "predict", "address", "metrics", "logs", "rows"),
    *(f"gateway {word}" for word in ("authority", "image", "repair", "start", "status", "stop")),
    *(f"consumer {word}" for word in ("add", "key", "remove", "revoke")),
    *(f"server {word}" for word in ("add", "check", "clean", "log", "login", "remove", "setup", "unlock")),
}
"""What writes, or is about a model, a release or a server, of which there are none here."""


def _commands(command: Any, words: tuple[str, ...] = ()) -> Iterator[str]:
    below = getattr(command, "commands", {})
    for word, each in below.items():
        yield from _commands(each, (*words, word))
    if not below:
        yield " ".join(words)


def test_every_command_is_one_that_reads_or_is_known_not_to() -> None:
    """Seen to fail with a command that neither names."""
    every = set(_commands(get_command(build(lambda *_: None))))
    reading = {" ".join(words[: 2 if " ".join(words[:2]) in every else 1]) for words in READING}
    assert reading | OTHERS == every and not reading & OTHERS


def mount(place: Path, *arguments: str) -> None:
    place.mkdir(exist_ok=True)
    if sys.platform != "linux" or subprocess.run(["mount", *arguments, str(place)], check=False).returncode:
        pytest.skip("only root on Linux can mount")


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """With a project of two versions."""
    return filled(Shell(tmp_path))


def filled(shell: Shell) -> Shell:
    shell.init()
    source = shell.folder / "source"
    source.mkdir()
    for number in range(2):
        (source / f"{number}.csv").write_text(f"id,a\n{number},x\n", encoding="utf-8")
        shell.run("migrate", str(source), "--project", "p")
    return shell


def read_everything(shell: Shell) -> None:
    versions = shell.json("log", "p")
    words = {"SOURCE": str(shell.folder / "source"), "FIRST": versions[-1]["id"]}
    assert len(versions) == 2
    for command in READING:
        shell.run(*(words.get(word, word) for word in command))
    target = shell.folder / f"restored-{shell.workspace.name}"
    shell.run("restore", "p", str(target))
    assert sorted(file.name for file in target.iterdir()) == ["0.csv", "1.csv"]
    shutil.rmtree(target)
    assert shell.json("search", "csv")["total"] == 2


@pytest.fixture
def read_only(shell: Shell) -> Iterator[Shell]:
    place = shell.folder / "read-only"
    mount(place, "--bind", str(shell.workspace))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(place)], check=True)
    try:
        seen = Shell(shell.folder)
        seen.workspace = place
        seen.environment["KRONKERS_WORKSPACE"] = str(place)
        yield seen
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_all_that_reads_works_on_a_read_only_disk(read_only: Shell) -> None:
    read_everything(read_only)


def test_charts_that_were_kept_are_read_on_a_read_only_disk_and_none_are_no_failure(
    shell: Shell, read_only: Shell
) -> None:
    key = SeriesKey("m", THIS_COMPUTER, Metric.MEMORY)
    with open_workspace(read_only.workspace) as session:
        assert session.series.latest("m", THIS_COMPUTER) == {}
    with open_workspace(shell.workspace) as session:
        session.series.append([(key, 1000.0, 5.0)])
    with open_workspace(read_only.workspace) as session:
        assert session.series.latest("m", THIS_COMPUTER) == {Metric.MEMORY: (1000.0, 5.0)}
        with pytest.raises(WorkspaceReadOnly):
            session.series.append([(key, 1001.0, 6.0)])


def test_what_writes_says_that_a_read_only_workspace_cannot_be_written_to(read_only: Shell) -> None:
    (read_only.folder / "source" / "new.csv").write_text("1", encoding="utf-8")
    for command in (
        ("migrate", str(read_only.folder / "source"), "--project", "p"),
        ("tag", "p", "v1"),
        ("gc",),
        ("branch", "p", "b"),
        ("key", "recovery"),
    ):
        problem = read_only.json(*command, expect=1)["error"]
        assert problem["kind"] == "WorkspaceReadOnly", command
        assert "cannot be written to" in problem["message"]


def test_a_read_only_disk_is_read_beside_somebody_who_writes_by_another_way(shell: Shell, read_only: Shell) -> None:
    source = shell.folder / "source"
    with open_workspace(shell.workspace) as writing:
        (source / "2.csv").write_text("id\n2\n", encoding="utf-8")
        migrate_folder(writing, source, "p")  # it lies in the write-ahead log now
        with open_workspace(read_only.workspace) as reading:
            assert reading.workspace.content.resolve("p", DEFAULT_BRANCH).files == 3
            (source / "3.csv").write_text("id\n3\n", encoding="utf-8")
            migrate_folder(writing, source, "p")
            assert reading.workspace.content.resolve("p", DEFAULT_BRANCH).files == 4


def test_what_a_killed_program_left_in_the_log_is_read_on_a_read_only_disk(shell: Shell, tmp_path: Path) -> None:
    source, killed = shell.folder / "source", tmp_path / "killed"
    with open_workspace(shell.workspace) as writing:
        (source / "2.csv").write_text("id\n2\n", encoding="utf-8")
        migrate_folder(writing, source, "p")
        shutil.copytree(shell.workspace, killed, ignore=shutil.ignore_patterns("*-shm"))
    mount(killed, "--bind", str(killed))
    subprocess.run(["mount", "-o", "remount,bind,ro", str(killed)], check=True)
    try:
        with open_workspace(killed) as reading:
            assert reading.workspace.content.resolve("p", DEFAULT_BRANCH).files == 3
            with pytest.raises(WorkspaceReadOnly):
                reading.workspace.ledger.record(author="ann")
    finally:
        subprocess.run(["umount", str(killed)], check=True)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_all_that_reads_works_for_an_account_that_may_not_write() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another account and back")
    with tempfile.TemporaryDirectory(prefix="kronkers-open-") as folder:  # pytest's own is closed to others
        shell = filled(Shell(Path(folder)))

        def use() -> None:
            with open_workspace(shell.workspace, key_file=shell.key_file) as session:
                assert session.workspace.content.resolve("p", DEFAULT_BRANCH).files == 2
                assert search(session, "csv").total >= 2
                migrate_folder(session, shell.folder / "source", "other")

        load_settings()
        use()  # loads all modules, which the other account cannot
        (shell.folder / "source" / "new.csv").write_text("1", encoding="utf-8")
        for path in [shell.folder, *shell.folder.rglob("*")]:
            path.chmod(0o755 if path.is_dir() else 0o444)
        os.seteuid(65534)
        try:
            with pytest.raises(WorkspaceReadOnly, match="cannot be written to"):
                use()
        finally:
            os.seteuid(0)


@pytest.fixture(params=["3m", "20m"])
def full(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Shell]:
    """A workspace on a small disk without a byte left."""
    place = tmp_path / "small"
    mount(place, "-t", "tmpfs", "-o", f"size={request.param}", "tmpfs")
    try:
        shell = Shell(tmp_path)
        shell.workspace = place / "ws"
        shell.environment["KRONKERS_WORKSPACE"] = str(shell.workspace)
        filled(shell)
        big = shell.folder / "big"
        big.mkdir()
        (big / "random.bin").write_bytes(os.urandom(400_000))
        shell.run("migrate", str(big), "--project", "big")
        shell.run("trash", "project", "big")
        with (place / "fill").open("wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass
        yield shell
    finally:
        subprocess.run(["umount", str(place)], check=True)


def test_all_that_reads_works_on_a_full_disk(full: Shell) -> None:
    read_everything(full)


def test_what_writes_says_that_the_disk_is_full(full: Shell) -> None:
    source = full.folder / "source"
    (source / "new.bin").write_bytes(os.urandom(100_000))
    for command in (("migrate", str(source), "--project", "p"), ("tag", "p", "v1"), ("key", "recovery")):
        problem = full.json(*command, expect=1)["error"]
        assert problem["kind"] == "StorageFull", (command, problem)
        assert "is full" in problem["message"], problem


def test_space_is_freed_on_a_full_disk(full: Shell) -> None:
    assert full.json("trash", "empty")
    freed = full.json("gc", "--grace-days", "0")
    assert freed["freed"] > 400_000
    assert shutil.disk_usage(full.workspace).free > 100_000
    full.run("tag", "p", "v1")
    assert full.json("check", "--read-data")["problems"] == []
    assert (full.workspace / RESERVE_FILE).exists() or shutil.disk_usage(full.workspace).free < 8 * 256 * 1024


def test_a_database_that_was_opened_on_a_full_disk_is_written_to_when_there_is_room(full: Shell) -> None:
    with open_workspace(full.workspace) as session:
        with pytest.raises(StorageFull):
            migrate_folder(session, full.folder / "source", "other")
        (full.workspace.parent / "fill").unlink()
        assert migrate_folder(session, full.folder / "source", "other").changed


def test_another_that_wants_to_open_a_database_that_is_not_there_is_told_why(tmp_path: Path) -> None:
    place = tmp_path / "empty"
    mount(place, "-t", "tmpfs", "-o", "size=1m,ro", "tmpfs")
    try:
        with pytest.raises(WorkspaceReadOnly), Database(place / "a.db", b"k" * 32).read():
            pass
    finally:
        subprocess.run(["umount", str(place)], check=True)

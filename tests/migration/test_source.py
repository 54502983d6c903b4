"""Reading files that change, vanish, or are replaced by something else."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from kronkers_studio.domain.content import WHOLE_LIMIT, EntryKind, SkipReason, SourceItem, SourceProblem
from kronkers_studio.domain.errors import SourceUnavailable
from kronkers_studio.migration import FolderSource, filesystem, scan_folder
from kronkers_studio.migration.found_item import FoundItem
from tests.migration.kinds import Make, WithoutRights


def item_of(folder: Path, path: str) -> FoundItem:
    return next(item for item in scan_folder(folder).items if item.path == path)


_SAYS = {
    SkipReason.CHANGED_WHILE_READ: ("It changed while it was read.",),
    SkipReason.VANISHED: ("It was there a moment ago and is gone now.",),
    SkipReason.NO_PERMISSION: ("You are not allowed to read it.",),
    SkipReason.SPECIAL_FILE: ("never followed", "there is nothing in it to keep"),
    SkipReason.PLACEHOLDER: ("OneDrive has moved it to the cloud meanwhile.",),
}


def reason_of_reading(folder: Path, item: SourceItem, meanwhile: Callable[[], object] = lambda: None) -> SkipReason:
    """Why reading ``item`` fails when ``meanwhile`` happens between opening and finishing."""
    with pytest.raises(SourceProblem) as problem, FolderSource(folder).open(item) as stream:
        stream.read(1)
        meanwhile()
        stream.read()
    assert problem.value.skipped.path == item.path
    said = problem.value.skipped.detail
    assert any(words in said for words in _SAYS[problem.value.skipped.reason]), said
    return problem.value.skipped.reason


def reason_of_reading_whole(folder: Path, item: SourceItem) -> SkipReason:
    with pytest.raises(SourceProblem) as problem:
        FolderSource(folder).read_whole(item)
    assert problem.value.skipped.path == item.path
    return problem.value.skipped.reason


def test_what_is_read_whole_has_been_looked_at(folder: Path, make: Make) -> None:
    make("a.csv", "id,name\n1,Anna\n")
    make("empty.csv", "")
    make("run", "#!/bin/sh\n")
    make("notes.md", "# Notes")
    source = FolderSource(folder)
    planned = {item.path: item for item in scan_folder(folder).items}
    for item in scan_folder(folder, plan=False).items:
        assert item.unseen
        whole = source.read_whole(item)
        assert whole is not None
        found, content = whole
        assert isinstance(found, FoundItem)
        assert content == (folder / item.path).read_bytes()
        assert not found.unseen and found.look == planned[item.path].look and found.compressed is item.look.compressed
        assert source.read_whole(planned[item.path]) == (planned[item.path], content)


def test_no_file_is_opened_by_a_scan_that_plans_nothing_if_it_will_be_read_whole(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.csv", "id,name\n1,Anna\n")
    make("large.csv", "id,name\n" + "1,Anna\n" * 200_000)
    opened = []
    really_read = filesystem.read_head
    monkeypatch.setattr(filesystem, "read_head", lambda path, size: opened.append(path) or really_read(path, size))
    small, large = scan_folder(folder, plan=False).items
    assert small.unseen and not large.unseen and [Path(path).name for path in opened] == ["large.csv"]


def test_a_file_is_read_whole_up_to_a_limit_and_as_it_is_then(folder: Path, make: Make) -> None:
    make("a.bin", b"x" * WHOLE_LIMIT)
    make("b.bin", b"small")
    whole, grown = scan_folder(folder).items
    make("b.bin", b"x" * (WHOLE_LIMIT + 1))
    assert FolderSource(folder).read_whole(whole) == (whole, b"x" * WHOLE_LIMIT)
    assert FolderSource(folder).read_whole(grown) is None


@pytest.mark.parametrize("change", ["longer", "shorter", "rewritten", "replaced", "deleted"])
def test_a_file_that_changes_while_it_is_read_whole_is_noticed(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    file = make("a.csv", "0123456789")
    item = item_of(folder, "a.csv")
    really_read = os.read

    def changing(descriptor: int, count: int) -> bytes:
        if change == "longer":
            with file.open("ab") as stream:
                stream.write(b"more")
        elif change == "shorter":
            os.truncate(file, 4)
        elif change == "rewritten":
            make("a.csv", "9876543210", mtime_ns=None)
        elif change == "replaced":
            make("draft", "9876543210").replace(file)
        else:
            file.unlink()
        return really_read(descriptor, count)

    monkeypatch.setattr(os, "read", changing)
    expected = SkipReason.VANISHED if change == "deleted" else SkipReason.CHANGED_WHILE_READ
    assert reason_of_reading_whole(folder, item) is expected


def test_a_files_bytes_come_whole_and_from_the_start(folder: Path, make: Make) -> None:
    make("a/b.bin", os.urandom(3_000_000))
    item = item_of(folder, "a/b.bin")
    source = FolderSource(folder)

    with source.open(item) as stream:
        assert stream.read() == (folder / "a/b.bin").read_bytes()
    with source.open(item) as stream:
        pieces = list(iter(lambda: stream.read(100_000), b""))
    assert b"".join(pieces) == (folder / "a/b.bin").read_bytes()


def test_a_file_that_changed_between_scan_and_opening_is_read_as_it_is_now(folder: Path, make: Make) -> None:
    make("a.csv", "old")
    item = item_of(folder, "a.csv")
    make("a.csv", "newer")

    with FolderSource(folder).open(item) as stream:
        assert stream.read() == b"newer"


def test_a_file_saved_anew_between_scan_and_opening_is_read_too(folder: Path, make: Make) -> None:
    make("sub/a.csv", "old")
    item = item_of(folder, "sub/a.csv")
    make("sub/draft", "saved anew").replace(folder / "sub/a.csv")

    with FolderSource(folder).open(item) as stream:
        assert stream.read() == b"saved anew"


def test_a_file_that_grows_while_read_is_reported(folder: Path, make: Make) -> None:
    file = make("log.csv", "x" * 100_000)
    item = item_of(folder, "log.csv")

    def grow() -> None:
        with file.open("a") as other:
            other.write("more")

    assert reason_of_reading(folder, item, grow) is SkipReason.CHANGED_WHILE_READ


def test_a_file_rewritten_in_place_at_the_same_length_is_reported(folder: Path, make: Make) -> None:
    make("a.csv", "old")
    item = item_of(folder, "a.csv")
    assert reason_of_reading(folder, item, lambda: make("a.csv", "new", mtime_ns=None)) is SkipReason.CHANGED_WHILE_READ


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be replaced there")
def test_a_file_replaced_while_read_is_reported(folder: Path, make: Make) -> None:
    make("a.csv", "old")
    item = item_of(folder, "a.csv")
    assert (
        reason_of_reading(folder, item, lambda: make("b.csv", "new").replace(folder / "a.csv"))
        is SkipReason.CHANGED_WHILE_READ
    )


@pytest.mark.skipif(sys.platform == "win32", reason="an open file cannot be deleted there")
def test_a_file_deleted_while_read_is_reported(folder: Path, make: Make) -> None:
    make("a.csv", "old")
    item = item_of(folder, "a.csv")
    assert reason_of_reading(folder, item, (folder / "a.csv").unlink) is SkipReason.VANISHED


def test_a_file_that_grows_as_fast_as_it_is_read_comes_to_an_end(folder: Path, make: Make) -> None:
    file = make("busy.log", "x" * 100_000)
    item = item_of(folder, "busy.log")
    pieces = 0

    with (
        pytest.raises(SourceProblem) as problem,
        file.open("ab", buffering=0) as log,
        FolderSource(folder).open(item) as stream,
    ):
        while stream.read(20_000) and pieces < 100:
            log.write(b"x" * 20_000)
            pieces += 1
    assert problem.value.skipped.reason is SkipReason.CHANGED_WHILE_READ
    assert pieces < 10


def test_a_file_that_vanished_is_reported(folder: Path, make: Make) -> None:
    make("a.csv")
    item = item_of(folder, "a.csv")
    (folder / "a.csv").unlink()
    assert reason_of_reading(folder, item) is SkipReason.VANISHED


def test_a_vanished_subfolder_is_a_vanished_file_and_a_vanished_root_stops_everything(folder: Path, make: Make) -> None:
    make("root/sub/a.csv")
    item = item_of(folder / "root", "sub/a.csv")
    shutil.rmtree(folder / "root" / "sub")
    assert reason_of_reading(folder / "root", item) is SkipReason.VANISHED

    (folder / "root").rmdir()
    with pytest.raises(SourceUnavailable) as gone, FolderSource(folder / "root").open(item):
        pass
    assert "what was stored so far is kept" in gone.value.next_step


def test_a_file_without_permission_is_reported(folder: Path, make: Make, without_rights: WithoutRights) -> None:
    make("a.csv")
    item = item_of(folder, "a.csv")
    (folder / "a.csv").chmod(0)
    with without_rights():
        assert reason_of_reading(folder, item) is SkipReason.NO_PERMISSION


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_pipe_in_the_files_place_is_refused_without_waiting(folder: Path, make: Make) -> None:
    make("a.csv")
    item = item_of(folder, "a.csv")
    (folder / "a.csv").unlink()
    os.mkfifo(folder / "a.csv")
    assert reason_of_reading(folder, item) is SkipReason.SPECIAL_FILE


@pytest.mark.skipif(sys.platform == "win32", reason="has no pipes in folders")
def test_a_pipe_that_takes_the_place_at_the_last_moment_is_refused_too(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.csv")
    item = item_of(folder, "a.csv")
    really_open = filesystem.open_file

    def swapped(path: str) -> int:
        Path(path).unlink()
        os.mkfifo(path)
        return really_open(path)

    descriptors = psutil.Process().num_fds()
    monkeypatch.setattr(filesystem, "open_file", swapped)
    assert reason_of_reading(folder, item) is SkipReason.SPECIAL_FILE
    assert psutil.Process().num_fds() == descriptors


def test_a_link_in_the_files_place_is_not_followed(
    folder: Path, make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("secret")
    make("a.csv")
    item = item_of(folder, "a.csv")
    (folder / "a.csv").unlink()
    (folder / "a.csv").symlink_to(tmp_path / "secret")
    assert reason_of_reading(folder, item) is SkipReason.SPECIAL_FILE

    # Nor when it comes between the look and the opening.
    status = (tmp_path / "secret").stat()
    with monkeypatch.context() as patch:
        patch.setattr(os, "lstat", lambda path: status)
        assert reason_of_reading(folder, item) is SkipReason.SPECIAL_FILE


def test_a_link_in_a_folders_place_does_not_lead_outside(folder: Path, make: Make, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("secret")
    make("sub/a.csv")
    item = item_of(folder, "sub/a.csv")
    shutil.rmtree(folder / "sub")
    (folder / "sub").symlink_to(tmp_path, target_is_directory=True)
    assert reason_of_reading(folder, item) is SkipReason.SPECIAL_FILE


def test_a_folder_reached_through_a_link_is_read_as_chosen(folder: Path, make: Make, tmp_path: Path) -> None:
    make("a.csv", "chosen")
    (tmp_path / "chosen").symlink_to(folder, target_is_directory=True)
    item = item_of(tmp_path / "chosen", "a.csv")
    make("draft", "saved anew").replace(folder / "a.csv")

    with FolderSource(tmp_path / "chosen").open(item) as stream:
        assert stream.read() == b"saved anew"


def test_a_file_moved_to_the_cloud_meanwhile_is_not_opened(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.csv")
    item = item_of(folder, "a.csv")
    opened: list[str] = []
    monkeypatch.setattr(filesystem, "is_online_only", lambda status: True)
    monkeypatch.setattr(filesystem, "MAY_BE_ONLINE_ONLY", True)
    monkeypatch.setattr(filesystem, "open_file", opened.append)
    assert reason_of_reading(folder, item) is SkipReason.PLACEHOLDER
    assert reason_of_reading_whole(folder, item) is SkipReason.PLACEHOLDER
    assert opened == []


@pytest.mark.skipif(sys.platform != "linux", reason="a file whose reading fails for certain is at hand only there")
@pytest.mark.parametrize("size", [-1, 10])
def test_a_disk_that_fails_while_reading_is_a_problem_of_that_file(size: int) -> None:
    item = SourceItem("mem", EntryKind.FILE, 0, 0)  # address 0 of a process cannot be read: EIO
    with (
        pytest.raises(SourceProblem) as problem,
        FolderSource(Path(f"/proc/{os.getpid()}")).open(item) as stream,
    ):
        stream.read(size)
    assert problem.value.skipped.reason is SkipReason.READ_ERROR


def test_the_readers_own_failure_is_not_blamed_on_the_file(folder: Path, make: Make) -> None:
    make("a.csv")
    with pytest.raises(OSError, match="disk full"), FolderSource(folder).open(item_of(folder, "a.csv")):
        raise OSError("disk full")


@pytest.mark.skipif(sys.platform == "win32", reason="counts handles of all kinds there")
def test_every_descriptor_is_closed_whatever_happens(folder: Path, make: Make) -> None:
    make("a.csv")
    item = item_of(folder, "a.csv")
    before = psutil.Process().num_fds()
    for _ in range(20):
        reason_of_reading(folder, item, lambda: make("a.csv", os.urandom(8), mtime_ns=None))
    assert psutil.Process().num_fds() == before


def test_links_and_folders_have_no_bytes(folder: Path) -> None:
    with pytest.raises(ValueError), FolderSource(folder).open(SourceItem("x", EntryKind.LINK, 0, 0)):
        pass

"""Restores that are under way at the same time: two of them into one folder, and threads that want one name."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.content import Entry, EntryKind, SkipReason, SourceItem
from kronkers_studio.domain.errors import RestoreUnderWay, WorkspaceError
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.restoring import restorer, target_lock
from kronkers_studio.registry.restoring import target_names as target_names_module
from kronkers_studio.registry.restoring.restorer import Restore

_DRAFTS = ".kronkers-*-*.part"
Begin = Callable[..., "contextlib.AbstractContextManager[subprocess.Popen[str]]"]


@pytest.fixture
def begin(workspace: Workspace, key_file: Path) -> Begin:
    """Begin a restore in another process: it has drafts and no file yet, and goes on when it is told to."""

    @contextlib.contextmanager
    def run(target: Path, *paths: str) -> Iterator[subprocess.Popen[str]]:
        script = str(Path(__file__).with_name("restoring_process.py"))
        words = [sys.executable, script, str(workspace.directory), str(key_file), str(target), *paths]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
            try:
                assert process.stdout is not None and process.stdout.readline() == "writing\n"
                yield process
            finally:
                process.kill()

    return run


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }


def _finish(process: subprocess.Popen[str]) -> str:
    return process.communicate("go on\n")[0].strip()


def test_a_second_restore_into_the_same_folder_is_refused_and_the_first_is_not_disturbed(
    workspace: Workspace, folder: Path, bring_in: Callable[..., object], begin: Begin, tmp_path: Path
) -> None:
    """Seen to fail when the second one removes the drafts of the first and goes on."""
    bring_in(folder)
    out = tmp_path / "out"
    with begin(out) as first:
        drafts = set(out.rglob(_DRAFTS))
        assert drafts
        with pytest.raises(RestoreUnderWay, match=f"process {first.pid} on") as refused:
            workspace.content.restore("project", "", out)
        assert str(out) in refused.value.message and refused.value.next_step
        assert drafts <= set(out.rglob(_DRAFTS)), "its other threads may be at further ones"
        assert _finish(first) == f"restored {len(_contents(folder))} 0"
    assert _contents(out) == _contents(folder)
    assert workspace.content.restore("project", "", out).skipped == ()


def test_a_restore_into_a_folder_that_another_one_is_writing_below_or_above_is_refused(
    workspace: Workspace, folder: Path, bring_in: Callable[..., object], begin: Begin, tmp_path: Path
) -> None:
    """Seen to fail when only the folder itself is looked at."""
    bring_in(folder)
    out = tmp_path / "out"
    with begin(out):
        with pytest.raises(RestoreUnderWay):
            workspace.content.restore("project", "", out / "further down" / "still further")
        assert not (out / "further down").exists()
    with begin(out / "team a" / "data"):
        with pytest.raises(RestoreUnderWay, match="data"):
            workspace.content.restore("project", "", out)
        assert not (out / target_lock.MARKER).exists()
        assert workspace.content.restore("project", "", tmp_path / "beside").skipped == ()
    assert workspace.content.restore("project", "", out).skipped == ()
    assert not list(out.rglob(target_lock.MARKER)), "also those that killed restores left"


def test_what_a_killed_restore_left_is_removed_by_the_next_which_is_not_refused(
    workspace: Workspace, folder: Path, bring_in: Callable[..., object], begin: Begin, tmp_path: Path
) -> None:
    bring_in(folder)
    out = tmp_path / "out"
    with begin(out) as first:
        first.kill()
        first.wait()
        assert list(out.rglob(_DRAFTS)) and (out / target_lock.MARKER).exists()
        assert workspace.content.restore("project", "", out).skipped == ()
    assert _contents(out) == _contents(folder)


def test_a_folder_on_a_disk_without_locks_can_be_restored_to(
    workspace: Workspace,
    folder: Path,
    bring_in: Callable[..., object],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def without_locks(_descriptor: int) -> bool:
        raise WorkspaceError("The workspace's disk does not support locks.")

    bring_in(folder)
    monkeypatch.setattr(target_lock, "try_lock", without_locks)
    for _time in range(2):
        assert workspace.content.restore("project", "", tmp_path / "out").skipped == ()
    assert _contents(tmp_path / "out") == _contents(folder)


def test_what_is_called_like_the_marker_of_a_restore_is_listed(workspace: Workspace, tmp_path: Path) -> None:
    _store(workspace, {target_lock.MARKER: b"{}", f"below/{target_lock.MARKER}": b"{}"})
    report = workspace.content.restore("project", "", tmp_path / "out")
    assert [(item.path, item.reason) for item in report.skipped] == [(target_lock.MARKER, SkipReason.NAME_CLASH)]
    assert _contents(tmp_path / "out") == {str(Path("below", target_lock.MARKER)): b"{}"}


@pytest.mark.parametrize("alike", [True, False], ids=["the same content", "other content"])
def test_of_two_files_that_get_one_name_at_the_same_instant_one_is_written(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alike: bool
) -> None:
    """Both threads have found the name free before either writes. Seen to fail when nothing is locked from the last
    look on: then the second file is written over the first, and both are said to be restored."""
    contents = {"in:/file": b"one", "in%3A/file": b"one" if alike else b"other"}
    _store(workspace, contents)
    monkeypatch.setattr(target_names_module, "_on_windows", lambda: True)
    monkeypatch.setattr(restorer, "_RUN_FILES", 1)  # two threads have one of them each
    both = threading.Barrier(2)
    look = Restore._is_free
    looked: dict[str, bool] = {}

    def looked_together(self: Restore, path: str, entry: Entry) -> bool:
        found = look(self, path, entry)
        if found:  # of a name that is taken only one of them asks again
            both.wait(timeout=60)
            looked[entry.path] = True
        return found

    monkeypatch.setattr(Restore, "_is_free", looked_together)
    report = workspace.content.restore("project", "", tmp_path / "out", tuple(contents))
    assert looked.keys() == contents.keys()
    written = _contents(tmp_path / "out")
    assert written.keys() == {str(Path("in%3A", "file"))}
    if alike:
        assert (report.files, report.skipped) == (2, ())
    else:
        (lost,) = report.skipped
        assert (report.files, lost.reason) == (1, SkipReason.NAME_CLASH)
        assert list(written.values()) == [content for path, content in contents.items() if path != lost.path]
    assert not list((tmp_path / "out").rglob(".kronkers-*"))


def test_folders_that_get_one_name_do_not_remove_each_others_drafts(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when every draft in a folder that is there already is taken for a dead one's."""
    contents = {"in:/one": b"one", "in%3A/other": b"other"}
    _store(workspace, contents)
    monkeypatch.setattr(target_names_module, "_on_windows", lambda: True)
    monkeypatch.setattr(restorer, "_RUN_FILES", 1)  # two threads have one of them each
    drafted, made = threading.Event(), threading.Event()
    make, place = Restore._make_folder, Restore._place

    def make_second(self: Restore, folder: str) -> None:
        if folder == "in%3A":
            assert drafted.wait(60)
        make(self, folder)
        if folder == "in%3A":
            made.set()

    def place_first(self: Restore, draft: str, path: str, entry: Entry) -> None:
        if entry.path == "in:/one":
            drafted.set()
            assert made.wait(60)
        place(self, draft, path, entry)

    monkeypatch.setattr(Restore, "_make_folder", make_second)
    monkeypatch.setattr(Restore, "_place", place_first)
    report = workspace.content.restore("project", "", tmp_path / "out", tuple(contents))
    assert (report.files, report.skipped) == (2, ())
    assert _contents(tmp_path / "out") == {str(Path("in%3A", name)): name.encode() for name in ("one", "other")}


def _store(workspace: Workspace, contents: dict[str, bytes]) -> None:
    items = [SourceItem(path, EntryKind.FILE, len(content), 1) for path, content in contents.items()]
    outcome = workspace.content.store_items(items, MemorySource(contents))
    workspace.content.commit("project", "main", outcome.stored, message="", author="ann")

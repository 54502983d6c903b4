"""Folders are kept in sync while the window is open; how each of them stands is said, and what there is to do."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.forget_folder import ForgetFolderDialog
from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.panels.watched_folders import ProjectRow, remedy_words, state_pill, state_words
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.folder_watches import Watchers, Watching
from kronkers_studio.desktop.work.write_turns import Turns
from kronkers_studio.domain.content import Commit, SkippedItem, SkipReason
from kronkers_studio.domain.errors import Cancelled, StorageFull
from kronkers_studio.domain.migration import MigrationResult, WatchReason, WatchState, WatchStatus
from kronkers_studio.domain.progress import NEVER, CancelSource
from kronkers_studio.workflows import watching as workflow
from kronkers_studio.workflows.browsing import list_folder
from kronkers_studio.workflows.migrating import migrate_folders
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import unnamed, unreachable
from tests.desktop.kinds import OpenWindow, the_page, the_session
from tests.desktop.things import NOON

_PATIENCE = 30_000
_SETTLE = 0.2
_PROJECT = "Team folder"


def page_of(window: MainWindow, qtbot: QtBot) -> MigratePage:
    """The Migrate page, showing what was brought in."""
    window.show()
    window.show_page("migrate")
    page = the_page(window, MigratePage)
    qtbot.waitUntil(lambda: bool(page.before.rows), timeout=_PATIENCE)
    Watchers.of(window.studio).settle_seconds = _SETTLE
    return page


def wait_for(row: ProjectRow, state: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: row.pill.text() == state, timeout=_PATIENCE)


def watched_in(window: MainWindow, qtbot: QtBot) -> tuple[MainWindow, ProjectRow]:
    """``window``, and its row of the project, which is watched and in sync."""
    row = page_of(window, qtbot).before.rows[_PROJECT]
    row.watch.click()
    wait_for(row, "In sync", qtbot)
    return window, row


def names(window: MainWindow) -> set[str]:
    session = window.studio.session
    assert session is not None
    return {entry.name for entry in list_folder(session, _PROJECT)}


def head(window: MainWindow) -> str:
    session = window.studio.session
    assert session is not None
    return session.workspace.content.resolve(_PROJECT).id[:8]


def watch_threads() -> list[str]:
    return [thread.name for thread in threading.enumerate() if thread.name == "task: watch"]


def test_a_file_that_is_written_into_a_watched_folder_becomes_a_new_version(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    window = open_main_window(filled_workspace)
    page = page_of(window, qtbot)
    row = page.before.rows[_PROJECT]
    assert unnamed(page) == []
    assert unreachable(page) == []
    assert (row.pill.text(), row.watch.text()) == ("Not watched", "Watch")
    assert small_folder.name in row.where.text()
    row.watch.click()
    wait_for(row, "In sync", qtbot)
    before = row.words.text()
    assert before.startswith("In sync at ")
    announced: list[str] = []
    window.studio.changed.connect(announced.append)

    (small_folder / "new.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    qtbot.waitUntil(lambda: "new.csv" in names(window), timeout=_PATIENCE)
    qtbot.waitUntil(lambda: f"version {head(window)}" in row.words.text() != before, timeout=_PATIENCE)
    assert set(announced) == {"content"}  # the other pages show it too
    wait_for(row, "In sync", qtbot)
    assert page.before.summary.text() == "1 is watched"

    row.watch.click()
    assert row.watch.text() == "Watch"
    wait_for(row, "Not watched", qtbot)
    qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=_PATIENCE)
    assert watch_threads() == []


def test_a_watched_folder_is_forgotten_after_a_question_and_stays_as_it_is(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    window, row = watched_in(open_main_window(filled_workspace), qtbot)
    page = page_of(window, qtbot)
    files, version = sorted(small_folder.rglob("*")), head(window)

    def asked() -> ForgetFolderDialog:
        row.forget.click()
        (dialog,) = [found for found in window.findChildren(ForgetFolderDialog) if found.isVisible()]
        assert unnamed(dialog) == unreachable(dialog) == []
        return dialog

    qtbot.keyClick(asked(), Qt.Key.Key_Return)  # Cancel has the keyboard
    assert watch_threads()
    asked().go.click()
    qtbot.waitUntil(lambda: not page.before.rows, timeout=_PATIENCE)

    assert "is no longer brought into" in page.notice.message
    assert not page.before.isVisibleTo(page)
    qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=_PATIENCE)
    assert watch_threads() == []
    assert (sorted(small_folder.rglob("*")), head(window)) == (files, version)


def test_what_is_left_of_a_watched_project_goes_on_being_watched(
    open_main_window: OpenWindow, workspace: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    folders = [tmp_path / "A", tmp_path / "B"]
    for folder in folders:
        folder.mkdir()
        (folder / "x.csv").write_text("a\n", encoding="utf-8")
    with open_workspace(workspace) as session:
        migrate_folders(session, folders, _PROJECT)
    window, row = watched_in(open_main_window(workspace), qtbot)
    row.forget.click()
    (dialog,) = window.findChildren(ForgetFolderDialog)
    assert dialog.folder.values == tuple(folders)
    dialog.folder.choose(folders[1])
    dialog.go.click()
    qtbot.waitUntil(lambda: row.folders == (folders[0],), timeout=_PATIENCE)
    wait_for(row, "In sync", qtbot)
    for folder in folders:
        (folder / "y.csv").write_text("b\n", encoding="utf-8")
    opened = the_session(window)

    def stored() -> set[str]:
        return {entry.name for part in "AB" for entry in list_folder(opened, _PROJECT, path=part)}

    qtbot.waitUntil(lambda: "y.csv" in stored(), timeout=_PATIENCE)
    assert [entry.name for entry in list_folder(opened, _PROJECT, path="B")] == ["x.csv"]


def test_a_folder_that_is_taken_away_is_waited_for_and_taken_up_again(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    window, row = watched_in(open_main_window(filled_workspace), qtbot)
    elsewhere = small_folder.with_name("elsewhere")
    small_folder.rename(elsewhere)
    wait_for(row, "Folder away", qtbot)
    assert row.remedy.isVisibleTo(row)
    assert "is not there and is waited for" in row.remedy.text()
    (elsewhere / "meanwhile.csv").write_text("a\n1\n", encoding="utf-8")
    elsewhere.rename(small_folder)
    qtbot.waitUntil(lambda: "meanwhile.csv" in names(window), timeout=_PATIENCE)
    qtbot.waitUntil(lambda: row.pill.text() == "In sync" and not row.remedy.isVisibleTo(row), timeout=_PATIENCE)


def test_the_window_closes_while_it_watches_and_nothing_goes_on(
    open_main_window: OpenWindow, filled_workspace: Path, qtbot: QtBot
) -> None:
    window, _row = watched_in(open_main_window(filled_workspace), qtbot)
    assert watch_threads()
    assert window.studio.runner.active == []  # no reason to ask before closing
    assert window.close()
    assert watch_threads() == []
    assert window.studio.session is None


def test_what_was_watched_when_the_window_was_closed_is_watched_again_by_the_next(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    window, row = watched_in(open_main_window(filled_workspace), qtbot)
    window.show_page("home")
    assert window.close()
    (small_folder / "meanwhile.csv").write_text("a\n1\n", encoding="utf-8")

    window = open_main_window(filled_workspace)
    assert window.current == "home"
    qtbot.waitUntil(lambda: "meanwhile.csv" in names(window), timeout=_PATIENCE)
    row = page_of(window, qtbot).before.rows[_PROJECT]
    wait_for(row, "In sync", qtbot)
    row.watch.click()
    assert window.close()

    window = open_main_window(filled_workspace)
    qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=_PATIENCE)
    assert Watchers.of(window.studio).projects == []


def test_another_workspace_ends_the_watching_of_the_first(
    open_main_window: OpenWindow, filled_workspace: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    from kronkers_studio.workflows.session import create_workspace

    window, _row = watched_in(open_main_window(filled_workspace), qtbot)
    other, _ = create_workspace(tmp_path / "other", key_file=tmp_path / "other.key")
    window.studio.use(other)
    qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=_PATIENCE)
    assert watch_threads() == []
    assert Watchers.of(window.studio).watching(_PROJECT) is None


def test_watched_folders_and_one_brought_in_by_hand_take_turns_in_writing(
    open_main_window: OpenWindow, filled_workspace: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    second = tmp_path / "Second"
    second.mkdir()
    (second / "one.txt").write_text("1", encoding="utf-8")
    window = open_main_window(filled_workspace)
    page = page_of(window, qtbot)
    row = page.before.rows[_PROJECT]
    page.look_at(second)
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
    with window.studio.turns.take(NEVER):  # as somebody else who writes
        row.watch.click()
        page.start()
        wait_for(row, "Syncing", qtbot)
        qtbot.wait(400)
        watching = Watchers.of(window.studio).watching(_PROJECT)
        assert watching is not None
        assert watching.result is None
        assert page.views.shown == "working"
    qtbot.waitUntil(lambda: page.views.shown == "outcome", timeout=_PATIENCE)
    qtbot.waitUntil(lambda: page.before.rows[_PROJECT].pill.text() == "In sync", timeout=_PATIENCE)
    assert page.notice.message == ""


def test_what_was_just_brought_in_can_be_watched_from_there(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    window.show()
    window.show_page("migrate")
    page = the_page(window, MigratePage)
    page.look_at(small_folder)
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
    page.start()
    qtbot.waitUntil(lambda: page.views.shown == "outcome", timeout=_PATIENCE)
    page.watch_button.click()
    assert page.views.shown == "choose"
    qtbot.waitUntil(lambda: _PROJECT in page.before.rows, timeout=_PATIENCE)
    wait_for(page.before.rows[_PROJECT], "In sync", qtbot)


def test_what_waits_for_its_turn_can_be_cancelled() -> None:
    turns, cancel = Turns(), CancelSource()
    with turns.take(NEVER):
        cancel.cancel()
        with pytest.raises(Cancelled), turns.take(cancel):
            raise AssertionError("it was not its turn")
    with turns.take(NEVER):
        pass


def test_a_watch_that_fails_says_why_and_can_be_begun_again(
    open_main_window: OpenWindow, filled_workspace: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = StorageFull("The disk is full.", next_step="Make room on it.")
    really = workflow.watch_folders

    def fails(*_arguments: object, **_keywords: object) -> None:
        raise full

    monkeypatch.setattr(workflow, "watch_folders", fails)  # a full disk cannot be had here
    window = open_main_window(filled_workspace)
    row = page_of(window, qtbot).before.rows[_PROJECT]
    row.watch.click()
    wait_for(row, "Stopped", qtbot)
    assert row.remedy.text() == "The disk is full. Make room on it."
    assert row.watch.text() == "Watch again"
    monkeypatch.setattr(workflow, "watch_folders", really)
    row.watch.click()
    wait_for(row, "In sync", qtbot)


def test_a_watch_that_ends_by_a_fault_in_the_program_is_not_said_to_go_on(
    open_main_window: OpenWindow, filled_workspace: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_arguments: object, **_keywords: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(workflow, "watch_folders", fails)
    window = open_main_window(filled_workspace)
    crashes: list[str] = []
    window.studio.runner.crashed.disconnect()
    window.studio.runner.crashed.connect(lambda title, _details: crashes.append(title))
    row = page_of(window, qtbot).before.rows[_PROJECT]
    row.watch.click()
    wait_for(row, "Stopped", qtbot)
    assert crashes == ["watch"]
    assert Watchers.of(window.studio).projects == []
    assert row.watch.text() == "Watch again"


def test_each_state_has_its_words_and_its_remedy() -> None:
    commit = Commit("0123456789abcdef", _PROJECT, (), "", "ada", NOON, "Brought in", files=3)
    result = MigrationResult(_PROJECT, "main", commit, True, 3, 3, 30, 30, 0.1)
    watching = Watching(_PROJECT, (Path("/team"),), WatchState(WatchStatus.WATCHING), result, NOON)
    said = {
        status: state_pill(replace(watching, state=WatchState(status, WatchReason.OVERFLOW)))[0]
        for status in WatchStatus
    }
    assert said == {
        WatchStatus.WATCHING: "In sync",
        WatchStatus.SETTLING: "Changing",
        WatchStatus.SYNCING: "Looking anew",
        WatchStatus.AWAY: "Folder away",
        WatchStatus.BUSY: "Waiting",
    }
    assert state_pill(replace(watching, state=WatchState(WatchStatus.SYNCING, WatchReason.CHANGED))) == (
        "Syncing",
        "accent",
    )
    assert remedy_words(watching) == ""
    limited = replace(watching, state=WatchState(WatchStatus.WATCHING, limited="Raise the limit: sudo …"))
    assert remedy_words(limited) == "Raise the limit: sudo …"
    overflow = replace(watching, state=WatchState(WatchStatus.SYNCING, WatchReason.OVERFLOW))
    assert "all of it is looked through" in remedy_words(overflow)
    unread = replace(result, skipped=(SkippedItem("a.csv", SkipReason.NO_PERMISSION),))
    assert state_pill(replace(watching, result=unread)) == ("In sync, look", "warn")
    assert remedy_words(replace(watching, result=unread)) == "1 file is not in; look inside."
    assert "version 01234567" in state_words(watching, None)
    assert state_words(None, commit).startswith("Brought in ")
    assert state_words(None, None) == "Nothing of it is in yet"


def test_changes_are_said_before_they_have_come_to_rest(filled_workspace: Path, small_folder: Path) -> None:
    states: list[WatchStatus] = []
    synced, cancel = threading.Event(), CancelSource()

    def on_sync(_result: MigrationResult) -> None:
        if synced.is_set():
            cancel.cancel()
        synced.set()

    def write() -> None:
        synced.wait(20)
        (small_folder / "slow.csv").write_text("a\n", encoding="utf-8")

    writer = threading.Thread(target=write)
    writer.start()
    with open_workspace(filled_workspace) as session, pytest.raises(Cancelled):
        workflow.watch_folders(
            session,
            [small_folder],
            settle_seconds=3.0,  # a thread of a busy machine may sleep longer than a tick
            on_sync=on_sync,
            on_state=lambda state: states.append(state.status),
            cancel=cancel,
        )
    writer.join()
    settled = states.index(WatchStatus.SETTLING)
    assert WatchStatus.SYNCING in states[:settled]
    assert states[settled + 1] is WatchStatus.SYNCING

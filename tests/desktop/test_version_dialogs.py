"""Naming, merging, restoring and dragging out: asked calmly, done off the main thread, said afterwards."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QDateTime
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.compare import CompareDialog
from kronkers_studio.desktop.dialogs.help import HelpDialog
from kronkers_studio.desktop.dialogs.merge import MergeDialog
from kronkers_studio.desktop.dialogs.name_version import NameVersionDialog
from kronkers_studio.desktop.dialogs.restore import RestoreDialog
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.studio import Key
from kronkers_studio.domain.differences import Choice
from kronkers_studio.workflows.browsing import list_folder, list_projects
from kronkers_studio.workflows.session import create_workspace, open_workspace
from kronkers_studio.workflows.versions import create_branch
from tests.desktop import accessible
from tests.desktop.kinds import OpenWindow, Rest, the_session
from tests.desktop.things import stored_bytes
from tests.desktop.versioned import commit_files


@pytest.fixture
def conflicting_workspace(workspace: Path) -> Path:
    """Two branches that both changed two files, and one of them another one."""
    first = {"data/plan.txt": b"1\n", "notes.txt": b"1\n", "free.txt": b"1\n"}
    with open_workspace(workspace) as session:
        commit_files(session, first, "Brought in")
        create_branch(session, "Team", "forecast")
        commit_files(
            session, {"data/plan.txt": b"3\n", "notes.txt": b"3\n", "free.txt": b"3\n"}, "Theirs", branch="forecast"
        )
        commit_files(session, {"data/plan.txt": b"2\n", "notes.txt": b"2\n", "free.txt": b"1\n"}, "Ours")
    return workspace


def the_dialog(window: MainWindow, kind: type[accessible.Shown]) -> accessible.Shown:
    found = accessible.the_dialog(window, kind)
    assert not found.grab().isNull()
    return found


def open_registry(open_main_window: OpenWindow, workspace: Path, rest: Rest) -> tuple[MainWindow, Any]:
    window = open_main_window(workspace, page="registry")
    window.show()
    rest(window)
    return window, window.page("registry")


def test_a_version_gets_a_tag_and_a_branch_and_a_name_that_is_taken_is_refused(
    open_main_window: OpenWindow, filled_workspace: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window, page = open_registry(open_main_window, filled_workspace, come_to_rest)
    for kind, name in (("tag", "2026-q2"), ("branch", "forecast")):
        page.ask_name()
        dialog = the_dialog(window, NameVersionDialog)
        assert not dialog.go.isEnabled()
        dialog.kind.choose(kind)
        dialog.name.setText(name)
        dialog.go.click()
        qtbot.waitUntil(lambda: not window.findChildren(NameVersionDialog), timeout=20_000)
        come_to_rest(window)
    row = page.history.content.row(0)
    assert (row.branches, row.tags) == (("forecast", "main"), ("2026-q2",))
    assert page.merge_button.isVisible()

    page.ask_name()
    dialog = the_dialog(window, NameVersionDialog)
    dialog.kind.choose("branch")
    dialog.name.setText("forecast")
    dialog.go.click()
    qtbot.waitUntil(lambda: "already" in dialog.notice.message, timeout=20_000)
    assert dialog.go.isEnabled()
    dialog.reject()


def test_a_merge_is_shown_first_and_each_conflict_is_decided(
    open_main_window: OpenWindow, conflicting_workspace: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window, page = open_registry(open_main_window, conflicting_workspace, come_to_rest)
    page.ask_merge()
    come_to_rest(window)
    dialog = the_dialog(window, MergeDialog)
    assert (dialog.source.value, dialog.into.value) == ("forecast", "main")
    assert dialog.words.text() == "Files that come in: 3 changed. 2 places where both changed."
    assert not dialog.go.isEnabled()
    dialog.for_all.choose(Choice.OURS)
    assert dialog.decided == {"data/plan.txt": Choice.OURS, "notes.txt": Choice.OURS}
    dialog._choices["notes.txt"].choose(Choice.BOTH)
    assert dialog.go.isEnabled()
    dialog.go.click()
    qtbot.waitUntil(lambda: not window.findChildren(MergeDialog), timeout=20_000)
    come_to_rest(window)

    session = window.studio.session
    assert session is not None
    assert stored_bytes(session, "Team", "", "free.txt") == b"3\n"
    assert stored_bytes(session, "Team", "", "data/plan.txt") == b"2\n"
    kept = {
        stored_bytes(session, "Team", "", entry.path) for entry in list_folder(session, "Team") if "notes" in entry.name
    }
    assert kept == {b"2\n", b"3\n"}
    assert len(page.history.content.row(0).commit.parents) == 2


def test_a_conflict_is_decided_by_the_branches_names_and_compared_before(
    open_main_window: OpenWindow, conflicting_workspace: Path, come_to_rest: Rest
) -> None:
    window, page = open_registry(open_main_window, conflicting_workspace, come_to_rest)
    page.ask_merge()
    come_to_rest(window)
    dialog = the_dialog(window, MergeDialog)
    choice = dialog._choices["notes.txt"]
    texts = [choice.itemText(place) for place in range(choice.count())]
    assert texts == ["Decide …", "Keep that of “Current”", "Take that of “forecast”", "Keep both files"]
    named = {button.accessibleName(): button for button in dialog.findChildren(QPushButton)}
    named["Compare notes.txt"].click()
    come_to_rest(window)
    compared = the_dialog(window, CompareDialog)
    assert compared.sentence.text() == "Before is “Current”, after is “forecast”."
    (lines,) = compared.findChildren(Table)
    assert [(row.old, row.new) for row in lines.content.rows] == [("2", "3")]
    compared.reject()
    dialog.reject()


def test_branches_that_hold_the_same_need_no_merge(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest
) -> None:
    with open_workspace(filled_workspace) as session:
        create_branch(session, "Team folder", "same")
    window, page = open_registry(open_main_window, filled_workspace, come_to_rest)
    page.ask_merge()
    come_to_rest(window)
    dialog = the_dialog(window, MergeDialog)
    assert dialog.words.text() == "“Current” has everything of “same” already."
    assert not dialog.go.isEnabled()
    dialog.source.choose("main")
    assert dialog.words.text() == "Choose two different ones."
    dialog.reject()


def test_a_file_is_restored_as_it_was_at_a_moment(
    open_main_window: OpenWindow, workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    with open_workspace(workspace) as session:
        commit_files(session, {"data/sales.csv": b"old\n", "other.txt": b"1\n"}, "First")
        first = session.workspace.content.resolve("Team")
        commit_files(session, {"data/sales.csv": b"new\n", "other.txt": b"1\n"}, "Second")
    window, page = open_registry(open_main_window, workspace, come_to_rest)
    page.browser.open_folder("data")
    come_to_rest(window)
    page.browser.table.choose(0)
    page.ask_what()
    dialog = the_dialog(window, RestoreDialog)
    offered = list(dialog.what.values)
    assert offered == ["data/sales.csv", "data", ""]
    assert "Second" in dialog.version.text()

    dialog.when.choose("moment")
    assert not dialog.go.isEnabled()  # before the version is found
    dialog.moment.setDateTime(QDateTime.currentDateTime().addDays(-400))
    dialog._look_up()
    come_to_rest(window)
    assert not dialog.go.isEnabled()  # there was nothing then
    assert dialog.version.text()
    now = datetime.now(UTC)
    assert first.created > now - timedelta(minutes=5)
    dialog.moment.setDateTime(QDateTime.currentDateTime())
    dialog._look_up()
    come_to_rest(window)
    assert "Second" in dialog.version.text()

    dialog.when.choose("this")
    dialog.where.setText(str(tmp_path))
    dialog.go.click()
    qtbot.waitUntil(lambda: "verified" in page.notice.message, timeout=20_000)
    target = tmp_path / "Team restored"
    restored = [path for path in target.rglob("*") if path.is_file()]
    assert [path.name for path in restored] == ["sales.csv"]
    assert restored[0].read_bytes() == b"new\n"


def test_what_is_asked_about_a_workspace_is_closed_with_it(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest, tmp_path: Path, qtbot: QtBot
) -> None:
    """Seen to fail with the question whether to remove a project still there, whose button asks the workspace that was
    opened meanwhile."""
    other = tmp_path / "other"
    session, _ = create_workspace(other, key_file=tmp_path / "other.key")
    with session:
        commit_files(session, {"kept.txt": b"kept"}, "Another one", project="Team folder")
    window, page = open_registry(open_main_window, filled_workspace, come_to_rest)
    page.ask_remove()
    window.dialogs.show_help()
    before = window.studio.session
    window.studio.open_directory(other, Key(key_file=tmp_path / "other.key"))
    qtbot.waitUntil(lambda: window.studio.session not in (None, before), timeout=20_000)
    come_to_rest(window)
    assert [type(each) for each in window.findChildren(Dialog) if each.isVisible()] == [HelpDialog]
    assert [project.name for project in list_projects(the_session(window))] == ["Team folder"]


def test_what_is_dragged_out_is_restored_into_a_folder_of_its_own_first(
    open_main_window: OpenWindow,
    filled_workspace: Path,
    come_to_rest: Rest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from kronkers_studio.desktop.panels.browser import file_data

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    window, page = open_registry(open_main_window, filled_workspace, come_to_rest)
    browser = page.browser
    for position, inside in ((0, "sales.csv"), (1, "")):
        entry = browser.table.content.row(position)
        browser.table.choose(position)
        browser.table.startDrag(browser.table.defaultDropAction())
        come_to_rest(window)
        (path,) = tmp_path.glob(f"kronkers-*/{entry.name}")
        assert path.name == entry.name
        assert (path / inside if inside else path).is_file()
        assert file_data(path).urls()[0].toLocalFile() == path.as_posix()
    browser.forget_taken_out()
    assert list(tmp_path.glob("kronkers-*")) == []

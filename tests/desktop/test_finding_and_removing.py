"""Whatever was brought in is found by a few letters of its name; what is removed can be brought back."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.remove import RemoveDialog
from kronkers_studio.desktop.dialogs.search import SearchDialog
from kronkers_studio.desktop.dialogs.trash import TrashDialog
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.domain.content import Entry
from kronkers_studio.workflows.browsing import list_projects
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.versions import create_branch, list_branches
from tests.desktop import accessible
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session, window_of
from tests.desktop.versioned import commit_files


@pytest.fixture
def two_projects(workspace: Path) -> Path:
    """A project with two branches, and another one."""
    with open_workspace(workspace) as session:
        commit_files(session, {"data/sales.csv": b"a\n1\n", "notes.md": b"# Notes\n"}, "Brought in")
        create_branch(session, "Team", "forecast")
        commit_files(session, {"data/only there.csv": b"a\n2\n", "notes.md": b"# N\n"}, "On", branch="forecast")
        commit_files(session, {"other/sales 2026.csv": b"b\n"}, "Brought in", project="Other")
    return workspace


@pytest.fixture
def page(open_main_window: OpenWindow, two_projects: Path, come_to_rest: Rest) -> RegistryPage:
    """The Registry page, showing the project with two branches."""
    window = open_main_window(two_projects, page="registry")
    window.show()
    come_to_rest(window)
    shown = the_page(window, RegistryPage)
    shown.project_box.choose("Team")
    come_to_rest(window)
    return shown


def chosen_in(page: RegistryPage) -> Entry:
    assert page.browser.chosen is not None
    return page.browser.chosen


def branches_at(page: RegistryPage) -> tuple[str, ...]:
    """The branches at the version that is chosen."""
    assert page.history.chosen is not None
    return page.history.chosen.branches


def the_dialog(page: RegistryPage, kind: type[accessible.Shown], rest: Rest) -> accessible.Shown:
    rest(window_of(page))
    return accessible.the_dialog(window_of(page), kind)


def look_for(dialog: SearchDialog, words: str, page: RegistryPage, rest: Rest) -> list[str]:
    """The names found, as they are shown."""
    dialog.words.setText(words)
    dialog.look()
    rest(window_of(page))
    rows = dialog.table.content
    return [str(rows.data(rows.index(row, 0))) for row in range(rows.rowCount())]


# Finding


def test_a_file_is_found_in_any_project_and_shown_there_chosen(page: RegistryPage, come_to_rest: Rest) -> None:
    page.ask_find()
    dialog = the_dialog(page, SearchDialog, come_to_rest)
    assert sorted(look_for(dialog, "sales", page, come_to_rest)) == ["sales 2026.csv", "sales.csv"]
    assert dialog.summary.text() == "2 files"
    assert look_for(dialog, "sales 2026", page, come_to_rest) == ["sales 2026.csv"]
    dialog.open_chosen()
    come_to_rest(window_of(page))
    assert (page.project_box.value, page.browser.path) == ("Other", "other")
    assert chosen_in(page).name == "sales 2026.csv"


def test_a_file_of_a_branch_is_shown_in_that_branchs_version(page: RegistryPage, come_to_rest: Rest) -> None:
    page.ask_find()
    dialog = the_dialog(page, SearchDialog, come_to_rest)
    look_for(dialog, "only there", page, come_to_rest)
    dialog.open_chosen()
    come_to_rest(window_of(page))
    assert branches_at(page) == ("forecast",)
    assert chosen_in(page).path == "data/only there.csv"


def test_the_keyboard_alone_finds_and_goes_there(page: RegistryPage, qtbot: QtBot, come_to_rest: Rest) -> None:
    window = window_of(page)
    window.show_page("home")
    window.dialogs.find()
    dialog = the_dialog(page, SearchDialog, come_to_rest)
    qtbot.keyClicks(dialog.words, "csv")
    dialog.look()
    come_to_rest(window)
    first = dialog.table.chosen
    qtbot.keyClick(dialog.words, Qt.Key.Key_Down)
    second = dialog.table.chosen
    assert first is not None
    assert second is not None
    assert first != second
    qtbot.keyClick(dialog.words, Qt.Key.Key_Return)
    come_to_rest(window)
    assert not window.findChildren(SearchDialog)
    assert window.current == "registry"
    assert chosen_in(page).path == second.path


def test_kinds_are_filtered_and_nothing_found_is_said(page: RegistryPage, come_to_rest: Rest) -> None:
    page.ask_find()
    dialog = the_dialog(page, SearchDialog, come_to_rest)
    dialog.kinds.choose("project")
    assert look_for(dialog, "", page, come_to_rest) == ["Other", "Team"]
    assert look_for(dialog, "nowhere", page, come_to_rest) == []
    assert dialog.summary.text() == "Nothing was found"
    assert not dialog.go.isEnabled()
    dialog.open_chosen()
    assert dialog.isVisible()


# Removing


def remove(page: RegistryPage, what: str, rest: Rest) -> None:
    page.ask_remove()
    dialog = the_dialog(page, RemoveDialog, rest)
    dialog.what.choose(what)
    dialog.go.click()
    rest(window_of(page))
    rest(window_of(page))


def test_a_removed_project_is_brought_back_by_undo(page: RegistryPage, come_to_rest: Rest) -> None:
    session = the_session(window_of(page))
    remove(page, "", come_to_rest)
    assert page.notice.message == "Project “Team” is in the trash."
    assert [project.name for project in list_projects(session)] == ["Other"]
    assert str(page.project_box.value) == "Other"
    assert page.history.content.row(0).commit.project == "Other"

    undo = page.notice.action
    assert undo is not None
    undo.click()
    come_to_rest(window_of(page))
    assert page.notice.message == "Project “Team” is back."
    assert page.notice.action is None
    assert str(page.project_box.value) == "Team"
    assert branches_at(page) == ("main",)


def test_a_removed_branch_is_brought_back_from_the_trash(page: RegistryPage, come_to_rest: Rest) -> None:
    session = the_session(window_of(page))
    remove(page, "forecast", come_to_rest)
    assert [branch.name for branch in list_branches(session, "Team")] == ["main"]
    assert not page.merge_button.isVisible()

    page.ask_trash()
    dialog = the_dialog(page, TrashDialog, come_to_rest)
    rows = dialog.table.content
    assert rows.data(rows.index(0, 0)) == "Copy “forecast” of “Team”"
    dialog.bring_back()
    come_to_rest(window_of(page))
    assert dialog.views.shown == "empty"
    assert not dialog.back.isEnabled()
    assert page.merge_button.isVisible()
    assert branches_at(page) == ("forecast",)


def test_the_default_branch_goes_only_with_its_project_and_cancel_has_the_keyboard(
    page: RegistryPage, come_to_rest: Rest, qtbot: QtBot
) -> None:
    page.ask_remove()
    dialog = the_dialog(page, RemoveDialog, come_to_rest)
    assert dialog.what.values == ("forecast", "")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    come_to_rest(window_of(page))
    assert not window_of(page).findChildren(RemoveDialog)
    assert len(list_projects(the_session(window_of(page)))) == 2


def test_what_is_given_up_is_asked_for_first_and_then_gone(page: RegistryPage, come_to_rest: Rest) -> None:
    remove(page, "forecast", come_to_rest)
    page.ask_trash()
    dialog = the_dialog(page, TrashDialog, come_to_rest)
    assert dialog.focusWidget() is dialog.table
    dialog.empty.click()
    (asked,) = [each for each in dialog.findChildren(QDialog) if each.isVisible()]
    assert dialog.table.content.rowCount() == 1
    asked.accept()
    dialog._empty()
    come_to_rest(window_of(page))
    assert dialog.table.content.rowCount() == 0
    assert dialog.focusWidget() is dialog.close_button


def test_a_removed_project_is_watched_no_more_or_it_would_come_back(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest, qtbot: QtBot, small_folder: Path
) -> None:
    window = open_main_window(filled_workspace, page="registry")
    window.show()
    come_to_rest(window)
    registry = the_page(window, RegistryPage)
    watchers = Watchers.of(window.studio)
    watchers.start("Team folder", [small_folder])
    qtbot.waitUntil(lambda: watchers.watching("Team folder").result is not None, timeout=30_000)  # type: ignore[union-attr]
    registry.ask_remove()
    (dialog,) = [each for each in window.findChildren(RemoveDialog) if each.isVisible()]
    dialog.go.click()
    qtbot.waitUntil(lambda: watchers.watching("Team folder") is None, timeout=30_000)
    come_to_rest(window)
    session = window.studio.session
    assert session is not None
    assert list_projects(session) == []
    assert registry.views.shown == "empty"
    assert registry.notice.action is not None

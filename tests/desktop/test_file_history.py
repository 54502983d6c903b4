"""One file's history in the window, and what the menus of rows do."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QContextMenuEvent, QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop import file_manager
from kronkers_studio.desktop.destinations import ShowFileHistory
from kronkers_studio.desktop.dialogs.file_history import FileHistoryDialog
from kronkers_studio.desktop.dialogs.restore import RestoreDialog
from kronkers_studio.desktop.dialogs.search import SearchDialog
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.migration import MigrationSource
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import unnamed, unreachable
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.test_names import seen
from tests.desktop.versioned import commit_files

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # what opens, without a screen
_FILE = "data/caf\udce9 & plan\n.csv"  # no text, an ampersand and a control character


@pytest.fixture
def page_with_states(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest) -> RegistryPage:
    with open_workspace(workspace) as session:
        commit_files(session, {_FILE: b"id,n\n1,10\n2,20\n", "b.md": b"# B\n"}, "First")
        commit_files(session, {_FILE: b"id,n\n1,10\n2,20\n", "b.md": b"# C\n"}, "Another file")
        commit_files(session, {_FILE: b"id,n\n1,10\n2,25\n", "b.md": b"# C\n"}, "Second")
        commit_files(session, {"b.md": b"# C\n"}, "Gone")
    window = open_main_window(workspace, page="registry")
    window.show()
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    page.history.choose(1)
    come_to_rest(window)
    page.browser.open_folder("data")
    come_to_rest(window)
    return page


def menu_of(table: Table[object], row: int, reason: QContextMenuEvent.Reason = QContextMenuEvent.Reason.Mouse) -> QMenu:
    """The menu that a right click on ``row`` opens."""
    table.choose(row)
    at = table.visualRect(table.content.index(row, 0)).center()
    table.contextMenuEvent(QContextMenuEvent(reason, at, table.viewport().mapToGlobal(at)))
    (menu,) = [menu for menu in table.findChildren(QMenu) if menu.isVisible()]
    return menu


def do(menu: QMenu, words: str) -> None:
    next(action for action in menu.actions() if action.text() == words).trigger()
    menu.close()


def window_of(page: RegistryPage) -> MainWindow:
    window = page.window()
    assert isinstance(window, MainWindow)
    return window


@pytest.mark.parametrize("reason", [QContextMenuEvent.Reason.Mouse, QContextMenuEvent.Reason.Keyboard])
def test_the_history_of_a_file_lists_its_states_and_shows_each(
    page_with_states: RegistryPage, come_to_rest: Rest, reason: QContextMenuEvent.Reason
) -> None:
    page, window = page_with_states, window_of(page_with_states)
    menu = menu_of(page.browser.table, 0, reason)  # type: ignore[arg-type]
    assert [action.text() for action in menu.actions()] == ["History", "Save as …", "Restore …", "Copy path"]
    do(menu, "History")
    (dialog,) = window.findChildren(FileHistoryDialog)
    come_to_rest(window)
    assert [state.commit.message for state in dialog.table.content.rows] == ["Second", "First"]
    assert "changed in 2 versions of 3 looked through" in dialog.sentence.text()
    assert dialog.views.shown == "changes"
    assert "20 → 25" in seen(dialog)
    assert (unnamed(dialog), unreachable(dialog)) == ([], [])
    dialog.sides.choose("content")
    come_to_rest(window)
    assert dialog.preview.kind == "table" and "25" in seen(dialog.preview)
    dialog.table.choose(1)
    come_to_rest(window)
    assert "20" in seen(dialog.preview)
    dialog.sides.choose("changes")
    come_to_rest(window)
    assert "It begins here" in seen(dialog)
    dialog.restore.click()
    (restore,) = window.findChildren(RestoreDialog)
    assert restore.what.value == _FILE
    assert "“First”" in restore.version.text()
    restore.reject()


def test_the_history_of_a_folder_lists_what_changed_in_it_and_leads_on(
    page_with_states: RegistryPage, come_to_rest: Rest
) -> None:
    """Seen to fail with a folder said to be neither a table nor a text."""
    page, window = page_with_states, window_of(page_with_states)
    page.do(ShowFileHistory("Team", "data", page.history.content.row(1).commit.id))
    come_to_rest(window)
    (dialog,) = window.findChildren(FileHistoryDialog)
    assert [state.commit.message for state in dialog.table.content.rows] == ["Second", "First"]
    assert dialog.views.shown == "list"
    file = next(row for row in dialog.list.table.content.rows if not row.is_folder)
    assert file.path == _FILE
    dialog.list.open_row(file)
    come_to_rest(window)
    (dialog,) = [each for each in window.findChildren(FileHistoryDialog) if each.isVisible()]
    assert "plan" in dialog.windowTitle()
    dialog.reject()


def test_where_it_is_gone_is_said_and_nothing_can_be_taken_from_there(
    page_with_states: RegistryPage, come_to_rest: Rest
) -> None:
    page, window = page_with_states, window_of(page_with_states)
    page.do(ShowFileHistory("Team", _FILE))
    (dialog,) = window.findChildren(FileHistoryDialog)
    come_to_rest(window)
    assert [state.change.kind.value for state in dialog.table.content.rows] == ["removed", "modified", "added"]
    assert "It was removed here" in seen(dialog)
    assert not dialog.save.isEnabled() and not dialog.restore.isEnabled()
    dialog.reject()
    page.do(ShowFileHistory("Team", "data/never"))
    come_to_rest(window)
    (dialog,) = [each for each in window.findChildren(FileHistoryDialog) if each.isVisible()]
    assert "No version of “Team” has “data/never”." in seen(dialog)
    dialog.reject()


def test_one_file_of_a_version_is_saved_under_a_name_that_every_system_holds(
    page_with_states: RegistryPage, come_to_rest: Rest, tmp_path: Path, qtbot: QtBot
) -> None:
    page, window = page_with_states, window_of(page_with_states)
    page.browser.open_entry(page.browser.table.content.row(0))
    come_to_rest(window)
    page.browser.save_button.click()
    (dialog,) = window.findChildren(QFileDialog)
    assert dialog.selectedFiles()[0].endswith("caf%E9 & plan%0A.csv")
    dialog.reject()
    target = tmp_path / "saved.csv"
    target.write_bytes(b"what was there")
    page.save_as("Team", _FILE, page.history.content.row(1).commit.id, target)
    qtbot.waitUntil(lambda: "Saved saved.csv" in page.notice.message, timeout=20_000)
    assert target.read_bytes() == b"id,n\n1,10\n2,25\n"
    assert list(tmp_path.glob(".*.new")) == []
    page.save_as("Team", _FILE, page.history.content.row(1).commit.id, tmp_path / "no" / "such" / "folder.csv")
    qtbot.waitUntil(lambda: "cannot be written" in page.notice.message, timeout=20_000)


def test_a_version_is_compared_with_the_current_one_by_its_menu(
    page_with_states: RegistryPage, come_to_rest: Rest
) -> None:
    page, window = page_with_states, window_of(page_with_states)
    do(menu_of(page.history, 3), "Compare with the current state")  # type: ignore[arg-type]
    come_to_rest(window)
    assert page.sides.key == "changes"
    assert page.changes_panel.summary.text() == "1 added, 1 changed"
    assert str(page.changes_panel.compared_with.value) == page.history.content.row(0).commit.id
    words = [page.changes_panel.compared_with.itemText(at) for at in range(page.changes_panel.compared_with.count())]
    assert any("“Another file”" in text for text in words), "any two versions can be compared"
    menu = menu_of(page.changes_panel.list.table, 1)  # type: ignore[arg-type]
    do(menu, "Copy path")
    assert QGuiApplication.clipboard().text() == "data/caf\\xe9 & plan\\n.csv"
    page.history.choose(0)
    come_to_rest(window)
    page.changes_panel.compared_with.choose("")
    come_to_rest(window)
    rows = page.changes_panel.list.table.content.rows
    gone = next(at for at, row in enumerate(rows) if not row.is_folder)
    menu = menu_of(page.changes_panel.list.table, gone)  # type: ignore[arg-type]
    assert [action.text() for action in menu.actions()] == ["History", "Copy path"], "what is gone has a history too"
    menu.close()


def test_what_lies_on_this_computer_is_shown_there_or_what_is_left_of_its_way(
    page_with_states: RegistryPage, come_to_rest: Rest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, window = page_with_states, window_of(page_with_states)
    shown: list[tuple[Path, bool]] = []
    monkeypatch.setattr(file_manager, "show", lambda path, *, folder: shown.append((path, folder)) or True)
    folder = tmp_path / "Team"
    (folder / "data").mkdir(parents=True)
    page.browser.sources = [MigrationSource(str(folder))]
    file = folder / "data" / _FILE.rpartition("/")[2]
    file.write_bytes(b"x")
    do(menu_of(page.browser.table, 0), "Show in the file manager")  # type: ignore[arg-type]
    come_to_rest(window)
    file.unlink()  # under the window
    do(menu_of(page.browser.table, 0), "Show in the file manager")  # type: ignore[arg-type]
    come_to_rest(window)
    assert shown == [(file, False), (folder / "data", True)]


def test_the_way_to_a_file_is_what_each_systems_file_manager_takes(tmp_path: Path) -> None:
    path = tmp_path / "a b" / "c.csv"
    assert file_manager.selecting_command(path, "win32") == f'explorer.exe /select,"{path}"'
    assert file_manager.selecting_command(path, "darwin") == ["open", "-R", str(path)]
    assert file_manager.selecting_command(path, "linux") is None
    assert file_manager.nearest(path) == tmp_path
    assert file_manager.nearest(Path(tmp_path.anchor) / "nowhere" / "at all") is None


def test_the_handle_between_history_and_content_moves_by_keyboard(page_with_states: RegistryPage, qtbot: QtBot) -> None:
    split = page_with_states.split
    assert split is not None
    handle, before = split.handle(1), split.sizes()[0]
    assert handle.accessibleName() == "Width of the history"
    qtbot.keyClick(handle, Qt.Key.Key_Right)
    assert split.sizes()[0] > before
    for _ in range(30):
        qtbot.keyClick(handle, Qt.Key.Key_Left)
    assert min(split.sizes()) > 100, "neither is ever pushed out of sight"
    assert page_with_states.state()["history"] == round(split.share, 3)


def test_what_a_search_found_has_the_same_menu(page_with_states: RegistryPage, come_to_rest: Rest) -> None:
    """Seen to fail with what it leads to asked of the dialog, which knows of no history."""
    page, window = page_with_states, window_of(page_with_states)
    page.ask_find()
    (search,) = window.findChildren(SearchDialog)
    search.words.setText("b.md")
    search.look()
    come_to_rest(window)
    menu = menu_of(search.table, 0)  # type: ignore[arg-type]
    assert [action.text() for action in menu.actions()] == ["Show it", "History", "Save as …", "Copy path"]
    do(menu, "History")
    come_to_rest(window)
    (dialog,) = window.findChildren(FileHistoryDialog)
    assert [state.commit.message for state in dialog.table.content.rows] == ["Another file", "First"]
    dialog.reject()


def test_a_folder_is_shown_by_its_name_of_any_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[QUrl] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: asked.append(url) or True)
    place = tmp_path / "caf\udce9 100% & #1"
    assert file_manager.show(place / "a.csv", folder=False, platform="linux")
    assert bytes(asked[0].toEncoded().data()) == place.as_uri().encode("ascii")


def test_the_menu_button_is_about_the_folder_in_view_when_nothing_is_chosen(
    page_with_states: RegistryPage, come_to_rest: Rest
) -> None:
    """Seen to fail with a button that did nothing then."""
    page = page_with_states
    assert page.browser.chosen is None
    assert [action.words for action in page.browser.offered()] == ["History", "Open in …", "Restore …", "Copy path"]
    page.browser.open_folder("")
    come_to_rest(window_of(page))
    assert [action.words for action in page.browser.offered()] == ["Restore …"]

"""Bringing in and restoring without a mouse; where the keyboard is can be seen."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.restore import RestoreDialog
from kronkers_studio.desktop.look import tokens
from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.window import MainWindow
from tests.desktop.kinds import OpenWindow, Rest, the_page

_PATIENCE = 20_000
_MOST_STEPS = 60


def tab_to(window: QWidget, wanted: QWidget, qtbot: QtBot) -> None:
    """Press Tab until ``wanted`` has the keyboard."""
    passed = []
    for _ in range(_MOST_STEPS):
        if wanted.hasFocus():
            return
        now = QApplication.focusWidget() or window
        passed.append(now.accessibleName())
        qtbot.keyClick(now, Qt.Key.Key_Tab)
    raise AssertionError(f"{wanted.accessibleName()} is not among {passed}")


def in_front(window: MainWindow, qtbot: QtBot) -> None:
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=_PATIENCE)


def test_a_folder_is_brought_in_by_the_keyboard_alone(
    open_main_window: OpenWindow, filled_workspace: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(filled_workspace)
    in_front(window, qtbot)
    qtbot.keyClick(window, Qt.Key.Key_2, Qt.KeyboardModifier.ControlModifier)
    assert window.current == "migrate"
    come_to_rest(window)
    page = the_page(window, MigratePage)
    look = page.before.rows["Team folder"].look
    tab_to(window, look, qtbot)
    qtbot.keyClick(look, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
    come_to_rest(window)
    everything = next(button for key, button in page.panel.filter._buttons.items() if key == "all")
    tab_to(window, everything, qtbot)
    qtbot.keyClick(everything, Qt.Key.Key_Right)
    assert page.panel.filter.key == "fresh"
    tab_to(window, page.start_button, qtbot)
    qtbot.keyClick(page.start_button, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: page.views.shown == "outcome", timeout=_PATIENCE)
    come_to_rest(window)


def test_a_file_is_looked_at_and_restored_by_the_keyboard_alone(
    open_main_window: OpenWindow, filled_workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(filled_workspace, page="registry")
    in_front(window, qtbot)
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    table = page.browser.table
    tab_to(window, table, qtbot)
    assert table.chosen is not None and table.chosen.name == "data"  # where one is
    qtbot.keyClick(table, Qt.Key.Key_Return)
    come_to_rest(window)
    assert page.browser.path == "data"
    tab_to(window, table, qtbot)
    qtbot.keyClick(table, Qt.Key.Key_Down)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    come_to_rest(window)
    shown = page.browser.file
    assert shown is not None and shown.name == "sales.csv"
    assert QApplication.focusWidget() is page.browser.preview
    qtbot.keyClick(page.browser.preview, Qt.Key.Key_Backspace)
    come_to_rest(window)
    assert page.browser.chosen is not None
    assert (page.browser.file, page.browser.chosen.name) == (None, "sales.csv")

    tab_to(window, page.restore_button, qtbot)
    qtbot.keyClick(page.restore_button, Qt.Key.Key_Space)
    (dialog,) = [found for found in window.findChildren(RestoreDialog) if found.isVisible()]
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow, timeout=_PATIENCE)
    tab_to(dialog, dialog.where, qtbot)
    dialog.where.selectAll()
    qtbot.keyClicks(dialog.where, str(tmp_path / "out"))
    qtbot.keyClick(dialog.where, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "verified" in page.notice.message, timeout=_PATIENCE)
    assert (tmp_path / "out" / "Team folder restored" / "data" / "sales.csv").is_file()


def test_backspace_goes_up_to_the_folder_one_came_from_and_stops_at_the_top(
    open_main_window: OpenWindow, filled_workspace: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(filled_workspace, page="registry")
    in_front(window, qtbot)
    come_to_rest(window)
    browser = the_page(window, RegistryPage).browser
    browser.open_folder("data")
    come_to_rest(window)
    for _ in range(2):
        qtbot.keyClick(browser, Qt.Key.Key_Backspace)
        come_to_rest(window)
    assert browser.chosen is not None
    assert (browser.path, browser.chosen.name) == ("", "data")


def test_the_chosen_row_of_the_table_with_the_keyboard_is_marked_and_of_others_not(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    tables: list[Table[int]] = [Table(name, [Column("Number", str)]) for name in ("first", "second")]
    for table in tables:
        column.addWidget(table)
        table.content.show_rows([1, 2])
        table.choose(0)
    holder.resize(300, 300)
    holder.show()
    holder.activateWindow()
    qtbot.waitUntil(holder.isActiveWindow, timeout=_PATIENCE)
    for table in tables:
        table.setFocus(Qt.FocusReason.TabFocusReason)
        QApplication.processEvents()
        marked = [each.viewport().grab().toImage().pixelColor(1, 15).name().upper() for each in tables]
        assert [colour == tokens.LIGHT.accent for colour in marked] == [each is table for each in tables]

"""The keyboard is where a person expects it: at first, after Tab and Enter, and when its place is gone."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialog,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
    QWidgetItem,
)
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.crash import CrashDialog
from kronkers_studio.desktop.page_list import stops
from kronkers_studio.desktop.pages.deploy import DeployPage, Floor
from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.rail import Stop
from kronkers_studio.desktop.unlock_gate import UnlockCard
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.keyboard import reading_order, takes_tab
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.settings.secrets import Secret
from tests.desktop.all_dialogs import MAKERS, called, fill
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.things import a_release, a_version

_PATIENCE = 20_000
_MOST_STEPS = 120
_SETTLED_MS = 60  # until a dialog is as high as what it shows


@pytest.fixture
def locked(tmp_path: Path) -> Path:
    from kronkers_studio.workflows.session import create_workspace

    session, _recovery_key = create_workspace(tmp_path / "locked", passphrase=Secret("correct horse"))
    session.close()
    return tmp_path / "locked"


class Windows(QObject):
    """Which widgets were shown as windows of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        allowed = (QDialog, QMainWindow)
        shown = event.type() is QEvent.Type.Show and isinstance(watched, QWidget) and watched.isWindow()
        if shown and isinstance(watched, QWidget) and not isinstance(watched, allowed):
            self.shown.append(f"{type(watched).__name__} {watched.accessibleName() or watched.property('text')}")
        return False


@pytest.fixture
def windows(qapp: QApplication) -> Iterator[Windows]:
    made = Windows()
    qapp.installEventFilter(made)
    yield made
    qapp.removeEventFilter(made)


def in_front(window: QWidget, qtbot: QtBot) -> None:
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=_PATIENCE)


def passed_by_tab(window: QWidget, key: Qt.Key = Qt.Key.Key_Tab) -> list[QWidget]:
    """What Tab goes to, until it comes back to where it began."""
    passed: list[QWidget] = []
    for _ in range(_MOST_STEPS):
        now = window.focusWidget()
        QTest.keyClick(now or window, key)
        there = window.focusWidget()
        assert there is not None
        if passed and there is passed[0]:
            return passed
        assert there not in passed, f"{there.accessibleName()} comes twice before all were passed"
        passed.append(there)
    raise AssertionError(f"Tab does not return: {[each.accessibleName() for each in passed]}")


def names(widgets: list[QWidget]) -> list[str]:
    return [f"{type(each).__name__} {each.accessibleName()}" for each in widgets]


def interactive(root: QWidget) -> list[QWidget]:
    """All that takes the keyboard and is seen below ``root``, found without regard to any order; parts of Qt's own
    compound widgets aside."""
    whole = (QComboBox, QLineEdit, QPlainTextEdit)
    return [
        each
        for each in root.findChildren(QWidget)
        if each.isVisible()
        and each.window() is root.window()
        and takes_tab(each)
        and not isinstance(each.parent(), whole)
        and not each.objectName().startswith("qt_")
    ]


def _note(pressed: list[str], name: str, *_: object) -> None:
    pressed.append(name)


# Pages


@pytest.mark.parametrize("stop", stops(), ids=lambda stop: stop.key)
def test_tab_reaches_everything_on_a_page_once_in_reading_order_and_the_rail_at_the_current_page(
    open_main_window: OpenWindow,
    filled_workspace: Path,
    come_to_rest: Rest,
    qtbot: QtBot,
    windows: Windows,
    stop: Stop,
) -> None:
    """Seen to fail with the order in which the widgets were made."""
    window = open_main_window(filled_workspace)
    in_front(window, qtbot)
    come_to_rest(window)
    window.show_page(stop.key)
    come_to_rest(window)
    page = window.page(stop.key)
    assert windows.shown == []
    assert window.isActiveWindow()
    now = QApplication.focusWidget()
    assert now is not None and (now is page or page.isAncestorOf(now))
    passed = passed_by_tab(window)
    assert sorted(names(passed)) == sorted(names(interactive(window)))
    in_rail = [each for each in passed if window._rail.isAncestorOf(each)]
    assert [each.accessibleName() for each in in_rail if each.property("kind") == "rail"] == [stop.title]
    on_page = [each for each in passed if page.isAncestorOf(each)]
    assert on_page == passed[: len(on_page)]  # Tab from the page goes through the page before anything else
    header = [each for each in on_page if page.header.isAncestorOf(each)]
    assert header == on_page[: len(header)]
    assert [each.mapTo(window, each.rect().topLeft()).x() for each in header] == sorted(
        each.mapTo(window, each.rect().topLeft()).x() for each in header
    )
    back = passed_by_tab(window, Qt.Key.Key_Backtab)
    assert set(back) == set(passed)


def test_at_every_step_of_the_guide_the_keyboard_is_in_it_and_tab_comes_round(
    open_main_window: OpenWindow, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(tmp_path / "none")
    qtbot.waitUntil(lambda: window.wizard is not None, timeout=_PATIENCE)
    wizard = window.wizard
    assert wizard is not None
    in_front(window, qtbot)
    for step in wizard.views.keys:
        wizard.show_step(step)
        come_to_rest(window)
        now = QApplication.focusWidget()
        assert now is not None and (now is wizard or wizard.isAncestorOf(now)), step
        passed = passed_by_tab(window)
        assert sorted(names(passed)) == sorted(names(interactive(window))), step


# Dialogs


@pytest.mark.parametrize("kind", MAKERS, ids=called)
def test_in_every_dialog_something_sensible_has_the_keyboard_tab_comes_round_and_escape_closes(
    open_main_window: OpenWindow,
    workspace: Path,
    come_to_rest: Rest,
    qtbot: QtBot,
    windows: Windows,
    kind: type[QDialog],
) -> None:
    fill(workspace)
    window = open_main_window(workspace)
    in_front(window, qtbot)
    come_to_rest(window)
    for make in MAKERS[kind]:
        dialog = make(window)
        dialog.open()
        in_front(dialog, qtbot)
        come_to_rest(window)
        title = dialog.windowTitle()
        first = dialog.focusWidget()
        assert first is not None and first.isVisible() and first.isEnabled(), title
        defaults = [each for each in dialog.findChildren(QPushButton) if each.isDefault() and each.isVisible()]
        entries = [each for each in reading_order(dialog) if not isinstance(each, QPushButton)]
        assert first in defaults or not isinstance(first, QPushButton), f"{title}: {first.accessibleName()}"
        assert not entries or first in defaults or first in entries, title
        assert len(defaults) == 1, title
        passed = passed_by_tab(dialog)
        assert sorted(names(passed)) == sorted(names(interactive(dialog))), title
        assert windows.shown == [], title
        QTest.keyClick(dialog.focusWidget() or dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible(), title


@pytest.mark.parametrize("kind", MAKERS, ids=called)
def test_enter_in_an_entry_is_the_default_button_and_on_another_button_that_button(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, qtbot: QtBot, kind: type[QDialog]
) -> None:
    """Seen to fail with Qt's own way, which presses the default button for Enter on any other."""
    fill(workspace)
    window = open_main_window(workspace)
    in_front(window, qtbot)
    come_to_rest(window)
    for make in MAKERS[kind]:
        dialog = make(window)
        dialog.open()
        in_front(dialog, qtbot)
        come_to_rest(window)
        pressed: list[str] = []
        for button in dialog.findChildren(QPushButton):
            button.clicked.disconnect()
            button.clicked.connect(partial(_note, pressed, button.accessibleName()))
        default = next(each for each in dialog.findChildren(QPushButton) if each.isDefault() and each.isVisible())
        tried = 0
        for widget in reading_order(dialog):
            pressed.clear()
            widget.setFocus()
            if not widget.hasFocus():
                continue  # what was typed or chosen before has disabled it
            tried += 1
            if isinstance(widget, QPushButton):
                QTest.keyClick(widget, Qt.Key.Key_Return)
                assert pressed == [widget.accessibleName()], dialog.windowTitle()
            elif type(widget) is LineField and widget._on_return is None and default.isEnabled():
                QTest.keyClick(widget, Qt.Key.Key_Return)
                assert pressed in ([default.accessibleName()], []), dialog.windowTitle()
        assert tried, dialog.windowTitle()
        dialog.close()


# Where the keyboard's place is gone


def test_after_roll_back_and_back_the_keyboard_is_on_the_page_where_it_was_and_not_in_the_rail(
    open_main_window: OpenWindow,
    filled_workspace: Path,
    come_to_rest: Rest,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail with Qt's own way, which goes to the first thing in the window."""
    from kronkers_studio.desktop.pages import deploy

    releases = [a_release(2, version=2), a_release(1, version=1, state=ReleaseState.STANDBY)]
    floor = Floor([THIS_COMPUTER], [a_version(2), a_version(1)], releases)
    monkeypatch.setattr(deploy, "read_floor", lambda _session: floor)
    window = open_main_window(filled_workspace, page="deploy")
    in_front(window, qtbot)
    come_to_rest(window)
    page = the_page(window, DeployPage)

    def button(words: str) -> Button:
        return next(each for each in page.findChildren(Button) if each.text() == words and each.isVisible())

    def has_keyboard(words: str) -> bool:
        return any(each.text() == words and each.hasFocus() for each in page.findChildren(Button))

    button("Send rows").setFocus()
    page.show_floor(floor)  # made anew, as whenever something is heard of a service
    qtbot.waitUntil(lambda: has_keyboard("Send rows"), timeout=_PATIENCE)
    button("Send rows").click()
    come_to_rest(window)
    page.back_button.setFocus()
    page.back_button.click()
    come_to_rest(window)
    qtbot.waitUntil(page.live_button.hasFocus, timeout=_PATIENCE)
    button("Roll back").setFocus()
    back = [a_release(1, version=1), a_release(2, version=2, state=ReleaseState.STANDBY)]
    page.show_floor(Floor([THIS_COMPUTER], floor.versions, back))
    qtbot.waitUntil(lambda: has_keyboard("Return to version 2"), timeout=_PATIENCE)


def test_a_widget_that_is_disabled_hands_the_keyboard_to_what_is_near(qtbot: QtBot) -> None:
    dialog = Dialog(None, "Something")
    qtbot.addWidget(dialog)
    entries = [LineField(f"Entry {number}") for number in range(4)]
    for entry in entries:
        dialog.content.addWidget(entry)
    dialog.add_cancel()
    in_front(dialog, qtbot)
    entries[3].setFocus()
    entries[3].setEnabled(False)
    qtbot.waitUntil(entries[2].hasFocus, timeout=_PATIENCE)  # not the button that comes next


def test_the_keyboard_stays_in_the_rail_for_whoever_went_there_with_it(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest, qtbot: QtBot
) -> None:
    window = open_main_window(filled_workspace)
    in_front(window, qtbot)
    come_to_rest(window)
    rail = window._rail
    rail._buttons["home"].setFocus(Qt.FocusReason.TabFocusReason)
    for key in ("migrate", "registry"):
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Down)
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Space)
        come_to_rest(window)
        assert window.current == key
        assert rail._buttons[key].hasFocus()
    QTest.keyClick(rail._buttons["registry"], Qt.Key.Key_Tab)
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
    now = QApplication.focusWidget()
    assert now is not None and window.page("registry").isAncestorOf(now)


# Enter


def test_enter_on_a_page_is_its_primary_button_unless_the_keyboard_is_elsewhere(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace, page="migrate")
    in_front(window, qtbot)
    page = the_page(window, MigratePage)
    page.look_at(small_folder)
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=20_000)
    asked: list[str] = []
    for name, button in (("start", page.start_button), ("back", page.back_button)):
        button.clicked.disconnect()
        button.clicked.connect(partial(_note, asked, name))
    page.setFocus()
    QTest.keyClick(page, Qt.Key.Key_Return)
    assert asked == ["start"]
    page.back_button.setFocus()
    QTest.keyClick(page.back_button, Qt.Key.Key_Return)
    assert asked == ["start", "back"]
    page.panel.table.setFocus()
    QTest.keyClick(page.panel.table, Qt.Key.Key_Return)
    assert asked == ["start", "back"]


# Unlocking


def card_of(window: MainWindow) -> UnlockCard:
    card = window.gate.unlock_card
    assert card is not None
    return card


def test_a_passphrase_typed_at_once_opens_the_workspace_by_enter(
    open_main_window: OpenWindow, locked: Path, qtbot: QtBot, windows: Windows
) -> None:
    window = open_main_window(locked)
    window.activateWindow()
    qtbot.waitUntil(card_of(window).entry.hasFocus, timeout=_PATIENCE)
    assert windows.shown == []
    type_into_window(window, "wrong")
    assert card_of(window).entry.text() == "wrong"
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(card_of(window).entry.property("invalid")), timeout=_PATIENCE)
    assert card_of(window).entry.hasFocus()  # after a failed try, what was typed is written over
    type_into_window(window, "correct horse")
    assert not card_of(window).entry.property("invalid")
    QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: window.studio.session is not None, timeout=_PATIENCE)
    now = QApplication.focusWidget()
    assert now is window.page("home") or (now is not None and window.page("home").isAncestorOf(now))


def test_the_field_has_the_keyboard_when_the_window_becomes_active_later(
    open_main_window: OpenWindow, locked: Path, qtbot: QtBot
) -> None:
    window = open_main_window(locked)
    other = QWidget()
    qtbot.addWidget(other)
    in_front(other, qtbot)
    assert not window.isActiveWindow()
    window._central.setFocus()
    window.activateWindow()
    qtbot.waitUntil(card_of(window).entry.hasFocus, timeout=_PATIENCE)


def type_into_window(window: MainWindow, text: str) -> None:
    """Type it where the keyboard is, as a person does."""
    for letter in text:
        QTest.keyClicks(QApplication.focusWidget() or window, letter)


def test_the_guides_passphrase_page_goes_on_by_enter(
    open_main_window: OpenWindow, tmp_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = open_main_window(tmp_path / "none")
    qtbot.waitUntil(lambda: window.wizard is not None, timeout=_PATIENCE)
    wizard = window.wizard
    assert wizard is not None
    in_front(window, qtbot)
    made: list[object] = []
    monkeypatch.setattr(wizard, "_make_workspace", made.append)
    wizard.show_step("protect")
    step = wizard.protect_step
    assert step.passphrase.hasFocus()
    type_into_window(window, "correct horse")
    QTest.keyClick(step.passphrase, Qt.Key.Key_Return)
    assert step.confirmation.hasFocus()
    type_into_window(window, "correct hors")
    wizard.next_button.setFocus()
    QTest.keyClick(wizard.next_button, Qt.Key.Key_Return)
    assert made == []
    assert step.confirmation.property("invalid")
    assert step.confirmation.hasFocus()
    step.confirmation.end(False)
    type_into_window(window, "e")
    assert not step.confirmation.property("invalid")
    QTest.keyClick(step.confirmation, Qt.Key.Key_Return)
    assert len(made) == 1


# Nothing moves under the mouse


def test_a_problem_is_said_in_a_line_that_was_kept_for_it_and_taken_back_by_typing(qtbot: QtBot) -> None:
    holder = QWidget()
    qtbot.addWidget(holder)
    column = QVBoxLayout(holder)
    entry, below = LineField("First"), LineField("Second")
    first = Field("First", entry, problem_lines=1)
    column.addWidget(first)
    column.addWidget(Field("Second", below))
    column.addStretch(1)
    holder.resize(360, 300)
    holder.show()
    QApplication.processEvents()
    before = below.mapTo(holder, below.rect().topLeft())
    first.show_problem("At least 8 characters.")
    QApplication.processEvents()
    assert below.mapTo(holder, below.rect().topLeft()) == before
    assert "At least 8" in " ".join(found.text() for found in first.findChildren(QLabel) if found.isVisible())
    qtbot.keyClicks(entry, "x")
    assert not entry.property("invalid")
    assert below.mapTo(holder, below.rect().topLeft()) == before


@pytest.mark.parametrize("kind", MAKERS, ids=called)
def test_no_error_moves_anything_in_a_dialog_under_the_mouse(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, qtbot: QtBot, kind: type[QDialog]
) -> None:
    """Seen to fail with the notice above the form; and as high as its words take where it is narrow, before it has its
    place."""
    fill(workspace)
    window = open_main_window(workspace)
    come_to_rest(window)
    for make in MAKERS[kind]:
        dialog = make(window)
        assert isinstance(dialog, Dialog)
        dialog.move(200, 200)
        dialog.open()
        come_to_rest(window)
        qtbot.wait(_SETTLED_MS)
        if dialog.notice.isVisible():  # of what it read when it was opened
            assert dialog.notice.height() == dialog.notice.height_at(dialog.notice.width()), dialog.windowTitle()
        there = places(dialog)
        error = StudioError("The server does not answer, and nobody knows why.", next_step="Look at it. " * 16)
        dialog.notice.show_error(error)
        qtbot.wait(_SETTLED_MS)
        assert dialog.notice.isVisible()
        assert places(dialog) == there, dialog.windowTitle()
        assert dialog.notice.height() == dialog.notice.height_at(dialog.notice.width()), dialog.windowTitle()
        for entry in [each for each in reading_order(dialog) if isinstance(each, QLineEdit)][:1]:
            qtbot.keyClicks(entry, "x")
            assert not dialog.notice.isVisible(), dialog.windowTitle()
        dialog.notice.clear()
        dialog.close()


def places(dialog: Dialog) -> dict[str, object]:
    """Where on the screen what can be pressed or typed in is."""
    return {
        each.accessibleName(): (
            each.mapToGlobal(each.rect().topLeft()).x(),
            each.mapToGlobal(each.rect().topLeft()).y(),
        )
        for each in reading_order(dialog)
        if not dialog.notice.isAncestorOf(each)
    }


@pytest.mark.parametrize("stop", stops(), ids=lambda stop: stop.key)
def test_no_error_moves_what_stands_at_the_top_of_a_page(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest, stop: Stop
) -> None:
    window = open_main_window(filled_workspace, page=stop.key)
    come_to_rest(window)
    page = window.page(stop.key)
    before = page.content.geometry().topLeft()
    header = page.header.geometry()
    page.show_error(StudioError("It does not answer.", next_step="Look at it."))
    QApplication.processEvents()
    assert page.notice.isVisible()
    assert (page.content.geometry().topLeft(), page.header.geometry()) == (before, header)


# A bug


def test_a_bug_is_told_without_its_traceback_until_it_is_asked_for(qtbot: QtBot) -> None:
    dialog = CrashDialog(None, "Packaging", "Traceback (most recent call last):\n  ZeroDivisionError: a bug")
    qtbot.addWidget(dialog)
    in_front(dialog, qtbot)
    assert dialog.windowTitle() == "Something went wrong. Your files are safe."
    assert not dialog.box.isVisible()
    seen = " ".join(found.text() for found in dialog.findChildren(QLabel) if found.isVisible())
    assert "Traceback" not in seen
    assert "Packaging" in seen
    assert "once more" in seen  # what to do
    height = dialog.height()
    dialog.unfold.click()
    assert dialog.box.isVisible()
    assert "ZeroDivisionError" in dialog.box.toPlainText()
    dialog.unfold.click()
    assert not dialog.box.isVisible()
    qtbot.waitUntil(lambda: dialog.height() <= height, timeout=_PATIENCE)
    dialog._copy.click()
    assert "ZeroDivisionError: a bug" in QApplication.clipboard().text()


def test_no_wrapper_of_a_layouts_item_outlives_the_look_at_it(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest
) -> None:
    """Qt deletes items with their widgets and PySide does not notice: what gets such an item's address next would be
    taken for it, which ended the program now and then. Seen to fail without the wrapper being let go of."""
    before = _wrapped_items()
    window = open_main_window(filled_workspace)
    come_to_rest(window)

    assert reading_order(window)

    assert [each for each in _wrapped_items() if not any(each is known for known in before)] == []


def _wrapped_items() -> list[QWidgetItem]:
    return [each for each in shiboken6.getAllValidWrappers() if type(each) is QWidgetItem]

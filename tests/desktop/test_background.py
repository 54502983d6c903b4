"""Going on without the window. Of the system, which has no tray here, only the icon is a stand-in."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QColor, QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication, QMenu, QSystemTrayIcon
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop import incidents, tray
from kronkers_studio.desktop.background import Background
from kronkers_studio.desktop.dialogs.keep_running import KeepRunningDialog
from kronkers_studio.desktop.incidents import Condition
from kronkers_studio.desktop.pages.settings import SettingsPage
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.domain.changes import ReleaseRecorded
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.settings.configuration import change_settings, load_settings
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.monitored import MODEL, Service, put_live, service

_LONG = 30_000

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # the offscreen screen, of raising


class FakeIcon(QObject):
    """Notes what the system would show."""

    activated = Signal(object)
    messageClicked = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.tips: list[str] = []
        self.messages: list[tuple[str, str]] = []
        self.menu: QMenu | None = None
        self.shown = False

    def setIcon(self, icon: QIcon) -> None:
        assert not icon.isNull()

    def setToolTip(self, tip: str) -> None:
        self.tips.append(tip)

    def setContextMenu(self, menu: QMenu) -> None:
        self.menu = menu

    def show(self) -> None:
        self.shown = True

    def hide(self) -> None:
        self.shown = False

    def showMessage(self, title: str, msg: str, _icon: QSystemTrayIcon.MessageIcon, _msecs: int) -> None:
        self.messages.append((title, msg))

    @property
    def words(self) -> list[str]:
        assert self.menu is not None
        return [action.text() for action in self.menu.actions()]

    def choose(self, words: str) -> None:
        assert self.menu is not None
        next(action for action in self.menu.actions() if action.text() == words).trigger()


@pytest.fixture(autouse=True)
def a_tray(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[bool]]:
    """Whether there is one; it may go."""
    there = [True]
    monkeypatch.setattr(tray, "tray_available", lambda: there[0])
    monkeypatch.setattr("kronkers_studio.desktop.pages.settings.tray_available", lambda: there[0])
    monkeypatch.setattr(tray, "system_icon", FakeIcon)
    yield there
    QApplication.setQuitOnLastWindowClosed(True)


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """What lasts is told within a moment; that it must last is tested with the incidents themselves."""
    for name in ("_SETTLED", "_CALM", "_BETWEEN"):
        monkeypatch.setattr(incidents, name, 0.0)


@pytest.fixture
def a_service() -> Iterator[Service]:
    with service() as made:
        yield made


@pytest.fixture
def begun(open_main_window: OpenWindow, come_to_rest: Rest) -> Callable[[Path], tuple[MainWindow, FakeIcon]]:
    def begin(workspace: Path) -> tuple[MainWindow, FakeIcon]:
        window = open_main_window(workspace)
        come_to_rest(window)
        window.go_on_in_background()
        return window, _icon(window)

    return begin


def _icon(window: MainWindow) -> FakeIcon:
    icon = window.findChild(FakeIcon)
    assert isinstance(icon, FakeIcon)
    return icon


def _background(window: MainWindow) -> Background:
    assert window.background is not None
    return window.background


def _live(window: MainWindow, port: int, qtbot: QtBot) -> Release:
    release = put_live(the_session(window), port)
    window.studio.changed.emit("releases")
    qtbot.waitUntil(lambda: any("3 h" not in w and MODEL in w for w in _icon(window).words), timeout=_LONG)
    return release


Begun = Callable[[Path], tuple[MainWindow, FakeIcon]]


def test_a_service_that_stops_answering_is_told_once_and_so_is_its_answering_again(
    begun: Begun, workspace: Path, a_service: Service, qtbot: QtBot, soon: None
) -> None:
    """Seen to fail with ends told at each look."""
    window, icon = begun(workspace)
    _live(window, a_service.port, qtbot)
    qtbot.waitUntil(lambda: f"{MODEL} on this computer: Live" in icon.words, timeout=_LONG)
    assert "All is well" in icon.tips[-1]
    a_service.answering = False
    qtbot.waitUntil(lambda: bool(icon.messages), timeout=_LONG)
    assert icon.messages[0][0] == f"{MODEL} on this computer does not answer"
    assert _background(window).attention.overview.condition is Condition.ATTENTION
    assert any("does not answer since" in words for words in icon.words)
    icon.messageClicked.emit()
    assert window.current == "monitor"
    a_service.answering = True
    qtbot.waitUntil(lambda: len(icon.messages) == 2, timeout=_LONG)
    qtbot.wait(2500)
    assert [title for title, _ in icon.messages][1:] == [f"{MODEL} on this computer answers again"]


def test_a_service_that_ends_is_told_but_not_one_that_had_ended_before(
    begun: Begun, workspace: Path, a_service: Service, qtbot: QtBot, soon: None
) -> None:
    window, icon = begun(workspace)
    release = _live(window, a_service.port, qtbot)
    gone = replace(release, state=ReleaseState.STANDBY, lost=True, message="The computer was restarted.")
    the_session(window).workspace.ledger.record(ReleaseRecorded(gone), author="ada")
    qtbot.waitUntil(lambda: bool(icon.messages), timeout=_LONG)
    assert icon.messages == [(f"{MODEL} on this computer stopped", "The computer was restarted.")]
    window.quit()
    window, icon = begun(workspace)
    qtbot.waitUntil(lambda: _background(window).attention.overview.condition is Condition.ATTENTION, timeout=_LONG)
    qtbot.wait(2500)
    assert icon.messages == []


def test_servers_that_are_all_silent_at_once_are_one_incident_and_mean_offline(
    begun: Begun, workspace: Path, a_service: Service, qtbot: QtBot, soon: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with a message for each of them."""
    monkeypatch.setattr(incidents, "_SETTLED", 4.0)  # neither is found silent at the very same moment
    window, icon = begun(workspace)
    session = the_session(window)
    release = put_live(session, a_service.port)
    stopped = replace(release, state=ReleaseState.STOPPED)
    record = partial(session.workspace.ledger.record, author="ada")
    record(ReleaseRecorded(stopped))
    for place in ("north", "south"):  # servers that nobody added: they cannot be reached
        record(ReleaseRecorded(replace(release, place=place)))
    qtbot.waitUntil(lambda: bool(icon.messages), timeout=_LONG)
    qtbot.wait(2500)
    assert [title for title, _ in icon.messages] == ["None of your servers can be reached"]
    assert _background(window).attention.overview.condition is Condition.OFFLINE


def test_a_folder_that_is_not_there_is_told_and_watching_is_paused_and_continued_from_the_tray(
    begun: Begun, filled_workspace: Path, small_folder: Path, qtbot: QtBot, soon: None
) -> None:
    window, icon = begun(filled_workspace)
    watchers = Watchers.of(window.studio)
    watchers.settle_seconds = 0.1
    watchers.start("Team folder", [small_folder])
    qtbot.waitUntil(lambda: "“Team folder”: in sync" in icon.words, timeout=_LONG)
    away = small_folder.with_name("elsewhere")
    small_folder.rename(away)
    qtbot.waitUntil(lambda: bool(icon.messages), timeout=_LONG)
    assert icon.messages[0][0] == "A folder of “Team folder” is not there"
    away.rename(small_folder)
    qtbot.waitUntil(lambda: len(icon.messages) == 2, timeout=_LONG)
    assert icon.messages[1][0] == "“Team folder” is in sync again"

    icon.choose("Pause keeping folders in sync")
    assert watchers.projects == []
    assert watchers.wanted == ["Team folder"], "it comes back with the next window"
    icon.choose("Continue keeping folders in sync")
    assert watchers.projects == ["Team folder"]
    qtbot.waitUntil(lambda: "“Team folder”: in sync" in icon.words, timeout=_LONG)


def _fail(_progress: Progress, _cancel: CancelToken) -> None:
    raise StudioError("The disk is full.", next_step="Free some.")


def test_a_task_that_fails_while_nobody_looks_is_told_until_somebody_does(
    begun: Begun, workspace: Path, qtbot: QtBot, soon: None
) -> None:
    window, icon = begun(workspace)
    attention = _background(window).attention
    window.activateWindow()
    qtbot.waitUntil(lambda: QGuiApplication.focusWindow() is not None)
    window.studio.do("Counting", _fail)
    qtbot.waitUntil(lambda: window.studio.runner.idle)
    attention.look()
    assert icon.messages == [], "it was seen in the window"

    _background(window).hide_window()
    window.studio.do("Counting", _fail)
    qtbot.waitUntil(lambda: icon.messages == [("Counting failed", "The disk is full.")], timeout=_LONG)
    assert attention.overview.condition is Condition.ATTENTION
    icon.activated.emit(QSystemTrayIcon.ActivationReason.Trigger)
    qtbot.waitUntil(lambda: attention.overview.condition is Condition.IDLE, timeout=_LONG)
    assert window.isVisible()


def test_successes_are_told_only_when_that_is_wanted(
    begun: Begun, workspace: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kronkers_studio.desktop.attention._LONG_TASK", 0.0)
    window, icon = begun(workspace)
    _background(window).hide_window()
    window.studio.do("Counting", lambda *_: None)
    qtbot.waitUntil(lambda: window.studio.runner.idle)
    window.studio.reload_settings(change_settings(notify_successes=True))
    window.studio.do("Weighing", lambda *_: None)
    qtbot.waitUntil(lambda: bool(icon.messages), timeout=_LONG)
    assert icon.messages == [("Done: Weighing", "")]


def test_failures_are_not_told_when_that_is_not_wanted(begun: Begun, workspace: Path, qtbot: QtBot, soon: None) -> None:
    window, icon = begun(workspace)
    window.studio.reload_settings(change_settings(notify_failures=False))
    _background(window).hide_window()
    window.studio.do("Counting", _fail)
    attention = _background(window).attention
    qtbot.waitUntil(lambda: attention.overview.condition is Condition.ATTENTION, timeout=_LONG)
    qtbot.wait(300)
    assert icon.messages == []


def test_what_is_being_worked_on_is_seen_in_the_tray(begun: Begun, workspace: Path, qtbot: QtBot) -> None:
    window, icon = begun(workspace)

    def wait(_progress: Progress, cancel: CancelToken) -> None:
        while not cancel.cancelled:
            time.sleep(0.01)

    task = window.studio.do("Counting", wait)
    assert icon.words[0] == "Working: Counting"
    task.cancel()
    qtbot.waitUntil(lambda: icon.words[0] == "Nothing to do: All is well", timeout=_LONG)


# Closing


def test_closing_with_something_live_asks_once_and_goes_on_in_the_tray(
    begun: Begun, workspace: Path, a_service: Service, qtbot: QtBot
) -> None:
    window, icon = begun(workspace)
    _live(window, a_service.port, qtbot)
    assert not window.close()
    dialog = window.findChild(KeepRunningDialog)
    assert isinstance(dialog, KeepRunningDialog)
    assert "when a live model stops answering" in dialog.sentence.text()
    dialog.keep_button.click()
    assert load_settings().when_closed == "tray"
    assert not window.isVisible()
    assert window.studio.session is not None
    icon.choose("Open Kronkers Studio")
    assert window.isVisible()
    assert not window.close(), "asked no more"
    assert not window.isVisible()
    icon.choose("Quit Kronkers Studio")
    qtbot.waitUntil(lambda: window.studio.session is None)
    assert not icon.shown


def test_who_does_not_want_it_in_the_tray_is_asked_no_more(
    begun: Begun, workspace: Path, a_service: Service, qtbot: QtBot
) -> None:
    window, _ = begun(workspace)
    _live(window, a_service.port, qtbot)
    window.close()
    dialog = window.findChild(KeepRunningDialog)
    assert isinstance(dialog, KeepRunningDialog)
    dialog.quit_button.click()
    assert load_settings().when_closed == "quit"
    assert window.studio.session is None
    window, _ = begun(workspace)
    assert window.close()


def test_closing_ends_the_program_where_nothing_goes_on(begun: Begun, workspace: Path) -> None:
    window, icon = begun(workspace)
    assert window.close()
    assert window.findChild(KeepRunningDialog) is None
    assert not icon.shown


def test_a_window_that_is_not_seen_comes_back_when_the_tray_is_gone(
    begun: Begun, workspace: Path, qtbot: QtBot, a_tray: list[bool]
) -> None:
    """Seen to fail with nobody looking."""
    window, _ = begun(workspace)
    _background(window).hide_window()
    a_tray[0] = False
    qtbot.waitUntil(window.isVisible, timeout=_LONG)


def test_without_a_tray_all_is_as_if_there_were_none_and_settings_say_so(
    open_main_window: OpenWindow,
    workspace: Path,
    a_service: Service,
    come_to_rest: Rest,
    a_tray: list[bool],
) -> None:
    a_tray[0] = False
    window = open_main_window(workspace, page="settings")
    come_to_rest(window)
    put_live(the_session(window), a_service.port)
    window.go_on_in_background()
    assert window.background is None
    card = the_page(window, SettingsPage).background
    assert card.without_tray.isVisible()
    assert not any(each.isVisible() for each in (card.failures, card.successes, card.when_closed))
    page = the_page(window, SettingsPage)
    page.show_setting("when_closed")
    assert "does not apply" in page.notice.message
    assert window.close()


def test_each_condition_has_a_shape_of_its_own(qapp: QApplication) -> None:
    """Seen to fail with two conditions of one file in two colours."""
    shapes = set()
    for condition in Condition:
        image = tray.tray_icon(condition).pixmap(32, 32).toImage()
        cells = range(32)
        inked = [(x, y) for x in cells for y in cells if QColor(image.pixelColor(x, y)).alpha() > 127]
        assert len(inked) > 60
        shapes.add(tuple(inked))
    assert len(shapes) == len(Condition)

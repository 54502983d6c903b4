"""The frame around the pages: where one is, how one gets elsewhere, and what comes back after a restart."""

from __future__ import annotations

import threading
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QPushButton
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import ShowModel
from kronkers_studio.desktop.dialogs.crash import CrashDialog
from kronkers_studio.desktop.dialogs.diagnostics import DiagnosticsDialog
from kronkers_studio.desktop.dialogs.help import HelpDialog
from kronkers_studio.desktop.page_list import LOADED_EARLY, page_keys, stops
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.domain.changes import ModelRegistered, ReleaseRecorded, ServerAdded
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import ReleaseState
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.workflows.browsing import list_projects, show_commit
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.kinds import OpenWindow, Rest
from tests.desktop.things import NOON, a_release, a_version, pages_made


def test_pages_are_made_at_their_first_visit(open_main_window: OpenWindow, workspace: Path) -> None:
    window = open_main_window(workspace)
    assert set(pages_made(window)) <= {"home"}
    window.show_page("registry")
    assert set(pages_made(window)) == {"home", "registry"}


def test_what_pages_need_is_loaded_early_one_module_after_the_other(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.desktop import window as module

    loaded: list[tuple[str, bool]] = []
    monkeypatch.setattr(
        module, "load", lambda name: loaded.append((name, threading.current_thread() is threading.main_thread()))
    )
    window = open_main_window(workspace)
    window.make_ready()
    assert len(loaded) == 1, "the others when nothing else is to be done"
    qtbot.waitUntil(lambda: len(loaded) == len(LOADED_EARLY), timeout=20_000)
    assert loaded == [(name, True) for name in LOADED_EARLY]
    assert pages_made(window) == ["home"]


def test_each_page_has_a_shortcut_and_alt_arrows_go_through_the_history(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    window.activateWindow()
    for position, stop in enumerate(stops(), 1):
        QTest.keyClick(window, getattr(Qt.Key, f"Key_{position}"), Qt.KeyboardModifier.ControlModifier)
        assert window.current == stop.key
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert window.current == "servers"
    QTest.keyClick(window, Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier)
    assert window.current == "monitor"
    QTest.keyClick(window, Qt.Key.Key_Right, Qt.KeyboardModifier.AltModifier)
    assert window.current == "servers"


def test_the_command_palette_finds_by_any_word_and_enter_does_it(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.palette_box.isVisible()
    qtbot.keyClicks(window.palette_box.search, "dark the")
    QTest.keyClick(window.palette_box.search, Qt.Key.Key_Return)
    assert not window.palette_box.isVisible()
    assert load_settings().theme == "dark"

    window.palette_box.open()
    QTest.keyClick(window.palette_box.search, Qt.Key.Key_Escape)
    assert not window.palette_box.isVisible()


def test_the_page_and_its_state_come_back_after_a_restart(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest
) -> None:
    first = open_main_window(filled_workspace)
    first.show_page("registry")
    come_to_rest(first)
    registry = first.page("registry")
    registry.browser.open_folder("data")  # type: ignore[attr-defined]
    come_to_rest(first)
    registry.split.step(0.1)  # type: ignore[attr-defined]
    first.close()

    second = open_main_window(filled_workspace)
    come_to_rest(second)
    assert second.current == "registry"
    assert second.page("registry").state() == {"project": "Team folder", "path": "data", "history": 0.44}


def test_closing_while_something_runs_asks_with_cancel_as_the_default(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)

    def endless(_progress: Progress, cancel: CancelToken) -> None:
        while True:
            cancel.check()
            time.sleep(0.005)

    window.studio.do("Working", endless)
    assert not window.close()
    dialog = window.findChild(Dialog)
    assert isinstance(dialog, Dialog)
    default = next(button for button in dialog.findChildren(QPushButton) if button.isDefault())
    assert default.text() == "Cancel"
    stop = next(button for button in dialog.findChildren(QPushButton) if button.text() == "Stop and close")
    stop.click()
    qtbot.waitUntil(lambda: not window.isVisible())


def test_a_bug_in_a_task_surfaces_with_details_to_copy(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)

    def bug(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    window.studio.do("Counting", bug)
    qtbot.waitUntil(lambda: window.findChild(CrashDialog) is not None)
    dialog = window.findChild(CrashDialog)
    assert isinstance(dialog, CrashDialog)
    next(
        button for button in dialog.findChildren(QPushButton) if "Copy" in button.text() and button.isVisible()
    ).click()
    copied = QApplication.clipboard().text()
    assert "Counting" in copied
    assert "ZeroDivisionError: a bug" in copied
    next(button for button in dialog.findChildren(QPushButton) if "diagnostics" in button.text()).click()
    assert window.findChild(DiagnosticsDialog) is not None
    dialog.close()


def test_what_is_copied_of_a_bug_holds_no_secret_and_nothing_of_a_table(
    open_main_window: OpenWindow, workspace: Path
) -> None:
    """Seen to fail with the traceback as it is."""
    window = open_main_window(workspace)
    said = "ValueError: no number: 'Ada', token=s3cr3t"
    trace = f'Traceback (most recent call last):\n  File "a.py", line 1, in f\n{said}'
    window.dialogs.show_crash("Counting", trace)
    dialog = window.findChild(CrashDialog)
    assert isinstance(dialog, CrashDialog)
    shown = dialog.box.toPlainText()
    assert "ValueError: no number" in shown and 'File "a.py", line 1' in shown
    assert "Ada" not in shown and "s3cr3t" not in shown
    dialog.close()


def test_help_lists_every_shortcut(open_main_window: OpenWindow, workspace: Path) -> None:
    from PySide6.QtWidgets import QLabel

    window = open_main_window(workspace)
    window.dialogs.show_help()
    dialog = window.findChild(HelpDialog)
    assert isinstance(dialog, HelpDialog)
    words = {found.text() for found in dialog.findChildren(QLabel)}
    for action in window.actions_now():
        if action.shortcut:
            assert action.title in words
            assert action.shown_shortcut in words
    dialog.close()


def test_an_ampersand_in_a_pages_title_is_shown_in_the_rail(open_main_window: OpenWindow, workspace: Path) -> None:
    """Seen to fail with the title as it is, of which Qt made "Files _history" with a shortcut; and with one that was
    prepared for Qt twice, which showed "Files && history"."""
    window = open_main_window(workspace)
    (button,) = (each for each in window.findChildren(QPushButton) if each.accessibleName() == "Files & history")
    assert button.text() == " Files & history"
    assert QAbstractButton.text(button) == " Files && history", "of two, Qt shows one"
    assert button.shortcut().isEmpty()


def test_a_folder_dropped_on_migrate_is_looked_through_and_brought_in_with_what_was_left_out_listed(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    window.show_page("migrate")
    page = window.page("migrate")
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(small_folder))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    target = page.choice.drop  # type: ignore[attr-defined]
    QApplication.sendEvent(target, QDragEnterEvent(QPoint(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))
    assert target.property("drop") is True
    QApplication.sendEvent(target, QDropEvent(QPointF(5, 5), Qt.DropAction.CopyAction, data, buttons, keys))
    assert target.property("drop") is False
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=20_000)  # type: ignore[attr-defined]
    page.start()  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: page.views.shown == "outcome", timeout=20_000)  # type: ignore[attr-defined]
    left_out = [item.path for item in page.outcome.table.content.rows]  # type: ignore[attr-defined]
    assert left_out == ["desktop.ini"]
    come_to_rest(window)


def test_a_folder_that_is_gone_is_said_inline_and_the_choice_comes_back(
    open_main_window: OpenWindow, workspace: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    window.show_page("migrate")
    page = window.page("migrate")
    page.look_at(tmp_path / "gone")  # type: ignore[attr-defined]
    qtbot.waitUntil(lambda: bool(page.notice.message), timeout=20_000)
    assert page.views.shown == "choose"  # type: ignore[attr-defined]
    assert "gone" in page.notice.message


@pytest.fixture
def busy_workspace(filled_workspace: Path) -> Path:
    """With something of long names on every page: models, servers, releases."""
    name, server = "a-model-of-a-long-name-" + "x" * 40, "a-server-of-a-long-name-" + "y" * 39
    with open_workspace(filled_workspace) as session:
        (project,) = list_projects(session)
        commit = show_commit(session, project.name).id
        record = partial(session.workspace.ledger.record, author="ada")
        for number in (1, 2):
            version = replace(a_version(number, name=name), source=ContentRef(project.name, commit, "data/sales.csv"))
            record(ModelRegistered(replace(version, metrics={f"metric_{each}": each / 7 for each in range(30)})))
        record(ServerAdded(Server(server, "127.0.0.1", 9, "ada", "ssh-ed25519 AAAA", added=NOON)))
        for number, state in enumerate((ReleaseState.FAILED, ReleaseState.STANDBY, ReleaseState.LIVE), 1):
            message = "It did not start: " + "for a long reason " * 20
            record(ReleaseRecorded(replace(a_release(number, state=state, message=message, place=server), model=name)))
    return filled_workspace


@pytest.mark.parametrize("page", page_keys())
def test_no_page_is_wider_than_what_is_seen_of_it_at_1280_by_800(
    open_main_window: OpenWindow, busy_workspace: Path, come_to_rest: Rest, page: str
) -> None:
    """It neither scrolls sideways nor is cut off. Seen to fail with a server's name of 63 letters that pushed a button
    out of Home's list of services."""
    from PySide6.QtWidgets import QAbstractScrollArea, QScrollArea

    window = open_main_window(busy_workspace, page=page)
    come_to_rest(window)
    if page == "model":
        window.go_to(ShowModel("a-model-of-a-long-name-" + "x" * 40))
        come_to_rest(window)
    seen = [area for area in window.findChildren(QAbstractScrollArea) if area.isVisible()]
    assert seen
    assert [area.accessibleName() for area in seen if area.horizontalScrollBar().isVisible()] == []
    for area in seen:
        if isinstance(area, QScrollArea) and (content := area.widget()) is not None:
            assert content.width() <= area.viewport().width(), area.accessibleName()
    assert window.width() == 1280
    assert window.minimumSizeHint().width() <= 1280


def test_two_opened_windows_do_not_share_what_they_remember(tmp_path: Path, qapp: QApplication) -> None:
    from kronkers_studio.desktop.window_state import Memory

    first, second = Memory(tmp_path / "a.ini"), Memory(tmp_path / "b.ini")
    first.page = "models"
    first.keep_page_state("models", {"version": "wine:1"})
    first.save()
    assert Memory(tmp_path / "a.ini").page_state("models") == {"version": "wine:1"}
    assert second.page == ""


def test_remembered_nonsense_is_as_if_it_had_never_been_there(tmp_path: Path, qapp: QApplication) -> None:
    from kronkers_studio.desktop.window_state import Memory

    file = tmp_path / "window.ini"
    file.write_text("[pages]\nmodels=[1, 2\n[window]\ngeometry=xyz\n", encoding="utf-8")
    memory = Memory(file)
    assert memory.page_state("models") == {}
    assert memory.geometry.isEmpty()

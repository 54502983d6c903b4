"""A workspace whose index is damaged or missing is mended in the window, and whoever has no command line needs none."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.rebuild import RebuildDialog
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.pages.settings import SettingsPage
from kronkers_studio.desktop.panels.rebuild import MendingPanel
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.tasks import TaskState
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows import maintenance
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import create_workspace, open_workspace
from tests.damage import damage_behind_the_schema
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.other_program import held_by_another_program
from tests.desktop.things import mending_panel

_PATIENCE = 30_000

_DAMAGES: dict[str, Callable[[Path], object]] = {
    "missing": lambda database: database.unlink(),
    "emptied": lambda database: database.write_bytes(b""),
    "overwritten": lambda database: database.write_bytes(bytes(4096) + database.read_bytes()[4096:]),
}


@pytest.fixture
def overwritten_workspace(filled_workspace: Path) -> Path:
    _DAMAGES["overwritten"](filled_workspace / "metadata.db")
    return filled_workspace


@pytest.fixture
def damaged_within(filled_workspace: Path) -> Path:
    """It opens, but its pages cannot read what they show."""
    damage_behind_the_schema(filled_workspace, "journal", "commits", "projects")
    return filled_workspace


def _panel(window: MainWindow) -> MendingPanel:
    panel = mending_panel(window)
    assert panel is not None
    return panel


def _words(widget: Any) -> str:
    return " ".join(found.text() for found in widget.findChildren(QLabel) if found.isVisibleTo(widget))


def _cut_off(widget: Any) -> list[str]:
    """Words that have less height than they take at their width."""
    shown = (found for found in widget.findChildren(QLabel) if found.isVisibleTo(widget) and found.wordWrap())
    return [found.text() for found in shown if found.height() < found.heightForWidth(found.width())]


def _dialog(window: MainWindow, kind: type[Dialog]) -> Any:
    (found,) = (dialog for dialog in window.findChildren(kind) if dialog.isVisible())
    return found


def _await_open(window: MainWindow, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: window.studio.session is not None, timeout=_PATIENCE)


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_workspace_without_a_usable_index_offers_to_rebuild_it_and_opens(
    open_main_window: OpenWindow,
    filled_workspace: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    monkeypatch: pytest.MonkeyPatch,
    damage: str,
) -> None:
    _DAMAGES[damage](filled_workspace / "metadata.db")
    threads: list[threading.Thread] = []
    rebuild = maintenance.rebuild_registry

    def watched(*arguments: Any, **named: Any) -> Any:
        threads.append(threading.current_thread())
        return rebuild(*arguments, **named)

    monkeypatch.setattr(maintenance, "rebuild_registry", watched)
    window = open_main_window(filled_workspace, page="registry")
    come_to_rest(window)
    panel = _panel(window)
    assert panel.isVisibleTo(window)
    said = _words(panel)
    assert ("missing" in said) is (damage == "missing")
    assert "are only read" in said
    assert not _cut_off(panel), "words are cut off"
    assert not any(word in said for word in ("kronkers ", "Traceback", "metadata.db", "SQL"))
    panel.button.click()
    assert panel.views.shown == "working"
    _await_open(window, qtbot)
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    assert window.current == "registry"
    assert page.isVisibleTo(window)
    assert page.notice.message == "The index was made again."
    assert [entry.name for entry in page.browser.table.content.rows] == ["data", "notes.md"]
    assert [thread is threading.main_thread() for thread in threads] == [False]


def test_a_cancelled_rebuild_leaves_the_old_state_and_can_be_begun_again(
    open_main_window: OpenWindow, overwritten_workspace: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = (overwritten_workspace / "metadata.db").read_bytes()
    rebuild = maintenance.rebuild_registry

    def after_cancel(*arguments: Any, cancel: CancelToken, **named: Any) -> Any:
        begun.set()
        while not cancel.cancelled:
            cancelled.wait(0.01)
        return rebuild(*arguments, cancel=cancel, **named)

    begun, cancelled = threading.Event(), threading.Event()
    window = open_main_window(overwritten_workspace)
    panel = _panel(window)
    with monkeypatch.context() as patch:
        patch.setattr(maintenance, "rebuild_registry", after_cancel)
        panel.button.click()
        qtbot.waitUntil(begun.is_set, timeout=_PATIENCE)
        panel.working._cancel.click()
        qtbot.waitUntil(lambda: panel.views.shown == "offer", timeout=_PATIENCE)
    assert "Nothing was changed" in panel.notice.message
    assert window.studio.runner.tasks[0].state is TaskState.CANCELLED
    assert (overwritten_workspace / "metadata.db").read_bytes() == before
    panel.button.click()
    _await_open(window, qtbot)


def test_a_passphrase_typed_once_serves_for_opening_rebuilding_and_opening_again(
    open_main_window: OpenWindow, tmp_path: Path, small_folder: Path, qtbot: QtBot
) -> None:
    session, _ = create_workspace(tmp_path / "locked", passphrase=Secret("correct horse"))
    with session:
        migrate_folder(session, small_folder)
    _DAMAGES["overwritten"](tmp_path / "locked" / "metadata.db")
    window = open_main_window(tmp_path / "locked")
    card = window.gate.unlock_card
    assert card is not None
    card.entry.setText("wrong")
    card.unlock()
    qtbot.waitUntil(lambda: "is wrong" in _words(card.field), timeout=_PATIENCE)
    card.entry.setText("correct horse")
    card.unlock()
    qtbot.waitUntil(lambda: mending_panel(window) is not None, timeout=_PATIENCE)
    assert window.gate.unlock_card is None
    _panel(window).button.click()
    _await_open(window, qtbot)


def test_a_key_that_is_gone_meanwhile_is_asked_for_and_a_wrong_one_said(
    open_main_window: OpenWindow, tmp_path: Path, small_folder: Path, qtbot: QtBot
) -> None:
    session, recovery = create_workspace(tmp_path / "kept", key_file=tmp_path / "usb stick.key")
    with session:
        migrate_folder(session, small_folder)
    _DAMAGES["overwritten"](tmp_path / "kept" / "metadata.db")
    window = open_main_window(tmp_path / "kept")
    (tmp_path / "usb stick.key").unlink()
    _panel(window).button.click()
    qtbot.waitUntil(lambda: window.gate.unlock_card is not None, timeout=_PATIENCE)
    QApplication.processEvents()
    asked = window.gate.unlock_card
    assert asked is not None
    assert asked.entry.height() >= asked.entry.sizeHint().height(), "the field is squashed"
    other, others = create_workspace(tmp_path / "other", key_file=tmp_path / "other.key")
    other.close()
    for typed in (others, recovery):
        card = window.gate.unlock_card
        assert card is not None
        card.kind.choose("recovery")
        card.entry.setText(typed.reveal())
        card.unlock()
        if typed is others:
            qtbot.waitUntil(lambda: window.gate.unlock_card is not None, timeout=_PATIENCE)
            assert window.gate.unlock_card is not None
            assert "not this workspace's" in _words(window.gate.unlock_card.field)
    _await_open(window, qtbot)


def test_a_workspace_that_another_program_writes_to_is_said_and_rebuilt_afterwards(
    open_main_window: OpenWindow, overwritten_workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(overwritten_workspace)
    panel = _panel(window)
    with held_by_another_program(overwritten_workspace):
        panel.button.click()
        qtbot.waitUntil(lambda: bool(panel.notice.message), timeout=_PATIENCE)
        assert "written to by process" in panel.notice.message
        assert "Wait until it is done" in panel.notice._next.text()
        assert panel.views.shown == "offer"
    panel.button.click()
    _await_open(window, qtbot)


def test_lost_changes_stop_it_until_somebody_agrees_to_give_them_up(
    open_main_window: OpenWindow, filled_workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    (tmp_path / "Second").mkdir()
    (tmp_path / "Second" / "a.txt").write_text("a", encoding="utf-8")
    with open_workspace(filled_workspace) as session:
        migrate_folder(session, tmp_path / "Second")
        last = session.workspace.ledger.entries()[-1].number
    file = next((filled_workspace / "journal").iterdir())
    content = bytearray(file.read_bytes())
    records = [at for at in range(len(content)) if content.startswith(b"KOBJ", at)]
    content[records[-2] + 100] ^= 1
    file.write_bytes(content)
    _DAMAGES["missing"](filled_workspace / "metadata.db")

    window = open_main_window(filled_workspace)
    panel = _panel(window)
    assert not panel.give_up_button.isVisibleTo(panel)
    panel.button.click()
    qtbot.waitUntil(lambda: panel.give_up_button.isVisibleTo(panel), timeout=_PATIENCE)
    QApplication.processEvents()
    assert not _cut_off(panel), "words are cut off"
    assert "lost" in panel.notice.message
    assert "from a backup" in panel.notice._next.text()
    assert "--accept-loss" not in panel.notice._next.text()
    panel.give_up_button.click()
    dialog = _dialog(window, Dialog)
    dialog.findChildren(type(panel.button))[-1].click()
    _await_open(window, qtbot)
    come_to_rest(window)
    notice = window.page("home").notice
    assert "could not be read" in notice.message
    assert notice.action is not None
    session_now = window.studio.session
    assert session_now is not None
    assert session_now.workspace.ledger.entries()[-1].number < last


def test_damaged_keys_are_not_taken_for_a_damaged_index(
    open_main_window: OpenWindow, filled_workspace: Path, qtbot: QtBot
) -> None:
    """What a rebuild cannot mend does not offer one."""
    (filled_workspace / "keys.json").write_text("{", encoding="utf-8")
    window = open_main_window()
    window.studio.open_directory(filled_workspace)
    qtbot.waitUntil(lambda: "keys.json is damaged" in _words(window.gate), timeout=_PATIENCE)
    assert mending_panel(window) is None


def test_a_check_that_finds_the_index_damaged_rebuilds_it_from_its_message(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """The projects' table is one that the check compares with the journal; the files that pages show are read."""
    with open_workspace(filled_workspace) as session, session.workspace.database.write() as connection:
        connection.execute("UPDATE commits SET document = replace(document, 'Brought', 'Bought')")
    window = open_main_window(filled_workspace, page="registry")
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    page.check()
    come_to_rest(window)
    assert "problem" in page.notice.message
    assert "kronkers" not in page.notice._next.text()
    assert page.notice.action is not None
    page.notice.action.click()
    dialog = _dialog(window, RebuildDialog)
    dialog.go.click()
    assert not page.isVisibleTo(window)
    qtbot.waitUntil(lambda: page.notice.message == "The index was made again.", timeout=_PATIENCE)
    come_to_rest(window)
    assert page.isVisibleTo(window)
    page.check()
    come_to_rest(window)
    assert page.notice.message == "The workspace is sound."


def test_an_older_index_put_back_is_offered_to_be_rebuilt_by_the_check(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, tmp_path: Path, come_to_rest: Rest
) -> None:
    backup = Path(shutil.copy2(filled_workspace / "metadata.db", tmp_path / "backup"))
    with open_workspace(filled_workspace) as session:
        for number in range(3):
            (small_folder / "notes.md").write_text(str(number), encoding="utf-8")
            migrate_folder(session, small_folder)
    shutil.copy2(backup, filled_workspace / "metadata.db")
    window = open_main_window(filled_workspace, page="registry")
    page = the_page(window, RegistryPage)
    page.check()
    come_to_rest(window)
    assert page.notice.action is not None
    assert "out of date" in page.notice._next.text()


def test_damage_that_a_page_meets_is_told_with_what_mends_it(
    open_main_window: OpenWindow, damaged_within: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(damaged_within, page="registry")
    page = the_page(window, RegistryPage)
    qtbot.waitUntil(lambda: page.notice.action is not None, timeout=_PATIENCE)
    assert "index of this workspace is damaged" in page.notice.message
    assert page.notice.action is not None
    page.notice.action.click()
    _dialog(window, RebuildDialog).go.click()
    qtbot.waitUntil(lambda: page.notice.message == "The index was made again.", timeout=_PATIENCE)
    come_to_rest(window)
    assert [entry.name for entry in page.browser.table.content.rows] == ["data", "notes.md"]


def test_no_rebuild_while_other_work_is_under_way(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest
) -> None:
    window = open_main_window(filled_workspace)
    come_to_rest(window)
    session, done = the_session(window), threading.Event()
    window.studio.do("Bringing in", lambda _progress, _cancel: done.wait(30))
    window.mending.ask()
    dialog = _dialog(window, RebuildDialog)
    dialog.go.click()
    assert "still running" in dialog.notice.message
    assert the_session(window) is session
    done.set()
    come_to_rest(window)
    dialog.go.click()
    assert window.studio.session is None
    come_to_rest(window)


def test_watched_folders_are_watched_again_after_a_rebuild(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    from kronkers_studio.desktop.work.folder_watches import Watchers

    window = open_main_window(filled_workspace)
    come_to_rest(window)
    watchers = Watchers.of(window.studio)
    watchers.start("Team folder", [small_folder])
    session = window.studio.session
    window.mending.ask()
    _dialog(window, RebuildDialog).go.click()
    qtbot.waitUntil(lambda: window.studio.session not in (None, session), timeout=_PATIENCE)
    qtbot.waitUntil(lambda: watchers.projects == ["Team folder"], timeout=_PATIENCE)
    watchers.stop("Team folder")
    come_to_rest(window)


def test_another_workspace_that_is_damaged_is_seen_though_one_is_open(
    open_main_window: OpenWindow, filled_workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Seen to fail: the offer stood behind the page in view."""
    session, _ = create_workspace(tmp_path / "other", key_file=tmp_path / "other.key")
    session.close()
    shutil.copytree(filled_workspace, tmp_path / "damaged")
    _DAMAGES["missing"](tmp_path / "damaged" / "metadata.db")
    window = open_main_window(tmp_path / "other", page="settings")
    come_to_rest(window)
    settings = the_page(window, SettingsPage)
    settings.open_workspace(tmp_path / "damaged")
    qtbot.waitUntil(lambda: mending_panel(window) is not None, timeout=_PATIENCE)
    qtbot.waitUntil(lambda: _panel(window).isVisibleTo(window), timeout=_PATIENCE)
    _panel(window).button.click()
    _await_open(window, qtbot)
    assert window.studio.directory == tmp_path / "damaged"
    come_to_rest(window)

"""The guided way: what it asks, what it refuses, and that it can be left and run again."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.wizard.first_run import FirstRunWizard
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.secrets import Secret
from tests.desktop.kinds import OpenWindow, Rest

_PASSPHRASE = "correct horse"


@pytest.fixture
def fresh(open_main_window: OpenWindow, tmp_path: Path, qtbot: QtBot) -> MainWindow:
    """A window at its very first start, with the wizard in view."""
    window = open_main_window(tmp_path / "new workspace")
    qtbot.waitUntil(lambda: window.wizard is not None)
    return window


def _wizard(window: MainWindow) -> FirstRunWizard:
    assert window.wizard is not None
    return window.wizard


def _said(wizard: FirstRunWizard) -> str:
    return " ".join(found.text() for found in wizard.protect_step.findChildren(QLabel) if found.isVisible())


def _type(wizard: FirstRunWizard, first: str, again: str) -> None:
    wizard.protect_step.passphrase.setText(first)
    wizard.protect_step.confirmation.setText(again)


def test_at_the_first_start_the_wizard_is_in_view_and_can_be_skipped_and_run_again(
    fresh: MainWindow, qtbot: QtBot
) -> None:
    _wizard(fresh).leave()
    assert fresh.wizard is None
    assert load_settings().first_run_done
    assert fresh.current == "home"
    fresh.studio.wizard_wanted.emit()
    assert fresh.wizard is not None


def test_a_skipped_wizard_does_not_come_back_by_itself(
    open_main_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    from kronkers_studio.settings.configuration import change_settings

    change_settings(first_run_done=True)
    window = open_main_window(tmp_path / "none")
    qtbot.wait(100)
    assert window.wizard is None


@pytest.mark.parametrize(
    ("first", "again", "said"),
    [
        ("", "", "a passphrase is needed"),
        ("short", "short", "At least 8 characters"),
        ("correct horse", "correct house", "not the same"),
    ],
)
def test_a_passphrase_that_will_not_do_is_said_beside_it(
    fresh: MainWindow, small_folder: Path, qtbot: QtBot, first: str, again: str, said: str
) -> None:
    wizard = _wizard(fresh)
    wizard.choose(small_folder)
    qtbot.waitUntil(lambda: fresh.studio.runner.idle)
    _type(wizard, first, again)
    wizard.go_on()
    assert wizard.step == "protect"
    assert said in _said(wizard)


def test_without_a_keyring_the_box_for_it_is_off_and_says_why(
    fresh: MainWindow, small_folder: Path, qtbot: QtBot
) -> None:
    wizard = _wizard(fresh)
    wizard.choose(small_folder)
    qtbot.waitUntil(lambda: fresh.studio.runner.idle)
    assert not wizard.protect_step.keyring.isEnabled()
    assert "no keyring that can be used" in _said(wizard)


def test_the_recovery_key_is_shown_once_can_be_copied_and_saved_and_must_be_ticked(
    fresh: MainWindow, small_folder: Path, tmp_path: Path, qtbot: QtBot
) -> None:
    wizard = _wizard(fresh)
    wizard.choose(small_folder)
    _type(wizard, _PASSPHRASE, _PASSPHRASE)
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.step == "recovery", timeout=20_000)
    assert not wizard.next_button.isEnabled()
    step = wizard.recovery_step
    key = step.shown.text()
    assert len(key) >= 30
    step.copy_button.click()
    assert QApplication.clipboard().text() == key
    step.save(tmp_path / "key.txt")
    assert key in (tmp_path / "key.txt").read_text(encoding="utf-8")

    step.tick.click()
    assert wizard.next_button.isEnabled()
    wizard.go_on()
    assert step.shown.text() == ""
    qtbot.waitUntil(lambda: wizard.step == "plan", timeout=20_000)
    fresh.close()

    from kronkers_studio.workflows.session import open_workspace

    open_workspace(tmp_path / "new workspace", recovery_key=Secret(key)).close()


def test_a_folder_without_models_ends_on_home(
    fresh: MainWindow, small_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    wizard = _wizard(fresh)
    wizard.choose(small_folder)
    _type(wizard, _PASSPHRASE, _PASSPHRASE)
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.step == "recovery", timeout=20_000)
    wizard.recovery_step.tick.click()
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.step == "plan", timeout=20_000)
    wizard.go_on()
    qtbot.waitUntil(lambda: wizard.step == "outcome", timeout=20_000)
    come_to_rest(fresh)
    wizard.go_on()
    assert wizard.next_button.text() == "Finish"
    wizard.go_on()
    assert fresh.wizard is None
    assert fresh.current == "home"
    come_to_rest(fresh)


def test_with_a_workspace_open_the_wizard_asks_for_no_protection(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    window.show_wizard()
    wizard = _wizard(window)
    wizard.choose(small_folder)
    qtbot.waitUntil(lambda: wizard.step == "plan", timeout=20_000)
    wizard.leave()

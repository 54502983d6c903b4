"""Every interactive widget has a name for assistive technology and can be reached by keyboard."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QDialog,
)
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.unprotected import ask_unprotected
from kronkers_studio.desktop.page_list import page_keys
from kronkers_studio.desktop.panels.model_details import ModelDetails
from kronkers_studio.desktop.panels.send_rows import SendRowsPanel
from kronkers_studio.desktop.widgets.dialog import Dialog, confirm
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import ConfinementUnavailable
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER
from tests.desktop.accessible import unnamed, unreachable
from tests.desktop.all_dialogs import MAKERS, called, dialog_classes, fill
from tests.desktop.kinds import OpenWindow, Rest
from tests.desktop.things import a_release, a_version


@pytest.mark.parametrize("full", [False, True], ids=["empty", "full"])
def test_everything_on_every_page_is_named_and_reachable(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, come_to_rest: Rest, full: bool
) -> None:
    if full:
        from kronkers_studio.workflows.migrating import migrate_folder
        from kronkers_studio.workflows.session import open_workspace

        with open_workspace(workspace) as session:
            migrate_folder(session, small_folder)
    window = open_main_window(workspace)
    for key in page_keys():
        window.show_page(key)
        come_to_rest(window)
        assert unnamed(window) == [], key
        assert unreachable(window) == [], key
    window.tasks_panel.toggle()
    window.palette_box.open()
    assert unnamed(window) == []


def test_everything_in_the_wizard_is_named_and_reachable(
    open_main_window: OpenWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    window = open_main_window(tmp_path / "none")
    qtbot.waitUntil(lambda: window.wizard is not None)
    wizard = window.wizard
    assert wizard is not None
    for step in wizard.views.keys:
        wizard.show_step(step)
        assert unnamed(window) == [], step
        assert unreachable(window) == [], step


def test_there_is_a_maker_for_every_dialog() -> None:
    """Seen to fail with a dialog that ``MAKERS`` does not know, and with one that is no ``Dialog``."""
    kinds = dialog_classes()
    assert {kind for kind in kinds if not issubclass(kind, Dialog)} == set()
    assert kinds == MAKERS.keys()


@pytest.mark.parametrize("kind", MAKERS, ids=called)
def test_everything_in_every_dialog_is_named_and_reachable(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, kind: type[QDialog]
) -> None:
    """As it opens and when it has read what it shows. Seen to fail with the Rebuild dialog's button unreachable."""
    fill(workspace)
    window = open_main_window(workspace)
    for make in MAKERS[kind]:
        dialog = make(window)
        dialog.open()
        for _ in range(2):
            assert unnamed(dialog) == [], dialog.windowTitle()
            assert unreachable(dialog) == [], dialog.windowTitle()
            assert dialog.accessibleName()
            come_to_rest(window)
        dialog.close()


@pytest.mark.parametrize("columns", [("alcohol", "hue"), ()], ids=["form", "text"])
def test_panels_made_from_a_models_schema_are_named_and_reachable(
    studio: Studio, qtbot: QtBot, columns: tuple[str, ...]
) -> None:
    version: ModelVersion = a_version(columns=columns)
    send, details = SendRowsPanel(studio), ModelDetails()
    for panel in (send, details):
        qtbot.addWidget(panel)
        panel.show()
    send.show_model(version, THIS_COMPUTER)
    details.show_version(version, [a_release()])
    assert unnamed(send) == unnamed(details) == []
    assert unreachable(send) == unreachable(details) == []


def test_in_a_dialog_that_destroys_something_cancel_has_the_keyboard(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    done: list[int] = []
    dialog = confirm(window, "Remove lab?", "The studio forgets it.", "Remove lab", lambda: done.append(1))
    default = next(button for button in dialog.findChildren(QAbstractButton) if getattr(button, "isDefault", bool)())
    assert default.text() == "Cancel"
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    assert done == []


def test_a_model_runs_unprotected_only_by_choice_not_by_the_return_key(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    agreed: list[int] = []
    error = ConfinementUnavailable("It could read what you can.")
    dialog = ask_unprotected(window, window.studio, error, lambda: agreed.append(1))
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert not dialog.isVisible()
    assert agreed == []
    assert not window.studio.settings.run_unprotected

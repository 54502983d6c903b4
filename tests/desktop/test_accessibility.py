"""Every interactive widget has a name for assistive technology and can be reached by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QDialog,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
    QWidget,
)
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.add_server import AddServerDialog
from kronkers_studio.desktop.dialogs.clean_server import CleanServerDialog
from kronkers_studio.desktop.dialogs.crash import CrashDialog
from kronkers_studio.desktop.dialogs.help import HelpDialog
from kronkers_studio.desktop.dialogs.image_registry import ImageRegistryDialog
from kronkers_studio.desktop.dialogs.log_in import LogInDialog
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.dialogs.unprotected import ask_unprotected
from kronkers_studio.desktop.panels.model_details import ModelDetails
from kronkers_studio.desktop.panels.send_rows import SendRowsPanel
from kronkers_studio.desktop.widgets.dialog import confirm
from kronkers_studio.desktop.window import MainWindow, stops
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import ConfinementUnavailable
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.servers import HostKey, Server
from kronkers_studio.workflows.image_registries import RegistryAccess
from tests.desktop.things import a_release, a_version

OpenWindow = Callable[..., MainWindow]
Rest = Callable[[MainWindow], None]

_SERVER = Server("lab", "lab.example.org", 22, "ada", "ssh-ed25519 AAAA", "/home/ada/.ssh/id")
_INTERACTIVE = (
    QAbstractButton,
    QAbstractItemView,
    QAbstractSpinBox,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QProgressBar,
)


def unnamed(root: QWidget) -> list[str]:
    """Interactive widgets below ``root`` without an accessible name; parts of Qt's own compound widgets aside."""
    return [
        f"{type(widget).__name__} in {type(widget.parent()).__name__}"
        for widget in root.findChildren(QWidget)
        if isinstance(widget, _INTERACTIVE)
        and not widget.accessibleName().strip()
        and not isinstance(widget.parent(), QComboBox | QAbstractSpinBox | QAbstractItemView)
        and not widget.objectName().startswith("qt_")
    ]


def unreachable(root: QWidget) -> list[str]:
    """Visible buttons and inputs that the keyboard cannot reach."""
    return [
        widget.accessibleName()
        for widget in root.findChildren(QWidget)
        if isinstance(widget, QAbstractButton | QLineEdit | QComboBox | QPlainTextEdit)
        and widget.isVisible()
        and not widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not isinstance(widget.parent(), QAbstractItemView)
        and not _reached_by_arrows(widget)
    ]


def _reached_by_arrows(widget: QWidget) -> bool:
    """In a group of which one is chosen, Tab goes to the chosen one and the arrow keys to the others."""
    group = widget.group() if isinstance(widget, QAbstractButton) else None
    return group is not None and group.exclusive() and group.checkedButton() is not None


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
    for stop in stops():
        window.show_page(stop.key)
        come_to_rest(window)
        assert unnamed(window) == [], stop.key
        assert unreachable(window) == [], stop.key
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
    for step in ("folder", "protect", "recovery", "working", "plan", "outcome", "live"):
        wizard.show_step(step)
        assert unnamed(window) == [], step
        assert unreachable(window) == [], step


def test_everything_in_every_dialog_is_named_and_reachable(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot
) -> None:
    window = open_main_window(workspace)
    version = a_version()

    def nothing(*_: object) -> None:
        pass

    add = AddServerDialog(window, window.studio, nothing)
    add.show_host_key(HostKey("lab", 22, "ssh-ed25519 AAAA", "SHA256:abc"))
    log_in = LogInDialog(window, window.studio, replace(_SERVER, identity_file=""), nothing)
    log_in.show_host_key(HostKey("lab", 22, "ssh-ed25519 AAAA", "SHA256:abc"))
    dialogs: list[QDialog] = [
        AddServerDialog(window, window.studio, nothing),
        add,
        PutLiveDialog(window, [version], [THIS_COMPUTER, "lab"], [a_release()], nothing),
        LogInDialog(window, window.studio, _SERVER, nothing),
        log_in,
        CleanServerDialog(window, window.studio, "lab", nothing, nothing),
        ask_unprotected(window, window.studio, ConfinementUnavailable("It could read what you can."), nothing),
        ImageRegistryDialog(window, window.studio, None, nothing),
        ImageRegistryDialog(window, window.studio, RegistryAccess("registry.example.org", "svc", "/ca.pem"), nothing),
        CrashDialog(window, "Packaging", "details"),
        HelpDialog(window, window.actions_now()),
        confirm(window, "Stop it?", "It stops.", "Stop", nothing),
    ]
    for dialog in dialogs:
        dialog.open()
        assert unnamed(dialog) == [], dialog.windowTitle()
        assert unreachable(dialog) == [], dialog.windowTitle()
        assert dialog.accessibleName()
        dialog.close()


@pytest.mark.parametrize("columns", [("alcohol", "hue"), ()], ids=["form", "text"])
def test_panels_made_from_a_models_schema_are_named_and_reachable(
    studio: Studio, qtbot: QtBot, columns: tuple[str, ...]
) -> None:
    version: ModelVersion = a_version(columns=columns)
    send, details = SendRowsPanel(studio), ModelDetails(studio)
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

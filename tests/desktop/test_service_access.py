"""The address of what is live, its key and its programs can be copied; the key is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QLineEdit, QPlainTextEdit, QPushButton
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.service_access import ServiceAccessDialog
from kronkers_studio.desktop.pages.deploy import DeployPage, Floor
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.service_snippets import snippets
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.service_access import ServiceAccess
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.things import a_release, a_version

_KEY = "0123456789abcdef" * 4
_ADDRESS = "http://127.0.0.1:30000"


def _access(tunnel: str = "") -> ServiceAccess:
    programs = snippets(_ADDRESS, {"rows": [{"alcohol": 0}]})
    return ServiceAccess("wine", 1, THIS_COMPUTER, _ADDRESS, tunnel, Secret(_KEY), programs)


@pytest.fixture
def dialog(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> ServiceAccessDialog:
    """Opened by the button of a live release's card."""
    window = open_main_window(workspace, page="deploy")
    window.show()
    come_to_rest(window)
    page = the_page(window, DeployPage)
    page.show_floor(Floor([THIS_COMPUTER], [a_version()], [a_release()]))
    monkeypatch.setattr(type(window.studio), "look", lambda *_args, **_options: None)
    (button,) = [each for each in page.findChildren(QPushButton) if each.accessibleName().startswith("Address of wine")]
    button.click()
    return the_dialog(window, ServiceAccessDialog)


def test_everything_can_be_copied_and_the_key_is_shown_nowhere(dialog: ServiceAccessDialog, qtbot: QtBot) -> None:
    dialog.show_access(_access())
    clipboard = QGuiApplication.clipboard()
    copies = {each.accessibleName(): each for each in dialog.findChildren(QPushButton) if each.isVisibleTo(dialog)}
    copies["Copy: Address"].click()
    assert clipboard.text() == _ADDRESS
    for language in ("curl", "Python", "R", "Excel"):
        dialog.language.choose(language)
        copies["Copy"].click()
        assert _ADDRESS in clipboard.text() and clipboard.text() == dialog.program.toPlainText()
    dialog.key_button.click()
    assert clipboard.text() == _KEY
    shown = [each.text() for each in dialog.findChildren(QLabel)]
    shown += [each.text() for each in dialog.findChildren(QLineEdit)]
    shown += [each.toPlainText() for each in dialog.findChildren(QPlainTextEdit)]
    assert shown and not any(_KEY in text for text in shown)


def test_a_servers_address_comes_with_the_command_that_brings_it_here(dialog: ServiceAccessDialog) -> None:
    dialog.show_access(_access())
    assert not dialog.tunnel.isVisibleTo(dialog)
    dialog.show_access(_access("ssh -N -L 30000:127.0.0.1:30000 -p 22 -- ada@lab"))
    assert dialog.tunnel.isVisibleTo(dialog) and dialog.tunnel.text().startswith("ssh ")

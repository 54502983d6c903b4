"""A workspace whose key is not found asks for it, right where one is, and says when it is the wrong one."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.unlock_gate import UnlockCard
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.settings.secrets import Secret
from tests.desktop.kinds import OpenWindow
from tests.desktop.things import pages_made


@pytest.fixture
def locked(tmp_path: Path) -> tuple[Path, Secret]:
    from kronkers_studio.workflows.session import create_workspace

    session, recovery_key = create_workspace(tmp_path / "locked", passphrase=Secret("correct horse"))
    session.close()
    return tmp_path / "locked", recovery_key


def _card(window: MainWindow) -> UnlockCard:
    card = window.gate.unlock_card
    assert card is not None
    return card


def test_a_wrong_passphrase_is_said_beside_it_and_the_right_one_opens(
    open_main_window: OpenWindow, locked: tuple[Path, Secret], qtbot: QtBot
) -> None:
    from PySide6.QtWidgets import QLabel

    window = open_main_window(locked[0])
    card = _card(window)
    card.entry.setText("wrong")
    card.unlock()
    qtbot.waitUntil(card.entry.isEnabled, timeout=20_000)
    said = " ".join(found.text() for found in card.field.findChildren(QLabel))
    assert "is wrong" in said
    assert card.entry.property("invalid")
    assert window.studio.session is None

    card.entry.setText("correct horse")
    card.unlock()
    qtbot.waitUntil(lambda: window.studio.session is not None, timeout=20_000)
    assert window.current == "home"
    assert "home" in pages_made(window)


def test_the_recovery_key_opens_it_too(open_main_window: OpenWindow, locked: tuple[Path, Secret], qtbot: QtBot) -> None:
    window = open_main_window(locked[0])
    card = _card(window)
    card.kind.choose("recovery")
    card.entry.setText(locked[1].reveal())
    card.unlock()
    qtbot.waitUntil(lambda: window.studio.session is not None, timeout=20_000)


def test_nothing_typed_is_said_without_trying(open_main_window: OpenWindow, locked: tuple[Path, Secret]) -> None:
    window = open_main_window(locked[0])
    card = _card(window)
    card.unlock()
    assert card.entry.isEnabled()
    assert card.entry.property("invalid")

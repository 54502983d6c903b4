"""Small things beside each other take as many lines as they need."""

from __future__ import annotations

from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.flow import FlowRow
from kronkers_studio.desktop.widgets.keyboard import reading_order


def test_what_does_not_fit_goes_to_the_next_line_and_tab_reads_line_by_line(qtbot: QtBot) -> None:
    row = FlowRow()
    qtbot.addWidget(row)
    buttons = [Button(f"Button {number}") for number in range(6)]
    row.show_things(buttons)
    row.resize(240, 400)
    row.show()
    QApplication.processEvents()
    assert len({button.y() for button in buttons}) > 1
    assert all(button.geometry().right() <= 240 for button in buttons)
    assert row.heightForWidth(240) == max(button.geometry().bottom() for button in buttons) + 1
    assert row.heightForWidth(2000) < row.heightForWidth(240)
    assert reading_order(row) == buttons
    row.show_things([])
    assert row.heightForWidth(240) == 0

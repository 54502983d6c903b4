"""What a page says of what happened stands straight."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.widgets.states import Notice


@pytest.mark.parametrize("next_step", ["", "Do it once more."], ids=["one line", "two lines"])
def test_the_icon_is_beside_the_first_line(qapp: QApplication, qtbot: QtBot, next_step: str) -> None:
    """Seen to fail for one line with the icon at the top, where the close button is higher than the line."""
    page = QWidget()
    qtbot.addWidget(page)
    notice = Notice()
    QVBoxLayout(page).addWidget(notice)
    page.resize(900, 200)
    page.show()
    notice.say("wine is live on this computer.", next_step, "ok")
    QApplication.processEvents()
    (icon,) = notice.findChildren(IconLabel)
    line = next(each for each in notice.findChildren(QLabel) if each.text().startswith("wine is live"))
    middles = [each.mapTo(notice, each.rect().center()).y() for each in (icon, line)]
    assert abs(middles[0] - middles[1]) <= 1

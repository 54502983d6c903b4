"""On a very wide screen forms and cards stay readable, and tables and charts use the room."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.look.tokens import MARGIN_X
from kronkers_studio.desktop.page_list import stops
from kronkers_studio.desktop.pages.page import Page
from tests.desktop.kinds import OpenWindow, Rest


def _widest(page: Page) -> int:
    children = page.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return max(child.width() for child in children if child.isVisible())


@pytest.mark.parametrize(("width", "spare"), [(2560, True), (1280, False)])
def test_content_is_no_wider_than_its_page_wants(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest, width: int, spare: bool
) -> None:
    window = open_main_window(filled_workspace)
    window.resize(width, 1000)
    window.show()
    limited = []
    for key in (stop.key for stop in stops()):
        window.show_page(key)
        come_to_rest(window)
        page = window.page(key)
        if page.widest:
            limited.append(key)
            assert _widest(page) <= 1440
        if not spare or not page.widest:
            assert _widest(page) >= page.width() - 2 * MARGIN_X, "all the room is used"
    assert {"home", "settings", "servers", "deploy"} <= set(limited)

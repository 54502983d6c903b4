"""On a very wide screen forms and cards stay readable, and tables and charts use the room."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from kronkers_studio.desktop.look.tokens import MARGIN_X, SCROLL_BAR
from kronkers_studio.desktop.page_list import page_keys
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.widgets.cards import Card
from kronkers_studio.domain.changes import ServerAdded
from kronkers_studio.domain.servers import Server
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.versions import create_branch
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.things import NOON


def _widest(page: Page) -> int:
    children = page.findChildren(QWidget, options=Qt.FindChildOption.FindDirectChildrenOnly)
    return max(child.width() for child in children if child.isVisible()) - (SCROLL_BAR if page.scrolls else 0)


@pytest.mark.parametrize(("width", "spare"), [(2560, True), (1280, False)])
def test_content_is_no_wider_than_its_page_wants(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest, width: int, spare: bool
) -> None:
    window = open_main_window(filled_workspace)
    window.resize(width, 1000)
    window.show()
    limited = []
    for key in page_keys():
        window.show_page(key)
        come_to_rest(window)
        page = window.page(key)
        if page.widest:
            limited.append(key)
            assert _widest(page) <= 1440
        if not spare or not page.widest:
            assert _widest(page) >= page.width() - 2 * MARGIN_X, "all the room is used"
    assert {"home", "settings", "servers", "deploy"} <= set(limited)


@pytest.mark.parametrize("height", [500, 1600], ids=["with a scroll bar", "without"])
@pytest.mark.parametrize("key", ["settings", "servers"])
def test_cards_of_pages_that_scroll_end_where_those_of_other_pages_do(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest, key: str, height: int
) -> None:
    """Seen to fail with the scroll bar beside the cards, inside the page's margin."""
    with open_workspace(filled_workspace) as session:
        for number in range(9):
            server = Server(f"lab{number}", "127.0.0.1", 9, "ada", "ssh-ed25519 AAAA", added=NOON)
            session.workspace.ledger.record(ServerAdded(server), author="ada")
    window = open_main_window(filled_workspace, page=key)
    window.resize(1280, height)
    window.show()
    come_to_rest(window)
    page = window.page(key)
    cards = [card for card in page.findChildren(Card) if card.isVisibleTo(page)]
    ends = {card.mapTo(page, card.rect().topRight()).x() + 1 for card in cards}
    assert max(ends) == page.width() - MARGIN_X


def test_in_a_small_window_the_buttons_of_the_history_say_whole_words(
    open_main_window: OpenWindow, filled_workspace: Path, come_to_rest: Rest
) -> None:
    """Seen to fail with "Name this state …" cut at its beginning, and the heading too."""
    with open_workspace(filled_workspace) as session:
        create_branch(session, "Team folder", "forecast")
    window = open_main_window(filled_workspace, page="registry")
    window.show()
    for width, words in ((1024, "Name …"), (1440, "Name this state …"), (1024, "Name …")):
        window.resize(width, 700)
        come_to_rest(window)
        page = the_page(window, RegistryPage)
        assert page.merge_button.isVisible()
        assert page.name_button.text() == words
        heading = next(found for found in page.findChildren(QLabel) if found.text() == "History")
        for widget in (page.merge_button, page.name_button, heading):
            assert widget.width() >= widget.sizeHint().width()
        assert page.name_button.accessibleName() == "Name this state, or work on a copy …"

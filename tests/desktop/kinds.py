"""What the fixtures of these tests give, and the pages and dialogs of a window by their class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.workflows.session import Session

Visited = TypeVar("Visited", bound=Page)
Rest = Callable[[MainWindow], None]


class OpenWindow(Protocol):
    def __call__(self, workspace: Path | None = None, *, page: str = "") -> MainWindow: ...


def the_page(window: MainWindow, kind: type[Visited]) -> Visited:
    """The page of ``kind``, made now when it was never visited; ``window`` need not show it."""
    page = window.page(kind.key)
    assert isinstance(page, kind)
    return page


def window_of(page: Page) -> MainWindow:
    """The window that shows ``page``."""
    window = page.window()
    assert isinstance(window, MainWindow)
    return window


def the_session(window: MainWindow) -> Session:
    """The session of the workspace that ``window`` has open."""
    assert window.studio.session is not None
    return window.studio.session

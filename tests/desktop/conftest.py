"""A real workspace in a window of its own; Qt's warnings fail tests, threads must end with them."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.start import open_window
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.settings.paths import resource
from tests.desktop.kinds import OpenWindow
from tests.desktop.things import mending_panel

SAMPLE = resource("sample/OneDrive - Kronkers")
PATIENCE = 60_000  # milliseconds


def pytest_configure(config: pytest.Config) -> None:
    # The offscreen screen says so of every window; it is about the platform, not about the program.
    config.addinivalue_line("qt_log_ignore", "This plugin does not support propagateSizeHints")


@pytest.fixture(autouse=True, scope="module")
def modules_set_aside() -> None:
    """As the program does it once it has started: of a run of thousands of tests they are so many that looking through
    them after each test took three quarters of these tests' time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def no_collection_amid_qt(modules_set_aside: None) -> Iterator[None]:
    """As in the program: what is garbage is collected between tests, not inside Qt's work or a task's thread."""
    gc.disable()
    yield
    gc.collect()
    gc.enable()


@pytest.fixture(autouse=True)
def no_thread_stays(qapp: QApplication) -> Iterator[None]:
    theme.current().choose("light")
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    until = time.monotonic() + 10
    while left := [t.name for t in threading.enumerate() if t.name.startswith("task:")]:
        assert time.monotonic() < until, f"tasks that did not end: {left}"
        time.sleep(0.01)


@pytest.fixture
def small_folder(tmp_path: Path) -> Path:
    """A folder that is brought in within a moment."""
    folder = tmp_path / "Team folder"
    (folder / "data").mkdir(parents=True)
    (folder / "data" / "sales.csv").write_text("month,amount\n1,10\n2,12\n", encoding="utf-8")
    (folder / "notes.md").write_text("# Notes\n", encoding="utf-8")
    (folder / "desktop.ini").write_text("[.ShellClassInfo]\n", encoding="utf-8")
    return folder


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """An empty workspace that opens by its key file."""
    from kronkers_studio.workflows.session import create_workspace

    directory = tmp_path / "workspace"
    session, _ = create_workspace(directory, key_file=tmp_path / "workspace.key")
    session.close()
    return directory


@pytest.fixture
def filled_workspace(workspace: Path, small_folder: Path) -> Path:
    """A workspace into which the small folder was brought."""
    from kronkers_studio.workflows.migrating import migrate_folder
    from kronkers_studio.workflows.session import open_workspace

    with open_workspace(workspace) as session:
        migrate_folder(session, small_folder)
    return workspace


@pytest.fixture
def studio(qapp: QApplication, qtbot: QtBot, workspace: Path) -> Iterator[Studio]:
    """What pages share, on an open empty workspace."""
    made = Studio()
    made.open_directory(workspace)
    qtbot.waitUntil(lambda: made.session is not None, timeout=PATIENCE)
    yield made
    made.runner.stop()
    made.close()


@pytest.fixture
def open_main_window(qapp: QApplication, qtbot: QtBot) -> Iterator[OpenWindow]:
    """Opens windows as the program does; waits for the workspace when there is one, or for what is in its way. They are
    closed at the end."""
    opened: list[MainWindow] = []

    def settled(window: MainWindow) -> bool:
        return (
            window.studio.session is not None
            or window.gate.unlock_card is not None
            or mending_panel(window) is not None
        )

    def open_it(workspace: Path | None = None, *, page: str = "") -> MainWindow:
        window = open_window(qapp, workspace=workspace, page=page)
        window.resize(1280, 800)
        opened.append(window)
        if workspace is not None and (workspace / "keys.json").exists():
            qtbot.waitUntil(lambda: settled(window), timeout=PATIENCE)
        return window

    yield open_it
    for window in opened:
        window.studio.runner.stop()
        window.close()
        window.deleteLater()


@pytest.fixture
def come_to_rest(qtbot: QtBot) -> Callable[[MainWindow], None]:
    """Wait until everything that a page reads has been read."""

    def rest(window: MainWindow) -> None:
        QApplication.processEvents()
        qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=PATIENCE)
        QApplication.processEvents()

    return rest

"""The Monitor page as a picture, drawn by the real window without a screen."""

from __future__ import annotations

import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

from kronkers_studio.desktop.charts.export import write_picture
from kronkers_studio.desktop.destinations import WatchService
from kronkers_studio.desktop.look import theme

if TYPE_CHECKING:
    from kronkers_studio.desktop.window import MainWindow
    from kronkers_studio.workflows.session import Session

_SIZE = (1280, 800)
_PATIENCE = 15.0  # seconds


def render_monitor(session: Session, model: str, place: str, file: Path, *, choice: theme.Choice = "light") -> None:
    """Draw the window with the Monitor page of ``model`` in ``place`` into the PNG ``file``, twice as sharp as its
    1280 × 800 pixels.

    ``session`` stays open. Raises ``StorageFull`` when the file cannot be written, ``ImportError`` when Qt's system
    libraries are missing.
    """
    from kronkers_studio.desktop.window import MainWindow
    from kronkers_studio.desktop.window_state import Memory
    from kronkers_studio.desktop.work.studio import Studio

    app = _application()
    before = theme.current().choice
    theme.current().choose(choice)
    with tempfile.TemporaryDirectory() as folder:
        studio = Studio()
        window = MainWindow(studio, Memory(Path(folder) / "window.ini"))
        window.resize(*_SIZE)
        window.show()
        studio.use(session)
        window.go_to(WatchService(model, place))
        _wait_until_drawn(app, window)
        window.setFocus()  # no ring around a button in the picture
        write_picture(file, window)
        studio.closed.emit()  # whatever reads the session lets go of it; it is the caller's
        studio.session = None
        studio.runner.stop()
        window.hide()
        window.deleteLater()
        studio.deleteLater()
        QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    theme.current().choose(before)


def _application() -> QApplication:
    found = QApplication.instance()
    if isinstance(found, QApplication):
        return found
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    return QApplication(["kronkers-studio"])


def _wait_until_drawn(app: QApplication, window: MainWindow) -> None:
    """Until the charts are drawn and the service has answered or not."""
    from kronkers_studio.desktop.pages.monitor import MonitorPage

    page = window.page("monitor")
    assert isinstance(page, MonitorPage)  # noqa: S101 — what the rail calls "monitor"
    give_up = time.monotonic() + _PATIENCE
    while time.monotonic() < give_up and not page.settled:
        app.processEvents()
        time.sleep(0.01)

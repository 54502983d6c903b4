"""From the command line to an open window."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from kronkers_studio.desktop.garbage import GarbageCollector
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.studio import Key, Studio
from kronkers_studio.settings.paths import demo_folder

ExceptHook = Callable[[type[BaseException], BaseException, TracebackType | None], None]


def run(arguments: list[str]) -> int:
    """Show the window until it is closed."""
    options = _parsed(arguments)
    app = QApplication.instance() or QApplication(["kronkers-studio"])
    assert isinstance(app, QApplication)  # noqa: S101 — nothing else makes an application here
    GarbageCollector(app)
    window = open_window(app, workspace=options.workspace, key_file=options.key_file, page=options.page)
    sys.excepthook = _to_crash_dialog(window)
    QTimer.singleShot(0, window, lambda: _begin_log(window))
    return app.exec()


def open_window(
    app: QApplication, *, workspace: Path | None = None, key_file: Path | None = None, page: str = ""
) -> MainWindow:
    """Show the window; the workspace opens behind it."""
    app.setApplicationName("Kronkers Studio")
    app.setDesktopFileName("kronkers-studio")
    studio = Studio()
    theme.current().choose(studio.settings.theme)
    if workspace is not None:
        folder = Path(os.path.expanduser(workspace))  # noqa: PTH111  # Path.expanduser fails for ~nobody-known
        studio.settings = replace(studio.settings, workspace=folder.absolute())
    window = MainWindow(studio)
    if page:
        window.show_page(page)
    window.show()
    if key_file is not None:
        QTimer.singleShot(0, lambda: studio.open_directory(studio.settings.workspace, Key(key_file=key_file)))
    else:
        QTimer.singleShot(0, window.begin)
    return window


def _begin_log(window: MainWindow) -> None:
    """Once the window stands: what is done in it is logged from then on."""
    from kronkers_studio import __version__
    from kronkers_studio.desktop.work.task_log import TaskLog
    from kronkers_studio.settings.logs import start_logging

    start_logging(verbose=False, detailed=True)
    TaskLog(window.studio.runner)
    logging.getLogger(__name__).info("kronkers-studio %s began", __version__)


def _parsed(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="kronkers-studio", description=tr("The window of Kronkers Studio."))
    parser.add_argument("--workspace", type=Path, help=tr("the workspace to open, instead of the one in the settings"))
    parser.add_argument("--key-file", type=Path, help=tr("the file that holds its key"))
    parser.add_argument("--demo", action="store_true", help=tr("open the workspace that `kronkers demo` made"))
    parser.add_argument("--page", default="", help=tr("the page to show first, e.g. monitor"))
    options = parser.parse_args(arguments)
    if options.demo:
        options.workspace, key = demo_folder() / "workspace", demo_folder() / "key"
        options.key_file = key if key.exists() else None  # before the first demo, the guide offers to begin
    return options


def _to_crash_dialog(window: MainWindow) -> ExceptHook:
    def show(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if issubclass(kind, KeyboardInterrupt):
            window.close()
            return
        window.dialogs.show_crash(tr("using the window"), "".join(traceback.format_exception(kind, error, trace)))

    return show

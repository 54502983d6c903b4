"""The composition root: the only place that knows both the command line and the window."""

from __future__ import annotations

import gc
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import WindowUnavailable

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


def command() -> None:
    """The console script ``kronkers``."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until the work begins, Ctrl+C ends it without a traceback

    if sys.argv[1:] == ["--reading-process"]:  # only in a frozen program: see there
        from kronkers_studio.workflows.migration.worker_process import main

        main()
        return
    if sys.argv[1:] == ["--restoring-process"]:
        from kronkers_studio.workflows.restoring_process import main as write_files

        write_files()
        return
    if sys.argv[1:] == ["--table-process"]:
        from kronkers_studio.formats.table_process import main as read_tables

        read_tables()
        return

    from kronkers_studio.cli.main import build, run
    from kronkers_studio.cli.streams import prepare_streams

    prepare_streams()

    # A command makes many objects that live until its end, and next to no cycles: looking for those after every 700
    # new ones, as is usual, took a tenth of a large import's time.
    gc.set_threshold(50_000, 20, 50)
    # A thread that returns from compressing waits this long for one that computes: with the usual 5 ms processors idle.
    sys.setswitchinterval(0.001)

    sys.exit(run(build(_render_monitor, "".join(sys.argv[1:2])), sys.argv[1:]))


def window() -> None:
    """The console script ``kronkers-studio``."""
    from kronkers_studio.desktop import start_window

    sys.exit(start_window(sys.argv[1:]))


def _render_monitor(session: Session, model: str, place: str, file: Path) -> None:
    try:
        import PySide6.QtWidgets  # noqa: F401  # only whether it loads
    except ImportError as missing:
        raise WindowUnavailable(
            f"Qt needs a system library that is missing ({missing}).",
            next_step="On Debian and Ubuntu: sudo apt-get install libegl1 libgl1 libxkbcommon0 libfontconfig1",
        ) from None
    from kronkers_studio.desktop.chart_picture import render_monitor

    render_monitor(session, model, place, file)

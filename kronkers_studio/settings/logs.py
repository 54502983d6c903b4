"""The program's log: JSON lines in a size-bounded file, without secrets.

No command fails for want of a log: where none can be written there is none.
"""

from __future__ import annotations

import json
import logging
import os
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from kronkers_studio.settings.paths import log_folder
from kronkers_studio.settings.private import close_to_others, make_private_folder, open_private

_LOG_BYTES = 2_000_000
_KEPT_FILES = 3


class JsonLines(logging.Formatter):
    """One JSON object a line. The standard library's own formatter, because starting up must stay quick."""

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class _File(RotatingFileHandler):
    """Readable by its owner only. Lines that cannot be written are lost, without a word on the terminal; and a file
    that another program has open, which Windows does not rename, grows on."""

    def _open(self) -> TextIOWrapper:
        descriptor = open_private(self.baseFilename, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        return TextIOWrapper(os.fdopen(descriptor, "ab"), encoding="utf-8", errors="backslashreplace")

    def rotate(self, source: str, dest: str) -> None:
        try:
            super().rotate(source, dest)
        except OSError:
            self.maxBytes = 0  # not tried again at each line

    def handleError(self, record: logging.LogRecord) -> None:
        del record


def log_file() -> Path:
    """Where the log lies."""
    return log_folder() / "kronkers.log"


def start_logging(*, verbose: bool) -> str:
    """Write warnings (with ``verbose`` everything) to the log file, and with ``verbose`` to stderr as well.

    Gives the reason as a sentence when there can be no log file, else "".
    """
    file = log_file()
    handlers: list[logging.Handler] = []
    problem = ""
    try:
        if not file.is_absolute():
            raise FileNotFoundError(2, "This account has no home folder")
        make_private_folder(file.parent)
        os.close(open_private(str(file), os.O_WRONLY | os.O_APPEND | os.O_CREAT))
        close_to_others(file)
        handlers.append(_File(file, maxBytes=_LOG_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True))
    except OSError as error:
        problem = f"Nothing is logged: {file.parent} cannot be written to ({error.strerror or error})."
        handlers.append(logging.NullHandler())
    if verbose:
        handlers.append(logging.StreamHandler())
    for handler in handlers:
        handler.setFormatter(JsonLines())
    root = logging.getLogger()
    for earlier in [handler for handler in root.handlers if isinstance(handler.formatter, JsonLines)]:
        root.removeHandler(earlier)
        earlier.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(logging.INFO if verbose else logging.WARNING)
    return problem


def log_bug(error: BaseException) -> Path | None:
    """Write an unexpected error with its traceback to the log; gives the log's path, to show to the user, or None when
    there is none."""
    logging.getLogger("kronkers_studio").error("unexpected error", exc_info=error)
    for handler in logging.getLogger().handlers:
        handler.flush()
    return log_file() if any(isinstance(handler, _File) for handler in logging.getLogger().handlers) else None

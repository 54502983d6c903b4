"""The program's log: JSON lines in a size-bounded file, without secrets."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from kronkers_studio.settings.paths import log_folder

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


def log_file() -> Path:
    """Where the log lies."""
    return log_folder() / "kronkers.log"


def start_logging(*, verbose: bool) -> None:
    """Write warnings (with ``verbose`` everything) to the log file, and with ``verbose`` to stderr as well."""
    from logging.handlers import RotatingFileHandler

    file = log_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        RotatingFileHandler(file, maxBytes=_LOG_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True)
    ]
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


def log_bug(error: BaseException) -> Path:
    """Write an unexpected error with its traceback to the log; gives the log's path, to show to the user."""
    logging.getLogger("kronkers_studio").error("unexpected error", exc_info=error)
    for handler in logging.getLogger().handlers:
        handler.flush()
    return log_file()

"""The program's log: JSON lines in a size-bounded file, without secrets."""

from __future__ import annotations

import logging
import logging.handlers
from pathlib import Path

from kronkers_studio.settings.paths import log_folder

_LOG_BYTES = 2_000_000
_KEPT_FILES = 3


def log_file() -> Path:
    """Where the log lies."""
    return log_folder() / "kronkers.log"


def start_logging(*, verbose: bool) -> None:
    """Write warnings (with ``verbose`` everything) to the log file, and with ``verbose`` to stderr as well."""
    import structlog

    file = log_file()
    file.parent.mkdir(parents=True, exist_ok=True)
    handlers: list[logging.Handler] = [
        logging.handlers.RotatingFileHandler(
            file, maxBytes=_LOG_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True
        )
    ]
    if verbose:
        handlers.append(logging.StreamHandler())
    formatter = structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=repr),
        ],
        foreign_pre_chain=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.add_logger_name,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
        ],
    )
    for handler in handlers:
        handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = handlers
    root.setLevel(logging.INFO if verbose else logging.WARNING)


def log_bug(error: BaseException) -> Path:
    """Write an unexpected error with its traceback to the log; gives the log's path, to show to the user."""
    logging.getLogger("kronkers_studio").error("unexpected error", exc_info=error)
    for handler in logging.getLogger().handlers:
        handler.flush()
    return log_file()

"""Logs as JSON lines: {"time", "level", "message", …}. No line ever holds the contents of a row."""

from __future__ import annotations

import faulthandler
import json
import logging
import logging.handlers
import os
import time
from pathlib import Path

_MOST_BYTES = 1 << 20


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{at}.{int(record.msecs):03d}Z",
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=False, default=str)


class _TwoFiles(logging.handlers.RotatingFileHandler):
    """The log and its predecessor. Where both are there, no file is made, renamed or removed: a confined process may
    only write into them."""

    def __init__(self, file: Path) -> None:
        super().__init__(file, maxBytes=_MOST_BYTES, backupCount=1, encoding="utf-8")

    def doRollover(self) -> None:
        if self.stream is not None:
            self.stream.close()
        log = Path(self.baseFilename)
        log.with_name(f"{log.name}.1").write_bytes(log.read_bytes())
        self.stream = log.open("w", encoding="utf-8")


def start_logging(file: Path | None) -> None:
    """Log to stderr, or to ``file`` (at most 2 MiB with its predecessor). Python's warnings are logged too."""
    handler = _TwoFiles(file) if file else logging.StreamHandler()
    handler.setFormatter(_JsonLines())
    logging.root.handlers = [handler]
    logging.root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    logging.getLogger("uvicorn").setLevel(logging.ERROR)  # a line for all that is no HTTP would fill the log
    faulthandler.enable()


def mute_output() -> None:
    """Drop whatever libraries print from now on: it would fill a file without bound. A crash still leaves its trace
    where stderr went before."""
    faulthandler.enable(os.dup(2))
    nowhere = _nowhere()
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)


def _nowhere() -> int:
    """Somewhere to write that keeps nothing."""
    try:
        return os.open(os.devnull, os.O_WRONLY)
    except PermissionError:  # a confined process may write in its own folder only: then a pipe that nobody reads,
        reading, writing = os.pipe()  # which fails each write (Python has SIGPIPE ignored)
        os.close(reading)
        return writing

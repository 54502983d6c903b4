"""The program's log: JSON lines in a size-bounded file, without secrets and without what is in people's tables.

No command fails for want of a log: where none can be written there is none.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from kronkers_studio.domain.errors import InvalidValue, PredictionFailed, StudioError, TableUnreadable
from kronkers_studio.settings.paths import log_folder
from kronkers_studio.settings.private import close_to_others, make_private_folder, open_private

_LOG_BYTES = 2_000_000
_LONGEST = 4000  # characters of one text
_KEPT_FILES = 3
_OURS = "kronkers_studio"


class JsonLines(logging.Formatter):
    """One JSON object a line. The standard library's own formatter, because starting up must stay quick."""

    def format(self, record: logging.LogRecord) -> str:
        from kronkers_studio.settings.redaction import redacted, redacted_fault  # few commands have a word to log

        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": redacted(record.getMessage())[:_LONGEST],
        }
        details = getattr(record, "details", "")
        if details:
            line["details"] = redacted(str(details))[-_LONGEST:]
        fault = getattr(record, "fault", "") or (self.formatException(record.exc_info) if record.exc_info else "")
        if fault:
            line["exception"] = redacted_fault(fault)
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


def start_logging(*, verbose: bool, detailed: bool = False) -> str:
    """Write warnings (with ``detailed`` also what the program itself says it does, with ``verbose`` everything) to the
    log file, and with ``verbose`` to stderr as well.

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
    logging.getLogger(_OURS).setLevel(logging.INFO if verbose or detailed else logging.NOTSET)
    return problem


def log_bug(error: BaseException) -> Path | None:
    """Write an unexpected error with its traceback to the log; gives the log's path, to show to the user, or None when
    there is none."""
    logging.getLogger(_OURS).error("unexpected error", exc_info=error)
    for handler in logging.getLogger().handlers:
        handler.flush()
    return log_file() if any(isinstance(handler, _File) for handler in logging.getLogger().handlers) else None


def log_fault(doing: str, traceback: str) -> None:
    """Write an unexpected error, of which only the text is left, to the log."""
    logging.getLogger(_OURS).error("unexpected error in %s", doing, extra={"fault": traceback})


def log_failure(doing: str, error: StudioError) -> None:
    """Write an expected failure to the log. What is said of somebody's rows is not: only which failure it was."""
    of_rows = isinstance(error, PredictionFailed | InvalidValue | TableUnreadable)
    words = type(error).__name__ if of_rows else f"{type(error).__name__}: {error.message}"
    details = "" if of_rows else error.details
    logging.getLogger(_OURS).warning("%s failed: %s", doing, words, extra={"details": details})


@dataclass(frozen=True, slots=True)
class LogLine:
    """``level`` is "info", "warning", "error" or "critical"; ``more`` are details and tracebacks, of several lines."""

    at: datetime | None
    level: str
    text: str
    more: str = ""


def parse_line(line: str) -> LogLine:
    """A line of the program's own log, or of a model service's. One of another form is all text."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        return LogLine(None, "info", line)
    at = str(found.pop("at", "") or found.pop("time", ""))
    level = str(found.pop("level", "info"))
    text = str(found.pop("event", "") or found.pop("message", ""))
    found.pop("logger", "")
    more = [str(found.pop(key)) for key in ("details", "exception") if found.get(key)]
    text += "".join(f" · {key} {value}" for key, value in found.items())
    try:
        moment = datetime.fromisoformat(at)
    except ValueError:
        moment = None
    return LogLine(moment, level, text, "\n".join(more))


def read_log(most: int = 400_000) -> list[str]:
    """The last lines of the log, oldest first, at most ``most`` bytes of them; none where there is no log."""
    text = b""
    for file in (log_file(), log_file().with_name(f"{log_file().name}.1")):
        if len(text) < most:
            with contextlib.suppress(OSError), file.open("rb") as stream:
                size = stream.seek(0, os.SEEK_END)
                stream.seek(max(0, size - (most - len(text))))
                text = stream.read() + text
    whole = text.split(b"\n", 1)[-1] if len(text) >= most else text  # the first line may be cut
    return whole.decode("utf-8", "replace").splitlines()

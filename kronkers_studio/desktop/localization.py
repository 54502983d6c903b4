"""Words and figures as people read them: translation, and numbers, sizes, dates by the system's locale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDateTime, QLocale


def tr(text: str) -> str:
    """``text`` in the language of the window; every visible string passes through here."""
    return QCoreApplication.translate("Kronkers", text)


def counted(amount: int, one: str, many: str) -> str:
    """ "1 file", "29,310 files": ``one`` and ``many`` are translated templates with ``{n}``."""
    return (one if amount == 1 else many).format(n=number(amount))


def locale() -> QLocale:
    """The system's locale; plain English where it is the nameless "C", which writes figures without separators."""
    system = QLocale()
    return QLocale(QLocale.Language.English) if system.language() is QLocale.Language.C else system


def number(value: float, decimals: int = 0) -> str:
    """ "29,310"; with ``decimals``, "42.7"."""
    return locale().toString(int(value)) if decimals == 0 else locale().toString(float(value), "f", decimals)


def figure(value: float) -> str:
    """A measured value with the digits that matter: "0.914", "42.7", "12,480"."""
    size = abs(value)
    if value == int(value) and size < 1e15:
        return number(int(value))
    decimals = 3 if size < 10 else 1 if size < 1000 else 0
    return number(value, decimals)


def file_size(size: int) -> str:
    """ "7.9 GB"; powers of ten, as file managers and OneDrive show them."""
    if size == 1:
        return tr("1 byte")  # Qt says "1 bytes"
    return locale().formattedDataSize(size, 0 if size < 10_000 else 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def duration(seconds: float) -> str:
    """ "41 s", "2 min", "3 h 20 min"."""
    if seconds < 1:
        return tr("less than a second")
    seconds = round(seconds)
    if seconds < 90:
        return tr("{n} s").format(n=number(seconds))
    minutes = round(seconds / 60)
    if minutes < 90:
        return tr("{n} min").format(n=number(minutes))
    return tr("{h} h {m} min").format(h=number(minutes // 60), m=number(minutes % 60))


def moment(at: datetime) -> str:
    """When something happened, short: "just now", "5 min ago", "14:05", "Tue 09:12", "12 Mar 2026"."""
    ago = datetime.now(UTC) - at
    if timedelta(0) <= ago < timedelta(minutes=1):
        return tr("just now")
    if timedelta(0) <= ago < timedelta(hours=1):
        return tr("{n} min ago").format(n=number(int(ago.total_seconds() // 60)))
    return clock_of(at)


def clock_of(at: datetime) -> str:
    """When something began that lasts: "14:05" or "2:05 PM", "Tue 14:05", "12 Mar 2026"."""
    local = _local(at)
    if local.date() == QDateTime.currentDateTime().date():
        return locale().toString(local.time(), clock_format())
    if datetime.now(UTC) - at < timedelta(days=6):
        return locale().toString(local, f"ddd {clock_format()}")
    return locale().toString(local.date(), "d MMM yyyy")


def clock_time(at: datetime) -> str:
    """The time of day: "14:05:09", "2:05:09 PM"."""
    return locale().toString(_local(at), clock_format(seconds=True))


def date_time(at: datetime) -> str:
    """Day and time in full, for tooltips and details: "12 Mar 2026, 14:05"."""
    local = _local(at)
    return f"{locale().toString(local.date(), 'd MMM yyyy')}, {locale().toString(local.time(), clock_format())}"


def clock_format(*, seconds: bool = False) -> str:
    """How the system's locale writes a time of day, in 24 hours or twice twelve, as a format of Qt's."""
    nameless = QLocale().language() is QLocale.Language.C
    half_days = not nameless and "a" in locale().timeFormat(QLocale.FormatType.ShortFormat).lower()
    digits = ("h:mm:ss" if half_days else "HH:mm:ss") if seconds else ("h:mm" if half_days else "HH:mm")
    return f"{digits} AP" if half_days else digits


def path_words(path: str) -> str:
    """``a/b.csv`` of a project as "a / b.csv", as tables and labels show it."""
    return path.replace("/", " / ")


def home_short(path: str | Path) -> str:
    """``path`` with the home folder as ``~``."""
    shown = Path(path)
    home = Path.home()
    return str(Path("~") / shown.relative_to(home)) if shown.is_relative_to(home) else str(shown)


def _local(at: datetime) -> QDateTime:
    return QDateTime.fromMSecsSinceEpoch(round(at.timestamp() * 1000))

"""Moments as people write them: ``2026-05-01 14:05``, ``yesterday 14:05``, ``3 days ago``."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from kronkers_studio.domain.errors import InvalidInput

EXAMPLES = "2026-05-01 14:05, 2026-05-01, yesterday 14:05, monday 9:00, 14:05, or 3 days ago"

_TIME = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_AGO = re.compile(r"(\d+|an?) (second|minute|hour|day|week)s? ago")
_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)? ?(Z|[+-]\d{2}:?\d{2})", re.IGNORECASE)
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_END_OF_DAY = time(23, 59, 59, 999999)


def parse_moment(text: str, *, now: datetime, zone: tzinfo | None = None) -> datetime:
    """The moment that ``text`` names, in UTC; ``now`` is the present one.

    Dates and times are those of ``zone`` (this computer's when None) unless an offset is written. A day without a time
    means its end, a time without a day today, a weekday the last one before today. Seconds not written are the whole
    minute: 14:05 is 14:05:59. Raises ``InvalidInput``.
    """
    words = " ".join(text.lower().split())
    today = (now.astimezone(zone) if zone else now.astimezone()).date()
    try:
        if words == "now":
            return now.astimezone(UTC)
        if written := _ISO.fullmatch(words):
            rest = timedelta() if written[1] else timedelta(seconds=59, microseconds=999999)
            return (datetime.fromisoformat(words.upper()) + rest).astimezone(UTC)
        if ago := _AGO.fullmatch(words):
            count = 1 if ago[1].startswith("a") else int(ago[1])
            return (now - timedelta(**{f"{ago[2]}s": count})).astimezone(UTC)
        local = datetime.combine(*_day_and_time(words, today))
        return (local.replace(tzinfo=zone) if zone else local).astimezone(UTC)
    except (ValueError, OverflowError):
        raise InvalidInput(f"“{text}” is not a moment.", next_step=f"Write for instance {EXAMPLES}.") from None


def _day_and_time(words: str, today: date) -> tuple[date, time]:
    """Raises ``ValueError`` for anything that is not a day, a time, or both in either order."""
    if not words:
        raise ValueError("nothing is written")
    day: date | None = None
    at: time | None = None
    for word in words.replace("t", " ", 1).split() if _DATE.match(words) else words.split():
        if at is None and (clock := _TIME.fullmatch(word)):
            seconds, fraction = (int(clock[3]), 0) if clock[3] else (59, 999999)
            at = time(int(clock[1]), int(clock[2]), seconds, fraction)
        elif day is None:
            day = _day(word, today)
        else:
            raise ValueError(word)
    return day or today, at or _END_OF_DAY


def _day(word: str, today: date) -> date:
    if word in ("today", "yesterday"):
        return today - timedelta(days=word == "yesterday")
    if word in _WEEKDAYS:
        back = (today.weekday() - _WEEKDAYS.index(word)) % 7
        return today - timedelta(days=back or 7)
    if written := _DATE.fullmatch(word):
        return date(int(written[1]), int(written[2]), int(written[3]))
    raise ValueError(word)

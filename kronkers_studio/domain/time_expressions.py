"""Moments as people write them: ``2026-05-01 14:05``, ``yesterday 14:05``, ``3 days ago``; and lengths of time."""

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
_REST_OF_MINUTE = timedelta(seconds=59, microseconds=999999)


_LENGTH = re.compile(r"(\d{1,12})([smhd])")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST_SECONDS = 36_525 * 86400


def parse_duration(text: str) -> float:
    """``30s``, ``15m``, ``1h``, ``7d`` in seconds. Raises ``InvalidInput``."""
    match = _LENGTH.fullmatch(text)
    if not match:
        raise InvalidInput(
            f"“{text[:40]}” is not a length of time.", next_step="Write for instance 30s, 15m, 1h or 7d."
        )
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > _MOST_SECONDS:
        raise InvalidInput(f"{text[:40]} is longer than a hundred years.", next_step="Write for instance 1h or 7d.")
    return seconds


def parse_moment(text: str, *, now: datetime, zone: tzinfo | None = None) -> datetime:
    """The moment that ``text`` names, in UTC; ``now`` is the present one.

    Dates and times are those of ``zone`` (this computer's when None) unless an offset is written. A day without a time
    means its end, a time without a day the last such time (today or yesterday), a weekday the last one before today.
    Seconds not written are the whole minute: 14:05 is 14:05:59. Raises ``InvalidInput``, also for what is to come.
    """
    words = " ".join(text.lower().split())
    try:
        moment, begins = _read(words, now, zone)
    except (ValueError, OverflowError):
        raise InvalidInput(f"“{text}” is not a moment.", next_step=f"Write for instance {EXAMPLES}.") from None
    if begins > now:
        raise InvalidInput(f"“{text}” is still to come.", next_step="Name a moment that has been; now is one too.")
    return moment.astimezone(UTC)


def _read(words: str, now: datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    """The moment, and when the minute or day begins whose end it is. Raises ``ValueError`` or ``OverflowError``."""
    if words == "now":
        return now, now
    if written := _ISO.fullmatch(words):
        begins = datetime.fromisoformat(words.upper())
        return begins if written[1] else begins + _REST_OF_MINUTE, begins
    if ago := _AGO.fullmatch(words):
        count = 1 if ago[1].startswith("a") else int(ago[1])
        moment = now - timedelta(**{f"{ago[2]}s": count})
        return moment, moment

    def there(day: date, at: time) -> datetime:
        local = datetime.combine(day, at)
        return (local.replace(tzinfo=zone) if zone else local).astimezone(UTC)

    today = (now.astimezone(zone) if zone else now.astimezone()).date()
    day, at, whole_minute = _day_and_time(words, today)
    if at is None:
        return there(day or today, _END_OF_DAY), there(day or today, time())
    begins = there(day or today, at)
    if day is None and begins > now:
        begins = there(today - timedelta(days=1), at)
    return begins + _REST_OF_MINUTE if whole_minute else begins, begins


def _day_and_time(words: str, today: date) -> tuple[date | None, time | None, bool]:
    """The day, the time, and whether the whole minute is meant.

    Raises ``ValueError`` for anything that is not a day, a time, or both in either order.
    """
    if not words:
        raise ValueError("nothing is written")
    day: date | None = None
    at: time | None = None
    whole_minute = False
    for word in words.replace("t", " ", 1).split() if _DATE.match(words) else words.split():
        if at is None and (clock := _TIME.fullmatch(word)):
            at = time(int(clock[1]), int(clock[2]), int(clock[3] or 0))
            whole_minute = not clock[3]
        elif day is None:
            day = _day(word, today)
        else:
            raise ValueError(word)
    return day, at, whole_minute


def _day(word: str, today: date) -> date:
    if word in ("today", "yesterday"):
        return today - timedelta(days=word == "yesterday")
    if word in _WEEKDAYS:
        back = (today.weekday() - _WEEKDAYS.index(word)) % 7
        return today - timedelta(days=back or 7)
    if written := _DATE.fullmatch(word):
        return date(int(written[1]), int(written[2]), int(written[3]))
    raise ValueError(word)

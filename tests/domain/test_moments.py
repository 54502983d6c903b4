"""Moments as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.time_expressions import parse_moment


class _Berlin(tzinfo):
    """Berlin's time but for the hours around its changes; Windows has no time zones of its own."""

    def utcoffset(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=1) + self.dst(moment)

    def dst(self, moment: datetime | None) -> timedelta:
        return timedelta(hours=moment is not None and 4 <= moment.month <= 10)

    def tzname(self, moment: datetime | None) -> str:
        return "Berlin"


BERLIN = _Berlin()
NOW = datetime(2026, 5, 6, 10, 30, tzinfo=BERLIN)  # a Wednesday


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", "2026-05-06 10:30:00"),
        ("2026-05-01 14:05", "2026-05-01 14:05:59.999999"),
        ("2026-05-01 14:05:30", "2026-05-01 14:05:30"),
        ("2026-05-01T14:05:30", "2026-05-01 14:05:30"),
        ("2026-5-1 9:05", "2026-05-01 09:05:59.999999"),
        ("14:05 2026-05-01", "2026-05-01 14:05:59.999999"),
        ("2026-05-01", "2026-05-01 23:59:59.999999"),
        ("yesterday 14:05", "2026-05-05 14:05:59.999999"),
        ("14:05 yesterday", "2026-05-05 14:05:59.999999"),
        ("  Yesterday   14:05 ", "2026-05-05 14:05:59.999999"),
        ("yesterday", "2026-05-05 23:59:59.999999"),
        ("today 9:00", "2026-05-06 09:00:59.999999"),
        ("9:00", "2026-05-06 09:00:59.999999"),
        ("10:30", "2026-05-06 10:30:59.999999"),  # this very minute
        ("10:31", "2026-05-05 10:31:59.999999"),  # not yet today
        ("10:30:01", "2026-05-05 10:30:01"),
        ("today", "2026-05-06 23:59:59.999999"),
        ("monday 9:00", "2026-05-04 09:00:59.999999"),
        ("tuesday", "2026-05-05 23:59:59.999999"),
        ("wednesday", "2026-04-29 23:59:59.999999"),
        ("sunday", "2026-05-03 23:59:59.999999"),
        ("3 days ago", "2026-05-03 10:30:00"),
        ("an hour ago", "2026-05-06 09:30:00"),
        ("1 week ago", "2026-04-29 10:30:00"),
        ("90 minutes ago", "2026-05-06 09:00:00"),
        ("2026-01-15 12:00", "2026-01-15 12:00:59.999999"),  # in winter, at another offset than now
    ],
)
def test_a_moment_is_read_in_the_readers_time_zone(text: str, expected: str) -> None:
    """Seen to fail with the offset of ``now`` in place of the zone's."""
    moment = parse_moment(text, now=NOW, zone=BERLIN)
    assert moment == datetime.fromisoformat(expected).replace(tzinfo=BERLIN) and moment.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-05-01T14:05:00Z", "2026-05-01T14:05:00+00:00"),
        ("2026-05-01 14:05+02:00", "2026-05-01T12:05:59.999999+00:00"),
        ("2026-05-01T14:05:30.250000+00:00", "2026-05-01T14:05:30.250000+00:00"),
    ],
)
def test_an_offset_that_is_written_counts(text: str, expected: str) -> None:
    assert parse_moment(text, now=NOW, zone=BERLIN) == datetime.fromisoformat(expected)


@pytest.mark.parametrize(
    "text", ["today 10:31", "2026-05-06 10:31", "2026-05-07", "2026-05-07 0:00", "2027-01-01T00:00:00Z"]
)
def test_what_is_still_to_come_is_said_to_be(text: str) -> None:
    """It would be the present state. Seen to fail as that."""
    with pytest.raises(InvalidInput, match="still to come"):
        parse_moment(text, now=NOW, zone=BERLIN)


def test_without_a_zone_it_is_this_computers() -> None:
    now = datetime.now().astimezone()
    assert parse_moment("today 0:00:00", now=now) == now.replace(hour=0, minute=0, second=0, microsecond=0)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "soon",
            "25:00",
            "2026-13-01",
            "2026-02-30",
            "14:05 15:06",
            "yesterday today",
            "5 fortnights ago",
            "main",
        ),
        *("yesterday 14", "99999999999 weeks ago", "2026-05-01 14:05 o'clock"),
    ],
)
def test_anything_else_is_refused_with_examples(text: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse_moment(text, now=NOW, zone=BERLIN)
    assert "yesterday 14:05" in refused.value.next_step

"""Times of files are shown whatever they are."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from kronkers_studio.cli.plain_text import moment
from kronkers_studio.domain.content import time_of


@pytest.mark.parametrize(
    ("mtime_ns", "shown"),
    [
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
        (1_700_000_000_123_456_789, datetime(2023, 11, 14, 22, 13, 20, 123456, tzinfo=UTC)),
        (-11_644_473_600 * 10**9, datetime(1601, 1, 1, tzinfo=UTC)),
        (10**30, datetime(9998, 12, 31, tzinfo=UTC)),
        (-(10**30), datetime(2, 1, 1, tzinfo=UTC)),
        (253_402_300_799 * 10**9, datetime(9998, 12, 31, tzinfo=UTC)),
    ],
)
def test_a_file_of_any_time_has_one_that_can_be_shown(mtime_ns: int, shown: datetime) -> None:
    assert time_of(mtime_ns) == shown
    assert moment(shown)


def test_a_time_without_a_zone_on_this_system_is_shown_as_it_is() -> None:
    class Before1970(datetime):  # as Windows has it
        def astimezone(self, tz: object = None) -> Before1970:
            raise OSError(22, "Invalid argument")

    assert moment(Before1970(1601, 1, 1, tzinfo=UTC)) == "1601-01-01 00:00:00"

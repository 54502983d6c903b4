"""Cells read as in a spreadsheet."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest

from kronkers_studio.domain.cell_text import column_words, number_words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.1 + 0.2, "0.3"),
        (12.0, "12"),
        (-0.0, "0"),
        (7, "7"),
        (10**18 + 1, "1000000000000000001"),
        (1234567890.12, "1234567890.12"),
        (123456789012345.0, "123456789012345"),
        (1 / 3, "0.333333333"),
        (99.99999999999997, "100"),
        (-3.1500000000000004, "-3.15"),
        (0.00002, "0.00002"),
        (1e-7, "0.0000001"),
        (1.23456789e-7, "1.23457E-07"),
        (1.5e-300, "1.5E-300"),
        (1e15, "1E+15"),
        (-1.2345678901234567e17, "-1.23456789012346E+17"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (math.inf, "∞"),
        (-math.inf, "-∞"),
        (math.nan, ""),
        (Decimal("NaN"), ""),
    ],
)
def test_numbers_are_as_short_as_a_spreadsheet_has_them(value: float | Decimal, words: str) -> None:
    assert number_words(value) == words


def test_fractions_of_32_bits_have_no_more_digits_than_they_hold() -> None:
    assert column_words([0.10000000149011612, 16777216.0], digits=7) == ["0.1", "16777216"]


def test_dates_have_no_time_unless_one_of_the_column_has_one() -> None:
    midnight, noon = datetime(2024, 1, 1), datetime(2024, 1, 2, 12, 30)  # as tables have them
    assert column_words([midnight, None, date(2024, 1, 3)]) == ["2024-01-01", "", "2024-01-03"]
    assert column_words([midnight, noon]) == ["2024-01-01 00:00", "2024-01-02 12:30"]
    assert column_words([midnight, noon.replace(second=5)])[0] == "2024-01-01 00:00:00"
    assert column_words([midnight, noon.replace(microsecond=7000)])[1] == "2024-01-02 12:30:00.007"
    assert column_words([noon.replace(microsecond=7)]) == ["2024-01-02 12:30:00.000007"]
    assert column_words([noon.replace(tzinfo=UTC)]) == ["2024-01-02 12:30+00:00"]


def test_times_of_day_and_durations_read_as_clocks_do() -> None:
    assert column_words([time(0, 0), time(13, 5)]) == ["00:00", "13:05"]
    assert column_words([timedelta(days=1, hours=2), -timedelta(minutes=5), timedelta(microseconds=1500)]) == [
        "26:00:00",
        "-0:05:00",
        "0:00:00.0015",
    ]


def test_what_is_no_number_reads_as_it_is_written() -> None:
    assert column_words([True, False, None, "007", "", "1e-07"]) == ["TRUE", "FALSE", "", "007", "", "1e-07"]
    assert column_words([b"ab\x00"]) == ["616200"]


def test_of_what_holds_many_things_the_first_ones_are_told() -> None:
    assert column_words([[0.1 + 0.2, None, "x"], {"a": 1.0, "b": [True]}]) == ["[0.3, , x]", "{a: 1, b: [TRUE]}"]
    (words,) = column_words([[0.5] * 10_000])
    assert words.endswith(", 0.5, …]")
    assert len(words) < 400

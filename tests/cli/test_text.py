"""Tables for people, whatever their cells hold."""

from __future__ import annotations

from kronkers_studio.cli.plain_text import table


def test_a_very_long_name_does_not_widen_the_column_of_all_others() -> None:
    long = "n" * 200
    assert table(["Name", "Size"], [["sales.csv", "3 kB"], [long, "4 B"], ["a\nb", "1 B"]]) == [
        "Name       Size",
        "sales.csv  3 kB",
        f"{long}  4 B",
        "a\\nb       1 B",
    ]

"""What names alone tell."""

from __future__ import annotations

import time

import pytest

from kronkers_studio.domain.content import SkipReason
from kronkers_studio.domain.printable import printable
from kronkers_studio.migration import file_names

SIBLINGS = {"report.xlsx", "report-final.xlsx", "data", "a-b.csv", "Jahr 2026.csv", "report-FINAL.xlsx", ".env"}


@pytest.mark.parametrize(
    ("name", "original"),
    [
        ("report-LAPTOP7.xlsx", "report.xlsx"),
        ("report-DESKTOP-AB12CD3.xlsx", "report.xlsx"),
        ("report-DESKTOP-AB12CD3-LAPTOP7.xlsx", "report.xlsx"),
        ("report-LAPTOP7-LAPTOP7.xlsx", "report.xlsx"),
        ("report-Jans-MacBook-Pro.xlsx", "report.xlsx"),
        ("report-Jan's MacBook Pro.xlsx", "report.xlsx"),
        ("report (1).xlsx", "report.xlsx"),
        ("report (12).xlsx", "report.xlsx"),
        ("report (LAPTOP7).xlsx", "report.xlsx"),
        ("report (1)-LAPTOP7.xlsx", "report.xlsx"),
        ("report-LAPTOP7 (2).xlsx", "report.xlsx"),
        ("report-FINAL-LAPTOP7.xlsx", "report-FINAL.xlsx"),
        ("Jahr 2026 (1).csv", "Jahr 2026.csv"),
        ("data-WS0042", "data"),
        ("a-b-LAPTOP7.csv", "a-b.csv"),
    ],
)
def test_a_conflict_copy_names_its_original(name: str, original: str) -> None:
    assert file_names.conflict_original(name, SIBLINGS) == original


@pytest.mark.parametrize(
    "name",
    [
        "report.xlsx",
        "report-final.xlsx",  # people's own words
        "report-FINAL.xlsx",
        "report-Q3.xlsx",
        "report-FY2026.xlsx",
        "report-V2.xlsx",
        "report-2026.xlsx",
        "report-2026-11-23.xlsx",
        "report-draft (final).xlsx",
        "report().xlsx",
        "report (.xlsx",
        "report-.xlsx",
        "invoice-LAPTOP7.xlsx",  # no original beside it
        "report-LAPTOP7.csv",  # another type
        "-LAPTOP7.xlsx",
        " (1).xlsx",
    ],
)
def test_what_only_looks_a_little_like_one_is_none(name: str) -> None:
    assert file_names.conflict_original(name, SIBLINGS) == ""


def test_hostile_names_are_no_endless_work() -> None:
    """Seen to fail with a pattern of repeated repetitions."""
    started = time.process_time()
    for tail in ("-AAAA" * 50 + "!", "-laptop" * 36 + "(", " (1)" * 60 + "x", "-" * 250):
        file_names.conflict_original("a" + tail + ".csv", {"a.csv"})
    assert time.process_time() - started < 5  # such a pattern takes longer than anybody has


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("~$Forecast 2026.xlsx", SkipReason.LOCK_FILE),
        (".~lock.report.ods#", SkipReason.LOCK_FILE),
        ("~WRL0005.tmp", SkipReason.LOCK_FILE),
        ("~wrd1234.TMP", SkipReason.LOCK_FILE),
        ("~DF3A9F.tmp", SkipReason.LOCK_FILE),
        ("Desktop.INI", SkipReason.SYSTEM_FILE),
        (".DS_Store", SkipReason.SYSTEM_FILE),
        ("Thumbs.db", SkipReason.SYSTEM_FILE),
        ("Icon\r", SkipReason.SYSTEM_FILE),
    ],
)
def test_leftovers_of_programs_are_recognised(name: str, reason: SkipReason) -> None:
    found = file_names.left_out_file(name)
    assert found is not None
    assert found[0] is reason
    assert found[1].endswith(".")


@pytest.mark.parametrize("name", ["~notes.txt", "data.tmp", "desktop.ini.bak", "Icon", ".~lock.x", "$money.csv"])
def test_everything_else_is_somebodys_work(name: str) -> None:
    assert file_names.left_out_file(name) is None


def test_only_names_that_other_systems_confuse_clash() -> None:
    found = file_names.clashing_names(["A.csv", "a.csv", "b.csv", "STRASSE", "straße", "é", "e\u0301"])
    assert found == {
        "A.csv": "a.csv",
        "a.csv": "A.csv",
        "STRASSE": "straße",
        "straße": "STRASSE",
        "é": "e\u0301",
        "e\u0301": "é",
    }


def test_a_name_that_is_not_text_is_shown_without_losing_its_bytes() -> None:
    name = b"M\xfcller.csv".decode("utf-8", "surrogateescape")
    assert printable(name) == "M\\xfcller.csv"
    printable("half a pair \ud83c").encode("utf-8")
    assert printable("Müller 🍷.csv") == "Müller 🍷.csv"

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kronkers_studio.cli.json_output import document
from kronkers_studio.cli.plain_text import plural, size, skipped_lines, table
from kronkers_studio.domain.content import Entry, EntryKind, SkippedItem, SkipReason
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.references import parse_commit, parse_content
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.time_expressions import parse_duration


def test_a_domain_object_becomes_a_document_with_its_own_field_names() -> None:
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    release = Release("wine", "this-computer", 1, 2, "sha256:0", ReleaseState.LIVE, at, at, endpoint={"port": 1})
    found = json.loads(json.dumps(document(release)))
    assert found["state"] == "live"
    assert found["created"] == "2026-05-01T12:00:00+00:00"
    assert found["endpoint"] == {"port": 1}


def test_numbers_that_json_cannot_hold_are_null_wherever_they_stand() -> None:
    values = {"a": float("nan"), "b": [float("inf"), -0.0, {"c": float("-inf")}], "d": (1e308, 2**70)}
    text = json.dumps(document(values), allow_nan=False)
    assert json.loads(text) == {"a": None, "b": [None, 0.0, {"c": None}], "d": [1e308, 2**70]}


def test_bytes_and_undecodable_names_have_a_json_form() -> None:
    entry = Entry("caf\udce9.txt", EntryKind.FILE, content=(b"\x01\xff",))
    assert document(entry)["path"] == "caf\\xe9.txt"
    assert document(entry)["content"] == ["01ff"]
    assert document((SkippedItem("a\nb", SkipReason.LOCK_FILE),))[0]["path"] == "a\nb"


def test_what_has_no_json_form_is_a_bug_not_a_guess() -> None:
    with pytest.raises(TypeError):
        document(object())


def test_a_name_cannot_move_the_cursor_of_a_terminal() -> None:
    assert printable("\x1b[31mred") == "\\x1b[31mred"
    assert printable("grün – 10 % · Über") == "grün – 10 % · Über"


def test_projects_and_files_are_written_with_at_and_colon() -> None:
    assert parse_commit("analytics") == ("analytics", "")
    assert parse_commit("analytics@main") == ("analytics", "main")
    assert parse_content("analytics@main:a/b.csv") == ContentRef("analytics", "main", "a/b.csv")
    for wrong in ("", "@main"):
        with pytest.raises(InvalidInput):
            parse_commit(wrong)
    with pytest.raises(InvalidInput):
        parse_content("analytics")


def test_lengths_of_time_are_read_in_seconds() -> None:
    assert [parse_duration(text) for text in ("30s", "15m", "1h", "7d")] == [30, 900, 3600, 604800]
    with pytest.raises(InvalidInput, match="yesterday"):
        parse_duration("yesterday")


def test_sizes_counts_and_tables_read_well() -> None:
    assert [size(n) for n in (0, 999, 1500, 7_900_000_000)] == ["0 B", "999 B", "1.5 kB", "7.9 GB"]
    assert (plural(1, "file"), plural(18204, "file")) == ("1 file", "18,204 files")
    assert table(["A", "B"], [["long", "x"]]) == ["A     B", "long  x"]


def test_what_was_left_out_is_said_by_why_and_first_what_somebody_would_have_wanted() -> None:
    skipped = [
        SkippedItem("~$a.xlsx", SkipReason.LOCK_FILE, "A mark."),
        *[SkippedItem(f"{number}.mp4", SkipReason.PLACEHOLDER, "In the cloud.") for number in range(30)],
    ]
    lines = skipped_lines(skipped)
    assert lines[:3] == ["31 items left out:", "  30 items  (In the cloud.)", "    0.mp4"]
    assert lines[-2:] == ["    and 10 more; --json names all", "  ~$a.xlsx  (A mark.)"]
    assert skipped_lines(()) == []

"""Include and exclude rules."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.domain.content import SkipReason
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.migration import Decision, MigrationOptions
from kronkers_studio.migration import scan_folder
from kronkers_studio.migration.rules import Rules
from tests.migration.kinds import Make


@pytest.mark.parametrize(
    ("patterns", "left_out", "kept"),
    [
        (("*.tmp",), ["a.tmp", "deep/in/B.TMP"], ["a.tmp.csv"]),
        (("*.tmp", "!keep.tmp"), ["a.tmp"], ["keep.tmp", "x/keep.tmp"]),
        (("/data/raw/**",), ["data/raw/a.csv"], ["other/data/raw/a.csv", "data/a.csv"]),
        (("Archive/",), ["archive/a.csv", "x/Archive/y/z.csv"], ["archive"]),
        (("report ?.xlsx",), ["report 1.xlsx"], ["report 10.xlsx"]),
        (("*.csv",), ["line\nbreak.csv", "raw \udcff.csv"], ["a.csvx"]),
    ],
)
def test_exclude_rules_read_as_in_a_gitignore_file_in_any_case(
    patterns: tuple[str, ...], left_out: list[str], kept: list[str]
) -> None:
    rules = Rules(MigrationOptions(exclude=patterns))
    assert all(rules.why_file(path, 0) for path in left_out)
    assert not any(rules.why_file(path, 0) for path in kept)


@pytest.mark.parametrize(
    ("pattern", "next_step"),
    [
        ("", "Give a pattern"),
        ("  ", "Give a pattern"),
        ("!", "as in a .gitignore file"),
        ("a\nb", "Give a pattern"),
    ],
)
def test_a_rule_that_cannot_be_understood_is_refused_with_the_next_step(pattern: str, next_step: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Rules(MigrationOptions(exclude=(pattern,)))
    assert next_step in refused.value.next_step


def test_what_rules_leave_out_is_counted_listed_and_expected(folder: Path, make: Make) -> None:
    make("keep.csv")
    make("a.tmp", "12345")
    make("deep/b.tmp", "123")
    make("Archive/old.csv")

    scan = scan_folder(folder, options=MigrationOptions(exclude=("*.tmp", "archive/", "*.never")))

    assert [item.path for item in scan.items] == ["keep.csv", "deep"]
    assert {item.path: item.reason for item in scan.skipped} == dict.fromkeys(
        ("Archive", "a.tmp", "deep/b.tmp"), SkipReason.EXCLUDED
    )
    assert all(item.reason.expected for item in scan.skipped)
    hits = {rule.pattern: (rule.files, rule.size, rule.folders, rule.examples) for rule in scan.rules}
    assert hits == {
        "*.tmp": (2, 8, 0, ("a.tmp", "deep/b.tmp")),
        "archive/": (0, 0, 1, ("Archive/",)),
        "*.never": (0, 0, 0, ()),
    }
    assert {item.path for item in scan.planned if item.decision is Decision.LEAVE_OUT} == {
        "a.tmp",
        "deep/b.tmp",
        "Archive",
    }


def test_with_include_rules_only_what_matches_is_kept(folder: Path, make: Make) -> None:
    make("a.csv")
    make("b.docx")
    make("Models/m.bin")
    make("Models/scratch.tmp")
    (folder / "empty").mkdir()

    scan = scan_folder(folder, options=MigrationOptions(include=("*.csv", "models/"), exclude=("*.tmp",)))

    assert [item.path for item in scan.items] == ["a.csv", "Models/m.bin"]
    assert {item.path for item in scan.skipped} == {"b.docx", "Models/scratch.tmp"}


def test_thousands_of_files_left_out_by_one_rule_do_not_fill_the_commit(folder: Path, make: Make) -> None:
    first = make("0.tmp")
    for number in range(1, 1500):
        (folder / f"{number}.tmp").hardlink_to(first)

    scan = scan_folder(folder, options=MigrationOptions(exclude=("*.tmp",)))

    assert len(scan.skipped) == 101
    assert "1,400 more files" in scan.skipped[-1].detail
    assert len(scan.planned) == scan.rules[0].files == 1500

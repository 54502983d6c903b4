"""Plans as rows, and what other choices make of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.desktop.plan_rows import arrange_rows, plan_rows, prepare
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.migration import MigrationOptions, OnlineOnly
from kronkers_studio.workflows.migrating import plan_migration
from kronkers_studio.workflows.plans import preview_rules, with_choices
from kronkers_studio.workflows.session import Session, create_workspace
from tests.desktop.planned import plan_of_many, plan_to_decide


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "workspace.key")
    with opened:
        yield opened


def test_conflict_copies_stand_below_their_original_and_everything_once() -> None:
    rows = plan_rows(plan_to_decide())
    assert [row.path for row in rows] == [
        "a.csv", "a-LAPTOP7.csv", "b.csv", "big.zip", "con.txt", "~$a.xlsx", "mine.csv",
    ]  # fmt: skip


def test_a_copy_of_a_copy_is_not_lost() -> None:
    plan = plan_to_decide()
    copy = replace(plan.items[0], path="a-LAPTOP7-PC.csv", conflict_of="a-LAPTOP7.csv")
    orphan = replace(plan.items[0], path="z-PC.csv", conflict_of="z.csv")
    rows = plan_rows(replace(plan, items=(copy, orphan, *plan.items)))
    assert [row.path for row in rows][:4] == ["z-PC.csv", "a.csv", "a-LAPTOP7.csv", "a-LAPTOP7-PC.csv"]
    assert len(rows) == 9


def test_what_needs_a_decision_comes_by_what_there_is_to_decide() -> None:
    rows = plan_rows(plan_to_decide())
    assert [row.path for row in arrange_rows(rows, "decide")] == [
        "a.csv", "a-LAPTOP7.csv", "big.zip", "con.txt", "mine.csv",
    ]  # fmt: skip
    assert [row.path for row in arrange_rows(rows, "out")] == ["~$a.xlsx", "mine.csv"]
    assert [row.path for row in arrange_rows(rows, "all", "CSV a")] == ["a.csv", "a-LAPTOP7.csv"]
    assert [row.path for row in arrange_rows(rows, "all", "", "-size")][:2] == ["big.zip", "a.csv"]
    assert [row.path for row in arrange_rows(rows, "data", "", "-path")][:2] == ["mine.csv", "b.csv"]


def test_figures_count_what_there_is_to_decide() -> None:
    figures = prepare(plan_to_decide()).figures
    assert (figures.copies, figures.copied, figures.online_only, figures.unusual, figures.unread) == (1, 1, 1, 1, 1)
    assert (figures.found, figures.kept, figures.duplicates_size) == (7, 4, 100)
    assert figures.undecided() == 4
    assert prepare(plan_of_many(8)).figures.undecided() == 1


def test_what_was_decided_is_not_asked_any_more() -> None:
    plan = plan_to_decide()
    figures = prepare(plan).figures
    assert (figures.undecided({"copies"}), figures.decided({"copies"})) == (3, 1)
    assert (figures.undecided({"copies", "cloud"}), figures.decided({"copies", "cloud"})) == (2, 2)
    for options in (replace(plan.options, fold_conflicts=True), replace(plan.options, online_only=OnlineOnly.FETCH)):
        chosen = prepare(replace(plan, options=options)).figures
        assert (chosen.undecided(), chosen.decided()) == (3, 1)
    before = replace(figures, unchanged=1)
    assert (before.undecided(), before.decided()) == (2, 2), "what is odd about a file stays odd"


def test_fetching_what_is_in_the_cloud_keeps_it_and_skipping_it_again_does_not() -> None:
    skipping = plan_to_decide()
    fetching = with_choices(skipping, online_only=OnlineOnly.FETCH, fold_conflicts=False)
    assert {item.path for item in fetching.kept} - {item.path for item in skipping.kept} == {"big.zip"}
    assert prepare(fetching).figures.new_size == prepare(skipping).figures.new_size + 1_800_000_000
    again = with_choices(fetching, online_only=OnlineOnly.SKIP, fold_conflicts=True)
    assert [item.path for item in again.kept] == [item.path for item in skipping.kept]
    assert again.options.fold_conflicts
    assert with_choices(skipping, online_only=OnlineOnly.SKIP, fold_conflicts=False) is skipping


_RULES = [
    ((), ("*.tmp",)),
    ((), ("Archive/", "*.csv", "!keep.csv")),
    (("*.csv", "/notes.md"), ()),
    (("data/**",), ("Archive/", "*.tmp")),
    ((), ("nothing here",)),
]


@pytest.mark.parametrize(("include", "exclude"), _RULES)
def test_a_preview_of_rules_says_what_a_plan_made_with_them_says(
    session: Session, tmp_path: Path, include: tuple[str, ...], exclude: tuple[str, ...]
) -> None:
    folder = tmp_path / "Team"
    for name in ("a.tmp", "notes.md", "data/sales.csv", "data/keep.csv", "Archive/old.csv", "Archive/deep/er.tmp"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    (folder / "desktop.ini").write_text("[.ShellClassInfo]\n", encoding="utf-8")
    options = MigrationOptions(include, exclude)
    whole = plan_migration(session, folder)
    preview = preview_rules(whole, options)
    planned = plan_migration(session, folder, options=options)
    assert [replace(hits, examples=()) for hits in preview.rules] == [
        replace(hits, examples=()) for hits in planned.rules
    ]
    assert [set(hits.examples) for hits in preview.rules] == [set(hits.examples) for hits in planned.rules]
    files = {item.path for item in whole.items} & {item.path for item in planned.kept}  # no folder that became empty
    assert (preview.files, preview.size) == (len(files), planned.size)


def test_a_preview_of_what_is_no_rule_says_so() -> None:
    with pytest.raises(InvalidInput):
        preview_rules(plan_to_decide(), MigrationOptions(exclude=(" ",)))


def test_a_preview_counts_what_is_in_the_cloud_only_when_it_is_fetched() -> None:
    plan, rules = plan_to_decide(), ("*.txt",)
    skipped = preview_rules(plan, MigrationOptions(exclude=rules))
    fetched = preview_rules(plan, MigrationOptions(exclude=rules, online_only=OnlineOnly.FETCH))
    assert (skipped.files, fetched.files) == (3, 4)

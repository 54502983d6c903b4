"""Bringing folders into a project: what becomes of renamed files, conflict copies, rules and several folders."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.content import EntryKind, SkipReason
from kronkers_studio.domain.errors import InvalidInput, NotFound
from kronkers_studio.domain.migration import MigrationOptions, MigrationSource, OnlineOnly, Rename
from kronkers_studio.migration import FolderSource, filesystem
from kronkers_studio.workflows.browsing import restore
from kronkers_studio.workflows.migrating import migrate_folder, migrate_folders, plan_migration
from kronkers_studio.workflows.migration import sources
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.sources import changed_options, forget_source, project_sources
from kronkers_studio.workflows.watching import brought_in
from tests.migration.kinds import Make

AT_REST_NS = 1_600_000_000_123_456_789
FOLD = MigrationOptions(fold_conflicts=True)


def files_of(session: Session, project: str = "p", ref: str = "") -> dict[str, bytes]:
    content = session.workspace.content
    return {entry.path: content.read(entry) for entry in content.walk(project, ref) if entry.kind is EntryKind.FILE}


# Renamed files
def test_a_renamed_file_is_reported_and_not_read_where_the_file_system_proves_it(
    session: Session, folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("old name.csv", "a,b\n", mtime_ns=AT_REST_NS)
    make("stays.csv", "c,d\n", mtime_ns=AT_REST_NS)
    migrate_folder(session, folder, "p")
    (folder / "deep").mkdir()
    (folder / "old name.csv").rename(folder / "deep" / "new name.csv")
    monkeypatch.setattr(FolderSource, "open", None)

    result = migrate_folder(session, folder, "p")

    assert result.renamed == (Rename("old name.csv", "deep/new name.csv"),)
    assert (result.read_files, result.changed) == (0, True)
    assert files_of(session) == {"deep/new name.csv": b"a,b\n", "stays.csv": b"c,d\n"}
    assert migrate_folder(session, folder, "p").read_files == 0


def test_a_renamed_file_is_recognised_by_its_content_where_nothing_proves_it(
    session: Session, folder: Path, make: Make
) -> None:
    make("old.csv", "a,b\n")  # a time of whole seconds, as archives set it
    migrate_folder(session, folder, "p")
    (folder / "old.csv").rename(folder / "new.csv")

    result = migrate_folder(session, folder, "p")

    assert result.renamed == (Rename("old.csv", "new.csv", read=True),)
    assert (result.read_files, result.new_bytes) == (1, 0)


def test_a_file_that_a_rule_leaves_out_is_not_renamed_to_one_of_the_same_bytes(
    session: Session, folder: Path, make: Make
) -> None:
    make("old.csv", "a,b\n")
    make("below/too.csv", "c,d\n")
    migrate_folder(session, folder, "p")
    make("new.csv", "a,b\n")
    make("another.csv", "c,d\n")

    result = migrate_folder(session, folder, "p", options=MigrationOptions(exclude=("old.csv", "below/")))

    assert result.renamed == ()
    assert set(files_of(session)) == {"new.csv", "another.csv"}


def test_another_file_with_a_dead_files_inode_size_and_archive_time_is_read(
    session: Session, folder: Path, make: Make
) -> None:
    """What an archive unpacked over an older one leaves. Seen to fail without the look at whole seconds."""
    make("dead.csv", "old!")
    migrate_folder(session, folder, "p")
    with (folder / "dead.csv").open("r+b") as file:  # the very inode
        file.write(b"new!")
    os.utime(folder / "dead.csv", ns=(1_600_000_000_000_000_000,) * 2)
    (folder / "dead.csv").rename(folder / "born.csv")

    migrate_folder(session, folder, "p")

    assert files_of(session) == {"born.csv": b"new!"}


def test_another_name_of_a_file_that_stayed_is_no_rename(session: Session, folder: Path, make: Make) -> None:
    file = make("a.csv", "a,b\n", mtime_ns=AT_REST_NS)
    migrate_folder(session, folder, "p")
    (folder / "b.csv").hardlink_to(file)

    result = migrate_folder(session, folder, "p")

    assert (result.renamed, result.read_files) == ((), 0)
    assert files_of(session) == {"a.csv": b"a,b\n", "b.csv": b"a,b\n"}


def test_the_plan_counts_what_is_new_renamed_unchanged_and_there_twice(
    session: Session, folder: Path, make: Make
) -> None:
    make("stays.csv", "1234", mtime_ns=AT_REST_NS)
    make("moves.csv", "12345", mtime_ns=AT_REST_NS)
    migrate_folder(session, folder, "p")
    (folder / "moves.csv").rename(folder / "moved.csv")
    make("new.csv", "123456789")
    make("new too.csv", "123456789")

    plan = plan_migration(session, folder, "p")

    assert {item.path for item in plan.fresh} == {"moved.csv", "new.csv", "new too.csv"}
    assert [(item.path, item.duplicate_of) for item in plan.duplicates] == [("new.csv", "new too.csv")]
    assert plan.new_size == 9


# Conflict copies
def conflict(make: Make) -> None:
    make("report.csv", "id\n1\n2\n3\n", mtime_ns=30 * 10**15)
    make("report-LAPTOP7.csv", "id\n1\n", mtime_ns=10 * 10**15)
    make("report (1).csv", "id\n1\n2\n", mtime_ns=20 * 10**15)
    make("other.csv", "x\n")


def test_conflict_copies_are_grouped_in_the_plan_with_what_differs(session: Session, folder: Path, make: Make) -> None:
    conflict(make)

    (group,) = plan_migration(session, folder, "p").conflicts

    assert group.original.path == "report.csv"
    assert {copy.path: copy.differences for copy in group.copies} == {
        "report (1).csv": "1 row is only in the original",
        "report-LAPTOP7.csv": "2 rows are only in the original",
    }


def test_folded_conflict_copies_become_versions_of_one_file_by_their_age_and_nothing_is_lost(
    session: Session, folder: Path, make: Make
) -> None:
    conflict(make)

    result = migrate_folder(session, folder, "p", options=FOLD)

    history = session.workspace.content.history("p")
    assert [files_of(session, ref=commit.id)["report.csv"] for commit in reversed(history)] == [
        b"id\n1\n",
        b"id\n1\n2\n",
        b"id\n1\n2\n3\n",
    ]
    assert all(set(files_of(session, ref=commit.id)) == {"report.csv", "other.csv"} for commit in history)
    assert [(each.source, each.commit) for each in result.folded] == [
        ("report-LAPTOP7.csv", history[2].id),
        ("report (1).csv", history[1].id),
        ("report.csv", history[0].id),
    ]
    assert (result.commit, result.skipped) == (history[0], ())


def test_folding_again_records_nothing_twice_and_a_newer_copy_leaves_current_what_has_the_plain_name(
    session: Session, folder: Path, make: Make
) -> None:
    """Seen to fail with the newest of them last: another computer's copy had taken the file's place."""
    conflict(make)
    migrate_folder(session, folder, "p", options=FOLD)

    again = migrate_folder(session, folder, "p")
    assert (again.changed, again.folded) == (False, ())
    make("other.csv", "changed\n")
    assert migrate_folder(session, folder, "p").folded == ()
    make("report-DESKTOP-AB12CD3.csv", "id\n9\n", mtime_ns=40 * 10**15)

    result = migrate_folder(session, folder, "p")

    assert files_of(session)["report.csv"] == b"id\n1\n2\n3\n"
    assert [each.source for each in result.folded] == ["report-DESKTOP-AB12CD3.csv"]
    history = session.workspace.content.history("p")
    assert [files_of(session, ref=commit.id)["report.csv"] for commit in history[:2]] == [
        b"id\n1\n2\n3\n",
        b"id\n9\n",
    ]
    assert len(history) == 6
    assert migrate_folder(session, folder, "p").changed is False
    assert len(session.workspace.content.history("p")) == 6


def test_a_copy_of_a_file_that_cannot_be_kept_stays_a_file(session: Session, folder: Path, make: Make) -> None:
    os.mkfifo(folder / "report.csv")
    make("report-LAPTOP7.csv", "b")
    result = migrate_folder(session, folder, "p", options=FOLD)
    assert result.folded == ()
    assert files_of(session) == {"report-LAPTOP7.csv": b"b"}


def test_equal_copies_are_one_version(session: Session, folder: Path, make: Make) -> None:
    make("report.csv", "same", mtime_ns=30 * 10**15)
    make("report (1).csv", "same", mtime_ns=20 * 10**15)
    migrate_folder(session, folder, "p", options=FOLD)
    assert files_of(session) == {"report.csv": b"same"}
    assert len(session.workspace.content.history("p")) == 1


# Rules and options
def test_rules_are_remembered_with_the_project_and_can_be_changed_and_forgotten(
    session: Session, folder: Path, make: Make
) -> None:
    make("a.csv")
    make("b.tmp")
    migrate_folder(session, folder, "p", options=MigrationOptions(exclude=("*.tmp",)))
    make("c.tmp")

    assert set(files_of(session)) == {"a.csv"}
    migrate_folder(session, folder, "p")
    assert set(files_of(session)) == {"a.csv"}
    assert plan_migration(session, folder, "p").options.exclude == ("*.tmp",)

    options = changed_options(session, "p", folder, exclude=[])
    migrate_folder(session, folder, "p", options=options)
    assert set(files_of(session)) == {"a.csv", "b.tmp", "c.tmp"}
    assert project_sources(session, "p") == [MigrationSource(str(folder))]
    forget_source(session, "p", folder)
    assert project_sources(session, "p") == []
    with pytest.raises(NotFound):
        forget_source(session, "p", folder)


def test_a_forgotten_folder_loses_nothing_and_can_be_brought_in_again(session: Session, tmp_path: Path) -> None:
    for name in ("A", "B"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.csv").write_text(name)
    migrate_folders(session, [tmp_path / "A", tmp_path / "B"], "p")

    assert forget_source(session, "p", tmp_path / "B") == MigrationSource(str(tmp_path / "B"), "B")

    assert [source.folder for source in project_sources(session, "p")] == [str(tmp_path / "A")]
    (tmp_path / "A" / "y.csv").write_text("new")
    (tmp_path / "B" / "y.csv").write_text("new")
    migrate_folders(session, project="p")
    assert set(files_of(session)) == {"A/x.csv", "A/y.csv", "B/x.csv"}
    assert (tmp_path / "B" / "x.csv").read_text() == "B"
    migrate_folders(session, [tmp_path / "A", tmp_path / "B"], "p")
    assert set(files_of(session)) == {"A/x.csv", "A/y.csv", "B/x.csv", "B/y.csv"}
    assert len(project_sources(session, "p")) == 2


def test_a_forgotten_folder_that_was_not_touched_is_remembered_again(
    session: Session, folder: Path, make: Make
) -> None:
    make("a.csv")
    migrate_folder(session, folder, "p")
    assert [brought.project for brought in brought_in(session)] == ["p"]
    forget_source(session, "p", folder)
    assert brought_in(session) == []

    result = migrate_folder(session, folder, "p")

    assert (result.changed, result.read_files) == (False, 0)
    assert project_sources(session, "p") == [MigrationSource(str(folder))]


def test_a_folder_that_is_gone_can_be_forgotten(session: Session, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "A", tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "a.csv").write_text("1")
    migrate_folder(session, folder, "p")
    folder.rename(elsewhere)

    with pytest.raises(NotFound, match="is not brought into “p”") as failure:
        forget_source(session, "p", elsewhere)

    assert "kronkers folder list" in failure.value.next_step
    assert forget_source(session, "p", folder).folder == str(folder)


def test_a_plan_remembers_nothing(session: Session, folder: Path, make: Make) -> None:
    make("a.csv")
    plan = plan_migration(session, folder, "p", options=MigrationOptions(exclude=("*.csv",)))
    assert (plan.kept, project_sources(session, "p")) == ((), [])


def test_placeholders_are_counted_skipped_unopened_or_fetched_as_chosen(
    session: Session, folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    online = make("online.csv", "in the cloud").stat().st_ino
    make("here.csv")
    really_open = filesystem.open_file
    opened = []
    monkeypatch.setattr(filesystem, "is_online_only", lambda status: status.st_ino == online)
    monkeypatch.setattr(filesystem, "open_file", lambda path: (opened.append(os.fsdecode(path)), really_open(path))[1])
    fetch = MigrationOptions(online_only=OnlineOnly.FETCH)

    plan = plan_migration(session, folder, "p")
    skipping = migrate_folder(session, folder, "p")
    assert [(item.path, item.size) for item in plan.online_only] == [("online.csv", 12)]
    assert [item.reason for item in skipping.skipped] == [SkipReason.PLACEHOLDER]
    fetching = plan_migration(session, folder, "p", options=fetch)
    assert [item.path for item in fetching.kept] == ["here.csv", "online.csv"]
    assert not any("online" in path for path in opened)

    result = migrate_folder(session, folder, "p", options=fetch)
    assert result.skipped == ()
    assert files_of(session)["online.csv"] == b"in the cloud"


def test_what_is_stored_and_only_in_the_cloud_by_now_stays_though_nothing_is_known_of_it(
    session: Session, folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same OneDrive on a new computer, where nothing is there yet. Seen to fail: the version lacked it all."""
    for top in ("old", "new"):
        make(f"{top}/cloud/same.csv", "as it was")
        make(f"{top}/cloud/longer.csv", "as it was")
        make(f"{top}/later.csv", "as it was")
        make(f"{top}/here.csv", "as it was")
    first = migrate_folder(session, folder / "old", "p").commit
    make("new/cloud/longer.csv", "longer than it was")
    make("new/later.csv", "as it is!", mtime_ns=AT_REST_NS + 10**10)
    make("new/cloud/unknown.csv", "new")
    names = ["cloud/same.csv", "cloud/longer.csv", "cloud/unknown.csv", "later.csv"]
    online = {(folder / "new" / name).stat().st_ino for name in names}
    monkeypatch.setattr(filesystem, "is_online_only", lambda status: status.st_ino in online)

    plan = plan_migration(session, folder / "new", "p")
    result = migrate_folder(session, folder / "new", "p")

    lost = ["later.csv", "cloud/longer.csv", "cloud/unknown.csv"]
    assert [item.path for item in plan.skipped] == [item.path for item in result.skipped] == lost
    assert [item.path for item in plan.online_only] == lost and plan.gone == ()
    assert {item.path for item in plan.kept if item.unchanged} == {"here.csv", "cloud/same.csv"}
    assert files_of(session) == {"here.csv": b"as it was", "cloud/same.csv": b"as it was"}
    assert session.workspace.content.find("p", "", "cloud/same.csv") == session.workspace.content.find(
        "p", first.id, "cloud/same.csv"
    )
    assert not migrate_folder(session, folder / "new", "p").changed


# Several folders
def test_several_folders_become_one_project_each_in_its_own_folder_and_are_remembered(
    session: Session, folder: Path, make: Make
) -> None:
    make("Sales/a.csv", "1")
    make("Lab/b.csv", "2")
    make("elsewhere/Lab/c.csv", "3")

    migrate_folders(session, [folder / "Sales", folder / "Lab", folder / "elsewhere/Lab"], "p")
    assert files_of(session) == {"Sales/a.csv": b"1", "Lab/b.csv": b"2", "Lab (2)/c.csv": b"3"}

    make("Lab/new.csv", "4")
    (folder / "Sales/a.csv").unlink()
    one = migrate_folder(session, folder / "Lab", "p")
    assert one.project == "p"
    assert set(files_of(session)) == {"Sales/a.csv", "Lab/b.csv", "Lab/new.csv", "Lab (2)/c.csv"}
    migrate_folders(session, (), "p")
    assert set(files_of(session)) == {"Lab/b.csv", "Lab/new.csv", "Lab (2)/c.csv"}
    again = migrate_folders(session, (), "p")
    assert (again.changed, again.read_files) == (False, 0)


def test_a_folder_can_be_added_to_a_project_that_has_another_at_its_top(
    session: Session, folder: Path, make: Make
) -> None:
    make("top/a.csv", "1")
    make("more/b.csv", "2")
    migrate_folder(session, folder / "top", "p")
    migrate_folder(session, folder / "more", "p", into="shared/team")
    make("top/c.csv", "3")
    migrate_folder(session, folder / "top", "p")

    assert files_of(session) == {"a.csv": b"1", "c.csv": b"3", "shared/team/b.csv": b"2"}
    assert {source.into for source in project_sources(session, "p")} == {"", "shared/team"}


def test_what_another_folder_brought_in_meanwhile_is_not_put_back(
    session: Session, folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without the commit's base."""
    make("one/a.csv", "1")
    make("two/b.csv", "2")
    migrate_folders(session, [folder / "one", folder / "two"], "p")
    make("one/a.csv", "one, changed")
    make("two/b.csv", "two, changed")
    really, meanwhile = sources.kept_besides, [True]

    def looked_at_just_before(*arguments: Any) -> Any:
        kept = really(*arguments)
        if meanwhile:
            meanwhile.clear()
            migrate_folder(session, folder / "two", "p")
        return kept

    monkeypatch.setattr(sources, "kept_besides", looked_at_just_before)
    migrate_folder(session, folder / "one", "p")
    assert files_of(session) == {"one/a.csv": b"one, changed", "two/b.csv": b"two, changed"}


def test_neither_of_two_folders_can_hide_what_the_other_brought(session: Session, folder: Path, make: Make) -> None:
    make("top/shared/b.csv", "1")
    make("more/b.csv", "2")
    migrate_folder(session, folder / "more", "p", into="shared")
    with pytest.raises(InvalidInput, match=r"shared/b\.csv"):
        migrate_folder(session, folder / "top", "p", into="")
    assert files_of(session) == {"shared/b.csv": b"2"}


def test_another_folder_at_the_top_takes_the_place_of_the_one_before(
    session: Session, folder: Path, make: Make
) -> None:
    """The same OneDrive on a new computer."""
    make("old place/a.csv", "1")
    make("new place/a.csv", "1")
    migrate_folder(session, folder / "old place", "p")
    result = migrate_folder(session, folder / "new place", "p")
    assert [source.folder for source in project_sources(session, "p")] == [str(folder / "new place")]
    assert result.files == 1


@pytest.mark.parametrize("into", ["..", "a/../b", "a//b", "./x"])
def test_a_place_that_leads_out_of_the_project_is_refused(
    session: Session, folder: Path, make: Make, into: str
) -> None:
    make("a.csv")
    with pytest.raises(InvalidInput):
        migrate_folder(session, folder, "p", into=into)


def test_folders_in_one_another_are_refused(session: Session, folder: Path, make: Make) -> None:
    make("a/b/c.csv")
    with pytest.raises(InvalidInput, match="twice"):
        migrate_folders(session, [folder / "a", folder / "a/b"], "p")


# Gently
def test_reading_keeps_to_the_limit_of_the_settings(session: Session, folder: Path, make: Make) -> None:
    make("a.bin", os.urandom(600_000))
    session.settings = replace(session.settings, read_limit=1.0)
    begun = time.monotonic()
    migrate_folder(session, folder, "p")
    assert time.monotonic() - begun > 0.3
    restored = restore(session, "p", "", folder / "out")
    assert restored.files == 1

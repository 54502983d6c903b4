"""A plan says how a folder stands to the branch, and nothing that a merge brought is undone without a word."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import WouldUndo
from kronkers_studio.domain.migration import MigrationOptions, MigrationPlan
from kronkers_studio.migration import StatCache
from kronkers_studio.workflows.care import rebuild_registry
from kronkers_studio.workflows.migrating import migrate_folder, migrate_folders, plan_migration
from kronkers_studio.workflows.plan_rows import prepare
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace
from kronkers_studio.workflows.versions import create_branch, merge_branches

_OLD = 1_700_000_000_123_456_789


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Five files, an empty folder and a link."""
    top = tmp_path / "source"
    for number in range(5):
        _write(top / "team" / f"{number}.csv", f"a,b\n{number},1\n", _OLD + number)
    (top / "empty").mkdir()
    (top / "newest").symlink_to("team/4.csv")
    return top


@pytest.fixture
def colleague(tmp_path: Path, folder: Path) -> Path:
    """A copy of the folder on another computer, with a file more, one changed and one less."""
    copy = tmp_path / "colleague"
    shutil.copytree(folder, copy, symlinks=True)
    _write(copy / "team" / "5.csv", "a,b\n5,1\n", _OLD + 5)
    _write(copy / "team" / "0.csv", "a,b\n0,100\n")
    (copy / "team" / "1.csv").unlink()
    return copy


def _write(file: Path, text: str, mtime_ns: int = _OLD) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(mtime_ns, mtime_ns))


def _fresh(plan: MigrationPlan) -> list[str]:
    return [item.path for item in plan.fresh]


def _texts(session: Session, branch: str = "main") -> dict[str, str]:
    content = session.workspace.content

    def text(entry: Entry) -> str:
        return entry.target if entry.kind is EntryKind.LINK else content.read(entry).decode()

    return {entry.path: text(entry) for entry in content.walk("p", branch) if entry.kind is not EntryKind.FOLDER}


# What is new


def test_links_and_empty_folders_that_are_there_already_are_not_new(session: Session, folder: Path) -> None:
    migrate_folder(session, folder, "p")
    plan = plan_migration(session, folder, "p")
    assert (_fresh(plan), plan.reread, plan.gone, plan.undone) == ([], (), (), None)
    (folder / "newest").unlink()
    (folder / "newest").symlink_to("team/3.csv")
    (folder / "another").mkdir()
    assert _fresh(plan_migration(session, folder, "p")) == ["newest", "another"]


def test_a_plan_after_the_database_was_made_again_expects_nothing_new_of_files_as_they_were(
    tmp_path: Path, folder: Path
) -> None:
    session, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, folder, "p")
    (tmp_path / "workspace" / "metadata.db").unlink()
    rebuild_registry(tmp_path / "workspace", key_file=tmp_path / "key")
    os.utime(folder / "team" / "1.csv")  # copied, say: the bytes are the same
    _write(folder / "team" / "2.csv", "a,b\n7,7\n", _OLD + 20)
    _write(folder / "team" / "3.csv", "a,b\n3,1\nlonger\n")
    with open_workspace(tmp_path / "workspace", key_file=tmp_path / "key") as session:
        plan = plan_migration(session, folder, "p")
        assert _fresh(plan) == ["team/2.csv", "team/3.csv"]
        assert [item.path for item in plan.reread] == ["team/0.csv", "team/1.csv", "team/4.csv"]
        figures = prepare(plan).figures
        assert (figures.unchanged, figures.new_size) == (5, plan.new_size)
        assert plan.new_size == sum(item.size for item in plan.fresh)
        result = migrate_folder(session, folder, "p")
        assert (result.changed, result.read_files) == (True, 5)
        again = plan_migration(session, folder, "p")
        assert (_fresh(again), [item.path for item in again.reread]) == ([], ["team/1.csv"])  # not at rest yet


def test_a_plan_is_for_one_branch_and_what_is_stored_already_brings_no_bytes(session: Session, folder: Path) -> None:
    migrate_folder(session, folder, "p")
    plan = plan_migration(session, folder, "p", branch="try")
    assert len(plan.fresh) == 7
    assert plan.new_size == 0


def test_a_plan_names_what_is_no_longer_in_the_folder(session: Session, folder: Path, tmp_path: Path) -> None:
    migrate_folder(session, folder, "p")
    _write(tmp_path / "more" / "x.csv", "x\n")
    migrate_folder(session, tmp_path / "more", "p", into="more")
    (folder / "team" / "2.csv").unlink()
    (folder / "team" / "3.csv").rename(folder / "team" / "moved.csv")
    assert plan_migration(session, folder, "p").gone == ("team/2.csv",)
    assert plan_migration(session, tmp_path / "more", "p").gone == ()


def test_conflict_copies_that_became_versions_stay_unchanged(session: Session, folder: Path) -> None:
    _write(folder / "team" / "3-LAPTOP7.csv", "a,b\n3,2\n", _OLD + 10**12)
    fold = MigrationOptions(fold_conflicts=True)
    migrate_folder(session, folder, "p", options=fold)
    assert _fresh(plan_migration(session, folder, "p", options=fold)) == []


# What would be undone


def test_what_a_merge_brought_is_not_undone_without_being_asked_for(
    session: Session, folder: Path, colleague: Path
) -> None:
    first = migrate_folder(session, folder, "p").commit
    create_branch(session, "p", "colleague")
    migrate_folder(session, colleague, "p", branch="colleague")
    _write(folder / "team" / "2.csv", "a,b\n2,22\n")
    migrate_folder(session, folder, "p")
    merged = merge_branches(session, "p", "colleague").commit
    _write(folder / "team" / "3.csv", "a,b\n3,33\n")

    undone = plan_migration(session, folder, "p").undone
    assert undone is not None and undone.head == merged.id and undone.base != first.id
    assert (undone.removed, undone.replaced, undone.returned) == (1, 1, 1)
    assert undone.examples == ("team/0.csv", "team/1.csv", "team/5.csv")

    with pytest.raises(WouldUndo, match=r"team/5\.csv") as refused:
        migrate_folder(session, folder, "p")
    assert session.workspace.head("p", "main") == merged
    steps = [step for step in refused.value.next_step.split("`") if step.startswith("kronkers ")]
    assert steps == [
        f"kronkers branch p main-folder --from {undone.base[:12]}",
        f"kronkers migrate {folder} --project p --branch main-folder",
        "kronkers merge p main-folder --into main",
    ]

    # what it says to do keeps both
    create_branch(session, "p", "main-folder", undone.base)
    migrate_folder(session, folder, "p", branch="main-folder")
    merge_branches(session, "p", "main-folder")
    both = _texts(session)
    assert both["team/5.csv"] == "a,b\n5,1\n" and both["team/3.csv"] == "a,b\n3,33\n"
    assert both["team/0.csv"] == "a,b\n0,100\n" and "team/1.csv" not in both

    replaced = migrate_folder(session, folder, "p", replace_others=True)
    assert replaced.undone is not None and replaced.undone.count == 3
    assert set(_texts(session)) == {"newest", *(f"team/{number}.csv" for number in range(5))}
    assert migrate_folder(session, folder, "p").undone is None


def test_a_merge_that_only_moved_the_branch_counts_too(session: Session, folder: Path, colleague: Path) -> None:
    migrate_folder(session, folder, "p")
    create_branch(session, "p", "colleague")
    migrate_folder(session, colleague, "p", branch="colleague")
    merge_branches(session, "p", "colleague")
    with pytest.raises(WouldUndo):
        migrate_folder(session, folder, "p")


def test_plain_bringing_in_again_is_not_refused(session: Session, folder: Path) -> None:
    migrate_folder(session, folder, "p")
    create_branch(session, "p", "try")
    _write(folder / "team" / "2.csv", "a,b\n2,22\n")
    assert migrate_folder(session, folder, "p", branch="try").changed
    merge_branches(session, "p", "try")
    assert not migrate_folder(session, folder, "p").changed
    (folder / "team" / "2.csv").unlink()
    assert migrate_folder(session, folder, "p").files == 4


def test_once_the_folder_has_what_was_merged_it_may_change_it(session: Session, folder: Path, colleague: Path) -> None:
    """Restored into the folder, or brought there by OneDrive. Seen to fail without remembering that nothing changed."""
    rules = MigrationOptions(exclude=("*.tmp",))  # with rules it is not known in which state a folder is
    migrate_folder(session, folder, "p", options=rules)
    create_branch(session, "p", "colleague")
    migrate_folder(session, colleague, "p", branch="colleague")
    merge_branches(session, "p", "colleague")
    shutil.rmtree(folder)
    shutil.copytree(colleague, folder, symlinks=True)
    assert not migrate_folder(session, folder, "p").changed
    (folder / "team" / "5.csv").unlink()
    _write(folder / "team" / "0.csv", "a,b\n0,1000\n")
    assert migrate_folder(session, folder, "p").changed


def test_after_the_database_was_made_again_a_merge_is_still_not_undone(
    tmp_path: Path, folder: Path, colleague: Path
) -> None:
    session, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, folder, "p")
        create_branch(session, "p", "colleague")
        migrate_folder(session, colleague, "p", branch="colleague")
        merge_branches(session, "p", "colleague")
    (tmp_path / "workspace" / "metadata.db").unlink()
    rebuild_registry(tmp_path / "workspace", key_file=tmp_path / "key")
    with open_workspace(tmp_path / "workspace", key_file=tmp_path / "key") as session:
        assert StatCache(session.workspace.database, "p", folder).committed("main") is None
        with pytest.raises(WouldUndo):
            migrate_folder(session, folder, "p")


def test_folders_with_places_of_their_own_do_not_stand_in_each_others_way(
    session: Session, folder: Path, colleague: Path, tmp_path: Path
) -> None:
    migrate_folders(session, [folder, colleague], "p")
    _write(colleague / "team" / "9.csv", "9\n")
    migrate_folder(session, colleague, "p")
    _write(folder / "team" / "8.csv", "8\n")
    assert migrate_folder(session, folder, "p").undone is None
    create_branch(session, "p", "try")
    _write(tmp_path / "third" / "team" / "0.csv", "third\n")
    migrate_folder(session, tmp_path / "third", "p", branch="try", into="source")
    merge_branches(session, "p", "try")
    migrate_folder(session, colleague, "p")
    with pytest.raises(WouldUndo, match=r"source/team/0\.csv"):
        migrate_folder(session, folder, "p", into="source")

"""Bringing in a folder again: what did not change costs nothing, and what changed is never passed over."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.migration import scanning
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.migration import import_run
from kronkers_studio.workflows.migration.folder_access import scan_source
from kronkers_studio.workflows.session import Session, open_workspace

_OLD = 1_700_000_000_123_456_789


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    top = tmp_path / "source"
    for number in range(5):
        _write(top / "team" / f"{number}.csv", f"a,b\n{number},1\n")
    return top


def _write(file: Path, text: str, mtime_ns: int = _OLD) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    os.utime(file, ns=(mtime_ns, mtime_ns))


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Grows by one for each full scan."""
    done: list[str] = []
    really = scan_source
    monkeypatch.setattr(
        import_run, "scan_source", lambda *words, **named: done.append("scan") or really(*words, **named)
    )
    return done


def test_an_untouched_folder_is_only_listed(session: Session, folder: Path, scans: list[str]) -> None:
    first = migrate_folder(session, folder)
    again = migrate_folder(session, folder)
    assert scans == ["scan"]
    assert (again.commit, again.changed, again.files, again.read_files, again.new_bytes) == (
        first.commit,
        False,
        5,
        0,
        0,
    )


def test_a_change_is_seen_also_when_it_comes_back(session: Session, folder: Path) -> None:
    """Seen to fail with the state kept for any commit instead of the branch's head."""
    first = migrate_folder(session, folder)
    _write(folder / "team" / "3.csv", "a,b\n9,1\n", _OLD + 1)
    second = migrate_folder(session, folder)
    assert second.changed and second.read_files == 1
    assert second.commit.parents == (first.commit.id,)
    _write(folder / "team" / "3.csv", "a,b\n3,1\n", _OLD)
    third = migrate_folder(session, folder)
    assert third.changed
    assert third.commit.tree == first.commit.tree
    assert not migrate_folder(session, folder).changed


def test_each_branch_remembers_its_own(session: Session, folder: Path, scans: list[str]) -> None:
    migrate_folder(session, folder)
    assert migrate_folder(session, folder, branch="try").changed
    assert not migrate_folder(session, folder).changed
    assert not migrate_folder(session, folder, branch="try").changed
    assert scans == ["scan", "scan"]


def test_a_branch_that_somebody_moved_is_looked_at_in_full(
    session: Session, folder: Path, tmp_path: Path, scans: list[str]
) -> None:
    """Seen to fail without comparing the head."""
    first = migrate_folder(session, folder)
    _write(tmp_path / "other" / "x.csv", "x\n1\n")
    migrate_folder(session, tmp_path / "other", "source")
    back = migrate_folder(session, folder, replace_others=True)
    assert back.changed
    assert back.commit.tree == first.commit.tree
    assert len(scans) == 3


@pytest.mark.skipif(os.name == "nt" or not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read all")
def test_a_folder_with_something_unreadable_is_looked_at_each_time(
    session: Session, folder: Path, scans: list[str]
) -> None:
    (folder / "team" / "3.csv").chmod(0)
    migrate_folder(session, folder)
    assert migrate_folder(session, folder).incomplete
    assert len(scans) == 2


def test_a_file_that_changed_while_it_was_stored_is_looked_at_again(
    session: Session, folder: Path, scans: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was stored is then not what was listed: the listing may come back without the content."""
    really = scanning.scan_folder

    def then_changed(*words: object, **named: object) -> object:
        scan = really(*words, **named)  # type: ignore[arg-type]  # passed on as it came
        _write(folder / "team" / "3.csv", "longer than before\n", _OLD + 1)
        return scan

    with monkeypatch.context() as patch:
        patch.setattr("kronkers_studio.migration.scan_folder", then_changed)
        migrate_folder(session, folder)
    _write(folder / "team" / "3.csv", "a,b\n3,1\n", _OLD)
    assert migrate_folder(session, folder).read_files == 1
    assert len(scans) == 2


@pytest.mark.parametrize("became", ["link", "folder"])
def test_a_file_that_gave_way_to_something_else_and_came_back_is_looked_up_in_the_store(
    session: Session, folder: Path, tmp_path: Path, became: str
) -> None:
    """Meanwhile a cleaning up freed its content. Seen to fail (a version with a hole) with what is known of it kept."""
    file, aside = folder / "team" / "3.csv", tmp_path / "aside.csv"
    migrate_folder(session, folder)
    workspace = session.workspace
    workspace.trash.put(TrashKind.PROJECT, "source", "", author="ann")
    workspace.trash.empty(author="ann")
    assert workspace.clean_up(author="ann", clock=lambda: datetime.now(UTC) + timedelta(days=15)).freed
    file.rename(aside)
    if became == "link":
        file.symlink_to("2.csv")
    else:
        file.mkdir()
    with open_workspace(tmp_path / "workspace", key_file=tmp_path / "key") as later:
        migrate_folder(later, folder)
        if became == "link":
            file.unlink()
        else:
            file.rmdir()
        aside.rename(file)
        migrate_folder(later, folder)
        assert later.workspace.content.check(read_data=True).problems == ()

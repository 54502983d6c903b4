"""Branches, tags and moments name commits; differences are shown in the way that suits what is compared."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.content import Commit, EntryKind, SourceItem
from kronkers_studio.domain.differences import TableFileDifference, TextDifference, TreeDifference
from kronkers_studio.domain.errors import AlreadyExists, InvalidInput, NotFound
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.metadata.ancestry import best_common_ancestors
from kronkers_studio.registry.versions import Versions

Files = dict[str, bytes]
TABLE = b"id,name\n1,Anna\n2,Bert\n3,Cleo\n"


class Clock:
    """Of the journal: each look is a minute later."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 1, 14, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        self.now += timedelta(minutes=1)
        return self.now


@pytest.fixture
def clock(workspace: Workspace) -> Clock:
    clock = workspace.ledger._journal._clock = Clock()
    return clock


def commit(workspace: Workspace, files: Files, branch: str = "main") -> Commit:
    items = [SourceItem(path, EntryKind.FILE, len(data), 5) for path, data in files.items()]
    outcome = workspace.content.store_items(items, MemorySource(files))
    return workspace.content.commit("p", branch, outcome.stored, message="", author="ann")[0]


@pytest.fixture
def versions(workspace: Workspace) -> Versions:
    return workspace.versions


def test_a_branch_begins_where_it_is_told_and_goes_its_own_way(workspace: Workspace, versions: Versions) -> None:
    first = commit(workspace, {"a": b"1"})
    second = commit(workspace, {"a": b"2"})
    assert versions.create_branch("p", "try", first.id[:8], author="ann").head == first
    assert versions.create_branch("p", "here", author="ann").head == second
    third = commit(workspace, {"a": b"3"}, "try")
    assert third.parents == (first.id,)
    assert [(b.name, b.head) for b in versions.branches("p")] == [("here", second), ("main", second), ("try", third)]
    for name, error in (("try", AlreadyExists), ("a:b", InvalidInput), (" ", InvalidInput)):
        with pytest.raises(error):
            versions.create_branch("p", name, author="ann")
    with pytest.raises(NotFound):
        versions.create_branch("p", "new", "nope", author="ann")
    with pytest.raises(NotFound, match="no project"):
        versions.branches("q")


def test_a_tag_names_one_commit_until_it_is_moved_or_removed(workspace: Workspace, versions: Versions) -> None:
    first, second = commit(workspace, {"a": b"1"}), commit(workspace, {"a": b"2"})
    assert versions.set_tag("p", "report", first.id, author="ann").commit == first
    assert workspace.content.resolve("p", "report") == first
    assert versions.set_tag("p", "report", first.id, author="ann").commit == first
    entries = len(workspace.ledger.entries())
    with pytest.raises(AlreadyExists, match="names"):
        versions.set_tag("p", "report", second.id, author="ann")
    assert len(workspace.ledger.entries()) == entries
    assert versions.set_tag("p", "report", author="ann", move=True).commit == second
    assert [(tag.name, tag.commit) for tag in versions.tags("p")] == [("report", second)]
    with pytest.raises(AlreadyExists, match="a tag"):
        versions.create_branch("p", "report", author="ann")
    with pytest.raises(AlreadyExists, match="a branch"):
        versions.set_tag("p", "main", author="ann")
    assert versions.remove_tag("p", "report", author="ann").commit == second
    assert versions.tags("p") == []
    with pytest.raises(NotFound):
        workspace.content.resolve("p", "report")
    with pytest.raises(NotFound):
        versions.remove_tag("p", "report", author="ann")
    assert workspace.content.check().healthy


def test_a_moment_names_what_a_branch_was_then(workspace: Workspace, versions: Versions, clock: Clock) -> None:
    """Seen to fail with what came after the moment in place of what came before."""
    first = commit(workspace, {"a": b"1"})  # recorded at 14:01, and so on
    second = commit(workspace, {"a": b"2"})
    versions.create_branch("p", "try", first.id, author="ann")  # 14:03
    gone = workspace.trash.put(TrashKind.BRANCH, "p", "try", author="ann")  # 14:04
    workspace.trash.restore(gone.id, author="ann")  # 14:05
    resolve = workspace.content.resolve
    for ref, expected in {
        "{2026-05-01 14:01Z}": first,
        "@{2026-05-01 14:01:30Z}": first,
        "main@{2026-05-01T14:02:00+00:00}": second,
        "{2026-05-01 16:02:00+02:00}": second,
        "try@{2026-05-01 14:03:00Z}": first,
        "try@{2026-05-01 14:05:00Z}": first,
        "try@{now}": first,
        "{1 minute ago}": second,
    }.items():
        assert resolve("p", ref) == expected, ref
    for ref in ("{2026-05-01 14:00:59Z}", "try@{2026-05-01 14:02:00Z}", "try@{2026-05-01 14:04:00Z}", "nope@{now}"):
        with pytest.raises(NotFound, match="had no branch"):
            resolve("p", ref)
    with pytest.raises(InvalidInput, match="not a moment"):
        resolve("p", "{soon}")
    assert versions.at("p", "main", datetime(2026, 5, 1, 14, 1, 30, tzinfo=UTC)) == first


def test_a_restored_project_is_as_it_was_at_the_moment(workspace: Workspace, clock: Clock, tmp_path: Path) -> None:
    commit(workspace, {"a": b"1", "b": b"1"})
    commit(workspace, {"a": b"2"})

    out = tmp_path / "out"
    workspace.content.restore("p", "{2026-05-01 14:01:00Z}", out)
    assert {file.name: file.read_bytes() for file in out.iterdir()} == {"a": b"1", "b": b"1"}


def test_differences_are_shown_in_the_way_that_suits(workspace: Workspace, versions: Versions) -> None:
    old = commit(
        workspace, {"t.csv": TABLE, "old.csv": TABLE, "a.txt": b"1\n", "b.bin": b"\0\1", "ragged.csv": b"a,b\n1,2,3\n"}
    )
    new = commit(
        workspace,
        {
            "t.csv": TABLE.replace(b"Bert", b"Berta"),
            "new/old.csv": TABLE,
            "a.txt": b"1\n2\n",
            "b.bin": b"\0\2",
            "ragged.csv": b"a,b\n1,2,3\n4\n",
        },
    )

    def differ(path: str, **options: Any) -> Any:
        return versions.diff_path("p", old.id, new.id, path, **options)

    tree, table, text = differ(""), differ("t.csv"), differ("a.txt")
    assert isinstance(tree, TreeDifference) and len(tree.changes) == 6
    assert isinstance(table, TableFileDifference) and table.tables[0].rows_changed == 1
    assert isinstance(text, TextDifference) and text.lines_added == 1
    assert differ("b.bin") is None
    ragged = differ("ragged.csv")
    assert isinstance(ragged, TextDifference) and ragged.lines_added == 1, "no table, but a text"
    folder = differ("new")
    assert isinstance(folder, TreeDifference) and [change.path for change in folder.changes] == ["new/old.csv"]
    moved, removed = differ("new/old.csv"), differ("old.csv")
    assert isinstance(moved, TableFileDifference) and not moved, "compared with where it came from"
    assert isinstance(removed, TextDifference) and removed.lines_removed == 4
    with pytest.raises(NotFound):
        differ("nope")
    with pytest.raises(InvalidInput, match="no column"):
        differ("t.csv", key=["nope"])
    with pytest.raises(InvalidInput, match="is a file"):
        versions.diff("p", old.id, new.id, "t.csv")
    with pytest.raises(InvalidInput, match="is not a file"):
        versions.diff_text("p", old.id, new.id, "new")


def test_the_best_common_ancestors_are_those_that_no_other_surpasses(workspace: Workspace, versions: Versions) -> None:
    root = commit(workspace, {"a": b"1"})
    versions.create_branch("p", "x", author="ann")
    versions.create_branch("p", "y", author="ann")
    x, y = commit(workspace, {"a": b"x"}, "x"), commit(workspace, {"a": b"y"}, "y")
    with workspace.database.read() as connection:
        assert best_common_ancestors(connection, x.id, y.id) == (root.id,)
        assert best_common_ancestors(connection, x.id, root.id) == (root.id,)
        assert best_common_ancestors(connection, x.id, x.id) == (x.id,)


def test_a_project_without_its_main_branch_says_what_can_be_named(workspace: Workspace) -> None:
    commit(workspace, {"a": b"1"})
    workspace.versions.create_branch("p", "try", "main", author="ann")
    workspace.trash.put(TrashKind.BRANCH, "p", "main", author="ann")
    with pytest.raises(NotFound, match="no branch “main”") as refused:
        workspace.content.resolve("p")
    assert "p@try" in (refused.value.next_step or "")
    workspace.trash.put(TrashKind.BRANCH, "p", "try", author="ann")
    with pytest.raises(NotFound) as refused:
        workspace.content.resolve("p")
    assert "trash list" in (refused.value.next_step or "")

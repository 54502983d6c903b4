"""What differs as folders that open and close."""

from __future__ import annotations

import time

from kronkers_studio.desktop.changed_tree import OPEN_UP_TO, ChangedTree, ChangeGroup
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange

A, M, R, N = ChangeKind.ADDED, ChangeKind.MODIFIED, ChangeKind.REMOVED, ChangeKind.RENAMED


def change(path: str, kind: ChangeKind = M, *, folder: bool = False, before: str = "") -> EntryChange:
    what = EntryKind.FOLDER if folder else EntryKind.FILE
    old, new = Entry(before or path, what, 1), Entry(path, what, 2)
    return EntryChange(kind, None if kind is A else old, None if kind is R else new)


def seen(tree: ChangedTree, opened: frozenset[str] | None = None) -> list[str]:
    rows = tree.rows(tree.open_at_first if opened is None else opened)
    return [f"{'  ' * row.depth}{row.name}{'/' if row.is_folder else ''}" for row in rows]


CHANGES = [
    change("a/b/one.csv"),
    change("a/b/two.csv", A),
    change("c", A, folder=True),
    change("c/three.csv", A),
    change("four.md", R),
    change("d/new.py", N, before="old.py"),
]


def test_folders_come_first_and_those_with_nothing_else_in_them_are_one_row() -> None:
    tree = ChangedTree(CHANGES)
    assert seen(tree) == ["a/b/", "  one.csv", "  two.csv", "c/", "  three.csv", "d/", "  new.py", "four.md"]
    assert tree.files == 5
    assert seen(tree, frozenset({"c"})) == ["a/b/", "c/", "  three.csv", "d/", "four.md"]
    first = tree.rows(frozenset())[0]
    assert (first.path, first.files, dict(first.kinds), first.change) == ("a/b", 2, {M: 1, A: 1}, None)


def test_a_group_and_words_leave_only_what_belongs_to_them() -> None:
    groups: list[tuple[ChangeGroup, list[str]]] = [
        ("new", ["a/b/", "  two.csv", "c/", "  three.csv"]),
        ("changed", ["a/b/", "  one.csv"]),
        ("gone", ["four.md"]),
        ("moved", ["d/", "  new.py"]),
    ]
    assert [(group, seen(ChangedTree(CHANGES, group))) for group, _ in groups] == groups
    assert seen(ChangedTree(CHANGES, "all", "OLD py")) == ["d/", "  new.py"]
    assert seen(ChangedTree([change("caf\udce9/x.csv")], "all", "\\xe9")) == ["caf\udce9/", "  x.csv"]


def test_of_many_changes_the_folders_are_closed_at_first() -> None:
    many = [change(f"q{number % 3}/{number}.csv") for number in range(OPEN_UP_TO + 1)]
    assert seen(ChangedTree(many)) == ["q0/", "q1/", "q2/"]


def test_a_folder_that_came_without_files_is_there_and_deep_ones_are_no_trouble() -> None:
    assert seen(ChangedTree([change("empty", A, folder=True)])) == ["empty/"]
    deep = "/".join(["d"] * 3000)
    tree = ChangedTree([change(f"{deep}/a.csv")])
    assert [row.name.count("/") for row in tree.rows(tree.open_at_first)] == [2999, 0]


def test_a_hundred_thousand_changes_take_a_moment() -> None:
    """Closed, no more rows are made than are seen."""
    many = [change(f"f{number % 500}/g{number % 7}/{number}.csv") for number in range(100_000)]
    began = time.process_time()
    tree = ChangedTree(many)
    assert len(tree.rows(tree.open_at_first)) == 500
    assert time.process_time() - began < 5

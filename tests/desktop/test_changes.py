"""Two versions beside each other: which files, which cells, which lines; with signs as well as colours."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.desktop.difference_rows import (
    column_title,
    compared_columns,
    compared_rows,
    side_by_side,
    table_words,
)
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.panels import changes
from kronkers_studio.desktop.panels.changes import ChangesPanel
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.domain.differences import (
    CellChange,
    ColumnChange,
    EntryChange,
    Hunk,
    RowChange,
    TableDifference,
    TextDifference,
)
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.versions import set_tag
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.versioned import commit_files


def test_changed_cells_read_before_and_after_and_are_marked() -> None:
    difference = TableDifference(
        3,
        3,
        key=("id",),
        columns=("name", "id", "amount"),
        rows_added=1,
        rows_removed=1,
        rows_changed=1,
        cells_changed={"amount": 1},
        sample_columns=("name", "id", "amount"),
        added=(("new", 4, 1.5),),
        removed=(("old", 3, None),),
        changed=(RowChange((2,), (CellChange("amount", 10, 12),)),),
    )
    assert compared_columns(difference) == ("id", "amount", "name")
    rows = compared_rows(difference)
    assert [(row.sign, row.cells) for row in rows] == [
        ("±", ("2", "10 → 12", "same")),
        ("+", ("4", "1.5", "new")),
        ("−", ("3", "", "old")),
    ]
    assert [rows[0].tone(place) for place in range(3)] == [None, "warn", None]
    assert [row.tone(0) for row in rows] == [None, "ok", "bad"]
    words = "± 1 row changed · + 1 row added · − 1 row removed · rows matched by id"
    assert table_words(difference) == words


def test_columns_of_one_side_have_their_sign_and_counts_of_nothing_are_not_said() -> None:
    difference = TableDifference(
        1,
        1,
        key=("id",),
        columns=("id", "name", "amount"),
        column_changes=(ColumnChange("new", "", "str"), ColumnChange("old", "int", ""), ColumnChange("name", "a", "b")),
        rows_changed=1,
        cells_changed={"amount": 1},
        sample_columns=("id", "name", "amount", "old", "new"),
        changed=(RowChange((2,), (CellChange("amount", 0.1 + 0.2, 1),)),),
    )
    names = compared_columns(difference)
    titles = [column_title(difference, name) for name in names]
    assert titles == ["id", "amount", "name", "− old", "+ new"]
    (row,) = compared_rows(difference)
    assert row.cells == ("2", "0.3 → 1", "same", "", "")  # of columns that one side has, nothing can be the same
    assert row.same == {2}
    assert "0 row" not in table_words(difference)


def test_figures_that_differ_in_their_last_digit_only_are_written_out() -> None:
    change = RowChange((2,), (CellChange("amount", 0.3, 0.1 + 0.2),))
    difference = TableDifference(1, 1, key=("id",), columns=("id", "amount"), rows_changed=1, changed=(change,))
    (row,) = compared_rows(difference)
    assert row.cells == ("2", "0.3 → 0.30000000000000004")


def test_rows_whose_figures_would_read_the_same_are_written_out() -> None:
    noise, near = 0.1 + 0.2, 0.3333333333333333
    difference = TableDifference(
        3,
        3,
        columns=("amount", "share"),
        rows_added=2,
        rows_removed=2,
        sample_columns=("amount", "share"),
        added=((0.3, 12.0), (1234567890123.0, near)),
        removed=((noise, 12.0), (noise, 0.33333333333)),
    )
    assert [row.cells for row in compared_rows(difference)] == [
        ("0.3", "12"),
        ("1234567890123", "0.3333333333333333"),
        ("0.30000000000000004", "12"),
        ("0.30000000000000004", "0.33333333333"),
    ]


def test_keys_that_would_read_the_same_are_written_out() -> None:
    cells = (CellChange("amount", None, True),)
    changed = (RowChange((0.3,), cells), RowChange((0.1 + 0.2,), cells))
    difference = TableDifference(2, 2, key=("id",), columns=("id", "amount"), rows_changed=2, changed=changed)
    rows = compared_rows(difference)
    assert [row.cells for row in rows] == [("0.3", " → TRUE"), ("0.30000000000000004", " → TRUE")]


def test_dates_have_no_midnight_where_all_of_their_column_have_it_and_cells_are_typed() -> None:
    day, other, noon = "2024-01-01 00:00:00", "2024-01-02 00:00:00", "2024-01-03 12:00:00"
    changed = (RowChange((day,), (CellChange("at", day, noon), CellChange("on", day, other))),)
    difference = TableDifference(
        1,
        1,
        key=("day",),
        columns=("day", "at", "on"),
        rows_changed=1,
        cells_changed={"at": 1, "on": 1},
        changed=changed,
    )
    (typed,) = compared_rows(difference, typed=True)
    assert typed.cells == ("2024-01-01", f"{day} → {noon}", "2024-01-01 → 2024-01-02")
    (written,) = compared_rows(difference)
    assert written.cells == (day, f"{day} → {noon}", f"{day} → {other}")


def test_changed_lines_stand_beside_what_they_became() -> None:
    hunk = Hunk(5, 5, (" same", "-old 1", "-old 2", "+new 1", " end", "+more"))
    rows = side_by_side(TextDifference("a.py", 20, 20, 2, 2, (hunk,), complete=False))
    assert [(row.old_number, row.old_words, row.new_number, row.new_words) for row in rows] == [
        (None, "⋯", None, "⋯"),
        (5, "  same", 5, "  same"),
        (6, "− old 1", 6, "+ new 1"),
        (7, "− old 2", None, ""),
        (8, "  end", 7, "  end"),
        (None, "", 8, "+ more"),
        (None, "⋯", None, "⋯"),
    ]


def changed_files(panel: ChangesPanel) -> list[EntryChange]:
    """The changes that are listed, without folders that stayed."""
    return [row.change for row in panel.list.table.content.rows if row.change is not None]


@pytest.fixture
def changed_workspace(workspace: Path) -> Path:
    first = {
        "sales.csv": b"id,amount\n" + b"".join(b"%d,10\n" % number for number in range(20)),
        "model.py": b"a = 1\nb = 2\n",
        "gone.txt": b"to be removed\n",
        "old name.md": b"# A text that stays as it is\n" * 9,
        "model.bin": bytes(range(256)),
    }
    second = {
        "sales.csv": first["sales.csv"].replace(b"\n7,10\n", b"\n7,12\n"),
        "model.py": b"a = 1\nb = 3\n",
        "new.txt": b"just added\n",
        "new name.md": first["old name.md"],
        "model.bin": bytes(reversed(range(256))),
    }
    with open_workspace(workspace) as session:
        commit_files(session, first, "First")
        set_tag(session, "Team", "start")
        commit_files(session, second, "Second")
    return workspace


def test_a_version_is_compared_with_the_one_before_file_by_file(
    open_main_window: OpenWindow, changed_workspace: Path, come_to_rest: Rest
) -> None:
    from tests.desktop.accessible import unnamed, unreachable

    window = open_main_window(changed_workspace, page="registry")
    window.show()
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    page.sides.choose("changes")
    come_to_rest(window)
    panel = page.changes_panel
    model = panel.list.table.content
    told = {model.columns[1].text(row): model.columns[0].text(row) for row in model.rows}
    assert told == {
        "gone.txt": "− Removed",
        "model.bin": "± Changed",
        "model.py": "± Changed",
        "new.txt": "+ Added",
        "old name.md → new name.md": "→ Renamed",
        "sales.csv": "± Changed",
    }
    assert panel.summary.text() == "1 added, 1 removed, 3 changed, 1 renamed"
    shown = {}
    for change in changed_files(panel):
        panel.open_change(change)
        come_to_rest(window)
        assert panel.views.shown == "file"
        assert unnamed(panel) == []
        assert unreachable(panel) == []
        shown[change.path] = sorted(table.accessibleName() for table in panel.findChildren(Table) if table.isVisible())
        assert not panel.grab().isNull()
    assert shown["sales.csv"] == ["Rows that differ"]
    assert shown["model.py"] == ["Lines that differ"]
    assert shown["new.txt"] == ["Lines that differ"]
    assert shown["model.bin"] == []


def test_versions_are_compared_with_any_branch_or_tag(
    open_main_window: OpenWindow, changed_workspace: Path, come_to_rest: Rest
) -> None:
    window = open_main_window(changed_workspace, page="registry")
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    page.sides.choose("changes")
    page.history.choose(1)
    come_to_rest(window)
    panel = page.changes_panel
    assert panel.views.shown == "nothing"  # the first version
    texts = [panel.compared_with.itemText(place) for place in range(panel.compared_with.count())]
    assert texts == ["the version before", "the current state", "state “start”"]
    panel.compared_with.setCurrentIndex(1)
    come_to_rest(window)
    assert panel.views.shown == "list"
    assert panel.summary.text() == "1 added, 1 removed, 3 changed, 1 renamed"


def test_a_version_further_back_than_those_offered_is_compared_with_and_named(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with what is compared with called by the choice before."""
    monkeypatch.setattr(changes, "_MOST_VERSIONS", 1)
    with open_workspace(workspace) as session:
        first, *_ = [commit_files(session, {"a.txt": b"%d\n" % number}, f"No. {number}") for number in range(4)]
    window = open_main_window(workspace, page="registry")
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    assert first.id not in page.changes_panel.compared_with.values
    page.show_changes(first.id, "a.txt")
    come_to_rest(window)
    assert page.changes_panel.compared_with.currentText() == f"version {first.id[:8]}"
    assert page.changes_panel.views.shown == "file"

"""The Registry page: history as a graph, and any folder of any version without a wait."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QMenu, QPushButton

from kronkers_studio.desktop.destinations import ShowContent
from kronkers_studio.desktop.folder_rows import arrange
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.domain.content import Commit, Entry, EntryKind
from kronkers_studio.domain.history import Lanes
from kronkers_studio.workflows import timeline as timeline_module
from kronkers_studio.workflows.browsing import history
from kronkers_studio.workflows.session import Session, open_workspace
from kronkers_studio.workflows.timeline import Timeline
from kronkers_studio.workflows.versions import create_branch, merge_branches, set_tag
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.things import NOON
from tests.desktop.versioned import commit_files


@pytest.fixture
def branched_workspace(workspace: Path) -> Path:
    """A project whose branch was merged back, with a tag."""
    with open_workspace(workspace) as session:
        make_branches(session)
    return workspace


def make_branches(session: Session) -> None:
    first = {"data/sales.csv": b"month,amount\n1,10\n2,12\n3,9\n", "notes.md": b"# Notes\n"}
    commit_files(session, first, "Brought in")
    create_branch(session, "Team", "forecast")
    commit_files(session, first | {"model.py": b"print(1)\n"}, "A first model", branch="forecast")
    commit_files(session, first | {"notes.md": b"# Notes\n\nMore.\n"}, "Notes extended")
    merge_branches(session, "Team", "forecast", message="Forecast merged")
    set_tag(session, "Team", "2026-q2-report")


def _commit(id: str, *parents: str, age: int = 0) -> Commit:
    return Commit(id, "Team", parents, "", "ada", NOON - timedelta(hours=age), id)


# The graph


def test_a_straight_history_stays_in_one_lane() -> None:
    lanes = Lanes()
    rows = [lanes.place(_commit("c", "b")), lanes.place(_commit("b", "a")), lanes.place(_commit("a"))]
    assert [row.lane for row in rows] == [0, 0, 0]
    assert [row.above for row in rows] == [(), ((0, 0),), ((0, 0),)]
    assert [row.below for row in rows] == [((0, 0),), ((0, 0),), ()]


def test_a_merge_opens_a_lane_that_ends_where_the_branch_began() -> None:
    lanes = Lanes()
    merge, theirs, ours, base = (
        lanes.place(_commit("m", "ours", "theirs")),
        lanes.place(_commit("theirs", "base")),
        lanes.place(_commit("ours", "base")),
        lanes.place(_commit("base")),
    )
    assert merge.below == ((0, 0), (0, 1))
    assert theirs.lane == 1
    assert (theirs.above, theirs.below) == (((0, 0), (1, 1)), ((0, 0), (1, 1)))
    assert ours.below == ((1, 1), (0, 1))
    assert (base.lane, base.lanes) == (1, 2)
    assert base.below == ()


def test_lanes_that_became_free_are_used_again() -> None:
    lanes = Lanes()
    lanes.place(_commit("tip-1", "base"))
    side = lanes.place(_commit("tip-2", "base"))
    base = lanes.place(_commit("base", "root"))
    other = lanes.place(_commit("tip-3", "root"))
    assert (side.lane, side.below) == (1, ((0, 0), (1, 0)))
    assert (base.lane, base.lanes) == (0, 1)
    assert other.lane == 1


def test_the_timeline_has_every_version_of_every_branch_once_and_children_first(branched_workspace: Path) -> None:
    with open_workspace(branched_workspace) as session:
        timeline = Timeline(session, "Team")
        rows = [*timeline.page(2), *timeline.page(100)]
    assert [row.commit.message for row in rows] == ["Forecast merged", "Notes extended", "A first model", "Brought in"]
    assert [(row.branches, row.tags) for row in rows][:3] == [
        (("main",), ("2026-q2-report",)),
        ((), ()),
        (("forecast",), ()),
    ]
    assert rows[0].lanes == 2


def test_the_page_draws_the_graph_and_says_it_in_words(
    open_main_window: OpenWindow, branched_workspace: Path, come_to_rest: Rest
) -> None:
    from PySide6.QtCore import Qt

    window = open_main_window(branched_workspace, page="registry")
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    model = page.history.content
    assert model.rowCount() == 4
    spoken = model.data(model.index(0, 0), Qt.ItemDataRole.AccessibleTextRole)
    assert spoken == "Forecast merged · combined · the current state · state “2026-q2-report”"
    assert not page.history.grab().isNull()
    page.history.choose(2)
    come_to_rest(window)
    assert [entry.name for entry in page.browser.table.content.rows] == ["data", "model.py", "notes.md"]
    page.refresh()
    come_to_rest(window)
    assert page.history.chosen is not None
    assert page.history.chosen.commit.message == "A first model"  # what was looked at is still


def test_many_versions_come_in_pages(workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with every version asked for by itself."""
    from datetime import UTC, datetime

    from kronkers_studio.domain.changes import BranchMoved, CommitRecorded, ProjectCreated

    count = 700
    with open_workspace(workspace) as session:
        commits = [
            Commit(
                f"{number:064x}", "Long", (f"{number - 1:064x}",) if number else (), "00" * 32, "ada", NOON, f"{number}"
            )
            for number in range(count)
        ]
        now = datetime.now(UTC)
        session.workspace.ledger.record(
            ProjectCreated("Long", now),
            *(CommitRecorded(commit, "") for commit in commits),
            BranchMoved("Long", "main", commits[-1].id, ""),
            author="ada",
        )
        asked: list[str] = []
        monkeypatch.setattr(
            timeline_module, "history", lambda *which, **limits: asked.append(which[2]) or history(*which, **limits)
        )
        timeline = Timeline(session, "Long")
        messages = [row.commit.message for row in timeline.page(100)]
        assert len(asked) == 1, "the first page waits for what is on it alone"
        while page := timeline.page(100):
            messages += [row.commit.message for row in page]
    assert messages == [str(number) for number in reversed(range(count))]
    assert len(asked) == 3  # of 256 versions each


def test_names_for_which_a_row_has_no_room_are_counted_and_the_default_branch_comes_first(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.desktop.panels import history

    with open_workspace(workspace) as session:
        commit_files(session, {"a.txt": b"1"}, "Brought in")
        for name in ("a-branch-of-a-long-name", "b"):
            create_branch(session, "Team", name)
    drawn: dict[str, bool] = {}
    counted: list[int] = []
    draw_name, draw_more = history._draw_name, history._draw_more

    def note_name(painter: Any, rect: Any, name: str, tone: Any) -> int:
        width = draw_name(painter, rect, name, tone)
        drawn[name] = width > 0
        return width

    def note_more(painter: Any, rect: Any, more: int) -> int:
        counted.append(more)
        return draw_more(painter, rect, more)

    monkeypatch.setattr(history, "_draw_name", note_name)
    monkeypatch.setattr(history, "_draw_more", note_more)
    window = open_main_window(workspace, page="registry")
    window.show()
    come_to_rest(window)
    assert not the_page(window, RegistryPage).history.grab().isNull()
    assert next(iter(drawn)) == "Current"
    assert counted[-1] == 3 - sum(drawn.values()) > 0


def test_a_deep_way_of_long_names_takes_one_line_and_each_step_leads_back(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    folders = [f"{letter} & {'long' * 40}" for letter in "abcdef"]
    path = "/".join(folders)
    with open_workspace(workspace) as session:
        commit_files(session, {f"{path}/{'n' * 200}.txt": b"1"}, "Brought in")
    window = open_main_window(workspace, page="registry")
    window.resize(1024, 680)
    window.show()
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    page.browser.open_folder(path)
    come_to_rest(window)
    page.browser.open_entry(page.browser.table.content.row(0))
    come_to_rest(window)
    trail = page.browser.trail
    assert window.width() == 1024
    assert trail.sizeHint().height() <= trail.height()
    names = [button.accessibleName() for button in trail.findChildren(QPushButton)]
    assert names == ["Open Team", "Folders on the way", *(f"Open {folder}" for folder in folders[-2:])]
    (menu,) = trail.findChildren(QMenu)
    assert [action.text()[0] for action in menu.actions()] == ["a", "b", "c", "d"]
    menu.actions()[1].trigger()
    come_to_rest(window)
    assert page.browser.path == "/".join(folders[:2])


def test_the_page_goes_to_a_folder_of_another_project(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    with open_workspace(workspace) as session:
        commit_files(session, {"a.txt": b"1"}, "Brought in")
        commit_files(session, {"deep/er/b.txt": b"1"}, "Brought in", project="Other")
    window = open_main_window(workspace, page="registry")
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    page.project_box.choose("Team")
    come_to_rest(window)
    window.go_to(ShowContent("Other", "deep/er"))
    come_to_rest(window)
    assert (page.project_box.value, page.browser.path) == ("Other", "deep/er")


# Folders


def test_entries_are_found_by_words_and_sorted_with_folders_first() -> None:
    entries = [
        Entry("b.csv", EntryKind.FILE, 5, 30),
        Entry("A sales.csv", EntryKind.FILE, 9, 10),
        Entry("sales", EntryKind.FOLDER),
    ]
    assert [entry.name for entry in arrange(entries)] == ["sales", "A sales.csv", "b.csv"]
    assert [entry.name for entry in arrange(entries, "SALES")] == ["sales", "A sales.csv"]
    assert [entry.name for entry in arrange(entries, "csv sales")] == ["A sales.csv"]
    assert [entry.name for entry in arrange(entries, "", "-size")] == ["sales", "A sales.csv", "b.csv"]
    assert [entry.name for entry in arrange(entries, "", "-changed")] == ["sales", "b.csv", "A sales.csv"]


def test_a_click_on_a_columns_title_sorts_and_a_second_one_turns_it_round(
    open_main_window: OpenWindow, branched_workspace: Path, come_to_rest: Rest
) -> None:
    from PySide6.QtCore import Qt

    window = open_main_window(branched_workspace, page="registry")
    come_to_rest(window)
    browser = the_page(window, RegistryPage).browser
    for order, title in (("-size", "Size ↓"), ("size", "Size ↑")):
        browser.table.sort_wanted.emit(1)
        come_to_rest(window)
        assert browser.order.value == order
        assert browser.table.content.headerData(1, Qt.Orientation.Horizontal) == title

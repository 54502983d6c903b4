"""What a merge brought into a project is not undone by bringing the folder in again, unless that is chosen."""

from __future__ import annotations

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.panels.watched_folders import remedy_words
from kronkers_studio.desktop.work.folder_watches import Watching
from kronkers_studio.domain.errors import WouldUndo
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import Session, open_workspace
from kronkers_studio.workflows.versions import create_branch, list_branches, merge_branches
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.things import stored_bytes
from tests.desktop.versioned import commit_files

_PROJECT = "Team folder"
_PATIENCE = 20_000
_MERGED = b"# Notes\n\nFrom a colleague.\n"


@pytest.fixture
def merged_workspace(workspace: Path, small_folder: Path) -> Path:
    """The small folder's project, into which a merge brought another text of the notes."""
    with open_workspace(workspace) as session:
        migrate_folder(session, small_folder)
        create_branch(session, _PROJECT, "colleague")
        kept = {"data/sales.csv": (small_folder / "data" / "sales.csv").read_bytes(), "notes.md": _MERGED}
        commit_files(session, kept, "Notes", project=_PROJECT, branch="colleague")
        merge_branches(session, _PROJECT, "colleague")
    (small_folder / "new.csv").write_text("a\n1\n", encoding="utf-8")
    return workspace


@pytest.fixture
def page(
    open_main_window: OpenWindow, merged_workspace: Path, small_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> MigratePage:
    """The Migrate page, showing the plan of the folder."""
    window = open_main_window(merged_workspace)
    window.show_page("migrate")
    shown = the_page(window, MigratePage)
    shown.look_at(small_folder, _PROJECT)
    qtbot.waitUntil(lambda: shown.views.shown == "plan", timeout=_PATIENCE)
    come_to_rest(window)
    return shown


def session_of(page: MigratePage) -> Session:
    session = page.studio.session
    assert session is not None
    return session


def start(page: MigratePage, qtbot: QtBot) -> None:
    page.start()
    qtbot.waitUntil(lambda: page.views.shown == "outcome", timeout=_PATIENCE)


def test_both_are_kept_unless_another_choice_is_made(page: MigratePage, qtbot: QtBot) -> None:
    title, words = page.panel.choices.elsewhere.words
    assert title == "1 file is otherwise in the project: combining or another folder brought it"
    assert words.endswith("which you combine afterwards: notes.md")
    start(page, qtbot)
    session = session_of(page)
    assert stored_bytes(session, _PROJECT, "", "notes.md") == _MERGED
    assert stored_bytes(session, _PROJECT, "main-folder", "new.csv") == b"a\n1\n"
    assert "main-folder" in page.notice.message
    assert page.watch_button.isHidden()
    merged = merge_branches(session, _PROJECT, "main-folder")  # as the notice proposes
    assert merged.plan.conflicts == ()
    assert stored_bytes(session, _PROJECT, "", "notes.md") == _MERGED
    assert stored_bytes(session, _PROJECT, "", "new.csv") == b"a\n1\n"


def test_the_same_branch_is_used_the_next_time(page: MigratePage, small_folder: Path, qtbot: QtBot) -> None:
    for number in range(2):
        (small_folder / f"{number}.csv").write_text("a\n", encoding="utf-8")
        page.look_at(small_folder, _PROJECT)
        qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
        start(page, qtbot)
    session = session_of(page)
    assert [branch.name for branch in list_branches(session, _PROJECT)] == ["colleague", "main", "main-folder"]
    assert stored_bytes(session, _PROJECT, "main-folder", "1.csv") == b"a\n"


def test_a_branch_of_that_name_that_was_made_for_something_else_is_left_alone(page: MigratePage, qtbot: QtBot) -> None:
    session = session_of(page)
    commit_files(session, {"mine.txt": b"1\n"}, "Mine", project=_PROJECT, branch="main-folder")
    start(page, qtbot)
    assert stored_bytes(session, _PROJECT, "main-folder", "mine.txt") == b"1\n"
    assert stored_bytes(session, _PROJECT, "main-folder-2", "new.csv") == b"a\n1\n"


def test_the_folder_alone_counts_when_that_is_chosen_and_the_next_plan_asks_anew(
    page: MigratePage, small_folder: Path, qtbot: QtBot
) -> None:
    choices = page.panel.choices
    choices.others.choose("replace")
    assert "earlier versions keep them: notes.md" in choices.elsewhere.words[1]
    start(page, qtbot)
    session = session_of(page)
    assert stored_bytes(session, _PROJECT, "", "notes.md") == b"# Notes\n"
    assert page.notice.message == ""
    page.look_at(small_folder, _PROJECT)
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
    assert choices.keep_both
    assert choices.elsewhere.isHidden()


def test_a_watch_that_would_undo_something_says_where_to_choose() -> None:
    refused = WouldUndo("refused", next_step="`kronkers merge`")
    words = remedy_words(Watching(_PROJECT, (), error=refused))
    assert "Look inside" in words
    assert "kronkers" not in words

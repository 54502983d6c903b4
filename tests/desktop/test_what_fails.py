"""What cannot be read or written is said where it belongs, and the window goes on."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.other_program import held_by_another_program
from tests.desktop.versioned import commit_files

_PATIENCE = 20_000


@pytest.fixture
def damaged_workspace(workspace: Path) -> Path:
    """A large file whose stored bytes are no longer what they were, and a small one that is whole."""
    large = Random(3).randbytes(900_000)
    with open_workspace(workspace) as session:
        commit_files(session, {"sales.csv": b"a,b\n1,2\n", "later.bin": large}, "Brought in")
    (pack,) = (workspace / "packs").iterdir()
    data = bytearray(pack.read_bytes())
    data[len(data) // 2] ^= 1
    pack.write_bytes(data)
    return workspace


@pytest.fixture
def unreadable_workspace(workspace: Path) -> Path:
    """A project of which nothing stored is what it was."""
    with open_workspace(workspace) as session:
        commit_files(session, {"sales.csv": b"a,b\n1,2\n"}, "Brought in")
    for pack in (workspace / "packs").iterdir():
        pack.write_bytes(bytes(byte ^ 1 for byte in pack.read_bytes()))
    return workspace


def test_a_check_names_the_damaged_file_and_what_mends_it(
    open_main_window: OpenWindow, damaged_workspace: Path, come_to_rest: Rest
) -> None:
    window = open_main_window(damaged_workspace, page="registry")
    window.show()
    come_to_rest(window)
    page = window.page("registry")
    page.check()  # type: ignore[attr-defined]
    come_to_rest(window)
    assert re.search(r"1 file or folder is damaged: .+: later\.bin\.$", page.notice.message)
    assert "rebuild the index, then bring the folder in again" in page.notice._next.text()
    assert "kronkers" not in page.notice._next.text()
    assert page.notice.action is not None


def test_a_damaged_file_has_no_preview_but_a_sentence_and_the_others_are_shown(
    open_main_window: OpenWindow, damaged_workspace: Path, come_to_rest: Rest
) -> None:
    window = open_main_window(damaged_workspace, page="registry")
    window.show()
    come_to_rest(window)
    browser = the_page(window, RegistryPage).browser
    entries = {entry.name: entry for entry in browser.table.content.rows if entry.kind is EntryKind.FILE}
    browser.open_entry(entries["later.bin"])
    come_to_rest(window)
    assert browser.preview.kind == "none"
    (said,) = browser.preview.findChildren(EmptyState)
    words = " ".join(label.text() for label in said.findChildren(type(browser.preview.facts)))
    assert "damaged" in words
    assert "Traceback" not in words
    browser.open_folder("")
    come_to_rest(window)
    browser.open_entry(entries["sales.csv"])
    come_to_rest(window)
    assert browser.preview.kind == "table"


def test_a_folder_that_cannot_be_read_is_said_above_it(
    open_main_window: OpenWindow, unreadable_workspace: Path, come_to_rest: Rest
) -> None:
    window = open_main_window(unreadable_workspace, page="registry")
    come_to_rest(window)
    page = the_page(window, RegistryPage)
    assert "damaged" in page.notice.message
    assert page.browser.table.content.rowCount() == 0


def test_a_workspace_that_another_program_writes_to_is_said_and_the_plan_stays(
    open_main_window: OpenWindow,
    workspace: Path,
    small_folder: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
) -> None:
    window = open_main_window(workspace)
    window.show_page("migrate")
    page = the_page(window, MigratePage)
    page.look_at(small_folder)
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
    with held_by_another_program(workspace):
        page.start()
        qtbot.waitUntil(lambda: bool(page.notice.message), timeout=_PATIENCE)
        assert page.views.shown == "plan"
        assert page.start_button.isVisibleTo(page)
        assert "is being written to by process" in page.notice.message
    page.start()
    qtbot.waitUntil(lambda: page.views.shown == "outcome", timeout=_PATIENCE)
    come_to_rest(window)


def test_a_folder_that_may_not_be_read_is_said_inline(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.workflows import migrating

    refused = StudioError("You may not read “Team folder”.", next_step="Ask its owner.", details="EACCES")

    def refuse(*_: object, **_keywords: object) -> None:
        raise refused

    monkeypatch.setattr(migrating, "plan_migration", refuse)  # who runs the tests may read everything
    window = open_main_window(workspace)
    window.show_page("migrate")
    page = the_page(window, MigratePage)
    page.look_at(small_folder)
    qtbot.waitUntil(lambda: bool(page.notice.message), timeout=_PATIENCE)
    assert (page.views.shown, page.notice.message) == ("choose", refused.message)


def test_looking_through_a_folder_is_cancelled_from_the_page(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kronkers_studio.workflows import migrating

    def never_ends(*_: object, cancel: Any, **_keywords: object) -> None:
        while True:
            cancel.check()

    monkeypatch.setattr(migrating, "plan_migration", never_ends)
    window = open_main_window(workspace)
    window.show_page("migrate")
    page = the_page(window, MigratePage)
    page.look_at(small_folder)
    assert page.views.shown == "working"
    page.working._cancel.click()
    assert not page.working._cancel.isEnabled()
    qtbot.waitUntil(lambda: page.views.shown == "choose", timeout=_PATIENCE)
    assert page.notice.message == "Cancelled."

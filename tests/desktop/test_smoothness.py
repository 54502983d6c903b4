"""100,000 rows feel like 100: opening, filtering and sorting takes the main thread no tenth of a second."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QTimer

from kronkers_studio.desktop.destinations import ShowModel
from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.panels.change_list import ChangeList
from kronkers_studio.desktop.plan_rows import prepare
from kronkers_studio.desktop.work.tasks import TaskRunner
from kronkers_studio.domain.changes import ModelRegistered
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.differences import ChangeKind, EntryChange
from kronkers_studio.domain.models import ModelCard
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.blocking import Blocking, live_until_idle, main_thread_counted
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.planned import plan_of_many
from tests.desktop.things import a_version
from tests.desktop.versioned import commit_many

pytestmark = pytest.mark.slow  # bounds on time: other work on the machine must not fail the quick suite
_MOST = 0.1  # seconds of the main thread
_MOST_AT_FIRST = 0.2  # once a session: the page itself is made
_TIMES = 3


class Measured:
    """What operations take of the main thread: of each the median of three times."""

    def __init__(self, runner: TaskRunner) -> None:
        self._runner = runner
        self.taken: dict[str, float] = {}

    def does(
        self,
        what: str,
        operation: Callable[[], object],
        *,
        before: Callable[[], object] = lambda: None,
        pending: QTimer | None = None,
        times: int = _TIMES,
    ) -> None:
        """Do it several times, each ``before`` which it is brought back to where it began."""
        found: list[Blocking] = []
        for _ in range(times):
            before()
            live_until_idle(self._runner, pending)
            with main_thread_counted() as counted:
                operation()
                live_until_idle(self._runner, pending)
            found.append(counted)
        self.taken[what] = statistics.median(counted.thread for counted in found)
        longest = statistics.median(counted.longest for counted in found)
        print(f"{what}: {self.taken[what] * 1000:.0f} ms of the main thread, longest {longest * 1000:.0f} ms")

    @property
    def too_long(self) -> dict[str, float]:
        """What took more than it may, and how long."""
        most = {what: _MOST_AT_FIRST if what in ("page", "make ready") else _MOST for what in self.taken}
        return {what: seconds for what, seconds in self.taken.items() if seconds > most[what]}


def test_a_folder_of_a_version_on_the_registry_page(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    with open_workspace(workspace) as session:
        commit_many(session, 100_000)
    window = open_main_window(workspace, page="home")
    window.show()
    come_to_rest(window)
    measured = Measured(window.studio.runner)
    window.make_ready()
    live_until_idle(window.studio.runner)
    measured.does("page", lambda: window.show_page("registry"), times=1)
    page = the_page(window, RegistryPage)
    browser = page.browser
    rows = browser.table.content

    measured.does("open", lambda: browser.open_folder("many"), before=lambda: browser.open_folder(""))
    assert rows.rowCount() == 100_000
    measured.does("filter", lambda: browser.words.setText("99"), before=browser.words.clear, pending=browser._typed)
    assert 0 < rows.rowCount() < 10_000
    assert all("99" in entry.name for entry in rows.rows)
    browser.words.clear()
    live_until_idle(window.studio.runner, browser._typed)
    measured.does("sort", lambda: browser.order.choose("-changed"), before=lambda: browser.order.choose("name"))
    assert rows.rowCount() == 100_000
    times = [entry.mtime_ns for entry in rows.rows]
    assert times == sorted(times, reverse=True)
    measured.does("scroll", browser.table.scrollToBottom, before=browser.table.scrollToTop)
    assert measured.too_long == {}


def test_a_plan_on_the_migrate_page(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest) -> None:
    window = open_main_window(workspace, page="home")
    window.show()
    come_to_rest(window)
    runner = window.studio.runner
    measured = Measured(runner)
    window.make_ready()
    live_until_idle(runner)
    measured.does("page", lambda: window.show_page("migrate"), times=1)
    page = the_page(window, MigratePage)
    plan = plan_of_many(100_000)

    def show() -> None:
        runner.run("plan", lambda *_: prepare(plan), done=page.show_plan, owner=page, shown=False)

    measured.does("make ready", page.make_ready, times=1)
    measured.does("open", show, before=page.choose)
    panel = page.panel
    rows = panel.table.content
    assert rows.rowCount() == 100_002
    measured.does("group", lambda: panel.filter.choose("models"), before=lambda: panel.filter.choose("all"))
    assert rows.rowCount() == 25_000
    panel.filter.choose("all")
    measured.does("filter", lambda: panel.words.setText("99"), before=panel.words.clear, pending=panel._typed)
    assert 0 < rows.rowCount() < 10_000
    panel.words.clear()
    live_until_idle(runner, panel._typed)
    for order in ("largest first", "smallest first"):
        measured.does(f"sort, {order}", lambda: panel.table.sort_wanted.emit(2), times=1)
        sizes = [row.item.size for row in rows.rows]
        assert sizes == sorted(sizes, reverse=order == "largest first")
    measured.does("choose", lambda: panel.choices.fold.choose("fold"), before=lambda: panel.choices.fold.choose("keep"))
    measured.does("scroll", panel.table.scrollToBottom, before=panel.table.scrollToTop)
    assert measured.too_long == {}


def test_what_changed_in_many_files(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest) -> None:
    """As a list of folders that open and close, found through by kind and words."""
    window = open_main_window(workspace, page="home")
    window.show()
    come_to_rest(window)
    changes = [
        EntryChange(ChangeKind.MODIFIED, Entry(path, EntryKind.FILE, 1), Entry(path, EntryKind.FILE, 2))
        for path in (f"team {number % 20}/part {number % 400}/{number}.csv" for number in range(100_000))
    ]
    panel = ChangeList(window.studio)
    panel.resize(900, 600)
    panel.show()
    measured = Measured(window.studio.runner)
    measured.does("show", lambda: panel.show_changes(changes))
    rows = panel.table.content
    assert (panel.files, rows.rowCount()) == (100_000, 20)
    measured.does("open", lambda: panel.open_row(rows.row(0)), times=1)
    assert rows.rowCount() == 40
    measured.does("close", lambda: panel.open_row(rows.row(0)), times=1)
    measured.does(
        "find", lambda: panel.words.setText("99"), before=lambda: panel.words.setText(""), pending=panel._typed
    )
    measured.does("kind", lambda: panel.filter.choose("gone"), before=lambda: panel.filter.choose("all"))
    panel.close()
    panel.deleteLater()
    assert measured.too_long == {}


def test_a_model_of_many_versions_on_its_own_page(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    """With long names, many figures and a card as long as one may be."""
    long = "word " * 3999
    card = ModelCard(long, long, long, "x" * 20_000)
    with open_workspace(workspace) as session:
        commit_many(session, 10)
        for number in range(1, 301):
            version = replace(
                a_version(number, name="m" * 63),
                metrics={f"metric {each}": each / 7 for each in range(30)},
                tags=tuple(f"tag {each}" for each in range(100)),
                card=card,
            )
            session.workspace.ledger.record(ModelRegistered(version), author="ada")
    window = open_main_window(workspace, page="home")
    window.show()
    come_to_rest(window)
    measured = Measured(window.studio.runner)
    window.make_ready()
    live_until_idle(window.studio.runner)
    measured.does("page", lambda: window.go_to(ShowModel("m" * 63)), times=1)
    page = the_page(window, ModelPage)
    assert page.versions.content.rowCount() == 300
    for section in ("card", "quality", "lineage", "packages", "about"):
        page.sections.choose(section)
        live_until_idle(window.studio.runner)
        measured.does(
            f"another version, {section}",
            lambda: page.versions.choose(7),
            before=lambda: page.versions.choose(8),
        )
    measured.does("shown anew", lambda: window.studio.changed.emit("models"))
    assert measured.too_long == {}

"""The Migrate page: what there is to decide is asked in plain words, and each choice shows what it would do."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction, QContextMenuEvent, QGuiApplication
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.rules import RulesDialog
from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.panels.plan import PlanPanel
from kronkers_studio.desktop.plan_rows import prepare
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.migration import MigrationOptions, OnlineOnly
from kronkers_studio.workflows import plans
from kronkers_studio.workflows.browsing import history, list_folder
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.sources import project_sources
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.planned import plan_to_decide
from tests.desktop.test_names import seen

_PATIENCE = 20_000


@pytest.fixture
def conflicting_folder(small_folder: Path) -> Path:
    """The small folder with a conflict copy of its table."""
    (small_folder / "data" / "sales-LAPTOP7.csv").write_text("month,amount\n1,10\n2,13\n", encoding="utf-8")
    return small_folder


def planned(window: MainWindow, folder: Path, qtbot: QtBot) -> MigratePage:
    """The page, showing the plan of ``folder``."""
    window.show()
    window.show_page("migrate")
    page = the_page(window, MigratePage)
    page.look_at(folder)
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
    return page


def cells(panel: PlanPanel, path: str) -> list[str]:
    model = panel.table.content
    row = next(at for at, row in enumerate(model.rows) if row.path == path)
    return [str(model.index(row, column).data()) for column in range(model.columnCount())]


def begin(page: MigratePage, qtbot: QtBot) -> None:
    page.start()
    qtbot.waitUntil(lambda: page.views.shown == "outcome", timeout=_PATIENCE)


def test_a_conflict_copy_is_shown_below_its_original_with_what_differs(
    open_main_window: OpenWindow, workspace: Path, conflicting_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    page = planned(window, conflicting_folder, qtbot)
    panel = page.panel
    page.panel.filter.choose("decide")
    come_to_rest(window)
    assert [row.path for row in panel.table.content.rows] == ["data/sales.csv", "data/sales-LAPTOP7.csv"]
    path, what, _size, fate, why = cells(panel, "data/sales-LAPTOP7.csv")
    assert path == "data / sales-LAPTOP7.csv"
    assert what.startswith("Copy made by OneDrive, ")
    assert "row" in what
    assert (fate, why) == ("Kept, decide", "Newer than sales.csv: which is right?")
    assert panel.choices.copies.words[0] == "1 copy that OneDrive made when two people saved, of 1 file"
    assert not panel.choices.online.isVisibleTo(panel)
    assert not panel.grab().isNull()


def test_conflict_copies_become_versions_when_that_is_chosen_and_it_is_remembered(
    open_main_window: OpenWindow, workspace: Path, conflicting_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    page = planned(window, conflicting_folder, qtbot)
    page.panel.choices.fold.choose("fold")
    come_to_rest(window)
    fate, why = cells(page.panel, "data/sales-LAPTOP7.csv")[3:]
    assert (fate, why) == ("A version", "Newer than sales.csv, becomes an older version")
    begin(page, qtbot)
    assert page.outcome.notice.message == (
        "1 copy that OneDrive made when two people saved is now an older version of 1 file; what has the plain name "
        "stays current."
    )
    session = window.studio.session
    assert session is not None
    assert [entry.name for entry in list_folder(session, "Team folder", "", "data")] == ["sales.csv"]
    assert len(history(session, "Team folder")) == 2
    page = planned(window, conflicting_folder, qtbot)
    assert page.panel.choices.fold.key == "fold"


def test_a_choice_counts_also_when_its_effect_is_not_yet_shown(
    open_main_window: OpenWindow, workspace: Path, conflicting_folder: Path, qtbot: QtBot
) -> None:
    """Seen to fail with the choices of the plan that is shown."""
    window = open_main_window(workspace)
    page = planned(window, conflicting_folder, qtbot)
    page.panel.choices.fold.choose("fold")
    begin(page, qtbot)  # at once: of a large plan the effect takes a second to work out
    session = window.studio.session
    assert session is not None
    assert [entry.name for entry in list_folder(session, "Team folder", "", "data")] == ["sales.csv"]
    assert project_sources(session, "Team folder")[0].options == MigrationOptions(fold_conflicts=True)


def test_without_a_choice_nothing_is_chosen_for_somebody(
    open_main_window: OpenWindow, workspace: Path, conflicting_folder: Path, qtbot: QtBot
) -> None:
    with open_workspace(workspace) as session:
        migrate_folder(session, conflicting_folder, options=MigrationOptions(fold_conflicts=True, exclude=("*.md",)))
    window = open_main_window(workspace)
    page = planned(window, conflicting_folder, qtbot)
    begin(page, qtbot)
    assert window.studio.session is not None
    (source,) = project_sources(window.studio.session, "Team folder")
    assert source.options == MigrationOptions(fold_conflicts=True, exclude=("*.md",))


def test_what_is_only_in_the_cloud_is_skipped_or_fetched_and_its_size_is_said(studio: Studio, qtbot: QtBot) -> None:
    panel = PlanPanel(studio)
    qtbot.addWidget(panel)
    panel.resize(1000, 700)
    panel.show()
    panel.show_plan(prepare(plan_to_decide()))
    assert panel.choices.online.words == (
        "1 file is only in the cloud, 1.8 GB",
        "They are skipped and never opened. Fetching them would download 1.8 GB.",
    )
    assert cells(panel, "big.zip")[3:] == ["Skipped", "Fetch it, or leave it out"]
    with qtbot.waitSignal(panel.changed, timeout=_PATIENCE):
        panel.choices.fetch.choose("fetch")
    qtbot.waitUntil(lambda: studio.runner.idle, timeout=_PATIENCE)
    assert cells(panel, "big.zip")[3:] == ["Fetched", "Bringing it in downloads it"]
    assert panel.plan is not None
    assert panel.plan.options.online_only is OnlineOnly.FETCH
    assert "downloads 1.8 GB" in panel.choices.online.words[1]
    assert "3" in seen(panel.decide), "what was decided is not asked any more"
    assert "1 copy, 1 unread, 1 unusual name" in panel.decide.accessibleDescription()
    panel.choices.fold.choose("keep")
    qtbot.waitUntil(lambda: "1 unread, 1 unusual name" in panel.decide.accessibleDescription(), timeout=_PATIENCE)
    assert cells(panel, "a-LAPTOP7.csv")[3] == "Kept"


def test_rules_show_what_they_hit_before_they_are_used_and_are_remembered(
    open_main_window: OpenWindow, workspace: Path, conflicting_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    page = planned(window, conflicting_folder, qtbot)
    page.panel.choices.rules_button.click()
    dialog = the_dialog(window, RulesDialog)
    come_to_rest(window)
    assert dialog.kept.text() == "3 of 4 files are brought in, 54 bytes."
    dialog.pattern.setText("data/")
    dialog._try()
    come_to_rest(window)
    assert dialog.trial.text() == (
        "It excludes 0 files, 0 bytes and 1 whole folder, such as data/. 1 file would be brought in."
    )
    dialog.pattern.setText("*-LAPTOP7.*")
    dialog._try()
    come_to_rest(window)
    assert dialog.trial.text().startswith("It excludes 1 file, 23 bytes, such as data/sales-LAPTOP7.csv.")
    dialog.add.click()
    come_to_rest(window)
    assert [hits.pattern for hits in dialog.table.content.rows] == ["*-LAPTOP7.*"]
    dialog.pattern.setText("*.md")
    dialog.kind.choose(True)
    dialog.add_rule()
    come_to_rest(window)
    assert dialog.kept.text() == "1 of 4 files are brought in, 8 bytes."
    dialog.table.choose(0)
    assert dialog.table.chosen.includes  # type: ignore[union-attr]  # chosen above
    dialog.remove.click()
    come_to_rest(window)
    assert dialog.options == MigrationOptions(exclude=("*-LAPTOP7.*",))
    dialog.go.click()
    qtbot.waitUntil(
        lambda: page.views.shown == "plan" and bool(page.panel.plan and page.panel.plan.rules), timeout=_PATIENCE
    )
    assert page.panel.choices.rules.words[0] == "1 rule: “*-LAPTOP7.*” excludes 1 file, 23 bytes"
    begin(page, qtbot)
    assert window.studio.session is not None
    (source,) = project_sources(window.studio.session, "Team folder")
    assert source.options.exclude == ("*-LAPTOP7.*",)

    page = planned(window, conflicting_folder, qtbot)  # the rules are there again, and tried on the whole folder
    page.ask_rules()
    dialog = the_dialog(window, RulesDialog)
    come_to_rest(window)
    assert [hits.files for hits in dialog.table.content.rows] == [1]
    assert dialog.kept.text().startswith("2 of 4 files")
    dialog.reject()


def test_a_rule_that_is_none_is_said_and_cannot_be_added(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    page = planned(window, small_folder, qtbot)
    page.ask_rules()
    dialog = the_dialog(window, RulesDialog)
    come_to_rest(window)
    dialog.pattern.setText("!")
    dialog._try()
    come_to_rest(window)
    assert "cannot be understood" in dialog.trial.text()
    assert not dialog.add.isEnabled()
    dialog.reject()


def test_a_rule_that_is_added_as_soon_as_it_is_typed_is_not_lost_while_it_is_tried(
    open_main_window: OpenWindow,
    workspace: Path,
    small_folder: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail when what was typed is tried after the pause in any case: that gave up adding it."""
    window = open_main_window(workspace)
    page = planned(window, small_folder, qtbot)
    page.ask_rules()
    dialog = the_dialog(window, RulesDialog)
    come_to_rest(window)
    go_on, really = threading.Event(), plans.preview_rules

    def slowly(*arguments: Any) -> plans.RulesPreview:  # as in a folder of many files
        assert go_on.wait(20)
        return really(*arguments)

    monkeypatch.setattr(plans, "preview_rules", slowly)
    dialog.pattern.setText("*.md")
    dialog.add_rule()
    qtbot.wait(2 * dialog._pause.interval())
    assert not dialog.go.isEnabled()  # else it would use the rules without this one
    go_on.set()
    come_to_rest(window)
    assert dialog.options == MigrationOptions(exclude=("*.md",))
    assert dialog.go.isEnabled()
    dialog.reject()


def test_found_things_are_found_by_words_and_sorted_by_a_click_on_a_title(studio: Studio, qtbot: QtBot) -> None:
    panel = PlanPanel(studio)
    qtbot.addWidget(panel)
    panel.show_plan(prepare(plan_to_decide()))
    orders: list[list[str]] = []

    def settle() -> None:
        qtbot.waitUntil(lambda: studio.runner.idle, timeout=_PATIENCE)
        orders.append([row.path for row in panel.table.content.rows])

    for _ in range(3):
        panel.table.sort_wanted.emit(2)
        settle()
    assert [order[0] for order in orders] == ["big.zip", "mine.csv", "a.csv"]
    panel.words.setText("a csv")
    panel.arrange()
    settle()
    assert orders[-1] == ["a.csv", "a-LAPTOP7.csv"]
    assert panel.counted.text() == "2 of 7 files"


@pytest.mark.parametrize("at_once", [False, True])
def test_the_wizard_has_the_same_choices(
    open_main_window: OpenWindow,
    workspace: Path,
    conflicting_folder: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    at_once: bool,
) -> None:
    window = open_main_window(workspace)
    window.show_wizard()
    wizard: Any = window.wizard
    wizard._folder = conflicting_folder
    wizard._look_inside()
    qtbot.waitUntil(lambda: wizard.step == "plan", timeout=_PATIENCE)
    wizard.views.view("plan").choices.fold.choose("fold")
    if not at_once:
        come_to_rest(window)
    wizard.next_button.click()
    qtbot.waitUntil(lambda: wizard.step == "outcome", timeout=_PATIENCE)
    assert window.studio.session is not None
    (source,) = project_sources(window.studio.session, "Team folder")
    assert source.options.fold_conflicts


def test_files_that_were_renamed_are_named_in_the_outcome(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot
) -> None:
    (small_folder / "data" / "sales.csv").rename(small_folder / "data" / "sales 2026.csv")
    window = open_main_window(filled_workspace)
    page = planned(window, small_folder, qtbot)
    begin(page, qtbot)
    assert "Renamed: data / sales.csv → data / sales 2026.csv" in seen(page.outcome)


def test_of_a_folder_brought_in_again_what_is_new_changed_and_gone_is_told_apart(
    open_main_window: OpenWindow, filled_workspace: Path, small_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Before and after, with the way to each difference, and figures that add up. Seen to fail with what is gone left
    out of the plan, and with the outcome listing only what was left out."""
    (small_folder / "data" / "sales.csv").write_text("month,amount\n1,10\n2,13\n", encoding="utf-8")
    (small_folder / "more.csv").write_text("a\n1\n", encoding="utf-8")
    (small_folder / "notes.md").unlink()
    (small_folder / "same.txt").write_text("as it was\n", encoding="utf-8")
    with open_workspace(filled_workspace) as session:
        (small_folder / "notes.md").write_text("# Notes\n", encoding="utf-8")
        migrate_folder(session, small_folder, message="In between")
    (small_folder / "data" / "sales.csv").write_text("month,amount\n1,10\n2,14\n", encoding="utf-8")
    (small_folder / "new & only.csv").write_text("a\n1\n", encoding="utf-8")
    (small_folder / "notes.md").unlink()
    window = open_main_window(filled_workspace)
    page = planned(window, small_folder, qtbot)
    page.panel.filter.choose("fresh")
    come_to_rest(window)
    rows = [row.path for row in page.panel.table.content.rows]
    assert sorted(rows) == ["data/sales.csv", "new & only.csv", "notes.md"]
    assert cells(page.panel, "notes.md")[2:] == ["–", "Gone", "Not in the folder any more; older versions keep it"]
    assert page.panel.counted.text() == "2 new or changed, 1 gone"
    begin(page, qtbot)
    come_to_rest(window)
    outcome = page.outcome
    assert outcome.sum.text() == "5 found = 4 kept + 1 left out."
    assert outcome.summary.text() == "1 added, 1 removed, 1 changed"
    shown = {row.path for row in outcome.changes.table.content.rows if row.change is not None}
    assert shown == {"data/sales.csv", "new & only.csv", "notes.md"}
    assert not outcome.grab().isNull()
    changed = next(row for row in outcome.changes.table.content.rows if row.path == "data/sales.csv")
    outcome.changes.open_row(changed)
    come_to_rest(window)
    registry = the_page(window, RegistryPage)
    assert window.current == "registry"
    assert (registry.sides.key, registry.changes_panel.views.shown) == ("changes", "file")
    assert "13 → 14" in seen(registry)
    outcome.sides.choose("left")
    assert [item.path for item in outcome.table.content.rows] == ["desktop.ini"]


def test_of_a_folder_brought_in_for_the_first_time_nothing_is_new_beside_anything(
    open_main_window: OpenWindow, workspace: Path, conflicting_folder: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    page = planned(window, conflicting_folder, qtbot)
    assert "New and changed" not in seen(page.panel)
    page.panel.choices.fold.choose("fold")
    come_to_rest(window)
    begin(page, qtbot)
    assert page.outcome.sum.text() == "4 found = 2 kept + 1 kept as older versions of other files + 1 left out."
    assert page.outcome.views.shown == "left"


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # what opens, without a screen
def test_a_project_that_was_brought_in_has_a_menu_of_what_can_be_done_with_it(
    open_main_window: OpenWindow, workspace: Path, small_folder: Path, come_to_rest: Rest, qtbot: QtBot
) -> None:
    """Its folder is looked through for the project that it belongs to, whatever that is called: seen to fail with the
    folder alone handed on, as the palette did."""
    with open_workspace(workspace) as session:
        migrate_folder(session, small_folder, "Another name")
    window = open_main_window(workspace, page="migrate")
    window.show()
    come_to_rest(window)
    page = the_page(window, MigratePage)
    row = page.before.rows["Another name"]

    def menu() -> dict[str, QAction]:
        row.contextMenuEvent(QContextMenuEvent(QContextMenuEvent.Reason.Mouse, QPoint(5, 5), row.mapToGlobal(QPoint())))
        (opened,) = [each for each in row.findChildren(QMenu) if each.isVisible()]
        opened.close()
        return {action.text(): action for action in opened.actions()}

    offered = menu()
    assert list(offered) == [
        "Look inside",
        "Show in Files && history",
        "Watch, or stop watching",
        "Show in the file manager",
        "Copy path",
        "Forget …",
    ]
    offered["Copy path"].trigger()
    assert QGuiApplication.clipboard().text() == str(small_folder)
    menu()["Look inside"].trigger()
    qtbot.waitUntil(lambda: page.views.shown == "plan", timeout=_PATIENCE)
    assert page.panel.plan is not None
    assert page.panel.plan.project == "Another name"
    page.choose()
    menu()["Show in Files && history"].trigger()
    come_to_rest(window)
    assert window.current == "registry"

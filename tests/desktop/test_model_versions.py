"""Versions of a model side by side, what is said of one, and where it comes from."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QMimeData, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLabel, QMenu
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.comparison_rows import compared_rows, metric_names
from kronkers_studio.desktop.destinations import (
    ChooseLibraries,
    CompareVersions,
    DescribeVersion,
    ShowContent,
    ShowLineage,
    ShowModel,
    ShowModelVersion,
)
from kronkers_studio.desktop.dialogs.libraries import LibrariesDialog
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.pages.models import ModelsPage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.panels.lineage_list import lineage_rows
from kronkers_studio.desktop.panels.model_card import ModelCardPanel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.changes import ModelDescribed
from kronkers_studio.domain.dependencies import DependencyChoice
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.lineage import Lineage, LineageEdge, LineageNode, NodeKind, Relation
from kronkers_studio.domain.models import ContentRef, ModelCard
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_versions import compare_models, describe_model
from kronkers_studio.workflows.models import find_models, register_model, show_model
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.things import a_version

_SAMPLE = resource("sample/OneDrive - Kronkers")
_WITHIN = 20_000


@pytest.fixture
def with_versions(workspace: Path, tmp_path: Path) -> Path:
    """Three versions of one model, of which two were measured, and one of another; and a file that cannot be one."""
    folder = tmp_path / "OneDrive - Kronkers"
    shutil.copytree(_SAMPLE, folder)
    (folder / "score.cbm").write_bytes(b"CBM1" + bytes(60))
    with open_workspace(workspace) as session:
        migrate_folder(session, folder, project="sample")
        path = next(found.source.path for found in find_models(session, "sample") if found.facts is not None)
        data = ContentRef("sample", "", path)
        register_model(session, "sample", path, name="churn", metrics={"accuracy": 0.9, "auc": 0.8})
        register_model(session, "sample", path, name="churn", metrics={"accuracy": 0.95}, data=data)
        register_model(session, "sample", path, name="churn", description="Not measured")
        register_model(session, "sample", path, name="other")
        describe_model(session, ("churn", 1, None), add_tags=["old", "kept"])
    return workspace


@pytest.fixture
def window(open_main_window: OpenWindow, with_versions: Path, come_to_rest: Rest) -> MainWindow:
    opened = open_main_window(with_versions, page="models")
    opened.show()
    come_to_rest(opened)
    return opened


def test_one_row_is_marked_at_a_time_until_a_person_marks_another(window: MainWindow) -> None:
    page = the_page(window, ModelsPage)
    assert page.versions.chosen is not None and page.found.chosen is None
    assert page.register_button.isEnabled(), "it registers the first that can be"
    unsupported = next(at for at, each in enumerate(page.found.content.rows) if each.facts is None)
    page.found.choose(unsupported)
    assert not page.register_button.isEnabled() and not page.package_button.isEnabled()
    assert page.why.text().startswith(page.found.content.row(unsupported).problem), "why, and what can be done"
    page.found.choose(0)
    assert page.why.isHidden() and page.package_button.isEnabled()


def test_two_versions_are_compared_and_change_sides(window: MainWindow, come_to_rest: Rest) -> None:
    window.studio.go.emit(CompareVersions("churn:2"))
    come_to_rest(window)
    compare = the_page(window, ModelPage).sections.comparison
    assert compare.isVisible()
    assert compare.left.value == ("churn", 1), "the version before it"
    assert compare.right.values == (("churn", 3), ("churn", 2), ("churn", 1), ("other", 1))
    rows = {row.name: row for row in compare.table.content.rows}
    assert (rows["accuracy"].left, rows["accuracy"].right, rows["accuracy"].change) == ("0.900", "0.950", "+0.050")
    assert (rows["auc"].left, rows["auc"].right, rows["auc"].change) == ("0.800", "–", "")
    assert rows["Tags"].left == "old, kept"
    assert "Python" not in rows
    assert next(row.about for row in compare.table.content.rows if row.about) == "Quality"
    assert compare.file_words.text() == "Both hold the same model file."
    compare.everything.click()
    assert "Python" in {row.name for row in compare.table.content.rows}
    compare.swap_button.click()
    come_to_rest(window)
    rows = {row.name: row for row in compare.table.content.rows}
    assert (rows["accuracy"].left, rows["accuracy"].change) == ("0.950", "−0.050")
    compare.right.choose(("other", 1))
    compare.left.choose(("other", 1))
    compare.everything.setChecked(False)
    come_to_rest(window)
    assert compare.views.shown == "same"


def test_the_quality_of_all_versions_is_sorted_and_what_was_not_measured_comes_last(
    window: MainWindow, come_to_rest: Rest
) -> None:
    window.studio.go.emit(ShowModel("churn"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    page.sections.choose("quality")
    table = page.sections.quality.table
    assert table is not None
    assert [column.title for column in table.content.columns] == ["Version", "accuracy", "auc", "Registered"]
    assert [version.version for version in table.content.rows] == [3, 2, 1]
    table.sort_wanted.emit(1)
    assert [version.version for version in table.content.rows] == [2, 1, 3]
    table.sort_wanted.emit(1)
    assert [version.version for version in table.content.rows] == [1, 2, 3]


def test_the_libraries_of_a_service_are_shown_and_others_chosen(
    window: MainWindow, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window.studio.go.emit(ChooseLibraries("churn:1"))
    come_to_rest(window)
    dialog = the_dialog(window, LibrariesDialog)
    assert any(row.said_by for row in dialog.table.content.rows)
    assert not any(row.chosen for row in dialog.table.content.rows)
    dialog.wanted.setText("not a library!")
    dialog.put_button.click()
    assert "is not a library and its version" in dialog.notice.message
    dialog.wanted.setText("scikit-learn==1.0")
    dialog.put_button.click()
    assert "was made with scikit-learn" in dialog.notice.message
    for text in ("Six == 1.16.0", "packaging"):
        dialog.wanted.setText(text)
        qtbot.keyClick(dialog.wanted, Qt.Key.Key_Return)
    chosen = [(row.project, row.wanted) for row in dialog.table.content.rows if row.chosen]
    assert chosen == [("packaging", ""), ("six", "==1.16.0")]
    dialog.table.choose(0)
    dialog.remove_button.click()
    assert [row.project for row in dialog.table.content.rows if row.chosen] == ["six"]
    dialog.wanted.setText("six==99")
    dialog.go.click()
    qtbot.waitUntil(lambda: "six==99" in dialog.notice.message, timeout=_WITHIN)
    assert "no version" in dialog.notice.message

    dialog.wanted.setText("six==1.16.0")
    dialog.go.click()

    qtbot.waitUntil(lambda: not window.findChildren(LibrariesDialog), timeout=_WITHIN)
    version = show_model(the_session(window), "churn", 1)
    assert version.dependencies == DependencyChoice("", ("six==1.16.0",))
    come_to_rest(window)
    window.studio.go.emit(ChooseLibraries("churn:1"))
    come_to_rest(window)
    dialog = the_dialog(window, LibrariesDialog)
    dialog.table.choose(0)
    dialog.remove_button.click()
    dialog.go.click()
    qtbot.waitUntil(lambda: not window.findChildren(LibrariesDialog), timeout=_WITHIN)
    assert show_model(the_session(window), "churn", 1).dependencies is None


def _card(window: MainWindow, label: str, rest: Rest) -> ModelCardPanel:
    """The card of that version, being changed."""
    window.studio.go.emit(DescribeVersion(label))
    rest(window)
    card = the_page(window, ModelPage).sections.card
    assert card.views.shown == "edit" and card.description.isVisible()
    return card


def test_what_is_said_of_a_version_is_changed_and_taken_back(
    window: MainWindow, qtbot: QtBot, come_to_rest: Rest
) -> None:
    card = _card(window, "churn:1", come_to_rest)
    card.description.setText("The first one")
    card.texts["limits"].setPlainText("Not for\n**new** customers")
    card.save_button.click()
    qtbot.waitUntil(lambda: card.views.shown == "read", timeout=_WITHIN)
    come_to_rest(window)
    version = show_model(the_session(window), "churn", 1)
    assert version.description == "The first one"
    assert version.card.limits == "Not for\n**new** customers"
    page = the_page(window, ModelPage)
    read = " ".join(card.text.toPlainText().split())
    assert read == "The first one What it must not be used for Not for new customers"
    undo = page.notice.action
    assert undo is not None and undo.text() == "Undo"
    undo.click()
    come_to_rest(window)
    qtbot.waitUntil(lambda: card.views.shown == "nothing", timeout=_WITHIN)
    version = show_model(the_session(window), "churn", 1)
    assert (version.description, version.card) == ("", ModelCard())


def test_tags_are_added_taken_away_and_brought_back(window: MainWindow, qtbot: QtBot, come_to_rest: Rest) -> None:
    window.studio.go.emit(ShowModelVersion("churn:1"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    page.sections.choose("card")
    card = page.sections.card

    def tags() -> tuple[str, ...]:
        come_to_rest(window)
        return show_model(the_session(window), "churn", 1).tags

    card.tag.setText(" finance ")
    qtbot.keyClick(card.tag, Qt.Key.Key_Return)
    assert tags() == ("old", "kept", "finance")
    (away,) = [each for each in card.findChildren(Button) if each.accessibleName() == "Take away the tag “old”"]
    away.click()
    assert tags() == ("kept", "finance")
    assert page.notice.message == "The tag “old” was taken away."
    assert page.notice.action is not None
    page.notice.action.click()
    assert set(tags()) == {"old", "kept", "finance"}
    card.tag.setText("x" * 64)
    card.tag_button.click()
    assert set(tags()) == {"old", "kept", "finance"}
    assert "cannot be a tag" in page.notice.message
    assert card.tag.text() == "x" * 64, "to be corrected"


def test_quality_is_added_by_hand_and_nonsense_is_said_where_it_was_typed(
    window: MainWindow, come_to_rest: Rest
) -> None:
    window.studio.go.emit(ShowModelVersion("churn:1"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    page.sections.choose("quality")
    page.sections.quality.entry.setText("auc good")
    page.sections.quality.add_button.click()
    assert "“auc good” is not a name and a number" in page.sections.quality._field._below.text()
    page.sections.quality.entry.setText("auc 0.85")
    page.sections.quality.add_button.click()
    come_to_rest(window)
    assert show_model(the_session(window), "churn", 1).metrics == {"accuracy": 0.9, "auc": 0.85}
    assert page.sections.quality.entry.text() == ""


def test_what_is_pasted_and_too_long_is_refused_at_once(window: MainWindow, come_to_rest: Rest) -> None:
    """Seen to fail with Qt's own text field: a million letters without a space held the window up for a minute."""
    card = _card(window, "churn:1", come_to_rest)
    box = card.texts["limits"]
    box.setPlainText("Not for new customers")
    pasted = QMimeData()
    pasted.setText("x" * 20_000)
    box.insertFromMimeData(pasted)
    assert box.toPlainText() == "Not for new customers"
    words = [found.text() for found in card.findChildren(QLabel)]
    assert "What was pasted is too long: 20,000 characters. At most 20,000 have room here." in words
    box.selectAll()
    box.insertFromMimeData(pasted)
    assert box.toPlainText() == pasted.text(), "in place of what was marked it has room"
    assert "At most" not in " ".join(found.text() for found in card.findChildren(QLabel))


def test_texts_and_tags_have_limits_that_leave_what_was_said_before(with_versions: Path) -> None:
    with open_workspace(with_versions) as session:
        model = ("churn", 1, None)
        before = show_model(session, "churn", 1)
        for card, description in ((ModelCard(limits="x" * 20_001), None), (None, "x" * 20_001)):
            with pytest.raises(InvalidInput, match="too long: 20,001 characters"):
                describe_model(session, model, card=card, description=description)
        with pytest.raises(InvalidInput, match="102 tags are too many"):
            describe_model(session, model, add_tags=[f"tag {n}" for n in range(100)])
        assert show_model(session, "churn", 1) == before
        long = replace(before, description="x" * 30_000, tags=tuple(f"old {n}" for n in range(300)))
        session.workspace.ledger.record(
            ModelDescribed(long.name, 1, long.description, long.tags, long.card, before.created, "ada"), author="ada"
        )
        described = describe_model(
            session, model, description=long.description, card=ModelCard(limits="Few"), remove_tags=["old 7"]
        )
        assert (len(described.tags), described.card.limits) == (299, "Few")


def test_where_a_version_comes_from_leads_there(window: MainWindow, come_to_rest: Rest) -> None:
    window.studio.go.emit(ShowLineage("churn:2"))
    come_to_rest(window)
    lineage = the_page(window, ModelPage).sections.lineage
    assert lineage.isVisible()
    rows = list(lineage.table.content.rows)
    assert [row.side for row in rows if row.side] == ["Comes from"]
    kinds = [row.kind for row in rows]
    assert kinds[0] == "State of a folder" and "Data" in kinds, "the file is its data here, and both at once"
    row = next(row for row in rows if row.kind == "Data")
    assert isinstance(row.destination, ShowContent)
    lineage.table.opened.emit(row)
    come_to_rest(window)
    registry = the_page(window, RegistryPage)
    assert registry.isVisible()
    assert registry.browser.table.chosen is not None
    assert registry.browser.table.chosen.name == row.name


def test_both_sides_of_a_lineage_are_told_apart() -> None:
    file, commit = f"Team@{'0' * 64}:m/wine.joblib", f"Team@{'0' * 64}"
    nodes = (
        LineageNode(commit, NodeKind.COMMIT, "Team@000000000000", "Brought in"),
        LineageNode(file, NodeKind.FILE, "m/wine.joblib"),
        LineageNode("wine:1", NodeKind.MODEL, "wine:1"),
        LineageNode("sha256:1", NodeKind.PACKAGE, "sha256:1", "linux/amd64"),
        LineageNode("wine:r2@this-computer", NodeKind.RELEASE, "r2", "live"),
        LineageNode("elsewhere:1", NodeKind.MODEL, "elsewhere:1"),
    )
    edges = (
        LineageEdge(commit, Relation.HOLDS, file),
        LineageEdge(file, Relation.REGISTERED, "wine:1"),
        LineageEdge("wine:1", Relation.PACKAGED, "sha256:1"),
        LineageEdge("sha256:1", Relation.RELEASED, "wine:r2@this-computer"),
    )
    rows = lineage_rows(Lineage("wine:1", nodes, edges))
    assert [(row.side, row.kind, row.name) for row in rows] == [
        ("Comes from", "State of a folder", "Team"),
        ("", "Model file", "wine.joblib"),
        ("Made of it", "Package", "sha256:1"),
        ("", "Release", "wine on this computer"),
    ]


def test_compared_sides_read_in_words(with_versions: Path) -> None:
    with open_workspace(with_versions) as session:
        comparison = compare_models(session, ("churn", 1, None), ("churn", 2, None))
    rows = {row.name: row for row in compared_rows(comparison, everything=True)}
    assert rows["Size"].left.endswith("kB")
    assert rows["joblib"].left[0].isdigit() and rows["joblib"].left_hint.startswith("==")
    assert rows["Kind"].left != comparison.left.facts.estimator
    takes = next(row for name, row in rows.items() if name.startswith("Takes "))
    assert "number" in takes.left and "FP" not in takes.left and "FP" in takes.left_hint


def test_of_many_figures_those_are_columns_that_most_versions_have() -> None:
    few, many = a_version(1), a_version(2)
    object.__setattr__(few, "metrics", {f"m{number:02}": 1.0 for number in range(40)})
    assert metric_names([few, many, a_version(3)])[0] == "accuracy"
    assert len(metric_names([few, many])) == 12


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # what opens, without a screen
def test_rows_have_menus_of_what_can_be_done_with_them(window: MainWindow, come_to_rest: Rest) -> None:
    page = the_page(window, ModelsPage)

    def menu(table: Table[Any]) -> dict[str, QAction]:
        table.menu_wanted.emit(table.content.row(0), QPoint(5, 5))
        (opened,) = [each for each in table.findChildren(QMenu) if each.isVisible()]
        return {action.text(): action for action in opened.actions()}

    offered = menu(page.versions)
    assert list(offered) == [
        *("Everything about it", "Put live …", "Package …", "Test it"),
        *("Compare …", "Describe …", "Libraries …", "Follow it further …", "Open in …"),
    ]
    offered["Describe …"].trigger()
    come_to_rest(window)
    assert the_page(window, ModelPage).sections.card.views.shown == "edit"
    window.show_page("models")
    offered = menu(page.found)
    assert "Copy path" in offered
    offered["Show it"].trigger()
    come_to_rest(window)
    chosen = the_page(window, RegistryPage).browser.table.chosen
    assert chosen is not None and chosen.path == page.found.content.row(0).source.path

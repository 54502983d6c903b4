"""A version is tested from its model's page and from the package wizard, and what came of it is told there."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import RunModelTests, ShowModelVersion
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.panels.package_result import PackageResultPanel
from kronkers_studio.desktop.panels.table_choice import TestFileChoiceDialog
from kronkers_studio.desktop.panels.version_tests import VersionTests
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.expectations import OnRows
from kronkers_studio.domain.model_columns import model_columns
from kronkers_studio.domain.model_tests import Outcome
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_tests import set_of
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.trash import remove_project
from tests.desktop.accessible import the_dialog, unnamed, unreachable
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session

_SAMPLE = resource("sample/OneDrive - Kronkers")
_FILE = "Quality/Wine/model/wine_cultivar.joblib"
_FAILING = "tests:\n  - {kind: size, at_most_mb: 0.001}\n  - {kind: start, at_most_seconds: 200}\n"


@pytest.fixture
def window(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest) -> MainWindow:
    with open_workspace(workspace) as session:
        migrate_folder(session, _SAMPLE, project="sample")
        data = ContentRef("sample", "", "Quality/Wine/data/wine_measurements.csv")
        register_model(session, "sample", _FILE, name="wine", metrics={"accuracy": 0.97}, data=data)
    opened = open_main_window(workspace, page="models")
    opened.show()
    come_to_rest(opened)
    return opened


def _panel(window: MainWindow) -> VersionTests:
    return the_page(window, ModelPage).sections.tests


def _words(widget: QWidget) -> str:
    return "\n".join(found.text() for found in widget.findChildren(QLabel) if found.isVisibleTo(widget))


def _visible(widget: QWidget) -> dict[str, QPushButton]:
    return {found.text(): found for found in widget.findChildren(QPushButton) if found.isVisibleTo(widget)}


def test_from_nothing_to_a_test_set_and_its_results(
    window: MainWindow, qtbot: QtBot, come_to_rest: Rest, tmp_path: Path
) -> None:
    window.studio.go.emit(ShowModelVersion("wine:1"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    page.sections.choose("tests")
    come_to_rest(window)
    panel = _panel(window)
    assert panel.views.shown == "none" and "There is no test set for this model yet" in _words(panel)
    assert set(_visible(panel)) == {"Make a first test set", "Choose from a project …", "Test set from this computer …"}
    _visible(panel)["Make a first test set"].click()
    come_to_rest(window)
    assert panel.views.shown == "ready" and "Model tests:wine.tests.yaml" in _words(panel)
    assert "The model is tested by Model tests:wine.tests.yaml" in _words(page.notice)
    assert unnamed(panel) == [] and unreachable(panel) == []

    panel.run_button.click()
    assert not panel.run_button.isEnabled() and panel.stop_button.isVisibleTo(panel)
    assert [task.title for task in window.studio.runner.active] == ["Testing wine version 1"]
    qtbot.waitUntil(lambda: not window.studio.runner.active, timeout=120_000)
    come_to_rest(window)
    run = the_session(window).workspace.ledger.model_test_runs("wine")[0]
    assert run.outcome is Outcome.PASSED, run.results
    assert panel.pill.text() == "Passed" and f"All {len(run.results)} tests passed." in _words(panel)
    assert len(panel.results.table.content.rows) == len(run.results)
    assert panel.run_button.text() == "Test it again"

    file = tmp_path / "strict.yaml"
    file.write_text(_FAILING, encoding="utf-8")
    panel.choice.add_computer_file(file)
    come_to_rest(window)
    panel.run_button.click()
    qtbot.waitUntil(lambda: not window.studio.runner.active, timeout=120_000)
    come_to_rest(window)
    assert panel.pill.text() == "Failed"
    first = panel.results.table.content.rows[0]
    assert (first.name, first.outcome) == ("size", Outcome.FAILED), "what failed comes first"
    assert "1 of 2 tests passed, 1 failed." in _words(panel)
    assert "1 of 2 tests passed, 1 failed" in _words(page.notice)

    file.write_text("tests: 1\n", encoding="utf-8")
    panel.choice.add_computer_file(file)
    come_to_rest(window)
    assert "strict.yaml, line 1" in _words(page.notice)


def test_it_can_be_stopped(window: MainWindow, qtbot: QtBot, come_to_rest: Rest, tmp_path: Path) -> None:
    window.studio.go.emit(ShowModelVersion("wine:1"))
    come_to_rest(window)
    the_page(window, ModelPage).sections.choose("tests")
    come_to_rest(window)
    panel = _panel(window)
    file = tmp_path / "slow.yaml"
    file.write_text("tests:\n  - {kind: latency, p50: 1000, requests: 100000}\n", encoding="utf-8")
    panel.choice.add_computer_file(file)
    come_to_rest(window)
    panel.run_button.click()
    task = panel.task
    assert task is not None
    qtbot.waitUntil(lambda: task.reported.now.title.startswith("Test 1 of 1"), timeout=120_000)
    panel.stop_button.click()
    come_to_rest(window)
    assert "Cancelled. Nothing of the test was kept." in _words(the_page(window, ModelPage).notice)
    assert panel.views.shown == "ready" and panel.run_button.isEnabled()
    runs = the_session(window).directory / "runs" / "tests"
    assert list(runs.iterdir()) == []


def test_the_package_wizard_leads_to_it(window: MainWindow, qtbot: QtBot, come_to_rest: Rest, tmp_path: Path) -> None:
    """Seen to fail with a destination that no page knows."""
    from kronkers_studio.workflows.package_plans import Packaged
    from kronkers_studio.workflows.packages import package_model
    from kronkers_studio.workflows.signers import list_signers

    session = the_session(window)
    built = package_model(session, "wine").package
    panel = PackageResultPanel()
    qtbot.addWidget(panel)
    panel.show_package(Packaged(built, list_signers(session)[0]))
    wanted: list[object] = []
    panel.wanted.connect(wanted.append)
    _visible(panel)["Test it"].click()
    assert wanted == [RunModelTests("wine:1")]

    file = tmp_path / "own.yaml"
    file.write_text("tests:\n  - {kind: start, at_most_seconds: 200}\n", encoding="utf-8")
    from kronkers_studio.workflows.model_tests import add_test_set

    add_test_set(session, "wine", file)
    dialog = PackageDialog(window, window.studio, session.workspace.ledger.model_version("wine"))
    dialog.open()
    come_to_rest(window)
    dialog._do(RunModelTests("wine:1"))
    come_to_rest(window)
    assert window.current == "model" and the_page(window, ModelPage).sections.key == "tests"
    qtbot.waitUntil(lambda: not window.studio.runner.active, timeout=120_000)
    come_to_rest(window)
    assert _panel(window).pill.text() == "Passed"


def _open_tests(window: MainWindow, come_to_rest: Rest) -> VersionTests:
    window.studio.go.emit(ShowModelVersion("wine:1"))
    come_to_rest(window)
    the_page(window, ModelPage).sections.choose("tests")
    come_to_rest(window)
    return _panel(window)


@pytest.fixture
def with_files(window: MainWindow, come_to_rest: Rest, tmp_path: Path) -> MainWindow:
    """Beside the sample a project with a holdout, tables that do not fit, and test sets."""
    folder = tmp_path / "Holdouts"
    folder.mkdir()
    text = (_SAMPLE / "Quality/Wine/data/wine_measurements.csv").read_text(encoding="utf-8")
    head, *rows = text.splitlines()
    (folder / "holdout.csv").write_text("\n".join([head, *rows[::3], ""]), encoding="utf-8")
    names = head.split(",")
    renamed = ",".join(["Alkohol" if name == names[0] else name for name in names])
    (folder / "renamed.csv").write_text("\n".join([renamed, *rows[:9], ""]), encoding="utf-8")
    taken = [
        name for name, _ in model_columns(the_session(window).workspace.ledger.model_version("wine").signature).named
    ]
    places = [names.index(name) for name in taken]
    bare = [",".join(row.split(",")[place] for place in places) for row in (head, *rows[:9])]
    (folder / "no truth.csv").write_text("\n".join([*bare, ""]), encoding="utf-8")
    own = "data: holdout.csv\ntruth: {truth}\ntests:\n  - {{kind: metric, metric: accuracy, at_least: 0.8}}\n"
    truth = next(name for name in names if name not in taken)
    (folder / "strict.yaml").write_text(own.format(truth=truth), encoding="utf-8")
    (folder / "wrong truth.yaml").write_text(own.format(truth="kind of grape"), encoding="utf-8")
    (folder / "other table.yaml").write_text(
        own.format(truth=truth).replace("holdout.csv", "renamed.csv"), encoding="utf-8"
    )
    migrate_folder(the_session(window), folder, project="Holdouts")
    return window


def test_a_file_of_a_project_is_chosen_as_the_test_set(
    with_files: MainWindow, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Through the dialog; a test set as it is, and a table by a test set that is made for it. Seen to fail with the
    table passed over for the data that the model was registered with."""
    window = with_files
    panel = _open_tests(window, come_to_rest)
    _visible(panel)["Choose from a project …"].click()
    come_to_rest(window)
    dialog = the_dialog(window, TestFileChoiceDialog)
    assert dialog.project.value == "sample", "the model's own project comes first"
    dialog.project.choose("Holdouts")
    come_to_rest(window)
    files = [(entry.path, dialog.table.content.columns[1].text(entry)) for entry in dialog.table.content.rows]
    assert files == [
        *((f"{name}.yaml", "Test set") for name in ("other table", "strict", "wrong truth")),
        *((f"{name}.csv", "Table") for name in ("holdout", "no truth", "renamed")),
    ]
    dialog.filter.setText("strict")
    dialog.go.click()
    come_to_rest(window)
    assert panel.views.shown == "ready" and "Holdouts:strict.yaml (1 test)" in _words(panel)

    panel.project_button.click()
    come_to_rest(window)
    dialog = the_dialog(window, TestFileChoiceDialog)
    dialog.project.choose("Holdouts")
    come_to_rest(window)
    dialog.filter.setText("holdout.csv")
    dialog.go.click()
    come_to_rest(window)
    assert "Model tests:wine.tests.yaml" in _words(panel)
    session = the_session(window)
    found = set_of(session, session.workspace.ledger.model_version("wine"))
    metrics = {
        each.kind for each in found.expectations if isinstance(each, OnRows) and each.data == "Holdouts:holdout.csv"
    }
    assert metrics >= {"metric", "champion", "deterministic"}
    panel.run_button.click()
    qtbot.waitUntil(lambda: not window.studio.runner.active, timeout=120_000)
    come_to_rest(window)
    run = session.workspace.ledger.model_test_runs("wine")[0]
    assert run.outcome is Outcome.PASSED, run.results


def test_files_of_one_project_are_never_chosen_as_if_they_were_of_another(
    with_files: MainWindow, come_to_rest: Rest
) -> None:
    """While the files of the project are looked for, and where that fails. Seen to fail with those of the project
    before still in the list: Enter took a path of one from the other."""
    window = with_files
    chosen: list[ContentRef] = []
    dialog = TestFileChoiceDialog(window, window.studio, chosen.append, project="sample")
    dialog.open()
    come_to_rest(window)
    assert dialog.go.isEnabled()
    dialog.project.choose("Holdouts")
    assert not dialog.table.content.rows and not dialog.go.isEnabled()
    dialog.go.click()
    assert not chosen
    come_to_rest(window)
    assert dialog.go.isEnabled() and dialog.found.text() == "6 files"
    dialog.project.choose("sample")
    come_to_rest(window)
    remove_project(the_session(window), "Holdouts")
    dialog.project.choose("Holdouts")
    come_to_rest(window)
    assert "Holdouts" in dialog.notice.message and not dialog.go.isEnabled() and not dialog.found.text()
    dialog.project.choose("sample")
    come_to_rest(window)
    assert not dialog.notice.message and dialog.go.isEnabled()
    dialog.reject()


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("renamed.csv", "renamed.csv cannot be a test set of wine: renamed.csv lacks alcohol: 1 of the 13 columns"),
        ("no truth.csv", "it has no column that says what is true"),
        ("other table.yaml", "other table.yaml cannot be the test set of wine: renamed.csv lacks alcohol"),
        ("wrong truth.yaml", "has no column “kind of grape”"),
    ],
)
def test_a_file_whose_columns_do_not_fit_is_refused_in_words_and_nothing_is_chosen(
    with_files: MainWindow, come_to_rest: Rest, path: str, said: str
) -> None:
    """Seen to fail with the tables of a test set looked at only when it runs."""
    window = with_files
    panel = _open_tests(window, come_to_rest)
    panel.choice.take_project_file(ContentRef("Holdouts", "", path))
    come_to_rest(window)
    assert said in _words(the_page(window, ModelPage).notice)
    assert "Nothing was sent" not in _words(the_page(window, ModelPage).notice)
    assert panel.views.shown == "none"
    assert the_session(window).workspace.ledger.chosen_test_set("wine") is None

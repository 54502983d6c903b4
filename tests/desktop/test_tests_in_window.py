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
from kronkers_studio.desktop.panels.version_tests import VersionTests
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.model_tests import Outcome
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import unnamed, unreachable
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
    assert set(_visible(panel)) == {"Make a first test set", "Choose a file …"}
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
    assert len(panel.table.content.rows) == len(run.results)
    assert panel.run_button.text() == "Test it again"

    file = tmp_path / "strict.yaml"
    file.write_text(_FAILING, encoding="utf-8")
    panel.add_test_set(file)
    come_to_rest(window)
    panel.run_button.click()
    qtbot.waitUntil(lambda: not window.studio.runner.active, timeout=120_000)
    come_to_rest(window)
    assert panel.pill.text() == "Failed"
    first = panel.table.content.rows[0]
    assert (first.name, first.outcome) == ("size", Outcome.FAILED), "what failed comes first"
    assert "1 of 2 tests passed, 1 failed." in _words(panel)
    assert "1 of 2 tests passed, 1 failed" in _words(page.notice)

    file.write_text("tests: 1\n", encoding="utf-8")
    panel.add_test_set(file)
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
    panel.add_test_set(file)
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

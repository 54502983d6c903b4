"""A model that was found becomes a model of its own name, or the next version of one that is there."""

from __future__ import annotations

import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.register import RegisterDialog, newest_versions
from kronkers_studio.desktop.model_words import parse_quality
from kronkers_studio.desktop.pages.models import ModelsPage
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.model_names import model_continued_by, without_version
from kronkers_studio.domain.models import ContentRef, ModelFacts
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows import added_models
from kronkers_studio.workflows.browsing import list_projects
from kronkers_studio.workflows.feature_profiles import profile_registered, read_profile
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import list_models, register_model
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.things import a_found_model, a_version

_SAMPLE = resource("sample/OneDrive - Kronkers")
_WINES = "Quality/Wine/data/wine_measurements.csv"


@pytest.fixture
def with_models(workspace: Path) -> Path:
    """A workspace with a model that is not registered yet, saved twice."""
    with open_workspace(workspace) as session:
        migrate_folder(session, _SAMPLE, project="sample")
    return workspace


@pytest.fixture
def models_page(
    open_main_window: OpenWindow, with_models: Path, come_to_rest: Rest
) -> Callable[[], tuple[MainWindow, ModelsPage]]:
    def opened() -> tuple[MainWindow, ModelsPage]:
        window = open_main_window(with_models, page="models")
        window.show()
        come_to_rest(window)
        return window, the_page(window, ModelsPage)

    return opened


def _ask(window: MainWindow, page: ModelsPage) -> RegisterDialog:
    page.register_button.click()
    return the_dialog(window, RegisterDialog)


def test_a_model_is_registered_under_a_name_of_its_own_with_its_quality(
    models_page: Callable[[], tuple[MainWindow, ModelsPage]], qtbot: QtBot, come_to_rest: Rest
) -> None:
    window, page = models_page()
    dialog = _ask(window, page)
    assert dialog.how.isHidden() and dialog.go.isEnabled(), "there is no model yet that it could continue"
    dialog.name.setText("grapes")
    dialog.quality.setText("accuracy 0.91, auc: 0,88")
    dialog.go.click()
    assert "accuracy 0.91" in dialog._quality._below.text(), "a decimal comma is not guessed at"
    dialog.quality.setText("accuracy 0.91, auc: 0.88")
    dialog.description.setText("First try")
    dialog.description.returnPressed.emit()
    qtbot.waitUntil(lambda: not window.findChildren(RegisterDialog), timeout=20_000)
    come_to_rest(window)
    (version,) = list_models(the_session(window))
    assert (version.name, version.version, version.description) == ("grapes", 1, "First try")
    assert version.metrics == {"accuracy": 0.91, "auc": 0.88}
    chosen = page.versions.chosen
    assert chosen is not None and chosen.label == version.label
    assert "grapes" in page.notice.message


def test_a_later_file_is_offered_as_the_next_version_of_the_model_that_it_continues(
    models_page: Callable[[], tuple[MainWindow, ModelsPage]], with_models: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    path = next(path for path in _SAMPLE.rglob("*.joblib")).relative_to(_SAMPLE).as_posix()
    with open_workspace(with_models) as session:
        register_model(session, "sample", path, name="other")
    window, page = models_page()
    dialog = _ask(window, page)
    assert dialog.how.key == "new", "no model is called alike"
    dialog.how.choose("next")
    assert dialog.chosen_name == "other"
    dialog.go.click()
    qtbot.waitUntil(lambda: not window.findChildren(RegisterDialog), timeout=20_000)
    come_to_rest(window)
    assert {version.label for version in list_models(the_session(window))} >= {"other:1", "other:2"}


def test_a_name_that_cannot_be_or_is_taken_is_said_while_it_is_typed(
    models_page: Callable[[], tuple[MainWindow, ModelsPage]],
) -> None:
    window, _page = models_page()
    dialog = RegisterDialog(window, window.studio, a_found_model(), {"wine": 1, "churn": 4})
    dialog.open()
    assert (dialog.how.key, dialog.chosen_name) == ("next", "wine")
    dialog.how.choose("new")
    for name in ("Wine Model", "wine", "con", "", "-a"):
        dialog.name.setText(name)
        assert not dialog.go.isEnabled()
        assert bool(dialog._name._below.property("role") == "bad") == bool(name)
    dialog.name.setText("wine-2026")
    assert dialog.go.isEnabled() and dialog.chosen_name == "wine-2026"


@pytest.mark.parametrize(
    ("name", "base"),
    [
        ("churn-model-v2", "churn-model"),
        ("churn-model-v3-final", "churn-model"),
        ("churn-2026-11-29", "churn"),
        ("churn-final-final2", "churn-final-final2"),
        ("v2", "v2"),
        ("final", "final"),
        ("model-new", "model"),
        ("xgb-tuned", "xgb-tuned"),
    ],
)
def test_what_tells_states_apart_is_no_part_of_a_name(name: str, base: str) -> None:
    assert without_version(name) == base


def test_a_model_is_continued_by_files_called_alike() -> None:
    assert model_continued_by("churn-v2", ["wine", "churn"]) == "churn"
    assert model_continued_by("churn", ["churn-final", "churn"]) == "churn"
    assert model_continued_by("churn-v3", ["churn-v2", "churn-v1"]) == "churn-v2"
    assert model_continued_by("churner", ["churn"]) == ""


@pytest.mark.parametrize("text", ["good", "0.91", "accuracy", "accuracy nan", "accuracy inf", "accuracy 0.9 1,1 x"])
def test_quality_that_is_no_name_and_number_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput) as failure:
        parse_quality(text)
    assert "accuracy 0.91" in failure.value.next_step


def test_quality_is_read_as_people_write_it() -> None:
    assert parse_quality("") == {}
    assert parse_quality(" accuracy=0.91 ; mean error: 12e-1,") == {"accuracy": 0.91, "mean error": 1.2}


def test_the_newest_version_of_each_model_is_told() -> None:
    versions = [a_version(2), a_version(1), a_version(7, name="churn")]
    assert newest_versions(versions) == {"wine": 2, "churn": 7}


def test_where_there_is_no_room_for_both_the_details_take_the_place_of_the_list(
    open_main_window: OpenWindow, with_models: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    path = next(path for path in _SAMPLE.rglob("*.joblib")).relative_to(_SAMPLE).as_posix()
    with open_workspace(with_models) as session:
        register_model(session, "sample", path, name="wine")
    window = open_main_window(with_models, page="models")
    window.resize(1024, 700)
    window.show()
    come_to_rest(window)
    page = the_page(window, ModelsPage)
    assert page.versions.isVisible() and not page.details.isVisible()
    page.details_button.setFocus()
    qtbot.keyClick(page.details_button, Qt.Key.Key_Space)
    assert page.details.isVisible() and not page.versions.isVisible()
    assert page.back_button.hasFocus()
    qtbot.keyClick(page.back_button, Qt.Key.Key_Space)
    assert page.versions.isVisible() and page.versions.hasFocus()
    window.resize(1440, 900)
    qtbot.waitUntil(lambda: page.versions.isVisible() and page.details.isVisible())
    assert not page.back_button.isVisible() and not page.details_button.isVisible()


def test_a_model_file_from_anywhere_is_dropped_brought_in_alone_and_registered(
    open_main_window: OpenWindow, workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    downloads = tmp_path / "Downloads"
    downloads.mkdir()
    model = shutil.copy(_SAMPLE / "Quality/Wine/model/wine_cultivar.joblib", downloads / "wine cultivar (2).joblib")
    (downloads / "requirements.txt").write_text("scikit-learn==1.9.1\n", encoding="utf-8")
    (downloads / "private.docx").write_text("nobody's business", encoding="utf-8")
    window = open_main_window(workspace, page="models")
    window.show()
    come_to_rest(window)
    page = the_page(window, ModelsPage)
    assert page.views.shown == "empty"
    for file, taken in ((downloads / "private.docx", False), (Path(model), True)):
        data = QMimeData()
        data.setUrls([QUrl.fromLocalFile(str(file))])
        buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
        entering = QDragEnterEvent(QPoint(9, 9), Qt.DropAction.CopyAction, data, buttons, keys)
        entering.ignore()
        QApplication.sendEvent(page, entering)
        assert entering.isAccepted() is taken
    QApplication.sendEvent(page, QDropEvent(QPointF(9, 9), Qt.DropAction.CopyAction, data, buttons, keys))
    qtbot.waitUntil(lambda: bool(window.findChildren(RegisterDialog)), timeout=20_000)
    the_dialog(window, RegisterDialog).go.click()
    qtbot.waitUntil(lambda: not window.findChildren(RegisterDialog), timeout=20_000)
    come_to_rest(window)
    session = the_session(window)
    (version,) = list_models(session)
    assert (version.source.project, version.source.path) == ("Added models", "wine-cultivar/wine cultivar (2).joblib")
    kept = [entry.path for entry in session.workspace.content.walk("Added models")]
    assert kept == ["wine-cultivar", "wine-cultivar/requirements.txt", "wine-cultivar/wine cultivar (2).joblib"]
    assert page.versions.content.rowCount() == 1


def test_what_is_no_model_is_told_and_nothing_is_stored(
    open_main_window: OpenWindow, workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    (tmp_path / "harmful.pkl").write_bytes(pickle.dumps(print))
    window = open_main_window(workspace, page="models")
    come_to_rest(window)
    page = the_page(window, ModelsPage)
    page.add_file(tmp_path / "harmful.pkl")
    qtbot.waitUntil(lambda: bool(page.notice.message), timeout=20_000)
    assert list_projects(the_session(window)) == []


def test_a_file_that_is_replaced_while_it_is_added_is_refused_and_nothing_is_stored(
    open_main_window: OpenWindow,
    workspace: Path,
    tmp_path: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail with what was looked into offered to be registered, and something else stored."""
    model = Path(shutil.copy(_SAMPLE / "Quality/Wine/model/wine_cultivar.joblib", tmp_path / "wine.joblib"))
    inspect = added_models._inspect

    def inspect_and_replace(file: Path, beside: Sequence[Path]) -> ModelFacts:
        facts = inspect(file, beside)
        file.write_bytes(b"a download that began again")
        return facts

    monkeypatch.setattr(added_models, "_inspect", inspect_and_replace)
    window = open_main_window(workspace, page="models")
    come_to_rest(window)
    page = the_page(window, ModelsPage)
    page.add_file(model)
    qtbot.waitUntil(lambda: bool(page.notice.message), timeout=20_000)
    assert page.notice.message == "wine.joblib changed while it was added."
    assert list_projects(the_session(window)) == []
    assert not window.findChildren(RegisterDialog)


def _choose_data(window: MainWindow, dialog: RegisterDialog, come_to_rest: Rest, path: str) -> None:
    """Through the dialog of tables, by its filter."""
    dialog.data.choose_button.click()
    come_to_rest(window)
    tables = the_dialog(window, TableChoiceDialog)
    tables.filter.setText(path)
    assert [entry.path for entry in tables.table.content.rows] == [path]
    tables.go.click()
    come_to_rest(window)


def test_a_model_is_registered_with_its_training_data_and_their_profile_is_made(
    models_page: Callable[[], tuple[MainWindow, ModelsPage]], with_models: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Seen to fail with the table not given on, and with the tables of the first project offered."""
    with open_workspace(with_models) as session:
        migrate_folder(session, _SAMPLE / "Marketing", project="a first project")
    window, page = models_page()
    page.found.choose(next(n for n, each in enumerate(page.found.content.rows) if each.source.project == "sample"))
    dialog = _ask(window, page)
    assert dialog.data.table is None and dialog.data.clear_button.isHidden()
    _choose_data(window, dialog, come_to_rest, _WINES)
    assert dialog.data.line.text() == _WINES
    dialog.data.clear_button.setFocus()
    dialog.data.clear_button.click()
    assert dialog.data.table is None and dialog.data.line.text() == "" and dialog.data.clear_button.isHidden()
    _choose_data(window, dialog, come_to_rest, _WINES)
    dialog.name.setText("grapes")
    dialog.go.click()
    qtbot.waitUntil(lambda: not window.findChildren(RegisterDialog), timeout=30_000)
    come_to_rest(window)
    session = the_session(window)
    made = read_profile(session, "grapes")
    assert made.version.data is not None and made.version.data.path == _WINES
    assert made.profile is not None and len(made.profile.table.features) == 13
    assert "grapes" in page.notice.message


def test_a_profile_that_cannot_be_made_is_said_of_a_model_that_is_registered_all_the_same(
    models_page: Callable[[], tuple[MainWindow, ModelsPage]], qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Seen to fail with the reason alone told."""
    window, page = models_page()
    dialog = _ask(window, page)
    dialog.data.choose(ContentRef("sample", "", "Finance/Forecasts/2026/report.xlsx"))
    dialog.name.setText("grapes")
    dialog.go.click()
    qtbot.waitUntil(lambda: not window.findChildren(RegisterDialog), timeout=30_000)
    come_to_rest(window)
    made = read_profile(the_session(window), "grapes")
    assert made.version.data is not None and made.profile is None
    assert "grapes:1" in page.notice.message and "profile" in page.notice.message


def test_data_named_for_a_model_that_was_registered_without_any_make_its_profile(with_models: Path) -> None:
    """Seen to fail with the data of a second registration passed over."""
    path = "Quality/Wine/model/wine_cultivar.joblib"
    with open_workspace(with_models) as session:
        register_model(session, "sample", path, name="wine")
        data = ContentRef("sample", "", _WINES)
        again = register_model(session, "sample", path, name="wine", data=data)
        assert again.version == 1 and again.data is None
        assert profile_registered(session, again, data=data) is None
        profile = read_profile(session, "wine").profile
        assert profile is not None and profile.data.path == _WINES

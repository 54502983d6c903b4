"""A model's own page: reached from everywhere, with its versions and all that is known of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import (
    AddVersion,
    ChooseLibraries,
    PackageVersion,
    ShowContent,
    ShowModel,
    ShowModelVersion,
)
from kronkers_studio.desktop.dialogs.libraries import LibrariesDialog
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.dialogs.register import RegisterDialog
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.pages import model as module
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.pages.models import ModelsPage
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.errors import StorageFull
from kronkers_studio.domain.models import ModelCard
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_versions import describe_model
from kronkers_studio.workflows.models import list_models, register_model, show_model
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.trash import remove_model_version
from tests.desktop.accessible import the_dialog, unnamed, unreachable
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session

_SAMPLE = resource("sample/OneDrive - Kronkers")
_FILE = "Quality/Wine/model/wine_cultivar"
_SECTIONS = ("about", "card", "quality", "features", "tests", "compare", "lineage", "packages")


@pytest.fixture
def with_models(workspace: Path) -> Path:
    """Two versions of "wine", of which one was measured and described, and one of "grapes"."""
    with open_workspace(workspace) as session:
        migrate_folder(session, _SAMPLE, project="sample")
        register_model(session, "sample", f"{_FILE}.onnx", name="wine", metrics={"accuracy": 0.9})
        register_model(session, "sample", f"{_FILE}.joblib", name="wine", metrics={"accuracy": 0.97})
        register_model(session, "sample", f"{_FILE}.joblib", name="grapes")
        describe_model(session, ("wine", 2, None), description="For the cellar", add_tags=["cellar"])
    return workspace


@pytest.fixture
def window(open_main_window: OpenWindow, with_models: Path, come_to_rest: Rest) -> MainWindow:
    opened = open_main_window(with_models, page="models")
    opened.show()
    come_to_rest(opened)
    return opened


def _words(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(found.text() for found in widget.findChildren(QLabel) if found.isVisibleTo(widget))


def _offered(page: ModelPage) -> dict[str, OfferButton]:
    return {each.text(): each for each in page.header.findChildren(OfferButton) if each.isVisibleTo(page)}


def test_it_opens_from_the_list_by_enter_and_leads_back(window: MainWindow, qtbot: QtBot, come_to_rest: Rest) -> None:
    models = the_page(window, ModelsPage)
    at = next(at for at, each in enumerate(models.versions.content.rows) if each.label == "wine:1")
    models.versions.choose(at)
    qtbot.keyClick(models.versions, Qt.Key.Key_Return)
    come_to_rest(window)
    page = the_page(window, ModelPage)
    assert window.current == "model" and page.isVisible()
    assert [each.version for each in page.versions.content.rows] == [2, 1], "the newest first"
    chosen = page.versions.chosen
    assert chosen is not None and chosen.label == "wine:1"
    words = _words(page)
    assert "wine" in words and "Not live" in words
    assert "takes 13 numbers per row · answers a word and 3 numbers" in words
    page.versions.choose(0)
    assert "For the cellar\n" in _words(page)
    rail = {each.accessibleName(): each for each in window._rail.findChildren(QPushButton)}
    assert rail["Models"].isChecked(), "it belongs to Models"
    page.all_button.click()
    come_to_rest(window)
    assert window.current == "models"


def test_back_and_forward_go_through_models_and_remember_what_was_chosen(
    window: MainWindow, come_to_rest: Rest
) -> None:
    """Seen to fail with a history of pages alone: back from the second model led to the list."""
    page = the_page(window, ModelPage)
    for destination in (ShowModelVersion("wine:1"), ShowModel("grapes")):
        window.studio.go.emit(destination)
        come_to_rest(window)
    assert page.model == "grapes"
    assert "Back to wine" in window._rail.back_button.toolTip()
    window.go_back()
    come_to_rest(window)
    assert (window.current, page.model) == ("model", "wine")
    assert "Forward to grapes" in window._rail.forward_button.toolTip()
    window.go_forward()
    come_to_rest(window)
    assert page.model == "grapes"
    window.go_back()
    window.go_back()
    assert window.current == "models"


def test_it_is_found_in_the_palette_and_by_search(window: MainWindow, come_to_rest: Rest) -> None:
    window.open_palette()
    come_to_rest(window)
    window.palette_box.search.setText("grapes")
    acts = [action.act for action in window.palette_box.found]
    assert acts[0] == ShowModel("grapes")
    assert {ShowModelVersion("grapes:1"), PackageVersion("grapes:1"), AddVersion("grapes")} <= set(acts)
    QTest.keyClick(window.palette_box.search, Qt.Key.Key_Return)
    come_to_rest(window)
    assert (window.current, the_page(window, ModelPage).model) == ("model", "grapes")


def test_what_was_shown_comes_back_after_a_restart(
    open_main_window: OpenWindow, with_models: Path, come_to_rest: Rest
) -> None:
    first = open_main_window(with_models)
    first.go_to(ShowModelVersion("wine:1"))
    come_to_rest(first)
    the_page(first, ModelPage).sections.choose("quality")
    first.close()
    second = open_main_window(with_models)
    come_to_rest(second)
    page = the_page(second, ModelPage)
    assert (second.current, page.model, page.sections.key) == ("model", "wine", "quality")
    assert page.state() == {"model": "wine", "version": "wine:1", "section": "quality"}


@pytest.mark.parametrize("section", _SECTIONS)
def test_each_part_of_it_is_named_reachable_and_shown_for_each_version(
    window: MainWindow, come_to_rest: Rest, section: str
) -> None:
    page = the_page(window, ModelPage)
    window.studio.go.emit(ShowModelVersion("wine:2"))
    come_to_rest(window)
    page.sections.choose(section)
    for at in (1, 0):
        page.versions.choose(at)
        come_to_rest(window)
        assert page.sections.views.shown == section
        assert unnamed(window) == [] and unreachable(window) == []
        assert not page.notice.message
    for width in (1000, 1600):
        window.resize(width, 700)
        come_to_rest(window)
        assert window.width() == width, "it needs no more"


def test_the_model_of_which_nothing_is_left_says_so_and_leads_on(window: MainWindow, come_to_rest: Rest) -> None:
    page = the_page(window, ModelPage)
    window.studio.go.emit(ShowModel("grapes"))
    come_to_rest(window)
    remove_model_version(the_session(window), "grapes", 1)
    window.studio.changed.emit("models")
    come_to_rest(window)
    assert page.views.shown == "gone"
    assert not _offered(page), "nothing can be done with it"
    window.studio.go.emit(ShowModel("wine"))
    come_to_rest(window)
    assert page.views.shown == "full" and _offered(page)


def test_a_model_that_cannot_be_read_says_why_and_is_tried_again(
    window: MainWindow, come_to_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = the_page(window, ModelPage)
    read = module.read_book

    def fails(*_: object) -> None:
        raise StorageFull("The disk does not answer.", next_step="Look at its cable.")

    monkeypatch.setattr(module, "read_book", fails)
    window.studio.go.emit(ShowModel("wine"))
    come_to_rest(window)
    assert page.views.shown == "failed"
    assert page.notice.message == "The disk does not answer."
    monkeypatch.setattr(module, "read_book", read)
    next(each for each in page.findChildren(QPushButton) if each.text() == "Try again").click()
    come_to_rest(window)
    assert page.views.shown == "full"


def test_a_version_that_is_no_more_is_told_instead_of_another_one_packaged(
    window: MainWindow, come_to_rest: Rest
) -> None:
    window.studio.go.emit(PackageVersion("wine:7"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    assert page.notice.message == "That version is no more."
    assert not window.findChildren(PackageDialog)


def test_a_version_gets_a_nickname(window: MainWindow, qtbot: QtBot, come_to_rest: Rest) -> None:
    window.studio.go.emit(ShowModelVersion("wine:1"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    page.sections.about.alias.setText("7")
    page.sections.about.alias_button.click()
    come_to_rest(window)
    assert "looks like the number of a version" in page.notice.message
    page.sections.about.alias.setText("champion")
    qtbot.keyClick(page.sections.about.alias, Qt.Key.Key_Return)
    come_to_rest(window)
    assert show_model(the_session(window), "wine", alias="champion").version == 1
    assert page.notice.message == "“champion” is version 1 of wine now."
    row = next(each for each in page.versions.content.rows if each.version == 1)
    assert page.versions.content.columns[0].text(row) == "1 · champion"


def test_its_file_is_shown_where_it_is_and_its_libraries_are_asked_for(window: MainWindow, come_to_rest: Rest) -> None:
    window.studio.go.emit(ChooseLibraries("wine:2"))
    come_to_rest(window)
    the_dialog(window, LibrariesDialog).reject()
    page = the_page(window, ModelPage)
    buttons = {each.text(): each for each in page.sections.about.findChildren(OfferButton)}
    act = buttons["Show the file"].action.act
    assert act == ShowContent("sample", "Quality/Wine/model", "wine_cultivar.joblib")
    buttons["Show the file"].click()
    come_to_rest(window)
    assert window.current == "registry"


def test_a_file_becomes_the_next_version_of_the_model_in_view(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Whatever the file is called. Seen to fail with the model not handed on: it was to be a model of its own."""
    file = Path(shutil.copy(_SAMPLE / f"{_FILE}.joblib", tmp_path / "retrained.joblib"))
    window.studio.go.emit(ShowModel("grapes"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    assert isinstance(_offered(page)["New version …"].action.act, AddVersion)
    page.add_file(file)
    qtbot.waitUntil(lambda: bool(window.findChildren(RegisterDialog)), timeout=20_000)
    dialog = the_dialog(window, RegisterDialog)
    assert (dialog.how.key, dialog.chosen_name) == ("next", "grapes")
    dialog.go.click()
    qtbot.waitUntil(lambda: not window.findChildren(RegisterDialog), timeout=20_000)
    come_to_rest(window)
    assert [each.version for each in list_models(the_session(window), "grapes")] == [2, 1]
    chosen = page.versions.chosen
    assert chosen is not None and chosen.label == "grapes:2"
    assert page.notice.message == "grapes is registered as version 2."


def test_what_is_being_written_is_kept_when_something_else_changes(window: MainWindow, come_to_rest: Rest) -> None:
    """Seen to fail with the card shown anew at each change: a sentence that was being written was gone."""
    window.studio.go.emit(ShowModelVersion("wine:2"))
    come_to_rest(window)
    page = the_page(window, ModelPage)
    page.sections.choose("card")
    page.sections.card.edit()
    page.sections.card.texts["limits"].setPlainText("Not for")
    window.studio.changed.emit("releases")
    come_to_rest(window)
    assert page.sections.card.views.shown == "edit"
    assert page.sections.card.texts["limits"].toPlainText() == "Not for"
    page.versions.choose(1)
    assert page.sections.card.views.shown == "nothing", "that of another version"
    page.versions.choose(0)
    assert page.sections.card.views.shown == "edit"
    assert page.sections.card.texts["limits"].toPlainText() == "Not for", "and here it is again"
    page.sections.card.leave()
    page.versions.choose(1)
    page.versions.choose(0)
    assert page.sections.card.views.shown == "read", "it was given up"


def test_what_somebody_else_wrote_meanwhile_is_not_replaced_unasked(
    window: MainWindow, with_models: Path, come_to_rest: Rest
) -> None:
    """Seen to fail before: saving, and taking back, put what was there earlier in place of the other's words."""
    page = the_page(window, ModelPage)
    window.studio.go.emit(ShowModelVersion("wine:1"))
    come_to_rest(window)
    page.sections.choose("card")
    card = page.sections.card

    def others_write(words: str) -> None:
        with open_workspace(with_models) as other:
            describe_model(other, ("wine", 1, None), description=words, card=ModelCard(limits="not for children"))

    def said() -> tuple[str, str]:
        version = show_model(the_session(window), "wine", 1)
        return version.description, version.card.limits

    def save(words: str) -> None:
        card.description.setText(words)
        card.save()
        come_to_rest(window)

    card.edit()
    others_write("theirs")
    window.studio.changed.emit("models")  # heard of, which is no reason to replace it
    come_to_rest(window)
    save("mine")
    assert said() == ("theirs", "not for children")
    assert "changed by somebody else meanwhile" in page.notice.message and "Save again" in _words(page.notice)
    assert card.views.shown == "edit" and card.description.text() == "mine"
    save("mine")
    assert said() == ("mine", ""), "who saves again means it"

    assert page.notice.action is not None
    others_write("theirs again")
    page.notice.action.click()
    come_to_rest(window)
    assert said() == ("theirs again", "not for children"), "what is taken back is what one did, not what others did"
    assert "changed by somebody else meanwhile" in page.notice.message

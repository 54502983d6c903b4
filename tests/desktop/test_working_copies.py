"""Work goes on in an editor: a version is opened, a file is changed there, and what was changed is saved and seen."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import OpenIn, ShowWorkingCopies
from kronkers_studio.desktop.dialogs.new_project import NewProjectDialog
from kronkers_studio.desktop.dialogs.open_in import OpenInDialog
from kronkers_studio.desktop.dialogs.save_version import SaveVersionDialog
from kronkers_studio.desktop.offers.models import version_actions
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.editors import Editor, Trust
from kronkers_studio.settings.configuration import change_settings, load_settings
from kronkers_studio.workflows.saved_copies import save_version
from kronkers_studio.workflows.session import open_workspace
from kronkers_studio.workflows.working_copies import check_out, list_working_copies
from tests.desktop.all_dialogs import EDITORS_FOUND
from tests.desktop.conftest import PATIENCE
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.things import a_version
from tests.desktop.versioned import commit_files
from tests.editors.fake_editor import FakeEditor

Kind = TypeVar("Kind", bound=QDialog)

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins for editors are scripts")


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEditor:
    """The only editor of this computer; working copies lie in a folder of the test's own."""
    monkeypatch.setenv("PATH", str(tmp_path / "programs"))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    change_settings(working_copies=tmp_path / "copies")
    return FakeEditor(tmp_path / "programs", "code")


@pytest.fixture
def window(open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, editor: FakeEditor) -> MainWindow:
    with open_workspace(workspace) as session:
        commit_files(session, {"train.py": b"print(1)\n", "data/a.csv": b"x\n1\n"}, "Brought in")
    window = open_main_window(workspace, page="registry")
    come_to_rest(window)
    return window


def the_dialog(window: MainWindow, kind: type[Kind]) -> Kind:
    (dialog,) = (each for each in window.findChildren(kind) if each.isVisible())
    return dialog


def test_from_opening_to_a_version_that_is_seen(
    window: MainWindow, editor: FakeEditor, tmp_path: Path, come_to_rest: Rest, qtbot: QtBot
) -> None:
    page = the_page(window, RegistryPage)
    page.sides.choose("copies")
    come_to_rest(window)
    assert page.copies.panel.views.shown == "none"
    page.do(OpenIn("Team"))
    come_to_rest(window)
    dialog = the_dialog(window, OpenInDialog)
    assert dialog.editor.value == "vscode" and dialog.go.isEnabled()
    assert dialog.trust.text() == Trust.ASKS.sentence
    dialog.show_editors([*EDITORS_FOUND, Editor("mine", "Mine", ("/opt/mine",))], "")
    told = []
    for key in ("rstudio", "mine", "vscode"):
        dialog.editor.choose(key)
        told.append(dialog.trust.text())
    assert told == [Trust.R_AT_ONCE.sentence, Trust.UNKNOWN.sentence, Trust.ASKS.sentence]
    dialog.go.click()
    qtbot.waitUntil(lambda: "Open in Visual Studio Code" in page.notice.message, timeout=PATIENCE)
    folder = tmp_path / "copies" / "Team"
    assert editor.told()["arguments"] == [str(folder)]
    come_to_rest(window)
    (row,) = page.copies.panel.rows
    assert row.save is None and row.changes.text() == ""

    (folder / "train.py").write_text("print(2)\n", encoding="utf-8")
    (folder / "new.py").touch()
    page.copies.panel.look()
    come_to_rest(window)
    (row,) = page.copies.panel.rows
    assert row.changes.text().splitlines() == ["+ new.py", "• train.py"]
    assert row.save is not None
    row.save.click()
    saving = the_dialog(window, SaveVersionDialog)
    saving.message.setText("Prints two")
    saving.go.click()
    qtbot.waitUntil(lambda: "Saved as version" in page.notice.message, timeout=PATIENCE)
    come_to_rest(window)

    assert page.history.content.row(0).commit.message == "Prints two"
    assert load_settings().editor == "vscode"
    assert page.notice.action is not None
    page.notice.action.click()
    qtbot.waitUntil(lambda: "Taken back" in page.notice.message, timeout=PATIENCE)
    come_to_rest(window)
    assert [page.history.content.row(at).commit.message for at in range(3)] == [
        "Took back “Prints two”",
        "Prints two",
        "Brought in",
    ]
    content = the_session(window).workspace.content
    assert {each.path for each in content.walk("Team")} == {"train.py", "data", "data/a.csv"}
    assert (folder / "train.py").read_text(encoding="utf-8") == "print(2)\n"
    page.copies.panel.look()
    come_to_rest(window)
    assert page.copies.panel.rows[0].save is not None


def test_what_others_saved_is_brought_in_or_put_together(
    window: MainWindow, tmp_path: Path, come_to_rest: Rest, qtbot: QtBot
) -> None:
    session, mine, theirs = the_session(window), tmp_path / "mine", tmp_path / "theirs"
    check_out(session, "Team", "", mine)
    check_out(session, "Team", "", theirs)
    (theirs / "theirs.py").touch()
    save_version(session, theirs, "Theirs")
    page = the_page(window, RegistryPage)
    page.do(ShowWorkingCopies())
    come_to_rest(window)
    behind = next(row for row in page.copies.panel.rows if row.folder == mine)
    assert behind.update_button is not None
    behind.update_button.click()
    qtbot.waitUntil(lambda: "1 file was brought in" in page.notice.message, timeout=PATIENCE)
    assert (mine / "theirs.py").exists()

    (theirs / "theirs.py").write_text("2", encoding="utf-8")
    save_version(session, theirs, "Theirs again")
    (mine / "train.py").write_text("mine", encoding="utf-8")
    page.copies.panel.look()
    come_to_rest(window)
    row = next(row for row in page.copies.panel.rows if row.folder == mine)
    assert row.save is not None
    row.save.click()
    saving = the_dialog(window, SaveVersionDialog)
    assert saving.way.isVisible()
    saving.go.click()
    qtbot.waitUntil(lambda: "Saved as version" in page.notice.message, timeout=PATIENCE)
    assert (mine / "theirs.py").read_text(encoding="utf-8") == "2"


def test_a_copy_that_is_gone_or_not_ours_is_said_to_be(
    window: MainWindow, tmp_path: Path, come_to_rest: Rest, qtbot: QtBot
) -> None:
    session, gone = the_session(window), tmp_path / "gone"
    check_out(session, "Team", "", gone)
    gone.rename(tmp_path / "moved")
    page = the_page(window, RegistryPage)
    page.do(ShowWorkingCopies())
    come_to_rest(window)
    (row,) = page.copies.panel.rows
    assert (row.save, row.again) == (None, None)
    page.copies.forget(gone)
    qtbot.waitUntil(lambda: "Forgotten" in page.notice.message, timeout=PATIENCE)
    assert list_working_copies(session) == []


def test_where_no_editor_is_found_another_program_can_be_chosen(
    window: MainWindow, editor: FakeEditor, come_to_rest: Rest, qtbot: QtBot
) -> None:
    editor.file.rename(editor.file.with_name("mine"))
    page = the_page(window, RegistryPage)
    page.do(OpenIn("Team"))
    come_to_rest(window)
    dialog = the_dialog(window, OpenInDialog)
    assert not dialog.go.isEnabled()
    dialog.choose_program(str(editor.file.with_name("mine")))
    dialog.go.click()
    qtbot.waitUntil(lambda: "Open in mine" in page.notice.message, timeout=PATIENCE)
    assert load_settings().editor == str(editor.file.with_name("mine"))


def test_a_new_project_is_shown_and_offered_to_be_opened(
    window: MainWindow, tmp_path: Path, come_to_rest: Rest, qtbot: QtBot
) -> None:
    page = the_page(window, RegistryPage)
    next(each for each in page.more_button.offers() if each.title == "New project …")
    page.copies.ask_new()
    dialog = the_dialog(window, NewProjectDialog)
    dialog.name.setText("Not A Name")
    dialog.go.click()
    qtbot.waitUntil(lambda: "is no name for a model" in dialog.notice.message, timeout=PATIENCE)
    dialog.name.setText("machine-failure")
    dialog.go.click()
    qtbot.waitUntil(lambda: "is there, and its first version is saved" in page.notice.message, timeout=PATIENCE)
    come_to_rest(window)
    assert page.project_box.value == "machine-failure"
    assert (tmp_path / "copies" / "machine-failure" / "train.py").exists()
    assert page.notice.action is not None
    page.notice.action.click()
    come_to_rest(window)
    assert the_dialog(window, OpenInDialog).editor.value == "vscode"


def test_a_model_leads_to_the_project_that_it_was_made_of() -> None:
    version = a_version()
    (offer,) = (each for each in version_actions(version) if isinstance(each.act, OpenIn))
    assert offer.act == OpenIn(version.source.project, version.source.commit)

"""What a person says of a model in the window: which code its file may use, and what it takes."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import AllowCode, PackageVersion, ShowModel, StateSignature
from kronkers_studio.desktop.dialogs.allow_code import AllowCodeDialog
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.dialogs.state_signature import StateSignatureDialog
from kronkers_studio.desktop.offers.models import version_actions
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.pages.models import ModelsPage
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.wizard.put_live import PutLiveStep
from kronkers_studio.domain.changes import ModelRegistered
from kronkers_studio.domain.errors import CodeNotAllowed
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.stated_signatures import written_tensor
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.packages import package_model
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import the_dialog, unnamed, unreachable
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.own_code.projects import make_project

_PROGRAM = Path(__file__).parents[1] / "torch_models" / "files" / "scripted.pt"
_MADE = "Its file asks for code that is on no list of what models need."


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    make_project(folder)
    shutil.copy(_PROGRAM, folder / "net.pt")
    return folder


@pytest.fixture
def window(open_main_window: OpenWindow, workspace: Path, project: Path, come_to_rest: Rest) -> MainWindow:
    """A workspace with a pipeline of own steps, and a program of PyTorch's."""
    with open_workspace(workspace) as session:
        migrate_folder(session, project, project="plant")
        register_model(session, "plant", "model.joblib", name="sorter")
        register_model(session, "plant", "net.pt", name="net")
    opened = open_main_window(workspace, page="models")
    opened.show()
    come_to_rest(opened)
    return opened


def _version(window: MainWindow, model: str) -> ModelVersion:
    return the_session(window).workspace.ledger.model_version(model, 1, None)


def _words(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(found.text() for found in widget.findChildren(QLabel) if found.isVisibleTo(widget))


def _press(root: QWidget, words: str) -> None:
    QApplication.processEvents()
    (button,) = [each for each in root.findChildren(QPushButton) if each.text() == words and each.isVisible()]
    button.click()


def _page(window: MainWindow, model: str, rest: Rest) -> ModelPage:
    window.studio.go.emit(ShowModel(model))
    rest(window)
    return the_page(window, ModelPage)


def test_the_wizard_leads_from_a_refusal_to_a_package(window: MainWindow, qtbot: QtBot, come_to_rest: Rest) -> None:
    """Before, the wizard ended there, and named a command."""
    window.studio.go.emit(PackageVersion("sorter:1"))
    come_to_rest(window)
    wizard = the_dialog(window, PackageDialog)
    assert "needs `features.Ratio`, `features.doubled`" in wizard.found.verdict.text()
    words = _words(wizard)
    assert "If you know that code, allow it for this version." in words and "kronkers model" not in words
    assert not wizard.go.isEnabled()

    _press(wizard, "Allow its code …")
    come_to_rest(window)
    dialog = the_dialog(window, AllowCodeDialog)
    words = _words(dialog)
    assert _MADE in words and "features.Ratio\nfeatures.doubled" in words and "lengths.py" in words
    assert "it sees every row that is sent, and can answer what it likes" in words
    author = the_session(window).author
    assert f"with your name ({author})" in words
    assert not dialog.go.isEnabled(), "nobody allows without a reason"
    dialog.reason.setText("our own features, reviewed by Ann")
    assert unnamed(window) == [] and unreachable(window) == []
    dialog.go.click()
    qtbot.waitUntil(wizard.go.isEnabled, timeout=20_000)

    assert wizard.found.verdict.text() == "Its service runs code that somebody allowed"
    assert f"{author}: “our own features, reviewed by Ann”" in _words(wizard)
    assert _version(window, "sorter").allowed == {"features.Ratio", "features.doubled"}
    wizard.advance()
    assert wizard.step == "libraries"
    wizard.back()
    _press(wizard, "Allowed code …")
    come_to_rest(window)
    taken = the_dialog(window, AllowCodeDialog)
    assert "our own features, reviewed by Ann" in _words(taken) and not taken.go.isVisible()
    taken.back_button.click()
    qtbot.waitUntil(lambda: not wizard.go.isEnabled(), timeout=20_000)
    assert _version(window, "sorter").allowances == ()


def test_a_models_page_says_which_code_it_asks_for_and_undoes_what_was_allowed(
    window: MainWindow, qtbot: QtBot, come_to_rest: Rest
) -> None:
    page = _page(window, "sorter", come_to_rest)
    assert "Code that it asks for" in _words(page) and "features.Ratio, features.doubled" in _words(page)
    window.studio.go.emit(AllowCode("sorter:1"))
    come_to_rest(window)
    dialog = the_dialog(window, AllowCodeDialog)
    dialog.reason.setText("ours")
    dialog.allow()
    qtbot.waitUntil(lambda: "sorter:1 may use that code" in page.notice.message, timeout=20_000)
    come_to_rest(window)
    assert "It asks for code that is on no list, and that was allowed for this version" in _words(page)
    _press(page.notice, "Undo")
    come_to_rest(window)
    qtbot.waitUntil(lambda: _version(window, "sorter").allowances == (), timeout=20_000)


def test_nobody_is_offered_what_runs_programs(window: MainWindow, come_to_rest: Rest) -> None:
    """What the workflow refuses is said before anything is asked, and there is no button."""
    version = _version(window, "sorter")
    session = the_session(window)
    facts = replace(version.facts, unsafe=("features.Ratio", "os.system"))
    session.workspace.ledger.record(ModelRegistered(replace(version, name="evil", facts=facts)), author="eve")
    window.studio.changed.emit("models")
    come_to_rest(window)
    window.studio.go.emit(AllowCode("evil:1"))
    come_to_rest(window)
    dialog = the_dialog(window, AllowCodeDialog)
    assert "“os.system” cannot be allowed." in dialog.notice.message
    assert not dialog.go.isVisible() and not dialog.reason.isVisible() and not dialog.back_button.isVisible()
    dialog.reject()
    window.studio.go.emit(PackageVersion("evil:1"))
    come_to_rest(window)
    wizard = the_dialog(window, PackageDialog)
    assert "If you know that code" not in _words(wizard)


def test_what_a_program_takes_is_said_shown_and_undone(window: MainWindow, qtbot: QtBot, come_to_rest: Rest) -> None:
    page = _page(window, "net", come_to_rest)
    assert "takes whole tensors, no rows" in _words(page)
    assert "The file does not say the shape and type" in _words(page)
    window.studio.go.emit(StateSignature("net:1"))
    come_to_rest(window)
    dialog = the_dialog(window, StateSignatureDialog)
    assert unnamed(window) == [] and unreachable(window) == []
    dialog.inputs[0].shape.setText("-1, four")
    assert "“four” is no length" in _words(dialog)
    dialog.go.click()
    assert "“four” is no length" in dialog.notice.message
    dialog.inputs[0].shape.setText("-1, 4")
    dialog.inputs[0].columns.setText("age, income, height [cm], weight [kg]")
    dialog.outputs[1].shape.setText("n, 3")
    assert "Takes 4 numbers per row; answers" in _words(dialog)
    dialog.go.click()
    qtbot.waitUntil(lambda: "What net:1 takes is said now." in page.notice.message, timeout=20_000)
    come_to_rest(window)

    assert "takes 4 numbers per row" in _words(page) and "The file does not say the shape" not in _words(page)
    assert f"As {the_session(window).author} said" in _words(page)
    said = _version(window, "net").signature
    assert [written_tensor(one) for one in said.inputs] == ["x:FP32[-1,4]=age,income,height [cm],weight [kg]"]
    assert [written_tensor(one) for one in said.outputs] == ["output_0:FP32[…]", "output_1:FP32[-1,3]"]
    _press(page.notice, "Undo")
    qtbot.waitUntil(lambda: _version(window, "net").stated is None, timeout=20_000)
    come_to_rest(window)
    assert "takes whole tensors, no rows" in _words(page)


def test_an_example_fills_in_what_it_takes(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window.studio.go.emit(StateSignature("net:1"))
    come_to_rest(window)
    dialog = the_dialog(window, StateSignatureDialog)
    (tmp_path / "rows.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    dialog.read_example(tmp_path / "rows.csv")
    come_to_rest(window)
    assert (dialog.inputs[0].shape.text(), dialog.inputs[0].columns.text()) == ("-1, 2", "a, b")
    dialog.read_example(tmp_path / "none.csv")
    qtbot.waitUntil(lambda: "cannot be read" in dialog.notice.message, timeout=20_000)
    assert dialog.inputs[0].shape.text() == "-1, 2"


def test_only_where_a_file_leaves_it_open_something_is_offered(window: MainWindow) -> None:
    offered = {model: [each.short for each in version_actions(_version(window, model))] for model in ("sorter", "net")}
    assert "Allow its code …" in offered["sorter"] and "Say what it takes …" not in offered["sorter"]
    assert "Say what it takes …" in offered["net"] and "Allow its code …" not in offered["net"]


@pytest.mark.parametrize(
    ("model", "said", "button", "dialog"),
    [
        ("sorter", "It can be packaged once that is allowed.", "Allow its code …", AllowCodeDialog),
        ("net", "Say it, and rows can be sent to it.", "Say what it takes …", StateSignatureDialog),
    ],
)
def test_what_comes_next_is_said_when_it_is_registered(
    window: MainWindow, come_to_rest: Rest, model: str, said: str, button: str, dialog: type[Dialog]
) -> None:
    """Before, "Put it live to send it rows" was said of models that could not be."""
    page = the_page(window, ModelsPage)
    page._registered(_version(window, model))
    assert said in _words(page.notice)
    _press(page.notice, button)
    come_to_rest(window)
    assert the_dialog(window, dialog).isVisible()


def test_the_guide_offers_nothing_that_has_to_be_allowed_first(
    window: MainWindow, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Before, such a model was registered, and could not be packaged."""
    step = PutLiveStep(window.studio)
    qtbot.addWidget(step)
    step.look_for_models("plant")
    come_to_rest(window)
    assert [each.source.path for each in step.table.content.rows] == ["net.pt"]


def test_an_error_about_such_code_leads_to_allowing_it(window: MainWindow, come_to_rest: Rest) -> None:
    page = _page(window, "net", come_to_rest)
    session = the_session(window)
    with pytest.raises(CodeNotAllowed) as refused:
        package_model(session, "sorter")
    assert "kronkers" not in refused.value.next_step and "kronkers model allow sorter:1" in refused.value.typed_step
    page.show_error(refused.value)
    _press(page.notice, "Allow its code …")
    come_to_rest(window)
    assert "Code that sorter version 1 may use" in _words(the_dialog(window, AllowCodeDialog))

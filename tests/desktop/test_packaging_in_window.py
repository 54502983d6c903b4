"""From a model that was found to a package that was checked, by what a person presses in the window."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import Destination, PackageVersion, PutLive
from kronkers_studio.desktop.dialogs.check_package import CheckPackageDialog
from kronkers_studio.desktop.dialogs.image_registry import ImageRegistryDialog
from kronkers_studio.desktop.dialogs.libraries import LibrariesDialog
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.dialogs.register import RegisterDialog
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.pages.models import ModelsPage
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.stations import State
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.work.tasks import TaskState
from kronkers_studio.domain.changes import ModelRegistered, ServerAdded
from kronkers_studio.domain.errors import RegistryLoginRefused
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import Server
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows import package_plans
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.package_plans import InFile, InRegistry, KeptHere
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.things import NOON
from tests.packaging.image_files import tar_of

_SAMPLE = resource("sample/OneDrive - Kronkers")
_FILE = "Quality/Wine/model/wine_cultivar.onnx"
_LONG = 240_000  # milliseconds: libraries may have to be fetched


@pytest.fixture
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small base image in a file, which the settings name."""
    layer = tar_of({"bin/python3": b"#!"})
    diff_ids = [f"sha256:{sha256(layer).hexdigest()}"]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    load = json.dumps([{"Config": "abc.json", "Layers": ["0/layer.tar"]}])
    files = {"0/layer.tar": layer, "abc.json": json.dumps(config).encode(), "manifest.json": load.encode()}
    file = tmp_path / "base.tar"
    file.write_bytes(tar_of(files))
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(file))
    return file


@pytest.fixture
def window(open_main_window: OpenWindow, workspace: Path, tmp_path: Path, base: Path, come_to_rest: Rest) -> MainWindow:
    """A workspace with one model that was found, and is not registered yet."""
    folder = tmp_path / "Quality"
    folder.mkdir()
    for name in ("wine_cultivar.onnx", ".python-version"):
        file = _SAMPLE / "Quality/Wine/model" / name
        if file.exists():
            shutil.copy(file, folder / name)
    with open_workspace(workspace) as session:
        migrate_folder(session, folder, project="quality")
    opened = open_main_window(workspace, page="models")
    opened.show()
    come_to_rest(opened)
    return opened


@pytest.fixture
def wizard(window: MainWindow, come_to_rest: Rest) -> PackageDialog:
    """Of a version that is registered."""
    register_model(the_session(window), "quality", "wine_cultivar.onnx", name="wine")
    return _open(window, come_to_rest)


def _open(window: MainWindow, rest: Rest) -> PackageDialog:
    window.studio.changed.emit("models")
    window.studio.go.emit(PackageVersion("wine:1"))
    rest(window)
    return the_dialog(window, PackageDialog)


def _press(root: QWidget, words: str) -> None:
    QApplication.processEvents()
    (button,) = [each for each in root.findChildren(QPushButton) if each.text() == words and each.isVisible()]
    button.click()


def _in_view(window: MainWindow, kind: type[Dialog], qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: any(each.isVisible() for each in window.findChildren(kind)), timeout=20_000)


def test_from_a_found_file_to_a_checked_package(
    window: MainWindow, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    models = the_page(window, ModelsPage)
    models.package_button.click()
    register = the_dialog(window, RegisterDialog)
    assert "takes 13 numbers per row" in register.sentence.text()
    register.name.setText("wine")
    register.go.click()
    _in_view(window, PackageDialog, qtbot)
    come_to_rest(window)
    page, wizard = the_page(window, ModelPage), the_dialog(window, PackageDialog)
    assert (window.current, page.model) == ("model", "wine"), "the model's own page is behind it"

    assert wizard.step == "found"
    assert wizard.found.verdict.text() == "Nothing in it runs a program"
    wizard.go.click()
    assert wizard.step == "libraries" and wizard.libraries.views.shown in ("rows", "none")
    wizard.go.click()
    assert wizard.step == "target"
    assert "comes on top" in wizard.target.estimate.text() or "come on top" in wizard.target.estimate.text()
    file = tmp_path / "out" / "wine.oci.tar"
    wizard.target.where.choose("file")
    wizard.target.file.setText(str(file))
    assert wizard.go.text() == "Package"
    qtbot.keyClick(wizard.target.file, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: wizard.step == "work", timeout=20_000)
    qtbot.waitUntil(lambda: wizard.step != "work", timeout=_LONG)
    assert wizard.step == "done", wizard.notice.message
    assert "Adding the model" in wizard.steps.titles or "Writing wine.oci.tar" in wizard.steps.titles
    assert wizard.stations.states == [State.DONE] * 4
    assert wizard.outcome.title.text() == "wine version 1 is packaged in a file."
    (package,) = the_session(window).workspace.ledger.packages("wine")
    _press(wizard, "Copy the digest")
    assert QApplication.clipboard().text() == package.digest
    assert file.stat().st_size >= package.size

    _press(wizard, "Check it …")
    check = the_dialog(window, CheckPackageDialog)
    assert check.wanted == str(file)
    check.go.click()
    qtbot.waitUntil(lambda: check.views.shown == "found", timeout=_LONG)
    assert check.verdict.text() == "It is all as it was packaged, and signed by this workspace."
    check.reject()
    wizard.go.click()
    come_to_rest(window)
    page.sections.choose("packages")
    assert [each.digest for each in page.sections.packages.table.content.rows] == [package.digest]
    assert not window.findChildren(PackageDialog)


def test_a_package_that_was_changed_is_told_from_one_that_was_not(
    window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    file = tmp_path / "no package.tar"
    file.write_bytes(b"something else" * 100)
    window.dialogs.check_package(str(file))
    check = the_dialog(window, CheckPackageDialog)
    check.go.click()
    qtbot.waitUntil(lambda: bool(check.notice.message), timeout=20_000)
    assert check.views.shown == "nothing" and check.go.isEnabled()
    check.file.line.setText("")
    assert not check.go.isEnabled()


def test_a_file_is_replaced_only_after_a_question(
    wizard: PackageDialog, window: MainWindow, tmp_path: Path, qtbot: QtBot
) -> None:
    """Seen to fail with the package written over whatever lay there."""
    file = tmp_path / "mine.oci.tar"
    file.write_text("mine", encoding="utf-8")
    wizard.show_step("target")
    wizard.target.where.choose("file")
    wizard.target.file.setText(str(file))
    wizard.go.click()
    qtbot.waitUntil(lambda: len(_questions(wizard)) == 1, timeout=20_000)
    (question,) = _questions(wizard)
    assert question.windowTitle() == "Replace mine.oci.tar?"
    question.reject()
    assert file.read_text(encoding="utf-8") == "mine"
    assert wizard.step == "target" and wizard.task is None


def _questions(wizard: PackageDialog) -> list[Dialog]:
    return [each for each in wizard.findChildren(Dialog) if type(each) is Dialog and each.isVisible()]


def test_building_is_cancelled_and_nothing_is_left_of_it(
    wizard: PackageDialog, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def endless(*_: object, progress: Progress, cancel: CancelToken) -> None:
        for step in ("Getting the base image", "Finding what the model needs"):
            progress.step(step)
            while step.startswith("Finding"):
                cancel.check()

    monkeypatch.setattr(package_plans, "package_model", endless)
    wizard.show_step("target")
    wizard.advance()
    assert wizard.step == "work"
    qtbot.waitUntil(lambda: wizard.steps.titles[-1:] == ["Finding what the model needs"], timeout=20_000)
    assert wizard.cancel_button.isVisible() and wizard.cancel_button.text() == "Cancel"
    wizard.cancel_button.click()
    qtbot.waitUntil(lambda: wizard.step == "target", timeout=20_000)
    assert wizard.notice.message == "Cancelled. No package was made."
    assert the_session(window).workspace.ledger.packages() == []


def test_the_window_may_be_worked_in_while_it_is_built(
    wizard: PackageDialog, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Closing the dialog does not end the work. Seen to fail with the task cancelled as the dialog closed."""
    ready: list[bool] = []

    def waits(*_: object, progress: Progress, cancel: CancelToken) -> None:
        while not ready:
            cancel.check()

    monkeypatch.setattr(package_plans, "carry_out", waits)
    wizard.show_step("target")
    wizard.advance()
    task = wizard.task
    assert task is not None and wizard.go.text() == "Go on working"
    wizard.go.click()
    qtbot.waitUntil(lambda: not window.findChildren(PackageDialog), timeout=20_000)
    assert task.state is TaskState.RUNNING
    ready.append(True)
    qtbot.waitUntil(lambda: task.state is TaskState.DONE, timeout=20_000)


def test_a_model_that_must_not_be_packaged_is_told_with_what_to_do(window: MainWindow, come_to_rest: Rest) -> None:
    """Seen to fail with the way on left open."""
    session = the_session(window)
    version = register_model(session, "quality", "wine_cultivar.onnx", name="other")
    facts = replace(version.facts, unsafe=("__main__.own_step",))
    session.workspace.ledger.record(ModelRegistered(replace(version, name="wine", facts=facts)), author="ada")
    wizard = _open(window, come_to_rest)
    assert "which was written in the notebook" in wizard.found.verdict.text()
    assert "FunctionTransformer" in wizard.found._looked_at.text()
    assert not wizard.go.isEnabled()
    wizard.advance()
    assert wizard.step == "found"


def test_libraries_are_corrected_on_the_way(wizard: PackageDialog, window: MainWindow, come_to_rest: Rest) -> None:
    wizard.show_step("libraries")
    wizard.libraries.change_button.click()
    come_to_rest(window)
    dialog = the_dialog(window, LibrariesDialog)
    from kronkers_studio.workflows.dependencies import choose_dependencies

    choose_dependencies(the_session(window), ("wine", 1, None), add=["six==1.16.0"], check=False)
    dialog.accept()
    come_to_rest(window)
    assert [(row.project, row.wanted) for row in wizard.libraries.table.content.rows if row.chosen] == [
        ("six", "==1.16.0")
    ]


def test_a_server_gets_it_by_being_put_live_there(window: MainWindow, come_to_rest: Rest) -> None:
    session = the_session(window)
    server = Server("lab", "127.0.0.1", 9, "ada", "ssh-ed25519 AAAA", added=NOON)
    session.workspace.ledger.record(ServerAdded(server), author="ada")
    register_model(session, "quality", "wine_cultivar.onnx", name="wine")
    wizard = _open(window, come_to_rest)
    gone: list[Destination] = []
    window.studio.go.connect(gone.append)
    wizard.show_step("target")
    wizard.target.where.choose(("server", "lab"))
    assert wizard.go.text() == "Put live …"
    wizard.go.click()
    assert gone == [PutLive("wine", 1, "lab")]
    assert not wizard.isVisible()


def test_a_registry_that_wants_a_login_is_logged_in_to_from_there(
    wizard: PackageDialog, window: MainWindow, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    wizard.show_step("target")
    wizard.target.where.choose("registry")
    assert not wizard.go.isEnabled(), "nothing is named yet"

    def refuses(*_: object, **named: object) -> None:
        assert named["reference"] == "registry.example.org/team/wine"
        error = RegistryLoginRefused("registry.example.org wants a login.", next_step="Log in to it.")
        error.image_registry = "registry.example.org"
        raise error

    monkeypatch.setattr(package_plans, "push_package", refuses)
    wizard.target.reference.setText("registry.example.org/team/wine")
    wizard.go.click()
    qtbot.waitUntil(lambda: wizard.notice.action is not None, timeout=20_000)
    assert wizard.step == "target" and wizard.target.reference.text() == "registry.example.org/team/wine"
    assert wizard.notice.action is not None
    wizard.notice.action.click()
    login = the_dialog(window, ImageRegistryDialog)
    assert login.host.text() == "registry.example.org"
    login.reject()


def test_another_platform_and_another_base_are_said_of_the_package_and_not_of_its_size(
    wizard: PackageDialog, tmp_path: Path
) -> None:
    wizard.show_step("target")
    target = wizard.target

    def chosen() -> object:
        return target.target

    assert chosen() == KeptHere()
    target.where.choose("file")
    target.file.setText(str(tmp_path / "w.tar"))
    assert chosen() == InFile(tmp_path / "w.tar", "", "linux/amd64")
    target.platform.choose("linux/arm64")
    target.base.setText("registry.example.org/base:1")
    assert chosen() == InFile(tmp_path / "w.tar", "registry.example.org/base:1", "linux/arm64")
    assert "its base come" in target.estimate.text().casefold()
    target.where.choose("registry")
    target.reference.setText("registry.example.org/wine")
    assert chosen() == InRegistry("registry.example.org/wine", "registry.example.org/base:1", "linux/arm64")


def test_enter_goes_on_and_the_way_back_keeps_what_was_chosen(
    wizard: PackageDialog, window: MainWindow, qtbot: QtBot
) -> None:
    wizard.activateWindow()
    for step in ("found", "libraries"):
        assert wizard.step == step
        qtbot.keyClick(wizard, Qt.Key.Key_Return)
    wizard.target.where.choose("registry")
    wizard.back_button.click()
    assert wizard.step == "libraries"
    wizard.back_button.click()
    assert wizard.step == "found" and not wizard.back_button.isVisible()
    wizard.advance()
    wizard.advance()
    assert wizard.target.where.value == "registry"
    assert wizard.stations.states == [State.DONE, State.DONE, State.HERE, State.AHEAD]

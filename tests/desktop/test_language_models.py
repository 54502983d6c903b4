"""Models of R, Julia and neural networks in the window: what is said of them is true, and leads to a service."""

from __future__ import annotations

import json
import shutil
from hashlib import sha256
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import PackageVersion, PutLive, ShowModel
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.offers.models import version_actions
from kronkers_studio.desktop.pages.model import ModelPage
from kronkers_studio.desktop.widgets.fact_grid import fact_grid
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.wizard.put_live import PutLiveStep
from kronkers_studio.domain.changes import ServerAdded
from kronkers_studio.domain.errors import ServerUnreachable
from kronkers_studio.domain.models import Framework, ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.servers import Server
from kronkers_studio.packaging import this_platform
from kronkers_studio.workflows import language_bases
from kronkers_studio.workflows.language_bases import LanguageBase, bring_language_base
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.package_plans import InFile
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import Session, open_workspace
from tests.desktop.accessible import the_dialog, unnamed, unreachable
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.things import NOON
from tests.lab.servers import LabServer
from tests.packaging.containers import docker
from tests.packaging.image_files import tar_of

_TESTS = Path(__file__).parents[1]
_FILES = {
    "forest": ("r_models", "ranger_classes.rds"),
    "line": ("julia_models", "line.jls"),
    "network": ("keras_models", "sequence.keras"),
    "traced": ("torch_models", "traced.pt"),
    "boosted": ("tree_libraries", "xgb-classes.joblib"),
}
_BESIDE = {"line": ("line.jl", "line.toml")}


@pytest.fixture(autouse=True)
def _no_base_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The cache of all tests may have some."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def window(open_main_window: OpenWindow, workspace: Path, tmp_path: Path, come_to_rest: Rest) -> MainWindow:
    """A workspace with a model of each kind, and a server."""
    folder = tmp_path / "Models"
    folder.mkdir()
    for model, (where, name) in _FILES.items():
        files = _TESTS / where / ("pickles" if where == "tree_libraries" else "files")
        for each in (name, *_BESIDE.get(model, ())):
            shutil.copy(files / each, folder / each)
    with open_workspace(workspace) as session:
        migrate_folder(session, folder, project="m")
        for model, (_where, name) in _FILES.items():
            register_model(session, "m", name, name=model)
    opened = open_main_window(workspace, page="models")
    opened.show()
    come_to_rest(opened)
    return opened


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A small image in a file, as a base."""
    layer = tar_of({"bin/Rscript": b"#!"})
    diff_ids = [f"sha256:{sha256(layer).hexdigest()}"]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    load = json.dumps([{"Config": "abc.json", "Layers": ["0/layer.tar"]}])
    files = {"0/layer.tar": layer, "abc.json": json.dumps(config).encode(), "manifest.json": load.encode()}
    file = tmp_path / "base.tar"
    file.write_bytes(tar_of(files))
    return file


def _words(widget: QWidget) -> str:
    QApplication.processEvents()
    return "\n".join(found.text() for found in widget.findChildren(QLabel) if found.isVisibleTo(widget))


def _version(window: MainWindow, model: str) -> ModelVersion:
    return the_session(window).workspace.ledger.model_version(model, 1, None)


def _page(window: MainWindow, model: str, rest: Rest) -> ModelPage:
    window.studio.go.emit(ShowModel(model))
    rest(window)
    return the_page(window, ModelPage)


def _wizard(window: MainWindow, model: str, rest: Rest, step: str = "target") -> PackageDialog:
    window.studio.go.emit(PackageVersion(f"{model}:1"))
    rest(window)
    wizard = the_dialog(window, PackageDialog)
    wizard.show_step(step)
    return wizard


def _add_server(window: MainWindow) -> None:
    server = Server("lab", "127.0.0.1", 9, "ada", "ssh-ed25519 AAAA", added=NOON)
    the_session(window).workspace.ledger.record(ServerAdded(server), author="ada")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("forest", "Random forest · made with R 4.2.2 · takes 2 numbers per row · answers a word"),
        ("line", "A program in Julia · made with Julia · takes a number and a word per row · answers a number"),
        ("network", "Neural network · made with Keras 3.15.1 · takes 4 numbers per row · answers 3 numbers"),
        ("traced", "Neural network · made with PyTorch · takes whole tensors, no rows · answers numbers"),
        ("boosted", "XGBoost classifier · made with XGBoost 3.2.0 · takes 4 numbers per row"),
    ],
)
def test_each_kind_is_told_in_plain_words(window: MainWindow, come_to_rest: Rest, model: str, said: str) -> None:
    page = _page(window, model, come_to_rest)
    assert said in _words(page)
    assert unnamed(window) == [] and unreachable(window) == []


def test_a_page_says_what_a_models_base_must_have_and_which_words_a_column_takes(
    window: MainWindow, come_to_rest: Rest
) -> None:
    """Seen to fail before: an R model had a row "Python 3.11", Julia's program was "a file of weights"."""
    words = _words(_page(window, "forest", come_to_rest))
    assert "Its service stands on a base image with R and the package ranger." in words
    assert "Python" not in words and "Libraries …" not in words
    words = _words(_page(window, "line", come_to_rest))
    assert "one of three, four, für dich" in words
    assert "290 bytes, with line.jl" in words
    assert "Python" in _words(_page(window, "boosted", come_to_rest))


def test_libraries_of_python_are_not_offered_to_other_languages(window: MainWindow) -> None:
    offered = {model: [each.short for each in version_actions(_version(window, model))] for model in _FILES}
    assert "Libraries …" not in offered["forest"] and "Libraries …" not in offered["line"]
    assert all("Libraries …" in offered[model] for model in ("network", "traced", "boosted"))


def test_a_program_that_somebody_wrote_is_not_called_safe(window: MainWindow, come_to_rest: Rest) -> None:
    """Seen to fail before: "Nothing in it runs a program" was said of a model that is one."""
    found = _wizard(window, "line", come_to_rest, "found").found
    assert found.verdict.text() == "Its service runs a program that somebody wrote"
    assert "What line.jl does cannot be told without running it" in _words(found)
    the_dialog(window, PackageDialog).reject()
    come_to_rest(window)
    traced = _wizard(window, "traced", come_to_rest, "found").found
    assert traced.verdict.text() == "It is a program that only calculates"


def test_what_a_service_gets_is_said_as_it_is(window: MainWindow, come_to_rest: Rest) -> None:
    """Before, nobody said which PyTorch it would be, and one second was promised."""
    wizard = _wizard(window, "traced", come_to_rest, "libraries")
    assert "Python 3.11, the newest PyTorch and what that needs" in _words(wizard)
    wizard.show_step("target")
    assert "takes some seconds" in _words(wizard)
    wizard.reject()
    come_to_rest(window)
    wizard = _wizard(window, "boosted", come_to_rest, "libraries")
    assert "Python 3.11, XGBoost 3.2.0 and what that needs" in _words(wizard)


def test_the_wizard_offers_no_place_where_the_model_cannot_run(window: MainWindow, come_to_rest: Rest) -> None:
    """Seen to fail before: "This computer, ready to be put live" came first, and a second or two was promised."""
    wizard = _wizard(window, "forest", come_to_rest)
    assert wizard.target.where.values == ("file", "registry")
    words = _words(wizard)
    assert "Models of R run in a container on a server, not on this computer." in words
    assert "without Docker" not in words
    wizard.show_step("libraries")
    assert "Its libraries come with the base image" in _words(wizard)
    assert not wizard.libraries.change_button.isVisible()


def test_a_missing_base_is_said_with_the_command_that_builds_it(
    window: MainWindow, tmp_path: Path, come_to_rest: Rest
) -> None:
    wizard = _wizard(window, "forest", come_to_rest)
    words = _words(wizard)
    assert "There is no base image with R for Linux, Intel or AMD here yet." in words
    assert "Add a server on the page Servers first." in words and not wizard.go.isEnabled()
    _press(wizard, "Copy")
    assert QApplication.clipboard().text() == "kronkers base build r --on SERVER"
    wizard.target.file.setText(str(tmp_path / "forest.tar"))
    wizard.target.base.setText("registry.example.org/r:1")
    assert wizard.go.isEnabled() and not wizard.target.missing_base.isVisible()
    assert wizard.target.target == InFile(tmp_path / "forest.tar", "registry.example.org/r:1", "linux/amd64")


def test_the_base_is_built_on_a_server_and_packaging_goes_on(
    window: MainWindow, archive: Path, qtbot: QtBot, come_to_rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[Framework, str, object]] = []

    def builds(session: Session, language: Framework, server: str, *, proxy: str, **_: object) -> LanguageBase:
        asked.append((language, server, proxy))
        if len(asked) == 1:
            raise ServerUnreachable("lab does not answer.", next_step="Look at it.")
        return bring_language_base(session, language, archive)

    monkeypatch.setattr(language_bases, "build_language_base", builds)
    _add_server(window)
    wizard = _wizard(window, "forest", come_to_rest)
    assert wizard.target.missing_base.command.text() == "kronkers base build r --on lab"
    _press(wizard, "Build it on lab")
    qtbot.waitUntil(lambda: bool(wizard.notice.message), timeout=20_000)
    assert (wizard.step, wizard.notice.message) == ("target", "lab does not answer.")
    _press(wizard, "Proxy, own Dockerfile …")
    assert wizard.target.missing_base.proxy.hasFocus()
    wizard.target.missing_base.proxy.setText("http://proxy.example:3128 ")
    wizard.target.missing_base.dockerfile.line.setText("my own/Dockerfile")
    assert wizard.target.missing_base.command.text() == (
        "kronkers base build r --on lab --proxy http://proxy.example:3128 --dockerfile 'my own/Dockerfile'"
    )
    _press(wizard, "Build it on lab")
    qtbot.waitUntil(lambda: wizard.go.isEnabled() and wizard.step == "target", timeout=20_000)
    assert asked == [(Framework.R, "lab", ""), (Framework.R, "lab", "http://proxy.example:3128")]
    assert wizard.notice.message == "The base image with R is here."
    assert not wizard.target.missing_base.isVisible()
    assert wizard.target.base.placeholderText().startswith("kronkers/base-r@sha256:")
    wizard.target.platform.choose("linux/arm64")
    assert not wizard.go.isEnabled(), "there is none for that platform"


@pytest.mark.parametrize("servers", [0, 1])
def test_putting_it_live_is_offered_on_servers_only(window: MainWindow, come_to_rest: Rest, servers: int) -> None:
    """Seen to fail before: it was packaged for this computer first, and refused then."""
    if servers:
        _add_server(window)
        window.studio.changed.emit("servers")
    window.studio.go.emit(PutLive("forest", 1))
    come_to_rest(window)
    dialog = the_dialog(window, PutLiveDialog)
    assert dialog.go.isEnabled() == bool(servers)
    if servers:
        assert dialog.place.value == "lab"
        dialog.place.choose(THIS_COMPUTER)
    assert "not on this computer" in dialog.plan.text() and not dialog.go.isEnabled()
    assert ("Choose a server." if servers else "Add a server") in dialog.plan.text()
    dialog.model.choose("boosted")
    assert dialog.go.isEnabled() and "It runs as a process here" in dialog.plan.text()


def test_the_guide_offers_what_can_run_on_this_computer(window: MainWindow, qtbot: QtBot, come_to_rest: Rest) -> None:
    """Seen to fail before: a model of R could be chosen, was registered, and could not be packaged."""
    step = PutLiveStep(window.studio)
    qtbot.addWidget(step)
    step.look_for_models("m")
    come_to_rest(window)
    assert {each.source.path for each in step.table.content.rows} == {
        name for _where, name in _FILES.values() if not name.endswith((".rds", ".jls"))
    }


def _press(root: QWidget, words: str) -> None:
    QApplication.processEvents()
    (button,) = [each for each in root.findChildren(QPushButton) if each.text() == words and each.isVisible()]
    button.click()


def test_what_a_column_holds_is_read_however_long_its_name(qapp: QApplication) -> None:
    """Seen to fail before: forty columns with long names left "a …er" of "a number"."""
    grid = fact_grid([("the name of a column that nobody would ever type " * 2, "a number", "")])
    grid.resize(380, 40)
    grid.show()
    QApplication.processEvents()
    name, value = grid.findChildren(QLabel)
    assert value.width() >= value.sizeHint().width() and not value.toolTip()
    assert name.toolTip(), "it is the name that is cut"
    grid.deleteLater()


@pytest.mark.lab
@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_real_engine_builds_it_through_a_proxy_of_which_nothing_stays(
    window: MainWindow,
    lab_server: LabServer,
    debian_image_archive: Path,
    package_proxy: str,
    tmp_path: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
) -> None:
    """With a Dockerfile of the person's own: what stands in for R is a file of that name. Seen to fail with the
    proxy in the image's environment."""
    docker(lab_server, "load", pieces=[debian_image_archive.read_bytes()])
    server = lab_server.as_server()
    host_key = show_host_key(server.address)
    identity = Path(server.identity_file)
    add_server(the_session(window), "works", server.address, fingerprint=host_key.fingerprint, identity_file=identity)
    dockerfile = tmp_path / "Dockerfile"
    lines = ("FROM debian:bookworm-slim", 'RUN test -n "$http_proxy" && apt-get update && touch /usr/bin/Rscript')
    dockerfile.write_text("\n".join(lines) + "\n", encoding="utf-8")
    wizard = _wizard(window, "forest", come_to_rest)
    wizard.target.missing_base.proxy.setText(package_proxy)
    wizard.target.missing_base.dockerfile.line.setText(str(dockerfile))

    _press(wizard, "Build it on works")

    qtbot.waitUntil(lambda: bool(wizard.notice.message), timeout=600_000)
    assert wizard.notice.message == "The base image with R is here."
    base = language_bases.kept_language_base(Framework.R, this_platform())
    kept = json.dumps([base.environment, base.history]) + docker(lab_server, "image", "inspect", "kronkers/base-r")
    assert "proxy" not in kept.replace("$http_proxy", "") and package_proxy not in kept

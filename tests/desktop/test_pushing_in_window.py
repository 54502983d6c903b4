"""A package goes into a real registry from the wizard, and is checked there; what is in the way is said and mended."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import PackageVersion
from kronkers_studio.desktop.dialogs.check_package import CheckPackageDialog
from kronkers_studio.desktop.dialogs.image_registry import ImageRegistryDialog
from kronkers_studio.desktop.dialogs.package import PackageDialog
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.image_registries import forget_registry
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import open_workspace
from tests.desktop.accessible import the_dialog
from tests.desktop.kinds import OpenWindow, Rest, the_session
from tests.lab.secret_service import SecretService
from tests.packaging.image_files import tar_of
from tests.packaging.registry_servers import debian_registry, make_certificate

_LONG = 240_000  # milliseconds: libraries may have to be fetched


@pytest.fixture
def window(
    open_main_window: OpenWindow,
    workspace: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    come_to_rest: Rest,
) -> MainWindow:
    layer = tar_of({"bin/python3": b"#!"})
    diff_ids = [f"sha256:{sha256(layer).hexdigest()}"]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    load = json.dumps([{"Config": "abc.json", "Layers": ["0/layer.tar"]}])
    files = {"0/layer.tar": layer, "abc.json": json.dumps(config).encode(), "manifest.json": load.encode()}
    base = tmp_path / "base.tar"
    base.write_bytes(tar_of(files))
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base))
    with open_workspace(workspace) as session:
        migrate_folder(session, resource("sample/OneDrive - Kronkers"), project="sample")
        register_model(session, "sample", "Quality/Wine/model/wine_cultivar.onnx", name="wine")
    opened = open_main_window(workspace, page="models")
    opened.show()
    come_to_rest(opened)
    return opened


def test_pushed_to_a_registry_with_a_login_and_checked_there(
    secret_service: SecretService, window: MainWindow, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Seen to fail with no way to the registry's login from the check."""
    certificate, key = make_certificate(tmp_path)
    with debian_registry(tmp_path, certificate, key, login=("svc", "correct horse")) as host:
        window.studio.go.emit(PackageVersion("wine:1"))
        come_to_rest(window)
        wizard = the_dialog(window, PackageDialog)
        wizard.show_step("target")
        wizard.target.where.choose("registry")
        wizard.target.reference.setText(f"{host}/ml/wine")
        wizard.go.click()
        qtbot.waitUntil(lambda: wizard.step == "target" and bool(wizard.notice.message), timeout=_LONG)
        assert "is not trusted" in wizard.notice.message
        _reach(window, wizard.notice, "Choose its CA file …", certificate, qtbot)
        wizard.go.click()
        qtbot.waitUntil(lambda: wizard.step == "done" or bool(wizard.notice.message), timeout=_LONG)
        assert wizard.step == "done", wizard.notice.message
        assert wizard.outcome.title.text() == "wine version 1 is in the registry."
        (package,) = the_session(window).workspace.ledger.packages("wine")

        _press(wizard, "Check it …")
        check = the_dialog(window, CheckPackageDialog)
        assert check.wanted == f"{host}/ml/wine:1"
        _check(check, qtbot)
        assert check.verdict.text() == "It is all as it was packaged, and signed by this workspace."

        check.reference.setText(f"{host}/ml/wine:2")
        _check(check, qtbot)
        assert "has no image" in check.notice.message and check.views.shown == "nothing"

        forget_registry(host)
        window.studio.reload_settings(load_settings())
        check.reference.setText(f"{host}/ml/wine:1")
        _check(check, qtbot)
        _reach(window, check.notice, "Choose its CA file …", certificate, qtbot)
        for blob in (tmp_path / "data").rglob(f"{package.layers[-1].digest.removeprefix('sha256:')}/data"):
            blob.unlink()
        _check(check, qtbot)
        assert check.views.shown == "nothing" and check.notice.message, "a layer is no longer there"
        check.reject()


def _check(check: CheckPackageDialog, qtbot: QtBot) -> None:
    check.go.click()
    qtbot.waitUntil(lambda: check.views.shown == "found" or bool(check.notice.message), timeout=_LONG)


def _reach(window: MainWindow, notice: Notice, words: str, certificate: Path, qtbot: QtBot) -> None:
    """Press what ``notice`` offers, and say how the registry is reached."""
    assert notice.action is not None and notice.action.text() == words
    notice.action.click()
    login = the_dialog(window, ImageRegistryDialog)
    login.user.setText("svc")
    login.password.setText("correct horse")
    login.ca_file.line.setText(str(certificate))
    login.go_on()
    qtbot.waitUntil(lambda: not window.findChildren(ImageRegistryDialog), timeout=_LONG)
    assert not notice.message


def _press(root: QWidget, words: str) -> None:
    QApplication.processEvents()
    (button,) = [each for each in root.findChildren(QPushButton) if each.text() == words and each.isVisible()]
    button.click()

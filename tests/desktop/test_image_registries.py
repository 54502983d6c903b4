"""Image registries on the Settings page, and the way there from what packaging says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.image_registry import ImageRegistryDialog
from kronkers_studio.desktop.pages.settings import SettingsPage
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.errors import RegistryLoginRefused, RegistryUntrusted, StudioError
from kronkers_studio.packaging import base_from_registry, users_layer_cache
from kronkers_studio.settings.configuration import change_settings, load_settings
from tests.lab.secret_service import SecretService
from tests.packaging.image_files import SmallImage, tar_of
from tests.packaging.registry_servers import Registry, let_svc_in, make_certificate, own_registry

OpenWindow = Callable[..., MainWindow]
Rest = Callable[[MainWindow], None]
PATIENCE = 60_000
ASKS = {"WWW-Authenticate": 'Basic realm="here"'}


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return make_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def registry(certificate: tuple[Path, Path]) -> Iterator[Registry]:
    with own_registry(*certificate) as running:
        let_svc_in(running)
        yield running


def settings_page(window: MainWindow) -> SettingsPage:
    page = window.page("settings")
    assert isinstance(page, SettingsPage)
    return page


def open_dialog(page: SettingsPage, kind: type[QDialog] = ImageRegistryDialog) -> Any:
    (dialog,) = [found for found in page.findChildren(kind) if found.isVisible()]
    return dialog


def test_a_registry_is_tried_and_then_kept(
    secret_service: SecretService,
    registry: Registry,
    certificate: tuple[Path, Path],
    open_main_window: OpenWindow,
    workspace: Path,
    come_to_rest: Rest,
    qtbot: QtBot,
) -> None:
    window = open_main_window(workspace, page="settings")
    page = settings_page(window)
    come_to_rest(window)
    assert list(page.registries.rows) == ["docker.io"]  # where the base image comes from
    page.registries.add.click()
    dialog = open_dialog(page)
    dialog.go_on()
    assert "address" in dialog.notice.message
    dialog.host.setText(registry.host)
    dialog.go_on()
    assert "user name and a password" in dialog.notice.message
    dialog.user.setText("svc")
    dialog.go_on()
    assert "password" in dialog.notice.message
    assert registry.requests == []

    def tries(password: str, ca_file: str) -> None:
        dialog.password.setText(password)
        dialog.ca_file.line.setText(ca_file)
        dialog.go_on()
        assert not dialog.keep.isEnabled()
        qtbot.waitUntil(dialog.keep.isEnabled, timeout=PATIENCE)

    tries("correct horse", "")
    assert "is not trusted" in dialog.notice.message
    assert dialog.ca_file.line.hasFocus()
    tries("hunter2", str(certificate[0]))
    assert "does not accept the password" in dialog.notice.message
    assert dialog.password.hasFocus()
    assert load_settings().image_registries == ()
    dialog.password.setText("correct horse")
    qtbot.keyClick(dialog, Qt.Key.Key_Return)  # the primary button is the default
    qtbot.waitUntil(lambda: registry.host in page.registries.rows, timeout=PATIENCE)

    assert page.registries.rows[registry.host].state.text() == "Logged in as svc · CA file tls.crt"
    assert keyring.get_password("Kronkers Studio", f"image registry {registry.host}, user svc") == "correct horse"
    assert window.studio.session is not None
    assert [found.user for found in window.studio.session.settings.image_registries] == ["svc"], "in force at once"
    assert "is reached as svc" in page.notice.message

    page.registries.rows[registry.host].forget.click()
    asked = open_dialog(page, Dialog)
    qtbot.keyClick(asked, Qt.Key.Key_Return)  # Cancel has the keyboard
    come_to_rest(window)
    assert registry.host in page.registries.rows
    page.registries.rows[registry.host].forget.click()
    next(button for button in open_dialog(page, Dialog).findChildren(type(page.registries.add))[::-1]).click()
    qtbot.waitUntil(lambda: list(page.registries.rows) == ["docker.io"], timeout=PATIENCE)
    assert keyring.get_password("Kronkers Studio", f"image registry {registry.host}, user svc") is None


def test_a_ca_file_is_taken_away_again_without_the_password(
    registry: Registry,
    certificate: tuple[Path, Path],
    open_main_window: OpenWindow,
    workspace: Path,
    come_to_rest: Rest,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))  # it is a usual one by now
    known = {"host": registry.host, "user": "svc", "ca_file": str(certificate[0])}
    change_settings(image_registries=[known])
    window = open_main_window(workspace, page="settings")
    page = settings_page(window)
    come_to_rest(window)
    page.registries.rows[registry.host].change.click()
    dialog = open_dialog(page)
    assert (dialog.user.text(), dialog.password.text()) == ("svc", "")
    dialog.user.setText("")
    dialog.go_on()
    assert "Forget the registry" in dialog.notice.message
    dialog.user.setText("svc")
    dialog.ca_file.line.clear()
    dialog.go_on()
    qtbot.waitUntil(lambda: load_settings().image_registries[0].ca_file is None, timeout=PATIENCE)
    assert load_settings().image_registries[0].user == "svc"
    come_to_rest(window)


@pytest.mark.parametrize(
    ("kind", "words"), [(RegistryLoginRefused, "Log in to it …"), (RegistryUntrusted, "Choose its CA file …")]
)
@pytest.mark.parametrize("visited", [False, True])
def test_what_packaging_says_leads_to_the_registry(
    open_main_window: OpenWindow,
    workspace: Path,
    come_to_rest: Rest,
    qtbot: QtBot,
    kind: type[StudioError],
    words: str,
    visited: bool,
) -> None:
    window = open_main_window(workspace, page="settings" if visited else "deploy")
    come_to_rest(window)
    window.show_page("deploy")
    page: Any = window.page("deploy")
    error = kind("It says no.", next_step="Do something.")
    error.image_registry = "registry.example.org"
    page.show_error(error)
    assert page.notice.action.text() == words

    page.notice.action.click()

    settings = settings_page(window)
    qtbot.waitUntil(lambda: bool(settings.findChildren(ImageRegistryDialog)), timeout=PATIENCE)
    dialog = open_dialog(settings)
    assert dialog.host.text() == "registry.example.org"
    dialog.reject()
    window.show_page("home")
    window.show_page("settings")
    come_to_rest(window)
    assert not [found for found in settings.findChildren(ImageRegistryDialog) if found.isVisible()]  # asked once


def test_newer_base_images_are_got(
    registry: Registry,
    certificate: tuple[Path, Path],
    open_main_window: OpenWindow,
    workspace: Path,
    come_to_rest: Rest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    change_settings(image_registries=[{"host": registry.host, "ca_file": str(certificate[0])}])
    window = open_main_window(workspace, page="settings")
    page = settings_page(window)
    come_to_rest(window)

    def press() -> str:
        page.registries.refresh.click()
        come_to_rest(window)
        assert page.registries.refresh.isEnabled()
        return page.notice.message

    assert press() == "No base image of a registry is kept here."
    registry.serve(SmallImage(layers=[tar_of({"bin/python3": b"1"})]))
    base_from_registry(f"{registry.host}/team/base:1", "linux/amd64", users_layer_cache(), ca_file=certificate[0])
    assert press() == "There are no newer base images."
    registry.serve(SmallImage(layers=[tar_of({"bin/python3": b"2"})]))
    assert press() == "1 newer base image is here."
    registry.answers["/v2/team/base/manifests/1"] = (401, ASKS, b"")
    assert "does not let anybody read team/base" in press()
    assert page.notice.action is not None
    assert page.notice.action.text() == "Log in to it …"

"""A service that ends by itself is shown as stopped on every page, and each offers to start it again."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.confinement import Level, Means
from kronkers_studio.deployment import local
from kronkers_studio.desktop.dialogs.dialog import Dialog
from kronkers_studio.desktop.pages.deploy import DeployPage
from kronkers_studio.desktop.pages.settings import SettingsPage
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import list_releases, release_model, stop_release
from kronkers_studio.workflows.session import Session, open_workspace

OpenWindow = Callable[..., MainWindow]
Rest = Callable[[MainWindow], None]

_SAMPLE = resource("sample/OneDrive - Kronkers")
_WITHIN = 5000  # milliseconds; so soon a page shows it
_LONG = 120_000
_PAGES = ("home", "deploy", "models", "monitor")


@pytest.fixture
def with_model(workspace: Path) -> Path:
    """A workspace with the model "wine", which is not live."""
    with open_workspace(workspace) as session:
        migrate_folder(session, _SAMPLE, project="sample")
        path = next(path for path in _SAMPLE.rglob("*.joblib") if "wine" in path.name)
        register_model(session, "sample", path.relative_to(_SAMPLE).as_posix(), name="wine")
    return workspace


@pytest.fixture
def with_service(with_model: Path) -> Iterator[Path]:
    """The same, live on this computer; whatever runs at the end is stopped."""
    with open_workspace(with_model) as session:
        release_model(session, "wine", to=THIS_COMPUTER)
    yield with_model
    with open_workspace(with_model) as session:
        for release in _live(session):
            stop_release(session, release.model, release.place)


def _live(session: Session) -> list[Release]:
    return [release for release in list_releases(session) if release.state is ReleaseState.LIVE]


def _words(page: QWidget) -> str:
    """All that the page shows as text, the tables' cells too."""
    from PySide6.QtWidgets import QLabel, QTableView

    found = [label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page)]
    for table in page.findChildren(QTableView):
        model = table.model()
        if model is not None and table.isVisibleTo(page):
            rows, columns = range(model.rowCount()), range(model.columnCount())
            found += [str(model.index(row, column).data()) for row in rows for column in columns]
    return " ".join(found)


@pytest.mark.parametrize("key", _PAGES)
def test_a_killed_service_is_shown_as_stopped_within_five_seconds_and_started_again(
    key: str, open_main_window: OpenWindow, with_service: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(with_service)
    come_to_rest(window)
    window.show_page(key)
    page = window.page(key)
    session = window.studio.session
    assert session is not None
    qtbot.waitUntil(lambda: "Live" in _words(page), timeout=_LONG)
    assert "Stopped" not in _words(page)
    (live,) = _live(session)
    psutil.Process(int(live.endpoint["pid"])).kill()
    killed = time.monotonic()
    qtbot.waitUntil(lambda: "Stopped" in _words(page), timeout=_WITHIN)
    assert time.monotonic() - killed < _WITHIN / 1000
    if key == "models":  # its list has no buttons for one row
        window.show_page("deploy")
        page = window.page("deploy")
    qtbot.waitUntil(lambda: bool(_start_buttons(page)), timeout=_WITHIN)
    _start_buttons(page)[0].click()
    qtbot.waitUntil(lambda: bool(_live(session)), timeout=_LONG)
    qtbot.waitUntil(lambda: "Live" in _words(page) and "Stopped" not in _words(page), timeout=_LONG)
    assert not _start_buttons(page)


def _start_buttons(page: QWidget) -> list[QPushButton]:
    return [b for b in page.findChildren(QPushButton) if b.text() == "Start again" and b.isVisibleTo(page)]


def test_what_ended_with_the_computer_is_shown_as_stopped_when_the_window_opens(
    open_main_window: OpenWindow, with_service: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    with open_workspace(with_service) as session:
        (live,) = _live(session)
    psutil.Process(int(live.endpoint["pid"])).kill()
    window = open_main_window(with_service)
    come_to_rest(window)
    window.show_page("home")
    qtbot.waitUntil(lambda: bool(_start_buttons(window.page("home"))), timeout=_WITHIN)
    assert "Live" not in _words(window.page("home")).replace("Live now", "").replace("Live services", "")


def test_a_computer_that_confines_nothing_asks_once_before_a_model_runs(
    open_main_window: OpenWindow,
    with_model: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(local, "means_here", lambda: Means(Level.NONE, missing=("It could read what you can.",)))
    window = open_main_window(with_model)
    come_to_rest(window)
    window.show_page("deploy")
    page = window.page("deploy")
    session = window.studio.session
    assert isinstance(page, DeployPage)
    assert session is not None
    come_to_rest(window)
    page.put_live("wine", 1, THIS_COMPUTER)
    qtbot.waitUntil(lambda: bool(page.findChildren(Dialog)), timeout=_LONG)
    (dialog,) = page.findChildren(Dialog)
    assert "It could read what you can." in dialog.sentence.text()
    assert not _live(session)
    next(button for button in dialog.findChildren(QPushButton) if button.text() == "Run unprotected").click()
    qtbot.waitUntil(lambda: bool(_live(session)), timeout=_LONG)
    come_to_rest(window)
    assert window.studio.settings.run_unprotected, "it is not asked again"
    stop_release(session, "wine", THIS_COMPUTER)


def test_the_settings_say_what_a_model_is_kept_from_and_switch_the_start_at_log_in(
    open_main_window: OpenWindow, with_model: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(with_model)
    window.show_page("settings")
    come_to_rest(window)
    page = window.page("settings")
    assert isinstance(page, SettingsPage)
    assert "kept from your files" in page.protection.text()
    assert not page.autostart.isChecked()
    page.autostart.click()
    come_to_rest(window)
    page.refresh()
    come_to_rest(window)
    assert page.autostart.isChecked()
    assert list(Path.home().rglob("kronkers-start-*"))
    page.autostart.click()
    come_to_rest(window)
    assert not list(Path.home().rglob("kronkers-start-*"))

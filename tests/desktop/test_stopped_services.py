"""Every page says what is true of a service: that it ended by itself, is removed, does not answer, is being started."""

from __future__ import annotations

import importlib
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import psutil
import pytest
from PySide6.QtWidgets import QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.confinement import Level, Means
from kronkers_studio.deployment import local_service
from kronkers_studio.desktop import pages
from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.destinations import RollBack, ShowModel
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.page_list import page_keys
from kronkers_studio.desktop.pages.deploy import DeployPage
from kronkers_studio.desktop.pages.models import ModelsPage
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.pages.settings import SettingsPage
from kronkers_studio.desktop.panels.release_events import Happened
from kronkers_studio.desktop.panels.service_figures import ServiceFigures
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.domain.changes import ReleaseRecorded
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import sample_rows
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.places import ThisComputer
from kronkers_studio.workflows.releases import list_releases, predict, release_model, stop_release
from kronkers_studio.workflows.servers import add_server, show_host_key
from kronkers_studio.workflows.session import Session, open_workspace
from kronkers_studio.workflows.settling import settle_releases
from kronkers_studio.workflows.workers import at_work
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.lab.servers import LabServer

pytestmark = pytest.mark.safety

_SAMPLE = resource("sample/OneDrive - Kronkers")
_WITHIN = 5000  # milliseconds; so soon a page shows it
_LONG = 120_000


def _page_classes() -> set[type[Page]]:
    for module in pkgutil.iter_modules(pages.__path__, f"{pages.__name__}."):
        importlib.import_module(module.name)
    return {kind for kind in Page.__subclasses__() if kind.__module__.startswith(f"{pages.__name__}.")}


_PAGES = sorted(kind.key for kind in _page_classes() if "releases" in kind.changes)
"""Those that show themselves anew when a release changes."""


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


def _show(window: MainWindow, key: str) -> None:
    """Go to that page, of the model that all of this is about."""
    if key == "model":
        window.go_to(ShowModel("wine"))
    else:
        window.show_page(key)


def _words(page: QWidget) -> str:
    """All that the page shows as text, the tables' cells too; not the list of what happened, which tells of before."""
    from PySide6.QtWidgets import QLabel, QTableView

    past = {label for card in page.findChildren(Happened) for label in card.findChildren(QLabel)}
    found = [label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page) and label not in past]
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
    _show(window, key)
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


def test_no_page_shows_what_is_live_but_those_that_follow_what_becomes_of_it(
    open_main_window: OpenWindow, with_service: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Seen to fail with the Models page not shown anew when a release changes, and with a page made anew that shows
    releases: the tests here, which are about all pages that do, would not have looked at it."""
    assert {kind.key for kind in _page_classes()} == set(page_keys())
    window = open_main_window(with_service)
    come_to_rest(window)
    session = window.studio.session
    assert session is not None
    (live,) = _live(session)
    showing = []
    for key in page_keys():
        _show(window, key)
        come_to_rest(window)
        if key in _PAGES:
            qtbot.waitUntil(partial(_says_live, window, key), timeout=_LONG)
        if _says_live(window, key) or live.label in _words(window.page(key)):
            showing.append(key)
    assert sorted(showing) == _PAGES


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
    monkeypatch.setattr(
        local_service, "means_here", lambda: Means(Level.NONE, missing=("It could read what you can.",))
    )
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
    page = the_page(window, SettingsPage)
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


_UNHEARD = 12_000  # milliseconds; so soon a page says that a server does not answer: its packets vanish, nobody is told


@pytest.fixture
def on_server(
    with_model: Path, lab_server: LabServer, base_image_archive: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """The model live on the lab's server, which the workspace calls "factory"."""
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))
    known = lab_server.as_server()
    with open_workspace(with_model) as session:
        shown = show_host_key(known.address)
        identity = Path(known.identity_file)
        add_server(session, "factory", known.address, fingerprint=shown.fingerprint, identity_file=identity)
        release_model(session, "wine", to="factory")
    yield with_model
    with open_workspace(with_model) as session:
        for release in _live(session):
            stop_release(session, release.model, release.place)


def _says(window: MainWindow, key: str, word: str) -> bool:
    return word in _words(window.page(key))


def _says_nothing_live(window: MainWindow, key: str) -> bool:
    return not _says_live(window, key)


def _says_unreachable(window: MainWindow, key: str) -> bool:
    return "Unreachable" in _words(window.page(key))


def _says_live(window: MainWindow, key: str) -> bool:
    """Whether the page claims that something is live, in green."""
    page = window.page(key)
    pills = [pill for pill in page.findChildren(Pill) if pill.isVisibleTo(page) and pill.property("pill") == "ok"]
    if isinstance(page, ModelsPage):
        return any(page._state(version) == ("Live", "ok") for version in page.versions.content.rows)
    return any(pill.text() in ("Live", "1 live", "in 1 place") for pill in pills)


def _visit_all(window: MainWindow, come_to_rest: Rest) -> None:
    for key in _PAGES:
        _show(window, key)
        come_to_rest(window)


def test_no_page_calls_live_what_does_not_answer_and_all_say_since_when(
    open_main_window: OpenWindow, on_server: Path, lab_server: LabServer, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(on_server)
    _visit_all(window, come_to_rest)
    recorder = Recorder.of(window.studio)
    qtbot.waitUntil(lambda: bool(recorder.heard_of("wine", "factory").answers), timeout=_LONG)
    for key in _PAGES:
        _show(window, key)
        qtbot.waitUntil(partial(_says_live, window, key), timeout=_WITHIN)
    window.show_page("deploy")
    deploy = the_page(window, DeployPage)
    deploy.ask_put_live("wine", 1, "factory")
    (dialog,) = deploy.findChildren(PutLiveDialog)
    assert "live there now" in dialog.plan.text()
    with lab_server.link_cut():
        qtbot.waitUntil(lambda: recorder.heard_of("wine", "factory").silent, timeout=_UNHEARD)
        assert "does not answer since" in dialog.plan.text()
        assert "live there now" not in dialog.plan.text()
        dialog.close()
        for key in _PAGES:
            _show(window, key)
            qtbot.waitUntil(partial(_says_nothing_live, window, key), timeout=1000)
            # what was just put into a page is visible only once its layout has come to it
            qtbot.waitUntil(partial(_says_unreachable, window, key), timeout=_WITHIN)
            assert "Stopped" not in _words(window.page(key)), "nobody knows that"
            if key != "models":
                assert "does not answer since" in _words(window.page(key)), key
    window.show_page("home")
    qtbot.waitUntil(lambda: _says_live(window, "home"), timeout=_LONG)


@contextmanager
def _dropping(server: LabServer) -> Iterator[None]:
    """A firewall drops whatever is sent there: attempts to connect wait to their end."""
    rule = "INPUT -p tcp --dport 22 -j DROP"
    server.root(f"iptables -w -I {rule}")
    try:
        yield
    finally:
        server.root(f"iptables -w -D {rule}")


def test_a_window_that_opens_without_the_server_shows_all_pages_at_once_and_claims_nothing(
    open_main_window: OpenWindow, on_server: Path, lab_server: LabServer, qtbot: QtBot
) -> None:
    with open_workspace(on_server) as session:  # a release there was interrupted, too: it cannot be ended now
        (live,) = _live(session)
        with at_work() as worker:
            begun = replace(live, number=9, state=ReleaseState.STARTING, worker=worker, endpoint={"service": "w-r9"})
            session.workspace.ledger.record(ReleaseRecorded(begun), author="ada")
    with _dropping(lab_server):
        window = open_main_window(on_server)
        for key in _PAGES:
            _show(window, key)
            qtbot.waitUntil(partial(_says, window, key, "wine"), timeout=_WITHIN)
            assert not _says_live(window, key), key
        recorder = Recorder.of(window.studio)
        qtbot.waitUntil(lambda: recorder.heard_of("wine", "factory").silent, timeout=_UNHEARD)
        for key in _PAGES:
            _show(window, key)
            qtbot.waitUntil(partial(_says, window, key, "Unreachable"), timeout=_WITHIN)
    with open_workspace(on_server) as session:

        def ended() -> bool:  # by whoever looks next: the window may be at it
            settle_releases(session, "factory")
            return {each.state for each in list_releases(session) if each.number == 9} == {ReleaseState.FAILED}

        qtbot.waitUntil(ended, timeout=_LONG)


def test_a_service_that_was_removed_on_the_server_is_shown_as_stopped_on_all_pages(
    open_main_window: OpenWindow, on_server: Path, lab_server: LabServer, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(on_server)
    _visit_all(window, come_to_rest)
    recorder = Recorder.of(window.studio)
    qtbot.waitUntil(lambda: bool(recorder.heard_of("wine", "factory").answers), timeout=_LONG)
    session = window.studio.session
    assert session is not None
    (live,) = _live(session)
    removed = time.monotonic()
    lab_server.root(f"docker service rm {live.endpoint['service']}")
    window.show_page("home")
    qtbot.waitUntil(lambda: "Stopped" in _words(window.page("home")), timeout=2 * _WITHIN)
    assert time.monotonic() - removed < 2 * _WITHIN / 1000
    for key in _PAGES:
        _show(window, key)
        qtbot.waitUntil(partial(_says, window, key, "Stopped"), timeout=_WITHIN)
        assert not _says_live(window, key)
        assert key == "models" or _start_buttons(window.page(key)), key


def test_what_another_program_does_is_shown_while_it_does_it_and_when_it_is_done(
    open_main_window: OpenWindow, with_model: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(with_model)
    _visit_all(window, come_to_rest)
    window.show_page("home")
    ended = [sys.executable, "-c", "input()"]
    with subprocess.Popen(ended, stdin=subprocess.PIPE) as other, open_workspace(with_model) as session:
        started = psutil.Process(other.pid).create_time()
        with at_work() as worker:
            theirs = replace(worker, process=other.pid, started=started)
        endpoint = ThisComputer(session).endpoint("wine", 1)
        now = datetime.now(UTC)
        begun = Release(
            "wine", THIS_COMPUTER, 1, 1, "sha256:0", ReleaseState.STARTING, now, now, "ada", endpoint, worker=theirs
        )
        session.workspace.ledger.record(ReleaseRecorded(begun), author="ada")
        for key in _PAGES:
            _show(window, key)
            qtbot.waitUntil(partial(_says, window, key, "Starting"), timeout=_WITHIN)
        assert "being started by ada" in _words(window.page("home"))
        other.communicate(b"")
        for key in ("deploy", "monitor"):
            _show(window, key)
            qtbot.waitUntil(partial(_says, window, key, "Failed"), timeout=_WITHIN)
        release_model(session, "wine", to=THIS_COMPUTER)
        for key in _PAGES:
            _show(window, key)
            qtbot.waitUntil(partial(_says_live, window, key), timeout=_WITHIN)
        stop_release(session, "wine", THIS_COMPUTER)
        for key in _PAGES:
            _show(window, key)
            qtbot.waitUntil(partial(_says_nothing_live, window, key), timeout=_WITHIN)


def test_the_put_live_dialog_does_not_call_live_what_has_stopped_even_while_it_is_open(
    open_main_window: OpenWindow, with_service: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(with_service)
    window.show_page("deploy")
    come_to_rest(window)
    page = window.page("deploy")
    session = window.studio.session
    assert isinstance(page, DeployPage)
    assert session is not None
    page.ask_put_live("wine", 1, THIS_COMPUTER)
    (dialog,) = page.findChildren(PutLiveDialog)
    assert "This very version is live there now" in dialog.plan.text()
    (live,) = _live(session)
    psutil.Process(int(live.endpoint["pid"])).kill()
    qtbot.waitUntil(lambda: "has stopped" in dialog.plan.text(), timeout=_WITHIN)
    assert "is live there now;" not in dialog.plan.text()
    dialog.close()


@pytest.mark.parametrize("key", ["home", "deploy"])
def test_how_a_service_does_is_seen_where_it_is_listed_and_muted_when_it_has_stopped(
    key: str, open_main_window: OpenWindow, with_service: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Seen to fail with figures that are read once, and with those of a stopped service in full black."""
    window = open_main_window(with_service, page=key)
    come_to_rest(window)
    page, session = window.page(key), window.studio.session
    assert session is not None

    def figures() -> ServiceFigures:
        return page.findChildren(ServiceFigures)[-1]  # cards are made anew when something is heard

    qtbot.waitUntil(lambda: bool(page.findChildren(ServiceFigures)), timeout=_LONG)
    if key == "home":
        qtbot.waitUntil(lambda: "Nobody has asked it yet" in _words(page), timeout=_LONG)

    def is_timed() -> bool:  # between two readings there has to be a request
        predict(session, "wine", THIS_COMPUTER, sample_rows())
        return figures().response.figure.text().endswith("ms")

    qtbot.waitUntil(is_timed, timeout=_LONG)
    assert figures().errors.figure.text() == "0 %"
    assert figures().isVisibleTo(page)
    assert not figures().errors.figure.property("old")
    if key == "home":
        qtbot.waitUntil(lambda: "Nobody has asked it yet" not in _words(page), timeout=_LONG)
    (live,) = _live(session)
    psutil.Process(int(live.endpoint["pid"])).kill()
    qtbot.waitUntil(lambda: bool(figures().errors.figure.property("old")), timeout=_LONG)


def test_a_roll_back_says_from_which_version_to_which(
    open_main_window: OpenWindow, with_service: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    with open_workspace(with_service) as session:
        path = next(path for path in _SAMPLE.rglob("*.onnx") if "wine" in path.name)
        register_model(session, "sample", path.relative_to(_SAMPLE).as_posix(), name="wine")
        release_model(session, "wine", to=THIS_COMPUTER)
    window = open_main_window(with_service, page="deploy")
    come_to_rest(window)
    page = the_page(window, DeployPage)
    page.do(RollBack("wine", THIS_COMPUTER, 1))
    told = "wine was rolled back from version 2 to 1 on this computer."
    qtbot.waitUntil(lambda: page.notice.message == told, timeout=_LONG)

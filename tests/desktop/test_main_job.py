"""The main job through the window, on real parts: first-run wizard, sample folder, live service, moving chart."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.add_server import AddServerDialog
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.pages.deploy import DeployPage
from kronkers_studio.desktop.pages.monitor import MonitorPage
from kronkers_studio.desktop.pages.servers import ServersPage
from kronkers_studio.desktop.panels.server_card import ServerCard
from kronkers_studio.desktop.window import MainWindow
from kronkers_studio.desktop.wizard.first_run import FirstRunWizard
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.domain.series import Metric
from kronkers_studio.settings.paths import resource
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.releases import list_releases, stop_release
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.mouse import Mouse, button_of, file_dialog
from tests.lab.servers import LabServer
from tests.workflows.broken_model import register_model_that_never_starts

_PASSPHRASE = "correct horse battery"
_MODEL = "wine-cultivar"
_LONG = 240_000  # milliseconds; the first packaging downloads the model's libraries
_SHORT = 30_000
_CLICKS_TO_LIVE = 8  # look inside, make, tick, continue, bring in, continue, which model, put it live
_CLICKS_TO_CHARTS = 13  # … send it rows, open a file, which, send, Monitor
_MODEL_FOLDER = resource("sample/OneDrive - Kronkers") / "Quality" / "Wine" / "model"


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where the wizard makes the workspace; whatever still runs there is stopped at the end."""
    made = tmp_path / "workspace"
    yield made
    from kronkers_studio.workflows.session import open_workspace, workspace_exists

    if workspace_exists(made):
        with open_workspace(made, passphrase=Secret(_PASSPHRASE)) as session:
            for release in list_releases(session):
                if release.state is ReleaseState.LIVE:
                    stop_release(session, release.model, release.place)


@pytest.fixture
def base_image_setting(base_image_archive: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Packages for servers are built on the lab's base image."""
    monkeypatch.setenv("KRONKERS_BASE_IMAGE", str(base_image_archive))


def test_from_the_first_run_wizard_to_a_moving_chart(
    open_main_window: OpenWindow, directory: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(directory)
    qtbot.waitUntil(lambda: window.wizard is not None, timeout=_SHORT)
    wizard = window.wizard
    assert wizard is not None

    _protect_and_look_inside(wizard, qtbot)
    _bring_in(wizard, qtbot)
    _put_live(wizard, qtbot)
    assert window.current == "monitor"
    assert window.wizard is None

    deploy = _send_rows(window, qtbot, come_to_rest)
    _watch_the_chart_move(window, deploy, qtbot)

    window.close()
    _see_the_same_charts_again(open_main_window, directory, qtbot)


def test_by_mouse_from_the_first_run_to_a_live_model_and_its_charts_in_few_clicks(
    open_main_window: OpenWindow, directory: Path, own_home: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_DontUseNativeDialogs)
    folder = own_home / "OneDrive - Kronkers"
    shutil.copytree(resource("sample/OneDrive - Kronkers"), folder)
    window = open_main_window(directory)
    qtbot.waitUntil(lambda: window.wizard is not None, timeout=_SHORT)
    wizard = window.wizard
    assert wizard is not None
    mouse = Mouse(qtbot)

    qtbot.waitUntil(lambda: _shows_button(wizard, "Look inside"), timeout=_SHORT)
    mouse.click(_button(wizard, "Look inside"))
    assert wizard.step == "protect"
    _type(wizard, _PASSPHRASE, qtbot)
    qtbot.keyClick(_focused(wizard), Qt.Key.Key_Tab)
    if _focused(wizard) is not wizard.protect_step.confirmation:  # the eye that shows what was typed is between them
        qtbot.keyClick(_focused(wizard), Qt.Key.Key_Tab)
    _type(wizard, _PASSPHRASE, qtbot)
    mouse.click(wizard.next_button)
    qtbot.waitUntil(lambda: wizard.step == "recovery", timeout=_SHORT)
    mouse.click(wizard.recovery_step.tick)
    mouse.click(wizard.next_button)
    qtbot.waitUntil(lambda: wizard.step == "plan", timeout=_SHORT)
    mouse.click(wizard.next_button)
    qtbot.waitUntil(lambda: wizard.step == "outcome", timeout=_SHORT)
    mouse.click(wizard.next_button)
    table = wizard.live_step.table
    qtbot.waitUntil(lambda: table.content.rowCount() > 1, timeout=_SHORT)
    rows = list(table.content.rows)
    mouse.click_row(table, next(i for i, row in enumerate(rows) if row.source.path.endswith(".joblib")))
    assert table.chosen is not None and table.chosen.source.path.endswith(".joblib")
    mouse.click(wizard.next_button)
    qtbot.waitUntil(lambda: "is live" in _refusal(wizard) or wizard.back_button.isVisible(), timeout=_LONG)
    assert "is live on this computer" in _refusal(wizard)
    assert mouse.clicks == _CLICKS_TO_LIVE

    mouse.click(wizard.rows_button)
    come_to_rest(window)
    deploy = the_page(window, DeployPage)
    assert window.current == "deploy"
    mouse.click(deploy.send_panel.open_button)
    mouse.click_in_dialog(file_dialog(window, qtbot), str(folder / "Quality" / "Wine" / "model" / "rows.csv"))
    qtbot.waitUntil(lambda: deploy.send_panel.how.key == "table", timeout=_SHORT)
    mouse.click(deploy.send_panel.button)
    qtbot.waitUntil(lambda: deploy.send_panel.answers.views.shown == "table", timeout=_SHORT)
    assert deploy.send_panel.notice.message == ""
    mouse.click(button_of(window, "Monitor"))
    page = the_page(window, MonitorPage)
    assert window.current == "monitor"
    qtbot.waitUntil(lambda: page.watched == (_MODEL, THIS_COMPUTER), timeout=_SHORT)
    qtbot.waitUntil(lambda: page.views.shown == "charts", timeout=_SHORT)
    qtbot.waitUntil(lambda: page.live is not None and page.live.totals.get("answered", 0) >= 1, timeout=_SHORT)
    assert mouse.clicks == _CLICKS_TO_CHARTS


def test_on_a_server_from_its_fingerprint_to_a_moving_chart_and_past_a_failed_release(
    open_main_window: OpenWindow,
    directory: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    lab_server: LabServer,
    base_image_setting: None,
    tmp_path: Path,
) -> None:
    window = open_main_window(directory)
    qtbot.waitUntil(lambda: window.wizard is not None, timeout=_SHORT)
    assert window.wizard is not None
    _protect_and_look_inside(window.wizard, qtbot)
    _bring_in(window.wizard, qtbot)
    _put_live(window.wizard, qtbot)

    _add_server(window, lab_server, qtbot)
    deploy = _put_live_there(window, "factory", 1, qtbot, come_to_rest)
    assert "is live on factory" in deploy.notice.message

    deploy.send_rows(_MODEL, "factory")
    deploy.send_panel.how.choose("text")
    deploy.send_panel.text.setPlainText((_MODEL_FOLDER / "rows.json").read_text(encoding="utf-8"))
    _send(deploy, qtbot)
    window.show_page("monitor")
    page = the_page(window, MonitorPage)
    page.restore({"model": _MODEL, "place": "factory"})
    qtbot.waitUntil(lambda: _is_reached(page, "factory"), timeout=_SHORT)
    before = page.charts[3].grab().toImage()
    qtbot.waitUntil(lambda: page.charts[3].grab().toImage() != before, timeout=_SHORT)

    session = window.studio.session
    assert session is not None
    broken = register_model_that_never_starts(session, _MODEL, tmp_path)
    deploy = _put_live_there(window, "factory", broken, qtbot, come_to_rest)
    assert "is live on" not in deploy.notice.message
    assert [release.version for release in list_releases(session, _MODEL, "factory") if release.state == "live"] == [1]
    deploy.send_rows(_MODEL, "factory")
    _send(deploy, qtbot)


def _is_reached(page: MonitorPage, place: str) -> bool:
    return page.live is not None and page.live.place == place and page.live.reachable


def _add_server(window: MainWindow, server: LabServer, qtbot: QtBot) -> None:
    window.show_page("servers")
    page = the_page(window, ServersPage)
    qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=_SHORT)
    page.ask_add()
    dialog = page.findChild(AddServerDialog)
    assert dialog is not None
    known = server.as_server()
    dialog.name.setText("factory")
    dialog.address.setText(f"ssh://{known.user}@{known.host}:{known.port}")
    dialog.how.choose("key")
    dialog.key_file.line.setText(known.identity_file)
    dialog.next.click()
    qtbot.waitUntil(lambda: dialog.views.shown == "fingerprint" or bool(dialog.notice.message), timeout=_SHORT)
    assert dialog.compared.fingerprint.text().startswith("SHA256:")
    dialog.compared.same.click()
    dialog.next.click()
    qtbot.waitUntil(lambda: any(card.report is not None for card in page.findChildren(ServerCard)), timeout=_SHORT)


def _put_live_there(window: MainWindow, place: str, version: int, qtbot: QtBot, come_to_rest: Rest) -> DeployPage:
    window.show_page("deploy")
    deploy = the_page(window, DeployPage)
    deploy.refresh()
    come_to_rest(window)
    deploy.show_places()
    deploy.ask_put_live(_MODEL, version, place)
    dialog = next(found for found in deploy.findChildren(PutLiveDialog) if found.isVisible())
    dialog.go.click()
    qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=_LONG)
    come_to_rest(window)
    return deploy


def _protect_and_look_inside(wizard: FirstRunWizard, qtbot: QtBot) -> None:
    _button(wizard, "Try the sample").click()
    assert wizard.step == "protect"
    wizard.protect_step.passphrase.setText(_PASSPHRASE)
    wizard.protect_step.confirmation.setText(_PASSPHRASE)
    wizard.next_button.click()
    qtbot.waitUntil(lambda: wizard.step == "recovery", timeout=_SHORT)
    wizard.recovery_step.tick.click()
    wizard.next_button.click()
    qtbot.waitUntil(lambda: wizard.step == "plan", timeout=_SHORT)


def _bring_in(wizard: FirstRunWizard, qtbot: QtBot) -> None:
    plan: Any = wizard.views.view("plan")
    found = [row.path for row in plan.table.content.rows]
    assert "Quality/Wine/model/wine_cultivar.joblib" in found
    plan.filter.choose("out")
    qtbot.waitUntil(lambda: wizard.studio.runner.idle, timeout=_SHORT)
    assert {Path(row.path).name for row in plan.table.content.rows} == {"desktop.ini", "~$Forecast 2026.xlsx"}
    wizard.next_button.click()
    qtbot.waitUntil(lambda: wizard.step == "outcome", timeout=_SHORT)


def _put_live(wizard: FirstRunWizard, qtbot: QtBot) -> None:
    wizard.next_button.click()
    table = wizard.live_step.table
    qtbot.waitUntil(lambda: table.content.rowCount() > 0, timeout=_SHORT)
    rows = list(table.content.rows)
    table.choose(next(i for i, row in enumerate(rows) if row.source.path.endswith(".joblib")))
    wizard.next_button.click()
    done = wizard.next_button
    qtbot.waitUntil(lambda: done.text() == "Open the charts" or bool(_refusal(wizard)), timeout=_LONG)
    assert "is live on this computer" in _refusal(wizard)
    done.click()


def _focused(window: QWidget) -> QWidget:
    widget = window.window().focusWidget()
    assert widget is not None
    return widget


def _type(window: QWidget, text: str, qtbot: QtBot) -> None:
    """Where the keyboard is."""
    qtbot.keyClicks(_focused(window), text)


def _shows_button(widget: QWidget, text: str) -> bool:
    return any(found.isVisibleTo(widget) and found.text() == text for found in widget.findChildren(QPushButton))


def _refusal(wizard: FirstRunWizard) -> str:
    return wizard.live_step.notice.message


def _send_rows(window: MainWindow, qtbot: QtBot, come_to_rest: Rest) -> DeployPage:
    window.show_page("deploy")
    come_to_rest(window)
    deploy = the_page(window, DeployPage)
    _button(deploy, "Send rows").click()
    rows = json.loads((_MODEL_FOLDER / "rows.json").read_text(encoding="utf-8"))["rows"]
    deploy.send_panel.fill_form(rows[0])
    _send(deploy, qtbot)
    assert [line[0] for line in deploy.send_panel.answers.table.content.rows] == ["Barolo"]

    deploy.send_panel.how.choose("text")
    deploy.send_panel.text.setPlainText(json.dumps(rows))
    _send(deploy, qtbot)
    assert deploy.send_panel.answers.table.content.rowCount() == len(rows)

    deploy.send_panel.text.setPlainText('[{"alcohol": "strong"}]')
    deploy.send_panel.button.click()
    qtbot.waitUntil(lambda: bool(deploy.send_panel.notice.message), timeout=_SHORT)
    deploy.send_panel.text.setPlainText(json.dumps(rows))
    return deploy


def _send(deploy: DeployPage, qtbot: QtBot) -> None:
    deploy.send_panel.button.click()
    qtbot.waitUntil(deploy.send_panel.button.isEnabled, timeout=_SHORT)
    assert deploy.send_panel.notice.message == ""
    assert deploy.send_panel.answers.views.shown == "table"


def _watch_the_chart_move(window: MainWindow, deploy: DeployPage, qtbot: QtBot) -> None:
    window.show_page("monitor")
    page = the_page(window, MonitorPage)
    assert page.watched is not None
    assert page.watched[1] == THIS_COMPUTER
    qtbot.waitUntil(lambda: page.live is not None and page.live.reachable, timeout=_SHORT)
    qtbot.waitUntil(lambda: page.live is not None and page.live.totals.get("answered", 0) >= 2, timeout=_SHORT)
    before = page.charts[0].grab().toImage()

    def rate() -> float:
        deploy.send_panel.send()
        QApplication.processEvents()
        return page.live.values.get(Metric.REQUEST_RATE, 0.0) if page.live is not None else 0.0

    qtbot.waitUntil(lambda: rate() > 0, timeout=_SHORT)
    qtbot.waitUntil(lambda: page.charts[0].grab().toImage() != before, timeout=_SHORT)
    qtbot.waitUntil(deploy.send_panel.button.isEnabled, timeout=_SHORT)


def _see_the_same_charts_again(open_main_window: OpenWindow, directory: Path, qtbot: QtBot) -> None:
    window = open_main_window(directory)
    card = window.gate.unlock_card
    assert card is not None
    card.entry.setText(_PASSPHRASE)
    card.button.click()
    qtbot.waitUntil(lambda: window.studio.session is not None, timeout=_SHORT)
    assert window.current == "monitor"
    page = the_page(window, MonitorPage)
    qtbot.waitUntil(lambda: page.views.shown == "charts", timeout=_SHORT)
    assert page.watched is not None
    session, (model, place) = window.studio.session, page.watched
    assert session is not None
    from kronkers_studio.workflows.metrics import live_state

    qtbot.waitUntil(lambda: live_state(session, model, place).as_of is not None, timeout=_SHORT)


def _button(widget: QWidget, text: str) -> QPushButton:
    buttons = [found for found in widget.findChildren(QPushButton) if found.isVisibleTo(widget)]
    return next(found for found in buttons if found.text().strip() == text)

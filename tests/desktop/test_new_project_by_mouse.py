"""From a new project to a live model by mouse, on real parts: how many clicks it takes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.dialogs.new_project import NewProjectDialog
from kronkers_studio.desktop.dialogs.open_in import OpenInDialog
from kronkers_studio.desktop.dialogs.put_live import PutLiveDialog
from kronkers_studio.desktop.dialogs.register import RegisterDialog
from kronkers_studio.desktop.dialogs.save_version import SaveVersionDialog
from kronkers_studio.desktop.pages.models import ModelsPage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.settings.configuration import change_settings
from kronkers_studio.settings.paths import uv_program
from kronkers_studio.workflows.releases import list_releases, predict, stop_release
from kronkers_studio.workflows.session import open_workspace
from tests.conftest import TEST_CACHE
from tests.desktop.kinds import OpenWindow, Rest, the_page, the_session
from tests.desktop.mouse import Mouse, button_of
from tests.desktop.test_working_copies import the_dialog
from tests.editors.fake_editor import FakeEditor

_NAME = "machine-failure"
_MOST_CLICKS = 12
_LONG = 240_000  # milliseconds; the first packaging downloads the model's libraries
pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="the stand-in for an editor is a script"),
]


@pytest.fixture
def stopped(workspace: Path) -> Iterator[None]:
    """What is live at the end is stopped."""
    yield
    with open_workspace(workspace) as session:
        for release in list_releases(session):
            if release.state is ReleaseState.LIVE:
                stop_release(session, release.model, release.place)


def test_a_new_project_is_a_live_model_after_twelve_clicks(
    open_main_window: OpenWindow,
    workspace: Path,
    stopped: None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    qtbot: QtBot,
    come_to_rest: Rest,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(TEST_CACHE))
    monkeypatch.setenv("PATH", f"{tmp_path / 'programs'}{os.pathsep}{os.environ['PATH']}")
    change_settings(working_copies=tmp_path / "copies")
    editor, folder = FakeEditor(tmp_path / "programs", "code"), tmp_path / "copies" / _NAME
    window, mouse = open_main_window(workspace), Mouse(qtbot)
    come_to_rest(window)
    registry, models = the_page(window, RegistryPage), the_page(window, ModelsPage)

    mouse.click(button_of(window, "Models"))
    come_to_rest(window)
    mouse.click(models.new_button)
    come_to_rest(window)
    making = the_dialog(window, NewProjectDialog)
    qtbot.keyClicks(making.name, _NAME)
    mouse.click(making.go)
    qtbot.waitUntil(lambda: bool(registry.copies.panel.rows), timeout=_LONG)
    come_to_rest(window)
    (row,) = registry.copies.panel.rows
    assert row.again is not None
    mouse.click(row.again)
    come_to_rest(window)
    mouse.click(the_dialog(window, OpenInDialog).go)
    assert editor.told()["arguments"] == [str(folder)]

    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    for script in ("train.py", "test_model.py"):  # as its tasks do in the editor
        command = [str(uv_program()), "run", "--directory", str(folder), script]
        subprocess.run(command, check=True, env=environment, timeout=600)

    come_to_rest(window)
    registry.copies.panel.look()  # as when the window is come back to
    come_to_rest(window)
    (row,) = registry.copies.panel.rows
    assert row.save is not None
    mouse.click(row.save)
    mouse.click(the_dialog(window, SaveVersionDialog).go)
    qtbot.waitUntil(lambda: "Saved as version" in registry.notice.message, timeout=_LONG)
    mouse.click(button_of(window, "Models"))
    come_to_rest(window)
    mouse.click(models.register_button)
    come_to_rest(window)
    mouse.click(the_dialog(window, RegisterDialog).go)
    qtbot.waitUntil(lambda: "is registered as version 1" in models.notice.message, timeout=_LONG)
    come_to_rest(window)
    mouse.click(models.live_button)
    come_to_rest(window)
    mouse.click(the_dialog(window, PutLiveDialog).go)
    session = the_session(window)
    qtbot.waitUntil(
        lambda: any(each.state is ReleaseState.LIVE for each in list_releases(session)) and window.studio.runner.idle,
        timeout=_LONG,
    )

    assert mouse.clicks == _MOST_CLICKS
    rows = [
        {"temperature": 60.0, "vibration": 0.4, "load": 30.0},
        {"temperature": 95.0, "vibration": 0.8, "load": 90.0},
    ]
    assert list(predict(session, _NAME, THIS_COMPUTER, rows).outputs) == ["no", "yes"]

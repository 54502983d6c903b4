"""The log, and diagnostics, as they are shown and handed out."""

from __future__ import annotations

import json
import logging
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.destinations import ShowServiceLog
from kronkers_studio.desktop.dialogs.diagnostics import DiagnosticsDialog
from kronkers_studio.desktop.dialogs.log import LogDialog
from kronkers_studio.desktop.work.task_log import TaskLog
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.releases import THIS_COMPUTER, Release
from kronkers_studio.settings.logs import LogLine, parse_line, read_log
from kronkers_studio.workflows.places import ThisComputer
from tests.desktop.kinds import OpenWindow, Rest, the_session
from tests.desktop.monitored import MODEL, put_live, service

_LONG = 30_000


pytestmark = pytest.mark.usefixtures("logged")


def _log(window: object) -> LogDialog:
    dialog = window.findChild(LogDialog)  # type: ignore[attr-defined]
    assert isinstance(dialog, LogDialog)
    return dialog


_LINES = [
    LogLine(datetime(2026, 11, 20, 12, 0, tzinfo=UTC), "info", "began"),
    LogLine(datetime(2026, 11, 20, 12, 1, tzinfo=UTC), "warning", "Sales failed", "because\nof this"),
    LogLine(None, "error", "broke"),
]


def test_lines_are_filtered_by_level_and_words_and_copied(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    window.dialogs.show_log()
    dialog = _log(window)
    dialog.follow.setChecked(False)
    come_to_rest(window)
    dialog.show_lines(_LINES)
    assert dialog.view.toPlainText().count("\n") == 4
    assert dialog.amount.text() == "3 lines"
    dialog.level.choose("warnings")
    assert "began" not in dialog.view.toPlainText()
    dialog.level.choose("errors")
    assert dialog.view.toPlainText() == "Error  broke"
    assert dialog.amount.text() == "1 of 3 lines"
    dialog.level.choose("all")
    dialog.words.setText("THIS sales")
    dialog.copy_button.click()
    assert QApplication.clipboard().text().endswith("Warning  Sales failed\n    because\n    of this")
    dialog.words.setText("nowhere")
    assert not dialog.copy_button.isEnabled()
    dialog.close()


def test_of_very_many_lines_the_newest_are_shown(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    """Seen to fail with all of them, which held up the window: 200,000 short lines for almost two seconds."""
    window = open_main_window(workspace)
    window.dialogs.show_log()
    come_to_rest(window)
    dialog = _log(window)
    dialog.follow.setChecked(False)
    lines = [LogLine(None, "error" if at % 100 == 0 else "info", f"line {at}") for at in range(20_000)]
    dialog.show_lines(lines)
    shown = dialog.view.toPlainText().splitlines()
    assert (shown[1], shown[-1], len(shown)) == ("line 17001", "line 19999", 3000)
    assert dialog.amount.text() == "The newest 3,000 of 20,000 lines"
    dialog.level.choose("errors")
    assert dialog.amount.text() == "200 of 20,000 lines"
    dialog.level.choose("all")
    dialog.words.setText("123")
    found = sum("123" in line.text for line in lines)
    assert dialog.amount.text() == f"{found} of 20,000 lines", "older ones are found all the same"


def test_the_programs_own_log_is_followed(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    """Seen to fail with it read only once."""
    window = open_main_window(workspace)
    come_to_rest(window)
    window.dialogs.show_log()
    dialog = _log(window)
    logging.getLogger("kronkers_studio").warning("something came up")
    qtbot.waitUntil(lambda: "something came up" in dialog.view.toPlainText(), timeout=_LONG)
    dialog.close()


def test_what_is_done_in_the_window_is_logged_and_failures_with_their_reason(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    window = open_main_window(workspace)
    TaskLog(window.studio.runner)

    def fail(*_: object) -> None:
        raise StudioError("The disk is full.", details="sector 5, password=hunter2")

    def bug(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    window.studio.do("Counting", lambda *_: None)
    window.studio.do("Weighing", fail)
    window.studio.do("Measuring", bug)
    qtbot.waitUntil(lambda: len(read_log()) >= 4, timeout=_LONG)
    come_to_rest(window)
    lines = {line.text: line for line in map(parse_line, read_log())}
    assert any(text.startswith("Counting: done after") for text in lines)
    failed = lines["Weighing failed: StudioError: The disk is full."]
    assert (failed.level, failed.more) == ("warning", "sector 5, password=***")
    assert "ZeroDivisionError: a bug" in lines["unexpected error in Measuring"].more


def test_a_services_log_is_reached_from_what_can_be_done_with_it(
    open_main_window: OpenWindow, workspace: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def log(_place: ThisComputer, release: Release) -> list[str]:
        said = {"time": "2026-11-20T12:00:00.000Z", "level": "warning", "message": f"{release.model} is slow"}
        return [json.dumps(said), "printed by the model"]

    monkeypatch.setattr(ThisComputer, "log", log)
    with service() as made:
        window = open_main_window(workspace)
        put_live(the_session(window), made.port)
        window.studio.changed.emit("releases")
        qtbot.waitUntil(lambda: window.studio.runner.idle, timeout=_LONG)
        window.go_to(ShowServiceLog(MODEL, THIS_COMPUTER))
        page = window.page("deploy")
        qtbot.waitUntil(lambda: page.findChild(LogDialog) is not None, timeout=_LONG)
        dialog = _log(page)
        qtbot.waitUntil(lambda: f"Warning  {MODEL} is slow" in dialog.view.toPlainText(), timeout=_LONG)
        assert "printed by the model" in dialog.view.toPlainText()
        qtbot.waitUntil(lambda: len(dialog.source.values) == 2, timeout=_LONG)
        dialog.source.choose(("", ""))
        dialog.close()


def test_diagnostics_are_shown_before_they_are_written_and_written_as_they_were_shown(
    open_main_window: OpenWindow, filled_workspace: Path, tmp_path: Path, qtbot: QtBot, come_to_rest: Rest
) -> None:
    logging.getLogger("kronkers_studio").warning("There is no folder “Team folder”.")
    window = open_main_window(filled_workspace)
    window.dialogs.show_diagnostics()
    dialog = window.findChild(DiagnosticsDialog)
    assert isinstance(dialog, DiagnosticsDialog)
    assert not dialog.save_button.isEnabled(), "nothing was shown yet"
    qtbot.waitUntil(dialog.save_button.isEnabled, timeout=_LONG)
    shown = {part.name: part.text for part in dialog.table.content.rows}
    assert "Team folder" not in shown["log.txt"]
    assert json.loads(shown["workspace.json"])["projects"] == 1
    dialog.table.choose(list(shown).index("log.txt"))
    assert dialog.view.toPlainText() == shown["log.txt"]
    dialog.save(tmp_path / "d.zip")
    qtbot.waitUntil(lambda: "Saved" in dialog.notice.message, timeout=_LONG)
    with zipfile.ZipFile(tmp_path / "d.zip") as archive:
        assert {name: archive.read(name).decode("utf-8") for name in archive.namelist()} == shown
    dialog.names.setChecked(True)
    qtbot.waitUntil(dialog.save_button.isEnabled, timeout=_LONG)
    come_to_rest(window)
    assert "Team folder" in {part.name: part.text for part in dialog.table.content.rows}["log.txt"]
    dialog.close()

"""Words that say how long ago something was go on with the time, without the page being made anew."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop import localization
from kronkers_studio.desktop.widgets.passing_time import PassingTime, keep_current
from tests.desktop.kinds import OpenWindow, Rest


class _Later(datetime):
    """The clock, five minutes on."""

    @classmethod
    def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
        return datetime.now(UTC) + timedelta(minutes=5)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def wait() -> None:
        monkeypatch.setattr(localization, "datetime", _Later)
        PassingTime.of_program().passed.emit()

    return wait


@pytest.mark.parametrize("key", ["home", "registry", "migrate"])
def test_nothing_stays_just_now(
    key: str,
    open_main_window: OpenWindow,
    filled_workspace: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
    later: Callable[[], None],
) -> None:
    window = open_main_window(filled_workspace)
    window.show_page(key)
    come_to_rest(window)
    page = window.page(key)

    def said(words: str) -> bool:
        return any(words in label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page))

    qtbot.waitUntil(lambda: said("just now"), timeout=20_000)
    labels = page.findChildren(QLabel)
    later()
    assert said("5 min ago")
    assert not said("just now")
    assert page.findChildren(QLabel) == labels, "nothing was made anew: whoever is in the midst of it stays there"


def test_the_task_bar_goes_on_with_the_time(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest, later: Callable[[], None]
) -> None:
    window = open_main_window(workspace)
    window.studio.do("Something", lambda _progress, _cancel: None)
    come_to_rest(window)
    assert "just now" in window._bar._words.text()
    later()
    assert "5 min ago" in window._bar._words.text()


def test_a_label_that_is_gone_is_told_nothing(qtbot: QtBot) -> None:
    asked: list[int] = []
    shown = QLabel()

    def words() -> str:
        asked.append(1)
        return "now"

    keep_current(shown, words)
    assert asked == [1]
    shown.deleteLater()
    qtbot.wait(10)
    PassingTime.of_program().passed.emit()
    assert asked == [1]


def test_it_passes_by_itself(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    from kronkers_studio.desktop.widgets import passing_time

    monkeypatch.setattr(passing_time, "_EVERY_MS", 20)
    shown = QLabel()
    made = PassingTime(shown)
    with qtbot.waitSignal(made.passed, timeout=2000):
        pass

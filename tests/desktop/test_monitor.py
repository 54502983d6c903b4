"""The Monitor page on a real workspace and a small real service: live, unreachable, stopped, empty."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu, QWidget
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.destinations import ToPage, WatchService
from kronkers_studio.desktop.dialogs.time_range import TimeRangeDialog
from kronkers_studio.desktop.look import theme, tokens
from kronkers_studio.desktop.pages.monitor import MonitorPage
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.changes import ReleaseRecorded
from kronkers_studio.domain.releases import THIS_COMPUTER, ReleaseState
from kronkers_studio.domain.series import Metric
from kronkers_studio.monitoring.answers import add_answers
from kronkers_studio.monitoring.service_history import Answered, Interval
from kronkers_studio.workflows.metrics import LiveFeed
from kronkers_studio.workflows.session import Session
from tests.desktop import monitored
from tests.desktop.monitored import MODEL, Service, put_live, record_history, service, workspace
from tests.own_time import own_time

PATIENCE = 20_000
NOBODY = 9  # a port at which nobody answers


@pytest.fixture
def live_service() -> Iterator[Service]:
    with service() as made:
        yield made


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with workspace(tmp_path / "workspace") as made:
        yield made


class OpenPage(Protocol):
    def __call__(self, *, wait: bool = True, state: dict[str, Any] | None = None) -> MonitorPage: ...


@pytest.fixture
def open_page(qtbot: QtBot, session: Session) -> Iterator[OpenPage]:
    """Opens the page on ``session`` as a new window would; it reads live metrics every second."""
    opened: list[tuple[Studio, MonitorPage]] = []

    def open_it(*, wait: bool = True, state: dict[str, Any] | None = None) -> MonitorPage:
        studio = Studio()
        studio.settings = replace(studio.settings, scrape_seconds=1.0)
        studio.session = session
        page = MonitorPage(studio)
        page.resize(1080, 760)
        page.show()
        if state is not None:
            page.restore(state)
        page.enter()
        opened.append((studio, page))
        if not wait:
            return page
        qtbot.waitUntil(lambda: page.settled or (page.views.shown == "empty" and studio.runner.idle), timeout=PATIENCE)
        return page

    yield open_it
    for studio, page in opened:
        page.leave()
        studio.closed.emit()
        studio.session = None
        assert studio.runner.stop()
        page.deleteLater()
        studio.deleteLater()


def pills(page: MonitorPage) -> list[str]:
    return [pill.text() for pill in page.header.findChildren(Pill) if pill.isVisibleTo(page)]


def sentence(page: MonitorPage) -> str:
    return page.header._sentence.text()


def tell_answers(session: Session, answered: Sequence[Answered], model: str = MODEL) -> None:
    """What a service would tell of the last hour, ten seconds each."""
    now = time.time()
    told = [
        (now - 3660 + 10 * number, Interval(10.0 * number, 10.0 * number + 10, {}, [], 9, 0.0, None, each))
        for number, each in enumerate(answered)
    ]
    with session.series._database.write() as connection:
        add_answers(connection, model, THIS_COMPUTER, "0" * 16, told)


def drawn_until(page: MonitorPage, metric: Metric) -> float:
    """The time of the last point drawn of ``metric``."""
    chart = next(chart for chart in page.charts if metric in chart.plot.windows)
    times = chart.plot.windows[metric].times
    return times[-1] if len(times) else 0.0


def test_a_live_model_moves_on_by_itself(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port, ago=timedelta(minutes=5))
    page = open_page()
    assert page.header._title.text() == MODEL
    assert pills(page)[:2] == ["This computer", "Live"]
    assert "Version 14, live since" in sentence(page)
    assert sentence(page).endswith("refreshed every 1 s")
    qtbot.waitUntil(lambda: drawn_until(page, Metric.REQUEST_RATE) > 0, timeout=PATIENCE)
    before, range_before = drawn_until(page, Metric.REQUEST_RATE), page.time.end
    qtbot.waitUntil(lambda: drawn_until(page, Metric.REQUEST_RATE) > before, timeout=PATIENCE)
    assert page.time.end > range_before
    assert page.figures.requests._figure.text() not in ("", "–")
    assert page.figures.response._figure.text() == "39 ms"  # all took 30 ms: 95 % through the bucket from 20 to 40
    assert page.figures.errors._pill.text() == "none so far"


def test_history_is_shown_with_what_happened(session: Session, live_service: Service, open_page: OpenPage) -> None:
    record_history(session)
    put_live(session, live_service.port, version=13, ago=timedelta(hours=5))
    put_live(session, live_service.port, version=14, ago=timedelta(hours=3))
    page = open_page()
    assert page.range_key == "6h"
    markers = page.charts[0].plot.markers
    assert [marker.text for marker in sorted(markers, key=lambda m: m.at)] == ["version 13 live", "version 14 live"]
    listed = [pill.text() for pill in page.happened.findChildren(Pill)]
    assert listed == ["Put live", "Put live"]
    hours = [(datetime.now(UTC) - marker.at).total_seconds() / 3600 for marker in markers]
    assert hours == pytest.approx([3, 5], abs=0.1)
    assert len(page.charts[1].plot.windows[Metric.LATENCY_P99]) > 300


def test_an_unreachable_service_leaves_the_charts_as_of_then(
    qtbot: QtBot, session: Session, open_page: OpenPage
) -> None:
    until = time.time() - 4000
    put_live(session, NOBODY)
    record_history(session, until=until)
    page = open_page()
    assert pills(page) == ["This computer", "Unreachable"]
    assert "as of" in sentence(page)
    assert "refreshed" not in sentence(page)
    assert "does not answer since" in sentence(page)
    assert re.search(r"trying again every \d+ s", sentence(page))  # ever less often
    assert page.notice.message == "churn-score is not running on this computer any more."
    assert page.time.end == pytest.approx(until - 15, abs=1)
    assert drawn_until(page, Metric.CPU) == pytest.approx(until, abs=60)
    assert page.figures.requests._figure.text() != "–"
    with qtbot.waitSignal(page.recorder.measured, timeout=PATIENCE):  # it was asked in vain once more
        pass
    for card in (page.figures.requests, page.figures.response, page.figures.errors, page.figures.machine):
        assert card._figure.property("old"), "muted"
        assert card._pill.property("pill") == "plain" or not card._pill.text()
    assert page.figures.requests._caption.text().startswith("Requests per second, as of ")


def test_a_notice_that_was_closed_does_not_come_back_while_the_trouble_lasts(
    qtbot: QtBot, session: Session, open_page: OpenPage
) -> None:
    put_live(session, NOBODY)
    page = open_page()
    page.notice.clear()
    with qtbot.waitSignal(page.recorder.measured, timeout=PATIENCE):
        pass
    assert not page.notice.message


def test_a_stopped_model_shows_its_last_charts_and_asks_nobody(
    session: Session, live_service: Service, open_page: OpenPage
) -> None:
    release = put_live(session, live_service.port)
    record_history(session)
    stopped = replace(release, state=ReleaseState.STANDBY, changed=datetime.now(UTC), message="stopped")
    session.workspace.ledger.record(ReleaseRecorded(stopped), author="you")
    page = open_page()
    assert pills(page) == ["This computer", "Stopped"]
    assert "nothing is live now" in sentence(page)
    assert drawn_until(page, Metric.CPU) > 0
    assert live_service.scrapes == 0


def test_nothing_live_is_one_sentence_and_one_button_that_begins(qtbot: QtBot, open_page: OpenPage) -> None:
    page = open_page()
    assert page.views.shown == "empty"
    with qtbot.waitSignal(page.studio.go) as gone:
        empty = page.views.view("empty")
        assert isinstance(empty, EmptyState)
        qtbot.mouseClick(empty.button, Qt.MouseButton.LeftButton)
    assert gone.args == [ToPage("deploy")]
    assert not page.pause_button.isVisible()


def test_a_slow_service_holds_up_neither_the_window_nor_the_charts(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    page = open_page()
    live_service.may_answer.clear()
    asked = live_service.scrapes
    begun = time.monotonic()
    longest = 0.0
    while time.monotonic() - begun < 2.5:
        before = own_time()
        QApplication.processEvents()
        longest = max(longest, own_time() - before)
        time.sleep(0.005)
    assert longest < 0.5
    assert [thread.name for thread in threading.enumerate()].count("task: live metrics") == 1, "never twice at once"
    page._choose_range("1h")
    qtbot.waitUntil(lambda: page.time.span == pytest.approx(3600), timeout=3000)
    live_service.may_answer.set()
    qtbot.waitUntil(lambda: live_service.scrapes > asked, timeout=PATIENCE)


def test_pause_holds_the_charts_and_recording_goes_on(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    page = open_page()
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    held = (page.time.start, page.time.end)
    assert page.pause_button.accessibleName() == "Resume"
    for _ in range(2):
        with qtbot.waitSignal(page.recorder.measured, timeout=PATIENCE):
            pass
    assert (page.time.start, page.time.end) == held
    recorded = session.series.latest(MODEL, THIS_COMPUTER)
    assert recorded[Metric.CPU][0] > held[1]
    qtbot.mouseClick(page.pause_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.time.end > held[1], timeout=PATIENCE)
    assert page.pause_button.accessibleName() == "Pause"


def test_moving_a_chart_pauses_and_reads_finer_lines(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    page = open_page()
    coarse = page.charts[1].plot.windows[Metric.LATENCY_P95].step
    page.time.browse(page.time.end - 1800, page.time.end - 900)
    assert page.pause_button.accessibleName() != "Pause"
    qtbot.waitUntil(lambda: page.charts[1].plot.windows[Metric.LATENCY_P95].step < coarse, timeout=PATIENCE)
    assert page.time.span == pytest.approx(900)
    times = page.charts[1].plot.windows[Metric.LATENCY_P95].times
    assert times[0] < page.time.start - 300, "some more on both sides, to move without waiting"


def test_the_page_comes_back_as_it_was_left(session: Session, live_service: Service, open_page: OpenPage) -> None:
    put_live(session, live_service.port)
    page = open_page()
    page._choose_range("24h")
    state = page.state()
    assert state == {"model": MODEL, "place": THIS_COMPUTER, "range": "24h"}
    again = open_page()
    again.restore(state)
    assert again.range_box.value == "24h"
    again.restore({"model": "gone", "place": "nowhere", "range": "for ever"})
    assert again.range_key == "24h"


def test_a_model_that_no_longer_exists_falls_back_to_one_that_does(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    page = open_page()
    page.restore({"model": "gone", "place": "nowhere"})
    qtbot.waitUntil(lambda: page.watched == (MODEL, THIS_COMPUTER), timeout=PATIENCE)


def test_what_is_live_is_recorded_whatever_page_is_in_view(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    page = open_page()
    page.leave()
    asked = live_service.scrapes
    qtbot.waitUntil(lambda: live_service.scrapes >= asked + 2, timeout=PATIENCE)
    assert Recorder.of(page.studio) is page.recorder


def test_a_service_that_takes_long_to_tell_of_its_last_day_is_not_said_to_be_silent(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    telling, told = threading.Event(), threading.Event()

    def tell(_feed: LiveFeed, *_: object) -> None:
        telling.set()
        assert told.wait(60)

    monkeypatch.setattr(LiveFeed, "_missed", tell)
    put_live(session, live_service.port)
    page = open_page(wait=False)
    qtbot.waitUntil(telling.is_set, timeout=PATIENCE)
    qtbot.wait(5000)
    heard = page.recorder.heard_of(MODEL, THIS_COMPUTER)
    told.set()
    assert heard.answers
    qtbot.waitUntil(lambda: page.settled, timeout=PATIENCE)


def test_a_new_release_is_followed_without_being_told_twice(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, NOBODY, version=1, ago=timedelta(hours=2))
    page = open_page()
    assert "Unreachable" in pills(page)
    put_live(session, live_service.port, version=2, ago=timedelta(seconds=1))
    page.studio.changed.emit("releases")
    qtbot.waitUntil(lambda: "Live" in pills(page) and "Version 2" in sentence(page), timeout=60_000)


@pytest.mark.qt_log_ignore("This plugin does not support", extend=True)  # raising windows, without a screen
def test_everything_in_view_can_be_kept_as_a_table(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage, tmp_path: Path
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    page = open_page()
    qtbot.mouseClick(page.export_button, Qt.MouseButton.LeftButton)
    menu = page.findChild(QMenu)
    assert menu is not None
    menu.actions()[1].trigger()
    menu.close()
    dialog = page.window().findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(tmp_path / "values.csv"))
    dialog.close()
    metrics = {line.split(",")[3] for line in (tmp_path / "values.csv").read_text("utf-8-sig").splitlines()[1:]}
    assert metrics == {metric.value for metric in Metric} - {"in_flight"}


@pytest.mark.parametrize("choice", ["light", "dark"])
@pytest.mark.parametrize("size", [(1080, 760), (760, 600)])
def test_nothing_is_cut_off_and_columns_are_equal(
    session: Session, live_service: Service, open_page: OpenPage, choice: theme.Choice, size: tuple[int, int]
) -> None:
    theme.current().choose(choice)
    put_live(session, live_service.port)
    record_history(session)
    page = open_page()
    page.resize(*size)
    QApplication.processEvents()
    rows: list[list[QWidget]]
    rows = [[page.charts[0], page.charts[1]], [page.answers, page.happened], [page.charts[2], page.charts[3]]]
    for row in rows:
        widths = [card.width() for card in row]
        assert max(widths) - min(widths) <= 1
        assert abs(row[0].height() - rows[0][0].height()) <= 2
    whole = page.views.view("charts")
    for card in (card for row in rows for card in row):
        right = card.mapTo(page, card.rect().bottomRight())
        assert right.x() <= page.width()
        assert size[1] < 700 or whole.geometry().contains(whole.mapFrom(page, right)), "high enough for all of them"


def test_every_interactive_widget_of_the_page_has_a_name(
    session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    page = open_page()
    focusable = [w for w in page.findChildren(QWidget) if w.focusPolicy() & Qt.FocusPolicy.TabFocus and w.isVisible()]
    assert {chart.plot for chart in page.charts} <= set(focusable)
    assert [type(widget).__name__ for widget in focusable if not widget.accessibleName()] == []


def test_the_page_is_drawn_into_a_picture_without_a_screen(
    session: Session, live_service: Service, tmp_path: Path, qapp: QApplication
) -> None:
    from PIL import Image

    from kronkers_studio.desktop import render_monitor

    put_live(session, live_service.port)
    record_history(session)
    render_monitor(session, MODEL, THIS_COMPUTER, tmp_path / "monitor.png")
    with Image.open(tmp_path / "monitor.png") as image:
        assert image.size == (2560, 1600)
        colours = {colour for _, colour in image.convert("RGB").getcolors(1 << 24) or []}
    wanted = {tokens.LIGHT.accent, tokens.LIGHT.warn, tokens.LIGHT.bad, tokens.LIGHT.muted}
    assert wanted <= {f"#{bytes(colour).hex().upper()}" for colour in colours if isinstance(colour, tuple)}
    feed = LiveFeed(session, MODEL, THIS_COMPUTER)
    assert feed.scrape().reachable, "the session stays open"
    feed.close()


def test_while_it_reads_the_page_says_so_under_the_whole_name(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    page = open_page(wait=False, state={"model": MODEL, "place": THIS_COMPUTER, "range": "6h"})
    assert page.views.shown == "reading"
    title = page.header._title
    assert title.text() == MODEL
    assert title.width() >= title.fontMetrics().horizontalAdvance(MODEL)
    qtbot.waitUntil(lambda: page.settled, timeout=PATIENCE)
    assert page.views.shown == "charts"


def test_since_it_went_live_shows_nothing_of_what_was_before(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    record_history(session)
    put_live(session, live_service.port, version=13, ago=timedelta(hours=2))
    live = put_live(session, live_service.port, version=14, ago=timedelta(minutes=14))
    page = open_page()
    assert page.range_key == "live"
    assert page.time.start == live.changed.timestamp()
    assert page.charts[0].plot.windows[Metric.REQUEST_RATE].times[0] >= page.time.start
    just_now = put_live(session, live_service.port, version=15, ago=timedelta(seconds=1))
    page.studio.changed.emit("releases")
    qtbot.waitUntil(lambda: page.time.start == just_now.changed.timestamp(), timeout=PATIENCE)
    assert page.time.span >= 15


def test_what_was_live_last_begins_when_it_went_live_and_not_when_it_was_begun(
    session: Session, live_service: Service, open_page: OpenPage
) -> None:
    release = put_live(session, live_service.port, ago=timedelta(hours=3))
    again = replace(release, changed=datetime.now(UTC) - timedelta(minutes=50))
    stopped = replace(release, state=ReleaseState.STANDBY, changed=datetime.now(UTC) - timedelta(minutes=60))
    ended = replace(stopped, changed=datetime.now(UTC) - timedelta(minutes=10), message="stopped")
    for each in (stopped, again, ended):
        session.workspace.ledger.record(ReleaseRecorded(each), author="you")
    record_history(session, until=time.time() - 600)
    page = open_page()
    assert page.range_key == "live"
    assert page.time.start == again.changed.timestamp()


def test_a_time_of_ones_own_is_shown_until_another_is_chosen(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    page = open_page()

    def ask() -> TimeRangeDialog:
        page.range_box.choose("own")
        page._choose_range("own")
        dialog = page.window().findChild(TimeRangeDialog)
        assert dialog is not None
        return dialog

    dialog = ask()
    dialog.reject()
    assert page.range_box.value == "6h"
    qtbot.waitUntil(lambda: page.window().findChild(TimeRangeDialog) is None, timeout=PATIENCE)
    dialog = ask()
    start, end = dialog.start.dateTime().addSecs(7200), dialog.end.dateTime().addSecs(-7200)
    dialog.end.setDateTime(dialog.start.dateTime())
    assert not dialog.go.isEnabled()
    dialog.choose()
    assert dialog.isVisible()
    dialog.start.setDateTime(start)
    dialog.end.setDateTime(end)
    qtbot.keyClick(dialog.end, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.time.start == start.toSecsSinceEpoch(), timeout=PATIENCE)
    assert page.time.end == end.toSecsSinceEpoch()
    with qtbot.waitSignal(page.drawn, timeout=PATIENCE):  # after the next measurement
        pass
    assert page.time.end == end.toSecsSinceEpoch()
    state = page.state()
    again = open_page(state=state)
    assert (again.time.start, again.time.end) == (start.toSecsSinceEpoch(), end.toSecsSinceEpoch())
    for odd in (None, [], [2, 1], ["a", "b"], {"a": 1}, [1, 2, 3], [-62e9, 1], [1, 9e99]):
        again.restore({**state, "own": odd, "range": "own"})
    assert again.state()["own"] == state["own"]
    page._choose_range("24h")
    qtbot.waitUntil(lambda: page.time.span == pytest.approx(86_400), timeout=PATIENCE)


def test_all_that_is_live_is_on_one_page_and_a_click_leads_to_the_charts_of_one(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_live(session, live_service.port, version=14)
    record_history(session)
    with service() as other:
        monkeypatch.setattr(monitored, "MODEL", "default-risk")
        put_live(session, other.port, version=3, ago=timedelta(minutes=40))
        page = open_page(state={"all": True})
        rows = page.services.rows
        assert set(rows) == {(MODEL, THIS_COMPUTER), ("default-risk", THIS_COMPUTER)}
        assert page.header._title.text() == "All services"
        assert not page.export_button.isVisible()
        row = rows["default-risk", THIS_COMPUTER]
        qtbot.waitUntil(lambda: row.figures.requests.figure.text() not in ("", "–"), timeout=PATIENCE)
        assert row.figures.response.figure.text() == "39 ms"
        assert row.figures.errors.figure.text() == "0 %"
        assert [pill.text() for pill in row.findChildren(Pill)] == ["Live"]
        other.answering = False
        qtbot.waitUntil(lambda: [pill.text() for pill in row.findChildren(Pill)] == ["Unreachable"], timeout=PATIENCE)
        assert page.state()["all"] is True
        qtbot.mouseClick(row, Qt.MouseButton.LeftButton)
        qtbot.waitUntil(lambda: page.views.shown == "charts", timeout=PATIENCE)
        assert page.watched == ("default-risk", THIS_COMPUTER)
        assert "all" not in page.state()
        page.model_box.choose(("", ""))
        page._choose_model()
        qtbot.waitUntil(lambda: page.views.shown == "all", timeout=PATIENCE)
        page.visit(WatchService(MODEL, THIS_COMPUTER))
        qtbot.waitUntil(lambda: page.views.shown == "charts", timeout=PATIENCE)
        assert page.header._title.text() == MODEL


def test_one_service_alone_is_never_all(session: Session, live_service: Service, open_page: OpenPage) -> None:
    put_live(session, live_service.port)
    page = open_page(state={"model": MODEL, "place": THIS_COMPUTER, "all": True})
    assert page.views.shown == "charts"


def test_what_it_answers_is_told_in_shares_of_the_time_in_view(
    qtbot: QtBot, session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    tell_answers(session, [Answered({"no": 6, "yes": 2}, {}, 0, 1)] * 180 + [Answered({"yes": 9}, {}, 0, 0)] * 180)
    page = open_page()
    assert page.answers.words.text() == "3,240 answers: yes 61.1 % · no 33.3 % · others 5.6 %"
    assert [line.name for line in page.answers.plot.lines] == ["yes", "no", "others"]
    assert page.answers.plot.axis.top == 100
    page._choose_range("15m")
    qtbot.waitUntil(lambda: "yes 100 %" in page.answers.words.text(), timeout=PATIENCE)


def test_numbers_that_it_answers_are_told_by_their_middle(
    session: Session, live_service: Service, open_page: OpenPage
) -> None:
    put_live(session, live_service.port)
    record_history(session)
    tell_answers(session, [Answered({}, dict.fromkeys(range(-5, 5), 1), 3, 0)] * 300)
    page = open_page()
    assert page.answers.words.text() == "3,000 answers: half below 0, 8 of 10 from -32 to 32"
    assert page.answers.plot.axis.bottom <= -32


def test_a_service_that_tells_no_answers_says_so(session: Session, live_service: Service, open_page: OpenPage) -> None:
    put_live(session, live_service.port)
    assert open_page().answers.words.text() == "No answers that are counted in this time"

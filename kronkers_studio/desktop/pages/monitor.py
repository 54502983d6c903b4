"""Live charts of one model in one place, and the same charts "as of" then when it cannot be reached; and all that is
live, one row each."""

from __future__ import annotations

import time

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QVBoxLayout, QWidget

from kronkers_studio.desktop.charts.answers_card import AnswersCard
from kronkers_studio.desktop.charts.card import ChartCard
from kronkers_studio.desktop.charts.export import ask_and_save_picture, ask_and_save_values
from kronkers_studio.desktop.charts.lines import Line, gaps
from kronkers_studio.desktop.charts.monitor_data import (
    Answer,
    History,
    Request,
    Watched,
    read_history,
    read_overview,
    read_watched,
    read_windows,
)
from kronkers_studio.desktop.charts.quantities import megabytes, milliseconds, per_second, percent
from kronkers_studio.desktop.charts.ranges import OWN, RANGES, SINCE_LIVE, range_choices
from kronkers_studio.desktop.charts.recorder import Recorder
from kronkers_studio.desktop.charts.release_status import Standing
from kronkers_studio.desktop.charts.shared_time import EARLIEST, LATEST, SharedTime
from kronkers_studio.desktop.destinations import Destination, ToPage, WatchService
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.tokens import GAP, MARGIN_X, Tone
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.live_figures import LiveFigures
from kronkers_studio.desktop.panels.live_services import LiveServices
from kronkers_studio.desktop.panels.release_events import Happened
from kronkers_studio.desktop.place_words import place_title, place_words
from kronkers_studio.desktop.reachability import NOT_ASKED
from kronkers_studio.desktop.start_again import start_again
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import row_of
from kronkers_studio.desktop.widgets.fields import ComboBox
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views, scrolling
from kronkers_studio.desktop.work.studio import State, Studio
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.domain.series import LiveService, LiveState, Metric

_ALL = ("", "")  # what is chosen in place of a model and place
_ALWAYS_MEASURED = (Metric.MEMORY, Metric.REQUEST_RATE)  # with or without requests; a service may not see its memory
_ANSWERS_EVERY, _ANSWERS_SHARE = 10.0, 600  # answers are read that often, in seconds, or once in that part of the range
_SHORTEST_LIVE = 15.0  # seconds shown at least of what went live just now
_SETTLE_MS = 120  # after the last movement of a chart, before the store is asked for finer lines
_NARROW_MODEL, _NARROW_RANGE = 140, 156  # pixels of the drop-downs in a narrow window
_ANY_WIDTH = 16_777_215  # Qt's "as wide as it wants"
_FEWEST_POINTS, _MOST_POINTS = 240, 1200


class MonitorPage(Page):
    """``drawn`` is emitted when the charts show what was read."""

    key = "monitor"
    widest = 0
    changes = ("releases", "models")
    drawn = Signal()

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio, page_title(self.key))
        now = time.time()
        self.watched: Watched | None = None
        self.range_key = ""
        self.own_range: tuple[float, float] | None = None
        self.shows_all = False
        self.live: LiveState | None = None
        self._history: History | None = None
        self._answer: Answer | None = None
        self._heard = False  # from the service, since it is watched
        self._problem = ""
        self._named: tuple[object, ...] = ()  # what the header's widths depend on
        self._browsing = False
        self._reading = False
        self._again = False
        self._reading_services = False
        self._answers_of: tuple[object, ...] = ()  # what the answers that are shown were read for
        self._answers_read = 0.0
        self.time = SharedTime(now - 900, now, self)
        self.time.browsed.connect(self._on_browsed)
        self._settle = QTimer(self, singleShot=True, interval=_SETTLE_MS)
        self._settle.timeout.connect(self._read_windows)
        self._build_actions()
        self.services = LiveServices()
        self.services.wanted.connect(self._show_one)
        self.views = Views(
            {
                "empty": self._make_empty,
                "reading": self._make_reading,
                "charts": self._make_charts,
                "all": lambda: self.services,
            }
        )
        self.content.addWidget(self.views, 1)
        self.views.view("charts")
        self.views.show_view("reading")
        self.recorder = Recorder.of(studio)
        self.recorder.measured.connect(self._on_measured)
        self.recorder.troubled.connect(self.notice.show_error)
        self.recorder.heard.connect(self._on_heard)
        studio.closed.connect(self._forget)

    # Parts ---------------------------------------------------------------------------------------------------------

    def _build_actions(self) -> None:
        self.model_box = ComboBox(tr("Model and place"))
        self.model_box.activated.connect(lambda _index: self._choose_model())
        self.range_box = ComboBox(tr("Time range"), range_choices())
        self.range_box.activated.connect(lambda _index: self._choose_range(str(self.range_box.value)))
        self.pause_button = Button(tr("Pause"), self.toggle_pause, icon="pause", hint=tr("Hold the charts still"))
        self.export_button = Button(tr("Export"), self._show_export_menu, icon="export", hint=tr("Keep what is shown"))
        self.start_button = Button(tr("Start again"), self._start_again, kind="primary", icon="play")
        for widget in (self.model_box, self.range_box, self.pause_button, self.export_button, self.start_button):
            self.header.add_action(widget)
            widget.setVisible(False)

    def _make_empty(self) -> QWidget:
        return EmptyState(
            "monitor",
            tr("Nothing is live yet"),
            tr("Put a model live, and its requests, response times and errors are charted here."),
            tr("Put a model live"),
            lambda: self.studio.go.emit(ToPage("deploy")),
        )

    def _make_reading(self) -> QWidget:
        return EmptyState("monitor", tr("Reading what was kept …"), tr("The charts are here in a moment."))

    def _make_charts(self) -> QWidget:
        wrong = tr("Not accepted, because the rows were wrong, or failed in the service (HTTP 4xx and 5xx)")
        requests = (
            Line(Metric.REQUEST_RATE, tr("all"), 0, hint=tr("All requests")),
            Line(Metric.ERROR_RATE, tr("errors"), 2, hint=wrong),
        )
        slowest = tr("{n} of 100 requests took less ({name} percentile)")
        response = (
            Line(Metric.LATENCY_P50, tr("typical"), 0, hint=slowest.format(n=50, name="50th")),
            Line(
                Metric.LATENCY_P95, tr("slowest 5 %"), 1, hint=slowest.format(n=95, name="95th"), short=tr("slow 5 %")
            ),
            Line(
                Metric.LATENCY_P99, tr("slowest 1 %"), 2, (2.0, 2.0), slowest.format(n=99, name="99th"), tr("slow 1 %")
            ),
        )  # the last one is dashed: brown and red look alike to some readers
        self.charts = (
            ChartCard(tr("Requests per second"), requests, per_second(), self.time),
            ChartCard(tr("Response time"), response, milliseconds(), self.time),
            ChartCard(tr("CPU"), (Line(Metric.CPU, tr("CPU"), 0),), percent(), self.time),
            ChartCard(tr("Memory"), (Line(Metric.MEMORY, tr("Memory"), 0),), megabytes(), self.time),
        )
        self.answers = AnswersCard(self.time)
        for chart in (*self.charts, self.answers):
            chart.not_kept.connect(self.notice.show_error)
        self.figures, self.happened = LiveFigures(), Happened()
        whole = QWidget()
        column_of_all = QVBoxLayout(whole)
        column_of_all.setContentsMargins(0, 0, 0, 0)
        column_of_all.setSpacing(GAP)
        column_of_all.addWidget(self.figures)
        column_of_all.addLayout(row_of(self.charts[0], self.charts[1]), 1)
        column_of_all.addLayout(row_of(self.answers, self.happened), 1)
        column_of_all.addLayout(row_of(self.charts[2], self.charts[3]), 1)
        return scrolling(whole, tr("Charts"))

    # What is watched -----------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        self.studio.read(read_watched, self._show_watched, owner=self, failed=self.notice.show_error)

    def state(self) -> State:
        model, place = self.watched or ("", "")
        state: State = {"model": model, "place": place, "range": self.range_key}
        if self.own_range is not None and self.range_key == OWN:
            state["own"] = list(self.own_range)
        if self.shows_all:
            state["all"] = True
        return state

    def restore(self, state: State) -> None:
        own = _own_range(state.get("own"))
        if state.get("range") in (*RANGES, SINCE_LIVE) or (state.get("range") == OWN and own is not None):
            self.range_key, self.own_range = str(state["range"]), own
            self.range_box.choose(self.range_key)
        self.shows_all = state.get("all") is True
        self._watch(str(state.get("model") or ""), str(state.get("place") or ""))

    def visit(self, destination: Destination) -> None:
        if isinstance(destination, WatchService):
            self.shows_all = not destination.model
            self._watch(destination.model, destination.place)
            self.become_stale()

    def _watch(self, model: str, place: str) -> None:
        if model and (model, place) != self.watched:
            self.watched = (model, place)
            self._forget()
            if not self.shows_all:
                self.header.set_title(model)
            self.become_stale()

    def _show_one(self, watched: Watched) -> None:
        """The charts of one of all services."""
        self.shows_all = False
        if watched != self.watched:
            self.watched = watched
            self._forget()
        self.refresh()

    @property
    def settled(self) -> bool:
        """Whether everything that there is to show now is shown."""
        if self.shows_all:
            return self.views.shown == "all"
        waiting = self.standing.live is not None and not self._heard
        return self._answer is not None and not self._reading and not waiting

    @property
    def standing(self) -> Standing:
        """What is known of what is watched."""
        heard = self.recorder.heard_of(*self.watched) if self.watched is not None else NOT_ASKED
        if self._history is None:
            return Standing((), self.live, heard)
        return Standing(tuple(self._history.releases), self.live, heard, tuple(self._history.events))

    def _start_again(self) -> None:
        lost = self.standing.lost
        if lost is not None:
            start_again(self.studio, lost, owner=self, failed=self.show_error)

    def toggle_pause(self) -> None:
        """Hold the charts still, or let them move on from now."""
        self._set_browsing(not self._browsing)
        if not self._browsing:
            self._read_windows()

    def _show_watched(self, watched: list[Watched]) -> None:
        any_watched = bool(watched)
        self.shows_all = self.shows_all and len(watched) > 1
        for widget in (self.range_box, self.export_button):
            widget.setVisible(any_watched and not self.shows_all)
        live = self.standing.live is not None or self._browsing
        self.pause_button.setVisible(any_watched and live and not self.shows_all)
        self.model_box.setVisible(len(watched) > 1)
        if not any_watched:
            self.watched = None
            self._head(tr("Monitor"), tr("Live requests, response times and errors of what you have put live."))
            self.views.show_view("empty")
            return
        places = [(f"{model} · {place_words(place)}", (model, place)) for model, place in watched]
        self.model_box.set_choices([(tr("All services"), _ALL), *places])
        if self.watched not in watched:
            self.watched = watched[0]
            self._forget()
        self.model_box.choose(_ALL if self.shows_all else self.watched)
        if self.shows_all:
            self._read_services()
        else:
            self._read_history()

    def _head(self, title: str, sentence: str) -> None:
        """What is said while no service is shown on its own."""
        self.header.set_title(title)
        self.header.set_pills([])
        self.header.set_sentence(sentence)
        self.start_button.setVisible(False)
        self._show_problem("")
        self._named = ()
        self._name_buttons()

    def _choose_model(self) -> None:
        chosen = self.model_box.value
        if chosen == _ALL:
            self.shows_all = True
            self.refresh()
        elif isinstance(chosen, tuple) and (self.shows_all or chosen != self.watched):
            self._show_one((str(chosen[0]), str(chosen[1])))

    def _choose_range(self, key: str) -> None:
        if key == OWN:
            self._ask_range()
            return
        self.range_key = key
        self._set_browsing(False)
        self._read_windows()

    def _ask_range(self) -> None:
        from kronkers_studio.desktop.dialogs.time_range import TimeRangeDialog

        dialog = TimeRangeDialog(self.window(), self.time.start, self.time.end, self._show_range)
        dialog.rejected.connect(lambda: self.range_box.choose(self.range_key))
        dialog.open()

    def _show_range(self, start: float, end: float) -> None:
        self.range_key, self.own_range = OWN, (start, end)
        self.range_box.choose(OWN)
        self._set_browsing(False)
        self._read_windows()

    def _forget(self) -> None:
        self.live, self._history, self._answer, self._heard = None, None, None, False
        self._answers_of = ()

    def _read_services(self) -> None:
        """What is stored of all that is live; while it is being read, not once more."""
        if self._reading_services:
            return
        task = self.studio.read(read_overview, self._show_services, owner=self, failed=self._services_not_read)
        self._reading_services = task is not None

    def _services_not_read(self, error: Exception) -> None:
        self._reading_services = False
        self.notice.show_error(error)

    def _show_services(self, services: list[LiveService]) -> None:
        self._reading_services = False
        if not self.shows_all:
            return
        if not services:
            words = tr("Nothing is live now. Choose a model above to see what was measured of it.")
        else:
            words = tr("Everything that is live. A click shows the charts of one.")
        self._head(tr("All services"), words)
        self.services.show_services(services, self.recorder.heard_of)
        self.views.show_view("all")

    def _read_history(self) -> None:
        watched = self.watched
        if watched is not None:
            if self._answer is None:
                self.header.set_title(watched[0])
                self.views.show_view("reading")
            self.studio.read(
                lambda session: read_history(session, watched),
                self._show_history,
                owner=self,
                failed=self.notice.show_error,
            )

    def _show_history(self, history: History) -> None:
        if history.watched != self.watched or self.shows_all:
            return
        self._history = history
        if self.live is None or self.standing.live is None:
            self.live = history.state
        if not self.range_key:
            self.range_key = self.standing.fitting_range()
            self.range_box.choose(self.range_key)
        self._show_words()
        self._read_windows()

    # Measurements --------------------------------------------------------------------------------------------------

    def _on_measured(self, state: LiveState) -> None:
        if self.shows_all:
            if self._in_view():
                self._read_services()
            return
        if (state.model, state.place) != self.watched:
            return
        self.live = state
        self._heard = True
        if self.entered:
            self._show_words()
            self._show_figures()
            if not self._browsing:
                self._read_windows()

    def _on_heard(self) -> None:
        if not self._in_view():
            return
        if self.shows_all:
            self._read_services()
        elif self._history is not None:
            self._show_words()

    def _read_windows(self) -> None:
        """Ask the store for what the charts are to show; while it is being read, once more afterwards."""
        if self._reading:
            self._again = True
            return
        request = self._request()
        if request is None:
            return
        task = self.studio.read(
            lambda session: read_windows(session, request), self._show_answer, owner=self, failed=self._not_read
        )
        self._reading = task is not None

    def _request(self) -> Request | None:
        if self.watched is None:
            return None
        width = max(chart.plot.width() for chart in self.charts)
        points = min(_MOST_POINTS, max(_FEWEST_POINTS, width))
        start, end = (self.time.start, self.time.end) if self._browsing else self._following_range()
        old = self._asks_for(self.watched) != self._answers_of
        old = old or time.monotonic() - self._answers_read > max(_ANSWERS_EVERY, (end - start) / _ANSWERS_SHARE)
        if self._browsing:
            return Request(self.watched, start, end, (end - start) / 2, min(_MOST_POINTS, 2 * points))
        return Request(self.watched, start, end, 0.0, points, old)

    def _asks_for(self, watched: Watched) -> tuple[object, ...]:
        """What a person chose to see of ``watched``."""
        return (watched, self.range_key, self.own_range, self._browsing)

    def _following_range(self) -> tuple[float, float]:
        """The chosen range up to now or, where nothing answers, up to the last measurement."""
        if self.range_key == OWN and self.own_range is not None:
            return self.own_range
        standing = self.standing
        end = standing.heard_until(time.time())
        if self.range_key != SINCE_LIVE or standing.began is None:
            return end - RANGES.get(self.range_key, RANGES["1h"]), end
        return standing.began, max(end, standing.began + _SHORTEST_LIVE)  # nothing of what was before

    def _not_read(self, error: Exception) -> None:
        self._reading = False
        self.notice.show_error(error)

    def _show_answer(self, answer: Answer) -> None:
        self._reading = False
        if self._again:
            self._again = False
            self._read_windows()
        if answer.request.watched != self.watched or self.shows_all:
            return
        self._answer = answer
        self.views.show_view("charts")
        if not self._browsing:
            self.time.show(answer.request.start, answer.request.end)
        windows = answer.windows
        measured = next((each for each in _ALWAYS_MEASURED if each in windows and len(windows[each])), None)
        unrecorded = gaps(windows[measured]) if measured is not None else []
        for chart in self.charts:
            chart.show_windows(windows)
        if answer.answers is not None:
            self._answers_of = self._asks_for(answer.request.watched)
            self._answers_read = time.monotonic()
            self.answers.show_answers(answer.answers)
        for chart in (*self.charts, self.answers):
            chart.show_gaps(unrecorded)
            chart.show_markers(self._history.markers if self._history is not None else [])
        self._show_figures()
        self.drawn.emit()

    # Words ---------------------------------------------------------------------------------------------------------

    def _show_figures(self) -> None:
        windows = self._answer.windows if self._answer is not None else {}
        self.figures.show_state(self.live, windows, self._answer.yesterday if self._answer is not None else None)

    def _show_words(self) -> None:
        if self.watched is None:
            return
        model, place = self.watched
        self.header.set_title(model)
        where: Tone = "accent" if place == THIS_COMPUTER else "prod"
        standing = self.standing
        self.happened.show_events(self._history.events if self._history is not None else [])
        self.header.set_pills([(place_title(place), where), *standing.pills()])
        retry = self.recorder.retry_seconds(model, place)
        self.header.set_sentence(standing.sentence(self.recorder.seconds, retry))
        self.start_button.setVisible(standing.lost is not None)
        self.pause_button.setVisible(standing.live is not None or self._browsing)
        said = (self.width(), model, place, *(text for text, _tone in standing.pills()), self._browsing)
        if said != self._named:
            self._named = said
            self._name_buttons()
        self.figures.show_age(None if standing.live is not None and not standing.heard.silent else self.live)
        self._show_problem(standing.problem)

    def _show_problem(self, problem: str) -> None:
        """Say it once: a person may close it while it lasts."""
        if problem == self._problem:
            return
        self._problem = problem
        if problem:
            self.notice.say(problem, tr("The charts show what was kept until then."), "warn")
        else:
            self.notice.clear()

    # Pausing and keeping -------------------------------------------------------------------------------------------

    def _on_browsed(self) -> None:
        self._set_browsing(True)
        self._settle.start()

    def _set_browsing(self, browsing: bool) -> None:
        self._browsing = browsing
        text = tr("Resume") if browsing else tr("Pause")
        self.pause_button.setAccessibleName(text)
        set_hint(self.pause_button, tr("Follow what is measured now") if browsing else tr("Hold the charts still"))
        self.pause_button.show_icon("play" if browsing else "pause")
        self._name_buttons()

    def _name_buttons(self) -> None:
        """Where there is no room for all words, the buttons keep their icons only, and the drop-downs are cut."""
        self._show_narrow(narrow=False)
        room = self.width() - 2 * MARGIN_X
        if self.header.sizeHint().width() <= room:
            return
        self._show_narrow(narrow=True)
        for box, narrow in ((self.range_box, _NARROW_RANGE), (self.model_box, _NARROW_MODEL)):
            box.setMaximumWidth(narrow + max(0, room - self.header.sizeHint().width()))  # what is left over

    def _show_narrow(self, *, narrow: bool) -> None:
        for button in (self.pause_button, self.export_button):
            button.setText("" if narrow else button.accessibleName())
        self.model_box.setMaximumWidth(_NARROW_MODEL if narrow else _ANY_WIDTH)
        self.range_box.setMaximumWidth(_NARROW_RANGE if narrow else _ANY_WIDTH)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._name_buttons()

    def _show_export_menu(self) -> None:
        model, place = self.watched or ("", "")
        name, failed = f"{model} {place}", self.notice.show_error
        menu = QMenu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.addAction(tr("Picture of this page (PNG)…"), lambda: ask_and_save_picture(self, name, failed))
        answer = self._answer
        windows = [*answer.windows.values(), *self.answers.plot.windows.values()] if answer is not None else []
        menu.addAction(tr("Values of this range (CSV)…"), lambda: ask_and_save_values(self, name, windows, failed))
        menu.popup(self.export_button.mapToGlobal(self.export_button.rect().bottomLeft()))


def _own_range(found: object) -> tuple[float, float] | None:
    """A range that was kept, when it is one."""
    if not isinstance(found, list) or len(found) != 2 or not all(isinstance(at, int | float) for at in found):
        return None
    return (float(found[0]), float(found[1])) if EARLIEST <= found[0] < found[1] <= LATEST else None

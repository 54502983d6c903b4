"""The figures at the top of the Monitor page: what a live service does now, each with a sentence."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.charts.lines import average, newest
from kronkers_studio.desktop.charts.quantities import digits, response_time
from kronkers_studio.desktop.localization import clock_of, counted, date_time, number, tr
from kronkers_studio.desktop.look.tokens import GAP, Tone
from kronkers_studio.desktop.widgets.cards import FigureCard
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.domain.series import Charted, LiveState, Metric, Window

_NOTICED, _TOO_MANY = 0.001, 0.01  # shares of requests that went wrong


class LiveFigures(QWidget):
    """Four cards: requests, response time, errors, and what the service takes of the machine."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        captions = (tr("Requests per second"), tr("Slowest 5 % take"), tr("Errors"), tr("CPU and memory"))
        self._captions = {FigureCard(caption): caption for caption in captions}
        self.requests, self.response, self.errors, self.machine = self._captions
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(GAP)
        for card in (self.requests, self.response, self.errors, self.machine):
            row.addWidget(card, 1)

    def show_state(
        self, state: LiveState | None, windows: Mapping[Charted, Window], yesterday: float | None = None
    ) -> None:
        """Show ``state`` and, for what it does not hold, the ``windows`` in view. ``yesterday`` is the mean request
        rate of the same time a day before."""
        values = dict(state.values) if state is not None else {}
        for metric in (Metric.REQUEST_RATE, Metric.CPU):  # a service just reached has not told them yet
            if metric in windows and metric not in values and (last := newest(windows[metric])) is not None:
                values[metric] = last
        totals = state.totals if state is not None else {}
        self._show_requests(values, totals, windows, yesterday)
        set_hint(self.requests, _answered_words(totals) if totals else "")
        set_hint(self.response, tr("95 of 100 requests took less (95th percentile, p95)"))
        self._show_response(values, windows)
        self._show_errors(totals, windows)
        self._show_machine(values)

    def show_age(self, state: LiveState | None) -> None:
        """The figures are old: those of ``state``, when it was heard last; with None they are of now."""
        at = state.as_of if state is not None else None
        hint = "" if at is None else tr("As of {time}: it does not answer now").format(time=date_time(at))
        for card, caption in self._captions.items():
            dated = tr("{caption}, as of {time}")
            card.show_caption(caption if at is None else dated.format(caption=caption, time=clock_of(at)))
            card.show_muted(state is not None)
            if state is not None or card is not self.errors:
                set_hint(card, hint)

    def _show_requests(
        self,
        values: Mapping[Metric, float],
        totals: Mapping[str, int],
        windows: Mapping[Charted, Window],
        yesterday: float | None,
    ) -> None:
        rate = values.get(Metric.REQUEST_RATE)
        figure = "–" if rate is None else digits(rate)
        usual = average(windows[Metric.REQUEST_RATE]) if Metric.REQUEST_RATE in windows else None
        if usual is not None and yesterday:
            self.requests.show_figure(figure, _against_yesterday(usual / yesterday - 1), "ok")
        elif totals:
            self.requests.show_figure(figure, _answered_words(totals))
        elif usual is not None:
            self.requests.show_figure(figure, tr("{n} on average").format(n=digits(usual)), "plain")
        else:
            self.requests.show_figure(figure)

    def _show_response(self, values: Mapping[Metric, float], windows: Mapping[Charted, Window]) -> None:
        p95, p50 = values.get(Metric.LATENCY_P95), values.get(Metric.LATENCY_P50)
        if p95 is not None:
            half = tr("typically {time}").format(time=response_time(p50)) if p50 is not None else ""
            self.response.show_figure(response_time(p95), half, "ok")
            return
        last = newest(windows[Metric.LATENCY_P95]) if Metric.LATENCY_P95 in windows else None
        if last is not None:
            self.response.show_figure(response_time(last), tr("at the last request"), "plain")
        else:
            self.response.show_figure("–", tr("no requests yet") if values else "", "plain")

    def _show_errors(self, totals: Mapping[str, int], windows: Mapping[Charted, Window]) -> None:
        if totals:
            wrong = totals.get("refused", 0) + totals.get("failed", 0)
            of = wrong + totals.get("answered", 0)
            words = _wrong_words(totals, of) if wrong else tr("none so far")
            self.errors.show_figure(_share(wrong / of if of else 0.0), words, _tone(wrong / of if of else 0.0))
            details = tr("{refused} not accepted (rows were wrong), {failed} failed in the service")
            set_hint(
                self.errors,
                details.format(refused=number(totals.get("refused", 0)), failed=number(totals.get("failed", 0))),
            )
            return
        rate = average(windows[Metric.REQUEST_RATE]) if Metric.REQUEST_RATE in windows else None
        wrong_rate = average(windows[Metric.ERROR_RATE]) if Metric.ERROR_RATE in windows else None
        if rate and wrong_rate is not None:
            share = wrong_rate / rate
            self.errors.show_figure(_share(share), tr("in the time shown"), _tone(share))
        else:
            self.errors.show_figure("–")

    def _show_machine(self, values: Mapping[Metric, float]) -> None:
        cpu, memory = values.get(Metric.CPU), values.get(Metric.MEMORY)
        figure = "–" if cpu is None else tr("{n} %").format(n=digits(cpu))
        words = "" if memory is None else tr("{n} MB of memory").format(n=number(round(memory / 1e6)))
        self.machine.show_figure(figure, words, "plain")


def _answered_words(totals: Mapping[str, int]) -> str:
    """ "2 requests, 4,001 rows"."""
    answered = totals.get("answered", 0)
    words = counted(answered, tr("{n} request"), tr("{n} requests"))
    rows = totals.get("rows")
    if rows is None or rows == answered:
        return tr("{requests} so far").format(requests=words)
    return tr("{requests}, {rows}").format(requests=words, rows=counted(rows, tr("{n} row"), tr("{n} rows")))


def _wrong_words(totals: Mapping[str, int], of: int) -> str:
    refused, failed = totals.get("refused", 0), totals.get("failed", 0)
    words = tr("{n} of {all} not accepted") if not failed else tr("{n} of {all} failed")
    if refused and failed:
        words = tr("{n} of {all}")
    return words.format(n=number(refused + failed), all=number(of))


def _against_yesterday(change: float) -> str:
    if abs(change) < 0.005:
        return tr("as yesterday")
    sign = "+" if change > 0 else "−"
    return tr("{sign}{n} % against yesterday").format(sign=sign, n=number(round(abs(change) * 100)))


def _share(share: float) -> str:
    percent = share * 100
    return tr("{n} %").format(n=number(percent, 0 if percent in (0, 100) else 2 if percent < 1 else 1))


def _tone(share: float) -> Tone:
    return "ok" if share < _NOTICED else "warn" if share < _TOO_MANY else "bad"

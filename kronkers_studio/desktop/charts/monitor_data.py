"""What the Monitor page reads from the workspace, off the main thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kronkers_studio.desktop.charts.lines import average
from kronkers_studio.desktop.release_words import marker_words
from kronkers_studio.domain.release_events import ReleaseEvent, ReleaseEventKind
from kronkers_studio.domain.releases import Release
from kronkers_studio.domain.series import Answers, Charted, LiveService, LiveState, Marker, Metric, Window

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

Watched = tuple[str, str]  # model, place

_DAY = 86_400.0
_ANSWER_POINTS = 90  # shares of fewer answers than come in some seconds say little
_FAILURES = (ReleaseEventKind.NOT_STARTED, ReleaseEventKind.LOST)


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be read for the charts. Beyond ``start`` … ``end``, ``margin`` seconds are read on both sides, so that
    a chart can be moved without waiting. ``answers``: read these too, which is dear in a long range."""

    watched: Watched
    start: float
    end: float
    margin: float
    points: int
    answers: bool = True


@dataclass(frozen=True, slots=True)
class Answer:
    """What was read for ``request``. ``yesterday`` is the mean request rate of the same range a day before; ``answers``
    are those of the range alone, without its margin; None when they were not asked for."""

    request: Request
    windows: Mapping[Charted, Window]
    yesterday: float | None
    answers: Answers | None


@dataclass(frozen=True, slots=True)
class History:
    """The releases of one model in one place and what happened to them, newest first, and the values stored last."""

    watched: Watched
    releases: list[Release]
    events: list[ReleaseEvent]
    state: LiveState

    @property
    def markers(self) -> list[Marker]:
        """What of the events is marked in charts."""
        return [
            Marker(event.at, words, "failure" if event.kind in _FAILURES else "release")
            for event in self.events
            if (words := marker_words(event))
        ]


def read_watched(session: Session) -> list[Watched]:
    from kronkers_studio.workflows.metrics import monitored

    return monitored(session)


def read_history(session: Session, watched: Watched) -> History:
    from kronkers_studio.workflows.metrics import live_state
    from kronkers_studio.workflows.releases import events_of, recorded_releases

    releases, events = recorded_releases(session, *watched), events_of(session, *watched)
    return History(watched, releases, events, live_state(session, *watched))


def read_windows(session: Session, request: Request) -> Answer:
    from kronkers_studio.workflows.metrics import read_answers, read_window

    start, end = request.start - request.margin, request.end + request.margin
    windows: dict[Charted, Window] = {
        metric: read_window(session, *request.watched, metric, start, end, request.points)
        for metric in Metric
        if metric is not Metric.IN_FLIGHT
    }
    yesterday = None
    if request.end - request.start <= _DAY:
        before = read_window(
            session, *request.watched, Metric.REQUEST_RATE, request.start - _DAY, request.end - _DAY, 100
        )
        yesterday = average(before)
    if not request.answers:
        return Answer(request, windows, yesterday, None)
    answers = read_answers(session, *request.watched, request.start, request.end, _ANSWER_POINTS)
    if request.margin:
        wider = read_answers(session, *request.watched, start, end, 2 * _ANSWER_POINTS)
        answers = replace(
            answers, windows={line: wider.windows.get(line, one) for line, one in answers.windows.items()}
        )
    return Answer(request, windows, yesterday, answers)


def read_overview(session: Session) -> list[LiveService]:
    from kronkers_studio.workflows.metrics import live_services

    return live_services(session)

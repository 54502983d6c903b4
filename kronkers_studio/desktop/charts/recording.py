"""Reads the metrics of everything that is live, for as long as the window is open and whatever page is in view."""

from __future__ import annotations

import threading
import time
from functools import partial
from typing import TYPE_CHECKING, Self

from PySide6.QtCore import QObject, QTimer, Signal

from kronkers_studio.desktop.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.domain.series import LiveState

if TYPE_CHECKING:
    from kronkers_studio.workflows.metrics import LiveFeed
    from kronkers_studio.workflows.session import Session

_LONGEST_PAUSE = 30.0  # seconds between attempts at a service that does not answer
_LOOK_MS = 2000  # between looks whether what is live on this computer still runs
_GOODBYE = 1.0  # seconds that closing the workspace waits for a reading under way


class Recorder(QObject):
    """One per window; ``Recorder.of`` finds it or starts it.

    measured   a ``LiveState``: what a service just answered, or that it did not
    troubled   a ``StudioError``: measurements could not be kept

    A slow or dead service is read by a thread of its own, never twice at once, and ever more rarely: it holds up
    neither the window nor the others.
    """

    measured = Signal(object)
    troubled = Signal(object)

    @classmethod
    def of(cls, studio: Studio) -> Self:
        found = studio.findChild(cls)
        return found if found is not None else cls(studio)

    def __init__(self, studio: Studio) -> None:
        super().__init__(studio)
        self._studio = studio
        self._readings: dict[tuple[str, str], _Reading] = {}
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._read_all)
        self._look_timer = QTimer(self)
        self._look_timer.timeout.connect(lambda: self._look_at(THIS_COMPUTER))
        self._looking: set[str] = set()
        studio.opened.connect(self._find_live)
        studio.opened.connect(lambda: self._look_at(None))
        studio.closed.connect(self._forget_all)
        studio.changed.connect(self._on_change)
        if studio.session is not None:
            self._find_live()

    @property
    def seconds(self) -> float:
        """How often is read."""
        return self._studio.settings.scrape_seconds

    def _on_change(self, kind: str) -> None:
        if kind == "releases":
            self._find_live()
        elif kind == "settings" and self._timer.isActive():
            self._timer.start(round(self.seconds * 1000))

    def _find_live(self) -> None:
        self._studio.read(_live, self._follow, owner=self, failed=self.troubled.emit)

    def _follow(self, live: list[tuple[str, str]]) -> None:
        """Read ``live`` from now on, and nothing else."""
        session = self._studio.session
        if session is None:
            return
        for key in self._readings.keys() - set(live):
            self._readings.pop(key).end(0.0)
        for key in live:
            self._readings.setdefault(key, _Reading(session, *key))
        self._timer.start(round(self.seconds * 1000))
        if any(place == THIS_COMPUTER for _model, place in live):
            self._look_timer.start(_LOOK_MS)
        else:
            self._look_timer.stop()
        self._read_all()

    def _look_at(self, place: str | None) -> None:
        """Whether what is live there still runs (None: everywhere); what does not is said to be stopped."""
        key = place or ""
        if key in self._looking:
            return

        def looked(changed: list[Release]) -> None:
            self._looking.discard(key)
            if changed:
                self._studio.changed.emit("releases")

        def failed(error: StudioError) -> None:
            self._looking.discard(key)
            self.troubled.emit(error)

        if self._studio.read(partial(_look, place=place), looked, owner=self, failed=failed) is not None:
            self._looking.add(key)

    def _read_all(self) -> None:
        for reading in self._readings.values():
            if reading.due():
                self._read(reading)

    def _read(self, reading: _Reading) -> None:
        def answered(state: LiveState | None) -> None:
            reading.ended(state, self.seconds)
            if state is not None:
                self.measured.emit(state)
                if not state.reachable:
                    self._look_at(reading.place)

        def failed(error: StudioError) -> None:
            reading.ended(None, self.seconds)
            self.troubled.emit(error)

        reading.busy = True
        self._studio.runner.run("live metrics", reading.read, done=answered, failed=failed, owner=self, shown=False)

    def _forget_all(self) -> None:
        """The workspace is about to be closed."""
        self._timer.stop()
        self._look_timer.stop()
        until = time.monotonic() + _GOODBYE
        for reading in self._readings.values():
            reading.end(until - time.monotonic())
        self._readings.clear()


class _Reading:
    """The feed of one live service, read by one thread at a time."""

    def __init__(self, session: Session, model: str, place: str) -> None:
        self.busy = False
        self.place = place
        self._session, self._model, self._place = session, model, place
        self._feed: LiveFeed | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failures = 0
        self._not_before = 0.0

    def due(self) -> bool:
        return not self.busy and time.monotonic() >= self._not_before

    def read(self, _progress: Progress, _cancel: CancelToken) -> LiveState | None:
        """On a thread of its own."""
        from kronkers_studio.workflows.metrics import LiveFeed

        with self._lock:
            if self._over.is_set():
                return None
            if self._feed is None:
                self._feed = LiveFeed(self._session, self._model, self._place)
            state = self._feed.scrape()
            if self._over.is_set():  # nobody waited for it
                self._feed.close()
            return state

    def ended(self, state: LiveState | None, seconds: float) -> None:
        """The reading under way came back."""
        self.busy = False
        self._failures = 0 if state is not None and state.reachable else self._failures + 1
        pause = min(_LONGEST_PAUSE, seconds * 2**self._failures) if self._failures > 1 else 0.0
        self._not_before = time.monotonic() + pause

    def end(self, patience: float) -> None:
        """Read no more; wait up to ``patience`` seconds for a reading under way. One that takes longer cleans up after
        itself."""
        self._over.set()
        if self._lock.acquire(timeout=max(0.0, patience)):
            try:
                if self._feed is not None:
                    self._feed.close()
            finally:
                self._lock.release()


def _look(session: Session, place: str | None) -> list[Release]:
    from kronkers_studio.workflows.settling import settle_releases

    return settle_releases(session, place)


def _live(session: Session) -> list[tuple[str, str]]:
    from kronkers_studio.workflows.releases import list_releases

    return [(release.model, release.place) for release in list_releases(session) if release.state is ReleaseState.LIVE]

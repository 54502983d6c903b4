"""Reads the metrics of everything that is live, for as long as the window is open and whatever page is in view; and so
knows what is live, and whether it answers."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Self

from PySide6.QtCore import QObject, QTimer, Signal

from kronkers_studio.desktop.reachability import NOT_ASKED, Reachability
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.domain.series import LiveState

if TYPE_CHECKING:
    from kronkers_studio.workflows.metrics import LiveFeed
    from kronkers_studio.workflows.session import Session

_LONGEST_PAUSE = 30.0  # seconds between attempts at a service that does not answer
_LOOK_MS = 2000  # between looks at the history, and whether what is live on this computer still runs
_FEW, _QUIET_MS = 8, 250  # services; above which there is a rest between two tellings of what was heard
_LONGEST_SILENCE = 4.0  # seconds without an answer after which a service is said not to answer
_GOODBYE = 1.0  # seconds that closing the workspace waits for a reading under way


class Recorder(QObject):
    """One per window; ``Recorder.of`` finds it or starts it.

    measured   a ``LiveState``: what a service just answered, or that it did not
    heard      what ``heard_of`` says of some service is another thing now
    troubled   a ``StudioError``: measurements could not be kept

    What another window, a command or the service itself changed in the releases is noticed within some seconds, and
    announced as the change that it is.

    A slow or dead service is read by a thread of its own, never twice at once, and ever more rarely: it holds up
    neither the window nor the others.
    """

    measured = Signal(object)
    heard = Signal()
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
        self._look_timer.setInterval(_LOOK_MS)
        self._look_timer.timeout.connect(self._look_around)
        self._looking: set[str] = set()
        self._releases: list[Release] | None = None  # as they were when they were looked at last
        self._said: dict[tuple[str, str], Reachability] = {}
        self._quiet = QTimer(self, singleShot=True, interval=_QUIET_MS)
        self._quiet.timeout.connect(self._say_heard)
        studio.opened.connect(self._begin)
        studio.closed.connect(self._forget_all)
        studio.changed.connect(self._on_change)
        if studio.session is not None:
            self._begin()

    @property
    def seconds(self) -> float:
        """How often is read."""
        return self._studio.settings.scrape_seconds

    @property
    def releases(self) -> list[Release] | None:
        """All that is recorded, newest first, as it was looked at last; None before that."""
        return self._releases

    def heard_of(self, model: str, place: str) -> Reachability:
        """Whether what is live of ``model`` in ``place`` answers, as ``heard`` announced it last."""
        return self._said.get((model, place), NOT_ASKED)

    def retry_seconds(self, model: str, place: str) -> float:
        """How long it is from one attempt to the next at what does not answer."""
        reading = self._readings.get((model, place))
        return max(self.seconds, reading.pause if reading is not None else 0.0)

    def _begin(self) -> None:
        self._look_timer.start()
        self._look_around()
        self._look_at(None)

    def _on_change(self, kind: str) -> None:
        if kind == "releases":
            self._look_around()
        elif kind == "settings" and self._timer.isActive():
            self._timer.start(round(self.seconds * 1000))

    def _look_around(self) -> None:
        """What is recorded of the releases, who ever did that; on this computer, also whether it is still so."""
        self._say_heard()
        self._look_at(THIS_COMPUTER)
        if any(release.worker is not None for release in self._releases or ()):
            self._look_at(None, live=False)

    def _follow(self, releases: list[Release]) -> None:
        """Read what is live of ``releases`` from now on, and nothing else."""
        session = self._studio.session
        if session is None:
            return
        live = {(each.model, each.place): each for each in releases if each.state is ReleaseState.LIVE}
        for key in self._readings.keys() - live.keys():
            self._readings.pop(key).end(0.0)
        for key, release in live.items():
            if key not in self._readings:
                self._readings[key] = _Reading(session, *key)
            self._readings[key].follow(release)
        self._timer.start(round(self.seconds * 1000))
        self._read_all()

    def _look_at(self, place: str | None, *, live: bool = True) -> None:
        """What is recorded, and whether it is so there (None: everywhere): what was left is ended, and with ``live``
        what does not run any more is said to be stopped."""
        key = place or f"everywhere {live}"
        if key in self._looking:
            return

        def looked(found: tuple[bool, list[Release]]) -> None:
            self._looking.discard(key)
            settled, releases = found
            before, self._releases = self._releases, releases
            if releases != before:
                self._follow(releases)
            if settled or (before is not None and releases != before):
                self._studio.changed.emit("releases")

        def failed(error: StudioError) -> None:
            self._looking.discard(key)
            self.troubled.emit(error)

        if self._studio.read(partial(_look, place=place, live=live), looked, owner=self, failed=failed) is not None:
            self._looking.add(key)

    def _read_all(self) -> None:
        for reading in self._readings.values():
            if reading.due():
                self._read(reading)
        self._say_heard()

    def _say_heard(self) -> None:
        """Of many services that answer at once it is told together, and with a rest for whoever shows it; of a few at
        once, as are their figures."""
        if len(self._readings) > _FEW and self._quiet.isActive():
            return
        said = {key: reading.heard for key, reading in self._readings.items()}
        changed, self._said = said != self._said, said
        if changed:
            self.heard.emit()
            self._quiet.start()

    def _read(self, reading: _Reading) -> None:
        def answered(state: LiveState | None) -> None:
            reading.ended(state, self.seconds)
            if state is not None:
                self._say_heard()
                self.measured.emit(state)
                if not state.reachable:
                    self._look_at(reading.place)

        def failed(error: StudioError) -> None:
            reading.ended(None, self.seconds)
            self.troubled.emit(error)

        reading.begin()
        self._studio.runner.run("live metrics", reading.read, done=answered, failed=failed, owner=self, shown=False)

    def _forget_all(self) -> None:
        """The workspace is about to be closed."""
        self._timer.stop()
        self._look_timer.stop()
        self._quiet.stop()
        self._releases = None
        self._said = {}
        until = time.monotonic() + _GOODBYE
        for reading in self._readings.values():
            reading.end(until - time.monotonic())
        self._readings.clear()


class _Reading:
    """The feed of one live service, read by one thread at a time."""

    def __init__(self, session: Session, model: str, place: str) -> None:
        self.busy = False
        self.place = place
        self._asked: datetime | None = None  # when the reading under way began
        self._answered: datetime | None = None
        self._silent: Reachability | None = None
        self._release: tuple[int, datetime] | None = None
        self._session, self._model, self._place = session, model, place
        self._feed: LiveFeed | None = None
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._failures = 0
        self._not_before = 0.0
        self.pause = 0.0  # seconds before it is asked once more

    def follow(self, release: Release) -> None:
        """``release`` is what is live of it: another one has to be heard anew, and is not held against."""
        if (release.number, release.changed) != self._release:
            self._release = (release.number, release.changed)
            self._answered = self._silent = None
            self._failures, self._not_before, self.pause = 0, 0.0, 0.0

    def due(self) -> bool:
        return not self.busy and time.monotonic() >= self._not_before

    def begin(self) -> None:
        """A reading begins."""
        self.busy, self._asked = True, datetime.now(UTC)

    @property
    def heard(self) -> Reachability:
        """What was heard of it. A reading that takes long is an answer, too."""
        if self._silent is not None:
            return self._silent
        asked = self._asked
        if self.busy and asked is not None and (datetime.now(UTC) - asked).total_seconds() > _LONGEST_SILENCE:
            answered = self._feed.answered if self._feed is not None else None
            if answered is not None and answered >= asked:  # it is telling of its last day
                return Reachability(True)
            return Reachability(False, self._answered or asked)
        return NOT_ASKED if self._answered is None else Reachability(True)

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
        if state is not None and state.reachable:
            self._answered, self._silent = datetime.now(UTC), None
        elif state is not None and state.live:
            since = self._silent.since if self._silent is not None else self._answered or self._asked
            self._silent = Reachability(False, since, state.problem)
        self._failures = 0 if state is not None and state.reachable else self._failures + 1
        self.pause = min(_LONGEST_PAUSE, seconds * 2**self._failures) if self._failures > 1 else 0.0
        self._not_before = time.monotonic() + self.pause

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


def _look(session: Session, place: str | None, *, live: bool) -> tuple[bool, list[Release]]:
    """Whether something was found otherwise than it was recorded, and what is recorded then."""
    from kronkers_studio.workflows.releases import recorded_releases
    from kronkers_studio.workflows.settling import settle_releases

    settled = settle_releases(session, place, look_at_live=live)
    return bool(settled), recorded_releases(session)

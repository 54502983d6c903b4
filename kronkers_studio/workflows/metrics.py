"""Live metrics: read them from a service, keep them, give them back for charts, online and offline."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import MetricsUnreadable, NotFound, ServerUnreachable, ServiceUnproven, StudioError
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.series import Answers, LiveService, LiveState, Metric, SeriesKey, Window
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.deployment.service_client import ServiceClient
    from kronkers_studio.monitoring.scrape import Scrape
    from kronkers_studio.monitoring.service_history import ServiceHistory

_HOUR, _FEW_POINTS = 3600.0, 120
_SCRAPE_TIMEOUT = 5.0  # seconds; a slower answer counts as unreachable
_HISTORY_TIMEOUT = 10.0  # of two hours of it
_BETWEEN_LOOKS = 30.0  # seconds
_FEATURES_EVERY = 600.0  # seconds of the service's uptime; they are kept by the hour


def monitored(session: Session) -> list[tuple[str, str]]:
    """(model, place) of everything that is or was live, what is live first, then the latest."""
    latest: dict[tuple[str, str], Release] = {}
    for release in session.workspace.ledger.releases():
        key = (release.model, release.place)
        known = latest.get(key)
        if known is None or (release.state is ReleaseState.LIVE, release.changed) > (
            known.state is ReleaseState.LIVE,
            known.changed,
        ):
            latest[key] = release
    order = sorted(latest, key=lambda key: latest[key].changed, reverse=True)
    return sorted(order, key=lambda key: latest[key].state is not ReleaseState.LIVE)


def live_state(session: Session, model: str, place: str) -> LiveState:
    """The last stored value of each metric; nothing is asked of the service."""
    found = session.series.latest(model, place)
    at = max((moment for moment, _ in found.values()), default=None)
    return LiveState(
        model=model,
        place=place,
        as_of=None if at is None else datetime.fromtimestamp(at, UTC),
        reachable=False,
        values={metric: value for metric, (_, value) in found.items()},
        totals=session.series.totals(model, place),
    )


def read_window(
    session: Session, model: str, place: str, metric: Metric, start: float, end: float, max_points: int = 1200
) -> Window:
    """The range ``start`` … ``end`` (seconds since the epoch) of one metric, in at most ``max_points`` points."""
    return session.series.window(SeriesKey(model, place, metric), start, end, max_points)


def live_services(session: Session) -> list[LiveService]:
    """Everything that is live, and what ended by itself, the live first; with what is stored of it: nothing is asked of
    the services."""
    now = time.time()
    found = []
    for model, place in monitored(session):
        releases = session.workspace.ledger.releases(model, place)
        live = next((release for release in releases if release.state is ReleaseState.LIVE), None)
        shown = live or max((each for each in releases if each.lost), key=lambda each: each.changed, default=None)
        if shown is not None:
            requests = read_window(session, model, place, Metric.REQUEST_RATE, now - _HOUR, now, _FEW_POINTS)
            found.append(LiveService(shown, live_state(session, model, place), requests))
    return found


def read_answers(session: Session, model: str, place: str, start: float, end: float, max_points: int = 120) -> Answers:
    """What was answered in the range ``start`` … ``end`` (seconds since the epoch)."""
    return session.series.answers(model, place, start, end, max_points)


class LiveFeed:
    """Reads the metrics of whatever is live of ``model`` in ``place``, time after time, and keeps them.

    What happened since it was read last, by whomever, the service tells of its last 24 hours; ``answered`` says when it
    was heard last, while that is still being read.

    ``scrape`` follows the live release: after a rollback or a new release the next call reads that one. Not
    thread-safe: one thread scrapes.
    """

    def __init__(self, session: Session, model: str, place: str) -> None:
        from kronkers_studio.monitoring import Sampler

        self._session = session
        self._model, self._place = model, place
        self._sampler = Sampler(session.series.last_reading(model, place))
        self._asked: tuple[str, float] | None = None  # the run and uptime up to which its answers were read
        self._features_at: tuple[str, float] | None = None  # the run and uptime when its features were asked for
        self._client: ServiceClient | None = None
        self._release: Release | None = None
        self.answered: datetime | None = None
        self._looked = -_BETWEEN_LOOKS  # when the place was asked what became of a service that did not answer

    def scrape(self) -> LiveState:
        """One reading, stored. For an unreachable service: the last values, with ``reachable`` False."""
        try:
            values = self._read()
        except StudioError as problem:
            self._drop_client()
            self._look(problem)
            live = self._session.workspace.ledger.live_release(self._model, self._place) is not None
            last = live_state(self._session, self._model, self._place)
            return replace(last, problem=problem.message, live=live)
        return LiveState(
            model=self._model,
            place=self._place,
            as_of=datetime.now(UTC),
            reachable=True,
            values=values,
            totals=dict(self._sampler.totals),
        )

    def close(self) -> None:
        self._drop_client()

    def _look(self, problem: StudioError) -> None:
        """A service that does not answer although its place does: what it is now is looked at, and what whoever looks
        can mend is mended. Not at each reading, for it asks the place's engine."""
        from kronkers_studio.workflows.settling import settle_releases

        if isinstance(problem, ServerUnreachable) or time.monotonic() - self._looked < _BETWEEN_LOOKS:
            return
        self._looked = time.monotonic()
        settle_releases(self._session, self._place)

    def _read(self) -> Mapping[Metric, float]:
        from kronkers_studio.monitoring.scrape import read_scrape

        client = self._connected()
        status, body = client.request("GET", "/metrics?features=no", timeout=_SCRAPE_TIMEOUT)
        if status != 200:
            raise NotFound(f"The service answered {status} when asked for its metrics.")
        at = time.time()
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            raise MetricsUnreadable(
                "What the service answered is not a list of metrics.",
                next_step="Release the model again; if it stays so, package it again.",
                details="It is not UTF-8 text.",
            ) from None
        now = read_scrape(text, at)
        self._check_model(now.model)
        self.answered = datetime.now(UTC)
        history = self._missed(client, now)
        taken = self._sampler.add(now, history)
        self._session.series.record(self._model, self._place, taken, self._sampler.totals, history)
        if history is not None and history.intervals:
            self._asked = (history.run, history.intervals[-1].end)
        self._keep_features(client, now)
        return taken.values

    def _keep_features(self, client: ServiceClient, now: Scrape) -> None:
        """Now and then, what came in by feature: a service that is restarted forgets it."""
        from kronkers_studio.workflows.feature_counts import ask_features

        if now.profile is None or now.run is None or now.uptime is None:
            return
        if self._features_at is not None:
            run, uptime = self._features_at
            if run == now.run and now.uptime - uptime < _FEATURES_EVERY:
                return
        self._features_at = (now.run, now.uptime)
        reading = ask_features(client)
        if reading is not None:
            self._session.series.keep_features(self._model, self._place, reading)

    def _missed(self, client: ServiceClient, now: Scrape) -> ServiceHistory | None:
        """What the service kept of the time that nobody has read of; now and then, what it answered since."""
        from kronkers_studio.monitoring.service_history import EVERY, MOST_BYTES, read_history

        if now.run is None or now.uptime is None:  # it keeps nothing
            return None
        if self._asked is None or self._asked[0] != now.run:
            known = self._session.series.answers_known_until(self._model, self._place, now.run)
            self._asked = (now.run, known)
        after = self._sampler.missed_since(now)
        if after is None and now.uptime - self._asked[1] < EVERY:
            return None

        def ask(uptime: float) -> bytes:
            path = f"/history?after={uptime:.3f}"
            status, body = client.request("GET", path, timeout=_HISTORY_TIMEOUT, most_bytes=MOST_BYTES)
            if status != 200:
                raise NotFound(f"The service answered {status} when asked for its last hours.")
            return body

        known = self._asked[1] if after is None else min(after, self._asked[1])
        return read_history(ask, now.run, known, now.uptime)

    def _check_model(self, said: tuple[str, str] | None) -> None:
        """The service serves what is live, should it say what it serves."""
        release = self._release
        if release is not None and said is not None and said != (release.model, str(release.version)):
            raise ServiceUnproven(
                f"What answers is not version {release.version} of {release.model}, which should be live there.",
                next_step="Release it again.",
                details=f"{release.label} says that it is {said[0][:100]} version {said[1][:20]}.",
            )

    def _connected(self) -> ServiceClient:
        release = self._session.workspace.ledger.live_release(self._model, self._place)
        if release is None:
            raise NotFound(f"No release of {self._model} is live there.", next_step="Put a version live first.")
        if self._client is None or self._release is None or release.endpoint != self._release.endpoint:
            self._drop_client()
            self._client, self._release = self._session.client(release), release
        return self._client

    def _drop_client(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = None

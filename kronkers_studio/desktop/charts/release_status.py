"""How what is watched stands: what is live or was last, and what is to be said of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from kronkers_studio.desktop.charts.ranges import SINCE_LIVE
from kronkers_studio.desktop.charts.ticks import clock, day_and_clock, when
from kronkers_studio.desktop.localization import number, tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.place_words import release_pill, silent_words
from kronkers_studio.desktop.reachability import NOT_ASKED, Reachability
from kronkers_studio.desktop.start_again import lost_of
from kronkers_studio.domain.release_events import WENT_LIVE, ReleaseEvent
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.domain.series import LiveState

_LONG_LIVE = 3600  # seconds from which on what is live is not shown from its beginning


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known of one model in one place: its releases, what was measured of it last, if anything, and whether
    what is live answers."""

    releases: tuple[Release, ...] = ()
    state: LiveState | None = None
    heard: Reachability = NOT_ASKED
    events: tuple[ReleaseEvent, ...] = ()  # newest first

    @property
    def live(self) -> Release | None:
        """The release that is live."""
        return next((release for release in self.releases if release.state is ReleaseState.LIVE), None)

    @property
    def last(self) -> Release | None:
        """The release that was live last, where none is."""
        ran = [release for release in self.releases if release.state in (ReleaseState.STANDBY, ReleaseState.STOPPED)]
        return max(ran, key=lambda release: release.changed, default=None)

    @property
    def lost(self) -> Release | None:
        """What ended by itself, where nothing is live now."""
        return next(iter(lost_of(self.releases)), None)

    @property
    def problem(self) -> str:
        """Why what is live does not answer; "" when it does, or nothing is live."""
        return self.heard.problem if self.live is not None else ""

    @property
    def answers(self) -> bool:
        """Something is live, and answers."""
        return self.live is not None and bool(self.heard.answers)

    @property
    def starting(self) -> Release | None:
        """What is being started, by whichever program."""
        return next((release for release in self.releases if release.state is ReleaseState.STARTING), None)

    @property
    def began(self) -> float | None:
        """When what is live, or was last, went live, in seconds since 1970."""
        if self.live is not None:
            return self.live.changed.timestamp()
        release = self.lost or self.last
        if release is None:
            return None
        went_live = (event.at for event in self.events if event.kind in WENT_LIVE and event.release == release.number)
        return next(went_live, release.created).timestamp()

    def heard_until(self, now: float) -> float:
        """``now``, or where nothing answers, the time of the last measurement."""
        state = self.state
        return now if state is None or state.reachable or state.as_of is None else state.as_of.timestamp()

    def fitting_range(self) -> str:
        """What went live within the hour is shown from its beginning."""
        if self.live is not None and (datetime.now(UTC) - self.live.changed).total_seconds() > _LONG_LIVE:
            return "6h"
        return SINCE_LIVE

    def pills(self) -> list[tuple[str, Tone]]:
        """The state in words."""
        state, live = self.state, self.live
        if live is not None and not (self.heard.silent or self.answers):  # it is being asked
            return [] if state is None or state.as_of is None else [(_as_of_words(state.as_of), "plain")]
        shown = live or self.lost or self.starting
        if shown is not None:
            recording: list[tuple[str, Tone]] = [(tr("Records rows"), "plain")]
            return [release_pill(shown, self.heard), *(recording if live is not None and live.recording else [])]
        if self.last is None and self.releases:
            return [release_pill(self.releases[0])]  # it never was live
        return [(tr("Stopped"), "plain")]

    def sentence(self, every: float, retry: float) -> str:
        """Which version is live since when, and as of when that is known; it is asked ``every`` so many seconds, where
        it does not answer after ``retry`` seconds."""
        state, parts = self.state, []
        if self.live is not None:
            since = tr("Version {n}, live since {time}")
            parts.append(since.format(n=self.live.version, time=when(self.live.changed)))
            if self.heard.silent:
                parts.append(silent_words(self.heard))
                parts.append(tr("trying again every {n} s").format(n=number(round(retry))))
        elif (lost := self.lost) is not None:
            words = tr("Version {n} stopped by itself, seen {time}")
            parts.append(words.format(n=lost.version, time=when(lost.changed)))
        elif (last := self.last) is not None:
            parts.append(tr("Version {n} was live last; nothing is live now").format(n=last.version))
        elif self.starting is None and self.releases:
            parts.append(tr("Version {n} did not start; nothing is live now").format(n=self.releases[0].version))
        if (starting := self.starting) is not None:
            parts.append(tr("version {n} is being started").format(n=starting.version))
        if state is not None and state.as_of is not None:
            parts.append(tr("as of {time}").format(time=_as_of(state.as_of)))
        words = " · ".join(parts)
        if state is not None and state.reachable and self.answers:
            words += tr(", refreshed every {n} s").format(n=number(every, 0 if every == round(every) else 1))
        return words


def _as_of_words(at: datetime) -> str:
    return tr("As of {time}").format(time=when(at))


def _as_of(at: datetime) -> str:
    """To the second when it was today, otherwise with its day."""
    today = datetime.now().astimezone().date() == at.astimezone().date()
    return (clock if today else day_and_clock)(at.timestamp(), seconds=True)

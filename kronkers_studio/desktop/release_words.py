"""What happened to a model in a place, in words: for the list of events and for the markers of charts."""

from __future__ import annotations

from kronkers_studio.desktop.localization import date_time, tr
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.place_words import place_words
from kronkers_studio.domain.release_events import ReleaseEvent, ReleaseEventKind


def event_words(event: ReleaseEvent) -> str:
    """A sentence for the list of events."""
    sentences = {
        ReleaseEventKind.WENT_LIVE: tr("Version {n} went live"),
        ReleaseEventKind.ROLLED_BACK: tr("Rolled back from version {before} to {n}"),
        ReleaseEventKind.LIVE_AGAIN: tr("Version {n} went live again"),
        ReleaseEventKind.STARTING: tr("Version {n} is starting"),
        ReleaseEventKind.NOT_STARTED: tr("Version {n} did not start"),
        ReleaseEventKind.STOPPED: tr("Version {n} was stopped"),
        ReleaseEventKind.LOST: tr("Version {n} stopped by itself"),
    }
    return sentences[event.kind].format(n=event.version, before=event.replaced)


def service_event_words(model: str, place: str, event: ReleaseEvent) -> str:
    """The same where things that happened to several models are listed."""
    sentences = {
        ReleaseEventKind.WENT_LIVE: tr("{model} version {n} went live on {place}"),
        ReleaseEventKind.ROLLED_BACK: tr("{model} was rolled back from version {before} to {n} on {place}"),
        ReleaseEventKind.LIVE_AGAIN: tr("{model} version {n} went live again on {place}"),
        ReleaseEventKind.STARTING: tr("{model} version {n} is starting on {place}"),
        ReleaseEventKind.NOT_STARTED: tr("{model} version {n} did not start on {place}"),
        ReleaseEventKind.STOPPED: tr("{model} version {n} was stopped on {place}"),
        ReleaseEventKind.LOST: tr("{model} version {n} stopped by itself on {place}"),
    }
    words = sentences[event.kind]
    return words.format(model=model, place=place_words(place), n=event.version, before=event.replaced)


def event_icon(event: ReleaseEvent) -> tuple[str, Tone]:
    """What stands before it in a list."""
    icons: dict[ReleaseEventKind, tuple[str, Tone]] = {
        ReleaseEventKind.NOT_STARTED: ("error", "bad"),
        ReleaseEventKind.LOST: ("warning", "warn"),
        ReleaseEventKind.ROLLED_BACK: ("undo", "plain"),
        ReleaseEventKind.STOPPED: ("stop", "plain"),
    }
    return icons.get(event.kind, ("deploy", "plain"))


def event_hint(event: ReleaseEvent) -> str:
    """Everything else that is known of it."""
    by = tr("{time}, by {author}").format(time=date_time(event.at), author=event.author or tr("somebody"))
    instead = tr("In place of version {n}").format(n=event.replaced) if event.replaced is not None else ""
    return "\n".join(filter(None, (by, instead, event.message)))


def event_pill(event: ReleaseEvent) -> tuple[str, Tone]:
    """One word for it, and its colour."""
    pills: dict[ReleaseEventKind, tuple[str, Tone]] = {
        ReleaseEventKind.WENT_LIVE: (tr("Put live"), "ok"),
        ReleaseEventKind.ROLLED_BACK: (tr("Rolled back"), "warn"),
        ReleaseEventKind.LIVE_AGAIN: (tr("Live again"), "ok"),
        ReleaseEventKind.STARTING: (tr("Starting"), "accent"),
        ReleaseEventKind.NOT_STARTED: (tr("Failed"), "bad"),
        ReleaseEventKind.STOPPED: (tr("Stopped"), "plain"),
        ReleaseEventKind.LOST: (tr("Stopped"), "warn"),
    }
    return pills[event.kind]


def marker_words(event: ReleaseEvent) -> str:
    """A few words beside a line in a chart; "" for what marks nothing there."""
    words = {
        ReleaseEventKind.WENT_LIVE: tr("version {n} live"),
        ReleaseEventKind.ROLLED_BACK: tr("back to version {n}"),
        ReleaseEventKind.LIVE_AGAIN: tr("version {n} live again"),
        ReleaseEventKind.NOT_STARTED: tr("version {n} failed"),
        ReleaseEventKind.STOPPED: tr("stopped"),
        ReleaseEventKind.LOST: tr("stopped by itself"),
    }
    return words.get(event.kind, "").format(n=event.version)

"""Put a model version live in a place, send it rows, roll it back, stop it."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kronkers_studio.domain.changes import ReleaseRecorded
from kronkers_studio.domain.errors import (
    AlreadyExists,
    InvalidInput,
    NotFound,
    ReleaseFailed,
    RowsRefused,
    ServerUnreachable,
    ServiceUnavailable,
    StudioError,
)
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.recording import Recording
from kronkers_studio.domain.release_events import ReleaseEvent, events_by_service, live_times, release_events
from kronkers_studio.domain.releases import Prediction, Release, ReleaseState
from kronkers_studio.domain.stated_signatures import is_untold
from kronkers_studio.workflows.packages import record_package, require_recording
from kronkers_studio.workflows.places import Place, place_of
from kronkers_studio.workflows.prediction_answers import read_prediction
from kronkers_studio.workflows.prediction_requests import Row, send_rows
from kronkers_studio.workflows.release_options import release_options
from kronkers_studio.workflows.row_matching import require_rows
from kronkers_studio.workflows.server_care import clean_after_release
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.settling import lost_releases, settle_releases
from kronkers_studio.workflows.workers import at_work

_CHANGES_OF_AN_EVENT = 20  # read at most for each: starting, going live, making way, and what came before it
_STATES = {
    ReleaseState.STARTING: "is being started",
    ReleaseState.LIVE: "is live",
    ReleaseState.STANDBY: "is on standby",
    ReleaseState.FAILED: "never became live",
    ReleaseState.STOPPED: "was stopped, and nothing of it is kept",
}


def release_model(
    session: Session,
    name: str,
    version: int | None = None,
    alias: str | None = None,
    *,
    to: str,
    packaged: Path | None = None,
    require_tests: bool = False,
    request_log: float = 0.0,
    processes: int | None = None,
    recording: Recording | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Release:
    """Put a version live in the place ``to`` ("this-computer" or a server's name).

    Its package is built here, or is the one in the archive ``packaged``, and is verified before anything of it reaches
    the place: ``SignatureRefused`` when nobody signed it whose signature is accepted. With ``require_tests``,
    ``NotTested`` unless the last tests of the version, as it is now, passed. ``request_log`` is the share of requests
    that have a line in the service's log; ``processes`` how many the model has beside the service's own, None for what
    suits it; ``recording`` what its service keeps of the rows that it is asked, None for nothing. The release keeps
    them, however often it is stopped and started.

    The new release becomes live only after it answers; then the one before is kept on standby for a rollback. If any
    step fails, what was live before still is, the failed release is in the history, and the error says what failed.
    """
    ledger = session.workspace.ledger
    model = ledger.model_version(name, version, alias)
    options = release_options(model, to, request_log=request_log, processes=processes)
    if require_tests:
        from kronkers_studio.workflows.model_tests import require_tested

        require_tested(session, model)
    if recording is not None:
        require_rows(model.signature, name)
    place = place_of(session, to)
    settle_releases(session, to)
    image = place.prepare(model, progress, cancel, packaged, records=recording is not None)
    if recording is not None:
        require_recording(image)
    record_package(session, image.package)
    kept = {"recording": recording.stored()} if recording else {}
    now = datetime.now(UTC)
    with at_work() as worker:

        def numbered(number: int) -> Release:
            return Release(
                model=name,
                place=to,
                number=number,
                version=model.version,
                package=image.package.digest,
                state=ReleaseState.STARTING,
                created=now,
                changed=now,
                author=session.author,
                endpoint={**place.endpoint(name, number), **options, **kept},
                worker=worker,
            )

        starting = ledger.record_new_release(numbered, author=session.author)
        try:
            started = place.start(image, model, starting, progress, cancel)
            answering = replace(starting, endpoint={**starting.endpoint, **started})
            progress.step("Asking the new release whether it is ready")
            _require_ready(session, answering, model)
            live = _switch(session, place, starting, answering, progress)
        except BaseException as problem:  # an interruption, too, is in the history, and never the last word there
            _give_up(session, place, starting, problem)
            raise
    _clean(session, to, progress)
    return live


def roll_back(
    session: Session,
    name: str,
    place_name: str,
    *,
    to: int | None = None,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Release:
    """Make an earlier release live again: number ``to``, or the last one that was live before.

    As with a new release, the one that is live now stays so until the earlier one answers.
    """
    ledger = session.workspace.ledger
    place = place_of(session, place_name)
    settle_releases(session, place_name)
    releases = ledger.releases(name, place_name)
    target = rollback_target(releases, name, to)
    ended = last_live(releases)
    model = ledger.model_version(name, target.version)
    with at_work() as worker:
        starting = _in_state(replace(target, worker=worker), ReleaseState.STARTING, "being gone back to")
        if not ledger.replace_release(target, starting, author=session.author):
            raise ServiceUnavailable(
                f"Release {target.label} of {name} was changed by somebody else meanwhile.",
                next_step="Look at `kronkers releases`, then try again.",
            )
        try:
            resumed = replace(
                starting, endpoint={**starting.endpoint, **place.resume(starting, model, progress, cancel)}
            )
            _require_ready(session, resumed, model)
            live = _switch(session, place, starting, resumed, progress, ended)
        except BaseException as problem:
            _stay(session, place, starting, target, problem)
            raise
    return live


def stop_release(session: Session, name: str, place_name: str, *, progress: Progress = SILENT) -> Release:
    """Stop what is live of ``name`` in that place; it can be started again. When nothing is live there but a release
    is being started, that one is ended and removed; what ended by itself is stopped then, and not missed any more."""
    settle_releases(session, place_name)
    place = place_of(session, place_name)
    starting = _being_started(session, name, place_name)
    if starting is not None:
        progress.step(f"Stopping {name}")
        ended = _in_state(replace(starting, worker=None), ReleaseState.STOPPED, "stopped before it was live")
        place.remove(starting)
        _record(session, ended)
        return ended
    lost = [release for release in lost_releases(session, place_name) if release.model == name]
    if lost:
        for release in lost:
            session.workspace.ledger.replace_release(release, replace(release, lost=False), author=session.author)
        return replace(lost[0], lost=False)
    release = live_release(session, name, place_name)
    progress.step(f"Stopping {name}")
    place.pause(release)
    stopped = _in_state(release, ReleaseState.STANDBY, "stopped")
    _record(session, stopped)
    warm = [each for each in session.workspace.ledger.releases(name, place_name) if each.warm]
    _make_way(session, place, warm, progress)
    return stopped


def list_releases(session: Session, name: str | None = None, place_name: str | None = None) -> list[Release]:
    """The history, newest first. What was begun and left is ended first, where its place answers."""
    settle_releases(session, place_name, look_at_live=False)
    return session.workspace.ledger.releases(name, place_name)


def events_of(session: Session, name: str, place_name: str) -> list[ReleaseEvent]:
    """What happened to the model in that place, newest first. No place is asked."""
    return release_events(session.workspace.ledger.release_changes(name, place_name))


def live_times_of(session: Session) -> dict[tuple[str, str, int], tuple[datetime, datetime]]:
    """From when to when each release (model, place, number) was live last, of those that are not live now."""
    places = dict.fromkeys((each.model, each.place) for each in session.workspace.ledger.releases())
    return {
        (model, place, number): times
        for model, place in places
        for number, times in live_times(events_of(session, model, place)).items()
    }


def latest_events(session: Session, limit: int) -> list[tuple[str, str, ReleaseEvent]]:
    """The last ``limit`` things that happened to any model in any place, newest first: (model, place, event). No place
    is asked."""
    changes = session.workspace.ledger.latest_release_changes(limit * _CHANGES_OF_AN_EVENT)
    return events_by_service(changes)[:limit]


def recorded_releases(session: Session, name: str | None = None, place_name: str | None = None) -> list[Release]:
    """The history as it is recorded, newest first. No place is asked, so that this takes no time anywhere."""
    return session.workspace.ledger.releases(name, place_name)


def predict(session: Session, name: str, place_name: str, rows: Sequence[Row]) -> Prediction:
    """Send ``rows`` to what is live of ``name`` in that place.

    Raises ``PredictionFailed`` with the service's own sentence (it names the row and field) or when its answer is of no
    use, ``RowsRefused`` for a model that takes only whole tensors, ``ServiceUnproven`` when it is not the release that
    answers, ``ServiceUnavailable``.
    """
    if not rows:
        raise InvalidInput("There are no rows to send.", next_step="Give at least one row.")
    settle_releases(session, place_name, look_at_live=False)
    release = live_release(session, name, place_name)
    version = session.workspace.ledger.model_version(name, release.version)
    try:
        require_rows(version.signature, name)
    except RowsRefused as problem:
        if is_untold(version):
            problem.command = f"Or say what it takes, and release it again: `kronkers model signature {version.label}`."
        raise
    with closing(session.client(release)) as client:
        status, answer, elapsed = send_rows(client, rows)
    return read_prediction(release, status, answer, rows=len(rows), milliseconds=elapsed)


def unpaused_releases(session: Session, name: str, place_name: str) -> list[Release]:
    """What is no longer live but could not be stopped yet; the next look at the place does that."""
    releases = session.workspace.ledger.releases(name, place_name)
    return [release for release in releases if release.state is ReleaseState.STANDBY and release.worker is not None]


def _switch(
    session: Session,
    place: Place,
    starting: Release,
    answering: Release,
    progress: Progress,
    ended: Release | None = None,
) -> Release:
    """The release answers: make it the live one, and put what was live on standby. ``ended`` is what was live last.

    From the first line on it has succeeded. What was live and cannot be stopped now is stopped at the next look.
    """
    ledger = session.workspace.ledger
    others = [
        release for release in ledger.releases(starting.model, starting.place) if release.number != starting.number
    ]
    before = [release for release in others if release.state is ReleaseState.LIVE]
    message = f"took over from {before[0].label}" if before else ""
    live = _in_state(replace(answering, worker=None, left=False, lost=False, warm=False), ReleaseState.LIVE, message)
    keeps = place.keeps_warm()
    replaced = [
        _in_state(
            replace(
                release,
                worker=None if keeps else starting.worker,
                warm=keeps,
                left="port" in starting.endpoint and live.number < release.number,
            ),
            ReleaseState.STANDBY,
            f"replaced by {live.label}",
        )
        for release in before
    ]
    gone = [
        replace(
            release,
            lost=False,
            left=release.left or (release == ended and live.number < release.number),
            warm=False,
            worker=starting.worker if release.warm else release.worker,
        )
        for release in others
        if release not in before and (release.lost or release == ended or release.warm)
    ]
    if not ledger.replace_release(starting, live, *replaced, *gone, author=session.author):
        raise ReleaseFailed(
            f"Release {starting.label} of {starting.model} was ended by somebody else while it was starting.",
            next_step="Look at `kronkers releases`, then release it again.",
        )
    try:
        place.publish()
    except StudioError as problem:
        progress.note(f"The gateway does not know of {live.label} yet, so what was live runs on: {problem.message}")
        return live
    _make_way(session, place, [release for release in (*replaced, *gone) if release.worker is not None], progress)
    return live


def _make_way(session: Session, place: Place, ending: Sequence[Release], progress: Progress) -> None:
    """What nobody goes back to at once is stopped; at the next look, where that cannot be done now."""
    for release in ending:
        try:
            place.pause(release)
        except StudioError as problem:
            progress.note(f"{release.label} could not be stopped yet: {problem.message}")
        else:
            after = replace(release, worker=None, warm=False)
            session.workspace.ledger.replace_release(release, after, author=session.author)


def _give_up(session: Session, place: Place, starting: Release, problem: BaseException) -> None:
    """A new release that did not become live: say so in the history, then see that nothing of it stays.

    What cannot be removed now is removed at the next look.
    """
    ledger = session.workspace.ledger
    failed = _in_state(starting, ReleaseState.FAILED, _why(problem))
    with contextlib.suppress(StudioError):  # the first problem is the one to report
        if not ledger.replace_release(starting, failed, author=session.author):
            return  # it is live; what came then is another matter
        if not isinstance(problem, StudioError) or isinstance(problem, ServerUnreachable):
            return
        place.remove(failed)
        ledger.replace_release(failed, replace(failed, worker=None), author=session.author)
        _say_what_is_live(session, place, failed, problem)


def _stay(session: Session, place: Place, starting: Release, target: Release, problem: BaseException) -> None:
    """An earlier release that could not be gone back to: on standby as it was, or stopped when it is gone."""
    ledger = session.workspace.ledger
    paused = replace(target, worker=starting.worker)
    with contextlib.suppress(StudioError):
        if not ledger.replace_release(starting, paused, author=session.author):
            return
        if not isinstance(problem, StudioError) or isinstance(problem, ServerUnreachable):
            return
        place.pause(paused)
        gone = place.state(paused) is ReleaseState.STOPPED
        after = _in_state(target, ReleaseState.STOPPED, problem.message) if gone else replace(target, warm=False)
        ledger.replace_release(paused, after, author=session.author)
        _say_what_is_live(session, place, starting, problem)


def _say_what_is_live(session: Session, place: Place, release: Release, problem: StudioError) -> None:
    live = session.workspace.ledger.live_release(release.model, release.place)
    if live is not None and place.state(live) is ReleaseState.LIVE:
        problem.next_step = f"{problem.next_step} What was live before ({live.label}) still is.".strip()


def _why(problem: BaseException) -> str:
    if isinstance(problem, StudioError):
        return problem.message
    return (
        "it was interrupted"
        if isinstance(problem, KeyboardInterrupt)
        else f"an error inside ({type(problem).__name__})"
    )


def _clean(session: Session, place_name: str, progress: Progress) -> None:
    """The release has succeeded, whatever becomes of this."""
    try:
        clean_after_release(session, place_name)
    except StudioError as problem:
        progress.note(f"Not everything that is no longer needed could be removed: {problem.message}")


def _being_started(session: Session, name: str, place_name: str) -> Release | None:
    if session.workspace.ledger.live_release(name, place_name) is not None:
        return None
    releases = session.workspace.ledger.releases(name, place_name)
    return next((release for release in releases if release.state is ReleaseState.STARTING), None)


def _require_ready(session: Session, release: Release, model: ModelVersion) -> None:
    """The service answers, and with the very version that was asked for."""
    with closing(session.client(release)) as client:
        status, answer = client.request("GET", f"/v2/models/{model.name}/versions/{model.version}/ready")
    if status != 200:
        raise ReleaseFailed(
            f"The new release of {model.name} does not answer as version {model.version}.",
            next_step="It was removed again. Look at the details, correct the model and try again.",
            details=answer.decode("utf-8", "replace")[:2000],
        )


def last_live(releases: Sequence[Release]) -> Release | None:
    """What is live, or what was live last: it was stopped, or ended with its computer."""
    live = [release for release in releases if release.state is ReleaseState.LIVE]
    ended = [r for r in releases if r.lost or (r.state is ReleaseState.STANDBY and not r.left)]
    return max(live or ended, key=lambda release: release.changed, default=None)


def rollback_target(releases: Sequence[Release], name: str, number: int | None) -> Release:
    """The release ``number``; by default the last before what is live, or was last, that no rollback has left since.

    So going back once more goes further back, and never forward to what somebody went away from or stopped.
    """
    named = [release for release in releases if release.number == number]
    if named and named[0].state is ReleaseState.LIVE:
        raise AlreadyExists(
            f"Release {named[0].label} of {name} is what is live.",
            next_step="Nothing was changed, nothing is to be done.",
        )
    candidates = [release for release in named or releases if release.state is ReleaseState.STANDBY]
    if number is None:
        now = last_live(releases)
        candidates = [release for release in candidates if not release.left and release is not now]
    if candidates and (named or number is None):
        return max(candidates, key=lambda release: release.changed)
    if number is None:
        raise NotFound(
            f"There is no earlier release of {name} to go back to in that place.",
            next_step="`kronkers start` starts again what was live last. `kronkers releases` lists what there is; with "
            "--to you name one.",
        )
    state = f"It {_STATES[named[0].state]}. " if named else ""
    raise NotFound(
        f"There is no release r{number} of {name} to go back to in that place.",
        next_step=f"{state}`kronkers releases` lists what there is.",
    )


def live_release(session: Session, name: str, place_name: str) -> Release:
    """What is live of ``name`` in that place. Raises ``NotFound`` or ``ServiceUnavailable``."""
    session.workspace.ledger.model_version(name)
    place_of(session, place_name)
    release = session.workspace.ledger.live_release(name, place_name)
    if release is None:
        raise ServiceUnavailable(
            f"No version of {name} is live in {place_name}.", next_step="Put a version live first."
        )
    return release


def _in_state(release: Release, state: ReleaseState, message: str) -> Release:
    return replace(release, state=state, message=message, changed=datetime.now(UTC))


def _record(session: Session, release: Release) -> None:
    session.workspace.ledger.record(ReleaseRecorded(release), author=session.author)

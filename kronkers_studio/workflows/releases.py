"""Put a model version live in a place, send it rows, roll it back, stop it."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from kronkers_studio.domain.changes import ReleaseRecorded
from kronkers_studio.domain.errors import (
    InvalidInput,
    NotFound,
    ReleaseFailed,
    ServiceUnavailable,
    StudioError,
)
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.releases import Prediction, Release, ReleaseState
from kronkers_studio.workflows.packages import record_package
from kronkers_studio.workflows.places import Place, place_of
from kronkers_studio.workflows.prediction_answers import MOST_ANSWER_BYTES, read_prediction
from kronkers_studio.workflows.session import Session

_SECONDS_OF_SILENCE = 10.0  # of a service that was sent rows
_SECONDS_TO_PREDICT = 120.0  # for the whole of it, the way there and back included, and more for many rows:
_SLOWEST_LINE = 32_000  # bytes a second

Row = Mapping[str, Any] | Sequence[Any]
"""One row to predict: values by column name, or in the columns' order."""


def release_model(
    session: Session,
    name: str,
    version: int | None = None,
    alias: str | None = None,
    *,
    to: str,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> Release:
    """Put a version live in the place ``to`` ("this-computer" or a server's name).

    The new release becomes live only after it answers; then the one before is kept on standby for a rollback. If any
    step fails, what was live before still is, the failed release is in the history, and the error says what failed.
    """
    ledger = session.workspace.ledger
    model = ledger.model_version(name, version, alias)
    place = place_of(session, to)
    image = place.prepare(model, progress, cancel)
    record_package(session, image.package)

    before = ledger.live_release(name, to)
    now = datetime.now(UTC)
    release = Release(
        model=name,
        place=to,
        number=ledger.next_release_number(name, to),
        version=model.version,
        package=image.package.digest,
        state=ReleaseState.STARTING,
        created=now,
        changed=now,
        author=session.author,
    )
    _record(session, release)
    endpoint: Mapping[str, Any] = {}
    try:
        endpoint = place.start(image, model, release.number, progress, cancel)
        release = replace(release, endpoint=endpoint)
        progress.step("Asking the new release whether it is ready")
        _require_ready(session, release, model)
    except StudioError as problem:
        if endpoint:
            place.remove(release)
        _record(session, _in_state(replace(release, endpoint={}), ReleaseState.FAILED, problem.message))
        raise
    return _switch(session, place, release, before)


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
    target = _rollback_target(ledger.releases(name, place_name), name, to)
    model = ledger.model_version(name, target.version)
    before = ledger.live_release(name, place_name)
    resumed = replace(target, endpoint=place.resume(target, model, progress, cancel))
    try:
        _require_ready(session, resumed, model)
    except StudioError:
        place.pause(resumed)
        raise
    return _switch(session, place, resumed, before)


def stop_release(session: Session, name: str, place_name: str, *, progress: Progress = SILENT) -> Release:
    """Stop what is live of ``name`` in that place; it can be rolled back to."""
    release = _live(session, name, place_name)
    progress.step(f"Stopping {name}")
    place_of(session, place_name).pause(release)
    stopped = _in_state(release, ReleaseState.STANDBY, "stopped")
    _record(session, stopped)
    return stopped


def list_releases(session: Session, name: str | None = None, place_name: str | None = None) -> list[Release]:
    """The history, newest first."""
    return session.workspace.ledger.releases(name, place_name)


def predict(session: Session, name: str, place_name: str, rows: Sequence[Row]) -> Prediction:
    """Send ``rows`` to what is live of ``name`` in that place.

    Raises ``PredictionFailed`` with the service's own sentence (it names the row and field) or when its answer is of no
    use, ``ServiceUnproven`` when it is not the release that answers, ``ServiceUnavailable``.
    """
    if not rows:
        raise InvalidInput("There are no rows to send.", next_step="Give at least one row.")
    release = _live(session, name, place_name)
    body = json.dumps({"rows": list(rows)}).encode("utf-8")
    with closing(session.client(release)) as client:
        started = time.perf_counter()
        status, answer = client.request(
            "POST",
            "/predict",
            body,
            {"Content-Type": "application/json"},
            timeout=_SECONDS_TO_PREDICT + len(body) / _SLOWEST_LINE,
            silence=_SECONDS_OF_SILENCE,
            most_bytes=MOST_ANSWER_BYTES,
        )
        elapsed = (time.perf_counter() - started) * 1000
    return read_prediction(release, status, answer, rows=len(rows), milliseconds=elapsed)


def _switch(session: Session, place: Place, release: Release, before: Release | None) -> Release:
    """``release`` answers: make it the live one, and put the one before on standby."""
    took_over = before is not None and before.number != release.number
    live = _in_state(release, ReleaseState.LIVE, f"took over from {before.label}" if before and took_over else "")
    changes = [ReleaseRecorded(live)]
    if before is not None and took_over:
        changes.append(ReleaseRecorded(_in_state(before, ReleaseState.STANDBY, f"replaced by {live.label}")))
    session.workspace.ledger.record(*changes, author=session.author)
    if before is not None and took_over:
        place.pause(before)
    return live


def _require_ready(session: Session, release: Release, model: ModelVersion) -> None:
    """The service answers, and with the very version that was asked for."""
    with closing(session.client(release)) as client:
        status, answer = client.request("GET", f"/v2/models/{model.name}/versions/{model.version}/ready")
    if status != 200:
        raise ReleaseFailed(
            f"The new release of {model.name} does not answer as version {model.version}.",
            next_step="What was live before still is. Look at the details, correct the model and try again.",
            details=answer.decode("utf-8", "replace")[:2000],
        )


def _rollback_target(releases: Sequence[Release], name: str, number: int | None) -> Release:
    candidates = [release for release in releases if release.state is ReleaseState.STANDBY]
    if number is not None:
        candidates = [release for release in candidates if release.number == number]
    if not candidates:
        wanted = f"release r{number}" if number is not None else "an earlier release"
        raise NotFound(
            f"There is no {wanted} of {name} to go back to in that place.",
            next_step="`kronkers releases` lists what there is.",
        )
    return max(candidates, key=lambda release: release.changed)


def _live(session: Session, name: str, place_name: str) -> Release:
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

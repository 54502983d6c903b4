"""What a live release recorded of the rows that it was asked: fetched, opened with the workspace's key, and saved.

It is fetched through the connection by which its metrics are read; on the way, and where it is kept, it is sealed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import InvalidInput, RecordingUnreadable
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.domain.recording import MOST_BYTES, RecordedRows
from kronkers_studio.domain.releases import Release
from kronkers_studio.workflows.releases import live_release
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.settling import settle_releases

if TYPE_CHECKING:
    import polars

    from kronkers_studio.deployment.service_client import ServiceClient
    from kronkers_studio.monitoring.recorded_batches import OpenedBatch, SealedBatch

_TIMEOUT = 60.0
_MOST_SEALED = 2 * MOST_BYTES  # a service goes on recording while it is read
_MOST_OPENED = 1 << 30  # bytes of the table in memory
_MOST_PROBLEM = 300
EVERYTHING = 10**18 - 1
"""The number of the last batch, whichever that is."""


@dataclass(slots=True)
class _Fetched:
    """What was opened so far. ``through``: the number of the last batch before the first that could not be opened;
    ``unreadable``: rows of those."""

    tables: list[polars.DataFrame]
    requests: int = 0
    through: int = 0
    unreadable: int = 0


def fetch_recorded_rows(
    session: Session,
    model: str,
    place: str,
    *,
    since: datetime | None = None,
    file: Path | None = None,
    overwrite: bool = False,
    remove: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> RecordedRows:
    """Fetch the rows that what is live of ``model`` in ``place`` recorded (``since`` a moment), and save them in
    ``file`` by its ending (``recorded_row_files``); without it only tell what there is. With ``remove`` what was
    fetched is removed there, once it is saved; from the first batch on that cannot be opened everything stays.

    Raises ``InvalidInput`` when that release records nothing, or for another ending; ``RecordingUnreadable``,
    ``AlreadyExists``, ``FileUnwritable``, ``ServiceUnavailable``, ``Cancelled``.
    """
    from kronkers_studio.workflows.recorded_row_files import ENDINGS, write_recorded_rows
    from kronkers_studio.workflows.scored_files import check_target

    if file is not None:
        check_target(file, overwrite=overwrite, endings=ENDINGS)
    if remove and file is None:
        raise InvalidInput("Rows that are not saved are not removed here.", next_step="Name a file.")
    if remove and since is not None:
        raise InvalidInput(
            "What was recorded is removed as a whole, older rows too.", next_step="Leave out the moment, or removing."
        )
    release = _recording_release(session, model, place)
    progress.step(f"Fetching what {model} recorded")
    with closing(session.client(release)) as client:
        fetched = _fetch(session, client, since, progress, cancel)
        told = _told(release, fetched, _problem(client))
        table = _joined(fetched)
        if file is not None and table is not None:
            progress.step(f"Saving {file.name}")
            told = replace(told, guarded=write_recorded_rows(table, file), file=str(file))
        if remove and fetched.through:
            told = replace(told, removed=_remove(client, fetched.through))
    return told


def remove_recorded_rows(session: Session, model: str, place: str, through: int = EVERYTHING) -> int:
    """Remove all that what is live of ``model`` in ``place`` recorded, or what was ``through`` when it was fetched; how
    many rows. Raises as ``fetch_recorded_rows``."""
    release = _recording_release(session, model, place)
    with closing(session.client(release)) as client:
        return _remove(client, through)


def _recording_release(session: Session, model: str, place: str) -> Release:
    settle_releases(session, place, look_at_live=False)
    release = live_release(session, model, place)
    if release.recording is None:
        raise InvalidInput(
            f"{model} {release.label} does not record the rows that it is asked.",
            next_step=f"Release it again with --record-rows, for instance: kronkers release {model}:{release.version} "
            f"--to {place} --record-rows 5%",
        )
    return release


def _fetch(
    session: Session, client: ServiceClient, since: datetime | None, progress: Progress, cancel: CancelToken
) -> _Fetched:
    from kronkers_studio.monitoring.recorded_batches import BatchUnusable, RecordingKey

    key = RecordingKey(session.workspace.recording_key)
    earliest = 0 if since is None else int(since.timestamp() * 1000)
    fetched = _Fetched([])
    memory = 0
    for batch in _batches(client, cancel):
        progress.advance(batch.rows)
        if batch.last < earliest:
            continue
        try:
            opened = key.opened(batch)
        except BatchUnusable:  # one that nobody can read keeps nobody from the others
            fetched.unreadable += batch.rows
            continue
        if not fetched.unreadable:  # what nobody could save is never removed with what was saved
            fetched.through = batch.number
        opened = _since(opened, earliest) if batch.first < earliest else opened
        memory += int(opened.table.estimated_size())
        if memory > _MOST_OPENED:
            raise InvalidInput(
                "More rows were recorded than fit into one table.", next_step="Fetch fewer with --since, such as 1d."
            )
        fetched.tables.append(opened.table)
        fetched.requests += opened.requests
    return fetched


def _batches(client: ServiceClient, cancel: CancelToken) -> Iterator[SealedBatch]:
    """All batches that the service has; within bounds, whatever it answers."""
    from kronkers_studio.monitoring.recorded_batches import MOST_ANSWERED, BatchUnusable, split_batches

    after = length = 0
    try:
        while True:
            cancel.check()
            path = f"/recorded-rows?after={after}"
            status, answer = client.request("GET", path, timeout=_TIMEOUT, most_bytes=MOST_ANSWERED)
            if status != 200:
                raise _unreadable(f"It answered {status}.")
            length += len(answer)
            if length > _MOST_SEALED:
                raise _unreadable("It answered more than a release keeps.")
            if not answer:
                return
            for batch in split_batches(answer, after):
                after = batch.number
                yield batch
    except BatchUnusable as problem:
        raise _unreadable(f"Of one batch {problem}.") from None


def _since(opened: OpenedBatch, earliest: int) -> OpenedBatch:
    import polars

    table = opened.table.filter(polars.selectors.datetime().dt.epoch("ms") >= earliest)
    return replace(opened, table=table, moments=tuple(at for at in opened.moments if at >= earliest))


def _joined(fetched: _Fetched) -> polars.DataFrame | None:
    import polars

    tables = [table for table in fetched.tables if len(table)]
    if not tables:
        return None
    try:
        return polars.concat(tables, how="diagonal_relaxed")
    except polars.exceptions.PolarsError as error:
        raise _unreadable(f"Its batches are no one table: {type(error).__name__}.") from None


def _told(release: Release, fetched: _Fetched, problem: str) -> RecordedRows:
    import polars

    times = [table.select(polars.selectors.datetime()).to_series(0) for table in fetched.tables if len(table)]
    least = [value for each in times if isinstance(value := each.min(), datetime)]
    most = [value for each in times if isinstance(value := each.max(), datetime)]
    return RecordedRows(
        release.model,
        release.place,
        rows=sum(map(len, fetched.tables)),
        requests=fetched.requests,
        first=min(least).astimezone(UTC) if least else None,
        last=max(most).astimezone(UTC) if most else None,
        unreadable=fetched.unreadable,
        through=fetched.through,
        problem=problem,
    )


def _problem(client: ServiceClient) -> str:
    """What the service says keeps it from recording; "" when nothing does."""
    _status, answer = client.request("GET", "/v2/health/ready", timeout=_TIMEOUT)
    try:
        said = json.loads(answer)["recording"]["problem"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return printable(said[:_MOST_PROBLEM]) if isinstance(said, str) else ""


def _remove(client: ServiceClient, through: int) -> int:
    status, answer = client.request("DELETE", f"/recorded-rows?through={through}", timeout=_TIMEOUT)
    try:
        rows = json.loads(answer)["rows"] if status == 200 else None
    except (ValueError, KeyError, TypeError, RecursionError):
        rows = None
    if type(rows) is not int or rows < 0:
        raise _unreadable(f"Asked to remove them it answered {status}.")
    return rows


def _unreadable(details: str) -> RecordingUnreadable:
    return RecordingUnreadable(
        "What the service answered when it was asked for recorded rows is not used.",
        next_step="Release the model again; if it stays so, package it again.",
        details=details,
    )

"""The packaged service of a version, started for a test alone: as a release is, confined alike, and with a secret of
its own; but nobody is told of it, nothing of it is in the history, and it ends with the test.

What a program that is killed leaves behind is ended by the next that looks: beside the services lies a note of each, as
a release with the process that is at it (``workflows.workers``).
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.models import ModelVersion, Package
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.storage.json_form import from_text, to_text
from kronkers_studio.workflows.packages import record_package
from kronkers_studio.workflows.places import Place, private_place
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.workers import at_work, is_abandoned

if TYPE_CHECKING:
    from kronkers_studio.deployment.service_client import ServiceClient

_NOTES = "runs/tests"
_MOST_NOTE_BYTES = 64 * 1024
_MOST_NOTES = 1000
_NUMBERS = 1_000_000_000


@dataclass(frozen=True)
class PrivateService:
    """A service that takes requests through ``client``; it was ready ``start_seconds`` after it was started."""

    release: Release
    version: ModelVersion
    package: Package
    client: ServiceClient
    start_seconds: float


@contextmanager
def private_service(
    session: Session, version: ModelVersion, place_name: str, progress: Progress, cancel: CancelToken
) -> Iterator[PrivateService]:
    """The service of ``version`` in that place, until the block is left, however that is.

    Raises ``PackagingFailed``, ``ReleaseFailed``, ``ConfinementUnavailable``, ``Cancelled``, ``ServerError``.
    """
    end_abandoned(session, place_name)
    place = private_place(session, place_name)
    image = place.prepare(version, progress, cancel)
    record_package(session, image.package)
    number = 1 + secrets.randbelow(_NUMBERS)
    now = datetime.now(UTC)
    with at_work() as worker:
        release = Release(
            model=version.name,
            place=place_name,
            number=number,
            version=version.version,
            package=image.package.digest,
            state=ReleaseState.STARTING,
            created=now,
            changed=now,
            author=session.author,
            endpoint=place.endpoint(version.name, number),
            worker=worker,
        )
        note = _noted(session, release)
        try:
            clock = _StepClock(progress)
            started = place.start(image, version, release, clock, cancel)
            seconds = clock.seconds()
            release = replace(release, endpoint={**release.endpoint, **started})
            _write(note, release)
            with closing(session.client(release)) as client:
                yield PrivateService(release, version, image.package, client, seconds)
        finally:
            _end(place, release, note, progress)


def end_abandoned(session: Session, place_name: str | None = None) -> None:
    """End every service that was started for a test, there or everywhere, by a process that is no more; what cannot be
    reached is left for the next time. No other place is asked."""
    folder = session.directory / _NOTES
    if not folder.is_dir():
        return
    for note, _ in zip(sorted(folder.glob("*.json")), range(_MOST_NOTES), strict=False):
        release = _read(note)
        if release is None or place_name not in (None, release.place) or not is_abandoned(release):
            continue
        with contextlib.suppress(StudioError):
            private_place(session, release.place).remove(release)
            note.unlink(missing_ok=True)


def most_memory(service: PrivateService) -> int | None:
    """The most resident memory of the service so far, in bytes; on a server what it says that it takes now. None where
    nobody says."""
    if service.release.place == THIS_COMPUTER:
        from kronkers_studio.deployment.process_memory import peak_memory

        return peak_memory(service.release.endpoint)
    status, text = service.client.request("GET", "/metrics")
    lines = text.decode("utf-8", "replace").splitlines() if status == 200 else []
    for line in lines:
        name, _, value = line.partition(" ")
        if name.partition("{")[0] == "kronkers_process_memory_bytes":
            with contextlib.suppress(ValueError):
                return int(float(value.split(" ")[-1]))
    return None


def _end(place: Place, release: Release, note: Path, progress: Progress) -> None:
    """The note stays where the service may: whoever looks next ends it."""
    try:
        place.remove(release)
    except StudioError as problem:
        progress.note(f"The service that was tested could not be ended yet: {problem.message}")
    else:
        note.unlink(missing_ok=True)


def _noted(session: Session, release: Release) -> Path:
    folder = session.directory / _NOTES
    for private in (folder.parent, folder):
        private.mkdir(mode=0o700, exist_ok=True)
    note = folder / f"{release.model}-r{release.number}.json"
    _write(note, release)
    return note


def _write(note: Path, release: Release) -> None:
    """At once or not at all: a half written note would leave its service to nobody."""
    draft = note.with_suffix(".new")
    draft.write_text(to_text(release), encoding="ascii")
    draft.replace(note)


def _read(note: Path) -> Release | None:
    try:
        with note.open("rb") as stream:
            return from_text(Release, stream.read(_MOST_NOTE_BYTES).decode("ascii"))
    except (OSError, StudioError, ValueError):  # half written, or none of ours
        return None


class _StepClock:
    """Passes progress on, and measures how long the last step takes: that of starting the service."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._since = time.perf_counter()

    def seconds(self) -> float:
        """Since the last step began."""
        return time.perf_counter() - self._since

    def step(self, title: str, total: int | None = None, unit: str = "") -> None:
        self._since = time.perf_counter()
        self._progress.step(title, total, unit)

    def expect(self, total: int) -> None:
        self._progress.expect(total)

    def advance(self, amount: int = 1) -> None:
        self._progress.advance(amount)

    def note(self, text: str) -> None:
        self._progress.note(text)

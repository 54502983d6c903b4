"""What came into a live service, counted in the bins of its reference profile, beside that reference."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import InvalidInput, NotFound, ServiceUnavailable
from kronkers_studio.domain.feature_comparisons import FeatureComparison, compared
from kronkers_studio.domain.feature_profiles import ReferenceProfile
from kronkers_studio.domain.releases import Release
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.deployment.service_client import ServiceClient
    from kronkers_studio.monitoring.feature_readings import FeatureReading

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class FeaturesSeen:
    """What came into a service ``since`` it began, up to ``at``. ``profile`` is the digest of the profile whose bins it
    counts in, ``answers`` what it answered, where that is counted."""

    model: str
    version: int
    place: str
    profile: str
    since: datetime
    at: datetime
    features: tuple[FeatureComparison, ...]
    answers: FeatureComparison | None = None


def features_seen(session: Session, model: str, place: str) -> FeaturesSeen:
    """What came into the service that is live, beside its version's reference profile; where it does not answer, what
    was kept of it last.

    Raises ``NotFound`` when nothing is live there, ``ServiceUnavailable`` when it does not answer and nothing was kept,
    and ``InvalidInput`` when it counts nothing: its package has no profile, or another than the version has by now.
    """
    release = session.workspace.ledger.live_release(model, place)
    if release is None:
        raise NotFound(f"No release of {model} is live there.", next_step="Put a version live first.")
    profile = session.workspace.ledger.profile(release.model, release.version)
    try:
        with closing(session.client(release)) as client:
            reading = ask_features(client)
    except ServiceUnavailable:
        kept = None if profile is None else session.series.last_features(model, place, profile.digest)
        if profile is None or kept is None:
            raise
        return seen_of(release, profile, kept)
    if reading is None or profile is None or reading.profile != profile.digest:
        raise _uncounted(release, has_profile=profile is not None, counts=reading is not None)
    session.series.keep_features(model, place, reading)
    return seen_of(release, profile, reading)


def ask_features(client: ServiceClient) -> FeatureReading | None:
    """What a service counted since it began; None when it counts nothing, as older ones do. Raises
    ``MetricsUnreadable``, ``ServiceUnavailable``."""
    from kronkers_studio.monitoring.feature_readings import MOST_BYTES, read_statistics

    status, body = client.request("GET", "/statistics", timeout=_TIMEOUT, most_bytes=MOST_BYTES)
    return read_statistics(body, time.time()) if status == 200 else None


def seen_of(release: Release, profile: ReferenceProfile, reading: FeatureReading) -> FeaturesSeen:
    """``reading`` beside the profile, whose bins it was counted in."""
    references = {one.bins.name: one for one in profile.table.features}
    pairs = [(references[name], counts) for name, counts in reading.features.items() if name in references]
    answers = profile.table.answers
    return FeaturesSeen(
        release.model,
        release.version,
        release.place,
        reading.profile,
        datetime.fromtimestamp(reading.at - reading.uptime, UTC),
        datetime.fromtimestamp(reading.at, UTC),
        tuple(compared(reference, counts) for reference, counts in pairs if len(counts) == len(reference.counts)),
        compared(answers, reading.answers)
        if answers is not None and reading.answers is not None and len(reading.answers) == len(answers.counts)
        else None,
    )


def _uncounted(release: Release, *, has_profile: bool, counts: bool) -> InvalidInput:
    label = f"{release.model}:{release.version}"
    if not has_profile:
        return InvalidInput(
            f"{label} has no reference profile, so that its service counts nothing of what comes in.",
            next_step=f"Make one and release it again: kronkers model profile {label} --data PROJECT:PATH",
        )
    why = "its profile was made again since" if counts else "its package was made before its profile"
    return InvalidInput(
        f"The service of {label} in {release.place} counts in no bins of its profile: {why}.",
        next_step="Release it again.",
    )

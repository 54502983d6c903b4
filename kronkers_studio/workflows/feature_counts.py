"""What came into a live service, counted in the bins of its reference profile, beside that reference."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from kronkers_studio.domain.errors import InvalidInput, NotFound, ServiceUnavailable
from kronkers_studio.domain.feature_comparisons import FeatureComparison, compared
from kronkers_studio.domain.feature_profiles import ReferenceProfile
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.deployment.service_client import ServiceClient
    from kronkers_studio.monitoring.feature_readings import FeatureReading

_TIMEOUT = 10.0


@dataclass(frozen=True, slots=True)
class FeaturesSeen:
    """What came into a service from ``since`` up to ``at``. ``profile`` is the digest of the profile whose bins it
    counts in, ``answers`` what it answered, where that is counted."""

    model: str
    version: int
    place: str
    profile: str
    since: datetime
    at: datetime
    features: tuple[FeatureComparison, ...]
    answers: FeatureComparison | None = None


def live_places(session: Session, version: ModelVersion) -> tuple[str, ...]:
    """Where that version is live, as it is recorded."""
    releases = session.workspace.ledger.releases(version.name)
    live = [each for each in releases if each.version == version.version and each.state is ReleaseState.LIVE]
    return tuple(each.place for each in live)


def features_seen(session: Session, model: str, place: str, seconds: float | None = None) -> FeaturesSeen:
    """What came into the service that is live, beside its version's reference profile: since its run began, or in the
    last ``seconds``, to the hours in which it was read, over restarts and releases that count in the same bins. Where
    it does not answer, what was kept of it.

    Raises ``NotFound`` when nothing is live there or nothing was kept of that time, ``ServiceUnavailable`` when it does
    not answer and nothing was kept, and ``InvalidInput`` when it counts nothing: its package has no profile, or another
    than the version has by now.
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
        reading = kept
    else:
        if reading is None or profile is None or reading.profile != profile.digest:
            raise _uncounted(release, has_profile=profile is not None, counts=reading is not None)
        session.series.keep_features(model, place, reading)
    if seconds is None:
        return _seen_of(release, profile, reading)
    return _seen_within(session, release, profile, seconds)


def ask_features(client: ServiceClient) -> FeatureReading | None:
    """What a service counted since it began; None when it counts nothing, as older ones do. Raises
    ``MetricsUnreadable``, ``ServiceUnavailable``."""
    from kronkers_studio.monitoring.feature_readings import MOST_BYTES, read_statistics

    status, body = client.request("GET", "/statistics", timeout=_TIMEOUT, most_bytes=MOST_BYTES)
    return read_statistics(body, time.time()) if status == 200 else None


def _seen_of(release: Release, profile: ReferenceProfile, reading: FeatureReading) -> FeaturesSeen:
    """``reading`` beside the profile, whose bins it was counted in."""
    since = reading.at - reading.uptime
    return _beside(release, profile, (since, reading.at), reading.features, reading.answers)


def _seen_within(session: Session, release: Release, profile: ReferenceProfile, seconds: float) -> FeaturesSeen:
    """What was kept of the last ``seconds``, beside the profile."""
    from kronkers_studio.monitoring.feature_readings import ProfileBins

    answers = profile.table.answers
    features = {one.bins.name: len(one.counts) for one in profile.table.features}
    bins = ProfileBins(profile.digest, features, len(answers.counts) if answers is not None else 0)
    now = time.time()
    found = session.series.features_between(release.model, release.place, bins, now - seconds, now)
    if found is None:
        raise NotFound(
            f"Nothing that came into {release.model} in {release.place} was read in that time.",
            next_step="Ask for a longer time.",
        )
    return _beside(release, profile, (found.start, found.end), found.features, found.answers)


def _beside(
    release: Release,
    profile: ReferenceProfile,
    between: tuple[float, float],
    features: Mapping[str, tuple[int, ...]],
    answers: tuple[int, ...] | None,
) -> FeaturesSeen:
    """Counts beside the reference of each feature, in the profile's order; what is of other bins is left out."""
    references = [one for one in profile.table.features if len(features.get(one.bins.name, ())) == len(one.counts)]
    given = profile.table.answers
    since, at = (datetime.fromtimestamp(moment, UTC) for moment in between)
    return FeaturesSeen(
        release.model,
        release.version,
        release.place,
        profile.digest,
        since,
        at,
        tuple(compared(one, features[one.bins.name]) for one in references),
        compared(given, answers) if given and answers is not None and len(answers) == len(given.counts) else None,
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

"""What a service says that came in, checked within bounds: its answer is the word of a stranger."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kronkers_studio.domain.errors import MetricsUnreadable
from kronkers_studio.domain.feature_profiles import LARGEST_COUNT, LONGEST_COLUMN, MOST_BINS, MOST_CUTS, MOST_FEATURES
from kronkers_studio.monitoring.scrape import LONGEST

MOST_BYTES = 1 << 20
_RUN = re.compile("[0-9a-f]{16}")
_DIGEST = re.compile("[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class ProfileBins:
    """How many bins the ``profile`` (its digest) has of each of its ``features``, and of the ``answers``, 0 of none."""

    profile: str
    features: Mapping[str, int]
    answers: int = 0


@dataclass(frozen=True, slots=True)
class FeatureReading:
    """What a service counted of its ``run`` up to ``at`` (seconds since the epoch), when it had run for ``uptime``
    seconds: by feature the rows in each bin of the profile with the digest ``profile``, and its ``answers`` likewise.
    """

    profile: str
    run: str
    uptime: float
    at: float
    features: Mapping[str, tuple[int, ...]]
    answers: tuple[int, ...] | None = None


def read_statistics(body: bytes, at: float) -> FeatureReading | None:
    """What the answer ``body`` of /statistics says that was read at ``at``; None of a service that counts nothing.
    Raises ``MetricsUnreadable``."""
    try:
        said = json.loads(body)
        if said["profile"] is None:
            return None
        return _reading(said, at)
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise MetricsUnreadable(
            "What the service says that came in is not what a released model tells.",
            next_step="Release the model again; if it stays so, package it again.",
            details=f"{type(error).__name__}: {error}"[:200],
        ) from None


def _reading(said: Any, at: float) -> FeatureReading:
    profile, run, uptime = said["profile"], said["run"], said["uptime"]
    if not _DIGEST.fullmatch(profile) or not _RUN.fullmatch(run):
        raise ValueError("a profile or run that is none")
    if isinstance(uptime, bool) or not isinstance(uptime, int | float) or not 0 <= uptime <= LONGEST:
        raise ValueError("an uptime that is none")
    found = said["features"]
    if not isinstance(found, list) or len(found) > MOST_FEATURES:
        raise ValueError("too many features")
    features = {_name(one["name"]): checked_counts(one["counts"]) for one in found}
    answers = None if said["answers"] is None else checked_counts(said["answers"])
    if len(features) != len(found) or sum(map(len, features.values())) > MOST_BINS + MOST_CUTS:
        raise ValueError("a feature twice, or too many bins")
    return FeatureReading(profile, run, float(uptime), at, features, answers)


def _name(said: Any) -> str:
    if not isinstance(said, str) or len(said) > LONGEST_COLUMN:
        raise ValueError("a feature without a name")
    said.encode()
    return said


def checked_counts(said: Any) -> tuple[int, ...]:
    """Rows by bin. Raises ``ValueError`` for what is none."""
    if not isinstance(said, list) or not all(type(count) is int and 0 <= count <= LARGEST_COUNT for count in said):
        raise ValueError("counts that are none")
    if math.fsum(said) > LARGEST_COUNT:
        raise ValueError("counts out of range")
    return tuple(said)

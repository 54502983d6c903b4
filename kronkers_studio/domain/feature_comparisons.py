"""What came in of a feature, beside the reference profile of the model: how far the two are from each other."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kronkers_studio.domain.feature_profiles import FeatureProfile

ENOUGH_ROWS = 300
"""Fewer rows tell chance from a change too badly to say how far they are from the reference."""


@dataclass(frozen=True, slots=True)
class FeatureComparison:
    """What came in of a feature (``counts`` by bin), beside its reference. ``psi`` is the population stability index
    less what chance alone makes of it (PSI*), None of fewer than ``ENOUGH_ROWS`` rows on either side."""

    reference: FeatureProfile
    counts: tuple[int, ...]
    psi: float | None

    @property
    def name(self) -> str:
        return self.reference.bins.name

    @property
    def rows(self) -> int:
        return sum(self.counts)

    def share(self, *labels: str) -> float | None:
        """The share of the rows that came in that lie in the bins of those labels; None of no rows."""
        names = self.reference.bins.labels
        found = sum(self.counts[names.index(label)] for label in labels if label in names)
        return found / self.rows if self.rows else None


def compared(reference: FeatureProfile, counts: Sequence[int]) -> FeatureComparison:
    """``counts`` are those of what came in, in the order of the reference's bins. Raises ``ValueError`` when they are
    of other bins."""
    if len(counts) != len(reference.counts):
        raise ValueError("counts of other bins")
    enough = min(sum(counts), reference.rows) >= ENOUGH_ROWS
    return FeatureComparison(reference, tuple(counts), corrected_psi(reference.counts, counts) if enough else None)


def corrected_psi(reference: Iterable[int], counts: Iterable[int]) -> float:
    """PSI* = PSI − (K−1)(1/n + 1/N), the population stability index of two rows of counts less its mean where both are
    drawn alike: K bins, n and N rows. Where one side of a bin is empty it counts as half a row."""
    pairs = [(before, now) for before, now in zip(reference, counts, strict=True) if before or now]
    before_all, now_all = sum(before for before, _ in pairs), sum(now for _, now in pairs)
    if not before_all or not now_all:
        raise ValueError("no rows")
    psi = 0.0
    for before, now in pairs:
        was, is_now = (before or 0.5) / before_all, (now or 0.5) / now_all
        psi += (is_now - was) * math.log(is_now / was)
    return psi - (len(pairs) - 1) * (1 / now_all + 1 / before_all)

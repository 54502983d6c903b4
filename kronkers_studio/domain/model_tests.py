"""A run of a test set against the packaged service of a model version, as it is kept with the version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from kronkers_studio.domain.models import ContentRef


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"  # what was measured is not what was asked for
    ERROR = "error"  # nothing could be measured
    SKIPPED = "skipped"  # there was nothing to measure yet


@dataclass(frozen=True, slots=True)
class ExpectationResult:
    """What came of one expectation. ``value`` is what was measured, None where that is no number; ``limit`` what was
    asked for, as "at least 0.9"; ``sentence`` says all of it; ``seconds`` it took."""

    name: str
    kind: str
    outcome: Outcome
    value: float | None
    limit: str
    sentence: str
    seconds: float


@dataclass(frozen=True, slots=True)
class ModelTestRun:
    """Run ``id`` of a test set against the service of ``package`` (its digest), which ran in ``place``.

    ``subject`` is the digest of all that makes the package of the version what it is: its file, libraries, what it may
    name and takes; with another one, the version was changed since. ``test_set`` names the file at its commit,
    ``test_set_digest`` is the SHA-256 of its bytes.
    """

    id: str
    model: str
    version: int
    at: datetime
    author: str
    place: str
    package: str
    subject: str
    test_set: ContentRef
    test_set_digest: str
    results: tuple[ExpectationResult, ...]
    seconds: float = 0.0

    @property
    def label(self) -> str:
        """``churn:3``"""
        return f"{self.model}:{self.version}"

    @property
    def outcome(self) -> Outcome:
        """FAILED if one failed, else ERROR if one could not be measured; what was skipped does not count, but a run
        that measured nothing at all is SKIPPED."""
        found = {result.outcome for result in self.results}
        for outcome in (Outcome.FAILED, Outcome.ERROR, Outcome.PASSED):
            if outcome in found:
                return outcome
        return Outcome.SKIPPED

    @property
    def passed(self) -> bool:
        return self.outcome is Outcome.PASSED

    def count(self, outcome: Outcome) -> int:
        """How many expectations ended so."""
        return sum(result.outcome is outcome for result in self.results)


def run_words(run: ModelTestRun) -> str:
    """ "8 of 9 tests passed, 1 failed"; "all 9 tests passed"."""
    return result_words(run.results)


def result_words(results: Sequence[ExpectationResult]) -> str:
    """As ``run_words``, of results."""
    counts = {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
    total, passed = len(results), counts[Outcome.PASSED]
    if passed == total:
        return "the test passed" if total == 1 else f"all {total} tests passed"
    said = [f"{passed} of {total} tests passed"]
    words = {Outcome.FAILED: "failed", Outcome.ERROR: "could not be measured", Outcome.SKIPPED: "skipped"}
    said += [f"{counts[outcome]} {word}" for outcome, word in words.items() if counts[outcome]]
    return ", ".join(said)

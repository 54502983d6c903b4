"""Whether a live service answers, as the Recorder heard of it last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Reachability:
    """``answers`` is None until it was asked once. ``since`` is when it answered last or, when this window never heard
    it answer, when it was first asked in vain; ``problem`` is why."""

    answers: bool | None = None
    since: datetime | None = None
    problem: str = ""

    @property
    def silent(self) -> bool:
        """It was asked and does not answer."""
        return self.answers is False


ReachabilityOf = Callable[[str, str], Reachability]
"""What was heard of a model in a place."""

NOT_ASKED = Reachability()
ANSWERS = Reachability(True)


def nothing_heard(_model: str, _place: str) -> Reachability:
    """For what is shown before anything was asked."""
    return NOT_ASKED

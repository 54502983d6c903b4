"""What a release keeps of the rows that it is asked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from kronkers_studio.domain.errors import InvalidInput

DEFAULT_MOST_ROWS = 100_000
MOST_ROWS = 1_000_000
MOST_BYTES = 64 << 20
"""Bytes of sealed rows that a release keeps at most."""
RECORD_FILES = 8
"""How many files a service keeps them in (``serving.recording.ring``)."""

_PERCENT = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_SHARE = re.compile(r"[01](?:\.[0-9]{1,9})?|\.[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class Recording:
    """``share`` of all requests is kept with what was answered, above 0, 1 for each; the newest ``most_rows`` rows."""

    share: float
    most_rows: int = DEFAULT_MOST_ROWS

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise _no_share(f"{self.share:g}")
        if not 1 <= self.most_rows <= MOST_ROWS:
            raise InvalidInput(f"A release keeps from 1 to {MOST_ROWS:,} rows.", next_step="Choose another number.")

    @property
    def percent(self) -> str:
        """``5 %``"""
        return f"{100 * self.share:g} %"

    def stored(self) -> dict[str, Any]:
        """As a release's endpoint has it."""
        return {"share": self.share, "most_rows": self.most_rows}


@dataclass(frozen=True, slots=True)
class RecordedRows:
    """What was fetched of recorded rows: how many ``rows`` of how many ``requests``, answered from ``first`` to
    ``last``.

    ``problem`` is what the service says that keeps it from recording. ``unreadable`` rows are not among them: they were
    sealed for another workspace, or changed. ``file`` is where they were saved, where ``guarded`` texts of a CSV file
    got an apostrophe before them; ``removed`` is how many rows were removed there. ``through`` is the number
    of the last batch before one that is unreadable, up to which they can be removed: what nobody saved stays.
    """

    model: str
    place: str
    rows: int
    requests: int
    first: datetime | None
    last: datetime | None
    problem: str = ""
    unreadable: int = 0
    file: str = ""
    guarded: int = 0
    removed: int = 0
    through: int = 0


def parse_recording(share: str, most_rows: int = DEFAULT_MOST_ROWS) -> Recording | None:
    """``5%`` or ``0.05``; None for 0. Raises ``InvalidInput``."""
    text = share.strip()
    percent = _PERCENT.fullmatch(text)
    if percent is None and not _SHARE.fullmatch(text):
        raise _no_share(text)
    value = float(percent[1]) / 100 if percent else float(text)
    if value > 1:
        raise _no_share(text)
    return Recording(value, most_rows) if value else None


def recording_of(stored: object) -> Recording | None:
    """What ``Recording.stored`` gave, which somebody else may have written; None for anything else."""
    if not isinstance(stored, Mapping):
        return None
    share, most = stored.get("share"), stored.get("most_rows")
    if not isinstance(share, int | float) or isinstance(share, bool) or not isinstance(most, int):
        return None
    return Recording(float(share), most) if 0 < share <= 1 and 1 <= most <= MOST_ROWS else None


def _no_share(text: str) -> InvalidInput:
    return InvalidInput(
        f"“{text[:40]}” is not a share of the requests.", next_step="Write for instance 5% or 0.05; 100% keeps each."
    )

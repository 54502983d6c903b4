"""Releases: a model version running in a place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from kronkers_studio.domain.recording import Recording, recording_of

THIS_COMPUTER = "this-computer"
"""The place that needs no server and no Docker."""


MOST_PROCESSES = 64
"""How many processes one model may have."""


class ReleaseState(StrEnum):
    STARTING = "starting"
    LIVE = "live"
    STANDBY = "standby"  # was live, kept for rollback
    FAILED = "failed"
    STOPPED = "stopped"  # nothing of it is kept


IN_PLACE = (ReleaseState.STARTING, ReleaseState.LIVE, ReleaseState.STANDBY)
"""The states in which something of a release is in its place."""


@dataclass(frozen=True, slots=True)
class Worker:
    """The process that is changing a release: on which computer (its random id, and what tells its starts apart), its
    number and start time there (seconds since the epoch), and a random token for this very change."""

    computer: str
    running_since: str
    process: int
    started: float
    token: str


@dataclass(frozen=True, slots=True)
class Release:
    """Release ``number`` of ``model`` in ``place`` ("this-computer" or a server's name).

    ``endpoint`` says how to reach the service in that place: {"port": 41234} on loopback there, and for this computer
    {"pid": …, "started": …}; its keys belong to deployment. What the service will be known by is in it before anything
    of it is there; the port once it has answered.

    ``worker`` is who is changing it now. When that process is gone, what it began is ended by the next who looks.
    """

    model: str
    place: str
    number: int
    version: int
    package: str  # digest
    state: ReleaseState
    created: datetime
    changed: datetime
    author: str = ""
    endpoint: Mapping[str, Any] = field(default_factory=dict)
    message: str = ""  # why it failed, what it replaced
    worker: Worker | None = field(default=None, metadata={"stored": True})
    left: bool = field(default=False, metadata={"stored": True})  # a rollback went from it to an earlier one
    lost: bool = field(default=False, metadata={"stored": True})  # it was live, and ended though nobody here stopped it
    warm: bool = field(
        default=False, metadata={"stored": True}
    )  # on standby but running, so that going back is at once

    @property
    def label(self) -> str:
        """``r3``"""
        return f"r{self.number}"

    @property
    def request_log(self) -> float:
        """The share of requests that have a line in the service's log, from 0 to 1."""
        share = self.endpoint.get("request_log")
        return float(share) if isinstance(share, int | float) and 0 <= share <= 1 else 0.0

    @property
    def processes(self) -> int | None:
        """How many processes the model has beside the service's own; None for what suits it."""
        count = self.endpoint.get("processes")
        return count if type(count) is int and 0 <= count <= MOST_PROCESSES else None

    @property
    def recording(self) -> Recording | None:
        """What the service keeps of the rows that it is asked; None for nothing."""
        return recording_of(self.endpoint.get("recording"))


@dataclass(frozen=True, slots=True)
class Prediction:
    """The service's answer to rows: one output per row, with class probabilities where the model gives them."""

    model: str
    version: int
    outputs: tuple[Any, ...]
    probabilities: tuple[Mapping[str, float], ...] = ()
    milliseconds: float = 0.0

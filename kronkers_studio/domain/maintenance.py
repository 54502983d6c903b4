"""Looking after a workspace: what lies in its trash, what cleaning up frees, how it is made again, and its keys."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class TrashKind(StrEnum):
    PROJECT = "project"
    BRANCH = "branch"
    MODEL = "model"  # one version of a model


@dataclass(frozen=True, slots=True)
class TrashItem:
    """Something removed that can be brought back. ``owner`` is the project or model, ``name`` the branch or the
    version's number ("" for a whole project)."""

    id: str
    kind: TrashKind
    owner: str
    name: str
    removed: datetime
    author: str

    @property
    def label(self) -> str:
        """``project sales``, ``branch main of sales``, ``model churn:3``"""
        if self.kind is TrashKind.PROJECT:
            return f"project {self.owner}"
        return (
            f"branch {self.name} of {self.owner}"
            if self.kind is TrashKind.BRANCH
            else f"model {self.owner}:{self.name}"
        )


@dataclass(frozen=True, slots=True)
class PackGarbage:
    """What nobody needs any more in one pack file. ``decision`` says, as a sentence, what becomes of it and why."""

    pack: int
    size: int  # bytes of the file
    unused: int  # bytes of it that nothing refers to
    unused_objects: int
    freed: bool  # cleaning up frees them (now, or would)
    decision: str


@dataclass(frozen=True, slots=True)
class CleanUpReport:
    """What ``gc`` freed, or with ``dry_run`` would free.

    ``forgotten`` are commits that no branch, tag, model version, item in the trash or recent change leads to.
    ``kept`` counts bytes that nothing refers to, but that are too young or too few to be worth a rewrite. ``resting``
    versions, which only changes of the grace period lead to, and the ``trashed`` items in the trash are kept as well.
    """

    dry_run: bool
    grace_days: float
    objects: int = 0  # in the store
    used_objects: int = 0
    forgotten: tuple[str, ...] = ()
    freed_objects: int = 0
    freed: int = 0  # bytes
    kept: int = 0  # bytes
    resting: int = 0
    trashed: int = 0
    packs: tuple[PackGarbage, ...] = ()


@dataclass(frozen=True, slots=True)
class RebuildReport:
    """What ``registry rebuild`` found. ``problems`` lists what could not be read, as sentences."""

    packs: int
    objects: int
    bytes_read: int
    journal_entries: int
    database_made_anew: bool  # it was missing or damaged; ``set_aside`` is then where its remains lie
    set_aside: str = ""
    problems: tuple[str, ...] = ()


class KeyEventKind(StrEnum):
    ADDED = "added"
    REMOVED = "removed"
    DRILLED = "drilled"  # a recovery key was typed in and found right


@dataclass(frozen=True, slots=True)
class KeyEvent:
    """Something that was done with a way of opening the workspace."""

    at: datetime
    kind: KeyEventKind
    slot: str
    way: str
    author: str


@dataclass(frozen=True, slots=True)
class KeySlot:
    """One way of opening the workspace. ``kind`` is "passphrase", "recovery", "key-file" or "keyring"; ``detail`` the
    key file's path. ``drilled`` is when a recovery key was last tried out."""

    id: str
    kind: str
    title: str
    detail: str = ""
    drilled: datetime | None = None


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """What ``key rotate`` renewed and what it left, by title; the new recovery key is handed over beside it."""

    renewed: tuple[str, ...]
    kept: tuple[str, ...]

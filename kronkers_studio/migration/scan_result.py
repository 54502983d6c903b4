"""What a scan has found so far: what is to be stored, what people are told of all of it, what is left out and why."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace

from kronkers_studio.domain.content import SkippedItem, SkipReason
from kronkers_studio.domain.file_types import BINARY, Look
from kronkers_studio.domain.migration import Decision, FileKind, PlannedItem, Rename, RuleHits
from kronkers_studio.migration.classification import type_of
from kronkers_studio.migration.found_item import FoundItem

_LISTED_PER_RULE = 100
_WILL_BE_FETCHED = "It is online-only: bringing it in downloads it from OneDrive."
_ONLINE_ONLY = (
    "It is online-only: OneDrive has it in the cloud, not on this computer. "
    "Choose “Always keep on this device” for it and migrate again, have it fetched, or leave it out."
)


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds. ``items`` are to be stored, ``planned`` says all of it to people, ``skipped`` is not kept.

    All are in the order of the walk: a folder's own files by name, then its subfolders by name. Of many files that one
    rule leaves out, ``skipped`` has only their number. ``state`` is the digest of ``folder_state``, None when something
    was not at rest, or when options say what is looked at. ``renamed`` are stored files that were found elsewhere.
    """

    items: tuple[FoundItem, ...]
    planned: tuple[PlannedItem, ...]
    skipped: tuple[SkippedItem, ...]
    state: bytes | None = field(default=None, compare=False)
    rules: tuple[RuleHits, ...] = ()
    renamed: tuple[Rename, ...] = ()


@dataclass(slots=True)
class Findings:
    """All in the order in which it was found. Without ``planning``, ``planned`` stays empty."""

    planning: bool
    items: list[FoundItem] = field(default_factory=list)
    planned: list[PlannedItem] = field(default_factory=list)
    skipped: list[SkippedItem] = field(default_factory=list)
    _ruled_out: dict[str, list[str]] = field(default_factory=dict)  # sentence → paths

    @property
    def count(self) -> int:
        """How many things were found so far."""
        return len(self.items) + len(self.skipped) + sum(map(len, self._ruled_out.values()))

    # What is kept
    def keep_file(self, item: FoundItem, why: str, conflict_of: str) -> None:
        """Note a file that is to be stored; ``why`` somebody should look at it, "" for no reason."""
        self.items.append(item)
        if self.planning:
            self.planned.append(
                PlannedItem(
                    path=item.path,
                    kind=item.look.kind,
                    description=item.look.description,
                    size=item.size,
                    mtime_ns=item.mtime_ns,
                    decision=Decision.DECIDE if why else Decision.KEEP,
                    why=why or (_WILL_BE_FETCHED if item.online_only else ""),
                    unchanged=item.known is not None and not item.renamed_from,
                    conflict_of=conflict_of,
                    online_only=item.online_only,
                    renamed_from=item.renamed_from,
                )
            )

    def keep_unread(self, item: FoundItem, description: str, why: str) -> None:
        """Note a thing that has no bytes of its own."""
        self.items.append(item)
        if self.planning:
            decision = Decision.DECIDE if why else Decision.KEEP
            self.planned.append(PlannedItem(item.path, FileKind.OTHER, description, 0, item.mtime_ns, decision, why))

    # What is not kept
    def skip(self, item: SkippedItem, look: Look, status: os.stat_result | None = None) -> None:
        """Note what cannot be kept, or is not wanted by anybody."""
        self.skipped.append(item)
        if self.planning:
            self._plan_to_leave_out(item.path, item.detail, look, status)

    def skip_placeholder(self, path: str, status: os.stat_result) -> None:
        """Note a file that is only in the cloud, and is not to be fetched."""
        self.skipped.append(SkippedItem(path, SkipReason.PLACEHOLDER, _ONLINE_ONLY))
        if self.planning:
            look = look_of_name(path)
            size, mtime_ns = status.st_size, status.st_mtime_ns
            planned = PlannedItem(path, look.kind, look.description, size, mtime_ns, Decision.DECIDE, _ONLINE_ONLY)
            self.planned.append(replace(planned, online_only=True))

    def rule_out(self, path: str, why: str, look: Look, status: os.stat_result) -> None:
        """Note a file or link that a rule leaves out, which ``why`` says."""
        self._ruled_out.setdefault(why, []).append(path)
        if self.planning:
            self._plan_to_leave_out(path, why, look, status)

    def _plan_to_leave_out(self, path: str, why: str, look: Look, status: os.stat_result | None) -> None:
        size, mtime_ns = (status.st_size, status.st_mtime_ns) if status is not None else (0, 0)
        self.planned.append(PlannedItem(path, look.kind, look.description, size, mtime_ns, Decision.LEAVE_OUT, why))

    def left_out_by_rules(self) -> list[SkippedItem]:
        """The files that rules leave out; where they are many, their number stands for them: commits carry this."""
        listed = []
        for why, paths in self._ruled_out.items():
            listed += [SkippedItem(path, SkipReason.EXCLUDED, why) for path in paths[:_LISTED_PER_RULE]]
            more = len(paths) - _LISTED_PER_RULE
            if more > 0:
                listed.append(SkippedItem("…", SkipReason.EXCLUDED, f"{why} So it does {more:,} more files."))
        return listed


def look_of_name(path: str) -> Look:
    """What the name alone says that a file is."""
    return type_of(path).look or BINARY

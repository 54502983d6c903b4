"""A plan as rows to be looked through: grouped, found by words, sorted and counted, off the main thread."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from kronkers_studio.domain.content import SkippedItem
from kronkers_studio.domain.file_types import kind_of_name
from kronkers_studio.domain.migration import Decision, FileKind, MigrationPlan, OnlineOnly, PlannedItem
from kronkers_studio.domain.printable import printable

PlanGroup = Literal["all", "fresh", "models", "data", "code", "decide", "out"]
PlanOrder = Literal["", "path", "-path", "size", "-size"]
"""By what rows are sorted; "-" is the other way round, "" as they were found, conflict copies below their originals."""


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A found thing and, when it cannot be kept as it is, why. ``copied``: conflict copies of it were found; ``newer``:
    it is a conflict copy, and was changed later than the file that it is a copy of; ``gone``: the project has it,
    and the folder has not got it any more."""

    item: PlannedItem
    skipped: SkippedItem | None = None
    copied: bool = False
    newer: bool = False
    gone: bool = False

    @property
    def path(self) -> str:
        return self.item.path

    @property
    def unread(self) -> bool:
        """Whether it is left out though it would be wanted."""
        return self.skipped is not None and not self.skipped.reason.expected and not self.item.online_only

    @property
    def undecided(self) -> bool:
        """Whether somebody should decide about it."""
        item = self.item
        return bool(item.decision is Decision.DECIDE or item.conflict_of or item.online_only or self.unread)


@dataclass(frozen=True, slots=True)
class PlanFigures:
    """A plan in numbers; sizes in bytes. ``unusual`` are things whose names other systems cannot hold, and the like."""

    found: int
    found_size: int
    kept: int
    new_size: int
    unchanged: int
    duplicates: int
    duplicates_size: int
    models: int
    models_ready: int
    copies: int
    copied: int  # the files of which there are copies
    online_only: int
    online_only_size: int
    unusual: int
    unread: int
    fold_conflicts: bool
    fetch: bool

    def is_decided(self, question: str, answered: Container[str] = ()) -> bool:
        """Whether somebody has decided about a ``question`` of ``QUESTIONS``: those in ``answered`` were answered
        here; one whose answer is not the usual one, or about a folder that was brought in before, was answered too."""
        unusual = self.fold_conflicts if question == "copies" else self.fetch
        return unusual or self.unchanged > 0 or question in answered

    def decided(self, answered: Container[str] = ()) -> int:
        """How many things were decided about."""
        return sum(self._amount(question) for question in QUESTIONS if self.is_decided(question, answered))

    def undecided(self, answered: Container[str] = ()) -> int:
        """How many things nobody has decided about yet."""
        asked = sum(self._amount(question) for question in QUESTIONS)
        return self.unusual + self.unread + asked - self.decided(answered)

    def _amount(self, question: str) -> int:
        return self.copies if question == "copies" else self.online_only


QUESTIONS = ("copies", "cloud")
"""What is asked about a folder: what becomes of conflict copies, and of what is only in the cloud."""


def plan_rows(plan: MigrationPlan) -> list[PlanRow]:
    """All that was found, in the order in which it was found, but conflict copies below their originals."""
    skipped = {item.path: item for item in plan.skipped}
    listed = {item.path: item.mtime_ns for item in plan.items}
    copies: dict[str, list[PlannedItem]] = {}
    for item in plan.items:
        if item.conflict_of in listed:
            copies.setdefault(item.conflict_of, []).append(item)
    rows: list[PlanRow] = []

    def add(item: PlannedItem) -> None:
        newer = item.mtime_ns > listed.get(item.conflict_of, item.mtime_ns)
        rows.append(PlanRow(item, skipped.get(item.path), item.path in copies, newer))
        for copy in copies.get(item.path, ()):
            add(copy)

    for item in plan.items:
        if item.conflict_of not in listed:
            add(item)
    return rows + [PlanRow(_as_planned(item), item) for item in plan.skipped if item.path not in listed]


def arrange_rows(
    rows: Sequence[PlanRow], group: PlanGroup = "all", words: str = "", order: PlanOrder = ""
) -> Sequence[PlanRow]:
    """Those of ``rows`` that belong to ``group`` and whose paths hold all of ``words``, in ``order``.

    What needs a decision comes by what there is to decide: conflict copies with their originals, what is only in the
    cloud, unusual names, what cannot be read.
    """
    found: Sequence[PlanRow] = rows if group == "all" else [row for row in rows if _GROUPS[group](row)]
    wanted = words.casefold().split()
    if wanted:
        found = [row for row in found if _holds(row.path, wanted)]
    if order:
        return sorted(found, key=_KEYS[order.removeprefix("-")], reverse=order.startswith("-"))
    return sorted(found, key=_what_to_decide) if group == "decide" else found


@dataclass(frozen=True, slots=True)
class PreparedPlan:
    """A plan with all that is shown of it: what was found, and what the project has that was not."""

    plan: MigrationPlan
    figures: PlanFigures
    rows: Sequence[PlanRow]
    gone: Sequence[PlanRow] = ()

    @property
    def again(self) -> bool:
        """Whether the folder was brought in before, so that something can be new beside that."""
        return bool(self.figures.unchanged or self.gone)


def prepare(plan: MigrationPlan) -> PreparedPlan:
    """``plan`` with its rows and its numbers."""
    rows = plan_rows(plan)
    gone = [PlanRow(PlannedItem(path, kind_of_name(path), "", 0, 0, Decision.KEEP), gone=True) for path in plan.gone]
    return PreparedPlan(plan, _figures(plan, rows), rows, gone)


def _figures(plan: MigrationPlan, rows: Sequence[PlanRow]) -> PlanFigures:
    kept = plan.kept
    models = plan.of_kind(FileKind.MODEL)
    duplicates = [item for item in kept if item.duplicate_of]
    online_only = plan.online_only
    conflicts = plan.conflicts
    copies = {copy.path for group in conflicts for copy in group.copies}
    return PlanFigures(
        found=len(rows),
        found_size=_size(plan.items),
        kept=len(kept),
        new_size=_size(item for item in kept if item.brings_bytes),
        unchanged=sum(1 for item in kept if item.unchanged),
        duplicates=len(duplicates),
        duplicates_size=_size(duplicates),
        models=len(models),
        models_ready=sum(1 for item in models if item.decision is Decision.KEEP),
        copies=len(copies),
        copied=len(conflicts),
        online_only=len(online_only),
        online_only_size=_size(online_only),
        unusual=sum(
            1
            for item in plan.items
            if item.decision is Decision.DECIDE and item.path not in copies and not item.online_only
        ),
        unread=sum(1 for row in rows if row.unread),
        fold_conflicts=plan.options.fold_conflicts,
        fetch=plan.options.online_only is OnlineOnly.FETCH,
    )


_CODE = (FileKind.CODE, FileKind.NOTEBOOK)
_GROUPS: dict[str, Callable[[PlanRow], bool]] = {
    "fresh": lambda row: row.gone or _is_fresh(row),
    "models": lambda row: row.item.kind is FileKind.MODEL,
    "data": lambda row: row.item.kind is FileKind.DATA,
    "code": lambda row: row.item.kind in _CODE,
    "decide": lambda row: row.undecided or row.copied,
    "out": lambda row: row.item.decision is Decision.LEAVE_OUT,
}
_KEYS: dict[str, Callable[[PlanRow], Any]] = {
    "path": lambda row: row.item.path.casefold(),
    "size": lambda row: row.item.size,
}


def _is_fresh(row: PlanRow) -> bool:
    """Whether it would be stored, and is not in the project as it is."""
    return row.skipped is None and row.item.decision is not Decision.LEAVE_OUT and not row.item.unchanged


def _what_to_decide(row: PlanRow) -> int:
    if row.copied or row.item.conflict_of:
        return 0
    return 1 if row.item.online_only else 3 if row.unread else 2


def _holds(path: str, words: Sequence[str]) -> bool:
    folded = printable(path).casefold()  # what is seen can be typed
    return all(word in folded for word in words)


def _as_planned(item: SkippedItem) -> PlannedItem:
    return PlannedItem(item.path, FileKind.OTHER, "", 0, 0, Decision.LEAVE_OUT, item.detail)


def _size(items: Iterable[PlannedItem]) -> int:
    return sum(item.size for item in items)

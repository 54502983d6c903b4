"""What a plan says beyond the listing: what models are, how conflict copies differ, which files are there twice; and
what other choices would make of it, without looking through the folder again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import EntryKind, SkippedItem, SkipReason, SourceItem, SourceProblem
from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.migration import (
    Decision,
    FileKind,
    MigrationOptions,
    MigrationPlan,
    OnlineOnly,
    PlannedItem,
    RuleHits,
)
from kronkers_studio.domain.paths import join, parent
from kronkers_studio.domain.progress import NEVER, CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.migration import FolderSource, Scan

_COMPARED = 200
"""Conflict copies looked into at most."""


def planned_items(
    scan: Scan, source: FolderSource, progress: Progress, cancel: CancelToken
) -> tuple[tuple[PlannedItem, ...], bool]:
    """The scan's planned items with all that can be said of them at little cost; and whether all was compared."""
    from kronkers_studio.migration.duplicates import find_duplicates

    items = _with_model_facts(scan, source, cancel)
    items = _with_differences(items, scan, source, cancel)
    duplicates = find_duplicates(scan.items, source, progress=progress, cancel=cancel)
    if duplicates.of:
        items = tuple(
            replace(item, duplicate_of=duplicates.of[item.path]) if item.path in duplicates.of else item
            for item in items
        )
    return items, duplicates.complete


def _with_differences(
    items: tuple[PlannedItem, ...], scan: Scan, source: FolderSource, cancel: CancelToken
) -> tuple[PlannedItem, ...]:
    """The items; a conflict copy also says what differs from its original."""
    from kronkers_studio.migration.copy_comparison import differences

    copies = [item for item in items if item.conflict_of][:_COMPARED]
    if not copies:
        return items
    found = {item.path: item for item in scan.items}
    said: dict[str, str] = {}
    for copy in copies:
        cancel.check()
        if copy.path in found and copy.conflict_of in found:
            said[copy.path] = differences(found[copy.conflict_of], found[copy.path], source)
    return tuple(replace(item, differences=said[item.path]) if item.path in said else item for item in items)


def _with_model_facts(scan: Scan, source: FolderSource, cancel: CancelToken) -> tuple[PlannedItem, ...]:
    """The planned items; a model file also says what it is exactly, and whether it can be packaged."""
    readable = {item.path: item for item in scan.items}
    items = []
    for planned in scan.planned:
        cancel.check()
        found = readable.get(planned.path)
        if planned.kind is FileKind.MODEL and planned.decision is not Decision.LEAVE_OUT and found is not None:
            items.append(_with_facts_of(planned, found, source, readable))
        else:
            items.append(planned)
    return tuple(items)


def _with_facts_of(
    planned: PlannedItem, item: SourceItem, source: FolderSource, readable: Mapping[str, SourceItem]
) -> PlannedItem:
    from kronkers_studio.packaging import inspect_model

    def size_beside(name: str) -> int | None:
        found = readable.get(join(parent(planned.path), name))
        return found.size if found is not None and found.kind is EntryKind.FILE else None

    try:
        with source.open(item) as stream:
            facts = inspect_model(planned.path.rpartition("/")[2], stream, {}, size_beside)
    except UnsupportedModel as reason:
        return replace(planned, why=planned.why or reason.message)
    except SourceProblem:  # it vanished or changes right now: bringing it in will say so
        return planned
    return replace(
        planned,
        description=f"Model, {facts.framework.label} {facts.framework_version}".rstrip(),
        why=planned.why or "Ready to package",
    )


# Other choices


def with_choices(plan: MigrationPlan, *, online_only: OnlineOnly, fold_conflicts: bool) -> MigrationPlan:
    """``plan`` as it is when placeholders and conflict copies are dealt with as given; its rules stay."""
    options = replace(plan.options, online_only=online_only, fold_conflicts=fold_conflicts)
    if options == plan.options:
        return plan
    skipped = tuple(item for item in plan.skipped if item.reason is not SkipReason.PLACEHOLDER)
    if online_only is OnlineOnly.SKIP:
        skipped += tuple(SkippedItem(item.path, SkipReason.PLACEHOLDER) for item in plan.online_only)
    return replace(plan, options=options, skipped=skipped)


@dataclass(frozen=True, slots=True)
class RulesPreview:
    """What rules would do: what each of them hits, and how many files of how many bytes all of them leave."""

    rules: tuple[RuleHits, ...]
    files: int
    size: int


def preview_rules(plan: MigrationPlan, options: MigrationOptions, cancel: CancelToken = NEVER) -> RulesPreview:
    """What the rules of ``options`` would do to what ``plan``, made without rules, found.

    Says of each rule what a plan made with them would say. Raises ``InvalidInput`` for a rule that is none.
    """
    from kronkers_studio.migration.rules import Rules

    rules = Rules(options)
    folders = {"": False}  # whether a folder is left out with everything in it
    system = {item.path for item in plan.skipped if item.reason is not SkipReason.PLACEHOLDER}
    files = size = 0

    def left_out(folder: str) -> bool:
        if folder not in folders:
            folders[folder] = left_out(parent(folder)) or bool(rules.why_folder(folder))
        return folders[folder]

    for number, item in enumerate(plan.items):
        if number % 512 == 0:
            cancel.check()
        if item.path in system or left_out(parent(item.path)):
            continue
        fetched = not item.online_only or options.online_only is OnlineOnly.FETCH
        if not rules.why_file(item.path, item.size) and fetched:
            files, size = files + 1, size + item.size
    return RulesPreview(rules.hits(), files, size)

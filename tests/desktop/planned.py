"""Plans, as large as they may have to be, without a folder."""

from __future__ import annotations

from kronkers_studio.domain.content import SkippedItem, SkipReason
from kronkers_studio.domain.migration import (
    Decision,
    FileKind,
    MigrationOptions,
    MigrationPlan,
    OnlineOnly,
    PlannedItem,
)

_KINDS = (FileKind.DATA, FileKind.CODE, FileKind.MODEL, FileKind.DOCUMENT)


def plan_of_many(count: int) -> MigrationPlan:
    """``count`` files of four kinds, a lock file and one that may not be read."""
    items = tuple(
        PlannedItem(f"team/{i % 50}/file{i}.csv", _KINDS[i % 4], "Data", i * 7919 % 100_003, 1, Decision.KEEP)
        for i in range(count)
    )
    skipped = (
        SkippedItem("~$open.xlsx", SkipReason.LOCK_FILE),
        SkippedItem("secret.csv", SkipReason.NO_PERMISSION),
    )
    return MigrationPlan("/home/me/OneDrive", "OneDrive", items, skipped)


def plan_to_decide(*, fetch: bool = False, fold: bool = False) -> MigrationPlan:
    """A plan with a conflict copy, something that is only in the cloud, an unusual name, and a lock file."""
    options = MigrationOptions(online_only=OnlineOnly.FETCH if fetch else OnlineOnly.SKIP, fold_conflicts=fold)
    keep, decide = Decision.KEEP, Decision.DECIDE
    items = (
        PlannedItem("a-LAPTOP7.csv", FileKind.DATA, "Table, CSV", 96, 1, decide, "…", conflict_of="a.csv",
                    differences="112 rows differ"),
        PlannedItem("a.csv", FileKind.DATA, "Table, CSV", 100, 1, keep),
        PlannedItem("b.csv", FileKind.DATA, "Table, CSV", 100, 1, keep, duplicate_of="a.csv"),
        PlannedItem("big.zip", FileKind.ARCHIVE, "Archive", 1_800_000_000, 1, keep if fetch else decide, "…",
                    online_only=True),
        PlannedItem("con.txt", FileKind.DOCUMENT, "Text", 3, 1, decide, "Windows cannot hold its name."),
        PlannedItem("~$a.xlsx", FileKind.OTHER, "Lock file", 1, 1, Decision.LEAVE_OUT),
        PlannedItem("mine.csv", FileKind.DATA, "Table, CSV", 0, 0, Decision.LEAVE_OUT, "You may not read it."),
    )  # fmt: skip
    skipped = [SkippedItem("~$a.xlsx", SkipReason.LOCK_FILE), SkippedItem("mine.csv", SkipReason.NO_PERMISSION)]
    if not fetch:
        skipped.append(SkippedItem("big.zip", SkipReason.PLACEHOLDER))
    return MigrationPlan("/home/me/OneDrive", "OneDrive", items, tuple(skipped), options)

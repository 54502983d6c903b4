"""What a migration found and did, as text for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from kronkers_studio.cli.plain_text import moment_of_ns, plural, size, skipped_lines, table
from kronkers_studio.domain.migration import (
    Decision,
    FolderStatus,
    MigrationPlan,
    MigrationResult,
    OnlineOnly,
    PlannedItem,
    Undone,
)
from kronkers_studio.domain.printable import printable

_DECISIONS = {Decision.KEEP: "kept", Decision.DECIDE: "kept, look at it", Decision.LEAVE_OUT: "left out"}
_NAMED = 5
_MOST_GROUPS = 20
_MOST_PLAIN = 50
_WIDEST_PATH = 70


def result_lines(result: MigrationResult, changed: Sequence[str] = ()) -> list[str]:
    """What came of a run; ``changed`` says how the new version differs from the one before."""
    head = (
        f"{result.project}: version {result.commit.id[:12]}"
        if result.changed
        else f"{result.project}: nothing has changed since version {result.commit.id[:12]}"
    )
    return [
        head,
        f"{plural(result.files, 'file')}, {size(result.commit.size)}; "
        f"{plural(result.read_files, 'file')} read, "
        f"{size(result.new_bytes)} new in the store, {result.seconds:.1f} s",
        *_found_lines(result),
        *changed,
        *[_unmatched_line(pattern) for pattern in result.unmatched],
        *_undone_lines(result.undone, "The folder alone counts, as asked for"),
        *[f"  renamed: {printable(rename.old)} → {printable(rename.new)}" for rename in result.renamed],
        *[
            f"  {printable(each.path)}: the version of {moment_of_ns(each.mtime_ns)}, from {printable(each.source)}, "
            f"is in {each.commit[:12]}"
            for each in result.folded
        ],
        *skipped_lines(result.skipped),
    ]


def _found_lines(result: MigrationResult) -> list[str]:
    """What became of all that was found, where that is more than keeping it."""
    if not result.found or result.kept == result.found:
        return []
    parts = [
        f"{result.kept:,} kept",
        f"{result.as_versions:,} kept as older versions of other files" if result.as_versions else "",
        f"{len(result.skipped):,} left out" if result.skipped else "",
    ]
    return [f"{result.found:,} found = {' + '.join(filter(None, parts))}"]


def _unmatched_line(pattern: str) -> str:
    return (
        f"Nothing matches “{pattern}”, which is to be included: is it written as meant? --no-rules forgets the rules."
    )


def _compared_lines(plan: MigrationPlan) -> list[str]:
    """How the folder stands to the branch's last version, as far as that is more than what is new."""
    lines = []
    reread = plan.reread
    if reread:
        lines.append(
            f"Unchanged as it seems: {plural(len(reread), 'file')}, {size(sum(item.size for item in reread))}, read "
            "once more to be sure; nothing new to store is expected of them."
        )
    if plan.gone:
        such = ", ".join(printable(path) for path in plan.gone[:_NAMED])
        lines.append(
            f"No longer in the folder: {plural(len(plan.gone), 'file')}, such as {such}; earlier versions keep them."
        )
    return lines


def _undone_lines(undone: Undone | None, title: str) -> list[str]:
    if undone is None:
        return []
    return [f"{title}: {undone.summary}. Version {undone.head[:12]} keeps what it was."]


def _would_undo_lines(plan: MigrationPlan | FolderStatus) -> list[str]:
    lines = _undone_lines(plan.undone, f"“{plan.branch}” got something from elsewhere since the folder was brought in")
    return [*lines, "  Bringing it in is refused without --replace, and says then how to keep both."] if lines else []


def status_lines(status: FolderStatus) -> list[str]:
    """How the folder stands to the branch: only what differs, and in one line how much does not."""
    renamed = {item.path for item in status.renamed}
    fresh = [item for item in status.fresh if item.path not in renamed]
    counts = [f"{plural(len(fresh), 'file')} new or changed"]
    counts += [f"{len(renamed):,} renamed"] if renamed else []
    counts += [f"{len(status.gone):,} no longer in the folder"] if status.gone else []
    return [
        f"{', '.join(counts)}, {status.unchanged:,} unchanged",
        *[f"  {printable(item.path)}" for item in fresh],
        *[f"  {printable(item.path)}  (was {printable(item.renamed_from)})" for item in status.renamed],
        *[f"  {printable(path)}  (no longer in the folder)" for path in status.gone],
        *_would_undo_lines(status),
        *skipped_lines(status.skipped),
    ]


def plan_lines(plan: MigrationPlan) -> list[str]:
    """What a plan says: first in numbers, then what was found."""
    kinds = Counter(item.kind.value for item in plan.kept)
    into = f", in its folder {printable(plan.into)}" if plan.into else ""
    lines = [
        f"{printable(plan.folder)} → {plan.project}, branch {plan.branch}{into}. Nothing is copied yet.",
        f"{plural(len(plan.kept), 'item')}, {size(plan.size)}"
        + ("" if not kinds else ": " + ", ".join(f"{count:,} {kind}" for kind, count in kinds.most_common())),
        f"New: {plural(len(plan.fresh), 'item')}, {size(plan.new_size)}.",
        *_compared_lines(plan),
        *_would_undo_lines(plan),
    ]
    if plan.duplicates:
        partly = "" if plan.duplicates_complete else " (not all were compared)"
        lines.append(
            f"There more than once: {plural(len(plan.duplicates), 'file')}, "
            f"{size(sum(item.size for item in plan.duplicates))}, stored once{partly}."
        )
    if plan.online_only:
        total = size(sum(item.size for item in plan.online_only))
        fetched = plan.options.online_only is OnlineOnly.FETCH
        lines.append(
            f"Only in the cloud: {plural(len(plan.online_only), 'file')}, {total}"
            + (", to be downloaded." if fetched else "; --online-only fetch downloads them.")
        )
    for rule in plan.rules:
        if rule.includes and not rule.files:
            lines.append(_unmatched_line(rule.pattern))
            continue
        verb = "includes" if rule.includes else "excludes"
        such = f", such as {', '.join(rule.examples)}" if rule.examples else ""
        whole = f" and {plural(rule.folders, 'whole folder')}" if rule.folders else ""
        lines.append(f"Rule “{rule.pattern}” {verb} {plural(rule.files, 'file')}, {size(rule.size)}{whole}{such}.")
    for group in plan.conflicts[:_MOST_GROUPS]:
        lines.append(f"Copies of {printable(group.original.path)} that OneDrive made when two people saved:")
        lines += [f"  {printable(copy.path)}  ({copy.differences or 'not compared'})" for copy in group.copies]
    if len(plan.conflicts) > _MOST_GROUPS:
        lines.append(f"and of {len(plan.conflicts) - _MOST_GROUPS:,} more files; --json names all.")
    if plan.conflicts:
        lines.append(
            "They become older versions of their files; what has the plain name stays current."
            if plan.options.fold_conflicts
            else "All are kept as files; --fold-conflicts keeps them as older versions of theirs."
        )
    lines += ["", *_item_lines(plan)]
    listed = {item.path for item in plan.items}
    return lines + skipped_lines(tuple(item for item in plan.skipped if item.path not in listed))


def _item_lines(plan: MigrationPlan) -> list[str]:
    """What was found: all that needs a look, and the first of what is plainly kept or left out."""
    skipped = {item.path for item in plan.skipped}

    def fate(item: PlannedItem) -> str:
        if item.online_only and item.path in skipped:
            return "skipped"
        return "unchanged" if item.unchanged and item.decision is Decision.KEEP else _DECISIONS[item.decision]

    plain: Counter[str] = Counter()
    shown = []
    for item in plan.items:
        if item.decision is not Decision.DECIDE:
            plain[fate(item)] += 1
            if plain[fate(item)] > _MOST_PLAIN:
                continue
        shown.append(item)
    rows = [[_short(i.path), i.description, size(i.size), fate(i), i.why] for i in shown]
    lines = table(["File", "What it is", "Size", "Will be", "Why"], rows)
    lines += [f"and {count - _MOST_PLAIN:,} more {each}" for each, count in plain.items() if count > _MOST_PLAIN]
    if len(shown) < len(plan.items):
        lines.append("--json names all.")
    return lines


def _short(path: str) -> str:
    """A long path without its middle, so that the other columns can be seen; --json has it in full."""
    path = printable(path)
    return path if len(path) <= _WIDEST_PATH else f"{path[: _WIDEST_PATH // 2]} … {path[-_WIDEST_PATH // 2 + 3 :]}"

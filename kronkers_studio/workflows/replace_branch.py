"""Bringing in what a plan shows, so that nothing that came from elsewhere is lost unless that was chosen."""

from __future__ import annotations

from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.migration import MigrationOptions, MigrationPlan, MigrationResult, Undone
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


_LOOKED_BACK = 100  # versions of a branch among which the folder's own is looked for


def bring_in(
    session: Session,
    plan: MigrationPlan,
    options: MigrationOptions | None,
    *,
    keep_both: bool = True,
    progress: Progress,
    cancel: CancelToken,
) -> MigrationResult:
    """Bring in the plan's folder, ``options`` None for those of the last time.

    Where that would undo what came into the branch from elsewhere, it comes onto a branch of its own, to be merged, or
    with ``keep_both`` False the folder alone counts.
    """
    from kronkers_studio.workflows.migrating import migrate_folder

    beside = plan.undone is not None and keep_both
    return migrate_folder(
        session,
        Path(plan.folder),
        plan.project,
        branch=_branch_beside(session, plan, plan.undone) if beside and plan.undone else plan.branch,
        options=options,
        replace_others=not keep_both and plan.undone is not None,
        progress=progress,
        cancel=cancel,
    )


def _branch_beside(session: Session, plan: MigrationPlan, undone: Undone) -> str:
    """The branch that the folder came onto the last time; made now, where the folder was last, when there is none."""
    from kronkers_studio.workflows.browsing import history
    from kronkers_studio.workflows.versions import create_branch, list_branches

    there = {branch.name for branch in list_branches(session, plan.project)}
    for name in chain((f"{plan.branch}-folder",), (f"{plan.branch}-folder-{number}" for number in count(2))):
        if name not in there:
            return create_branch(session, plan.project, name, undone.base).name
        if any(commit.id == undone.base for commit in history(session, plan.project, name, limit=_LOOKED_BACK)):
            return name
    raise AssertionError("names never end")

"""Look after the workspace: free space, find out what is damaged, mend it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.content import CheckReport
from kronkers_studio.domain.errors import (
    IndexDamaged,
    InvalidInput,
    StudioError,
    WorkspaceBusy,
    WorkspaceError,
)
from kronkers_studio.domain.maintenance import (
    CleanUpReport,
    RebuildReport,
)
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    pass

GRACE_DAYS = 14.0
"""What nothing leads to any more is kept this long, and what is younger than this is never freed."""

_IN_USE = 32
"""Windows: another program has the file open."""


def clean_up(
    session: Session,
    *,
    dry_run: bool = False,
    grace_days: float = GRACE_DAYS,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> CleanUpReport:
    """Free what no version needs any more; with ``dry_run`` only tell what that would be.

    Raises ``StoreDamaged`` when something that is needed is missing (nothing is freed then), ``WorkspaceBusy`` beside a
    running migration, ``StorageFull`` or ``Cancelled``.
    """
    if grace_days < 0:
        raise InvalidInput("A grace period cannot be negative.")
    return session.workspace.clean_up(
        author=session.author,
        dry_run=dry_run,
        grace=timedelta(days=grace_days),
        progress=progress,
        cancel=cancel,
    )


def rebuild_registry(
    directory: Path,
    *,
    passphrase: Secret | None = None,
    recovery_key: Secret | None = None,
    key_file: Path | None = None,
    accept_loss: bool = False,
    progress: Progress = SILENT,
    cancel: CancelToken = NEVER,
) -> RebuildReport:
    """Make the metadata database of the workspace in ``directory`` again, from its packs and its journal's files.

    With ``accept_loss``, what comes after lost entries of the journal is given up. Raises ``WrongKey`` and the like,
    ``WorkspaceBusy``, ``JournalIncomplete`` (which ``accept_loss`` gets over), ``StoreDamaged``, ``StorageFull`` or
    ``Cancelled``; the database is then as it was.
    """
    from kronkers_studio.registry import rebuild_workspace
    from kronkers_studio.storage.keys import Unlock

    unlock = Unlock(passphrase=passphrase, recovery_key=recovery_key, key_file=key_file)
    try:
        return rebuild_workspace(
            from_home(directory).absolute(), unlock, accept_loss=accept_loss, progress=progress, cancel=cancel
        )
    except WorkspaceError as error:
        if getattr(error.__cause__, "winerror", None) != _IN_USE:
            raise
        raise WorkspaceBusy(
            "Another program has the workspace's database open, so it cannot be replaced.",
            next_step="Close other windows of Kronkers Studio on this workspace and try again.",
            details=str(error.__cause__),
        ) from None


def index_damage_met(session: Session, error: StudioError) -> IndexDamaged | None:
    """Whether ``error``, met in an open workspace, comes from its database; looks at all of that."""
    return session.workspace.index_damage(error)


def rebuild_mends(report: CheckReport) -> bool:
    """Whether making the database again mends something of what a check found, or is the first step to that."""
    return report.database_damaged or report.history_copy_missing or bool(report.affected)

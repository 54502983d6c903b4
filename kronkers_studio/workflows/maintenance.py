"""Look after the workspace: free space, take things out of sight and bring them back, mend it, and keep its keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.domain.care import (
    CleanUpReport,
    KeyEventKind,
    KeyRotation,
    KeySlot,
    RebuildReport,
    TrashItem,
    TrashKind,
)
from kronkers_studio.domain.changes import KeyChanged
from kronkers_studio.domain.content import CheckReport
from kronkers_studio.domain.errors import (
    IndexDamaged,
    InvalidInput,
    StoreDamaged,
    StudioError,
    WorkspaceBusy,
    WorkspaceError,
)
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.session import Session

if TYPE_CHECKING:
    from kronkers_studio.storage.keys import Unlock

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


def remove_project(session: Session, project: str) -> TrashItem:
    """Put a project into the trash. Raises ``NotFound``, or ``Refused`` when models were made from it."""
    return session.workspace.trash.put(TrashKind.PROJECT, project, "", author=session.author)


def remove_branch(session: Session, project: str, branch: str) -> TrashItem:
    """Put a branch into the trash. Raises ``NotFound``."""
    return session.workspace.trash.put(TrashKind.BRANCH, project, branch, author=session.author)


def remove_model_version(session: Session, model: str, version: int) -> TrashItem:
    """Put a model version into the trash, with its packages and past releases. Raises ``NotFound``, or ``Refused``
    while it is live or kept for going back."""
    from kronkers_studio.workflows.settling import settle_releases

    settle_releases(session, look_at_live=False)
    return session.workspace.trash.put(TrashKind.MODEL, model, str(version), author=session.author)


def list_trash(session: Session) -> list[TrashItem]:
    """What can be brought back, the last removed first."""
    return session.workspace.trash.items()


def restore_from_trash(session: Session, id: str) -> TrashItem:
    """Bring something back. Raises ``NotFound``, or ``AlreadyExists`` when its name means something else by now."""
    return session.workspace.trash.restore(id, author=session.author)


def empty_trash(session: Session, ids: Sequence[str] = (), *, older_than_days: float = 0.0) -> list[TrashItem]:
    """Give up what lies in the trash, or only ``ids``, or what has lain there for so many days.

    The space is freed by ``clean_up``, after its grace period.
    """
    before = datetime.now(UTC) - timedelta(days=older_than_days) if older_than_days else None
    return session.workspace.trash.empty(tuple(ids), before=before, author=session.author)


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


def index_damage(directory: Path, unlock: Unlock, error: StoreDamaged) -> IndexDamaged | None:
    """Whether a workspace did not open with ``error`` because of its database: all that it is made again from is there.

    Raises what is wrong with the key, or ``StoreDamaged`` when the keys are what is damaged.
    """
    from kronkers_studio.storage.keys import open_keys

    open_keys(directory, unlock)
    return _index_damage(directory, error.details) if (directory / "packs").is_dir() else None


def index_damage_met(session: Session, error: StudioError) -> IndexDamaged | None:
    """Whether ``error``, met in an open workspace, comes from its database; looks at all of that."""
    if isinstance(error, IndexDamaged):
        return error
    try:
        with session.workspace.database.read_directly() as connection:
            pages = connection.execute("PRAGMA cipher_integrity_check").fetchone()
            whole = connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok"
    except StoreDamaged as damage:
        return _index_damage(session.directory, damage.details)
    return _index_damage(session.directory, error.details) if pages or not whole else None


def rebuild_mends(report: CheckReport) -> bool:
    """Whether making the database again mends something of what a check found, or is the first step to that."""
    return report.database_damaged or report.history_copy_missing or bool(report.affected)


def _index_damage(directory: Path, details: str) -> IndexDamaged:
    there = (directory / "metadata.db").is_file()
    return IndexDamaged(
        f"The index of the workspace in {directory}, its file metadata.db, is {'damaged' if there else 'missing'}.",
        missing=not there,
        next_step="Run `kronkers registry rebuild`, which makes it again from what is stored beside it.",
        details=details,
    )


def list_keys(session: Session) -> list[KeySlot]:
    """The ways of opening the workspace, and when a recovery key was last tried out."""
    drilled = {
        event.slot: event.at for event in session.workspace.ledger.key_events() if event.kind is KeyEventKind.DRILLED
    }
    return [replace(slot, drilled=drilled.get(slot.id)) for slot in session.workspace.keys.slots()]


def add_key(
    session: Session, *, passphrase: Secret | None = None, key_file: Path | None = None, keyring: bool = False
) -> KeySlot:
    """One more way of opening the workspace: exactly one of the three."""
    if sum((passphrase is not None, key_file is not None, keyring)) != 1:
        raise InvalidInput("One way of opening the workspace is added at a time.", next_step="Choose one.")
    keys = session.workspace.keys
    if passphrase is not None:
        slot = keys.add_passphrase(passphrase)
    elif key_file is not None:
        slot = keys.add_key_file(from_home(key_file))
    else:
        slot = keys.add_keyring()
    _note(session, KeyEventKind.ADDED, slot)
    return slot


def remove_key(session: Session, id: str) -> KeySlot:
    """Remove a way of opening the workspace. Raises ``NotFound``, or ``Refused`` for the last one."""
    slot = session.workspace.keys.remove(id)
    _note(session, KeyEventKind.REMOVED, slot)
    return slot


def renew_recovery_key(session: Session) -> tuple[Secret, KeySlot]:
    """A new recovery key in place of the old one; it is shown this once."""
    before = session.workspace.keys.slots()
    printed, slot = session.workspace.keys.renew_recovery_key()
    _note_difference(session, before)
    return printed, slot


def rotate_keys(
    session: Session, *, passphrase: Secret | None = None, key_file: Path | None = None
) -> tuple[KeyRotation, Secret]:
    """Renew every way of opening the workspace; also gives the new recovery key, shown this once.

    The master key stays: who copied the workspace while holding an old key can still read that copy.
    """
    before = session.workspace.keys.slots()
    rotation, printed = session.workspace.keys.rotate(
        passphrase=passphrase, key_file=from_home(key_file) if key_file else None
    )
    _note_difference(session, before)
    return rotation, printed


def drill_recovery_key(session: Session, recovery_key: Secret) -> KeySlot:
    """Verify that a recovery key would open the workspace. Nothing but the date is recorded. Raises ``WrongKey``."""
    slot = session.workspace.keys.drill(recovery_key)
    now = _note(session, KeyEventKind.DRILLED, slot)
    return replace(slot, drilled=now)


def _note(session: Session, event: KeyEventKind, *slots: KeySlot) -> datetime:
    now = datetime.now(UTC)
    author = session.author
    session.workspace.ledger.record(
        *(KeyChanged(now, event, slot.id, slot.kind, author) for slot in slots), author=author
    )
    return now


def _note_difference(session: Session, before: Sequence[KeySlot]) -> None:
    now = session.workspace.keys.slots()
    _note(session, KeyEventKind.REMOVED, *(slot for slot in before if slot not in now))
    _note(session, KeyEventKind.ADDED, *(slot for slot in now if slot not in before))

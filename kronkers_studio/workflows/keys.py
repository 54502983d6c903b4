"""The ways of opening a workspace: list, add, remove, renew and try them out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from kronkers_studio.domain.changes import KeyChanged
from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.maintenance import KeyEventKind, KeyRotation, KeySlot
from kronkers_studio.settings.paths import from_home
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.workflows.session import Session


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

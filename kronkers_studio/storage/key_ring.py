"""Changing how a workspace is opened: slots of ``keys.json`` are listed, added, removed, and renewed all at once.

The master key itself stays. Whoever once had it, or had an old ``keys.json`` together with a way of opening it, can
still read what they copied then, and what is written later to a copy they get hold of. What removing and renewing slots
does achieve: an old passphrase, recovery key or key file no longer opens the workspace as it is now.

Each change replaces the file in one step, so a crash leaves the old ways or the new ones.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import AlreadyExists, InvalidInput, KeyUnavailable, NotFound, Refused, WrongKey
from kronkers_studio.domain.maintenance import KeyRotation, KeySlot
from kronkers_studio.settings.secrets import Secret, delete_secret, get_secret, set_secret
from kronkers_studio.storage import keys
from kronkers_studio.storage.files import disk_failures, write_atomically
from kronkers_studio.storage.keys import KEYS_FILE, ArgonCost, MasterKey, Unlock
from kronkers_studio.storage.recovery_key import new_recovery_key
from kronkers_studio.storage.writer_lock import WriterLock

_LOCK = "keys.lock"
_LOCK_WAIT_SECONDS = 2.0
_ID_LETTERS = 8

Slot = dict[str, Any]


class KeyRing:
    """The key slots of the workspace in ``directory``, which is open with ``master``. Processes take turns."""

    def __init__(self, directory: Path, master: MasterKey, *, argon: ArgonCost | None = None) -> None:
        self._directory = directory
        self._master = master
        self._argon = argon or ArgonCost()

    def slots(self) -> list[KeySlot]:
        """Raises ``StoreDamaged`` when the file is not as it was written."""
        keys.verify_keys(self._directory, self._master)
        return [_described(slot) for slot in self._read()]

    def add_passphrase(self, passphrase: Secret) -> KeySlot:
        """One more passphrase. Raises ``InvalidInput`` for an empty one."""
        return self._add(lambda: keys.passphrase_slot(self._master, _required(passphrase), self._argon))

    def add_key_file(self, file: Path) -> KeySlot:
        """One more key file, made when it does not exist. Raises ``AlreadyExists`` when it is one already."""

        def slot() -> Slot:
            if any(other["kind"] == "key-file" and other["path"] == str(file.absolute()) for other in self._read()):
                raise AlreadyExists(f"{file} opens this workspace already.")
            return keys.key_file_slot(self._master, file)

        return self._add(slot)

    def add_keyring(self) -> KeySlot:
        """This computer's keyring. Raises ``KeyUnavailable`` without one, ``AlreadyExists`` when it has the key."""

        def slot() -> Slot:
            if any(other["kind"] == "keyring" for other in self._read()):
                raise AlreadyExists(
                    "A system keyring opens this workspace already.", next_step="Remove that one first."
                )
            return self._keyring_slot()

        return self._add(slot)

    def renew_recovery_key(self) -> tuple[Secret, KeySlot]:
        """A new recovery key, shown this once, in place of all that there were."""
        recovery, printed = new_recovery_key()
        fresh = keys.recovery_slot(self._master, recovery)
        with self._changing() as slots:
            slots[:] = [fresh, *(slot for slot in slots if slot["kind"] != "recovery")]
        return Secret(printed), _described(fresh)

    def remove(self, id: str) -> KeySlot:
        """Remove a slot by the first characters of its id. Raises ``NotFound``, or ``Refused`` for the last one, and
        for the last one besides the recovery key."""
        with self._changing() as slots:
            found = [slot for slot in slots if id and _id(slot).startswith(id)]
            if len(found) != 1:
                raise NotFound(f"There is no one way “{id}”.", next_step="`kronkers key list` shows them.")
            rest = [slot for slot in slots if slot is not found[0]]
            if not any(slot["kind"] != "recovery" for slot in rest):
                raise Refused(
                    "This is the last way of opening the workspace besides the recovery key.",
                    next_step="Add another one first.",
                )
            slots[:] = rest
        self._forget_secret(found[0])
        return _described(found[0])

    def rotate(self, *, passphrase: Secret | None, key_file: Path | None) -> tuple[KeyRotation, Secret]:
        """Renew every way of opening the workspace: a new recovery key, a new key in the keyring, a new passphrase and
        a new key file in place of the old ones. In one step; then no old way opens it any more.

        A kind for which nothing new is given is left as it is, and named in the report. Raises ``KeyUnavailable`` or
        ``InvalidInput``; nothing is changed then.
        """
        recovery, printed = new_recovery_key()
        with self._changing() as slots:
            fresh = {"recovery": keys.recovery_slot(self._master, recovery)}
            if passphrase is not None:
                fresh["passphrase"] = keys.passphrase_slot(self._master, _required(passphrase), self._argon)
            if key_file is not None:
                if key_file.exists():
                    raise InvalidInput(f"{key_file} exists already.", next_step="Name a file that is to be made.")
                fresh["key-file"] = keys.key_file_slot(self._master, key_file)
            if any(slot["kind"] == "keyring" for slot in slots):
                fresh["keyring"] = self._keyring_slot()
            old = [slot for slot in slots if slot["kind"] in fresh]
            kept = [slot for slot in slots if slot["kind"] not in fresh]
            slots[:] = [*fresh.values(), *kept]
        for slot in old:
            self._forget_secret(slot)
        titles = tuple(_described(slot).title for slot in fresh.values())
        return KeyRotation(titles, tuple(_described(slot).title for slot in kept)), Secret(printed)

    def drill(self, recovery_key: Secret) -> KeySlot:
        """Verify a recovery key as if everything else were lost; nothing is changed. Raises ``WrongKey`` or
        ``KeyUnavailable`` (there is none)."""
        opened = keys.open_keys(self._directory, Unlock(recovery_key=recovery_key))
        if opened.subkey("drill") != self._master.subkey("drill"):
            raise WrongKey("The recovery key opens another workspace.", next_step="Look for the right one.")
        return next(_described(slot) for slot in self._read() if slot["kind"] == "recovery")

    # ---- inside ----

    def _read(self) -> list[Slot]:
        return keys.read_slots(self._directory)[0]

    def _add(self, make: Callable[[], Slot]) -> KeySlot:
        with self._changing() as slots:
            fresh = make()
            slots.append(fresh)
        return _described(fresh)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[list[Slot]]:
        """The slots, to be changed in the block; written when it is left. Raises ``WorkspaceBusy`` or
        ``StoreDamaged``."""
        lock = WriterLock(self._directory / _LOCK)
        lock.acquire(wait=_LOCK_WAIT_SECONDS)
        try:
            keys.verify_keys(self._directory, self._master)
            slots = self._read()
            yield slots
            with disk_failures("writing the workspace's key slots"):
                write_atomically(self._directory / KEYS_FILE, keys.document(self._master, slots))
        finally:
            lock.release()

    def _keyring_slot(self) -> Slot:
        """Under a name of its own, so that the entry in use stays until the file names the new one."""
        name = f"workspace {self._master.workspace_id} {secrets.token_hex(4)}"
        key = secrets.token_bytes(32)
        set_secret(name, Secret(base64.b64encode(key).decode("ascii")))
        return keys.keyring_slot(self._master, key, name)

    def _forget_secret(self, slot: Slot) -> None:
        """Delete the keyring's entry of a slot that is gone; on another computer there is none to find.

        The name is whatever whoever made the workspace wrote: an entry that does not open the slot is another's.
        """
        if slot["kind"] == "keyring":
            with contextlib.suppress(KeyUnavailable, WrongKey):
                kept = get_secret(slot["name"])
                if kept is not None:
                    keys.open_keyring_slot(slot, kept, self._master.workspace_id)
                    delete_secret(slot["name"])


def _described(slot: Slot) -> KeySlot:
    title = keys.TITLES.get(slot["kind"], str(slot["kind"]))
    return KeySlot(_id(slot), slot["kind"], title, detail=str(slot.get("path", "")))


def _id(slot: Slot) -> str:
    return str(slot["nonce"])[:_ID_LETTERS]


def _required(passphrase: Secret) -> Secret:
    if not passphrase:
        raise InvalidInput("An empty passphrase protects nothing.", next_step="Choose a longer one.")
    return passphrase

"""The workspace's master key, and the slots that each hold it wrapped for one way of unlocking.

``keys.json`` in the workspace holds the slots. Each wraps the same random 256-bit master key by AES-256-GCM under a key
of its own: derived from the passphrase (argon2id), from the printed recovery key, from the random bytes of a key file,
or from random bytes kept in the system's keyring. All other keys are derived from the master key by purpose.
The file ends in a keyed checksum of itself, so that ``verify_keys`` finds any change to it.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kronkers_studio.domain.errors import InvalidInput, KeyUnavailable, StoreDamaged, WorkspaceError, WrongKey
from kronkers_studio.settings.secrets import Secret, get_secret, set_secret
from kronkers_studio.storage.files import BINARY, disk_failures, flush_file, flush_folder, write_atomically, write_fully
from kronkers_studio.storage.recovery_key import new_recovery_key, read_recovery_key

KEYS_FILE = "keys.json"
_FORMAT = 1
_KEY_FILE_FIRST_LINE = "Kronkers Studio key file, version 1. Whoever has it can open the workspace: keep it safe."
TITLES = {
    "keyring": "the system's keyring",
    "passphrase": "a passphrase",
    "recovery": "the recovery key",
    "key-file": "a key file",
}


@dataclass(frozen=True, slots=True)
class ArgonCost:
    """Work per passphrase attempt; the default takes 100 to 300 ms on an office computer of 2024."""

    passes: int = 3
    memory_kib: int = 64 * 1024
    lanes: int = 4


@dataclass(frozen=True, slots=True)
class Protection:
    """How a new workspace is to be opened later; a recovery key is always made as well.

    ``key_file`` is made when it does not exist; one that exists is used as it is.
    """

    passphrase: Secret | None = None
    key_file: Path | None = None
    keyring: bool = False
    argon: ArgonCost = field(default_factory=ArgonCost)


@dataclass(frozen=True, slots=True)
class Unlock:
    """What the person gave to open a workspace. With nothing given, the remembered key file and keyring are tried."""

    passphrase: Secret | None = None
    recovery_key: Secret | None = None
    key_file: Path | None = None


class MasterKey:
    """The random key that everything else derives from. It does not show itself."""

    __slots__ = ("_bytes", "workspace_id")

    def __init__(self, key: bytes, workspace_id: str) -> None:
        self._bytes = key
        self.workspace_id = workspace_id

    def subkey(self, purpose: str) -> bytes:
        """The 32-byte key for ``purpose`` (HKDF-SHA256), the same every time."""
        return HKDF(SHA256(), 32, None, b"kronkers/1/" + purpose.encode("utf-8")).derive(self._bytes)

    def __repr__(self) -> str:
        return "MasterKey(***)"

    __str__ = __repr__

    def _reveal(self) -> bytes:
        return self._bytes


def create_keys(directory: Path, protection: Protection) -> tuple[MasterKey, Secret]:
    """Make a master key, write ``keys.json`` into ``directory``, and return the key and the recovery key to print.

    Raises ``KeyUnavailable`` (no keyring), ``InvalidInput`` (no protection chosen, or a file that is no key file).
    """
    if not (protection.passphrase or protection.key_file or protection.keyring):
        raise InvalidInput(
            "No way of opening the workspace was chosen.", next_step="Choose a passphrase, a key file or the keyring."
        )
    master = MasterKey(secrets.token_bytes(32), secrets.token_hex(16))
    recovery, printed = new_recovery_key()
    slots = [recovery_slot(master, recovery)]
    if protection.passphrase:
        slots.append(passphrase_slot(master, protection.passphrase, protection.argon))
    if protection.key_file:
        slots.append(key_file_slot(master, protection.key_file))
    if protection.keyring:
        name = f"workspace {master.workspace_id}"
        key = secrets.token_bytes(32)
        set_secret(name, Secret(base64.b64encode(key).decode("ascii")))
        slots.append(keyring_slot(master, key, name))
    with disk_failures("writing the workspace's key slots"):
        write_atomically(directory / KEYS_FILE, document(master, slots))
    return master, Secret(printed)


def open_keys(directory: Path, unlock: Unlock) -> MasterKey:
    """The master key of the workspace in ``directory``.

    Tries what ``unlock`` gives; given nothing, the key file whose path is remembered, then the keyring. Raises
    ``WrongKey``, ``KeyUnavailable`` (naming the ways that exist), ``StoreDamaged`` or ``WorkspaceError`` (none here).
    """
    slots, workspace_id = read_slots(directory)
    if unlock.passphrase:
        return _open_slots(slots, "passphrase", workspace_id, lambda slot: _passphrase_key(unlock.passphrase, slot))
    if unlock.recovery_key:
        recovery = _stretch(read_recovery_key(unlock.recovery_key.reveal()), "recovery", workspace_id)
        return _open_slots(slots, "recovery", workspace_id, lambda _slot: recovery)
    if unlock.key_file:
        content = _stretch(_read_key_file(unlock.key_file), "key-file", workspace_id)
        return _open_slots(slots, "key-file", workspace_id, lambda _slot: content)
    return _open_unasked(slots, workspace_id)


def recovery_slot(master: MasterKey, recovery: bytes) -> dict[str, Any]:
    """The slot that a recovery key opens."""
    return _wrap(master, "recovery", _stretch(recovery, "recovery", master.workspace_id), {})


def passphrase_slot(master: MasterKey, passphrase: Secret, cost: ArgonCost) -> dict[str, Any]:
    """The slot that ``passphrase`` opens, with a salt of its own."""
    salt = secrets.token_bytes(16)
    stored = {"salt": salt.hex(), "passes": cost.passes, "memory_kib": cost.memory_kib, "lanes": cost.lanes}
    return _wrap(master, "passphrase", _passphrase_key(passphrase, stored), stored)


def key_file_slot(master: MasterKey, file: Path) -> dict[str, Any]:
    """The slot that the key file ``file`` opens; it is made when it does not exist. Raises ``WrongKey``."""
    file = file.absolute()
    content = _read_key_file(file) if file.exists() else _make_key_file(file)
    return _wrap(master, "key-file", _stretch(content, "key-file", master.workspace_id), {"path": str(file)})


def keyring_slot(master: MasterKey, key: bytes, name: str) -> dict[str, Any]:
    """The slot that ``key``, kept in the system's keyring under ``name``, opens."""
    return _wrap(master, "keyring", _stretch(key, "keyring", master.workspace_id), {"name": name})


def verify_keys(directory: Path, master: MasterKey) -> None:
    """Raises ``StoreDamaged`` when any byte of ``keys.json`` is not as it was written."""
    content = (directory / KEYS_FILE).read_bytes()
    slots, _workspace_id = read_slots(directory)
    if document(master, slots) != content:
        raise StoreDamaged(
            f"{KEYS_FILE} is not as it was written.",
            next_step="Keep the recovery key at hand, and put back a copy of the file from a backup.",
        )


def _open_unasked(slots: list[dict[str, Any]], workspace_id: str) -> MasterKey:
    """Unlock by what needs nobody: the remembered key file, then the keyring."""
    obstacles = []
    for slot in slots:
        if slot["kind"] == "key-file" and Path(slot["path"]).is_file():
            content = _stretch(_read_key_file(Path(slot["path"])), "key-file", workspace_id)
            return _open_slots([slot], "key-file", workspace_id, lambda _slot, key=content: key)
        if slot["kind"] == "key-file":
            obstacles.append(f"The key file {slot['path']} is not there.")
    for slot in slots:
        if slot["kind"] == "keyring":
            try:
                kept = get_secret(slot["name"])
            except KeyUnavailable as error:
                obstacles.append(error.message)
                continue
            if kept is None:
                obstacles.append("The system's keyring has no entry for this workspace.")
                continue
            key = _stretch(_decoded(kept), "keyring", workspace_id)
            return _open_slots([slot], "keyring", workspace_id, lambda _slot, key=key: key)
    ways = sorted({TITLES[slot["kind"]] for slot in slots if slot["kind"] in TITLES})
    raise KeyUnavailable(
        " ".join(["No key was given for this workspace.", *obstacles]),
        next_step=f"It opens with {_listing(ways)}.",
    )


def _open_slots(slots: list[dict[str, Any]], kind: str, workspace_id: str, key_of: Any) -> MasterKey:
    """Unwrap the first slot of ``kind`` that the key fits."""
    fitting = [slot for slot in slots if slot["kind"] == kind]
    if not fitting:
        ways = sorted({TITLES[slot["kind"]] for slot in slots if slot["kind"] in TITLES})
        raise KeyUnavailable(
            f"This workspace is not opened with {TITLES[kind]}.", next_step=f"It opens with {_listing(ways)}."
        )
    for slot in fitting:
        try:
            wrapped = bytes.fromhex(slot["wrapped"])
            key = AESGCM(key_of(slot)).decrypt(bytes.fromhex(slot["nonce"]), wrapped, _binding(workspace_id, kind))
        except InvalidTag:
            continue
        except (KeyError, ValueError, TypeError) as error:
            raise _damaged(error) from None
        return MasterKey(key, workspace_id)
    raise WrongKey(
        {
            "passphrase": "The passphrase is wrong.",
            "recovery": "The recovery key is not this workspace's.",
            "key-file": "The key file is not this workspace's.",
            "keyring": "The key in the system's keyring is not this workspace's.",
        }[kind],
        next_step="Try again, or use another way of opening it.",
    )


def _wrap(master: MasterKey, kind: str, key: bytes, stored: dict[str, Any]) -> dict[str, Any]:
    nonce = secrets.token_bytes(12)
    wrapped = AESGCM(key).encrypt(nonce, master._reveal(), _binding(master.workspace_id, kind))
    return {"kind": kind, **stored, "nonce": nonce.hex(), "wrapped": wrapped.hex()}


def _binding(workspace_id: str, kind: str) -> bytes:
    return f"kronkers/keys/{_FORMAT}/{workspace_id}/{kind}".encode()


def _stretch(material: bytes, kind: str, workspace_id: str) -> bytes:
    """A wrapping key from random ``material``, another one for every workspace."""
    return HKDF(SHA256(), 32, bytes.fromhex(workspace_id), b"kronkers/slot/" + kind.encode()).derive(material)


def _passphrase_key(passphrase: Secret | None, slot: dict[str, Any]) -> bytes:
    import unicodedata

    from argon2.exceptions import HashingError
    from argon2.low_level import Type, hash_secret_raw

    # the same passphrase typed on another system may come composed differently (é as one character or two)
    text = unicodedata.normalize("NFC", passphrase.reveal() if passphrase else "")
    try:
        return hash_secret_raw(
            text.encode("utf-8"),
            bytes.fromhex(slot["salt"]),
            time_cost=int(slot["passes"]),
            memory_cost=int(slot["memory_kib"]),
            parallelism=int(slot["lanes"]),
            hash_len=32,
            type=Type.ID,
        )
    except (HashingError, OverflowError) as error:
        raise _damaged(error) from None


def document(master: MasterKey, slots: list[dict[str, Any]]) -> bytes:
    """The content of ``keys.json``, sealed."""
    body = {"format": _FORMAT, "workspace": master.workspace_id, "slots": slots}
    seal = HMAC(master.subkey("key slots"), SHA256())
    seal.update(json.dumps(body, sort_keys=True).encode("utf-8"))
    return (json.dumps({**body, "seal": seal.finalize().hex()}, indent=2) + "\n").encode("utf-8")


def read_slots(directory: Path) -> tuple[list[dict[str, Any]], str]:
    """The slots, and the workspace's id. Raises ``WorkspaceError`` (none here) or ``StoreDamaged``."""
    file = directory / KEYS_FILE
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        if document["format"] != _FORMAT:
            raise WorkspaceError(
                f"The workspace in {directory} was made by a newer Kronkers Studio.", next_step="Update and try again."
            )
        slots, workspace_id = list(document["slots"]), str(document["workspace"])
        if len(bytes.fromhex(workspace_id)) != 16 or not all(isinstance(slot["kind"], str) for slot in slots):
            raise ValueError("not a list of key slots")
    except (FileNotFoundError, NotADirectoryError):
        raise WorkspaceError(
            f"There is no workspace in {directory}.",
            next_step="Make one with `kronkers init`, or choose another folder.",
        ) from None
    except OSError as error:
        raise WorkspaceError(f"The workspace in {directory} cannot be read: {error.strerror}.") from None
    except (ValueError, KeyError, TypeError) as error:
        raise _damaged(error) from None
    return slots, workspace_id


def _make_key_file(file: Path) -> bytes:
    key = secrets.token_bytes(32)
    text = f"{_KEY_FILE_FIRST_LINE}\n{base64.b64encode(key).decode('ascii')}\n"
    with disk_failures("writing the key file"):
        file.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        try:
            write_fully(descriptor, text.encode("utf-8"))
            flush_file(descriptor)
        finally:
            os.close(descriptor)
        flush_folder(file.parent)
    return key


def _read_key_file(file: Path) -> bytes:
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
        key = base64.b64decode(lines[1], validate=True)
        if len(key) == 32 and lines[0].startswith("Kronkers Studio key file"):
            return key
    except FileNotFoundError:
        raise KeyUnavailable(f"The key file {file} is not there.", next_step="Check its path.") from None
    except OSError as error:
        raise KeyUnavailable(f"The key file {file} cannot be read: {error.strerror}.") from None
    except (ValueError, IndexError):  # not text, not two lines, not base 64
        pass
    raise WrongKey(f"{file} is not a Kronkers Studio key file.", next_step="Choose the file made with the workspace.")


def _decoded(kept: Secret) -> bytes:
    try:
        return base64.b64decode(kept.reveal(), validate=True)
    except ValueError:
        return b"unreadable"  # fits no slot: reported as a wrong key


def _damaged(error: Exception) -> StoreDamaged:
    return StoreDamaged(
        f"{KEYS_FILE} is damaged.",
        next_step="Put back a copy of the file from a backup of the workspace.",
        details=f"{type(error).__name__}: {error}",
    )


def _listing(ways: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(ways[:-1]), *ways[-1:])))

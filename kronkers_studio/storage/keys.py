"""The workspace's master key, and the slots that each hold it wrapped for one way of unlocking.

``keys.json`` in the workspace holds the slots. Each wraps the same random 256-bit master key by AES-256-GCM under a key
of its own: derived from the passphrase (argon2id), from the printed recovery key, from the random bytes of a key file,
or from random bytes kept in the system's keyring. All other keys are derived from the master key by purpose.
The file ends in a keyed checksum of itself, so that ``verify_keys`` finds any change to it.
"""

from __future__ import annotations

import base64
import io
import json
import os
import re
import secrets
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.hmac import HMAC
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from kronkers_studio.domain.errors import InvalidInput, KeyUnavailable, StoreDamaged, WorkspaceError, WrongKey
from kronkers_studio.domain.printable import printable
from kronkers_studio.settings.secrets import Secret, get_secret, set_secret
from kronkers_studio.storage.files import (
    BINARY,
    disk_failures,
    flush_file,
    flush_folder,
    is_disk_failure,
    write_atomically,
    write_fully,
)
from kronkers_studio.storage.recovery_key import new_recovery_key, read_recovery_key

KEYS_FILE = "keys.json"
_FORMAT = 1
_MOST_BYTES = 1 << 20
_MOST_SLOTS = 64
_LONGEST_SHOWN = 200  # characters of a key file's name
_KEY_FILE_BYTES = 4096
_KEY_FILE_FIRST_LINE = "Kronkers Studio key file, version 1. Whoever has it can open the workspace: keep it safe."
KEY_FILE_SIZES = range(len(_KEY_FILE_FIRST_LINE) + 45, len(_KEY_FILE_FIRST_LINE) + 51)
"""How long key files are, in bytes, with one kind of line ends or the other, at the end too or not."""
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


_MOST_PASSES, _MOST_MEMORY_KIB, _MOST_LANES = 64, 4 << 20, 16
_MOST_WORK_KIB = 16 << 20
"""What the passphrase slots of one file may cost together, passes times memory: ten to twenty seconds. Whoever made
the file says what an attempt costs, and a workspace may come from anybody."""


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
    slots, _workspace_id = read_slots(directory)
    content = (directory / KEYS_FILE).read_bytes()
    if document(master, slots) != content:
        raise StoreDamaged(
            f"{KEYS_FILE} is not as it was written.",
            next_step="Keep the recovery key at hand, and put back a copy of the file from a backup.",
        )


def _open_unasked(slots: list[dict[str, Any]], workspace_id: str) -> MasterKey:
    """Unlock by what needs nobody: the remembered key file, then the keyring.

    The paths of key files come from whoever made the workspace: only small files of this computer are read unasked.
    """
    obstacles: list[str] = []
    wrong: WrongKey | None = None
    for slot in slots:
        if slot["kind"] != "key-file":
            continue
        if not _is_local(slot["path"]):
            named = _shown(slot["path"])
            obstacles.append(f"The key file {named} is not on this computer: it is only read when you name it.")
            continue
        try:
            content = _stretch(_read_key_file(Path(slot["path"]), unasked=True), "key-file", workspace_id)
            return _open_slots([slot], "key-file", workspace_id, lambda _slot, key=content: key)
        except (KeyUnavailable, WrongKey) as error:
            obstacles.append(error.message)
            wrong = wrong or (error if isinstance(error, WrongKey) else None)
    for slot in slots:
        if slot["kind"] == "keyring":
            try:
                kept = get_secret(slot["name"])
            except KeyUnavailable as error:
                obstacles.append(error.message)
                continue
            if kept is None:
                obstacles.append("This computer's password store (keyring) has no entry for this workspace.")
                continue
            try:
                return open_keyring_slot(slot, kept, workspace_id)
            except WrongKey as error:
                wrong = wrong or error
    if wrong is not None:
        raise wrong
    ways = sorted({TITLES[slot["kind"]] for slot in slots if slot["kind"] in TITLES})
    raise KeyUnavailable(
        " ".join(["No key was given for this workspace.", *obstacles]),
        next_step=f"It opens with {_listing(ways)}.",
    )


def open_keyring_slot(slot: dict[str, Any], kept: Secret, workspace_id: str) -> MasterKey:
    """The master key that a slot holds for what the keyring ``kept``. Raises ``WrongKey``."""
    key = _stretch(_decoded(kept), "keyring", workspace_id)
    return _open_slots([slot], "keyring", workspace_id, lambda _slot: key)


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
            time_cost=slot["passes"],
            memory_cost=slot["memory_kib"],
            parallelism=slot["lanes"],
            hash_len=32,
            type=Type.ID,
        )
    except HashingError as error:  # all its figures have been looked at
        raise WorkspaceError(
            f"Opening the workspace by passphrase takes {slot['memory_kib'] >> 10:,} MB of memory, which is not free.",
            next_step="Close other programs and try again, or open it another way.",
            details=str(error),
        ) from None


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
        document = json.loads(_read_bounded(file, _MOST_BYTES, unasked=True).decode("utf-8"))
        if not isinstance(document, dict):
            raise TypeError("not an object")
        format_ = document["format"]
        if type(format_) is int and format_ > _FORMAT:
            raise WorkspaceError(
                f"The workspace in {directory} was made by a newer Kronkers Studio.", next_step="Update and try again."
            )
        if type(format_) is not int or format_ != _FORMAT:
            raise ValueError("no such format")
        slots, workspace_id = document["slots"], _hex(document["workspace"], 16)
        _require_slots(slots)
    except (FileNotFoundError, NotADirectoryError):
        raise WorkspaceError(
            f"There is no workspace in {directory}.",
            next_step="Make one with `kronkers init`, or choose another folder.",
        ) from None
    except OSError as error:
        raise WorkspaceError(f"The workspace in {directory} cannot be read: {error.strerror or error}.") from None
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(error) from None
    return slots, workspace_id


def remembered_key_files(directory: Path) -> list[Path]:
    """The key files of this computer that open the workspace, as they were named; they need not be there."""
    slots, _workspace_id = read_slots(directory)
    return [Path(slot["path"]) for slot in slots if slot["kind"] == "key-file" and _is_local(slot["path"])]


def _require_slots(slots: Any) -> None:
    """Raises ``ValueError``, ``KeyError`` or ``TypeError`` for what is no list of key slots, or costs too much."""
    if not isinstance(slots, list) or len(slots) > _MOST_SLOTS:
        raise TypeError("not a list of key slots")
    work = 0
    for slot in slots:
        if not isinstance(slot, dict) or not isinstance(slot["kind"], str):
            raise TypeError("not a key slot")
        _hex(slot["nonce"], 12)
        _hex(slot["wrapped"], 48)
        match slot["kind"]:
            case "passphrase":
                _hex(slot["salt"], 16)
                lanes = _whole(slot["lanes"], 1, _MOST_LANES)
                memory = _whole(slot["memory_kib"], 8 * lanes, _MOST_MEMORY_KIB)
                work += _whole(slot["passes"], 1, _MOST_PASSES) * memory
            case "key-file":
                _text(slot["path"])
            case "keyring":
                if not _text(slot["name"]).startswith("workspace "):
                    raise ValueError("no name of a key in the keyring")
    if work > _MOST_WORK_KIB:
        raise ValueError("its passphrases would take too long to try")
    if len({slot["nonce"] for slot in slots}) != len(slots):
        raise ValueError("a key slot is there twice")


def _hex(value: Any, size: int) -> str:
    if not isinstance(value, str) or not re.fullmatch(f"[0-9a-f]{{{2 * size}}}", value):
        raise ValueError(f"not {size} bytes in hexadecimal")
    return value


def _whole(value: Any, least: int, most: int) -> int:
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"not a number from {least} to {most}")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= _KEY_FILE_BYTES or "\0" in value:
        raise ValueError("not a name")
    return value


def _is_local(path: str) -> bool:
    """Whether a path is a plain one of this computer: looking at any other may ask another computer for it, and give
    it this one's sign-in (Windows), or is no file at all."""
    if path.startswith(("\\", "//")) or not Path(path).is_absolute():
        return False
    return os.name == "nt" or Path(path).parts[1:2] not in (("net",), ("Network",))


def _read_bounded(file: Path, most: int, *, unasked: bool) -> bytes:
    """The content of a file of at most ``most`` bytes. Raises ``OSError``, or ``ValueError`` for a longer one.

    What is read ``unasked`` must be a regular file: a pipe would be waited for, a device may do anything.
    """
    if unasked and not stat.S_ISREG(file.stat().st_mode):
        raise ValueError("not a regular file")
    flags = os.O_RDONLY | BINARY | (getattr(os, "O_NONBLOCK", 0) if unasked else 0)
    descriptor = os.open(file, flags)
    with io.FileIO(descriptor) as stream:
        if unasked and not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        content = b""
        while len(content) <= most and (piece := stream.read(most + 1 - len(content))):
            content += piece
    if len(content) > most:
        raise ValueError(f"longer than {most} bytes")
    return content


def _make_key_file(file: Path) -> bytes:
    key = secrets.token_bytes(32)
    text = f"{_KEY_FILE_FIRST_LINE}\n{base64.b64encode(key).decode('ascii')}\n"
    with disk_failures("writing the key file"):
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY, 0o600)
        except OSError as error:
            if isinstance(error, PermissionError) or is_disk_failure(error):
                raise
            raise WorkspaceError(
                f"The key file {file} cannot be made: {error.strerror or error}.", next_step="Choose another place."
            ) from None
        try:
            write_fully(descriptor, text.encode("utf-8"))
            flush_file(descriptor)
        finally:
            os.close(descriptor)
        flush_folder(file.parent)
    return key


def _read_key_file(file: Path, *, unasked: bool = False) -> bytes:
    try:
        lines = _read_bounded(file, _KEY_FILE_BYTES, unasked=unasked).decode("utf-8").splitlines()
        key = base64.b64decode(lines[1], validate=True)
        if len(key) == 32 and lines[0].startswith("Kronkers Studio key file"):
            return key
    except FileNotFoundError:
        raise KeyUnavailable(f"The key file {_shown(file)} is not there.", next_step="Check its path.") from None
    except OSError as error:
        raise KeyUnavailable(f"The key file {_shown(file)} cannot be read: {error.strerror or error}.") from None
    except (ValueError, IndexError):  # too long, not text, not two lines, not base 64
        pass
    raise WrongKey(
        f"{_shown(file)} is not a Kronkers Studio key file.", next_step="Choose the file made with the workspace."
    )


def _shown(path: str | Path) -> str:
    """The name of a key file, which whoever made the workspace chose, as it can be shown: its end, if it is long."""
    text = printable(str(path))
    return text if len(text) <= _LONGEST_SHOWN else f"…{text[-_LONGEST_SHOWN:]}"


def is_key_file(content: bytes) -> bool:
    """Whether these are the first bytes of a key file."""
    return content.startswith(b"Kronkers Studio key file")


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

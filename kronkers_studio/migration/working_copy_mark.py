"""The mark by which a folder is known as a working copy: of which project, branch and version, sealed by the workspace.

It lies in the folder, so it moves with it. It is encrypted and authenticated with a key of the workspace: whoever can
write into the folder can take the mark away or put an older one back, and cannot have it name another project; and who
gets a copy of the folder, as a service that syncs it does, reads nothing in it.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from kronkers_studio.domain.errors import FileUnwritable, NotAWorkingCopy, StoreDamaged
from kronkers_studio.domain.naming import MARK_FOLDER
from kronkers_studio.domain.printable import printable
from kronkers_studio.migration import filesystem
from kronkers_studio.storage.files import write_atomically
from kronkers_studio.storage.json_form import from_text, to_text

_FILE = "working-copy"
_MAGIC = b"kronkers working copy 1\n"
_NONCE = 12
_MOST = 32 << 20  # bytes: as many paths that could not be written as anybody has
_FOR_GIT = ".gitignore"


@dataclass(frozen=True, slots=True)
class Mark:
    """What is sealed; ``finished`` is False until all files of the version are there.

    While an update replaces files, ``holding`` is the folder beside the mark in which they lie, by their number in
    ``aside``, and ``folders`` are those that it may take away. ``version_control``: folders of version control are
    written, too.
    """

    project: str
    branch: str
    commit: str
    absent: tuple[str, ...] = ()
    finished: bool = True
    holding: str = ""
    aside: tuple[str, ...] = ()
    folders: tuple[str, ...] = ()
    version_control: bool = False


class Marks:
    """Marks of one workspace. ``key`` are its 32 bytes for this, ``workspace`` its id."""

    def __init__(self, key: bytes, workspace: str) -> None:
        self._key = key
        self._bound_to = _MAGIC + workspace.encode()

    def read(self, folder: Path) -> Mark | None:
        """The mark of ``folder``; None when it has none.

        Raises ``NotAWorkingCopy`` for one that this workspace did not write, and for one that cannot be read.
        """
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        sealed = _content_of(folder)
        if sealed is None:
            return None
        start = len(_MAGIC)
        nonce, text = sealed[start : start + _NONCE], sealed[start + _NONCE :]
        try:
            if not sealed.startswith(_MAGIC):
                raise ValueError("of another form")
            plain = ChaCha20Poly1305(self._key).decrypt(nonce, text, self._bound_to)
            return from_text(Mark, plain.decode())
        except (InvalidTag, ValueError, StoreDamaged):
            raise NotAWorkingCopy(
                f"{printable(str(folder))} is a working copy of another workspace, or its mark was changed.",
                next_step="Open the workspace that it was made from, or make a new one with `kronkers checkout`.",
            ) from None

    def write(self, folder: Path, mark: Mark) -> None:
        """Make ``folder`` the working copy that ``mark`` says. Raises ``FileUnwritable``."""
        from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

        nonce = secrets.token_bytes(_NONCE)
        sealed = _MAGIC + nonce + ChaCha20Poly1305(self._key).encrypt(nonce, to_text(mark).encode(), self._bound_to)
        place = folder / MARK_FOLDER
        try:
            if len(sealed) > _MOST:
                raise OSError(errno.EFBIG, "too much of the version could not be written here")
            place.mkdir(exist_ok=True)
            if not _is_plain_folder(place):
                raise OSError(errno.ENOTDIR, "it is a link")
            write_atomically(place / _FILE, sealed)
            if not (place / _FOR_GIT).exists():
                (place / _FOR_GIT).write_text("*\n", encoding="utf-8")
        except OSError as error:
            raise FileUnwritable(
                f"{printable(str(place))} cannot be written: {error.strerror or error}.",
                next_step="Choose another folder, or one that you may write to.",
            ) from None

    def erase(self, folder: Path) -> None:
        """Let ``folder`` be a working copy no more; its files stay. Raises ``FileUnwritable``."""
        place = folder / MARK_FOLDER
        if not _is_plain_folder(place):
            return
        try:
            for name in (_FILE, _FOR_GIT):
                (place / name).unlink(missing_ok=True)
            if not any(place.iterdir()):
                place.rmdir()
        except OSError as error:
            raise FileUnwritable(
                f"{printable(str(place))} cannot be removed: {error.strerror or error}.",
                next_step="Close what has it open, then try again.",
            ) from None


def marked_folder(folder: Path) -> Path | None:
    """``folder``, or the innermost one around it, that has a mark of whatever workspace; None for none."""
    return next((place for place in _with_those_above(folder) if _has_mark(place)), None)


def _with_those_above(folder: Path) -> Iterator[Path]:
    yield folder
    yield from folder.parents


def _has_mark(folder: Path) -> bool:
    try:
        return stat.S_ISREG((folder / MARK_FOLDER / _FILE).lstat().st_mode)
    except (OSError, ValueError):
        return False


def _is_plain_folder(place: Path) -> bool:
    try:
        status = place.lstat()
    except (OSError, ValueError):
        return False
    return stat.S_ISDIR(status.st_mode) and not filesystem.is_junction(status)


def _content_of(folder: Path) -> bytes | None:
    """The bytes of a folder's mark, never through a link. Raises ``NotAWorkingCopy`` when it cannot be read."""
    if not _is_plain_folder(folder / MARK_FOLDER):
        return None
    try:
        descriptor = filesystem.open_file(filesystem.system_path(str(folder), f"{MARK_FOLDER}/{_FILE}"))
        try:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or status.st_size > _MOST:
                raise OSError(errno.EFBIG, "it is no mark of Kronkers Studio")
            with os.fdopen(os.dup(descriptor), "rb") as stream:
                return stream.read(_MOST)
        finally:
            os.close(descriptor)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise NotAWorkingCopy(
            f"The mark of the working copy {printable(str(folder))} cannot be read: {error.strerror or error}.",
            next_step="Make a new one with `kronkers checkout`; its files stay where they are.",
        ) from None

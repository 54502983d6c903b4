"""What differs between operating systems when files are looked at and opened; nothing else here knows the platform.

Each function takes the platform (``sys.platform``) as an argument, so that all of them are tested on any of them.
"""

from __future__ import annotations

import errno
import os
import stat
import sys

from kronkers_studio.domain.content import SkippedItem, SkipReason

# Windows, winnt.h: the content is in the cloud, and opening or reading the file would fetch it.
_RECALL_ON_DATA_ACCESS = 0x400000
_RECALL_ON_OPEN = 0x40000
_OFFLINE = 0x1000
_REPARSE_TAG_MOUNT_POINT = 0xA0000003
# macOS, sys/stat.h: the same, and a file whose (small, compressed) content lies in an attribute and so has no blocks.
_SF_DATALESS = 0x40000000
_UF_COMPRESSED = 0x20
# Windows: the file is open in a program that shares it with nobody, or that locked a part of it.
_SHARING_VIOLATIONS = (32, 33)

MAY_BE_ONLINE_ONLY = sys.platform in ("win32", "darwin")
"""Whether opening a file on this system may download it, so that it must be looked at before."""

HAS_EXECUTABLE_BIT = sys.platform != "win32"
"""Whether files say on this system that their owner may run them."""

_BY_EFFECTIVE_USER = os.access in os.supports_effective_ids  # as opening does
_INODE_MASK = 2**63 - 1  # databases hold signed 64-bit numbers

_IN_USE = "It is open in another program that lets nobody else read it. Close it there and migrate again."
_NO_PERMISSION = "You are not allowed to read it. Ask its owner for permission and migrate again."
_VANISHED = "It was there a moment ago and is gone now."
BECAME_LINK = "It is a link now; links are kept as links and never followed."
_NOT_A_FILE = "It is {}, not a file: there is nothing in it to keep."
_WITH_CONTENT = " The folder and everything in it is left out."
_TOO_LONG = "Its path is longer than this system can open. Shorten a folder's name and migrate again."


def is_online_only(status: os.stat_result, platform: str = sys.platform) -> bool:
    """True for a Files On-Demand placeholder: its content is not on this computer, and reading it would download it.

    Must be asked before the file is opened. A network mount that fetches on reading shows no sign of it and is read.
    """
    if platform == "win32":
        attributes = getattr(status, "st_file_attributes", 0)
        return bool(attributes & (_RECALL_ON_DATA_ACCESS | _RECALL_ON_OPEN | _OFFLINE))
    if platform == "darwin":
        flags = getattr(status, "st_flags", 0)
        without_blocks = status.st_size > 0 and status.st_blocks == 0 and not flags & _UF_COMPRESSED
        return bool(flags & _SF_DATALESS) or without_blocks
    return False  # on Linux a file without blocks is sparse, or so small that it lies in its inode


def is_junction(status: os.stat_result) -> bool:
    """True for a Windows junction, which Python does not count among the symbolic links; treated as one here."""
    return getattr(status, "st_reparse_tag", 0) == _REPARSE_TAG_MOUNT_POINT


def fingerprint(status: os.stat_result, platform: str = sys.platform) -> tuple[int, int, int]:
    """Size, modification time in nanoseconds and inode: equal ones mean unchanged bytes (see ``stat_cache``).

    The inode is 0 where listing a folder does not give it (Windows).
    """
    inode = 0 if platform == "win32" else status.st_ino & _INODE_MASK
    return status.st_size, status.st_mtime_ns, inode


def is_executable(status: os.stat_result, platform: str = sys.platform) -> bool:
    """Whether its owner may run it; Windows has no such bit."""
    return platform != "win32" and bool(status.st_mode & stat.S_IXUSR)


def system_path(root: str, path: str, platform: str = sys.platform) -> str:
    """Where ``path`` (relative, with ``/``; "" is the root itself) lies below the absolute ``root``.

    In a form that the system opens whatever its length: Windows stops at 260 characters otherwise.
    """
    if platform != "win32":
        return f"{root}/{path}" if path else root
    full = (root.rstrip("\\/") + "\\" + path if path else root).replace("/", "\\")
    if full.startswith("\\\\?\\"):
        return full
    return "\\\\?\\UNC\\" + full[2:] if full.startswith("\\\\") else "\\\\?\\" + full


def may_read(path: str, platform: str = sys.platform) -> bool:
    """Whether opening ``path`` would be allowed, without opening it. Windows knows only by trying: True there."""
    return platform == "win32" or os.access(path, os.R_OK, effective_ids=_BY_EFFECTIVE_USER)


_OPEN_FLAGS = (
    os.O_RDONLY
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
    | getattr(os, "O_NOINHERIT", 0)
    | getattr(os, "O_NOFOLLOW", 0)  # a link that took the file's place is refused
    | getattr(os, "O_NONBLOCK", 0)  # a pipe that took the file's place does not wait for a writer
    | getattr(os, "O_NOCTTY", 0)
)


def open_file(path: str) -> int:
    """A descriptor for reading the file at ``path``; never follows a link, never waits. Raises ``OSError``."""
    return os.open(path, _OPEN_FLAGS)


def read_head(path: str, size: int) -> bytes:
    """Up to ``size`` bytes from the start of the regular file at ``path``. Raises ``OSError``."""
    descriptor = open_file(path)
    try:
        return os.read(descriptor, size)
    finally:
        os.close(descriptor)


_PROBLEMS = {
    errno.ENOENT: (SkipReason.VANISHED, _VANISHED),
    errno.ENOTDIR: (SkipReason.VANISHED, _VANISHED),
    errno.ESTALE: (SkipReason.VANISHED, _VANISHED),
    errno.EACCES: (SkipReason.NO_PERMISSION, _NO_PERMISSION),
    errno.EPERM: (SkipReason.NO_PERMISSION, _NO_PERMISSION),
    errno.ENAMETOOLONG: (SkipReason.NAME_TOO_LONG, _TOO_LONG),
    errno.ELOOP: (SkipReason.SPECIAL_FILE, BECAME_LINK),
    errno.ENXIO: (SkipReason.SPECIAL_FILE, _NOT_A_FILE.format("a socket")),
}


def problem_of(path: str, error: OSError, *, folder: bool = False) -> SkippedItem:
    """Why ``path`` (as it is called in the project) could not be read, in words for its owner."""
    if getattr(error, "winerror", None) in _SHARING_VIOLATIONS:
        reason, detail = SkipReason.NO_PERMISSION, _IN_USE
    else:
        otherwise = (SkipReason.READ_ERROR, f"Reading it failed: {error.strerror or error}.")
        reason, detail = _PROBLEMS.get(error.errno or 0, otherwise)
    return SkippedItem(path, reason, detail + (_WITH_CONTENT if folder else ""))


_SPECIAL_FILES = {
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFBLK: "a device",
    stat.S_IFCHR: "a device",
    stat.S_IFDIR: "a folder now",
}


def special_file_detail(mode: int) -> str:
    """What stands where a file is expected, and that there is nothing in it to keep."""
    what = _SPECIAL_FILES.get(stat.S_IFMT(mode), "a special file")
    return _NOT_A_FILE.format(what)

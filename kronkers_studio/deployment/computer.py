"""Which computer and account this is, and which of its processes: what a deploy lock says of who holds it.

Host names and user names are no identity: a virtual machine and its copy share them. So an account has a random id in
its data folder; a copy shares that too, but was started at another time.
"""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import sys
from functools import cache
from pathlib import Path

import psutil

from kronkers_studio.settings.paths import data_folder

_ID, _KEY = "computer-id", "computer-key"
_OF_THIS_PROCESS, _KEY_OF_THIS_PROCESS = secrets.token_hex(16), secrets.token_hex(16)
"""Serve where the data folder cannot be written to."""


def computer_id() -> str:
    """The random id of this account on this computer, made when it is first asked for."""
    return _kept(_ID, _OF_THIS_PROCESS)


def own_mark(text: str) -> str:
    """What nobody but this account on this computer can put beside ``text``. In a history that others write to, it
    tells what was written here; the id does not, since the history tells everybody that."""
    return hmac.new(_kept(_KEY, _KEY_OF_THIS_PROCESS).encode(), text.encode(), "sha256").hexdigest()


def _kept(name: str, made: str) -> str:
    file = data_folder() / name
    found = _read(file)
    if found:
        return found
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        draft = file.with_name(f"{name}.{made[:8]}{secrets.token_hex(4)}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="ascii") as written:
            written.write(made)
        draft.replace(file)
    return _read(file) or made  # of two that make it at once, both take the later one's


@cache
def start_of_computer() -> str:
    """What is different after each start of this computer, on each of its copies, and in each of its containers.

    Where the system has no such id it is the minute of the start; a corrected clock makes that another one.
    """
    if sys.platform == "linux":
        with contextlib.suppress(OSError):
            boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
            return f"{boot} {os.readlink('/proc/self/ns/pid')}"  # noqa: PTH115  # not a path: "pid:[4026531836]"
    return str(int(psutil.boot_time() // 60))


def process_exists(process: int) -> bool:
    """Whether a process with that number runs here: the one that is meant, or a later one."""
    return 0 < process < 2**31 and psutil.pid_exists(process)


def _read(file: Path) -> str:
    try:
        text = file.read_text(encoding="ascii", errors="replace").strip()
    except OSError:
        return ""
    return text if len(text) == 32 and text.isalnum() else ""

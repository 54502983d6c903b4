"""Which names the system that we run on can hold as they are."""

from __future__ import annotations

import os
import re

_WINDOWS_SPECIAL = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)
_WINDOWS_FORBIDDEN = frozenset('<>:"/\\|?*')


def _on_windows() -> bool:
    return os.name == "nt"


def name_problem(name: str) -> str:
    """Why this system cannot hold a file called ``name``, as a sentence; empty when it can.

    On Windows this is also what keeps a name such as ``..\\x`` or ``C:x`` from leading out of its folder.
    """
    if not _on_windows():
        return ""
    if set(name) & _WINDOWS_FORBIDDEN or any(ord(letter) < 32 for letter in name):
        return "Windows allows no such characters in a name."
    if name != name.rstrip(". "):
        return "Windows allows no name that ends in a dot or a space."
    if _WINDOWS_SPECIAL.match(name):
        return "Windows keeps this name for a device."
    if any("\ud800" <= letter <= "\udfff" for letter in name):
        return "Windows cannot hold a name that is not valid Unicode."
    return ""

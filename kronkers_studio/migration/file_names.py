"""What a name alone tells: leftovers of programs, conflict copies, and names that other systems cannot tell apart."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable

from kronkers_studio.domain.content import SkipReason
from kronkers_studio.domain.naming import MARK_FOLDER, folded

_SYSTEM_FILES = {
    "desktop.ini": "Windows' settings for how the folder is shown",
    "thumbs.db": "Windows' small pictures of the folder's files",
    "ehthumbs.db": "Windows' small pictures of the folder's films",
    ".ds_store": "the Mac's settings for how the folder is shown",
    "icon\r": "the Mac's picture for the folder",
    ".849c9593-d756-4e56-8d6e-42412f2a707b": "OneDrive's mark that it syncs this folder",
}
_SYSTEM_FOLDERS = {
    "$recycle.bin": "Windows' recycle bin",
    "system volume information": "Windows' restore points",
    ".trashes": "the Mac's bin",
    ".spotlight-v100": "the Mac's search index",
    ".fseventsd": "the Mac's log of changes",
    MARK_FOLDER: "Kronkers Studio's mark of a working copy",
}
_OFFICE_SCRATCH = re.compile(r"~(wr[a-z]\d{4}|df[0-9a-f]{2,})\.tmp", re.IGNORECASE)


def left_out_file(name: str) -> tuple[SkipReason, str] | None:
    """Why a file of this name is a program's leftover that nobody wants kept, or None."""
    if name.startswith("~$"):
        return SkipReason.LOCK_FILE, "Office's mark that somebody has the document open; it holds only their name."
    if name.startswith(".~lock.") and name.endswith("#"):
        return SkipReason.LOCK_FILE, "LibreOffice's mark that somebody has the document open; it holds only their name."
    if name[:1] == "~" and _OFFICE_SCRATCH.fullmatch(name):
        return SkipReason.LOCK_FILE, "Office's scratch file for a document that was open."
    what = _SYSTEM_FILES.get(name.lower())
    return (SkipReason.SYSTEM_FILE, f"It is {what}; there is no work in it.") if what else None


def left_out_folder(name: str) -> tuple[SkipReason, str] | None:
    """Why a folder of this name belongs to the operating system, or None."""
    what = _SYSTEM_FOLDERS.get(name.lower())
    return (SkipReason.SYSTEM_FILE, f"It is {what}; there is no work in it.") if what else None


# What sync conflicts and second uploads put behind a name: "-LAPTOP7", " (LAPTOP7)", " (1)", and chains of these.
_MARK = re.compile(r"-([^()]+)| \(([^()]+)\)")
_MARK_BEGINS = re.compile(r"-| \(")
_SAYS_COMPUTER = re.compile(r"desktop|laptop|macbook|imac|mac-?mini|thinkpad|surface", re.IGNORECASE)
_CAPITALS = re.compile(r"(?=.*[A-Z])[A-Z0-9][A-Z0-9-]{2,}")  # how Windows writes a computer's name
# What people put behind a name themselves, in capitals too: -FINAL, -Q3, -FY2026.
_OWN_WORDS = re.compile(
    r"(?:FINAL|DRAFT|COPY|KOPIE|TEST|TRAIN|VALID|BACKUP|TODO|README|(?:[QHVRM]|FY|KW|CW)?\d{1,4})(?:-|$)"
)


def conflict_original(name: str, siblings: Collection[str]) -> str:
    """The file of which ``name`` is a copy that a sync conflict or a second upload made, or "" when it is none.

    ``report-LAPTOP7.xlsx``, ``report (1).xlsx``, ``report (LAPTOP7).xlsx`` and chains of such marks count only when
    ``report.xlsx`` lies beside them.
    """
    if "-" not in name and " (" not in name:
        return ""
    stem, dot, extension = name.rpartition(".")
    if not stem:
        stem, dot, extension = name, "", ""
    for mark in _MARK_BEGINS.finditer(stem):
        original = stem[: mark.start()] + dot + extension
        if mark.start() and original in siblings and _is_chain_of_marks(stem[mark.start() :]):
            return original
    return ""


def _is_chain_of_marks(text: str) -> bool:
    position = 0
    while position < len(text):
        mark = _MARK.match(text, position)
        if mark is None:
            return False
        computer, bracketed = mark[1], mark[2]
        if bracketed and not (bracketed.isdecimal() or _names_computer(bracketed)):
            return False
        if computer and not _names_computer(computer.rstrip(" ")):
            return False
        position = mark.end() - (len(computer) - len(computer.rstrip(" ")) if computer else 0)
    return True


def _names_computer(text: str) -> bool:
    """Whether this looks like one or more computers' names; words that people add themselves do not."""
    if _OWN_WORDS.match(text):
        return False
    return bool(_CAPITALS.fullmatch(text) or _SAYS_COMPUTER.search(text))


def clashing_names(names: Iterable[str]) -> dict[str, str]:
    """Names of one folder that Windows or macOS cannot tell apart, each with one that it clashes with.

    They differ only in case, or in how an accented letter is put together.
    """
    forms = {name: folded(name) for name in names}
    if len(set(forms.values())) == len(forms):
        return {}
    crowded = {form for form, count in Counter(forms.values()).items() if count > 1}
    return {
        name: next(other for other, its_form in forms.items() if its_form == form and other != name)
        for name, form in forms.items()
        if form in crowded
    }

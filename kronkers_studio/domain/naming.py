"""Names of files and folders on other systems: which ones a system can hold, and what the others become there; and the
names of models, which every system can.

A project keeps names as they were found, bytes for bytes. What a system cannot hold is written there under a name that
says what it was: ``a:b.csv`` as ``a%3Ab.csv``, ``con.txt`` as ``con_.txt``, two names that differ only in case as
``report.csv`` and ``Report (2).csv``.
"""

from __future__ import annotations

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from kronkers_studio.domain.errors import ForeignEntry
from kronkers_studio.domain.printable import printable

RESTORED = " restored"
"""What is added to a project's name for the folder that it is restored into, which by that is known as no OneDrive."""
MARK_FOLDER = ".kronkers"
"""What tells a working copy from other folders; it is never brought into a project."""
_WINDOWS_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)", re.IGNORECASE)
_WINDOWS_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f]')
_UNDECODABLE = re.compile("[\ud800-\udfff]")
_WINDOWS_PROBLEM = re.compile(
    r'[<>:"\\|?*\x00-\x1f\ud800-\udfff]|[. ]$|^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(?:\.|$)',
    re.IGNORECASE,
)
_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class NameRules:
    """What a file system can hold. ``longest`` counts UTF-16 units with ``windows``, else bytes."""

    windows: bool = False  # no < > : " | ? *, no device names, no dots or spaces at the end
    unicode_only: bool = False  # no names that are not text
    ignores_case: bool = False  # and how accented letters are put together
    longest: int = _LONGEST


WINDOWS = NameRules(windows=True, unicode_only=True, ignores_case=True)
ANYTHING = NameRules()
"""Linux: every name but ``.`` and ``..`` and those with a slash."""


def name_problem(name: str, rules: NameRules) -> str:
    """Why ``name`` cannot be held, as a sentence; "" when it can."""
    if rules.windows:
        if _WINDOWS_FORBIDDEN.search(name):
            return "Windows allows no such characters in a name."
        if name != name.rstrip(". "):
            return "Windows allows no name that ends in a dot or a space."
        if _WINDOWS_DEVICE.match(name):
            return "Windows keeps this name for a device."
    if rules.unicode_only and _UNDECODABLE.search(name):
        return "Its name is not valid Unicode."
    if _length(name, rules) > rules.longest:
        return f"Its name is longer than {rules.longest} characters."
    return ""


def unportable(name: str) -> bool:
    """Whether Windows, the strictest system, could not hold ``name``: asked of every file, so it is one search."""
    return _WINDOWS_PROBLEM.search(name) is not None


def safe_name(name: str, rules: NameRules) -> str:
    """The name under which ``name`` can be held; itself when that is possible."""
    if not name_problem(name, rules):
        return name
    safe = name
    if rules.windows:
        safe = _WINDOWS_FORBIDDEN.sub(_spelled_out, safe)
        kept = safe.rstrip(". ")
        safe = kept + "".join(f"%{ord(letter):02X}" for letter in safe[len(kept) :])
        if device := _WINDOWS_DEVICE.match(safe):
            safe = f"{device[1]}_{safe[device.end(1) :]}"
    if rules.unicode_only:
        safe = _UNDECODABLE.sub(_spelled_out, safe)
    return _shortened(safe, rules)


def safe_names(names: Iterable[str], rules: NameRules) -> dict[str, str]:
    """The names under which the entries of one folder can be held beside each other; only those that change.

    Depends on nothing but the names, so that the same folder gets the same names every time.
    """
    ordered = sorted(names)
    wanted = {name: safe_name(name, rules) for name in ordered}
    taken: set[str] = set()
    given: dict[str, str] = {}
    for name in sorted(ordered, key=lambda name: wanted[name] != name):  # who can keep its name goes first
        safe, number = wanted[name], 1
        while (form := folded(safe) if rules.ignores_case else safe) in taken:
            number += 1
            safe = _numbered(wanted[name], number, rules)
        taken.add(form)
        if safe != name:
            given[name] = safe
    return given


def folded(name: str) -> str:
    """The form in which Windows and the Mac compare names."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name).casefold()


def is_model_name(name: str) -> bool:
    """Whether a model, or an alias of one, can be called ``name``: it becomes part of paths, of images' names and of
    arguments, on every system."""
    return _MODEL_NAME.fullmatch(name) is not None and not _WINDOWS_DEVICE.match(name)


def checked_model_name(name: str) -> str:
    """``name``, from a workspace that anybody may have made. Raises ``ForeignEntry`` when no model can be called so."""
    if is_model_name(name):
        return name
    raise ForeignEntry(
        f"This workspace holds a model called “{printable(name[:80])}”, which no model can be.",
        next_step="It was made or changed by something else than Kronkers Studio: ask who gave it to you.",
    )


def _spelled_out(found: re.Match[str]) -> str:
    letter = ord(found[0])
    if 0xDC80 <= letter <= 0xDCFF:  # a byte that is no UTF-8, as os.fsdecode gives it
        return f"%{letter - 0xDC00:02X}"
    return f"%{letter:02X}"


def _length(name: str, rules: NameRules) -> int:
    if name.isascii():
        return len(name)
    if rules.windows:
        return len(name.encode("utf-16-le", "surrogatepass")) // 2
    try:
        return len(os.fsencode(name))
    except UnicodeEncodeError:  # half of a surrogate pair, as Windows allows
        return len(name.encode("utf-8", "surrogatepass"))


def _shortened(name: str, rules: NameRules) -> str:
    """``name`` cut to what fits, with a part of its hash, so that two long names stay two."""
    if _length(name, rules) <= rules.longest:
        return name
    digest = hashlib.sha256(name.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    stem, dot, extension = name.rpartition(".")
    tail = f"~{digest}" + (f".{extension}" if dot and stem and len(extension) <= 16 else "")
    stem = stem if dot and stem else name
    while _length(stem + tail, rules) > rules.longest:
        stem = stem[:-1]
    return stem + tail


def _numbered(name: str, number: int, rules: NameRules) -> str:
    stem, dot, extension = name.rpartition(".")
    numbered = f"{stem} ({number}).{extension}" if dot and stem else f"{name} ({number})"
    return _shortened(numbered, rules)

"""A folder's entries in the order, and of the kind, that is wanted: meant for 100,000 of them, off the main thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.printable import printable

Order = Literal["name", "-name", "size", "-size", "changed", "-changed"]
"""By what a folder is sorted; "-" is the other way round."""

_KEYS: dict[str, Callable[[Entry], Any]] = {
    "name": lambda entry: entry.path.casefold(),
    "size": lambda entry: entry.size,
    "changed": lambda entry: entry.mtime_ns,
}


def arrange(entries: Sequence[Entry], words: str = "", order: Order = "name") -> list[Entry]:
    """Those of ``entries`` (of one folder) whose names hold all of ``words``, folders first, in ``order``."""
    wanted = words.casefold().split()
    found = [entry for entry in entries if _holds(entry.name, wanted)] if wanted else list(entries)
    found.sort(key=_KEYS[order.removeprefix("-")], reverse=order.startswith("-"))
    folders = [entry for entry in found if entry.kind is EntryKind.FOLDER]
    return [*folders, *(entry for entry in found if entry.kind is not EntryKind.FOLDER)] if folders else found


def _holds(name: str, words: Sequence[str]) -> bool:
    folded = printable(name).casefold()  # what is seen can be typed
    return all(word in folded for word in words)

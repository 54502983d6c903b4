"""One set of icons for kinds of files, wherever files are listed."""

from __future__ import annotations

from functools import lru_cache

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.file_types import kind_of_name
from kronkers_studio.domain.migration import FileKind

_ICONS = {
    FileKind.MODEL: "models",
    FileKind.DATA: "data",
    FileKind.CODE: "code",
    FileKind.NOTEBOOK: "notebook",
    FileKind.DOCUMENT: "document",
    FileKind.IMAGE: "image",
    FileKind.ARCHIVE: "archive",
    FileKind.OTHER: "file",
}


def kind_icon(kind: FileKind) -> str:
    """The icon's name for a kind that is known."""
    return _ICONS[kind]


def entry_icon(entry: Entry) -> str:
    """For what lies in a version, by its name."""
    return "folder" if entry.kind is EntryKind.FOLDER else path_icon(entry.path)


@lru_cache(maxsize=4096)
def path_icon(path: str) -> str:
    """For a file of which only the path is known."""
    return _ICONS[kind_of_name(path.rpartition("/")[2])]

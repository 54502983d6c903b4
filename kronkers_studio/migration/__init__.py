"""Finding, classifying and planning what lies in OneDrive and other folders, and reading it safely.

``scan_folder`` lists a folder without changing or downloading anything; ``FolderSource`` gives the bytes of what was
found and notices files that change while they are read; ``StatCache`` remembers what was stored, so that unchanged
files are not even opened again. Nothing is dropped silently: whatever is not kept is a ``SkippedItem``.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kronkers_studio.migration.classification import classify
    from kronkers_studio.migration.folder_state import is_in_state, state_of
    from kronkers_studio.migration.found_item import FoundItem, KnownFile
    from kronkers_studio.migration.onedrive import find_onedrive_folders
    from kronkers_studio.migration.scan_result import Scan
    from kronkers_studio.migration.scanning import scan_folder
    from kronkers_studio.migration.source import FolderSource
    from kronkers_studio.migration.stat_cache import StatCache

__all__ = [
    "FolderSource",
    "FoundItem",
    "KnownFile",
    "Scan",
    "StatCache",
    "classify",
    "find_onedrive_folders",
    "is_in_state",
    "scan_folder",
    "state_of",
]

_LOADED_LATER = {
    "FolderSource": "source",
    "FoundItem": "found_item",
    "KnownFile": "found_item",
    "Scan": "scan_result",
    "StatCache": "stat_cache",
    "classify": "classification",
    "find_onedrive_folders": "onedrive",
    "is_in_state": "folder_state",
    "scan_folder": "scanning",
    "state_of": "folder_state",
}
"""Each where it is; a process that only reads files (``workflows.migration.worker_process``) needs few of them."""


def __getattr__(name: str) -> Any:
    if name not in _LOADED_LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LOADED_LATER[name]}"), name)

"""What a started editor gets of this program's environment: no key to a workspace, nothing of its own Python."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

_OF_THIS_PROGRAM = (
    *("PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "PYTHONEXECUTABLE", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__"),
    *("QT_PLUGIN_PATH", "QT_QPA_PLATFORM", "QT_QPA_PLATFORM_PLUGIN_PATH", "QML2_IMPORT_PATH"),
    *("_MEIPASS2", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "DYLD_FRAMEWORK_PATH"),
)
"""What points at this program's own Python, libraries and Qt, which others must not load."""


def editor_environment(workspace: Path, environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """The environment of an editor, and of what is started in it: the user's, without any variable of this program but
    the one that says where the ``workspace`` lies. Passphrases, keys and passwords are in none of it."""
    kept = {
        name: value
        for name, value in environment.items()
        if not name.upper().startswith(("KRONKERS_", "_PYI_")) and name.upper() not in _OF_THIS_PROGRAM
    }
    for name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):  # as they were before a frozen program set its own
        before = kept.pop(f"{name}_ORIG", "")
        if before:
            kept[name] = before
    return {**kept, "KRONKERS_WORKSPACE": str(workspace)}

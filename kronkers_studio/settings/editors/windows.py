"""Programs on Windows: what the registry's App Paths say, Program Files, and where programs of one user lie.

Programs are files that end in .exe: scripts (.cmd, .bat), as which editors lie in the PATH, are run by a shell, for
which some names of folders are commands.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from kronkers_studio.settings.editors.kinds import EditorKind

_APP_PATHS = r"Software\Microsoft\Windows\CurrentVersion\App Paths"
_BELOW = (
    ("LOCALAPPDATA", "Programs"),
    ("LOCALAPPDATA", ""),
    ("PROGRAMFILES", ""),
    ("PROGRAMW6432", ""),
    ("PROGRAMFILES(X86)", ""),
    ("PROGRAMDATA", ""),
)

AppPath = Callable[[str], str]
"""Gives the file that the registry has for a program's name; "" for none."""


def command_of(kind: EditorKind, environment: Mapping[str, str], app_path: AppPath) -> tuple[str, ...] | None:
    """What starts the editor; None where it is not installed."""
    for file in _candidates(kind, environment, app_path):
        if is_program(file):
            return (str(file),)
    return None


def is_program(file: Path) -> bool:
    """Whether Windows runs the file itself, without a shell."""
    try:
        return file.is_absolute() and file.suffix.lower() == ".exe" and file.is_file()
    except (OSError, ValueError):
        return False


def _candidates(kind: EditorKind, environment: Mapping[str, str], app_path: AppPath) -> Iterator[Path]:
    for name in kind.app_paths:
        if found := app_path(name).strip().strip('"'):
            yield Path(found)
    for place in kind.places:
        for variable, below in _BELOW:
            if top := environment.get(variable, ""):
                yield from sorted(Path(top, below).glob(place), reverse=True)  # of several releases the newest
    for program in kind.programs:
        for folder in environment.get("PATH", "").split(";"):
            if folder:
                yield Path(folder, f"{program}.exe")


def registered(name: str) -> str:
    """What the registry's App Paths say of a program's name, the user's own before everybody's; "" for nothing."""
    if sys.platform == "win32":
        import winreg

        for root in (winreg.HKEY_CURRENT_USER, winreg.HKEY_LOCAL_MACHINE):
            try:
                value = winreg.QueryValue(root, rf"{_APP_PATHS}\{name}")
            except OSError:
                continue
            if value:
                return value
    return ""

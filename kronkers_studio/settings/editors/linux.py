"""Programs on Linux: in the PATH, and as entries of the desktop's menu, which know those of Flatpak and Snap."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from pathlib import Path

from kronkers_studio.domain.editors import FOLDER
from kronkers_studio.settings.editors.kinds import EditorKind

_LARGEST_ENTRY = 256 * 1024  # bytes; some hold a hundred translations
_GROUP = "[Desktop Entry]"
# What the value of Exec is made of: a quoted word, in which a backslash keeps the next letter, or one without spaces.
_WORD = re.compile(r'"((?:[^"\\]|\\.)*)"|(\S+)')
_FOLDER_CODES = {"%f", "%F", "%u", "%U"}


def command_of(kind: EditorKind, environment: Mapping[str, str], home: Path) -> tuple[str, ...] | None:
    """What starts the editor; None where it is not installed."""
    for program in kind.programs:
        if found := in_path(program, environment):
            return (found,)
    for entry in _entries(kind, environment, home):
        if command := _command_in(entry, environment):
            return command
    return None


def in_path(program: str, environment: Mapping[str, str]) -> str:
    """The file of a program by its name; "" for none. Only whole paths are looked at: a name that is looked for where
    one happens to be could be a file of the very folder that is to be opened."""
    for place in environment.get("PATH", "").split(os.pathsep):
        file = Path(place, program)
        if place and file.is_absolute() and is_program(file):
            return str(file)
    return ""


def is_program(file: Path) -> bool:
    """Whether it is a file that may be run."""
    try:
        return stat.S_ISREG(file.stat().st_mode) and os.access(file, os.X_OK)
    except (OSError, ValueError):
        return False


def _entries(kind: EditorKind, environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    for folder in _menu_folders(environment, home):
        try:
            names = sorted(each.name for each in folder.iterdir() if each.suffix == ".desktop")
        except OSError:
            continue
        for pattern in kind.entries:
            yield from (folder / name for name in names if fnmatchcase(name.removesuffix(".desktop"), pattern))


def _menu_folders(environment: Mapping[str, str], home: Path) -> Iterator[Path]:
    own = environment.get("XDG_DATA_HOME") or str(home / ".local/share")
    others = environment.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share"
    places = [own, *others.split(":"), str(home / ".local/share/flatpak/exports/share")]
    places += ["/var/lib/flatpak/exports/share", "/var/lib/snapd/desktop"]
    for place in dict.fromkeys(places):
        if Path(place).is_absolute():
            yield Path(place) / "applications"


def _command_in(entry: Path, environment: Mapping[str, str]) -> tuple[str, ...] | None:
    """What a menu entry starts, with ``FOLDER`` where the folder goes; None when that is no program that is there."""
    values = _values(entry)
    if values.get("Hidden") == "true" or values.get("Type", "Application") != "Application":
        return None
    words = _words(values.get("Exec", ""))
    if not words:
        return None
    program = words[0] if Path(words[0]).is_absolute() else in_path(words[0], environment)
    if not program or not is_program(Path(program)):
        return None
    command = [program]
    for word in words[1:]:
        if word in _FOLDER_CODES:
            command.append(FOLDER)
        elif not re.fullmatch(r"%[a-zA-Z]", word):
            command.append(word.replace("%%", "%"))
    return tuple(command if FOLDER in command else [*command, FOLDER])


def _values(entry: Path) -> dict[str, str]:
    """The keys of an entry's own group that no language is named for."""
    try:
        if entry.stat().st_size > _LARGEST_ENTRY:
            return {}
        lines = entry.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    values: dict[str, str] = {}
    inside = False
    for line in lines:
        if line.startswith("["):
            inside = line.strip() == _GROUP
        elif inside and "=" in line:
            name, _, value = line.partition("=")
            values.setdefault(name.strip(), value.strip())
    return values


def _words(exec_value: str) -> list[str]:
    """The words of an Exec value, as the desktop entry specification quotes them."""
    unescaped = exec_value.replace("\\\\", "\\")
    return [
        re.sub(r"\\(.)", r"\1", quoted) if quoted or not plain else plain for quoted, plain in _WORD.findall(unescaped)
    ]

"""The editors that are installed on this computer, in the order in which they are offered."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from kronkers_studio.domain.editors import FILE_MANAGER, FOLDER, Editor, Trust
from kronkers_studio.settings.editors import linux, macos, windows
from kronkers_studio.settings.editors.kinds import EDITORS, EditorKind


def installed_editors(
    preferred: str = "",
    *,
    platform: str = sys.platform,
    environment: Mapping[str, str] = os.environ,
    home: Path | None = None,
    top: Path = Path("/"),
    app_path: windows.AppPath = windows.registered,
) -> list[Editor]:
    """The editors found, then the file manager. ``preferred`` is the key of the one to come first, or the path of
    another program, which is one of them then.

    It looks at the disk and starts nothing. ``home``, ``top`` and ``app_path`` are the user's folder, macOS's root and
    Windows' registry.
    """
    home = _home() if home is None else home
    found = [
        _editor(kind, command)
        for kind in EDITORS
        if (command := _command(kind, platform, environment, home, top, app_path)) is not None
    ]
    found += [*_chosen(preferred, platform), *_file_manager(platform, environment)]
    return sorted(found, key=lambda editor: editor.key != preferred)


def program_editor(program: Path, platform: str = sys.platform) -> Editor | None:
    """A program that a person chose, as an editor; None when it is none that can be started."""
    label = program.stem
    if platform == "darwin" and program.suffix == ".app":
        return Editor(str(program), label, (macos.OPEN, "-a", str(program))) if program.is_dir() else None
    is_one = windows.is_program(program) if platform == "win32" else linux.is_program(program)
    return Editor(str(program), label, (str(program),)) if program.is_absolute() and is_one else None


def _command(
    kind: EditorKind,
    platform: str,
    environment: Mapping[str, str],
    home: Path,
    top: Path,
    app_path: windows.AppPath,
) -> tuple[str, ...] | None:
    if platform == "win32":
        return windows.command_of(kind, environment, app_path)
    if platform == "darwin":
        return macos.command_of(kind, environment, home, top)
    return linux.command_of(kind, environment, home)


def _editor(kind: EditorKind, command: tuple[str, ...]) -> Editor:
    place = command.index(FOLDER) if FOLDER in command else len(command)
    whole = (*command[:place], *kind.options, *command[place:])
    return Editor(kind.key, kind.label, whole, kind.project_file, kind.trust)


def _chosen(preferred: str, platform: str) -> Iterator[Editor]:
    if preferred and not any(kind.key == preferred for kind in EDITORS) and preferred != FILE_MANAGER:
        editor = program_editor(Path(preferred), platform)
        if editor is not None:
            yield editor


def _file_manager(platform: str, environment: Mapping[str, str]) -> Iterator[Editor]:
    label = {"win32": "Explorer", "darwin": "Finder"}.get(platform, "File manager")
    if platform == "win32":
        explorer = str(Path(environment.get("WINDIR", r"C:\Windows"), "explorer.exe"))
        yield Editor(FILE_MANAGER, label, (explorer,), trust=Trust.RUNS_NOTHING)
    elif platform == "darwin":
        yield Editor(FILE_MANAGER, label, (macos.OPEN,), trust=Trust.RUNS_NOTHING)
    elif found := linux.in_path("xdg-open", environment):
        yield Editor(FILE_MANAGER, label, (found,), trust=Trust.RUNS_NOTHING)


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # an account without one
        return Path("/nonexistent")

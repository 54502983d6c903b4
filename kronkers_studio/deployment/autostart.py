"""Running a command when its user logs in, by the system's own means: a unit of systemd's user manager or a desktop
entry on Linux, a launch agent on macOS, the Run key of the registry on Windows. Each entry has a name of its own.
"""

from __future__ import annotations

import contextlib
import os
import plistlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import StudioError

_RUN_KEY = r"Software\Microsoft\Windows\CurrentVersion\Run"
_UNIT = """[Unit]
Description={title}

[Service]
Type=oneshot
RemainAfterExit=yes
KillMode=process
ExecStart={command}

[Install]
WantedBy=default.target
"""
_DESKTOP_ENTRY = """[Desktop Entry]
Type=Application
Name={title}
Exec={command}
NoDisplay=true
X-GNOME-Autostart-enabled=true
"""


class AutostartUnavailable(StudioError):
    """The system's list of what to start cannot be changed."""


@dataclass(frozen=True, slots=True)
class AutostartFiles:
    """What an entry is made of on Linux and macOS: each file's content, and links to files by where they lie."""

    contents: Mapping[Path, bytes]
    links: Mapping[Path, Path]


def set_autostart(name: str, title: str, command: Sequence[str]) -> None:
    """Run ``command`` at each log-in from now on; an entry of that name is replaced. ``name``: letters, digits, "-".

    Raises ``AutostartUnavailable``.
    """
    if sys.platform == "win32":
        with _windows_run_key() as (registry, key):
            registry.SetValueEx(key, name, 0, registry.REG_SZ, subprocess.list2cmdline(command))
        return
    entry = autostart_files(name, title, command)
    try:
        for file, content in entry.contents.items():
            file.parent.mkdir(parents=True, exist_ok=True)
            draft = file.with_name(file.name + ".new")
            draft.write_bytes(content)
            draft.replace(file)
        for link, target in entry.links.items():
            link.parent.mkdir(parents=True, exist_ok=True)
            link.unlink(missing_ok=True)
            link.symlink_to(target)
    except OSError as error:
        raise _unavailable(error) from None


def clear_autostart(name: str) -> None:
    """Run it no longer; no error when it was not to be run. Raises ``AutostartUnavailable``."""
    if sys.platform == "win32":
        with _windows_run_key() as (registry, key), contextlib.suppress(FileNotFoundError):
            registry.DeleteValue(key, name)
        return
    entry = autostart_files(name, "", [""])
    try:
        for file in (*entry.links, *entry.contents):
            file.unlink(missing_ok=True)
    except OSError as error:
        raise _unavailable(error) from None


def is_autostart_set(name: str) -> bool:
    """Whether there is an entry of that name."""
    if sys.platform == "win32":
        with _windows_run_key() as (registry, key):
            try:
                registry.QueryValueEx(key, name)
            except FileNotFoundError:
                return False
            return True
    entry = autostart_files(name, "", [""])
    return all(os.path.lexists(file) for file in (*entry.contents, *entry.links))


def autostart_files(
    name: str, title: str, command: Sequence[str], *, platform: str = sys.platform, systemd: bool | None = None
) -> AutostartFiles:
    """The files of an entry; ``systemd``: whether it manages this system (by default it is looked at)."""
    if platform == "darwin":
        file = Path.home() / "Library" / "LaunchAgents" / f"studio.kronkers.{name}.plist"
        agent = {"Label": f"studio.kronkers.{name}", "ProgramArguments": list(command), "RunAtLoad": True}
        return AutostartFiles({file: plistlib.dumps(agent)}, {})
    settings = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    if systemd if systemd is not None else Path("/run/systemd/system").is_dir():
        folder = settings / "systemd" / "user"
        unit = folder / f"kronkers-{name}.service"
        content = _UNIT.format(title=_one_line(title), command=" ".join(map(_for_systemd, command)))
        wanted = folder / "default.target.wants" / unit.name
        return AutostartFiles({unit: content.encode()}, {wanted: unit})
    content = _DESKTOP_ENTRY.format(title=_one_line(title), command=" ".join(map(_for_desktop, command)))
    return AutostartFiles({settings / "autostart" / f"kronkers-{name}.desktop": content.encode()}, {})


def _for_systemd(word: str) -> str:
    """systemd.service(5), "Command lines": quoted, with its own signs doubled."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{_one_line(escaped)}"'


def _for_desktop(word: str) -> str:
    """Desktop entry specification, "The Exec key": quoted; a backslash is one of the file's own escapes as well."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("`", "\\`").replace("$", "\\$").replace("%", "%%")
    return '"' + _one_line(escaped).replace("\\", "\\\\") + '"'


def _one_line(text: str) -> str:
    return " ".join(text.splitlines())


@contextlib.contextmanager
def _windows_run_key() -> Any:
    import winreg

    registry: Any = winreg  # its names are known on Windows only
    try:
        with registry.CreateKeyEx(registry.HKEY_CURRENT_USER, _RUN_KEY, 0, registry.KEY_ALL_ACCESS) as key:
            yield registry, key
    except OSError as error:
        raise _unavailable(error) from None


def _unavailable(error: OSError) -> AutostartUnavailable:
    return AutostartUnavailable(
        f"What starts with this computer cannot be changed: {error.strerror}.",
        next_step="Look whether your account may change its own start-up programs.",
        details=str(error),
    )

"""Where OneDrive folders usually lie on this computer: suggestions for the wizard, never a requirement."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from kronkers_studio.domain.naming import RESTORED

_WINDOWS_VARIABLES = ("OneDriveCommercial", "OneDrive", "OneDriveConsumer")
_SYNCED = {
    "OneDrive": re.compile(r"onedrive([ -].*)?", re.IGNORECASE),
    "iCloud Drive": re.compile(r"iclouddrive|com~apple~CloudDocs", re.IGNORECASE),
    "Dropbox": re.compile(r"dropbox( \(.+\))?", re.IGNORECASE),
    "Google Drive": re.compile(r"google ?drive(-.+)?|my drive", re.IGNORECASE),
    "Nextcloud": re.compile(r"nextcloud", re.IGNORECASE),
}
_SYNC_DIR = re.compile(r'^\s*sync_dir\s*=\s*"([^"]+)"', re.MULTILINE)


def find_onedrive_folders(
    *, environ: Mapping[str, str] | None = None, home: Path | None = None, platform: str = sys.platform
) -> list[Path]:
    """Existing OneDrive folders, the likeliest first, each once. Empty when there are none."""
    environ = os.environ if environ is None else environ
    try:
        home = Path.home() if home is None else home
    except RuntimeError:  # an account without a home folder
        return []
    if platform == "win32":
        candidates = _on_windows(environ, home)
    elif platform == "darwin":
        candidates = _on_mac(home)
    else:
        candidates = _on_linux(home)
    return _existing(candidates)


def syncing_service(folder: Path) -> str:
    """The service that keeps ``folder`` in step with other computers, told by where it lies; "" for none."""
    for part in (*folder.absolute().parts, *Path(os.path.realpath(folder)).parts):
        for service, pattern in _SYNCED.items():
            if pattern.fullmatch(part):
                return service
    real = Path(os.path.realpath(folder))
    return "OneDrive" if any(real.is_relative_to(os.path.realpath(each)) for each in find_onedrive_folders()) else ""


def _on_windows(environ: Mapping[str, str], home: Path) -> Iterator[Path]:
    values = {name.upper(): value for name, value in environ.items()}
    for variable in _WINDOWS_VARIABLES:
        if value := values.get(variable.upper()):
            yield Path(value)
    yield from _matching(home, "OneDrive*")


def _on_mac(home: Path) -> Iterator[Path]:
    yield from _matching(home / "Library" / "CloudStorage", "OneDrive*")
    yield from _matching(home, "OneDrive*")


def _on_linux(home: Path) -> Iterator[Path]:
    # The onedrive client (abraunegg) names its folder in its configuration, one per account.
    for configuration in _matching(home / ".config", "onedrive*/config", folders=False):
        try:
            text = configuration.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue  # only a suggestion is lost
        for value in _SYNC_DIR.findall(text):
            yield home / value.removeprefix("~/")
    yield from _matching(home, "OneDrive*")
    yield from _matching(home / "Insync", "*/OneDrive*")


def _matching(folder: Path, pattern: str, *, folders: bool = True) -> list[Path]:
    try:
        found = sorted(folder.glob(pattern))
        return [path for path in found if path.is_dir() == folders and not path.name.endswith(RESTORED)]
    except OSError:
        return []


def _existing(candidates: Iterable[Path]) -> list[Path]:
    found: dict[str, Path] = {}
    for candidate in candidates:
        try:
            if candidate.is_dir():
                found.setdefault(os.path.normcase(candidate.resolve()), candidate)
        except OSError:
            continue
    return list(found.values())

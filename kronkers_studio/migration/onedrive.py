"""Where OneDrive folders usually lie on this computer: suggestions for the wizard, never a requirement."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

_WINDOWS_VARIABLES = ("OneDriveCommercial", "OneDrive", "OneDriveConsumer")
_SYNC_DIR = re.compile(r'^\s*sync_dir\s*=\s*"([^"]+)"', re.MULTILINE)


def find_onedrive_folders(
    *, environ: Mapping[str, str] | None = None, home: Path | None = None, platform: str = sys.platform
) -> list[Path]:
    """Existing OneDrive folders, the likeliest first, each once. Empty when there are none."""
    environ = os.environ if environ is None else environ
    home = Path.home() if home is None else home
    if platform == "win32":
        candidates = _on_windows(environ, home)
    elif platform == "darwin":
        candidates = _on_mac(home)
    else:
        candidates = _on_linux(home)
    return _existing(candidates)


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
        return [path for path in found if path.is_dir() == folders]
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

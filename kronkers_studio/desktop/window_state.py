"""What the window remembers from one start to the next: its place, the page in view, and each page's own state."""

from __future__ import annotations

import json
from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings

from kronkers_studio.desktop.work.studio import State
from kronkers_studio.settings.paths import config_folder


class Memory:
    """Kept in an INI file in the config folder. What cannot be read is as if it had never been there."""

    def __init__(self, file: Path | None = None) -> None:
        self._file = file or config_folder() / "window.ini"
        self._file.parent.mkdir(parents=True, exist_ok=True)
        self._settings = QSettings(str(self._file), QSettings.Format.IniFormat)

    @property
    def geometry(self) -> QByteArray:
        found = self._settings.value("window/geometry")
        return found if isinstance(found, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, geometry: QByteArray) -> None:
        self._settings.setValue("window/geometry", geometry)

    @property
    def page(self) -> str:
        """The key of the page last in view; empty at the first start."""
        return str(self._settings.value("window/page") or "")

    @page.setter
    def page(self, key: str) -> None:
        self._settings.setValue("window/page", key)

    def page_state(self, key: str) -> State:
        """What the page called ``key`` wanted kept."""
        try:
            found = json.loads(str(self._settings.value(f"pages/{key}") or "{}"))
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    def keep_page_state(self, key: str, state: State) -> None:
        self._settings.setValue(f"pages/{key}", json.dumps(state))

    def watched(self, workspace: Path) -> list[str]:
        """The projects of ``workspace`` that were watched when the window was closed."""
        found = self.page_state("watched").get(str(workspace), [])
        return [str(name) for name in found] if isinstance(found, list) else []

    def keep_watched(self, workspace: Path, projects: list[str]) -> None:
        self.keep_page_state("watched", self.page_state("watched") | {str(workspace): projects})

    def save(self) -> None:
        self._settings.sync()

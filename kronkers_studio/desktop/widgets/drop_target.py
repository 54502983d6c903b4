"""A place onto which a file or a folder can be dropped."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote_to_bytes

from PySide6.QtCore import QEvent, QObject, Qt, QUrl, Signal
from PySide6.QtGui import QDropEvent
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.widgets.labels import restyle


class DropTarget(QObject):
    """Lets ``widget`` take what is dropped; ``marked`` shows that it would, while something is above it.

    dropped(path)   the first thing dropped that is wanted
    """

    dropped = Signal(object)

    def __init__(
        self, widget: QWidget, wants: Callable[[Path], bool], *, marked: QWidget | None = None, alone: bool = False
    ) -> None:
        """``wants`` tells what is taken. Where it has to be ``alone``, several things at once are not."""
        super().__init__(widget)
        self._wants, self._marked, self._alone = wants, marked or widget, alone
        self._marked.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        widget.setAcceptDrops(True)
        widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        kind = event.type()
        if kind in (QEvent.Type.DragEnter, QEvent.Type.Drop) and isinstance(event, QDropEvent):
            path = self._path_in(event)
            self._mark(kind is QEvent.Type.DragEnter and path is not None)
            if path is not None:
                event.acceptProposedAction()
                if kind is QEvent.Type.Drop:
                    self.dropped.emit(path)
            return True
        if kind is QEvent.Type.DragLeave:
            self._mark(False)
        return False

    def _path_in(self, event: QDropEvent) -> Path | None:
        urls = event.mimeData().urls()
        if self._alone and len(urls) > 1:
            return None
        paths = (local_path(url) for url in urls if url.isLocalFile())
        return next((path for path in paths if self._wants(path)), None)

    def _mark(self, on: bool) -> None:
        self._marked.setProperty("drop", on)
        restyle(self._marked)


def local_path(url: QUrl) -> Path:
    """Where a file's address leads; its name may be of any bytes, which Qt's own way would replace."""
    path = Path(url.toLocalFile())
    if os.name == "nt" or path.exists():
        return path
    return Path(os.fsdecode(unquote_to_bytes(url.path(QUrl.ComponentFormattingOption.FullyEncoded))))

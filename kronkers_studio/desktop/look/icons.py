"""The window's own icons: SVG files of one stroke weight in resources/icons, drawn in a colour of the theme."""

from __future__ import annotations

from functools import cache, lru_cache
from pathlib import Path

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from kronkers_studio.desktop.look import theme
from kronkers_studio.settings.paths import resource


def pixmap(name: str, colour: str = "muted", size: int = 18, scale: float = 1.0) -> QPixmap:
    """Icon ``name`` in the theme's colour token ``colour``, ``size`` logical pixels wide, sharp at ``scale``."""
    return drawn(name, getattr(theme.current().tokens, colour), size, scale)


def icon(name: str, colour: str = "muted", size: int = 18) -> QIcon:
    """Icon ``name`` for buttons and actions, sharp on this screen and on one of twice its density."""
    made = QIcon()
    app = QApplication.instance()
    screen = app.devicePixelRatio() if isinstance(app, QApplication) else 1.0
    for scale in sorted({1.0, 2.0, screen}):
        made.addPixmap(pixmap(name, colour, size, scale))
        made.addPixmap(pixmap(name, "disabled", size, scale), QIcon.Mode.Disabled)
    return made


@lru_cache(maxsize=1024)
def drawn(name: str, ink: str, size: int, scale: float = 1.0) -> QPixmap:
    """Icon ``name`` in the colour ``ink``, for what is seen beside other programs instead of in the window."""
    from PySide6.QtSvg import QSvgRenderer

    renderer = QSvgRenderer(QByteArray(_source(name).replace("currentColor", ink).encode()))
    drawn = QPixmap(QSize(round(size * scale), round(size * scale)))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter)
    painter.end()
    drawn.setDevicePixelRatio(scale)
    return drawn


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return (_folder() / f"{name}.svg").read_text(encoding="utf-8")


@cache
def _folder() -> Path:
    return resource("icons")


class IconLabel(QLabel):
    """An icon that stands by itself, as a picture beside words; it follows the theme."""

    def __init__(self, name: str, colour: str = "muted", size: int = 18, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._name, self._colour, self._size = name, colour, size
        self.setFixedSize(size, size)
        self._draw()
        theme.current().changed.connect(self._draw)

    def show_icon(self, name: str, colour: str) -> None:
        self._name, self._colour = name, colour
        self._draw()

    def _draw(self) -> None:
        self.setPixmap(pixmap(self._name, self._colour, self._size, max(1.0, self.devicePixelRatioF())))

"""Shares as bars below each other: a name, a bar, and in words how much it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QFont, QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.domain.printable import printable

_ROW, _BAR, _GAP = 28, 10, 12  # pixels: of a line, of its bar, between its parts
_NAMES = 0.45  # of the width at most
_NARROWEST = 240


@dataclass(frozen=True, slots=True)
class Bar:
    """``share``, from 0 to 1, is how long it is; ``words`` say how much; a ``strong`` one is what counts."""

    caption: str
    share: float
    words: str
    strong: bool = False


class Bars(QWidget):
    """As high as its bars. What they say can be read as text, too."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.bars: tuple[Bar, ...] = ()
        self.rest = ""
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        theme.current().changed.connect(self.update)

    def show_bars(self, bars: Sequence[Bar], rest: str = "") -> None:
        """Draw ``bars`` in their order, and below them in words what is left out."""
        self.bars, self.rest = tuple(bars), rest
        said = [f"{bar.caption}: {bar.words}" for bar in self.bars] + ([rest] if rest else [])
        self.setAccessibleDescription(printable("; ".join(said)))
        set_hint(self, "\n".join(said))  # where a name is cut
        self.updateGeometry()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(2 * _NARROWEST, _ROW * (len(self.bars) + bool(self.rest)))

    def minimumSizeHint(self) -> QSize:
        return QSize(_NARROWEST, self.sizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        if not self.bars and not self.rest:
            return
        tokens = theme.current()
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        plain, strong = theme.font(), theme.font(weight=QFont.Weight.DemiBold)
        measure = QFontMetrics(strong)
        names = [printable(bar.caption) for bar in self.bars]
        left = min(max(map(measure.horizontalAdvance, names), default=0) + 2, int(self.width() * _NAMES))
        right = max((measure.horizontalAdvance(bar.words) for bar in self.bars), default=0) + 2
        room = max(0, self.width() - left - right - 2 * _GAP)
        for row, (bar, name) in enumerate(zip(self.bars, names, strict=True)):
            top = row * _ROW
            painter.setFont(strong if bar.strong else plain)
            painter.setPen(tokens.colour("text"))
            cut = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideMiddle, left)
            painter.drawText(QRectF(0, top, left, _ROW), Qt.AlignmentFlag.AlignVCenter, cut)
            place = QRectF(self.width() - right, top, right, _ROW)
            painter.drawText(place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, bar.words)
            track = QRectF(left + _GAP, top + (_ROW - _BAR) / 2, room, _BAR)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(tokens.colour("plain_bg"))
            painter.drawRoundedRect(track, 3, 3)
            long = min(1.0, max(0.0, bar.share)) * room
            if long > 0:
                painter.setBrush(tokens.colour("accent"))
                painter.drawRoundedRect(QRectF(track.left(), track.top(), max(2.0, long), _BAR), 3, 3)
        if self.rest:
            painter.setFont(plain)
            painter.setPen(tokens.colour("muted"))
            painter.drawText(
                QRectF(0, len(self.bars) * _ROW, self.width(), _ROW), Qt.AlignmentFlag.AlignVCenter, self.rest
            )

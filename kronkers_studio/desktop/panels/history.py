"""The history of a project: a graph of its versions beside what happened in each."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QPointF, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QFont, QPainter, QPainterPath, QPen

from kronkers_studio.desktop.branch_words import branch_title, branch_words, tag_words
from kronkers_studio.desktop.localization import date_time, moment, number, tr
from kronkers_studio.desktop.look import icons, theme
from kronkers_studio.desktop.look.tokens import CAPTION, Tone
from kronkers_studio.desktop.widgets.tables import Column
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.history import HistoryRow, Line

_LANE = 14  # pixels from lane to lane
_MOST_LANES = 6  # what lies further out is drawn on the last one
_DOT = 4.0
_PILL_HEIGHT, _PILL_MOST = 18, 110
_PILLS_SHOWN = 2


def history_columns() -> list[Column[HistoryRow]]:
    """The graph with what happened, when, and how many files there were then."""
    return [
        Column(tr("What happened"), lambda row: row.commit.message, lead=draw_graph, hint=_hint, spoken=_spoken),
        Column(tr("When"), lambda row: moment(row.commit.created), 92, muted=True, hint=_when),
        Column(tr("Files"), lambda row: number(row.commit.files), 76, right=True, needs=400),
    ]


def draw_graph(painter: QPainter, rect: QRect, row: HistoryRow) -> int:
    """Draw the row's lanes and names at the left of ``rect``; gives the pixels they take."""
    painter.save()
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    top, middle, bottom = float(rect.top()), rect.center().y() + 0.5, rect.bottom() + 1.0
    for line in row.above:
        _draw_line(painter, rect, line, top, middle, line[0])
    for line in row.below:
        _draw_line(painter, rect, line, middle, bottom, line[1])
    _draw_dot(painter, QPointF(_x(rect, row.lane), middle), row)
    painter.restore()
    taken = min(row.lanes, _MOST_LANES) * _LANE + 6
    names = [(branch_title(name), "accent") for name in _default_first(row.branches)] + [
        (name, "plain") for name in row.tags
    ]
    drawn = 0
    tone: Tone
    for name, tone in names[:_PILLS_SHOWN]:  # type: ignore[assignment]  # the two tones written above
        width = _draw_name(painter, rect.adjusted(taken, 0, 0, 0), name, tone)
        if not width:
            break
        taken, drawn = taken + width + 6, drawn + 1
    if drawn < len(names):
        taken += _draw_more(painter, rect.adjusted(taken, 0, 0, 0), len(names) - drawn)
    return taken


def _default_first(branches: Sequence[str]) -> list[str]:
    return sorted(branches, key=lambda name: name != DEFAULT_BRANCH)


def _draw_more(painter: QPainter, rect: QRect, more: int) -> int:
    """How many names there is no room for; gives the width."""
    painter.save()
    painter.setFont(theme.font(CAPTION))
    painter.setPen(theme.current().colour("muted"))
    words = f"+{number(more)}"
    painter.drawText(rect, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft, words)
    width = painter.fontMetrics().horizontalAdvance(words) + 6
    painter.restore()
    return width


def _x(rect: QRect, lane: int) -> float:
    return rect.left() + min(lane, _MOST_LANES - 1) * _LANE + _LANE / 2


def _draw_line(painter: QPainter, rect: QRect, line: Line, top: float, bottom: float, colour_of: int) -> None:
    start, end = _x(rect, line[0]), _x(rect, line[1])
    path = QPainterPath(QPointF(start, top))
    if start == end:
        path.lineTo(end, bottom)
    else:
        half = (top + bottom) / 2
        path.cubicTo(QPointF(start, half), QPointF(end, half), QPointF(end, bottom))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.setPen(QPen(QColor(_ink(colour_of)), 1.75))
    painter.drawPath(path)


def _draw_dot(painter: QPainter, at: QPointF, row: HistoryRow) -> None:
    """Filled; a merge is a ring, so that it is known without its colour."""
    ink = QColor(_ink(row.lane))
    painter.setPen(QPen(ink, 1.75))
    painter.setBrush(theme.current().colour("surface") if len(row.commit.parents) > 1 else ink)
    painter.drawEllipse(at, _DOT, _DOT)


def _ink(lane: int) -> str:
    series = theme.current().tokens.series
    return series[lane % len(series)]


def _draw_name(painter: QPainter, rect: QRect, name: str, tone: Tone) -> int:
    """A branch's or a tag's pill; gives its width, 0 when there is no room for it."""
    painter.save()
    painter.setFont(theme.font(CAPTION, QFont.Weight.DemiBold))
    words = painter.fontMetrics().elidedText(name, Qt.TextElideMode.ElideRight, _PILL_MOST)
    mark = 16 if tone == "plain" else 0  # a tag's icon
    width = painter.fontMetrics().horizontalAdvance(words) + 16 + mark
    if width > rect.width() - 60:  # what happened must stay readable
        painter.restore()
        return 0
    ink, ground = theme.current().tokens.pair(tone)
    pill = QRectF(rect.left(), rect.center().y() + 0.5 - _PILL_HEIGHT / 2, width, _PILL_HEIGHT)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    # The outline keeps it a pill on the ground of the chosen row too.
    painter.setPen(QPen(QColor(ink), 1) if tone == "accent" else Qt.PenStyle.NoPen)
    painter.setBrush(QColor(ground))
    painter.drawRoundedRect(pill.adjusted(0.5, 0.5, -0.5, -0.5), 8.5, 8.5)
    if mark:
        picture = icons.pixmap("tag", "muted", 12, painter.device().devicePixelRatioF())
        painter.drawPixmap(round(pill.left()) + 8, round(pill.center().y()) - 6, picture)
    painter.setPen(QColor(ink))
    painter.drawText(pill.adjusted(8 + mark, 0, 0, 0), Qt.AlignmentFlag.AlignVCenter, words)
    painter.restore()
    return width


def _hint(row: HistoryRow) -> str:
    commit = row.commit
    return f"{_spoken(row)}\n{commit.id[:12]} · {commit.author} · {date_time(commit.created)}"


def _when(row: HistoryRow) -> str:
    return date_time(row.commit.created)


def _spoken(row: HistoryRow) -> str:
    """What the graph shows, in words."""
    parts = [row.commit.message]
    if len(row.commit.parents) > 1:
        parts.append(tr("combined"))
    if row.branches:
        parts.append(", ".join(map(branch_words, _default_first(row.branches))))
    if row.tags:
        parts.append(", ".join(map(tag_words, row.tags)))
    return " · ".join(parts)

"""The time range and the crosshair that several charts share."""

from __future__ import annotations

from PySide6.QtCore import QObject, Signal

SHORTEST = 5.0  # seconds; closer, there is nothing between two measurements
LONGEST = 10 * 365.25 * 86_400
EARLIEST, LATEST = 0.0, 4_102_444_800.0
"""1970 and 2100: nothing is measured before or after, and years that Python's dates do not know end the program where
a chart writes them."""


class SharedTime(QObject):
    """One range (seconds since the epoch) for all charts of a page.

    changed   the range changed, whoever changed it
    browsed   a person moved or zoomed a chart
    pointed   the crosshair moved to a time; None when it went away
    """

    changed = Signal()
    browsed = Signal()
    pointed = Signal(object)

    def __init__(self, start: float, end: float, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.start, self.end = start, end
        self.pointer: float | None = None

    @property
    def span(self) -> float:
        return self.end - self.start

    def show(self, start: float, end: float) -> None:
        """Show this range in every chart, or the nearest one between ``EARLIEST`` and ``LATEST``."""
        if start < EARLIEST or end > LATEST:
            span = min(end - start, LATEST - EARLIEST)
            start = min(max(start, EARLIEST), LATEST - span)
            end = start + span
        if (start, end) != (self.start, self.end):
            self.start, self.end = start, end
            self.changed.emit()

    def browse(self, start: float, end: float) -> None:
        """A person chose this range."""
        self.show(start, end)
        self.browsed.emit()

    def move(self, share: float) -> None:
        """Move by ``share`` of the range; to the past when negative."""
        self.browse(self.start + share * self.span, self.end + share * self.span)

    def zoom(self, factor: float) -> None:
        """Show ``factor`` times the range around the crosshair, or around the middle."""
        centre = self.pointer if self.pointer is not None else (self.start + self.end) / 2
        span = min(max(self.span * factor, SHORTEST), LONGEST)
        before = (centre - self.start) / self.span * span
        self.browse(centre - before, centre - before + span)

    def point(self, at: float | None) -> None:
        """Put the crosshair at ``at``, in every chart."""
        if at != self.pointer:
            self.pointer = at
            self.pointed.emit(at)

"""What a chart shows, kept: as a picture, or as values for a spreadsheet."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import QStandardPaths, Qt
from PySide6.QtGui import QPixmap
from PySide6.QtWidgets import QFileDialog, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.domain.errors import StorageFull, StudioError
from kronkers_studio.domain.series import Window


def picture(widget: QWidget, scale: float = 2.0) -> QPixmap:
    """``widget`` as it looks, with ``scale`` pixels per logical pixel."""
    drawn = QPixmap(widget.size() * scale)
    drawn.setDevicePixelRatio(scale)
    drawn.fill(Qt.GlobalColor.transparent)
    widget.render(drawn)
    return drawn


def write_values(file: Path, windows: Sequence[Window]) -> None:
    """Write ``windows`` as CSV: one line per point, in UTC, with lowest, mean and highest value where samples were
    reduced. Raises ``StorageFull``."""
    try:
        with file.open("w", encoding="utf-8-sig", newline="") as stream:  # spreadsheets know UTF-8 by its mark only
            writer = csv.writer(stream)
            writer.writerow(["time", "model", "place", "metric", "unit", "low", "mean", "high", "seconds_per_point"])
            for window in windows:
                key = window.key
                about = [key.model, key.place, key.metric.value, key.metric.unit]
                for at, low, mean, high in zip(window.times, window.low, window.mean, window.high, strict=True):
                    if not math.isnan(mean):
                        stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
                        writer.writerow([stamp, *about, low, mean, high, window.step])
    except OSError as problem:
        raise _not_written(file, str(problem)) from problem


def write_picture(file: Path, widget: QWidget) -> None:
    """Write ``widget`` as it looks into a PNG file. Raises ``StorageFull``."""
    if not picture(widget).save(str(file), "PNG"):
        raise _not_written(file, "")


Failed = Callable[[StudioError], object]


def ask_and_save_picture(widget: QWidget, name: str, failed: Failed) -> QFileDialog:
    """Ask where, then write a PNG file; ``failed`` gets the error of one that could not be written."""
    return _ask(
        widget, tr("Save as a picture"), f"{name}.png", "PNG (*.png)", lambda file: write_picture(file, widget), failed
    )


def ask_and_save_values(widget: QWidget, name: str, windows: Sequence[Window], failed: Failed) -> QFileDialog:
    """Ask where, then write a CSV file; ``failed`` gets the error of one that could not be written."""
    return _ask(
        widget, tr("Save the values"), f"{name}.csv", "CSV (*.csv)", lambda file: write_values(file, windows), failed
    )


def _ask(
    parent: QWidget, title: str, name: str, kind: str, write: Callable[[Path], None], failed: Failed
) -> QFileDialog:
    def chosen(file: str) -> None:
        try:
            write(Path(file))
        except StudioError as error:
            failed(error)

    folder = QStandardPaths.writableLocation(QStandardPaths.StandardLocation.DocumentsLocation)
    dialog = QFileDialog(parent.window(), title, str(Path(folder) / _file_name(name)), kind)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(Path(name).suffix[1:])
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(chosen)
    dialog.open()
    return dialog


def _file_name(name: str) -> str:
    """``name`` without what some system does not allow in file names."""
    return "".join("-" if letter in '<>:"/\\|?*' or ord(letter) < 32 else letter for letter in name)


def _not_written(file: Path, details: str) -> StorageFull:
    return StorageFull(
        tr("{file} could not be written.").format(file=file.name),
        next_step=tr("Choose a folder that you may write to and that has room."),
        details=details,
    )

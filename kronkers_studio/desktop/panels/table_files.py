"""Which file of rows is opened, and under which name and in which format one is saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import confirm
from kronkers_studio.domain.row_tables import SAVED_AS


def ask_table_file(parent: QWidget, folder: Path, on_choice: Callable[[Path], object]) -> None:
    """Ask for a table to read, first in ``folder``."""
    from kronkers_studio.workflows.row_files import KINDS

    dialog = QFileDialog(parent.window(), tr("Open a table"), str(folder))
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    patterns = " ".join(f"*{kind}" for kind in KINDS)
    dialog.setNameFilters([tr("Tables ({patterns})").format(patterns=patterns), tr("All files (*)")])
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda chosen: on_choice(Path(chosen)))
    dialog.open()


def ask_where_to_save(parent: QWidget, title: str, suggested: Path, on_choice: Callable[[Path], object]) -> None:
    """Ask where a table is saved, and as what. Whoever chose a file that is there agreed that it is replaced."""
    dialog = QFileDialog(parent.window(), title, str(suggested))
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    titles = (tr("Excel workbook"), tr("CSV, UTF-8"), tr("Tabs between the cells"), tr("JSON"))
    filters = {f"{each} (*{ending})": ending for each, ending in zip(titles, SAVED_AS, strict=True)}
    dialog.setNameFilters(list(filters))
    dialog.setDefaultSuffix("xlsx")
    dialog.filterSelected.connect(lambda chosen: dialog.setDefaultSuffix(filters.get(chosen, ".xlsx")[1:]))
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.fileSelected.connect(lambda chosen: _save_as(parent, Path(chosen), on_choice))
    dialog.open()


def _save_as(parent: QWidget, file: Path, on_choice: Callable[[Path], object]) -> None:
    """The dialog asked before a file is overwritten, but not for a name that ends in something else."""
    if file.suffix.lower() in SAVED_AS:
        on_choice(file)
        return
    file = file.with_name(f"{file.name}.xlsx")
    if not file.exists():
        on_choice(file)
        return
    title = tr("Replace {file}?").format(file=file.name)
    confirm(parent, title, tr("It is there already."), tr("Replace"), lambda: on_choice(file))

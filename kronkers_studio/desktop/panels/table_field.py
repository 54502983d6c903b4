"""A field for a table among the files of the projects, of which there need be none."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.panels.table_choice import TableChoiceDialog
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.references import format_content


class TableField(QWidget):
    """``table`` is what was chosen, None at first and where that was taken back. What is offered first are the tables
    of ``project``; what is chosen elsewhere is shown with its project's name."""

    def __init__(self, name: str, studio: Studio, project: str) -> None:
        super().__init__()
        self._studio, self.project = studio, project
        self.table: ContentRef | None = None
        self.line = LineField(name, placeholder=tr("None"))
        self.line.setReadOnly(True)
        self.choose_button = Button(tr("Choose …"), self._ask, name=tr("Choose: {what}").format(what=name))
        self.clear_button = Button(tr("Clear"), lambda: self.choose(None), name=tr("Clear: {what}").format(what=name))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.line, 1)
        row.addWidget(self.choose_button)
        row.addWidget(self.clear_button)
        self.clear_button.setVisible(False)
        self.setFocusProxy(self.choose_button)
        self.setAccessibleName(printable(name))

    def choose(self, table: ContentRef | None) -> None:
        """Have ``table`` chosen."""
        if table is None and self.clear_button.hasFocus():
            self.choose_button.setFocus()
        here = table is not None and table.project == self.project
        words = "" if table is None else table.path if here else format_content(table.project, "", table.path)
        self.table = table
        self.line.setText(printable(words))
        self.clear_button.setVisible(table is not None)

    def _ask(self) -> None:
        TableChoiceDialog(self.window(), self._studio, self.choose, project=self.project).open()

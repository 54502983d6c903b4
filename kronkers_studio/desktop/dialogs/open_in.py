"""Open a version's files in another program: in which, and where they lie meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.editors import Editor, Trust
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.printable import printable

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


_TRUST_HEIGHT = 50  # pixels: three lines, so that nothing moves with the choice


class OpenInDialog(Dialog):
    """Asks; ``on_go(editor)`` gets the key of an editor, or the path of another program."""

    def __init__(
        self, parent: QWidget | None, studio: Studio, project: str, ref: str, on_go: Callable[[str], object]
    ) -> None:
        title = tr("Open “{project}” in an editor").format(project=project)
        sentence = tr("Its files are written into a folder of their own. What you change there you save as a version.")
        super().__init__(parent, title, sentence, width=500)
        self._studio, self._on_go = studio, on_go
        self.editor = ComboBox(tr("Program"), [])
        self.editor.setMinimumWidth(260)
        row = QWidget()
        inside = QHBoxLayout(row)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(8)
        inside.addWidget(self.editor, 1)
        inside.addWidget(Button(tr("Another program …"), self._browse))
        self.content.addWidget(label(tr("Program"), "medium"))
        self.content.addWidget(row)
        self.where = label(tr("Looking for programs …"), "caption", wrap=True)
        self.content.addWidget(self.where)
        self.trust = label("", "caption", wrap=True)
        self.trust.setMinimumHeight(_TRUST_HEIGHT)
        self.trust.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
        self.content.addWidget(self.trust)
        self._trusts: dict[object, Trust] = {}
        self.editor.currentIndexChanged.connect(self._show_trust)
        self.content.addStretch(1)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Open"), self._go, "primary")
        self.go.setDefault(True)
        self.go.setEnabled(False)

        def work(session: Session) -> tuple[list[Editor], str]:
            from kronkers_studio.workflows.editors import find_editors, place_of_copy

            return find_editors(session), place_of_copy(session, project, ref)

        studio.read(work, self._show_found, owner=self, failed=self._failed)

    def _show_found(self, found: tuple[list[Editor], str]) -> None:
        editors, there = found
        self.show_editors(editors, there)

    def show_editors(self, editors: list[Editor], there: str) -> None:
        """Offer ``editors``; ``there`` is the working copy that would be opened again, "" for none."""
        self._trusts = {editor.key: editor.trust for editor in editors}
        self.editor.set_choices([(editor.label, editor.key) for editor in editors])
        self._show_trust()
        if not editors:
            self.where.setText(tr("No editor was found on this computer. Choose the program that you work with."))
        elif there:
            self.where.setText(
                tr("The working copy in {folder} is opened again.").format(folder=home_short(Path(there)))
            )
        else:
            self.where.setText(tr("A new folder is made for it in your folder for working copies."))
        self.go.setEnabled(bool(editors))

    def choose_program(self, program: str) -> None:
        """Offer another program, by its path, and choose it."""
        others = [(self.editor.itemText(at), value) for at, value in enumerate(self.editor.values) if value != program]
        self.editor.set_choices([*others, (printable(Path(program).stem), program)])
        self.editor.choose(program)
        self._show_trust()
        self.go.setEnabled(True)

    def _show_trust(self) -> None:
        """Whether the chosen program asks before it runs anything."""
        known = self.editor.value is not None
        self.trust.setText(self._trusts.get(self.editor.value, Trust.UNKNOWN).sentence if known else "")

    def _browse(self) -> None:
        dialog = QFileDialog(self, tr("Which program?"))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(self.choose_program)
        dialog.open()

    def _go(self) -> None:
        editor = self.editor.value
        if isinstance(editor, str):
            self.accept()
            self._on_go(editor)

    def _failed(self, error: StudioError) -> None:
        self.where.setText("")
        self.notice.show_error(error)

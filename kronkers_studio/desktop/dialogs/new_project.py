"""A new project that works at once: its language, its name, and where it lies."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.new_projects import Language, NewProject
from kronkers_studio.domain.progress import CancelToken, Progress


class NewProjectDialog(Dialog):
    """Makes one; ``made`` is told of it."""

    def __init__(self, parent: QWidget | None, studio: Studio, made: Callable[[NewProject], object]) -> None:
        sentence = tr("Scripts that train and test a small model, its environment, and settings for editors.")
        super().__init__(parent, tr("New project"), sentence, width=480)
        self._studio, self._made = studio, made
        self.language = FilterPills([(each.value, each.label) for each in Language], tr("Language"))
        row = QHBoxLayout()
        row.addWidget(self.language)
        row.addStretch(1)
        self.content.addWidget(label(tr("Language"), "medium"))
        self.content.addLayout(row)
        self.name = LineField(tr("Name of the model"), on_return=self.make)
        self.name.setPlaceholderText(tr("machine-failure"))
        self.content.addWidget(Field(tr("Name of the model"), self.name))
        place = home_short(studio.settings.working_copies)
        self.content.addWidget(label(tr("Its folder is made in {folder}.").format(folder=place), "caption", wrap=True))
        self.content.addStretch(1)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Make it"), self.make, "primary")
        self.go.setDefault(True)
        self.go.setEnabled(False)
        self.name.textChanged.connect(lambda text: self.go.setEnabled(bool(text.strip())))
        self.name.setFocus()

    def make(self) -> None:
        """Make the project; the dialog closes when it is there."""
        session, language, name = self._studio.session, Language(self.language.key), self.name.text().strip()
        if session is None or not name:
            return

        def work(progress: Progress, cancel: CancelToken) -> NewProject:
            from kronkers_studio.workflows.new_projects import new_project

            return new_project(session, language, name, progress=progress, cancel=cancel)

        self.go.setEnabled(False)
        self._studio.do(
            tr("Making “{name}”").format(name=name),
            work,
            changes=("content",),
            done=self._done,
            failed=self._failed,
            owner=self,
            resource="content",
        )

    def _done(self, made: NewProject) -> None:
        self.accept()
        self._made(made)

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        self.notice.show_error(error)


def where_it_is(made: NewProject) -> str:
    """What is said of a new project."""
    return tr("It lies in {folder}. Train it there, then save what came of it as a version.").format(
        folder=home_short(Path(made.copy.folder))
    )

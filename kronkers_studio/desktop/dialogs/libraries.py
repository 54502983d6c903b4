"""Which libraries a model's service runs on: what was found, and what a person wants instead."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.panels.library_table import library_columns
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.tables import Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.dependencies import DependencyChoice
from kronkers_studio.domain.errors import InvalidInput, StudioError
from kronkers_studio.domain.libraries import Library, libraries, library_wanted, project_of
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.workflows.dependencies import ModelDependencies
    from kronkers_studio.workflows.session import Session

_SIZE = (720, 560)
_PYTHONS = ("3.10", "3.11", "3.12", "3.13")


@dataclass
class _Wish:
    """What a person has asked for in the dialog, on top of what was chosen before."""

    added: dict[str, str] = field(default_factory=dict)
    removed: set[str] = field(default_factory=set)


class LibrariesDialog(Dialog):
    """What is changed here counts from the next package on; it is tried out before it is saved."""

    def __init__(self, parent: QWidget | None, studio: Studio, version: ModelVersion) -> None:
        title = tr("Libraries of {model} version {version}").format(model=version.name, version=version.version)
        sentence = tr("Its service gets what the model's file needs. Add what else it needs, or choose a version.")
        super().__init__(parent, title, sentence, width=560)
        self.resize(*_SIZE)
        self._studio, self._version = studio, version
        self._known: ModelDependencies | None = None
        self._wish = _Wish()
        found = tr("As found ({version})").format(version=version.facts.python_version)
        self.python = ComboBox(tr("Python"), [(found, ""), *((each, each) for each in _PYTHONS)])
        self.python.choose(version.dependencies.python_version if version.dependencies is not None else "")
        self.content.addWidget(Field(tr("Python"), self.python))
        self.table: Table[Library] = Table(title, library_columns())
        self.content.addWidget(self.table, 1)
        self.none = label(tr("No file beside the model names a library."), "muted", wrap=True)
        self.none.setVisible(False)
        self.content.addWidget(self.none)
        row = QHBoxLayout()
        row.setSpacing(8)
        self.wanted = LineField(tr("Library"), placeholder=tr("pandas, or pandas==2.2.1"), on_return=self.add)
        self.put_button = Button(tr("Add"), self.add, hint=tr("Have this library in the service"))
        self.remove_button = Button(tr("Take back"), self.take_back, hint=tr("No longer ask for the chosen library"))
        row.addWidget(self.wanted, 1)
        row.addWidget(self.put_button)
        row.addWidget(self.remove_button)
        self.content.addLayout(row)
        self.table.picked.connect(self._picked)
        self.add_cancel()
        self.go = self.add_button(tr("Try out and save"), self.save, "primary")
        self._show_rows()
        self.wanted.setFocus()
        self._read()

    def add(self) -> None:
        """Put what was typed into the table; it is saved with the rest."""
        text = self.wanted.text().strip()
        if not text:
            return
        try:
            project, requirement = library_wanted(text, self._version)
        except InvalidInput as problem:
            self.notice.show_error(problem)
            return
        self.notice.clear()
        self._wish.added[project] = requirement
        self._wish.removed.discard(project)
        self.wanted.clear()
        self._show_rows()

    def take_back(self) -> None:
        """No longer ask for the chosen row's library."""
        chosen = self.table.chosen
        if chosen is not None and chosen.chosen:
            self._wish.added.pop(chosen.project, None)
            self._wish.removed.add(chosen.project)
            self._show_rows()

    def save(self) -> None:
        """Find out whether all of it fits together, and record it; the dialog closes when that is done."""
        session, version = self._studio.session, self._version
        if session is None or not self.go.isEnabled():
            return
        if self.wanted.text().strip():
            self.add()
            if self.wanted.text().strip():  # it was none
                return
        add, remove = tuple(self._wish.added.values()), tuple(self._wish.removed)
        python = str(self.python.value or "")

        def work(progress: Progress, cancel: CancelToken) -> ModelVersion:
            from kronkers_studio.workflows.dependencies import choose_dependencies

            model = (version.name, version.version, None)
            return choose_dependencies(
                session, model, add=add, remove=remove, python=python, progress=progress, cancel=cancel
            )

        self.go.setEnabled(False)
        self.notice.say(tr("Finding out whether they fit together …"))
        self._studio.do(
            tr("Libraries of {model}").format(model=version.label),
            work,
            changes=("models",),
            done=lambda _version: self.accept(),
            failed=self._failed,
            owner=self,
            resource="models",
        )

    def show_dependencies(self, known: ModelDependencies) -> None:
        """Show what is known of the version's libraries."""
        self._known = known
        self._show_rows()

    def _read(self) -> None:
        model = (self._version.name, self._version.version, None)

        def work(session: Session) -> ModelDependencies:
            from kronkers_studio.workflows.dependencies import model_dependencies

            return model_dependencies(session, model)

        self._studio.read(work, self.show_dependencies, owner=self, failed=self.notice.show_error)

    def _show_rows(self) -> None:
        """The table as it would be once this is saved."""
        known = self._known
        before = self._version.dependencies or DependencyChoice()
        kept = [one for one in before.requirements if not self._is_replaced(one)]
        choice = DependencyChoice(requirements=tuple(sorted([*kept, *self._wish.added.values()])))
        evidence, locked = (known.evidence, known.locked) if known is not None else ((), ())
        rows = libraries(choice, evidence, locked)
        self.table.content.show_rows(rows)
        self.table.setVisible(bool(rows))
        self.none.setVisible(known is not None and not rows)
        self.remove_button.setEnabled(False)

    def _is_replaced(self, requirement: str) -> bool:
        project = project_of(requirement)
        return project in self._wish.added or project in self._wish.removed

    def _picked(self, row: Library) -> None:
        self.remove_button.setEnabled(row.chosen)

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        self.notice.show_error(error)

"""By what a model is tested: a file of this computer, one of a project, or a first test set that is made."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QFileDialog, QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.panels.table_choice import TestFileChoiceDialog
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.models import ContentRef, ModelVersion
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.domain.expectations import ExpectationSet
    from kronkers_studio.workflows.session import Session

    Work = Callable[[Session, ModelVersion, CancelToken], ExpectationSet]


class TestSetChoice(QObject):
    """``version`` is the one whose model it is about; nothing happens while that is None. ``kept`` carries the test
    set that is taken from now on, ``failed`` why there is none."""

    __test__ = False  # no test of pytest's

    kept = Signal(object)
    failed = Signal(object)

    def __init__(self, owner: QWidget, studio: Studio) -> None:
        super().__init__(owner)
        self._owner, self._studio = owner, studio
        self.version: ModelVersion | None = None

    def ask_computer_file(self) -> None:
        """Ask for the file of a test set; it is kept in the workspace, and the model is tested by it from then on."""
        dialog = QFileDialog(self._owner.window(), tr("Choose a test set"), str(Path.home()))
        dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(
            [tr("Test sets ({patterns})").format(patterns="*.yaml *.yml *.json"), tr("All files (*)")]
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fileSelected.connect(lambda chosen: self.add_computer_file(Path(chosen)))
        dialog.open()

    def add_computer_file(self, file: Path) -> None:
        """Keep that file as the model's test set."""

        def work(session: Session, version: ModelVersion, _cancel: CancelToken) -> ExpectationSet:
            from kronkers_studio.workflows.model_tests import add_test_set

            return add_test_set(session, version.name, file)

        self._keep(tr("Keeping the test set {file}").format(file=file.name), work)

    def ask_project_file(self) -> None:
        """Ask for a test set of a project, or for a table with the true answers."""
        project = self.version.source.project if self.version is not None else ""
        TestFileChoiceDialog(self._owner.window(), self._studio, self.take_project_file, project=project).open()

    def take_project_file(self, source: ContentRef) -> None:
        """Have the model tested by that file of a project."""

        def work(session: Session, version: ModelVersion, cancel: CancelToken) -> ExpectationSet:
            from kronkers_studio.workflows.model_tests import choose_test_file

            return choose_test_file(session, version, source, cancel)

        self._keep(tr("Looking whether {file} fits").format(file=source.path.rpartition("/")[2]), work)

    def make_first(self) -> None:
        """Make a test set of what is known of the version."""

        def work(session: Session, version: ModelVersion, cancel: CancelToken) -> ExpectationSet:
            from kronkers_studio.workflows.model_tests import make_first_test_set

            return make_first_test_set(session, version, cancel)

        self._keep(tr("Making a first test set"), work)

    def _keep(self, title: str, work: Work) -> None:
        version, session = self.version, self._studio.session
        if version is None or session is None:
            return

        def in_session(_progress: Progress, cancel: CancelToken) -> ExpectationSet:
            return work(session, version, cancel)

        self._studio.do(
            title,
            in_session,
            changes=("content", "models"),
            done=self.kept.emit,
            failed=self.failed.emit,
            owner=self._owner,
            resource="content",
        )

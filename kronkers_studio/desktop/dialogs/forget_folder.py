"""Bring a folder into its project no more: nothing is deleted by that."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, Field
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress

if TYPE_CHECKING:
    from kronkers_studio.domain.migration import MigrationSource


class ForgetFolderDialog(Dialog):
    """Asks which of ``folders`` is no longer brought into ``project``; ``on_forgotten(folder)`` hears which it was."""

    def __init__(
        self,
        parent: QWidget | None,
        studio: Studio,
        project: str,
        folders: Sequence[Path],
        on_forgotten: Callable[[Path], object],
    ) -> None:
        title = tr("Forget a folder of “{project}”").format(project=project)
        sentence = tr("Nothing is deleted: the folder stays as it is, and so does every version of the project. ")
        sentence += tr("The folder is only no longer brought in, and no longer watched.")
        super().__init__(parent, title, sentence)
        self._studio, self._project, self._on_forgotten = studio, project, on_forgotten
        self._folders = tuple(folders)
        self._watched = False
        self.folder = ComboBox(tr("Folder"), [(home_short(folder), folder) for folder in folders])
        if len(folders) > 1:
            self.content.addWidget(Field(tr("Folder"), self.folder))
        else:
            self.content.addWidget(label(home_short(folders[0]), "medium", wrap=True, selectable=True))
        cancel = self.add_cancel()
        self.go = self.add_button(tr("Forget the folder"), self.forget, "danger")
        cancel.setFocus()

    def forget(self) -> None:
        """Do it; the dialog closes when it is done."""
        session, project, folder = self._studio.session, self._project, self.folder.value
        if session is None or not isinstance(folder, Path):
            return

        def work(_progress: Progress, _cancel: CancelToken) -> MigrationSource:
            from kronkers_studio.workflows.sources import forget_source

            return forget_source(session, project, folder)

        def done(_source: MigrationSource) -> None:
            self._watch([other for other in self._folders if other != folder])
            self.accept()
            self._on_forgotten(folder)

        self.go.setEnabled(False)
        self._stop_watching()
        title = tr("Forgetting “{folder}”").format(folder=folder.name)
        self._studio.change_content(title, work, done, failed=self._failed, owner=self)

    def _stop_watching(self) -> None:
        """A watch knows the folders that it began with, and would remember this one again."""
        watchers = Watchers.of(self._studio)
        known = watchers.watching(self._project)
        self._watched = known is not None and known.running
        watchers.stop(self._project)

    def _watch(self, folders: Sequence[Path]) -> None:
        """Go on watching what is left, if it was watched."""
        if self._watched and folders:
            Watchers.of(self._studio).start(self._project, folders)

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        self._watch(self._folders)
        self.notice.show_error(error)

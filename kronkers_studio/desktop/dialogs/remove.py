"""Take a project or a branch out of sight: it goes to the trash, from where it can be brought back."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import ComboBox, Field
from kronkers_studio.desktop.work.folder_watches import Watchers
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import DEFAULT_BRANCH
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.maintenance import TrashItem
from kronkers_studio.domain.progress import CancelToken, Progress

_PROJECT = ""  # the choice "the whole project"


class RemoveDialog(Dialog):
    """Asks what of ``project`` is to be removed; ``on_removed(item)`` hears what lies in the trash then."""

    def __init__(
        self,
        parent: QWidget | None,
        studio: Studio,
        project: str,
        branches: Sequence[str],
        on_removed: Callable[[TrashItem], object],
        *,
        branch: str = "",
    ) -> None:
        """``branch`` is the likeliest one to be meant, if any."""
        sentence = tr("It goes to the trash, and can be brought back from there. Your own folder stays as it is.")
        super().__init__(parent, tr("Remove from “{project}”").format(project=project), sentence)
        self._studio, self._project, self._on_removed = studio, project, on_removed
        self._watched: tuple[Path, ...] = ()  # until it was asked for
        offered = [name for name in branches if name != DEFAULT_BRANCH]
        choices: list[tuple[str, object]] = [(tr("Copy “{name}”").format(name=name), name) for name in offered]
        self.what = ComboBox(tr("What"), [*choices, (tr("The whole project, with all its versions"), _PROJECT)])
        self.what.choose(branch if branch in offered else _PROJECT)
        self.content.addWidget(Field(tr("What"), self.what))
        cancel = self.add_cancel()
        self.go = self.add_button(tr("Move to the trash"), self.remove, "danger")
        cancel.setFocus()

    def remove(self) -> None:
        """Do it; the dialog closes when it is done."""
        session, project, branch = self._studio.session, self._project, str(self.what.value)
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> TrashItem:
            from kronkers_studio.workflows.trash import remove_branch, remove_project

            return remove_branch(session, project, branch) if branch else remove_project(session, project)

        def done(item: TrashItem) -> None:
            self.accept()
            self._on_removed(item)

        self.go.setEnabled(False)
        if not branch:
            self._stop_watching()
        title = tr("Removing “{what}”").format(what=branch or project)
        self._studio.change_content(title, work, done, failed=self._failed, owner=self)

    def _stop_watching(self) -> None:
        """A folder that is watched would be brought in again, and the project with it."""
        watchers = Watchers.of(self._studio)
        known = watchers.watching(self._project)
        if known is not None and known.running:
            self._watched = known.folders
            watchers.stop(self._project)

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        if self._watched:
            Watchers.of(self._studio).start(self._project, self._watched)
            self._watched = ()
        self.notice.show_error(error)

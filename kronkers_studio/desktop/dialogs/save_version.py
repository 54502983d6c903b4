"""Save what was changed in a working copy as a version: what changed, and what becomes of what others saved."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.difference_rows import tree_words
from kronkers_studio.desktop.localization import home_short, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.working_copies import SavedVersion, WorkingCopyState


class SaveVersionDialog(Dialog):
    """Saves the working copy of ``state``; ``saved`` is told of the version."""

    def __init__(
        self,
        parent: QWidget | None,
        studio: Studio,
        state: WorkingCopyState,
        saved: Callable[[SavedVersion], object],
    ) -> None:
        copy = state.copy
        sentence = tr("{what} in {folder}").format(what=tree_words(state.changes), folder=home_short(Path(copy.folder)))
        super().__init__(
            parent, tr("Save as a version of “{project}”").format(project=copy.project), sentence, width=500
        )
        self._studio, self._state, self._saved = studio, state, saved
        self.message = LineField(tr("What changed"), on_return=self.save)
        self.message.setPlaceholderText(tr("Trained anew with the data of May"))
        self.content.addWidget(Field(tr("What changed, for the history"), self.message))
        self.way = FilterPills(
            [("merge", tr("Put both together")), ("branch", tr("On a copy of its own"))], tr("What others saved")
        )
        self.name = LineField(tr("Name of the copy"))
        self.name.setText(f"{copy.branch}-2")
        self._name_field = Field(tr("Name of the copy"), self.name)
        behind = QWidget()
        row = QHBoxLayout(behind)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.way)
        row.addStretch(1)
        words = tr("Others saved versions since. Both can be put together, or yours goes on a copy of its own.")
        self._behind = (label(words, "caption", wrap=True), behind)
        for widget in (*self._behind, self._name_field):
            self.content.addWidget(widget)
        for widget in self._behind:
            widget.setVisible(state.newer is not None)
        self.way.chosen.connect(self._offer)
        self.content.addStretch(1)
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Save"), self.save, "primary")
        self.go.setDefault(True)
        self._offer()
        self.message.setFocus()

    def _offer(self) -> None:
        self._name_field.setVisible(self._state.newer is not None and self.way.key == "branch")

    def save(self) -> None:
        """Save it; the dialog closes when the version is there."""
        session, state, message = self._studio.session, self._state, self.message.text().strip()
        if session is None:
            return
        folder = Path(state.copy.folder)
        merge = state.newer is not None and self.way.key == "merge"
        branch = self.name.text().strip() if state.newer is not None and not merge else ""

        def work(progress: Progress, cancel: CancelToken) -> SavedVersion:
            if merge:
                from kronkers_studio.workflows.update_copies import save_and_merge

                return save_and_merge(session, folder, message, progress=progress, cancel=cancel)
            from kronkers_studio.workflows.saved_copies import save_version

            return save_version(session, folder, message, branch=branch, progress=progress, cancel=cancel)

        self.go.setEnabled(False)
        self._studio.do(
            tr("Saving “{project}”").format(project=state.copy.project),
            work,
            changes=("content",),
            done=self._done,
            failed=self._failed,
            owner=self,
            resource="content",
        )

    def _done(self, saved: SavedVersion) -> None:
        self.accept()
        self._saved(saved)

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        self.notice.show_error(error)

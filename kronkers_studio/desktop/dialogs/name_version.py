"""Give a version a name that stays with it (a tag), or begin a branch at it."""

from __future__ import annotations

from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import date_time, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import Field, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import Commit
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress


class NameVersionDialog(Dialog):
    """Makes a branch or a tag at ``commit``."""

    def __init__(self, parent: QWidget | None, studio: Studio, commit: Commit) -> None:
        sentence = tr("“{message}”, {time}").format(message=commit.message, time=date_time(commit.created))
        super().__init__(parent, tr("Name this state, or work on a copy"), sentence)
        self._studio, self._commit = studio, commit
        self.kind = FilterPills([("tag", tr("Name this state")), ("branch", tr("Work on a copy"))], tr("What to do"))
        self.kind.chosen.connect(self._explain)
        row = QHBoxLayout()
        row.addWidget(self.kind)
        row.addStretch(1)
        self.content.addLayout(row)
        self._words = label("", "caption", wrap=True)
        self.content.addWidget(self._words)
        self.name = LineField(tr("Name"), on_return=self.give_name)
        self.content.addWidget(Field(tr("Name"), self.name))
        self.add_button(tr("Cancel"), self.reject)
        self.go = self.add_button(tr("Create"), self.give_name, "primary")
        self.name.textChanged.connect(lambda text: self.go.setEnabled(bool(text.strip())))
        self.go.setEnabled(False)
        self._explain("tag")
        self.name.setFocus()

    def give_name(self) -> None:
        """Make the branch or the tag; the dialog closes when it is there."""
        session, name, commit, kind = self._studio.session, self.name.text().strip(), self._commit, self.kind.key
        if session is None or not name:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> object:
            from kronkers_studio.workflows.versions import create_branch, set_tag

            make = create_branch if kind == "branch" else set_tag
            return make(session, commit.project, name, commit.id)

        title = tr("Naming “{name}”").format(name=name)
        self.go.setEnabled(False)
        self._studio.do(
            title, work, changes=("content",), done=lambda _: self.accept(), failed=self._failed, owner=self
        )

    def _failed(self, error: StudioError) -> None:
        self.go.setEnabled(True)
        self.notice.show_error(error)

    def _explain(self, kind: str) -> None:
        words = {
            "tag": tr("The name stays with this very state, such as that of a report."),
            "branch": tr("A copy begins here and goes its own way, until both are combined."),
        }
        self._words.setText(words[kind])
        self.name.setPlaceholderText(tr("2026-q2-report") if kind == "tag" else tr("new-forecast"))

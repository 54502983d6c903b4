"""Clean up a server: see first what would be removed, then remove it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import shiboken6
from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import counted, file_size, tr
from kronkers_studio.desktop.task_bar import TaskProgress
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.desktop.work.task_words import step_words
from kronkers_studio.desktop.work.tasks import Task
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import CleanedServer, LeftoverKind


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that is to go."""

    kind: str
    icon: str
    name: str
    why: str
    size: int = 0


class CleanServerDialog(Dialog):
    """Views: "looking", "list", "nothing". ``on_cleaned(cleaned)`` hears what was removed; ``on_error(error)`` what
    went wrong after the dialog was closed, which ends nothing."""

    def __init__(
        self,
        parent: QWidget,
        studio: Studio,
        server: str,
        on_cleaned: Callable[[CleanedServer], object],
        on_error: Callable[[StudioError], object],
    ) -> None:
        sentence = tr("What is live stays, and so does what a rollback needs. Nothing of anybody else's is touched.")
        super().__init__(parent, tr("Clean up {server}").format(server=server), sentence, width=700)
        self._studio, self._server = studio, server
        self._on_cleaned, self._on_error, self._page = on_cleaned, on_error, parent
        self._task: Task | None = None
        self.table: Table[Line] = Table(tr("What is removed"), _columns())
        self.table.setMinimumHeight(276)
        self.views = Views({"looking": self._make_looking, "list": lambda: self.table, "nothing": _nothing})
        self.content.addWidget(self.views, 1)
        self.sum = label("", "medium", wrap=True)
        self.content.addWidget(self.sum)
        self.bar = TaskProgress(tr("Progress of cleaning up"))
        self.content.addWidget(self.bar)
        self.cancel = self.add_cancel()
        self.go = self.add_button(tr("Remove"), self.remove, "danger")
        self.cancel.setFocus()
        self._look()

    def show_found(self, found: CleanedServer) -> None:
        """Show what would be removed."""
        lines = _lines(found)
        self.table.content.show_rows(lines)
        self.views.show_view("list" if lines else "nothing")
        self.bar.setVisible(False)
        self.sum.setVisible(bool(lines))
        self.sum.setText(_sum_words(lines, found.size))
        strange = sum(1 for item in found.leftovers if not item.known)
        if strange:
            self.notice.say(
                counted(strange, tr("{n} thing is not in the history."), tr("{n} things are not in the history.")),
                tr("A copy of this workspace may need it: look there first."),
                "warn",
            )
        self.go.setVisible(bool(lines))
        self.cancel.setText(tr("Cancel") if lines else tr("Close"))

    def remove(self) -> None:
        """Remove it. The dialog may be closed meanwhile: the task goes on."""

        def done(cleaned: CleanedServer) -> None:
            if shiboken6.isValid(self):
                self.accept()
            self._on_cleaned(cleaned)

        def failed(error: StudioError) -> None:
            if shiboken6.isValid(self) and self.isVisible():
                self._failed(error)
            else:
                self._on_error(error)

        self.go.setEnabled(False)
        self.cancel.setText(tr("Close"))
        self.sum.setText(tr("Removing …"))
        self._run(tr("Cleaning up {server}"), dry_run=False, done=done, failed=failed, owner=self._page)

    def _look(self) -> None:
        self.views.show_view("looking")
        self.go.setVisible(False)
        self.sum.setVisible(False)
        title = tr("Looking what {server} no longer needs")
        self._run(title, dry_run=True, done=self.show_found, failed=self._failed, owner=self)

    def _run(
        self,
        title: str,
        *,
        dry_run: bool,
        done: Callable[[CleanedServer], object],
        failed: Callable[[StudioError], object],
        owner: QWidget,
    ) -> None:
        session, server = self._studio.session, self._server
        if session is None:
            return

        def work(progress: Progress, _cancel: CancelToken) -> CleanedServer:
            from kronkers_studio.workflows.server_care import clean_server

            return clean_server(session, server, dry_run=dry_run, progress=progress)

        self._task = self._studio.do(
            title.format(server=server),
            work,
            changes=() if dry_run else ("releases", "servers"),
            done=done,
            failed=failed,
            owner=owner,
            resource=f"server {server}",
            cancellable=False,
        )
        self._task.changed.connect(self._follow)
        self.bar.setVisible(True)
        self._follow()

    def _follow(self) -> None:
        if self._task is not None and not self._task.state.ended:
            self.bar.show_task(self._task)
            if words := step_words(self._task):
                self.sum.setText(f"{words} …")

    def _failed(self, error: StudioError) -> None:
        self.bar.setVisible(False)
        self.sum.setVisible(False)
        self.go.setVisible(False)
        self.cancel.setText(tr("Close"))
        self.notice.show_error(error)

    def _make_looking(self) -> QWidget:
        return EmptyState(
            "search", tr("Looking what is there …"), tr("Nothing is removed before you have seen what it is.")
        )


def cleaned_words(cleaned: CleanedServer) -> str:
    """What was removed, in a sentence."""
    many = counted(len(cleaned.releases) + len(cleaned.leftovers), tr("{n} thing"), tr("{n} things"))
    if not cleaned.size:
        return tr("{server} is clean: {many} removed.").format(server=cleaned.server, many=many)
    words = tr("{server} is clean: {many} removed, {size} freed.")
    return words.format(server=cleaned.server, many=many, size=file_size(cleaned.size))


def _lines(found: CleanedServer) -> list[Line]:
    kinds = {
        LeftoverKind.SERVICE: (tr("Service"), "deploy"),
        LeftoverKind.SECRET: (tr("Secret"), "lock"),
        LeftoverKind.NETWORK: (tr("Network"), "servers"),
        LeftoverKind.VOLUME: (tr("Recorded rows"), "document"),
        LeftoverKind.IMAGE: (tr("Image"), "models"),
    }
    releases = [
        Line(
            tr("Release"),
            "history",
            f"{release.model} {release.label}",
            tr("older than those kept"),
        )
        for release in found.releases
    ]
    strange = tr("not in the history")
    return releases + [
        Line(*kinds[item.kind], item.name, tr("no release needs it") if item.known else strange, item.size)
        for item in found.leftovers
    ]


def _sum_words(lines: list[Line], size: int) -> str:
    many = counted(len(lines), tr("{n} thing"), tr("{n} things"))
    return tr("{many}, {size} on the server's disk").format(many=many, size=file_size(size)) if size else many


def _columns() -> list[Column[Line]]:
    return [
        Column(tr("What"), lambda line: line.kind, 96, icon=lambda line: line.icon),
        Column(tr("Name"), lambda line: line.name, stretch=4, middle=True),
        Column(tr("Why"), lambda line: line.why, 160, muted=True),
        Column(tr("Size"), lambda line: file_size(line.size) if line.size else "–", 80, right=True),
    ]


def _nothing() -> QWidget:
    return EmptyState("done", tr("There is nothing to clean up"), tr("Everything there is needed by some release."))

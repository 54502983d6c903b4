"""Who changed what on a server, and when."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QWidget

from kronkers_studio.desktop.localization import date_time, tr
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken
from kronkers_studio.domain.servers import ServerChange

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_SIZE = (860, 440)


class ServerLogDialog(Dialog):
    """The latest lines of a server's own record, the newest first."""

    def __init__(self, parent: QWidget, studio: Studio, server: str) -> None:
        title = tr("Who changed what on {server}").format(server=server)
        super().__init__(parent, title, tr("As it is written down there: by everybody, from every computer."))
        self.resize(*_SIZE)
        self.table: Table[ServerChange] = Table(title, _columns())
        self.views = Views({"looking": _looking, "list": lambda: self.table, "empty": _nothing, "failed": QWidget})
        self.views.show_view("looking")
        self.content.addWidget(self.views, 1)
        self.add_cancel(tr("Close"))

        def work(session: Session, _cancel: CancelToken) -> list[ServerChange]:
            from kronkers_studio.workflows.servers import server_changes

            return server_changes(session, server)

        studio.look(work, self.show_changes, owner=self, failed=self._failed)

    def show_changes(self, changes: list[ServerChange]) -> None:
        """Show ``changes``, which come oldest first."""
        self.table.content.show_rows(changes[::-1])
        self.views.show_view("list" if changes else "empty")

    def _failed(self, error: StudioError) -> None:
        self.views.show_view("failed")  # nobody is being asked any more
        self.notice.show_error(error)


def _looking() -> QWidget:
    return EmptyState("servers", tr("Asking the server …"), tr("It keeps the record itself."))


def _nothing() -> QWidget:
    return EmptyState(
        "history", tr("Nothing was changed there yet"), tr("Every release and every stop is written down.")
    )


def _when(change: ServerChange) -> str:
    """By the clock of this computer, where theirs said when that was."""
    try:
        at = datetime.fromisoformat(change.at)
    except ValueError:
        return change.at
    return date_time(at) if at.tzinfo is not None else change.at


def _columns() -> list[Column[ServerChange]]:
    return [
        Column(tr("When"), _when, 170),
        Column(tr("Who"), lambda change: change.who, stretch=2, middle=True),
        Column(tr("What"), lambda change: change.action, 90),
        Column(tr("Release"), lambda change: change.release, stretch=2, middle=True),
        Column(tr("More"), lambda change: change.more, stretch=4, muted=True, hint=lambda change: change.more),
    ]

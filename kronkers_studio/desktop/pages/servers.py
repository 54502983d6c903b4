"""On-premises servers: add, check, set up, remove."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.dialogs.add_server import AddServerDialog
from kronkers_studio.desktop.dialogs.dialog import confirm
from kronkers_studio.desktop.icons import IconLabel
from kronkers_studio.desktop.pages.page import Page, Views, scrolling
from kronkers_studio.desktop.studio import State, Studio
from kronkers_studio.desktop.text import counted, moment, tr
from kronkers_studio.desktop.tokens import GAP, Tone
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label, rule
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import Server, ServerCheck, ServerReport, Verdict

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_MARKS: dict[Verdict, tuple[str, str]] = {
    Verdict.OK: ("done", "ok"),
    Verdict.WARN: ("warning", "warn"),
    Verdict.BAD: ("error", "bad"),
}


class ServersPage(Page):
    key = "servers"
    changes = ("servers",)

    def __init__(self, studio: Studio) -> None:
        super().__init__(
            studio,
            tr("Servers"),
            tr("Your own servers, reached over SSH. Models run there day and night."),
        )
        self._wants_add = False
        self._cards: dict[str, ServerCard] = {}
        self._busy: dict[str, str] = {}  # server: what is being done to it, in words
        self.add_button = Button(tr("Add a server …"), self.ask_add, kind="primary", icon="plus")
        self.header.add_action(self.add_button)
        self.views = Views({"empty": self._empty, "list": self._list})
        self.content.addWidget(self.views, 1)

    def refresh(self) -> None:
        self.studio.read(_servers, self.show_servers, owner=self, failed=self.notice.show_error)

    def restore(self, state: State) -> None:
        self._wants_add = bool(state.get("add"))
        if self._wants_add and self.entered:
            self.refresh()

    def show_servers(self, servers: list[Server]) -> None:
        """Show a card for each server, keeping what was found on those that were there before."""
        self.views.show_view("list" if servers else "empty")
        self.add_button.setVisible(bool(servers))
        if servers:
            self._fill(servers)
        if self._wants_add:
            self._wants_add = False
            self.ask_add()

    def show_report(self, report: ServerReport) -> None:
        """Show what was found on a server, on its card."""
        self._busy.pop(report.server, None)
        if report.server in self._cards:
            self._cards[report.server].show_report(report)

    def report_of(self, name: str) -> ServerReport | None:
        """What was found on the server called ``name``, once it was looked at."""
        return self._cards[name].report if name in self._cards else None

    def ask_add(self) -> None:
        """Open the dialog that adds a server."""
        AddServerDialog(self, self.studio, self._added).open()

    def check(self, server: Server) -> None:
        """Look at everything that releases need on the server."""

        def work(session: Session, progress: Progress, _cancel: CancelToken) -> ServerReport:
            from kronkers_studio.workflows.servers import check_server

            return check_server(session, server.name, progress=progress)

        self._work(tr("Checking {server}").format(server=server.name), server, work)

    def set_up(self, server: Server) -> None:
        """Prepare the server for releases."""

        def work(session: Session, progress: Progress, cancel: CancelToken) -> ServerReport:
            from kronkers_studio.workflows.servers import set_up_server

            return set_up_server(session, server.name, progress=progress, cancel=cancel)

        self._work(tr("Setting up {server}").format(server=server.name), server, work)

    def ask_remove(self, server: Server) -> None:
        """Ask before a server is forgotten."""
        title = tr("Remove {server}?").format(server=server.name)
        sentence = tr("The studio forgets it and its password. Nothing on the server itself is touched.")
        action = tr("Remove {server}").format(server=server.name)
        confirm(self, title, sentence, action, lambda: self.remove(server))

    def remove(self, server: Server) -> None:
        session = self.studio.session
        if session is None:
            return

        def work(_progress: Progress, _cancel: CancelToken) -> None:
            from kronkers_studio.workflows.servers import remove_server

            remove_server(session, server.name)

        title = tr("Removing {server}").format(server=server.name)
        self.studio.do(title, work, changes=("servers",), failed=self.notice.show_error, owner=self)

    def _work(self, title: str, server: Server, work: Callable[[Session, Progress, CancelToken], ServerReport]) -> None:
        session = self.studio.session
        if session is None or server.name in self._busy:
            return
        self._busy[server.name] = f"{title} …"
        self._cards[server.name].show_busy(self._busy[server.name])
        self.studio.do(
            title,
            lambda progress, cancel: work(session, progress, cancel),
            done=self.show_report,
            failed=partial(self._show_error, server.name),
            owner=self,  # not the card: cards are made anew whenever the list of servers is read
            resource=f"server {server.name}",
        )

    def _show_error(self, name: str, error: StudioError) -> None:
        self._busy.pop(name, None)
        if name in self._cards:
            self._cards[name].show_error(error)

    def _added(self, server: Server) -> None:
        self.notice.say(
            tr("{server} was added.").format(server=server.name),
            tr("It is being checked; see what it says below."),
            "ok",
        )
        self.studio.read(_servers, lambda servers: self._check_new(servers, server), owner=self)

    def _check_new(self, servers: list[Server], server: Server) -> None:
        self.show_servers(servers)
        self.check(server)

    def _empty(self) -> QWidget:
        return EmptyState(
            "servers",
            tr("No server yet"),
            tr("A server runs a model day and night and lets others use it. It needs SSH and Docker."),
            tr("Add a server …"),
            self.ask_add,
        )

    def _list(self) -> QWidget:
        inner = QWidget()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 6, 0)
        self._column.setSpacing(GAP)
        return scrolling(inner, tr("Servers"))

    def _fill(self, servers: list[Server]) -> None:
        reports = {name: card.report for name, card in self._cards.items()}
        clear(self._column)
        self._cards = {}
        for server in servers:
            card = ServerCard(server)
            card.wants_check.clicked.connect(partial(self.check, server))
            card.wants_setup.clicked.connect(partial(self.set_up, server))
            card.wants_removal.clicked.connect(partial(self.ask_remove, server))
            report = reports.get(server.name)
            if report is not None:
                card.show_report(report)
            if server.name in self._busy:
                card.show_busy(self._busy[server.name])
            self._cards[server.name] = card
            self._column.addWidget(card)
        self._column.addStretch(1)


class ServerCard(Card):
    """One server: its address, what was found on it, and what can be done."""

    def __init__(self, server: Server, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.report: ServerReport | None = None
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(IconLabel("servers", "muted", 20))
        names = QVBoxLayout()
        names.setSpacing(2)
        title = QHBoxLayout()
        title.setSpacing(8)
        title.addWidget(label(server.name, "heading"))
        self._pill = Pill(tr("Not checked"), "plain")
        title.addWidget(self._pill)
        title.addStretch(1)
        names.addLayout(title)
        added = tr("added {time}").format(time=moment(server.added)) if server.added else ""
        names.addWidget(ElidedLabel(" · ".join(part for part in (server.address, added) if part), "muted"))
        head.addLayout(names, 1)
        named, name = tr("{action} {server}"), server.name
        self.wants_check = Button(tr("Check"), icon="shield", name=named.format(action=tr("Check"), server=name))
        self.wants_setup = Button(tr("Set up"), icon="settings", name=named.format(action=tr("Set up"), server=name))
        self.wants_setup.setToolTip(tr("Prepare it for releases: a one-node Docker Swarm. It can be repeated."))
        remove = named.format(action=tr("Remove"), server=server.name)
        self.wants_removal = Button("", kind="icon", icon="trash", name=remove)
        for button in (self.wants_check, self.wants_setup, self.wants_removal):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        self.body.addLayout(head)
        self.notice = Notice()
        self.body.addWidget(self.notice)
        self._rule = rule()
        self._rule.setVisible(False)
        self.body.addWidget(self._rule)
        self._checks = QVBoxLayout()
        self._checks.setSpacing(0)
        self.body.addLayout(self._checks)

    def show_busy(self, words: str) -> None:
        """Work on this server has begun."""
        self.notice.say(words)
        for button in (self.wants_check, self.wants_setup, self.wants_removal):
            button.setEnabled(False)

    def show_report(self, report: ServerReport) -> None:
        """Show what was found, one line each, and what to do where it is wrong."""
        self.report = report
        self._end()
        self.notice.clear()
        self._pill.show_state(*_verdict_words(report))
        self._rule.setVisible(bool(report.checks))
        clear(self._checks)
        holder = QWidget()
        grid = QGridLayout(holder)
        grid.setContentsMargins(0, 2, 0, 0)
        grid.setHorizontalSpacing(12)
        grid.setVerticalSpacing(8)
        grid.setColumnMinimumWidth(1, 150)
        grid.setColumnStretch(2, 1)
        for row, check in enumerate(report.checks):
            self._add_check(grid, row, check)
        self._checks.addWidget(holder)

    def show_error(self, error: StudioError) -> None:
        self._end()
        self.notice.show_error(error)
        self._pill.show_state(tr("Not reached"), "bad")

    def _add_check(self, grid: QGridLayout, row: int, check: ServerCheck) -> None:
        icon, colour = _MARKS[check.verdict]
        mark = IconLabel(icon, colour, 16)
        mark.setToolTip(check.verdict.value)
        grid.addWidget(mark, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(label(check.title, "medium"), row, 1, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(label(check.found, "text", wrap=True, selectable=True))
        if check.advice:
            words.addWidget(label(check.advice, "muted", wrap=True, selectable=True))
        grid.addLayout(words, row, 2)

    def _end(self) -> None:
        for button in (self.wants_check, self.wants_setup, self.wants_removal):
            button.setEnabled(True)


def _verdict_words(report: ServerReport) -> tuple[str, Tone]:
    wrong = sum(1 for check in report.checks if check.verdict is not Verdict.OK)
    if report.verdict is Verdict.OK:
        return tr("Ready"), "ok"
    words = counted(wrong, tr("{n} thing to look at"), tr("{n} things to look at"))
    return words, "warn" if report.verdict is Verdict.WARN else "bad"


def _servers(session: Session) -> list[Server]:
    from kronkers_studio.workflows.servers import list_servers

    return list_servers(session)

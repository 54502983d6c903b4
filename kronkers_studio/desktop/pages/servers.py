"""On-premises servers: add, log in again, check, set up, unlock, clean up, remove."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.destinations import (
    AddServer,
    CheckServer,
    CleanServer,
    Destination,
    LogIn,
    RemoveServer,
    SetUpServer,
    ShowServerLog,
    TakeLockAway,
)
from kronkers_studio.desktop.dialogs.add_server import AddServerDialog
from kronkers_studio.desktop.dialogs.clean_server import CleanServerDialog, cleaned_words
from kronkers_studio.desktop.dialogs.log_in import LogInDialog
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.offer_buttons import OfferButton
from kronkers_studio.desktop.offers.servers import add_server
from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.pages.page import Page
from kronkers_studio.desktop.panels.server_card import ServerCard, lock_question
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.dialog import confirm
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.views import Views, WrappedContent, scrolling
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.servers import CleanedServer, DeployLock, Server, ServerReport

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

Answer = TypeVar("Answer")


class ServersPage(Page):
    key = "servers"
    scrolls = True
    changes = ("servers",)

    def __init__(self, studio: Studio) -> None:
        super().__init__(
            studio,
            page_title(self.key),
            tr("Your own servers, reached over SSH. Models run there day and night."),
        )
        self._wanted: Destination | None = None
        self._cards: dict[str, ServerCard] = {}
        self._servers: dict[str, Server] = {}
        self._busy: dict[str, str] = {}  # server: what is being done to it, in words
        self._problems: dict[str, StudioError] = {}  # server: why it could not be looked at
        self.add_button = OfferButton(add_server(), self._do, kind="primary")
        self.header.add_action(self.add_button)
        self.views = Views({"empty": self._empty, "list": self._list})
        self.content.addWidget(self.views, 1)

    def refresh(self) -> None:
        self.studio.read(_servers, self.show_servers, owner=self, failed=self.notice.show_error)

    def visit(self, destination: Destination) -> None:
        self._wanted = destination
        self.become_stale()

    def show_servers(self, servers: list[Server]) -> None:
        """Show a card for each server, keeping what was found on those that were there before."""
        self.views.show_view("list" if servers else "empty")
        self.add_button.setVisible(bool(servers))
        if servers:
            self._fill(servers)
        self._servers = {server.name: server for server in servers}
        self._follow_wish()

    def _follow_wish(self) -> None:
        """What another page asked for, once the servers are known."""
        wanted, self._wanted = self._wanted, None
        if wanted is not None:
            self._do(wanted)

    def _do(self, wanted: object) -> None:
        """Do what a card here, or another page, asks for; nothing where its server is no more."""
        if isinstance(wanted, AddServer):
            self.ask_add()
            return
        acts: dict[type, Callable[[Server], object]] = {
            CheckServer: self.check,
            SetUpServer: self.set_up,
            LogIn: self.ask_log_in,
            ShowServerLog: self.show_log,
            TakeLockAway: self.ask_unlock,
            CleanServer: self.ask_clean,
            RemoveServer: self.ask_remove,
        }
        server, act = self._servers.get(getattr(wanted, "server", "")), acts.get(type(wanted))
        if server is not None and act is not None:
            act(server)

    def show_report(self, report: ServerReport) -> None:
        """Show what was found on a server, on its card."""
        self._busy.pop(report.server, None)
        self._problems.pop(report.server, None)
        if report.server in self._cards:
            self._cards[report.server].show_report(report)

    def ask_add(self) -> None:
        """Open the dialog that adds a server."""
        AddServerDialog(self, self.studio, self._added).open()

    def check(self, server: Server) -> None:
        """Look at everything that releases need on the server."""

        def work(session: Session, progress: Progress, _cancel: CancelToken) -> ServerReport:
            from kronkers_studio.workflows.servers import check_server

            return check_server(session, server.name, progress=progress)

        self._work(tr("Checking {server}").format(server=server.name), server, work, self.show_report)

    def set_up(self, server: Server) -> None:
        """Prepare the server for releases."""

        def work(session: Session, progress: Progress, cancel: CancelToken) -> ServerReport:
            from kronkers_studio.workflows.servers import set_up_server

            return set_up_server(session, server.name, progress=progress, cancel=cancel)

        self._work(tr("Setting up {server}").format(server=server.name), server, work, self.show_report)

    def ask_log_in(self, server: Server) -> None:
        """Ask for another password or passphrase."""

        def done(server: Server) -> None:
            words = tr("You are logged in to {server}.").format(server=server.name)
            self.notice.say(words, tr("It is being checked; see what it says above."), "ok")
            self.check(server)

        LogInDialog(self, self.studio, server, done).open()

    def show_log(self, server: Server) -> None:
        """Show who changed what there."""
        from kronkers_studio.desktop.dialogs.server_log import ServerLogDialog

        ServerLogDialog(self, self.studio, server.name).open()

    def ask_unlock(self, server: Server) -> None:
        """Look who is changing releases there, and ask before the lock is taken from them."""

        def work(session: Session, progress: Progress, _cancel: CancelToken) -> DeployLock | None:
            from kronkers_studio.workflows.servers import deploy_lock_of

            progress.step(tr("Looking who has the lock"))
            return deploy_lock_of(session, server.name)

        def found(lock: DeployLock | None) -> None:
            self._end(server.name)
            if lock is None:
                words = tr("Nobody is changing releases on {server} any more.")
                self.notice.say(words.format(server=server.name), "", "ok")
                self.check(server)
                return
            title = tr("Take the lock of {server} away from {holder}?").format(server=server.name, holder=lock.holder)
            action = tr("Take the lock away")
            confirm(self, title, lock_question(lock), action, lambda: self.unlock(server, lock))

        self._work(tr("Looking who has the lock of {server}").format(server=server.name), server, work, found)

    def unlock(self, server: Server, lock: DeployLock) -> None:
        """Take ``lock`` away."""

        def work(session: Session, _progress: Progress, _cancel: CancelToken) -> bool:
            from kronkers_studio.workflows.servers import unlock_server

            return unlock_server(session, server.name, lock)

        def done(broken: bool) -> None:
            self._end(server.name)
            words = tr("The lock of {server} was taken from {holder}.")
            if not broken:
                words = tr("{holder} has given the lock of {server} back meanwhile.")
            self.notice.say(words.format(server=server.name, holder=lock.holder), "", "ok")
            self.check(server)

        self._work(tr("Taking the lock of {server} away").format(server=server.name), server, work, done)

    def ask_clean(self, server: Server) -> None:
        """Show what no release needs there, and ask before it is removed."""

        def done(cleaned: CleanedServer) -> None:
            self.notice.say(cleaned_words(cleaned), "", "ok")
            self.check(server)

        failed = partial(self._show_error, server.name)
        CleanServerDialog(self, self.studio, server.name, done, failed).open()

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

    def _work(
        self,
        title: str,
        server: Server,
        work: Callable[[Session, Progress, CancelToken], Answer],
        done: Callable[[Answer], object],
    ) -> None:
        session = self.studio.session
        if session is None or server.name in self._busy:
            return
        self._busy[server.name] = f"{title} …"
        if server.name in self._cards:
            self._cards[server.name].show_busy(self._busy[server.name])
        self.studio.do(
            title,
            lambda progress, cancel: work(session, progress, cancel),
            done=done,
            failed=partial(self._show_error, server.name),
            owner=self,  # not the card: cards are made anew whenever the list of servers is read
            resource=f"server {server.name}",
        )

    def _end(self, name: str) -> None:
        """What was being done to the server is done."""
        self._busy.pop(name, None)
        if name in self._cards:
            self._cards[name].show_idle()

    def _show_error(self, name: str, error: StudioError) -> None:
        self._busy.pop(name, None)
        self._problems[name] = error
        if name in self._cards:
            self._cards[name].show_error(error)

    def _added(self, server: Server) -> None:
        self.notice.say(
            tr("{server} was added.").format(server=server.name),
            tr("It is being checked; see what it says above."),
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
        inner = WrappedContent()
        self._column = QVBoxLayout(inner)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(GAP)
        return scrolling(inner, tr("Servers"), in_margin=True)

    def _fill(self, servers: list[Server]) -> None:
        reports = {name: card.report for name, card in self._cards.items()}
        clear(self._column)
        self._cards = {}
        for server in servers:
            card = ServerCard(server)
            card.wanted.connect(self._do)
            report = reports.get(server.name)
            if report is not None:
                card.show_report(report)
            if server.name in self._problems:
                card.show_error(self._problems[server.name])
            if server.name in self._busy:
                card.show_busy(self._busy[server.name])
            self._cards[server.name] = card
            self._column.addWidget(card)
        self._column.addStretch(1)


def _servers(session: Session) -> list[Server]:
    from kronkers_studio.workflows.servers import list_servers

    return list_servers(session)

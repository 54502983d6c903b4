"""One server on the Servers page: what was found on it, and what can be done there."""

from __future__ import annotations

from datetime import UTC, datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.destinations import CleanServer, Destination, LogIn, TakeLockAway
from kronkers_studio.desktop.localization import clock_of, counted, duration, moment, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.look.tokens import Tone
from kronkers_studio.desktop.offer_buttons import OfferButton, OfferMenuButton
from kronkers_studio.desktop.offers.servers import check_server, more_for_server, remove_server, set_up_server
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.hints import set_hint
from kronkers_studio.desktop.widgets.labels import ElidedLabel, label, rule
from kronkers_studio.desktop.widgets.passing_time import keep_current
from kronkers_studio.desktop.widgets.pills import Pill
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.domain.errors import AuthenticationFailed, ServerBusy, StudioError
from kronkers_studio.domain.servers import DeployLock, Remedy, Server, ServerCheck, ServerReport, Verdict

_MARKS: dict[Verdict, tuple[str, str]] = {
    Verdict.OK: ("done", "ok"),
    Verdict.WARN: ("warning", "warn"),
    Verdict.BAD: ("error", "bad"),
}


class ServerCard(Card):
    """One server: its address, what was found on it, and what can be done. ``wanted`` carries the destination of what
    was pressed."""

    wanted = Signal(object)

    def __init__(self, server: Server, parent: QWidget | None = None) -> None:
        super().__init__(parent=parent)
        self.report: ServerReport | None = None
        self._server = server
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
        names.addWidget(keep_current(ElidedLabel("", "muted"), lambda: _address_words(server)))
        head.addLayout(names, 1)
        tell = self.wanted.emit
        self.wants_check = OfferButton(check_server(server), tell)
        hint = tr("Prepares the server for models (a one-node Docker Swarm). It can be repeated.")
        self.wants_setup = OfferButton(set_up_server(server), tell, hint=hint)
        more = tr("More for {server}").format(server=server.name)
        self.more = OfferMenuButton(tr("More"), lambda: more_for_server(server), tell, name=more, icon="chevron-down")
        self.more.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow after the word
        self.wants_removal = OfferButton(remove_server(server), tell, kind="icon")
        self._buttons = (self.wants_check, self.wants_setup, self.more, self.wants_removal)
        for button in self._buttons:
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
        for button in self._buttons:
            button.setEnabled(False)

    def show_report(self, report: ServerReport) -> None:
        """Show what was found, one line each, and what to do where it is wrong."""
        self.report = report
        self.show_idle()
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
            self._add_check(grid, row, check, report.lock)
        self._checks.addWidget(holder)

    def show_error(self, error: StudioError) -> None:
        self.show_idle()
        remedy: tuple[str, Destination] | None = None
        if isinstance(error, AuthenticationFailed):
            remedy = tr("Log in again …"), LogIn(self._server.name)
        elif isinstance(error, ServerBusy):
            remedy = tr("Take the lock away …"), TakeLockAway(self._server.name)
        action = (remedy[0], lambda: self.wanted.emit(remedy[1])) if remedy is not None else None
        self.notice.show_error(error, action)
        if isinstance(error, ServerBusy):
            return  # it was reached
        self._pill.show_state(tr("Not reached"), "bad")

    def show_idle(self) -> None:
        """What was being done is done."""
        self.notice.clear()
        for button in self._buttons:
            button.setEnabled(True)

    def _add_check(self, grid: QGridLayout, row: int, check: ServerCheck, lock: DeployLock | None) -> None:
        icon, colour = _MARKS[check.verdict]
        mark = IconLabel(icon, colour, 16)
        set_hint(mark, check.verdict.value)
        grid.addWidget(mark, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(label(check.title, "medium"), row, 1, Qt.AlignmentFlag.AlignTop)
        words = QVBoxLayout()
        words.setSpacing(2)
        found = label(check.found, "text", wrap=True, selectable=True)
        if check.remedy is Remedy.UNLOCK and lock is not None:
            keep_current(found, lambda: lock_words(lock))
        words.addWidget(found)
        if check.advice:
            words.addWidget(label(check.advice, "muted", wrap=True, selectable=True))
        grid.addLayout(words, row, 2)
        if check.remedy is not None:
            text, act = self._remedies()[check.remedy]
            named = tr("{action} {server}").format(action=text, server=self._server.name)
            grid.addWidget(Button(text, lambda: self.wanted.emit(act), name=named), row, 3, Qt.AlignmentFlag.AlignTop)

    def _remedies(self) -> dict[Remedy, tuple[str, Destination]]:
        return {
            Remedy.UNLOCK: (tr("Take the lock away …"), TakeLockAway(self._server.name)),
            Remedy.CLEAN: (tr("Clean up …"), CleanServer(self._server.name)),
        }


def lock_words(lock: DeployLock) -> str:
    """Who is changing releases, what they are doing, since when, and when they were heard of."""
    words = tr("{holder} is changing releases: {purpose}, since {since}")
    return words.format(holder=lock.holder, purpose=lock.purpose, since=_since(lock))


def lock_question(lock: DeployLock) -> str:
    """What is to be known before the lock is taken from its holder."""
    words = tr("They are changing releases ({purpose}), since {since}.")
    words = words.format(purpose=lock.purpose, since=_since(lock))
    if lock.silent_seconds is not None:
        heard = tr("The server last heard of them {time} ago.")
        words = f"{words} {heard.format(time=duration(lock.silent_seconds))}"
    rest = tr("If they are still at work, two would change the server at once, and a release may break.")
    return f"{words} {rest}"


def _since(lock: DeployLock) -> str:
    """By the clock of this computer, where theirs said when that was."""
    try:
        at = datetime.fromisoformat(lock.since)
    except ValueError:
        return lock.since
    return clock_of(at if at.tzinfo is not None else at.replace(tzinfo=UTC))


def _address_words(server: Server) -> str:
    added = tr("added {time}").format(time=moment(server.added)) if server.added else ""
    return " · ".join(part for part in (server.way, added) if part)


def _verdict_words(report: ServerReport) -> tuple[str, Tone]:
    wrong = sum(1 for check in report.checks if check.verdict is not Verdict.OK)
    if report.verdict is Verdict.OK:
        return tr("Ready"), "ok"
    words = counted(wrong, tr("{n} thing to look at"), tr("{n} things to look at"))
    return words, "warn" if report.verdict is Verdict.WARN else "bad"

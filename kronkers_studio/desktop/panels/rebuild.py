"""A workspace whose index is damaged or missing: what is safe, and the index made again from what is stored."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, file_size, home_short, tr
from kronkers_studio.desktop.look.icons import IconLabel
from kronkers_studio.desktop.panels.progress import WorkingPanel
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, centred
from kronkers_studio.desktop.widgets.dialog import confirm
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import Notice
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Key, Studio
from kronkers_studio.domain.errors import (
    Cancelled,
    IndexDamaged,
    JournalIncomplete,
    KeyUnavailable,
    StudioError,
    WrongKey,
)
from kronkers_studio.domain.maintenance import RebuildReport
from kronkers_studio.domain.progress import CancelToken, Progress

_WIDTH = 560


class MendingPanel(QWidget):
    """Explains, and with ``rebuild`` makes the index of the workspace in ``directory`` again, then opens it.

    ``opened`` gets the ``RebuildReport`` when it is open; ``key_wanted(error)``: ``key`` does not open it.
    """

    key_wanted = Signal(object)

    def __init__(
        self,
        studio: Studio,
        directory: Path,
        key: Key,
        error: IndexDamaged | None,
        opened: Callable[[RebuildReport], object],
    ) -> None:
        super().__init__()
        self.directory, self.error = directory, error
        self._studio, self._key, self._opened = studio, key, opened
        self.notice = Notice()
        self.again_button = Button(tr("Try to open it again"), self._open)
        self.give_up_button = Button(tr("Rebuild as it was before …"), self._ask_to_accept_loss, kind="danger")
        self.button = Button(tr("Rebuild the index"), self.rebuild, kind="primary")
        self.working = WorkingPanel()
        self.views = Views({"offer": self._offer, "working": lambda: self.working})
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.views)
        self.give_up_button.setVisible(False)
        self.views.show_view("offer")
        self.setFocusProxy(self.button)

    def rebuild(self, *, accept_loss: bool = False) -> None:
        """Make the index again. With ``accept_loss``, changes that come after lost ones are given up."""
        directory, key = self.directory, self._key

        def work(progress: Progress, cancel: CancelToken) -> RebuildReport:
            from kronkers_studio.workflows.maintenance import rebuild_registry

            return rebuild_registry(
                directory,
                passphrase=key.passphrase,
                recovery_key=key.recovery_key,
                key_file=key.key_file,
                accept_loss=accept_loss,
                progress=progress,
                cancel=cancel,
            )

        self.notice.clear()
        title = tr("Rebuilding the index")
        task = self._studio.do(title, work, done=self._done, failed=self._failed, owner=self, resource="content")
        self.working.watch(task, tr("Nothing is changed before the new index is complete."))
        self.views.show_view("working")

    def _done(self, report: RebuildReport) -> None:
        if self._studio.session is None:  # nobody opened another workspace meanwhile
            opened = self._opened  # this panel makes way for another when the workspace is being opened
            self._studio.open_directory(self.directory, self._key, then=lambda: opened(report))

    def _failed(self, error: StudioError) -> None:
        self.views.show_view("offer")
        self.give_up_button.setVisible(isinstance(error, JournalIncomplete))
        if isinstance(error, KeyUnavailable | WrongKey):
            self.key_wanted.emit(error)
        elif isinstance(error, Cancelled):
            self.notice.say(tr("The rebuild was stopped. Nothing was changed."))
        elif isinstance(error, JournalIncomplete):
            words = tr(
                "Put the folder “journal” back from a backup of the workspace, then rebuild. Without a backup, the "
                "index can be made again as it was before what is lost."
            )
            self.notice.say(error.message, words, "bad", str(error))
        else:
            self.notice.show_error(error)

    def _open(self) -> None:
        self._studio.open_directory(self.directory, self._key)

    def _ask_to_accept_loss(self) -> None:
        confirm(
            self.window(),
            tr("Give up what came after the lost changes?"),
            tr(
                "The index is made again as it was before them. Projects, versions, models and releases that were "
                "recorded later will no longer be there."
            ),
            tr("Rebuild without them"),
            lambda: self.rebuild(accept_loss=True),
        )

    def _offer(self) -> QWidget:
        card = Card()
        card.setFixedWidth(_WIDTH)
        card.body.setContentsMargins(28, 26, 28, 24)
        card.body.setSpacing(12)
        card.body.addWidget(IconLabel("registry", "accent", 32))
        card.body.addWidget(label(tr("The index of this workspace cannot be used"), "name"))
        words = tr("{folder} has a list of everything in it, its index.").format(folder=home_short(self.directory))
        if self.error is not None:
            what = tr("That file is missing.") if self.error.missing else tr("That file cannot be read any more.")
            words = f"{words} {what}"
        card.body.addWidget(label(words, "muted", wrap=True))
        card.body.addWidget(self.notice)
        card.body.addSpacing(4)
        card.body.addLayout(
            _point(
                "shield",
                "ok",
                tr("What you stored is not part of it"),
                tr("Files, versions, models and releases are kept in files of their own, which are only read."),
            )
        )
        card.body.addLayout(
            _point(
                "refresh",
                "accent_text",
                tr("The index can be made again from there"),
                tr(
                    "Everything stored is read once. That can take minutes; it can be cancelled at any time, and then "
                    "nothing has changed."
                ),
            )
        )
        card.body.addSpacing(8)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.give_up_button)
        row.addStretch(1)
        row.addWidget(self.again_button)
        row.addWidget(self.button)
        card.body.addLayout(row)
        offer = QWidget()
        offer.setLayout(centred(card))
        return offer


def _point(icon: str, colour: str, title: str, sentence: str) -> QHBoxLayout:
    """An icon beside a few words and a sentence that explains them."""
    row = QHBoxLayout()
    row.setSpacing(12)
    row.addWidget(IconLabel(icon, colour, 20), 0, Qt.AlignmentFlag.AlignTop)
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(label(title, "medium", wrap=True))
    words.addWidget(label(sentence, "muted", wrap=True))
    row.addLayout(words, 1)
    return row


def say_damaged(notice: Notice, error: IndexDamaged, rebuild: Callable[[], object]) -> None:
    """Say in ``notice`` that the index of the open workspace turned out to be damaged; ``rebuild`` is offered."""
    notice.say(
        tr("The index of this workspace is damaged."),
        tr("What you stored is not part of it, and the index can be made again from there."),
        "bad",
        f"{error.message}\n{error.details}".strip(),
        action=(tr("Rebuild the index …"), rebuild),
    )


def say_rebuilt(notice: Notice, report: RebuildReport, check: Callable[[], object]) -> None:
    """Say in ``notice`` what came of making the index again; ``check`` is offered where something could not be read."""
    read = tr("{changes} and {objects} were read, {size}.").format(
        changes=counted(report.journal_entries, tr("{n} change"), tr("{n} changes")),
        objects=counted(report.objects, tr("{n} stored object"), tr("{n} stored objects")),
        size=file_size(report.bytes_read),
    )
    aside = tr("What was left of the old index is in {file}.").format(file=home_short(report.set_aside))
    details = "\n".join([read, *([aside] if report.set_aside else []), *report.problems])
    if not report.problems:
        notice.say(tr("The index was made again."), read, "ok", details if report.set_aside else "")
        return
    found = counted(len(report.problems), tr("{n} place could not be read."), tr("{n} places could not be read."))
    advice = tr("A check tells which files that concerns, if any.")
    notice.say(
        tr("The index was made again. {found}").format(found=found),
        advice,
        "warn",
        details,
        action=(tr("Check the workspace"), check),
    )

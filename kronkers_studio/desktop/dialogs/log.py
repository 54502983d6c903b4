"""What the program, the services and the servers wrote down: filtered, followed, copied."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QWidget

from kronkers_studio.desktop.localization import clock_time, counted, date_time, number, tr
from kronkers_studio.desktop.place_words import place_words
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.code_view import CodeView
from kronkers_studio.desktop.widgets.dialog import Dialog
from kronkers_studio.desktop.widgets.fields import CheckBox, ComboBox, LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import StudioError
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.releases import Release
from kronkers_studio.domain.servers import ServerChange
from kronkers_studio.settings.logs import LogLine, log_file, parse_line, read_log

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session

_WIDTH, _VIEW_HEIGHT = 900, 340  # pixels
_FOLLOW_MS = 2000
_MOST = 3000  # lines in view, the newest; laying out more holds up the window
_LEVELS = {"all": ("",), "warnings": ("warning", "error", "critical"), "errors": ("error", "critical")}
Source = tuple[str, str]
"""(model, place), ("", server), or ("", "") for the program itself."""


class LogDialog(Dialog):
    """The log of the program, of what is live of ``model`` in ``place``, or of who changed what on a server."""

    of_workspace = False

    def __init__(self, parent: QWidget, studio: Studio, model: str = "", place: str = "") -> None:
        super().__init__(parent, tr("Log"), tr("It holds no passwords, keys or rows, and stays on this computer."))
        self.resize(_WIDTH, self.height())
        self._studio = studio
        self._lines: list[LogLine] = []
        self._texts: list[str] = []
        self._reading: Source | None = None
        self.source = ComboBox(tr("Whose log"), [_choice((model, place))])
        self.source.currentIndexChanged.connect(self._other_source)
        self.words = LineField(tr("Find in the log"))
        self.words.setPlaceholderText(tr("Find"))
        self.words.textChanged.connect(self._show_lines)
        names = [("all", tr("All")), ("warnings", tr("Warnings")), ("errors", tr("Errors"))]
        self.level = FilterPills(names, tr("Which lines"))
        self.level.chosen.connect(self._show_lines)
        self.follow = CheckBox(tr("Follow"))
        self.follow.setAccessibleName(tr("Read it again every two seconds"))
        self.follow.setChecked(True)
        row = QHBoxLayout()
        row.setSpacing(10)
        row.addWidget(self.source)
        row.addWidget(self.level)
        row.addWidget(self.words, 1)
        row.addWidget(self.follow)
        self.content.addLayout(row)
        self.view = CodeView(tr("Lines of the log"), height=_VIEW_HEIGHT)
        self.view.setPlaceholderText(tr("Nothing was written down yet."))
        self.content.addWidget(self.view, 1)
        self.amount = label("", "caption")
        self.content.addWidget(self.amount)
        self.folder_button = Button(tr("Open its folder"), _open_folder, icon="folder")
        self.buttons.insertWidget(0, self.folder_button)
        self.copy_button = self.add_button(tr("Copy"), self._copy)
        close = self.add_cancel(tr("Close"))
        close.setDefault(True)
        self._timer = QTimer(self)
        self._timer.setInterval(_FOLLOW_MS)
        self._timer.timeout.connect(self._read_on)
        self._timer.start()
        studio.read(_sources, self._show_sources, owner=self, failed=self.notice.show_error)
        self.read()

    def read(self) -> None:
        """Read the chosen log, off the main thread; it is shown when that is done."""
        source = self._chosen
        if self._reading == source:
            return
        self._reading = source
        done, failed = partial(self._take, source), partial(self._failed, source)
        if source == ("", ""):

            def read_own(_progress: Progress, _cancel: CancelToken) -> list[LogLine]:
                return [parse_line(line) for line in read_log()]

            self._studio.runner.run("log", read_own, done=done, failed=failed, owner=self, shown=False)
        else:
            self._studio.look(partial(_read, source), done, owner=self, failed=failed)

    def show_lines(self, lines: Sequence[LogLine]) -> None:
        """Show ``lines``, which come oldest first, at their end."""
        self._lines = list(lines)
        self._show_lines()

    @property
    def _chosen(self) -> Source:
        value = self.source.value
        return value if isinstance(value, tuple) else ("", "")

    def _other_source(self) -> None:
        self.notice.clear()
        self.show_lines([])
        self.folder_button.setVisible(self._chosen == ("", ""))
        self.read()

    def _read_on(self) -> None:
        """What a server says is asked for when a person wants it, not every two seconds."""
        if self.follow.isChecked() and (self._chosen[0] or self._chosen == ("", "")):
            self.read()

    def _take(self, source: Source, lines: list[LogLine]) -> None:
        self._reading = None
        if source == self._chosen and (lines != self._lines or not lines):
            self.show_lines(lines)

    def _failed(self, source: Source, error: StudioError) -> None:
        self._reading = None
        if source == self._chosen:
            self.notice.show_error(error)

    def _show_sources(self, found: list[Source]) -> None:
        chosen = self._chosen
        self.source.blockSignals(True)
        self.source.set_choices([_choice(each) for each in dict.fromkeys([("", ""), *found, chosen])])
        self.source.choose(chosen)
        self.source.blockSignals(False)
        self.folder_button.setVisible(chosen == ("", ""))

    def _show_lines(self) -> None:
        wanted, words = _LEVELS[self.level.key], self.words.text().casefold().split()
        fitting = [line for line in self._lines if wanted == ("",) or line.level in wanted]
        shown: list[str] = []
        left = 0  # older ones
        for at, line in enumerate(reversed(fitting)):
            if len(shown) == _MOST:
                left = len(fitting) - at
                break
            text = _text(line)
            if all(word in text.casefold() for word in words):
                shown.append(text)
        shown.reverse()
        self._texts = shown
        bar = self.view.verticalScrollBar()
        at_end, place = bar.value() >= bar.maximum(), bar.value()
        self.view.setPlainText("\n".join(shown))
        bar.setValue(bar.maximum() if at_end or self.follow.isChecked() else place)
        total = counted(len(self._lines), tr("{n} line"), tr("{n} lines"))
        some = tr("{n} of {total}").format(n=number(len(shown)), total=total)
        if left:
            some = tr("The newest {n} of {total}").format(n=number(len(shown)), total=total)
        self.amount.setText(total if len(shown) == len(self._lines) else some)
        self.copy_button.setEnabled(bool(shown))

    def _copy(self) -> None:
        """What is shown, or what of it is marked."""
        marked = self.view.textCursor().selectedText().replace("\u2029", "\n")
        QGuiApplication.clipboard().setText(marked or "\n".join(self._texts))
        self.copy_button.setText(tr("Copied"))


def _text(line: LogLine) -> str:
    """As it is shown: when, how serious, what; details below, indented."""
    at = date_time(line.at).split(",")[0] + " " + clock_time(line.at) if line.at is not None else ""
    level = {"warning": tr("Warning"), "error": tr("Error"), "critical": tr("Fault")}.get(line.level, "")
    first = "  ".join(part for part in (at, level, printable(line.text)) if part)
    return "\n".join([first, *(f"    {printable(each)}" for each in line.more.splitlines())])


def _choice(source: Source) -> tuple[str, object]:
    model, place = source
    if model:
        return tr("{model} on {place}").format(model=model, place=place_words(place)), source
    return tr("Changes on {server}").format(server=place) if place else tr("Kronkers Studio"), source


def _sources(session: Session) -> list[Source]:
    """Whose logs there are, besides that of the program; off the main thread."""
    from kronkers_studio.domain.releases import IN_PLACE
    from kronkers_studio.workflows.releases import recorded_releases
    from kronkers_studio.workflows.servers import list_servers

    releases: list[Release] = [each for each in recorded_releases(session) if each.state in IN_PLACE]
    return [*((each.model, each.place) for each in releases), *(("", each.name) for each in list_servers(session))]


def _read(source: Source, session: Session, _cancel: CancelToken) -> list[LogLine]:
    from kronkers_studio.workflows.servers import server_changes
    from kronkers_studio.workflows.service_logs import service_log

    model, place = source
    if model:
        return [parse_line(line) for line in service_log(session, model, place)]
    return [_changed(change) for change in server_changes(session, place)]


def _changed(change: ServerChange) -> LogLine:
    parts = (change.at, change.who, change.action, change.release, change.more)
    return LogLine(None, "info", "  ".join(part for part in parts if part))


def _open_folder() -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(log_file().parent)))

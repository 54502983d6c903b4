"""What came of bringing a folder in: figures, and everything left out by name and reason."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, file_size, number, path_words, tr
from kronkers_studio.desktop.look.tokens import GAP, Tone
from kronkers_studio.desktop.panels.plan import skip_words
from kronkers_studio.desktop.widgets.cards import Card, FigureCard, row_of
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.domain.content import SkippedItem
from kronkers_studio.domain.migration import MigrationResult

_NAMED = 3  # renamed files that are named


class OutcomePanel(QWidget):
    """Shows a ``MigrationResult``."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GAP)
        self.files = FigureCard(tr("Files kept"))
        self.new = FigureCard(tr("Added to the workspace"))
        self.unread = FigureCard(tr("Read"))
        self.left = FigureCard(tr("Left out"))
        whole.addLayout(row_of(self.files, self.new, self.unread, self.left))
        self.notice = Notice()
        whole.addWidget(self.notice)
        self._card = Card(tr("Left out, and why"))
        self.table: Table[SkippedItem] = Table(tr("Left out, and why"), _columns())
        self._card.body.addWidget(self.table, 1)
        whole.addWidget(self._card, 1)
        self._nothing = Card()
        self._nothing.body.addWidget(
            EmptyState("done", tr("Everything is in"), tr("Nothing was left out. The folder itself was not touched."))
        )
        whole.addWidget(self._nothing, 1)

    def show_result(self, result: MigrationResult) -> None:
        """Show what the run did."""
        self.files.show_figure(number(result.files), file_size(result.commit.size), "ok")
        words = tr("encrypted") if result.new_bytes else tr("nothing new")
        self.new.show_figure(file_size(result.new_bytes), words, "ok")
        read = counted(result.read_files, tr("{n} file"), tr("{n} files"))
        words = read if result.read_files else tr("everything was unchanged")
        self.unread.show_figure(file_size(result.read_bytes), words, "accent")
        unexpected = sum(1 for item in result.skipped if not item.reason.expected)
        tone: Tone = "warn" if unexpected else "ok"
        words = (
            counted(unexpected, tr("{n} needs a look"), tr("{n} need a look")) if unexpected else tr("as it should be")
        )
        self.left.show_figure(number(len(result.skipped)), words if result.skipped else "", tone)
        if not result.changed:
            self.notice.say(
                tr("Nothing had changed since the last time."),
                tr("The project stays as it was, and so does its history."),
            )
        elif result.folded or result.renamed:
            self.notice.say(_folded_words(result), _renamed_words(result), "ok")
        else:
            self.notice.clear()
        ordered = sorted(result.skipped, key=lambda item: (item.reason.expected, item.path))
        self.table.content.show_rows(ordered)
        self._card.setVisible(bool(ordered))
        self._nothing.setVisible(not ordered)


def _folded_words(result: MigrationResult) -> str:
    if not result.folded:
        return tr("Files that lie elsewhere now were recognised.")
    made = counted(len(result.folded), tr("{n} version was made"), tr("{n} versions were made"))
    files = counted(len({each.path for each in result.folded}), tr("{n} file"), tr("{n} files"))
    return tr("{versions} of conflict copies, of {files}. All of them are in the history.").format(
        versions=made, files=files
    )


def _renamed_words(result: MigrationResult) -> str:
    """The first few of the files that lie elsewhere now."""
    named = [f"{path_words(each.old)} → {path_words(each.new)}" for each in result.renamed[:_NAMED]]
    more = [tr("{n} more").format(n=number(len(result.renamed) - _NAMED))] if len(result.renamed) > _NAMED else []
    return tr("Renamed: {names}").format(names=", ".join([*named, *more])) if named else ""


def _path(row: SkippedItem) -> str:
    return path_words(row.path)


def _columns() -> list[Column[SkippedItem]]:
    return [
        Column(tr("Folder or file"), _path, stretch=2, middle=True, icon=lambda _row: "file"),
        Column(tr("Why"), skip_words, stretch=3),
        Column(
            tr("State"),
            lambda row: tr("As expected") if row.reason.expected else tr("Needs a look"),
            130,
            pill=lambda row: "plain" if row.reason.expected else "warn",
        ),
    ]

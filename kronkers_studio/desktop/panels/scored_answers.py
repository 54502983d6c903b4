"""A model's answers beside the rows that they are for: shown, copied, saved."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, home_short, number, tr
from kronkers_studio.desktop.panels.row_view import RowView, answered_rows
from kronkers_studio.desktop.panels.single_reply import SingleReply
from kronkers_studio.desktop.panels.table_files import ask_where_to_save
from kronkers_studio.desktop.widgets.buttons import Button
from kronkers_studio.desktop.widgets.cards import Card, clear
from kronkers_studio.desktop.widgets.fields import CheckBox
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.errors import Cancelled, StudioError
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.progress import CancelToken, Progress
from kronkers_studio.domain.row_tables import ScoredRows

if TYPE_CHECKING:
    from kronkers_studio.workflows.scored_files import SavedRows


class ScoredAnswers(Card):
    """``outcome`` says what came of sending and saving them; saving is offered while there are any. The ``shapes`` of
    what is shown: "reply" of one row, else "rows"."""

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(tr("Answers"), parent)
        self._studio = studio
        self._scored: ScoredRows | None = None
        self._source: Path | ContentRef | None = None  # where its rows come from, unless they were typed
        self._narrow = False
        self._words = label("", "muted")
        self.add_to_head(self._words)
        self.outcome = Notice()
        self.body.addWidget(self.outcome)
        self._none = EmptyState("send", tr("No answers yet"), tr("Send rows, and the model's answers appear here."))
        holder = QWidget()
        column = QVBoxLayout(holder)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(10)
        rows = QWidget()
        self._table_place = QVBoxLayout(rows)
        self._table_place.setContentsMargins(0, 0, 0, 0)
        self.reply = SingleReply()
        self.shapes = Views({"rows": lambda: rows, "reply": lambda: self.reply})
        column.addWidget(self.shapes, 1)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        self.every_class = CheckBox(tr("Show every class"))
        self.every_class.setAccessibleName(tr("Show the probability of every class"))
        self.every_class.toggled.connect(lambda _on: self._fill())
        foot.addWidget(self.every_class)
        foot.addStretch(1)
        self.save_button = Button(tr("Save as Excel or CSV …"), self.ask_save, icon="save")
        foot.addWidget(self.save_button)
        column.addLayout(foot)
        self.views = Views({"none": lambda: self._none, "table": lambda: holder})
        self.body.addWidget(self.views, 1)
        self.views.show_view("none")

    def forget(self) -> None:
        """There are no answers any more."""
        self._scored = self._source = None
        self.outcome.clear()
        self._fit_words()
        self.views.show_view("none")

    def show_scored(self, scored: ScoredRows, source: Path | ContentRef | None) -> None:
        """Show the answers of ``scored``, whose rows come from ``source`` unless they were typed."""
        self._scored, self._source = scored, source
        alone = len(scored.outputs) == 1
        self.every_class.setVisible(len(scored.classes) > 1 and not alone)
        self._fill()
        if alone:
            self.reply.show_reply(scored)
        self.shapes.show_view("reply" if alone else "rows")
        self._fit_words()
        self.views.show_view("table")

    def show_narrow(self, narrow: bool) -> None:
        """Say as much as there is room for."""
        self._narrow = narrow
        self._fit_words()

    def _fit_words(self) -> None:
        scored = self._scored
        if scored is None:
            self._words.setText("")
            self.set_heading(tr("Answers"))
            return
        name = scored.table.name if self._source is not None else ""
        self.set_heading(tr("Answers to {file}").format(file=name) if name else tr("Answers"))
        words = tr("{rows} in {ms} ms, answered by version {version}")
        if self._narrow:
            words = tr("{rows} · version {version}")
        count, took = rows_words(len(scored.outputs)), number(scored.milliseconds, 1)
        self._words.setText(words.format(rows=count, ms=took, version=scored.version))

    def _fill(self) -> None:
        if self._scored is None:
            return
        clear(self._table_place)
        self.table: RowView = answered_rows(self._scored, every_class=self.every_class.isChecked())
        self.table.copied.connect(self._show_copied)
        self._table_place.addWidget(self.table)

    def _show_copied(self, copied: int, selected: int) -> None:
        if copied < selected:
            words = tr("The first {n} of {total} selected rows were copied.")
            self.outcome.say(
                words.format(n=number(copied), total=number(selected)), tr("Save them as a file to have them all.")
            )

    def ask_save(self) -> None:
        """Ask where the answers are saved, and as what."""
        scored = self._scored
        if scored is None:
            return
        source = self._source
        folder = source.parent if isinstance(source, Path) else Path.home()
        stem = scored.model if source is None else Path(scored.table.name).stem
        called = tr("{table} with answers.xlsx").format(table=printable(stem))
        ask_where_to_save(self, tr("Save the answers"), folder / called, lambda file: self.save(scored, file))

    def save(self, scored: ScoredRows, file: Path) -> None:
        """Save the answers to ``file``, which may be overwritten."""

        def work(progress: Progress, cancel: CancelToken) -> SavedRows:
            from kronkers_studio.workflows.scored_files import save_scored_rows

            return save_scored_rows(scored, file, overwrite=True, progress=progress, cancel=cancel)

        def failed(error: StudioError) -> None:
            self.save_button.setEnabled(True)
            if isinstance(error, Cancelled):
                self.outcome.say(tr("Cancelled. Nothing was saved."))
            else:
                self.outcome.show_error(error)

        self.save_button.setEnabled(False)
        title = tr("Saving {file}").format(file=file.name)
        self._studio.do(title, work, done=self._show_saved, failed=failed, owner=self)

    def _show_saved(self, saved: SavedRows) -> None:
        self.save_button.setEnabled(True)
        words = tr("Saved {rows} to {file}.").format(rows=rows_words(saved.rows), file=saved.file.name)
        remarks = [tr("In {folder}").format(folder=home_short(saved.file.parent))]
        if not saved.complete:
            remarks.append(tr("The table is incomplete: the rows after them have no answer."))
        if saved.guarded:
            guarded = counted(saved.guarded, tr("{n} text begins"), tr("{n} texts begin"))
            remarks.append(tr("{texts} like a formula and got an apostrophe before it.").format(texts=guarded))
        folder = QUrl.fromLocalFile(str(saved.file.parent))
        show = (tr("Open folder"), lambda: QDesktopServices.openUrl(folder))
        self.outcome.say(words, "\n".join(remarks), "ok" if saved.complete else "warn", action=show)


def rows_words(rows: int) -> str:
    """ "1 row", "2,000 rows"."""
    return counted(rows, tr("{n} row"), tr("{n} rows"))

"""What came of bringing a folder in: figures that add up, what changed, and everything left out by name and reason."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.destinations import ShowChanges, ShowContent
from kronkers_studio.desktop.difference_rows import tree_words
from kronkers_studio.desktop.file_icons import path_icon
from kronkers_studio.desktop.localization import counted, file_size, number, path_words, tr
from kronkers_studio.desktop.look.tokens import GAP, Tone
from kronkers_studio.desktop.offers.content import change_actions, found_actions
from kronkers_studio.desktop.panels.change_list import ChangeList
from kronkers_studio.desktop.panels.plan import skip_words
from kronkers_studio.desktop.row_menus import give_menu
from kronkers_studio.desktop.widgets.cards import Card, FigureCard, clear, row_of
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.states import EmptyState, Notice
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.widgets.views import Views
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import SkippedItem
from kronkers_studio.domain.differences import ChangeKind, EntryChange, TreeDifference
from kronkers_studio.domain.migration import MigrationResult

_NAMED = 3  # renamed files that are named


class OutcomePanel(QWidget):
    """Shows a ``MigrationResult``. ``wanted`` carries what is to be done with a file, or where to go on."""

    wanted = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None, *, leads_on: bool = True) -> None:
        """With ``leads_on`` it is left for what it shows; else, as in the guide, nothing in it leads away."""
        super().__init__(parent)
        self._leads_on = leads_on
        self._result: MigrationResult | None = None
        self._folder: Path | None = None
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GAP)
        self.files = FigureCard(tr("Files kept"))
        self.new = FigureCard(tr("Added to the workspace"))
        self.unread = FigureCard(tr("Read"))
        self.left = FigureCard(tr("Left out"))
        whole.addLayout(row_of(self.files, self.new, self.unread, self.left))
        self.sum = label("", "muted", wrap=True)
        whole.addWidget(self.sum)
        self.notice = Notice()
        whole.addWidget(self.notice)
        self.changes = ChangeList(studio)
        self.table: Table[SkippedItem] = Table(tr("Left out, and why"), _columns())
        if leads_on:
            self.changes.opened.connect(lambda change: self.wanted.emit(self._way_to(change)))
            self.changes.give_menu(self._change_actions, self.wanted.emit)
            give_menu(self.table, self._left_actions, self.wanted.emit)
        self._nothing = QWidget()
        self._room = QVBoxLayout(self._nothing)
        self._room.setContentsMargins(0, 0, 0, 0)
        self.views = Views(
            {"changes": lambda: self.changes, "left": lambda: self.table, "nothing": lambda: self._nothing}
        )
        self._card = Card(tr("What came of it"))
        self.sides = FilterPills([("changes", tr("What changed")), ("left", tr("Left out"))], tr("Show"))
        self.sides.chosen.connect(self._show_side)
        self.summary = label("", "caption")
        self._card.add_to_head(self.summary, self.sides)
        self._card.body.addWidget(self.views, 1)
        whole.addWidget(self._card, 1)

    def show_result(
        self, result: MigrationResult, changes: TreeDifference | None = None, folder: Path | None = None
    ) -> None:
        """Show what the run did: ``changes`` to the version before, if there was one; ``folder`` is what was read."""
        self._result, self._folder = result, folder
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
        self.sum.setText(sum_words(result))
        self.sum.setVisible(bool(self.sum.text()))
        self._say(result)
        ordered = sorted(result.skipped, key=lambda item: (item.reason.expected, item.path))
        self.table.content.show_rows(ordered)
        told = [each for each in changes.changes if each.kind is not ChangeKind.TOUCHED] if changes is not None else []
        self.changes.show_changes(told)
        self.summary.setText(tree_words(changes) if changes is not None else "")
        self.sides.setVisible(bool(told and ordered))
        if told:
            self.sides.select("changes")
            self._show_side("changes")
        elif ordered:
            self.sides.select("left")
            self._show_side("left")
        else:
            self._show_nothing()

    def _say(self, result: MigrationResult) -> None:
        if not result.changed:
            self.notice.say(
                tr("Nothing had changed since the last time."),
                tr("The project stays as it was, and so does its history."),
            )
        elif result.folded or result.renamed:
            self.notice.say(_folded_words(result), _renamed_words(result), "ok")
        else:
            self.notice.clear()

    def _show_side(self, key: str) -> None:
        self._card.set_heading(tr("What changed") if key == "changes" else tr("Left out, and why"))
        self.summary.setVisible(key == "changes")
        self.views.show_view(key)

    def _show_nothing(self) -> None:
        """Neither changes to be told of, nor anything left out."""
        clear(self._room)
        words = tr("Nothing was left out. The folder itself was not touched.")
        look = tr("Look at it in Files & history") if self._leads_on else ""
        self._room.addWidget(EmptyState("done", tr("Everything is in"), words, look, self._look))
        self._card.set_heading("")
        self.summary.setVisible(False)
        self.views.show_view("nothing")

    def _look(self) -> None:
        if self._result is not None:
            self.wanted.emit(ShowContent(self._result.project, branch=self._result.branch))

    # What can be done with a row

    def _way_to(self, change: EntryChange) -> ShowChanges:
        result = self._result
        assert result is not None  # noqa: S101 — what is listed is of one
        return ShowChanges(result.project, change.path, result.branch, self._beside(result))

    def _change_actions(self, change: EntryChange) -> Sequence[Action]:
        result = self._result
        if result is None:
            return ()
        place = self._folder / change.path if self._folder is not None else None
        return change_actions(result.project, result.branch, self._beside(result), change.path, place)

    def _left_actions(self, item: SkippedItem) -> Sequence[Action]:
        return found_actions(item.path, self._folder / item.path if self._folder is not None else None)

    @staticmethod
    def _beside(result: MigrationResult) -> str:
        """What the new version is to be compared with: "" where that is the one before it, as is usual."""
        return "" if result.commit.parents[:1] == (result.before,) else result.before


def sum_words(result: MigrationResult) -> str:
    """ "78 found = 69 kept + 4 kept as older versions + 5 left out"; "" where nothing had to be looked through."""
    if not result.found:
        return ""
    parts = [
        tr("{n} kept").format(n=number(result.kept)),
        tr("{n} kept as older versions of other files").format(n=number(result.as_versions))
        if result.as_versions
        else "",
        tr("{n} left out").format(n=number(len(result.skipped))) if result.skipped else "",
    ]
    words = tr("{n} found = {parts}").format(n=number(result.found), parts=" + ".join(filter(None, parts)))
    besides = result.files - result.kept
    if besides > 0:
        one, many = tr("; the project holds {n} more file"), tr("; the project holds {n} more files")
        words += counted(besides, one, many) + tr(", of other folders or of versions before")
    return f"{words}."


def _folded_words(result: MigrationResult) -> str:
    if not result.folded:
        return tr("Files that lie elsewhere now were recognised.")
    copies = sum(each.source != each.path for each in result.folded)
    made = counted(
        copies,
        tr("{n} copy that OneDrive made when two people saved is now an older version"),
        tr("{n} copies that OneDrive made when two people saved are now older versions"),
    )
    files = counted(len({each.path for each in result.folded}), tr("{n} file"), tr("{n} files"))
    words = tr("{versions} of {files}; what has the plain name stays current.")
    return words.format(versions=made, files=files)


def _renamed_words(result: MigrationResult) -> str:
    """The first few of the files that lie elsewhere now."""
    named = [f"{path_words(each.old)} → {path_words(each.new)}" for each in result.renamed[:_NAMED]]
    more = [tr("{n} more").format(n=number(len(result.renamed) - _NAMED))] if len(result.renamed) > _NAMED else []
    return tr("Renamed: {names}").format(names=", ".join([*named, *more])) if named else ""


def _path(row: SkippedItem) -> str:
    return path_words(row.path)


def _columns() -> list[Column[SkippedItem]]:
    return [
        Column(tr("Folder or file"), _path, stretch=2, middle=True, icon=lambda row: path_icon(row.path)),
        Column(tr("Why"), skip_words, stretch=3),
        Column(
            tr("State"),
            lambda row: tr("As expected") if row.reason.expected else tr("Needs a look"),
            130,
            pill=lambda row: "plain" if row.reason.expected else "warn",
        ),
    ]

"""What was found in a folder and what will become of each thing: four figures, the choices, and one long table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QRect, QTimer, Signal
from PySide6.QtGui import QPainter, QPen
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.actions import Action
from kronkers_studio.desktop.file_icons import kind_icon
from kronkers_studio.desktop.localization import counted, file_size, number, path_words, tr
from kronkers_studio.desktop.look import theme
from kronkers_studio.desktop.look.tokens import GAP, Tone
from kronkers_studio.desktop.offers.content import found_actions
from kronkers_studio.desktop.panels.choices import ChoicesCard
from kronkers_studio.desktop.row_menus import give_menu
from kronkers_studio.desktop.widgets.cards import Card, FigureCard, row_of
from kronkers_studio.desktop.widgets.fields import LineField
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.desktop.work.studio import Studio
from kronkers_studio.domain.content import SkippedItem, SkipReason
from kronkers_studio.domain.migration import Decision, MigrationOptions, MigrationPlan, OnlineOnly

if TYPE_CHECKING:
    from kronkers_studio.desktop.plan_rows import PlanFigures, PlanGroup, PlanOrder, PlanRow, PreparedPlan

_INDENT = 20  # pixels of a conflict copy below its original
_LOOKED_THROUGH = 12  # rows from which on looking for one is worth the room
_PAUSE_MS = 120  # in typing, before what was typed is looked for
_SORTED: dict[int, tuple[PlanOrder, PlanOrder]] = {0: ("path", "-path"), 2: ("-size", "size")}


class PlanPanel(QWidget):
    """Shows a plan; nothing is copied by it. ``rules_wanted`` asks for rules, ``changed`` tells of other choices,
    ``wanted`` carries what is to be done with a row."""

    rules_wanted = Signal()
    changed = Signal()
    wanted = Signal(object)

    def __init__(self, studio: Studio, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._studio = studio
        self._shown: PreparedPlan | None = None
        self._asked = 0
        self._order: PlanOrder = ""
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(GAP)
        self.files = FigureCard(tr("Files found"))
        self.keep = FigureCard(tr("New to keep"))
        self.models = FigureCard(tr("Models"))
        self.decide = FigureCard(tr("Need a decision"))
        whole.addLayout(row_of(self.files, self.keep, self.models, self.decide))
        self.choices = ChoicesCard()
        self.choices.chosen.connect(self._choose)
        self.choices.rules_wanted.connect(self.rules_wanted)
        whole.addWidget(self.choices)
        whole.addWidget(self._found_card(), 1)
        self._typed = QTimer(self, singleShot=True, interval=_PAUSE_MS)
        self._typed.timeout.connect(self.arrange)
        self.words.textChanged.connect(lambda _words: self._typed.start())

    def _found_card(self) -> Card:
        card = Card(tr("What was found"))
        self.filter = FilterPills(
            [
                ("all", tr("All")),
                ("fresh", tr("New and changed")),
                ("models", tr("Models")),
                ("data", tr("Data")),
                ("code", tr("Code")),
                ("decide", tr("Needs a decision")),
                ("out", tr("Left out")),
            ],
            tr("Show"),
        )
        self.filter.chosen.connect(self.arrange)
        card.add_to_head(self.filter)
        self.words = LineField(tr("Find in what was found"), placeholder=tr("Find a file or folder"))
        self.counted = label("", "caption")
        self._tools = QWidget()
        tools = QHBoxLayout(self._tools)
        tools.setContentsMargins(0, 0, 0, 0)
        tools.setSpacing(12)
        tools.addWidget(self.words, 1)
        tools.addWidget(self.counted)
        card.body.addWidget(self._tools)
        columns = found_columns(self._options, self._is_undecided)
        self.table: Table[PlanRow] = Table(tr("What was found"), columns, sortable=True)
        self.table.sort_wanted.connect(self._sort_by_column)
        give_menu(self.table, self._actions, self.wanted.emit)
        card.body.addWidget(self.table, 1)
        return card

    def _actions(self, row: PlanRow) -> Sequence[Action]:
        plan = self._shown.plan if self._shown is not None else None
        place = Path(plan.folder) / row.path if plan is not None else None
        return found_actions(row.path, place)

    @property
    def prepared(self) -> PreparedPlan | None:
        """What is shown."""
        return self._shown

    @property
    def plan(self) -> MigrationPlan | None:
        """The plan with the choices made here, also with one whose effect is still being worked out."""
        if self._shown is None:
            return None
        plan, choices = self._shown.plan, self.choices
        options = replace(plan.options, online_only=choices.online_only, fold_conflicts=choices.fold_conflicts)
        return plan if options == plan.options else replace(plan, options=options)

    def show_plan(self, prepared: PreparedPlan) -> None:
        """Show a plan, everything first."""
        self._asked += 1
        self._order = ""
        self.words.blockSignals(True)
        self.words.clear()
        self.words.blockSignals(False)
        self._tools.setVisible(len(prepared.rows) >= _LOOKED_THROUGH)
        self.filter.show_option("fresh", prepared.again)
        self.filter.select("all")
        self.choices.ask_anew()
        self._show(prepared)
        self._show_rows(prepared.rows)

    def arrange(self) -> None:
        """Show the rows of the chosen group that hold the words, in the chosen order."""
        shown = self._shown
        if shown is None:
            return
        self._asked += 1
        asked, group, words, order = self._asked, cast("PlanGroup", self.filter.key), self.words.text(), self._order

        def work(*_: object) -> Sequence[PlanRow]:
            from kronkers_studio.desktop.plan_rows import arrange_rows

            return arrange_rows([*shown.rows, *shown.gone] if group == "fresh" else shown.rows, group, words, order)

        def show(rows: Sequence[PlanRow]) -> None:
            if asked == self._asked:
                self._show_rows(rows)

        self._studio.runner.run("arrange", work, done=show, owner=self, shown=False)

    def _choose(self) -> None:
        """Show what another choice makes of the plan."""
        shown = self._shown
        if shown is None:
            return
        online_only, fold = self.choices.online_only, self.choices.fold_conflicts

        def work(*_: object) -> PreparedPlan:
            from kronkers_studio.desktop.plan_rows import prepare
            from kronkers_studio.workflows.plans import with_choices

            return prepare(with_choices(shown.plan, online_only=online_only, fold_conflicts=fold))

        def show(prepared: PreparedPlan) -> None:
            if self._shown is shown and (online_only, fold) == (self.choices.online_only, self.choices.fold_conflicts):
                self._show(prepared)
                self.arrange()
                self.changed.emit()

        self._studio.runner.run("choose", work, done=show, owner=self, shown=False)

    def _sort_by_column(self, position: int) -> None:
        """First the usual way, then the other one, then as it was found."""
        if position in _SORTED:
            usual, other = _SORTED[position]
            self._order = usual if self._order not in (usual, other) else other if self._order == usual else ""
            self.arrange()

    def _options(self) -> MigrationOptions:
        return self._shown.plan.options if self._shown is not None else MigrationOptions()

    def _is_undecided(self, question: str) -> bool:
        return self._shown is not None and not self._shown.figures.is_decided(question, self.choices.answered)

    # Showing

    def _show(self, prepared: PreparedPlan) -> None:
        self._shown = prepared
        figures = prepared.figures
        self.files.show_figure(number(figures.found), file_size(figures.found_size), "accent")
        self.keep.show_figure(file_size(figures.new_size), _keep_words(figures), "ok" if figures.kept else "warn")
        ready = counted(figures.models_ready, tr("{n} can be packaged"), tr("{n} can be packaged"))
        self.models.show_figure(number(figures.models), ready if figures.models_ready else "", "ok")
        undecided, decided = figures.undecided(self.choices.answered), figures.decided(self.choices.answered)
        words = counted(decided, tr("{n} decided"), tr("{n} decided")) if decided else ""
        tone: Tone = "warn" if undecided else "ok"
        if undecided or not words:
            words = _decide_words(figures, self._is_undecided)
        self.decide.show_figure(number(undecided), words, tone)
        self.choices.show_choices(prepared.plan, figures)

    def _show_rows(self, rows: Sequence[PlanRow]) -> None:
        self.table.content.show_rows(rows)
        self.table.scrollToTop()
        position = next((at for at, orders in _SORTED.items() if self._order in orders), -1)
        self.table.show_sorted(position, descending=self._order.startswith("-"))
        whole = self._shown.figures.found if self._shown is not None else 0
        words = counted(whole, tr("{n} file"), tr("{n} files"))
        shown = tr("{n} of {whole}").format(n=number(len(rows)), whole=words)
        if self.filter.key == "fresh":
            gone = sum(row.gone for row in rows)
            shown = counted(len(rows) - gone, tr("{n} new or changed"), tr("{n} new or changed"))
            shown += counted(gone, tr(", {n} gone"), tr(", {n} gone")) if gone else ""
        self.counted.setText(words if len(rows) == whole and self.filter.key != "fresh" else shown)


def _keep_words(figures: PlanFigures) -> str:
    if not figures.kept:
        return tr("nothing to keep")
    if figures.duplicates:
        return tr("{size} are duplicates").format(size=file_size(figures.duplicates_size))
    if figures.unchanged:
        return counted(figures.unchanged, tr("{n} is unchanged"), tr("{n} are unchanged"))
    return tr("all new")


def _decide_words(figures: PlanFigures, undecided: Callable[[str], bool]) -> str:
    copies = figures.copies if undecided("copies") else 0
    online_only = figures.online_only if undecided("cloud") else 0
    parts = [
        counted(copies, tr("{n} copy"), tr("{n} copies")) if copies else "",
        counted(online_only, tr("{n} online-only"), tr("{n} online-only")) if online_only else "",
        counted(figures.unread, tr("{n} unread"), tr("{n} unread")) if figures.unread else "",
        counted(figures.unusual, tr("{n} unusual name"), tr("{n} unusual names")) if figures.unusual else "",
    ]
    return ", ".join(part for part in parts if part) or tr("nothing in doubt")


def found_columns(
    options: Callable[[], MigrationOptions], undecided: Callable[[str], bool] = lambda _question: True
) -> list[Column[PlanRow]]:
    """The columns of a table of found things; ``options`` gives what is chosen now, ``undecided`` whether one of
    ``plan_rows.QUESTIONS`` is still open."""
    return [
        Column(
            tr("Folder or file"),
            lambda row: path_words(row.path),
            stretch=6,
            middle=True,
            icon=lambda row: kind_icon(row.item.kind),
            hint=lambda row: row.path,
            lead=_draw_below,
        ),
        Column(tr("What it is"), _what, stretch=4),
        Column(tr("Size"), _size, 92, right=True),
        Column(
            tr("Will be"),
            lambda row: _fate(row, options(), undecided)[0],
            116,
            pill=lambda row: _fate(row, options(), undecided)[1],
        ),
        Column(
            tr("Why"),
            lambda row: _why(row, options()),
            stretch=4,
            muted=True,
            hint=lambda row: _all_of_why(row, options()),
        ),
    ]


def skip_words(item: SkippedItem) -> str:
    """Why something was left out, as a sentence."""
    if item.detail:
        return item.detail
    words = {
        SkipReason.LOCK_FILE: tr("Lock file of an open document"),
        SkipReason.SYSTEM_FILE: tr("Written by the system, not content"),
        SkipReason.PLACEHOLDER: tr("Only online: not on this computer"),
        SkipReason.NO_PERMISSION: tr("You may not read it"),
        SkipReason.VANISHED: tr("It vanished meanwhile"),
        SkipReason.CHANGED_WHILE_READ: tr("It changed while it was read"),
        SkipReason.NOT_UTF8: tr("Its name cannot be read as text"),
        SkipReason.NAME_CLASH: tr("Two names differ only in case"),
        SkipReason.NAME_TOO_LONG: tr("Its name is too long"),
        SkipReason.SPECIAL_FILE: tr("A device or pipe, not a file"),
        SkipReason.READ_ERROR: tr("It could not be read"),
        SkipReason.EXCLUDED: tr("Excluded by a rule"),
    }
    return words[item.reason]


def _draw_below(painter: QPainter, rect: QRect, row: PlanRow) -> int:
    """An elbow from the original down to its conflict copy."""
    if not row.item.conflict_of:
        return 0
    painter.save()
    painter.setPen(QPen(theme.current().colour("muted"), 1))
    left, middle = rect.left() + 5, rect.center().y()
    painter.drawLine(left, rect.top(), left, middle)
    painter.drawLine(left, middle, left + 8, middle)
    painter.restore()
    return _INDENT


def _what(row: PlanRow) -> str:
    item = row.item
    if item.conflict_of:
        return ", ".join(part for part in (tr("Copy made by OneDrive"), item.differences) if part)
    if item.online_only:
        return tr("{what}, only in the cloud").format(what=item.description)
    return item.description or (skip_words(row.skipped) if row.skipped is not None else "")


def _size(row: PlanRow) -> str:
    return "–" if row.gone or (row.skipped is not None and not row.item.size) else file_size(row.item.size)


def _fate(row: PlanRow, options: MigrationOptions, undecided: Callable[[str], bool]) -> tuple[str, Tone]:
    item = row.item
    if row.gone:
        return tr("Gone"), "bad"
    if item.decision is Decision.LEAVE_OUT:
        return (tr("Not read"), "bad") if row.unread else (tr("Left out"), "plain")
    if item.online_only:
        skipped: Tone = "warn" if undecided("cloud") else "plain"
        return (tr("Fetched"), "accent") if options.online_only is OnlineOnly.FETCH else (tr("Skipped"), skipped)
    if item.conflict_of and options.fold_conflicts:
        return tr("A version"), "ok"
    if undecided("copies") if item.conflict_of else item.decision is Decision.DECIDE:
        return tr("Kept, decide"), "warn"
    return (tr("Unchanged"), "accent") if item.unchanged else (tr("Kept"), "ok")


def _why_a_copy(row: PlanRow, *, fold: bool) -> str:
    if fold:
        newer, older = tr("Newer than {file}, becomes an older version"), tr("Becomes an older version of {file}")
    else:
        newer, older = tr("Newer than {file}: which is right?"), tr("An older version of {file}?")
    return (newer if row.newer else older).format(file=_name(row.item.conflict_of))


def _why(row: PlanRow, options: MigrationOptions) -> str:
    item = row.item
    if row.gone or item.decision is Decision.LEAVE_OUT:
        return tr("Not in the folder any more; older versions keep it") if row.gone else _why_left_out(row)
    if item.online_only:
        fetched = options.online_only is OnlineOnly.FETCH
        return tr("Bringing it in downloads it") if fetched else tr("Fetch it, or leave it out")
    if item.conflict_of:
        return _why_a_copy(row, fold=options.fold_conflicts)
    if item.why:
        return item.why
    if item.duplicate_of:
        return tr("Same content as {file}, stored once").format(file=path_words(item.duplicate_of))
    return tr("Was {file}").format(file=path_words(item.renamed_from)) if item.renamed_from else ""


def _all_of_why(row: PlanRow, options: MigrationOptions) -> str:
    why = _why(row, options)
    return f"{why}\n{row.item.why}" if row.item.why and row.item.why != why and not row.item.conflict_of else why


def _why_left_out(row: PlanRow) -> str:
    if row.item.why:
        return row.item.why
    return tr("Bring the folder in again once it can be read") if row.unread else tr("Not content")


def _name(path: str) -> str:
    return path.rpartition("/")[2]

"""What two versions answered to the same rows: the sentence, what changed into what, and the rows that changed most."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from kronkers_studio.desktop.localization import counted, number, tr
from kronkers_studio.desktop.look.tokens import GAP
from kronkers_studio.desktop.panels.single_reply import answer_words
from kronkers_studio.desktop.widgets.bars import Bar, Bars
from kronkers_studio.desktop.widgets.cards import clear
from kronkers_studio.desktop.widgets.labels import label
from kronkers_studio.desktop.widgets.states import EmptyState
from kronkers_studio.desktop.widgets.tables import Column, Table
from kronkers_studio.domain.row_comparison import Bin, ByTruth, ComparedMetric, ComparedRows, RowComparison
from kronkers_studio.domain.row_tables import Cell, cell_words

MOST_SHOWN = 5000
"""Rows that are shown, those that changed most; all of them are saved."""
_MOST_PAIRS = 10
_MOST_OWN = 30  # columns of a person's own that are shown beside the answers
_ANSWER, _CHANGE, _OWN, _ROW = 120, 110, 110, 64  # pixels of columns
_LONGEST = 30  # letters of a class in a pair
_BARS = 400  # pixels that the bars have at least


class AnswerComparison(QWidget):
    """``table`` has the rows that changed, those that changed most first; a click on a title sorts them."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.compared: ComparedRows | None = None
        self.table: Table[int] | None = None
        self._sorted: tuple[int, bool] = (-1, True)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(10)
        self.sentence = label("", "name", wrap=True)
        self.verdict = label("", wrap=True)
        self._column.addWidget(self.sentence)
        self._column.addWidget(self.verdict)
        self._below = QHBoxLayout()
        self._below.setSpacing(GAP + 8)
        self._column.addLayout(self._below, 1)
        self.remarks = label("", "caption", wrap=True)
        self._column.addWidget(self.remarks)

    def show_compared(self, compared: ComparedRows) -> None:
        """Show all of it."""
        self.compared, told = compared, compared.comparison
        self.sentence.setText(alike_words(told))
        self.verdict.setText(told.truth.sentence if told.truth is not None else "")
        self.verdict.setVisible(told.truth is not None)
        self.remarks.setText("\n".join([_time_words(told), *told.remarks]))
        clear(self._below)
        self._sorted = (-1, True)
        left = self._figures(compared)
        if told.differing:
            self._below.addWidget(left, 2)
            self._below.addWidget(self._rows(compared), 3)
            return
        self.table = None
        words = tr("Every row of {table} gets the same answer from both.").format(table=told.table)
        self._below.addWidget(EmptyState("check", tr("No answer changed"), words), 3)
        if told.truth is not None:
            self._below.addWidget(left, 2)

    def sort(self, position: int) -> None:
        """Sort the rows by the column at ``position``: the other way round when they were sorted by it."""
        compared, table = self.compared, self.table
        if compared is None or table is None:
            return
        was, descending = self._sorted
        self._sorted = (position, not descending if position == was else False)
        key = _keys(compared)[position]
        table.content.show_rows(sorted(compared.order[:MOST_SHOWN], key=key, reverse=self._sorted[1]))
        table.show_sorted(position, descending=self._sorted[1])

    def _figures(self, compared: ComparedRows) -> QWidget:
        """Left: what changed into what, or how far numbers moved; and which is better."""
        told = compared.comparison
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        whole.setMinimumWidth(_BARS)
        if told.differing and told.numbers is not None:
            column.addWidget(label(tr("By how much the answers changed"), "heading"))
            self.bars = Bars(tr("By how much the answers changed"))
            self.bars.show_bars(_histogram(told.numbers.bins))
            column.addWidget(self.bars)
            column.addWidget(label(_number_words(told), "muted", wrap=True))
        elif told.differing:
            column.addWidget(label(tr("What changed into what"), "heading"))
            self.bars = Bars(tr("What changed into what"))
            self.bars.show_bars(*_pairs(told))
            column.addWidget(self.bars)
            if told.chances is not None:
                column.addWidget(label(_chance_words(told), "muted", wrap=True))
        if told.truth is not None:
            column.addSpacing(8)
            column.addWidget(label(tr("By {column}").format(column=told.truth.column), "heading"))
            column.addWidget(_metrics(told, told.truth))
        column.addStretch(1)
        return whole

    def _rows(self, compared: ComparedRows) -> QWidget:
        """Right: the rows that changed."""
        told = compared.comparison
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        title = tr("Rows that changed, the most first")
        column.addWidget(label(title, "heading"))
        if told.differing > MOST_SHOWN:
            some = tr("{n} of {total} are shown; all are saved.")
            words = some.format(n=number(MOST_SHOWN), total=number(told.differing))
            column.addWidget(label(words, "caption"))
        self.table = Table(title, _columns(compared), sortable=True, wide=True)
        self.table.content.show_rows(compared.order[:MOST_SHOWN])
        self.table.sort_wanted.connect(self.sort)
        column.addWidget(self.table, 1)
        self._sorted = (len(_answers(told)), True)
        return whole


def alike_words(told: RowComparison) -> str:
    """ "They answer alike for 172 of 178 rows (96.6 %)."; never 100 % where some differ."""
    if not told.differing:
        return tr("They answer alike for all {rows}.").format(rows=_rows_words(told.rows))
    if not told.alike:
        return tr("They answer none of {rows} alike.").format(rows=_rows_words(told.rows))
    share = min(99.9, told.share * 100)
    words = tr("They answer alike for {alike} of {rows} ({share} %).")
    return words.format(alike=number(told.alike), rows=_rows_words(told.rows), share=number(share, 1))


def _rows_words(rows: int) -> str:
    return counted(rows, tr("{n} row"), tr("{n} rows"))


def _time_words(told: RowComparison) -> str:
    words = tr("{table} · {left} took {first} ms, {right} {second} ms")
    first, second = number(told.left_milliseconds, 1), number(told.right_milliseconds, 1)
    return words.format(table=told.table, left=told.left, first=first, right=told.right, second=second)


def _pairs(told: RowComparison) -> tuple[list[Bar], str]:
    """The pairs of answers that differ, the most frequent first, and how many are left out."""
    pairs = [each for each in told.transitions if each.before != each.after]
    most = max((each.rows for each in pairs), default=1)
    bars = [
        Bar(
            tr("{before} → {after}").format(before=_short(each.before), after=_short(each.after)),
            each.rows / most,
            _rows_words(each.rows),
        )
        for each in pairs[:_MOST_PAIRS]
    ]
    more = len(pairs) - _MOST_PAIRS
    return bars, counted(more, tr("… {n} more pair"), tr("… {n} more pairs")) if more > 0 else ""


def _short(name: str) -> str:
    shown = name or tr("(none)")
    return shown if len(shown) <= _LONGEST else f"{shown[: _LONGEST - 1]}…"


def _histogram(bins: Sequence[Bin]) -> list[Bar]:
    most = max((each.rows for each in bins), default=1)
    words = tr("{low} to {high}")
    return [
        Bar(
            words.format(low=answer_words(each.low), high=answer_words(each.high)),
            each.rows / most,
            _rows_words(each.rows),
        )
        for each in bins
    ]


def _number_words(told: RowComparison) -> str:
    change = told.numbers
    if change is None:
        return ""
    words = tr("{right} less {left}: {mean} on average, {median} in the middle, {largest} at most.")
    return words.format(
        left=told.left,
        right=told.right,
        mean=answer_words(change.mean),
        median=answer_words(change.quantiles["0.5"]),
        largest=answer_words(change.largest),
    )


def _chance_words(told: RowComparison) -> str:
    change = told.chances
    if change is None:
        return ""
    words = tr("A probability changed by {largest} points at most (row {row}), by {mean} on average.")
    mean, largest = number(change.mean * 100, 1), number(change.largest * 100, 1)
    return words.format(largest=largest, row=number(change.row), mean=mean)


def _metrics(told: RowComparison, truth: ByTruth) -> Table[ComparedMetric]:
    def value(each: float | None) -> str:
        return "–" if each is None else answer_words(each)

    table: Table[ComparedMetric] = Table(
        tr("Which is better"),
        [
            Column(tr("Metric"), lambda row: row.name),
            Column(told.left, lambda row: value(row.left), _ANSWER, right=True),
            Column(told.right, lambda row: value(row.right), _ANSWER, right=True),
        ],
    )
    table.content.show_rows(truth.metrics)
    table.fit_rows(len(truth.metrics))
    return table


# ---- the rows that changed ----


def _answers(told: RowComparison) -> list[str]:
    return [tr("Row"), told.left, told.right]


def _columns(compared: ComparedRows) -> list[Column[int]]:
    told, table = compared.comparison, compared.table

    def own(place: int) -> Callable[[int], str]:
        return lambda row: cell_words(table.rows[row][place])

    figures = told.numbers is not None
    columns: list[Column[int]] = [
        Column(tr("Row"), lambda row: number(row + 1), _ROW, right=True, muted=True),
        Column(told.left, lambda row: answer_words(compared.left[row]), _ANSWER, right=figures),
        Column(told.right, lambda row: answer_words(compared.right[row]), _ANSWER, right=figures),
        Column(tr("Change"), lambda row: _size_words(told, compared.sizes[row]), _CHANGE, right=True),
    ]
    for place, name in enumerate(table.columns[:_MOST_OWN]):
        columns.append(Column(name.strip() or f"{place + 1}", own(place), _OWN, muted=True))
    return columns


def _size_words(told: RowComparison, size: float) -> str:
    if math.isnan(size):
        return "–"
    if told.numbers is not None:
        return f"+{answer_words(size)}" if size > 0 else answer_words(size)
    return tr("{n} points").format(n=number(size * 100, 1))


def _keys(compared: ComparedRows) -> list[Callable[[int], tuple[float, str]]]:
    """How rows are sorted by each column: numbers by size, before texts."""

    def of(cell: Callable[[int], Cell]) -> Callable[[int], tuple[float, str]]:
        def key(row: int) -> tuple[float, str]:
            value = cell(row)
            words = cell_words(value)
            try:
                found = float(words)
            except ValueError:
                found = math.nan
            return (math.inf, words) if math.isnan(found) else (found, words)

        return key

    def own(place: int) -> Callable[[int], Cell]:
        return lambda row: compared.table.rows[row][place]

    keys = [of(lambda row: row), of(lambda row: compared.left[row]), of(lambda row: compared.right[row])]
    keys.append(lambda row: (-math.inf if math.isnan(compared.sizes[row]) else abs(compared.sizes[row]), ""))
    return [*keys, *(of(own(place)) for place in range(min(_MOST_OWN, len(compared.table.columns))))]

"""100,000 rows feel like 100."""

from __future__ import annotations

from PySide6.QtGui import QFont, QFontMetrics
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.look import theme, tokens
from kronkers_studio.desktop.panels.plan import PlanPanel
from kronkers_studio.desktop.plan_rows import prepare
from kronkers_studio.desktop.widgets.pills import FilterPills
from kronkers_studio.desktop.widgets.tables import Column, RowsModel, Table
from kronkers_studio.desktop.work.studio import Studio
from tests.desktop.planned import plan_of_many


def test_filters_show_what_they_say(studio: Studio, qtbot: QtBot) -> None:
    panel = PlanPanel(studio)
    qtbot.addWidget(panel)
    panel.show_plan(prepare(plan_of_many(8)))
    counts = {}
    for key in ("all", "models", "data", "code", "decide", "out"):
        panel.filter.choose(key)
        qtbot.waitUntil(lambda: studio.runner.idle)
        counts[key] = panel.table.content.rowCount()
    assert counts == {"all": 10, "models": 2, "data": 2, "code": 2, "decide": 1, "out": 2}


def test_a_chosen_filter_has_room_for_its_heavier_words_and_none_moves(qtbot: QtBot) -> None:
    filters = FilterPills([("keep", "Keep as files"), ("fold", "Make earlier versions")], "Conflict copies")
    qtbot.addWidget(filters)
    filters.show()
    places = []
    for key in ("keep", "fold"):
        filters.choose(key)
        QApplication.processEvents()
        places.append([button.geometry() for button in filters._buttons.values()])
        button = filters._buttons[key]
        heavier = QFontMetrics(theme.font(tokens.TEXT, QFont.Weight.DemiBold))
        assert heavier.horizontalAdvance(button.text()) + 20 <= button.width()
    assert places[0] == places[1]


def test_pages_of_a_source_are_asked_for_only_as_they_come_into_view(qtbot: QtBot) -> None:
    asked: list[int] = []
    model: RowsModel[int] = RowsModel([Column("Number", str)])

    def fetch(offset: int) -> None:
        asked.append(offset)
        model.add_page(list(range(offset, offset + 100)), more=offset < 300)

    table: Table[int] = Table("Numbers", [Column("Number", str)])
    qtbot.addWidget(table)
    table.content.show_rows([])
    table.setModel(model)
    table.resize(300, 200)
    table.show()
    model.show_pages(fetch)
    QApplication.processEvents()
    assert asked == [0]
    table.scrollToBottom()
    QApplication.processEvents()
    assert asked == [0, 100]
    while model.canFetchMore():
        model.fetchMore()
    assert model.rowCount() == 400


def test_rows_are_34_pixels_high_and_columns_fill_the_width(qtbot: QtBot) -> None:
    table: Table[int] = Table("Numbers", [Column("Number", str, 90), Column("Words", str), Column("More", str)])
    qtbot.addWidget(table)
    table.content.show_rows(range(50))
    table.resize(500, 300)
    table.show()
    QApplication.processEvents()
    assert table.rowHeight(0) == 34
    widths = [table.columnWidth(position) for position in range(3)]
    assert widths[0] == 90
    assert table.viewport().width() - 2 <= sum(widths) <= table.viewport().width()


def test_a_column_for_which_there_is_no_room_is_left_out_and_the_others_take_it(qtbot: QtBot) -> None:
    columns: list[Column[int]] = [
        Column("What", str),
        Column("When", str, 90),
        Column("Files", str, 70, right=True, needs=400),
    ]
    table: Table[int] = Table("History", columns)
    qtbot.addWidget(table)
    table.show()
    shown = {}
    for width in (300, 600, 300):
        table.resize(width, 200)
        QApplication.processEvents()
        assert sum(table.columnWidth(at) for at in range(3)) == table.viewport().width()
        shown[width] = [not table.isColumnHidden(at) for at in range(3)]
    assert shown == {300: [True, True, False], 600: [True, True, True]}


def test_enter_and_double_click_open_a_row(qtbot: QtBot) -> None:
    from PySide6.QtCore import Qt

    table: Table[int] = Table("Numbers", [Column("Number", str)])
    qtbot.addWidget(table)
    table.content.show_rows([7, 8])
    table.show()
    opened: list[int] = []
    table.opened.connect(opened.append)
    table.choose(1)
    qtbot.keyClick(table, Qt.Key.Key_Return)
    assert opened == [8]
    assert table.chosen == 8


def test_a_page_that_was_asked_for_is_not_asked_for_again_before_it_came(qtbot: QtBot) -> None:
    asked: list[int] = []
    model: RowsModel[int] = RowsModel([Column("Number", str)])
    model.show_pages(asked.append)
    model.fetchMore()
    assert not model.canFetchMore()
    model.add_page([1, 2, 3], more=True)
    model.fetchMore()
    model.fetchMore()
    assert asked == [0, 3]

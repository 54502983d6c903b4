"""A look at any file of any version: its beginning, in the way that suits it, and kind words where there is none."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QLabel, QTableView
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.previews import (
    ImagePreview,
    NoPreview,
    NotebookPreview,
    Preview,
    TablePreview,
    TextPreview,
)
from kronkers_studio.formats import table_previews
from kronkers_studio.workflows import previews
from kronkers_studio.workflows.previews import preview_file
from kronkers_studio.workflows.session import Session, open_workspace
from tests.desktop.kinds import OpenWindow, Rest, the_page
from tests.desktop.versioned import commit_files

_NOTEBOOK = {
    "metadata": {"kernelspec": {"display_name": "Python 3"}},
    "cells": [
        {"cell_type": "markdown", "source": ["# Sales\n", "by month"]},
        {"cell_type": "code", "source": "print(1)", "outputs": [{"output_type": "stream", "text": ["1\n"]}]},
        {"cell_type": "code", "source": "plot()", "outputs": [{"data": {"text/plain": "<Figure>", "image/png": "…"}}]},
    ],
}


def _png() -> bytes:
    from PySide6.QtCore import QBuffer
    from PySide6.QtGui import QImage

    picture = QImage(40, 30, QImage.Format.Format_RGB32)
    picture.fill(0x336699)
    buffer = QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs want bytes, Qt wants a str
    return bytes(buffer.data().data())


def _files() -> dict[str, bytes]:
    import openpyxl
    import polars as pl

    parquet = io.BytesIO()
    pl.DataFrame({"id": range(1000), "name": ["x"] * 1000}).write_parquet(parquet)
    workbook = openpyxl.Workbook()
    workbook.worksheets[0].append(["region", "amount"])
    workbook.worksheets[0].append(["North", 12])
    workbook.create_sheet("Notes")
    excel = io.BytesIO()
    workbook.save(excel)
    return {
        "short.csv": b"month;amount\n1;10\n2;12,5\n",
        "long.csv": b"month,amount\n" + b"1,10\n" * 300_000,
        "ragged.csv": b"a,b\n1,2,3\n",
        "table.parquet": parquet.getvalue(),
        "book.xlsx": excel.getvalue(),
        "broken.parquet": b"PAR1 no",
        "broken.xlsx": b"no workbook",
        "model.py": "def größe():\n    return 1\n".encode(),
        "latin.txt": "größe\n".encode("cp1252"),
        "long.log": "ä line\n".encode() * 100_000,
        "note.ipynb": json.dumps(_NOTEBOOK).encode(),
        "broken.ipynb": b"{ no notebook",
        "chart.png": _png(),
        "broken.png": b"no picture",
        "model.bin": bytes(range(256)) * 10,
        "empty.csv": b"",
    }


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    from kronkers_studio.workflows.session import create_workspace

    folder = tmp_path_factory.mktemp("previews")
    opened, _ = create_workspace(folder / "workspace", key_file=folder / "key")
    commit_files(opened, _files(), "All kinds")
    yield opened
    opened.close()


@pytest.fixture
def look(session: Session) -> Callable[[str], Preview]:
    return lambda path: preview_file(session, "Team", "", path)


def test_a_short_table_is_shown_whole(look: Callable[[str], Preview]) -> None:
    both = frozenset({0, 1})
    assert look("short.csv") == TablePreview(("month", "amount"), (("1", "10"), ("2", "12,5")), True, 2, figures=both)
    assert look("ragged.csv") == TablePreview(("a", "b", ""), (("1", "2", "3"),), True, 1, figures=both | {2})


def test_of_a_long_table_the_first_rows_are_read_and_no_more(
    look: Callable[[str], Preview], session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    limits: list[int | None] = []
    content = type(session.workspace.content)
    read = content.read

    def counting(self: Any, entry: Any, limit: int | None = None) -> bytes:
        limits.append(limit)
        return read(self, entry, limit)

    monkeypatch.setattr(content, "read", counting)
    found = look("long.csv")
    assert isinstance(found, TablePreview)
    assert (len(found.rows), found.complete, found.total) == (table_previews.ROWS, False, None)
    assert limits == [previews.CSV_BYTES]


def test_parquet_and_excel_say_how_many_rows_there_are(look: Callable[[str], Preview]) -> None:
    parquet, excel = look("table.parquet"), look("book.xlsx")
    assert isinstance(parquet, TablePreview)
    assert isinstance(excel, TablePreview)
    assert (parquet.columns, len(parquet.rows), parquet.total) == (("id", "name"), table_previews.ROWS, 1000)
    assert (excel.columns, excel.rows, excel.sheets) == (("region", "amount"), (("North", "12"),), ("Sheet", "Notes"))


def test_texts_are_read_in_their_encoding_and_cut_at_a_lines_end(look: Callable[[str], Preview]) -> None:
    assert look("model.py") == TextPreview("def größe():\n    return 1\n", True, "UTF-8")
    assert look("latin.txt") == TextPreview("größe\n", True, "Windows-1252")
    long = look("long.log")
    assert isinstance(long, TextPreview)
    assert not long.complete
    assert set(long.text.splitlines()) == {"ä line"}


def test_a_notebook_is_its_cells_with_what_they_printed(look: Callable[[str], Preview]) -> None:
    found = look("note.ipynb")
    assert isinstance(found, NotebookPreview)
    assert [(cell.kind, cell.source, cell.output) for cell in found.cells] == [
        ("markdown", "# Sales\nby month", ""),
        ("code", "print(1)", "1"),
        ("code", "plot()", "<Figure>\n[image/png]"),
    ]
    assert look("broken.ipynb") == TextPreview("{ no notebook", True, "UTF-8")


@pytest.mark.parametrize("path", ["model.bin", "empty.csv", "broken.parquet", "broken.xlsx"])
def test_what_cannot_be_shown_says_why(look: Callable[[str], Preview], path: str) -> None:
    found = look(path)
    assert isinstance(found, NoPreview)
    assert found.reason.endswith(".")


def test_large_files_that_must_be_read_whole_are_left_alone(
    look: Callable[[str], Preview], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(previews, "WHOLE_BYTES", 50)
    assert isinstance(look("chart.png"), NoPreview)
    assert isinstance(look("table.parquet"), NoPreview)
    monkeypatch.undo()
    assert isinstance(look("chart.png"), ImagePreview)


def test_every_kind_is_shown_beside_the_history(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    from tests.desktop.accessible import unnamed, unreachable

    with open_workspace(workspace) as session:
        commit_files(session, _files(), "All kinds")
    window = open_main_window(workspace, page="registry")
    window.show()
    come_to_rest(window)
    browser = the_page(window, RegistryPage).browser
    entries = {entry.name: entry for entry in browser.table.content.rows}
    shown = {}
    for name, entry in entries.items():
        browser.open_entry(entry)
        come_to_rest(window)
        shown[name] = browser.preview.kind
        assert unnamed(browser) == [], name
        assert unreachable(browser) == [], name
    tables = dict.fromkeys(("short.csv", "long.csv", "ragged.csv", "table.parquet", "book.xlsx"), "table")
    texts = dict.fromkeys(("model.py", "latin.txt", "long.log", "broken.ipynb"), "text")
    nothing = dict.fromkeys(("broken.parquet", "broken.xlsx", "broken.png", "model.bin", "empty.csv"), "none")
    assert shown == tables | texts | nothing | {"note.ipynb": "notebook", "chart.png": "image"}

    browser.open_entry(entries["long.csv"])
    come_to_rest(window)
    assert "300,000 rows · 2 columns" in browser.preview.facts.text()
    assert browser.chosen == entries["long.csv"]
    assert any(found.text() == "long.csv" for found in browser.findChildren(QLabel))
    browser.open_folder("")
    come_to_rest(window)
    assert browser.views.shown == "folder"


def test_columns_of_figures_stand_at_the_right_and_are_never_cut(qtbot: QtBot) -> None:
    from kronkers_studio.desktop.panels.preview import _table_words
    from kronkers_studio.desktop.panels.table_preview import _rows_table

    figure, words = "-1.23456789012346E-123" * 3, "many words " * 30
    preview = TablePreview(
        ("amount", "name", "b"), ((figure, words, "x"), ("2", "y", "")), True, figures=frozenset({0}), width=99
    )
    table = _rows_table(Entry("a.csv", EntryKind.FILE), preview)
    qtbot.addWidget(table)
    amount, name, short = table.content.columns
    assert [column.right for column in (amount, name, short)] == [True, False, False]
    room = table.fontMetrics().horizontalAdvance(figure) + 16  # that a cell leaves at its sides
    assert amount.width >= room
    assert short.width < name.width < amount.width
    assert "first 3 of 99 columns" in _table_words(preview)


def test_where_two_scroll_bars_meet_nothing_is_drawn(
    open_main_window: OpenWindow, workspace: Path, come_to_rest: Rest
) -> None:
    wide = "\n".join(",".join([f"a longer cell {number}"] * 30) for number in range(100))
    with open_workspace(workspace) as session:
        commit_files(session, {"wide.csv": wide.encode()}, "A wide table")
    window = open_main_window(workspace, page="registry")
    window.show()
    come_to_rest(window)
    browser = the_page(window, RegistryPage).browser
    browser.open_entry(browser.table.content.rows[0])
    come_to_rest(window)
    table = browser.preview.findChild(QTableView)
    assert table is not None
    assert table.horizontalScrollBar().isVisible() and table.verticalScrollBar().isVisible()
    picture = table.grab().toImage()
    right, below = table.verticalScrollBar().width(), table.horizontalScrollBar().height()
    corner = [(picture.width() - x, picture.height() - y) for x in range(1, right + 1) for y in range(1, below + 1)]
    assert len({picture.pixel(x, y) for x, y in corner}) == 1

"""A whole table sorted, filtered and told of, however it is written; answers are bounded and checked."""

from __future__ import annotations

import io
from datetime import date, datetime
from typing import Any

import openpyxl
import polars as pl
import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.previews import ColumnFacts, ColumnType, TableQuery
from kronkers_studio.formats import table_messages as messages
from kronkers_studio.formats.table_previews import CELL, COLUMNS
from kronkers_studio.formats.table_reading import MOST_TOLD, MOST_VIEWED, TableReader
from kronkers_studio.formats.table_views import table_facts, table_view

CSV = (
    "id;name;amount;code\n"
    "1;Zoë;1.234,5;007\n"
    "2;anna;−2,5;010\n"
    "3;;10,0;003\n"
    "4;Bert;;\n"
    "5;anna;99,0;001\n"
).encode()  # fmt: skip


def parquet(frame: pl.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.write_parquet(buffer)
    return buffer.getvalue()


def ids(data: bytes, query: TableQuery, path: str = "a.csv") -> list[str]:
    return [row[0] for row in table_view(path, data, query).rows]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (TableQuery(), "12345"),
        (TableQuery(sort=1), "25" + "41" + "3"),  # without regard to case, as they are written; empty ones last
        (TableQuery(sort=1, descending=True), "14253"),
        (TableQuery(sort=2), "23514"),  # figures with a decimal comma
        (TableQuery(sort=2, descending=True), "15324"),
        (TableQuery(words="ANNA"), "25"),
        (TableQuery(words="anna 99"), ""),  # in no cell
        (TableQuery(words="1", column=0), "1"),
        (TableQuery(words="> 9,5", column=2), "135"),
        (TableQuery(words="<=10", column=2), "23"),
        (TableQuery(words="> 9,5"), ""),  # in any column it is a text
        (TableQuery(words="anna", sort=2, descending=True), "52"),
        (TableQuery(words="."), "1"),  # no pattern
    ],
)
def test_rows_are_sorted_and_found(query: TableQuery, expected: str) -> None:
    assert "".join(ids(CSV, query)) == expected


def test_cells_read_exactly_as_they_are_written_and_totals_are_told() -> None:
    view = table_view("a.csv", CSV, TableQuery(words="anna"))
    assert view.columns == ("id", "name", "amount", "code")
    assert view.rows == (("2", "anna", "−2,5", "010"), ("5", "anna", "99,0", "001"))
    assert (view.matched, view.total, view.width) == (2, 5, 4)


def test_what_is_in_each_column_is_told() -> None:
    number, name, amount, code = table_facts("a.csv", CSV).columns
    assert number == ColumnFacts("id", ColumnType.NUMBER, 0, 5, "1", "3", "5")
    assert name == ColumnFacts("name", ColumnType.TEXT, 1, 3, commonest=name.commonest)
    assert name.commonest[0] == ("anna", 2) and set(name.commonest[1:]) == {("Zoë", 1), ("Bert", 1)}
    assert (amount.type, amount.empty, amount.smallest, amount.largest) == (ColumnType.NUMBER, 1, "-2.5", "1234.5")
    assert (code.type, code.empty) == (ColumnType.TEXT, 1), "a code is no number"
    (late,) = table_facts("a.csv", b"code\n" + b"1\n" * 300 + b"007\n").columns
    assert late.type is ColumnType.TEXT, "also where it comes late"


def test_typed_columns_are_sorted_and_told_by_what_they_are() -> None:
    frame = pl.DataFrame(
        {
            "id": [1, 2, 3, 4],
            "at": [datetime(2026, 1, 2), datetime(2025, 1, 1), None, datetime(2026, 1, 1)],
            "share": [0.5, float("nan"), 10.0, -1.0],
            "yes": [True, False, None, True],
            "list": [[1, 2], [], None, [3]],
            "empty": [None, None, None, None],
        }
    )
    data = parquet(frame)
    assert "".join(ids(data, TableQuery(sort=1), "a.parquet")) == "2413"
    assert "".join(ids(data, TableQuery(sort=2, descending=True), "a.parquet")) == "3142"
    assert "".join(ids(data, TableQuery(words="2026"), "a.parquet")) == "14"
    assert "".join(ids(data, TableQuery(words="> 0", column=2), "a.parquet")) == "13"
    assert "".join(ids(data, TableQuery(sort=4), "a.parquet")) == "1423"
    told = {each.name: each for each in table_facts("a.parquet", data).columns}
    assert (told["at"].type, told["at"].smallest, told["at"].largest) == (ColumnType.TIME, "2025-01-01", "2026-01-02")
    assert (told["share"].type, told["share"].empty, told["share"].median) == (ColumnType.NUMBER, 1, "0.5")
    assert (told["yes"].type, told["yes"].commonest) == (ColumnType.TRUTH, (("TRUE", 2), ("FALSE", 1)))
    assert told["empty"] == ColumnFacts("empty", ColumnType.NOTHING, 4, 0)
    assert told["list"].type is ColumnType.TEXT


def test_a_workbook_is_looked_through_in_its_first_sheet_with_dates_and_all_digits() -> None:
    buffer = io.BytesIO()
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (("id", "day", "tiny"), (1, date(2026, 3, 1), 2e-12), (2, date(2025, 3, 1), 1e-12)):
        sheet.append(row)
    book.create_sheet("Two").append(("other",))
    book.save(buffer)
    view = table_view("a.xlsx", buffer.getvalue(), TableQuery(sort=2))
    assert [row[:2] for row in view.rows] == [("2", "2025-03-01"), ("1", "2026-03-01")]
    assert table_facts("a.xlsx", buffer.getvalue()).columns[2].smallest == "1E-12"


@pytest.mark.parametrize(
    ("path", "data", "reads"),
    [
        ("a.csv", b"", True),
        ("a.csv", b"\n\n", True),
        ("a.csv", b"a,a,a (2)\n1,2,3\n", True),
        ("a.csv", b"a,b\n1\n1,2,3,4\n", True),  # ragged
        ("a.csv", b'a,b\n"never closed,1\n', True),
        ("a.csv", b"a\tb\x01\n\x02\x03\n", True),
        ("a.csv", bytes(range(256)) * 40, False),
        ("a.parquet", b"PAR1 and nothing", False),
        ("a.xlsx", b"PK\x03\x04", False),
    ],
)
def test_what_is_no_table_is_said_and_what_is_untidy_is_read(path: str, data: bytes, reads: bool) -> None:
    for look in (lambda: table_view(path, data, TableQuery(sort=-1, words="1")), lambda: table_facts(path, data)):
        try:
            look()
        except InvalidInput as problem:
            assert not reads or "looked through" in problem.message
    if not reads:
        with pytest.raises(InvalidInput):
            table_view(path, data, TableQuery())
    with pytest.raises(InvalidInput):
        table_view(path, data, TableQuery(sort=7))


def test_five_thousand_columns_and_a_large_cell_are_bounded() -> None:
    names = [f"column {number}" for number in range(5000)]
    data = parquet(pl.DataFrame({name: [number, number + 1] for number, name in enumerate(names)}))
    view = table_view("a.parquet", data, TableQuery(words="4999"))
    assert (len(view.columns), view.width, view.matched) == (COLUMNS, 5000, 2)
    facts = table_facts("a.parquet", data)
    assert (len(facts.columns), facts.width) == (MOST_TOLD, 5000)
    wide = b"a,b\n" + b"x" * 100_000 + b",1\n"
    assert [len(cell) for cell in table_view("a.csv", wide, TableQuery()).rows[0]] == [CELL, 1]
    assert len(table_facts("a.csv", wide).columns[0].commonest[0][0]) == CELL
    many = b"a\n" + b"1\n" * 5000
    view = table_view("a.csv", many, TableQuery())
    assert (len(view.rows), view.matched) == (MOST_VIEWED, 5000)


def test_answers_come_from_the_process_that_reads_tables() -> None:
    reader = TableReader()
    try:
        assert reader.view("a.csv", CSV, TableQuery(sort=2)) == table_view("a.csv", CSV, TableQuery(sort=2))
        assert reader.facts("a.csv", CSV) == table_facts("a.csv", CSV)
        with pytest.raises(InvalidInput):
            reader.view("a.parquet", b"PAR1", TableQuery())
    finally:
        reader.close()


@pytest.mark.parametrize(
    "about",
    [
        [["a"], [["1", "2"]], 1, 1, 1],
        [["a"], [["1"]] * (MOST_VIEWED + 1), 1, 1, 1],
        [["a"] * (COLUMNS + 1), [], 1, 1, 1],
        [["a"], [["x" * (CELL + 1)]], 1, 1, 1],
        [["a"], [[1]], 1, 1, 1],
        [["a"], [["1"]], -1, 1, 1],
        [["a"], [["1"]], 1, 1],
        "a",
    ],
)
def test_an_answer_that_is_not_as_it_should_be_is_refused(about: Any) -> None:
    with pytest.raises(messages.Malformed):
        messages.unpack_view(about, most=MOST_VIEWED)


@pytest.mark.parametrize(
    "column",
    [
        ["a", "number", 0, 0, "", "", "", [["x", -1]]],
        ["a", "no such type", 0, 0, "", "", "", []],
        ["a", "number", 0, 0, "", "", "x" * (CELL + 1), []],
        ["a", "number", 0, 0, "", "", "", [["x" * (CELL + 1), 1]]],
        ["a", "number", 0, 0, "", "", "", [["x", 1]] * 21],
        ["a", "number", 0, 0, "", ""],
    ],
)
def test_facts_that_are_not_as_they_should_be_are_refused(column: Any) -> None:
    with pytest.raises(messages.Malformed):
        messages.unpack_facts([[column], 1, 1], most=MOST_TOLD)
    with pytest.raises(messages.Malformed):
        messages.unpack_facts([[["a", "number", 0, 0, "", "", "", []]] * (MOST_TOLD + 1), 1, 1], most=MOST_TOLD)

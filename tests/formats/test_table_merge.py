"""Tables that both sides changed are merged by key, and never guessed at."""

from __future__ import annotations

import csv
import io
from typing import Any

import openpyxl
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl.chart import BarChart
from openpyxl.styles import Font

from kronkers_studio.formats.table_diff import diff_table_files
from kronkers_studio.formats.table_file_merge import merge_table_files
from kronkers_studio.formats.table_files import read_tables

BASE = "id,name,price\n1,Anna,10\n2,Bert,20\n3,Cleo,30\n"


def merged(base: str, ours: str, theirs: str) -> str:
    outcome = merge_table_files("a.csv", base.encode(), ours.encode(), theirs.encode())
    return outcome if isinstance(outcome, str) else outcome[0].decode()


def test_different_rows_and_different_cells_of_one_row_go_together() -> None:
    ours = "id,name,price\n1,Anna,11\n2,Bert,20\n3,Cleo,30\n4,Dora,40\n"
    theirs = "id,name,price\n0,Zero,0\n1,Anna-Lena,10\n3,Cleo,30\n5,Emil,50\n"
    assert merged(BASE, ours, theirs) == "id,name,price\n0,Zero,0\n1,Anna-Lena,11\n3,Cleo,30\n5,Emil,50\n4,Dora,40\n"


def test_adjacent_rows_that_lines_alone_could_not_merge_are_merged() -> None:
    assert merged(BASE, BASE.replace("20", "21"), BASE.replace("30", "31")) == BASE.replace("20", "21").replace(
        "30", "31"
    )


def test_columns_that_each_side_added_are_both_there() -> None:
    ours = "id,name,price,unit\n1,Anna,10,kg\n2,Bert,20,kg\n3,Cleo,30,kg\n"
    theirs = "id,price,shop\n1,10,x\n2,20,y\n3,30,z\n4,40,z\n"
    assert merged(BASE, ours, theirs) == "id,price,unit,shop\n1,10,kg,x\n2,20,kg,y\n3,30,kg,z\n4,40,,z\n"


@pytest.mark.parametrize(
    ("ours", "theirs", "reason"),
    [
        (BASE.replace("20", "21"), BASE.replace("20", "22"), "Both sides changed “price” where “id” is 2."),
        (BASE.replace("0\n", "1\n"), BASE.replace("0\n", "2\n"), "where “id” is 1, and in 2 more rows."),
        (BASE + "4,A,1\n", BASE + "4,B,1\n", "Both sides changed “name” where “id” is 4."),
        (BASE.replace("2,Bert,20\n", ""), BASE.replace("20", "21"), "removed the row with “id” is 2"),
        (BASE.replace("20", "21"), BASE.replace("2,Bert,20\n", ""), "removed the row with “id” is 2"),
        (BASE.replace("2,Bert", "7,Bert"), BASE.replace("2,Bert", "8,Bert"), "the same rows with another key"),
        ("id,name\n1,Anna\n2,Bert\n3,Cleo\n", BASE.replace("20", "21"), "removed the column “price”"),
        ("id,name\n1,Anna\n2,Bert\n3,Cleo\n", BASE + "4,D,40\n", "removed the column “price”"),
        (BASE + "3,Cleo,30\n", BASE.replace("20", "21"), "No column tells the rows"),
        ("no table, 1\n2\n3,4,5", BASE, "cannot be read as a table"),
    ],
)
def test_what_cannot_be_told_is_left_to_a_person(ours: str, theirs: str, reason: str) -> None:
    """Seen to fail without each of the checks for lost columns, lost rows and new keys."""
    base = BASE if "No column" not in reason else BASE + "3,Cleo,30\n"
    assert reason in merged(base, ours, theirs)


def test_the_form_of_the_file_is_kept() -> None:
    base = '"id";"name"\r\n"1";"Jürgen"\r\n"2";"Zoë"'.encode("cp1252")
    ours, theirs = base.replace(b"rgen", b"rg"), base.replace(b"Zo", b"So")
    outcome = merge_table_files("a.csv", base, ours, theirs)
    assert outcome[0] == base.replace(b"rgen", b"rg").replace(b"Zo", b"So")


def test_parquet_keeps_its_types() -> None:
    def written(frame: pl.DataFrame) -> bytes:
        buffer = io.BytesIO()
        frame.write_parquet(buffer)
        return buffer.getvalue()

    base = pl.DataFrame({"id": [1, 2, 3], "x": [0.5, None, 1.5], "l": [["a"], [], None]})
    ours = base.with_columns(x=pl.Series([0.75, None, 1.5]))
    theirs = pl.concat([base, pl.DataFrame({"id": [4], "x": [4.0], "l": [["d"]]})]).filter(pl.col("id") != 3)
    outcome = merge_table_files("a.parquet", written(base), written(ours), written(theirs))
    expected = pl.DataFrame({"id": [1, 2, 4], "x": [0.75, None, 4.0], "l": [["a"], [], ["d"]]})
    assert isinstance(outcome[0], bytes)
    assert pl.read_parquet(io.BytesIO(outcome[0])).equals(expected)
    assert outcome[1] == "Rows from their side: 1 added, 1 removed, 0 changed."
    other = base.with_columns(pl.col("x").cast(pl.Float32))
    assert "not of the same type" in merge_table_files("a.parquet", written(base), written(ours), written(other))


def workbook(rows: list[list[object]], **extra: list[list[object]]) -> openpyxl.Workbook:
    book = openpyxl.Workbook()
    book.worksheets[0].title = "Data"
    for title, content in {"Data": rows, **extra}.items():
        sheet = book[title] if title in book.sheetnames else book.create_sheet(title)
        sheet.append([])
        for row in content:
            sheet.append([None, *row])
    return book


def saved(book: openpyxl.Workbook) -> bytes:
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


ROWS: list[list[object]] = [["id", "name", "price"], [1, "Anna", 10.5], [2, "Bert", 20], [3, "Cleo", 30]]


def test_workbooks_keep_their_formats_and_other_sheets() -> None:
    ours_book = workbook([*ROWS, [4, "Dora", 40]], Notes=[["note"], ["mine"]])
    ours_book["Data"]["D4"].number_format = "0.00 €"
    ours_book["Data"]["C4"].font = Font(bold=True)
    theirs = [ROWS[0], [1, "Anna", 11.5], *ROWS[2:3], [9, "Zora", 90]]
    outcome = merge_table_files(
        "a.xlsx",
        saved(workbook(ROWS, Notes=[["note"], ["old"]])),
        saved(ours_book),
        saved(workbook(theirs, Notes=[["note"], ["old"]])),
    )
    assert not isinstance(outcome, str), outcome
    book = openpyxl.load_workbook(io.BytesIO(outcome[0]))
    values = [list(row[1:]) for row in book["Data"].iter_rows(min_row=2, values_only=True)]
    assert values == [ROWS[0], [1, "Anna", 11.5], [2, "Bert", 20], [9, "Zora", 90], [4, "Dora", 40]]
    assert book["Data"]["D4"].number_format == "0.00 €" and book["Data"]["C4"].font.bold
    assert book["Notes"]["B3"].value == "mine"


def test_workbooks_that_would_lose_something_are_left_to_a_person() -> None:
    base, theirs = saved(workbook(ROWS)), saved(workbook([ROWS[0], [1, "Anna", 11.5], *ROWS[2:]]))
    chart = workbook([*ROWS, [4, "Dora", 40]])
    sheet: Any = chart["Data"]
    sheet.add_chart(BarChart(), "F1")
    assert "charts, pictures" in merge_table_files("a.xlsx", base, saved(chart), theirs)
    formula = workbook([*ROWS, [4, "Dora", "=D3*2"]])
    merged = merge_table_files("a.xlsx", base, saved(formula), theirs)
    assert isinstance(merged, tuple) and isinstance(merged[0], bytes)
    assert "=D3*2" in {cell.value for row in openpyxl.load_workbook(io.BytesIO(merged[0]))["Data"] for cell in row}
    sheets = workbook(ROWS, More=[["x"]])
    assert "sheet" in merge_table_files("a.xlsx", base, saved(sheets), theirs)
    assert ".xlsx" in merge_table_files("a.xlsm", base, base, theirs)


Row = tuple[str, str]
rows = st.dictionaries(
    st.integers(0, 6).map(str), st.tuples(st.sampled_from("abc"), st.sampled_from("xyz")), max_size=6
)


def csv_of(table: dict[str, Row]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerows([("id", "p", "q"), *((k, *v) for k, v in table.items())])
    return buffer.getvalue().encode()


def plain_merge(base: dict[str, Row], ours: dict[str, Row], theirs: dict[str, Row]) -> dict[str, Row] | None:
    """The model; None for a conflict."""
    result: dict[str, Row] = {}
    for key in {*base, *ours, *theirs}:
        b, o, t = base.get(key), ours.get(key), theirs.get(key)
        if o is None or t is None:
            left = o or t
            if b is None and left is not None:
                result[key] = left
            elif left is not None and left != b:
                return None
            continue
        cells = []
        for n in range(2):
            if o[n] != t[n] and (b is None or b[n] not in (o[n], t[n])):
                return None
            cells.append(o[n] if b is None or t[n] == b[n] else t[n])
        result[key] = (cells[0], cells[1])
    return result


@given(rows, rows, rows)
@settings(max_examples=150, deadline=None)
def test_merged_tables_are_those_of_a_plain_model(
    base: dict[str, Row], ours: dict[str, Row], theirs: dict[str, Row]
) -> None:
    """Seen to fail with ``take_theirs`` leaving out rows that only they have."""
    outcome = merge_table_files("a.csv", csv_of(base), csv_of(ours), csv_of(theirs))
    expected = plain_merge(base, ours, theirs)
    if isinstance(outcome, str):
        ambiguous = base.keys() - ours.keys() - theirs.keys() and ours.keys() - theirs.keys() - base.keys()
        assert expected is None or ambiguous or not (base or ours or theirs), outcome
        return
    assert expected is not None
    found = {row[0]: (row[1], row[2]) for row in read_tables("a.csv", outcome[0]).tables[""].rows()}
    assert found == expected
    in_ours = [key for key in found if key in ours]
    assert in_ours == [key for key in ours if key in found], "ours' rows keep their order"


def test_figures_of_a_workbook_that_differ_after_the_ninth_decimal_are_merged() -> None:
    """The library that reads workbooks tells them as text with nine decimals."""
    rows: list[list[object]] = [["id", "p", "note"], [1, 1e-10, "x"], [2, 0.5, "y"], [3, 1.00000000001, "0.50"]]
    base = saved(workbook(rows))
    ours = saved(workbook([rows[0], [1, 2e-10, "x"], *rows[2:]]))
    theirs = saved(workbook([*rows[:3], [3, 1.00000000002, "0.50"]]))
    (difference,) = diff_table_files("a.xlsx", base, ours).tables
    assert difference.cells_changed == {"p": 1}
    outcome = merge_table_files("a.xlsx", base, ours, theirs)
    assert isinstance(outcome, tuple)
    sheet = openpyxl.load_workbook(io.BytesIO(outcome[0]))["Data"]
    assert [row[2] for row in sheet.iter_rows(min_row=3, values_only=True)] == [2e-10, 0.5, 1.00000000002]


def test_numbers_in_a_workbook_are_told_with_all_digits_and_texts_as_written() -> None:
    rows: list[list[object]] = [["a", "b"], [1.5e-12, "007"], [12, "0.12345678901"], ["n/a", True], [None, "NaN"]]
    (table,) = read_tables("a.xlsx", saved(workbook(rows))).tables.values()
    assert table.rows() == [("1.5e-12", "007"), ("12", "0.12345678901"), ("n/a", "true"), ("", "NaN")]

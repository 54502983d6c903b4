"""Tables as people have them, read into frames."""

from __future__ import annotations

import datetime as dt
import io
import os
import zipfile
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest

import kronkers_studio as ks
from kronkers_studio.domain.errors import InvalidInput, NotFound, TableUnreadable


def read(ws: ks.Workspace, content: bytes, name: str = "t.csv", **options: Any) -> pd.DataFrame:
    ws["p"].save(content, name, create=True)
    return ws["p"].read(name, **options)


@pytest.mark.parametrize(
    ("content", "options"),
    [
        (b"id;v;t\n1;2,5;M\xfcller\n2;-0,25;x\n", {}),
        ("\ufeffid,v,t\n1,2.5,Müller\n2,-.25,x\n".encode(), {}),
        ("id\tv\tt\r\n1\t2,5\tMüller\r\n2\t-0,25\tx\r\n".encode("utf-16"), {}),
        ('id|v|t\n1|2.5|"Müller"\n2|-25e-2|x\n'.encode(), {}),
        ("id,v,t\n1,2.5,Müller\n2,-0.25,x\n".encode("cp850"), {"encoding": "cp850"}),
        (" id:v:t\n 1:2.5:Müller\n 2:-0.25:x\n".encode(), {"delimiter": ":"}),
    ],
)
def test_separators_encodings_and_decimal_commas_are_found_or_given(
    ws: ks.Workspace, content: bytes, options: dict[str, str]
) -> None:
    frame = read(ws, content, **options)
    assert [name.strip() for name in frame.columns] == ["id", "v", "t"]
    assert frame.iloc[:, 0].tolist() == [1, 2] and frame["v"].tolist() == [2.5, -0.25]
    assert frame["t"].tolist() == ["Müller", "x"]


@pytest.mark.parametrize(
    ("cells", "dtype", "values"),
    [
        (["007", "12"], "str", ["007", "12"]),
        (["+49", "30"], "str", ["+49", "30"]),
        (["1", "x"], "str", ["1", "x"]),
        (["2024-02-29", "2024-03-01"], "str", ["2024-02-29", "2024-03-01"]),
        (["NA", "DE"], "str", ["NA", "DE"]),
        (["12345678901234567890", "1"], "str", ["12345678901234567890", "1"]),
        (["-0", "5"], "int64", [0, 5]),
        (["1", "NA"], "float64", [1.0, None]),
        (["9007199254740993", ""], "Int64", [9007199254740993, None]),
        (["1e+3", "nan"], "float64", [1000.0, None]),
        (["1.5e3", "20"], "float64", [1500.0, 20]),
        (["12e4", "1234"], "str", ["12e4", "1234"]),
        (["1.5e400", "2"], "str", ["1.5e400", "2"]),
        (["inf", "-Inf", "2.5"], "float64", [float("inf"), float("-inf"), 2.5]),
        (["inf", "NA"], "str", ["inf", "NA"]),
        (["12345678901234567.5", "1"], "str", ["12345678901234567.5", "1"]),
        (["999999999999998592", "0.5"], "float64", [999999999999998592, 0.5]),
        (["TRUE", "false"], "bool", [True, False]),
        (["true", ""], "boolean", [True, None]),
        (["1.", ".5"], "float64", [1.0, 0.5]),
        ([".", "-"], "str", [".", "-"]),
        (["1,5", "2,5"], "str", ["1,5", "2,5"]),
        (["=1+1", "@x"], "str", ["=1+1", "@x"]),
    ],
)
def test_a_column_is_one_of_numbers_when_each_cell_is(
    ws: ks.Workspace, cells: list[str], dtype: str, values: list[Any]
) -> None:
    """Seen to fail with leading zeros taken for those of numbers."""
    frame = read(ws, "\n".join(["c,d", *(f'"{cell}",x' if cell else ",x" for cell in cells), ""]).encode())
    assert str(frame["c"].dtype) == dtype
    assert [None if pd.isna(each) else each for each in frame["c"]] == values
    as_text = ws["p"].read("t.csv", as_text=True)["c"]
    assert [each for each in as_text if not pd.isna(each)] == [cell for cell in cells if cell]


@pytest.mark.parametrize(
    ("content", "columns", "values", "rows"),
    [
        (b"country,2019,2020\nA,1,2\n", ["country", "2019", "2020"], ["A", 1, 2], 1),
        (b",0,1,2\n0,.5,1,2\n", ["column 1", "0", "1", "2"], [0, 0.5, 1, 2], 1),
        (b"Anna,1999\nBob,2001\n", ["column 1", "column 2"], ["Anna", 1999], 2),
        (b"150,4,setosa\n5.1,3.5,0\n", ["column 1", "column 2", "column 3"], [150, 4, "setosa"], 2),
        (b"a,b\r1,x\r2,y\r", ["a", "b"], [1, "x"], 2),
        (b"a,b\n1,x\n\n2,y\n\n", ["a", "b"], [1, "x"], 2),
        (b"\r\na,b\r\n1,x\r\n2,y\r\n", ["a", "b"], [1, "x"], 2),
        (b"sep=;\r\na;b\r\n1;x\r\n2;y\r\n", ["a", "b"], [1, "x"], 2),
        (b'"a"\t"b"\n"r1"\t1\t"x"\n"r2"\t2\t"y"\n', ["column 1", "a", "b"], ["r1", 1, "x"], 2),
        (b"a,b\n1,x,\n2,y,\n", ["a", "b", "column 3"], [1, "x", None], 2),
    ],
)
def test_the_first_row_of_programs_is_what_they_mean_by_it(
    ws: ks.Workspace, content: bytes, columns: list[str], values: list[Any], rows: int
) -> None:
    """Wide tables with years, those that pandas and R write with the names of rows, lines of old Macs, blank lines,
    Excel's line of the separator. Each was seen to fail: as values, as one row, as a refusal."""
    frame = read(ws, content)
    assert frame.columns.tolist() == columns
    assert [None if pd.isna(each) else each for each in frame.iloc[0]] == values
    assert len(frame) == rows


def test_a_row_of_delimiters_is_a_row(ws: ks.Workspace) -> None:
    assert read(ws, b"a,b\n1,2\n,\n\n3,4\n")["a"].tolist()[:1] == [1]
    assert read(ws, b"a,b\n1,2\n,\n3,4\n")["a"].isna().tolist() == [False, True, False]


def test_a_header_is_what_the_reader_is_told(ws: ks.Workspace) -> None:
    frame = read(ws, b"0,1\n5,6\n")
    assert frame.values.tolist() == [[0, 1], [5, 6]] and "header=True" in frame.attrs["remarks"][0]
    frame = ws["p"].read("t.csv", header=True)
    assert frame.columns.tolist() == ["0", "1"] and frame.values.tolist() == [[5, 6]] and "remarks" not in frame.attrs
    assert read(ws, b"a,b\nc,d\n", header=False).values.tolist() == [["a", "b"], ["c", "d"]]


@pytest.mark.parametrize(
    ("content", "a", "remark"),
    [
        (b"a;b\n1.234;1,5\n2.500;2,25\n", ["1.234", "2.500"], "Of a it is not known"),
        (b"a;b\n1.23;1,5\n2.5;2,25\n", [1.23, 2.5], "comma is read as the decimal sign in b"),
        (b"a\tb\n1,234\tx\n500\ty\n", ["1,234", "500"], "Of a it is not known"),
        (b"a;b\n1,234;1,5\n2,500;2,25\n", [1.234, 2.5], "decimal sign in b, a"),
        (b"a;b\n0,234;x\n2,500;y\n", [0.234, 2.5], "decimal sign in a"),
        (b"a;b\n1.234;x\n2.500;y\n", [1.234, 2.5], ""),
        (b"a;b\n1.234.567;1,5\n2.500;2\n", ["1.234.567", "2.500"], "decimal sign in b"),
    ],
)
def test_what_may_part_thousands_is_no_decimal_sign(
    ws: ks.Workspace, content: bytes, a: list[Any], remark: str
) -> None:
    """Seen to fail: 1.234 was read beside decimal commas, and 1,234 between tabs, as little more than one."""
    frame = read(ws, content)
    assert frame["a"].tolist() == a
    assert remark in " ".join(frame.attrs.get("remarks", []))


def test_a_workbook_gives_its_sheet_with_each_cell_as_it_is(ws: ks.Workspace) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["id", "when", "ok", "text"])
    sheet.append([1, dt.datetime(2026, 5, 1, 9, 30), True, "007"])
    sheet.append([2.5, None, False, None])
    book.create_sheet("2026").append(["other"])
    book["2026"].append([7])
    stream = io.BytesIO()
    book.save(stream)
    frame = read(ws, stream.getvalue(), "b.xlsx")
    assert frame["id"].tolist() == [1, 2.5] and frame["ok"].tolist() == [True, False]
    assert frame.loc[0, "when"] == pd.Timestamp("2026-05-01 09:30") and frame.loc[0, "text"] == "007"
    assert "sheets" in frame.attrs["remarks"][0]
    assert ws["p"].read("b.xlsx", sheet="2026")["other"].tolist() == [7]
    with pytest.raises(InvalidInput, match="no sheet “2025”") as missing:
        ws["p"].read("b.xlsx", sheet="2025")
    assert "“Sheet”, “2026”" in missing.value.next_step


def test_a_frame_becomes_a_workbook_in_which_no_text_is_a_formula(ws: ks.Workspace) -> None:
    frame = pd.DataFrame({"t": ["=1+1", "@x"], "n": [0.1, 2.0]}, index=pd.Index(["a", "b"], name="key"))
    ws["p"].save(frame, "b.xlsx", create=True)
    sheet: Any = openpyxl.load_workbook(io.BytesIO(ws["p"].read_bytes("b.xlsx"))).active
    assert sheet["B2"].data_type != "f" and sheet["B2"].value == "=1+1"
    assert ws["p"].read("b.xlsx").values.tolist() == [["a", "=1+1", 0.1], ["b", "@x", 2]]


def test_json_and_lines_of_it_are_read(ws: ks.Workspace) -> None:
    assert read(ws, b'[{"a": 1, "b": "x"}, {"a": 2.5, "b": null}]', "t.json")["a"].tolist() == [1, 2.5]
    assert read(ws, b'{"a": 1}\n\n{"a": 2, "b": [1]}\n', "t.jsonl")["a"].tolist() == [1, 2]
    with pytest.raises(InvalidInput, match="Line 2"):
        read(ws, b'{"a": 1}\n{"a": \n', "t.jsonl")


def test_what_a_file_holds_ends_the_process_that_reads_it_and_nothing_else(ws: ks.Workspace) -> None:
    good = read(ws, b"a\n1\n2\n")
    for name, content in {
        "t.parquet": b"PAR1" + os.urandom(500) + b"PAR1",
        "t.feather": b"ARROW1\0\0" + os.urandom(500),
        "t.csv": b"\0\1\2",
        "b.xlsx": b"PK\3\4" + os.urandom(200),
        "bomb.xlsx": _bomb(),
    }.items():
        with pytest.raises((InvalidInput, TableUnreadable)):
            read(ws, content, name)
    assert read(ws, b"a\n1\n2\n", "again.csv").equals(good)


def _bomb() -> bytes:
    """A workbook whose sheet is 64 MB of nothing."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/worksheets/sheet1.xml", bytes(64 << 20))
    return stream.getvalue()


def test_what_is_no_table_is_read_as_bytes_or_text(ws: ks.Workspace) -> None:
    ws["p"].save("Größe\n", "a.md", create=True)
    with pytest.raises(InvalidInput, match="not called as a table"):
        ws["p"].read("a.md")
    assert ws["p"].read_text("a.md") == "Größe\n" and ws["p"].read_bytes("a.md") == "Größe\n".encode()
    with pytest.raises(InvalidInput, match="no text in ascii"):
        ws["p"].read_text("a.md", encoding="ascii")
    with pytest.raises(NotFound):
        ws["p"].read_text("b.md")
    with pytest.raises(NotFound, match="no project"):
        ws["q"].read("a.csv")
    with ws["p"].open("a.md") as stream:
        stream.seek(3)
        assert stream.read(2) == "ö".encode()[1:] + b"\xc3"


def test_older_versions_are_read_compared_and_restored(ws: ks.Workspace, tmp_path: Path) -> None:
    first = ws["p"].save("id\n1\n", "t.csv", create=True, message="first")
    ws["p"].save("id\n1\n2\n", "t.csv")
    assert ws["p"].read("t.csv", at=first.id[:12])["id"].tolist() == [1]
    assert ws["p"].log()["message"].tolist() == ["Saved t.csv", "first"]
    difference: Any = ws["p"].diff(first.id, "main", "t.csv")
    assert difference.tables[0].rows_added == 1
    ws["p"].restore(tmp_path / "out", at=first.id)
    assert (tmp_path / "out" / "t.csv").read_text(encoding="utf-8") == "id\n1\n"
    with pytest.raises(InvalidInput, match="int cannot be saved"):
        ws["p"].save(3, "x")
    ws["p"].save(tmp_path / "out" / "t.csv", "copy.csv")
    ws["p"].save(io.BytesIO(b"x"), "x.bin")
    assert ws["p"].ls()["name"].tolist() == ["copy.csv", "t.csv", "x.bin"]

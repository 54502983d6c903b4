"""All cells of a table, read by the confined process: each as what it is, whatever else the file holds."""

from __future__ import annotations

import datetime as dt
import io
import json
import random
import zipfile
from collections.abc import Iterator
from typing import Any

import openpyxl
import polars as pl
import pytest

from kronkers_studio.domain.errors import InvalidInput, StudioError, TableUnreadable
from kronkers_studio.domain.row_tables import MOST_COLUMNS, Grid
from kronkers_studio.formats import row_grids
from kronkers_studio.formats.row_grids import pack_rows, read_grid
from kronkers_studio.formats.table_messages import Malformed, unpack_grid
from kronkers_studio.formats.table_reading import TableReader
from tests.formats import damaged

_ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:spreadsheet>
<table:table table:name="Data">{rows}</table:table></office:spreadsheet></office:body></office:document-content>"""
_ROW = "<table:table-row>{cells}</table:table-row>"
_NUMBER = '<table:table-cell office:value-type="float" office:value="{0}"><text:p>{0}</text:p></table:table-cell>'
_TEXT = '<table:table-cell office:value-type="string"><text:p>{0}</text:p></table:table-cell>'


@pytest.fixture(scope="module")
def reader() -> Iterator[TableReader]:
    made = TableReader()
    yield made
    made.close()


def _ods(*rows: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", _ODS.format(rows="".join(_ROW.format(cells=cells) for cells in rows)))
    return file.getvalue()


def _xlsx(*rows: list[Any]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def test_open_document_tables_are_read_with_all_digits_and_codes_stay_texts(reader: TableReader) -> None:
    data = _ods(
        _TEXT.format("id") + _TEXT.format("spend"),
        _TEXT.format("007") + _NUMBER.format("1e-12"),
        _TEXT.format("x") + _NUMBER.format("0.30000000000000004"),
        _TEXT.format("1900-02-29 00:00:00") + _NUMBER.format("3"),
    )
    grid = reader.rows("a.ods", data, wanted=["spend"])
    assert [list(row) for row in grid.rows] == [
        ["id", "spend"],
        ["007", 1e-12],
        ["x", 0.1 + 0.2],
        ["1900-02-29 00:00:00", 3],
    ]
    assert (grid.sheet, grid.numbered) == ("Data", False)


def test_what_xml_lacks_is_read_as_it_was(reader: TableReader) -> None:
    data = _xlsx(["note"], ["a_x000D_\nb_x005F_x0041_"])
    assert reader.rows("a.xlsx", data).rows[1] == ("a\r\nb_x0041_",)


@pytest.mark.parametrize("data", [damaged.PANICS_XLS, damaged.ABORTS_XLS], ids=["panics", "aborts"])
def test_a_file_at_which_the_library_ends_is_refused_and_the_next_is_read(reader: TableReader, data: bytes) -> None:
    with pytest.raises((InvalidInput, TableUnreadable)):
        reader.rows("a.xls", data)
    assert reader.rows("a.xlsx", _xlsx(["a"], [1])).rows == [("a",), (1,)]


@pytest.mark.parametrize("kind", ["xlsx", "parquet", "ods"])
def test_damaged_copies_give_cells_or_a_sentence(reader: TableReader, kind: str) -> None:
    chance = random.Random(7)
    if kind == "parquet":
        file = io.BytesIO()
        pl.DataFrame({"a": [1, 2, 3], "b": ["x", "y", "z"]}).write_parquet(file)
        whole = file.getvalue()
    else:
        row = _NUMBER.format("1") + _TEXT.format("x")
        whole = _ods(row, row) if kind == "ods" else _xlsx(["a", "b"], [1, dt.date(2026, 1, 2)])
    for _ in range(25):
        data = bytearray(whole)
        for _ in range(3):
            data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
        try:
            assert reader.rows(f"a.{kind}", bytes(data)) is not None
        except StudioError as refused:
            assert refused.message


def test_more_columns_or_cells_than_are_sent_are_refused_with_their_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with pytest.raises(InvalidInput, match="2,000 columns"):
        read_grid("a.xlsx", _xlsx(["x"] * (MOST_COLUMNS + 1)), ())
    monkeypatch.setattr(row_grids, "MOST_CELLS", 3)
    file = io.BytesIO()
    pl.DataFrame({"a": [1, 2], "b": [1, 2]}).write_parquet(file)
    for name, data in (("a.xlsx", _xlsx([1, 2], [3, 4])), ("a.parquet", file.getvalue())):
        with pytest.raises(InvalidInput, match=r"larger than what is sent|has 2 rows of 2 columns"):
            read_grid(name, data, ())


def test_every_kind_of_cell_travels() -> None:
    cells = [
        *(None, True, 7, 2**64 - 1, 0.1, "ł\n"),
        *(dt.date(2026, 1, 2), dt.datetime(2026, 1, 2, 3, 4, 5, 6), dt.time(3, 4), dt.timedelta(hours=26)),
    ]
    body = b"".join(pack_rows(Grid([cells], [1])))
    (row,) = unpack_grid(["", [], False, True, [1]], body).rows
    assert list(row) == cells


@pytest.mark.parametrize(
    "line",
    [
        b"{}",
        b'[["date","2026-13-01"]]',
        b'[["open","x"]]',
        b'[["duration",1e300]]',
        b"[[1]]",
        b"[1e999]",
        b"[NaN]",
        b"[%d]" % 2**70,
        b'["\\ud800"]',
        b"[1",
        json.dumps([0] * (MOST_COLUMNS + 1)).encode(),
        b"[1]\n[2]",
    ],
)
def test_an_answer_that_is_no_table_is_not_believed(line: bytes) -> None:
    with pytest.raises(Malformed):
        unpack_grid(["", [], False, True, [1]], line)

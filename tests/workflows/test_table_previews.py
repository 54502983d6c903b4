"""Previews of real tables: their cells read as an analyst knows them from a spreadsheet."""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import polars as pl
import pytest

from kronkers_studio.domain.previews import TablePreview
from kronkers_studio.formats import table_previews
from kronkers_studio.workflows.previews import preview_file
from kronkers_studio.workflows.session import Session, create_workspace
from tests.desktop.versioned import commit_files

Look = Callable[[str, bytes], TablePreview]
_NOON = datetime(2024, 3, 5, 12, 30, 7)  # tables have no zones


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("tables")
    opened, _ = create_workspace(folder / "workspace", key_file=folder / "key")
    yield opened
    opened.close()


@pytest.fixture
def look(session: Session) -> Look:
    """The preview of a file that was brought in."""

    def run(name: str, data: bytes) -> TablePreview:
        commit_files(session, {name: data}, name)
        found = preview_file(session, "Team", "", name)
        assert isinstance(found, TablePreview)
        return found

    return run


def _workbook(*rows: list[Any], formats: dict[str, str] | None = None) -> bytes:
    workbook = openpyxl.Workbook()
    for row in rows:
        workbook.worksheets[0].append(row)
    for cell, form in (formats or {}).items():
        workbook.worksheets[0][cell].number_format = form
    buffer = io.BytesIO()
    workbook.save(buffer)
    return buffer.getvalue()


def _parquet(**columns: Any) -> bytes:
    buffer = io.BytesIO()
    pl.DataFrame(columns).write_parquet(buffer)
    return buffer.getvalue()


def _shown(preview: TablePreview) -> dict[str, list[str]]:
    return {name: [row[place] for row in preview.rows] for place, name in enumerate(preview.columns)}


def _figures(preview: TablePreview) -> list[str]:
    return [preview.columns[place] for place in sorted(preview.figures)]


# CSV


def test_csv_is_shown_exactly_as_it_is_written(look: Look) -> None:
    lines = ["0.30000000000000004,1e-07,12.0,2024-01-01 00:00:00,True,NaN,007", "None,-0.0,, 5 ,false,null,1E+20"]
    found = look("exact.csv", "\n".join(["a,b,c,d,e,f,g", *lines]).encode())
    assert [list(row) for row in found.rows] == [line.split(",") for line in lines]


def test_columns_of_a_csv_that_read_as_numbers_are_figures_and_codes_are_not(look: Look) -> None:
    columns = {
        "whole": ("1", "-20"),
        "german": ("1.234,50", "-2,5"),
        "english": ("1,234.50", "NaN"),
        "spaced": ("1 234", ""),
        "small": ("1e-07", ".5"),
        "percent": ("12 %", "3.5%"),
        "money": ("$5", "7.50 €"),
        "code": ("007", "12"),
        "date": ("15.01.2024", "16.01.2024"),
        "day": ("2024-01-01", "2024-01-02"),
        "version": ("1.2.3", "2.0.1"),
        "mixed": ("1", "one"),
        "nothing": ("", "NA"),
        "word": ("nan", "x"),
    }
    rows = [list(columns), *([cells[at] for cells in columns.values()] for at in (0, 1))]
    found = look("figures.csv", "\n".join("|".join(row) for row in rows).encode())
    assert _figures(found) == ["whole", "german", "english", "spaced", "small", "percent", "money"]


# Parquet


def test_numbers_in_parquet_have_no_noise(look: Look) -> None:
    found = look(
        "numbers.parquet",
        _parquet(
            sum=[0.1 + 0.2, None, float("nan")],
            ids=[12.0, None, 1234567890123.0],
            small=[1e-7, 1.5e-12, 1 / 3],
            single=pl.Series([0.1, 2.5, None], dtype=pl.Float32),
            large=[2**62 + 1, None, -3],
            money=[Decimal("1.50"), None, Decimal("-2.00")],
            took=[timedelta(hours=30), None, timedelta(seconds=1)],
        ),
    )
    assert _shown(found) == {
        "sum": ["0.3", "", ""],
        "ids": ["12", "", "1234567890123"],
        "small": ["0.0000001", "1.5E-12", "0.333333333"],
        "single": ["0.1", "2.5", ""],
        "large": ["4611686018427387905", "", "-3"],
        "money": ["1.50", "", "-2.00"],
        "took": ["30:00:00", "", "0:00:01"],
    }
    assert _figures(found) == list(found.columns)


def test_dates_and_other_cells_in_parquet_read_as_such(look: Look) -> None:
    midnight = datetime(2024, 1, 1)
    found = look(
        "others.parquet",
        _parquet(
            day=[date(2024, 1, 1), None],
            midnight=[midnight, None],
            moment=[midnight, _NOON],
            berlin=pl.Series([midnight, datetime(2024, 7, 1)]).dt.replace_time_zone("Europe/Berlin"),
            clock=[time(13, 5), None],
            yes=[True, False],
            text=["12", "None"],
            kind=pl.Series(["a", None], dtype=pl.Categorical),
            vector=pl.Series([[0.1, 0.2], []], dtype=pl.List(pl.Float32)),
            part=[{"x": 1.0, "y": "z"}, None],
            bytes=[b"\x00\xff", None],
        ),
    )
    assert _shown(found) == {
        "day": ["2024-01-01", ""],
        "midnight": ["2024-01-01", ""],
        "moment": ["2024-01-01 00:00:00", "2024-03-05 12:30:07"],
        "berlin": ["2024-01-01 CET", "2024-07-01 CEST"],
        "clock": ["13:05", ""],
        "yes": ["TRUE", "FALSE"],
        "text": ["12", "None"],
        "kind": ["a", ""],
        "vector": ["[0.1, 0.2]", "[]"],
        "part": ["{x: 1, y: z}", ""],
        "bytes": ["00ff", ""],
    }
    assert _figures(found) == []


def test_of_a_wide_table_the_first_columns_are_shown_and_all_are_counted(look: Look) -> None:
    found = look("wide.parquet", _parquet(**{f"c{n}": [n] for n in range(table_previews.COLUMNS + 5)}))
    assert (len(found.columns), len(found.rows[0]), found.width) == (table_previews.COLUMNS, table_previews.COLUMNS, 65)


# Excel


def test_numbers_in_a_workbook_have_no_noise_and_small_ones_are_not_zero(look: Look) -> None:
    found = look(
        "numbers.xlsx",
        _workbook(
            ["sum", "whole", "small", "took", "mixed", "text"],
            [0.1 + 0.2, 12.0, 1e-7, timedelta(hours=30), 1.0, "007"],
            [1 / 3, 3, 1.5e-12, timedelta(minutes=5), "n/a", "0.30000000000000004"],
            [None, None, 1e20, None, 2.5, "None"],
        ),
    )
    assert _shown(found) == {
        "sum": ["0.3", "0.333333333", ""],
        "whole": ["12", "3", ""],
        "small": ["0.0000001", "1.5E-12", "1E+20"],
        "took": ["30:00:00", "0:05:00", ""],
        "mixed": ["1", "n/a", "2.5"],
        "text": ["007", "0.30000000000000004", "None"],
    }
    assert _figures(found) == ["sum", "whole", "small", "took", "mixed"]


def test_dates_and_other_cells_in_a_workbook_read_as_such(look: Look) -> None:
    found = look(
        "others.xlsx",
        _workbook(
            ["day", "moment", "clock", "yes", "either", "day or word", date(2024, 2, 1), None],
            [date(2024, 1, 1), _NOON, time(13, 5), True, True, date(2024, 1, 1), 1, "a\nb"],
            [date(2024, 1, 2), None, time(0, 0), False, 2, "later", 2, None],
        ),
    )
    assert _shown(found) == {
        "day": ["2024-01-01", "2024-01-02"],
        "moment": ["2024-03-05 12:30:07", ""],
        "clock": ["13:05", "00:00"],
        "yes": ["TRUE", "FALSE"],
        "either": ["TRUE", "2"],
        "day or word": ["2024-01-01", "later"],
        "2024-02-01": ["1", "2"],
        "": ["a b", ""],
    }
    assert found.total == 2


def test_a_workbook_whose_cells_have_no_common_type_is_shown_all_the_same(look: Look) -> None:
    rows: list[list[Any]] = [["took", "amount"], [timedelta(hours=30), 0.1 + 0.2], ["long", 12.0]]
    found = look("untyped.xlsx", _workbook(*rows))
    assert found.rows[1] == ("long", "12")
    assert found.rows[0][1] == "0.3"
    assert _figures(found) == ["amount"]


def test_columns_without_cells_are_nothing_to_warn_of(look: Look, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = look("gap.xlsx", _workbook(["a", None, "c"], [1, None, 3]))
    assert found.rows == (("1", "", "3"),)
    assert caplog.records == []


def test_a_workbook_of_a_title_only_or_of_nothing_is_shown_empty(look: Look) -> None:
    assert look("title.xlsx", _workbook(["a", "b"])) == TablePreview(
        ("a", "b"), (), complete=True, total=0, sheet="Sheet", sheets=("Sheet",)
    )
    assert look("nothing.xlsx", _workbook()).columns == ()

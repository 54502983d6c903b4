"""Whether the first row of a CSV file holds names is told alike by previews, tables, searches, differences, merges and
the notebook library."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from kronkers_studio.domain.previews import TableQuery
from kronkers_studio.formats.csv_columns import read_csv_columns
from kronkers_studio.formats.table_columns import columns_in
from kronkers_studio.formats.table_diff import diff_table_files
from kronkers_studio.formats.table_file_merge import merge_table_files
from kronkers_studio.formats.table_files import read_tables
from kronkers_studio.formats.table_previews import csv_preview
from kronkers_studio.formats.table_views import table_view

BEGINNINGS = {
    "names": ("a,b\n1,2\n3,4\n", ("a", "b")),
    "years": ("country,2019,2020\nAT,1.5,2\nDE,3,4\n", ("country", "2019", "2020")),
    "places": (",0,1,2\nx,0.1,0.2,0.3\ny,1,2,3\n", ("", "0", "1", "2")),
    "values": ("1,2\n3,4\n", ()),
    "scikit-learn's iris": ("150,4,setosa,versicolor,virginica\n5.1,3.5,1.4,0.2,0\n4.9,3,1.4,0.2,0\n", ()),
    "a year that is a value": ("AT,2019\nDE,2020\n", ()),
    "names alone": ("a,b\n", ("a", "b")),
    "one row of values": ("1,2\n", ()),
    "a blank line below the names": ("country,2019,2020\n\nAT,1.5,2\n", ("country", "2019", "2020")),
}


def told(text: str) -> dict[str, tuple[str, ...]]:
    """The names of the columns as each reader tells them, () for none."""
    data = text.encode("utf-8")
    preview = csv_preview(text, complete=True)
    assert preview is not None
    form = read_tables("a.csv", data).csv
    assert form is not None
    view = table_view("a.csv", data, TableQuery())
    frame = read_csv_columns(data, "", "", True, None).frame
    return {
        "preview": preview.columns,
        "whole table": view.columns,
        "difference and merge": form.header or (),
        "search": columns_in(".csv", io.BytesIO(data)),
        "notebook": tuple(frame.columns),
    }


@pytest.mark.parametrize("name", BEGINNINGS)
def test_every_reader_tells_the_same_names(name: str) -> None:
    """Seen to fail with the rule of each as it was: previews took any first row for names, differences one of years
    for values."""
    text, names = BEGINNINGS[name]
    found = told(text)
    numbered = tuple(f"column {place}" for place in range(1, text.split("\n", 1)[0].count(",") + 2))
    assert found["difference and merge"] == names
    assert found["search"] == tuple(filter(None, names))
    shown = tuple(column or f"column {place}" for place, column in enumerate(names, start=1)) or numbered
    for reader in ("preview", "whole table", "notebook"):
        assert tuple(c or f"column {n}" for n, c in enumerate(found[reader], start=1)) == shown, reader


def test_what_stands_below_the_names_does_not_part_the_versions_of_a_file() -> None:
    """The names are of one row, which both have. Seen to fail with each version read by itself: the row of names was a
    row that was removed."""
    old = "country,2019,2020\nAT,1.5,2\nDE,3,4\n"
    new = "country,2019,2020\nall,2019,2020\nAT,1.5,2\nDE,3,4\n"
    (difference,) = diff_table_files("a.csv", old.encode(), new.encode()).tables
    assert difference.columns == ("country", "2019", "2020") and not difference.column_changes
    assert (difference.rows_added, difference.rows_removed, difference.rows_changed) == (1, 0, 0)
    theirs = old.replace("DE,3,4", "DE,3,5")
    merged = merge_table_files("a.csv", old.encode(), new.encode(), theirs.encode())
    assert not isinstance(merged, str)
    assert merged[0].decode() == new.replace("DE,3,4", "DE,3,5")


def test_a_table_without_names_shows_all_of_its_rows() -> None:
    preview = csv_preview("1,2\n3,4\n", complete=True)
    assert preview is not None and preview.rows == (("1", "2"), ("3", "4")) and preview.total == 2


@pytest.mark.parametrize(
    "file", sorted(Path(__file__).parents[2].glob("resources/sample/**/*.csv")), ids=lambda f: f.name
)
def test_the_samples_have_names(file: Path) -> None:
    found = told(file.read_text(encoding="utf-8-sig"))
    assert len(set(found.values())) == 1

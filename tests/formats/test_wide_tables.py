"""The time that a table takes grows with its cells, not with the square of its columns."""

from __future__ import annotations

import time

from kronkers_studio.formats.delimited import is_header
from kronkers_studio.formats.table_diff import diff_table_files
from kronkers_studio.formats.table_file_merge import merge_table_files
from kronkers_studio.formats.table_files import column_names
from tests.counted_work import lines_run


def _wide(columns: int, first: int, last: int) -> bytes:
    rows = [",".join(f"c{number}" for number in range(columns))]
    for row in range(1, 4):
        cells = [str(number * row) for number in range(columns)]
        cells[2], cells[-1] = (str(first) if row == 1 else cells[2]), (str(last) if row == 3 else cells[-1])
        rows.append(",".join(cells))
    return ("\n".join(rows) + "\n").encode()


def test_four_times_the_columns_take_about_four_times_as_long() -> None:
    """It was sixteen times and more: 12 and 206 seconds for 4,000 columns."""
    took = {}
    for columns in (250, 1000):
        base, ours, theirs = _wide(columns, 2, 0), _wide(columns, 7, 0), _wide(columns, 2, 5)

        def work() -> None:
            (table,) = diff_table_files("a.csv", base, ours).tables  # noqa: B023  # called at once
            merged = merge_table_files("a.csv", base, ours, theirs)  # noqa: B023
            assert table.rows_changed == 1 and isinstance(merged, tuple)
            assert merged[0] == _wide(columns, 7, 5)  # noqa: B023

        took[columns] = lines_run(work)
    assert took[1000] < 5 * took[250]


def test_columns_of_one_name_are_told_apart_in_time_that_grows_with_them() -> None:
    told = column_names(["a", "", "a", "a (2)", "a", ""])
    assert told == ["a", "column 2", "a (2)", "a (2) (2)", "a (3)", "column 6"]
    took = {}
    for count in (1000, 4000):
        names = ["a"] * count
        took[count] = lines_run(lambda: column_names(names))  # noqa: B023  # called at once
        assert len(set(column_names(names))) == count
    assert took[4000] < 5 * took[1000]


def test_a_first_cell_of_many_digits_is_no_endless_work() -> None:
    assert lines_run(lambda: is_header(["1" * 60_000 + "x", "name"])) == lines_run(lambda: is_header(["1x", "name"]))
    began = time.process_time()
    assert is_header(["1" * 2_000_000 + "x", "name"])
    assert time.process_time() - began < 20  # hours with a pattern that tries every length

"""What the process that reads tables says of columns is checked before anything is made of it."""

from __future__ import annotations

from typing import Any

import pytest

from kronkers_studio.domain.column_tables import Column, ColumnKind, ColumnTable
from kronkers_studio.formats.column_messages import pack_columns, unpack_columns_of
from kronkers_studio.formats.column_reading import read_columns
from kronkers_studio.formats.table_messages import Malformed

TABLE = ColumnTable(
    (
        Column("n", ColumnKind.INT16, memoryview(b"\1\0\2\0"), memoryview(b"\0\1")),
        Column("t", ColumnKind.TEXT, memoryview(b"a\0b"), memoryview(b"")),
        Column("c", ColumnKind.CATEGORY, memoryview(bytes(8)), memoryview(b""), levels=("x",)),
    ),
    2,
    remarks=("It is so.",),
)


def test_what_is_packed_is_what_comes_out() -> None:
    found = unpack_columns_of(*pack_columns(TABLE))
    assert found == TABLE
    table = read_columns("t.csv", b"a,b\n1,x\n2,\n", "", "", False)
    assert unpack_columns_of(*pack_columns(table)) == table


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ((0,), -1),
        ((0,), 3),
        ((0,), True),
        ((1,), None),
        ((1, 0, 0), 7),
        ((1, 1, 0), "n"),
        ((1, 0, 1), "complex"),
        ((1, 0, 2), 5),
        ((1, 0, 2), 1 << 61),
        ((1, 0, 3), 1),
        ((1, 0, 4), "week"),
        ((1, 0, 5), "Z" * 65),
        ((1, 2, 6), []),
        ((1, 2, 6), [None]),
        ((2,), None),
        ((3,), [3]),
        ((1, 1, 1), "moment"),
    ],
)
def test_what_does_not_fit_is_no_answer(place: tuple[int, ...], value: Any) -> None:
    about, body = pack_columns(TABLE)
    inner: Any = about
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    with pytest.raises(Malformed):
        unpack_columns_of(about, body)


def test_places_beyond_the_levels_and_bytes_left_over_are_no_answer() -> None:
    """Seen to fail without the look at the places."""
    about, body = pack_columns(TABLE)
    with pytest.raises(Malformed):
        unpack_columns_of(about, body[:-1] + b"\1")
    with pytest.raises(Malformed):
        unpack_columns_of(about, body + b"\0")
    with pytest.raises(Malformed):
        unpack_columns_of(about, body[:-1])

"""Rows as Apache Arrow (IPC, a stream or a file) to the rows that JSON would have said, and answers as a stream.

Read are truth values, whole and fractional numbers, texts, dates and moments, each also by a dictionary, and columns of
nulls. NaN is a missing number, as it is for CSV. What the body says of itself is checked before it is believed; values
and texts are bounded by what a body of JSON could hold, for buffers may be shared. Compressed buffers are refused: they
could be without end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from kronkers_studio.serving.inputs.arrow_batches import Batch, Budget, Field, read_field
from kronkers_studio.serving.inputs.arrow_messages import messages
from kronkers_studio.serving.inputs.arrow_types import BATCH, DICTIONARY, INT, SCHEMA
from kronkers_studio.serving.inputs.flat_tables import FlatTable, broken
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.problems import Refusal, shown

_MOST_UNNAMED = 100_000  # columns, of a model that takes any number


def rows_of_arrow(body: bytes, reader: RowReader, *, most_rows: int, most_bytes: int) -> list[Any]:
    """The rows in ``body``, as ``reader`` reads them: objects by the columns' names, or lists. ``most_bytes`` bounds
    the values as it bounds a body. Raises ``Refusal`` for what is no Arrow; what a value may be is the reader's affair.
    """
    table = _Table(reader, most_rows, most_bytes)
    for message in messages(body):
        table.take(message.kind, message.header, message.part)
    return table.rows()


class _Table:
    """What the messages of one body add up to."""

    def __init__(self, reader: RowReader, most_rows: int, most_bytes: int) -> None:
        self._reader = reader
        self._most_rows = most_rows
        self._budget = Budget(most_bytes)
        self._fields: list[Field] | None = None
        self._dictionaries: dict[int, list[Any]] = {}
        self._columns: list[list[Any]] = []
        self._count = 0

    def take(self, kind: int, header: FlatTable, part: bytes) -> None:
        if kind == SCHEMA and self._fields is None:
            self._fields = self._schema(header)
            self._columns = [[] for _ in self._fields]
        elif kind == SCHEMA or self._fields is None or kind not in (DICTIONARY, BATCH):
            raise broken("its messages come in no order that a table has")
        elif kind == DICTIONARY:
            self._take_dictionary(self._fields, header, part)
        else:
            self._take_batch(self._fields, header, part)

    def rows(self) -> list[Any]:
        if self._fields is None:
            raise Refusal("The body is empty; send rows as an Arrow stream.")
        if not self._reader.named:
            return [list(row) for row in zip(*self._columns, strict=True)]
        names = [field.name for field in self._fields]
        return [dict(zip(names, row, strict=True)) for row in zip(*self._columns, strict=True)]

    def _schema(self, header: FlatTable) -> list[Field]:
        if header.number(0, "h"):
            raise Refusal("The body has its large end first; send it with the little end first.")
        width = len(self._reader.columns)
        found = header.tables(1, width or _MOST_UNNAMED)
        if found is None:
            raise Refusal(f"The table has too many columns; this model takes {width or _MOST_UNNAMED}.")
        fields = []
        for each in found:
            fields.append(read_field(each))
            self._budget.spend(0, len(fields[-1].name))  # all columns may share one long name
        names = Counter(field.name for field in fields)
        if self._reader.named and len(names) < len(fields):
            twice = next(name for name, count in names.items() if count > 1)
            raise Refusal(f"The table names {shown(twice)} twice.", field=twice[:100])
        return fields

    def _take_dictionary(self, fields: list[Field], header: FlatTable, part: bytes) -> None:
        number = header.number(0, "q")
        field = next((each for each in fields if each.dictionary == number), None)
        data = header.table(1)
        if field is None or data is None:
            raise broken("a dictionary is of no column")
        batch = Batch(data, part, self._budget)
        values = batch.column(Field(field.name, field.kind, field.values), batch.rows)
        batch.require_end()
        if header.number(2, "B"):
            self._dictionaries.setdefault(number, []).extend(values)
        else:
            self._dictionaries[number] = values

    def _take_batch(self, fields: list[Field], header: FlatTable, part: bytes) -> None:
        batch = Batch(header, part, self._budget)
        self._count += batch.rows
        if self._count > self._most_rows:
            raise Refusal(f"One request may hold {self._most_rows} rows. Send them in parts.", status=413, field="rows")
        for column, field in zip(self._columns, fields, strict=True):
            if field.dictionary is None:
                column.extend(batch.column(field, batch.rows))
            else:
                places = batch.column(Field(field.name, INT, field.indices), batch.rows)
                column.extend(_looked_up(places, self._dictionaries.get(field.dictionary), field))
        batch.require_end()


def _looked_up(places: Sequence[Any], values: list[Any] | None, field: Field) -> list[Any]:
    if values is None:
        if all(place is None for place in places):
            return list(places)
        raise broken(f"the column {shown(field.name)} has no dictionary")
    if any(place is not None and not 0 <= place < len(values) for place in places):
        raise broken(f"the column {shown(field.name)} leads outside of its dictionary")
    return [None if place is None else values[place] for place in places]

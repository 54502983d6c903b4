"""Tables of a FlatBuffers file, read where they are asked for: the file itself may be gigabytes.

The format: https://flatbuffers.dev/internals. A table begins with how far before it its layout lies; the layout says
where in the table each field is. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from kronkers_studio.packaging.byte_reader import Damaged, TooMuch

LONGEST_TEXT: Final = 1 << 20
MOST_ITEMS: Final = 1_000_000


class FlatBuffer:
    """The buffer of ``size`` bytes that begins at byte ``start`` of ``stream``. Raises ``Damaged``, ``TooMuch``."""

    def __init__(self, stream: BinaryIO, start: int, size: int) -> None:
        self._stream = stream
        self._start = start
        self._size = size

    def root(self) -> FlatTable:
        """The table that the buffer is about."""
        return FlatTable(self, self.number(0, "<I"))

    def number(self, at: int, form: str) -> int:
        """The whole number at byte ``at`` of the buffer, in struct's ``form``."""
        return int(struct.unpack(form, self.content(at, struct.calcsize(form)))[0])

    def content(self, at: int, size: int) -> bytes:
        """``size`` bytes from byte ``at`` of the buffer."""
        if at < 0 or size < 0 or at + size > self._size:
            raise Damaged("a part of it lies outside of it")
        self._stream.seek(self._start + at)
        data = self._stream.read(size)
        if len(data) != size:
            raise Damaged("it ends too early")
        return data


class FlatTable:
    """One table. ``field`` is a field's number in the schema, from 0."""

    def __init__(self, buffer: FlatBuffer, at: int) -> None:
        self._buffer = buffer
        self._at = at
        layout = at - buffer.number(at, "<i")
        length = buffer.number(layout, "<H")
        self._fields = struct.unpack(f"<{(length - 4) // 2}H", buffer.content(layout + 4, (length - 4) // 2 * 2))

    def integer(self, field: int, default: int) -> int:
        """A field of 32 bits."""
        at = self._field(field)
        return default if at is None else self._buffer.number(at, "<i")

    def flag(self, field: int, default: bool) -> bool:
        """A field that is true or false."""
        at = self._field(field)
        return default if at is None else self._buffer.number(at, "<B") != 0

    def text(self, field: int) -> str:
        """A field of text; "" when it is not there."""
        at = self._reference(field)
        if at is None:
            return ""
        length = self._buffer.number(at, "<I")
        if length > LONGEST_TEXT:
            raise TooMuch("a text in it is longer than any model's")
        return self._buffer.content(at + 4, length).decode("utf-8", "replace")

    def table(self, field: int) -> FlatTable | None:
        """A field that is a table; None when it is not there."""
        at = self._reference(field)
        return None if at is None else FlatTable(self._buffer, at)

    def tables(self, field: int) -> list[FlatTable]:
        """A field that is a list of tables."""
        at = self._reference(field)
        if at is None:
            return []
        count = self.count(field)
        if count > MOST_ITEMS:
            raise TooMuch("it describes itself at greater length than is read here")
        places = [at + 4 + 4 * index for index in range(count)]
        return [FlatTable(self._buffer, place + self._buffer.number(place, "<I")) for place in places]

    def count(self, field: int) -> int:
        """How many items a field that is a list has."""
        at = self._reference(field)
        return 0 if at is None else self._buffer.number(at, "<I")

    def _field(self, field: int) -> int | None:
        offset = self._fields[field] if field < len(self._fields) else 0
        return self._at + offset if offset else None

    def _reference(self, field: int) -> int | None:
        at = self._field(field)
        return None if at is None else at + self._buffer.number(at, "<I")

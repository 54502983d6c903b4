"""FlatBuffers tables, which Arrow describes its data by, and CatBoost its models: read within bounds, and written.

A table's values lie in numbered slots. What is read comes from anybody: each offset is checked before it is followed,
and nothing is copied but texts. Raises ``Refusal`` for what leads outside.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from kronkers_studio.serving.problems import Refusal

_SIZES = {each: struct.calcsize("<" + each) for each in "bBhHiIq"}


def broken(what: str) -> Refusal:
    """What is said of bytes that are no Arrow."""
    return Refusal(f"The body is not Arrow: {what}.")


def number_at(data: bytes, form: str, at: int) -> int:
    """The whole number of the struct format ``form`` at the byte ``at`` of ``data``, little end first."""
    if at < 0 or at + _SIZES[form] > len(data):
        raise broken("an offset leads outside of a message")
    return int(struct.unpack_from("<" + form, data, at)[0])


@dataclass(frozen=True)
class FlatTable:
    """The table at the byte ``at`` of ``data``."""

    data: bytes
    at: int

    @classmethod
    def root(cls, data: bytes) -> FlatTable:
        """The table that ``data`` is about."""
        return cls(data, number_at(data, "I", 0))

    def number(self, slot: int, form: str, default: int = 0) -> int:
        """The number in ``slot``, of the struct format ``form``."""
        place = self._place(slot)
        return default if place is None else number_at(self.data, form, place)

    def table(self, slot: int) -> FlatTable | None:
        """The table in ``slot``, if there is one."""
        place = self._followed(slot)
        return None if place is None else FlatTable(self.data, place)

    def text(self, slot: int) -> str:
        """The text in ``slot``; "" without one."""
        place = self._followed(slot)
        if place is None:
            return ""
        length = number_at(self.data, "I", place)
        self._check(place + 4, length)
        try:
            return self.data[place + 4 : place + 4 + length].decode()
        except UnicodeDecodeError:
            raise broken("a name is not UTF-8") from None

    def tables(self, slot: int, most: int) -> list[FlatTable] | None:
        """The tables in the vector in ``slot``; None when they are more than ``most``."""
        place, count = self._vector(slot, 4)
        if count > most:
            return None
        slots = (place + 4 * index for index in range(count))
        return [FlatTable(self.data, each + number_at(self.data, "I", each)) for each in slots]

    def numbers(self, slot: int, *, each: int = 1) -> list[tuple[int, ...]]:
        """The vector in ``slot`` of structs of ``each`` whole numbers of 64 bits."""
        place, count = self._vector(slot, 8 * each)
        return list(struct.iter_unpack(f"<{each}q", self.data[place : place + 8 * each * count]))

    def integers(self, slot: int) -> list[int]:
        """The vector in ``slot`` of whole numbers of 32 bits."""
        place, count = self._vector(slot, 4)
        return list(struct.unpack_from(f"<{count}i", self.data, place))

    def _vector(self, slot: int, size: int) -> tuple[int, int]:
        """Where the elements of ``size`` bytes lie, and how many there are."""
        place = self._followed(slot)
        if place is None:
            return 0, 0
        count = number_at(self.data, "I", place)
        self._check(place + 4, count * size)
        return place + 4, count

    def _followed(self, slot: int) -> int | None:
        place = self._place(slot)
        return None if place is None else place + number_at(self.data, "I", place)

    def _place(self, slot: int) -> int | None:
        slots = self.at - number_at(self.data, "i", self.at)
        entry = 4 + 2 * slot
        if entry + 2 > number_at(self.data, "H", slots):
            return None
        offset = number_at(self.data, "H", slots + entry)
        return self.at + offset if offset else None

    def _check(self, start: int, length: int) -> None:
        if start + length > len(self.data):
            raise broken("an offset leads outside of a message")


@dataclass(frozen=True)
class Number:
    """A number to be written, of the struct format ``form``."""

    form: str
    value: int


Part = Callable[[bytearray], int]
"""Writes something at the end of the bytes so far, and tells where."""


def written(root: Part) -> bytes:
    """A message about ``root``, its length a multiple of eight bytes."""
    out = bytearray(4)
    struct.pack_into("<I", out, 0, root(out))
    _align(out, 8)
    return bytes(out)


def table(*slots: Number | Part | None) -> Part:
    """A table with ``slots`` in order, None for an empty one."""

    def write(out: bytearray) -> int:
        length = 4 + 2 * len(slots)
        _align(out, 8)
        out += bytes(-length % 8)
        start, offsets, size = len(out) + length, [], 4
        for slot in slots:
            wide = 0 if slot is None else _SIZES[slot.form] if isinstance(slot, Number) else 4
            size += -size % wide if wide else 0
            offsets.append(size if wide else 0)
            size += wide
        out += struct.pack(f"<HH{len(slots)}H", length, size, *offsets)
        out += struct.pack("<i", length) + bytes(size - 4)
        for slot, offset in zip(slots, offsets, strict=True):
            if isinstance(slot, Number):
                struct.pack_into("<" + slot.form, out, start + offset, slot.value)
            elif slot is not None:
                _refer(out, start + offset, slot)
        return start

    return write


def text(value: str) -> Part:
    """A text."""
    data = value.encode()

    def write(out: bytearray) -> int:
        _align(out, 4)
        start = len(out)
        out += struct.pack("<I", len(data)) + data + b"\0"
        return start

    return write


def tables(parts: Sequence[Part]) -> Part:
    """A vector of tables."""

    def write(out: bytearray) -> int:
        _align(out, 4)
        start = len(out)
        out += struct.pack("<I", len(parts)) + bytes(4 * len(parts))
        for index, part in enumerate(parts):
            _refer(out, start + 4 + 4 * index, part)
        return start

    return write


def structs(pairs: Sequence[tuple[int, int]]) -> Part:
    """A vector of structs of two whole numbers of 64 bits."""

    def write(out: bytearray) -> int:
        out += bytes((4 - len(out)) % 8)
        start = len(out)
        out += struct.pack("<I", len(pairs)) + b"".join(struct.pack("<qq", *pair) for pair in pairs)
        return start

    return write


def _refer(out: bytearray, place: int, part: Part) -> None:
    struct.pack_into("<I", out, place, part(out) - place)


def _align(out: bytearray, to: int) -> None:
    out += bytes(-len(out) % to)

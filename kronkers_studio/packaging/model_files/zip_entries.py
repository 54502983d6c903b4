"""What is in a zip archive, from its table of contents alone: nothing of it is decompressed."""

from __future__ import annotations

import struct
from typing import BinaryIO

_END = b"PK\x05\x06"
_END_SIZE = 22
_LONGEST_COMMENT = 65_535
_LARGEST_TABLE = 4 * 1024 * 1024
_ENTRY = struct.Struct("<4s24xHHH12x")
_ENTRY_MARK = b"PK\x01\x02"


def zip_entries(stream: BinaryIO) -> tuple[str, ...]:
    """The paths in the archive, in its order; () for what is none, is damaged, or has more than any model."""
    size = stream.seek(0, 2)
    stream.seek(max(0, size - _END_SIZE - _LONGEST_COMMENT))
    tail = stream.read()
    at = tail.rfind(_END)
    if at < 0 or at + _END_SIZE > len(tail):
        return ()
    length, start = struct.unpack_from("<LL", tail, at + 12)
    if length > _LARGEST_TABLE or start + length > size:
        return ()
    stream.seek(start)
    return _names(stream.read(length))


def _names(table: bytes) -> tuple[str, ...]:
    names: list[str] = []
    at = 0
    while at + _ENTRY.size <= len(table):
        mark, name, extra, comment = _ENTRY.unpack_from(table, at)
        if mark != _ENTRY_MARK:
            break
        at += _ENTRY.size
        names.append(table[at : at + name].decode("utf-8", "replace"))
        at += name + extra + comment
    return tuple(names)

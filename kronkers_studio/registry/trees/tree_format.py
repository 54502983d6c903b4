"""Trees: a folder's entries as one object, in a compact form that is the same for the same content.

Format 1: the bytes ``KTREE\\x01``, the number of entries, then for each entry in the order of its raw name:

    kind 1 · name · modification time (signed, ns) · then by kind
    file     size · number of chunks · 32 bytes for each chunk's id
    folder   size of all files below it · 32 bytes for its tree's id
    link     target

Kind is 0 file, 1 executable file, 2 folder, 3 link. Numbers are LEB128 (signed ones zigzag) of at most 13 bytes, which
hold every time that a system can; sizes are below 2^63, as they are everywhere. Names and targets are their length and
their bytes as the file system holds them: UTF-8 where it is that, any bytes where it is not.

Of a folder with many entries, format 1 holds the parts; see ``tree_parts``.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.store.records import ID_SIZE

_MAGIC = b"KTREE\x01"
_FILE, _EXECUTABLE, _FOLDER, _LINK = range(4)
_FILE_CODE, _EXECUTABLE_CODE, _FOLDER_CODE, _LINK_CODE = (bytes((code,)) for code in range(4))
_SPECIAL = frozenset({b"", b".", b".."})
_ORDINARY = re.compile(r"(?!\.)[^\0/\ud800-\udfff]+(?:/(?!\.)[^\0/\ud800-\udfff]+)*").fullmatch
"""Most paths: nothing in them needs a closer look."""


_FILE_KIND, _FOLDER_KIND, _LINK_KIND = EntryKind.FILE, EntryKind.FOLDER, EntryKind.LINK
MOST_BITS = 13 * 7
"""Of a number. A longer one would be made of ever longer ones, in a time that grows with the square of its bytes."""
_TOO_LARGE = 1 << 63  # for a size
Piece = tuple[bytes, bytes]
"""An entry's raw name, and all of it as it stands in a tree."""


def path_problem(path: str) -> str:
    """Why ``path`` cannot be stored, as a sentence; empty when it can."""
    if path.isascii() and path and path[0] not in "./" and path[-1] != "/":  # nearly all, in a third of the time
        if "/." not in path and "//" not in path and "\0" not in path:
            return ""
    elif _ORDINARY(path):
        return ""
    try:
        raw = path.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return "Its name holds characters that no other system can hold."
    if b"\0" in raw or not _SPECIAL.isdisjoint(raw.split(b"/")):
        return "It is not a path inside the folder."
    return ""


def raw_name(name: str) -> bytes:
    """A name, or a link's target, as the file system holds it."""
    return name.encode("utf-8", "surrogateescape")


def encode_tree(entries: Iterable[Entry]) -> bytes:
    """The tree object of a folder's ``entries``; of their paths only the last part is kept."""
    return join_pieces(sorted(map(piece_of, entries)))


def piece_of(entry: Entry) -> Piece:
    """An entry in its encoded form; of its path only the last part is kept."""
    raw = raw_name(entry.name)
    return raw, encode_piece(raw, entry.kind, entry.mtime_ns, entry.executable, entry.size, entry.content, entry.target)


def encode_piece(
    raw: bytes,
    kind: EntryKind,
    mtime_ns: int,
    executable: bool,
    size: int,
    content: Sequence[bytes],
    target: str = "",
) -> bytes:
    """One entry of the raw name ``raw``."""
    mtime = mtime_ns << 1 if mtime_ns >= 0 else ~(mtime_ns << 1)
    if kind is _FILE_KIND:
        code = _EXECUTABLE_CODE if executable else _FILE_CODE
        return b"".join((code, number(len(raw)), raw, number(mtime), number(size), number(len(content)), *content))
    if kind is EntryKind.FOLDER:
        return b"".join((_FOLDER_CODE, number(len(raw)), raw, number(mtime), number(size), *content))
    link = raw_name(target)
    return b"".join((_LINK_CODE, number(len(raw)), raw, number(mtime), number(len(link)), link))


def join_pieces(pieces: Sequence[Piece]) -> bytes:
    """The tree object of entries that are in the order of their raw names."""
    return b"".join((_MAGIC, number(len(pieces)), *(piece for _, piece in pieces)))


def decode_tree(data: bytes) -> tuple[Entry, ...]:
    """The entries of a tree object, their paths being their names. Raises ``StoreDamaged``.

    A name that would lead out of its folder is damage as well, so that no tree can make `restore` write elsewhere.
    """
    try:
        return tuple(_entries(data))
    except (IndexError, ValueError) as error:
        raise damaged(str(error)) from None


def damaged(why: str) -> StoreDamaged:
    """The failure of reading a folder's listing."""
    return StoreDamaged(
        "A folder's listing in the store is damaged.",
        next_step="Run `kronkers check --read-data`, and restore the workspace from a backup.",
        details=why,
    )


def placed(entry: Entry, folder: str) -> Entry:
    """``entry`` with its full path, ``folder`` being where it lies ("" = the project's top)."""
    if not folder:
        return entry
    path = f"{folder}/{entry.path}"  # in full, because ``replace`` takes twice as long and this is done for every entry
    return Entry(path, entry.kind, entry.size, entry.mtime_ns, entry.executable, entry.content, entry.target)


@dataclass(slots=True)
class Cursor:
    """Reads numbers and bytes one after the other. Raises ``IndexError`` or ``ValueError`` when they end."""

    data: bytes
    at: int = 0

    def number(self) -> int:
        data, at = self.data, self.at
        value, shift = data[at], 7
        if value > 127:
            value &= 127
            while (byte := data[at := at + 1]) > 127:
                value |= (byte & 127) << shift
                shift += 7
                if shift == MOST_BITS:
                    raise ValueError("it holds an impossible number")
            value |= byte << shift
        self.at = at + 1
        return value

    def signed(self) -> int:
        value = self.number()
        return ~(value >> 1) if value & 1 else value >> 1

    def take(self, length: int) -> bytes:
        piece = self.data[self.at : self.at + length]
        if len(piece) != length:
            raise ValueError("it is cut off")
        self.at += length
        return piece


def _entries(data: bytes) -> Iterator[Entry]:
    """Written out where ``Cursor`` would be shorter: this is done for every file of every tree that is read."""
    if not data.startswith(_MAGIC):
        raise ValueError("it is of an unknown version")
    count, at = _number_at(data, len(_MAGIC))
    previous = b""
    for _ in range(count):
        code, length, at = data[at], data[at + 1], at + 2
        if length > 127:
            length, at = _number_at(data, at - 1)
        raw = data[at : at + length]
        if raw in _SPECIAL or b"/" in raw or b"\0" in raw or raw <= previous:
            raise ValueError("it holds an impossible name")
        previous = raw
        name = raw.decode("utf-8", "surrogateescape")
        time, at = _time_at(data, at + length)
        size, at = data[at], at + 1  # of a link, the length of its target
        if size > 127:
            size, at = _number_at(data, at - 1)
            if size >= _TOO_LARGE:
                raise ValueError("it holds an impossible size")
        if code in (_FILE, _EXECUTABLE):
            content, at = _chunks_at(data, at)
            entry = Entry(name, _FILE_KIND, size, time, code == _EXECUTABLE, content)
        elif code == _FOLDER:
            entry = Entry(name, _FOLDER_KIND, size, time, False, (data[at : at + ID_SIZE],))
            at += ID_SIZE
        elif code == _LINK:
            target = data[at : at + size].decode("utf-8", "surrogateescape")
            entry = Entry(name, _LINK_KIND, 0, time, False, (), target)
            at += size
        else:
            raise ValueError("it holds an unknown kind of entry")
        yield entry
    if at != len(data):
        raise ValueError("it is cut off" if at > len(data) else "something follows it")


def _chunks_at(data: bytes, at: int) -> tuple[tuple[bytes, ...], int]:
    count, at = data[at], at + 1
    if count == 1:
        return (data[at : at + ID_SIZE],), at + ID_SIZE
    if count > 127:
        count, at = _number_at(data, at - 1)
    end = at + ID_SIZE * count
    if end > len(data):  # before so many are listed
        raise ValueError("it is cut off")
    return tuple([data[begin : begin + ID_SIZE] for begin in range(at, end, ID_SIZE)]), end


def _number_at(data: bytes, at: int) -> tuple[int, int]:
    """A number, and where what follows it begins. Raises ``IndexError`` when it does not end."""
    cursor = Cursor(data, at)
    return cursor.number(), cursor.at


_EIGHT_GO_ON = 0x8080808080808080


def _time_at(data: bytes, at: int) -> tuple[int, int]:
    """As ``_number_at``, signed. Nearly every time takes nine bytes, whose bits are moved together at once."""
    value = int.from_bytes(data[at : at + 8], "little")
    if value & _EIGHT_GO_ON == _EIGHT_GO_ON and (last := data[at + 8]) < 128:
        value = (value & 0x007F007F007F007F) | (value & 0x7F007F007F007F00) >> 1
        value = (value & 0x00003FFF00003FFF) | (value & 0x3FFF00003FFF0000) >> 2
        value = (value & 0x0FFFFFFF) | (value & 0x0FFFFFFF00000000) >> 4 | last << 56
        at += 9
    else:
        value, at = _number_at(data, at)
    return (~(value >> 1) if value & 1 else value >> 1), at


def number(value: int) -> bytes:
    """LEB128. Every file has a time, which takes nine bytes: 14 bits at a go."""
    if value < 1 << 7:
        return _BYTES[value]
    if value < 1 << 14:
        return _BYTES[value & 127 | 128] + _BYTES[value >> 7]
    pairs = _pairs()
    if 1 << 56 <= value < 1 << 63:
        low, high = value & 0xFFFFFFF, value >> 28
        return b"".join(
            (
                pairs[low & 0x3FFF],
                pairs[low >> 14],
                pairs[high & 0x3FFF],
                pairs[high >> 14 & 0x3FFF],
                _BYTES[value >> 56],
            )
        )
    return pairs[value & 0x3FFF] + number(value >> 14)


_BYTES = [bytes((value,)) for value in range(256)]


@functools.cache
def _pairs() -> list[bytes]:
    """Each 14 bits as two bytes that others follow."""
    return [low + high for high in _BYTES[128:] for low in _BYTES[128:]]

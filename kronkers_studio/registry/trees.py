"""Trees: a folder's entries as one object, in a compact form that is the same for the same content.

Format 1: the bytes ``KTREE\\x01``, the number of entries, then for each entry in the order of its raw name:

    kind 1 · name · modification time (signed, ns) · then by kind
    file     size · number of chunks · 32 bytes for each chunk's id
    folder   size of all files below it · 32 bytes for its tree's id
    link     target

Kind is 0 file, 1 executable file, 2 folder, 3 link. Numbers are LEB128 (signed ones zigzag); names and targets are
their length and their bytes as the file system holds them: UTF-8 where it is that, any bytes where it is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.records import ID_SIZE

_MAGIC = b"KTREE\x01"
_FILE, _EXECUTABLE, _FOLDER, _LINK = range(4)
_SPECIAL = frozenset({b"", b".", b".."})
_ORDINARY = re.compile(r"(?!\.)[^\0/\ud800-\udfff]+(?:/(?!\.)[^\0/\ud800-\udfff]+)*").fullmatch
"""Most paths: nothing in them needs a closer look."""


def path_problem(path: str) -> str:
    """Why ``path`` cannot be stored, as a sentence; empty when it can."""
    if _ORDINARY(path):
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
    ordered = sorted((raw_name(entry.name), entry) for entry in entries)
    out = bytearray(_MAGIC)
    _put(out, len(ordered))
    for name, entry in ordered:
        out.append(_code(entry))
        _put(out, len(name))
        out += name
        _put(out, entry.mtime_ns << 1 if entry.mtime_ns >= 0 else ~(entry.mtime_ns << 1))
        if entry.kind is EntryKind.LINK:
            target = raw_name(entry.target)
            _put(out, len(target))
            out += target
            continue
        _put(out, entry.size)
        if entry.kind is EntryKind.FILE:
            _put(out, len(entry.content))
        for id in entry.content:
            out += id
    return bytes(out)


def decode_tree(data: bytes) -> tuple[Entry, ...]:
    """The entries of a tree object, their paths being their names. Raises ``StoreDamaged``.

    A name that would lead out of its folder is damage as well, so that no tree can make `restore` write elsewhere.
    """
    try:
        return tuple(_entries(_Cursor(data)))
    except (IndexError, ValueError) as error:
        raise StoreDamaged(
            "A folder's listing in the store is damaged.",
            next_step="Run `kronkers check --read-data`, and restore the workspace from a backup.",
            details=str(error),
        ) from None


def placed(entry: Entry, folder: str) -> Entry:
    """``entry`` with its full path, ``folder`` being where it lies ("" = the project's top)."""
    return replace(entry, path=f"{folder}/{entry.path}") if folder else entry


@dataclass(slots=True)
class _Cursor:
    data: bytes
    at: int = 0

    def number(self) -> int:
        shift = value = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                return value
            shift += 7

    def signed(self) -> int:
        value = self.number()
        return ~(value >> 1) if value & 1 else value >> 1

    def take(self, length: int) -> bytes:
        piece = self.data[self.at : self.at + length]
        if len(piece) != length:
            raise ValueError("it is cut off")
        self.at += length
        return piece


def _entries(cursor: _Cursor) -> Iterator[Entry]:
    if cursor.take(len(_MAGIC)) != _MAGIC:
        raise ValueError("it is of an unknown version")
    previous = b""
    for _ in range(cursor.number()):
        code = cursor.take(1)[0]
        raw = cursor.take(cursor.number())
        if raw in _SPECIAL or b"/" in raw or b"\0" in raw or raw <= previous:
            raise ValueError("it holds an impossible name")
        previous = raw
        name, mtime_ns = raw.decode("utf-8", "surrogateescape"), cursor.signed()
        if code == _LINK:
            target = cursor.take(cursor.number()).decode("utf-8", "surrogateescape")
            yield Entry(name, EntryKind.LINK, mtime_ns=mtime_ns, target=target)
        elif code == _FOLDER:
            size = cursor.number()
            yield Entry(name, EntryKind.FOLDER, size, mtime_ns, content=(cursor.take(ID_SIZE),))
        elif code in (_FILE, _EXECUTABLE):
            size = cursor.number()
            content = tuple(cursor.take(ID_SIZE) for _ in range(cursor.number()))
            yield Entry(name, EntryKind.FILE, size, mtime_ns, code == _EXECUTABLE, content)
        else:
            raise ValueError("it holds an unknown kind of entry")
    if cursor.at != len(cursor.data):
        raise ValueError("something follows it")


def _code(entry: Entry) -> int:
    if entry.kind is EntryKind.FOLDER:
        return _FOLDER
    if entry.kind is EntryKind.LINK:
        return _LINK
    return _EXECUTABLE if entry.executable else _FILE


def _put(out: bytearray, number: int) -> None:
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)

"""Wide folders: the tree of many entries is stored in parts, so that a change writes one of them anew and not all.

A tree of more than ``WIDE`` entries is an index of parts (format 2): the bytes ``KTREE\\x02``, the number of parts,
then for each part in order

    number of entries · the first one's name · 32 bytes of the part's id

with numbers and names as in format 1. A part is a tree of format 1 that holds a stretch of the folder's entries. A part
begins where the keyed hash of a name says so, whatever is around it: the same entries are always cut in the same
places, and an entry that comes or goes changes its own part, or makes two of one or one of two. How the parts are cut
tells nobody what the names are.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.registry.store.records import ID_SIZE, ObjectType, Sealer
from kronkers_studio.registry.trees.tree_format import (
    Cursor,
    Piece,
    damaged,
    decode_tree,
    join_pieces,
    number,
    raw_name,
)

WIDE = 2048
"""The most entries of a tree in one object."""
_MAGIC = b"KTREE\x02"
_CUT = b"KPART"  # no tree begins so: what is hashed for a cut has no other meaning
_ONE_IN = 256
"""One name in so many begins a part: together, a part and the index are then smallest at about 100,000 entries."""


class Part(NamedTuple):
    """A part of a tree: the raw name of its first entry, the number of its entries, and the id of its object."""

    first: bytes
    entries: int
    id: bytes


def tree_objects(pieces: Sequence[Piece], sealer: Sealer) -> tuple[bytes, dict[bytes, bytes]]:
    """The id of the tree of a folder's entries, which are in order, and the objects that it consists of, by id."""
    if len(pieces) <= WIDE:
        data = join_pieces(pieces)
        id = sealer.name(ObjectType.TREE, data)
        return id, {id: data}
    objects: dict[bytes, bytes] = {}
    parts: list[Part] = []
    for group in _groups(pieces, sealer):
        data = join_pieces(group)
        id = sealer.name(ObjectType.TREE, data)
        objects[id] = data
        parts.append(Part(group[0][0], len(group), id))
    data = encode_parts(parts)
    id = sealer.name(ObjectType.TREE, data)
    objects[id] = data
    return id, objects


def _groups(pieces: Sequence[Piece], sealer: Sealer) -> Iterator[Sequence[Piece]]:
    start = 0
    for at in range(1, len(pieces)):
        digest = sealer.name(ObjectType.TREE, _CUT + pieces[at][0])
        if int.from_bytes(digest[:4], "big") % _ONE_IN == 0:
            yield pieces[start:at]
            start = at
    yield pieces[start:]


def encode_parts(parts: Sequence[Part]) -> bytes:
    """The index of a tree's parts."""
    out = [_MAGIC, number(len(parts))]
    for part in parts:
        out += (number(part.entries), number(len(part.first)), part.first, part.id)
    return b"".join(out)


def is_wide(tree: bytes) -> bool:
    """Whether a tree object is an index of parts."""
    return tree.startswith(_MAGIC)


def decode_parts(tree: bytes) -> tuple[Part, ...]:
    """The parts of a wide tree. Raises ``StoreDamaged``."""
    try:
        return tuple(_parts(Cursor(tree, len(_MAGIC))))
    except (IndexError, ValueError) as error:
        raise damaged(str(error)) from None


def _parts(cursor: Cursor) -> Iterator[Part]:
    previous = b""
    for _ in range(cursor.number()):
        entries = cursor.number()
        first = cursor.take(cursor.number())
        if not entries or first <= previous:
            raise ValueError("its parts are out of order")
        previous = first
        yield Part(first, entries, cursor.take(ID_SIZE))
    if cursor.at != len(cursor.data):
        raise ValueError("something follows it")


def decode_part(part: Part, tree: bytes) -> tuple[Entry, ...]:
    """The entries of ``part``, whose object is ``tree``. Raises ``StoreDamaged`` when it is not what the index says."""
    entries = decode_tree(tree)
    if len(entries) != part.entries or raw_name(entries[0].path) != part.first:
        raise damaged("one of its parts is another's")
    return entries


def decode_folder(tree: bytes, read: Callable[[Sequence[bytes]], Iterable[bytes]]) -> tuple[Entry, ...]:
    """The entries of a folder, from its tree object and those that ``read`` gives by their ids. Raises
    ``StoreDamaged``."""
    if not is_wide(tree):
        return decode_tree(tree)
    found: list[Entry] = []
    parts = decode_parts(tree)
    for part, data in zip(parts, read([part.id for part in parts]), strict=True):
        if found and raw_name(found[-1].path) >= part.first:
            raise damaged("its parts overlap")
        found += decode_part(part, data)
    return tuple(found)


def part_with(parts: Sequence[Part], name: bytes) -> Part | None:
    """The part that an entry of the raw ``name`` is in, if there is one."""
    at = bisect_right(parts, name, key=lambda part: part.first)
    return parts[at - 1] if at else None


def references(tree: bytes) -> tuple[list[bytes], list[bytes]]:
    """The ids of the trees and of the chunks that a tree object names. Raises ``StoreDamaged``."""
    if is_wide(tree):
        return [part.id for part in decode_parts(tree)], []
    trees: list[bytes] = []
    chunks: list[bytes] = []
    for entry in decode_tree(tree):
        (trees if entry.kind is EntryKind.FOLDER else chunks).extend(entry.content)
    return trees, chunks

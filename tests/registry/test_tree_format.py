"""Trees as bytes: what was written is read, and nothing else is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kronkers_studio.domain.content import Entry, EntryKind
from kronkers_studio.domain.errors import StoreDamaged
from kronkers_studio.registry.trees.tree_format import decode_tree, encode_tree, raw_name
from kronkers_studio.registry.trees.tree_parts import decode_parts, encode_parts
from kronkers_studio.registry.trees.tree_scan import differing_entries, joined
from tests.own_time import own_time

_IDS = st.binary(min_size=32, max_size=32)
_NAMES = (
    st.binary(min_size=1, max_size=300)
    .map(lambda raw: raw.replace(b"\0", b"0").replace(b"/", b"-").decode("utf-8", "surrogateescape"))
    .filter(lambda name: name not in (".", ".."))
)
_TIMES = st.one_of(st.integers(-(2**70), 2**70), st.integers(-(2**63), 2**63 - 1), st.integers(-300, 300))
_SIZES = st.integers(0, 2**60)
_TEXTS = st.binary(max_size=200).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
_ENTRIES = st.one_of(
    st.builds(
        Entry,
        _NAMES,
        st.just(EntryKind.FILE),
        _SIZES,
        _TIMES,
        st.booleans(),
        st.one_of(st.lists(_IDS, max_size=3), st.just([bytes(32)] * 130)).map(tuple),
    ),
    st.builds(Entry, _NAMES, st.just(EntryKind.FOLDER), _SIZES, _TIMES, content=st.tuples(_IDS)),
    st.builds(Entry, _NAMES, st.just(EntryKind.LINK), mtime_ns=_TIMES, target=_TEXTS),
)


@given(st.lists(_ENTRIES, max_size=12, unique_by=lambda entry: entry.path))
def test_what_was_written_is_read(entries: list[Entry]) -> None:
    assert list(decode_tree(encode_tree(entries))) == sorted(entries, key=lambda entry: raw_name(entry.path))


@pytest.mark.parametrize("bits", range(0, 71))
def test_times_of_every_length_are_read(bits: int) -> None:
    entry = Entry("a", EntryKind.FILE)
    times = [sign * (2**bits + step) for sign in (1, -1) for step in (-1, 0, 1)]
    for each in times:
        assert decode_tree(encode_tree([replace(entry, mtime_ns=each)]))[0].mtime_ns == each


_TREE = encode_tree(
    [
        Entry("a.csv", EntryKind.FILE, 300, 1_796_029_148_923_551_607, False, (b"#" * 32,)),
        Entry("b", EntryKind.FOLDER, 5, 1_796_029_148_923_551_607, content=(b"+" * 32,)),
        Entry("c", EntryKind.LINK, mtime_ns=-1, target="a.csv"),
    ]
)


@pytest.mark.parametrize("end", range(len(_TREE)))
def test_a_tree_that_is_cut_off_is_damaged(end: int) -> None:
    with pytest.raises(StoreDamaged):
        decode_tree(_TREE[:end])


def test_a_file_that_announces_very_many_chunks_is_damage_at_once() -> None:
    many = b"\xff" * 8 + b"\x7f"
    with pytest.raises(StoreDamaged):
        decode_tree(b"KTREE\x01\x01\0\x01a\0\0" + many)


_ENDLESS = b"\xff" * 1_000_000 + b"\1"


@pytest.mark.parametrize(
    "entry",
    [
        b"\0" + _ENDLESS,
        b"\0\x01a" + _ENDLESS,
        b"\0\x01a\0" + _ENDLESS,
        b"\0\x01a\0\0" + _ENDLESS,
        b"\x03\x01a\0" + _ENDLESS,
    ],
    ids=["a name's length", "a time", "a size", "a number of chunks", "a target's length"],
)
def test_a_number_of_very_many_digits_is_damage_at_once(entry: bytes) -> None:
    """To compute it takes a time that grows with the square of its digits. Seen to fail with numbers of any length."""
    tree = encode_tree([])[:-1] + b"\1" + entry
    for look in (lambda: decode_tree(tree), lambda: differing_entries(tree, encode_tree([Entry("b", EntryKind.FILE)]))):
        began = own_time()
        with pytest.raises(StoreDamaged):
            look()
        assert own_time() - began < 2


def test_a_number_of_entries_or_parts_of_very_many_digits_is_damage_at_once() -> None:
    tree = encode_tree([])[:-1] + _ENDLESS
    looks: list[Callable[[], object]] = [
        lambda: decode_tree(tree),
        lambda: joined([tree, tree]),
        lambda: decode_parts(encode_parts([])[:-1] + _ENDLESS),
    ]
    for look in looks:
        began = own_time()
        with pytest.raises(StoreDamaged):
            look()
        assert own_time() - began < 2


@pytest.mark.parametrize("kind", [EntryKind.FILE, EntryKind.FOLDER])
def test_a_size_that_nothing_can_have_is_damage(kind: EntryKind) -> None:
    """The search index has no column for it. Seen to fail without a limit."""
    content = (b"#" * 32,)
    assert decode_tree(encode_tree([Entry("a", kind, 2**63 - 1, content=content)]))[0].size == 2**63 - 1
    with pytest.raises(StoreDamaged):
        decode_tree(encode_tree([Entry("a", kind, 2**63, content=content)]))


def test_what_follows_a_tree_is_damage() -> None:
    with pytest.raises(StoreDamaged):
        decode_tree(_TREE + b"\0")


@given(st.integers(0, len(_TREE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_damage_or_another_tree_of_proper_names(at: int, by: int) -> None:
    changed = bytearray(_TREE)
    changed[at] ^= by
    try:
        entries = decode_tree(bytes(changed))
    except StoreDamaged:
        return
    names = [raw_name(entry.path) for entry in entries]
    assert names == sorted(set(names)) and not {b"", b".", b".."} & set(names)
    assert not any(b"/" in name or b"\0" in name for name in names)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "/", "a\0"])
def test_a_name_that_leads_elsewhere_is_damage(name: str) -> None:
    raw = raw_name(name)
    piece = b"\0" + bytes([len(raw)]) + raw + b"\0\0\0"
    with pytest.raises(StoreDamaged):
        decode_tree(b"KTREE\x01\x01" + piece)


@pytest.mark.parametrize("second", ["a", "A"], ids=["twice", "in the wrong order"])
def test_names_that_do_not_rise_are_damage(second: str) -> None:
    pieces = b"".join(b"\0\x01" + name.encode() + b"\0\0\0" for name in ("a", second))
    with pytest.raises(StoreDamaged):
        decode_tree(b"KTREE\x01\x02" + pieces)

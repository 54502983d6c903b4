"""Known files survive being packed, and what is no batch is called so."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kronkers_studio.domain.migration import FileKind
from kronkers_studio.migration.file_types import BINARY, Look
from kronkers_studio.migration.found_item import KnownFile
from kronkers_studio.migration.known_file_codec import MOST_FILES, UnreadableBatch, pack_files, unpack_files

_NUMBERS = st.integers(-(2**63), 2**63 - 1)
_PATHS = st.binary(min_size=1, max_size=40).map(lambda raw: raw.replace(b"\0", b"0").decode("utf-8", "surrogateescape"))
_LOOKS = st.builds(Look, st.sampled_from(FileKind), st.text(max_size=20), st.booleans())
_IDS = st.lists(st.binary(min_size=32, max_size=32), max_size=3)
_FILES = st.builds(
    lambda size, time, inode, seen, ids, look: KnownFile(
        size, time, inode, seen, b"".join(ids), 32 if ids else 0, look
    ),
    _NUMBERS,
    _NUMBERS,
    _NUMBERS,
    _NUMBERS,
    _IDS,
    _LOOKS,
)


@given(st.lists(st.tuples(_PATHS, _FILES), min_size=1, max_size=30))
def test_what_is_packed_is_unpacked(files: list[tuple[str, KnownFile]]) -> None:
    assert list(unpack_files(pack_files(files))) == files


def test_as_many_as_may_be_are_packed_into_a_third_of_what_rows_took() -> None:
    files = [
        (f"set {number % 90:03}/part_{number % 7}/axis_{number:06}.csv", KnownFile(9, number, 3, 1, b"", 0, BINARY))
        for number in range(MOST_FILES)
    ]
    batch = pack_files(files)
    assert list(unpack_files(batch)) == files
    assert len(batch) < 12 * MOST_FILES  # 24 of them the numbers of a row


_ONE = pack_files([("a.csv", KnownFile(1, 2, 3, 4, b"#" * 32, 32, BINARY))])


@given(st.integers(0, len(_ONE) - 1), st.integers(1, 255))
def test_a_changed_byte_is_noticed_or_changes_no_more_than_what_it_says(at: int, by: int) -> None:
    changed = bytearray(_ONE)
    changed[at] ^= by
    try:
        found = list(unpack_files(bytes(changed)))
    except UnreadableBatch:
        return
    assert len(found) == 1 and len(found[0][1].ids) == 32


@pytest.mark.parametrize("end", range(0, len(_ONE), 3))
def test_a_cut_batch_is_unreadable(end: int) -> None:
    with pytest.raises(UnreadableBatch):
        list(unpack_files(_ONE[:end]))


def test_a_batch_that_announces_very_much_takes_no_memory() -> None:
    bomb = zstandard.ZstdCompressor().compress(bytes(200_000_000))
    for files, paths in ((1, 4), (MOST_FILES, 2**32 - 1), (2**32 - 1, 0), (1, 199_999_000)):
        batch = struct.pack("<BIII", 1, files, paths, 2) + struct.pack("<I", len(bomb)) + bomb
        tracemalloc.start()
        with pytest.raises(UnreadableBatch):
            list(unpack_files(batch))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 1_000_000

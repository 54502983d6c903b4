"""Known files survive being packed, and what is no batch is called so."""

from __future__ import annotations

import struct
import tracemalloc

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from kronkers_studio.domain.file_types import BINARY, Look
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.migration.found_item import KnownFile
from kronkers_studio.migration.known_file_codec import MOST_FILES, UnreadableBatch, pack_files, unpack_files

_NUMBERS = st.integers(-(2**63), 2**63 - 1)
_PATHS = st.binary(min_size=1, max_size=40).map(lambda raw: raw.replace(b"\0", b"0").decode("utf-8", "surrogateescape"))
_LOOKS = st.builds(Look, st.sampled_from(FileKind), st.text(max_size=20).filter(str.isprintable), st.booleans())
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


def _batch_of(paths: bytes, looks: bytes, *, files: int = 1, ids: bytes = b"", id_size: int = 0) -> bytes:
    """A batch with anything in it, of files of which nothing is known but that."""
    numbers = struct.pack(f"<{4 * files}q", *bytes(4 * files))
    numbers += struct.pack(f"<{files}I{files}B{files}H", *[len(ids)] * files, *[id_size] * files, *[0] * files)
    columns = zstandard.ZstdCompressor().compress(paths + looks + numbers)
    header = struct.pack("<BIIII", 1, files, len(paths), len(looks), len(columns))
    return header + columns + ids * files


_LOOK = b'[["other", "Binary file", false]]'


def test_the_batches_below_are_readable_but_for_what_is_wrong_with_each() -> None:
    assert [path for path, _ in unpack_files(_batch_of(b"a\0b", _LOOK, files=2, ids=b"#" * 64, id_size=32))] == [
        "a",
        "b",
    ]


@pytest.mark.parametrize(
    "batch",
    [
        _batch_of(b"a", b"[" * 100_000),
        _batch_of(b"a", b"[" + b"9" * 10_000 + b"]"),
        _batch_of(b"a", b"7"),
        _batch_of(b"a", b"[[[], 1, 1]]"),
        _batch_of(b"a", b'[["other", "red \\u001b[31m", false]]'),
        _batch_of(b"a", b'[["other", "half \\ud800", false]]'),
        _batch_of(b"a", b"[]"),
        _batch_of(b"a\0b", _LOOK),
        _batch_of(b"a", _LOOK, files=2),
        _batch_of(b"a", _LOOK, ids=b"#" * 33, id_size=32),
        _batch_of(b"a", _LOOK, ids=b"#" * 32),
    ],
    ids=[
        "looks nested deeply", "a look of many digits", "no looks", "a kind that is none", "signs of a terminal",
        "half a character", "no look", "a path too many", "a file too many", "half an id", "ids without a size",
    ],
)  # fmt: skip
def test_a_batch_of_somebody_else_that_is_none_is_unreadable(batch: bytes) -> None:
    with pytest.raises(UnreadableBatch):
        list(unpack_files(batch))


def test_a_batch_of_very_many_empty_paths_or_looks_takes_little_memory() -> None:
    """Which compress to almost nothing. Seen to fail with the paths, and with the looks, taken apart unlooked at."""
    for paths, looks in ((bytes(20_000_000), _LOOK), (b"a", b"[" + b"[]," * 2_000_000 + b"[]]")):
        batch = _batch_of(paths, looks)
        tracemalloc.start()
        with pytest.raises(UnreadableBatch):
            list(unpack_files(batch))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak < 3 * len(paths + looks)


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

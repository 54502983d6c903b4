"""Known files as bytes, many at a time: column by column and compressed they take a third of what rows do.

A batch is a header, the columns as one zstd frame (paths, looks as JSON, then the numbers of all files, little-endian),
and the chunk ids as they are, which nothing compresses.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Sequence

import zstandard

from kronkers_studio.domain.file_types import Look
from kronkers_studio.domain.migration import FileKind
from kronkers_studio.migration.found_item import KnownFile

MOST_FILES = 20_000
"""In one batch; it bounds what packing and unpacking one takes of memory."""

_FORMAT = 1
_HEADER = struct.Struct("<BIII")  # format, files, bytes of the paths, bytes of the looks
_LEVEL = 3
_PER_FILE = struct.calcsize("<qqqqIBH")
_MOST_BYTES = 256 * 1024 * 1024  # of the columns: 20,000 paths of 4,096 bytes, the longest that Linux has, are less
_MOST_LOOKS = 4 * 1024 * 1024  # bytes: each is told once, and there are some hundred


class UnreadableBatch(Exception):
    """These bytes are no batch of known files, or one of a format that this program does not know."""


def pack_files(files: Sequence[tuple[str, KnownFile]]) -> bytes:
    """At most ``MOST_FILES`` files with their paths as one batch."""
    paths = b"\0".join(path.encode("utf-8", "surrogateescape") for path, _file in files)
    looks = {file.look: 0 for _path, file in files}
    for number, look in enumerate(looks):
        looks[look] = number
    looks_json = json.dumps([[look.kind.value, look.description, look.compressed] for look in looks]).encode()
    sizes, times, inodes, seen, ids, id_sizes, about = zip(*(file for _path, file in files), strict=True)
    numbers = struct.pack(
        _numbers_format(len(files)),
        *sizes,
        *times,
        *inodes,
        *seen,
        *map(len, ids),
        *id_sizes,
        *map(looks.__getitem__, about),
    )
    columns = zstandard.ZstdCompressor(level=_LEVEL).compress(b"".join((paths, looks_json, numbers)))
    header = _HEADER.pack(_FORMAT, len(files), len(paths), len(looks_json))
    return b"".join((header, struct.pack("<I", len(columns)), columns, *ids))


def unpack_files(batch: bytes) -> Iterator[tuple[str, KnownFile]]:
    """What ``pack_files`` was given. Raises ``UnreadableBatch``."""
    try:
        form, count, path_bytes, look_bytes = _HEADER.unpack_from(batch)
        (column_bytes,) = struct.unpack_from("<I", batch, _HEADER.size)
        begin = _HEADER.size + 4
        columns = _decompressed(
            batch[begin : begin + column_bytes], form, count, path_bytes + look_bytes + count * _PER_FILE
        )
        if look_bytes > _MOST_LOOKS or columns.count(0, 0, path_bytes) != count - 1:  # before they are taken apart
            raise UnreadableBatch("it holds more than it says")
        paths = columns[:path_bytes].decode("utf-8", "surrogateescape").split("\0")
        looks = [
            Look(FileKind(kind), str(description), bool(compressed))
            for kind, description, compressed in json.loads(columns[path_bytes : path_bytes + look_bytes])
        ]
        numbers = struct.unpack_from(_numbers_format(count), columns, path_bytes + look_bytes)
    except (struct.error, ValueError, TypeError, RecursionError, zstandard.ZstdError) as problem:
        raise UnreadableBatch(str(problem)) from problem
    sizes, times, inodes, seen, lengths, id_sizes, about = (
        numbers[at : at + count] for at in range(0, 7 * count, count)
    )
    if not all(look.description.isprintable() for look in looks):  # it is shown
        raise UnreadableBatch("it says what a file is in signs that cannot be shown")
    if begin + column_bytes + sum(lengths) != len(batch) or max(about) >= len(looks):
        raise UnreadableBatch("its parts do not fit together")
    if any(length % id_size if id_size else length for length, id_size in {*zip(lengths, id_sizes, strict=True)}):
        raise UnreadableBatch("its chunk ids are of another size than it says")
    at = begin + column_bytes
    for path, size, time, inode, when, length, id_size, look in zip(
        paths, sizes, times, inodes, seen, lengths, id_sizes, about, strict=True
    ):
        yield path, KnownFile(size, time, inode, when, batch[at : at + length], id_size, looks[look])
        at += length


def _decompressed(frame: bytes, form: int, count: int, expected: int) -> bytes:
    if form != _FORMAT or not 0 < count <= MOST_FILES or expected > _MOST_BYTES:
        raise UnreadableBatch(f"format {form}, {count} files, {expected} bytes")
    if zstandard.frame_content_size(frame) != expected:  # looked at before anything is set aside for it
        raise UnreadableBatch("its columns are not as long as it says")
    return zstandard.ZstdDecompressor().decompress(frame)


def _numbers_format(files: int) -> str:
    return f"<{files}q{files}q{files}q{files}q{files}I{files}B{files}H"

"""Parts of a zip archive of unknown and perhaps hostile content, decompressed with bounds and never to disk."""

from __future__ import annotations

import struct
import zipfile
import zlib
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.model_files.zip_entries import zip_entries

_END_SIZE = 22
_LONGEST_COMMENT = 65_535
_END = b"PK\x05\x06"
_LOCATOR_64 = struct.Struct("<4s4xQ4x")
_RECORD_64 = struct.Struct("<4s36xQQ")
_FIELD = struct.Struct("<HH")
_NAME_IN_UNICODE = 0x7075
_MOST_PARTS = 20_000
_EXPANSION = 40
_FREE_EXPANSION = 64 << 20
_METHODS = frozenset((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
"""LZMA takes as much memory as the archive asks for, and Zstandard needs Python 3.14."""


class ZipMembers:
    """The parts of the archive in ``stream``. Raises ``Damaged`` and ``TooMuch`` for one that no program of a model
    library writes: with parts of one name, names that lead elsewhere, or parts that grow without bound."""

    def __init__(self, stream: BinaryIO) -> None:
        size = stream.seek(0, 2)
        _require_one_table(stream, size)
        listed = zip_entries(stream)
        if not 0 < len(listed) <= _MOST_PARTS:
            raise Damaged("it is no whole zip archive")
        try:
            self._archive = zipfile.ZipFile(stream)
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError):
            raise Damaged("its table of contents is damaged") from None
        parts = self._archive.infolist()
        self.names = tuple(part.filename for part in parts)
        if len({name.lower() for name in self.names}) != len(self.names) or len(self.names) != len(listed):
            raise Damaged("it holds two parts of one name")  # for PyTorch also in letters of another case
        if self.names != listed or any(_renamed(part.extra) for part in parts):
            raise Damaged("a part of it is called otherwise by other programs")
        if not all(map(_is_plain, self.names)):
            raise Damaged("the name of a part leads out of it")
        if not all(part.compress_type in _METHODS for part in parts):
            raise Damaged("a part of it is compressed otherwise than with DEFLATE: save it without compression")
        if sum(part.file_size for part in parts) > size * _EXPANSION + _FREE_EXPANSION:
            raise TooMuch("it holds more bytes than any model")

    def read(self, name: str, largest: int, *, whole: bool = True) -> bytes:
        """The part ``name``. Raises ``Damaged`` when it is missing, ``TooMuch`` beyond ``largest`` bytes."""
        try:
            with self._archive.open(name) as part:
                data = part.read(largest + 1 if whole else largest)
        except KeyError:
            raise Damaged(f"it holds no {name}") from None
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError, EOFError, OSError, zlib.error):
            raise Damaged(f"its part {name} is damaged") from None
        if len(data) > largest:
            raise TooMuch(f"its part {name} is longer than any model's")
        return data

    def size(self, name: str) -> int:
        """The bytes of the part ``name``, decompressed, as the table of contents says: no more are ever read. Raises
        ``Damaged`` when it is missing."""
        try:
            return self._archive.getinfo(name).file_size
        except KeyError:
            raise Damaged(f"it holds no {name}") from None

    def start(self, name: str, length: int) -> bytes:
        """The first ``length`` bytes of the part ``name``, or all. Raises ``Damaged``."""
        return self.read(name, length, whole=False)


def _require_one_table(stream: BinaryIO, size: int) -> None:
    """The second table of contents, which archives of more than 4 GB need and PyTorch always writes, is the first: it
    could be of any length."""
    start = max(0, size - _END_SIZE - _LONGEST_COMMENT - _LOCATOR_64.size)
    stream.seek(start)
    tail = stream.read()
    end = tail.rfind(_END)
    if end < _LOCATOR_64.size or end + _END_SIZE > len(tail):
        return
    mark, place = _LOCATOR_64.unpack_from(tail, end - _LOCATOR_64.size)
    if mark != b"PK\x06\x07":
        return
    stream.seek(min(place, size))
    record = stream.read(_RECORD_64.size)
    length, offset = struct.unpack_from("<LL", tail, end + 12)
    if len(record) < _RECORD_64.size or _RECORD_64.unpack(record) != (b"PK\x06\x06", length, offset):
        raise TooMuch("it is an archive of more than 4 GB, or a damaged one")


def _renamed(extra: bytes) -> bool:
    """Whether further fields give a part another name, which Python heeds from 3.12 on."""
    at = 0
    while at + _FIELD.size <= len(extra):
        mark, length = _FIELD.unpack_from(extra, at)
        if mark == _NAME_IN_UNICODE:
            return True
        at += _FIELD.size + length
    return False


def _is_plain(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return (
        bool(parts) and ".." not in parts and parts[0] != "/" and "\\" not in name and not PureWindowsPath(name).drive
    )

"""How one object lies in a pack: a header that describes it fully, then its encrypted bytes.

Because every record describes itself, the index of all objects can be made again from the packs alone, and a record can
be copied from one pack to another as it is. Big-endian, 64 bytes:

    magic 4 · format 1 · type 1 · codec 1 · key epoch 1 · plain length 4 · stored length 4 · id 32 · nonce 12 · crc 4

The CRC is over the 60 bytes before it and finds damage without a key. The first 48 bytes are the associated data of
AES-256-GCM, so that type, codec, lengths and id cannot be exchanged. The stored length includes GCM's 16-byte tag.
"""

from __future__ import annotations

import os
import struct
import threading
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any

import zstandard
from blake3 import blake3
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from kronkers_studio.domain.errors import StoreDamaged

if TYPE_CHECKING:
    from kronkers_studio.storage.keys import MasterKey

HEADER_SIZE = 64
MAX_OBJECT = 256 << 20
"""Plain bytes of the largest object: a guard against a damaged length, far above what is ever stored."""
ID_SIZE = 32
MAGIC = b"KOBJ"
_FORMAT = 1
_EPOCH = 0
_FIELDS = struct.Struct(">4sBBBBII32s12s")
_CRC = struct.Struct(">I")
_BOUND = 48
_TAG = 16
_NONCE = 12
_WORTH_TRYING = 64
"""Below this size compression gains nothing worth its time."""


class ObjectType(IntEnum):
    CHUNK = 1
    TREE = 2
    COMMIT = 3
    JOURNAL = 4  # a part of the journal; lies in files of its own


_ENCRYPTION = "objects: encryption"
_NAMING = {type: f"objects: naming {type.name.lower()}" for type in ObjectType}
"""The purposes that the keys are derived for."""


class Codec(IntEnum):
    PLAIN = 0
    ZSTD = 1


@dataclass(frozen=True, slots=True)
class RecordHeader:
    type: ObjectType
    codec: Codec
    length: int
    stored: int
    id: bytes
    nonce: bytes
    bound: bytes  # the associated data


@dataclass(frozen=True, slots=True)
class Record:
    """An object ready to be appended: ``parts`` joined are its header and stored bytes."""

    id: bytes
    type: ObjectType
    length: int
    stored: int
    parts: tuple[bytes | memoryview, ...]

    @property
    def size(self) -> int:
        return HEADER_SIZE + self.stored


def read_header(data: bytes | memoryview) -> RecordHeader:
    """The header in the first ``HEADER_SIZE`` bytes. Raises ``StoreDamaged`` when it is not one, or not whole."""
    if len(data) < HEADER_SIZE:
        raise _damaged("a header is cut off")
    magic, version, kind, codec, epoch, length, stored, id, nonce = _FIELDS.unpack_from(data)
    if magic != MAGIC or _CRC.unpack_from(data, _FIELDS.size)[0] != zlib.crc32(data[: _FIELDS.size]):
        raise _damaged("a header is not as it was written")
    if version != _FORMAT or epoch != _EPOCH or length > MAX_OBJECT or stored < _TAG:
        raise _damaged("a header is of an unknown version")
    try:
        return RecordHeader(ObjectType(kind), Codec(codec), length, stored, id, nonce, bytes(data[:_BOUND]))
    except ValueError:
        raise _damaged("a header is of an unknown type") from None


class HandedKeys:
    """The keys that ``Sealer.handed_over`` gave, in another process."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = keys

    def subkey(self, purpose: str) -> bytes:
        return self._keys[purpose]


class Sealer:
    """Names, compresses, encrypts and opens objects. Thread-safe.

    An id is BLAKE3 keyed with a secret of the workspace and the object's type, so that ids tell nobody whether a known
    file is stored. Each record has a random 96-bit nonce: nothing that a crash, a restored backup or a copied workspace
    can do makes one repeat, and 2^32 records (some 500 TB of files) stay far below the limit for random nonces.
    """

    def __init__(self, keys: MasterKey | HandedKeys) -> None:
        self._keys = keys
        self._cipher = AESGCM(keys.subkey(_ENCRYPTION))
        self._naming = {type: keys.subkey(purpose) for type, purpose in _NAMING.items()}
        self._thread = threading.local()

    def handed_over(self) -> dict[str, bytes]:
        """What a ``Sealer`` in another process of this program is made of, as ``HandedKeys``: for its standard input,
        never for a file or a command line."""
        return {purpose: self._keys.subkey(purpose) for purpose in (_ENCRYPTION, *_NAMING.values())}

    def name(self, type: ObjectType, data: bytes | memoryview) -> bytes:
        """The object's 32-byte id."""
        return blake3(data, key=self._naming[type]).digest()

    def seal(self, type: ObjectType, id: bytes, data: bytes | memoryview, *, compress: bool = True) -> Record:
        """The record of an object whose id is known; stored plain when compression gains nothing."""
        (record,) = self.seal_all(type, [(id, data)], compress=compress)
        return record

    def seal_all(
        self, type: ObjectType, objects: Sequence[tuple[bytes, bytes | memoryview]], *, compress: bool = True
    ) -> list[Record]:
        """``seal`` for many objects (id and bytes), quicker than one by one: they are compressed in one call."""
        nonces = os.urandom(_NONCE * len(objects))
        contents: list[bytes | memoryview] = [data for _id, data in objects]
        nothing: list[bytes | None] = [None] * len(objects)
        bodies = self._squeezed(contents) if compress else nothing
        records = []
        for number, ((id, data), body) in enumerate(zip(objects, bodies, strict=True)):
            codec = Codec.PLAIN if body is None else Codec.ZSTD
            stored = len(data if body is None else body) + _TAG
            nonce = nonces[_NONCE * number : _NONCE * (number + 1)]
            fields = _FIELDS.pack(MAGIC, _FORMAT, type, codec, _EPOCH, len(data), stored, id, nonce)
            sealed = self._cipher.encrypt(nonce, data if body is None else body, fields[:_BOUND])
            records.append(Record(id, type, len(data), stored, (fields, _CRC.pack(zlib.crc32(fields)), sealed)))
        return records

    def _squeezed(self, contents: Sequence[bytes | memoryview]) -> list[bytes | None]:
        """Each compressed; None where that gains nothing."""
        worth: list[bytes | bytearray | memoryview] = [data for data in contents if len(data) >= _WORTH_TRYING]
        buffers: Any = ()
        if len(worth) == 1:  # making ready for many takes longer than one does
            buffers = [self._compressor().compress(worth[0])]
        elif worth:  # one call compresses all of them without the interpreter's lock
            buffers = self._compressor().multi_compress_to_buffer(worth, threads=1)
        squeezed = iter(buffers)
        found: list[bytes | None] = []
        for data in contents:
            body = next(squeezed) if len(data) >= _WORTH_TRYING else None
            found.append(body if body is not None and len(body) < len(data) - (len(data) >> 6) else None)
        return found

    def open(self, header: RecordHeader, sealed: bytes | memoryview) -> bytes:
        """The plain bytes. Raises ``StoreDamaged`` unless they are exactly those that were named."""
        try:
            body = self._cipher.decrypt(header.nonce, sealed, header.bound)
            if header.codec is Codec.ZSTD:
                body = self._decompressor().decompress(body, max_output_size=header.length)
        except (InvalidTag, zstandard.ZstdError):
            raise _damaged("its bytes are not as they were written", header.id) from None
        self._verify(header, body)
        return body

    def open_all(self, records: Sequence[tuple[RecordHeader, bytes | memoryview]]) -> list[bytes | memoryview]:
        """``open`` for many records, quicker than one by one: they are decompressed in one call."""
        bodies: list[bytes | memoryview] = []
        squeezed: list[bytes | bytearray | memoryview] = []
        try:
            for header, sealed in records:
                bodies.append(self._cipher.decrypt(header.nonce, sealed, header.bound))
                if header.codec is Codec.ZSTD:
                    squeezed.append(bodies[-1])
            if squeezed:
                lengths = [header.length for header, _sealed in records if header.codec is Codec.ZSTD]
                whole = iter(
                    self._decompressor().multi_decompress_to_buffer(
                        squeezed, decompressed_sizes=struct.pack(f"={len(lengths)}Q", *lengths), threads=1
                    )
                )
                bodies = [
                    memoryview(next(whole)) if header.codec is Codec.ZSTD else body  # type: ignore[arg-type]  # it is a buffer
                    for (header, _sealed), body in zip(records, bodies, strict=True)
                ]
        except InvalidTag:
            raise _damaged("its bytes are not as they were written") from None
        except zstandard.ZstdError as error:
            raise _damaged(f"its bytes are not as they were written ({error})") from None
        for (header, _sealed), body in zip(records, bodies, strict=True):
            self._verify(header, body)
        return bodies

    def _verify(self, header: RecordHeader, body: bytes | memoryview) -> None:
        if len(body) != header.length or self.name(header.type, body) != header.id:
            raise _damaged("its content does not fit its name", header.id)

    def _compressor(self) -> zstandard.ZstdCompressor:
        try:
            compressor: zstandard.ZstdCompressor = self._thread.compressor
        except AttributeError:
            compressor = self._thread.compressor = zstandard.ZstdCompressor(level=1)
        return compressor

    def _decompressor(self) -> zstandard.ZstdDecompressor:
        try:
            decompressor: zstandard.ZstdDecompressor = self._thread.decompressor
        except AttributeError:
            decompressor = self._thread.decompressor = zstandard.ZstdDecompressor()
        return decompressor


def _damaged(what: str, id: bytes = b"") -> StoreDamaged:
    name = f"Object {id.hex()[:16]}" if id else "An object"
    return StoreDamaged(
        f"{name} in the store is damaged: {what}.",
        next_step="Run `kronkers check --read-data`, and restore the workspace from a backup.",
    )

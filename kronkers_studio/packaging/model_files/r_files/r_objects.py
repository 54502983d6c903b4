"""R's saved files: what was saved in them, and the class of it. R itself is never asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from kronkers_studio.packaging.byte_reader import ByteReader, Damaged, TooMuch, compression_of, decompressed
from kronkers_studio.packaging.model_files.r_files.r_forms import Binary, Text
from kronkers_studio.packaging.model_files.r_files.r_reading import ValueReader
from kronkers_studio.packaging.model_files.r_files.r_values import Value

_FREE = 64 * 1024 * 1024
_EXPANSION = 40  # beyond the first part: a compressed model grows less
_LARGEST = 1024**3
_LONGEST_ENCODING = 64
_WORKSPACES = (b"RDX2\n", b"RDX3\n", b"RDA2\n", b"RDA3\n")
_FORMATS = (b"X\n", b"A\n", b"B\n")


@dataclass(frozen=True, slots=True)
class RObject:
    """``classes``: the object's own class and those that it extends, () when it has none; ``workspace``: the file is
    one of ``save``, which holds several objects, and their classes are not read. ``read`` is False when the object is
    larger, or of another form, than is read here."""

    classes: tuple[str, ...] = ()
    workspace: bool = False
    read: bool = True


@dataclass(frozen=True, slots=True)
class SavedObject:
    """What ``saveRDS`` wrote: the object, and the R that wrote it ("4.2.2"). ``value`` is None when it is larger, or of
    another form, than is read here; ``problem`` then says why."""

    version: str
    value: Value | None
    problem: str = ""


def is_r_object(head: bytes) -> bool:
    """Whether a file that begins with ``head`` may be one of R's ``saveRDS`` or ``save``, compressed or not."""
    return compression_of(head) in ("gzip", "bz2", "xz") or head.startswith((*_WORKSPACES, *_FORMATS))


def read_r_object(stream: BinaryIO) -> RObject | None:
    """What R saved in ``stream``, read from its start; None when it is not R's."""
    found = read_saved(stream)
    if not isinstance(found, SavedObject):
        return found
    return RObject(found.value.classes) if found.value is not None else RObject(read=False)


def read_saved(stream: BinaryIO) -> SavedObject | RObject | None:
    """The object that R saved in ``stream``, read from its start; a ``RObject`` for a workspace of several, None when
    it is not R's."""
    size = stream.seek(0, 2)
    stream.seek(0)
    compression = compression_of(stream.read(16))
    stream.seek(0)
    limit = min(_LARGEST, size * _EXPANSION + _FREE)
    reader = ByteReader(decompressed(stream, compression if compression != "lz4" else ""), limit)
    try:
        mark = reader.exact(2)
        if mark == b"RD" and mark + reader.exact(3) in _WORKSPACES:
            return RObject(workspace=True)
        if mark not in _FORMATS:
            return None
        form = Text(reader) if mark == b"A\n" else Binary(reader, big=mark == b"X\n")
        version, writer = form.integer(), form.integer()
        if not 2 <= version <= 3 or not 0 <= writer >> 16 <= 99:
            return None
        form.integer()
        if version == 3:
            _pass_encoding(form)
    except (Damaged, TooMuch):
        return None
    made_by = f"{writer >> 16}.{writer >> 8 & 255}.{writer & 255}"
    try:
        return SavedObject(made_by, ValueReader(form).read())
    except (Damaged, TooMuch) as reason:
        return SavedObject(made_by, None, str(reason))


def _pass_encoding(form: Binary | Text) -> None:
    """Pass over the name of the encoding that texts are in."""
    length = form.integer()
    if not 0 <= length <= _LONGEST_ENCODING:
        raise Damaged("it does not say which encoding its texts are in")
    form.skip_text(length)

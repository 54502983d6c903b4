"""Arrays as numpy and scipy save them (.npy, .npz), in parts of an archive: read as symbols, never loaded.

The form: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
"""

from __future__ import annotations

import ast
import io
import re
from dataclasses import dataclass
from math import prod
from typing import Final

from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.byte_reader import Damaged, TooMuch
from kronkers_studio.packaging.model_files.pickles.pickle_reader import Forbidden
from kronkers_studio.packaging.model_files.pickles.pickle_symbols import Array, Call, Global, Pairs, Symbol
from kronkers_studio.packaging.model_files.zip_members import ZipMembers

_MAGIC: Final = b"\x93NUMPY"
_LONGEST_HEADER = 10_000  # what numpy itself takes without being told otherwise
_HEAD = 12 + _LONGEST_HEADER
_KEPT = 64 * 1024
_LARGEST = 1 << 48
_LARGEST_SPARSE = 256 << 20
_DEEPEST_TYPE = 4
_TYPE: Final = re.compile(r"([<>=|])([biufcSUVmM])(\d{1,9})(?:\[\w{1,12}\])?")
_SPARSE: Final = re.compile(r"(bsr|coo|csc|csr|dia)_(?:matrix|array)")
_DTYPE: Final = Global("numpy", "dtype")


@dataclass(frozen=True, slots=True)
class _Header:
    dtype: Symbol
    shape: tuple[int, ...]
    order: str
    size: int  # bytes of the content
    start: int  # where the content begins


def array_in(archive: ZipMembers, name: str) -> Array:
    """The array in the part ``name``. Raises ``Damaged`` for one whose bytes are not what it says, ``Forbidden`` for
    one of objects, which would be a pickle."""
    header = _header(archive.start(name, _HEAD), archive.size(name))
    data = archive.read(name, header.start + _KEPT)[header.start :] if header.size <= _KEPT else None
    return Array(header.dtype, header.shape, header.order, data=data)


def sparse_in(archive: ZipMembers, name: str, made: Global) -> Call:
    """The sparse matrix of class ``made`` in the part ``name``, an archive of its own. Raises as ``array_in`` does."""
    matched = _SPARSE.fullmatch(made.name)
    if matched is None or made.module.split(".")[:2] != ["scipy", "sparse"]:
        raise Damaged(f"it holds a matrix of the unknown class {printable(str(made)[:100])}")
    inner = ZipMembers(io.BytesIO(archive.read(name, _LARGEST_SPARSE)))
    parts = {part.removesuffix(".npy"): array_in(inner, part) for part in inner.names}
    if len(parts) < len(inner.names):  # numpy finds “data” before “data.npy”
        raise Damaged("a matrix in it has two parts of one name")
    stated = parts.pop("format", None)
    if _text(stated) != matched[1]:
        raise Damaged("a matrix in it is of another form than it says")
    return Call(made, (), bare=True, state=Pairs(list(parts.items())))


def _text(array: Array | None) -> str:
    if array is None or array.data is None or array.shape != ():
        return ""
    wide = array.dtype.arguments[0].startswith("U")
    return array.data.decode("utf-32-le" if wide else "ascii", "replace").rstrip("\0")


def _header(head: bytes, size: int) -> _Header:
    if not head.startswith(_MAGIC) or len(head) < 12 or head[6] not in (1, 2, 3):
        raise Damaged("an array in it is in no form of numpy's")
    width = 2 if head[6] == 1 else 4
    length, start = int.from_bytes(head[8 : 8 + width], "little"), 8 + width
    if length > _LONGEST_HEADER or start + length > len(head):
        raise Damaged("an array in it says more of itself than any model's")
    said = _literal(head[start : start + length])
    if not isinstance(said, dict) or set(said) != {"descr", "fortran_order", "shape"}:
        raise Damaged("an array in it is in no form of numpy's")
    shape = said["shape"]
    if not isinstance(shape, tuple) or not all(type(one) is int and one >= 0 for one in shape) or len(shape) > 32:
        raise Damaged("an array in it has no shape")
    if type(said["fortran_order"]) is not bool:
        raise Damaged("an array in it is in no form of numpy's")
    dtype, element = _type(said["descr"])
    content = element * prod(shape)
    if prod(max(one, 1) for one in shape) >= _LARGEST:
        raise TooMuch("an array in it is larger than any model's")
    if start + length + content != size:
        raise Damaged("an array in it has other bytes than its shape needs")
    return _Header(dtype, shape, "F" if said["fortran_order"] else "C", content, start + length)


def _literal(text: bytes) -> object:
    try:
        return ast.literal_eval(text.decode("utf-8").strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError):
        raise Damaged("an array in it is in no form of numpy's") from None


def _type(described: object, depth: int = 0) -> tuple[Symbol, int]:
    """A type as a pickle would have it, and the bytes of one element."""
    if isinstance(described, str):
        matched = _TYPE.fullmatch(described)
        if matched is None:
            if "O" in described:
                raise Forbidden("holds an array of pickled objects")
            raise Damaged("an array in it is of an unknown type")
        order, kind, length = matched[1], matched[2], int(matched[3])
        state = (3, order, None, None, None, -1, -1, 0) if kind not in "SUVMm" else None
        return Call(_DTYPE, (f"{kind}{length}", False, True), state=state), length * (4 if kind == "U" else 1)
    if not isinstance(described, list) or depth >= _DEEPEST_TYPE or not described:
        raise Damaged("an array in it is of an unknown type")
    size = sum(_size_of_field(field, depth) for field in described)
    return Call(_DTYPE, (f"V{size}", False, True)), size


def _size_of_field(field: object, depth: int) -> int:
    if not isinstance(field, tuple) or len(field) not in (2, 3):
        raise Damaged("an array in it is of an unknown type")
    _, size = _type(field[1], depth + 1)
    shape = field[2] if len(field) == 3 else ()
    if not isinstance(shape, tuple) or not all(type(one) is int and 0 <= one <= _KEPT for one in shape):
        raise Damaged("an array in it is of an unknown type")
    return size * prod(shape)

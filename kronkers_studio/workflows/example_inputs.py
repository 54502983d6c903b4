"""What a model takes, told by an example: a request, arrays that NumPy saved, or a table of rows.

An array's shape and type stand at its beginning, as text; nothing of it is loaded, and no object in it is made.
"""

from __future__ import annotations

import ast
import json
import lzma
import struct
import zipfile
import zlib
from pathlib import Path
from typing import Any

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.domain.models import Datatype, Signature, Tensor
from kronkers_studio.domain.printable import printable
from kronkers_studio.domain.row_tables import NUMBER, Cell
from kronkers_studio.domain.stated_signatures import checked_tensor
from kronkers_studio.settings.paths import from_home
from kronkers_studio.workflows.row_files import MOST_JSON_BYTES, read_row_file
from kronkers_studio.workflows.session import Session

_ARRAY = b"\x93NUMPY"
_LONGEST_HEADER = 10_000
_MOST_ARRAYS = 100
_KINDS = {
    **{"b1": Datatype.BOOL, "f2": Datatype.FP16, "f4": Datatype.FP32, "f8": Datatype.FP64},
    **{"i1": Datatype.INT8, "i2": Datatype.INT16, "i4": Datatype.INT32, "i8": Datatype.INT64},
    **{"u1": Datatype.UINT8, "u2": Datatype.UINT16, "u4": Datatype.UINT32, "u8": Datatype.UINT64},
}


def inputs_of_example(session: Session, file: Path, known: Signature) -> tuple[Tensor, ...]:
    """The inputs that ``file`` is an example of, for a model of which ``known`` is known: its names are kept where the
    file has none. The first axis is taken for rows, of any number.

    Raises ``InvalidInput`` for a file that is none of those forms, or does not fit; ``TableUnreadable``.
    """
    path = from_home(file)
    try:
        with path.open("rb") as stream:
            beginning = stream.read(_LONGEST_HEADER + 12)
            rest = stream.read(MOST_JSON_BYTES) if beginning.lstrip()[:1] == b"{" else b""
    except OSError as error:
        raise InvalidInput(f"{file} cannot be read: {error.strerror}.", next_step="Check the path.") from None
    if beginning.startswith(_ARRAY):
        return (_only(known, file, *_array(beginning, file)),)
    if beginning.startswith(b"PK") and path.suffix.lower() == ".npz":
        return _arrays(path)
    request = _request(beginning + rest)
    if request is not None:
        _require_few(len(request), file)
        return tuple(_requested(one, file) for one in request)
    return (_table(session, path, known),)


def _only(known: Signature, file: Path, datatype: Datatype, shape: tuple[int, ...]) -> Tensor:
    if len(known.inputs) > 1:
        names = ", ".join(printable(tensor.name[:80]) for tensor in known.inputs[:20])
        raise InvalidInput(
            f"{file.name} is an example of one input, and the model has {len(known.inputs)}: {names}.",
            next_step='Give a request that names them: {"inputs": [{"name": …, "datatype": …, "shape": […]}, …]}, '
            "or say each with --input.",
        )
    name = known.inputs[0].name if known.inputs else "input"
    return checked_tensor(Tensor(name, datatype, (-1, *shape[1:]) if shape else ()))


def _arrays(file: Path) -> tuple[Tensor, ...]:
    """Of several arrays, each by its name; of none more than its beginning is unpacked."""
    tensors = []
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
            _require_few(len(entries), file)
            for entry in entries:
                with archive.open(entry) as stream:
                    datatype, shape = _array(stream.read(_LONGEST_HEADER + 12), file)
                shape = (-1, *shape[1:]) if shape else ()
                tensors.append(checked_tensor(Tensor(entry.filename.removesuffix(".npy"), datatype, shape)))
    except (
        zipfile.BadZipFile,
        zlib.error,
        lzma.LZMAError,
        struct.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ):
        raise InvalidInput(f"{file.name} holds no readable arrays of NumPy's.", next_step="Save it again.") from None
    return tuple(tensors)


def _require_few(amount: int, file: Path) -> None:
    if not 0 < amount <= _MOST_ARRAYS:
        raise InvalidInput(
            f"{file.name} holds {amount} arrays.", next_step=f"Give 1 to {_MOST_ARRAYS}, one for each input."
        )


def _array(beginning: bytes, file: Path) -> tuple[Datatype, tuple[int, ...]]:
    """https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html"""
    wide = beginning[6:7] in (b"\x02", b"\x03")
    start = 12 if wide else 10
    try:
        (length,) = struct.unpack_from("<I" if wide else "<H", beginning, 8)
        if length > _LONGEST_HEADER:
            raise ValueError
        told = ast.literal_eval(beginning[start : start + length].decode("utf-8").strip())
        kind, shape = str(told["descr"])[1:], told["shape"]
        if not isinstance(shape, tuple):
            raise TypeError
    except (struct.error, ValueError, SyntaxError, TypeError, KeyError, RecursionError, MemoryError):
        raise InvalidInput(f"{file.name} is no readable array of NumPy's.", next_step="Save it again.") from None
    if kind not in _KINDS or not all(type(one) is int for one in shape):
        raise InvalidInput(
            f"{file.name} holds values that are no numbers ({printable(kind[:40])}).",
            next_step="Give an array of numbers.",
        )
    return _KINDS[kind], shape


def _request(content: bytes) -> list[Any] | None:
    """The tensors of a request of the Open Inference Protocol; None for anything else."""
    if content.lstrip()[:1] != b"{":
        return None
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None  # a table's reader says what is wrong with it
    inputs = found.get("inputs")
    return inputs if isinstance(inputs, list) and inputs else None


def _requested(one: Any, file: Path) -> Tensor:
    try:
        name, datatype, shape = one["name"], Datatype(one["datatype"]), one["shape"]
        fits = isinstance(name, str) and isinstance(shape, list) and all(type(length) is int for length in shape)
    except (KeyError, TypeError, ValueError):
        fits = False
    if not fits:
        raise InvalidInput(
            f"An input in {file.name} has no name, datatype or shape of the Open Inference Protocol.",
            next_step='Write it as {"name": "image", "datatype": "FP32", "shape": [1, 3, 224, 224]}.',
        )
    return checked_tensor(Tensor(name, datatype, (-1, *shape[1:]) if shape else ()))


def _table(session: Session, path: Path, known: Signature) -> Tensor:
    table = read_row_file(session, path)
    columns = tuple(name.strip() for name in table.columns)
    for row in table.rows:
        wrong = next((at for at, cell in enumerate(row) if not _is_number(cell)), None)
        if wrong is not None:
            raise InvalidInput(
                f"“{printable(columns[wrong][:80])}” in {path.name} holds something else than numbers.",
                next_step="Give an example with the columns that the model takes, all numbers.",
            )
    tensor = _only(known, path, Datatype.FP32, (1, len(columns)))
    named = table.named and not all(map(NUMBER.fullmatch, columns))  # else its first line is a row like the others
    return checked_tensor(Tensor(tensor.name, tensor.datatype, tensor.shape, columns if named else ()))


def _is_number(cell: Cell) -> bool:
    if isinstance(cell, str):
        return not cell.strip() or NUMBER.fullmatch(cell.strip()) is not None
    return cell is None or isinstance(cell, int | float)

"""Archives of tensors that ``torch.save`` wrote: their pickle is read opcode by opcode, and nothing of it is made."""

from __future__ import annotations

import io
import pickletools
import re
from typing import Final

from kronkers_studio.domain.printable import printable
from kronkers_studio.packaging.byte_reader import Damaged
from kronkers_studio.packaging.model_files.zip_members import ZipMembers

_LARGEST_PICKLE: Final = 16 << 20
_BEGINNING: Final = b"PK\x03\x04"
_PARTS: Final = re.compile(
    r"data\.pkl|version|byteorder|data/[0-9]{1,9}|\.format_version|\.storage_alignment|\.data/serialization_id"
)
_NAMES: Final = frozenset(
    {
        *("collections OrderedDict", "torch._utils _rebuild_tensor_v2", "torch._utils _rebuild_parameter"),
        *("torch Size", "torch device", "torch.serialization _get_layout"),
    }
)
_STORAGE_OR_TYPE: Final = re.compile(
    r"torch (?:[A-Z][A-Za-z0-9]{1,12}Storage|u?int(?:8|16|32|64)|b?float(?:16|32|64)|bool)"
    r"|torch\.storage (?:Untyped|Typed)Storage"
)
_OPCODES: Final = frozenset(
    {
        *("PROTO", "STOP", "GLOBAL", "REDUCE", "BINPERSID", "MARK", "NONE", "NEWTRUE", "NEWFALSE", "BINFLOAT"),
        *("BININT", "BININT1", "BININT2", "LONG1", "BINUNICODE", "EMPTY_DICT", "EMPTY_LIST", "EMPTY_TUPLE", "TUPLE"),
        *("TUPLE1", "TUPLE2", "TUPLE3", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "BINPUT", "LONG_BINPUT"),
        *("BINGET", "LONG_BINGET"),
    }
)
"""What tensors, texts, numbers and what holds them are written with: no state, no other way to a name than GLOBAL."""


def require_tensors_only(part: str, data: bytes) -> None:
    """Raise ``Damaged`` or ``TooMuch`` unless ``data``, the part of that name, is such an archive, of tensors of the
    processor, numbers, texts and containers alone.

    PyTorch tells by the first bytes whether it is an archive, and else reads it as a pickle; and an archive with some
    further parts is a TorchScript program to it, of which it runs what the program does when it is loaded."""
    if not data.startswith(_BEGINNING):
        raise Damaged(f"its {part} is no whole zip archive")
    archive = ZipMembers(io.BytesIO(data))
    folder = archive.names[0].partition("/")[0]
    if any(name.partition("/")[0] != folder for name in archive.names):
        raise Damaged(f"the parts of its {part} lie in several folders")
    for name in archive.names:
        if not _PARTS.fullmatch(name.partition("/")[2]):
            raise Damaged(f"its {part} holds {printable(name[:100])}, which is of no tensor")
    try:
        for opcode, argument, _ in pickletools.genops(archive.read(f"{folder}/data.pkl", _LARGEST_PICKLE)):
            _require_plain(part, opcode.name, argument)
    except ValueError:
        raise Damaged(f"its {part} is damaged") from None


def _require_plain(part: str, opcode: str, argument: object) -> None:
    if opcode == "GLOBAL" and not (argument in _NAMES or _STORAGE_OR_TYPE.fullmatch(str(argument))):
        called = printable(str(argument).replace(" ", ".")[:100])
        raise Damaged(f"its {part} names “{called}”, and would run what that is when it is opened")
    if opcode not in _OPCODES:
        raise Damaged(f"its {part} holds an object that is no tensor ({opcode})")
    if isinstance(argument, str) and argument.partition(":")[0] in ("cuda", "mps", "xpu"):
        raise Damaged(f"its {part} holds tensors of a graphics card: move the model to the processor and save it again")

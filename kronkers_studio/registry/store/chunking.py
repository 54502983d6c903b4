"""How a file's bytes are cut into chunks: small files whole, larger ones by content (FastCDC), so that an insertion in
the middle of a large file changes one or two chunks and not all that follow.

The parameters are part of the store's format in effect: other ones would cut, and so store, every large file anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

_AVERAGE = 128 << 10
_MINIMUM = 32 << 10
_MAXIMUM = 512 << 10
_WINDOW = 4 << 20


def cut(stream: BinaryIO) -> Iterator[list[memoryview]]:
    """The chunks of all bytes of ``stream``, in order, some at a time; they are valid until the next are asked for.

    At most about 5 MB are held. Raises what ``stream.readinto`` raises.
    """
    from pyfastcdc import FastCDC

    cutter = FastCDC(avg_size=_AVERAGE, min_size=_MINIMUM, max_size=_MAXIMUM)
    buffer = bytearray(_MAXIMUM + _WINDOW)  # one for the whole file: the rest of a window moves to the front
    view = memoryview(buffer)
    rest = 0
    ended = False
    while not ended:
        end = _fill(stream, view, rest)
        ended = end < len(buffer)
        chunks: list[memoryview] = []
        at = 0
        for chunk in cutter.cut_buf(view[:end]):
            # the last piece of a window may go on in the next one
            if not ended and end - at < _MAXIMUM:
                break
            chunks.append(view[at : at + chunk.length])
            at += chunk.length
        if chunks:
            yield chunks
        rest = end - at
        buffer[:rest] = buffer[at:end]


def _fill(stream: BinaryIO, view: memoryview, at: int) -> int:
    """Read until ``view`` is full or the stream ends; where in ``view`` the bytes then end."""
    while at < len(view) and (count := stream.readinto(view[at:])):  # type: ignore[attr-defined]  # BinaryIO lacks it
        at += count
    return at

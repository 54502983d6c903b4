"""How a file's bytes are cut into chunks: small files whole, larger ones by content (FastCDC), so that an insertion in
the middle of a large file changes one or two chunks and not all that follow.

The parameters are part of the store's format in effect: other ones would cut, and so store, every large file anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import BinaryIO

WHOLE_LIMIT = 1 << 20
"""Files up to this size are one chunk."""
_AVERAGE = 128 << 10
_MINIMUM = 32 << 10
_MAXIMUM = 512 << 10
_WINDOW = 4 << 20


def cut(head: bytes, stream: BinaryIO) -> Iterator[memoryview]:
    """The chunks of ``head`` followed by the rest of ``stream``; each is valid until the next is asked for.

    At most about 5 MB are held at a time. Raises what ``stream.read`` raises.
    """
    cutter = _cutter()
    window = head
    while True:
        fresh = stream.read(_WINDOW)
        window = window + fresh if window else fresh
        view = memoryview(window)
        at = 0
        for length in cutter(view):
            # the last piece of a window may go on in the next one
            if fresh and len(window) - at < _MAXIMUM:
                break
            yield view[at : at + length]
            at += length
        if not fresh:
            return
        window = bytes(view[at:])


def _cutter() -> Callable[[memoryview], Iterator[int]]:
    from pyfastcdc import FastCDC

    cdc = FastCDC(avg_size=_AVERAGE, min_size=_MINIMUM, max_size=_MAXIMUM)
    return lambda view: (chunk.length for chunk in cdc.cut_buf(view))

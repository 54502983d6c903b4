"""A worker for tests: it answers its words, and each number and its opposite."""

from __future__ import annotations

import struct
import sys
import time
from typing import IO


def texts(stream: IO[bytes], count: int) -> list[str | None]:
    lengths = struct.unpack(f"<{count}i", stream.read(4 * count))
    return [None if length < 0 else stream.read(length).decode() for length in lengths]


def packed(found: list[str | None]) -> bytes:
    encoded = [None if text is None else text.encode() for text in found]
    lengths = [-1 if text is None else len(text) for text in encoded]
    return struct.pack(f"<{len(lengths)}i", *lengths) + b"".join(text for text in encoded if text is not None)


def say(frame: bytes) -> None:
    sys.stdout.buffer.write(struct.pack("<i", len(frame)) + frame)
    sys.stdout.buffer.flush()


def answer(stream: IO[bytes]) -> bytes:
    stream.read(4)
    (_, rows, _, _) = struct.unpack("<4i", stream.read(16))
    numbers = struct.unpack(f"<{rows}d", stream.read(8 * rows))
    stream.read(16)
    words = texts(stream, rows)
    match words[0]:
        case "refuse":
            return struct.pack("<i", 1) + packed(["the worker takes no such rows"])
        case "fail":
            return struct.pack("<i", 2) + packed(["something broke"])
        case "die":
            sys.exit(3)
        case "hang":
            time.sleep(600)
        case "shout":
            sys.stderr.write("x" * 300_000)
            sys.stderr.flush()
    label = packed(["label"]) + struct.pack("<4i", 1, rows, 1, 0) + packed(words)
    both = struct.pack(f"<{2 * rows}d", *numbers, *(-number for number in numbers))
    probabilities = packed(["probabilities"]) + struct.pack("<4i", 0, rows, 2, 2) + packed(["a", "b"]) + both
    return struct.pack("<2i", 0, 2) + label + probabilities


def main() -> None:
    stream = sys.stdin.buffer
    if "crash" in sys.argv:
        sys.exit("no such file of ours")
    first = True
    while head := stream.read(4):
        if first:
            stream.read(struct.unpack("<i", head)[0])
            say(struct.pack("<i", 2) + packed(["a package is missing"]) if "missing" in sys.argv else bytes(8))
            first = False
            continue
        say(answer(stream))


if __name__ == "__main__":
    main()

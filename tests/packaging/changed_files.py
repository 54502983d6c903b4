"""Files as a broken disk, a cut copy or somebody's curiosity leaves them."""

from __future__ import annotations

import random
from collections.abc import Iterator


def changed_files(data: bytes, seed: str, count: int = 200) -> Iterator[bytes]:
    """``data`` with some bytes changed, every third time without its end; the same for the same ``seed``."""
    chance = random.Random(seed)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 1, 4, 40))):
            changed[chance.randrange(len(changed))] = chance.choice((0, 0xFF, chance.randrange(256)))
        yield bytes(changed[: chance.choice((len(data), len(data), chance.randrange(8, len(data))))])

"""Contents of files as analysts have them, drawn from a ``random.Random``: the same on every machine."""

from __future__ import annotations

import json
import pickle
from array import array
from collections.abc import Callable
from random import Random

_TEXT = (
    "model train data frame value mean group join filter select index date user region price sales cost "
    "margin sku lead time source plot axis label loss epoch batch score"
)
WORDS = _TEXT.split()


def _lines(chance: Random, size: int, first: str, line_of: Callable[[Random], str]) -> str:
    lines, length = [first], 0
    while length < size:
        line = line_of(chance)
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)[:size]


def csv(chance: Random, size: int) -> str:
    return _lines(
        chance,
        size,
        "id,region,date,qty,price,comment",
        lambda r: (
            f"{r.randrange(10**6)},{r.choice(WORDS)},2024-{r.randrange(1, 13):02d}-{r.randrange(1, 29):02d},"
            f"{r.randrange(1000)},{r.random() * 100:.4f},{r.choice(WORDS)} {r.choice(WORDS)}"
        ),
    )


def python(chance: Random, size: int) -> str:
    return _lines(
        chance,
        size,
        "import pandas as pd\nimport numpy as np",
        lambda r: (
            f"def {r.choice(WORDS)}_{r.randrange(999)}(df, {r.choice(WORDS)}):\n"
            f"    x = df['{r.choice(WORDS)}'].{r.choice(WORDS)}() * {r.random():.5f}\n"
            f"    return x.{r.choice(WORDS)}({r.randrange(99)})\n"
        ),
    )


def _r(chance: Random, size: int) -> str:
    return python(chance, size).replace("def ", "f <- function ").replace(" = ", " <- ")[:size]


def _json(chance: Random, size: int) -> str:
    return _lines(
        chance,
        size,
        "[",
        lambda r: (
            json.dumps(
                {
                    "id": r.randrange(10**9),
                    "k": r.choice(WORDS),
                    "v": r.random(),
                    "tags": [r.choice(WORDS), r.choice(WORDS)],
                }
            )
            + ","
        ),
    )


def large_csv(chance: Random, size: int) -> bytes:
    rows = (
        f"{chance.randrange(10**6)},{chance.choice(WORDS)},{chance.random() * 1000:.4f},{chance.gauss(0, 1):.5f},"
        f"2024-01-{chance.randrange(1, 29):02d}\n"
        for _ in range(size // 38 + 1)
    )
    text = "".join(rows).encode()
    while len(text) < size:
        text += text[: size - len(text)][::-1]
    return text[:size]


def large_columns(chance: Random, size: int) -> bytes:
    footer = (b"meta" * 1000)[: size // 2]
    return chance.randbytes(size - len(footer)) + footer


def large_pickle(chance: Random, size: int) -> bytes:
    numbers = array("d", (round(chance.gauss(0, 1) * 64) / 64 for _ in range(size // 8)))
    return pickle.dumps(numbers.tobytes())[:size]


KINDS: list[tuple[str, Callable[[Random, int], str]]] = [("csv", csv), ("py", python), ("R", _r), ("json", _json)]
"""Small texts by the extension of their files; each is made from a chance and a length."""

"""A folder like those that people bring in, the same on every machine, and the edits of a working day.

Small text files of 1 to 20 KB, a fifth of them duplicates, in 800 nested folders; and files of 20 MB, in turn a table
as text, incompressible columns with a compressible end (as in Parquet), and a pickle of rounded numbers. Only
``random.Random`` is drawn from, whose sequence Python guarantees.
"""

from __future__ import annotations

import json
import os
import pickle
import shutil
from array import array
from collections.abc import Callable
from pathlib import Path
from random import Random

VERSION = 1
"""Changes whenever the trees do: a tree made before is then made anew."""
MEDIUM_BYTES = 20_000_000
_DUPLICATES = 0.2
_DUPLICATED_FROM = 3000  # duplicates are of one of the first files, as people copy what is old
_EDITED = 0.01
_TEXT = (
    "model train data frame value mean group join filter select index date user region price sales cost "
    "margin sku lead time source plot axis label loss epoch batch score"
)
_WORDS = _TEXT.split()


def make_tree(root: Path, small: int, medium: int, *, medium_bytes: int = MEDIUM_BYTES) -> None:
    """Make the tree in ``root``, which must not exist: ``small`` small files and ``medium`` large ones."""
    chance = Random(20240607)
    folders = [
        root / "small" / f"team_{team:02d}" / f"project {project:02d}" / f"run_{run}"
        for team in range(20)
        for project in range(10)
        for run in range(4)
    ]
    for folder in folders:
        folder.mkdir(parents=True)
    kinds: list[tuple[str, Callable[[Random, int], str]]] = [("csv", _csv), ("py", _python), ("R", _r), ("json", _json)]
    known: list[tuple[str, bytes]] = []
    for number in range(small):
        extension, text_of = kinds[number % len(kinds)]
        if known and chance.random() < _DUPLICATES:
            extension, content = chance.choice(known)
        else:
            content = text_of(chance, chance.randrange(1024, 20_480)).encode()
            if len(known) < _DUPLICATED_FROM:
                known.append((extension, content))
        (chance.choice(folders) / f"f{number:05d}_{chance.choice(_WORDS)}.{extension}").write_bytes(content)
    (root / "medium").mkdir()
    large: list[tuple[str, Callable[[Random, int], bytes]]] = [
        ("csv", _large_csv),
        ("parquet", _large_columns),
        ("pkl", _large_pickle),
    ]
    for number in range(medium):
        extension, bytes_of = large[number % len(large)]
        (root / "medium" / f"t{number:02d}.{extension}").write_bytes(bytes_of(chance, medium_bytes))


def edit_tree(root: Path) -> None:
    """Edit 1 % of the small files, append 1 KB to one large file, and insert 1 KB in the middle of another."""
    chance = Random(99)
    small = sorted(file for file in (root / "small").rglob("*") if file.is_file())
    for file in chance.sample(small, max(1, round(len(small) * _EDITED))):
        content = file.read_bytes()
        half = len(content) // 2
        mark = b"EDITED_%d" % chance.randrange(10**9)
        file.write_bytes(
            content[:half] + mark + content[half + len(mark) :] + b"\nnew,line,%d\n" % chance.randrange(10**9)
        )
    large = sorted((root / "medium").iterdir())
    if large:
        with large[0].open("ab") as stream:
            stream.write(chance.randbytes(1024))
        middle = large[min(3, len(large) - 1)]
        content = middle.read_bytes()
        half = len(content) // 2
        middle.write_bytes(content[:half] + chance.randbytes(1024) + content[half:])


def kept_tree(cache: Path, small: int, medium: int, *, medium_bytes: int = MEDIUM_BYTES) -> Path:
    """The tree of these sizes in ``cache``, made when it is not there; to be copied, not changed."""
    root = cache / f"tree-{VERSION}-{small}-{medium}x{medium_bytes}"
    if not root.exists():
        draft = root.with_name(root.name + f".{os.getpid()}.new")
        shutil.rmtree(draft, ignore_errors=True)
        make_tree(draft, small, medium, medium_bytes=medium_bytes)
        draft.rename(root)
    return root


def _lines(chance: Random, size: int, first: str, line_of: Callable[[Random], str]) -> str:
    lines, length = [first], 0
    while length < size:
        line = line_of(chance)
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)[:size]


def _csv(chance: Random, size: int) -> str:
    return _lines(
        chance,
        size,
        "id,region,date,qty,price,comment",
        lambda r: (
            f"{r.randrange(10**6)},{r.choice(_WORDS)},2024-{r.randrange(1, 13):02d}-{r.randrange(1, 29):02d},"
            f"{r.randrange(1000)},{r.random() * 100:.4f},{r.choice(_WORDS)} {r.choice(_WORDS)}"
        ),
    )


def _python(chance: Random, size: int) -> str:
    return _lines(
        chance,
        size,
        "import pandas as pd\nimport numpy as np",
        lambda r: (
            f"def {r.choice(_WORDS)}_{r.randrange(999)}(df, {r.choice(_WORDS)}):\n"
            f"    x = df['{r.choice(_WORDS)}'].{r.choice(_WORDS)}() * {r.random():.5f}\n"
            f"    return x.{r.choice(_WORDS)}({r.randrange(99)})\n"
        ),
    )


def _r(chance: Random, size: int) -> str:
    return _python(chance, size).replace("def ", "f <- function ").replace(" = ", " <- ")[:size]


def _json(chance: Random, size: int) -> str:
    return _lines(
        chance,
        size,
        "[",
        lambda r: (
            json.dumps(
                {
                    "id": r.randrange(10**9),
                    "k": r.choice(_WORDS),
                    "v": r.random(),
                    "tags": [r.choice(_WORDS), r.choice(_WORDS)],
                }
            )
            + ","
        ),
    )


def _large_csv(chance: Random, size: int) -> bytes:
    rows = (
        f"{chance.randrange(10**6)},{chance.choice(_WORDS)},{chance.random() * 1000:.4f},{chance.gauss(0, 1):.5f},"
        f"2024-01-{chance.randrange(1, 29):02d}\n"
        for _ in range(size // 38 + 1)
    )
    text = "".join(rows).encode()
    while len(text) < size:
        text += text[: size - len(text)][::-1]
    return text[:size]


def _large_columns(chance: Random, size: int) -> bytes:
    footer = (b"meta" * 1000)[: size // 2]
    return chance.randbytes(size - len(footer)) + footer


def _large_pickle(chance: Random, size: int) -> bytes:
    numbers = array("d", (round(chance.gauss(0, 1) * 64) / 64 for _ in range(size // 8)))
    return pickle.dumps(numbers.tobytes())[:size]

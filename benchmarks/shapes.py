"""Folders of several shapes, the same on every machine, and the edits of a working day in each: as data.

A tool costs by the byte, by the file or by the folder, so it costs differently in each shape. Each is made
in any size; 1 is the one that its title tells. Only ``random.Random`` is drawn from, whose sequence Python guarantees.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from benchmarks import texts

VERSION = 2
"""Changes whenever the trees do: a tree made before is then made anew."""
_EDITED = 0.01
_SMALL = 64 << 10  # what is smaller is edited in its middle and at its end; of what is larger, one file each
_MARK = 1024


@dataclass(frozen=True, slots=True)
class Shape:
    """``make`` makes the folder in a size; ``targets`` are those that differ from the ones of all shapes, by row.

    ``saved_anew``: an edit replaces a file's content, as a program does that saves a compressed document.
    """

    title: str
    make: Callable[[Path, float], None]
    targets: Mapping[str, float] = field(default_factory=dict)
    saved_anew: bool = False


def kept(cache: Path, name: str, size: float) -> Path:
    """The folder of a shape and size in ``cache``, made when it is not there; to be copied, not changed."""
    root = cache / f"shape-{VERSION}-{name}-{size:g}"
    if not root.exists():
        draft = root.with_name(f"{root.name}.{os.getpid()}.new")
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        _elsewhere("make", name, str(draft), f"{size:g}")
        draft.rename(root)
    return root


def edited(root: Path, name: str) -> None:
    """Edit the folder ``root`` of a shape."""
    _elsewhere("edit", name, str(root))


def _elsewhere(*words: str) -> None:
    """In a process of its own: a new process is charged with the memory of the one that starts it."""
    subprocess.run([sys.executable, "-m", "benchmarks.shapes", *words], cwd=Path(__file__).parents[1], check=True)


def edit(root: Path, shape: Shape) -> None:
    """Edit 1 % of the small files, append 1 KB to one large file, and insert 1 KB in the middle of another."""
    chance = Random(99)
    files = sorted(file for file in root.rglob("*") if file.is_file())
    if shape.saved_anew:
        for file in chance.sample(files, _count(len(files), _EDITED)):
            file.write_bytes(chance.randbytes(file.stat().st_size))
        return
    small = [file for file in files if file.stat().st_size < _SMALL]
    for file in chance.sample(small, _count(len(small), _EDITED) if small else 0):
        content = file.read_bytes()
        half = len(content) // 2
        mark = b"EDITED_%d" % chance.randrange(10**9)
        file.write_bytes(
            content[:half] + mark + content[half + len(mark) :] + b"\nnew,line,%d\n" % chance.randrange(10**9)
        )
    large = [file for file in files if file.stat().st_size >= _SMALL]
    if large:
        with large[0].open("ab") as stream:
            stream.write(chance.randbytes(_MARK))
        middle = large[min(3, len(large) - 1)]
        content = middle.read_bytes()
        half = len(content) // 2
        middle.write_bytes(content[:half] + chance.randbytes(_MARK) + content[half:])


def _mixed(root: Path, size: float) -> None:
    """Text files of 1 to 20 KB, a fifth of them duplicates, in 800 nested folders; and files of 20 MB, in turn a table
    as text, incompressible columns with a compressible end (as in Parquet), and a pickle of rounded numbers."""
    chance = Random(20240607)
    folders = [
        root / "small" / f"team_{team:02d}" / f"project {project:02d}" / f"run_{run}"
        for team in range(20)
        for project in range(10)
        for run in range(4)
    ]
    for folder in folders:
        folder.mkdir(parents=True)
    known: list[tuple[str, bytes]] = []
    for number in range(_count(20_000, size)):
        extension, text_of = texts.KINDS[number % len(texts.KINDS)]
        if known and chance.random() < 0.2:
            extension, content = chance.choice(known)
        else:
            content = text_of(chance, chance.randrange(1024, 20_480)).encode()
            if len(known) < 3000:  # duplicates are of one of the first files, as people copy what is old
                known.append((extension, content))
        name = f"f{number:05d}_{chance.choice(texts.WORDS)}.{extension}"
        (chance.choice(folders) / name).write_bytes(content)
    (root / "medium").mkdir()
    large: list[tuple[str, Callable[[Random, int], bytes]]] = [
        ("csv", texts.large_csv),
        ("parquet", texts.large_columns),
        ("pkl", texts.large_pickle),
    ]
    for number in range(_count(30, size)):
        extension, bytes_of = large[number % len(large)]
        content = bytes_of(chance, round(20_000_000 * min(1, 10 * size)))  # in a tiny tree they are smaller
        (root / "medium" / f"t{number:02d}.{extension}").write_bytes(content)


def _folders(root: Path, size: float) -> None:
    """A file of 200 bytes to 4 KB in each of 16,000 folders, 40 beside one another."""
    chance = Random(16_000)
    for number in range(_count(16_000, size)):
        folder = root / f"batch {number // 1600:03d}" / f"day_{number // 40 % 40:02d}" / f"run_{number % 40:02d}"
        folder.mkdir(parents=True)
        _, text_of = texts.KINDS[number % len(texts.KINDS)]
        (folder / "result.json").write_text(text_of(chance, chance.randrange(200, 4096)), encoding="utf-8")


def _tiny(root: Path, size: float) -> None:
    """40,000 files of 20 to 400 bytes in folders of 100."""
    chance = Random(40_000)
    for number in range(_count(40_000, size)):
        folder = root / f"set {number // 1000:03d}" / f"part_{number // 100 % 10}"
        if number % 100 == 0:
            folder.mkdir(parents=True)
        content = texts.csv(chance, chance.randrange(20, 400))
        (folder / f"{chance.choice(texts.WORDS)}_{number:06d}.csv").write_text(content, encoding="utf-8")


def _incompressible(root: Path, size: float) -> None:
    """300 files of 1.3 MB that nothing makes smaller, in 10 folders: images, measurements, archives."""
    chance = Random(300)
    for number in range(_count(300, size)):
        folder = root / f"camera_{number % 10}"
        folder.mkdir(exist_ok=True)
        (folder / f"image_{number:05d}.jpg").write_bytes(chance.randbytes(1_300_000))


def _tables(root: Path, size: float) -> None:
    """Three CSV files of 90 MB."""
    for number in range(3):
        content = texts.large_csv(Random(90 + number), round(90_000_000 * size))
        (root / f"table_{number}.csv").write_bytes(content)


_OFFICE = (  # extension, how many of a hundred, median size, its spread (sigma of the logarithm), first bytes
    ("xlsx", 36, 25_000, 1.2, b"PK\x03\x04"),
    ("docx", 32, 35_000, 1.0, b"PK\x03\x04"),
    ("pdf", 17, 120_000, 1.1, b"%PDF-1.7\n"),
    ("pptx", 3, 600_000, 1.0, b"PK\x03\x04"),
    ("txt", 12, 4_000, 1.0, b""),
)
_LARGEST_DOCUMENT = 8_000_000


def _office(root: Path, size: float) -> None:
    """6,000 documents in 2,500 folders, of the sizes that Office files have, compressed as these are; a tenth of them
    copies. Every third folder holds most of the files, many hold one or two."""
    chance = Random(6000)
    folders = []
    for number in range(_count(2500, size)):
        client = root / f"Client {number // 25:03d}"
        folders.append(client / f"{2015 + number % 5}" / f"{chance.choice(texts.WORDS).title()} {number % 25:02d}")
        folders[-1].mkdir(parents=True)
    kinds = [kind for kind in _OFFICE for _ in range(kind[1])]
    known: list[tuple[str, bytes]] = []
    for number in range(_count(6000, size)):
        if known and chance.random() < 0.1:
            extension, content = chance.choice(known)
        else:
            extension, _, median, sigma, first = chance.choice(kinds)
            length = min(_LARGEST_DOCUMENT, max(500, round(median * chance.lognormvariate(0, sigma))))
            content = first + chance.randbytes(length) if first else texts.python(chance, length).encode()
            if len(known) < 300:
                known.append((extension, content))
        folder = (
            folders[number % len(folders)] if number < len(folders) else folders[chance.randrange(len(folders)) // 3]
        )
        (folder / f"{chance.choice(texts.WORDS).title()} {number:05d}.{extension}").write_bytes(content)


SHAPES: Mapping[str, Shape] = {
    "mixed": Shape(
        "20,000 text files of 1 to 20 KB in 800 folders, 30 files of 20 MB",
        _mixed,
        {"import": 0.40, "rescan": 0.25, "incremental": 0.50, "restore": 0.80, "size": 1.02, "growth": 1.50},
    ),
    "folders": Shape("16,000 folders with one small file each", _folders),
    "tiny": Shape("40,000 files of 20 to 400 bytes", _tiny, {"size": 1.20}),
    "incompressible": Shape("300 incompressible files of 1.3 MB", _incompressible),
    "tables": Shape("three CSV files of 90 MB", _tables),
    "office": Shape("6,000 Office documents in 2,500 folders", _office, saved_anew=True),
}
"""The shapes by name. A new one is a function and a line here."""


def _count(whole: int, size: float) -> int:
    return max(1, round(whole * size))


def _main(what: str, name: str, root: str, size: str = "") -> None:
    if what == "make":
        SHAPES[name].make(Path(root), float(size))
    else:
        edit(Path(root), SHAPES[name])


if __name__ == "__main__":
    _main(*sys.argv[1:])

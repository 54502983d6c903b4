"""What a run of benchmarks is told."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.shapes import SHAPES

CACHE = Path(__file__).parent / ".cache"
RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True, slots=True)
class Options:
    """``cache`` keeps trees and programs between runs, ``work`` is used and emptied by one run.

    ``rest`` are the seconds after a change of the tree: careful tools read files twice that are younger than the
    coarsest clock of a file system.
    """

    shapes: tuple[str, ...] = tuple(SHAPES)
    sizes: tuple[float, ...] = (1, 4)
    rounds: int = 3
    tools: tuple[str, ...] = ("kronkers", "restic")
    cache: Path = CACHE
    work: Path = CACHE / "work"
    quiet: bool = False
    rest: float = 2.5

    def say(self, text: str) -> None:
        """Tell whoever waits how far it is."""
        if not self.quiet:
            print(text, file=sys.stderr, flush=True)

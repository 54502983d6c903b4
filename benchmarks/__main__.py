"""``python -m benchmarks``: measure, print, and keep the results in benchmarks/results/."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import sys
from collections.abc import Collection
from datetime import datetime
from pathlib import Path

from benchmarks.options import CACHE, RESULTS, Options
from benchmarks.registry import BENCHMARKS, DEFAULT
from benchmarks.shapes import SHAPES
from benchmarks.tools import TOOLS


def main(words: list[str] | None = None) -> int:
    given = _parser().parse_args(words)
    quick = Options(sizes=(0.01, 0.02), rounds=1, rest=0.0) if given.quick else Options()
    cache = given.cache or CACHE
    options = Options(
        shapes=_chosen("shape", given.shapes, quick.shapes, SHAPES),
        sizes=tuple(float(size) for size in given.sizes.split(",")) if given.sizes else quick.sizes,
        rounds=given.rounds or quick.rounds,
        tools=_chosen("tool", given.tools, quick.tools, TOOLS),
        cache=cache,
        work=cache / f"work-{os.getpid()}",  # two runs do not meet
        quiet=given.quiet,
        rest=quick.rest,
    )
    compileall.compile_dir(Path(__file__).parents[1] / "kronkers_studio", quiet=2)
    options.cache.mkdir(parents=True, exist_ok=True)
    names = [name for name in BENCHMARKS if getattr(given, name)] or [DEFAULT]
    try:
        for name in names:
            results = BENCHMARKS[name].run(options)
            file = given.results / f"{name}-{datetime.now():%Y%m%d-%H%M%S}.json"
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(json.dumps(results, indent=1), encoding="utf-8")
            print(f"\nAll figures are in {file}")
    finally:
        shutil.rmtree(options.work, ignore_errors=True)
    return 0


def _chosen(what: str, words: str | None, otherwise: tuple[str, ...], there: Collection[str]) -> tuple[str, ...]:
    """The names in ``words``, comma-separated; "all" are all that are ``there``."""
    if words is None:
        return otherwise
    chosen = tuple(there) if words == "all" else tuple(words.split(","))
    if unknown := set(chosen) - set(there):
        sys.exit(f"No such {what}: {', '.join(sorted(unknown))}. There are {', '.join(there)}.")
    return chosen


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"Without a choice: --{DEFAULT}.")
    for name, benchmark in BENCHMARKS.items():
        parser.add_argument(f"--{name}", action="store_true", help=benchmark.title)
    parser.add_argument("--shapes", help=f"comma-separated, or all: {','.join(SHAPES)} (all)")
    parser.add_argument("--sizes", help="comma-separated, 1 being the whole size of a shape (1,4)")
    parser.add_argument("--rounds", type=int, help="rounds, of which the median counts (3)")
    parser.add_argument("--tools", help=f"comma-separated, or all: {','.join(TOOLS)} (kronkers,restic)")
    parser.add_argument("--quick", action="store_true", help="tiny trees, once: does it all work?")
    parser.add_argument("--quiet", action="store_true", help="only the tables")
    parser.add_argument("--cache", type=Path, help="where trees and programs are kept (benchmarks/.cache)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())

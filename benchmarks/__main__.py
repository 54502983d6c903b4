"""``python -m benchmarks``: measure, print, and keep the results in benchmarks/results/."""

from __future__ import annotations

import argparse
import compileall
import json
import os
import shutil
import sys
from datetime import datetime
from pathlib import Path

from benchmarks.options import CACHE, RESULTS, Options
from benchmarks.registry import BENCHMARKS, DEFAULT
from benchmarks.tools import TOOLS


def main(words: list[str] | None = None) -> int:
    given = _parser().parse_args(words)
    quick = Options(small=400, medium=2, medium_bytes=2_000_000, rounds=1, rest=0.0) if given.quick else Options()
    cache = given.cache or CACHE
    options = Options(
        small=quick.small if given.small is None else given.small,
        medium=quick.medium if given.medium is None else given.medium,
        medium_bytes=quick.medium_bytes,
        rounds=given.rounds or quick.rounds,
        tools=tuple(given.tools.split(",")) if given.tools else tuple(TOOLS),
        cache=cache,
        work=cache / f"work-{os.getpid()}",  # two runs do not meet
        quiet=given.quiet,
        rest=quick.rest,
    )
    if unknown := set(options.tools) - set(TOOLS):
        sys.exit(f"No such tool: {', '.join(sorted(unknown))}. There are {', '.join(TOOLS)}.")
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"Without a choice: --{DEFAULT}.")
    for name, benchmark in BENCHMARKS.items():
        parser.add_argument(f"--{name}", action="store_true", help=benchmark.title)
    parser.add_argument("--small", type=int, help="number of small files (20,000)")
    parser.add_argument("--medium", type=int, help="number of files of 20 MB (30)")
    parser.add_argument("--rounds", type=int, help="rounds, of which the median counts (3)")
    parser.add_argument("--tools", help=f"comma-separated: {','.join(TOOLS)}")
    parser.add_argument("--quick", action="store_true", help="a tiny tree, once: does it all work?")
    parser.add_argument("--quiet", action="store_true", help="only the tables")
    parser.add_argument("--cache", type=Path, help="where trees and programs are kept (benchmarks/.cache)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results are kept")
    return parser


if __name__ == "__main__":
    sys.exit(main())

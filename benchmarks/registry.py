"""The benchmarks by name. A new one is a module with ``run(options)``, and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.options import Options

DEFAULT = "peers"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """``module`` has a function ``run(options)`` that prints its findings and returns them for the results file."""

    title: str
    module: str

    def run(self, options: Options) -> dict[str, Any]:
        work: Callable[[Options], dict[str, Any]] = import_module(self.module).run
        return work(options)


BENCHMARKS: Mapping[str, Benchmark] = {
    "peers": Benchmark("ours beside restic and others on folders of several shapes, as ratios", "benchmarks.peers"),
    "serving": Benchmark("our service beside those of others on the same model and rows", "benchmarks.serving"),
    "profile": Benchmark("where the time of our import, rescan, restore and check goes", "benchmarks.profiling"),
}

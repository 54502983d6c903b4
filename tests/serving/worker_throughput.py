"""Requests a second, processor time a request and memory of a service with its model of Python in its own process, and
in two processes beside it.

    python -m tests.serving.worker_throughput [SECONDS [ROUNDS]]

The two services of a model take turns; 16 connections, one row a request, then one connection alone. Printed are each
model's best round's requests a second, its fewest milliseconds of processor time a request (of all processes, and of
the service's own), the fewest until an answer for one who asks alone, and what its processes hold of memory, each page
counted once. The clients are this process, whose time does not count, but which takes some of the same computer's.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier

from tests.serving.load import Outcome, ask_until, request
from tests.serving.model_folders import running, save_joblib
from tests.serving.own_models import told_folder
from tests.tree_libraries.packages import package_of

CONNECTIONS = 16
_PMML = Path(__file__).parents[1] / "pmml_models" / "files"


def main() -> None:
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    print(f"{os.cpu_count()} processors, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory() as name:
        for title, folder, row in _models(Path(name)):
            _compare(title, folder, request(json.dumps({"rows": [row]}).encode()), seconds, rounds)
    print(f"load {os.getloadavg()[0]:.1f}")


def _models(folder: Path) -> list[tuple[str, Path, list[float]]]:
    told = told_folder(folder / "told")
    forest = save_joblib(
        folder / "scikit-learn", RandomForestClassifier(100, random_state=0).fit(*load_iris(return_X_y=True))
    )
    cases = json.loads((_PMML / "cases.json").read_text(encoding="utf-8"))
    documents = []
    for name in ("linear", "forest"):
        (folder / name).mkdir()
        package = package_of(Path(shutil.copy(_PMML / f"{name}.pmml", folder / name)))
        documents.append((f"PMML, {name}", package, cases[name]["rows"][0]))
    # predict() and predict_proba() each take the time that the row says
    own = [(f"own code, {2 * half:g} ms", told, [0.0, half]) for half in (0.0, 0.1, 0.25, 0.5, 2.5)]
    return [*own, *documents, ("scikit-learn, forest of 100", forest, [5.1, 3.5, 1.4, 0.2])]


@dataclass
class Figures:
    """What was measured of one service, round by round: requests a second, milliseconds of processor time a request of
    all its processes and of the first, milliseconds until an answer when one sender asks."""

    rates: list[float] = field(default_factory=list)
    costs: list[float] = field(default_factory=list)
    front: list[float] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)

    def __str__(self) -> str:
        best = f"{max(self.rates):.0f}/s, {min(self.costs):.2f} ms ({min(self.front):.2f} in front)"
        return f"{best}, alone {min(self.waits):.2f} ms"


def _compare(title: str, folder: Path, sent: bytes, seconds: float, rounds: int) -> None:
    other = folder.with_name(folder.name + ".2")
    if not other.exists():
        shutil.copytree(folder, other)
    with running(folder, "--workers", "0") as (one, here), running(other, "--workers", "2") as (two, beside):
        services = [(one, here.pid, Figures()), (two, beside.pid, Figures())]
        for port, _, _ in services:
            asyncio.run(_loaded(port, sent, 1.0, CONNECTIONS))
        for number in range(rounds):
            for port, process, figures in services[:: 1 if number % 2 else -1]:
                _measure(port, process, figures, sent, seconds)
        memory = [_memory(process) >> 20 for _, process, _ in services]
    print(f"{title}: {services[0][2]} | {services[1][2]} | {memory[0]}, {memory[1]} MB", flush=True)
    rounds_of_both = zip(services[0][2].rates, services[1][2].rates, strict=True)
    each = " ".join(f"{one_rate:.0f}:{other_rate:.0f}" for one_rate, other_rate in rounds_of_both)
    print(f"   requests a second, each round: {each}; load {os.getloadavg()[0]:.1f}", flush=True)


def _measure(port: int, process: int, figures: Figures, sent: bytes, seconds: float) -> None:
    before, first = _processor_time(process), _of_one(psutil.Process(process))
    began = time.perf_counter()
    answered = asyncio.run(_loaded(port, sent, seconds, CONNECTIONS))
    figures.rates.append(answered / (time.perf_counter() - began))
    figures.costs.append(1000 * (_processor_time(process) - before) / answered)
    figures.front.append(1000 * (_of_one(psutil.Process(process)) - first) / answered)
    began = time.perf_counter()
    answered = asyncio.run(_loaded(port, sent, seconds / 2, 1))
    figures.waits.append(1000 * (time.perf_counter() - began) / answered)


async def _loaded(port: int, sent: bytes, seconds: float, connections: int) -> int:
    """How many requests were answered within that time."""
    outcome, end = Outcome(), time.monotonic() + seconds
    await asyncio.gather(*(ask_until(lambda: time.monotonic() > end, port, sent, outcome) for _ in range(connections)))
    if outcome.lost or set(outcome.statuses) != {200}:
        raise SystemExit(f"{outcome}")
    return outcome.statuses[200]


def _processes(process: int) -> list[psutil.Process]:
    first = psutil.Process(process)
    return [first, *first.children(recursive=True)]


def _processor_time(process: int) -> float:
    return sum(_of_one(each) for each in _processes(process))


def _of_one(process: psutil.Process) -> float:
    return sum(process.cpu_times()[:2])


def _memory(process: int) -> int:
    return sum(each.memory_full_info().pss for each in _processes(process))


if __name__ == "__main__":
    main()

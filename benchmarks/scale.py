"""Ours on ten times as many small files: how much longer one file takes, and how much memory it all needs."""

from __future__ import annotations

import shutil
import time
from statistics import median
from typing import Any

from benchmarks import measuring, tree
from benchmarks.machine import facts
from benchmarks.measuring import Cost
from benchmarks.options import Options
from benchmarks.printing import megabytes, seconds, table
from benchmarks.tools import Step, ours

_TIMES = 10
_GROWTH_LIMIT = 1.15  # of the import's time per file
_MEMORY_LIMIT = 300e6
_STEPS = (Step.IMPORT, Step.RESCAN, Step.INCREMENTAL, Step.RESTORE, Step.CHECK)


def run(options: Options) -> dict[str, Any]:
    """Measure ``options.small`` files and ten times as many, print, and return everything for the results file."""
    counts = (options.small, options.small * _TIMES)
    rounds: dict[int, dict[Step, list[Cost]]] = {count: {step: [] for step in _STEPS} for count in counts}
    for number in range(options.rounds):
        for count in counts:
            options.say(f"round {number + 1} of {options.rounds}: {count:,} files")
            for step, cost in _round(options, number, count).items():
                rounds[count][step].append(cost)
    machine = facts(options.work)
    print(f"\n{machine['summary']}\nsmall files only, median of {options.rounds}\n")
    rows = [_row(step, rounds, counts) for step in _STEPS]
    head = ["", *[f"{count:,} files" for count in counts], "time per file", *[f"peak, {count:,}" for count in counts]]
    print("\n".join(table(head, rows)))
    growth = _growth(Step.IMPORT, rounds, counts)
    peak = max(median(cost.peak for cost in costs) for costs in rounds[counts[1]].values())
    print(
        f"\nimport, time per file: × {growth:.2f} (≤ {_GROWTH_LIMIT:.2f}: {_mark(growth <= _GROWTH_LIMIT)})"
        f"\npeak memory at {counts[1]:,} files: {megabytes(peak)} (≤ {megabytes(_MEMORY_LIMIT)}: "
        f"{_mark(peak <= _MEMORY_LIMIT)})"
    )
    return {
        "machine": machine,
        "steps": {
            str(count): {
                step.value: [{"wall": cost.wall, "cpu": cost.cpu, "peak": cost.peak} for cost in costs]
                for step, costs in steps.items()
            }
            for count, steps in rounds.items()
        },
        "import_growth": growth,
        "peak": peak,
    }


def _round(options: Options, number: int, count: int) -> dict[Step, Cost]:
    work = options.work / f"scale-{number}-{count}"
    work.mkdir(parents=True)
    copy = work / "tree"
    shutil.copytree(tree.kept_tree(options.cache, count, 0), copy)
    tool = ours(copy, work, options.cache / "programs")
    measuring.run(tool.ready)
    time.sleep(options.rest)
    costs = {}
    for step in _STEPS:
        if step is Step.INCREMENTAL:
            tree.edit_tree(copy)
        measuring.settle()
        costs[step] = cost = measuring.run(tool.steps[step])
        options.say(f"  {step:<12}{cost.wall:8.2f} s {cost.cpu:8.2f} CPU-s {cost.peak / 1e6:6.0f} MB")
    return costs


def _row(step: Step, rounds: dict[int, dict[Step, list[Cost]]], counts: tuple[int, int]) -> list[str]:
    costs = [rounds[count][step] for count in counts]
    walls = [median(cost.wall for cost in each) for each in costs]
    peaks = [median(cost.peak for cost in each) for each in costs]
    growth = f"× {_growth(step, rounds, counts):.2f}"
    return [step.value, *[seconds(wall) for wall in walls], growth, *[megabytes(peak) for peak in peaks]]


def _growth(step: Step, rounds: dict[int, dict[Step, list[Cost]]], counts: tuple[int, int]) -> float:
    few, many = (median(cost.wall for cost in rounds[count][step]) / count for count in counts)
    return many / few


def _mark(met: bool) -> str:
    return "met" if met else "MISSED"

"""Ours beside git, restic, borg and dvc: every step on the same tree, all tools in turn, as ratios to restic."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import measuring, programs, tree
from benchmarks.machine import facts
from benchmarks.measuring import CommandFailed, Cost
from benchmarks.options import Options
from benchmarks.printing import megabytes, seconds, table
from benchmarks.tools import REFERENCE, TOOLS, Step, Tool

OURS = "kronkers"
_MEMORY_LIMIT = 200e6


@dataclass(frozen=True, slots=True)
class Target:
    """What issue 3 asks of us: our figure is at most ``ratio`` times the reference's."""

    title: str
    ratio: float


TARGETS = {
    "import": Target("import", 0.40),
    "rescan": Target("no-change rescan", 0.25),
    "incremental": Target("incremental after the edits", 0.50),
    "restore": Target("restore all", 0.80),
    "check": Target("check all data", 1.00),
    "size": Target("store size", 1.02),
    "growth": Target("growth after the edits", 1.50),
}


@dataclass(slots=True)
class Measured:
    """All figures of one tool, one a round."""

    costs: dict[Step, list[Cost]] = field(default_factory=lambda: defaultdict(list))
    sizes: list[int] = field(default_factory=list)
    growths: list[int] = field(default_factory=list)

    def figure(self, name: str) -> float | None:
        """The median of a row: seconds of a step, or bytes of "size" and "growth"."""
        values: Sequence[float] = {"size": self.sizes, "growth": self.growths}.get(name) or [
            cost.wall for step, costs in self.costs.items() if step.value == name for cost in costs
        ]
        return median(values) if values else None

    def cpu(self, step: Step) -> float | None:
        return median(cost.cpu for cost in self.costs[step]) if self.costs.get(step) else None

    def peak(self, step: Step | None = None) -> float | None:
        """The median of the rounds' largest memory, of one step or of all."""
        chosen = [costs for each, costs in self.costs.items() if (step is None or each is step) and costs]
        return max((median(cost.peak for cost in costs) for costs in chosen), default=None)


def run(options: Options) -> dict[str, Any]:
    """Measure, print, and return everything for the results file."""
    versions = {name: programs.version_of(name, options.cache / "programs") for name in options.tools}
    missing = [name for name, version in versions.items() if not version]
    names = [name for name in options.tools if name not in missing]
    pristine = tree.kept_tree(options.cache, options.small, options.medium, medium_bytes=options.medium_bytes)
    measured = {name: Measured() for name in names}
    wrong: list[str] = []
    for number in range(options.rounds if names else 0):
        options.say(f"round {number + 1} of {options.rounds}")
        wrong += _round(number, pristine, options, measured)
    machine = facts(options.work)
    _print(options, machine, versions, missing, measured, wrong)
    return {
        "machine": machine,
        "versions": versions,
        "missing": missing,
        "wrong": wrong,
        "tree": {"small": options.small, "medium": options.medium, "medium_bytes": options.medium_bytes},
        "rounds": options.rounds,
        "tools": {name: _document(each) for name, each in measured.items()},
        "targets": _judged(measured),
    }


def _round(number: int, pristine: Path, options: Options, measured: dict[str, Measured]) -> list[str]:
    """One round from empty stores, another tool being first each time. Returns what was restored wrongly.

    Nothing is deleted before the end of all rounds: for minutes afterwards ext4 searches long for a place for each new
    file (it passes over what was deleted just now), and whoever restores next would pay for it.
    """
    work = options.work / f"round-{number}"
    (work / "source").mkdir(parents=True)
    copy = work / "source" / "tree"
    shutil.copytree(pristine, copy)
    made = time.monotonic()
    tools = []
    first = number % len(measured)
    for name in [*measured][first:] + [*measured][:first]:
        folder = work / name
        folder.mkdir()
        tools.append(TOOLS[name](copy, folder, options.cache / "programs"))
        measuring.run(tools[-1].ready)
    time.sleep(max(0.0, made + options.rest - time.monotonic()))
    wrong: list[str] = []
    for step in Step:
        if step is Step.INCREMENTAL:
            before = {tool.name: folder_size(tool.store) for tool in tools}
            for name, size in before.items():
                measured[name].sizes.append(size)
            tree.edit_tree(copy)
            time.sleep(options.rest)
        for tool in tools:
            _measure(tool, step, measured[tool.name], options)
            if step is Step.INCREMENTAL:
                measured[tool.name].growths.append(folder_size(tool.store) - before[tool.name])
            if step is Step.RESTORE and step in tool.steps:
                found = _compared(copy, tool) if number == 0 else ""
                wrong += [f"{tool.name} restored something else: {found}"] if found else []
    return wrong


def _compared(source: Path, tool: Tool) -> str:
    """``difference``, by a process of its own: a new process is charged with the memory of the one that starts it."""
    words = [source, tool.restored, *([] if tool.keeps_empty_folders else ["--files"])]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.comparing", *map(str, words)],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=True,
        encoding="utf-8",
        errors="backslashreplace",
    )
    return done.stdout.strip()


def _measure(tool: Tool, step: Step, measured: Measured, options: Options) -> None:
    if step not in tool.steps:
        return
    if step in tool.before:
        tool.before[step]()
    measuring.settle()
    try:
        cost = measuring.run(tool.steps[step])
    except CommandFailed as failure:
        raise SystemExit(f"{tool.name}, {step}: {failure}") from failure
    measured.costs[step].append(cost)
    options.say(f"  {step:<12}{tool.name:<10}{cost.wall:8.2f} s {cost.cpu:8.2f} CPU-s {cost.peak / 1e6:6.0f} MB")


def folder_size(folder: Path) -> int:
    """Bytes of all files below ``folder``."""
    return sum(file.lstat().st_size for file in folder.rglob("*") if not file.is_dir())


def _judged(measured: dict[str, Measured]) -> dict[str, dict[str, Any]]:
    """For each target our ratio and whether it is reached; empty without us or without the reference."""
    if OURS not in measured or REFERENCE not in measured:
        return {}
    judged = {}
    for name, target in TARGETS.items():
        ours, reference = measured[OURS].figure(name), measured[REFERENCE].figure(name)
        if ours is not None and reference:
            judged[name] = {"ratio": ours / reference, "target": target.ratio, "met": ours / reference <= target.ratio}
    peak = measured[OURS].peak()
    if peak is not None:
        judged["memory"] = {"bytes": peak, "target": _MEMORY_LIMIT, "met": peak <= _MEMORY_LIMIT}
    return judged


def _document(measured: Measured) -> dict[str, Any]:
    steps = {
        step.value: [{"wall": cost.wall, "cpu": cost.cpu, "peak": cost.peak} for cost in costs]
        for step, costs in measured.costs.items()
    }
    return {"steps": steps, "sizes": measured.sizes, "growths": measured.growths}


def _print(
    options: Options,
    machine: dict[str, Any],
    versions: dict[str, str],
    missing: list[str],
    measured: dict[str, Measured],
    wrong: list[str],
) -> None:
    print(f"\n{machine['summary']}")
    print(", ".join(version for version in versions.values() if version))
    if missing:
        print(f"NOT MEASURED, could not be installed here: {', '.join(missing)}")
    print(
        f"{options.small:,} small files and {options.medium} of {options.medium_bytes / 1e6:g} MB, "
        f"median of {options.rounds}\n"
    )
    rows = [
        [target.title, *[_cell(each.figure(name), name) for each in measured.values()]]
        for name, target in TARGETS.items()
    ]
    rows += [["peak memory", *[megabytes(each.peak()) for each in measured.values()]]]
    rows += [
        [f"CPU seconds, {TARGETS[step.value].title}", *[seconds(each.cpu(step)) for each in measured.values()]]
        for step in Step
    ]
    print("\n".join(table(["", *measured], rows)))
    judged = _judged(measured)
    if judged:
        print(f"\nOurs as a ratio to the others, and what issue 3 asks for beside {REFERENCE}:\n")
        others = [name for name in measured if name != OURS]
        print("\n".join(table(["", *others, "target", ""], _ratio_rows(measured, judged, others))))
    for sentence in wrong:
        print(f"WRONG: {sentence}")


def _ratio_rows(
    measured: dict[str, Measured], judged: dict[str, dict[str, Any]], others: Sequence[str]
) -> list[list[str]]:
    rows = []
    for name, target in TARGETS.items():
        ours = measured[OURS].figure(name)
        ratios = []
        for other in others:
            theirs = measured[other].figure(name)
            ratios.append(f"{ours / theirs:.2f}" if ours is not None and theirs else "–")
        mark = ("met" if judged[name]["met"] else "MISSED") if name in judged else ""
        rows.append([target.title, *ratios, f"≤ {target.ratio:.2f}", mark])
    for step in Step:
        own = measured[OURS].cpu(step)
        ratios = [f"{own / cpu:.2f}" if own and (cpu := measured[other].cpu(step)) else "–" for other in others]
        rows.append([f"CPU seconds, {TARGETS[step.value].title}", *ratios, "", ""])
    memory = judged["memory"]
    rows.append(
        [
            "peak memory",
            megabytes(memory["bytes"]),
            *[""] * (len(others) - 1),
            f"≤ {megabytes(memory['target'])}",
            "met" if memory["met"] else "MISSED",
        ]
    )
    return rows


def _cell(figure: float | None, name: str) -> str:
    return megabytes(figure) if name in ("size", "growth") else seconds(figure)

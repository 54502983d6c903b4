"""Ours beside restic and others: every step on folders of every shape, all tools in turn, as ratios to restic."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import measuring, programs, shapes, targets
from benchmarks.machine import facts
from benchmarks.measuring import CommandFailed, Cost
from benchmarks.options import Options
from benchmarks.printing import NOTHING, megabytes, seconds, table
from benchmarks.shapes import SHAPES
from benchmarks.targets import ROWS
from benchmarks.tools import REFERENCE, TOOLS, Step, Tool

OURS = "kronkers"


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


@dataclass(slots=True)
class OneSize:
    """What was measured of one shape in one size."""

    shape: str
    size: float
    files: int
    folders: int
    tools: dict[str, Measured]

    def ratio(self, row: str) -> float | None:
        """Our figure as a part of the reference's; None without one of them."""
        ours, reference = (self._figure(name, row) for name in (OURS, REFERENCE))
        return ours / reference if ours is not None and reference else None

    def cpu_ratio(self, step: Step) -> float | None:
        ours, reference = (self.tools[name].cpu(step) if name in self.tools else None for name in (OURS, REFERENCE))
        return ours / reference if ours is not None and reference else None

    def _figure(self, name: str, row: str) -> float | None:
        return self.tools[name].figure(row) if name in self.tools else None


def run(options: Options) -> dict[str, Any]:
    """Measure, print, and return everything for the results file."""
    versions = {name: programs.version_of(name, options.cache / "programs") for name in options.tools}
    missing = [name for name, version in versions.items() if not version]
    names = [name for name in options.tools if name not in missing]
    measured: list[OneSize] = []
    wrong: list[str] = []
    machine = facts(options.cache)
    print(f"\n{machine['summary']}")
    print(", ".join(version for version in versions.values() if version))
    if missing:
        print(f"NOT MEASURED, could not be installed here: {', '.join(missing)}")
    for shape in options.shapes if names else ():
        for size in options.sizes:
            options.say(f"{shape} × {size:g}: {SHAPES[shape].title}")
            measured.append(_measured(shape, size, names, options, wrong))
            _print(measured[-1], options)
    judged = _judged(measured)
    _print_judged(measured, judged, options)
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    return {
        "machine": machine,
        "versions": versions,
        "missing": missing,
        "wrong": wrong,
        "rounds": options.rounds,
        "shapes": [_document(each) for each in measured],
        "targets": judged,
    }


def _measured(shape: str, size: float, names: Sequence[str], options: Options, wrong: list[str]) -> OneSize:
    """All rounds of one shape in one size; adds to ``wrong`` what was restored wrongly."""
    pristine = shapes.kept(options.cache, shape, size)
    files = folders = 0
    for _, below, names_of_files in os.walk(pristine):
        folders, files = folders + len(below), files + len(names_of_files)
    found = OneSize(shape, size, files, folders, {name: Measured() for name in names})
    work = options.work / f"{shape}-{size:g}"
    for number in range(options.rounds):
        options.say(f"round {number + 1} of {options.rounds}")
        wrong += [f"{shape} × {size:g}: {each}" for each in _round(number, pristine, work, options, found)]
    shutil.rmtree(work)
    return found


def _round(number: int, pristine: Path, all_work: Path, options: Options, found: OneSize) -> list[str]:
    """One round from empty stores, another tool being first each time. Returns what was restored wrongly.

    Nothing is deleted before the end of all rounds: for minutes afterwards ext4 searches long for a place for each new
    file (it passes over what was deleted just now), and whoever restores next would pay for it.
    """
    work, measured = all_work / f"round-{number}", found.tools
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
            shapes.edited(copy, found.shape)
            time.sleep(options.rest)
        for tool in tools:
            _measure(tool, step, measured[tool.name], options)
            if step is Step.INCREMENTAL:
                measured[tool.name].growths.append(folder_size(tool.store) - before[tool.name])
            if step is Step.RESTORE and step in tool.steps:
                other = _compared(copy, tool) if number == 0 else ""
                wrong += [f"{tool.name} restored something else: {other}"] if other else []
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


def _judged(measured: Sequence[OneSize]) -> list[dict[str, Any]]:
    """What is asked, what was found and whether it is met; without us nothing, without the reference no ratios."""
    ours = [each for each in measured if OURS in each.tools]
    judged: list[dict[str, Any]] = []

    def judge(where: str, what: str, found: float | None, target: float | None) -> None:
        if found is not None and target is not None:
            judged.append({"where": where, "what": what, "found": found, "target": target, "met": found <= target})

    for each in ours:
        where = f"{each.shape} × {each.size:g}"
        for row in ROWS:
            judge(where, row, each.ratio(row), targets.ratio_of(row, SHAPES[each.shape]))
        judge(where, "memory", each.tools[OURS].peak(), targets.memory_of(each.files, each.folders))
    for size in dict.fromkeys(each.size for each in ours):
        ratios = [ratio for each in ours if each.size == size and (ratio := each.ratio("import"))]
        if len(ratios) > 1:
            mean = math.exp(sum(map(math.log, ratios)) / len(ratios))
            judge(f"all × {size:g}", "import", mean, targets.IMPORT_OF_ALL_SHAPES)
    for smaller, larger in _pairs(ours):
        factor = larger.size / smaller.size
        for step in Step:
            growth = _growth(smaller, larger, step)
            limit = factor * targets.GROWTH_PER_FACTOR
            judge(f"{smaller.shape}, × {factor:g}", f"processor, {step.value}", growth, limit)
    return judged


def _pairs(measured: Sequence[OneSize]) -> list[tuple[OneSize, OneSize]]:
    """Each shape's smallest and largest size."""
    by_shape: dict[str, list[OneSize]] = defaultdict(list)
    for each in measured:
        by_shape[each.shape].append(each)
    pairs = []
    for sizes in by_shape.values():
        smaller, larger = min(sizes, key=lambda each: each.size), max(sizes, key=lambda each: each.size)
        if smaller.size < larger.size:
            pairs.append((smaller, larger))
    return pairs


def _growth(smaller: OneSize, larger: OneSize, step: Step) -> float | None:
    """How many times the processor time that we took for ``smaller``."""
    one, other = smaller.tools[OURS].cpu(step), larger.tools[OURS].cpu(step)
    return other / one if one and other else None


def _document(found: OneSize) -> dict[str, Any]:
    tools = {}
    for name, measured in found.tools.items():
        steps = {
            step.value: [{"wall": cost.wall, "cpu": cost.cpu, "peak": cost.peak} for cost in costs]
            for step, costs in measured.costs.items()
        }
        tools[name] = {"steps": steps, "sizes": measured.sizes, "growths": measured.growths}
    about = {"shape": found.shape, "size": found.size, "files": found.files, "folders": found.folders}
    return {**about, "tools": tools}


def _print(found: OneSize, options: Options) -> None:
    """The figures of one shape in one size."""
    shape = SHAPES[found.shape]
    times = "" if found.size == 1 else f", × {found.size:g}"
    print(f"\n{found.shape}: {shape.title}{times} ({found.files:,} files in {found.folders:,} folders)")
    print(f"median of {options.rounds}: seconds by the clock, of the processor, peak memory\n")
    head, rows = [""], []
    beside = OURS in found.tools and REFERENCE in found.tools
    for name in found.tools:
        head += [name, "CPU", "peak"]
    head += [f"ours to {REFERENCE}", "CPU", "target"] if beside else []
    for name, row in ROWS.items():
        step = next((step for step in Step if step.value == name), None)
        cells = [row.title]
        for each in found.tools.values():
            figure = each.figure(name)
            if step is None:
                cells += [megabytes(figure), "", ""]
            else:
                cells += [seconds(figure), seconds(each.cpu(step)), megabytes(each.peak(step))]
        if beside:
            target = targets.ratio_of(name, shape)
            cells += [
                _times(found.ratio(name)),
                "" if step is None else _times(found.cpu_ratio(step)),
                "" if target is None else f"≤ {target:.2f}",
            ]
        rows.append(cells)
    print("\n".join(table(head, rows)), flush=True)


def _print_judged(measured: Sequence[OneSize], judged: Sequence[Mapping[str, Any]], options: Options) -> None:
    """All shapes side by side, and what is missed."""
    ours = [each for each in measured if OURS in each.tools]
    if any(each.ratio("import") for each in ours):
        print(f"\nOurs as a part of {REFERENCE}'s, by the clock:\n")
        rows = [[f"{each.shape} × {each.size:g}", *[_times(each.ratio(row)) for row in ROWS]] for each in ours]
        print("\n".join(table(["", *ROWS], rows)))
    pairs = _pairs(ours)
    if pairs:
        print("\nProcessor time of the larger size, times that of the smaller:\n")
        rows = [
            [f"{one.shape}, × {other.size / one.size:g}", *[_times(_growth(one, other, step)) for step in Step]]
            for one, other in pairs
        ]
        print("\n".join(table(["", *Step], rows)))
    missed = [each for each in judged if not each["met"]]
    if judged:
        print(f"\n{len(judged) - len(missed)} of {len(judged)} targets met, median of {options.rounds}. Missed:\n")
    rows = [[f"{each['where']}: {each['what']}", _told(each["found"]), f"≤ {_told(each['target'])}"] for each in missed]
    print("\n".join(table(["", "found", "target"], rows)) if rows else "")


def _told(figure: float) -> str:
    return megabytes(figure) if figure > 1e6 else f"{figure:.2f}"


def _times(ratio: float | None) -> str:
    return NOTHING if ratio is None else f"{ratio:.2f}"

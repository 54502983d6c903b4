"""Where the time of our own steps goes: CPU seconds by stage and thread, measured inside one process.

The functions that stand for a stage are wrapped for the run; a stage's time is what its own thread used in it, without
the stages that it called. What is left is named "everything else"; time in which a thread waits is in no stage, and the
import of what the stages are in is not counted at all (`python -X importtime` tells about that).
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks import measuring, shapes
from benchmarks.machine import facts
from benchmarks.options import Options
from benchmarks.printing import seconds, table
from benchmarks.shapes import SHAPES
from benchmarks.tools import Step, Tool, ours


class Stage(NamedTuple):
    """A part of the work: ``place`` is "module:function" or "module:Class.method" below ``kronkers_studio``."""

    title: str
    place: str


STAGES = (
    Stage("listing the folder, classifying", "migration.scanning:scan_folder"),
    Stage("is it as it was?", "migration.folder_state:is_in_state"),
    Stage("loading the stat cache", "migration.stat_cache:StatCache.load"),
    Stage("remembering in the stat cache", "migration.stat_cache:StatCache.remember"),
    Stage("opening and verifying files", "migration.source:FolderSource._open_checked"),
    Stage("opening and verifying files", "migration.source:FolderSource._verify"),
    Stage("reading files", "migration.source:FolderSource._read_all"),
    Stage("reading files", "migration.source:_File.readinto"),
    Stage("reading files", "migration.source:_File.readall"),
    Stage("cutting into chunks", "registry.importing.sealing:cut"),
    Stage("naming (BLAKE3)", "registry.store.records:Sealer.name"),
    Stage("compressing and encrypting (zstd, AES-GCM)", "registry.store.records:Sealer.seal_all"),
    Stage("decrypting, decompressing", "registry.store.records:Sealer.open"),
    Stage("decrypting, decompressing", "registry.store.records:Sealer.open_all"),
    Stage("writing files", "registry.restoring.restorer:Restore._write_file"),
    Stage("writing packs", "registry.store.packs:PackWriter.append"),
    Stage("flushing packs to disk", "registry.store.packs:PackWriter.flush"),
    Stage("reading packs", "registry.store.packs:PackFolder.read"),
    Stage("the index: adding", "registry.store.object_index:ObjectIndex.add"),
    Stage("the index: looking up", "registry.store.object_index:ObjectIndex.known"),
    Stage("the index: looking up", "registry.store.object_index:ObjectIndex.locate"),
    Stage("trees", "registry.trees.tree_writer:write_trees"),
    Stage("trees", "registry.trees.tree_reader:decode_tree"),
    Stage("journal", "registry.metadata.ledger:Ledger.record"),
    Stage("the whole command", "cli.terminal:_run"),
)
REST = "the whole command"


class Clock:
    """CPU seconds by stage, of all threads."""

    def __init__(self) -> None:
        self.spent: dict[str, float] = defaultdict(float)
        self._lock = threading.Lock()
        self._thread = threading.local()

    def wrap(self, title: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """``function``, its time counted for ``title``; of a generator, the time of its steps."""

        @wraps(function)
        def timed(*words: Any, **named: Any) -> Any:
            result = self._counted(title, lambda: function(*words, **named))
            return self._steps(title, result) if isinstance(result, Iterator) else result

        return timed

    def _steps(self, title: str, steps: Iterator[Any]) -> Iterator[Any]:
        end = object()
        while (value := self._counted(title, lambda: next(steps, end))) is not end:
            yield value

    def _counted(self, title: str, work: Callable[[], Any]) -> Any:
        inner: list[float] = getattr(self._thread, "inner", [])
        self._thread.inner = inner
        inner.append(0.0)  # what the stages called from this one use
        begun = time.thread_time()
        try:
            return work()
        finally:
            used = time.thread_time() - begun
            own = used - inner.pop()
            if inner:
                inner[-1] += used
            with self._lock:
                self.spent[title] += own


def run(options: Options) -> dict[str, Any]:
    """Profile each of our steps on each shape, print the stages, and return them for the results file."""
    machine = facts(options.cache)
    print(f"\n{machine['summary']}")
    return {
        "machine": machine,
        "shapes": {
            f"{shape} × {size:g}": _profiled_shape(shape, size, options)
            for shape in options.shapes
            for size in options.sizes
        },
    }


def _profiled_shape(shape: str, size: float, options: Options) -> dict[str, Any]:
    work = options.work / f"profile-{shape}-{size:g}"
    work.mkdir(parents=True)
    copy = work / "tree"
    shutil.copytree(shapes.kept(options.cache, shape, size), copy)
    tool = ours(copy, work, options.cache / "programs")
    measuring.run(tool.ready)
    time.sleep(options.rest)
    print(f"\n{shape} × {size:g}: {SHAPES[shape].title}")
    found = {}
    for step in Step:
        if step is Step.INCREMENTAL:
            shapes.edited(copy, shape)
            time.sleep(options.rest)
        measuring.settle()
        found[step.value] = _profiled(tool, step)
        _print(step, found[step.value])
    shutil.rmtree(work)
    return found


def _profiled(tool: Tool, step: Step) -> dict[str, Any]:
    """Run one of our commands in a process of its own that counts its stages."""
    (command,) = tool.steps[step]
    words = [str(word) for word in command.argv[1:]]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.profiling", *words],
        env={**measuring.environment(command), "PYTHONPATH": str(Path(__file__).parents[1])},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
    )
    if done.returncode not in command.fine:
        raise SystemExit(f"{' '.join(words)} ended with {done.returncode}: {done.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(done.stderr.splitlines()[-1])
    return found


def _print(step: Step, found: dict[str, Any]) -> None:
    total = found["cpu"]
    stages = sorted(found["stages"].items(), key=lambda stage: -stage[1])
    rows = [[title, seconds(used), f"{used / total:.0%}"] for title, used in stages if used >= total / 200]
    print(f"\n{step.value}: {seconds(found['wall'])}, {seconds(total)} of CPU\n")
    print("\n".join(table(["", "CPU", ""], rows)))


def _main() -> None:
    """In the process that is profiled: run the command that the arguments name, then tell the stages on stderr."""
    begun, used = time.perf_counter(), time.process_time()
    from kronkers_studio.app import command  # noqa: PLC0415  # its import is part of what is measured

    clock = Clock()
    starting = time.process_time() - used
    for stage in STAGES:
        _replace(stage, clock)
    from kronkers_studio.registry.importing import importer  # noqa: PLC0415  # as above

    importer._MANY_FILES = importer._MANY_BYTES = sys.maxsize
    wrapping = time.process_time() - used - starting
    code = 0
    try:
        command()
    except SystemExit as left:
        code = int(left.code or 0)
    total = time.process_time() - used - wrapping
    stages = dict(clock.spent)
    stages["everything else"] = stages.pop(REST, 0.0)
    stages["starting, leaving, other threads"] = max(0.0, total - sum(stages.values()))
    print(json.dumps({"wall": time.perf_counter() - begun, "cpu": total, "stages": stages}), file=sys.stderr)
    sys.exit(code)


def _replace(stage: Stage, clock: Clock) -> None:
    """Put the counting function in the place of the stage's; in modules that imported it by name as well."""
    module_name, _, names = stage.place.partition(":")
    module = importlib.import_module(f"kronkers_studio.{module_name}")
    *owners, name = names.split(".")
    owner: Any = module
    for part in owners:
        owner = getattr(owner, part)
    function = vars(owner).get(name)
    if function is None or hasattr(function, "__wrapped__"):
        return  # imported by name from a module whose own was replaced already
    timed = clock.wrap(stage.title, function)
    setattr(owner, name, timed)
    if owner is not module:
        return
    for other in list(sys.modules.values()):
        if getattr(other, "__name__", "").startswith("kronkers_studio") and vars(other).get(name) is function:
            setattr(other, name, timed)


if __name__ == "__main__":
    _main()

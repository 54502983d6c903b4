"""Our service beside those of others on the same model and rows, all in turn, as ratios to the plain program."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.machine import facts
from benchmarks.options import Options
from benchmarks.printing import megabytes, table
from benchmarks.services import work
from benchmarks.services.measuring import (
    Address,
    ServerFailed,
    UnderLoad,
    end,
    free_port,
    load,
    memory,
    seconds_of_import,
    wait_for_answer,
)
from benchmarks.services.ours import Workspace, r_service, start
from benchmarks.services.peers import PEERS, PLAIN, PLUMBER, Peer

OURS, OURS_R = "kronkers", "kronkers (R)"
_FEW, _MANY, _OVER = 16, 64, 640
"""Connections: where processor time is told, where response times are, and ten times as many."""
_SECONDS = 8.0
_WARM_UP = 2.0


@dataclass(slots=True)
class Measured:
    """All figures of one server, one a round: ``started`` seconds to the first answer (or, of ours, to ready), ``held``
    bytes of memory before the load."""

    started: list[float] = field(default_factory=list)
    held: list[int] = field(default_factory=list)
    loads: dict[int, list[UnderLoad]] = field(default_factory=lambda: defaultdict(list))

    def of(self, connections: int, figure: str) -> float:
        """The median of a figure of ``UnderLoad`` over the rounds."""
        figures: list[float] = [getattr(each, figure) for each in self.loads[connections]]
        return median(figures)


def run(options: Options) -> dict[str, Any]:
    """Measure all servers ``options.rounds`` times in turn and print what was found."""
    seconds = _SECONDS if options.sizes[0] >= 1 else 1.0
    files = options.work / "files"
    work.make_work(files)
    found: dict[str, Measured] = defaultdict(Measured)
    missing: list[str] = []
    peers = _installed(options, missing)
    if with_r := _fit_in_r(files):
        peers.append((PLUMBER, Path()))
    else:
        missing.append(f"{PLUMBER.name}: there is no Rscript with plumber")
    imports = [seconds_of_import(files) for _ in range(1 + 2 * options.rounds)]
    workspace = Workspace(options.work / "ours")
    shutil.copytree(files, workspace.folder / "files")
    r_folder = workspace.r_folder(files) if with_r else None
    for round_ in range(options.rounds):
        options.say(f"round {round_ + 1}: {OURS}")
        _measure_ours(workspace, found[OURS], seconds)
        for peer, programs in peers:
            options.say(f"round {round_ + 1}: {peer.name}")
            try:
                _measure_peer(peer, programs, files, options.work, found[peer.name], seconds)
            except ServerFailed as problem:
                missing.append(f"{peer.name}: {problem}")
        if r_folder is not None:
            options.say(f"round {round_ + 1}: {OURS_R}")
            _measure_ours_r(r_folder, options.work, found[OURS_R], seconds)
    _print(found, missing, median(imports[1:]), options)
    return {
        "machine": facts(options.work),
        "import_seconds": imports,
        "servers": {
            name: {
                "started": one.started,
                "held": one.held,
                "loads": {str(at): [asdict(each) for each in loads] for at, loads in one.loads.items()},
            }
            for name, one in found.items()
        },
    }


def _installed(options: Options, missing: list[str]) -> list[tuple[Peer, Path]]:
    """The servers that can be had here, each with the folder of its programs."""
    found = []
    for peer in PEERS:
        if not peer.packages:
            found.append((peer, Path(sys.executable).parent))
            continue
        home = options.cache / "programs" / peer.name.lower()
        programs = home / ("Scripts" if sys.platform == "win32" else "bin")
        options.say(f"installing {peer.name}")
        try:
            if not (home / "installed").exists():
                _install(peer, home, programs)
            found.append((peer, programs))
        except (OSError, subprocess.CalledProcessError) as problem:
            missing.append(f"{peer.name}: {str(getattr(problem, 'stderr', problem))[-200:]}")
    return found


def _install(peer: Peer, home: Path, programs: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or "uv"
    python = str(programs / "python")
    for argv in (
        [uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(home)],
        [uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *peer.packages],
    ):
        subprocess.run(argv, check=True, capture_output=True, encoding="utf-8")
    (home / "installed").touch()


def _fit_in_r(files: Path) -> bool:
    """Whether R has plumber; then the model is fitted by R, too."""
    if shutil.which("Rscript") is None:
        return False
    words = ["Rscript", "-e", f"library(plumber)\n{work.FIT_IN_R}"]
    return subprocess.run(words, cwd=files, check=False, capture_output=True).returncode == 0


def _measure_ours(workspace: Workspace, measured: Measured, seconds: float) -> None:
    address, started = workspace.release()
    try:
        measured.started.append(started)
        measured.held.append(memory(address.pid))
        _measure_loads(address, measured, seconds, (_FEW, _MANY, _OVER))
    finally:
        workspace.stop()


def _measure_ours_r(model: Path, folder: Path, measured: Measured, seconds: float) -> None:
    with _started(lambda log: r_service(model, log), folder / "ours-r.log", measured) as address:
        _measure_loads(address, measured, seconds, (_FEW, _MANY))


def _measure_peer(peer: Peer, programs: Path, files: Path, folder: Path, measured: Measured, seconds: float) -> None:
    own = folder / peer.name.lower().replace(" ", "-")
    shutil.rmtree(own, ignore_errors=True)
    shutil.copytree(files, own)
    port = free_port()
    peer.prepare(own, port, programs)

    def begin(log: Path) -> tuple[psutil.Popen, Address]:
        path = f"{programs}:/usr/bin:/bin"
        process = start(peer.command(programs, port), own, log, **{"PATH": path, **peer.environment})
        return process, Address(port, peer.path, [peer.body(row) for row in work.rows()], process.pid, {})

    with _started(begin, folder / f"{own.name}.log", measured) as address:
        _measure_loads(address, measured, seconds, (_FEW, _MANY))


@contextmanager
def _started(begin: Callable[[Path], tuple[psutil.Popen, Address]], log: Path, measured: Measured) -> Iterator[Address]:
    begun = time.perf_counter()
    process, address = begin(log)
    try:
        wait_for_answer(address, process, log)
        measured.started.append(time.perf_counter() - begun)
        measured.held.append(memory(address.pid))
        yield address
    finally:
        end(process)


def _measure_loads(address: Address, measured: Measured, seconds: float, connections: Sequence[int]) -> None:
    load(address, _FEW, _WARM_UP)
    for each in connections:
        fine = ("200", "429") if each == _OVER else ("200",)
        measured.loads[each].append(load(address, each, seconds, fine))


def _print(found: dict[str, Measured], missing: Sequence[str], imported: float, options: Options) -> None:
    print(f"\n{facts(options.work)['summary']}; {options.rounds} rounds, medians\n")
    plain = found[PLAIN.name]
    head = ["single rows", "CPU/request", "ratio", "requests/s", f"p95 at {_MANY}", "start", "memory"]
    rows = []
    measured = {name: one for name, one in found.items() if one.loads}
    for name, one in measured.items():
        cpu = one.of(_FEW, "cpu")
        rows.append(
            [
                name,
                f"{cpu:.2f} ms",
                f"{cpu / plain.of(_FEW, 'cpu'):.2f}",
                f"{one.of(_FEW, 'rate'):.0f}",
                f"{one.of(_MANY, 'p95'):.0f} ms",
                f"{median(one.started):.2f} s",
                megabytes(median(one.held)),
            ]
        )
    print("\n".join(table(head, rows)))
    ours = found[OURS]
    print(f"\nThe framework's own import and the model's: {imported:.2f} s; ours was ready after", end=" ")
    print(f"{median(ours.started):.2f} s ({median(ours.started) / imported:.2f} times)")
    over = ours.loads[_OVER][-1]
    print(f"Over {_OVER} connections: p95 {ours.of(_OVER, 'p95'):.0f} ms, {over.statuses}")
    for line in missing:
        print(f"Missing: {line}")

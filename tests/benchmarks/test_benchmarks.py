"""The benchmarks' own parts, and the whole of them once on a tiny tree."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import peers, profiling, shapes
from benchmarks.__main__ import main
from benchmarks.comparing import difference
from benchmarks.measuring import Command, CommandFailed, Cost, run
from benchmarks.options import Options
from benchmarks.peers import Measured, OneSize
from benchmarks.printing import table
from benchmarks.shapes import SHAPES
from benchmarks.targets import ROWS
from benchmarks.tools import Step


def _content(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


@pytest.mark.parametrize("name", SHAPES)
def test_a_shape_is_the_same_every_time_and_its_edits_too(name: str, tmp_path: Path) -> None:
    """Seen to fail with the random generator left unseeded."""
    shape = SHAPES[name]
    for run_ in ("one", "two"):
        (tmp_path / run_).mkdir()
        shape.make(tmp_path / run_, 0.005)
    before = _content(tmp_path / "one")
    assert before == _content(tmp_path / "two")
    for run_ in ("one", "two"):
        shapes.edit(tmp_path / run_, shape)
    after = _content(tmp_path / "one")
    assert after == _content(tmp_path / "two")
    assert after.keys() == before.keys()
    changed = [file for file in before if before[file] != after[file]]
    assert 1 <= len(changed) <= 3 + len(before) // 100


def test_larger_sizes_have_as_many_times_the_files_or_bytes(tmp_path: Path) -> None:
    for name, shape in SHAPES.items():
        counts = []
        for size in (0.005, 0.02):
            root = tmp_path / f"{name}-{size}"
            root.mkdir()
            shape.make(root, size)
            content = _content(root)
            counts.append((len(content), sum(map(len, content.values()))))
        assert max(b / a for a, b in zip(*counts, strict=True)) >= 3, name


def test_folders_hold_one_file_each_and_a_fifth_of_the_mixed_files_are_duplicates(tmp_path: Path) -> None:
    for name in ("folders", "mixed"):
        (tmp_path / name).mkdir()
        SHAPES[name].make(tmp_path / name, 0.01)
    folders = [Path(file).parent for file in _content(tmp_path / "folders")]
    assert len(folders) == len(set(folders)) == 160
    small = [data for file, data in _content(tmp_path / "mixed").items() if file.startswith("small/")]
    assert len(small) == 200
    assert 20 <= len(small) - len(set(small)) <= 60
    assert all(1 <= len(data) <= 20_480 for data in small)


def test_the_edits_touch_one_percent_and_two_large_files(tmp_path: Path) -> None:
    for number in range(200):
        (tmp_path / f"small_{number:03d}.csv").write_bytes(b"a,b\n" * 100)
    for number in range(4):
        (tmp_path / f"t{number}.csv").write_bytes(b"1,2\n" * 50_000)
    before = _content(tmp_path)
    shapes.edit(tmp_path, SHAPES["mixed"])
    after = _content(tmp_path)
    changed = {name for name in before if before[name] != after[name]}
    assert len([name for name in changed if name.startswith("small")]) == 2
    large = {name: after[name] for name in changed if name.startswith("t")}
    assert set(large) == {"t0.csv", "t3.csv"}
    assert all(len(data) == 201_024 for data in large.values())
    assert large["t0.csv"].startswith(before["t0.csv"])


def test_a_kept_folder_is_made_once(tmp_path: Path) -> None:
    root = shapes.kept(tmp_path, "folders", 0.001)
    (root / "mark").touch()
    assert (shapes.kept(tmp_path, "folders", 0.001) / "mark").exists()
    assert not (shapes.kept(tmp_path, "folders", 0.002) / "mark").exists()


def test_a_command_costs_what_its_process_used() -> None:
    """In a small process of its own: the system counts the memory of a child's parent, as it was at the start, too."""
    measuring = (
        "import sys\n"
        "from benchmarks.measuring import Command, run\n"
        "work = 'held = bytearray(80_000_000)\\nfor _ in range(3_000_000): pass'\n"
        "cost = run([Command([sys.executable, '-c', work])])\n"
        "print(cost.wall, cost.cpu, cost.peak)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", measuring], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    wall, cpu, peak = map(float, done.stdout.split())
    assert wall > 0
    assert cpu > 0.02
    assert 80e6 < peak < 400e6


def test_a_command_that_fails_says_what_it_printed() -> None:
    with pytest.raises(CommandFailed, match="the reason"):
        run([Command([sys.executable, "-c", "import sys; sys.exit('the reason')"])])
    assert run([Command([sys.executable, "-c", "import sys; sys.exit(3)"], fine=(0, 3))]).wall > 0


def test_a_restored_tree_is_compared_byte_by_byte(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    SHAPES["folders"].make(tmp_path / "tree", 0.002)
    copy = Path(shutil.copytree(tmp_path / "tree", tmp_path / "copy"))
    assert difference(tmp_path / "tree", copy) == ""
    file = next(file for file in sorted(copy.rglob("*")) if file.is_file())
    content = file.read_bytes()
    file.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert difference(tmp_path / "tree", copy).endswith("has other bytes")
    file.unlink()
    assert difference(tmp_path / "tree", copy).endswith("is missing")


def test_the_median_of_the_rounds_counts() -> None:
    measured = Measured(sizes=[3, 100, 1])
    assert measured.figure("size") == 3
    assert measured.figure("import") is None
    assert measured.peak() is None
    assert set(ROWS) == {step.value for step in Step} | {"size", "growth"}
    assert all(set(shape.targets) <= set(ROWS) for shape in SHAPES.values())


def _one_size(shape: str, size: float, ours: float, restic: float) -> OneSize:
    """All steps took ``ours`` and ``restic`` seconds."""
    tools = {}
    for name, spent in (("kronkers", ours), ("restic", restic)):
        tools[name] = Measured(sizes=[1000], growths=[10])
        for step in Step:
            tools[name].costs[step].append(Cost(spent, spent, 100_000_000))
    return OneSize(shape, size, 40_000, 400, tools)


def test_what_is_asked_is_judged_in_each_shape_and_over_all() -> None:
    """Seen to fail with the geometric mean taken of all sizes together, and with the growth's factor left out."""
    found = [
        _one_size("folders", 1, 8.0, 10.0),
        _one_size("folders", 4, 36.0, 40.0),
        _one_size("tiny", 1, 2.0, 10.0),
        _one_size("tiny", 4, 8.0, 40.0),
    ]
    judged = {(each["where"], each["what"]): each for each in peers._judged(found)}
    assert judged["folders × 1", "import"] == {
        "where": "folders × 1",
        "what": "import",
        "found": 0.8,
        "target": 0.9,
        "met": True,
    }
    assert not judged["folders × 1", "rescan"]["met"]
    assert judged["all × 1", "import"]["found"] == pytest.approx(0.4)
    assert judged["folders, × 4", "processor, import"]["found"] == 4.5
    assert not judged["folders, × 4", "processor, import"]["met"]
    assert judged["tiny, × 4", "processor, check"]["met"]
    assert judged["tiny × 1", "size"]["target"] == 1.2
    assert judged["tiny × 1", "memory"]["target"] == 200e6


def test_tables_are_aligned() -> None:
    assert table(["", "a"], [["first", "1"], ["x", "100"]]) == ["         a", "first    1", "x      100"]


@pytest.mark.slow
def test_the_whole_of_it_beside_git_on_tiny_trees(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(
        [
            *("--quick", "--quiet", "--shapes=mixed,folders", "--sizes=0.002,0.008", "--tools=kronkers,git"),
            *(f"--cache={tmp_path / 'cache'}", f"--results={tmp_path / 'results'}"),
        ]
    )
    printed = capsys.readouterr().out
    assert "no-change rescan" in printed
    assert "folders, × 4" in printed
    assert "WRONG" not in printed
    (file,) = (tmp_path / "results").iterdir()
    results = json.loads(file.read_text(encoding="utf-8"))
    assert results["missing"] == []
    assert [(each["shape"], each["size"]) for each in results["shapes"]] == [
        ("mixed", 0.002),
        ("mixed", 0.008),
        ("folders", 0.002),
        ("folders", 0.008),
    ]
    for each in results["shapes"]:
        assert set(each["tools"]["kronkers"]["steps"]) == {step.value for step in Step}
        assert each["tools"]["kronkers"]["growths"][0] > 0
    assert not list((tmp_path / "cache").glob("work*"))


def test_an_unknown_shape_is_refused_by_name() -> None:
    with pytest.raises(SystemExit, match="No such shape: round"):
        main(["--shapes=round"])


def test_a_tool_that_cannot_be_had_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    results = peers.run(_options(tmp_path, ("restic",)))
    assert results["missing"] == ["restic"]
    assert "NOT MEASURED, could not be installed here: restic" in capsys.readouterr().out


def test_the_profile_names_the_stages_of_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Seen to fail with a stage whose function was renamed, and with times of inner stages counted twice."""
    (steps,) = profiling.run(_options(tmp_path, ()))["shapes"].values()
    assert set(steps) == {step.value for step in Step}
    for step, found in steps.items():
        assert 0 < sum(found["stages"].values()) <= found["cpu"] * 1.05, step
    assert steps["import"]["stages"]["compressing and encrypting (zstd, AES-GCM)"] > 0
    assert steps["check"]["stages"]["decrypting, decompressing"] > 0
    assert "naming (BLAKE3)" in capsys.readouterr().out


def _options(tmp_path: Path, tools: tuple[str, ...]) -> Options:
    return Options(("mixed",), (0.01,), 1, tools, tmp_path, tmp_path / "work", quiet=True, rest=0.0)


def test_every_stage_is_still_there() -> None:
    for stage in profiling.STAGES:
        module, _, names = stage.place.partition(":")
        found: object = importlib.import_module(f"kronkers_studio.{module}")
        for name in names.split("."):
            found = getattr(found, name)
        assert callable(found)

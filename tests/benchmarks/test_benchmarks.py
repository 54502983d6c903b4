"""The benchmarks' own parts, and the whole of them once on a tiny tree."""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks import peers, profiling, tree
from benchmarks.__main__ import main
from benchmarks.comparing import difference
from benchmarks.measuring import Command, CommandFailed, run
from benchmarks.options import Options
from benchmarks.peers import TARGETS, Measured
from benchmarks.printing import table
from benchmarks.tools import Step


def _content(root: Path) -> dict[str, bytes]:
    return {file.relative_to(root).as_posix(): file.read_bytes() for file in root.rglob("*") if file.is_file()}


def test_the_tree_is_the_same_every_time_and_holds_duplicates(tmp_path: Path) -> None:
    """Seen to fail with the random generator left unseeded."""
    for name in ("one", "two"):
        tree.make_tree(tmp_path / name, 200, 3, medium_bytes=50_000)
    content = _content(tmp_path / "one")
    assert content == _content(tmp_path / "two")
    small = [data for name, data in content.items() if name.startswith("small/")]
    assert len(small) == 200
    assert 20 <= len(small) - len(set(small)) <= 60
    assert all(1 <= len(data) <= 20_480 for data in small)
    assert {name for name in content if name.startswith("medium/")} == {
        "medium/t00.csv",
        "medium/t01.parquet",
        "medium/t02.pkl",
    }
    assert all(len(data) == 50_000 for name, data in content.items() if name.startswith("medium/"))


def test_the_edits_touch_one_percent_and_two_large_files(tmp_path: Path) -> None:
    tree.make_tree(tmp_path / "tree", 200, 4, medium_bytes=50_000)
    before = _content(tmp_path / "tree")
    tree.edit_tree(tmp_path / "tree")
    after = _content(tmp_path / "tree")
    changed = {name for name in before if before[name] != after[name]}
    assert before.keys() == after.keys()
    assert len([name for name in changed if name.startswith("small/")]) == 2
    large = {name: after[name] for name in changed if name.startswith("medium/")}
    assert set(large) == {"medium/t00.csv", "medium/t03.csv"}
    assert all(len(data) == 51_024 for data in large.values())
    assert large["medium/t00.csv"].startswith(before["medium/t00.csv"])


def test_a_kept_tree_is_made_once(tmp_path: Path) -> None:
    root = tree.kept_tree(tmp_path, 5, 0)
    (root / "mark").touch()
    assert (tree.kept_tree(tmp_path, 5, 0) / "mark").exists()
    assert not (tree.kept_tree(tmp_path, 6, 0) / "mark").exists()


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
    tree.make_tree(tmp_path / "tree", 20, 0)
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
    assert set(TARGETS) == {step.value for step in Step} | {"size", "growth"}


def test_tables_are_aligned() -> None:
    assert table(["", "a"], [["first", "1"], ["x", "100"]]) == ["         a", "first    1", "x      100"]


def test_the_whole_of_it_beside_git_on_a_tiny_tree(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(
        [
            *("--quick", "--quiet", "--small=40", "--medium=1", "--tools=kronkers,git"),
            *(f"--cache={tmp_path / 'cache'}", f"--results={tmp_path / 'results'}"),
        ]
    )
    printed = capsys.readouterr().out
    assert "no-change rescan" in printed
    assert "WRONG" not in printed
    (file,) = (tmp_path / "results").iterdir()
    results = json.loads(file.read_text(encoding="utf-8"))
    assert results["missing"] == []
    assert set(results["tools"]["kronkers"]["steps"]) == {step.value for step in Step}
    assert results["tools"]["kronkers"]["growths"][0] > 0
    assert not list((tmp_path / "cache").glob("work*"))


def test_a_tool_that_cannot_be_had_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    results = peers.run(Options(5, 0, 1000, 1, ("restic",), tmp_path, tmp_path / "work", quiet=True))
    assert results["missing"] == ["restic"]
    assert "NOT MEASURED, could not be installed here: restic" in capsys.readouterr().out


def test_the_profile_names_the_stages_of_each_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Seen to fail with a stage whose function was renamed, and with times of inner stages counted twice."""
    results = profiling.run(Options(40, 1, 2_000_000, 1, (), tmp_path, tmp_path / "work", quiet=True, rest=0.0))
    assert set(results["steps"]) == {step.value for step in Step}
    for step, found in results["steps"].items():
        assert 0 < sum(found["stages"].values()) <= found["cpu"] * 1.05, step
    assert results["steps"]["import"]["stages"]["compressing and encrypting (zstd, AES-GCM)"] > 0
    assert results["steps"]["check"]["stages"]["decrypting, decompressing"] > 0
    assert "naming (BLAKE3)" in capsys.readouterr().out


def test_every_stage_is_still_there() -> None:
    for stage in profiling.STAGES:
        module, _, names = stage.place.partition(":")
        found: object = importlib.import_module(f"kronkers_studio.{module}")
        for name in names.split("."):
            found = getattr(found, name)
        assert callable(found)

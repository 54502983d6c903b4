"""Of a folder in which nothing changed no tree is made again, and nothing is taken for stored that is not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.trees import tree_id_cache as tree_id_cache_module
from kronkers_studio.registry.trees import tree_writer as tree_writer_module
from kronkers_studio.registry.trees.tree_id_cache import KnownTrees
from kronkers_studio.registry.trees.tree_parts import tree_objects
from tests.registry.kinds import BringIn


@pytest.fixture
def teams(tmp_path: Path) -> Path:
    top = tmp_path / "teams"
    for team in range(8):
        (top / f"team {team}" / "data").mkdir(parents=True)
        for number in range(3):
            (top / f"team {team}" / "data" / f"{number}.csv").write_text(f"{team},{number}\n", encoding="utf-8")
    return top


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many entries each tree has that is encoded."""
    done: list[int] = []
    really = tree_objects
    monkeypatch.setattr(
        tree_writer_module, "tree_objects", lambda pieces, sealer: done.append(len(pieces)) or really(pieces, sealer)
    )
    return done


def test_only_the_trees_above_a_change_are_made(
    teams: Path, bring_in: BringIn, workspace: Workspace, made: list[int]
) -> None:
    """Seen to fail with nothing saved."""
    bring_in(teams)
    assert sorted(made) == [1] * 8 + [3] * 8 + [8]
    made.clear()
    (teams / "team 3" / "data" / "1.csv").write_text("changed\n", encoding="utf-8")
    bring_in(teams)
    assert made == [3, 1, 8]
    made.clear()
    assert bring_in(teams)[1] is False and made == []
    assert workspace.content.read(workspace.content.find("project", "", "team 3/data/1.csv")) == b"changed\n"
    assert workspace.content.check(read_data=True).problems == ()


def test_trees_that_were_cleaned_up_are_made_again(
    teams: Path, bring_in: BringIn, workspace: Workspace, made: list[int]
) -> None:
    """Seen to fail with the index's generation not asked for."""
    bring_in(teams)
    (teams / "team 3" / "data" / "1.csv").write_text("changed\n", encoding="utf-8")
    bring_in(teams)
    workspace.trash.put(TrashKind.PROJECT, "project", "", author="ann")
    workspace.trash.empty(author="ann")
    later = datetime.now(UTC) + timedelta(days=30)
    assert workspace.clean_up(author="ann", clock=lambda: later).freed_objects > 20
    made.clear()
    bring_in(teams)
    assert sorted(made) == [1] * 8 + [3] * 8 + [8]
    assert workspace.content.check(read_data=True).problems == ()


def test_each_branch_of_each_project_has_its_own(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    trees = KnownTrees(workspace.database)
    assert trees.load("p", "main") == {}
    one, other = {b"1" * 32: b"a" * 32, b"2" * 32: b"b" * 32}, {b"3" * 32: b"c" * 32}
    trees.save("p", "main", one)
    trees.save("p\udcff", "main", other)
    trees.save("p", "try", {})
    assert trees.load("p", "main") == one and trees.load("p\udcff", "main") == other
    assert trees.load("p", "try") == {} == trees.load("q", "main")
    monkeypatch.setattr(tree_id_cache_module, "_RULES", 2)
    assert trees.load("p", "main") == {}
    trees.save("p", "main", other)
    monkeypatch.setattr(tree_id_cache_module, "_RULES", 1)
    assert trees.load("p\udcff", "main") == {}  # what no program asks for any more is dropped

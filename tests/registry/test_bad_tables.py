"""A file that breaks the library that reads it costs a merge, a difference or a search no more than itself."""

from __future__ import annotations

import pytest

from kronkers_studio.domain.content import Commit, EntryKind, SourceItem
from kronkers_studio.domain.differences import ConflictKind
from kronkers_studio.domain.errors import TableUnreadable
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from tests.formats import damaged

BASE, OURS, THEIRS = b"id,v\n1,1\n2,2\n", b"id,v\n1,7\n2,2\n", b"id,v\n1,1\n2,9\n"


def _commit(workspace: Workspace, files: dict[str, bytes], branch: str = "main") -> Commit:
    items = [SourceItem(path, EntryKind.FILE, len(data), 10**18) for path, data in files.items()]
    stored = workspace.content.store_items(items, MemorySource(files)).stored
    return workspace.content.commit("p", branch, stored, message="m", author="ann")[0]


def test_of_a_merge_it_is_one_conflict_and_the_other_tables_are_merged(workspace: Workspace) -> None:
    _commit(workspace, {"good.csv": BASE, "bad.xls": damaged.ABORTS_XLS, "worse.parquet": damaged.ABORTS_PARQUET})
    workspace.versions.create_branch("p", "other", author="ann")
    bad = {"bad.xls": damaged.ABORTS_XLS + b"1", "worse.parquet": damaged.PANICS_PARQUET}
    _commit(workspace, {"good.csv": OURS, **bad})
    bad = {"bad.xls": damaged.PANICS_XLS, "worse.parquet": damaged.ABORTS_PARQUET + b"2"}
    _commit(workspace, {"good.csv": THEIRS, **bad}, "other")
    plan = workspace.versions.merging.plan("p", "other", "main")
    assert [merged.path for merged in plan.merged] == ["good.csv"]
    assert [(c.path, c.kind) for c in plan.conflicts] == [
        ("bad.xls", ConflictKind.BOTH_CHANGED),
        ("worse.parquet", ConflictKind.BOTH_CHANGED),
    ]
    assert all("read" in conflict.detail for conflict in plan.conflicts)


def test_a_difference_with_it_is_refused_with_a_sentence_and_the_next_one_is_told(workspace: Workspace) -> None:
    old = _commit(workspace, {"good.csv": BASE, "bad.parquet": damaged.ABORTS_PARQUET})
    new = _commit(workspace, {"good.csv": OURS, "bad.parquet": damaged.PANICS_PARQUET})
    with pytest.raises(TableUnreadable, match="could not be read"):
        workspace.versions.diff_table("p", old.id, new.id, "bad.parquet", old_path="bad.parquet")
    assert workspace.versions.diff_table("p", old.id, new.id, "good.csv").tables[0].rows_changed == 1


def test_a_search_lists_it_and_finds_the_others_by_their_columns(workspace: Workspace) -> None:
    files = {f"{number}.csv": b"customer_id,amount\n%d,1\n" % number for number in range(5)}
    _commit(workspace, {**files, "bad.xls": damaged.ABORTS_XLS, "worse.xls": damaged.PANICS_XLS})
    report = workspace.search.read_columns()
    assert {problem.path for problem in report.problems} <= {"bad.xls", "worse.xls"}
    assert sum(hit.path.endswith(".csv") for hit in workspace.search.run("customer_id").hits) == 5

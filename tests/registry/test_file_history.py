"""The history of one file: the versions that changed it, however many there are, and under which names it was."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

from kronkers_studio.domain.content import Commit, EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.errors import Cancelled, NotFound
from kronkers_studio.domain.history import FileHistory
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.store.records import ObjectType
from kronkers_studio.registry.trees import file_states
from kronkers_studio.registry.trees.tree_parts import WIDE

Files = dict[str, bytes]
_NAME = "data/caf\udce9 & <b>.csv"  # of bytes that are no text


def commit(workspace: Workspace, files: Files, message: str = "", branch: str = "main", mtime: int = 5) -> Commit:
    items = [SourceItem(path, EntryKind.FILE, len(data), mtime) for path, data in files.items()]
    stored = workspace.content.store_items(items, MemorySource(files)).stored
    return workspace.content.commit("p", branch, stored, message=message, author="ann")[0]


def told(history: FileHistory) -> list[tuple[str, str]]:
    return [(state.commit.message, state.change.kind.value) for state in history.states]


def test_only_the_versions_that_changed_the_file_are_listed_newest_first(workspace: Workspace) -> None:
    commit(workspace, {_NAME: b"1", "b": b"1"}, "first")
    commit(workspace, {_NAME: b"1", "b": b"2"}, "other file")
    commit(workspace, {_NAME: b"2", "b": b"2"}, "second")
    commit(workspace, {_NAME: b"2", "b": b"2"}, "only its time", mtime=9)
    commit(workspace, {"b": b"2"}, "gone")
    commit(workspace, {_NAME: b"2", "b": b"3"}, "back")
    history = workspace.versions.file_history("p", "", _NAME)
    assert told(history) == [("back", "added"), ("gone", "removed"), ("second", "modified"), ("first", "added")]
    assert [state.change.after.size if state.change.after else None for state in history.states] == [1, None, 1, 1]
    assert history.states[-1].before == "" and history.complete and history.versions == 6
    assert told(workspace.versions.file_history("p", history.states[2].commit.id, _NAME)) == told(history)[2:]


def test_a_folder_has_a_history_too_and_nothing_has_none(workspace: Workspace) -> None:
    commit(workspace, {"a/b/c": b"1", "d": b"1"}, "first")
    commit(workspace, {"a/b/c": b"2", "d": b"1"}, "inside")
    commit(workspace, {"a/b/c": b"2", "d": b"2"}, "outside")
    assert told(workspace.versions.file_history("p", "", "a")) == [("inside", "modified"), ("first", "added")]
    for path in ("a/x", "d/x", "nothing", "../d", "a//b"):
        with pytest.raises(NotFound):
            workspace.versions.file_history("p", "", path)


def test_names_that_it_had_before_are_followed(workspace: Workspace) -> None:
    """Seen to fail with the history ending at the rename."""
    body = b"".join(b"%d,line\n" % number for number in range(500))
    commit(workspace, {"old/a.csv": body}, "first")
    commit(workspace, {"old/a.csv": body + b"500,line\n"}, "longer")
    commit(workspace, {"new/b.csv": body + b"500,line\n"}, "moved")
    commit(workspace, {"new/b.csv": body}, "shorter")
    history = workspace.versions.file_history("p", "", "new/b.csv")
    assert told(history) == [("shorter", "modified"), ("moved", "renamed"), ("longer", "modified"), ("first", "added")]
    moved = history.states[1].change
    assert moved.before is not None and (moved.before.path, moved.path) == ("old/a.csv", "new/b.csv")
    limited = workspace.versions.file_history("p", "", "new/b.csv", limit=2)
    assert told(limited) == told(history)[:2] and not limited.complete


def test_a_merge_counts_only_where_it_made_something_new(workspace: Workspace) -> None:
    commit(workspace, {"a": b"1", "b": b"1"}, "first")
    workspace.versions.create_branch("p", "try", author="ann")
    commit(workspace, {"a": b"2", "b": b"1"}, "theirs", "try")
    commit(workspace, {"a": b"1", "b": b"2"}, "ours")
    workspace.versions.merging.merge("p", "try", "main", {}, author="ann", message="merged")
    assert told(workspace.versions.file_history("p", "", "a")) == [("theirs", "modified"), ("first", "added")]
    assert told(workspace.versions.file_history("p", "", "b")) == [("ours", "modified"), ("first", "added")]


def test_a_deep_history_is_read_in_few_steps(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a folder of 3,000 files, one of which every tenth version changed: of each version no more is read than the
    folders on the way to it, many together. Seen to fail with each version looked into by itself."""
    count, together = 200, 64
    monkeypatch.setattr(file_states, "_TOGETHER", together)
    store = workspace.content.store_items
    files = {"1": b"1", "2": b"2"}
    one, two = store([SourceItem(name, EntryKind.FILE, 1, 5) for name in files], MemorySource(files)).stored
    wide = [StoredItem(SourceItem(f"data/{at:05}", EntryKind.FILE, 1, 5), one.content, 1) for at in range(WIDE + 900)]
    for number in range(count):
        content = (one, two)[number // 10 % 2].content
        wide[7] = StoredItem(SourceItem("data/00007", EntryKind.FILE, 1, 5), content, 1)
        touched = StoredItem(SourceItem("other", EntryKind.FILE, 1, number), one.content, 1)
        workspace.content.commit("p", "main", [*wide, touched], message=str(number), author="ann")
    reads: list[int] = []
    read_each = workspace.store.read_each

    def counting(ids: Iterable[bytes], type: ObjectType) -> Iterator[tuple[bytes, bytes]]:
        wanted = list(ids)
        reads.append(len(wanted))
        return read_each(wanted, type)

    monkeypatch.setattr(workspace.store, "read_each", counting)
    monkeypatch.setattr(workspace.store, "read", lambda *_: pytest.fail("a tree was read by itself"))
    history = workspace.versions.file_history("p", "", "data/00007")
    assert len(history.states) == count // 10
    steps = -(-count // together)
    assert len(reads) <= 2 * 2 * steps  # the folders of each depth, and parts of wide ones
    folders = count // 10 + steps  # states of "data"; one that lasts is met in two steps
    assert sum(reads) <= count + 2 * folders, "more than the folders on the way"


def test_it_is_broken_off_when_asked(workspace: Workspace) -> None:
    commit(workspace, {"a": b"1"})
    cancel = CancelSource()
    cancel.cancel()
    with pytest.raises(Cancelled):
        workspace.versions.file_history("p", "", "a", cancel=cancel)

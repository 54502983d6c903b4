"""What is done for each of many folders is done for many of them at a time, and costs no more the more there are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from random import Random

import pytest

from kronkers_studio.domain.content import Entry, EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.errors import Cancelled, StoreDamaged
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.registry import Workspace
from kronkers_studio.registry.importing.memory_source import MemorySource
from kronkers_studio.registry.store.object_index import ObjectIndex
from kronkers_studio.registry.store.records import HEADER_SIZE
from kronkers_studio.registry.trees import tree_reader
from kronkers_studio.registry.trees.tree_reader import TreeReader
from kronkers_studio.registry.trees.tree_writer import write_trees
from tests.counted_work import lines_run

_FOLDERS = 600


@pytest.fixture
def contents(workspace: Workspace) -> dict[str, bytes]:
    """What project "p" holds: folders of one file, some in others, some alike, one of them wide."""
    chance = Random(7)
    found = {f"group {n % 7}/run {n:04d}/result.json": b'{"n": %d}' % n for n in range(_FOLDERS)}
    for n in range(60):
        found[f"twins/{n:02d}/same/text.txt"] = b"the same"
        found["/".join(["deep", *(str(chance.randrange(3)) for _ in range(n % 9)), f"{n}.csv"])] = b"%d\n" % n
    found |= {f"group 3/wide/{n:05d}.txt": b"%d" % (n % 50) for n in range(2100)}
    found["zz.txt"] = b"last"
    _commit(workspace, found)
    return found


def _commit(workspace: Workspace, contents: dict[str, bytes]) -> None:
    items = [SourceItem(path, EntryKind.FILE, len(content), 1) for path, content in contents.items()]
    outcome = workspace.content.store_items(items, MemorySource(contents))
    workspace.content.commit("p", "main", outcome.stored, message="", author="ann")


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many objects each question to the index was about."""
    seen: list[int] = []
    really = ObjectIndex.locate

    def locate(self: ObjectIndex, ids: Iterable[bytes]) -> object:
        wanted = list(ids)
        seen.append(len(wanted))
        return really(self, wanted)

    monkeypatch.setattr(ObjectIndex, "locate", locate)
    return seen


def _one_by_one(trees: TreeReader, folder: Entry) -> Iterator[Entry]:
    for entry in trees.below(folder):
        yield entry
        if entry.kind is EntryKind.FOLDER:
            yield from _one_by_one(trees, entry)


def test_a_walk_that_reads_ahead_gives_what_reading_one_by_one_does(
    workspace: Workspace, contents: dict[str, bytes], asked: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when it reads one by one."""
    top = workspace.content.find("p", "", "")
    expected = list(_one_by_one(TreeReader(workspace.content._store), top))
    assert [entry.path for entry in expected if entry.kind is EntryKind.FILE] == sorted(
        contents, key=lambda path: [part.encode() for part in path.split("/")]
    )
    monkeypatch.setattr(tree_reader, "_CACHED_ENTRIES", 10)
    asked.clear()
    assert list(TreeReader(workspace.content._store).walk(top)) == expected
    assert len(asked) < _FOLDERS / 20
    by_folder = list(TreeReader(workspace.content._store).folders(top))
    assert sorted((entry for _, below in by_folder for entry in below), key=lambda entry: entry.path) == sorted(
        expected, key=lambda entry: entry.path
    )
    assert [folder.path for folder, _ in by_folder] == ["", *(e.path for e in expected if e.kind is EntryKind.FOLDER)]
    for size in (1, 700):
        monkeypatch.setattr(tree_reader, "_AHEAD_BYTES", size)
        assert list(TreeReader(workspace.content._store).walk(top)) == expected


def test_what_comes_before_a_damaged_folder_is_walked_all_the_same(
    workspace: Workspace, contents: dict[str, bytes]
) -> None:
    """Seen to fail when it is read ahead, with all that comes before it."""
    store = workspace.content._store
    (tree,) = workspace.content.find("p", "", "group 6/run 0300").content
    at = store.locate((tree,))[tree]
    pack = store.packs.path(at.pack)
    data = bytearray(pack.read_bytes())
    data[at.offset + HEADER_SIZE + 5] ^= 1
    pack.write_bytes(data)
    walked: list[str] = []
    with pytest.raises(StoreDamaged):
        for entry in TreeReader(store).walk(workspace.content.find("p", "", "")):
            walked.append(entry.path)  # what came before the failure counts
    assert walked[-1] == "group 6/run 0300"
    assert "group 5/run 0299/result.json" in walked
    problems = workspace.content.check().problems
    assert len(problems) == 1
    assert "damaged" in problems[0]


def test_a_restore_asks_where_things_are_for_many_folders_at_a_time(
    workspace: Workspace, contents: dict[str, bytes], asked: list[int], tmp_path: Path
) -> None:
    """Seen to fail with runs of one folder, and with a tree read for each."""
    read: list[int] = []
    packs = workspace.content._store.packs
    really = packs.read

    def counted(number: int, offset: int, length: int) -> bytes:
        read.append(length)
        return really(number, offset, length)

    packs.read = counted  # type: ignore[method-assign]
    report = workspace.content.restore("p", "", tmp_path / "out")
    assert report.files == len(contents)
    assert len(asked) < _FOLDERS / 10
    assert len(read) < _FOLDERS / 2
    assert all((tmp_path / "out" / path).read_bytes() == content for path, content in contents.items())


def test_the_check_and_the_cleaning_up_follow_many_trees_at_a_time_and_can_be_cancelled(
    workspace: Workspace, contents: dict[str, bytes], asked: list[int]
) -> None:
    assert workspace.content.check().problems == ()
    assert len(asked) < _FOLDERS / 20
    asked.clear()
    workspace.clean_up(dry_run=True, author="ann")
    assert len(asked) < _FOLDERS / 20
    cancel = CancelSource()
    cancel.cancel()
    with pytest.raises(Cancelled):
        workspace.content.check(cancel=cancel)


def test_writing_trees_takes_as_much_longer_as_there_are_more_folders(workspace: Workspace) -> None:
    """Lines run for four times the folders; squared it would be 16 times. Seen to fail when the waiting trees are
    summed for each."""
    items = [
        StoredItem(SourceItem(f"{n // 1000}/{n // 40}/{n}/file", EntryKind.FILE, 5, n), (n.to_bytes(32, "big"),), 5)
        for n in range(8000)
    ]

    def work(count: int) -> int:
        with workspace.content._store.writing() as writer:
            return lines_run(lambda: write_trees(items[:count], workspace.content._store, writer))

    assert work(8000) < 8 * work(2000)

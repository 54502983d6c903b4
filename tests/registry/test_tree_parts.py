"""Wide folders are stored in parts: the same entries always in the same ones, and a change costs no more than a few."""

from __future__ import annotations

import random
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.content import Entry, EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.differences import EntryChange
from kronkers_studio.domain.errors import NotFound, StoreDamaged
from kronkers_studio.registry import Workspace, open_workspace, rebuild_workspace
from kronkers_studio.registry.store.records import ObjectType, Sealer
from kronkers_studio.registry.trees import tree_parts
from kronkers_studio.registry.trees.tree_diff import diff_trees
from kronkers_studio.registry.trees.tree_format import decode_tree, encode_tree, piece_of, raw_name
from kronkers_studio.registry.trees.tree_parts import (
    Part,
    decode_folder,
    decode_part,
    decode_parts,
    encode_parts,
    is_wide,
    part_with,
    references,
    tree_objects,
)
from kronkers_studio.registry.trees.tree_reader import TreeReader
from kronkers_studio.registry.trees.tree_writer import write_trees
from kronkers_studio.storage.keys import MasterKey, Unlock
from tests.registry.kinds import BringIn

SEALER = Sealer(MasterKey(bytes(range(32)), "0" * 32))

names = st.text(st.sampled_from("abcäö.\udcff0123456789"), min_size=1, max_size=3).filter(lambda name: name.strip("."))
entries = st.one_of(
    st.builds(
        lambda name, size, mtime, executable, chunks: Entry(name, EntryKind.FILE, size, mtime, executable, chunks),
        names,
        st.integers(0, 2**50),
        st.integers(-(2**62), 2**63),
        st.booleans(),
        st.lists(st.binary(min_size=32, max_size=32), max_size=3).map(tuple),
    ),
    st.builds(
        lambda name, size, id: Entry(name, EntryKind.FOLDER, size, content=(id,)),
        names,
        st.integers(0, 2**50),
        st.binary(min_size=32, max_size=32),
    ),
    st.builds(lambda name, target: Entry(name, EntryKind.LINK, target=target), names, names),
)
listings = st.dictionaries(names, entries, max_size=40).map(
    lambda found: {name: replace(entry, path=name) for name, entry in found.items()}
)


@pytest.fixture(scope="module", autouse=True)
def narrow() -> Iterator[None]:
    """Five entries are many, and every third begins a part."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree_parts, "WIDE", 4)
        patch.setattr(tree_parts, "_ONE_IN", 3)
        yield


@pytest.fixture
def ordinary(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the program has it."""
    monkeypatch.setattr(tree_parts, "WIDE", 2048)
    monkeypatch.setattr(tree_parts, "_ONE_IN", 256)


def _objects(listing: Sequence[Entry]) -> tuple[bytes, dict[bytes, bytes]]:
    return tree_objects(sorted(map(piece_of, listing)), SEALER)


@given(listings, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_entries_come_back_as_they_were_and_their_order_before_does_not_matter(
    listing: dict[str, Entry], chance: random.Random
) -> None:
    id, objects = _objects(list(listing.values()))
    shuffled = list(listing.values())
    chance.shuffle(shuffled)
    assert _objects(shuffled) == (id, objects)
    read = decode_folder(objects[id], lambda ids: [objects[part] for part in ids])
    assert read == tuple(sorted(listing.values(), key=lambda entry: raw_name(entry.path)))
    assert is_wide(objects[id]) == (len(listing) > tree_parts.WIDE)
    assert all(SEALER.name(ObjectType.TREE, data) == id for id, data in objects.items())
    if not is_wide(objects[id]):
        assert objects == {id: encode_tree(listing.values())}
        return
    parts = decode_parts(objects[id])
    assert encode_parts(parts) == objects[id] and {part.id for part in parts} | {id} == objects.keys()
    assert references(objects[id]) == ([part.id for part in parts], [])
    for name, entry in listing.items():
        part = part_with(parts, raw_name(name))
        assert part is not None and entry in decode_part(part, objects[part.id])


@given(listings, entries, names)
@settings(max_examples=200, deadline=None)
def test_a_change_touches_no_more_than_the_parts_beside_it(listing: dict[str, Entry], new: Entry, name: str) -> None:
    """Seen to fail with cuts that count entries since the last one."""
    listing = {**{f"z{number:02}": Entry(f"z{number:02}", EntryKind.FILE) for number in range(5)}, **listing}
    _, before = _objects(list(listing.values()))
    _, added = _objects(list({**listing, name: replace(new, path=name)}.values()))
    renamed = next(iter(listing))
    rest = {path: entry for path, entry in listing.items() if path != renamed}
    _, moved = _objects([*rest.values(), replace(listing[renamed], path=f"{renamed}-")])
    assert len(added.keys() - before.keys()) <= 3  # two parts where there was one, and the index
    assert len(moved.keys() - before.keys()) <= 4


def _put(leaves: dict[str, Entry], workspace: Workspace) -> bytes:
    """The tree of files in the folder “wide”."""
    store = workspace.store
    items = [
        StoredItem(SourceItem(f"wide/{name}", EntryKind.FILE, 0, entry.mtime_ns), entry.content, entry.size)
        for name, entry in leaves.items()
    ]
    with store.writing() as writer:
        tree = write_trees(items, store, writer)[0]
        writer.checkpoint()
    return tree


files = st.dictionaries(
    names,
    st.builds(
        lambda mtime, content: Entry("", EntryKind.FILE, 3, mtime, content=(content * 32,)),
        st.integers(0, 2),
        st.sampled_from([b"1", b"2"]),
    ),
    max_size=30,
)


@given(files, files, files)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_difference_of_trees_in_parts_is_that_of_whole_ones(
    workspace: Workspace, common: dict[str, Entry], old: dict[str, Entry], new: dict[str, Entry]
) -> None:
    """Also when one of them was stored whole, by a program that knew no parts. Seen to fail with ``_pairs`` leaving out
    the parts of the old tree alone."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tree_parts, "WIDE", 10_000)
        whole = [_put({**common, **leaves}, workspace) for leaves in (old, new)]
    parts = [_put({**common, **leaves}, workspace) for leaves in (old, new)]
    store = workspace.store
    for renames in (True, False):
        plain = _without_ids(diff_trees(whole[0], whole[1], store, renames=renames).changes)
        for before, after in ((parts[0], parts[1]), (whole[0], parts[1]), (parts[0], whole[1])):
            assert _without_ids(diff_trees(before, after, store, renames=renames).changes) == plain
    assert not diff_trees(whole[0], parts[0], store)


def _without_ids(changes: Sequence[EntryChange]) -> list[tuple[object, ...]]:
    """What differs, apart from the ids of folders."""
    shown: list[tuple[object, ...]] = []
    for change in changes:
        sides = [
            replace(side, content=()) if side is not None and side.kind is EntryKind.FOLDER else side
            for side in (change.before, change.after)
        ]
        shown.append((change.kind, *sides))
    return shown


@given(files, st.lists(names, max_size=5))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_entries_are_found_by_name_and_listed_in_order(
    workspace: Workspace, leaves: dict[str, Entry], others: list[str]
) -> None:
    leaves["always"] = Entry("", EntryKind.FILE)
    tree = _put(leaves, workspace)
    cold, warm = TreeReader(workspace.store), TreeReader(workspace.store)
    listed = warm.below(warm.find(tree, "wide"))
    assert [entry.name for entry in listed] == sorted(leaves, key=raw_name)
    for reader in (cold, warm):
        for name in {*leaves, *others}:
            if name in leaves:
                assert reader.find(tree, f"wide/{name}") in listed
            else:
                with pytest.raises(NotFound):
                    reader.find(tree, f"wide/{name}")


def test_to_find_a_file_only_its_part_is_read(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    tree = _put({f"{number:03}": Entry("", EntryKind.FILE) for number in range(200)}, workspace)
    read: list[object] = []
    store = workspace.store
    genuine = store.read_at
    monkeypatch.setattr(store, "read_at", lambda *given: read.append(given) or genuine(*given))
    reader = TreeReader(store)
    assert reader.find(tree, "wide/100").path == "wide/100"
    assert len(read) == 3  # the project's top, the index of the folder's parts, and one of them
    reader.find(tree, "wide/100")
    assert len(read) == 3


def _index_of(*parts: tuple[bytes, int]) -> bytes:
    return encode_parts([Part(first, count, bytes(32)) for first, count in parts])


@pytest.mark.parametrize(
    "index",
    [_index_of((b"b", 1), (b"a", 1)), _index_of((b"a", 1), (b"a", 1)), _index_of((b"a", 0)), _index_of((b"", 1))],
)
def test_an_index_out_of_order_is_damage(index: bytes) -> None:
    with pytest.raises(StoreDamaged):
        decode_parts(index)


def test_parts_that_are_not_what_the_index_says_are_damage() -> None:
    def tree(*names: str) -> bytes:
        return encode_tree(Entry(name, EntryKind.FILE) for name in names)

    index = _index_of((b"a", 2), (b"c", 1))
    assert len(decode_folder(index, lambda _: [tree("a", "b"), tree("c")])) == 3
    for one, other in (
        (tree("a"), tree("c")),
        (tree("0", "b"), tree("c")),
        (tree("a", "b"), tree("d")),
        (tree("a", "c"), tree("c")),
        (tree(), tree("c")),
        (index, tree("c")),
    ):
        with pytest.raises(StoreDamaged):
            decode_folder(index, lambda _: [one, other])  # noqa: B023  # called at once


@given(st.binary(max_size=80), st.integers(0, 200))
@settings(max_examples=200, deadline=None)
def test_no_bytes_are_read_as_parts_by_mistake(noise: bytes, at: int) -> None:
    index = _index_of((b"a", 2), (b"some longer name", 300), (b"z", 1))
    cut, changed = index[: at % len(index)], bytearray(index)
    changed[6 + at % (len(index) - 6)] ^= 0x55
    for data in (cut, bytes(changed), b"KTREE\x02" + noise):
        try:
            found = decode_parts(data) if is_wide(data) else ()
        except StoreDamaged:
            continue
        assert [part.first for part in found] == sorted({part.first for part in found})
    with pytest.raises(StoreDamaged):
        decode_tree(index)


def test_all_that_is_done_with_versions_is_done_with_wide_folders(
    workspace: Workspace,
    key_file: Path,
    tmp_path: Path,
    bring_in: BringIn,
) -> None:
    """Seen to fail with ``references`` naming no parts: cleaning up then frees them."""
    top = tmp_path / "source"
    (top / "wide").mkdir(parents=True)
    for number in range(120):
        (top / "wide" / f"{number:03}.txt").write_text(f"{number}\n", encoding="utf-8")
    first = bring_in(top)[0]
    workspace.versions.create_branch("project", "try", author="ann")
    (top / "wide" / "007.txt").write_text("mine\n", encoding="utf-8")
    (top / "wide" / "050.txt").unlink()
    bring_in(top)
    shutil.copytree(top, tmp_path / "theirs")
    (tmp_path / "theirs" / "wide" / "007.txt").write_text("7\n", encoding="utf-8")
    (tmp_path / "theirs" / "wide" / "050.txt").write_text("50\n", encoding="utf-8")
    (tmp_path / "theirs" / "wide" / "100.txt").write_text("theirs\n", encoding="utf-8")
    bring_in(tmp_path / "theirs", branch="try")
    assert is_wide(workspace.store.read(workspace.content.find("project", "", "wide").content[0], ObjectType.TREE))

    merged = workspace.versions.merging.merge("project", "try", "main", {}, author="ann")
    assert merged.commit.files == 119
    (top / "wide" / "100.txt").write_text("theirs\n", encoding="utf-8")
    _, changed, _ = bring_in(top, project="another")
    assert changed and workspace.content.read(workspace.content.find("another", "", "wide/100.txt")) == b"theirs\n"
    changes = workspace.versions.diff("project", first.id, "main").changes
    assert sorted(change.path for change in changes if change.kind.value in ("modified", "removed")) == [
        "wide/007.txt",
        "wide/050.txt",
        "wide/100.txt",
    ]

    from datetime import UTC, datetime, timedelta

    later = datetime.now(UTC) + timedelta(days=30)
    workspace.clean_up(author="ann", clock=lambda: later)
    assert workspace.content.check(read_data=True).problems == ()
    workspace.close()
    (workspace.directory / "metadata.db").unlink()
    assert rebuild_workspace(workspace.directory, Unlock(key_file=key_file)).problems == ()
    with open_workspace(workspace.directory, Unlock(key_file=key_file)) as rebuilt:
        assert rebuilt.content.check(read_data=True).problems == ()
        rebuilt.content.restore("project", "", tmp_path / "out")
        assert [entry.path for entry in rebuilt.content.walk("project")][:3] == ["wide", "wide/000.txt", "wide/001.txt"]
    assert sorted(file.name for file in (tmp_path / "out" / "wide").iterdir()) == sorted(
        file.name for file in (top / "wide").iterdir()
    )
    assert (tmp_path / "out" / "wide" / "100.txt").read_text(encoding="utf-8") == "theirs\n"


def test_a_lost_part_is_found_by_checking_and_nothing_is_freed_then(
    workspace: Workspace, tmp_path: Path, bring_in: BringIn
) -> None:
    top = tmp_path / "source"
    top.mkdir()
    for number in range(60):
        (top / f"{number:02}").write_text(f"{number}", encoding="utf-8")
    commit = bring_in(top)[0]
    store = workspace.store
    part = decode_parts(store.read(bytes.fromhex(commit.tree), ObjectType.TREE))[0]
    with workspace.database.write() as connection:
        connection.execute("DELETE FROM objects WHERE id = ?", (part.id,))
    assert any(part.id.hex()[:16] in problem for problem in workspace.content.check().problems)
    with pytest.raises(StoreDamaged):
        workspace.clean_up(author="ann")


@pytest.mark.usefixtures("ordinary")
def test_folders_of_up_to_2048_entries_are_stored_as_ever(workspace: Workspace) -> None:
    """So no ordinary folder's id changes with this program."""
    store = workspace.store
    for number, wide in ((2048, False), (2049, True)):
        tree = _put({f"{n:04}": Entry("", EntryKind.FILE) for n in range(number)}, workspace)
        folder = TreeReader(store).find(tree, "wide").content[0]
        assert is_wide(store.read(folder, ObjectType.TREE)) is wide


@pytest.mark.usefixtures("ordinary")
def test_one_changed_file_among_20_000_writes_a_fraction_of_its_folder(workspace: Workspace) -> None:
    """Cuts differ from workspace to workspace: a part has 256 entries on average, and 5,000 once in many millions."""
    chance = random.Random(3)
    leaves = {f"{n:05}.csv": Entry("", EntryKind.FILE, 1, n, content=(chance.randbytes(32),)) for n in range(20_000)}
    _put(leaves, workspace)
    before = _pack_bytes(workspace)
    leaves["12345.csv"] = Entry("", EntryKind.FILE, 1, 1, content=(chance.randbytes(32),))
    _put(leaves, workspace)
    assert _pack_bytes(workspace) - before < 300_000  # 900,000 as one object


def _pack_bytes(workspace: Workspace) -> int:
    return sum(file.stat().st_size for file in (workspace.directory / "packs").iterdir())

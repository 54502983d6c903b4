"""Unchanged files are recognised, and nothing that changed ever is taken for unchanged."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind, SourceItem, StoredItem
from kronkers_studio.domain.file_types import BINARY
from kronkers_studio.migration import FolderSource, StatCache, filesystem, is_in_state, scan_folder, stat_cache
from kronkers_studio.migration.found_item import FoundItem, KnownFile
from kronkers_studio.storage.database import Database
from tests.migration.kinds import Make


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "metadata.db", bytes(32))
    yield opened
    opened.close()


@pytest.fixture
def cache(database: Database, folder: Path) -> StatCache:
    return StatCache(database, "analytics", folder)


def store(folder: Path, cache: StatCache, *, before_reading: Callable[[], object] = lambda: None) -> list[str]:
    """A migration's part that matters here: scan, read what is not known, remember. Gives the paths that were read."""
    source = FolderSource(folder)
    stored, read = [], []
    items = scan_folder(folder, known=cache.load()).items
    before_reading()
    for item in items:
        if item.kind is not EntryKind.FILE:
            stored.append(StoredItem(item, (), 0))
        elif item.known is not None:
            stored.append(StoredItem(item, item.known, item.size))
        else:
            with source.open(item) as stream:
                content = stream.read()
            chunks = tuple(bytes([number]) * 32 for number in range(content.count(b"#")))
            stored.append(StoredItem(item, chunks, len(content)))
            read.append(item.path)
    cache.remember(stored)
    return read


def test_a_folder_never_migrated_knows_nothing(cache: StatCache) -> None:
    assert dict(cache.load()) == {}


def test_unchanged_files_are_not_even_opened_again(
    folder: Path, make: Make, cache: StatCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("empty.csv", b"")
    make("a/one.csv", b"#")
    make("a/Größe 🍷.csv", b"###")
    assert store(folder, cache) == ["empty.csv", "a/Größe 🍷.csv", "a/one.csv"]

    opened: list[str] = []
    monkeypatch.setattr(filesystem, "open_file", opened.append)
    scan = scan_folder(folder, known=cache.load())

    assert opened == []
    known = {item.path: item.known for item in scan.items}
    assert known == {
        "empty.csv": (),
        "a/one.csv": (bytes(32),),
        "a/Größe 🍷.csv": (bytes(32), b"\1" * 32, b"\2" * 32),
    }
    assert all(item.unchanged for item in scan.planned)


def test_what_a_file_is_is_remembered_with_it(folder: Path, make: Make, cache: StatCache) -> None:
    make("a.csv", "a,b,c\n")
    make("b.png", b"\x89PNG")
    first = scan_folder(folder)
    store(folder, cache)

    again = scan_folder(folder, known=cache.load())

    assert [(item.kind, item.description) for item in again.planned] == [
        (item.kind, item.description) for item in first.planned
    ]
    assert [item.compressed for item in again.items] == [False, True]


def test_a_changed_size_time_or_inode_is_read_again(folder: Path, make: Make, cache: StatCache) -> None:
    make("size.csv", "old")
    make("time.csv", "old")
    make("inode.csv", "old")
    make("same.csv", "old")
    store(folder, cache)

    make("size.csv", "older")
    make("time.csv", "new", mtime_ns=1_600_000_000_000_000_001)
    make("draft", "new").replace(folder / "inode.csv")

    assert store(folder, cache) == ["inode.csv", "size.csv", "time.csv"]
    assert store(folder, cache) == []  # a new inode alone is remembered too


def test_a_file_modified_just_before_the_scan_is_read_again_until_it_is_at_rest(
    folder: Path, make: Make, cache: StatCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("fresh.csv", "old", mtime_ns=time.time_ns() - 1_000_000_000)
    make("at rest.csv", "old", mtime_ns=time.time_ns() - 10_000_000_000)
    assert store(folder, cache) == ["at rest.csv", "fresh.csv"]
    assert store(folder, cache) == ["fresh.csv"]

    now = time.time_ns()
    monkeypatch.setattr(time, "time_ns", lambda: now + 5_000_000_000)
    assert store(folder, cache) == ["fresh.csv"]
    assert store(folder, cache) == []


def test_a_second_write_within_the_same_tick_is_not_missed(folder: Path, make: Make, cache: StatCache) -> None:
    tick = time.time_ns() // 2_000_000_000 * 2_000_000_000  # as FAT would record both
    file = make("a.csv", "one", mtime_ns=tick)
    store(folder, cache)
    file.write_bytes(b"two")
    os.utime(file, ns=(tick, tick))

    assert store(folder, cache) == ["a.csv"]


def test_a_long_migration_does_not_make_a_racy_file_look_at_rest(
    folder: Path, make: Make, cache: StatCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    tick = time.time_ns()
    file = make("a.csv", "one", mtime_ns=tick)
    really_now = time.time_ns

    def much_later() -> None:
        monkeypatch.setattr(time, "time_ns", lambda: really_now() + 3600 * 10**9)

    store(folder, cache, before_reading=much_later)
    file.write_bytes(b"two")
    os.utime(file, ns=(tick, tick))

    assert store(folder, cache) == ["a.csv"]


def test_a_file_that_changed_between_scan_and_reading_is_read_again(folder: Path, make: Make, cache: StatCache) -> None:
    make("a.csv", "old")
    make("b.csv", "old")

    def meanwhile() -> None:
        make("a.csv", "longer")
        make("b.csv", "new", mtime_ns=1_700_000_000_000_000_000)

    store(folder, cache, before_reading=meanwhile)

    assert store(folder, cache) == ["a.csv", "b.csv"]
    assert store(folder, cache) == []


def test_a_file_put_back_after_another_content_was_stored_is_read_again(
    folder: Path, make: Make, cache: StatCache
) -> None:
    make("a.csv", "old")
    store(folder, cache, before_reading=lambda: make("a.csv", "longer"))
    make("a.csv", "old")  # by a program that keeps the time, such as a backup

    assert store(folder, cache) == ["a.csv"]


def test_projects_and_folders_do_not_share_what_they_know(
    folder: Path, make: Make, cache: StatCache, database: Database
) -> None:
    make("a.csv")
    store(folder, cache)

    assert set(cache.load()) == {"a.csv"}
    assert dict(StatCache(database, "other", folder).load()) == {}
    assert dict(StatCache(database, "analytics", folder / "sub").load()) == {}
    assert set(StatCache(database, "analytics", folder).load()) == {"a.csv"}


def test_items_of_another_source_links_and_folders_are_not_remembered(
    folder: Path, make: Make, cache: StatCache
) -> None:
    (folder / "link").symlink_to("nowhere")
    (folder / "empty").mkdir()
    store(folder, cache)
    cache.remember([StoredItem(SourceItem("foreign", EntryKind.FILE, 1, 1), (bytes(32),), 1)])

    assert dict(cache.load()) == {}


def test_an_online_only_file_that_is_stored_already_is_kept(
    folder: Path, make: Make, cache: StatCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.csv", "#")
    store(folder, cache)
    monkeypatch.setattr(filesystem, "is_online_only", lambda status: True)  # "Free up space"

    scan = scan_folder(folder, known=cache.load())

    assert [(item.path, item.known) for item in scan.items] == [("a.csv", (bytes(32),))]
    assert scan.skipped == ()


def test_files_that_are_gone_can_be_forgotten(folder: Path, make: Make, cache: StatCache) -> None:
    make("a.csv")
    make("b.csv")
    store(folder, cache)
    (folder / "a.csv").unlink()

    cache.forget_missing(item.path for item in scan_folder(folder).items)

    assert set(cache.load()) == {"b.csv"}


def test_many_files_are_remembered_and_loaded_at_once(
    folder: Path, make: Make, cache: StatCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In as many transactions as few are. Seen to fail with each file remembered by itself."""
    first = make("0.csv")
    for number in range(1, 2000):
        (folder / f"{number}.csv").hardlink_to(first)

    begun: list[str] = []
    for way in ("read", "write"):
        really = getattr(Database, way)
        monkeypatch.setattr(Database, way, lambda self, way=way, really=really: begun.append(way) or really(self))
    store(folder, cache)
    known = cache.load()

    assert len(known) == 2000
    assert len(begun) <= 4


@pytest.mark.skipif(sys.platform != "linux", reason="inodes of any size are to be had only there")
def test_numbers_at_their_limits_survive(
    folder: Path, make: Make, cache: StatCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    make("a.csv", mtime_ns=-1)
    really = filesystem.fingerprint
    monkeypatch.setattr(filesystem, "fingerprint", lambda status: (*really(status)[:2], 2**63 - 1))
    store(folder, cache)
    assert store(folder, cache) == []


@pytest.mark.parametrize("mtime_ns", [-11_644_473_600 * 10**9, 2**63, -(2**63) - 1])
def test_a_file_of_a_time_that_the_database_cannot_hold_is_read_each_time(cache: StatCache, mtime_ns: int) -> None:
    """Windows tells of a file without a time that it is of 1601."""
    sample = FoundItem("a.csv", EntryKind.FILE, 1, mtime_ns)
    cache.remember([StoredItem(sample, (b"#" * 32,), 1), StoredItem(replace(sample, path="b", mtime_ns=1), (), 1)])
    assert set(cache.load()) == {"b"}


def test_the_generation_is_remembered_for_each_folder(
    folder: Path, make: Make, cache: StatCache, database: Database
) -> None:
    make("a.csv", b"#")
    assert cache.generation() is None
    store(folder, cache)
    assert cache.generation() is None
    cache.remember_generation(7)
    cache.remember_generation(8)
    assert cache.generation() == 8 and StatCache(database, "other", folder).generation() is None


def test_a_cache_with_a_row_for_each_file_as_it_was_before_gives_way_to_a_new_one(
    folder: Path, make: Make, cache: StatCache, database: Database
) -> None:
    with database.write() as connection:
        connection.execute("CREATE TABLE stat_cache_folders (id INTEGER PRIMARY KEY, project BLOB, folder BLOB)")
        connection.execute("CREATE TABLE stat_cache_files (folder_id INTEGER NOT NULL, path BLOB NOT NULL)")
    make("a.csv", b"#")
    assert cache.load() == {} and cache.generation() is None and cache.committed("main") is None
    cache.forget_commits()
    assert store(folder, cache) == ["a.csv"]
    assert store(folder, cache) == []
    with database.read() as connection:
        left = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert "stat_cache_files" not in left


def _batches(database: Database) -> int:
    with database.read() as connection:
        return int(connection.execute("SELECT count(*) FROM stat_cache_batches").fetchone()[0])


def _known(cache: StatCache, paths: Iterable[str], *, mtime_ns: int = 1) -> dict[str, KnownFile]:
    """Have ``cache`` remember files of these paths, and give what is to be known of them."""
    items = [FoundItem(path, EntryKind.FILE, 1, mtime_ns, inode=mtime_ns, look=BINARY, seen_ns=5) for path in paths]
    cache.remember(StoredItem(item, (b"#" * 32,), 1) for item in items)
    return {item.path: KnownFile(1, mtime_ns, mtime_ns, 5, b"#" * 32, 32, BINARY) for item in items}


def test_what_is_remembered_over_and_over_takes_no_more_room_than_once(cache: StatCache, database: Database) -> None:
    for time_ns in range(400):
        known = _known(cache, ("a.csv", "b.csv"), mtime_ns=time_ns)
        cache.forget_missing(known)
        assert cache.load() == known
    assert _batches(database) <= 201


def test_outdated_files_do_not_outnumber_those_that_count(cache: StatCache, database: Database) -> None:
    paths = [f"{number}.csv" for number in range(1500)]
    for time_ns in range(5):
        known = _known(cache, paths, mtime_ns=time_ns)
        cache.forget_missing(known)
    assert cache.load() == known
    assert _batches(database) <= 2
    cache.forget_missing(["7.csv"])
    assert cache.load() == {"7.csv": known["7.csv"]}
    assert _batches(database) == 1


def test_a_batch_that_cannot_be_read_is_as_if_its_files_were_never_remembered(
    cache: StatCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor what was remembered before it: which of that it outdated is not known. What was known of ``lost.csv`` first
    may name chunks that are in the store no more. Seen to fail with the batches before it still counting."""
    _known(cache, ["earlier.csv", "lost.csv"])
    _known(cache, ["lost.csv"], mtime_ns=2)
    kept = _known(cache, ["kept.csv"])
    with database.write() as connection:
        connection.execute("UPDATE stat_cache_batches SET batch = x'0102' WHERE number = 2")
    assert cache.load() == kept
    cache.forget_missing(kept)
    assert _batches(database) == 1
    monkeypatch.setattr(cache, "_pack_anew", lambda *_: pytest.fail("what is readable again is packed anew"))
    cache.forget_missing(kept)
    again = _known(cache, ["lost.csv"])
    assert cache.load() == {**kept, **again}
    assert _batches(database) == 2


_ODD = ("", "\x1b[31mred", "nope", -1, 1.5, b"", b"blob", b"\0\xff", 2**62, "[" * 100_000)


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("stat_cache_batches", "files"),
        ("stat_cache_batches", "batch"),
        ("stat_cache_batches", "gone"),
        ("stat_cache_generations", "generation"),
        ("stat_cache_states", "version"),
        ("stat_cache_states", "state"),
    ],
)
def test_what_somebody_wrote_otherwise_is_read_over(
    folder: Path, make: Make, cache: StatCache, database: Database, table: str, column: str
) -> None:
    """A workspace may come from elsewhere. Seen to fail with each column taken as it comes."""
    make("a.csv", b"#")
    for value in _ODD:
        store(folder, cache)
        cache.remember_generation(7)
        cache.remember_commit("main", "c" * 64, b"state")
        with database.write() as connection:
            connection.execute(f"UPDATE {table} SET {column} = ?", (value,))  # noqa: S608
        again = StatCache(database, "analytics", folder)
        assert set(again.load()) <= {"a.csv"}
        assert isinstance(again.generation(), int)
        committed = again.committed("main")
        assert committed is not None and not is_in_state(folder, committed.state)
        assert store(folder, again) in ([], ["a.csv"])
        again.forget_missing(["a.csv"])
        assert set(again.load()) == {"a.csv"}


def test_very_many_files_and_ids_are_kept_in_several_rows(
    cache: StatCache, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row holds no more than a gigabyte. Seen to fail with all that is gone in one, and with all ids in one."""
    monkeypatch.setattr(stat_cache, "MOST_FILES", 10)
    monkeypatch.setattr(stat_cache, "_MOST_IDS", 32 * 4)
    known = _known(cache, [f"{number}.csv" for number in range(25)])
    assert cache.load() == known
    assert _batches(database) == 5  # five ids are the first that are more than four
    cache.forget_missing([])
    with database.read() as connection:
        gone = [row[0] for row in connection.execute("SELECT files FROM stat_cache_batches WHERE batch = x''")]
    assert cache.load() == {} and gone == [10, 10, 5]


def test_two_runs_at_once_lose_nothing_of_each_other_when_all_is_packed_anew(
    cache: StatCache, database: Database, folder: Path
) -> None:
    other = StatCache(database, "analytics", folder)
    paths = [f"{number}.csv" for number in range(1500)]
    for time_ns in range(3):
        mine = _known(cache, paths, mtime_ns=time_ns)
    assert cache.load() == mine
    theirs = _known(other, ["theirs.csv"])
    cache.forget_missing(mine)
    assert cache.load() == {**mine, **theirs}


@pytest.mark.parametrize("files", [3, 1500], ids=["few", "so many that all is packed anew"])
def test_a_folder_that_was_emptied_is_forgotten(cache: StatCache, database: Database, files: int) -> None:
    """Seen to fail with a batch of no files at all, of which none can be made."""
    _known(cache, [f"{number}.csv" for number in range(files)])
    cache.forget_missing([])
    assert cache.load() == {}
    assert _batches(database) == (2 if files == 3 else 0)
    again = _known(cache, ["new.csv"])
    assert cache.load() == again


def test_an_unreadable_batch_with_nothing_after_it_is_left_out_when_nothing_is_known(
    cache: StatCache, database: Database
) -> None:
    _known(cache, ["lost.csv"])
    with database.write() as connection:
        connection.execute("UPDATE stat_cache_batches SET batch = x'0102'")
    assert cache.load() == {}
    cache.forget_missing([])
    assert _batches(database) == 0

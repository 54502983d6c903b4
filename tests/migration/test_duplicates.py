"""Which files have the same bytes, and how little is read to know."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO

from kronkers_studio.domain.content import SourceItem
from kronkers_studio.migration import FolderSource, scan_folder
from kronkers_studio.migration.duplicates import Duplicates, find_duplicates
from tests.migration.kinds import Make


class Counting(FolderSource):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.opened: list[str] = []

    def open(self, item: SourceItem) -> AbstractContextManager[BinaryIO]:  # type: ignore[override]
        self.opened.append(item.path)
        return super().open(item)


def duplicates_of(folder: Path, **limits: int) -> tuple[Duplicates, list[str]]:
    source = Counting(folder)
    return find_duplicates(scan_folder(folder).items, source, **limits), source.opened  # type: ignore[arg-type]  # only limits are given


def test_files_with_the_same_bytes_are_found_and_only_files_of_equal_size_are_read(folder: Path, make: Make) -> None:
    make("a.csv", "same bytes")
    make("deep/b.csv", "same bytes")
    make("c.csv", "same size!")
    make("d.csv", "another size")
    make("empty 1", b"")
    make("empty 2", b"")

    found, opened = duplicates_of(folder)

    assert found.of == {"deep/b.csv": "a.csv"}
    assert found.complete
    assert sorted(opened) == ["a.csv", "c.csv", "deep/b.csv"]


def test_large_files_are_told_apart_by_their_beginnings_first(folder: Path, make: Make) -> None:
    head = os.urandom(70_000)
    make("a.bin", head + b"1" * 50_000)
    make("b.bin", head + b"2" * 50_000)
    make("c.bin", os.urandom(120_000))
    make("d.bin", head + b"1" * 50_000)

    found, opened = duplicates_of(folder)

    assert found.of == {"d.bin": "a.bin"}
    assert opened.count("c.bin") == 1


def test_names_of_one_file_are_not_read(folder: Path, make: Make) -> None:
    (folder / "b.csv").hardlink_to(make("a.csv"))
    found, opened = duplicates_of(folder)
    assert (found.of, opened) == ({"b.csv": "a.csv"}, [])


def test_no_more_is_read_than_allowed_and_that_is_said(folder: Path, make: Make) -> None:
    for number in range(10):
        make(f"{number}.csv", f"{number % 2}" * 1000)

    found, opened = duplicates_of(folder, files_read=4)
    assert not found.complete
    assert len(opened) == 4
    found, _ = duplicates_of(folder, bytes_read=3000)
    assert not found.complete
    assert found.of


def test_a_file_that_cannot_be_read_is_no_duplicate_and_stops_nothing(folder: Path, make: Make) -> None:
    make("a.csv", "same")
    make("b.csv", "same")
    make("c.csv", "same")
    items = scan_folder(folder).items
    (folder / "b.csv").unlink()
    assert find_duplicates(items, FolderSource(folder)).of == {"c.csv": "a.csv"}

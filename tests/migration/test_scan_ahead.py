"""Items are given out while the scan goes on."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import SourceUnavailable
from kronkers_studio.migration import scan_ahead, scan_folder
from kronkers_studio.migration.found_item import FoundItem
from kronkers_studio.migration.scan_ahead import Found, ScanAhead
from kronkers_studio.migration.scan_result import Scan
from tests.migration.kinds import Make


def test_items_come_while_the_scan_goes_on_and_all_of_it_is_there_at_the_end(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_ahead, "_AT_ONCE", 2)
    for name in ("a/1.csv", "a/2.csv", "b/3.csv"):
        make(name)
    go_on = threading.Event()
    counts: list[int] = []

    def scan(found: Found) -> Scan:
        def wait_after_first(items: Sequence[FoundItem]) -> None:
            found(items)
            if items:
                assert go_on.wait(10)

        return scan_folder(folder, plan=False, found=wait_after_first)

    with ScanAhead(scan, counts.append) as ahead:
        items = iter(ahead)
        assert next(items).path == "a/1.csv" and counts == [] and not hasattr(ahead, "scan")
        go_on.set()
        assert [item.path for item in items] == ["a/2.csv", "b/3.csv"]
        assert counts == [3]
    assert [item.path for item in ahead.scan.items] == ["a/1.csv", "a/2.csv", "b/3.csv"]


def test_what_the_scan_raises_comes_where_the_items_are_taken(tmp_path: Path) -> None:
    ahead = ScanAhead(lambda found: scan_folder(tmp_path / "gone", found=found), lambda count: None)
    with pytest.raises(SourceUnavailable), ahead:
        list(ahead)


def test_a_scan_whose_items_nobody_takes_any_more_stops(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scan_ahead, "_AT_ONCE", 1)
    for number in range(50):
        make(f"{number}/a.csv")

    def scan(found: Found) -> Scan:
        def slowly(items: Sequence[FoundItem]) -> None:
            assert first_taken.wait(10)
            found(items)

        return scan_folder(folder, plan=False, found=slowly)

    first_taken = threading.Event()
    with pytest.raises(OSError, match="disk full"), ScanAhead(scan, lambda count: None) as ahead:
        items = iter(ahead)
        first_taken.set()
        next(items)
        raise OSError("disk full")
    assert not [thread for thread in threading.enumerate() if thread.name == "scan"]


def test_a_scan_that_nobody_began_to_take_never_runs(folder: Path) -> None:
    with ScanAhead(lambda found: pytest.fail("it ran"), lambda count: None):
        pass

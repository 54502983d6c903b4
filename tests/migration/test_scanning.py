"""Scanning real folders, hostile ones among them."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind, SkipReason
from kronkers_studio.domain.errors import Cancelled, SourceUnavailable
from kronkers_studio.domain.migration import Decision, FileKind, MigrationPlan
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.migration import Scan, filesystem, scan_folder
from tests.counted_work import lines_run
from tests.migration.kinds import Make, WithoutRights

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="only Linux allows such a name or file")


def plan_of(scan: Scan) -> dict[str, Decision]:
    return {item.path: item.decision for item in scan.planned}


def reasons_of(scan: Scan) -> dict[str, SkipReason]:
    return {item.path: item.reason for item in scan.skipped}


class ActsOnce:
    """Progress that does something in the middle of a scan, when the first folder has been listed."""

    def __init__(self, act: Callable[[], object] | None) -> None:
        self.act = act
        self.advanced = 0

    def step(self, title: str, total: int | None = None, unit: str = "") -> None: ...

    def expect(self, total: int) -> None: ...

    def note(self, text: str) -> None: ...

    def advance(self, amount: int = 1) -> None:
        self.advanced += amount
        if self.act:
            act, self.act = self.act, None
            act()


def test_files_are_listed_with_forward_slashes_in_the_order_of_the_walk(folder: Path, make: Make) -> None:
    for path in ("b/z.csv", "b/a.csv", "a/c/d.py", "top.md"):
        make(path)

    scan = scan_folder(folder)

    assert [item.path for item in scan.items] == ["top.md", "a/c/d.py", "b/a.csv", "b/z.csv"]
    assert [item.path for item in scan.planned] == [item.path for item in scan.items]
    assert scan.skipped == ()


def test_an_item_carries_size_time_kind_and_executable_bit(folder: Path, make: Make) -> None:
    make("run.sh", "#!/bin/sh\n").chmod(0o755)
    make("data.csv", "a,b\n1,2\n")

    script, data = sorted(scan_folder(folder).items, key=lambda item: -item.executable)

    assert (script.path, script.executable, data.executable) == ("run.sh", True, False)
    assert (data.size, data.mtime_ns, data.kind, data.known) == (8, 1_600_000_000_000_000_000, EntryKind.FILE, None)


def test_types_compressed_already_are_marked(folder: Path, make: Make) -> None:
    make("a.png", b"\x89PNG\r\n")
    make("b.csv", "a\n")
    make("no-extension", b"PK\x03\x04rest")

    assert {item.path: item.compressed for item in scan_folder(folder).items} == {
        "a.png": True,
        "b.csv": False,
        "no-extension": True,
    }


def test_a_conflict_copy_is_kept_and_pointed_out_with_its_original(folder: Path, make: Make) -> None:
    make("Sales/customers.csv", "id\n1\n")
    make("Sales/customers-LAPTOP7.csv", "id\n2\n")

    scan = scan_folder(folder)

    copy, original = scan.planned
    assert (copy.decision, copy.conflict_of) == (Decision.DECIDE, "Sales/customers.csv")
    assert "customers.csv" in copy.why
    assert (original.decision, original.conflict_of) == (Decision.KEEP, "")
    assert len(scan.items) == 2
    assert scan.skipped == ()


def test_leftovers_of_programs_are_left_out_by_name_and_reason_and_expected(folder: Path, make: Make) -> None:
    make("~$report.xlsx")
    make("sub/desktop.ini")
    make("sub/.DS_Store")
    make("sub/Thumbs.db")
    make("~WRL0005.tmp")
    make("kept.tmp")

    scan = scan_folder(folder)

    assert [item.path for item in scan.items if item.kind is EntryKind.FILE] == ["kept.tmp"]
    assert reasons_of(scan) == {
        "~$report.xlsx": SkipReason.LOCK_FILE,
        "~WRL0005.tmp": SkipReason.LOCK_FILE,
        "sub/desktop.ini": SkipReason.SYSTEM_FILE,
        "sub/.DS_Store": SkipReason.SYSTEM_FILE,
        "sub/Thumbs.db": SkipReason.SYSTEM_FILE,
    }
    assert all(item.reason.expected and item.detail for item in scan.skipped)
    assert plan_of(scan)["~$report.xlsx"] is Decision.LEAVE_OUT


def test_empty_folders_are_items_also_when_only_leftovers_lie_in_them(folder: Path, make: Make) -> None:
    (folder / "empty" / "deep").mkdir(parents=True)
    make("only leftovers/desktop.ini")
    make("full/a.csv")

    folders = [item.path for item in scan_folder(folder).items if item.kind is EntryKind.FOLDER]

    assert folders == ["empty/deep", "only leftovers"]


def test_an_empty_root_gives_an_empty_scan(folder: Path) -> None:
    scan = scan_folder(folder)
    assert (scan.items, scan.planned, scan.skipped) == ((), (), ())


def test_links_are_items_and_never_followed(folder: Path, make: Make, tmp_path: Path) -> None:
    (tmp_path / "secret.csv").write_text("a")
    make("real/a.csv")
    (folder / "outside").symlink_to(tmp_path, target_is_directory=True)
    (folder / "loop").symlink_to(folder, target_is_directory=True)
    (folder / "dangling").symlink_to("nowhere")
    (folder / "to file").symlink_to("real//a.csv")

    scan = scan_folder(folder)

    links = {item.path: item.target for item in scan.items if item.kind is EntryKind.LINK}
    assert links == {"outside": str(tmp_path), "loop": str(folder), "dangling": "nowhere", "to file": "real//a.csv"}
    assert [item.path for item in scan.items if item.kind is EntryKind.FILE] == ["real/a.csv"]


def test_a_lock_files_name_on_a_link_is_still_a_link(folder: Path) -> None:
    (folder / "~$link").symlink_to("nowhere")
    assert [item.kind for item in scan_folder(folder).items] == [EntryKind.LINK]


@linux_only
def test_names_that_are_not_utf8_are_kept_byte_for_byte_and_pointed_out(folder: Path, make: Make) -> None:
    make("good.csv")
    make(os.fsdecode(b"M\xfcller.csv"))
    make(os.fsdecode(b"Gr\xf6\xdfen/inside.csv"))
    (folder / "link").symlink_to(os.fsdecode(b"/tmp/\xff"))

    scan = scan_folder(folder)

    assert {os.fsencode(item.path) for item in scan.items} == {
        b"good.csv",
        b"M\xfcller.csv",
        b"Gr\xf6\xdfen/inside.csv",
        b"link",
    }
    assert os.fsencode(next(item.target for item in scan.items if item.target)) == b"/tmp/\xff"
    assert scan.skipped == ()
    whys = {item.path: item.why for item in scan.planned if item.decision is Decision.DECIDE}
    assert "M%FCller.csv" in whys[os.fsdecode(b"M\xfcller.csv")]
    assert "Gr%F6%DFen" in whys[os.fsdecode(b"Gr\xf6\xdfen/inside.csv")]
    for item in scan.planned:
        (item.why + item.description).encode("utf-8")


@linux_only
@pytest.mark.parametrize(
    ("name", "on_windows"),
    [
        ("con.csv", "con_.csv"),
        ("LPT1", "LPT1_"),
        ("ends with a dot.", "ends with a dot%2E"),
        ("ends with a space ", "ends with a space%20"),
        ("12:30 report?.csv", "12%3A30 report%3F.csv"),
        ("line\nbreak.csv", "line%0Abreak.csv"),
    ],
)
def test_a_name_that_windows_cannot_hold_is_kept_and_the_plan_says_what_it_becomes_there(
    folder: Path, make: Make, name: str, on_windows: bool
) -> None:
    make(name)
    make("other.csv")

    (planned,) = (item for item in scan_folder(folder).planned if item.path == name)

    assert planned.decision is Decision.DECIDE
    assert f"“{on_windows}”" in planned.why


@linux_only
def test_pipes_and_sockets_are_listed_and_nobody_waits_for_them(
    folder: Path, make: Make, make_socket: Callable[[str], Path]
) -> None:
    make("a.csv")
    os.mkfifo(folder / "pipe.csv")
    make_socket("socket")

    scan = scan_folder(folder)

    assert reasons_of(scan) == {"pipe.csv": SkipReason.SPECIAL_FILE, "socket": SkipReason.SPECIAL_FILE}
    assert "pipe" in scan.skipped[0].detail
    assert [item.path for item in scan.items] == ["a.csv"]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are checked on opening there")
def test_unreadable_files_and_folders_are_listed_and_the_rest_is_done(
    folder: Path, make: Make, without_rights: WithoutRights
) -> None:
    make("secret.csv").chmod(0)  # looked into
    make("secret.py").chmod(0)  # known by its name alone
    make("empty.py", b"").chmod(0)
    make("closed/inside.csv")
    make("open/b.csv")
    (folder / "closed").chmod(0)

    with without_rights():
        scan = scan_folder(folder)

    assert reasons_of(scan) == dict.fromkeys(
        ("secret.csv", "secret.py", "empty.py", "closed"), SkipReason.NO_PERMISSION
    )
    assert [item.path for item in scan.items] == ["open/b.csv"]
    assert plan_of(scan)["secret.csv"] is Decision.LEAVE_OUT
    assert "everything in it" in scan.skipped[-1].detail


def test_a_folder_that_vanishes_meanwhile_is_listed_and_the_rest_is_done(folder: Path, make: Make) -> None:
    make("first.csv")
    make("going/a.csv")
    make("staying/b.csv")

    scan = scan_folder(folder, progress=ActsOnce(lambda: shutil.rmtree(folder / "going")))

    assert reasons_of(scan) == {"going": SkipReason.VANISHED}
    assert [item.path for item in scan.items] == ["first.csv", "staying/b.csv"]


def test_a_file_that_vanishes_after_it_was_listed_is_listed_as_vanished(folder: Path, make: Make) -> None:
    for number in range(600):
        make(f"{number:03}.csv")

    class DeletesInTheMiddle:
        cancelled = False
        calls = 0

        def check(self) -> None:
            self.calls += 1
            if self.calls == 2:
                (folder / "599.csv").unlink()

    scan = scan_folder(folder, cancel=DeletesInTheMiddle())

    assert reasons_of(scan) == {"599.csv": SkipReason.VANISHED}
    assert len(scan.items) == 599


def test_a_root_that_is_missing_or_no_folder_or_closed_says_so(
    folder: Path, make: Make, without_rights: WithoutRights
) -> None:
    file = make("a.csv")
    with pytest.raises(SourceUnavailable, match="is not there"):
        scan_folder(folder / "missing")
    with pytest.raises(SourceUnavailable, match="is not a folder"):
        scan_folder(file)
    (folder / "closed").mkdir(mode=0)
    with without_rights(), pytest.raises(SourceUnavailable, match="may not be looked into") as refused:
        scan_folder(folder / "closed")
    assert "that you may read it" in refused.value.next_step


def test_a_root_taken_away_meanwhile_is_never_taken_for_an_empty_folder(folder: Path, make: Make) -> None:
    make("root/a.csv")
    make("root/sub/b.csv")

    with pytest.raises(SourceUnavailable):
        scan_folder(folder / "root", progress=ActsOnce(lambda: shutil.rmtree(folder / "root")))


@linux_only
def test_names_that_differ_only_in_case_or_accents_form_are_kept_and_pointed_out(folder: Path, make: Make) -> None:
    make("Report.csv")
    make("report.csv")
    make("Mu\u0308ller.csv")
    make("M\u00fcller.csv")
    make("Data/a.csv")
    make("data/b.csv")
    make("alone.csv")

    scan = scan_folder(folder)

    decided = {item.path: item.why for item in scan.planned if item.decision is Decision.DECIDE}
    assert set(decided) == {
        "Report.csv",
        "report.csv",
        "Mu\u0308ller.csv",
        "M\u00fcller.csv",
        "Data/a.csv",
        "data/b.csv",
    }
    assert "report.csv" in decided["Report.csv"]
    assert "Data" in decided["data/b.csv"]
    assert len(scan.items) == 7


def test_an_online_only_file_is_never_opened_and_waits_for_a_decision(
    folder: Path, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    online = make("online.csv", "a,b\n").stat().st_ino
    make("local.csv", "a,b\n")
    opened = []
    really_open = filesystem.open_file
    monkeypatch.setattr(filesystem, "is_online_only", lambda status: status.st_ino == online)
    monkeypatch.setattr(filesystem, "open_file", lambda path: (opened.append(Path(path).name), really_open(path))[1])

    scan = scan_folder(folder)

    assert opened == ["local.csv"]
    assert [item.path for item in scan.items] == ["local.csv"]
    assert reasons_of(scan) == {"online.csv": SkipReason.PLACEHOLDER}
    assert plan_of(scan)["online.csv"] is Decision.DECIDE
    plan = MigrationPlan(str(folder), "p", scan.planned, scan.skipped)
    assert [item.path for item in plan.kept] == ["local.csv"]


def test_excluded_folders_are_named_and_expected(folder: Path, make: Make) -> None:
    make("work/a.csv")
    make("work/workspace/pack")

    scan = scan_folder(folder / "work", exclude=[folder / "work" / "workspace", folder / "elsewhere"])

    assert reasons_of(scan) == {"workspace": SkipReason.EXCLUDED}
    assert [item.path for item in scan.items] == ["a.csv"]


def test_a_system_folder_is_left_out_as_a_whole(folder: Path, make: Make) -> None:
    make("$RECYCLE.BIN/S-1-5/old.csv")
    make("a.csv")

    scan = scan_folder(folder)

    assert reasons_of(scan) == {"$RECYCLE.BIN": SkipReason.SYSTEM_FILE}
    assert [item.path for item in scan.items] == ["a.csv"]


@linux_only
def test_odd_but_valid_names_and_deep_folders_are_kept(folder: Path, make: Make) -> None:
    names = ["new\nline.csv", "tab\t.csv", " leading", "trailing. ", "x" * 251 + ".csv", "emoji 🍷.csv", "quote'\".csv"]
    for name in names:
        make(name)
    make("/".join(["deep"] * 200) + "/a.csv")

    scan = scan_folder(folder)

    assert {item.path for item in scan.items} == {*names, "/".join(["deep"] * 200) + "/a.csv"}


@linux_only
def test_a_path_too_long_for_the_system_is_listed_and_the_rest_is_done(folder: Path, make: Make) -> None:
    make("a.csv")
    at = os.open(folder, os.O_RDONLY)
    for _ in range(20):  # 20 × 250 characters are more than Linux' 4,096
        os.mkdir("d" * 250, dir_fd=at)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=at)
        os.close(at)
        at = below
    os.close(at)
    try:
        scan = scan_folder(folder)
    finally:
        shutil.rmtree(folder / ("d" * 250))  # descends by descriptors, so it can

    assert [item.path for item in scan.items] == ["a.csv"]
    assert [item.reason for item in scan.skipped] == [SkipReason.NAME_TOO_LONG]


def test_sparse_files_are_no_placeholders(folder: Path) -> None:
    with (folder / "sparse.bin").open("wb") as file:
        file.truncate(1 << 30)

    (item,) = scan_folder(folder).items

    assert item.size == 1 << 30


def test_cancelling_stops_the_scan(folder: Path, make: Make) -> None:
    make("a/b.csv")
    cancel = CancelSource()
    with pytest.raises(Cancelled):
        scan_folder(folder, progress=ActsOnce(cancel.cancel), cancel=cancel)


def test_progress_counts_everything_found(folder: Path, make: Make) -> None:
    for path in ("a.csv", "b/~$c.xlsx", "b/d.csv"):
        make(path)
    progress = ActsOnce(None)

    scan = scan_folder(folder, progress=progress)

    assert progress.advanced == len(scan.planned) == 3


def test_the_source_is_not_touched(folder: Path, make: Make) -> None:
    make("a.csv")
    make("sub/b.joblib")
    (folder / "empty").mkdir()

    def state() -> dict[Path, tuple[int, int]]:
        return {path: (path.stat().st_mtime_ns, path.stat().st_ctime_ns) for path in [folder, *folder.rglob("*")]}

    before = state()
    scan_folder(folder)
    assert state() == before


def test_the_plan_describes_what_people_recognise(folder: Path, make: Make) -> None:
    make("model.joblib", b"\x80\x05\x95\x10\x00\x00\x00\x00\x00\x00\x00\x8c\x10sklearn.pipeline\x94\x8c\x08Pipeline")
    make("data.csv", "a;b;c\n1;2;3\n")

    described = {item.path: (item.kind, item.description) for item in scan_folder(folder).planned}

    assert described == {
        "data.csv": (FileKind.DATA, "Data, CSV, 3 columns"),
        "model.joblib": (FileKind.MODEL, "Model, scikit-learn (joblib)"),
    }


def test_every_further_file_costs_the_same_few_steps(folder: Path) -> None:
    """Seen to fail with each file compared with those before it in its folder."""
    for extension in ("csv", "py", "R", "json"):
        (folder / f"first.{extension}").write_bytes(b"a,b,c\n1,2,3\n")
    lines = []
    for count in (500, 2000):
        below = folder / f"team {count}"
        below.mkdir()
        for other in range(count):  # further names of the same files: made faster, and looked at just as well
            extension = ("csv", "py", "R", "json")[other % 4]
            (below / f"f{other}.{extension}").hardlink_to(folder / f"first.{extension}")
        lines.append(lines_run(lambda: scan_folder(below)))  # noqa: B023  # called at once
        assert len(scan_folder(below).items) == count
    assert lines[1] - lines[0] < 1500 * 200
    assert lines[1] < 4.2 * lines[0]

"""A workspace is never brought into a project, however the way to it is spelled."""

from __future__ import annotations

import os
import queue
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind, SkipReason
from kronkers_studio.domain.errors import Cancelled, InvalidInput
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.migration import folder_paths
from kronkers_studio.migration.folder_paths import absolute_folder, path_within, same_folder
from kronkers_studio.migration.onedrive import syncing_service
from kronkers_studio.migration.own_folders import OwnFolders
from kronkers_studio.migration.scanning import scan_folder
from kronkers_studio.settings import paths
from kronkers_studio.storage.keys import KEY_FILE_SIZES
from kronkers_studio.workflows.browsing import restore
from kronkers_studio.workflows.migrating import migrate_folder, migrate_folders, plan_migration
from kronkers_studio.workflows.session import Session, create_workspace, workspace_remark
from kronkers_studio.workflows.sources import project_sources
from kronkers_studio.workflows.watching import watch_folders


@pytest.fixture
def inside(tmp_path: Path) -> Iterator[Session]:
    """An open workspace that lies in the folder that is brought in, ``tmp_path / "work"``."""
    work = tmp_path / "work"
    work.mkdir()
    (work / "a.csv").write_text("1,2\n", encoding="utf-8")
    opened, _recovery = create_workspace(work / "ws", key_file=tmp_path / "key")
    with opened:
        yield opened


@pytest.fixture
def mounted(tmp_path: Path) -> Iterator[Path]:
    """A second way to ``tmp_path``, as another file system tells of it."""
    place = Path(str(tmp_path) + "-mounted")
    place.mkdir()
    if (
        sys.platform != "linux"
        or subprocess.run(["mount", "--bind", str(tmp_path), str(place)], check=False).returncode
    ):
        pytest.skip("only root on Linux can mount a folder twice")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def stored(session: Session, project: str = "p") -> set[str]:
    return {entry.path for entry in session.workspace.content.walk(project) if entry.kind is not EntryKind.FOLDER}


def test_a_workspace_reached_through_a_link_is_left_out(inside: Session, tmp_path: Path) -> None:
    link = tmp_path / "OneDrive - Firma"
    link.symlink_to(tmp_path / "work", target_is_directory=True)
    first = migrate_folder(inside, link, "p")
    again = migrate_folder(inside, link, "p")
    assert stored(inside) == {"a.csv"}
    assert [(item.path, item.reason) for item in first.skipped] == [("ws", SkipReason.EXCLUDED)]
    assert not again.changed


def test_a_workspace_opened_through_a_link_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "work", target_is_directory=True)
    (tmp_path / "work" / "a.csv").write_text("1", encoding="utf-8")
    session, _recovery = create_workspace(tmp_path / "link" / "ws", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, tmp_path / "work", "p")
        assert stored(session) == {"a.csv"}


def test_a_workspace_is_left_out_of_a_folder_given_with_dots(
    inside: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "work" / "deep").mkdir()
    monkeypatch.chdir(tmp_path / "work" / "deep")
    result = migrate_folder(inside, Path(".."))
    assert (result.project, stored(inside, "work")) == ("work", {"a.csv"})
    assert [source.folder for source in project_sources(inside, "work")] == [str(tmp_path / "work")]


def test_a_workspace_reached_through_a_second_mount_is_left_out(inside: Session, mounted: Path) -> None:
    migrate_folder(inside, mounted / "work", "p")
    assert stored(inside) == {"a.csv"}


def test_the_packs_of_a_workspace_that_are_mounted_elsewhere_are_left_out(inside: Session, mounted: Path) -> None:
    elsewhere = inside.directory.parent / "elsewhere"
    elsewhere.mkdir()
    subprocess.run(["mount", "--bind", str(inside.directory / "packs"), str(elsewhere)], check=True)
    try:
        result = migrate_folder(inside, inside.directory.parent, "p")
    finally:
        subprocess.run(["umount", str(elsewhere)], check=True)
    assert {item.path for item in result.skipped} == {"ws", "elsewhere"}


@pytest.mark.parametrize("below", ["", "packs", "journal"])
def test_a_workspace_that_is_named_outright_is_refused(inside: Session, tmp_path: Path, below: str) -> None:
    link = tmp_path / "link"
    link.symlink_to(inside.directory, target_is_directory=True)
    migrate_folder(inside, tmp_path / "work", "p")  # makes the journal
    for folder in (inside.directory / below, link / below, inside.directory / "x" / ".." / below):
        with pytest.raises(InvalidInput, match="is a workspace of Kronkers Studio, or lies in one"):
            migrate_folder(inside, folder, "own")
        with pytest.raises(InvalidInput, match="is a workspace of Kronkers Studio"):
            plan_migration(inside, folder, "own")
    assert [project.name for project in inside.workspace.content.projects()] == ["p"]


def test_another_workspace_in_the_folder_is_left_out_and_the_plan_says_so(session: Session, folder: Path) -> None:
    (folder / "a.csv").write_text("1", encoding="utf-8")
    other, _recovery = create_workspace(folder / "deep" / "other", key_file=folder.parent / f"{folder.name}-key")
    other.close()
    plan = plan_migration(session, folder, "p")
    said = {item.path: item.detail for item in plan.skipped}
    assert set(said) == {"deep/other"}
    assert "workspace of Kronkers Studio" in said["deep/other"]
    first = migrate_folder(session, folder, "p")
    (folder / "deep" / "other" / "packs" / "new").write_text("x", encoding="utf-8")
    assert not migrate_folder(session, folder, "p").changed
    assert [item.path for item in first.skipped] == ["deep/other"]
    with pytest.raises(InvalidInput, match="workspace"):
        migrate_folder(session, folder / "deep" / "other", "q")


def test_a_workspace_whose_keys_lie_elsewhere_is_left_out(inside: Session, tmp_path: Path) -> None:
    migrate_folder(inside, tmp_path / "work", "p")  # makes the journal
    layer = tmp_path / "work" / "upper" / "ws"
    shutil.copytree(inside.directory, layer)
    (layer / "keys.json").unlink()  # as in the upper layer of an overlay, which holds what was written since
    migrate_folder(inside, tmp_path / "work", "p")
    assert stored(inside) == {"a.csv"}
    for below in (layer, layer / "packs"):
        with pytest.raises(InvalidInput, match="workspace"):
            migrate_folder(inside, below, "own")


def test_a_folder_that_merely_has_a_file_of_that_name_is_brought_in(session: Session, folder: Path) -> None:
    (folder / "keys.json").write_text("{}", encoding="utf-8")
    (folder / "packs").mkdir()
    (folder / "packs" / "a.csv").write_text("1", encoding="utf-8")
    migrate_folder(session, folder, "p")
    assert stored(session) == {"keys.json", "packs/a.csv"}


def test_the_programs_own_log_and_cache_stay_out(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.csv").write_text("1", encoding="utf-8")
    monkeypatch.setattr(paths, "cache_folder", lambda: folder / "home" / ".cache" / "kronkers")
    monkeypatch.setattr(paths, "log_folder", lambda: folder / "home" / "log")
    for own in (paths.cache_folder(), paths.log_folder()):
        own.mkdir(parents=True)
        (own / "big").write_text("x", encoding="utf-8")
    result = migrate_folder(session, folder, "p")
    assert {item.path for item in result.skipped} == {"home/.cache/kronkers", "home/log"}


def test_a_key_file_stays_out(session: Session, folder: Path) -> None:
    session.workspace.keys.add_key_file(folder / "renamed.txt")
    with (folder / "renamed.txt").open("a", encoding="utf-8") as key:
        key.write("Anna's, of March.\n")
    other, _recovery = create_workspace(folder.parent / f"{folder.name}-other", key_file=folder / "of another.key")
    other.close()
    (folder / "a.csv").write_text("1", encoding="utf-8")
    (folder / "as long.txt").write_bytes(b"x" * KEY_FILE_SIZES[1])
    result = migrate_folder(session, folder, "p")
    shutil.rmtree(folder.parent / f"{folder.name}-other")
    assert {item.path for item in result.skipped} == {"renamed.txt", "of another.key"}
    assert all("whoever has it can open the workspace" in item.detail for item in result.skipped)
    assert stored(session) == {"a.csv", "as long.txt"}


def test_a_change_in_the_workspace_starts_no_run_of_a_watched_folder(inside: Session, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "work", target_is_directory=True)
    syncs: queue.SimpleQueue[bool] = queue.SimpleQueue()
    cancel = CancelSource()

    def run() -> None:
        with pytest.raises(Cancelled):
            watch_folders(
                inside, [link], "p", settle_seconds=0.2, on_sync=lambda result: syncs.put(result.changed), cancel=cancel
            )

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert syncs.get(timeout=20) is True
        for number in range(15):
            (inside.directory / "packs" / f"{number}.new").write_text("x", encoding="utf-8")
            time.sleep(0.1)
        assert syncs.empty()
        (tmp_path / "work" / "b.csv").write_text("2", encoding="utf-8")
        assert syncs.get(timeout=20) is True
        time.sleep(1.5)  # what it wrote itself is no change
        assert syncs.empty()
    finally:
        cancel.cancel()
        thread.join()


def test_another_spelling_of_a_folder_is_the_same_source(
    inside: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = tmp_path / "work"
    link = tmp_path / "link"
    link.symlink_to(work, target_is_directory=True)
    migrate_folder(inside, work, "p")
    os.utime(work / "a.csv", ns=(10**18, 10**18))
    migrate_folder(inside, work, "p")
    for name in ("b.csv", "c.csv"):
        (tmp_path / name).write_text(name, encoding="utf-8")
        os.utime(tmp_path / name, ns=(10**18, 10**18))
    (tmp_path / "b.csv").rename(work / "b.csv")
    again = migrate_folder(inside, link, "p")
    assert again.read_files == 1
    monkeypatch.chdir(work)
    (tmp_path / "c.csv").rename(work / "c.csv")
    assert migrate_folder(inside, Path("../work"), "p").read_files == 1
    assert [source.folder for source in project_sources(inside, "p")] == [str(work)]


def test_one_folder_under_two_names_cannot_be_two_folders_of_a_project(session: Session, folder: Path) -> None:
    link = folder.parent / f"{folder.name}-link"
    link.symlink_to(folder, target_is_directory=True)
    try:
        with pytest.raises(InvalidInput, match="there twice"):
            migrate_folders(session, [folder, link], "p")
    finally:
        link.unlink()


def test_nothing_is_restored_into_a_workspace(inside: Session, tmp_path: Path) -> None:
    migrate_folder(inside, tmp_path / "work", "p")
    link = tmp_path / "link"
    link.symlink_to(inside.directory, target_is_directory=True)
    for target in (inside.directory, inside.directory / "new", link / "packs", inside.directory / "x" / ".."):
        with pytest.raises(InvalidInput, match="workspace"):
            restore(inside, "p", "", target)
    assert not (inside.directory / "new").exists()


def test_a_folder_of_a_project_is_not_restored_over_the_workspace(session: Session, folder: Path) -> None:
    place = session.directory.name
    (folder / place).mkdir()
    (folder / place / "keys.json").write_text("{}", encoding="utf-8")
    (folder / "a.csv").write_text("1", encoding="utf-8")
    migrate_folder(session, folder, "p")
    keys = (session.directory / "keys.json").read_bytes()
    for wanted in ((), (place,), (f"{place}/keys.json",)):
        with pytest.raises(InvalidInput, match="written into one"):
            restore(session, "p", "", session.directory.parent, wanted)
    assert restore(session, "p", "", session.directory.parent, ["a.csv"]).files == 1
    assert (session.directory / "keys.json").read_bytes() == keys


def test_dots_behind_a_link_lead_where_the_system_leads(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a" / "b", target_is_directory=True)
    assert absolute_folder(tmp_path / "link" / ".." / "c") == tmp_path / "a" / "c"
    assert absolute_folder(tmp_path / "link" / "c") == tmp_path / "link" / "c"


def test_dots_are_gone_from_a_path_on_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert absolute_folder(tmp_path / "no" / ".." / "b") == tmp_path / "b"


def test_where_the_disk_has_no_identities_the_way_is_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inside: Session
) -> None:
    monkeypatch.setattr(folder_paths, "identity", lambda _status: None)
    monkeypatch.setattr("kronkers_studio.migration.own_folders.identity", lambda _status: None)
    link = tmp_path / "link"
    link.symlink_to(tmp_path / "work", target_is_directory=True)
    assert [item.path for item in scan_folder(link, exclude=[inside.directory]).items] == ["a.csv"]
    assert same_folder(link, tmp_path / "work")
    assert not same_folder(link, tmp_path)


def test_where_one_folder_lies_in_another_is_told_however_they_are_spelled(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "a", target_is_directory=True)
    assert path_within(tmp_path / "a" / "b", tmp_path / "link") == "b"
    assert path_within(tmp_path / "a", tmp_path / "a" / "b") == ""
    own = OwnFolders([tmp_path / "a"])
    assert own.covers(str(tmp_path / "link" / "b" / "gone" / "file"))
    assert not own.covers(os.fspath(tmp_path / "c"))


@pytest.mark.parametrize(
    ("place", "service"),
    [
        ("OneDrive - Kronkers GmbH/ws", "OneDrive"),
        ("onedrive/x/ws", "OneDrive"),
        ("Dropbox (Firma)/ws", "Dropbox"),
        ("Mobile Documents/com~apple~CloudDocs/ws", "iCloud Drive"),
        ("one/drive/ws", ""),
    ],
)
def test_a_workspace_in_a_synced_folder_gets_a_remark(tmp_path: Path, place: str, service: str) -> None:
    assert syncing_service(tmp_path / place) == service
    assert (service in workspace_remark(tmp_path / place)) if service else workspace_remark(tmp_path / place) == ""

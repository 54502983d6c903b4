"""Suggestions for the wizard, on each system's own layout."""

from __future__ import annotations

from pathlib import Path

from kronkers_studio.migration import find_onedrive_folders


def folders(home: Path, *names: str) -> list[Path]:
    for name in names:
        (home / name).mkdir(parents=True)
    return [home / name for name in names]


def test_windows_names_them_in_the_environment(tmp_path: Path) -> None:
    company, private, other = folders(tmp_path, "OneDrive - Kronkers", "OneDrive", "OneDrive - Verein")
    environ = {"ONEDRIVE": str(company), "OneDriveCommercial": str(company), "OneDriveConsumer": str(private)}

    found = find_onedrive_folders(environ=environ, home=tmp_path, platform="win32")

    assert found == [company, private, other]


def test_a_folder_that_the_environment_names_but_is_gone_is_not_suggested(tmp_path: Path) -> None:
    environ = {"OneDrive": str(tmp_path / "gone")}
    assert find_onedrive_folders(environ=environ, home=tmp_path, platform="win32") == []


def test_the_mac_keeps_them_among_the_cloud_storage(tmp_path: Path) -> None:
    company, private = folders(
        tmp_path, "Library/CloudStorage/OneDrive-Kronkers", "Library/CloudStorage/OneDrive-Personal"
    )
    folders(tmp_path, "Library/CloudStorage/GoogleDrive-x")
    (tmp_path / "OneDrive - Kronkers").symlink_to(company)  # as its client leaves behind

    assert find_onedrive_folders(environ={}, home=tmp_path, platform="darwin") == [company, private]


def test_linux_clients_say_where_or_use_the_usual_name(tmp_path: Path) -> None:
    configured, usual, insync = folders(tmp_path, "work/cloud", "OneDrive", "Insync/me@example.org/OneDrive")
    folders(tmp_path, ".config/onedrive", ".config/onedrive-second")
    (tmp_path / ".config/onedrive/config").write_text('# sync_dir = "~/no"\nsync_dir = "~/work/cloud"\n')
    (tmp_path / ".config/onedrive-second/config").write_text('sync_dir = "~/not there"\n')
    (tmp_path / "OneDrive.txt").write_text("no folder")

    assert find_onedrive_folders(environ={}, home=tmp_path, platform="linux") == [configured, usual, insync]


def test_without_any_there_is_nothing_to_suggest(tmp_path: Path) -> None:
    for platform in ("win32", "darwin", "linux"):
        assert find_onedrive_folders(environ={}, home=tmp_path / "missing", platform=platform) == []


def test_the_real_home_is_asked_when_nothing_is_injected(own_home: Path) -> None:
    (own_home / "OneDrive").mkdir()
    assert find_onedrive_folders() == [own_home / "OneDrive"]


def test_what_was_restored_from_here_is_no_onedrive(tmp_path: Path) -> None:
    """Seen to fail with the folder that was restored offered beside the one that it came from."""
    (real, _restored) = folders(tmp_path, "OneDrive - Nordwind", "OneDrive - Nordwind restored")
    for platform in ("linux", "win32", "darwin"):
        assert find_onedrive_folders(environ={}, home=tmp_path, platform=platform) == [real]

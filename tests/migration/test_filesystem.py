"""The platform differences, with the attributes that each system would report."""

from __future__ import annotations

import errno
import os
import stat
from types import SimpleNamespace
from typing import Any, cast

import pytest

from kronkers_studio.domain.content import SkipReason
from kronkers_studio.migration import filesystem


def _status(**attributes: Any) -> os.stat_result:
    """Only what is looked at: another system's status has attributes that this one cannot make."""
    return cast("os.stat_result", SimpleNamespace(**attributes))


@pytest.mark.parametrize(
    ("platform", "attributes", "online_only"),
    [
        ("win32", {"st_file_attributes": 0x20}, False),
        ("win32", {"st_file_attributes": 0x400020}, True),  # recall on data access: OneDrive's usual placeholder
        ("win32", {"st_file_attributes": 0x40020}, True),  # recall on open
        ("win32", {"st_file_attributes": 0x1020}, True),  # offline: moved to slow storage
        ("win32", {"st_file_attributes": 0x80420}, False),  # pinned, a reparse point: always on this device
        ("darwin", {"st_flags": 0, "st_size": 5, "st_blocks": 8}, False),
        ("darwin", {"st_flags": 0x40000000, "st_size": 5, "st_blocks": 8}, True),  # dataless
        ("darwin", {"st_flags": 0, "st_size": 5, "st_blocks": 0}, True),
        ("darwin", {"st_flags": 0x20, "st_size": 5, "st_blocks": 0}, False),  # compressed into an attribute
        ("darwin", {"st_flags": 0, "st_size": 0, "st_blocks": 0}, False),
        ("linux", {"st_size": 5, "st_blocks": 0}, False),  # sparse
    ],
)
def test_placeholders_are_recognised_from_their_attributes(
    platform: str, attributes: dict[str, int], online_only: bool
) -> None:
    assert filesystem.is_online_only(_status(**attributes), platform) is online_only


def test_a_junction_is_recognised_and_onedrives_own_folders_are_none() -> None:
    assert filesystem.is_junction(_status(st_reparse_tag=0xA0000003))
    assert not filesystem.is_junction(_status(st_reparse_tag=0x9000601A))
    assert not filesystem.is_junction(_status())


def test_the_fingerprint_leaves_out_the_inode_where_listing_does_not_give_it() -> None:
    status = _status(st_size=1, st_mtime_ns=2, st_ino=2**64 - 1)
    assert filesystem.fingerprint(status, "linux") == (1, 2, 2**63 - 1)
    assert filesystem.fingerprint(status, "win32") == (1, 2, 0)


def test_windows_has_no_executable_bit() -> None:
    assert filesystem.is_executable(_status(st_mode=0o100755), "linux")
    assert not filesystem.is_executable(_status(st_mode=0o100644), "linux")
    assert not filesystem.is_executable(_status(st_mode=0o100755), "win32")


@pytest.mark.parametrize(
    ("platform", "root", "path", "expected"),
    [
        ("linux", "/home/a", "b/c.csv", "/home/a/b/c.csv"),
        ("linux", "/home/a", "", "/home/a"),
        ("win32", "C:\\Users\\a", "b/c.csv", "\\\\?\\C:\\Users\\a\\b\\c.csv"),
        ("win32", "C:\\Users\\a", "", "\\\\?\\C:\\Users\\a"),
        ("win32", "D:\\", "b/c.csv", "\\\\?\\D:\\b\\c.csv"),
        ("win32", "\\\\server\\share\\a", "b.csv", "\\\\?\\UNC\\server\\share\\a\\b.csv"),
        ("win32", "\\\\?\\C:\\a", "b.csv", "\\\\?\\C:\\a\\b.csv"),
    ],
)
def test_paths_are_put_as_the_system_opens_them_at_any_length(
    platform: str, root: str, path: str, expected: str
) -> None:
    assert filesystem.system_path(root, path, platform) == expected


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (errno.ENOENT, SkipReason.VANISHED),
        (errno.ENOTDIR, SkipReason.VANISHED),
        (errno.EACCES, SkipReason.NO_PERMISSION),
        (errno.ELOOP, SkipReason.SPECIAL_FILE),
        (errno.ENAMETOOLONG, SkipReason.NAME_TOO_LONG),
        (errno.EIO, SkipReason.READ_ERROR),
    ],
)
def test_every_failure_has_a_reason_and_a_sentence(number: int, reason: SkipReason) -> None:
    problem = filesystem.problem_of("a/b.csv", OSError(number, "why"), folder=True)
    assert (problem.path, problem.reason) == ("a/b.csv", reason)
    assert "everything in it" in problem.detail


def test_a_file_that_another_windows_program_holds_is_said_to_be_open_there() -> None:
    error = PermissionError(13, "denied")
    error.winerror = 32  # type: ignore[attr-defined,unused-ignore]  # Windows has it
    assert "another program" in filesystem.problem_of("a.xlsx", error).detail


def test_what_stands_where_a_file_is_expected_is_named() -> None:
    assert "device" in filesystem.special_file_detail(stat.S_IFBLK | 0o600)
    assert "folder" in filesystem.special_file_detail(stat.S_IFDIR | 0o700)

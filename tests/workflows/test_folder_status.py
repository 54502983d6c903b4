"""How a folder stands to a branch, and that an untouched one is not looked into to say so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.content import SkipReason
from kronkers_studio.domain.migration import FolderStatus, MigrationOptions
from kronkers_studio.workflows import migrating
from kronkers_studio.workflows.migrating import folder_status, migrate_folder
from kronkers_studio.workflows.migration import folder_access
from kronkers_studio.workflows.session import Session

_OLD = 1_700_000_000_000_000_000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Files, a link, an empty folder, and what Excel has there while it has a workbook open; all at rest."""
    top = tmp_path / "source"
    for name in ("a.csv", "below/b.csv", "below/deeper/c.txt", "below/~$b.xlsx"):
        (top / name).parent.mkdir(parents=True, exist_ok=True)
        (top / name).write_text("a,b\n1,2\n", encoding="utf-8")
    (top / "empty").mkdir()
    (top / "link").symlink_to("a.csv")
    for path in top.rglob("*"):
        os.utime(path, ns=(_OLD, _OLD), follow_symlinks=False)
    return top


def _by_its_plan(session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch) -> FolderStatus:
    with monkeypatch.context() as patched:
        patched.setattr(migrating, "_whole_project", lambda *_words: None)
        return folder_status(session, folder, "p")


def test_an_untouched_folder_is_said_to_be_so_without_a_plan(
    session: Session, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with empty folders left out of the number, and with the skipped ones of none."""
    migrate_folder(session, folder, "p")
    planned = _by_its_plan(session, folder, monkeypatch)
    assert (planned.unchanged, [item.reason for item in planned.skipped]) == (5, [SkipReason.LOCK_FILE])

    def scanned(*_words: Any, **_named: Any) -> None:
        pytest.fail("it was looked through")

    monkeypatch.setattr(folder_access, "scan_source", scanned)
    assert folder_status(session, folder, "p") == planned


def test_a_touched_folder_is_compared(session: Session, folder: Path) -> None:
    migrate_folder(session, folder, "p")
    (folder / "below" / "b.csv").write_text("a,b\n1,3\n", encoding="utf-8")
    (folder / "a.csv").unlink()
    found = folder_status(session, folder, "p")
    assert [item.path for item in found.fresh] == ["below/b.csv"]
    assert (found.gone, found.unchanged) == (("a.csv",), 3)


def test_a_folder_that_is_not_all_of_its_project_is_compared(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to count what another folder brought, when only the branch's head is looked at."""
    other = tmp_path / "other"
    other.mkdir()
    (other / "one.txt").write_text("one\n", encoding="utf-8")
    os.utime(other / "one.txt", ns=(_OLD, _OLD))
    migrate_folder(session, other, "p", into="beside")
    migrate_folder(session, folder, "p", into="here")
    found = folder_status(session, folder, "p")
    assert (found.fresh, found.gone, found.unchanged) == ((), (), 5)
    assert found == _by_its_plan(session, folder, monkeypatch)


def test_rules_are_kept_to(session: Session, folder: Path) -> None:
    migrate_folder(session, folder, "p", options=MigrationOptions(exclude=("*.txt",)))
    found = folder_status(session, folder, "p")
    assert (found.fresh, found.unchanged) == ((), 5)  # a folder with nothing else is now an empty one

"""Cleaning up between a migration's storing and its commit: the migration reads what it lacks once more, unasked."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.content import SourceItem
from kronkers_studio.domain.errors import StorageFull
from kronkers_studio.domain.migration import MigrationOptions
from kronkers_studio.migration import FolderSource
from kronkers_studio.workflows.browsing import check_workspace, restore
from kronkers_studio.workflows.keys import drill_recovery_key, list_keys, renew_recovery_key
from kronkers_studio.workflows.maintenance import clean_up
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import Session, create_workspace, open_workspace
from kronkers_studio.workflows.trash import empty_trash, remove_project


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        yield opened


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    chance = random.Random(1)
    (tmp_path / "source").mkdir()
    for number in range(20):
        (tmp_path / "source" / f"{number}.bin").write_bytes(chance.randbytes(5000))
    return tmp_path / "source"


def test_a_migration_survives_a_cleaning_up_of_what_it_shares(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with ``ContentCleanedUp`` not caught."""
    migrate_folder(session, folder, "old")
    remove_project(session, "old")
    empty_trash(session)
    content = session.workspace.content
    commit, times = content.commit, 0

    def cleaned_up_before(*arguments: Any, **named: Any) -> Any:
        nonlocal times
        times += 1
        if times == 1:
            later = datetime.now(UTC) + timedelta(days=15)
            assert session.workspace.clean_up(author="bob", clock=lambda: later).freed > 100_000
        return commit(*arguments, **named)

    monkeypatch.setattr(content, "commit", cleaned_up_before)
    result = migrate_folder(session, folder, "new")
    assert (times, result.changed, result.files) == (2, True, 20)
    assert restore(session, "new", "", tmp_path / "out").files == 20
    for file in folder.iterdir():
        assert (tmp_path / "out" / file.name).read_bytes() == file.read_bytes()
    assert check_workspace(session, read_data=True).problems == ()
    assert clean_up(session, dry_run=True).freed == 0


def test_what_a_run_did_not_look_at_is_not_taken_for_there_after_a_cleaning_up(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when the stat cache keeps what this run's rules left out."""
    for file in folder.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))  # long at rest, so that they are taken for unchanged
    migrate_folder(session, folder, "p")
    remove_project(session, "p")
    empty_trash(session)
    later = datetime.now(UTC) + timedelta(days=15)
    assert session.workspace.clean_up(author="bob", clock=lambda: later).freed > 100_000

    def full(*_arguments: Any, **_named: Any) -> Any:
        raise StorageFull("The disk is full.")

    with (
        open_workspace(session.directory, key_file=tmp_path / "key") as another,
        monkeypatch.context() as patch,
        pytest.raises(StorageFull),
    ):
        patch.setattr(another.workspace.content, "commit", full)
        migrate_folder(another, folder, "p", options=MigrationOptions(exclude=("7.bin",)))
    with open_workspace(session.directory, key_file=tmp_path / "key") as another:
        assert migrate_folder(another, folder, "p").files == 20
        assert check_workspace(another, read_data=True).problems == ()
        restore(another, "p", "", tmp_path / "out")
    assert (tmp_path / "out" / "7.bin").read_bytes() == (folder / "7.bin").read_bytes()


def test_what_grew_while_a_run_read_it_is_not_taken_for_there_when_it_is_as_it_was_before_a_cleaning_up(
    session: Session, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when the stat cache keeps what it knew of such a file: no run has found that in the store since."""
    for file in folder.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))  # long at rest, so that they are taken for unchanged
    log = folder / "7.bin"
    before = log.read_bytes()
    migrate_folder(session, folder, "p")
    remove_project(session, "p")
    empty_trash(session)
    later = datetime.now(UTC) + timedelta(days=15)
    assert session.workspace.clean_up(author="bob", clock=lambda: later).freed > 100_000
    log.write_bytes(b"new")
    really = FolderSource.read_whole

    def grown(source: FolderSource, item: SourceItem) -> tuple[SourceItem, bytes] | None:
        if item.path == log.name:
            log.write_bytes(b"newer")
        return really(source, item)

    with open_workspace(session.directory, key_file=tmp_path / "key") as another, monkeypatch.context() as patch:
        patch.setattr(FolderSource, "read_whole", grown)
        assert migrate_folder(another, folder, "p").files == 20
    log.write_bytes(before)
    os.utime(log, (1_700_000_000, 1_700_000_000))
    with open_workspace(session.directory, key_file=tmp_path / "key") as another:
        assert migrate_folder(another, folder, "p").files == 20
        assert check_workspace(another, read_data=True).problems == ()


def test_the_date_of_a_drill_belongs_to_the_key_that_was_tried_out(session: Session) -> None:
    printed, _ = renew_recovery_key(session)
    drilled = drill_recovery_key(session, printed)
    assert drilled.drilled is not None
    assert {slot.kind: slot.drilled for slot in list_keys(session)} == {"recovery": drilled.drilled, "key-file": None}
    renew_recovery_key(session)
    assert all(slot.drilled is None for slot in list_keys(session))
    events = [(event.kind.value, event.way) for event in session.workspace.ledger.key_events()]
    assert events[:3] == [("removed", "recovery"), ("added", "recovery"), ("drilled", "recovery")] and len(events) == 5

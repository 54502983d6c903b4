"""A workspace from elsewhere, whose database holds anything: each look at it ends in an answer or in its damage."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlcipher3 import dbapi2

from kronkers_studio.domain.changes import KeyChanged
from kronkers_studio.domain.errors import StoreDamaged, StudioError
from kronkers_studio.domain.maintenance import KeyEventKind, TrashKind
from kronkers_studio.registry import Workspace, open_workspace
from kronkers_studio.storage.keys import Unlock
from kronkers_studio.storage.stored_text import from_stored
from tests.registry.kinds import BringIn
from tests.release_numbers import next_release_number

_TEXTS = ("", "\x1b[31mred\nSound", "nope", "[]", "null", '{"branches": "m"}', '{"branches": [1]}', "[" * 100_000)
_OTHER = (*_TEXTS, -1, 1.5, b"blob", 2**62)

_METRICS = '{"model": "m", "version": %d, "metrics": {"a": 1}, "at": "2026-01-01T00:00:00+00:00", "author": "ann"}'


@pytest.fixture
def used(workspace: Workspace, folder: Path, bring_in: BringIn) -> Workspace:
    """With a project, a tag, a branch in the trash, and a key that was added."""
    bring_in(folder, "p")
    bring_in(folder, "p", "gone")
    workspace.versions.set_tag("p", "t", author="ann")
    workspace.trash.put(TrashKind.BRANCH, "p", "gone", author="ann")
    workspace.ledger.record(KeyChanged(datetime.now(UTC), KeyEventKind.ADDED, "1", "key-file", "ann"), author="ann")
    return workspace


def _looks(workspace: Workspace) -> list[Callable[[], object]]:
    return [
        workspace.content.projects,
        lambda: workspace.versions.tags("p"),
        workspace.trash.items,
        lambda: [workspace.trash.restore(item.id, author="ann") for item in workspace.trash.items()],
        workspace.ledger.key_events,
        lambda: list(workspace.content.walk("p")),
        lambda: workspace.content.check(read_data=True),
        lambda: workspace.clean_up(author="ann"),
        lambda: workspace.trash.empty(author="ann"),
        lambda: next_release_number(workspace.ledger, "m", "here"),
    ]


@pytest.mark.parametrize(
    ("table", "column"),
    [
        ("trash", "document"),
        ("trash", "kind"),
        ("trash", "removed"),
        ("trash", "name"),
        ("projects", "created"),
        ("tags", "created"),
        ("key_events", "at"),
        ("key_events", "event"),
        ("commits", "tree"),
        ("objects", "pack"),
        ("objects", "offset"),
        ("objects", "stored"),
        ("objects", "length"),
        ("objects", "type"),
        ("packs", "size"),
    ],
)
def test_a_row_that_somebody_wrote_otherwise_ends_in_an_answer_or_a_sentence(
    used: Workspace, table: str, column: str
) -> None:
    for value in _OTHER:
        with used.database.write() as connection, contextlib.suppress(dbapi2.IntegrityError):
            connection.execute(f'UPDATE "{table}" SET "{column}" = ?', (value,))  # noqa: S608
        for look in _looks(used):
            with contextlib.suppress(StudioError):
                look()


def test_a_commit_that_names_no_tree_is_damage(used: Workspace) -> None:
    with used.database.write() as connection:
        connection.execute('UPDATE commits SET document = replace(document, \'"tree":"\', \'"tree":"[[\')')
    for look in (lambda: list(used.content.walk("p")), lambda: used.content.find("p", "", "x")):
        with pytest.raises(StoreDamaged, match="of another form"):
            look()


@pytest.mark.parametrize("version", ["\x1b[31mred", "", "0", "00011", "abc"])
def test_a_database_of_no_version_that_there_is_is_said(
    used: Workspace, directory: Path, key_file: Path, version: str
) -> None:
    with used.database.write() as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    used.close()
    with pytest.raises(StudioError) as said:
        open_workspace(directory, Unlock(key_file=key_file))
    assert "newer" in said.value.message or "of no version" in said.value.details


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        *[
            (kind, change)
            for kind in ("ProjectCreated", "Trashed", "nope")
            for change in ("[]", "null", '{"name": []}')
        ],
        ("MetricsAdded", _METRICS % 10**30),
        ("MetricsAdded", _METRICS % 1),
    ],
)
def test_an_entry_of_the_journal_that_somebody_wrote_otherwise_is_said_when_it_is_replayed(
    used: Workspace, kind: str, change: str
) -> None:
    with used.database.write() as connection:
        connection.execute("UPDATE journal SET kind = ?, change = ? WHERE number = 2", (kind, change))
    with used.database.write() as connection, pytest.raises(StudioError):
        used.ledger._journal.replay(used.ledger.entries(1, 1), connection)


@pytest.mark.parametrize("stored", ["\U0010ffffffffff", "\U0010ffff110000", "\U0010ffff00e000", "\U0010ffff"])
def test_a_text_that_no_text_of_ours_is_stored_as_stays_as_it_is(stored: str) -> None:
    assert from_stored(stored) == stored

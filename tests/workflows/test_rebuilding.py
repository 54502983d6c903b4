"""A workspace that does not open, or misbehaves, because of its database is told from one that is damaged elsewhere."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio import registry
from kronkers_studio.domain.errors import (
    IndexDamaged,
    JournalIncomplete,
    StoreDamaged,
    WorkspaceBusy,
    WorkspaceError,
    WrongKey,
)
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.storage.database import Database
from kronkers_studio.workflows.browsing import check_workspace, list_projects
from kronkers_studio.workflows.maintenance import index_damage_met, rebuild_mends, rebuild_registry
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.session import create_workspace, open_workspace
from tests.damage import damage_behind_the_schema

Damage = Callable[[Path], object]


def _flip_pages(database: Path) -> None:
    """A bit in every page but the first, which opening needs."""
    content = bytearray(database.read_bytes())
    for at in range(4096 + 900, len(content), 4096):
        content[at] ^= 1
    database.write_bytes(content)


_DAMAGES: dict[str, Damage] = {
    "missing": lambda database: database.unlink(),
    "empty": lambda database: database.write_bytes(b""),
    "first page overwritten": lambda database: database.write_bytes(bytes(4096) + database.read_bytes()[4096:]),
    "cut off": lambda database: database.write_bytes(database.read_bytes()[:9000]),
    "all pages": _flip_pages,
}


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    """Two projects, brought in one after the other; it opens by its key file, or by a passphrase."""
    directory = tmp_path / "workspace"
    session, _ = create_workspace(directory, key_file=tmp_path / "key", passphrase=Secret("correct horse"))
    with session:
        for name in ("first", "second"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "data.csv").write_text(f"name\n{name}\n", encoding="utf-8")
            migrate_folder(session, tmp_path / name)
    return directory


def _projects(workspace: Path) -> list[str]:
    with open_workspace(workspace) as session:
        return [project.name for project in list_projects(session)]


@pytest.mark.parametrize("damage", _DAMAGES)
def test_a_workspace_whose_database_cannot_be_opened_says_so_and_a_rebuild_mends_it(
    workspace: Path, damage: str
) -> None:
    """An empty database was seen to open as an empty workspace."""
    _DAMAGES[damage](workspace / "metadata.db")
    with pytest.raises(IndexDamaged) as raised:
        open_workspace(workspace)
    assert raised.value.missing is (damage == "missing")
    assert "kronkers registry rebuild" in raised.value.next_step
    rebuild_registry(workspace)
    assert _projects(workspace) == ["first", "second"]


def test_a_wrong_key_comes_before_a_damaged_database(workspace: Path) -> None:
    (workspace / "metadata.db").unlink()
    with pytest.raises(WrongKey):
        open_workspace(workspace, passphrase=Secret("wrong"))
    with pytest.raises(IndexDamaged):
        open_workspace(workspace, passphrase=Secret("correct horse"))


@pytest.mark.parametrize("damage", ["keys", "packs"])
def test_what_a_rebuild_does_not_mend_is_not_called_a_damaged_index(workspace: Path, damage: str) -> None:
    if damage == "keys":
        (workspace / "keys.json").write_text("{", encoding="utf-8")
    else:
        shutil.rmtree(workspace / "packs")
    with pytest.raises(StoreDamaged) as raised:
        open_workspace(workspace)
    assert not isinstance(raised.value, IndexDamaged)


def test_damage_met_in_an_open_workspace_is_the_indexs_only_when_it_is(workspace: Path) -> None:
    failure = StoreDamaged("An object is not what was written.")
    with open_workspace(workspace) as session:
        assert index_damage_met(session, failure) is None
    damage_behind_the_schema(workspace, "journal", "commits")
    with open_workspace(workspace) as session:
        assert isinstance(index_damage_met(session, failure), IndexDamaged)


def test_damage_to_another_database_is_not_taken_for_that_of_the_index(workspace: Path) -> None:
    """Its advice names the rebuild of metadata.db, too. Seen to fail when the words of the advice decided."""
    other = Database(workspace / "series.db", b"k" * 32, durable=False)
    with other.write() as connection:
        connection.execute("CREATE TABLE there (number INTEGER)")
    other.path.unlink()
    with open_workspace(workspace) as session:
        with pytest.raises(StoreDamaged, match="missing") as raised, other.read():
            pass
        assert index_damage_met(session, raised.value) is None
    other.close()


def test_an_older_database_put_back_is_said_to_be_the_index(workspace: Path, tmp_path: Path) -> None:
    backup = Path(shutil.copy2(workspace / "metadata.db", tmp_path / "backup"))
    folder = tmp_path / "first"
    with open_workspace(workspace) as session:
        for number in range(3):
            (folder / "more.txt").write_text(str(number), encoding="utf-8")
            migrate_folder(session, folder)
    shutil.copy2(backup, workspace / "metadata.db")
    with open_workspace(workspace) as session:
        assert rebuild_mends(check_workspace(session))
        (folder / "more.txt").write_text("later", encoding="utf-8")
        with pytest.raises(StoreDamaged) as raised:
            migrate_folder(session, folder)
        found = index_damage_met(session, raised.value)
        assert found is not None
        assert not found.missing
    rebuild_registry(workspace)
    with open_workspace(workspace) as session:
        assert not rebuild_mends(check_workspace(session))


def test_lost_changes_are_told_apart_from_other_damage_and_given_up_only_when_asked(workspace: Path) -> None:
    file = next((workspace / "journal").iterdir())
    content = bytearray(file.read_bytes())
    second = content.find(b"KOBJ", content.find(b"KOBJ") + 1)
    content[second + 100] ^= 1
    file.write_bytes(content)
    (workspace / "metadata.db").unlink()
    with pytest.raises(JournalIncomplete, match="lost"):
        rebuild_registry(workspace)
    assert not (workspace / "metadata.db").exists()
    problems = rebuild_registry(workspace, accept_loss=True).problems
    assert problems[0].startswith("The last journal file ends in bytes that cannot be read")
    assert problems[1:] == ("Entries 4 to 4 of the journal are lost.",)
    assert len(_projects(workspace)) < 2


def test_a_database_that_another_program_has_open_on_windows_is_said_to_be_in_use(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Simulated: only there a file that is open cannot be renamed."""

    def refused(*_: object, **_named: object) -> None:
        sharing = PermissionError(13, "The process cannot access the file because it is being used")
        sharing.winerror = 32  # type: ignore[attr-defined]  # set by Windows only
        raise WorkspaceError("You have no permission for metadata.db.") from sharing

    monkeypatch.setattr(registry, "rebuild_workspace", refused)
    with pytest.raises(WorkspaceBusy, match="open"):
        rebuild_registry(workspace)

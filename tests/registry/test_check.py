"""`check` finds whatever is not as it was written, goes on after it, and never calls healthy what it did not read."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from kronkers_studio.domain.changes import ProjectCreated
from kronkers_studio.domain.content import AffectedFile
from kronkers_studio.domain.errors import Cancelled, StoreDamaged, StudioError
from kronkers_studio.domain.maintenance import TrashKind
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.registry import Workspace, open_workspace
from kronkers_studio.registry.metadata import statements
from kronkers_studio.registry.metadata.journal_files import LoggedJournal
from kronkers_studio.registry.store.packs import PACK_HEADER_SIZE
from kronkers_studio.registry.store.records import HEADER_SIZE
from kronkers_studio.storage.keys import Unlock
from tests.registry.kinds import BringIn


@pytest.fixture
def filled(workspace: Workspace, folder: Path, bring_in: BringIn) -> Workspace:
    (folder / "large.bin").write_bytes(random.Random(3).randbytes(1_100_000))
    bring_in(folder)
    return workspace


def _pack(workspace: Workspace) -> Path:
    return sorted((workspace.directory / "packs").iterdir())[-1]


def _flip(file: Path, at: int, bits: int = 1) -> None:
    with file.open("r+b") as stream:
        stream.seek(at)
        byte = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([byte ^ bits]))


def _after_the_first_look(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, something: Callable[[], object]
) -> None:
    """Do ``something`` when the index has been asked which packs there are, once."""
    index = workspace.store.index
    packs = index.packs

    def looked() -> dict[int, int]:
        found = packs()
        monkeypatch.setattr(index, "packs", packs)
        something()
        return found

    monkeypatch.setattr(index, "packs", looked)


def test_a_good_workspace_is_healthy_and_the_report_says_what_was_read(filled: Workspace) -> None:
    structure = filled.content.check()
    data = filled.content.check(read_data=True)
    assert structure.healthy and not structure.read_data and structure.bytes_read == 0
    assert data.healthy and data.read_data and data.bytes_read == _pack(filled).stat().st_size
    assert (data.packs, data.commits, data.journal_entries) == (1, 1, 3) and data.objects > 35


def test_a_flipped_byte_anywhere_in_a_pack_is_found(filled: Workspace) -> None:
    """Every field of the pack's header and of a record's, and other places. Seen to fail with the pack's header not
    compared."""
    pack = _pack(filled)
    size = pack.stat().st_size
    with filled.database.read() as connection:
        offsets = [row["offset"] for row in statements.select(connection, statements.OBJECTS, order=("offset",))]
    chance = random.Random(6)
    places = {
        *range(0, PACK_HEADER_SIZE, 3),
        *range(offsets[0], offsets[0] + HEADER_SIZE, 2),
        offsets[1] - 1,
        *range(offsets[-1], offsets[-1] + HEADER_SIZE, 9),
        size - 1,
        *(chance.randrange(size) for _ in range(10)),
    }
    for at in sorted(places):
        bits = 1 << chance.randrange(8)
        _flip(pack, at, bits)
        report = filled.content.check(read_data=True)
        assert not report.healthy, f"byte {at} of {size}"
        assert report.bytes_read == size
        _flip(pack, at, bits)
    assert filled.content.check(read_data=True).healthy


def test_damage_in_many_places_is_all_found(filled: Workspace) -> None:
    with filled.database.read() as connection:
        offsets = [row["offset"] for row in statements.select(connection, statements.OBJECTS, order=("offset",))]
    hit = offsets[3::7]
    assert len(hit) > 3
    for number, offset in enumerate(hit):
        _flip(_pack(filled), offset + (5 if number % 2 else HEADER_SIZE + 3))
    problems = " ".join(filled.content.check(read_data=True).problems)
    for offset in hit:
        assert f"byte {offset}:" in problems or f"bytes {offset} to" in problems


def test_damaged_bytes_are_never_given_out_as_good(filled: Workspace, tmp_path: Path) -> None:
    entry = filled.content.find("project", "", "large.bin")
    with filled.database.read() as connection:
        (row,) = statements.select(connection, statements.OBJECTS, id=entry.content[-1])
    _flip(_pack(filled), row["offset"] + HEADER_SIZE + 100)
    with pytest.raises(StoreDamaged):
        filled.content.read(entry)
    with pytest.raises(StoreDamaged):
        filled.content.restore("project", "", tmp_path / "out")
    assert not (tmp_path / "out" / "large.bin").exists()
    assert list((tmp_path / "out").rglob("*.part")) == []


def _offset(workspace: Workspace, id: bytes) -> int:
    with workspace.database.read() as connection:
        (row,) = statements.select(connection, statements.OBJECTS, id=id)
    return int(row["offset"])


def test_a_check_names_the_files_that_damage_concerns_in_the_newest_version_that_has_them(
    filled: Workspace, folder: Path, bring_in: BringIn
) -> None:
    first = filled.content.resolve("project")
    large = filled.content.find("project", "", "large.bin")
    (folder / "large.bin").unlink()
    (folder / "deep" / "er").mkdir(parents=True)
    (folder / "deep" / "er" / "kept.txt").write_text("kept", encoding="utf-8")
    second, _, _ = bring_in(folder)
    kept = filled.content.find("project", "", "deep/er/kept.txt")
    for id in (large.content[-1], kept.content[0]):
        _flip(_pack(filled), _offset(filled, id) + HEADER_SIZE + 3)
    report = filled.content.check(read_data=True)
    assert report.affected == (
        AffectedFile("project", "deep/er/kept.txt", second.id),
        AffectedFile("project", "large.bin", first.id),
    )
    assert report.affected_count == 2
    assert filled.content.check().affected == ()  # it has not read them


def test_a_folder_that_cannot_be_listed_is_named_and_what_lies_beside_it_too(
    filled: Workspace, folder: Path, bring_in: BringIn
) -> None:
    for name in ("one", "two"):
        (folder / "deep" / name).mkdir(parents=True)
        (folder / "deep" / name / "x.txt").write_text(name, encoding="utf-8")
    bring_in(folder)
    tree = filled.content.find("project", "", "deep/one").content[0]
    chunk = filled.content.find("project", "", "deep/two/x.txt").content[0]
    _flip(_pack(filled), _offset(filled, tree) + HEADER_SIZE + 3)
    assert [each.path for each in filled.content.check().affected] == ["deep/one"]
    _flip(_pack(filled), _offset(filled, chunk) + HEADER_SIZE + 3)
    report = filled.content.check(read_data=True)
    assert [each.path for each in report.affected] == ["deep/one", "deep/two/x.txt"]


def test_of_many_affected_files_the_first_are_named_and_all_are_counted(
    filled: Workspace, folder: Path, bring_in: BringIn
) -> None:
    for number in range(30):
        (folder / f"new {number:02d}.txt").write_text(f"new {number}", encoding="utf-8")
    bring_in(folder)
    for number in range(30):
        chunk = filled.content.find("project", "", f"new {number:02d}.txt").content[0]
        _flip(_pack(filled), _offset(filled, chunk) + HEADER_SIZE + 3)
    report = filled.content.check(read_data=True)
    assert [each.path for each in report.affected] == [f"new {number:02d}.txt" for number in range(20)]
    assert report.affected_count == 30


def test_of_a_lost_pack_all_files_are_named(filled: Workspace) -> None:
    _pack(filled).unlink()
    report = filled.content.check()
    assert [(each.project, each.path) for each in report.affected] == [("project", "")]


def test_a_missing_and_a_shortened_pack_are_found(filled: Workspace) -> None:
    pack = _pack(filled)
    content = pack.read_bytes()
    pack.write_bytes(content[:-10])
    assert any("cut off" in problem for problem in filled.content.check().problems)
    filled.close()
    pack.unlink()
    assert any("missing" in problem for problem in filled.content.check().problems)


def test_an_index_that_is_wrong_is_found(filled: Workspace) -> None:
    content = filled.content.find("project", "", "sales 03 copy.csv").content
    with filled.database.write() as connection:
        statements.delete(connection, statements.OBJECTS, id=content[0])
    report = filled.content.check()
    assert any("which a commit needs, is missing" in problem for problem in report.problems)
    assert any("another object here" in problem for problem in filled.content.check(read_data=True).problems)


def test_every_flipped_byte_of_the_database_and_key_file_is_found(filled: Workspace, key_file: Path) -> None:
    """Bytes of the closed database; none may crash the check, whether the workspace still opens or not."""
    filled.close()
    chance = random.Random(9)
    for name in ("metadata.db", "keys.json"):
        file = filled.directory / name
        size = file.stat().st_size
        for at in (0, 20, size - 1, *(chance.randrange(size) for _ in range(25))):
            _flip(file, at)
            try:
                with open_workspace(filled.directory, Unlock(key_file=key_file)) as damaged:
                    assert not damaged.content.check(read_data=True).healthy, f"byte {at} of {name}"
            except StudioError:
                pass  # it does not even open: loud enough
            _flip(file, at)
            (filled.directory / "metadata.db-wal").unlink(missing_ok=True)
            (filled.directory / "metadata.db-shm").unlink(missing_ok=True)
    with open_workspace(filled.directory, Unlock(key_file=key_file)) as good:
        assert good.content.check(read_data=True).healthy


@pytest.mark.parametrize("read_data", [False, True])
def test_what_is_brought_in_while_a_check_runs_is_not_called_damage(
    filled: Workspace, bring_in: BringIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_data: bool
) -> None:
    """A pack that the check knows grows. Seen to fail with the size that it had at the start."""
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "new.bin").write_bytes(random.Random(4).randbytes(100_000))
    _after_the_first_look(filled, monkeypatch, lambda: bring_in(tmp_path / "more", project="more"))
    report = filled.content.check(read_data=read_data)
    assert report.problems == () and report.commits == 2


@pytest.mark.parametrize("read_data", [False, True])
def test_what_is_cleaned_up_while_a_check_runs_is_not_called_damage(
    filled: Workspace, bring_in: BringIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, read_data: bool
) -> None:
    """A pack that the check knows is written anew. Seen to fail when it was not checked once more."""
    (tmp_path / "gone").mkdir()
    (tmp_path / "gone" / "gone.bin").write_bytes(random.Random(4).randbytes(900_000))
    bring_in(tmp_path / "gone", project="gone")
    filled.trash.put(TrashKind.PROJECT, "gone", "", author="ann")
    filled.trash.empty(author="ann")

    later = datetime.now(UTC) + timedelta(days=15)
    _after_the_first_look(filled, monkeypatch, lambda: filled.clean_up(author="ann", clock=lambda: later))
    before = _pack(filled).stat().st_size
    report = filled.content.check(read_data=read_data)
    assert report.problems == () and (report.packs, report.commits) == (1, 1)
    assert (after := _pack(filled).stat().st_size) < before
    assert report.bytes_read == (after if read_data else 0)


def test_damage_is_found_also_by_a_check_beside_a_cleaning_up(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    index, generations = filled.store.index, iter((1, 2, 2, 2))
    monkeypatch.setattr(index, "generation", lambda: next(generations))
    _flip(_pack(filled), PACK_HEADER_SIZE + HEADER_SIZE + 5)
    (problem,) = filled.content.check(read_data=True).problems
    assert "Pack 00000001" in problem and "is damaged: its bytes are not as they were written" in problem


def test_changes_that_are_made_while_a_check_runs_are_not_called_missing(
    filled: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail with the database's entries read before the journal's files only, and after them only."""
    log = filled.ledger._journal.log
    assert log is not None
    read = log.read

    def beside() -> LoggedJournal:
        for number in range(3):
            filled.ledger.record(ProjectCreated(f"before {number}", datetime.now(UTC)), author="ann")
        found = read()
        filled.ledger.record(ProjectCreated("after", datetime.now(UTC)), author="ann")
        return found

    monkeypatch.setattr(log, "read", beside)
    assert filled.content.check().problems == ()


def test_a_check_can_be_cancelled(filled: Workspace) -> None:
    cancel = CancelSource()
    cancel.cancel()
    with pytest.raises(Cancelled):
        filled.content.check(read_data=True, cancel=cancel)

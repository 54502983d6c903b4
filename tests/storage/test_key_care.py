"""Ways of opening a workspace are added, removed, renewed and tried out; a crash leaves the old or the new ones."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import (
    AlreadyExists,
    InvalidInput,
    KeyUnavailable,
    NotFound,
    Refused,
    StoreDamaged,
    WorkspaceBusy,
    WrongKey,
)
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.storage import key_ring as key_care_module
from kronkers_studio.storage import keys
from kronkers_studio.storage.key_ring import KeyRing
from kronkers_studio.storage.keys import ArgonCost, MasterKey, Protection, Unlock, create_keys, open_keys
from kronkers_studio.storage.writer_lock import WriterLock
from tests.lab.secret_service import SecretService

CHEAP = ArgonCost(1, 64, 1)


@pytest.fixture
def made(tmp_path: Path) -> tuple[KeyRing, MasterKey, Secret]:
    """A workspace's keys with a passphrase “old” and a key file, and its recovery key."""
    master, recovery = create_keys(
        tmp_path, Protection(passphrase=Secret("old"), key_file=tmp_path / "key", argon=CHEAP)
    )
    return KeyRing(tmp_path, master, argon=CHEAP), master, recovery


def _opens(directory: Path, unlock: Unlock, master: MasterKey) -> bool:
    try:
        return open_keys(directory, unlock).subkey("x") == master.subkey("x")
    except (WrongKey, KeyUnavailable):
        return False


def test_the_ways_of_opening_are_listed_without_their_secrets(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path
) -> None:
    ring, _, recovery = made
    slots = ring.slots()
    assert [slot.kind for slot in slots] == ["recovery", "passphrase", "key-file"]
    assert slots[2].detail == str(tmp_path / "key") and len({slot.id for slot in slots}) == 3
    assert recovery.reveal() not in repr(slots)


def test_a_second_passphrase_and_key_file_open_beside_the_first(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path
) -> None:
    ring, master, recovery = made
    ring.add_passphrase(Secret("new"))
    ring.add_key_file(tmp_path / "second key")
    for unlock in (
        Unlock(passphrase=Secret("old")),
        Unlock(passphrase=Secret("new")),
        Unlock(key_file=tmp_path / "key"),
        Unlock(key_file=tmp_path / "second key"),
        Unlock(recovery_key=recovery),
    ):
        assert _opens(tmp_path, unlock, master)
    with pytest.raises(AlreadyExists):
        ring.add_key_file(tmp_path / "key")
    with pytest.raises(InvalidInput):
        ring.add_passphrase(Secret(""))
    with pytest.raises(KeyUnavailable):
        ring.add_keyring()
    assert len(ring.slots()) == 5


def test_a_removed_way_opens_no_more_and_the_last_one_stays(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path
) -> None:
    ring, master, recovery = made
    of_kind = {slot.kind: slot.id for slot in ring.slots()}
    ring.remove(of_kind["passphrase"])
    assert not _opens(tmp_path, Unlock(passphrase=Secret("old")), master)
    with pytest.raises(Refused, match="last way"):
        ring.remove(of_kind["key-file"])
    ring.remove(of_kind["recovery"])
    assert not _opens(tmp_path, Unlock(recovery_key=recovery), master)
    with pytest.raises(NotFound):
        ring.remove("zzzz")
    assert _opens(tmp_path, Unlock(), master)


def test_after_rotating_no_old_way_opens_and_every_new_one_does(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path
) -> None:
    """Seen to fail with the old slots kept beside the new ones."""
    ring, master, recovery = made
    rotation, fresh = ring.rotate(passphrase=Secret("new"), key_file=tmp_path / "new key")
    assert rotation.kept == () and len(rotation.renewed) == 3
    for old in (Unlock(passphrase=Secret("old")), Unlock(recovery_key=recovery), Unlock(key_file=tmp_path / "key")):
        assert not _opens(tmp_path, old, master)
    for new in (
        Unlock(passphrase=Secret("new")),
        Unlock(recovery_key=fresh),
        Unlock(key_file=tmp_path / "new key"),
        Unlock(),
    ):
        assert _opens(tmp_path, new, master)


def test_rotating_names_what_it_left_as_it_was(made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path) -> None:
    ring, master, _ = made
    rotation, _ = ring.rotate(passphrase=None, key_file=None)
    assert rotation.renewed == ("the recovery key",) and rotation.kept == ("a passphrase", "a key file")
    assert _opens(tmp_path, Unlock(passphrase=Secret("old")), master)
    with pytest.raises(InvalidInput, match="exists already"):
        ring.rotate(passphrase=None, key_file=tmp_path / "key")
    assert ring.slots()


def test_a_new_recovery_key_takes_the_place_of_the_old_one(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path
) -> None:
    ring, master, recovery = made
    fresh, slot = ring.renew_recovery_key()
    assert slot.kind == "recovery" and _opens(tmp_path, Unlock(recovery_key=fresh), master)
    assert not _opens(tmp_path, Unlock(recovery_key=recovery), master)


def test_a_drill_tells_right_from_wrong_and_changes_nothing(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path
) -> None:
    ring, _, recovery = made
    before = (tmp_path / "keys.json").read_bytes()
    assert ring.drill(Secret(recovery.reveal().lower().replace("-", " "))).kind == "recovery"
    (tmp_path / "elsewhere").mkdir()
    _, foreign = create_keys(tmp_path / "elsewhere", Protection(passphrase=Secret("p"), argon=CHEAP))
    with pytest.raises(WrongKey, match="not this workspace"):
        ring.drill(foreign)
    with pytest.raises(WrongKey, match="mistyped"):
        ring.drill(Secret(recovery.reveal()[:-1]))
    assert (tmp_path / "keys.json").read_bytes() == before


def test_a_failed_write_leaves_the_old_ways(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, master, _ = made

    def failing(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(key_care_module, "write_atomically", failing)
    for change in (lambda: ring.rotate(passphrase=Secret("new"), key_file=None), ring.renew_recovery_key):
        _refused(change)
    assert _opens(tmp_path, Unlock(passphrase=Secret("old")), master)
    assert not _opens(tmp_path, Unlock(passphrase=Secret("new")), master)


def _refused(change: Callable[[], object]) -> None:
    with pytest.raises(Exception, match="full"):
        change()


def test_a_damaged_key_file_is_not_written_over_and_two_changes_take_turns(
    made: tuple[KeyRing, MasterKey, Secret], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ring, _, _ = made
    monkeypatch.setattr(key_care_module, "_LOCK_WAIT_SECONDS", 0.1)
    lock = WriterLock(tmp_path / "keys.lock")
    lock.acquire()
    with pytest.raises(WorkspaceBusy):
        ring.renew_recovery_key()
    lock.release()
    content = (tmp_path / "keys.json").read_text(encoding="utf-8")
    (tmp_path / "keys.json").write_text(content.replace('"passes": 1', '"passes": 2'), encoding="utf-8")
    with pytest.raises(StoreDamaged):
        ring.renew_recovery_key()


@pytest.mark.secret_service
def test_the_keyring_gets_a_new_key_and_loses_the_old_one(secret_service: SecretService, tmp_path: Path) -> None:
    master, _ = create_keys(tmp_path, Protection(keyring=True, passphrase=Secret("p"), argon=CHEAP))
    old = (tmp_path / "keys.json").read_bytes()
    ring = KeyRing(tmp_path, master, argon=CHEAP)
    with pytest.raises(AlreadyExists):
        ring.add_keyring()
    ring.rotate(passphrase=None, key_file=None)
    assert _opens(tmp_path, Unlock(), master)
    ring.remove(next(slot.id for slot in ring.slots() if slot.kind == "keyring"))
    assert not _opens(tmp_path, Unlock(), master)
    ring.add_keyring()
    assert _opens(tmp_path, Unlock(), master)
    (tmp_path / "keys.json").write_bytes(old)
    assert not _opens(tmp_path, Unlock(), master), "the entry that the old file names is gone"


@pytest.mark.secret_service
def test_a_workspace_that_names_anothers_entry_of_the_keyring_does_not_delete_it(
    secret_service: SecretService, tmp_path: Path
) -> None:
    """Seen to be deleted when the name alone decided."""
    mine, foreign = tmp_path / "mine", tmp_path / "foreign"
    for folder in (mine, foreign):
        folder.mkdir()
    master, _ = create_keys(mine, Protection(keyring=True, argon=CHEAP))
    name = next(slot["name"] for slot in keys.read_slots(mine)[0] if slot["kind"] == "keyring")
    other, _ = create_keys(foreign, Protection(passphrase=Secret("p"), argon=CHEAP))
    slots = [*keys.read_slots(foreign)[0], keys.keyring_slot(other, b"x" * 32, name)]
    (foreign / "keys.json").write_bytes(keys.document(other, slots))
    ring = KeyRing(foreign, other, argon=CHEAP)
    ring.remove(next(slot.id for slot in ring.slots() if slot.kind == "keyring"))
    assert _opens(mine, Unlock(), master)

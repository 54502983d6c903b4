"""The key slots: each way of opening gives the same key, and everything else a clear refusal."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

import keyring
import keyring.backend
import pytest

from kronkers_studio.domain.errors import (
    InvalidInput,
    KeyUnavailable,
    StoreDamaged,
    StudioError,
    WorkspaceError,
    WrongKey,
)
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.storage.keys import (
    KEYS_FILE,
    ArgonCost,
    MasterKey,
    Protection,
    Unlock,
    create_keys,
    open_keys,
    verify_keys,
)

CHEAP = ArgonCost(passes=1, memory_kib=64, lanes=1)


class _MemoryKeyring(keyring.backend.KeyringBackend):
    """The lab tests the real Secret Service; here only what we do with a keyring is looked at."""

    priority = 1

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # has no types
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def system_keyring() -> object:
    before = keyring.get_keyring()
    backend = _MemoryKeyring()
    keyring.set_keyring(backend)
    yield backend
    keyring.set_keyring(before)


@pytest.fixture
def no_keyring() -> object:
    from keyring.backends.fail import Keyring

    before = keyring.get_keyring()
    keyring.set_keyring(Keyring())
    yield
    keyring.set_keyring(before)


def _passphrase(text: str = "correct horse") -> Protection:
    return Protection(passphrase=Secret(text), argon=CHEAP)


def _same(one: MasterKey, other: MasterKey) -> bool:
    return one.subkey("a test") == other.subkey("a test")


def test_every_slot_opens_to_the_same_key(tmp_path: Path, system_keyring: object) -> None:
    file = tmp_path / "away" / "key.txt"
    protection = Protection(passphrase=Secret("correct horse"), key_file=file, keyring=True, argon=CHEAP)
    master, recovery = create_keys(tmp_path, protection)
    for unlock in (
        Unlock(passphrase=Secret("correct horse")),
        Unlock(recovery_key=recovery),
        Unlock(recovery_key=Secret(f"  {recovery.reveal().lower().replace('-', ' ').replace('0', 'o')} ")),
        Unlock(key_file=file),
        Unlock(),
    ):
        assert _same(open_keys(tmp_path, unlock), master)
    file.unlink()
    assert _same(open_keys(tmp_path, Unlock()), master), "the keyring opens it when the key file is away"


def test_two_workspaces_never_share_a_key_and_purposes_never_share_a_subkey(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    one, _ = create_keys(tmp_path / "a", _passphrase())
    other, _ = create_keys(tmp_path / "b", _passphrase())
    assert len({one.subkey("x"), one.subkey("y"), other.subkey("x"), other.subkey("y")}) == 4


def test_one_key_file_may_open_several_workspaces(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        create_keys(tmp_path / name, Protection(key_file=tmp_path / "shared.key"))
    open_keys(tmp_path / "a", Unlock())
    open_keys(tmp_path / "b", Unlock())


@pytest.mark.parametrize(
    ("unlock", "error", "words"),
    [
        (Unlock(passphrase=Secret("wrong horse")), WrongKey, "passphrase is wrong"),
        (Unlock(key_file=Path("nowhere.key")), KeyUnavailable, "not there"),
        (Unlock(), KeyUnavailable, "It opens with a passphrase or the recovery key"),
        (Unlock(recovery_key=Secret("0000-0000-0000-0000-0000-0000-0000-0000-0000")), WrongKey, "checksum"),
        (Unlock(recovery_key=Secret("ABC")), WrongKey, "3 letters and digits instead of 36"),
        (Unlock(recovery_key=Secret("U" * 36)), WrongKey, "holds U"),
    ],
)
def test_a_wrong_or_missing_key_is_said_to_be_that(
    tmp_path: Path, unlock: Unlock, error: type[StudioError], words: str
) -> None:
    create_keys(tmp_path, _passphrase())
    with pytest.raises(error, match=words):
        open_keys(tmp_path, unlock)


def test_another_workspaces_recovery_key_is_wrong_but_no_typo(tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    create_keys(tmp_path, _passphrase())
    _, foreign = create_keys(tmp_path / "other", _passphrase())
    with pytest.raises(WrongKey, match="not this workspace's"):
        open_keys(tmp_path, Unlock(recovery_key=foreign))


def test_every_single_typo_in_the_recovery_key_is_said_to_be_a_typo(tmp_path: Path) -> None:
    _, recovery = create_keys(tmp_path, _passphrase())
    printed, letters = recovery.reveal(), "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
    for at, letter in enumerate(printed):
        if letter != "-":
            typo = letters[(letters.index(letter) + 1 + at % 31) % 32]
            with pytest.raises(WrongKey, match="mistyped"):
                open_keys(tmp_path, Unlock(recovery_key=Secret(printed[:at] + typo + printed[at + 1 :])))


def test_a_locked_or_missing_keyring_names_the_other_ways(tmp_path: Path, system_keyring: _MemoryKeyring) -> None:
    create_keys(tmp_path, Protection(passphrase=Secret("p"), keyring=True, argon=CHEAP))
    system_keyring.kept.clear()
    with pytest.raises(KeyUnavailable, match=r"no entry.*a passphrase, the recovery key or the system's keyring"):
        open_keys(tmp_path, Unlock())


def test_without_a_keyring_nothing_is_written(tmp_path: Path, no_keyring: None) -> None:
    with pytest.raises(KeyUnavailable):
        create_keys(tmp_path, Protection(keyring=True))
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_key_file_is_neither_used_nor_overwritten(tmp_path: Path) -> None:
    file = tmp_path / "letter.txt"
    file.write_text("Dear all,\nnothing secret here\n", encoding="utf-8")
    with pytest.raises(WrongKey, match="not a Kronkers Studio key file"):
        create_keys(tmp_path, Protection(key_file=file))
    assert file.read_text(encoding="utf-8").startswith("Dear all")


def test_some_protection_must_be_chosen(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        create_keys(tmp_path, Protection())


def test_no_workspace_and_a_newer_workspace_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(WorkspaceError, match="no workspace"):
        open_keys(tmp_path, Unlock())
    (tmp_path / KEYS_FILE).write_text(json.dumps({"format": 99}), encoding="utf-8")
    with pytest.raises(WorkspaceError, match="newer"):
        open_keys(tmp_path, Unlock())


def test_any_changed_byte_of_the_key_slots_is_found(tmp_path: Path) -> None:
    """Seen to fail with the seal not compared."""
    master, recovery = create_keys(tmp_path, _passphrase())
    file = tmp_path / KEYS_FILE
    good = file.read_bytes()
    verify_keys(tmp_path, master)
    for at in range(len(good)):
        file.write_bytes(good[:at] + bytes([good[at] ^ 1]) + good[at + 1 :])
        with pytest.raises((StoreDamaged, WorkspaceError)):
            verify_keys(tmp_path, master)
        with contextlib.suppress(StudioError):  # an expected failure, never a traceback
            open_keys(tmp_path, Unlock(recovery_key=recovery))


def test_keys_do_not_show_themselves(tmp_path: Path) -> None:
    master, recovery = create_keys(tmp_path, _passphrase())
    shown = f"{master!r} {master} {recovery!r} {recovery}"
    assert recovery.reveal() not in shown and master._reveal().hex() not in shown
    text = (tmp_path / KEYS_FILE).read_text(encoding="utf-8")
    assert master._reveal().hex() not in text and "correct horse" not in text


def test_the_default_work_per_passphrase_is_worth_something() -> None:
    cost = ArgonCost()
    assert cost.memory_kib >= 64 * 1024 and cost.passes >= 3

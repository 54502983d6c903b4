"""``keys.json`` of a workspace that somebody else made: whatever it says, opening ends soon and in a sentence."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.errors import KeyUnavailable, StoreDamaged, WorkspaceError
from kronkers_studio.settings.secrets import Secret
from kronkers_studio.storage import keys
from kronkers_studio.storage.keys import ArgonCost, Protection, Unlock, create_keys, open_keys
from tests.own_time import own_time

CHEAP = ArgonCost(passes=1, memory_kib=64, lanes=1)
PASSPHRASE = Secret("hunter2")
Change = Callable[[dict[str, Any]], Any]


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("foreign")
    protection = Protection(passphrase=PASSPHRASE, key_file=folder / "key", argon=CHEAP)
    create_keys(folder, protection)
    return folder


def changed(workspace: Path, change: Change) -> None:
    document = json.loads((workspace / "original").read_text(encoding="utf-8"))
    slots = {slot["kind"]: slot for slot in document["slots"]}
    change({**document, **slots, "document": document})
    (workspace / "keys.json").write_text(json.dumps(document), encoding="utf-8")


@pytest.fixture(autouse=True)
def original(workspace: Path) -> None:
    if not (workspace / "original").exists():
        (workspace / "keys.json").rename(workspace / "original")


def put(kind: str, /, **values: Any) -> Change:
    return lambda found: found[kind].update(values)


DAMAGED: dict[str, Change] = {
    "many passes": put("passphrase", passes=10_000_000),
    "much memory": put("passphrase", memory_kib=(4 << 20) + 1),
    "many lanes": put("passphrase", lanes=17, memory_kib=1024),
    "too little memory for its lanes": put("passphrase", lanes=16, memory_kib=127),
    "much work in all": put("passphrase", passes=64, memory_kib=1 << 20),
    "no passes": put("passphrase", passes=0),
    "a fraction of a pass": put("passphrase", passes=1.5),
    "passes as text": put("passphrase", passes="3"),
    "true as a number": put("passphrase", passes=True),
    "a null path": put("key-file", path=None),
    "an empty path": put("key-file", path=""),
    "a path with a null byte": put("key-file", path="/a\0b"),
    "a path of a million letters": put("key-file", path="/" + "a" * 500_000),
    "no path": lambda found: found["key-file"].pop("path"),
    "no nonce": lambda found: found["recovery"].pop("nonce"),
    "a short nonce": put("recovery", nonce="00"),
    "spaces in a number": put("recovery", nonce="00 " * 12),
    "a list as a kind": put("recovery", kind=[]),
    "no slots": lambda found: found["document"].pop("slots"),
    "slots that are no list": lambda found: found["document"].update(slots={}),
    "a slot that is none": lambda found: found["document"]["slots"].append(None),
    "the same slot twice": lambda found: found["document"]["slots"].append(found["recovery"]),
    "a thousand slots": lambda found: found["document"].update(slots=[found["recovery"]] * 1000),
    "no id": lambda found: found["document"].update(workspace=None),
    "a number as an id": lambda found: found["document"].update(workspace=7),
    "a format that is no number": lambda found: found["document"].update(format="1"),
    "another secret of the keyring": lambda found: found["document"]["slots"].append(
        {**found["recovery"], "kind": "keyring", "nonce": "0" * 24, "name": "server factory password"}
    ),
}
WAYS = (Unlock(), Unlock(passphrase=PASSPHRASE), Unlock(recovery_key=Secret("0000-" * 8 + "0000")))


@pytest.mark.parametrize("change", DAMAGED.values(), ids=DAMAGED.keys())
def test_slots_that_cannot_be_are_damage_whichever_way_is_tried(workspace: Path, change: Change) -> None:
    changed(workspace, change)
    for way in WAYS:
        begun = own_time()
        with pytest.raises(StoreDamaged, match=r"keys\.json is damaged"):
            open_keys(workspace, way)
        assert own_time() - begun < 5


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 500_000,
        b'{"format": 1, "slots": ' + b"[" * 200_000,
        b'{"format": ' + b"9" * 100_000 + b"}",
        b'{"format": NaN}',
        b" " * (8 << 20),
    ],
    ids=lambda content: f"{content[:12]!r} {len(content)}",
)
def test_a_file_that_is_no_list_of_slots_is_damage(workspace: Path, content: bytes) -> None:
    (workspace / "keys.json").write_bytes(content)
    with pytest.raises(StoreDamaged, match=r"keys\.json is damaged"):
        open_keys(workspace, Unlock())


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_a_pipe_or_device_in_the_place_of_the_slots_is_not_waited_for(tmp_path: Path, kind: str) -> None:
    file = tmp_path / "keys.json"
    makers: dict[str, Callable[[], None]] = {
        "pipe": lambda: os.mkfifo(file),
        "device": lambda: file.symlink_to("/dev/zero"),
        "folder": file.mkdir,
    }
    makers[kind]()
    with pytest.raises(WorkspaceError):
        open_keys(tmp_path, Unlock())


def _pipe(folder: Path) -> Path:
    os.mkfifo(folder / "pipe")
    return folder / "pipe"


def _huge(folder: Path) -> Path:
    with (folder / "huge").open("wb") as file:
        file.truncate(6 << 30)
    return folder / "huge"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such files")
@pytest.mark.parametrize(
    "place",
    [_pipe, _huge, lambda _folder: Path("/dev/zero"), lambda folder: folder, lambda _folder: Path("/proc/kmsg")],
)
def test_a_slot_that_names_what_is_no_key_file_is_passed_over(
    workspace: Path, tmp_path: Path, place: Callable[[Path], Path]
) -> None:
    path = str(place(tmp_path))
    changed(workspace, put("key-file", path=path))
    begun = own_time()
    with pytest.raises(WorkspaceError, match="key file"):
        open_keys(workspace, Unlock())
    assert own_time() - begun < 5
    assert open_keys(workspace, Unlock(passphrase=PASSPHRASE))


@pytest.mark.parametrize(
    "path",
    [
        r"\\host\share\key",
        "//host/share/key",
        r"\\?\UNC\host\share\key",
        r"\\.\PhysicalDrive0",
        "key",
        "../key",
        "~/key",
        "/net/host/share/key",
        "file:///key",
    ],
)
def test_a_place_that_is_not_plainly_on_this_computer_is_never_touched_unasked(
    workspace: Path, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched: list[str] = []
    for name in ("stat", "open", "lstat"):
        really = getattr(os, name)

        def watched(file: Any, *rest: Any, _really: Any = really, **named: Any) -> Any:
            touched.append(str(file))
            return _really(file, *rest, **named)

        monkeypatch.setattr(os, name, watched)
    changed(workspace, put("key-file", path=path))
    with pytest.raises(KeyUnavailable, match="only read when you name it"):
        open_keys(workspace, Unlock())
    assert not [place for place in touched if "keys.json" not in place and place.endswith("key")]
    assert keys.remembered_key_files(workspace) == []


def test_a_second_key_file_opens_where_the_first_is_another_one(workspace: Path, tmp_path: Path) -> None:
    create_keys(tmp_path, Protection(key_file=tmp_path / "of another"))

    def put_before(found: dict[str, Any]) -> None:
        other = {**found["key-file"], "path": str(tmp_path / "of another"), "nonce": "0" * 24}
        found["document"]["slots"].insert(0, other)

    changed(workspace, put_before)
    assert open_keys(workspace, Unlock())


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=30)
    | st.sampled_from(["/dev/zero", "~"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
_FIELDS = ("kind", "nonce", "wrapped", "salt", "passes", "memory_kib", "lanes", "path", "name")


@settings(
    max_examples=300,
    deadline=5000,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(changes=[(2, "path", "\x1f")], top={})
@example(changes=[(2, "path", "/" + "\x1b" * 300)], top={})
@example(changes=[(2, "path", "/home/\u202eann")], top={})
@given(
    changes=st.lists(st.tuples(st.integers(0, 2), st.sampled_from(_FIELDS), _JSON), max_size=3),
    top=st.dictionaries(st.sampled_from(["format", "workspace", "slots", "seal", "more"]), _JSON, max_size=1),
)
def test_whatever_the_slots_say_opening_gives_a_key_or_a_sentence(
    workspace: Path, changes: list[tuple[int, str, Any]], top: dict[str, Any]
) -> None:
    document = json.loads((workspace / "original").read_text(encoding="utf-8"))
    for number, field, value in changes:
        document["slots"][number][field] = value
    (workspace / "keys.json").write_text(json.dumps({**document, **top}), encoding="utf-8")
    for way in WAYS:
        try:
            open_keys(workspace, way)
        except WorkspaceError as problem:
            assert problem.message.isprintable() and len(problem.message) < 500

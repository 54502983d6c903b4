"""What a live release records is fetched, opened and saved here, and asked again as it is."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars
import psutil
import pytest
from nacl.public import PublicKey, SealedBox

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.domain.errors import (
    AlreadyExists,
    InvalidInput,
    RecordingUnreadable,
    ServiceUnavailable,
)
from kronkers_studio.domain.recording import Recording, parse_recording, recording_of
from kronkers_studio.domain.references import ModelReference
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.monitoring.recorded_batches import BatchUnusable, RecordingKey, SealedBatch, split_batches
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows import recorded_rows
from kronkers_studio.workflows.demo import SAMPLE_FOLDER
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.places import ThisComputer
from kronkers_studio.workflows.recorded_row_files import write_recorded_rows
from kronkers_studio.workflows.recorded_rows import fetch_recorded_rows, remove_recorded_rows
from kronkers_studio.workflows.releases import list_releases, predict, release_model, roll_back, stop_release
from kronkers_studio.workflows.restart import start_again
from kronkers_studio.workflows.row_comparison import compare_on_rows
from kronkers_studio.workflows.row_files import read_row_file
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.settling import settle_releases

MODEL, OTHER = "wine", "wine-again"


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
        for name in (MODEL, OTHER):
            register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name=name)
        yield session
        for release in list_releases(session, None, THIS_COMPUTER):
            ThisComputer(session).remove(release)


def _rows(session: Session, count: int) -> list[dict[str, float]]:
    (tensor,) = session.workspace.ledger.model_version(MODEL).signature.inputs
    return [{name: float(at + place) for place, name in enumerate(tensor.columns)} for at in range(count)]


def _command(session: Session, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "import sys; from kronkers_studio.app import command; sys.exit(command())", *words]
    environment = os.environ | {"KRONKERS_WORKSPACE": str(session.directory)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_rows_are_recorded_here_fetched_and_asked_again(session: Session, tmp_path: Path) -> None:
    """The whole way, with a process that is confined; through a kill, a stop and a start."""
    folder = session.directory / "runs" / f"{MODEL}-r1"
    live = release_model(session, MODEL, to=THIS_COMPUTER, recording=Recording(1.0, 5000))
    assert live.recording == Recording(1.0, 5000)
    rows = _rows(session, 6)
    answered = [predict(session, MODEL, THIS_COMPUTER, rows[:2]).outputs]
    told = fetch_recorded_rows(session, MODEL, THIS_COMPUTER)
    assert (told.rows, told.requests, told.problem, told.unreadable) == (2, 1, "", 0)

    process = psutil.Process(int(live.endpoint["pid"]))
    process.kill()
    process.wait(20)
    settle_releases(session, THIS_COMPUTER, look_at_live=True)
    start_again(session, MODEL, THIS_COMPUTER)
    answered.append(predict(session, MODEL, THIS_COMPUTER, rows[2:4]).outputs)
    stop_release(session, MODEL, THIS_COMPUTER)
    assert [path.name for path in folder.iterdir()] == ["rows"]
    kept = b"".join(file.read_bytes() for file in (folder / "rows").iterdir())
    assert kept
    for name in rows[0]:
        assert name.encode() not in kept
    start_again(session, MODEL, THIS_COMPUTER)
    answered.append(predict(session, MODEL, THIS_COMPUTER, rows[4:]).outputs)

    for ending in ("parquet", "csv", "jsonl"):
        file = tmp_path / f"rows.{ending}"
        told = fetch_recorded_rows(session, MODEL, THIS_COMPUTER, file=file)
        assert (told.rows, told.requests, told.guarded) == (6, 3, 0)
        table = read_row_file(session, file)
        assert table.columns[:2] == ("request_id", "time")
        compared = compare_on_rows(session, ModelReference(MODEL, 1), ModelReference(OTHER, 1), file)
        assert (compared.comparison.rows, compared.comparison.differing) == (6, 0)
        assert list(compared.left) == [output for outputs in answered for output in outputs]
        if os.name == "posix":
            assert file.stat().st_mode & 0o077 == 0
    with pytest.raises(AlreadyExists):
        fetch_recorded_rows(session, MODEL, THIS_COMPUTER, file=tmp_path / "rows.csv")
    with pytest.raises(InvalidInput, match="in which format"):
        fetch_recorded_rows(session, MODEL, THIS_COMPUTER, file=tmp_path / "rows.pkl")

    told = fetch_recorded_rows(session, MODEL, THIS_COMPUTER, file=tmp_path / "all.parquet", remove=True)
    assert (told.rows, told.removed) == (6, 6)
    assert fetch_recorded_rows(session, MODEL, THIS_COMPUTER).rows == 0

    ThisComputer(session).remove(live)
    assert not folder.exists()


def test_the_next_release_records_nothing_unless_it_is_asked_to(session: Session, tmp_path: Path) -> None:
    ran = _command(session, "release", MODEL, "--to", THIS_COMPUTER, "--record-rows", "100%", "--record-most", "50")
    assert ran.returncode == 0, ran.stderr
    assert "It keeps the rows of 100 % of the requests with their answers, the newest 50, encrypted" in ran.stdout
    predict(session, MODEL, THIS_COMPUTER, _rows(session, 3))
    ran = _command(session, "rows", MODEL, "--in", THIS_COMPUTER, "--output", str(tmp_path / "r.csv"), "--json")
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout)["rows"] == 3
    ran = _command(session, "model", "compare", MODEL, OTHER, "--rows", str(tmp_path / "r.csv"), "--json")
    assert json.loads(ran.stdout)["rows"] == 3, ran.stderr
    ran = _command(session, "rows", MODEL, "--in", THIS_COMPUTER, "--remove")
    assert "3 recorded rows of wine removed" in ran.stdout, ran.stderr

    release_model(session, MODEL, to=THIS_COMPUTER)
    with pytest.raises(InvalidInput, match="does not record"):
        fetch_recorded_rows(session, MODEL, THIS_COMPUTER)
    with pytest.raises(InvalidInput, match="does not record"):
        remove_recorded_rows(session, MODEL, THIS_COMPUTER)
    back = roll_back(session, MODEL, THIS_COMPUTER)
    assert back.recording == Recording(1.0, 50)
    assert fetch_recorded_rows(session, MODEL, THIS_COMPUTER).rows == 0


def test_older_rows_are_left_out_and_never_removed_unseen(session: Session, tmp_path: Path) -> None:
    release_model(session, MODEL, to=THIS_COMPUTER, recording=Recording(1.0))
    predict(session, MODEL, THIS_COMPUTER, _rows(session, 2))
    now = datetime.now(UTC)
    assert fetch_recorded_rows(session, MODEL, THIS_COMPUTER, since=now - timedelta(hours=1)).rows == 2
    assert fetch_recorded_rows(session, MODEL, THIS_COMPUTER, since=now + timedelta(hours=1)).rows == 0
    with pytest.raises(InvalidInput, match="as a whole"):
        fetch_recorded_rows(session, MODEL, THIS_COMPUTER, since=now, file=tmp_path / "rows.csv", remove=True)
    with pytest.raises(InvalidInput, match="not saved"):
        fetch_recorded_rows(session, MODEL, THIS_COMPUTER, remove=True)


def test_what_is_beyond_those_kept_takes_its_rows_with_it(session: Session) -> None:
    session.settings = replace(session.settings, keep_releases=1)
    release_model(session, MODEL, to=THIS_COMPUTER, recording=Recording(1.0))
    folder = session.directory / "runs" / f"{MODEL}-r1"
    release_model(session, MODEL, to=THIS_COMPUTER)
    assert [path.name for path in folder.iterdir()] == ["rows"]
    release_model(session, MODEL, to=THIS_COMPUTER)
    assert not folder.exists()


@pytest.mark.parametrize("text", ["", "x", "-1", "1.5", "101%", "nan", "inf", "5 percent", "1e-3", "٥%"])
def test_what_is_no_share_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_recording(text)


def test_shares_are_written_in_two_ways() -> None:
    assert parse_recording("5%") == parse_recording("0.05") == parse_recording(" 5 % ") == Recording(0.05)
    assert parse_recording("1") == parse_recording("100%") == Recording(1.0)
    assert parse_recording("0") is None
    with pytest.raises(InvalidInput):
        parse_recording("5%", 0)


@pytest.mark.parametrize("stored", [None, 5, {}, {"share": True, "most_rows": 5}, {"share": 2, "most_rows": 5},
                                    {"share": 0.5, "most_rows": "5"}, {"share": 0.5, "most_rows": 10**9}])  # fmt: skip
def test_a_history_that_says_something_else_records_nothing(stored: Any) -> None:
    assert recording_of(stored) is None


# ---- answers of hostile services ----

KEY = RecordingKey(bytes(range(32)))
_ID = b"\0" * 8


def _sealed(content: Any, *, packed: bytes | None = None) -> bytes:
    plain = content if isinstance(content, bytes) else json.dumps(content).encode()
    box = SealedBox(PublicKey(bytes.fromhex(KEY.public)))
    return bytes(box.encrypt(zlib.compress(plain) if packed is None else packed))


def _batch(content: Any, rows: int = 1, **more: Any) -> SealedBatch:
    return SealedBatch(1, rows, 1000, 2000, KEY._id, _sealed(content, **more))


_GOOD: dict[str, Any] = {
    "format": 1,
    "requests": [["a", 1500, 1]],
    "inputs": [["age", "number"]],
    "input_values": [[1.5]],
    "answers": [["output", "whole"]],
    "answer_values": [[7]],
}


def test_a_good_batch_opens() -> None:
    (row,) = KEY.opened(_batch(_GOOD)).table.to_dicts()
    assert row == {"request_id": "a", "time": datetime.fromtimestamp(1.5, UTC), "age": 1.5, "output": 7}


def test_requests_before_a_moment_are_not_counted() -> None:
    """Seen to fail: all of a batch were."""
    content = {
        **_GOOD,
        "requests": [["a", 1200, 2], ["a", 1500, 1], ["b", 1500, 1]],
        "input_values": [[1.5] * 4],
        "answer_values": [[7] * 4],
    }
    since = recorded_rows._since(KEY.opened(_batch(content, rows=4)), 1300)
    assert (since.table.height, since.requests) == (2, 2)


def test_columns_of_a_model_keep_their_names_where_ours_are_the_same() -> None:
    content = {**_GOOD, "inputs": [["time", "text"], ["output", "truth"]], "input_values": [["x"], [True]]}
    (row,) = KEY.opened(_batch(content)).table.to_dicts()
    assert (row["time"], row["output"], row["output_"]) == ("x", True, 7)
    assert row["time_"] == datetime.fromtimestamp(1.5, UTC)


@pytest.mark.parametrize(
    "change",
    [
        {"format": 2},
        {"requests": None},
        {"requests": []},
        {"requests": [["a", 1500]]},
        {"requests": [["a", 1500, 2]]},
        {"requests": [["a", 1500, True]]},
        {"requests": [["a", 1500, -1], ["b", 1500, 2]]},
        {"requests": [["a", 10**30, 1]]},
        {"requests": [["a" * 200, 1500, 1]]},
        {"inputs": None},
        {"inputs": []},
        {"inputs": [["age"]]},
        {"inputs": [["age", "object"]]},
        {"inputs": [["age" * 1000, "number"]]},
        {"inputs": [[5, "number"]]},
        {"input_values": [[1.5, 2.5]]},
        {"input_values": [["1.5"]]},
        {"input_values": [[[1.5]]]},
        {"input_values": [[{"a": 1}]]},
        {"input_values": [[True]]},
        {"input_values": [[10**400]]},
        {"inputs": [["age", "number"]] * 2001, "input_values": [[1.5]] * 2001},
        {"answers": [["output", "truth"]]},
        {"answers": [["output", "text"]]},
    ],
)
def test_a_batch_that_holds_something_else_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(BatchUnusable):
        KEY.opened(_batch({**_GOOD, **change}))


@pytest.mark.parametrize("content", [b"", b"[]", b"7", b"{", b"\xff", b"[" * 100_000, b"NaN", b"\x80\x04]."])
def test_what_is_no_document_is_refused(content: bytes) -> None:
    with pytest.raises(BatchUnusable):
        KEY.opened(_batch(content))


def test_what_unpacks_without_end_is_refused_in_little_memory() -> None:
    """Seen to fail without a bound on what is unpacked, and without one on its values."""
    import tracemalloc

    bombs = [zlib.compress(b" " * (200 << 20)), zlib.compress(b"[" + b"[]," * 15_000_000 + b"1]")]
    batches = [_batch(b"", packed=bomb) for bomb in bombs]
    del bombs
    for batch in batches:
        tracemalloc.start()
        with pytest.raises(BatchUnusable):
            KEY.opened(batch)
        assert tracemalloc.get_traced_memory()[1] < 160 << 20
        tracemalloc.stop()
    with pytest.raises(BatchUnusable):
        KEY.opened(_batch(b"", packed=b"no zlib"))
    with pytest.raises(BatchUnusable):
        KEY.opened(_batch(b"", packed=zlib.compress(json.dumps(_GOOD).encode())[:-3]))


def _frame(number: int = 1, *, mark: bytes = b"KRB1", rows: int = 1, first: int = 0, last: int = 0, size: int = 3,
           sealed: bytes = b"abc") -> bytes:  # fmt: skip
    return struct.pack(">4sQIQQ8sI", mark, number, rows, first, last, _ID, size) + sealed


@pytest.mark.parametrize(
    "answer",
    [
        b"K",
        _frame()[:-1],
        _frame(mark=b"KRB2"),
        _frame(size=1 << 31),
        _frame(rows=0),
        _frame(rows=1 << 31),
        _frame(first=5, last=4),
        _frame(last=1 << 62, first=1 << 62),
        _frame(2) + _frame(2),
        _frame(0),
        _frame() + b"{}",
    ],
)
def test_an_answer_that_is_no_batches_is_refused(answer: bytes) -> None:
    with pytest.raises(BatchUnusable):
        list(split_batches(answer, 0))


class _Client:
    """A service that answers whatever it likes."""

    def __init__(self, answers: Iterator[tuple[int, bytes]]) -> None:
        self._answers = answers
        self.removed: list[str] = []

    def request(self, method: str, path: str, **_options: Any) -> tuple[int, bytes]:
        if path == "/v2/health/ready":
            return 200, json.dumps({"recording": {"problem": "a\x1b[2J" + "b" * 10_000}}).encode()
        if method == "DELETE":
            self.removed.append(path)
            return 200, b'{"rows": 1}'
        return next(self._answers)

    def close(self) -> None:
        pass


def _fetched_from(
    session: Session, answers: Sequence[tuple[int, bytes]] | Iterator[tuple[int, bytes]], **options: Any
) -> Any:
    client: Any = _Client(iter(answers))
    opened: Any = session
    opened.client = lambda _release: client  # in place of one that asks a process
    return fetch_recorded_rows(session, MODEL, THIS_COMPUTER, **options)


def test_rows_that_cannot_be_opened_are_not_removed_with_those_that_were_saved(
    session: Session, tmp_path: Path
) -> None:
    """Nor is what came after them: a service removes up to a batch. Seen to fail with all up to the last one removed,
    though nobody had saved those of another workspace."""
    release_model(session, MODEL, to=THIS_COMPUTER, recording=Recording(1.0))
    key = RecordingKey(session.workspace.recording_key)
    sealed = bytes(SealedBox(PublicKey(bytes.fromhex(key.public))).encrypt(zlib.compress(json.dumps(_GOOD).encode())))

    def own(number: int) -> bytes:
        head = struct.pack(">4sQIQQ8sI", b"KRB1", number, 1, 1000, 2000, key._id, len(sealed))
        return head + sealed

    def removed(*frames: bytes) -> list[str]:
        client: Any = _Client(iter([(200, b"".join(frames)), (200, b"")]))
        opened: Any = session
        opened.client = lambda _release: client
        file = tmp_path / "rows.parquet"
        told = fetch_recorded_rows(session, MODEL, THIS_COMPUTER, file=file, overwrite=True, remove=True)
        assert told.removed == len(client.removed)
        return list(client.removed)

    assert removed(own(1), own(2)) == ["/recorded-rows?through=2"]
    assert removed(own(1), _frame(2), own(3)) == ["/recorded-rows?through=1"]
    assert removed(_frame(1), own(2)) == []
    assert removed(_frame(1)) == []


def test_a_service_that_answers_anything_is_refused_or_bounded(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    release_model(session, MODEL, to=THIS_COMPUTER, recording=Recording(1.0))
    for answers in ([(404, b"")], [(200, b"<html>")], [(200, _frame()), (200, _frame())]):
        with pytest.raises(RecordingUnreadable):
            _fetched_from(session, answers)
    large = 8 << 20
    endless = ((200, _frame(number, size=large, sealed=bytes(large))) for number in range(1, 10_000))
    with pytest.raises(RecordingUnreadable) as refused:
        _fetched_from(session, endless)
    assert "more than a release keeps" in refused.value.details
    told = _fetched_from(session, [(200, _frame(rows=5)), (200, b"")])
    assert (told.rows, told.unreadable) == (0, 5)
    assert "\x1b" not in told.problem
    assert len(told.problem) < 400
    told = _fetched_from(session, [(200, _frame(rows=5)), (200, b"")], file=tmp_path / "all.csv", remove=True)
    assert (told.unreadable, told.removed, told.file) == (5, 0, "")  # seen to fail: removed, and saved nowhere
    key = RecordingKey(session.workspace.recording_key)
    box = SealedBox(PublicKey(bytes.fromhex(key.public)))
    useless = {**_GOOD, "format": 2}  # opens and cannot be used: seen to fail, nothing could be fetched any more
    mixed = [{**_GOOD, "inputs": [["age", "text"]], "input_values": [["x"]]}, useless, _GOOD]
    frames = b""
    for number, content in enumerate(mixed, 1):
        sealed = bytes(box.encrypt(zlib.compress(json.dumps(content).encode())))
        frames += struct.pack(">4sQIQQ8sI", b"KRB1", number, 1, 1000, 2000, key._id, len(sealed)) + sealed
    told = _fetched_from(session, [(200, frames), (200, b"")])
    assert (told.rows, told.unreadable) == (2, 1)
    monkeypatch.setattr(recorded_rows, "_MOST_OPENED", 10)
    with pytest.raises(InvalidInput, match="fit into one table"):
        _fetched_from(session, [(200, frames), (200, b"")])


def test_a_text_that_is_a_formula_is_none_in_csv(session: Session, tmp_path: Path) -> None:
    texts = ["=1+1", "@SUM(A1)", "-5", "+3.5", "-x", "plain", None]
    table = polars.DataFrame({"=name": texts, "number": [-1.5] * len(texts)})
    file = tmp_path / "rows.csv"
    assert write_recorded_rows(table, file) == 3
    read = read_row_file(session, file)
    assert read.columns[0] == "'=name"
    assert [row[0] for row in read.rows] == ["'=1+1", "'@SUM(A1)", "-5", "+3.5", "'-x", "plain", ""]
    assert {row[1] for row in read.rows} == {"-1.5"}
    assert write_recorded_rows(table, tmp_path / "rows.parquet") == 0
    assert polars.read_parquet(tmp_path / "rows.parquet").equals(table)


def test_only_who_has_the_releases_token_is_given_recorded_rows(session: Session) -> None:
    live = release_model(session, MODEL, to=THIS_COMPUTER, recording=Recording(1.0))
    stranger = LoopbackClient(int(live.endpoint["port"]))
    assert stranger.request("GET", "/recorded-rows")[0] == 401
    assert stranger.request("DELETE", "/recorded-rows?through=5")[0] == 401
    stranger.close()
    stop_release(session, MODEL, THIS_COMPUTER)
    with pytest.raises(ServiceUnavailable):
        fetch_recorded_rows(session, MODEL, THIS_COMPUTER)

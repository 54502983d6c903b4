"""Predictions and metrics of services that are not what they should be, through the workflows and the commands."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.changes import ModelRegistered, ReleaseRecorded
from kronkers_studio.domain.errors import PredictionFailed, ServiceUnproven
from kronkers_studio.domain.models import ContentRef, Framework, ModelFacts, ModelVersion
from kronkers_studio.domain.releases import THIS_COMPUTER, Release, ReleaseState
from kronkers_studio.domain.series import Metric
from kronkers_studio.workflows.metrics import LiveFeed
from kronkers_studio.workflows.releases import predict
from kronkers_studio.workflows.session import Session
from tests.cli.shell import Shell
from tests.deployment.hostile import Give, answering, body, proving
from tests.own_time import own_time
from tests.service_process import service_process
from tests.serving.model_folders import running, wine_folder, wine_rows

pytestmark = pytest.mark.safety

AT = datetime(2026, 1, 1, tzinfo=UTC)
ROWS = [[1.0], [2.0]]


def record_live(session: Session, port: int, **endpoint: Any) -> Release:
    """Version 3 of wine is live at ``port`` of this computer, as the workspace has it."""
    release = Release(
        *("wine", THIS_COMPUTER, 3, 3, "sha256:0", ReleaseState.LIVE, AT, AT),
        endpoint={"port": port, **service_process(), "nonce": "5a" * 16, **endpoint},
    )
    if not session.workspace.ledger.releases():
        facts = ModelFacts(Framework.SKLEARN, "1.7.2", "joblib")
        for version in (1, 2, 3):
            model = ModelVersion("wine", version, ContentRef("p", "c", "m.joblib"), facts, AT, "me")
            session.workspace.ledger.record(ModelRegistered(model), author="me")
    session.workspace.ledger.record(ReleaseRecorded(release), author="me")
    return release


@contextmanager
def live(session: Session, *gives: Give) -> Iterator[Any]:
    """wine r3 is live, proves itself, and answers as ``gives`` say."""
    secret: list[bytes] = []

    def prove(stream: Any, head: bytes) -> None:
        proving(secret[0])(stream, head)

    with answering(*gives, prelude=prove) as server:
        secret.append(session.release_secret(record_live(session, server.port)))
        yield server


def of(**changes: Any) -> bytes:
    return json.dumps({"model": "wine", "version": 3, "outputs": [1, 2], **changes}).encode()


UNUSABLE: dict[str, bytes] = {
    "nothing": b"",
    "text": b"hello",
    "html": b"<html>",
    "null": b"null",
    "list": b"[]",
    "number": b"3",
    "empty": b"{}",
    "not UTF-8": b'{"model": "\xff"}',
    "no model": of(model=None),
    "model a number": of(model=3),
    "model a list": of(model=["wine"]),
    "no version": of(version=None),
    "version text": of(version="3"),
    "version fraction": of(version=3.0),
    "version true": of(version=True),
    "version of thousands of digits": of().replace(b"3", b"3" * 5000),
    "version of hundreds of digits": of().replace(b"3", b"3" * 500),
    "no outputs": of(outputs=None),
    "outputs an object": of(outputs={"0": 1, "1": 2}),
    "outputs text": of(outputs="12"),
    "too few outputs": of(outputs=[1]),
    "too many outputs": of(outputs=[1] * 100_000),
    "outputs of objects": of(outputs=[{}, {}]),
    "outputs nested": of(outputs=[[[[[[[[[[1]]]]]]]]], 2]),
    "outputs nested beyond reading": b'{"outputs": ' + b"[" * 900_000 + b"]" * 900_000 + b"}",
    "a million lists": b'{"outputs": [' + b"[]," * 2_000_000 + b"1]}",
    "NaN": of(outputs=[float("nan"), 1]),
    "infinity": of(outputs=[float("inf"), 1]),
    "1e400": of().replace(b"[1, 2]", b"[1e400, -1e400]"),
    "whole numbers without end": of().replace(b"[1, 2]", b"[" + b"9" * 100_000 + b", 1]"),
    "whole numbers of hundreds of digits": of(outputs=[10**300, 1]),
    "half characters": of(outputs=["\ud800", "x"]),
    "half characters in classes": of(probabilities=[{"\udfff": 1.0}] * 2),
    "probabilities a number": of(probabilities=7),
    "too few probabilities": of(probabilities=[{"a": 1.0}]),
    "probabilities without classes": of(probabilities=[[0.5, 0.5]] * 2),
    "no probabilities in a row": of(probabilities=[{}, {"a": 1.0}]),
    "probabilities of text": of(probabilities=[{"a": "1"}] * 2),
    "probabilities true": of(probabilities=[{"a": True}] * 2),
    "probabilities null": of(probabilities=[{"a": None}] * 2),
    "probabilities NaN": of(probabilities=[{"a": float("nan")}] * 2),
    "probabilities huge": of(probabilities=[{"a": 1e308}] * 2),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_an_answer_that_is_no_prediction_is_refused_with_a_sentence(session: Session, name: str) -> None:
    with live(session, body(UNUSABLE[name])), pytest.raises(PredictionFailed) as refused:
        predict(session, "wine", THIS_COMPUTER, ROWS)
    assert refused.value.message.startswith("wine r3 gave an answer that cannot be used: ")
    assert len(refused.value.message) < 300
    assert refused.value.next_step == "Look at what the model gives, correct it and release it again."
    (refused.value.message + refused.value.details).encode("utf-8")


@pytest.mark.parametrize(
    "changes", [{"version": 99}, {"version": 2}, {"version": -3}, {"model": "beer"}, {"model": ""}]
)
def test_an_answer_of_another_model_or_version_is_not_the_releases(session: Session, changes: dict[str, Any]) -> None:
    with live(session, body(of(**changes))), pytest.raises(ServiceUnproven, match="not from version 3 of wine"):
        predict(session, "wine", THIS_COMPUTER, ROWS)


@pytest.mark.parametrize(
    "changes",
    [
        {"outputs": [None, "Grüner Veltliner"]},
        {"outputs": [[[0.5, None]], True]},
        {"outputs": [2**63, -1.5e300]},
        {"probabilities": [{"a": 0.25, "b": 0.75}] * 2},
        {"probabilities": None},
        {"further": {"deep": [1]}},
    ],
)
def test_what_a_model_may_give_is_taken(session: Session, changes: dict[str, Any]) -> None:
    with live(session, body(of(**changes))):
        answer = predict(session, "wine", THIS_COMPUTER, ROWS)
    assert list(answer.outputs) == changes.get("outputs", [1, 2])


@pytest.mark.parametrize("status", [301, 400, 401, 404, 413, 500, 999])
@pytest.mark.parametrize(
    ("answer", "sentence", "column"),
    [
        (b'{"error": "Row 1: no.", "field": "hue"}', "Row 1: no.", "hue"),
        (b'{"error": "Row 1: no.", "field": 7}', "Row 1: no.", ""),
        (b'{"error": {"a": 1}, "field": "hue"}', "The service answered", "hue"),
        (b'{"error": "' + b"x" * 100_000 + b'"}', "xxxxxxxx", ""),
        (b'{"error": "a\\ud800\\u001b[2Jb"}', "a? [2Jb", ""),
        (b"[" * 900_000, "The service answered", ""),
        (b"\xff", "The service answered", ""),
        (b"", "The service answered", ""),
    ],
)
def test_a_refusal_is_told_in_the_services_words_within_bounds(
    session: Session, status: int, answer: bytes, sentence: str, column: str
) -> None:
    with live(session, body(answer, b"HTTP/1.1 %d Odd\r\n" % status)), pytest.raises(PredictionFailed) as refused:
        predict(session, "wine", THIS_COMPUTER, ROWS)
    assert refused.value.message.startswith(sentence)
    assert len(refused.value.message) < 600
    assert refused.value.column == column


@pytest.mark.parametrize(
    ("row", "told"),
    [(b"2", 2), *((odd, 0) for odd in (b"0", b"-1", b"true", b"2.0", b'"2"', b"[2]", b"9" * 4000, b"null"))],
)
def test_the_row_that_a_refusal_names_is_a_number_or_none(session: Session, row: bytes, told: int) -> None:
    answer = b'{"error": "no", "row": ' + row + b"}"
    with live(session, body(answer, b"HTTP/1.1 400 Odd\r\n")), pytest.raises(PredictionFailed) as refused:
        predict(session, "wine", THIS_COMPUTER, ROWS)
    assert refused.value.row == told


INFO = 'kronkers_model_info{framework="x",model="wine",version="3"} 1\n'
BAD_METRICS: dict[str, bytes] = {
    "not UTF-8": b"a \xff\n",
    "html": b"<html>",
    "infinite memory": b"kronkers_process_memory_bytes +Inf\n",
    "memory no number": b"kronkers_process_memory_bytes NaN\n",
    "memory too large": b"kronkers_process_memory_bytes 1e400\n",
    "memory beyond": b"kronkers_process_memory_bytes 1e300\n",
    "memory below zero": b"kronkers_process_memory_bytes -1\n",
    "in flight infinite": b"kronkers_requests_in_flight -Inf\n",
    "processor time infinite": b"kronkers_process_cpu_seconds_total Inf\n",
    "start infinite": b"kronkers_process_start_time_seconds Inf\n",
    "requests infinite": b'kronkers_requests_total{route="/predict",code="200"} Inf\n',
    "requests no number": b'kronkers_requests_total{route="/predict",code="200"} NaN\n',
    "requests add up": b"".join(
        b'kronkers_requests_total{route="/predict",code="2%02d"} 9e18\n' % n for n in range(100)
    ),
    "odd code": b'kronkers_requests_total{route="/predict",code="abc"} 1\n',
    "no code": b'kronkers_requests_total{route="/predict"} 1\n',
    "a series twice": b"kronkers_process_memory_bytes 1\nkronkers_process_memory_bytes 2\n",
    "a labelled series twice": b'kronkers_requests_total{route="/predict",code="200"} 1\n' * 2,
    "a run of no name": b'kronkers_run_info{run="x"} 1\n',
    "two runs": b'kronkers_run_info{run="%s"} 1\nkronkers_run_info{run="%s"} 1\n' % (b"0" * 16, b"1" * 16),
    "uptime of ages": b'kronkers_run_info{run="%s"} 1\nkronkers_process_uptime_seconds 9e18\n' % (b"0" * 16),
    "two memories": b'kronkers_process_memory_bytes{a="1"} 1\nkronkers_process_memory_bytes{a="2"} 2\n',
    "bound no number": b'kronkers_request_seconds_bucket{le="NaN"} 1\n',
    "bound below zero": b'kronkers_request_seconds_bucket{le="-1"} 1\n',
    "many buckets": b"".join(b'kronkers_request_seconds_bucket{le="%d"} 1\n' % n for n in range(5000)),
    "a million series": b"".join(b"a%d 1\n" % n for n in range(400_000)),
    "a million empty lines": b"\n" * 3_999_000,
    "a long line": b'a{b="' + b"x" * 3_000_000 + b'"} 1\n',
    "a label with braces": b"a{" + b"} " * 1_900_000 + b"\n",
    "many labels": b"a{" + b",".join(b'l%d="x"' % n for n in range(500)) + b"} 1\n",
    "a label twice": b'a{b="1",b="2"} 1\n',
    "too large": b"#" * 4_500_000,
}


@pytest.mark.parametrize("name", BAD_METRICS)
def test_metrics_that_are_none_leave_what_was_known_and_end_in_time(session: Session, name: str) -> None:
    good = body((INFO + "kronkers_process_memory_bytes 1000\n").encode())
    with live(session, good, body(BAD_METRICS[name])), closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
        assert feed.scrape().reachable
        began = own_time()
        state = feed.scrape()
        assert own_time() - began < 5
    assert not state.reachable
    assert state.problem
    assert state.values == {Metric.MEMORY: 1000.0}


RUN = "0123456789abcdef"
KEEPS = INFO + f'kronkers_run_info{{run="{RUN}"}} 1\nkronkers_process_uptime_seconds 100\n'
GOOD_HISTORY = {
    "run": RUN, "uptime": 100.0, "start": 90.0, "bounds": [0.1], "kind": "classes", "names": ["no", "yes"],
    "total": {"statuses": [5, 0, 0], "rows": 5, "seconds": [5, 0]}, "more": False,
    "intervals": [[90.0, 10.0, [5, 0, 0], 5, 1.0, None, [0, 5], [0, 2, 1, 3]]],
}  # fmt: skip


def history(**changes: Any) -> bytes:
    return json.dumps({**GOOD_HISTORY, **changes}).encode()


@pytest.mark.parametrize(
    "answer",
    [
        body(b""),
        body(b"[" * 900_000),
        body(b"9" * 1_900_000),
        body(b'{"run": "' + b"x" * 3_000_000 + b'"}'),
        body(history(), b"HTTP/1.1 500 Odd\r\n"),
        body(history(names=["\x1b[2J", "yes"])),
        body(history(intervals=[[float("inf"), 10.0, [5, 0, 0], 5, 1.0, None, [0, 5], []]])),
        body(history(intervals=[[90.0, 10.0, [9**60, 0, 0], 5, 1.0, None, [0, 5], []]])),
    ],
)
def test_a_last_day_that_is_none_leaves_what_was_known_and_ends_in_time(session: Session, answer: Give) -> None:
    metrics = body((KEEPS + "kronkers_process_memory_bytes 7\n").encode())
    with live(session, metrics, answer), closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
        began = own_time()
        state = feed.scrape()
        assert own_time() - began < 5
    assert not state.reachable
    assert state.problem
    assert state.values == {}
    assert session.series.last_reading("wine", THIS_COMPUTER) is None
    assert session.series.answers("wine", THIS_COMPUTER, 0, 1e11).rows == 0


@pytest.mark.parametrize("uptime", [b"9e18", b"1e12", b"4e9"])
def test_a_service_that_has_run_for_ages_is_none(session: Session, uptime: bytes) -> None:
    metrics = body(KEEPS.encode().replace(b"seconds 100", b"seconds " + uptime))
    with live(session, metrics, body(history())), closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
        state = feed.scrape()
    assert not state.reachable
    assert state.problem.startswith("The service's metrics are not what")


def test_a_last_day_is_taken_once_and_a_restart_amid_it_is_none(session: Session) -> None:
    counted = 'kronkers_requests_total{route="/predict",code="200"} 5\nkronkers_request_seconds_bucket{le="0.1"} 5\n'
    counted += 'kronkers_request_seconds_bucket{le="+Inf"} 5\n'
    metrics = body((KEEPS + counted + "kronkers_process_memory_bytes 7\n").encode())
    another = body(history(run="f" * 16))
    with live(session, metrics, body(history()), metrics, another):
        for _ in range(2):
            with closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
                assert feed.scrape().reachable
    answers = session.series.answers("wine", THIS_COMPUTER, 0, 1e11)
    assert answers.classes == (("yes", 3), ("no", 2))


def test_metrics_of_another_version_are_not_the_releases(session: Session) -> None:
    other = body((INFO.replace('"3"', '"99"') + "kronkers_process_memory_bytes 7\n").encode())
    with live(session, other), closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
        state = feed.scrape()
    assert not state.reachable
    assert "not version 3 of wine" in state.problem
    assert state.values == {}


def test_a_service_of_this_secret_is_asked_and_one_of_another_is_not(session: Session, tmp_path: Path) -> None:
    folder = wine_folder(tmp_path / "model")
    release = record_live(session, 1)
    (folder / "secret").write_text(session.release_secret(release).hex(), encoding="ascii")
    with running(folder, "--secret-file", str(folder / "secret")) as (port, _):
        record_live(session, port)
        answer = predict(session, "wine", THIS_COMPUTER, wine_rows(2))
        assert (answer.model, answer.version, answer.outputs) == ("wine", 3, (0, 0))
        with closing(LiveFeed(session, "wine", THIS_COMPUTER)) as feed:
            assert feed.scrape().reachable
        record_live(session, port, nonce="5b" * 16)
        with pytest.raises(ServiceUnproven, match="Something else answers"):
            predict(session, "wine", THIS_COMPUTER, wine_rows(2))


@pytest.mark.parametrize("nonce", [None, "", 7])
def test_a_release_from_before_there_were_secrets_is_to_be_released_again(session: Session, nonce: Any) -> None:
    record_live(session, 1, nonce=nonce)
    with pytest.raises(ServiceUnproven, match="earlier version") as refused:
        predict(session, "wine", THIS_COMPUTER, ROWS)
    assert refused.value.next_step == "Release it again."


@pytest.mark.parametrize("value", [b"+Inf", b"NaN", b"1e400", b"-1", b"5"])
def test_the_command_prints_valid_json_whatever_a_service_says(session: Session, tmp_path: Path, value: bytes) -> None:
    with live(session, body(b"kronkers_process_memory_bytes " + value + b"\n")):
        session.close()
        printed = Shell(tmp_path).run("metrics", "wine", "--in", THIS_COMPUTER, "--json").out
    state = json.loads(printed, parse_constant=pytest.fail)["state"]
    assert state["values"] == ({"memory": 5.0} if value == b"5" else {})
    assert bool(state["problem"]) == (value != b"5")

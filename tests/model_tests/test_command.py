"""``kronkers model test`` as a script calls it: exit codes, JUnit XML, what is kept, and what a release says of it."""

from __future__ import annotations

import json
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path
from xml.etree import ElementTree as ET

import joblib
import numpy as np
import psutil
import pytest
from sklearn.datasets import load_wine
from sklearn.tree import DecisionTreeClassifier

from kronkers_studio.domain.changes import ModelTested
from kronkers_studio.domain.errors import ReleaseFailed
from kronkers_studio.domain.model_tests import ExpectationResult, ModelTestRun, Outcome, run_words
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_test_runs.junit import problem_as_junit, run_as_junit
from kronkers_studio.workflows.model_tests import last_test_run, list_test_runs
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import create_workspace
from kronkers_studio.workflows.trash import remove_model_version, restore_from_trash
from tests.cli.shell import Shell

_COLUMNS = ["alcohol", "malic_acid", "ash"]
_GOOD = """
data: holdout.csv
truth: cultivar
tests:
  - {name: accurate, kind: metric, metric: accuracy, at_least: 0.6}
  - {kind: schema, columns: {alcohol: number, malic_acid: number, ash: number}, classes: [0, 1, 2]}
"""
_BAD = _GOOD + "  - {name: perfect, kind: metric, metric: accuracy, at_least: 0.999}\n"


def write_project(folder: Path) -> None:
    """A small model of wines, its holdout and its test set."""
    folder.mkdir()
    data = load_wine()
    rows, truth = data.data[:, :3], data.target
    model = DecisionTreeClassifier(max_depth=2, random_state=0).fit(rows, truth)
    model.feature_names_in_ = np.array(_COLUMNS, dtype=object)
    joblib.dump(model, folder / "wine.joblib")
    (folder / ".python-version").write_text("3.11", encoding="utf-8")
    lines = [",".join([*_COLUMNS, "cultivar"])]
    lines += [",".join([*map(repr, map(float, row)), str(label)]) for row, label in zip(rows, truth, strict=True)]
    (folder / "holdout.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "wine.tests.yaml").write_text(_GOOD, encoding="utf-8")
    (folder / "strict.yaml").write_text(_BAD, encoding="utf-8")
    (folder / "missing.yaml").write_text(_GOOD.replace("cultivar", "kind of grape"), encoding="utf-8")
    (folder / "wrong.yaml").write_text("tests:\n  - kind: metrik\n", encoding="utf-8")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model-test")
    write_project(folder / "project")
    shell = Shell(folder)
    shell.init()
    shell.run("migrate", str(folder / "project"), "--project", "quality")
    shell.run("model", "register", "quality:wine.joblib", "--name", "wine", "--data", "quality:holdout.csv",
              "--metric", "accuracy=0.85")  # fmt: skip
    return folder


@pytest.fixture
def shell(made: Path) -> Shell:
    return Shell(made)


def _xml(document: bytes) -> ET.Element:
    return ET.fromstring(document)  # noqa: S314  # our own


def _services(shell: Shell) -> list[psutil.Process]:
    """Processes that run something of the workspace."""
    runs = str(shell.workspace / "runs")
    found = []
    for process in psutil.process_iter(["cmdline"]):
        if any(argument.startswith(runs) for argument in process.info["cmdline"] or ()):
            found.append(process)
    return found


def _left(shell: Shell) -> list[Path]:
    folder = shell.workspace / "runs" / "tests"
    return list(folder.iterdir()) if folder.exists() else []


def test_a_version_is_tested_and_the_result_is_kept_with_it(shell: Shell, tmp_path: Path) -> None:
    """Seen to fail with the service left running, and with exit code 0 for what failed."""
    assert "not tested" in shell.run("model", "show", "wine").out
    refused = shell.run("release", "wine", "--to", "this-computer", "--require-tests", expect=3)
    assert "wine:1 is not put live: it was not tested." in refused.err

    junit = tmp_path / "reports" / "wine.xml"
    passed = shell.run("model", "test", "wine", "--junit", str(junit))
    assert "ok  accurate  Accuracy on holdout.csv is 0.8" in passed.out
    assert "wine:1: all 2 tests passed (" in passed.out
    assert not _services(shell) and not _left(shell)
    assert shell.json("releases") == []
    suite = _xml(junit.read_bytes()).find("testsuite")
    assert suite is not None and (suite.get("tests"), suite.get("failures")) == ("2", "0")
    assert "tested: all 2 tests passed" in shell.run("model", "show", "wine").out

    failed = shell.json("model", "test", "wine", "--tests", "quality:strict.yaml", "--junit", str(junit), expect=3)
    assert [result["outcome"] for result in failed["results"]] == ["passed", "passed", "failed"]
    root = _xml(junit.read_bytes())
    assert root.get("failures") == "1"
    failure = root.find(".//testcase[@name='perfect']/failure")
    assert failure is not None and "at least 0.999 was asked for" in failure.get("message", "")

    runs = shell.json("model", "tests", "wine:1")
    assert [run["test_set"]["path"] for run in runs] == ["strict.yaml", "wine.tests.yaml"]
    assert runs[0] == failed
    text = shell.run("model", "tests", "wine:1").out
    assert "FAILED  perfect" in text and "2 of 3 tests passed, 1 failed" in text
    again = shell.run("release", "wine", "--to", "this-computer", "--require-tests", expect=3)
    assert "2 of 3 tests passed, 1 failed" in again.err
    assert "tests: 2 of 3 tests passed, 1 failed" in shell.run("package", "wine").err


def test_what_cannot_be_run_or_measured_ends_with_1(shell: Shell, tmp_path: Path) -> None:
    junit = tmp_path / "wine.xml"
    for tests, words in (("wrong.yaml", "wrong.yaml, line 2: “metrik” is no kind"), ("no.yaml", "no.yaml")):
        printed = shell.run("model", "test", "wine", "--tests", f"quality:{tests}", "--junit", str(junit), expect=1)
        assert words in printed.err
        error = _xml(junit.read_bytes()).find(".//error")
        assert error is not None and words in error.get("message", "")
    unmeasured = shell.run("model", "test", "wine", "--tests", "quality:missing.yaml", expect=1)
    assert "ERROR  accurate  holdout.csv has no column “kind of grape”" in unmeasured.out
    assert "1 of 2 tests passed, 1 could not be measured" in unmeasured.out
    assert shell.run("model", "test", "nobody", expect=1).err
    assert shell.run("model", "test", "wine", "--on", "nowhere", expect=1).err
    assert not _services(shell) and not _left(shell)


def test_a_model_changed_since_its_tests_is_not_put_live_with_require_tests(shell: Shell) -> None:
    """Seen to fail with any run that passed taken for one of the version as it is."""
    shell.run("model", "test", "wine", "--tests", "quality:wine.tests.yaml")
    shell.run("model", "tag", "wine", "nice")  # what people say of it changes nothing
    assert "tested: all 2" in shell.run("model", "show", "wine").out
    shell.run("model", "dependencies", "wine", "--add", "joblib")
    refused = shell.run("release", "wine", "--to", "this-computer", "--require-tests", expect=3)
    assert "it was changed since its last tests (all 2 tests passed)" in refused.err
    shell.run("model", "dependencies", "wine", "--reset")
    live = shell.run("release", "wine", "--to", "this-computer", "--require-tests")
    assert "tests" not in live.err
    shell.run("stop", "wine", "--in", "this-computer")


def test_a_test_set_is_chosen_added_and_made(shell: Shell, made: Path, tmp_path: Path) -> None:
    """Seen to fail with the chosen set read as it was when it was chosen."""
    chosen = shell.json("model", "tests", "wine", "--set", "quality:strict.yaml")
    assert chosen["tests"] == 3
    assert shell.json("model", "test", "wine", expect=3)["test_set"]["path"] == "strict.yaml"
    for text, code in ((_GOOD, 0), (_BAD, 3)):
        (made / "project" / "strict.yaml").write_text(text, encoding="utf-8")
        shell.run("migrate", str(made / "project"), "--project", "quality")
        shell.run("model", "test", "wine", expect=code)
    own = tmp_path / "own.yaml"
    own.write_text("tests:\n  - {kind: start, at_most_seconds: 200}\n", encoding="utf-8")
    assert shell.json("model", "tests", "wine", "--add", str(own))["test_set"]["project"] == "Model tests"
    assert [each["kind"] for each in shell.json("model", "test", "wine")["results"]] == ["start"]
    own.write_text("tests:\n  - {kind: size, at_most_mb: 0}\n", encoding="utf-8")
    shell.run("model", "tests", "wine", "--add", str(own))
    assert [each["kind"] for each in shell.json("model", "test", "wine", expect=3)["results"]] == ["size"]
    own.write_text("tests: 1\n", encoding="utf-8")
    assert "line 1" in shell.run("model", "tests", "wine", "--add", str(own), expect=1).err

    said = shell.run("model", "tests", "wine", "--first").err
    assert "metric: accuracy" in said and "at_least: 0.8075" in said and 'truth: "cultivar"' in said
    first = shell.json("model", "test", "wine")
    assert {result["kind"] for result in first["results"]} == {"schema", "metric", "deterministic", "latency", "memory"}
    shell.run("model", "tests", "wine", "--reset")
    assert shell.json("model", "test", "wine")["test_set"]["path"] == "wine.tests.yaml"
    wrong = shell.run("model", "tests", "wine", "--reset", "--first", expect=2)
    assert "one of" in wrong.err


def test_a_run_that_is_interrupted_ends_its_service(shell: Shell) -> None:
    """Seen to fail with nothing done when the block of the service is left by an error."""
    slow = shell.folder / "slow.yaml"
    text = "tests:\n  - {kind: latency, p50: 1000, requests: 100000, warm_up: 0}\n"
    slow.write_text(text, encoding="utf-8")
    shell.run("model", "tests", "wine", "--add", str(slow))
    with shell.start("model", "test", "wine") as process:
        until = time.monotonic() + 120
        while not _services(shell) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        assert _services(shell), process.communicate()
        time.sleep(1)
        process.terminate()
        _out, err = process.communicate(timeout=120)
    assert process.returncode == 130, err
    assert not _services(shell) and not _left(shell)
    shell.run("model", "tests", "wine", "--reset")


def test_what_a_killed_program_left_is_ended_by_the_next_that_looks(shell: Shell) -> None:
    """Seen to fail without ``end_abandoned``."""
    slow = shell.folder / "slow.yaml"
    slow.write_text("tests:\n  - {kind: latency, p50: 1000, requests: 100000, warm_up: 0}\n", encoding="utf-8")
    shell.run("model", "tests", "wine", "--add", str(slow))
    with shell.start("model", "test", "wine") as process:
        until = time.monotonic() + 120
        while not _services(shell) and process.poll() is None and time.monotonic() < until:
            time.sleep(0.1)
        process.kill()
        process.communicate(timeout=60)
    (service,) = _services(shell)
    assert _left(shell)
    shell.run("releases")
    psutil.wait_procs([service], timeout=10)
    assert not _services(shell) and not _left(shell)
    shell.run("model", "tests", "wine", "--reset")


def test_runs_go_into_the_trash_and_come_back_with_their_version(made: Path, tmp_path: Path) -> None:
    """Seen to fail with the table of runs left out of what a version takes along."""
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, made / "project", "quality")
        version = register_model(session, "quality", "wine.joblib", name="wine")
        run = _run(_result(Outcome.PASSED, "fine"))
        session.workspace.ledger.record(ModelTested(run), author="ann")
        assert last_test_run(session, version).run == run
        item = remove_model_version(session, "wine", 1)
        assert session.workspace.ledger.model_test_runs("wine") == []
        restore_from_trash(session, item.id)
        assert list_test_runs(session, "wine", 1) == [run]


# ---- JUnit ----


def _run(*results: ExpectationResult) -> ModelTestRun:
    source = ContentRef("q", "1" * 64, "a\x1b.yaml")
    at = datetime(2026, 12, 1, tzinfo=UTC)
    return ModelTestRun("1", "wine", 1, at, "ann", "here", "sha256:1", "s", source, "d", results, 2.5)


def _result(outcome: Outcome, sentence: str, name: str = "x") -> ExpectationResult:
    return ExpectationResult(name, "metric", outcome, 0.5, "", sentence, 0.25)


def test_any_text_becomes_xml_that_parsers_read() -> None:
    """Seen to fail with control characters written as they are."""
    hostile = "<&\"'>]]> \x00\x1b[31m \ud800 \ufffe 𝄞 \u2028 line\nline\ttab"
    document = run_as_junit(_run(*(_result(outcome, hostile, hostile) for outcome in Outcome)))
    root = _xml(document)
    cases = root.findall(".//testcase")
    read = cases[1].find("failure")
    assert read is not None and read.text == hostile.replace("\x00", "\\x00").replace("\x1b", "\\x1b").replace(
        "\ud800", "\\xd800"
    ).replace("\ufffe", "\\xfffe")
    assert [case.find("skipped") is not None for case in cases] == [False, False, False, True]
    assert root.get("tests") == "4" and root.get("errors") == root.get("failures") == root.get("skipped") == "1"


def test_a_run_that_did_not_come_about_is_an_error_in_junit() -> None:
    root = _xml(problem_as_junit("wine", ReleaseFailed("It did not start.", next_step="Look.")))
    error = root.find(".//testcase/error")
    assert error is not None and error.get("message") == "It did not start. Look."


@pytest.mark.slow
def test_the_parser_that_others_use_reads_it(tmp_path: Path) -> None:
    """junitparser, which is fetched for this."""
    import uv

    good, bad = tmp_path / "good.xml", tmp_path / "bad.xml"
    good.write_bytes(run_as_junit(_run(_result(Outcome.PASSED, "fine \x1b"))))
    bad.write_bytes(run_as_junit(_run(_result(Outcome.FAILED, "<bad> \x00"))))
    command = [uv.find_uv_bin(), "tool", "run", "--python", "3.11", "junitparser", "verify"]
    for file, code in ((good, 0), (bad, 1)):
        done = subprocess.run([*command, file], capture_output=True, text=True, check=False, timeout=200)
        assert done.returncode == code, done.stdout + done.stderr


def test_a_run_in_words_and_its_outcome() -> None:
    every = [_result(outcome, "") for outcome in Outcome]
    assert run_words(_run(*every)) == "1 of 4 tests passed, 1 failed, 1 could not be measured, 1 skipped"
    assert _run(*every).outcome is Outcome.FAILED
    assert _run(every[0], every[2]).outcome is Outcome.ERROR
    assert _run(every[0], every[3]).passed and not _run(every[3]).passed
    assert run_words(_run(every[0])) == "the test passed"
    assert json.loads(json.dumps([outcome.value for outcome in Outcome])) == ["passed", "failed", "error", "skipped"]


def test_a_first_test_set_is_made_for_a_table_that_is_named(shell: Shell) -> None:
    found = shell.run("model", "tests", "wine", "--first", "--data", "quality:holdout.csv")
    assert 'data: "quality:holdout.csv"' in found.err and "kind: champion" in found.err
    refused = shell.json("model", "tests", "wine", "--first", "--data", "quality:wine.tests.yaml", expect=1)
    assert "cannot be a test set of wine" in refused["error"]["message"]
    assert shell.json("model", "tests", "wine", "--data", "quality:holdout.csv", expect=2)["error"]["next_step"]
    shell.run("model", "tests", "wine", "--reset")

"""``kronkers predict``: any table in, all of its columns with the answers out."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from kronkers_studio.domain.changes import ReleaseRecorded
from kronkers_studio.domain.errors import PredictionFailed
from kronkers_studio.domain.releases import THIS_COMPUTER, Prediction, Release, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows import prediction_requests, scored_rows
from kronkers_studio.workflows.models import show_model
from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import Shell

_SAMPLE = resource("sample/OneDrive - Kronkers")
_MODEL_FOLDER = "Quality/Wine/model"
_ROWS = json.loads((_SAMPLE / _MODEL_FOLDER / "rows.json").read_text(encoding="utf-8"))["rows"]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A workspace with the model "wine", recorded as live on this computer."""
    shell = Shell(tmp_path_factory.mktemp("predict"))
    shell.init()
    shell.run("migrate", str(_SAMPLE), "--project", "sample")
    shell.run("model", "register", f"sample:{_MODEL_FOLDER}/wine_cultivar.joblib", "--name", "wine")
    now = datetime.now(UTC)
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        version = show_model(session, "wine").version
        live = Release("wine", THIS_COMPUTER, 1, version, "sha256:0", ReleaseState.LIVE, now, now)
        session.workspace.ledger.record(ReleaseRecorded(live), author="ada")
    return shell


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What the service was sent; it answers each row with a cultivar."""
    rows_sent: list[Any] = []

    def answer(_session: Any, name: str, _place: str, rows: Sequence[Any]) -> Prediction:
        rows_sent.extend(rows)
        return Prediction(name, 1, ("Barolo",) * len(rows), ({"Barolo": 0.9, "Grignolino": 0.1},) * len(rows), 1.0)

    monkeypatch.setattr(scored_rows, "predict", answer)
    return rows_sent


def _table(file: Path, *, separator: str = ",") -> Path:
    """The sample's rows with two more columns, in an order of their own."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=separator)
    names = list(reversed(_ROWS[0]))
    writer.writerow(["bottle", *names, "cellar"])
    for number, row in enumerate(_ROWS):
        writer.writerow([f"{number:03}", *(row[name] for name in names), "=A1"])
    file.write_text(text.getvalue(), encoding="utf-8")
    return file


def _predict(shell: Shell, *arguments: str, expect: int = 0, given: str = "") -> Any:
    return shell.run("predict", "wine", "--in", "this-computer", *arguments, expect=expect, given=given)


def test_more_columns_than_needed_are_carried_into_the_saved_table(
    shell: Shell, sent: list[Any], tmp_path: Path
) -> None:
    table = _table(tmp_path / "own.csv")
    target = tmp_path / "scored.xlsx"
    done = _predict(shell, "--input", str(table), "--output", str(target))
    assert sent == _ROWS
    assert "13 of 15 columns used; carried along: bottle, cellar." in done.err
    assert f"Saved in {target}" in done.out
    sheet = openpyxl.load_workbook(target).active
    assert sheet is not None
    rows = list(sheet.iter_rows(values_only=True))
    assert rows[0][-4:] == ("answer", "certainty", "probability of Barolo", "probability of Grignolino")
    assert (rows[1][0], rows[1][14:17]) == ("000", ("=A1", "Barolo", 0.9))
    again = _predict(shell, "--input", str(table), "--output", str(target), expect=1)
    assert "is there already" in again.err
    document = json.loads(
        _predict(shell, "--input", str(table), "--output", str(tmp_path / "a.json"), "--json", "--overwrite").out
    )
    assert document["saved"] == str(tmp_path / "a.json")
    assert document["outputs"] == ["Barolo"] * len(_ROWS)


def test_the_answer_without_a_file_is_the_document_it_was(shell: Shell, sent: list[Any], tmp_path: Path) -> None:
    document = json.loads(_predict(shell, "--input", str(_table(tmp_path / "own.tsv", separator="\t")), "--json").out)
    assert document.keys() == {"model", "version", "outputs", "probabilities", "milliseconds"}
    assert sent == _ROWS


def test_rows_are_piped_in_and_read_from_a_project(shell: Shell, sent: list[Any]) -> None:
    _predict(shell, "--input", "-", given=json.dumps(_ROWS))
    assert sent == _ROWS
    sent.clear()
    _predict(shell, "--input", f"sample@main:{_MODEL_FOLDER}/rows.csv")
    assert [set(row) for row in sent] == [set(row) for row in _ROWS]
    for nowhere in ("sample:no/such.csv", "sample@no/such:rows.csv"):
        done = _predict(shell, "--input", nowhere, expect=1)
        assert "no/such" in done.err


def test_a_table_that_does_not_fit_is_not_sent(shell: Shell, sent: list[Any], tmp_path: Path) -> None:
    table = tmp_path / "own.csv"
    table.write_text("alcohol,nonsense\n1,2\n", encoding="utf-8")
    done = _predict(shell, "--input", str(table), expect=1)
    assert "own.csv lacks" in done.err
    assert "nonsense" in done.err
    document = json.loads(_predict(shell, "--input", str(table), "--json", expect=1).out)
    assert document["error"]["kind"] == "RowsRefused"
    missing = _predict(shell, "--input", str(tmp_path / "nothing.csv"), expect=2)
    assert "cannot be read: there is no such file" in missing.err
    unsaved = _predict(shell, "--input", str(table), "--output", str(tmp_path / "a.doc"), expect=2)
    assert "in which format" in unsaved.err
    assert sent == []


def test_what_was_answered_before_a_part_failed_is_saved_and_said_to_be_incomplete(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parts = iter((1, 0))

    def answer(_session: Any, name: str, _place: str, rows: Sequence[Any]) -> Prediction:
        if not next(parts):
            raise PredictionFailed("Row 1: the field “hue” is null.", row=1, next_step="Correct it.")
        return Prediction(name, 1, ("Barolo",) * len(rows), (), 1.0)

    monkeypatch.setattr(scored_rows, "predict", answer)
    monkeypatch.setattr(prediction_requests, "PART_ROWS", 2)
    target = tmp_path / "scored.csv"
    done = _predict(shell, "--input", str(_table(tmp_path / "own.csv")), "--output", str(target), expect=1)
    assert f"Incomplete: 2 of {len(_ROWS)} rows were answered. They are saved in {target}." in done.err
    assert "Row 3 (line 4): the field “hue” is null." in done.err
    assert len(list(csv.reader(io.StringIO(target.read_text(encoding="utf-8-sig"))))) == 3

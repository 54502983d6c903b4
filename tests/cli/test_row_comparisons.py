"""``kronkers model compare A B --rows TABLE``: both packaged services answer the same rows, and end with that."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import joblib
import numpy as np
import openpyxl
import psutil
import pytest
from sklearn.datasets import load_diabetes, load_wine
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from tests.cli.shell import Shell

_WINE = ["alcohol", "malic_acid", "ash"]
_BODY = ["age", "bmi", "bp"]


def _write_table(file: Path, names: list[str], rows: np.ndarray, truth: np.ndarray) -> None:
    with file.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["id", *names, "truth"])
        for number, (row, true) in enumerate(zip(rows, truth, strict=True), 1):
            writer.writerow([f"row {number}", *map(repr, map(float, row)), true])


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """wine:1 and wine:2 are trees of two depths, wine:3 knows one column less; body:1 and body:2 answer numbers."""
    folder = tmp_path_factory.mktemp("same-rows")
    project = folder / "project"
    project.mkdir()
    (project / ".python-version").write_text("3.11", encoding="utf-8")
    wine, body = load_wine(), load_diabetes()
    rows = wine.data[:, :3]
    for number, (depth, names) in enumerate(((1, _WINE), (3, _WINE), (3, _WINE[:2])), 1):
        tree = DecisionTreeClassifier(max_depth=depth, random_state=0).fit(rows[:, : len(names)], wine.target)
        tree.feature_names_in_ = np.array(names, dtype=object)
        joblib.dump(tree, project / f"wine{number}.joblib")
    for number, line in enumerate((LinearRegression(), Ridge(5.0)), 1):
        line.fit(body.data[:, [0, 2, 3]], body.target)
        line.feature_names_in_ = np.array(_BODY, dtype=object)
        joblib.dump(line, project / f"body{number}.joblib")
    _write_table(project / "wine.csv", _WINE, rows, wine.target)
    _write_table(project / "body.csv", _BODY, body.data[:, [0, 2, 3]], body.target)
    shell = Shell(folder)
    shell.init()
    shell.run("migrate", str(project), "--project", "p")
    for name in ("wine1", "wine2", "wine3", "body1", "body2"):
        data = ["--data", "p:wine.csv"] if name.startswith("wine") else []
        shell.run("model", "register", f"p:{name}.joblib", "--name", name[:-1], *data)
    return folder


@pytest.fixture
def shell(made: Path) -> Shell:
    return Shell(made)


def _no_service_is_left(shell: Shell) -> bool:
    runs = str(shell.workspace / "runs")
    notes = shell.workspace / "runs" / "tests"
    running = [
        process
        for process in psutil.process_iter(["cmdline"])
        if any(argument.startswith(runs) for argument in process.info["cmdline"] or ())
    ]
    return not running and not (list(notes.iterdir()) if notes.exists() else [])


def _expected(made: Path) -> tuple[list[int], list[int], list[int]]:
    rows, truth = load_wine(return_X_y=True)
    answers = []
    for number in (1, 2):
        tree = joblib.load(made / "project" / f"wine{number}.joblib")
        del tree.feature_names_in_
        answers.append(list(map(int, tree.predict(rows[:, :3]))))
    return answers[0], answers[1], list(map(int, truth))


def test_classes_are_compared_row_by_row_and_by_the_truth(shell: Shell, made: Path, tmp_path: Path) -> None:
    """The figures are those of scikit-learn in this process. Seen to fail with right and left exchanged, and with the
    second service left running."""
    left, right, truth = _expected(made)
    alike = sum(one == other for one, other in zip(left, right, strict=True))
    saved = tmp_path / "both.csv"
    told = shell.json("model", "compare", "wine:1", "wine:2", "--rows", "p:wine.csv", "--truth", "truth",
                      "--output", str(saved))  # fmt: skip
    assert (told["rows"], told["alike"]) == (178, alike)
    pairs = {(each["before"], each["after"]): each["rows"] for each in told["transitions"]}
    assert pairs == dict(Counter((str(a), str(b)) for a, b in zip(left, right, strict=True)))
    accuracy = told["truth"]["metrics"][0]
    assert accuracy["name"] == "Accuracy"
    assert accuracy["left"] == pytest.approx(np.mean(np.array(left) == truth))
    assert accuracy["right"] == pytest.approx(np.mean(np.array(right) == truth))
    assert told["truth"]["chance"] < 0.05
    assert "is more than chance explains (McNemar's test, p < 0.001)." in told["truth"]["sentence"]
    assert any("registered with these rows as data" in remark for remark in told["remarks"])
    assert told["left_milliseconds"] > 0 < told["right_milliseconds"]
    assert 0 < told["chances"]["mean"] <= told["chances"]["largest"] <= 1
    assert _no_service_is_left(shell)
    assert shell.json("releases") == []

    with saved.open(encoding="utf-8-sig", newline="") as stream:
        lines = list(csv.DictReader(stream))
    assert list(lines[0]) == [
        *("id", *_WINE, "truth"),
        *("answer of wine:1", "answer of wine:2", "changed", "change of probability"),
    ]
    assert [int(line["answer of wine:1"]) for line in lines] == left
    assert [int(line["answer of wine:2"]) for line in lines] == right
    assert [line["changed"] for line in lines] == ["no" if a == b else "yes" for a, b in zip(left, right, strict=True)]


def test_numbers_are_compared_by_their_difference(shell: Shell, made: Path, tmp_path: Path) -> None:
    rows, truth = load_diabetes(return_X_y=True)
    answers = []
    for number in (1, 2):
        line = joblib.load(made / "project" / f"body{number}.joblib")
        del line.feature_names_in_
        answers.append(line.predict(rows[:, [0, 2, 3]]))
    difference = answers[1] - answers[0]
    saved = tmp_path / "both.xlsx"
    file = made / "project" / "body.csv"
    told = shell.json("model", "compare", "body:1", "body:2", "--rows", str(file), "--truth", "truth",
                      "--output", str(saved))  # fmt: skip
    assert told["transitions"] == [] and told["chances"] is None
    assert told["numbers"]["mean"] == pytest.approx(float(difference.mean()), abs=1e-9)
    assert told["numbers"]["quantiles"]["0.5"] == pytest.approx(float(np.median(difference)))
    assert told["numbers"]["largest"] == pytest.approx(float(difference[np.argmax(np.abs(difference))]))
    assert told["truth"]["metrics"][0]["left"] == pytest.approx(float(np.mean(np.abs(answers[0] - truth))))
    assert "a bootstrap over the rows" in told["truth"]["sentence"]
    sheet = openpyxl.load_workbook(saved).active
    assert sheet is not None
    head, *lines = sheet.iter_rows(values_only=True)
    assert head[-4:] == ("answer of body:1", "answer of body:2", "changed", "difference")
    assert [line[-1] for line in lines] == pytest.approx(list(difference))


def test_the_text_says_it_in_a_sentence_and_names_the_columns_that_only_one_takes(shell: Shell) -> None:
    said = shell.run("model", "compare", "wine:1", "wine:3", "--rows", "p:wine.csv").out
    assert said.startswith("wine:1 and wine:3 answer alike for ")
    assert "of 178 rows of wine.csv (" in said
    assert "Only wine:1 takes ash." in said
    assert "Changed most" in said
    assert "Row " in said and "(line " in said


def test_nothing_is_started_for_a_table_that_does_not_fit(shell: Shell, tmp_path: Path) -> None:
    table = tmp_path / "short.csv"
    table.write_text("alcohol,malic_acid\n13,1\n", encoding="utf-8")
    for models in (("wine:1", "wine:2"), ("wine:3", "wine:2")):
        said = shell.run("model", "compare", *models, "--rows", str(table), expect=1).err
        assert (
            f"short.csv lacks ash: 1 of the 3 columns that {'wine:1' if models[0] == 'wine:1' else 'wine:2'} needs"
            in said
        )
    assert not (shell.workspace / "runs" / "tests").exists() or _no_service_is_left(shell)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("wine:1", "wine:1", "--rows", "p:wine.csv"), 2, "wine:1 is on both sides"),
        (("wine:1", "wine:2", "--rows", "nothing.csv"), 2, "nothing.csv is no file"),
        (("wine:1", "wine:2", "--rows", "p:wine.csv", "--truth", "grape"), 1, "wine.csv has no column “grape”"),
        (("wine:1", "wine:2", "--truth", "truth"), 2, "There are no rows to compare by"),
        (("wine:1", "wine:2", "--rows", "p:wine.csv", "--output", "both.doc"), 2, "does not say in which format"),
    ],
)
def test_what_cannot_be_compared_is_said(shell: Shell, arguments: tuple[str, ...], code: int, said: str) -> None:
    assert said in shell.run("model", "compare", *arguments, expect=code).err


def test_classes_and_numbers_are_not_compared(shell: Shell, tmp_path: Path) -> None:
    table = tmp_path / "all.csv"
    table.write_text("alcohol,malic_acid,ash,age,bmi,bp\n13,1,2,0.1,0.1,0.1\n", encoding="utf-8")
    said = shell.run("model", "compare", "wine:1", "body:1", "--rows", str(table), expect=2).err
    assert "One of the versions answers classes, the other numbers" in said
    assert _no_service_is_left(shell)

"""Holdouts as people have them: of any kind of file, with truths that are written otherwise than the answers."""

from __future__ import annotations

import io
from collections.abc import Iterator

import numpy as np
import openpyxl
import polars as pl
import pytest

from kronkers_studio.domain.errors import InvalidInput, RowsRefused
from kronkers_studio.domain.expectations import Metric
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.row_tables import RowTable
from kronkers_studio.workflows.model_test_runs.findings import Unmeasurable, figure, percent
from kronkers_studio.workflows.model_test_runs.holdouts import (
    Answers,
    class_number,
    column_place,
    data_reference,
    judged_classes,
    judged_numbers,
)
from kronkers_studio.workflows.model_test_runs.quality_metrics import measure
from kronkers_studio.workflows.row_files import read_row_content, read_text_rows
from kronkers_studio.workflows.session import Session, create_workspace


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("holdouts")
    opened, _ = create_workspace(folder / "workspace", key_file=folder / "key")
    with opened:
        yield opened


def _workbook(rows: list[list[object]]) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _parquet(**columns: list[object]) -> bytes:
    file = io.BytesIO()
    pl.DataFrame(columns).write_parquet(file)
    return file.getvalue()


def _read(session: Session, content: bytes, name: str) -> RowTable:
    return read_row_content(session, content, name)


@pytest.mark.parametrize(
    ("content", "name"),
    [
        (b"x,kind\n1,0\n2,1\n3,2\n", "h.csv"),
        (b"x;kind\n1,5;0\n2,5;1\n3,5;2\n", "h.csv"),
        (b"x,kind\n1,0.0\n2,1.0\n3,2.0\n", "h.csv"),
        (b'[{"x": 1, "kind": "0"}, {"x": 2, "kind": 1}, {"x": 3, "kind": 2.0}]', "h.json"),
        (_workbook([["x", "kind"], [1, 0], [2, 1], [3, 2]]), "h.xlsx"),
        (_workbook([["x", "kind"], [1, "0"], [2, "1"], [3, "2"]]), "h.xlsx"),
        (_parquet(x=[1, 2, 3], kind=[0, 1, 2]), "h.parquet"),
        (_parquet(x=[1, 2, 3], kind=["0", "1", "2"]), "h.parquet"),
        (_parquet(x=[1, 2, 3], kind=[0.0, 1.0, 2.0]), "h.parquet"),
    ],
)
@pytest.mark.parametrize("outputs", [(0, 1, 1), (0.0, 1.0, 1.0), ("0", "1", "1"), ([0], [1], [1])])
def test_the_same_classes_in_every_kind_of_file(
    session: Session, content: bytes, name: str, outputs: tuple[object, ...]
) -> None:
    judged, rows = judged_classes(_read(session, content, name), "kind", Answers(outputs))
    assert rows.all() and measure(Metric.ACCURACY, judged) == pytest.approx(2 / 3)


@pytest.mark.parametrize("truth", ["True,false,TRUE", "1,0,1", "true,False,1.0"])
@pytest.mark.parametrize("outputs", [(True, False, False), ("true", "false", "false"), (1, 0, 0)])
def test_truth_values_as_people_and_programs_write_them(truth: str, outputs: tuple[object, ...]) -> None:
    lines = "\n".join(f"{number},{word}" for number, word in enumerate(truth.split(",")))
    table = read_text_rows(f"x,paid\n{lines}\n".encode(), "h.csv")
    judged, _ = judged_classes(table, " PAID ", Answers(outputs))
    assert measure(Metric.ACCURACY, judged) == pytest.approx(2 / 3)


def test_rows_without_a_truth_are_left_out_and_probabilities_follow_their_class() -> None:
    table = read_text_rows(b"x,kind\n1,b\n2,\n3,NA\n4,a\n", "h.csv")
    chances = [{"a": 0.1, "b": 0.9}, {"a": 1.0, "b": 0.0}, {"a": 1.0, "b": 0.0}, {"a": 0.6, "b": 0.4}]
    judged, rows = judged_classes(table, "kind", Answers(["b", "a", "a", "a"], chances))
    assert rows.tolist() == [True, False, False, True]
    assert judged.chances is not None and judged.chances.tolist() == [[0.1, 0.9], [0.6, 0.4]]
    assert list(judged.classes) == ["a", "b"] and class_number(judged, "b") == 1 and class_number(judged, None) is None
    assert measure(Metric.ROC_AUC, judged) == 1.0
    with pytest.raises(Unmeasurable, match="There is no class “c”; there are a, b"):
        class_number(judged, "c")


def test_a_class_that_the_model_does_not_know_is_wrong_and_not_left_out() -> None:
    table = read_text_rows(b"x,kind\n1,a\n2,new\n", "h.csv")
    judged, _ = judged_classes(table, "kind", Answers(["a", "a"], [{"a": 1.0, "b": 0.0}] * 2))
    assert measure(Metric.ACCURACY, judged) == 0.5 and list(judged.classes) == ["a", "b", "new"]
    assert measure(Metric.LOG_LOSS, judged) > 10


def test_amounts_with_decimal_commas_and_gaps() -> None:
    table = read_text_rows(b"x;price\n1;10,5\n2;\n3;20,5\n", "h.csv")
    judged, rows = judged_numbers(table, "price", Answers([10.5, 1.0, 21.5]))
    assert rows.tolist() == [True, False, True] and judged.truth.tolist() == [10.5, 20.5]
    assert measure(Metric.MAE, judged) == 0.5
    with pytest.raises(Unmeasurable, match="1 of the answers are no numbers"):
        judged_numbers(table, "price", Answers([10.5, 1.0, None]))
    with pytest.raises(RowsRefused, match="price must be a number"):
        judged_numbers(read_text_rows(b"x,price\n1,cheap\n", "h.csv"), "price", Answers([1.0]))


def test_columns_that_are_missing_twice_there_or_empty_are_told() -> None:
    table = read_text_rows(b"x,Kind,kind,empty\n1,a,b,\n", "h.csv")
    assert (column_place(table, "kind"), column_place(table, "Kind")) == (2, 1)
    with pytest.raises(Unmeasurable, match="no column “KIND”, or several"):
        column_place(table, "KIND")
    with pytest.raises(Unmeasurable, match="has no column “none”; it has x, Kind, kind, empty"):
        column_place(table, "none")
    with pytest.raises(Unmeasurable, match=r"No row of h\.csv says what is true in “empty”"):
        judged_classes(table, "empty", Answers(["a"]))


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ("h.csv", ContentRef("p", "c", "models/h.csv")),
        ("./h.csv", ContentRef("p", "c", "models/h.csv")),
        ("../data/h.csv", ContentRef("p", "c", "data/h.csv")),
        ("/data/h.csv", ContentRef("p", "c", "data/h.csv")),
        ("other:data/h.csv", ContentRef("other", "", "data/h.csv")),
        ("other@main:h.csv", ContentRef("other", "main", "h.csv")),
    ],
)
def test_what_a_name_of_data_means(data: str, expected: ContentRef) -> None:
    assert data_reference(data, ContentRef("p", "c", "models/wine.tests.yaml")) == expected


def test_data_cannot_lead_out_of_its_project() -> None:
    with pytest.raises(InvalidInput):
        data_reference("../../h.csv", ContentRef("p", "c", "models/wine.tests.yaml"))


def test_figures_never_read_as_the_bound_that_they_miss() -> None:
    assert figure(0.89999999, 0.9) == "0.89999999" and figure(0.9, 0.9) == "0.9"
    assert figure(1234567.0) == "1,235,000" and figure(0.92697) == "0.927"
    assert figure(0.8999, 0.9) == "0.8999" and figure(0.89999, 0.9) == "0.89999"
    assert percent(0.9999) == "99.99 %" and percent(1.0) == "100 %" and percent(0.0) == "0 %"
    assert figure(1e-9) == "1e-09"


def test_shares_of_numpy_are_said_as_others_are() -> None:
    """Seen to fail where NumPy's truth values were compared by ``is``."""
    assert percent(np.float64(1.0)) == "100 %"
    assert percent(np.float64(0.5)) == "50 %"


@pytest.mark.parametrize("cells", [[True, False, True], ["True", "False", "TRUE"], ["true", "false", "1"]])
@pytest.mark.parametrize("answers", [["True", "False", "True"], [True, False, True], ["true", "false", "true"]])
def test_truth_values_are_one_class_however_json_and_csv_write_them(
    cells: list[str | bool], answers: list[object]
) -> None:
    """As CatBoost answers them, whose classes are texts."""
    table = RowTable("t", ("left",), [(cell,) for cell in cells])
    judged, _rows = judged_classes(table, "left", Answers(answers))
    assert measure(Metric.ACCURACY, judged) == 1.0 and len(judged.classes) == 2

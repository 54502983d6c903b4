"""Models of other kinds than scikit-learn's are tested, and compared on rows, as the services that they are."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.model_tests import Outcome
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.domain.references import ModelReference
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_tests import run_model_tests
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.releases import release_model, stop_release
from kronkers_studio.workflows.row_comparison import compare_on_rows
from kronkers_studio.workflows.row_files import read_table
from kronkers_studio.workflows.row_matching import match_rows
from kronkers_studio.workflows.scored_rows import score_rows
from kronkers_studio.workflows.session import Session, create_workspace

pytestmark = pytest.mark.timeout(600)

_HERE = Path(__file__).parent
_CLASSES = """
data: rows.csv
truth: known
tests:
  - {kind: metric, metric: accuracy, at_least: 1}
  - {kind: metric, metric: log_loss, at_most: 2}
  - {kind: agreement, prediction: known}
  - {kind: deterministic}
  - {kind: invariance, column: COLUMN, noise: 1.0e-9}
  - {kind: direction, column: COLUMN, by: 0, must_not: fall, class: CLASS}
  - {kind: refuses, wrong: {COLUMN: words}, without: [COLUMN]}
  - {kind: latency, p50: 5000, rows_per_second: 0.1, requests: 10, warm_up: 1}
  - {kind: memory, at_most_mb: 2000}
  - {kind: leak, columns: [COLUMN], worsens_at_most: 1}
"""
_ONE_ROW = """
data: rows.csv
truth: known
tests:
  - {kind: metric, metric: mae, at_most: 0.001}
  - {kind: agreement, prediction: known, tolerance: 0.001}
  - {kind: deterministic}
  - {kind: direction, column: "1", by: 1, must_not: fall}
"""


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        yield opened


def _write(folder: Path, columns: list[str], rows: list[list[Any]], known: list[Any], tests: str) -> None:
    folder.mkdir(exist_ok=True)
    lines = [[*columns, "known"], *([*row, truth] for row, truth in zip(rows, known, strict=True))]
    (folder / "rows.csv").write_text("".join(f"{','.join(map(str, line))}\n" for line in lines), encoding="utf-8")
    (folder / "tests.yaml").write_text(tests, encoding="utf-8")


def _check(session: Session, name: str) -> None:
    run = run_model_tests(session, name, 1, tests=ContentRef("p", "", "tests.yaml"))
    assert all(result.outcome is Outcome.PASSED for result in run.results), run.results


def test_a_document_of_pmml(session: Session, tmp_path: Path) -> None:
    files = _HERE.parent / "pmml_models" / "files"
    folder = tmp_path / "models"
    cases = json.loads((files / "cases.json").read_text(encoding="utf-8"))
    case = cases["forest"]
    text = _CLASSES.replace("COLUMN", case["columns"][0]).replace("CLASS", "setosa")
    _write(folder, case["columns"], case["rows"], case["label"], text)
    for name in ("forest", "logistic"):
        shutil.copy(files / f"{name}.pmml", folder)
    migrate_folder(session, folder, "p")
    register_model(session, "p", "forest.pmml", name="iris")
    register_model(session, "p", "logistic.pmml", name="iris")
    _check(session, "iris")
    told = compare_on_rows(
        session,
        ModelReference("iris", 1, None),
        ModelReference("iris", 2, None),
        ContentRef("p", "", "rows.csv"),
        truth="known",
    ).comparison
    other = cases["logistic"]["label"]
    assert told.alike == sum(one == two for one, two in zip(case["label"], other, strict=True))
    assert told.truth is not None and told.chances is not None


@pytest.mark.slow
def test_a_file_of_xgboost(session: Session, tmp_path: Path) -> None:
    files = _HERE.parent / "tree_libraries" / "files"
    folder = tmp_path / "models"
    case = json.loads((files / "answers.json").read_text(encoding="utf-8"))["xgb-three.ubj"]
    text = _CLASSES.replace("COLUMN", "alpha").replace("CLASS", "1")
    _write(folder, ["alpha", "beta", "gamma", "delta"], case["rows"], case["label"], text)
    shutil.copy(files / "xgb-three.ubj", folder)
    migrate_folder(session, folder, "p")
    register_model(session, "p", "xgb-three.ubj", name="three")
    _check(session, "three")


def test_a_model_that_was_exported_for_one_row(session: Session, tmp_path: Path) -> None:
    """Whoever sends it many rows sends them one by one. Seen to fail with all rows in one request, which it refuses,
    and with the truth sent to a model that knows no names of columns."""
    folder = tmp_path / "models"
    rows = [[float(at), at / 2] for at in range(12)]
    _write(folder, ["x", "z"], rows, [sum(row) for row in rows], _ONE_ROW)
    for name, factor in (("adds", 1.0), ("doubles", 2.0)):
        (folder / f"{name}.onnx").write_bytes(_one_row(factor))
    migrate_folder(session, folder, "p")
    register_model(session, "p", "adds.onnx", name="sums")
    register_model(session, "p", "doubles.onnx", name="sums")
    _check(session, "sums")
    table = ContentRef("p", "", "rows.csv")
    told = compare_on_rows(
        session, ModelReference("sums", 1, None), ModelReference("sums", 2, None), table, truth="known"
    ).comparison
    assert (told.rows, told.alike) == (12, 1) and told.truth is not None
    release_model(session, "sums", 1, to="this-computer")
    try:
        signature = session.workspace.ledger.model_version("sums", 1).signature
        matched = match_rows(_without_truth(session, table), signature, "sums")
        scored = score_rows(session, "sums", "this-computer", matched)
    finally:
        stop_release(session, "sums", "this-computer")
    assert scored.problem is None and len(scored.outputs) == 12


def _without_truth(session: Session, source: ContentRef) -> Any:
    from dataclasses import replace

    table = read_table(session, source, session.workspace.ledger.model_version("sums", 1).signature)
    return replace(table, columns=table.columns[:2], rows=[row[:2] for row in table.rows])


def _one_row(factor: float) -> bytes:
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("MatMul", ["X", "factors"], ["sum"])],
        "sums",
        [helper.make_tensor_value_info("X", TensorProto.FLOAT, [1, 2])],
        [helper.make_tensor_value_info("sum", TensorProto.FLOAT, [1, 1])],
        [helper.make_tensor("factors", TensorProto.FLOAT, [2, 1], [factor, factor])],
    )
    content: bytes = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8
    ).SerializeToString()
    return content

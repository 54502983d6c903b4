"""A reference sent to the model that it is of is counted as the reference was: rows as JSON and as CSV, and answers."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto, helper

from kronkers_studio.domain.feature_profiles import TableProfile, bins_document
from kronkers_studio.formats.table_profiles import profile_table
from kronkers_studio.serving.inputs.csv_rows import rows_of_csv
from kronkers_studio.serving.inputs.row_reader import RowReader
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.metrics.feature_bins import read_bins
from kronkers_studio.serving.metrics.feature_counts import FeatureCounts
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.workflows.feature_profiles import profile_question
from tests.serving.statistics_beside import statistics_beside
from tests.tree_libraries.packages import facts_of, package_of

PMML = Path(__file__).parents[1] / "pmml_models" / "files"
CASES: dict[str, Any] = json.loads((PMML / "cases.json").read_text(encoding="utf-8"))
Row = dict[str, Any]


@pytest.mark.parametrize("name", CASES)
def test_documents_of_pmml(name: str, tmp_path: Path) -> None:
    """Seen to fail with all numbers made those of 32 bits."""
    case = CASES[name]
    rows = [dict(zip(case["columns"], row, strict=True)) for row in case["rows"]]
    profile = check_counts(Path(shutil.copy(PMML / f"{name}.pmml", tmp_path)), rows)
    assert profile.answers is not None


def test_an_onnx_model_of_inputs_of_several_types(tmp_path: Path) -> None:
    """A text, a whole number and a truth value, each an input of its own; the texts come back. Seen to fail with all
    but the first input left out."""
    types = {"text": TensorProto.STRING, "whole": TensorProto.INT64, "truth": TensorProto.BOOL}
    graph = helper.make_graph(
        [
            helper.make_node("Identity", ["text"], ["again"]),
            helper.make_node("Cast", ["whole"], ["number"], to=TensorProto.FLOAT),
            helper.make_node("Cast", ["truth"], ["one"], to=TensorProto.FLOAT),
            helper.make_node("Add", ["number", "one"], ["sum"]),
        ],
        "graph",
        [helper.make_tensor_value_info(name, kind, ["rows", 1]) for name, kind in types.items()],
        [
            helper.make_tensor_value_info("again", TensorProto.STRING, ["rows", 1]),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["rows", 1]),
        ],
    )
    file = tmp_path / "mixed.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file.write_bytes(model.SerializeToString())
    rows = [{"text": "ab"[n % 2], "whole": n, "truth": n % 3 == 0} for n in range(9)]
    profile = check_counts(file, rows)
    assert [one.bins.kind.value for one in profile.features] == ["category", "number", "truth"]


def check_counts(file: Path, rows: Sequence[Row]) -> TableProfile:
    """Make a profile of ``rows``, many times over, with what the model in ``file`` answers, and send them."""
    question = profile_question(facts_of(file).signature, "its answer")
    assert question is not None
    package = package_of(file)
    model = load_model(read_manifest(package), 1)
    reader = RowReader(model.signature, takes_missing=model.takes_missing, most_rows=1000)
    inputs, _ = reader.read(list(rows))
    answers = model.run(inputs, [model.label])[model.label].reshape(-1).tolist()
    many = [{**row, "its answer": answer} for row, answer in zip(rows, answers, strict=True)] * 12
    profile = profile_table("t.csv", io.BytesIO(written(many)), question)
    digest = statistics_beside(package, bins_document(profile))
    bins = read_bins(package, digest)
    assert bins is not None and not profile.left_out
    sent = [{name: value for name, value in row.items() if name != "its answer"} for row in many]
    for each in (sent, rows_of_csv(written(sent), reader, has_header=True, most_rows=1000)):
        features = FeatureCounts(bins, model)
        for begin in range(0, len(each), 7):
            inputs, count = reader.read(each[begin : begin + 7])
            features.add(inputs, count, model.run(inputs, [model.label])[model.label])
        features.flush()
        assert {one.bins.name: tuple(one.counts) for one in features.features} == {
            one.bins.name: one.counts for one in profile.features
        }
        assert features.answers is not None and profile.answers is not None
        assert tuple(features.answers.counts) == profile.answers.counts
    return profile


def written(rows: Sequence[Row]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()

"""What comes in is counted as the reference was, however it comes in."""

from __future__ import annotations

import io
import json
import math
import random
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_wine
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.domain.feature_profiles import ProfileQuestion, TableProfile, Unprofiled, bins_document
from kronkers_studio.estimators.class_labels import label_of
from kronkers_studio.formats import column_profiles
from kronkers_studio.formats.table_profiles import profile_table
from kronkers_studio.monitoring.exposition import parse_exposition
from kronkers_studio.monitoring.scrape import read_scrape
from kronkers_studio.serving.metrics.feature_bins import ProfileBins, read_bins
from kronkers_studio.serving.metrics.feature_counts import FeatureCounts
from kronkers_studio.serving.metrics.feature_series import feature_series
from kronkers_studio.serving.signature import NUMPY_TYPES, Signature, TensorSpec
from tests.serving.model_folders import (
    WINE_COLUMNS,
    diabetes_regressor,
    gappy_classifier,
    mixed_classifier,
    running,
    save_joblib,
    wine_folder,
    wine_rows,
    wine_signature,
)
from tests.serving.statistics_beside import statistics_beside

JSON = {"Content-Type": "application/json"}
ODD = 'a "b"\\c\nd ünïcode'


def profiled(columns: dict[str, Sequence[Any]], types: dict[str, str]) -> TableProfile:
    """The profile of a table of ``columns``, in a Parquet file."""
    import polars as pl

    file = io.BytesIO()
    kinds = {"BYTES": pl.String, "BOOL": pl.Boolean}
    frame = {name: pl.Series(values, dtype=kinds.get(types[name], pl.Float64)) for name, values in columns.items()}
    pl.DataFrame(frame).write_parquet(file)
    file.seek(0)
    return profile_table("t.parquet", file, ProfileQuestion(tuple(types.items())))


def bins_of(table: TableProfile, folder: Path) -> ProfileBins:
    (folder / "statistics.json").write_bytes(bins_document(table))
    found = read_bins(folder, statistics_beside(folder))
    assert found is not None
    return found


def counting(table: TableProfile, folder: Path, types: dict[str, str]) -> FeatureCounts:
    """What counts rows of single columns into the bins of ``table``."""
    specs = tuple(TensorSpec(name, datatype, (-1, 1), (name,)) for name, datatype in types.items())
    model: Any = SimpleNamespace(signature=Signature(inputs=specs))
    return FeatureCounts(bins_of(table, folder), model)


def counts_of(features: FeatureCounts) -> dict[str, tuple[int, ...]]:
    features.flush()
    return {one.bins.name: tuple(one.counts.tolist()) for one in features.features}


NUMBERS = st.one_of(
    st.sampled_from([0.1, 0.2, 0.3, -0.0, 0.0, 1.0, 1e300, 5e-324, 2.0**53, 2.0**53 + 1, 16_777_217.0, math.nan]),
    st.floats(allow_nan=True, allow_infinity=False, width=64),
    st.integers(-5, 5).map(float),
)
TEXTS = st.one_of(st.sampled_from(["Graz", "graz", "GRAZ ", "", " ", "x" * 101, ODD, "nan"]), st.text(max_size=3))
TYPES = {"wide": "FP64", "narrow": "FP32", "half": "FP16", "town": "BYTES", "flag": "BOOL"}
ROWS = st.tuples(NUMBERS, NUMBERS, NUMBERS, st.none() | TEXTS, st.booleans())


@settings(max_examples=60, deadline=None)
@given(
    st.lists(ROWS, min_size=1, max_size=60),
    st.lists(ROWS, max_size=20),
    st.integers(1, 12),
    st.randoms(use_true_random=False),
)
def test_any_split_into_requests_counts_as_the_whole_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[Any], more: list[Any], times: int, chance: random.Random
) -> None:
    """The reference itself gives its own counts; other rows those of the same bins. Seen to fail with the cuts
    compared in 32 bits, with the side of the cuts turned round, and with requests of several rows left out."""
    reference = rows * times  # so that names are in enough rows to be kept
    table = profiled(dict(zip(TYPES, zip(*reference, strict=True), strict=True)), TYPES)
    folder = tmp_path_factory.mktemp("counts")
    features = counting(table, folder, TYPES)
    _send(features, reference, chance)
    seen = counts_of(features)
    assert seen == {one.bins.name: one.counts for one in table.features}
    _send(features, more, chance)
    both = counting(table, folder, TYPES)
    _send(both, [*reference, *more], None)
    assert counts_of(features) == counts_of(both)
    assert all(sum(counts) == len(reference) + len(more) for counts in counts_of(both).values())


def _send(features: FeatureCounts, rows: list[Any], chance: random.Random | None) -> None:
    """As requests of a size of their own each; as one without ``chance``."""
    left = list(rows)
    while left:
        size = len(left) if chance is None else chance.choice((1, 1, 1, 2, 17, 40))
        some, left = left[:size], left[size:]
        columns = zip(*some, strict=True)
        with np.errstate(over="ignore"):
            inputs = {
                name: np.array(
                    [math.nan if value is None else value for value in values], dtype=NUMPY_TYPES[datatype]
                ).reshape(-1, 1)
                for (name, datatype), values in zip(TYPES.items(), columns, strict=True)
            }
        features.add(inputs, len(some), None)


def test_numpy_counts_the_same_and_its_deciles_are_the_cuts() -> None:
    """Seen to fail with twenty bins."""
    values = np.random.default_rng(4).normal(50, 12, 10_000)
    found = column_profiles.profile_numbers("x", values)
    assert not isinstance(found, Unprofiled)
    bins = found.bins
    counts, _ = np.histogram(values, bins=[bins.least, *bins.cuts, bins.greatest])
    assert found.counts == (*counts.tolist(), 0, 0, 0) and set(counts.tolist()) == {1000}
    deciles = np.quantile(values, np.arange(1, 10) / 10, method="inverted_cdf")
    assert all(low < cut <= low + 0.1 for low, cut in zip(deciles, bins.cuts, strict=True))
    assert found.mean == pytest.approx(values.mean()) and found.deviation == pytest.approx(values.std())


@pytest.mark.parametrize(
    ("values", "cuts", "counts"),
    [
        ([7.0] * 5, (), (5, 0, 0, 0)),  # constant
        ([7.0], (), (1, 0, 0, 0)),  # one row
        ([0.0] * 90 + [1.0] * 10, (1.0,), (90, 10, 0, 0, 0)),
        ([0.0] * 990 + [1.0] * 10, (1.0,), (990, 10, 0, 0, 0)),  # rare, and still not lost in the other
        ([0.0] * 600 + [1.0 + n for n in range(400)], (1.0, 101.0, 201.0, 301.0), (600, 100, 100, 100, 100, 0, 0, 0)),
        ([1.0, 2.0, math.nan, math.inf, -math.inf], (2.0,), (1, 1, 1, 1, 1)),
        ([1e308, 1e308, -1e308], (1e308,), (1, 2, 0, 0, 0)),
    ],
)
def test_values_that_many_rows_share_have_bins_of_their_own(
    values: list[float], cuts: tuple[float, ...], counts: tuple[int, ...]
) -> None:
    found = column_profiles.profile_numbers("x", np.array(values))
    assert not isinstance(found, Unprofiled)
    assert (found.bins.cuts, found.counts) == (cuts, counts)


@pytest.mark.parametrize("value", [True, np.True_, "True", "TRUE", "true "], ids=repr)
def test_truth_is_one_class_however_it_is_written(value: Any) -> None:
    """R writes TRUE, Python True. Seen to fail with R's left as it is."""
    assert label_of(value) == "true"


def test_the_features_of_a_profile_that_the_model_has_no_such_column_for_are_left_out(tmp_path: Path) -> None:
    table = profiled({"a": [1.0, 2.0], "b": ["x"] * 2, "c": [1.0, 2.0]}, {"a": "FP64", "b": "BYTES", "c": "FP64"})
    features = counting(table, tmp_path, {"a": "FP64", "c": "BYTES"})
    assert [one.bins.name for one in features.features] == ["a"]


def test_rows_wait_for_others_and_never_long(tmp_path: Path) -> None:
    """Seen to fail with the bound taken away."""
    table = profiled({"a": [float(n) for n in range(100)]}, {"a": "FP64"})
    features = counting(table, tmp_path, {"a": "FP64"})
    waiting = []
    for _ in range(1000):
        features.add({"a": np.array([[5.0]])}, 1, None)
        waiting.append(len(features._waiting))
    assert max(waiting) < 256 and 1 in waiting
    features.add({"a": np.full((17, 1), 5.0)}, 17, None)
    assert not features._waiting and features.features[0].counts.sum() == 1017


def test_a_name_of_any_letters_can_be_read_from_the_series(tmp_path: Path) -> None:
    """Seen to fail with the escapes left out."""
    table = profiled({ODD: [1.0, 2.0, 3.0]}, {ODD: "FP64"})
    features = counting(table, tmp_path, {ODD: "FP64"})
    features.add({ODD: np.array([[2.0]])}, 1, None)
    readings = list(parse_exposition(feature_series(features).decode()))
    assert [each.labels["profile"] for each in readings if "info" in each.name] == [features.digest]
    counted = {each.labels["bin"]: each.value for each in readings if each.labels.get("feature") == ODD}
    assert counted == {"0": 0, "1": 1, "2": 0, "below": 0, "above": 0, "missing": 0}


# ---- whole services ----


def told(client: LoopbackClient) -> Any:
    status, body = client.request("GET", "/statistics")
    assert status == 200
    return json.loads(body)


def ask(client: LoopbackClient, content: Any, path: str = "/predict", expected: int = 200) -> None:
    status, body = client.request("POST", path, json.dumps(content).encode(), JSON)
    assert status == expected, body


def wine_table(rows: int = 178) -> bytes:
    lines = [",".join((*WINE_COLUMNS, "kind"))]
    data = load_wine()
    lines += [",".join(map(repr, [*row.tolist(), int(kind)])) for row, kind in zip(data.data, data.target, strict=True)]
    return "\n".join(lines[: rows + 1]).encode()


def test_every_way_in_is_counted_once_and_what_fails_is_not(tmp_path: Path) -> None:
    """Rows as objects and lists, CSV, tensors; the reference sent back gives its own counts, of the answers' true
    classes as many as there are. Seen to fail with tensors left out, and with each request counted twice."""
    folder = wine_folder(tmp_path / "wine")
    question = ProfileQuestion(tuple((name, "FP64") for name in WINE_COLUMNS), answer="INT64")
    table = profile_table("wine.csv", io.BytesIO(wine_table()), question)
    assert table.target == "kind" and table.answers is not None
    statistics_beside(folder, bins_document(table), in_manifest=True)
    rows = wine_rows(178)
    values = [list(row.values()) for row in rows]
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        for row in rows[:20]:
            ask(client, {"rows": [row]})
        ask(client, {"rows": values[20:60]})
        lines = "\n".join([",".join(WINE_COLUMNS), *(",".join(map(repr, row)) for row in values[60:100])])
        assert client.request("POST", "/predict", lines.encode(), {"Content-Type": "text/csv"})[0] == 200
        tensor = {
            "name": "input",
            "datatype": "FP64",
            "shape": [78, 13],
            "data": list(chain.from_iterable(values[100:])),
        }
        ask(client, {"inputs": [tensor]}, "/v2/models/wine/infer")
        ask(client, {"rows": [{**rows[0], "alcohol": "much"}]}, expected=400)
        ask(client, {"rows": []}, expected=400)
        ask(client, {"inputs": []}, "/v2/models/wine/infer", expected=400)
        said = told(client)
        assert {one["name"]: tuple(one["counts"]) for one in said["features"]} == {
            one.bins.name: one.counts for one in table.features
        }
        assert sum(said["answers"]) == 178 and said["answers"][3:] == [0, 0, 0]
        page = client.request("GET", "/metrics")[1].decode()
        series = [each for each in parse_exposition(page) if each.name == "kronkers_feature_rows_total"]
        assert sum(each.value for each in series) == 178 * 13
        assert read_scrape(page, 0.0).rows == 178
        short = client.request("GET", "/metrics?features=no")[1].decode()
        assert "kronkers_feature_rows_total" not in short and "kronkers_rows_total 178" in short
        client.close()


def test_texts_missing_values_and_a_regressors_answers_are_counted(tmp_path: Path) -> None:
    columns = [f"c{number}" for number in range(10)]
    signature = {"inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 10], "columns": columns}], "outputs": []}
    folder = save_joblib(tmp_path / "diabetes", diabetes_regressor(), signature=signature)
    lines = [",".join([*columns, "progress"])]
    lines += [",".join(map(str, [n / 100] * 10 + [n + 0.5])) for n in range(300)]
    question = ProfileQuestion(tuple((name, "FP64") for name in columns), answer="FP64")
    table = profile_table("d.csv", io.BytesIO("\n".join(lines).encode()), question)
    statistics_beside(folder, bins_document(table), in_manifest=True)
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        ask(client, {"rows": [[0.01] * 10, [9.0] * 10, [-9.0] * 10]})
        said = told(client)
        client.close()
    labels = table.features[0].bins.labels
    assert dict(zip(labels, said["features"][0]["counts"], strict=True)) == {
        **dict.fromkeys(labels, 0), "0": 1, "above": 1, "below": 1
    }  # fmt: skip
    assert sum(said["answers"]) == 3


def test_names_that_are_frequent_rare_or_new_are_counted_beside_numbers(tmp_path: Path) -> None:
    """The model knows three towns, the reference names two of them often. Seen to fail with names folded to small
    letters."""
    folder = save_joblib(tmp_path / "mixed", mixed_classifier())
    towns = ["Graz"] * 1500 + ["Linz"] * 480 + ["Wien"] * 12 + ["Bonn"] * 8
    lines = "x0,x1,y\n" + "\n".join(f"{town},{20 + n % 3},{'yes' if n % 2 else 'no'}" for n, town in enumerate(towns))
    question = ProfileQuestion((("x0", "BYTES"), ("x1", "FP64")), answer="BYTES", classes=("no", "yes", "maybe"))
    table = profile_table("t.csv", io.BytesIO(lines.encode()), question)
    town = table.features[0]
    assert (town.bins.categories, town.bins.rare, town.counts) == (("Graz", "Linz"), ("Wien",), (1500, 480, 12, 8, 0))
    assert table.answers is not None and table.answers.bins.categories == ("no", "yes")
    statistics_beside(folder, bins_document(table), in_manifest=True)
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        for _ in range(3):
            ask(client, {"rows": [["Graz", 20.5]]})
        ask(client, {"rows": [{"x0": "Wien", "x1": 90}, {"x0": "Linz", "x1": 21}]})
        ask(client, {"rows": [["graz", 20]]}, expected=422)  # the model does not know it
        said = told(client)
        client.close()
    assert [one["counts"] for one in said["features"]] == [[3, 1, 1, 0, 0], [3, 1, 0, 0, 1, 0]]
    assert sum(said["answers"]) == 5


def test_a_model_that_takes_missing_values_has_them_counted(tmp_path: Path) -> None:
    folder = save_joblib(tmp_path / "gappy", gappy_classifier())
    question = ProfileQuestion(tuple((str(n + 1), "FP64") for n in range(13)), named=False, target="kind")
    table = profile_table("wine.csv", io.BytesIO(wine_table()), question)
    assert [one.bins.name for one in table.features] == [str(n + 1) for n in range(13)]
    statistics_beside(folder, bins_document(table), in_manifest=True)
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        ask(client, {"rows": [[None] * 13, list(wine_rows()[0].values())]})
        said = told(client)
        client.close()
    assert {one["counts"][-1] for one in said["features"]} == {1}
    assert {sum(one["counts"]) for one in said["features"]} == {2}


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[]", b"nope", b"[" * 100_000, b'{"format":2,"features":[],"answers":null}',
        b'{"format":1,"features":[{"name":"a","kind":"number","cuts":[2,1],"least":0,"greatest":3}],"answers":null}',
        b'{"format":1,"features":[{"name":"a","kind":"number","cuts":[NaN],"least":0,"greatest":3}],"answers":null}',
        b'{"format":1,"features":[{"name":"\\ud800","kind":"category","categories":[],"rare":[]}],"answers":null}',
        b'{"format":1,"features":[{"name":"a","kind":"category","categories":[1],"rare":[]}],"answers":null}',
        b'{"format":1,"features":[{"name":"a","kind":"x"}],"answers":null}',
        b'{"format":1,"features":[{"name":"a","kind":"truth","categories":[],"rare":[]}],"answers":null}',
        b'{"format":1,"features":' + b"[1]" * 900_000,
    ],
)  # fmt: skip
def test_a_profile_that_is_none_is_no_reason_not_to_start(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "statistics.json").write_bytes(content)
    assert read_bins(tmp_path, statistics_beside(tmp_path)) is None


def test_a_service_whose_profile_was_changed_serves_and_says_so(tmp_path: Path) -> None:
    """Seen to fail with the hash not compared."""
    folder = wine_folder(tmp_path / "wine")
    statistics_beside(folder, b'{"format":1,"features":[],"answers":null}', in_manifest=True)
    (folder / "statistics.json").write_bytes(b'{"format":1,"features":[],"answers": null}')
    log = tmp_path / "log"
    with running(folder, "--log-file", str(log)) as (port, _):
        client = LoopbackClient(port)
        ask(client, {"rows": wine_rows()})
        assert told(client)["profile"] is None
        assert b"kronkers_statistics_info" not in client.request("GET", "/metrics")[1]
        client.close()
    assert "nothing is counted of what comes in" in log.read_text(encoding="utf-8")


def test_a_model_that_changes_what_it_gets_is_counted_by_what_came_in(tmp_path: Path) -> None:
    """A scaler that is told not to copy writes into the one array of a request. Seen to fail with that not copied."""
    features, classes = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(copy=False), LogisticRegression(max_iter=500)).fit(features.copy(), classes)
    folder = save_joblib(tmp_path / "writing", model, signature=wine_signature())
    table = profile_table(
        "wine.csv", io.BytesIO(wine_table()), ProfileQuestion(tuple((n, "FP64") for n in WINE_COLUMNS))
    )
    statistics_beside(folder, bins_document(table), in_manifest=True)
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        ask(client, {"rows": wine_rows(20)})
        for row in wine_rows(3):
            ask(client, {"rows": [row]})
        said = told(client)
        client.close()
    labels = table.features[0].bins.labels
    beyond = [counts[labels.index("below")] for counts in (one["counts"] for one in said["features"][:1])]
    assert beyond == [0] and sum(said["features"][0]["counts"]) == 23

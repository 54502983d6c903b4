"""Searching, describing, comparing and tracing models by command."""

from __future__ import annotations

import shutil
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from kronkers_studio.domain.changes import MetricsAdded, ModelRegistered, PackageBuilt, ReleaseRecorded
from kronkers_studio.domain.models import Package
from kronkers_studio.domain.releases import Release, ReleaseState
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.session import open_workspace
from tests.cli.shell import Shell

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DATA = "sample:Quality/Wine/data/train.csv"


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """With a workspace that holds a scikit-learn and an ONNX model."""
    shell = Shell(tmp_path)
    shell.init()
    wine = tmp_path / "source" / "Quality" / "Wine"
    shutil.copytree(resource("sample/OneDrive - Kronkers/Quality/Wine/model"), wine / "model")
    (wine / "data").mkdir()
    (wine / "data" / "train.csv").write_text("alcohol,proline\n13.1,1050\n", encoding="utf-8")
    shell.run("migrate", str(tmp_path / "source"), "--project", "sample")
    for file, accuracy in (("wine_cultivar.joblib", "0.97"), ("wine_cultivar.onnx", "0.95")):
        where = f"sample:Quality/Wine/model/{file}"
        shell.run("model", "register", where, "--name", "wine", "--data", DATA, "--metric", f"accuracy={accuracy}")
    return shell


def test_files_and_models_are_searched_described_measured_and_listed(shell: Shell) -> None:
    page = shell.json("search", "WINE_cult", "--kind", "file")
    assert (page["total"], page["counts"]["file"]) == (2, 2)
    assert page["hits"][0]["path"].startswith("Quality/Wine/model/wine_cultivar.")
    assert shell.json("search", "sample")["hits"][0]["kind"] == "project"
    assert "train.csv" in shell.run("search", "train", "--extension", "csv").out
    assert shell.run("search", "nowhere").out == "Nothing was found.\n"

    card = ("model", "card", "wine:1", "--limits", "Italian wines only", "--description", "Names the cultivar")
    assert shell.json(*card)["card"]["limits"] == "Italian wines only"
    assert "Intended use: –" in shell.run("model", "card", "wine:1").out
    assert shell.json("model", "tag", "wine:1", "quality", "lab")["tags"] == ["quality", "lab"]
    assert shell.json("model", "tag", "wine:1", "--remove", "lab")["tags"] == ["quality"]
    assert shell.json("model", "measure", "wine:1", "f1=0.9")["metrics"] == {"accuracy": 0.97, "f1": 0.9}
    kinds = [entry["kind"] for entry in shell.json("model", "history", "wine:1")]
    assert kinds == ["ModelRegistered", "ProfileMade", *["ModelDescribed"] * 3, "MetricsAdded"]
    told = shell.run("model", "history", "wine:1").out.splitlines()
    assert "description: Names the cultivar; limits: Italian wines only" in told[3]
    assert "tags: quality, lab" in told[4] and "Names the cultivar" not in told[4]

    for text in ("italian", "italian quality", "proline f1"):
        found = shell.json("model", "search", text)["hits"]
        assert [hit["title"] for hit in found] == ["wine:1"], text
    listed = shell.json("model", "list", "--sort", "-metric:accuracy", "--limit", "5")
    assert [version["version"] for version in listed] == [2, 1]
    assert [v["version"] for v in shell.json("model", "list", "--where", "accuracy>0.96")] == [1]
    for wrong in (("--where", "accuracy"), ("--sort", "accuracy")):
        assert "Traceback" not in shell.run("model", "list", *wrong, expect=2).err
    shell.run("search", "x", "--kind", "thing", expect=2)


@pytest.mark.parametrize("alias", ["3", "v3", "1.0", "2026-11"])
def test_an_alias_that_looks_like_a_versions_number_is_refused(shell: Shell, alias: str) -> None:
    refused = shell.run("model", "alias", "wine:1", alias, expect=2).err
    assert f"“{alias}” cannot be an alias: it looks like the number of a version." in refused
    assert shell.json("model", "alias", "wine:1", "v3-candidate")["aliases"] == ["v3-candidate"]


def test_versions_are_compared_side_by_side(shell: Shell) -> None:
    assert "no difference" in shell.run("model", "compare", "wine:1", "wine:1").out
    shell.run("model", "measure", "wine:2", "f1=0.5")
    comparison = shell.json("model", "compare", "wine:1", "wine:2")
    values = {(value["aspect"], value["name"]): value for value in comparison["values"]}
    assert values["metrics", "accuracy"]["change"] == pytest.approx(-0.02)
    assert (values["metrics", "f1"]["left"], values["metrics", "f1"]["right"]) == ("", "0.5")
    assert values["facts", "framework"]["right"].startswith("ONNX") and not comparison["same_file"]
    shown = shell.run("model", "compare", "wine:1", "wine:2").out
    assert "metrics accuracy" in shown and "source data" not in shown
    assert "source data" in shell.run("model", "compare", "wine:1", "wine:2", "--all").out


def test_lineage_is_followed_from_every_end(shell: Shell) -> None:
    release = Release("wine", "office", 1, 1, "sha256:abc", ReleaseState.LIVE, NOW, NOW)
    with open_workspace(shell.workspace, key_file=shell.key_file) as session:
        package = Package("sha256:abc", "wine", 1, "linux/amd64", "3.11", "", (), NOW)
        session.workspace.ledger.record(PackageBuilt(package), ReleaseRecorded(release), author="ann")

    whole = shell.json("model", "lineage", "wine:1")
    assert {node["kind"] for node in whole["nodes"]} == {
        *("commit", "data", "code", "file", "model", "package", "release")
    }
    relations = {(edge["relation"], edge["after"]) for edge in whole["edges"]}
    assert {("trained", "wine:1"), ("wrote", "wine:1"), ("registered as", "wine:1")} <= relations
    assert {("packaged as", "sha256:abc"), ("released as", "wine:r1@office")} <= relations

    (tmp := shell.folder / "source" / "notes.txt").write_text("a later commit, the same data", encoding="utf-8")
    shell.run("migrate", str(tmp.parent), "--project", "sample")
    for start in (DATA, DATA.replace("sample:", "sample@main:")):
        after = {node["id"] for node in shell.json("model", "lineage", start)["nodes"]}
        assert {"wine:1", "wine:2", "sha256:abc", "wine:r1@office"} <= after
    commit = shell.json("model", "show", "wine:1")["source"]["commit"]
    assert {"wine:1", "wine:r1@office"} <= {
        node["id"] for node in shell.json("model", "lineage", f"sample@{commit}")["nodes"]
    }
    for start in ("sha256:abc", "wine:r1@office"):
        before = {node["id"]: node["kind"] for node in shell.json("model", "lineage", start)["nodes"]}
        assert {"wine:1", "sha256:abc", "wine:r1@office"} <= before.keys() and "data" in before.values()
        assert "wine:2" not in before
    assert "released as" in shell.run("model", "lineage", "wine:1").out
    for missing in ("sha256:nope", "wine:r9@office", "wine:7", "sample:nope.txt", "nonsense"):
        assert shell.run("model", "lineage", missing, expect=2 if missing == "nonsense" else 1).err


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "NaN"])
def test_a_metric_without_a_finite_value_is_refused_and_nothing_is_registered(shell: Shell, value: str) -> None:
    file = "sample:Quality/Wine/model/wine_cultivar.onnx"
    for command in (
        ("model", "register", file, "--name", "other", "--metric", f"accuracy={value}"),
        ("model", "measure", "wine:1", f"accuracy={value}"),
    ):
        problem = shell.json(*command, expect=2)["error"]
        assert problem["kind"] == "InvalidInput"
        assert "no measured value" in problem["message"]
    assert shell.json("model", "show", "wine:1")["metrics"] == {"accuracy": 0.97}
    assert {each["name"] for each in shell.json("model", "list")} == {"wine"}


def test_a_workspace_that_already_has_metrics_without_a_value_can_be_listed_compared_and_searched(shell: Shell) -> None:
    with open_workspace(shell.workspace) as session:
        ledger = session.workspace.ledger
        wine = ledger.model_version("wine", 1)
        odd = {"accuracy": float("nan"), "loss": float("inf"), "gain": float("-inf"), "f1": 0.5}
        for version in (replace(wine, name="odd", metrics=odd), replace(wine, name="odd", version=2, metrics=odd)):
            ledger.record(ModelRegistered(version), author="ann")
        ledger.record(MetricsAdded("odd", 2, {"late": float("nan")}, NOW, "ann"), author="ann")
    nulls = {"accuracy": None, "loss": None, "gain": None, "f1": 0.5}
    assert [each["metrics"] for each in shell.json("model", "list", "odd")] == [{**nulls, "late": None}, nulls]
    assert shell.json("model", "show", "odd:1")["metrics"] == nulls
    compared = shell.json("model", "compare", "wine:1", "odd:1")["values"]
    assert next(value["change"] for value in compared if value["name"] == "accuracy") is None
    assert shell.json("model", "compare", "odd:1", "odd:2")
    assert shell.json("model", "history", "odd:2")[-1]["change"]["metrics"] == {"late": None}
    names = [each["name"] for each in shell.json("model", "list", "--where", "accuracy>0.9")]
    assert names == ["wine", "wine"]
    assert {each["name"] for each in shell.json("model", "list", "--where", "loss>0.9")} == {"odd"}
    assert shell.json("model", "list", "--where", "accuracy!=0.1", "--sort", "metric:accuracy")
    assert len(shell.json("model", "list", "--sort", "metric:loss")) == 4
    assert shell.json("model", "search", "odd", "--where", "f1<0.9", "--sort", "metric:loss")["total"] == 2
    for command in (("list",), ("show", "odd:1"), ("compare", "odd:1", "odd:2"), ("history", "odd:2")):
        shell.run("model", *command)

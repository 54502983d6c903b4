"""A model from a program's memory to a live service, and what it answers, in a few lines."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import kronkers_studio as ks
from kronkers_studio.domain.errors import (
    InvalidInput,
    NotFound,
    RowsRefused,
    ServiceUnavailable,
    UnsupportedModel,
    WorkspaceError,
)
from kronkers_studio.settings.paths import resource

WINE = "Quality/Wine/data/wine_measurements.csv"


@pytest.fixture
def wine() -> pd.DataFrame:
    return pd.read_csv(resource("sample/OneDrive - Kronkers") / WINE)


def fitted(frame: pd.DataFrame, strength: float = 1.0) -> Any:
    model = make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(C=strength, max_iter=1000))
    return model.fit(frame.drop(columns="cultivar"), frame["cultivar"])


def test_a_model_of_memory_is_registered_packaged_put_live_asked_and_watched(
    ws: ks.Workspace, wine: pd.DataFrame, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = tmp_path / "temporary"
    ours.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(ours))
    ws["analytics"].save(wine, "wine.parquet", message="the wine", create=True)
    frame = ws["analytics"].read("wine.parquet")
    model = ws.register(
        fitted(frame), name="wine", data="analytics:wine.parquet", metrics={"accuracy": np.float64(0.97)}
    )
    assert (model.label, model.metrics, list(ours.iterdir())) == ("wine:1", {"accuracy": 0.97}, [])
    assert ws.register(fitted(frame), name="wine", metrics={"accuracy": 0.97}).label == "wine:1"
    assert model.facts.facts.assumed == ()
    assert model.facts.facts.python_version == f"{sys.version_info.major}.{sys.version_info.minor}"
    data = model.facts.data
    assert data is not None and (data.project, data.path) == ("analytics", "wine.parquet")
    listed = ws.models("wine")
    assert (listed.loc[0, "framework"], listed.loc[0, "accuracy"]) == (
        f"scikit-learn {model.facts.facts.framework_version}",
        0.97,
    )
    beside = ws["Added models"].ls("wine", at=model.facts.source.commit)["name"].tolist()
    assert beside == [".python-version", "requirements.txt", "wine.joblib"]

    assert model.package().model == "wine"
    with pytest.raises(ServiceUnavailable):
        ws.predict("wine", frame)
    try:
        assert model.release().label == "r1"
        some = frame.sample(40, random_state=1)
        answers = ws.predict("wine", some)
        assert answers.index.equals(some.index)
        assert (answers["output"] == some["cultivar"]).mean() > 0.9
        chances = answers.filter(like="probability_")
        assert np.allclose(chances.sum(axis=1), 1) and set(chances.idxmax(axis=1).str[12:]) <= set(wine["cultivar"])
        assert answers.attrs["version"] == 1
        with pytest.raises(RowsRefused, match="lacks"):
            model.predict(some.drop(columns="alcohol"))

        live = ws.metrics("wine")
        assert isinstance(live.index, pd.DatetimeIndex) and str(live.index.tz) == "UTC"
        assert live["memory"].iloc[-1] > 0 and live.attrs["reachable"]
        assert list(ws.metrics("wine", metric="cpu", since="30m").columns) == ["cpu"]
        ws.register(fitted(frame, 0.1), name="wine").alias("champion")
        assert ws.model("wine@champion").label == "wine:2"
        assert ws.release("wine@champion").label == "r2"
        assert ws.rollback("wine").label == "r1"
        assert ws.releases("wine")["state"].tolist().count("live") == 1
    finally:
        ws.stop("wine")
    offline = ws.metrics("wine", offline=True)
    assert not offline.empty and not offline.attrs["reachable"]
    assert ws.answers("wine").columns.tolist() == ["answer", "rows", "share"]


def test_training_data_that_is_a_frame_is_saved_in_the_same_version(ws: ks.Workspace, wine: pd.DataFrame) -> None:
    model = ws.register(fitted(wine), name="wine", project="p", data=wine)
    data = model.facts.data
    assert data is not None and data.commit == model.facts.source.commit
    pd.testing.assert_frame_equal(ws["p"].read(data.path, at=data.commit), wine)
    named = ws.register(fitted(wine, 0.5), name="wine", project="p", data=(wine, "own/train.csv")).facts.data
    assert named is not None and named.path == "own/train.csv"
    assert len(ws["p"].log()) == 2


def test_what_is_no_model_is_refused_and_nothing_of_it_is_stored(ws: ks.Workspace, wine: pd.DataFrame) -> None:
    refused: list[tuple[Any, dict[str, Any], type[Exception]]] = [
        (object(), {}, UnsupportedModel),
        (b"no model", {"path": "a.onnx"}, UnsupportedModel),
        (b"bytes", {}, InvalidInput),
        (fitted(wine), {"metrics": {"accuracy": float("nan")}}, InvalidInput),
        (fitted(wine), {"metrics": {"accuracy": "high"}}, InvalidInput),
        (fitted(wine), {"data": "p:nothing.csv"}, NotFound),
        (fitted(wine), {"data": 3}, InvalidInput),
        (make_pipeline(StandardScaler(), lambda: None), {}, UnsupportedModel),
    ]
    for model, more, error in refused:
        with pytest.raises(error):
            ws.register(model, name="wine", **more)
    with pytest.raises(InvalidInput, match="cannot be a model's name"):
        ws.register(fitted(wine), name="My Wine")
    assert ws.projects().empty and ws.models().empty


def test_a_function_of_the_notebook_is_refused_while_it_can_be_mended(
    ws: ks.Workspace, wine: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: it was registered, and refused when it was to be packaged."""

    def mine(rows: Any) -> Any:
        return rows

    mine.__module__, mine.__qualname__ = "__main__", "mine"
    monkeypatch.setattr(sys.modules["__main__"], "mine", mine, raising=False)
    model = make_pipeline(FunctionTransformer(mine), StandardScaler(), LogisticRegression())
    model.fit(wine[["alcohol", "proline"]], wine["alcohol"] > 13)
    with pytest.raises(UnsupportedModel, match="which was written in the notebook"):
        ws.register(model, name="own")
    assert ws.models().empty and not len(ws.projects())
    ws.register(make_pipeline(FunctionTransformer(np.log1p), model[-1]), name="numpys")


def test_a_models_file_is_registered_by_its_path(ws: ks.Workspace) -> None:
    file = next(resource("sample/OneDrive - Kronkers").rglob("wine_cultivar.onnx"))
    assert ws.register(file, name="wine", metrics={"accuracy": 0.9}).label == "wine:1"
    assert ws.register(file.read_bytes(), name="other", path="o/other.onnx", project="p").source.endswith("other.onnx")


def test_ctrl_c_ends_a_call_and_the_workspace_goes_on(
    ws: ks.Workspace, wine: pd.DataFrame, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail without what hears it: the call then ended somewhere in between."""
    from kronkers_studio.workflows import packages

    def slow(*_arguments: Any, cancel: Any, **_more: Any) -> Any:
        threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
        for _ in range(500):
            time.sleep(0.01)
            cancel.check()
        raise AssertionError("nobody ended it")

    ws.register(fitted(wine), name="wine")
    monkeypatch.setattr(packages, "package_model", slow)
    with pytest.raises(KeyboardInterrupt, match="Cancelled"):
        ws.package("wine")
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert ws.model("wine").version == 1


def test_a_workspace_is_used_by_threads_and_opened_twice_but_not_after_a_fork(folder: Path, ws: ks.Workspace) -> None:
    ws["p"].save(b"1", "x", create=True)
    seen: list[bytes] = []
    threads = [threading.Thread(target=lambda: seen.append(ws["p"].read_bytes("x"))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert seen == [b"1"] * 4
    with ks.open(folder / "workspace", key_file=folder / "key") as other:
        other["p"].save(b"2", "x")
        assert ws["p"].read_bytes("x") == b"2"
    with pytest.raises(WorkspaceError, match="closed"):
        other.projects()
    assert repr(other).endswith("(closed)>") and "closed" in other._repr_html_()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork_it_says_what_to_do(ws: ks.Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    parent = os.getpid()
    monkeypatch.setattr(os, "getpid", lambda: parent + 1)  # as in the process that was forked
    with pytest.raises(WorkspaceError, match="forked"):
        ws.projects()
    monkeypatch.undo()


def test_what_jupyter_shows_is_text(ws: ks.Workspace) -> None:
    """Seen to fail without escaping."""
    ws["<b>bold</b>"].save(b"1", "x", create=True)
    for shown in (ws._repr_html_(), ws["<b>bold</b>"]._repr_html_()):
        assert "<b>" not in shown and "&lt;b&gt;" in shown
    assert ws._ipython_key_completions_() == ["<b>bold</b>"]
    assert "<b>bold</b>" in ws and "other" not in ws


def test_ctrl_c_that_comes_too_late_ends_the_loop_around_the_call(ws: ks.Workspace) -> None:
    """Seen to fail: the call was done, and nobody heard of it."""
    with pytest.raises(KeyboardInterrupt, match="done before"), ws._calls.call():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_ctrl_c_reaches_the_registration_of_a_file(
    ws: ks.Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail: the call stood inside another, whose Ctrl+C it did not hear."""
    from kronkers_studio.workflows import added_models

    def interrupted(*_given: Any, cancel: Any, **_more: Any) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.01)
        cancel.check()
        raise AssertionError("it went on")

    monkeypatch.setattr(added_models, "add_model", interrupted)
    with pytest.raises(KeyboardInterrupt):
        ws.register(tmp_path / "model.onnx", name="m")
    with pytest.raises(InvalidInput, match="keeps its own name"):
        ws.register(tmp_path / "model.onnx", name="m", path="a/b.onnx")


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of this process is set where that is possible")
def test_a_beginning_without_a_zone_is_of_this_computer(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Seen to fail: pandas takes its own for UTC, Python for local time."""
    with monkeypatch.context() as zone:
        zone.setenv("TZ", "Europe/Berlin")
        time.tzset()
        _check_beginnings()
    time.tzset()


def _check_beginnings() -> None:
    from kronkers_studio.notebook.registration import measured
    from kronkers_studio.notebook.series import begin_of

    moment = pd.Timestamp("2026-05-01 10:00:00.5")
    assert begin_of(moment, 0) == moment.to_pydatetime().timestamp()
    assert begin_of(moment.tz_localize("Asia/Tokyo"), 0) == moment.tz_localize("Asia/Tokyo").timestamp()
    wrong: Any
    for wrong in (pd.NaT, moment.date(), 5):
        with pytest.raises(InvalidInput):
            begin_of(wrong, 0)
    wrong = [1]
    with pytest.raises(InvalidInput, match="A metric is a number"):
        measured(wrong)

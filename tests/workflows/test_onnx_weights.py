"""An ONNX model whose weights lie in files beside it: brought in, registered, packaged and run with them."""

from __future__ import annotations

import ast
import dataclasses
import io
import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from kronkers_studio.domain.errors import RowsRefused, UnsupportedModel
from kronkers_studio.domain.models import WeightsFile
from kronkers_studio.domain.releases import THIS_COMPUTER
from kronkers_studio.packaging.composition import _model_files, _model_layer
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.workflows.added_models import add_model
from kronkers_studio.workflows.migrating import migrate_folder, plan_migration
from kronkers_studio.workflows.models import find_models, open_model, open_weights, register_model
from kronkers_studio.workflows.releases import predict, release_model, stop_release
from kronkers_studio.workflows.service_access import service_access
from kronkers_studio.workflows.session import Session


def save_weighted(folder: Path, value: float = 1.0) -> Path:
    """A model that sums 64 numbers, and its weights in a file of their own."""
    folder.mkdir(exist_ok=True)
    weights = np.full((64, 1), value, np.float32)
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 64])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
        [helper.make_tensor("w", TensorProto.FLOAT, [64, 1], weights.tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file = folder / "net.onnx"
    (folder / "net.bin").unlink(missing_ok=True)
    onnx.save_model(model, file, save_as_external_data=True, location="net.bin", size_threshold=0)
    return file


def unpacked(session: Session, version: Any, folder: Path) -> Path:
    """The folder of the package's model layer."""
    files = _model_files(version, open_model(session, version), lambda name: open_weights(session, version, name), None)
    _, _, again = _model_layer(version, files, _never())
    with tarfile.open(fileobj=io.BytesIO(b"".join(again()))) as archive:
        archive.extractall(folder, filter="data")
    return next(folder.rglob("model.json")).parent


def _never() -> Any:
    from kronkers_studio.domain.progress import NEVER

    return NEVER


def test_a_model_with_weights_beside_it_runs_from_its_package(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    save_weighted(folder, 2.0)
    (planned,) = [item for item in plan_migration(session, folder).items if item.path == "net.onnx"]
    migrate_folder(session, folder, "p")

    (found,) = find_models(session, "p")
    version = register_model(session, "p", "net.onnx", name="net")

    assert planned.why == "Ready to package"
    assert found.facts == version.facts
    assert version.facts.weights == (WeightsFile("net.bin", 256),)
    place = unpacked(session, version, tmp_path / "unpacked")
    assert [entry["file"] for entry in json.loads((place / "model.json").read_bytes())["weights"]] == ["net.bin"]
    answer = load_model(read_manifest(place), 1).run({"x": np.ones((1, 64), np.float32)}, ["y"])
    assert answer["y"].tolist() == [[128.0]]


def test_other_weights_make_another_version(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    save_weighted(folder)
    migrate_folder(session, folder, "p")
    first = register_model(session, "p", "net.onnx", name="net")
    assert register_model(session, "p", "net.onnx", name="net") == first
    save_weighted(folder, 3.0)
    migrate_folder(session, folder, "p")
    assert register_model(session, "p", "net.onnx", name="net").version == 2


def test_a_model_without_its_weights_is_found_and_says_what_is_missing(session: Session, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    save_weighted(folder)
    (folder / "net.bin").unlink()
    migrate_folder(session, folder, "p")
    (found,) = find_models(session, "p")
    assert found.problem == "net.onnx keeps its weights in separate files, and net.bin is not beside it."


def test_a_model_added_alone_brings_its_weights(session: Session, tmp_path: Path) -> None:
    file = save_weighted(tmp_path / "models")
    (tmp_path / "models" / "other.bin").write_bytes(b"not its own")
    source = add_model(session, file).source
    entries = [entry.path for entry in session.workspace.content.walk(source.project, source.commit)]
    assert [path for path in entries if path.endswith((".onnx", ".bin"))] == ["net/net.bin", "net/net.onnx"]
    version = register_model(session, source.project, source.path, ref=source.commit)
    assert version.facts.weights[0].name == "net.bin"


def test_weights_behind_a_link_are_not_followed(session: Session, tmp_path: Path) -> None:
    file = save_weighted(tmp_path / "models")
    secret = tmp_path / "secret"
    (file.parent / "net.bin").rename(secret)
    (file.parent / "net.bin").symlink_to(secret)
    with pytest.raises(UnsupportedModel, match=r"net\.bin is not beside it"):
        add_model(session, file)


def test_weights_named_by_a_foreign_workspace_are_checked_again(session: Session, tmp_path: Path) -> None:
    from kronkers_studio.domain.errors import ForeignEntry
    from kronkers_studio.packaging.recorded_facts import checked_model

    folder = tmp_path / "models"
    save_weighted(folder)
    migrate_folder(session, folder, "p")
    version = register_model(session, "p", "net.onnx", name="net")
    assert checked_model(version) is version
    facts = dataclasses.replace(version.facts, weights=(WeightsFile("../../keys.json", 1),))
    with pytest.raises(ForeignEntry, match="file of weights"):
        checked_model(dataclasses.replace(version, facts=facts))


def test_a_model_with_state_and_weights_is_live_and_asked_with_whole_tensors(session: Session, tmp_path: Path) -> None:
    """By the program that is shown for it; whoever sends it rows is told that it takes none."""
    folder = tmp_path / "models"
    folder.mkdir()
    told: dict[str, list[int | str | None]] = {"signal": [1, "samples"], "state": [2, 4], "volume": []}
    graph = helper.make_graph(
        [
            helper.make_node("Mul", ["state", "w"], ["kept"]),
            helper.make_node("ReduceSum", ["signal"], ["heard"], keepdims=0),
            helper.make_node("Mul", ["heard", "volume"], ["loud"]),
            helper.make_node("Add", ["kept", "loud"], ["next"]),
        ],
        "voice",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in told.items()],
        [helper.make_tensor_value_info("next", TensorProto.FLOAT, [2, 4])],
        [helper.make_tensor("w", TensorProto.FLOAT, [2, 4], np.full(8, 0.5, np.float32).tobytes(), raw=True)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save_model(model, folder / "voice.onnx", save_as_external_data=True, location="voice.bin", size_threshold=0)
    migrate_folder(session, folder, "p")
    register_model(session, "p", "voice.onnx", name="voice")
    release_model(session, "voice", to=THIS_COMPUTER)
    try:
        access = service_access(session, "voice", THIS_COMPUTER)
        program = access.snippets["Python"].replace("0, 0, 0, 0, 0, 0, 0, 0", "2, 2, 2, 2, 2, 2, 2, 2")
        environment = {**os.environ, "KRONKERS_KEY": access.key.reveal()}
        said = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, env=environment).stdout
        (output,) = ast.literal_eval(said.decode())
        assert (output["shape"], output["data"]) == ([2, 4], [1.0] * 8)
        with pytest.raises(RowsRefused, match="voice takes no rows: its input “signal” is a table beside others"):
            predict(session, "voice", THIS_COMPUTER, [{"signal": 1}])
    finally:
        stop_release(session, "voice", THIS_COMPUTER)

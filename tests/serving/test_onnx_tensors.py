"""ONNX models over the Open Inference Protocol: each tensor with its own shape; and rows only where there are any."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import TensorProto, helper, save_model

from kronkers_studio.deployment.service_client import LoopbackClient
from kronkers_studio.domain.model_rows import why_no_rows
from kronkers_studio.domain.models import Datatype, Tensor
from kronkers_studio.domain.models import Signature as DomainSignature
from kronkers_studio.serving.frameworks.onnx_files.onnx_model import OnnxModel
from kronkers_studio.serving.manifest import read_manifest
from kronkers_studio.serving.model_loader import load_model
from kronkers_studio.serving.problems import CannotStart
from kronkers_studio.serving.signature import Signature, TensorSpec
from tests.serving.model_folders import running, save_onnx, write_folder

FP32 = Datatype.FP32
INFER = "/v2/models/wine/infer"
Shape = list[int | str | None] | None


def onnx_model(nodes: list[Any], inputs: dict[str, Shape], outputs: dict[str, Shape], weights: Any = ()) -> Any:
    """A model of 32-bit numbers; a None for a shape leaves it out."""

    def told(name: str, shape: Shape) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(
        nodes,
        "graph",
        [told(*each) for each in inputs.items()],
        [told(*each) for each in outputs.items()],
        list(weights),
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def stateful() -> Any:
    """Sums what it hears, as models of speech do: a signal, what was heard before, and how loud it is."""
    return onnx_model(
        [
            helper.make_node("Mul", ["signal", "volume"], ["loud"]),
            helper.make_node("ReduceSum", ["loud"], ["total"], keepdims=0),
            helper.make_node("Add", ["state", "total"], ["next_state"]),
        ],
        {"signal": ["batch", "samples"], "state": [2, 1, 3], "volume": []},
        {"total": [], "next_state": [2, 1, 3]},
    )


def tensor(name: str, values: Any, **changes: Any) -> dict[str, Any]:
    array = np.asarray(values, np.float32)
    return {"name": name, "datatype": "FP32", "shape": list(array.shape), "data": array.tolist(), **changes}


def ask(folder: Path, *requests: tuple[str, Any]) -> list[tuple[int, Any]]:
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        sent = {"Content-Type": "application/json"}
        answers = [
            client.request("GET" if body is None else "POST", path, json.dumps(body).encode(), sent)
            for path, body in requests
        ]
        client.close()
    return [(status, json.loads(body)) for status, body in answers]


def test_a_model_with_state_takes_each_tensor_with_its_own_shape(tmp_path: Path) -> None:
    folder = save_onnx(tmp_path / "model", stateful().SerializeToString())
    state = np.arange(6, dtype=np.float32).reshape(2, 1, 3)
    inputs = [tensor("signal", [[1, 2, 3, 4]]), tensor("state", state), tensor("volume", 2.0)]
    listed = [*inputs[:2], tensor("volume", [2.0])]
    answered, by_list, nothing, rows, metadata, wrong, huge = ask(
        folder,
        (INFER, {"inputs": inputs}),
        (INFER, {"inputs": listed}),
        (INFER, {"inputs": [tensor("signal", np.empty((0, 4))), *inputs[1:]]}),
        ("/predict", {"rows": [[1, 2]]}),
        ("/v2/models/wine", None),
        (INFER, {"inputs": [inputs[0], tensor("state", [1, 2]), inputs[2]]}),
        (INFER, {"inputs": [tensor("signal", [], shape=[0, 2**30, 2**30]), *inputs[1:]]}),
    )
    assert answered[0] == by_list[0] == nothing[0] == 200
    total, following = answered[1]["outputs"]
    assert (total["shape"], total["data"]) == ([], [20.0])
    assert (following["shape"], following["data"]) == ([2, 1, 3], (state + 20).ravel().tolist())
    assert by_list[1]["outputs"] == answered[1]["outputs"]
    assert nothing[1]["outputs"][0]["data"] == [0.0]
    assert rows[0] == 422
    assert rows[1]["error"].startswith("This model takes no rows: its input “signal” is a table beside others. ")
    assert [(one["name"], one["shape"]) for one in metadata[1]["inputs"]] == [
        ("signal", [-1, -1]),
        ("state", [2, 1, 3]),
        ("volume", []),
    ]
    assert [one["shape"] for one in metadata[1]["outputs"]] == [[], [2, 1, 3]]
    assert (wrong[0], huge[0]) == (400, 413)
    assert "it must be [2, 1, 3]" in wrong[1]["error"]


def test_tensors_of_unlike_lengths_are_the_models_affair(tmp_path: Path) -> None:
    """The protocol's own example has [2, 2] and [3]."""
    nodes = [helper.make_node("Shape", ["a"], ["s"]), helper.make_node("Cast", ["s"], ["x"], to=TensorProto.FLOAT)]
    nodes.append(helper.make_node("Add", ["b", "x"], ["y"]))
    model = onnx_model(nodes, {"a": ["n", "m"], "b": ["k"]}, {"y": ["l"]})
    folder = save_onnx(tmp_path / "model", model.SerializeToString())
    fits, does_not = ask(
        folder,
        (INFER, {"inputs": [tensor("a", [[1, 2], [3, 4], [5, 6]]), tensor("b", [1, 1])]}),
        (INFER, {"inputs": [tensor("a", [[1, 2]]), tensor("b", [1, 1]), tensor("c", [1])]}),
    )
    assert (fits[0], fits[1]["outputs"][0]["data"]) == (200, [4.0, 3.0])
    assert does_not[0] == 400


def test_nan_and_infinity_are_numbers_to_a_model_of_tensors(tmp_path: Path) -> None:
    model = onnx_model([helper.make_node("Identity", ["x"], ["y"])], {"x": [None, None]}, {"y": [None, None]})
    folder = save_onnx(tmp_path / "model", model.SerializeToString())
    values = np.array([[np.nan, np.inf, -np.inf, 1]], np.float32)
    entry = {"name": "x", "datatype": "FP32", "shape": [1, 4], "parameters": {"binary_data_size": 16}}
    head = json.dumps({"inputs": [entry], "parameters": {"binary_data_output": True}}).encode()
    with running(folder) as (port, _):
        client = LoopbackClient(port)
        status, body = client.request(
            "POST", INFER, head + values.tobytes(), {"Inference-Header-Content-Length": str(len(head))}
        )
        client.close()
    assert status == 200
    assert np.array_equal(np.frombuffer(body[-16:], np.float32), values[0], equal_nan=True)


def test_a_model_without_inputs_is_asked_with_none(tmp_path: Path) -> None:
    value = helper.make_tensor("value", TensorProto.FLOAT, [2], [1.0, 2.0])
    model = onnx_model([helper.make_node("Constant", [], ["y"], value=value)], {}, {"y": [2]})
    folder = save_onnx(tmp_path / "model", model.SerializeToString())
    answered, rows = ask(folder, (INFER, {"inputs": []}), ("/predict", {"rows": [[]]}))
    assert answered[1]["outputs"][0]["data"] == [1.0, 2.0]
    assert (rows[0], "it has no inputs" in rows[1]["error"]) == (422, True)


def test_a_model_exported_for_one_row_takes_one(tmp_path: Path) -> None:
    ones = helper.make_tensor("w", TensorProto.FLOAT, [3, 1], [1.0, 1.0, 1.0])
    model = onnx_model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [1, 3]}, {"y": [1, 1]}, [ones])
    folder = save_onnx(tmp_path / "model", model.SerializeToString())
    one, two = ask(folder, ("/predict", {"rows": [[1, 2, 3]]}), ("/predict", {"rows": [[1, 2, 3]] * 2}))
    assert one[1]["outputs"] == [6.0]
    assert (two[0], "one request may hold 1" in two[1]["error"]) == (413, True)


def test_what_gives_no_answer_for_each_row_says_so(tmp_path: Path) -> None:
    node = helper.make_node("ReduceSum", ["x"], ["y"], keepdims=1)
    model = onnx_model([node], {"x": [None, 2]}, {"y": [None, None]})
    folder = save_onnx(tmp_path / "model", model.SerializeToString())
    one, two = ask(folder, ("/predict", {"rows": [[1, 2]]}), ("/predict", {"rows": [[1, 2]] * 2}))
    assert one[0] == 200
    assert (two[0], "no answer for each row" in two[1]["error"]) == (422, True)


def test_values_that_an_operator_does_not_take_are_the_senders(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["at"], ["index"], to=TensorProto.INT64),
        helper.make_node("Gather", ["x", "index"], ["y"]),
    ]
    folder = save_onnx(tmp_path / "model", onnx_model(nodes, {"x": ["n"], "at": []}, {"y": []}).SerializeToString())
    good, beyond = ask(
        folder,
        (INFER, {"inputs": [tensor("x", [5, 6]), tensor("at", 1)]}),
        (INFER, {"inputs": [tensor("x", [5, 6]), tensor("at", 7)]}),
    )
    assert good[1]["outputs"][0]["data"] == [6.0]
    assert (beyond[0], "does not take these inputs" in beyond[1]["error"]) == (422, True)


@pytest.mark.parametrize(
    ("inputs", "outputs", "reason"),
    [
        ({"x": (-1, 3)}, {"y": (-1,)}, ""),
        ({"x": (1, 3)}, {"y": (1,)}, ""),
        ({"x": (-1,)}, {"y": (-1, 2)}, ""),
        ({"a": (-1, 1), "b": (-1,)}, {"y": (-1,)}, ""),
        ({"a": (-1, 2), "b": (-1,)}, {"y": (-1,)}, "its input “a” is a table beside others"),
        ({"a": (-1, 1), "b": (1, 1)}, {"y": (-1,)}, "its inputs have lengths of their own"),
        ({"x": (4, 3)}, {"y": (4,)}, "its input “x” has a length of its own, 4"),
        ({"x": (0, 3)}, {"y": (0,)}, "its input “x” has a length of its own, 0"),
        ({"x": ()}, {"y": (-1,)}, "its input “x” is a single value"),
        ({"x": (-1, 3, 8, 8)}, {"y": (-1,)}, "its input “x” has 4 axes"),
        ({"x": None}, {"y": (-1,)}, "its input “x” may have any shape"),
        ({"x": (-1, 3)}, {"y": ()}, "it gives no answer for each row"),
        ({}, {"y": (-1,)}, "it has no inputs"),
        ({}, {}, ""),
    ],
)
def test_the_register_and_the_service_agree_on_who_takes_rows(inputs: Any, outputs: Any, reason: str) -> None:
    def made(kind: Any) -> list[Any]:
        sides = (inputs.items(), outputs.items())
        return [tuple(kind(name, FP32, shape or (), any_rank=shape is None) for name, shape in side) for side in sides]

    served = Signature(*made(TensorSpec))
    assert served.no_rows == why_no_rows(DomainSignature(*made(Tensor))) == reason


def test_lengths_that_depend_on_the_input_are_told_open() -> None:
    """As a reader of words in pictures: its answer is as long as the picture is wide, and 1 long for a blank one."""
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[1, 1], strides=[1, 8])
    model = onnx_model([node], {"x": ["n", 3, 4, "width"]}, {"y": ["n", 3, 4, "length"]})
    (output,) = OnnxModel(model.SerializeToString(), Signature(), 1).signature.outputs
    assert output.shape == (-1, 3, 4, -1)


def test_a_length_that_the_file_leaves_open_is_found_by_trying() -> None:
    widths = helper.make_tensor("w", TensorProto.FLOAT, [2, 5], [1.0] * 10)
    flat = helper.make_node("Reshape", ["z", "s"], ["y"])
    shape = helper.make_node("Shape", ["z"], ["s"])
    nodes = [helper.make_node("MatMul", ["x", "w"], ["z"]), shape, flat]
    model = onnx_model(nodes, {"x": ["n", 2]}, {"y": None}, [widths])
    (output,) = OnnxModel(model.SerializeToString(), Signature(), 1).signature.outputs
    assert (output.shape, output.any_rank) == ((-1, 5), False)


# ---- the names of classes ----


@pytest.mark.parametrize("zipmap", [True, False, "columns"])
@pytest.mark.parametrize("kind", ["KNeighborsClassifier", "BaggingClassifier", "LogisticRegression"])
@pytest.mark.parametrize("labels", [["low", "high one", "mid_ü"], [0, 10, 20]])
def test_class_names_survive_every_way_of_exporting(kind: str, zipmap: Any, labels: Any) -> None:
    import io

    from sklearn import ensemble, linear_model, neighbors
    from sklearn.datasets import load_wine

    from kronkers_studio.packaging import inspect_model

    features, classes = load_wine(return_X_y=True)
    features = (features / features.max(axis=0)).astype(np.float32)
    maker = next(getattr(room, kind) for room in (ensemble, linear_model, neighbors) if hasattr(room, kind))
    model = maker().fit(features, np.array(labels)[classes])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import skl2onnx

        exported = skl2onnx.to_onnx(model, features[:1], options={id(model): {"zipmap": zipmap}}).SerializeToString()
    facts = inspect_model("m.onnx", io.BytesIO(exported), {})
    told = [
        TensorSpec(one.name, one.datatype.value, one.shape, one.columns, one.any_rank)
        for one in facts.signature.outputs
    ]
    served = OnnxModel(exported, Signature(outputs=tuple(told)), 1)
    wanted = (served.label, served.probabilities)
    (name,) = [spec.name for spec in served.signature.inputs]
    found = served.run({name: features[::40]}, wanted)
    assert served.classes == tuple(map(str, model.classes_))
    assert served.signature.no_rows == ""
    assert found[served.label].reshape(-1).tolist() == model.predict(features[::40]).tolist()
    np.testing.assert_allclose(found[served.probabilities], model.predict_proba(features[::40]), atol=1e-5)


# ---- weights in files of their own ----


def weighted_folder(folder: Path, *, listed: str = "m/x.bin", wrong: str = "") -> Path:
    """A model whose weights lie beside it, as a package holds it."""
    import hashlib

    folder.mkdir()
    ones = helper.make_tensor("w", TensorProto.FLOAT, [64, 1], np.arange(64, dtype=np.float32).tobytes(), raw=True)
    model = onnx_model([helper.make_node("MatMul", ["x", "w"], ["y"])], {"x": [None, 64]}, {"y": [None, 1]}, [ones])
    (folder / "m").mkdir()
    save_model(model, folder / "model.onnx", save_as_external_data=True, location="m/x.bin", size_threshold=0)
    (folder / "weights").mkdir()
    (folder / "m").rename(folder / "weights" / "m")
    digest = wrong or hashlib.sha256((folder / "weights" / "m" / "x.bin").read_bytes()).hexdigest()
    facts = {"framework": "onnx", "file_format": "onnx", "weights": [{"file": listed, "sha256": digest}]}
    return write_folder(folder, folder / "model.onnx", **facts)


def test_weights_beside_the_model_are_its_own(tmp_path: Path) -> None:
    model = load_model(read_manifest(weighted_folder(tmp_path / "model")), 1)
    found = model.run({"x": np.ones((2, 64), np.float32)}, ["y"])
    assert found["y"].tolist() == [[2016.0], [2016.0]]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"wrong": "0" * 64}, "its SHA-256 differs"),
        ({"listed": "m/y.bin"}, "cannot be read"),
        ({"listed": "../model.onnx"}, "inside their folder"),
        ({"listed": "/etc/passwd"}, "inside their folder"),
        ({"listed": "..\\x.bin"}, "inside their folder"),
    ],
)
def test_weights_that_are_not_those_that_were_packaged_are_not_served(tmp_path: Path, changes: Any, words: str) -> None:
    folder = weighted_folder(tmp_path / "model", **changes)
    with pytest.raises(CannotStart, match=words):
        load_model(read_manifest(folder), 1)

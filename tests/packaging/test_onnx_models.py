import io
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts, WeightsFile
from kronkers_studio.packaging import inspect_model


def inspected(data: bytes, name: str = "model.onnx", **beside: str) -> ModelFacts:
    return inspect_model(name, io.BytesIO(data), {file: text.encode for file, text in beside.items()})


def made(**changes: Any) -> onnx.ModelProto:
    """A model that adds a constant to its input; ``domain`` and ``elements`` may be changed."""
    weights = helper.make_tensor("weights", TensorProto.FLOAT, [1, 3], [1.0, 2.0, 3.0])
    node = helper.make_node("Add", ["x", "weights"], ["y"], domain=changes.get("domain", ""))
    elements = changes.get("elements", TensorProto.FLOAT)
    graph = helper.make_graph(
        [node],
        "graph",
        [
            helper.make_tensor_value_info("x", elements, ["rows", 3]),
            helper.make_tensor_value_info("weights", TensorProto.FLOAT, [1, 3]),
        ],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])],
        [weights],
    )
    return helper.make_model(graph, producer_name="made", producer_version="1.0")


def test_an_exported_pipeline_is_described_with_its_classes(onnx_bytes: bytes, trained: Callable[[str], Any]) -> None:
    facts = inspected(onnx_bytes)

    assert facts.framework is Framework.ONNX
    assert facts.framework_version.startswith("opset ")
    assert facts.estimator.startswith("skl2onnx ")
    assert [(tensor.name, tensor.datatype, tensor.shape) for tensor in facts.signature.inputs] == [
        ("X", Datatype.FP32, (-1, 4))
    ]
    label, probabilities = facts.signature.outputs
    assert (label.datatype, label.shape) == (Datatype.BYTES, (-1,))
    assert probabilities.columns == tuple(trained("pipeline").classes_)
    assert probabilities.shape == (-1, 3)
    assert facts.globals == ()


def test_probabilities_as_a_matrix_have_the_classes_as_columns(trained: Callable[[str], Any]) -> None:
    from skl2onnx import to_onnx

    model = trained("forest")
    exported = to_onnx(model, np.zeros((1, 4), np.float32), options={"zipmap": False})

    probabilities = inspected(exported.SerializeToString()).signature.outputs[1]

    assert (probabilities.shape, probabilities.columns) == ((-1, 3), tuple(model.classes_))


def test_weights_are_no_inputs() -> None:
    signature = inspected(made().SerializeToString()).signature

    assert [(tensor.name, tensor.shape) for tensor in signature.inputs] == [("x", (-1, 3))]
    assert [(tensor.name, tensor.shape) for tensor in signature.outputs] == [("y", (-1, 3))]


def test_a_file_without_the_usual_ending_is_recognised(onnx_bytes: bytes) -> None:
    assert inspected(onnx_bytes, "model.bin").framework is Framework.ONNX


def test_python_is_assumed_unless_something_says_it(onnx_bytes: bytes) -> None:
    assert inspected(onnx_bytes).assumed == ("python_version",)
    assert inspected(onnx_bytes, **{".python-version": "3.12"}).assumed == ()


def kept_beside(location: str, **told: int) -> bytes:
    """A model whose weights are in the file that it calls ``location``."""
    model = made()
    model.graph.initializer[0].raw_data = bytes(12)
    onnx.external_data_helper.set_external_data(model.graph.initializer[0], location, **told)  # type: ignore[arg-type]
    return bytes(model.SerializeToString())


def test_weights_in_files_of_its_folder_are_the_models() -> None:
    data = kept_beside("parts/w.bin", offset=0, length=12)
    facts = inspect_model("model.onnx", io.BytesIO(data), {}, {"parts/w.bin": 4096}.get)
    assert facts.weights == (WeightsFile("parts/w.bin", 4096),)


@pytest.mark.parametrize(
    "location",
    [
        *(
            "../../etc/passwd",
            "/etc/passwd",
            "..\\w.bin",
            "a/../../w.bin",
            "./w.bin",
            "C:w.bin",
            "C:\\w.bin",
            "",
            "a//b",
        ),
        *("con", "w.bin.", "w\0.bin", "a" * 300, "", "a//b"),
    ],
)
def test_weights_out_of_its_folder_are_refused(location: str) -> None:
    with pytest.raises(UnsupportedModel, match="no file of its own folder"):
        inspect_model("model.onnx", io.BytesIO(kept_beside(location)), {}, lambda _: 1 << 40)


@pytest.mark.parametrize("told", [{"offset": 4096}, {"offset": 4090, "length": 12}, {"length": 5000}, {"offset": -1}])
def test_weights_beyond_their_file_are_refused(told: dict[str, int]) -> None:
    data = kept_beside("w.bin", **{"length": 12, **told})
    with pytest.raises(UnsupportedModel, match=r"w\.bin is shorter than model\.onnx says"):
        inspect_model("model.onnx", io.BytesIO(data), {}, lambda _: 4096)


def test_weights_that_are_not_there_and_values_of_operators_elsewhere_are_refused() -> None:
    hidden = made()
    constant = helper.make_tensor("value", TensorProto.FLOAT, [1], bytes(4), raw=True)
    onnx.external_data_helper.set_external_data(constant, "weights.bin")
    hidden.graph.node.append(helper.make_node("Constant", [], ["c"], value=constant))

    for data in (kept_beside("weights.bin"), hidden.SerializeToString()):
        with pytest.raises(UnsupportedModel, match="separate files"):
            inspected(data)


def test_operators_of_another_library_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match=r"operators of com\.example"):
        inspected(made(domain="com.example").SerializeToString())


def test_types_that_cannot_be_sent_are_refused() -> None:
    with pytest.raises(UnsupportedModel, match=r"“x” of model\.onnx is of a type that cannot be sent"):
        inspected(made(elements=TensorProto.COMPLEX64).SerializeToString())


@pytest.mark.parametrize("data", [b"", b"not a model", b"\x08\x07", b"\x08\x07\x12\x02ab" * 50, b"\x0a" * 5000])
def test_what_is_no_complete_model_is_refused(data: bytes) -> None:
    with pytest.raises(UnsupportedModel, match="not a complete ONNX model"):
        inspected(data)


def test_a_cut_file_is_refused(onnx_bytes: bytes) -> None:
    with pytest.raises(UnsupportedModel):
        inspected(onnx_bytes[: len(onnx_bytes) // 2])


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ('["a", "b", "c"]', ("a", "b", "c")),
        ('["a", "b"]', ()),
        ('["a", "a", "a"]', ()),
        ('{"a": 1}', ()),
        ("not JSON", ()),
    ],
)
def test_column_names_left_in_the_file_name_the_columns_of_its_table(columns: str, expected: tuple[str, ...]) -> None:
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Identity", ["x"], ["y"])],
            "table",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 3])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 3])],
        )
    )
    helper.set_model_props(model, {"columns": columns})
    assert inspected(model.SerializeToString()).signature.inputs[0].columns == expected


def test_who_wrote_the_file_is_told_in_a_few_words() -> None:
    model = made()
    assert inspected(model.SerializeToString()).estimator == "made 1.0"
    model.producer_version = "Git info:\n    Commit: 0\n    Author: a person"
    assert inspected(model.SerializeToString()).estimator == "made"

"""A model of ONNX with inputs of several types."""

from __future__ import annotations

from pathlib import Path

from onnx import TensorProto, helper


def onnx_model(folder: Path) -> Path:
    """``mixed.onnx`` in ``folder``: a text, a whole number, a truth value and a number, each an input of its own; the
    text comes back, and the sum of the others."""
    types = {
        **{"town": TensorProto.STRING, "calls": TensorProto.INT64},
        **{"member": TensorProto.BOOL, "income": TensorProto.FLOAT},
    }
    numbers = [name for name in types if name != "town"]
    nodes = [
        helper.make_node("Identity", ["town"], ["again"]),
        *(helper.make_node("Cast", [name], [f"{name} as number"], to=TensorProto.FLOAT) for name in numbers),
        helper.make_node("Sum", [f"{name} as number" for name in numbers], ["sum"]),
    ]
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, kind, ["rows", 1]) for name, kind in types.items()],
        [
            helper.make_tensor_value_info("again", TensorProto.STRING, ["rows", 1]),
            helper.make_tensor_value_info("sum", TensorProto.FLOAT, ["rows", 1]),
        ],
    )
    file = folder / "mixed.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    file.write_bytes(model.SerializeToString())
    return file

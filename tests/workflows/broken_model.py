"""A model that passes every look from outside and fails when it is started."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import TensorProto, helper

from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import Session


def register_model_that_never_starts(session: Session, name: str, tmp_path: Path) -> int:
    """An ONNX file that says truly what it takes and gives, with an operator that nobody implements."""
    node = helper.make_node("Oracle", ["x"], ["y"])
    graph = helper.make_graph(
        [node],
        "oracle",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 13])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, 1])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    folder = tmp_path / "broken"
    folder.mkdir()
    onnx.save(model, folder / "oracle.onnx")
    migrate_folder(session, folder, "broken")
    return register_model(session, "broken", "oracle.onnx", name=name).version

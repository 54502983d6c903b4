"""Files of skops with what is not scikit-learn's in them: tree libraries' estimators, and a person's own steps."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.recorded_facts import checked_facts

_FILES = Path(__file__).with_name("files")
_OWN = ("features.Ratio", "features.doubled")


def _looked_at(name: str, allowed: frozenset[str] = frozenset()) -> ModelFacts:
    return checked_facts(inspect_model(name, io.BytesIO((_FILES / name).read_bytes()), {}, allowed=allowed), name)


@pytest.mark.parametrize(
    ("name", "framework", "libraries"),
    [
        ("xgb.skops", Framework.XGBOOST, ("scikit-learn",)),
        ("xgbpipe.skops", Framework.SKLEARN, ("xgboost==3.2.0",)),
        ("lgb.skops", Framework.LIGHTGBM, ("lightgbm>=4", "scikit-learn==1.9.1")),
        ("cat.skops", Framework.CATBOOST, ("scikit-learn",)),
    ],
)
def test_tree_libraries_in_files_of_skops_are_described(
    name: str, framework: Framework, libraries: tuple[str, ...]
) -> None:
    facts = _looked_at(name)
    require_safe(facts)

    assert (facts.framework, facts.file_format, facts.libraries) == (framework, "skops", libraries)
    assert facts.signature.inputs[0].shape == (-1, 3)


def test_own_steps_in_a_file_of_skops_are_allowed_by_a_person_as_in_a_pickle() -> None:
    assert _looked_at("own.skops").unsafe == _OWN
    with pytest.raises(UnsupportedModel, match=r"needs `features.Ratio`"):
        require_safe(_looked_at("own.skops"))
    require_safe(_looked_at("own.skops", frozenset(_OWN)), frozenset(_OWN))


def test_a_part_that_could_ask_for_any_memory_is_refused_before_it_is_unpacked() -> None:
    """Seen to fail with LZMA's own error: nothing else is told of a damaged part."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_LZMA) as made:
        made.writestr("schema.json", b'{"protocol": 2}' * 40)
    whole = stream.getvalue()
    start = whole.index(b"schema.json") + len(b"schema.json") + 4
    for data in (whole, whole[:start] + b"\xff" * 8 + whole[start + 8 :]):
        with pytest.raises(UnsupportedModel, match="compressed otherwise than with DEFLATE"):
            inspect_model("m.skops", io.BytesIO(data), {})


def _matrix(*names: str) -> bytes:
    """A file with one sparse matrix, whose parts have these names."""
    arrays = {"format": np.array(b"csr"), "shape": np.array([1, 1])}
    arrays.update({"data": np.ones(1), "indices": np.zeros(1, np.int32), "indptr": np.array([0, 1], np.int32)})
    inner, outer = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w") as parts:
        for name in names:
            content = io.BytesIO()
            np.save(content, arrays[name.removesuffix(".npy")])
            parts.writestr(name, content.getvalue())
    node = {"__class__": "csr_matrix", "__module__": "scipy.sparse", "__loader__": "SparseMatrixNode"}
    node.update({"type": "scipy", "file": "m.npz", "_skops_version": "0.13.0"})
    with zipfile.ZipFile(outer, "w") as parts:
        parts.writestr("schema.json", json.dumps({**node, "protocol": 2}))
        parts.writestr("m.npz", inner.getvalue())
    return outer.getvalue()


def test_a_matrix_of_which_numpy_would_take_another_part_is_refused() -> None:
    whole = [f"{name}.npy" for name in ("indices", "indptr", "format", "shape", "data")]
    with pytest.raises(UnsupportedModel, match="not a scikit-learn model") as plain:
        inspect_model("m.skops", io.BytesIO(_matrix(*whole)), {})
    assert "two parts" not in str(plain.value)
    with pytest.raises(UnsupportedModel, match="two parts of one name"):
        inspect_model("m.skops", io.BytesIO(_matrix("data", *whole)), {})

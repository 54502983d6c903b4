import gzip
import io
import pickle
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kronkers_studio.domain.errors import UnsupportedModel
from kronkers_studio.domain.models import Datatype, Framework, ModelFacts
from kronkers_studio.packaging import inspect_model, require_safe
from kronkers_studio.packaging.environment_hints import read_surroundings
from tests.packaging import model_zoo
from tests.packaging.test_pickle_reader import HOSTILE, Evil

SAMPLE = Path(__file__).parents[2] / "resources/sample/OneDrive - Kronkers/Quality/Wine/model"


def dumped(model: Any, **options: Any) -> bytes:
    import joblib

    stream = io.BytesIO()
    joblib.dump(model, stream, **options)
    return stream.getvalue()


def inspected(data: bytes, name: str = "model.joblib", **beside: str) -> ModelFacts:
    files: dict[str, Callable[[], bytes]] = {file.replace("__", "."): text.encode for file, text in beside.items()}
    return inspect_model(name, io.BytesIO(data), files)


@pytest.mark.parametrize("kind", model_zoo.makers())
def test_models_of_every_kind_are_described_as_they_are(kind: str, trained: Callable[[str], Any]) -> None:
    import sklearn

    model = trained(kind)

    facts = inspected(dumped(model))

    assert facts.framework is Framework.SKLEARN
    assert facts.framework_version == sklearn.__version__
    assert facts.estimator == f"{type(model).__module__}.{type(model).__name__}"
    assert facts.unsafe == ()
    assert "python_version" in facts.assumed
    classes = getattr(model, "classes_", None)
    if isinstance(classes, np.ndarray):
        label, *probabilities = facts.signature.outputs
        assert label.datatype is {"U": Datatype.BYTES, "O": Datatype.BYTES, "b": Datatype.BOOL}.get(
            classes.dtype.kind, Datatype.INT64
        )
        assert [tensor.columns for tensor in probabilities] == (
            [tuple(map(str, classes))] if hasattr(model, "predict_proba") else []
        )
    width = getattr(model, "n_features_in_", None)
    if width is not None and len(facts.signature.inputs) == 1 and facts.signature.inputs[0].shape != (-1,):
        assert facts.signature.inputs[0].shape == (-1, width)


def test_columns_of_text_are_inputs_of_their_own(trained: Callable[[str], Any]) -> None:
    facts = inspected(dumped(trained("columns")))

    assert [(tensor.name, tensor.datatype, tensor.shape) for tensor in facts.signature.inputs] == [
        ("x0", Datatype.FP64, (-1, 1)),
        ("x1", Datatype.FP64, (-1, 1)),
        ("x2", Datatype.BYTES, (-1, 1)),
    ]


@pytest.mark.parametrize(
    ("kind", "outputs"),
    [
        ("isolation forest", [("output", Datatype.INT64, (-1,))]),  # it keeps the template of a regressor
        ("groups", [("output", Datatype.INT64, (-1,))]),
        ("linear", [("output", Datatype.FP64, (-1,))]),
        ("two answers", [("output", Datatype.FP64, (-1, 2))]),
        ("several", [("label", Datatype.INT64, (-1, 2))]),
        ("mixture", [("output", Datatype.INT64, (-1,)), ("probabilities", Datatype.FP64, (-1, 2))]),
    ],
)
def test_answers_that_are_no_class_are_described_too(
    kind: str, outputs: list[object], trained: Callable[[str], Any]
) -> None:
    found = inspected(dumped(trained(kind))).signature.outputs

    assert [(tensor.name, tensor.datatype, tensor.shape) for tensor in found] == outputs


def test_the_sample_model_is_described_with_what_lies_beside_it() -> None:
    beside = {path.name: path.read_bytes for path in SAMPLE.iterdir() if path.suffix in (".txt", ".py", "")}
    with (SAMPLE / "wine_cultivar.joblib").open("rb") as stream:
        facts = inspect_model("wine_cultivar.joblib", stream, beside)

    assert facts.python_version == "3.11"
    assert "scikit-learn==1.9.1" in facts.requirements
    assert facts.signature.inputs[0].columns[0] == "alcohol"
    assert facts.signature.outputs[1].columns == ("Barbera", "Barolo", "Grignolino")
    assert facts.assumed == ()


def test_a_plain_pickle_is_told_from_a_joblib_file(trained: Callable[[str], Any]) -> None:
    assert inspected(pickle.dumps(trained("forest"), 4), "model.pkl").file_format == "pickle"
    assert inspected(dumped(trained("forest")), "model.pkl").file_format == "joblib"
    assert inspected(dumped(trained("forest"), compress=3), "model.pkl").file_format == "joblib"


def test_protocol_2_names_are_given_as_python_3_knows_them(trained: Callable[[str], Any]) -> None:
    facts = inspected(pickle.dumps(trained("forest"), 2), "model.pkl")

    assert "builtins.object" in facts.globals or "_codecs.encode" in facts.globals
    assert not any(name.startswith(("__builtin__", "copy_reg")) for name in facts.globals)
    assert facts.unsafe == ()


@pytest.mark.parametrize("protocol", range(6))
def test_a_pickle_that_would_run_a_program_is_refused_in_plain_words(protocol: int) -> None:
    import os

    with pytest.raises(UnsupportedModel, match=r"This file would run `(posix|nt|os)\.system` when it is opened"):
        inspected(pickle.dumps(Evil(os.system, ("id",)), protocol), "model.pkl")


def test_a_program_hidden_in_a_real_model_is_found(trained: Callable[[str], Any]) -> None:
    import copy
    import subprocess

    for attribute in ("coef_", "verbose"):
        model = copy.deepcopy(trained("pipeline"))
        setattr(model.steps[-1][1], attribute, Evil(subprocess.check_output, (["id"],)))

        with pytest.raises(UnsupportedModel, match=r"would run `subprocess\.check_output`"):
            inspected(dumped(model))


def test_a_program_hidden_in_an_array_of_objects_is_found(trained: Callable[[str], Any]) -> None:
    import copy

    model = copy.deepcopy(trained("forest"))
    model.classes_ = np.array([Evil(eval, ("1",))] * 3, dtype=object)

    with pytest.raises(UnsupportedModel, match=r"would run `builtins\.eval`"):
        inspected(dumped(model))


def test_old_pickles_that_run_programs_are_recognised_too() -> None:
    with pytest.raises(UnsupportedModel, match=r"would run `os\.system`"):
        inspected(b"cos\nsystem\n(S'id'\ntR.", "model.pkl")


def test_code_from_a_notebook_is_named_as_such(trained: Callable[[str], Any]) -> None:
    data = dumped(trained("pipeline"), protocol=4)
    length = len("sklearn.preprocessing._data")
    own = data.replace(b"sklearn.preprocessing._data", b"__main__".ljust(length, b"x"))

    facts = inspected(own)
    assert facts.unsafe == ("__main__" + "x" * (length - 8) + ".StandardScaler",)
    with pytest.raises(UnsupportedModel, match="StandardScaler"):
        require_safe(facts)

    notebook = ModelFacts(Framework.SKLEARN, "1.9.1", "joblib", unsafe=("__main__.Cleaner",))
    with pytest.raises(UnsupportedModel, match="written in the notebook"):
        require_safe(notebook)


def test_what_is_no_estimator_is_named(trained: Callable[[str], Any]) -> None:
    with pytest.raises(UnsupportedModel, match="holds a dictionary, not a scikit-learn model"):
        inspected(dumped({"model": trained("forest"), "threshold": 0.5}))
    with pytest.raises(UnsupportedModel, match="holds an array"):
        inspected(dumped(np.arange(3)))


def test_a_step_that_only_prepares_data_is_no_model(trained: Callable[[str], Any]) -> None:
    with pytest.raises(UnsupportedModel, match="prepares data"):
        inspected(dumped(trained("pipeline").steps[0][1]))


def _zip(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("churn.rds", gzip.compress(b"X\n\x00\x00\x00\x03", mtime=0), "may be an R model"),
        ("churn.rda", gzip.compress(b"RDX3\nX\n", mtime=0), "may be an R model"),
        ("net.pt", _zip("net/data.pkl", "net/version"), "is a PyTorch model (.pt)"),
        ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(50), "may be a Keras model (.h5)"),
        ("model.pb", b"\x08\x01\x12\x00" * 9, "may be a TensorFlow model (.pb)"),
    ],
)
def test_other_frameworks_are_recognised_and_said_to_be_unsupported(name: str, data: bytes, kind: str) -> None:
    with pytest.raises(UnsupportedModel) as refusal:
        inspected(data, name)

    assert refusal.value.message.startswith(f"{name} {kind}")
    told = ": not supported yet. Served are models" if "R model" in kind else ": not supported yet. It would need "
    assert told in refusal.value.message
    assert ("may be" in kind) is ("its bytes do not tell" in refusal.value.message)
    assert refusal.value.next_step.endswith(".")


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 5000, b"%PDF-1.7", b"\x1f\x8b\x08broken", b"x\x9cbroken"])
def test_what_is_no_model_is_said_to_be_none(data: bytes) -> None:
    with pytest.raises(UnsupportedModel, match="not a model file"):
        inspected(data, "notes.bin")


def test_a_cut_model_is_said_to_be_damaged(model_bytes: bytes) -> None:
    with pytest.raises(UnsupportedModel, match="cannot be read: it ends too early"):
        inspected(model_bytes[: len(model_bytes) // 2])


def test_a_compression_bomb_is_refused() -> None:
    import zlib

    data = zlib.compress(pickle.dumps([bytes(60_000_000)]), 9)

    with pytest.raises(UnsupportedModel):
        inspected(data)


def test_an_old_framework_gets_a_python_that_it_was_published_for(model_bytes: bytes) -> None:
    import sklearn

    old = model_bytes.replace(sklearn.__version__.encode(), b"1.1.3")

    assert inspected(old).framework_version == "1.1.3"
    assert inspected(old).python_version == "3.10"


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_files_end_as_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedModel):
        inspected(HOSTILE[name], "model.pkl")


@settings(
    deadline=None, max_examples=300, suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_whatever_happens_to_a_model_it_is_described_or_refused(model_bytes: bytes, data: st.DataObject) -> None:
    from kronkers_studio.packaging.model_files.onnx_files import onnx_models

    with pytest.raises(UnsupportedModel):  # the library that reads ONNX is imported here, with all it imports itself
        onnx_models.inspect_onnx("x", io.BytesIO(), read_surroundings({}))
    changed = bytearray(model_bytes)
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(changed) - 1))
        piece = data.draw(st.binary(max_size=6))
        changed[start : start + data.draw(st.integers(0, 6))] = piece
    before = set(sys.modules)
    name = data.draw(st.sampled_from(["m.joblib", "m.pkl", "m.onnx", "m"]))
    try:
        inspected(bytes(changed), name)
    except UnsupportedModel as refusal:
        assert refusal.message.startswith(f"{name} ") or ": not supported yet." in refusal.message
        assert refusal.message.isprintable()
        assert refusal.next_step.endswith(".")
    assert not {new for new in set(sys.modules) - before if not new.startswith("encodings.")}

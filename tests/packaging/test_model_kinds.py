"""What a model file is, told by its bytes: of files that the real libraries wrote, under any name."""

from __future__ import annotations

import gzip
import io
import lzma
import sys
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kronkers_studio.domain import model_files
from kronkers_studio.domain.errors import NotAModel, UnsupportedModel
from kronkers_studio.domain.model_files import HEAD_BYTES, MODEL_FILE_KINDS, ModelFileKind
from kronkers_studio.domain.models import Framework
from kronkers_studio.packaging import inspect_model
from kronkers_studio.packaging.model_files.model_formats import loaded_kind, recognised
from kronkers_studio.packaging.model_files.r_files.r_objects import RObject, read_r_object
from kronkers_studio.packaging.model_files.zip_entries import zip_entries
from tests.packaging.kinds_table import kinds_table, written_table

FILES = Path(__file__).parent / "model_files"
KINDS = {
    "cat.json": model_files.CATBOOST_JSON,
    "state.pt": model_files.PYTORCH,
    "net.pth": model_files.PYTORCH,
    "old.pt": model_files.PYTORCH,
    "net.safetensors": model_files.SAFETENSORS,
    "net.h5": model_files.KERAS_HDF5,
}
LOADED = {
    "xgb.json": Framework.XGBOOST,
    "xgb.ubj": Framework.XGBOOST,
    "lgb.txt": Framework.LIGHTGBM,
    "cat.cbm": Framework.CATBOOST,
    **dict.fromkeys(("lm.rds", "glm_bz.rds", "glm_xz.rds", "glm_ascii.rds", "rpart.rds", "rf.rds"), Framework.R),
    "net.keras": Framework.KERAS,
    "lr.skops": Framework.SKLEARN,
    "cat.pmml": Framework.PMML,
    "script.pt": Framework.PYTORCH,
}
PICKLED = {
    "xgb_sklearn.joblib": Framework.XGBOOST,
    "lgb_sklearn.joblib": Framework.LIGHTGBM,
    "cat.pkl": Framework.CATBOOST,
}


def refusal(name: str, data: bytes) -> UnsupportedModel:
    with pytest.raises(UnsupportedModel) as refused:
        inspect_model(name, io.BytesIO(data), {})
    return refused.value


def zipped(*names: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "{}")
    return stream.getvalue()


@pytest.mark.parametrize("file", KINDS)
def test_the_bytes_say_what_a_file_is_whatever_it_is_called(file: str) -> None:
    data, kind = (FILES / file).read_bytes(), KINDS[file]
    for name in (file, "model.bin", "model.sav"):
        found = recognised(name, io.BytesIO(data))
        assert found is not None
        assert (found.kind, found.sure, found.is_model) == (kind, True, True)
    problem = refusal(file, data)
    assert problem.message.startswith(f"{file} is {kind.called}")
    assert problem.message.endswith(f": not supported yet. It would need {kind.needs}.")
    assert problem.next_step == kind.instead


def test_weights_without_a_program_are_counted() -> None:
    assert "(4 tensors, 19 numbers)" in refusal("net.safetensors", (FILES / "net.safetensors").read_bytes()).message


@pytest.mark.parametrize("file", LOADED)
def test_the_bytes_say_which_library_loads_a_file_whatever_it_is_called(file: str) -> None:
    data = (FILES / file).read_bytes()
    for name in (file, "model.bin", "model.sav", "model.onyx"):
        assert inspect_model(name, io.BytesIO(data), {}).framework is LOADED[file]
        assert LOADED[file] is Framework.R or recognised(name, io.BytesIO(data)) is None


@pytest.mark.parametrize("file", PICKLED)
def test_estimators_of_tree_libraries_in_pickles_are_read_without_those(file: str) -> None:
    before = set(sys.modules)
    facts = inspect_model(file, io.BytesIO((FILES / file).read_bytes()), {})
    assert facts.framework is PICKLED[file]
    assert facts.unsafe == ()
    assert not {"xgboost", "lightgbm", "catboost"} & (set(sys.modules) - before)


def test_what_the_name_alone_says_is_said_to_be_unsure() -> None:
    data = (FILES / "net.weights.h5").read_bytes()
    assert "which its bytes do not tell" in refusal("net.weights.h5", data).message
    assert refusal("cat.mlmodel", (FILES / "cat.mlmodel").read_bytes()).message.startswith(
        "cat.mlmodel may be a Core ML model"
    )


@pytest.mark.parametrize("file", ["xgb_dump.json", "xgb_dump.txt"])
def test_what_a_library_wrote_for_people_is_no_model(file: str) -> None:
    assert isinstance(refusal(file, (FILES / file).read_bytes()), NotAModel)


def test_a_program_that_pytorch_exported_is_told_by_what_is_in_its_archive() -> None:
    data = zipped(
        "m/models/model.json", "m/data/weights/weight_0", "m/archive_format", "m/archive_version", "m/byteorder"
    )
    assert loaded_kind(data[:HEAD_BYTES], io.BytesIO(data)) is model_files.TORCH_EXPORT
    assert refusal("m.bin", data).message.startswith("m.bin is refused: its ")


def test_an_mlflow_folder_names_its_model() -> None:
    document = (
        "artifact_path: model\nflavors:\n  python_function:\n    env: conda.yaml\n    loader_module: mlflow.sklearn\n"
        "  sklearn:\n    pickled_model: model.pkl\nmlflow_version: 2.9.2\nmodel_uuid: 1\n"
    )
    problem = refusal("MLmodel", document.encode())
    assert problem.message == "MLmodel describes the folder that it lies in; the model itself is model.pkl there."
    assert problem.next_step == "Register the folder, or that file."


def test_every_kind_that_is_not_loaded_says_what_is_missing() -> None:
    for kind in MODEL_FILE_KINDS:
        assert (kind.framework is None) is bool(kind.needs)
        assert bool(kind.instead) is bool(kind.needs or (kind.modules and kind.framework))
        assert kind.called.startswith(("a ", "an "))
        assert not kind.needs.endswith(".")
        assert not kind.instead or kind.instead.endswith(".")


# ---- R ----


@pytest.mark.parametrize(
    ("file", "classes"),
    [
        ("lm.rds", ("lm",)),
        ("glm_bz.rds", ("glm", "lm")),
        ("glm_xz.rds", ("glm", "lm")),
        ("glm_ascii.rds", ("glm", "lm")),
        ("rpart.rds", ("rpart",)),
        ("rf.rds", ("randomForest.formula", "randomForest")),
        ("s4.rds", ("Scorer",)),
        ("frame.rds", ("data.frame",)),
        ("numbers.rds", ()),
        ("listed.rds", ()),
    ],
)
def test_the_class_of_an_r_object_is_read(file: str, classes: tuple[str, ...]) -> None:
    assert read_r_object(io.BytesIO((FILES / file).read_bytes())) == RObject(classes)


def test_an_r_object_is_read_without_compression_too() -> None:
    plain = lzma.decompress((FILES / "glm_xz.rds").read_bytes())
    for data in (plain, gzip.compress(plain)):
        assert read_r_object(io.BytesIO(data)) == RObject(("glm", "lm"))


@pytest.mark.parametrize("file", ["frame.rds", "numbers.rds", "listed.rds"])
def test_r_data_is_no_model(file: str) -> None:
    assert isinstance(refusal(file, (FILES / file).read_bytes()), NotAModel)


def test_what_is_not_known_to_be_a_model_of_rs_is_said_to_be_unsure() -> None:
    assert refusal("s4.rds", (FILES / "s4.rds").read_bytes()).message.startswith(
        "s4.rds may be an R model, which its bytes do not tell (Scorer): not supported yet."
    )
    assert "a workspace of several objects" in refusal("lm.rda", (FILES / "lm.rda").read_bytes()).message


def test_hostile_r_objects_end_soon() -> None:
    head = b"X\n\0\0\0\2\0\4\2\2\0\2\3\0"
    deep = head + b"\0\0\0\x13\0\0\0\1" * 100_000  # lists in lists
    wide = head + b"\0\0\0\x13\x7f\xff\xff\xff" + b"\0\0\0\xfe" * 3_000_000
    long = head + b"\0\0\0\x0e\xff\xff\xff\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
    bomb = gzip.compress(head + b"\0\0\0\x18\x7f\xff\xff\xff" + bytes(200_000_000), 9)
    for data in (deep, wide, long, bomb, head + b"\xff\xff\xff\x01"):
        stream = io.BytesIO(data)
        assert read_r_object(stream) == RObject(read=False)
        assert stream.tell() < 4_000_000, "it was read on"


@settings(deadline=None, max_examples=200)
@given(data=st.data())
def test_whatever_happens_to_a_file_it_is_told_or_refused(data: st.DataObject) -> None:
    file = data.draw(st.sampled_from(["lm.rds", "glm_ascii.rds", "lr.skops", "cat.pmml"]))
    changed = bytearray((FILES / file).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(changed) - 1))
        changed[start : start + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=6))
    try:
        found = inspect_model(file, io.BytesIO(bytes(changed)), {})
        assert found.framework in (Framework.R, Framework.SKLEARN, Framework.PMML)
    except UnsupportedModel as problem:
        assert problem.message.isprintable()


@pytest.mark.parametrize("cut", [1, 10, 30])
def test_a_damaged_archive_has_no_entries(cut: int) -> None:
    whole = zipped("a/data.pkl", "a/version")
    assert zip_entries(io.BytesIO(whole)) == ("a/data.pkl", "a/version")
    assert zip_entries(io.BytesIO(whole[:-cut])) in ((), ("a/data.pkl", "a/version"))
    assert zip_entries(io.BytesIO(whole[:-cut] + b"\xff" * cut)) in ((), ("a/data.pkl", "a/version"))


def kinds_by_ending() -> dict[str, ModelFileKind]:
    return {suffix: kind for kind in MODEL_FILE_KINDS for suffix in kind.suffixes}


def test_an_empty_file_of_any_name_is_refused() -> None:
    for suffix in kinds_by_ending():
        refusal(f"a{suffix}", b"")


def test_the_document_has_the_table() -> None:
    assert written_table() == kinds_table(), "python -m tests.packaging.kinds_table writes it anew"

"""A model of Python in a process of its own: it answers what it answers in the service's process, to the bit, and what
goes between the two arrives as it was."""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from sklearn.datasets import load_iris, load_linnerud
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline

from kronkers_studio.serving.frameworks.workers.python_workers import PythonWorkers
from kronkers_studio.serving.frameworks.workers.tensor_frames import (
    answer_frame,
    facts_in,
    failure_frame,
    outputs_in,
    question_frame,
    question_in,
    refusal_frame,
)
from kronkers_studio.serving.frameworks.workers.worker_frames import BadFrame
from kronkers_studio.serving.frameworks.workers.worker_process import WorkerTooSlow
from kronkers_studio.serving.model_failures import Failure, ModelFailed
from kronkers_studio.serving.problems import CannotStart, Refusal
from tests.serving.both_ways import differences, exactly
from tests.serving.model_folders import (
    adding_folder,
    diabetes_regressor,
    gappy_classifier,
    mixed_classifier,
    save_joblib,
    save_pickle,
    wine_folder,
)
from tests.serving.own_models import WAIT, told_folder
from tests.tree_libraries.packages import package_of

_PMML = Path(__file__).parents[1] / "pmml_models" / "files"


def _texts(folder: Path) -> Path:
    texts = ["good wine", "bad wine", "sour", "sweet and good"] * 5
    return save_joblib(folder, make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts, [1, 0, 0, 1] * 5))


def _two_outputs(folder: Path) -> Path:
    return save_joblib(folder, LinearRegression().fit(*load_linnerud(return_X_y=True)))


def _pmml(name: str) -> Callable[[Path], Path]:
    def make(folder: Path) -> Path:
        folder.mkdir()
        return package_of(Path(shutil.copy(_PMML / name, folder)))

    return make


KINDS: dict[str, Callable[[Path], Path]] = {
    "numbers": wine_folder,
    "regression": lambda folder: save_pickle(folder, diabetes_regressor()),
    "numbers and words": lambda folder: save_joblib(folder, mixed_classifier()),
    "missing values": lambda folder: save_joblib(folder, gappy_classifier()),
    "several outputs": _two_outputs,
    "texts": _texts,
    "trees of PMML": _pmml("forest.pmml"),
    "PMML with missing values": _pmml("lightgbm.pmml"),
    "tensors": adding_folder,
    "a file that is packed": lambda folder: save_joblib(
        folder, RandomForestClassifier(5, n_jobs=2).fit(*load_iris(return_X_y=True)), compress=3
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_it_answers_what_it_answers_in_the_services_own_process(kind: str, tmp_path: Path) -> None:
    """Facts, answers, refusals and failures. Seen to fail without what says whose an error is."""
    answered, found = differences(KINDS[kind](tmp_path / "model"))
    assert found == []
    assert answered > 0


_NUMBERS = st.sampled_from(["<f8", "<f4", "<f2", "<i8", "<i1", "<u8", "|b1", "<c16", ">i4", "<M8[ns]", "<m8[D]"])
_OBJECTS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.sampled_from([np.float32(0.1), np.float64(-0.0), np.int64(-1), np.bool_(True), np.datetime64("2024-02-29")]),
)


@given(_NUMBERS.flatmap(lambda kind: arrays(kind, array_shapes(min_dims=0, min_side=0))), st.booleans())
def test_arrays_arrive_as_they_were(array: np.ndarray, in_columns: bool) -> None:
    """Seen to fail with arrays in the order C alone, and with some that cannot be written into."""
    sent = np.asfortranarray(array) if in_columns else array
    found = outputs_in(answer_frame({"größe": sent}), ["größe"])["größe"]
    assert exactly(found) == exactly(sent)
    assert found.flags.writeable
    if sent.size:
        assert found.flags.c_contiguous == sent.flags.c_contiguous


@given(st.lists(_OBJECTS, max_size=8), st.integers(0, 2))
def test_texts_and_other_objects_arrive_as_they_were(values: list[Any], columns: int) -> None:
    array = np.empty((len(values), columns) if columns else len(values), dtype=object)
    for row, value in enumerate(values):
        array[row] = value
    inputs, wanted = question_in(question_frame({"word": array}, ["label"]))
    assert exactly(inputs["word"]) == exactly(array)
    assert wanted == ["label"]


def test_what_is_neither_number_nor_text_arrives_as_its_text() -> None:
    array = np.array([Path("a"), [1], {"b": 2}, b"c"], dtype=object)
    assert outputs_in(answer_frame({"label": array}), ["label"])["label"].tolist() == ["a", "[1]", "{'b': 2}", "b'c'"]


def test_refusals_and_failures_arrive_as_they_were() -> None:
    refusal = Refusal("Row 2: no.", status=422, field="größe", row=2, headers=((b"retry-after", b"1"),))
    with pytest.raises(Refusal) as refused:
        outputs_in(refusal_frame(refusal), ["label"])
    assert vars(refused.value) == vars(refusal)
    failure = Failure("KeyError", "'no such row'", "told.py:7", of_values=True)
    with pytest.raises(ModelFailed) as failed:
        outputs_in(failure_frame(failure), ["label"])
    assert failed.value.failure == failure


def _answer(head: Any, *, status: int = 0, after: bytes = b"") -> bytes:
    said = orjson.dumps(head)
    return struct.pack("<ii", status, len(said)) + said + after


_EIGHT = bytes(8)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        bytes(4),
        struct.pack("<ii", 0, 1 << 30),
        struct.pack("<ii", 0, -1),
        struct.pack("<ii", 0, 2) + b"no",
        _answer([]),
        _answer({}),
        _answer({"tensors": []}),
        _answer({"tensors": []}, status=7),
        _answer({"tensors": [["label", "<f8", [1], "C", 16]]}, after=_EIGHT),
        _answer({"tensors": [["label", "<f8", [1], "C", -8]]}, after=_EIGHT),
        _answer({"tensors": [["label", "<f8", [2], "C", 8]]}, after=_EIGHT),
        _answer({"tensors": [["label", "<f8", [-1, -1], "C", 8]]}, after=_EIGHT),
        _answer({"tensors": [["label", "<f8", ["1"], "C", 8]]}, after=_EIGHT),
        _answer({"tensors": [["label", "<f8", [1], "no", 8]]}, after=_EIGHT),
        _answer({"tensors": [["label", "|O", [1], "C", 8]]}, after=_EIGHT),
        _answer({"tensors": [["label", "|V8", [1], "C", 8]]}, after=_EIGHT),
        _answer({"tensors": [["label", "<U0", [1 << 40], "C", 0]]}),
        _answer({"tensors": [["label", "<f8", [1], "C", 8]]}, after=_EIGHT + b"more"),
        _answer({"tensors": [["label", "objects", [1], "C", 15]]}, after=b'[{"pickle":"x"}]'[:15]),
        _answer({"tensors": [["label", "objects", [1], "C", 16]]}, after=b'[{"pickle":"x"}]'),
        _answer({"tensors": [["label", "objects", [2], "C", 5]]}, after=b'["a"]'),
        _answer({"tensors": []}, status=1),
        _answer({"tensors": [], "message": "", "status": 200, "field": None, "row": None, "headers": []}, status=1),
        _answer(
            {"tensors": [], "message": "", "status": 400, "field": None, "row": None, "headers": [["a\r\n", "b"]]},
            status=1,
        ),
        _answer({"tensors": [], "kind": "E"}, status=2),
    ],
)
def test_what_no_worker_says_is_no_answer(frame: bytes) -> None:
    with pytest.raises(BadFrame):
        outputs_in(frame, ["label"])
    with pytest.raises(BadFrame):
        facts_in(frame)


def test_a_package_that_is_refused_here_is_refused_there_with_the_same_sentence(tmp_path: Path) -> None:
    folder = wine_folder(tmp_path / "model")
    described = json.loads((folder / "model.json").read_bytes())
    (folder / "model.json").write_text(json.dumps({**described, "allowed_globals": []}), encoding="utf-8")
    with pytest.raises(CannotStart) as here:
        differences(folder)
    with pytest.raises(CannotStart) as there:
        PythonWorkers(folder, 1, 1)
    assert "which is not on its package's list" in str(here.value)
    assert str(there.value) == str(here.value)


def test_a_worker_that_does_not_answer_in_time_is_ended(tmp_path: Path) -> None:
    model = PythonWorkers(told_folder(tmp_path / "model"), 1, 1, seconds=1)
    with pytest.raises(WorkerTooSlow):
        model.run({"input": np.array([[WAIT, 0.0]])}, ["label"])
    assert model.run({"input": np.zeros((1, 2))}, ["label"])["label"].tolist() == ["no"]
    model.pool.close()

"""What may start, and what is refused before it can do harm."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest

from kronkers_studio.serving.cores import available_cores
from kronkers_studio.serving.frameworks.scikit_learn.unpickling import load_joblib, load_pickle
from kronkers_studio.serving.problems import CannotStart
from tests.serving.model_folders import (
    globals_of,
    refused_start,
    save_joblib,
    wine_classifier,
    wine_folder,
    write_folder,
)


class Attack:
    """Unpickles to a call that leaves a mark."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.mark),)


def test_a_pickle_with_an_unlisted_global_is_refused_and_runs_nothing(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    file = tmp_path / "model.pkl"
    file.write_bytes(pickle.dumps(Attack(mark)))
    folder = write_folder(tmp_path, file, file_format="pickle", allowed_globals=["sklearn.svm._classes.SVC"])
    message = refused_start(folder)
    assert "posix.mkdir, which is not on its package's list" in message
    assert not mark.exists()


@pytest.mark.parametrize("compress", [0, 3])
def test_an_attack_hidden_in_an_array_of_objects_is_refused(tmp_path: Path, compress: int) -> None:
    array = np.array([Attack(tmp_path / "mark"), "x"], dtype=object)
    stream = io.BytesIO()
    joblib.dump({"data": array}, stream, compress=compress)
    stream.seek(0)
    harmless = globals_of({"data": np.array(["x", None], dtype=object)})
    with pytest.raises(CannotStart, match="mkdir"):
        load_joblib(stream, harmless)
    assert not (tmp_path / "mark").exists()


def test_arrays_of_objects_are_read_by_our_own_unpickler_on_any_joblib(monkeypatch: pytest.MonkeyPatch) -> None:
    from joblib import numpy_pickle

    def unfenced(self: Any, unpickler: Any, *_: Any) -> Any:
        return pickle.load(unpickler.file_handle)  # noqa: S301 — as joblib did up to 1.5

    monkeypatch.setattr(numpy_pickle.NumpyArrayWrapper, "read_array", unfenced)
    stream = io.BytesIO()
    joblib.dump(np.array([io.BytesIO, None], dtype=object), stream)
    stream.seek(0)
    with pytest.raises(CannotStart, match="BytesIO"):
        load_joblib(stream, globals_of(np.array(["x", None], dtype=object)))


def test_a_listed_module_does_not_open_the_way_to_its_neighbours() -> None:
    walk = pickle.PROTO + b"\x04" + _text("os") + _text("path.join") + pickle.STACK_GLOBAL + pickle.STOP
    with pytest.raises(CannotStart, match=r"os\.path\.join"):
        load_pickle(io.BytesIO(walk), ["os.path.join"])


@pytest.mark.parametrize("name", ["joblib.numpy_pickle.NDArrayWrapper", "joblib.numpy_pickle_compat.NDArrayWrapper"])
def test_old_joblib_wrappers_that_open_other_files_are_refused_even_when_listed(name: str) -> None:
    module, _, attribute = name.rpartition(".")
    wanted = pickle.PROTO + b"\x04" + _text(module) + _text(attribute) + pickle.STACK_GLOBAL + pickle.STOP
    with pytest.raises(CannotStart, match="NDArrayWrapper"):
        load_joblib(io.BytesIO(wanted), [name])


def _text(value: str) -> bytes:
    return pickle.SHORT_BINUNICODE + struct.pack("<B", len(value)) + value.encode()


@pytest.mark.parametrize("compress", [0, 3])
def test_a_listed_model_is_read_whole(compress: int) -> None:
    model, stream = wine_classifier(), io.BytesIO()
    joblib.dump(model, stream, compress=compress)
    stream.seek(0)
    found = load_joblib(stream, globals_of(model))
    np.testing.assert_array_equal(found[-1].coef_, model[-1].coef_)


@pytest.mark.parametrize(
    "content", [b"", b"\x80\x04", b"not a pickle", b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f"]
)
def test_damaged_files_are_refused_with_a_sentence(content: bytes) -> None:
    for load in (load_pickle, load_joblib):
        with pytest.raises(CannotStart, match=r"cannot be read|before 0\.10"):
            load(io.BytesIO(content), [])


def test_a_changed_model_file_is_refused(tmp_path: Path) -> None:
    folder = wine_folder(tmp_path / "model")
    with (folder / "model.joblib").open("r+b") as file:
        file.seek(200)
        file.write(b"\x00")
    assert "its SHA-256 differs" in refused_start(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 2}, "not of format 1"),
        ({"framework": "caffe"}, "cannot run caffe models"),
        ({"file": "../model.joblib"}, "plain file name"),
        ({"signature": {"inputs": [{"name": "x"}]}}, "incomplete or malformed"),
        ({"file": "absent"}, "cannot be read"),
    ],
)
def test_a_wrong_manifest_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    from kronkers_studio.serving.manifest import open_verified, read_manifest

    folder = save_joblib(tmp_path / "model", 1)
    facts = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    (folder / "model.json").write_text(json.dumps({**facts, **changes}), encoding="utf-8")
    with pytest.raises(CannotStart, match=words):
        open_verified(read_manifest(folder))


def test_cores_are_bounded_by_the_containers_quota(tmp_path: Path) -> None:
    quota = tmp_path / "cpu.max"
    quota.write_text("50000 100000\n")
    assert available_cores(quota) == 1
    quota.write_text("max 100000\n")
    assert available_cores(quota) == available_cores(tmp_path / "absent") >= 1


@pytest.mark.parametrize("name", ["np", "warnings", "math"])
def test_a_module_is_refused_even_when_listed(name: str) -> None:
    wanted = f"csklearn.metrics.pairwise\n{name}\n.".encode()
    with pytest.raises(CannotStart, match="no class or function of that library"):
        load_pickle(io.BytesIO(wanted), [f"sklearn.metrics.pairwise.{name}"])


def test_what_scikit_learn_imports_is_refused_even_when_listed() -> None:
    with pytest.raises(CannotStart, match="no class or function of that library"):
        load_pickle(io.BytesIO(b"csklearn.metrics.pairwise\npartial\n."), ["sklearn.metrics.pairwise.partial"])


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "range"])
def test_a_length_makes_no_memory(kind: str) -> None:
    wanted = f"cbuiltins\n{kind}\n(L{1 << 40}L\ntR.".encode()
    with pytest.raises(CannotStart, match="It was refused"):
        load_pickle(io.BytesIO(wanted), [f"builtins.{kind}"])


def test_losses_under_their_wrong_name_are_found() -> None:
    """scikit-learn 1.6 and 1.7 pickle them as of a module that nobody can import."""
    wanted = b"c_loss\nCyHalfSquaredError\n)R."
    made = load_pickle(io.BytesIO(wanted), ["sklearn._loss._loss.CyHalfSquaredError"])
    assert type(made).__name__ == "CyHalfSquaredError"

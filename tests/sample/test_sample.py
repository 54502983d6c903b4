"""The bundled sample is what it says: reproducible, valid on every system, and as untidy as meant."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

from kronkers_studio.domain.content import SkipReason
from kronkers_studio.domain.migration import Decision, FileKind
from kronkers_studio.migration import scan_folder
from kronkers_studio.settings.paths import resource

SAMPLE = resource("sample")
FOLDER = SAMPLE / "OneDrive - Kronkers"
MODEL = FOLDER / "Quality" / "Wine" / "model"


def run(script: Path, *arguments: Path, hash_seed: str = "0") -> None:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, script, *arguments], check=True, env=environment, capture_output=True, timeout=120)


@pytest.fixture(scope="module")
def made_again(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the model trained and exported anew, under another hash seed than whoever made the sample."""
    folder = tmp_path_factory.mktemp("model")
    run(MODEL / "train_model.py", folder, hash_seed="42")
    run(MODEL / "export_onnx.py", folder, hash_seed="43")
    return folder


@pytest.mark.parametrize("name", ["wine_cultivar.joblib", "wine_cultivar.onnx", "metrics.json"])
def test_training_and_exporting_again_give_the_same_bytes(made_again: Path, name: str) -> None:
    assert (made_again / name).read_bytes() == (MODEL / name).read_bytes()


def test_the_tables_and_the_notebook_are_what_the_script_makes(tmp_path: Path) -> None:
    shutil.copy(SAMPLE / "make_sample.py", tmp_path)
    for folder in ("Finance/Forecasts/2026", "Marketing/Churn", "Quality/Wine/model"):
        (tmp_path / FOLDER.name / folder).mkdir(parents=True)

    run(tmp_path / "make_sample.py")

    made = [path for path in (tmp_path / FOLDER.name).rglob("*") if path.is_file()]
    assert len(made) == 15
    for path in made:
        bundled = FOLDER / path.relative_to(tmp_path / FOLDER.name)
        if path.suffix in (".xlsx", ".png", ".rds"):  # in these a library's version or a clock has a say
            assert bundled.exists(), bundled
        else:
            assert path.read_bytes() == bundled.read_bytes(), bundled


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_both_forms_of_the_model_answer_alike_on_all_the_data() -> None:
    import joblib
    import numpy as np
    import onnxruntime

    with (FOLDER / "Quality/Wine/data/wine_measurements.csv").open(newline="", encoding="utf-8") as file:
        headings, *rows = csv.reader(file)
    measurements = np.array([[float(cell) if cell else np.nan for cell in row[:-1]] for row in rows])
    cultivars = [row[-1] for row in rows]
    model = joblib.load(MODEL / "wine_cultivar.joblib")
    session = onnxruntime.InferenceSession(MODEL / "wine_cultivar.onnx")

    labels, probabilities = session.run(None, {"measurements": measurements.astype(np.float32)})

    assert labels.tolist() == model.predict(measurements).tolist()
    assert np.abs(probabilities - model.predict_proba(measurements)).max() < 1e-5
    assert np.mean(labels == cultivars) > 0.97
    assert model.feature_names_in_.tolist() == headings[:-1]
    assert json.loads(session.get_modelmeta().custom_metadata_map["columns"]) == headings[:-1]


@pytest.mark.filterwarnings("ignore:X does not have valid feature names:UserWarning")
def test_the_example_rows_fit_the_model_and_say_the_same_in_both_files() -> None:
    import joblib

    model = joblib.load(MODEL / "wine_cultivar.joblib")
    rows = json.loads((MODEL / "rows.json").read_text(encoding="utf-8"))["rows"]
    with (MODEL / "rows.csv").open(newline="", encoding="utf-8") as file:
        from_table = [{name: float(cell) for name, cell in row.items()} for row in csv.DictReader(file)]

    assert rows == from_table
    assert [list(row) for row in rows] == [model.feature_names_in_.tolist()] * len(rows)
    answers = model.predict([list(row.values()) for row in rows])
    assert set(answers) == {"Barolo", "Grignolino", "Barbera"}


def test_the_pinned_versions_are_those_that_made_the_model() -> None:
    pins = (MODEL / "requirements.txt").read_text(encoding="utf-8").split()
    header = re.search(r"# /// script\n(.*?)# ///", (MODEL / "train_model.py").read_text(encoding="utf-8"), re.DOTALL)
    assert header is not None
    declared = tomllib.loads(re.sub(r"^# ?", "", header[1], flags=re.MULTILINE))

    assert declared["dependencies"] == pins
    assert {pin: version(pin.partition("==")[0]) for pin in pins} == {pin: pin.partition("==")[2] for pin in pins}
    assert (MODEL / ".python-version").read_text().strip() == "3.11"


def test_loading_the_model_needs_nothing_but_the_pinned_packages() -> None:
    """scikit-learn imports pandas where it is installed, and does without."""
    script = (
        "import sys; sys.modules.update(dict.fromkeys(['pandas', 'polars', 'pyarrow', 'onnx', 'skl2onnx']));"
        "import joblib; joblib.load(sys.argv[1])"
    )
    subprocess.run([sys.executable, "-c", script, MODEL / "wine_cultivar.joblib"], check=True, timeout=60)


def test_a_scan_finds_the_untidiness_that_is_meant() -> None:
    scan = scan_folder(FOLDER)

    decide = {item.path: item.conflict_of for item in scan.planned if item.decision is Decision.DECIDE}
    assert decide == {
        "Finance/Forecasts/2026/report (1).xlsx": "Finance/Forecasts/2026/report.xlsx",
        "Marketing/Churn/customers-LAPTOP7.csv": "Marketing/Churn/customers.csv",
    }
    assert {item.path: item.reason for item in scan.skipped} == {
        "Finance/Forecasts/2026/~$Forecast 2026.xlsx": SkipReason.LOCK_FILE,
        "desktop.ini": SkipReason.SYSTEM_FILE,
    }
    kinds = {item.kind for item in scan.planned}
    assert kinds >= {FileKind.MODEL, FileKind.DATA, FileKind.CODE, FileKind.NOTEBOOK, FileKind.DOCUMENT, FileKind.IMAGE}
    assert {item.path: item.description for item in scan.planned if item.kind is FileKind.MODEL} == {
        "Quality/Wine/model/wine_cultivar.joblib": "Model, scikit-learn (joblib)",
        "Quality/Wine/model/wine_cultivar.onnx": "Model, ONNX",
    }


def test_the_conflict_copy_differs_in_four_rows_and_has_one_more() -> None:
    def rows(name: str) -> list[list[str]]:
        with (FOLDER / "Marketing/Churn" / name).open(newline="", encoding="utf-8") as file:
            return list(csv.reader(file))

    original, copy = rows("customers.csv"), rows("customers-LAPTOP7.csv")
    assert sum(ours != theirs for ours, theirs in zip(original, copy, strict=False)) == 4
    assert len(copy) == len(original) + 1


def test_it_is_small_and_its_names_are_valid_on_every_system() -> None:
    files = [path for path in FOLDER.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 3_000_000
    assert (MODEL / "wine_cultivar.joblib").stat().st_size < 300_000
    names = [part for path in files for part in path.relative_to(FOLDER).parts]
    assert not [name for name in names if re.search(r'[<>:"\\|?*\x00-\x1f]|[. ]$', name)]
    assert len({str(path).casefold() for path in files}) == len(files)
    assert any(" " in name for name in names)
    assert any("ü" in name for name in names)


def test_no_file_of_it_is_ignored_by_git() -> None:
    root = SAMPLE.parent.parent
    if not (root / ".git").exists():
        pytest.skip("not a git checkout")
    listed = subprocess.run(
        ["git", "-C", root, "ls-files", "-z", "--", SAMPLE], capture_output=True, check=True
    ).stdout.decode()
    tracked = {Path(name).name for name in listed.split("\0") if name}
    assert {"~$Forecast 2026.xlsx", "desktop.ini", "wine_cultivar.joblib", "Notizen für Müller.txt"} <= tracked
    assert len([name for name in listed.split("\0") if FOLDER.name in name]) == len(
        [path for path in FOLDER.rglob("*") if path.is_file()]
    )

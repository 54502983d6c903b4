import ast
import dataclasses
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.errors import Cancelled, ForeignEntry, PackagingFailed
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.domain.progress import CancelSource, NoProgress
from kronkers_studio.packaging import DependencyLock, LayerCache, lock_dependencies, this_platform
from kronkers_studio.packaging.dependencies import locking as locking_module
from kronkers_studio.packaging.dependencies import uv_program
from kronkers_studio.packaging.dependencies.uv_program import DoesNotResolve, _translated, any_python, find_python

SERVING = Path(locking_module.__file__).parents[1] / "serving"
ONNX = ModelFacts(Framework.ONNX, "opset 18", "onnx")


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_the_lock_pins_the_models_own_framework_and_everything_by_hash(lock: DependencyLock, facts: ModelFacts) -> None:
    assert f"scikit-learn=={facts.framework_version}" in lock.requirements
    assert {"uvicorn", "orjson", "joblib", "numpy"} <= {line.split("==")[0] for line in lock.requirements}
    assert lock.text.count("--hash=sha256:") >= len(lock.requirements)


def test_the_lock_names_no_index(lock: DependencyLock) -> None:
    assert not re.search(r"https?://|--index|--find-links", lock.text)


def test_the_same_facts_give_the_same_lock_without_a_network(
    lock: DependencyLock, facts: ModelFacts, layer_cache: LayerCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locking_module, "run_uv", None)  # whoever asks uv now fails

    assert lock_dependencies(facts, this_platform(), offline=True, cache=layer_cache) == lock


def test_the_lock_of_an_earlier_package_is_kept_as_long_as_it_holds_what_is_needed(
    lock: DependencyLock, facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    never_used = LayerCache(tmp_path)
    kept = lock_dependencies(facts, this_platform(), earlier=lock.text, offline=True, cache=never_used)
    assert (kept.requirements, kept.text) == (lock.requirements, lock.text)
    lacking = re.sub(r"(?m)^orjson==[^\n]*\n( +--hash[^\n]*\n)*", "", lock.text)
    with pytest.raises(PackagingFailed):  # it must be resolved anew, which offline and without a cache cannot be
        lock_dependencies(facts, this_platform(), earlier=lacking, offline=True, cache=never_used)


def test_what_records_rows_is_added_and_changes_no_other_library(
    lock: DependencyLock, facts: ModelFacts, layer_cache: LayerCache
) -> None:
    """Seen to fail where the versions of the package before are not asked for."""
    pinned = f"uvicorn==0.34.0 \\\n    --hash=sha256:{'0' * 64}\n"
    older = re.sub(r"(?m)^uvicorn==[^\n]*\n( +--hash[^\n]*\n)*", lambda _: pinned, lock.text)
    before = DependencyLock.of_text(older)
    assert "uvicorn==0.34.0" in before.requirements and before != lock
    found = lock_dependencies(facts, this_platform(), earlier=older, records=True, cache=layer_cache)
    assert {*before.requirements} < {*found.requirements}
    added = {line.split("==")[0] for line in found.requirements} - {line.split("==")[0] for line in lock.requirements}
    assert {"pynacl", "cffi"} <= added <= {"pynacl", "cffi", "pycparser"}
    again = lock_dependencies(facts, this_platform(), earlier=found.text, cache=layer_cache)
    assert again.text == found.text, "what recorded once is kept as it is"


def test_versions_named_beside_the_model_are_kept(facts: ModelFacts, tmp_path: Path) -> None:
    older = dataclasses.replace(facts, requirements=("click==8.2.1", "scikit-learn==0.1", "tensorflow==99.9"))
    notes = Notes()

    found = lock_dependencies(older, this_platform(), cache=LayerCache(tmp_path), progress=notes)

    assert "click==8.2.1" in found.requirements
    assert f"scikit-learn=={facts.framework_version}" in found.requirements
    assert not any(line.startswith("tensorflow") for line in found.requirements)
    assert notes.notes == []


def test_versions_that_do_not_fit_are_replaced_and_that_is_said(
    facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impossible = dataclasses.replace(facts, requirements=("numpy==1.0.0.dev999",))
    cache = LayerCache(tmp_path)
    for attempt in range(2):
        if attempt:
            monkeypatch.setattr(locking_module, "run_uv", None)  # from the cache: whoever asks uv now fails
        notes = Notes()
        found = lock_dependencies(impossible, this_platform(), cache=cache, progress=notes)

        assert any(line.startswith("numpy==2") for line in found.requirements)
        assert "others were chosen" in notes.notes[0]


def test_a_framework_that_was_never_published_is_said_in_plain_words(facts: ModelFacts, tmp_path: Path) -> None:
    with pytest.raises(DoesNotResolve) as failure:
        lock_dependencies(
            dataclasses.replace(facts, framework_version="1.9.999"), this_platform(), cache=LayerCache(tmp_path)
        )
    assert "scikit-learn==1.9.999" in failure.value.message
    assert failure.value.next_step.startswith("Choose other versions for it")


def test_an_old_scikit_learn_gets_the_numpy_that_it_was_built_for() -> None:
    assert "numpy<2" in locking_module._scikit_learn(ModelFacts(Framework.SKLEARN, "1.4.1.post1", "joblib"))
    assert "numpy<2" not in locking_module._scikit_learn(ModelFacts(Framework.SKLEARN, "1.4.2", "joblib"))
    written_by_2 = ModelFacts(Framework.SKLEARN, "1.6.0", "joblib", globals=("numpy._core.multiarray._reconstruct",))
    assert "numpy>=2" in locking_module._scikit_learn(written_by_2)


@pytest.mark.parametrize(
    ("facts", "platform", "wanted"),
    [
        (ModelFacts(Framework.XGBOOST, "3.2.0", "xgboost-ubj"), "linux/amd64", ("xgboost-cpu==3.2.0",)),
        (ModelFacts(Framework.XGBOOST, "3.2.0", "xgboost-ubj"), "darwin/arm64", ("xgboost==3.2.0",)),
        (ModelFacts(Framework.XGBOOST, "1.7.6", "xgboost-json"), "linux/amd64", ("xgboost==1.7.6", "numpy<2")),
        (ModelFacts(Framework.LIGHTGBM, "", "lightgbm"), "linux/amd64", ("lightgbm", "scikit-learn")),
        (
            ModelFacts(Framework.LIGHTGBM, "3.3.5", "lightgbm"),
            "linux/amd64",
            ("lightgbm==3.3.5", "scikit-learn", "numpy<2"),
        ),
        (ModelFacts(Framework.CATBOOST, "1.2.10", "catboost"), "linux/amd64", ("catboost==1.2.10",)),
    ],
)
def test_a_tree_library_is_locked_at_the_version_that_saved_the_model(
    facts: ModelFacts, platform: str, wanted: tuple[str, ...]
) -> None:
    assert locking_module._framework(facts, platform) == wanted


def test_a_python_too_old_for_the_service_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(PackagingFailed, match=r"made with Python 3\.8"):
        lock_dependencies(dataclasses.replace(ONNX, python_version="3.8"), "linux/amd64", cache=LayerCache(tmp_path))
    assert not any(tmp_path.iterdir())


def test_an_unknown_platform_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PackagingFailed, match="plan9/mips"):
        lock_dependencies(ONNX, "plan9/mips", cache=LayerCache(tmp_path))


def test_offline_without_earlier_downloads_is_said(
    facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))

    with pytest.raises(PackagingFailed, match="not downloaded before"):
        lock_dependencies(facts, this_platform(), offline=True, cache=LayerCache(tmp_path))


def test_an_index_that_cannot_be_reached_is_said(
    facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
    monkeypatch.setenv("UV_DEFAULT_INDEX", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")

    with pytest.raises(PackagingFailed, match="cannot be reached"):
        lock_dependencies(facts, this_platform(), cache=LayerCache(tmp_path))


def test_locking_can_be_cancelled(facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """uv is ended, which may wait for a slow index for minutes. Seen to fail with its end waited for."""
    started: list[subprocess.Popen[str]] = []
    cancel = CancelSource()

    class Waiting(subprocess.Popen[str]):
        def __init__(self, _command: object, **keywords: Any) -> None:
            super().__init__([sys.executable, "-c", "import time; time.sleep(120)"], **keywords)
            started.append(self)
            threading.Timer(0.3, cancel.cancel).start()

    monkeypatch.setattr(subprocess, "Popen", Waiting)
    began = time.monotonic()
    with pytest.raises(Cancelled):
        lock_dependencies(facts, this_platform(), cache=LayerCache(tmp_path), cancel=cancel)

    assert time.monotonic() - began < 60
    (process,) = started
    assert process.returncode is not None


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("error: No space left on device (os error 28)", "The disk is full."),
        ("error: something new\n  went wrong", "could not be got.   went wrong"),
        (
            "  × No solution found when resolving dependencies:\n  ╰─▶ Because a==1 needs b<2 and you require b>=2,",
            "do not fit together. Because a==1 needs b<2",
        ),
    ],
)
def test_what_uv_says_is_translated(said: str, message: str) -> None:
    found = _translated(said, offline=False)

    assert message in found.message
    assert found.details == said


def test_everything_that_the_server_imports_is_locked_for_it() -> None:
    """The server stands alone: what its sources import from others must be in the locks made for it."""
    frameworks = {"sklearn", "joblib", "onnxruntime", "scipy", "xgboost", "lightgbm", "catboost"}
    projects = {"prometheus_client": "prometheus-client"}
    locked = {re.split(r"[<>=]", line)[0] for line in locking_module._SERVER}
    imported = set()
    for file in SERVING.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module] if isinstance(node, ast.ImportFrom) and node.module else []
            imported |= {name.partition(".")[0] for name in names}
    foreign = imported - set(sys.stdlib_module_names) - frameworks - {"kronkers_studio"}

    assert {projects.get(name, name) for name in foreign} <= locked


def test_the_interpreter_is_the_running_one_and_not_its_virtual_environment() -> None:
    found = find_python(f"{sys.version_info[0]}.{sys.version_info[1]}")

    assert found is not None
    assert sys.prefix != sys.base_prefix, "this says nothing outside of a virtual environment: run it in one"
    assert Path(sys.prefix) not in found.parents


def test_a_frozen_program_which_is_no_python_finds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(uv_program, "_found_pythons", {})
    version = any_python((3, 10))
    assert version is not None
    found = find_python(version)
    assert found is not None
    assert found.is_file()


def test_a_python_that_was_missing_is_looked_for_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Whoever installs it as told goes on without starting the program again."""
    here = Path(getattr(sys, "_base_executable", "") or sys.executable).parent
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    monkeypatch.setattr(sys, "frozen", True, raising=False)  # else the running one is taken
    monkeypatch.setattr(uv_program, "_found_pythons", {})
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    if find_python(version) is not None:
        pytest.skip("this system's Python is found without the PATH")

    monkeypatch.setenv("PATH", str(here))

    assert find_python(version) is not None


def test_a_python_that_is_gone_is_not_remembered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(uv_program, "_found_pythons", {"3.99": tmp_path / "python3.99"})

    assert find_python("3.99") is None


HOSTILE: dict[str, dict[str, Any]] = {
    "a program for a Python": {"python_version": "/tmp/evil/python"},
    "an option for a Python": {"python_version": "--help"},
    "an address for a Python": {"python_version": "https://evil.example/python.tar.gz"},
    "a Python with a line": {"python_version": "3.11\n"},
    "a Python of other digits": {"python_version": "3.١١"},
    "no Python": {"python_version": ""},
    "an index": {"requirements": ("--index-url https://evil.example",)},
    "another file": {"requirements": ("-r /etc/passwd",)},
    "a library from a file": {"requirements": ("pandas @ file:///tmp/evil.whl",)},
    "a library from the net": {"requirements": ("pandas @ git+https://evil.example/x",)},
    "a library and a line": {"requirements": ("pandas==2.0\n--index-url https://evil.example",)},
    "a library with a marker": {"requirements": ("pandas==2.0 ; x",)},
    "no library": {"requirements": ("",)},
    "a framework and a line": {"framework_version": "1.5\n--extra-index-url https://evil.example"},
    "a framework from a file": {"framework_version": "1.5 @ file:///tmp/evil.whl"},
    "no framework": {"framework_version": ""},
    "a file of another kind": {"file_format": "../../x"},
    "a file of another framework": {"file_format": "onnx"},
    "a name that runs programs": {"globals": ("os.system",)},
    "a name with a line": {"globals": ("sklearn.svm._classes.SVC\nos.system",)},
    "no name": {"globals": ("",)},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_facts_that_no_model_has_never_reach_uv(
    facts: ModelFacts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """Somebody else may have made the workspace that they come from."""
    monkeypatch.setattr(locking_module, "run_uv", None)  # whoever calls it now fails
    monkeypatch.setattr(uv_program, "run_uv", None)
    hostile = dataclasses.replace(facts, **HOSTILE[what])

    with pytest.raises(ForeignEntry) as failure:
        lock_dependencies(hostile, this_platform(), cache=LayerCache(tmp_path))

    assert "made or changed by something else than Kronkers Studio" in failure.value.next_step
    assert "\n" not in failure.value.message
    if "python_version" in HOSTILE[what]:
        with pytest.raises(ForeignEntry):
            find_python(hostile.python_version)


LOCKS = [
    "--index-url https://evil.example\n",
    "-r /etc/passwd\n",
    "--extra-index-url=https://evil.example\n",
    "pandas @ file:///tmp/evil.whl\n",
    "https://evil.example/x.whl\n",
    "-e /tmp/evil\n",
    "pandas==2.0 --index-url https://evil.example\n",
    "# a remark\r--index-url https://evil.example\n",
    "# a remark\u2028--index-url https://evil.example\n",
    "    --hash=sha256:../../x\n",
]


@pytest.mark.parametrize("line", LOCKS)
def test_a_lock_of_before_that_holds_more_than_libraries_is_not_used(
    facts: ModelFacts, lock: DependencyLock, layer_cache: LayerCache, line: str
) -> None:
    told = Notes()

    found = lock_dependencies(facts, this_platform(), earlier=line + lock.text, cache=layer_cache, progress=told)

    assert found.text == lock.text
    assert told.notes == ["The libraries of the package before are not used: their list holds more than libraries."]
    with pytest.raises(PackagingFailed, match="more than libraries"):
        DependencyLock.of_text(line + lock.text)


def test_a_remembered_lock_that_holds_more_than_libraries_is_made_again(
    facts: ModelFacts, lock: DependencyLock, tmp_path: Path
) -> None:
    cache = LayerCache(tmp_path)
    lock_dependencies(facts, this_platform(), cache=cache)
    [file] = (tmp_path / "locks").iterdir()
    for damaged in ({"text": "--index-url https://evil.example\n" + lock.text, "notes": []}, {"text": 1}, {}):
        file.write_text(json.dumps(damaged))

        assert "evil" not in lock_dependencies(facts, this_platform(), cache=cache).text


def test_a_python_that_nobody_has_is_not_found() -> None:
    assert find_python("3.99") is None

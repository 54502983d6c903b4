import ast
import dataclasses
import re
import sys
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import PackagingFailed
from kronkers_studio.domain.models import Framework, ModelFacts
from kronkers_studio.domain.progress import CancelSource, NoProgress
from kronkers_studio.packaging import DependencyLock, LayerCache, lock_dependencies, this_platform
from kronkers_studio.packaging import locking as locking_module
from kronkers_studio.packaging.uv_program import DoesNotResolve, _translated, any_python, find_python

SERVING = Path(locking_module.__file__).parents[1] / "serving"
ONNX = ModelFacts(Framework.ONNX, "opset 18", "onnx")


class Notes(NoProgress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_the_lock_pins_the_models_own_framework_and_everything_by_hash(lock: DependencyLock, facts: ModelFacts) -> None:
    assert f"scikit-learn=={facts.framework_version}" in lock.requirements
    assert {"starlette", "uvicorn", "orjson", "joblib", "numpy"} <= {line.split("==")[0] for line in lock.requirements}
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
    assert failure.value.next_step


def test_an_old_scikit_learn_gets_the_numpy_that_it_was_built_for() -> None:
    assert "numpy<2" in locking_module._framework(ModelFacts(Framework.SKLEARN, "1.4.1.post1", "joblib"))
    assert "numpy<2" not in locking_module._framework(ModelFacts(Framework.SKLEARN, "1.4.2", "joblib"))
    written_by_2 = ModelFacts(Framework.SKLEARN, "1.6.0", "joblib", globals=("numpy._core.multiarray._reconstruct",))
    assert "numpy>=2" in locking_module._framework(written_by_2)


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
    from kronkers_studio.domain.errors import Cancelled

    monkeypatch.setattr("kronkers_studio.packaging.uv_program._POLL_SECONDS", 0.001)
    cancel = CancelSource()
    cancel.cancel()

    with pytest.raises(Cancelled):
        lock_dependencies(facts, this_platform(), cache=LayerCache(tmp_path), cancel=cancel)


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
    assert found.details


def test_everything_that_the_server_imports_is_locked_for_it() -> None:
    """The server stands alone: what its sources import from others must be in the locks made for it."""
    frameworks = {"sklearn", "joblib", "onnxruntime", "scipy"}
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
    assert Path(sys.prefix) not in found.parents or sys.prefix == sys.base_prefix


def test_a_frozen_program_which_is_no_python_finds_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    find_python.cache_clear()
    try:
        version = any_python((3, 10))
        assert version is not None
        found = find_python(version)
    finally:
        find_python.cache_clear()
    assert found is not None
    assert found.is_file()


def test_a_python_that_nobody_has_is_not_found() -> None:
    assert find_python("3.99") is None

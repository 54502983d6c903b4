"""Real models, one real lock for each framework, and layers that are kept between runs."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from kronkers_studio.domain.models import ContentRef, ModelFacts, ModelVersion
from kronkers_studio.packaging import DependencyLock, LayerCache, inspect_model, lock_dependencies, this_platform

PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"  # packages in tests are for the Python that runs them
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def layer_cache() -> LayerCache:
    """The one that workflows use in tests, too: every layer is made once."""
    kept = os.environ.get("KRONKERS_TEST_CACHE") or ROOT / ".lab-cache"
    return LayerCache(Path(kept).absolute() / "kronkers-studio" / "layers")


@pytest.fixture(scope="session")
def trained() -> Callable[[str], Any]:
    """A fitted model of the zoo by its name, trained once."""
    from tests.packaging import model_zoo

    made: dict[str, Any] = {}

    def train(name: str) -> Any:
        if name not in made:
            made[name] = model_zoo.make(name)
        return made[name]

    return train


@pytest.fixture(scope="session")
def model_bytes(trained: Callable[[str], Any]) -> bytes:
    """A small scikit-learn pipeline as joblib writes it."""
    import joblib

    stream = io.BytesIO()
    joblib.dump(trained("pipeline"), stream)
    return stream.getvalue()


@pytest.fixture(scope="session")
def onnx_bytes(trained: Callable[[str], Any]) -> bytes:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    return bytes(to_onnx(trained("pipeline"), initial_types=[("X", FloatTensorType([None, 4]))]).SerializeToString())


@pytest.fixture(scope="session")
def facts(model_bytes: bytes) -> ModelFacts:
    return inspect_model("model.joblib", io.BytesIO(model_bytes), {".python-version": PYTHON.encode})


@pytest.fixture(scope="session")
def lock(facts: ModelFacts, layer_cache: LayerCache) -> DependencyLock:
    return lock_dependencies(facts, this_platform(), cache=layer_cache)


@pytest.fixture
def version(facts: ModelFacts, model_bytes: bytes) -> ModelVersion:
    return ModelVersion(
        name="wine",
        version=3,
        source=ContentRef("quality", "c0ffee" * 10, "Wine/model.joblib"),
        facts=facts,
        created=datetime(2026, 11, 23, 8, 30, tzinfo=UTC),
        author="anna",
        size=len(model_bytes),
    )

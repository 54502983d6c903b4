"""A service that takes long to start is found by the expectation meant for it: whether its model is slow to load, or
slow only when it is first asked, for a service is ready when its model is warm."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from kronkers_studio.domain.model_tests import Outcome
from kronkers_studio.domain.models import ContentRef
from kronkers_studio.workflows.allowances import allow_globals, own_code_names
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.model_tests import run_model_tests
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.session import Session, create_workspace
from tests.model_tests import slow_models

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    folder = tmp_path_factory.mktemp("slow")
    slow_models.write(folder / "project")
    opened, _ = create_workspace(folder / "workspace", key_file=folder / "key")
    with opened:
        migrate_folder(opened, folder / "project", "plant")
        yield opened


@pytest.mark.parametrize("model", slow_models.MODELS)
def test_a_slow_start_is_found_and_its_quick_twin_passes(session: Session, model: str) -> None:
    """Seen to fail for the one that is slow at first without the row of zeros that a model is warmed up with."""
    name = model.replace(" ", "-")
    version = register_model(session, "plant", f"{model}.joblib", name=name)
    allow_globals(session, (name, 1, None), own_code_names(version), reason="our own steps")

    run = run_model_tests(session, name, 1, tests=ContentRef("plant", "", "start.tests.yaml"))

    start, same = run.results
    assert same.outcome is Outcome.PASSED, same
    assert start.outcome is (Outcome.PASSED if model == "quick" else Outcome.FAILED), start
    assert start.value is not None and (start.value >= slow_models.SECONDS) is (model != "quick"), start

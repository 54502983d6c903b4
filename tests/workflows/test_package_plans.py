"""What is known of a package before it is built, and building it to where it is to go."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.domain.changes import ModelRegistered, PackageBuilt
from kronkers_studio.domain.errors import NotFound
from kronkers_studio.domain.models import Layer, ModelVersion, Package, WeightsFile
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.demo import SAMPLE_FOLDER
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.package_plans import InFile, KeptHere, carry_out, plan_package
from kronkers_studio.workflows.packages import list_packages
from kronkers_studio.workflows.session import Session
from kronkers_studio.workflows.signers import public_key

_REFERENCE = ("wine", None, None)


@pytest.fixture
def wine(session: Session) -> ModelVersion:
    migrate_folder(session, resource(SAMPLE_FOLDER), "sample")
    return register_model(session, "sample", "Quality/Wine/model/wine_cultivar.onnx", name="wine")


def _package(version: ModelVersion, libraries: int) -> Package:
    """As it is recorded; its layers are nowhere."""
    sizes = {"base": 9, "dependencies": libraries, "server": 10, "model": 5}
    layers = tuple(Layer(role, f"sha256:{role}{libraries}", "", size, "") for role, size in sizes.items())
    digest = f"sha256:{libraries:064}"
    return Package(digest, version.name, version.version, "linux/amd64", "3.11", "", layers, version.created)


def test_what_was_not_built_before_has_no_size_but_the_models(session: Session, wine: ModelVersion) -> None:
    plan = plan_package(session, _REFERENCE)
    assert (plan.model, plan.refusal, plan.servers) == (wine, "", ())
    assert (plan.size.model, plan.size.libraries, plan.size.like) == (wine.size, None, "")
    assert plan.base == "docker.io/library/python:3.11-slim", "for the Python that it was made with"
    with pytest.raises(NotFound):
        plan_package(session, ("none", None, None))


def test_the_size_is_that_of_what_is_most_alike(session: Session, wine: ModelVersion) -> None:
    """Seen to fail with the newest package of any model taken."""
    record = session.workspace.ledger.record
    other = register_model(session, "sample", "Quality/Wine/model/wine_cultivar.joblib", name="other")
    onnx = replace(wine, name="onnx")
    record(ModelRegistered(onnx), author="ada")
    record(PackageBuilt(_package(other, 900)), author="ada")
    assert plan_package(session, _REFERENCE).size.libraries is None, "that of another framework says nothing"
    record(PackageBuilt(_package(onnx, 700)), author="ada")
    size = plan_package(session, _REFERENCE).size
    assert (size.libraries, size.like) == (710, "onnx:1")
    record(PackageBuilt(_package(wine, 500)), author="ada")
    size = plan_package(session, _REFERENCE).size
    assert (size.libraries, size.like) == (510, "wine:1")


def test_files_of_weights_count_and_a_model_that_is_not_safe_is_refused(session: Session, wine: ModelVersion) -> None:
    facts = replace(wine.facts, weights=(WeightsFile("w.bin", 1000),), unsafe=("os.system",))
    session.workspace.ledger.record(ModelRegistered(replace(wine, version=2, facts=facts)), author="ada")
    plan = plan_package(session, _REFERENCE)
    assert plan.size.model == wine.size + 1000
    assert "os.system" in plan.refusal and plan.next_step


def test_it_is_built_to_where_it_is_to_go_and_signed(session: Session, wine: ModelVersion, tmp_path: Path) -> None:
    kept = carry_out(session, wine, KeptHere())
    own, _ = public_key(session)
    assert (kept.signer, kept.reused, kept.file) == (own, False, None)
    assert kept.package.signature is not None and kept.package.signature.key == own.key
    assert carry_out(session, wine, KeptHere()).reused
    assert [each.digest for each in list_packages(session, "wine")] == [kept.package.digest]
    before = plan_package(session, _REFERENCE).size
    assert before.libraries is not None
    assert before.model + before.libraries == pytest.approx(kept.package.size, rel=0.02), "the estimate holds"
    assert InFile(tmp_path / "wine.tar").base == ""

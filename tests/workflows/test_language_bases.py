"""Models of R up to the base image that they need: what is said where there is none, and packages on one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import BaseImageUnavailable, InvalidInput, PackagingFailed
from kronkers_studio.domain.models import Framework
from kronkers_studio.workflows.language_bases import (
    bring_language_base,
    dockerfile_of,
    language_of,
    list_language_bases,
)
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.models import find_models, register_model
from kronkers_studio.workflows.packages import package_model
from kronkers_studio.workflows.session import Session, create_workspace

FILES = Path(__file__).parents[1] / "r_models" / "files"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "trials"
    folder.mkdir()
    for name in ("forest.rds", "lm.rds"):
        (folder / name).write_bytes((FILES / name).read_bytes())
    (folder / "renv.lock").write_text('{"Packages": {"randomForest": {"Version": "4.7-1.1"}}}', encoding="utf-8")
    session, _ = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with session:
        migrate_folder(session, folder, "trials")
        yield session


def test_models_of_r_are_found_and_registered(session: Session) -> None:
    found = {model.source.path: model for model in find_models(session, "trials")}
    assert set(found) == {"forest.rds", "lm.rds"}
    assert not any(model.problem for model in found.values())
    facts = register_model(session, "trials", "forest.rds").facts
    assert (facts.framework, facts.packages) == (Framework.R, ("randomForest==4.7-1.1",))


def test_without_a_base_image_it_is_said_how_to_get_one(session: Session, tmp_path: Path) -> None:
    register_model(session, "trials", "lm.rds", name="fuel")
    with pytest.raises(BaseImageUnavailable, match="no base image with R for linux/") as missing:
        package_model(session, "fuel", output=tmp_path / "fuel.oci.tar")
    assert "`kronkers base build r --on SERVER`" in missing.value.next_step


def test_on_this_computer_models_of_r_are_not_run(session: Session) -> None:
    register_model(session, "trials", "lm.rds", name="fuel")
    with pytest.raises(PackagingFailed, match="Models of R run in a container"):
        package_model(session, "fuel")


def test_a_base_image_from_an_archive_is_what_packages_stand_on(
    session: Session, tmp_path: Path, base_image_archive: Path
) -> None:
    brought = bring_language_base(session, Framework.R, base_image_archive)
    assert list_language_bases() == [brought]
    register_model(session, "trials", "lm.rds", name="fuel")
    package = package_model(session, "fuel", output=tmp_path / "fuel.oci.tar").package
    assert package.base == brought.reference
    assert [layer.role for layer in package.layers] == ["base", "dependencies", "server", "model"]


def test_the_languages_have_a_dockerfile_each() -> None:
    for language in (Framework.R, Framework.JULIA):
        assert language_of(language.value.upper()) is language
        assert "\nFROM " in dockerfile_of(language)
    with pytest.raises(InvalidInput, match="no language that has a base image"):
        language_of("python")

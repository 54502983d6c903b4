"""A new project works at once: it trains, is tracked, and its model is registered as it is."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from kronkers_studio.domain.content import EntryKind
from kronkers_studio.domain.errors import AlreadyExists, Cancelled, InvalidInput, WorkspaceBusy
from kronkers_studio.domain.models import Framework
from kronkers_studio.domain.new_projects import Language
from kronkers_studio.domain.progress import CancelSource
from kronkers_studio.settings.paths import resource
from kronkers_studio.workflows.models import register_model
from kronkers_studio.workflows.new_projects import new_project, project_files
from kronkers_studio.workflows.saved_copies import save_version
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.working_copies import working_copy_state
from tests.cli.shell import Shell

SHARED = {
    "wear-out.tests.yaml",
    *(".gitignore", "README.md", "data/test.csv", "data/train.csv", "explore.ipynb", "rows.json"),
    *(".vscode/extensions.json", ".vscode/settings.json", ".vscode/tasks.json"),
}
FILES = {
    Language.PYTHON: SHARED
    | {".vscode/launch.json", "pyproject.toml", "requirements.txt", "test_model.py", "train.py"},
    Language.R: SHARED | {"DESCRIPTION", "wear-out.Rproj", "renv.lock", "test_model.R", "train.R"},
    Language.JULIA: SHARED
    | {"Manifest.toml", "Project.toml", "table.jl", "test_model.jl", "train.jl", "wear-out.jl", "wear-out.toml"},
}


@pytest.fixture
def session(tmp_path: Path) -> Session:
    return create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")[0]


@pytest.mark.parametrize("language", Language)
def test_every_file_is_there_is_filled_in_and_is_in_the_first_version(
    session: Session, tmp_path: Path, language: Language
) -> None:
    """Seen to fail with a file more in the templates, and with a word that is not filled in."""
    with session:
        made = new_project(session, language, "wear-out", within=tmp_path / "my projects", project="Wear & tear")
        folder = tmp_path / "my projects" / "wear-out"
        assert set(made.files) == FILES[language]
        assert {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} == {
            *FILES[language],
            ".kronkers/working-copy",
            ".kronkers/.gitignore",
        }
        for name in FILES[language]:
            assert "@" not in (folder / name).read_text(encoding="utf-8").replace("@__DIR__", ""), name
        content = session.workspace.content
        stored = {each.path for each in content.walk("Wear & tear") if each.kind is EntryKind.FILE}
        assert stored == FILES[language]
        assert not working_copy_state(session, folder).changes


@pytest.mark.parametrize("language", Language)
def test_settings_and_scripts_are_what_their_programs_read(language: Language) -> None:
    for name, content in project_files(language, "wear-out", "wear-out").items():
        text = content.decode()
        assert text.endswith("\n") and "\r" not in text, name
        if name.endswith((".json", ".ipynb", ".lock")):
            json.loads(text)
        elif name.endswith(".toml"):
            tomllib.loads(text)
        elif name.endswith(".py"):
            ast.parse(text)


def test_what_is_filled_in_is_text_and_nothing_else() -> None:
    """No name can bring in another word, or end a line. Seen to fail when words are filled in one after the other."""
    files = project_files(Language.PYTHON, "a", 'x"@NAME@')
    assert r'"x\"@NAME@":a.joblib' in files["README.md"].decode()
    assert resource("templates").is_dir()


@pytest.mark.parametrize(
    "name", ["", "Wear", "a b", "../up", "con", "1st", "-a", "a-", "a..b", "ä", "x" * 80, "a/b", "a"]
)
def test_a_name_that_a_model_or_folder_cannot_have_is_refused(session: Session, tmp_path: Path, name: str) -> None:
    with session, pytest.raises(InvalidInput, match="no name"):
        new_project(session, Language.R, name, within=tmp_path / "there")
    assert not (tmp_path / "there").exists()


def test_a_project_or_folder_that_is_there_is_left_alone(session: Session, tmp_path: Path) -> None:
    with session:
        new_project(session, Language.R, "wear-out", within=tmp_path / "one")
        with pytest.raises(AlreadyExists):
            new_project(session, Language.R, "wear-out", within=tmp_path / "two")
        (tmp_path / "two" / "other").mkdir(parents=True)
        (tmp_path / "two" / "other" / "thesis.docx").touch()
        with pytest.raises(InvalidInput, match="not empty"):
            new_project(session, Language.R, "other", within=tmp_path / "two")
        assert [each.name for each in (tmp_path / "two" / "other").iterdir()] == ["thesis.docx"]
        with pytest.raises(InvalidInput, match=r"lies in one\."):
            new_project(session, Language.R, "third", within=session.directory)


def test_nothing_is_left_of_a_project_that_could_not_be_made(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail when the files stay."""

    def busy(*_: object, **__: object) -> None:
        raise WorkspaceBusy("Somebody else writes.")

    monkeypatch.setattr("kronkers_studio.workflows.new_projects.save_as_next", busy)
    with session, pytest.raises(WorkspaceBusy):
        new_project(session, Language.PYTHON, "wear-out", within=tmp_path / "there")
    assert list((tmp_path / "there").iterdir()) == []


@pytest.mark.parametrize("there", [False, True])
@pytest.mark.parametrize("how", [KeyboardInterrupt, Cancelled])
def test_ctrl_c_leaves_nothing_but_the_empty_folder_that_was_there(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, there: bool, how: type[BaseException]
) -> None:
    """Once all files are written, and asked for before. Seen to fail with the folders left in one that was empty."""
    folder = tmp_path / "in" / "wear-out"
    if there:
        folder.mkdir(parents=True)
    cancel = CancelSource()
    if how is Cancelled:
        cancel.cancel()
    else:

        def interrupted(*_: object, **__: object) -> None:
            assert (folder / "train.py").is_file()
            raise KeyboardInterrupt

        monkeypatch.setattr("kronkers_studio.workflows.new_projects.save_as_next", interrupted)
    with session:
        with pytest.raises(how):
            new_project(session, Language.PYTHON, "wear-out", within=tmp_path / "in", cancel=cancel)
        assert [each.name for each in (tmp_path / "in").iterdir()] == (["wear-out"] if there else [])
        assert not there or list(folder.iterdir()) == []
        assert not list(session.workspace.content.projects())
        monkeypatch.undo()
        new_project(session, Language.PYTHON, "wear-out", within=tmp_path / "in")


def test_names_and_places_as_people_have_them(tmp_path: Path) -> None:
    """A project and a folder may be called in any words; a model may not, and then nothing is made."""
    shell = Shell(tmp_path)
    shell.init()
    place = tmp_path / "Übungen für Anfänger"
    for name in ("Ausfälle", "wear out", "con", "nul", "aux.x", "prn"):
        refused = shell.json("new", "python", name, "--in", str(place), expect=2)["error"]
        assert "no name for a model" in refused["message"] and "machine-failure" in refused["next_step"]
        assert not place.exists()
    made = shell.json("new", "python", "ausfall", "--in", str(place), "--project", "Ausfälle der Pumpen")
    assert made["copy"]["project"] == "Ausfälle der Pumpen" and (place / "ausfall" / "train.py").is_file()
    assert any('"Ausfälle der Pumpen:ausfall.joblib"' in step for step in made["steps"])
    assert shell.json("projects")[0]["name"] == "Ausfälle der Pumpen"

    assert "Nothing was changed" in shell.run("status", str(place / "ausfall")).out  # one argument: a working copy
    (place / "ausfall" / "train.py").write_text("1", encoding="utf-8")
    assert "train.py" in shell.run("status", str(place / "ausfall" / "data")).out  # or a folder in it
    two = shell.json("status", "Ausfälle der Pumpen", str(place / "ausfall"))  # two: what a migration would bring in
    assert two["project"] == "Ausfälle der Pumpen" and len(two["new_or_changed"]) >= 1
    assert "is not a working copy" in shell.run("status", "Ausfälle der Pumpen", expect=1).err
    assert "Missing argument" in shell.run("status", expect=2).err


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
def test_a_project_in_r_trains_a_model_that_can_be_registered(session: Session, tmp_path: Path) -> None:
    with session:
        made = new_project(session, Language.R, "wear-out", within=tmp_path / "my own ä projects")
        for script in ("train.R", "test_model.R"):
            file = tmp_path / "my own ä projects" / "wear-out" / script
            subprocess.run(["Rscript", str(file)], cwd=tmp_path, check=True, timeout=120)
        saved = save_version(session, Path(made.copy.folder))
        assert saved.changed
        version = register_model(session, "wear-out", "wear-out.rds")
    assert version.facts.framework is Framework.R
    assert version.signature.inputs[0].columns == ("temperature", "vibration", "load")

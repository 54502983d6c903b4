"""An editor is really started in a working copy, with nothing that it should not have."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import EditorUnavailable, NotFound
from kronkers_studio.settings.configuration import change_settings
from kronkers_studio.workflows.editors import find_editors, open_version, open_working_copy
from kronkers_studio.workflows.migrating import migrate_folder
from kronkers_studio.workflows.saved_copies import save_version
from kronkers_studio.workflows.session import Session, create_workspace
from kronkers_studio.workflows.working_copies import list_working_copies
from tests.cli.shell import Shell
from tests.editors.fake_editor import FakeEditor

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins for editors are scripts")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder of the PATH."""
    folder = tmp_path / "programs & more"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_DATA_DIRS", str(tmp_path / "share"))
    return folder


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("KRONKERS_PASSPHRASE", "correct horse")
    monkeypatch.setenv("KRONKERS_KEY_FILE", str(tmp_path / "key"))
    change_settings(working_copies=tmp_path / "$(touch pwned) “copies”")
    source = tmp_path / "source"
    source.mkdir()
    (source / "train.R").write_text("1", encoding="utf-8")
    opened, _recovery = create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")
    with opened:
        migrate_folder(opened, source, "Team; rm -rf")
        yield opened


def test_a_version_opens_in_the_editor_that_is_asked_for(session: Session, programs: Path, tmp_path: Path) -> None:
    """Seen to fail with the environment as it is."""
    code, rstudio = FakeEditor(programs, "code"), FakeEditor(programs, "rstudio")
    assert [each.key for each in find_editors(session)] == ["vscode", "rstudio"]

    opened = open_version(session, "Team; rm -rf", "", "rstudio")

    told = rstudio.told()
    folder = tmp_path / "$(touch pwned) “copies”" / "Team; rm -rf"
    assert told["arguments"] == [str(folder)] and opened.copy.folder == str(folder)
    assert (folder / "train.R").read_text(encoding="utf-8") == "1"
    assert [name for name in told["environment"] if name.startswith("KRONKERS_")] == ["KRONKERS_WORKSPACE"]
    assert "correct horse" not in str(told) and Path(told["folder"]) == Path(folder.anchor)
    assert not code.file.with_name("code.told").exists()


def test_a_working_copy_that_there_is_is_opened_again(session: Session, programs: Path) -> None:
    code = FakeEditor(programs, "code")
    first = open_version(session, "Team; rm -rf")
    (Path(first.copy.folder) / "train.R").write_text("2", encoding="utf-8")
    save_version(session, Path(first.copy.folder))
    (Path(first.copy.folder) / "train.R").write_text("3", encoding="utf-8")

    again = open_version(session, "Team; rm -rf", "main", "Visual Studio Code")

    assert again.copied.report is None and again.copy.folder == first.copy.folder
    assert (Path(first.copy.folder) / "train.R").read_text(encoding="utf-8") == "3"
    old = open_version(session, "Team; rm -rf", first.copy.commit)
    assert old.copy.folder != first.copy.folder
    assert (Path(old.copy.folder) / "train.R").read_text(encoding="utf-8") == "1"
    assert code.told()


def test_rstudio_is_given_the_project_file(session: Session, programs: Path) -> None:
    rstudio = FakeEditor(programs, "rstudio")
    folder = Path(open_version(session, "Team; rm -rf").copy.folder)
    rstudio.file.with_name("rstudio.told").unlink()
    (folder / "a.Rproj").touch()

    open_working_copy(session, folder, "rstudio")

    assert rstudio.told()["arguments"] == [str(folder / "a.Rproj")]


def test_what_cannot_be_started_is_said_before_anything_is_written(session: Session, programs: Path) -> None:
    with pytest.raises(EditorUnavailable, match="No editor was found"):
        open_version(session, "Team; rm -rf")
    FakeEditor(programs, "code", code=3)
    with pytest.raises(EditorUnavailable, match="no editor “emacs”") as missing:
        open_version(session, "Team; rm -rf", "", "emacs")
    assert "vscode" in missing.value.next_step
    assert list_working_copies(session) == []
    with pytest.raises(EditorUnavailable, match="ended at once, with 3"):
        open_version(session, "Team; rm -rf", "", "vscode")
    with pytest.raises(NotFound):
        open_version(session, "Nobody", "", "vscode")


def test_another_program_is_named_by_its_path(session: Session, programs: Path, tmp_path: Path) -> None:
    own = FakeEditor(tmp_path / "own", "emacs")
    opened = open_version(session, "Team; rm -rf", "", str(own.file))
    assert own.told()["arguments"] == [opened.copy.folder]


def test_the_command_opens_and_lists(tmp_path: Path, programs: Path) -> None:
    shell, code = Shell(tmp_path / "shell"), FakeEditor(programs, "code")
    shell.folder.mkdir()
    shell.init()
    (shell.folder / "source").mkdir()
    (shell.folder / "source" / "a.py").write_text("1", encoding="utf-8")
    shell.run("migrate", str(shell.folder / "source"), "--project", "p")
    assert [each["key"] for each in shell.json("open", "--list")] == ["vscode"]
    place = shell.folder / "copy"
    assert shell.json("open", "p", "--in", "vscode", "--folder", str(place))["editor"] == "vscode"
    assert code.told()["arguments"] == [str(place)]
    shell.run("open", str(place) + os.sep, "--in", "vscode")
    shell.run("open", expect=2)
    shell.run("open", "p", "--in", "emacs", expect=1)

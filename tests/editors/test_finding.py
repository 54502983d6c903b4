"""Editors are found where each system keeps them, and nothing is found that is not theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from kronkers_studio.domain.editors import FILE_MANAGER, Editor, Trust
from kronkers_studio.settings.editors.environment import editor_environment
from kronkers_studio.settings.editors.finding import installed_editors, program_editor
from kronkers_studio.settings.editors.kinds import EDITORS


def program(file: Path) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("#!/bin/sh\n", encoding="utf-8")
    file.chmod(0o755)
    return file


def keys(found: list[Editor]) -> list[str]:
    return [editor.key for editor in found]


def on_linux(home: Path, preferred: str = "", **variables: str) -> list[Editor]:
    environment = {"PATH": "", "XDG_DATA_DIRS": str(home / "share"), **variables}
    return installed_editors(preferred, platform="linux", environment=environment, home=home)


def entry(home: Path, name: str, text: str) -> None:
    file = home / ".local/share/applications" / f"{name}.desktop"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def test_linux_has_them_in_the_path(tmp_path: Path) -> None:
    for name in ("code", "rstudio", "jupyter-lab", "xdg-open"):
        program(tmp_path / "bin" / name)
    found = on_linux(tmp_path, PATH=str(tmp_path / "bin"))
    assert keys(found) == ["vscode", "rstudio", "jupyterlab", FILE_MANAGER]
    assert found[0].arguments("/a b/ü") == [str(tmp_path / "bin/code"), "/a b/ü"]
    assert found[2].arguments("/a b") == [str(tmp_path / "bin/jupyter-lab"), "--notebook-dir=/a b"]


def test_linux_has_them_in_the_menu(tmp_path: Path) -> None:
    """With words in quotation marks, and the folder where the entry wants it."""
    codium = program(tmp_path / "opt" / "VS Codium" / "codium")
    entry(
        tmp_path,
        "codium",
        "[Desktop Action new]\nExec=/bin/false\n[Desktop Entry]\nName=VSCodium\n"
        f'Type=Application\nExec="{codium}" --new-window "a \\\\"b" %F --title %c 100%%\n',
    )
    (found,) = on_linux(tmp_path)
    assert found.arguments("/x y") == [str(codium), "--new-window", 'a "b', "/x y", "--title", "100%"]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Exec=/bin/sh\n",
        "[Desktop Entry]\nExec=/nowhere/codium %F\n",
        "[Desktop Entry]\nExec=./codium %F\n",
        "[Desktop Entry]\nExec=codium %F\n",
        "[Desktop Entry]\nHidden=true\nExec=/bin/sh %F\n",
        "[Desktop Entry]\nType=Link\nExec=/bin/sh %F\n",
        "[Desktop Entry]\nExec=\n",
        "[Desktop Entry]\nExec=/bin/sh %F\n" + "#" * 300_000,
    ],
)
def test_an_entry_that_starts_no_program_is_none(tmp_path: Path, text: str) -> None:
    entry(tmp_path, "codium", text)
    assert on_linux(tmp_path) == []


def test_where_one_happens_to_be_no_program_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder that is opened may be anybody's. Seen to fail with ``shutil.which``."""
    program(tmp_path / "code")
    program(tmp_path / "here" / "code")
    monkeypatch.chdir(tmp_path)
    for path in ("", ".", "here", ":", "./here"):
        assert on_linux(tmp_path, PATH=path) == []


def test_windows_has_them_in_the_registry_and_in_its_folders(tmp_path: Path) -> None:
    local, files = tmp_path / "Local", tmp_path / "Program Files"
    rstudio = program(tmp_path / "Elsewhere" / "rstudio.exe")
    code = program(local / "Programs" / "Microsoft VS Code" / "Code.exe")
    program(files / "JetBrains" / "PyCharm 2025.1" / "bin" / "pycharm64.exe")
    newest = program(files / "JetBrains" / "PyCharm 2026.2" / "bin" / "pycharm64.exe")
    program(tmp_path / "bin" / "cursor.cmd")  # a shell would run it
    environment = {
        "LOCALAPPDATA": str(local),
        "PROGRAMFILES": str(files),
        "PATH": str(tmp_path / "bin"),
        "WINDIR": r"C:\Windows",
    }
    registry = {"rstudio.exe": f'"{rstudio}"', "Cursor.exe": str(tmp_path / "bin" / "cursor.cmd")}
    found = installed_editors(
        platform="win32", environment=environment, home=tmp_path, app_path=lambda name: registry.get(name, "")
    )
    assert {editor.key: editor.command[0] for editor in found[:-1]} == {
        "vscode": str(code),
        "rstudio": str(rstudio),
        "pycharm": str(newest),
    }
    assert (found[-1].key, found[-1].label) == (FILE_MANAGER, "Explorer")


def test_macos_has_them_as_bundles(tmp_path: Path) -> None:
    for application in ("Applications/RStudio.app", "Applications/Empty.app", "home/Applications/Positron.app"):
        (tmp_path / application / "Contents").mkdir(parents=True)
    for application in ("Applications/RStudio.app", "home/Applications/Positron.app"):
        (tmp_path / application / "Contents" / "Info.plist").touch()
    found = installed_editors(platform="darwin", environment={"PATH": ""}, home=tmp_path / "home", top=tmp_path)
    assert keys(found) == ["positron", "rstudio", FILE_MANAGER]
    assert found[1].arguments("/x y") == [
        "/usr/bin/open",
        "-a",
        str(tmp_path / "Applications/RStudio.app"),
        "/x y",
    ]


def test_the_preferred_one_comes_first_and_another_program_can_be_it(tmp_path: Path) -> None:
    for name in ("code", "rstudio"):
        program(tmp_path / "bin" / name)
    path = str(tmp_path / "bin")
    assert keys(on_linux(tmp_path, "rstudio", PATH=path)) == ["rstudio", "vscode"]
    own = program(tmp_path / "my editor")
    found = on_linux(tmp_path, str(own), PATH=path)
    assert (found[0].label, found[0].arguments("/x")) == ("my editor", [str(own), "/x"])
    assert keys(on_linux(tmp_path, str(tmp_path / "gone"), PATH=path)) == ["vscode", "rstudio"]
    assert program_editor(tmp_path / "bin", "linux") is None
    (tmp_path / "no program").touch(0o644)
    assert program_editor(tmp_path / "no program", "linux") is None
    assert program_editor(program(tmp_path / "x.bat"), "win32") is None


def test_an_editor_gets_no_key_of_the_workspace_and_nothing_of_this_programs_python() -> None:
    """Seen to fail with the environment as it is."""
    environment = {
        **{f"KRONKERS_{name}": "secret" for name in ("PASSPHRASE", "KEY_FILE", "RECOVERY_KEY", "SERVER_PASSWORD")},
        "Kronkers_Passphrase": "secret",
        "PYTHONHOME": "/frozen",
        "QT_PLUGIN_PATH": "/frozen/qt",
        "LD_LIBRARY_PATH": "/frozen/lib",
        "LD_LIBRARY_PATH_ORIG": "/usr/local/lib",
        "PATH": "/usr/bin",
        "DISPLAY": ":0",
    }
    assert editor_environment(Path("/ws"), environment) == {
        "KRONKERS_WORKSPACE": "/ws",
        "LD_LIBRARY_PATH": "/usr/local/lib",
        "PATH": "/usr/bin",
        "DISPLAY": ":0",
    }


def test_of_every_editor_that_is_looked_for_it_is_known_whether_it_asks() -> None:
    """Seen to fail with one that is new and says nothing of it."""
    assert [kind.key for kind in EDITORS if kind.trust is Trust.UNKNOWN] == []
    assert {kind.key for kind in EDITORS if kind.trust is Trust.R_AT_ONCE} == {"rstudio"}
    assert all(trust.sentence for trust in Trust)

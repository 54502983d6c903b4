"""The editors that are looked for, and what each is called on which system."""

from __future__ import annotations

from dataclasses import dataclass

from kronkers_studio.domain.editors import FOLDER, Trust


@dataclass(frozen=True, slots=True)
class EditorKind:
    """``programs`` are its names in the PATH, ``entries`` those of its menu entries (with * for any letters),
    ``bundles`` those of its macOS bundles. On Windows ``app_paths`` are its names in the registry and ``places`` its
    files below Program Files or the user's programs. ``options`` come between the program and the folder, or hold it.
    """

    key: str
    label: str
    programs: tuple[str, ...]
    entries: tuple[str, ...] = ()
    bundles: tuple[str, ...] = ()
    app_paths: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    project_file: str = ""
    trust: Trust = Trust.UNKNOWN


_NOTEBOOKS = (f"--notebook-dir={FOLDER}",)
EDITORS = (
    EditorKind(
        "vscode",
        "Visual Studio Code",
        ("code",),
        ("code", "code_code", "com.visualstudio.code"),
        ("Visual Studio Code",),
        ("Code.exe",),
        ("Microsoft VS Code/Code.exe",),
        trust=Trust.ASKS,
    ),
    EditorKind(
        "vscodium",
        "VSCodium",
        ("codium", "vscodium"),
        ("codium", "vscodium", "codium_codium", "com.vscodium.codium"),
        ("VSCodium",),
        ("VSCodium.exe",),
        ("VSCodium/VSCodium.exe",),
        trust=Trust.ASKS,
    ),
    EditorKind(
        "positron",
        "Positron",
        ("positron",),
        ("positron",),
        ("Positron",),
        ("Positron.exe",),
        ("Positron/Positron.exe",),
        trust=Trust.ASKS,
    ),
    EditorKind(
        "rstudio",
        "RStudio",
        ("rstudio",),
        ("rstudio",),
        ("RStudio",),
        ("rstudio.exe",),
        ("RStudio/rstudio.exe", "RStudio/bin/rstudio.exe"),
        project_file=".Rproj",
        trust=Trust.R_AT_ONCE,
    ),
    EditorKind(
        "pycharm",
        "PyCharm",
        ("pycharm", "pycharm-professional", "pycharm-community", "charm"),
        ("pycharm*", "jetbrains-pycharm*", "com.jetbrains.PyCharm*"),
        ("PyCharm", "PyCharm Professional Edition", "PyCharm CE"),
        ("pycharm64.exe",),
        ("JetBrains/PyCharm*/bin/pycharm64.exe", "PyCharm*/bin/pycharm64.exe"),
        trust=Trust.ASKS,
    ),
    EditorKind(
        "spyder",
        "Spyder",
        ("spyder",),
        ("spyder", "org.spyder_ide.spyder"),
        ("Spyder 6", "Spyder"),
        ("spyder.exe",),
        ("spyder-*/envs/spyder-runtime/Scripts/spyder.exe",),
        options=("--project",),
        trust=Trust.WHAT_IS_STARTED,
    ),
    EditorKind(
        "cursor",
        "Cursor",
        ("cursor",),
        ("cursor",),
        ("Cursor",),
        ("Cursor.exe",),
        ("cursor/Cursor.exe",),
        trust=Trust.BY_SETTING,
    ),
    EditorKind(
        "jupyterlab", "JupyterLab", ("jupyter-lab",), options=(f"--notebook-dir={FOLDER}",), trust=Trust.WHAT_IS_STARTED
    ),
    EditorKind(
        "notebook",
        "Jupyter Notebook",
        ("jupyter-notebook",),
        options=(f"--notebook-dir={FOLDER}",),
        trust=Trust.WHAT_IS_STARTED,
    ),
    EditorKind(
        "jupyterlab-desktop",
        "JupyterLab Desktop",
        ("jlab",),
        ("jupyterlab-desktop", "jupyterlab-desktop_jupyterlab-desktop"),
        ("JupyterLab",),
        ("JupyterLab.exe",),
        ("JupyterLab/JupyterLab.exe", "jlab/JupyterLab.exe"),
        trust=Trust.WHAT_IS_STARTED,
    ),
)
"""In the order in which they are offered."""

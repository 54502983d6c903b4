"""PyInstaller specification: one folder with two programs, `kronkers` (console) and `kronkers-studio` (window).

Built with `make build` into dist/. PyInstaller defines Analysis, PYZ, EXE and COLLECT when it runs this file.
"""

import sys
from pathlib import Path

import uv
from PyInstaller.utils.hooks import collect_submodules

ROOT = Path(SPECPATH)
PACKAGE = ROOT / "kronkers_studio"

# The program inside the container is shipped as sources: packaging copies them into the server layer.
SERVER_SOURCES = [
    (str(file), str(file.parent.relative_to(ROOT)))
    for file in [PACKAGE / "__init__.py", *PACKAGE.glob("serving/**/*.py")]
]
DATA = [(str(ROOT / "resources"), "kronkers_studio/_resources"), *SERVER_SOURCES]
HIDDEN = [
    *collect_submodules("kronkers_studio", filter=lambda name: not name.startswith("kronkers_studio.serving")),
    *collect_submodules("keyring.backends"),
    *collect_submodules("alembic.ddl"),
    "sqlcipher3.dbapi2",
    "sqlalchemy.dialects.sqlite",
    "logging.config",
]
LEFT_OUT = ["tkinter", "pytest", "IPython", "matplotlib", "sklearn", "onnxruntime", "kronkers_studio.serving"]


def program(name: str, entry: str, *, console: bool):
    script = ROOT / "build" / f"{name}.py"
    script.parent.mkdir(exist_ok=True)
    script.write_text(f"from kronkers_studio.app import {entry}\n\n{entry}()\n", encoding="utf-8")
    analysis = Analysis(
        [str(script)],
        pathex=[str(ROOT)],
        datas=DATA,
        binaries=[(uv.find_uv_bin(), ".")],
        hiddenimports=HIDDEN,
        excludes=LEFT_OUT,
        noarchive=False,
    )
    executable = EXE(
        PYZ(analysis.pure), analysis.scripts, exclude_binaries=True, name=name, console=console, argv_emulation=False
    )
    return analysis, executable


command, command_exe = program("kronkers", "command", console=True)
window, window_exe = program("kronkers-studio", "window", console=sys.platform not in ("win32", "darwin"))
COLLECT(command_exe, command.binaries, command.datas, window_exe, window.binaries, window.datas, name="kronkers-studio")

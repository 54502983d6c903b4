"""PyInstaller build: one folder, dist/kronkers-studio, with `kronkers` (console) and `kronkers-studio` (window).

``python build_spec.py`` (`make build`) hands this very file to PyInstaller as the specification; PyInstaller then runs
it again with Analysis, PYZ, EXE, COLLECT and SPECPATH defined.
"""

import shutil
import sys
from pathlib import Path


def build() -> None:
    """Run PyInstaller on this file."""
    from PyInstaller.__main__ import run

    specification = Path(__file__).resolve().parent / "build" / "kronkers-studio.spec"
    specification.parent.mkdir(exist_ok=True)
    shutil.copyfile(__file__, specification)
    run(["--noconfirm", "--log-level", "WARN", str(specification)])
    if not list(Path("dist").glob("*/**/pyfastcdc/cy/fastcdc.*")):
        sys.exit("The compiled part of pyfastcdc is not in the build: large files would be cut fifty times slower.")


def specify() -> None:
    """Say what the two programs are made of."""
    import uv
    from PyInstaller.utils.hooks import collect_submodules

    root = Path(SPECPATH).parent  # the specification lies in build/
    package = root / "kronkers_studio"

    # Shipped as sources: the program inside the container (packaging copies it into the server layer), what confines
    # it on this computer (the model's own Python runs it) and the database's migrations (Alembic reads them).
    sources = [
        package / "__init__.py",
        *package.glob("estimators/*.py"),
        *package.glob("pmml/*.py"),
        *package.glob("serving/**/*.py"),
        *package.glob("serving/frameworks/workers/*"),
        *package.glob("confinement/*.py"),
        *package.glob("storage/migrations/**/*.py"),
    ]
    data = [(str(root / "resources"), "kronkers_studio/_resources")]
    data += [(str(file), str(file.parent.relative_to(root))) for file in sources]
    hidden = [
        *collect_submodules("kronkers_studio", filter=lambda name: not name.startswith("kronkers_studio.serving")),
        *collect_submodules("isal"),
        *collect_submodules("pyfastcdc"),  # without its compiled part it cuts fifty times slower, and only warns
        *collect_submodules("keyring.backends"),
        *collect_submodules("alembic.ddl"),
        "sqlcipher3.dbapi2",
        "sqlalchemy.dialects.sqlite",
        "logging.config",
    ]
    left_out = [
        "tkinter",
        "pytest",
        "IPython",
        "matplotlib",
        "scipy",
        "pandas",
        "sklearn",
        "onnxruntime",
        "pyqtgraph.opengl",
    ]
    left_out.append("kronkers_studio.serving")  # it runs from its sources, never in this program

    def program(name: str, entry: str, *, console: bool):
        script = root / "build" / f"{name}.py"
        script.parent.mkdir(exist_ok=True)
        script.write_text(f"from kronkers_studio.app import {entry}\n\n{entry}()\n", encoding="utf-8")
        analysis = Analysis(
            [str(script)],
            pathex=[str(root)],
            datas=data,
            binaries=[(uv.find_uv_bin(), ".")],
            hiddenimports=hidden,
            excludes=left_out,
            noarchive=False,
        )
        executable = EXE(
            PYZ(analysis.pure),
            analysis.scripts,
            exclude_binaries=True,
            name=name,
            console=console,
            argv_emulation=False,
        )
        return analysis, executable

    command, command_exe = program("kronkers", "command", console=True)
    window, window_exe = program("kronkers-studio", "window", console=sys.platform not in ("win32", "darwin"))
    COLLECT(
        command_exe, command.binaries, command.datas, window_exe, window.binaries, window.datas, name="kronkers-studio"
    )


if "SPECPATH" in globals():
    specify()
elif __name__ == "__main__":
    build()

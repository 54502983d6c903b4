"""The programs of other tools: found, or installed when that is possible, or named as missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_DEBIAN_PACKAGES = {"git": "git", "restic": "restic", "borg": "borgbackup"}
_VERSION = {"git": ["version"], "restic": ["version"], "borg": ["--version"]}


def version_of(tool: str, programs: Path) -> str:
    """The tool's own word on its version, installing it when it is missing; "" when it cannot be had.

    ``programs`` is the folder for what is not installed system-wide.
    """
    if tool == "kronkers":
        return _answer([shutil.which("kronkers", path=str(Path(sys.executable).parent)) or "kronkers", "--version"])
    if tool == "dvc":
        program = programs / "dvc" / ("Scripts/dvc.exe" if sys.platform == "win32" else "bin/dvc")
        if not program.exists():
            _install_dvc(programs / "dvc")
        answer = _answer([str(program), "--version"])
        return f"dvc {answer}" if answer else ""
    if shutil.which(tool) is None:
        _install_package(_DEBIAN_PACKAGES[tool])
    return _answer([tool, *_VERSION[tool]])


def _install_dvc(folder: Path) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        return
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    _try([uv, "venv", "--quiet", "--python", sys.executable, str(folder)])
    _try([uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", str(python), "dvc"])


def _install_package(package: str) -> None:
    """Debian and Ubuntu, as root or by a ``sudo`` that asks for no password."""
    if shutil.which("apt-get") is None:
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", package]
    if not _try([*sudo, *install]):
        _try([*sudo, "apt-get", "update", "-qq"])
        _try([*sudo, *install])


def _try(argv: list[str]) -> bool:
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=600)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


def _answer(argv: list[str]) -> str:
    try:
        done = subprocess.run(
            argv, stdin=subprocess.DEVNULL, capture_output=True, check=True, timeout=60, encoding="utf-8"
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip().partition("\n")[0]

"""Where things lie on this platform, and the bundled resources."""

from __future__ import annotations

import sys
from pathlib import Path

import platformdirs

_APP = "kronkers-studio"


def data_folder() -> Path:
    """The platform's folder for the user's data of this application."""
    return Path(platformdirs.user_data_dir(_APP, appauthor=False))


def cache_folder() -> Path:
    """What can be made again: downloaded dependencies, base images."""
    return Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def log_folder() -> Path:
    return Path(platformdirs.user_log_dir(_APP, appauthor=False))


def config_folder() -> Path:
    return Path(platformdirs.user_config_dir(_APP, appauthor=False))


def settings_file() -> Path:
    """Where the user's settings lie, once one was changed."""
    return config_folder() / "settings.json"


def default_workspace() -> Path:
    return data_folder() / "workspace"


def demo_folder() -> Path:
    """Where `kronkers demo` keeps its workspace and key."""
    return data_folder() / "demo"


def resource(name: str) -> Path:
    """The bundled file or folder ``name`` below resources/ (in a checkout, a wheel and a frozen program alike)."""
    package = Path(__file__).resolve().parents[1]
    for root in (package / "_resources", package.parent / "resources"):
        if (root / name).exists():
            return root / name
    raise FileNotFoundError(f"bundled resource {name!r} is missing")


def uv_program() -> Path:
    """The uv that locks and fetches models' dependencies: bundled in a frozen program, else the installed package's."""
    bundled = getattr(sys, "_MEIPASS", None)
    if bundled is not None:
        return Path(bundled) / ("uv.exe" if sys.platform == "win32" else "uv")
    import uv

    return Path(uv.find_uv_bin())

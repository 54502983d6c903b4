"""Where things lie on this platform, and the bundled resources."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import platformdirs

from kronkers_studio.domain.errors import InvalidInput

_APP = "kronkers-studio"


_NO_HOME = Path("/nonexistent") / _APP
"""Where nothing is and nothing can be made: an account may have no home, as in a container under any number."""


def _of_account(folder: Callable[..., str]) -> Path:
    try:
        return Path(folder(_APP, appauthor=False))
    except RuntimeError:
        return _NO_HOME


def from_home(path: Path) -> Path:
    """``path`` with a ``~`` or ``~name`` at its beginning made the home folder.

    Raises ``InvalidInput`` when there is no such account, or it has none.
    """
    try:
        return path.expanduser()
    except RuntimeError:
        who = path.parts[0].removeprefix("~")
        raise InvalidInput(
            f"There is no home folder of {who} here to look for {path} in."
            if who
            else f"This account has no home folder to look for {path} in.",
            next_step=f"Write the whole path, or ./{path} for something called {path.parts[0]} where you are.",
        ) from None


def data_folder() -> Path:
    """The platform's folder for the user's data of this application."""
    return _of_account(platformdirs.user_data_dir)


def cache_folder() -> Path:
    """What can be made again: downloaded dependencies, base images."""
    return _of_account(platformdirs.user_cache_dir)


def log_folder() -> Path:
    return _of_account(platformdirs.user_log_dir)


def config_folder() -> Path:
    return _of_account(platformdirs.user_config_dir)


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

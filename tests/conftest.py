"""Every test gets its own home and settings: the real home, keyring and settings are never touched.

Shared between tests and runs, because they are large and can be made again: the cache of layers and base images, and
uv's downloads. They lie in ``KRONKERS_TEST_CACHE``, by default in the git-ignored .lab-cache/.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is.
settings.register_profile("on any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("on any machine")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # the programs that tests start would compile everything each time

TEST_CACHE = Path(os.environ.get("KRONKERS_TEST_CACHE") or Path(__file__).parents[1] / ".lab-cache").absolute()
_UV_CACHE = os.environ.get("UV_CACHE_DIR") or str(Path.home() / ".cache" / "uv")
_KEPT = ("KRONKERS_LAB", "KRONKERS_TEST_CACHE")


def pytest_configure(config: pytest.Config) -> None:
    from tests.lab import fixtures

    config.pluginmanager.register(fixtures, "lab")


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    home = tmp_path_factory.mktemp("home")
    for name, folder in {
        "HOME": ".",
        "USERPROFILE": ".",
        "XDG_DATA_HOME": ".local/share",
        "XDG_CONFIG_HOME": ".config",
        "XDG_STATE_HOME": ".local/state",
        "APPDATA": "AppData/Roaming",
        "LOCALAPPDATA": "AppData/Local",
    }.items():
        monkeypatch.setenv(name, str(home / folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(TEST_CACHE))
    monkeypatch.setenv("UV_CACHE_DIR", _UV_CACHE)
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyring.backends.fail.Keyring")
    for name in list(os.environ):
        if name.startswith("KRONKERS_") and name not in _KEPT:
            monkeypatch.delenv(name)
    yield home

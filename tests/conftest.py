"""Every test gets its own home and settings: the real home, keyring and settings are never touched.

Shared between tests and runs, because they are large and can be made again: the cache of layers and base images, and
uv's downloads. They lie in ``KRONKERS_TEST_CACHE``, by default in the git-ignored .lab-cache/.
"""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
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


def _heed_signals() -> None:
    """A suite that was started in the background ignores some signals, and so would every program that it starts."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.platform != "win32":
        signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_configure(config: pytest.Config) -> None:
    from tests.lab import fixtures

    _heed_signals()

    config.pluginmanager.register(fixtures, "lab")


@pytest.hookimpl(trylast=True)  # once the lab has marked what needs it
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need the lab's servers come first: they mostly wait, while other workers compute; and they are the
    longest, so that no worker is left alone with one at the end."""
    with_lab = {item.path for item in items if item.get_closest_marker("lab")}
    items.sort(key=lambda item: item.path not in with_lab)


def pytest_collection_finish() -> None:
    """What thousands of collected tests are made of stays to the end: Python's cycle collection would look through it
    again and again, which doubled the time of what makes many objects."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True, scope="session")
def no_service_stays() -> Iterator[None]:
    """Every service that a test had the program start is ended by it: its command line, which holds the name of the
    test's folder, is said otherwise."""
    yield
    processes = sys.modules.get("kronkers_studio.deployment.processes")
    if processes is not None:
        children = {pid: child.args for pid, child in processes._children.items() if child.poll() is None}
        assert not children, children


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


@pytest.fixture
def logged() -> Iterator[None]:
    """The program's log is written, as it is by the window; in the test's own home."""
    from kronkers_studio.settings.logs import start_logging

    root, ours = logging.getLogger(), logging.getLogger("kronkers_studio")
    handlers, level, own_level = root.handlers[:], root.level, ours.level
    start_logging(verbose=False, detailed=True)
    yield
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = handlers
    root.setLevel(level)
    ours.setLevel(own_level)

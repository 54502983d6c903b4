from __future__ import annotations

import platformdirs
import pytest

from kronkers_studio.settings import paths
from kronkers_studio.settings.configuration import load_settings
from kronkers_studio.settings.logs import start_logging


def _without_home(*_arguments: object, **_options: object) -> str:
    raise RuntimeError("could not determine the home directory")


def test_an_account_without_a_home_has_settings_and_does_without_a_log(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a container that runs under a number without an account."""
    for name in ("data", "cache", "log", "config"):
        monkeypatch.setattr(platformdirs, f"user_{name}_dir", _without_home)
    monkeypatch.setattr("os.open", _denied)
    monkeypatch.setattr("pathlib.Path.mkdir", _denied)
    assert load_settings().workspace == paths.default_workspace()
    assert start_logging(verbose=False).startswith("Nothing is logged")


def _denied(*_arguments: object, **_options: object) -> int:
    raise PermissionError(13, "Permission denied")

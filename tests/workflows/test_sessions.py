"""The handle that all workflows work on."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from kronkers_studio.settings.configuration import Settings, load_settings
from kronkers_studio.workflows.session import create_workspace


def test_settings_that_were_changed_while_they_were_read_for_the_first_time_are_in_force(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Seen to fail where what was read then took their place."""
    from kronkers_studio.workflows import session as module

    reading, changed = threading.Event(), threading.Event()
    read = load_settings

    def slow() -> Settings:
        found = read()
        reading.set()
        changed.wait(20)
        return found

    monkeypatch.setattr(module, "load_settings", slow)
    with create_workspace(tmp_path / "workspace", key_file=tmp_path / "key")[0] as session:
        thread = threading.Thread(target=lambda: session.settings)
        thread.start()
        assert reading.wait(20)
        session.settings = replace(read(), author="Ada")
        changed.set()
        thread.join()
        assert session.settings.author == "Ada"

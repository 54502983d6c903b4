"""The pace of reading is found without loading all settings, and is always the one that they say."""

from __future__ import annotations

import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.configuration import change_settings, load_settings
from kronkers_studio.settings.pace import PaceSettings, pace_in_force
from kronkers_studio.settings.paths import settings_file


def _by_all_settings() -> PaceSettings:
    settings = load_settings()
    return PaceSettings(settings.read_limit, settings.low_priority)


def test_it_is_what_all_settings_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with ``_is_given`` looking into the environment alone."""
    assert pace_in_force() == _by_all_settings() == PaceSettings()
    change_settings(theme="dark")
    assert pace_in_force() == _by_all_settings() == PaceSettings()
    change_settings(read_limit=2.5)
    assert pace_in_force() == _by_all_settings() == PaceSettings(2.5)
    monkeypatch.setenv("Kronkers_Low_Priority", "never")
    assert pace_in_force() == _by_all_settings() == PaceSettings(2.5, "never")


@pytest.mark.parametrize("text", ["{", '{"read_limit": -1}'])
def test_a_settings_file_that_cannot_be_read_is_not_passed_over(text: str) -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        pace_in_force()

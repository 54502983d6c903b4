from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import ValidationError

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.configuration import Settings, author_name, change_settings, load_settings
from kronkers_studio.settings.paths import config_folder, resource
from kronkers_studio.settings.secrets import Secret


def test_a_changed_setting_is_there_after_a_restart() -> None:
    change_settings(theme="dark")
    assert load_settings().theme == "dark"
    change_settings(scrape_seconds=5.0)
    assert (load_settings().theme, load_settings().scrape_seconds) == ("dark", 5.0)


def test_the_environment_wins_over_the_settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    change_settings(theme="dark")
    monkeypatch.setenv("KRONKERS_THEME", "light")
    monkeypatch.setenv("KRONKERS_WORKSPACE", str(tmp_path))
    assert load_settings().theme == "light"
    assert load_settings().workspace == tmp_path


def test_a_value_that_is_not_allowed_changes_nothing() -> None:
    change_settings(theme="dark")
    with pytest.raises(ValidationError):
        change_settings(theme="pink")
    assert load_settings().theme == "dark"
    assert json.loads((config_folder() / "settings.json").read_text(encoding="utf-8")) == {"theme": "dark"}


def test_a_variable_or_a_file_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRONKERS_READ_LIMIT", "fast")
    with pytest.raises(InvalidInput, match="KRONKERS_READ_LIMIT"):
        load_settings()
    monkeypatch.delenv("KRONKERS_READ_LIMIT")
    change_settings(theme="dark")
    (config_folder() / "settings.json").write_text("{theme", encoding="utf-8")
    with pytest.raises(InvalidInput, match=r"settings\.json"):
        load_settings()


def test_every_setting_has_a_help_text() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_author_is_the_one_set_or_the_systems_user() -> None:
    assert author_name(Settings(author="Ada")) == "Ada"
    assert author_name(Settings())


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_a_missing_resource_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-thing"):
        resource("no-such-thing")

"""The author is the one that all settings together would give."""

from __future__ import annotations

import getpass

import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.author import author_in_force
from kronkers_studio.settings.configuration import author_name, change_settings, load_settings
from kronkers_studio.settings.paths import settings_file


def test_the_author_found_quickly_is_the_one_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seen to fail with the environment looked at after the file."""
    assert author_in_force() == author_name(load_settings()) == getpass.getuser()
    change_settings(theme="dark")
    assert author_in_force() == author_name(load_settings()) == getpass.getuser()
    change_settings(author="Ada Größe")
    assert author_in_force() == author_name(load_settings()) == "Ada Größe"
    monkeypatch.setenv("KRONKERS_AUTHOR", "Grace")
    assert author_in_force() == author_name(load_settings()) == "Grace"
    monkeypatch.setenv("KRONKERS_AUTHOR", "")
    assert author_in_force() == author_name(load_settings()) == getpass.getuser()


@pytest.mark.parametrize("text", ["{", '{"author": 3}'])
def test_a_settings_file_that_cannot_be_read_is_not_passed_over(text: str) -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(text, encoding="utf-8")
    with pytest.raises(InvalidInput):
        author_in_force()

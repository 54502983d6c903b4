from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from kronkers_studio.domain.errors import InvalidInput
from kronkers_studio.settings.configuration import (
    ImageRegistry,
    Settings,
    author_name,
    change_settings,
    choices,
    help_text,
    load_settings,
)
from kronkers_studio.settings.paths import config_folder, resource, settings_file
from kronkers_studio.settings.secrets import Secret


def _write(text: str) -> None:
    settings_file().parent.mkdir(parents=True, exist_ok=True)
    settings_file().write_text(text, encoding="utf-8")


def test_a_changed_setting_is_there_after_a_restart() -> None:
    change_settings(theme="dark")
    assert load_settings().theme == "dark"
    change_settings(scrape_seconds=5.0)
    assert (load_settings().theme, load_settings().scrape_seconds) == ("dark", 5.0)


def test_every_setting_is_kept_as_it_was_chosen(tmp_path: Path) -> None:
    """Seen to fail with ``str`` in place of the file's own booleans and numbers."""
    chosen = Settings(
        workspace=tmp_path / "größe",
        working_copies=tmp_path / "Werkstatt",
        editor="rstudio",
        theme="light",
        base_image="engine:base",
        image_registries=(
            ImageRegistry(host="registry.example.org:5000", user="svc", ca_file=tmp_path / "größe.pem"),
            ImageRegistry(host="other.example.org"),
        ),
        package_platform="linux/arm64",
        keep_releases=7,
        scrape_seconds=1.5,
        author="Ada",
        offline=True,
        run_unprotected=True,
        read_limit=2.5,
        low_priority="never",
        table_seconds=0.5,
        table_memory=0.5,
        notify_failures=False,
        notify_successes=True,
        when_closed="quit",
        first_run_done=True,
    )
    assert all(getattr(chosen, each.name) != getattr(Settings(), each.name) for each in fields(Settings))
    assert change_settings(**{each.name: getattr(chosen, each.name) for each in fields(Settings)}) == chosen
    assert load_settings() == chosen


def test_the_environment_wins_over_the_settings_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    change_settings(theme="dark")
    monkeypatch.setenv("KRONKERS_THEME", "light")
    monkeypatch.setenv("KRONKERS_WORKSPACE", str(tmp_path))
    assert load_settings().theme == "light"
    assert load_settings().workspace == tmp_path


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps the names of variables in capitals")
def test_the_case_of_a_name_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    _write('{"Theme": "dark", "KEEP_RELEASES": 5}')
    monkeypatch.setenv("Kronkers_Low_Priority", "never")
    settings = load_settings()
    assert (settings.theme, settings.keep_releases, settings.low_priority) == ("dark", 5, "never")
    assert change_settings(theme="light").theme == "light"
    assert json.loads(settings_file().read_text(encoding="utf-8")) == {"KEEP_RELEASES": 5, "theme": "light"}


def test_a_value_that_is_not_allowed_changes_nothing() -> None:
    change_settings(theme="dark")
    with pytest.raises(InvalidInput, match=r"“theme” cannot be used: it has to be “system”, “light” or “dark”\."):
        change_settings(author="Ada", theme="pink")
    assert load_settings().theme == "dark"
    assert json.loads((config_folder() / "settings.json").read_text(encoding="utf-8")) == {"theme": "dark"}


def test_what_the_file_holds_besides_is_kept() -> None:
    """As when an older program runs beside a newer one."""
    _write('{"of_the_future": [1], "theme": "dark"}')
    change_settings(author="Ada")
    stored = json.loads(settings_file().read_text(encoding="utf-8"))
    assert stored == {"of_the_future": [1], "theme": "dark", "author": "Ada"}


def test_a_variable_or_a_file_that_cannot_be_used_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KRONKERS_READ_LIMIT", "fast")
    with pytest.raises(InvalidInput, match="KRONKERS_READ_LIMIT"):
        load_settings()
    monkeypatch.delenv("KRONKERS_READ_LIMIT")
    _write('{"read_limit": -1}')
    with pytest.raises(InvalidInput, match=r"“read_limit” .* a number of at least 0\. Correct read_limit in .*\.json"):
        load_settings()


@pytest.mark.parametrize("text", ["{theme", "[]", "null", '"dark"', "[" * 10])
def test_a_file_without_settings_is_not_passed_over_and_not_written_over(text: str) -> None:
    _write(text)
    with pytest.raises(InvalidInput, match=r"settings\.json cannot be read\. Correct the file, or delete it\."):
        load_settings()
    with pytest.raises(InvalidInput):
        change_settings(theme="dark")
    assert settings_file().read_text(encoding="utf-8") == text


def test_an_empty_file_holds_no_settings() -> None:
    _write("")
    assert load_settings() == Settings()
    assert change_settings(theme="dark").theme == "dark"


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such rights")
def test_an_account_that_may_not_look_into_its_folder_has_no_settings() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another account and back")
    change_settings(theme="dark")
    os.seteuid(65534)
    try:
        assert load_settings().theme == "system"
    finally:
        os.seteuid(0)


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        *[("offline", text, True) for text in ("1", "true", "True", "YES", "y", "on", "t")],
        *[("offline", text, False) for text in ("0", "false", "FALSE", "no", "n", "Off", "f")],
        ("keep_releases", " 4 ", 4),
        ("keep_releases", "3.0", 3),
        ("scrape_seconds", "1", 1.0),
        ("scrape_seconds", "5e0", 5.0),
        ("read_limit", "0", 0.0),
        ("table_seconds", "0.25", 0.25),
        ("workspace", "~/a b", Path("~/a b")),
        ("author", "", ""),
        ("author", " Ada Größe ", " Ada Größe "),
        ("image_registries", "[]", ()),
        ("image_registries", '[{"host": "a", "new": 1}]', (ImageRegistry(host="a"),)),
    ],
)
def test_what_a_variable_may_say(monkeypatch: pytest.MonkeyPatch, name: str, text: str, value: object) -> None:
    monkeypatch.setenv(f"KRONKERS_{name.upper()}", text)
    taken = getattr(load_settings(), name)
    assert (taken, type(taken)) == (value, type(value))


@pytest.mark.parametrize(
    ("name", "values", "expected"),
    [
        ("offline", ["", " true", "2", "maybe", None, 2, [], 1.5], "“true” or “false”"),
        ("keep_releases", ["", "0", "-1", "3.5", "x", "inf", "nan", None, [], 1.5], "a whole number of at least 1"),
        (
            "scrape_seconds",
            ["0.9", "5.1", "nan", "inf", "", "x", None, {}, 10**400],
            "a number of at least 1 and at most 5",
        ),
        ("table_seconds", ["0", "-1", "3601"], "a number above 0 and at most 3600"),
        ("table_memory", ["0.4", "1025"], "a number of at least 0.5 and at most 1024"),
        ("theme", ["Light", " light", "", 1, None, ["dark"]], "“system”, “light” or “dark”"),
        ("low_priority", ["sometimes"], "“always”, “watching” or “never”"),
        ("workspace", [3, None, ["a"]], "a path"),
        ("author", [3, None, True], "a text"),
        (
            "image_registries",
            [
                "x",
                "3",
                "{",
                None,
                3,
                {"host": "a"},
                ["a"],
                [{}],
                [{"host": 3}],
                [{"host": "a", "user": 3}],
                [[]],
                [{"host": "a", "ca_file": 3}],
            ],
            "a list of registries, each with its “host” and, where they are needed, “user” and “ca_file”",
        ),
    ],
)
def test_what_no_setting_may_be_is_told_with_what_it_may(
    monkeypatch: pytest.MonkeyPatch, name: str, values: list[object], expected: str
) -> None:
    """Seen to fail with each bound taken away, and with ``nan`` let through."""
    sentence = f"The setting “{name}” cannot be used: it has to be {expected}."
    for value in values:
        _write(json.dumps({name: value}))
        with pytest.raises(InvalidInput) as in_file:
            load_settings()
        assert in_file.value.message == sentence
        assert in_file.value.next_step == f"Correct {name} in {settings_file()}."
        settings_file().unlink()
        with pytest.raises(InvalidInput) as changed:
            change_settings(**{name: value})
        assert (changed.value.message, changed.value.next_step) == (sentence, "Nothing was changed.")
        assert not settings_file().exists()
        if isinstance(value, str):
            variable = f"KRONKERS_{name.upper()}"
            monkeypatch.setenv(variable, value)
            with pytest.raises(InvalidInput) as in_variable:
                load_settings()
            assert in_variable.value.message == sentence
            assert in_variable.value.next_step == f"Correct the variable {variable}, or unset it."
            monkeypatch.delenv(variable)


def test_every_setting_has_a_help_text() -> None:
    assert [each.name for each in fields(Settings) if not help_text(each.name).endswith(".")] == []


def test_a_setting_of_few_values_says_them() -> None:
    assert choices("theme") == ("system", "light", "dark")
    assert choices("author") == choices("offline") == choices("read_limit") == ()


def test_the_author_is_the_one_set_or_the_systems_user(monkeypatch: pytest.MonkeyPatch) -> None:
    assert author_name(load_settings()) == getpass.getuser()
    change_settings(author="Ada Größe")
    assert author_name(load_settings()) == "Ada Größe"
    monkeypatch.setenv("KRONKERS_AUTHOR", "")
    assert author_name(load_settings()) == getpass.getuser()


def test_settings_are_read_without_importing_anything_heavy() -> None:
    """Every command reads them. Seen to fail with ``import keyring`` in settings.configuration."""
    program = (
        "import sys; before = set(sys.modules); from kronkers_studio.settings.configuration import load_settings\n"
        "load_settings(); print(*sorted({name.partition('.')[0] for name in set(sys.modules) - before}))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    others = {name for name in done.stdout.split() if name not in sys.stdlib_module_names}
    assert others == {"kronkers_studio", "platformdirs"}


def test_a_secret_does_not_show_itself() -> None:
    secret = Secret("hunter2")
    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hunter2"


def test_a_missing_resource_is_named() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-thing"):
        resource("no-such-thing")

"""Only the commands that the first word asks for are loaded, and each is found."""

from __future__ import annotations

import subprocess
import sys
from importlib import import_module
from typing import Any

import pytest
import typer
from typer.main import get_command

from kronkers_studio.cli.main import GROUPS, build


def _nothing_to_draw(*_arguments: Any) -> None:
    raise AssertionError


def _words(app: typer.Typer) -> set[str]:
    return set(get_command(app).commands)  # type: ignore[attr-defined]  # a group, for it has a callback


@pytest.mark.parametrize("group", GROUPS)
def test_a_groups_words_are_those_that_it_registers(group: str) -> None:
    app = typer.Typer()
    app.callback()(lambda: None)
    import_module(f"kronkers_studio.cli.{group}").add_commands(app)
    assert _words(app) == set(GROUPS[group])


def test_all_commands_are_there_unless_the_first_word_is_one() -> None:
    every = {word for words in GROUPS.values() for word in words} | {"demo"}
    for first in ("", "--help", "no-such", "demo"):
        assert _words(build(_nothing_to_draw, first)) == every
    for words in GROUPS.values():
        for word in words:
            assert _words(build(_nothing_to_draw, word)) == {"demo", *words}


def test_a_command_loads_no_other_group() -> None:
    program = (
        "import sys; from kronkers_studio.cli.main import build; build(None, 'migrate');"
        "print(*sorted(name for name in sys.modules if name.startswith('kronkers_studio.cli.')))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = {name.removeprefix("kronkers_studio.cli.") for name in done.stdout.split()}
    assert loaded & GROUPS.keys() == {"migrating"}

"""The main thread never works: whatever touches the disk or the network runs on another one."""

from __future__ import annotations

import functools
import importlib
import inspect
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pytestqt.qtbot import QtBot

from kronkers_studio.desktop.pages.migrate import MigratePage
from kronkers_studio.desktop.pages.registry import RegistryPage
from kronkers_studio.desktop.window import stops
from tests.desktop.kinds import OpenWindow, Rest, the_page

_WORKFLOWS = (
    "browsing", "folders", "metrics", "migrating", "models", "packages", "plan_rows",
    "plans", "previews", "releases", "server_care", "servers", "session", "settling", "versions", "watching",
)  # fmt: skip
_QUICK = {"workspace_exists", "project_name", "suggest_name", "parse_address", "parse_reference"}
"""One look at a file's existence, or no work at all."""


@pytest.fixture
def callers(monkeypatch: pytest.MonkeyPatch) -> dict[str, set[str]]:
    """Which threads called each workflow."""
    seen: dict[str, set[str]] = {}

    def watched(function: Callable[..., Any], name: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def call(*args: Any, **keywords: Any) -> Any:
            seen.setdefault(name, set()).add(threading.current_thread().name)
            return function(*args, **keywords)

        return call

    for module in (importlib.import_module(f"kronkers_studio.workflows.{name}") for name in _WORKFLOWS):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            if function.__module__ == module.__name__ and not name.startswith("_") and name not in _QUICK:
                monkeypatch.setattr(module, name, watched(function, f"{module.__name__.rsplit('.', 1)[-1]}.{name}"))
    return seen


def test_no_page_calls_a_workflow_on_the_main_thread(
    callers: dict[str, set[str]],
    open_main_window: OpenWindow,
    filled_workspace: Path,
    small_folder: Path,
    qtbot: QtBot,
    come_to_rest: Rest,
) -> None:
    callers.clear()  # what the fixtures did
    window = open_main_window(filled_workspace)
    for stop in stops():
        window.show_page(stop.key)
        come_to_rest(window)
    migrate = the_page(window, MigratePage)
    window.show_page("migrate")
    migrate.look_at(small_folder)
    qtbot.waitUntil(lambda: migrate.views.shown == "plan", timeout=20_000)
    migrate.panel.filter.choose("data")
    come_to_rest(window)
    migrate.start()
    qtbot.waitUntil(lambda: migrate.views.shown == "outcome", timeout=20_000)
    migrate.watch()
    qtbot.waitUntil(lambda: migrate.before.rows["Team folder"].pill.text() == "In sync", timeout=20_000)
    migrate.before.rows["Team folder"].watch.click()
    come_to_rest(window)
    registry = the_page(window, RegistryPage)
    registry.check()
    registry.browser.open_entry(
        next(entry for entry in registry.browser.table.content.rows if entry.name == "notes.md")
    )
    come_to_rest(window)
    registry.sides.choose("changes")
    come_to_rest(window)

    assert {
        "browsing.list_projects",
        "folders.arrange",
        "previews.preview_file",
        "migrating.migrate_folder",
        "plan_rows.prepare",
        "watching.brought_in",
        "watching.watch_folders",
        "models.list_models",
    } <= callers.keys()
    main = threading.main_thread().name
    assert {name for name, threads in callers.items() if main in threads} == set()

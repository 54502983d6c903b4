"""Which pages there are: their order in the rail, and where the code of each is."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from kronkers_studio.desktop.page_titles import page_title
from kronkers_studio.desktop.rail import Stop

LOADED_EARLY = (
    *("panels.table_preview", "panels.browser", "panels.change_list", "pages.registry", "pages.migrate"),
    *(
        "pages.models",
        "pages.model",
        "panels.send_rows",
        "pages.deploy",
        "pages.servers",
        "pages.settings",
        "background",
    ),
)
"""Modules that are imported before they are needed, each within a few milliseconds; charts load too much at once."""
NEEDS_NO_WORKSPACE = ("settings",)
_PAGES = {
    "home": ("home", "HomePage"),
    "migrate": ("migrate", "MigratePage"),
    "registry": ("registry", "RegistryPage"),
    "models": ("models", "ModelsPage"),
    "model": ("model", "ModelPage"),
    "deploy": ("deploy", "DeployPage"),
    "monitor": ("monitor", "MonitorPage"),
    "servers": ("servers", "ServersPage"),
    "settings": ("settings", "SettingsPage"),
}
"""Module and class of each page below ``desktop.pages``: imported at the first visit, so that the window opens fast."""


def stops() -> list[Stop]:
    """The rail's entries in order."""
    return [
        Stop("home", page_title("home"), "home"),
        Stop("migrate", page_title("migrate"), "migrate"),
        Stop("registry", page_title("registry"), "registry"),
        Stop("models", page_title("models"), "models"),
        Stop("deploy", page_title("deploy"), "deploy"),
        Stop("monitor", page_title("monitor"), "monitor"),
        Stop("servers", page_title("servers"), "servers"),
        Stop("settings", page_title("settings"), "settings", apart=True),
    ]


def page_keys() -> list[str]:
    """Every page: those of the rail, and those that are reached from one of them."""
    return list(_PAGES)


def stop_of(key: str) -> str:
    """The rail's entry that is marked while the page ``key`` is in view."""
    return "models" if key == "model" else key


def is_page(key: str) -> bool:
    return key in _PAGES


def load(module: str) -> ModuleType:
    """Import ``module`` of the window's code; on the main thread, as all that names types of Qt."""
    return importlib.import_module(f"kronkers_studio.desktop.{module}")


def page_class(key: str) -> Any:
    """The page's class, a ``Page``, which lies above this list."""
    return getattr(load(f"pages.{_PAGES[key][0]}"), _PAGES[key][1])

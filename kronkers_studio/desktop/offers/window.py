"""Everything that can be done in a workspace, and from anywhere in the window."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kronkers_studio.desktop.actions import Action, Command, Kind, UseTheme
from kronkers_studio.desktop.destinations import (
    ToPage,
)
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.offers.content import (
    bring_in,
    check_for_damage,
    find_anything,
    folder_actions,
    guide,
    look_through,
    make_project,
    merge_branches,
    name_version,
    open_trash,
    project_actions,
    project_entry,
    remove_content,
    restore_what,
    show_folder,
    try_sample,
)
from kronkers_studio.desktop.offers.models import (
    add_model_file,
    add_version,
    check_package,
    model_entries,
    put_any_live,
    version_actions,
)
from kronkers_studio.desktop.offers.servers import add_server, server_actions, server_entry
from kronkers_studio.desktop.offers.services import service_actions, services_of
from kronkers_studio.desktop.offers.settings import (
    add_image_registry,
    choose_workspace,
    reach_image_registry,
    refresh_base_images,
)
from kronkers_studio.domain.content import Project
from kronkers_studio.domain.models import ModelVersion
from kronkers_studio.domain.releases import Release
from kronkers_studio.domain.servers import Server

if TYPE_CHECKING:
    from kronkers_studio.workflows.session import Session


_VERSIONS = 300
"""Of which the palette offers what can be done with them, besides the newest of each model."""


@dataclass(frozen=True, slots=True)
class Things:
    """Everything in the workspace that something can be done with, files aside."""

    projects: Sequence[Project] = ()
    folders: Sequence[tuple[str, Path]] = ()  # (project, a folder that is brought into it)
    versions: Sequence[ModelVersion] = ()
    releases: Sequence[Release] = ()  # newest first
    servers: Sequence[Server] = ()
    image_registries: Sequence[str] = ()  # their hosts


def read_things(session: Session) -> Things:
    """Off the main thread."""
    from kronkers_studio.workflows import browsing, image_registries, models, releases, servers, watching

    return Things(
        projects=browsing.list_projects(session),
        folders=[(each.project, folder) for each in watching.brought_in(session) for folder in each.folders],
        versions=models.list_models(session),
        releases=releases.recorded_releases(session),
        servers=servers.list_servers(session),
        image_registries=[access.host for access in image_registries.list_registries(session.settings)],
    )


def actions_of(things: Things) -> list[Action]:
    """What can be done with ``things``, and the ways to them."""
    return [
        *(action for releases in services_of(things.releases) for action in service_actions(releases)),
        *(action for version in _newest(things.versions) for action in version_actions(version)),
        *(add_version(model) for model in dict.fromkeys(each.name for each in things.versions)),
        *(look_through(project, folder) for project, folder in things.folders),
        *(show_folder(project, folder) for project, folder in things.folders),
        *(each for project in dict.fromkeys(each for each, _ in things.folders) for each in folder_actions(project)),
        *(action for project in things.projects for action in project_actions(project)),
        *(action for server in things.servers for action in server_actions(server)),
        *(reach_image_registry(host) for host in things.image_registries),
        *(project_entry(project) for project in things.projects),
        *model_entries(things.versions),
        *(server_entry(server) for server in things.servers),
    ]


def _newest(versions: Sequence[ModelVersion]) -> list[ModelVersion]:
    """The newest of each model, and of the rest so many that all are looked through between two keys. The others are
    on the Models page."""
    by_name: dict[str, int] = {}
    for each in versions:
        by_name[each.name] = max(each.version, by_name.get(each.name, 0))
    rest = sorted((each for each in versions if each.version != by_name[each.name]), key=lambda each: each.created)
    kept = {id(each) for each in rest[-_VERSIONS:]}
    return [each for each in versions if each.version == by_name[each.name] or id(each) in kept]


def window_actions() -> list[Action]:
    """What can be done from anywhere; those with a shortcut are listed in Help."""
    theme = tr("Appearance"), tr("theme colours mode look")
    return [
        Action(Kind.ACTION, tr("Find anything and do anything"), Command.PALETTE, "search", shortcut="Ctrl+K"),
        bring_in(),
        make_project(),
        put_any_live(),
        add_model_file(),
        check_package(),
        find_anything(),
        restore_what(),
        check_for_damage(),
        add_server(),
        guide(),
        try_sample(),
        name_version(),
        merge_branches(),
        remove_content(),
        open_trash(),
        choose_workspace(),
        add_image_registry(),
        refresh_base_images(),
        open_log(),
        save_diagnostics(),
        Action(Kind.ACTION, tr("Rebuild the workspace's index"), Command.REBUILD, "refresh", also=tr("repair mend")),
        Action(
            Kind.ACTION, tr("Show or hide the Tasks panel"), Command.TASKS, "tasks", shortcut="Ctrl+T", useful=True,
            where=tr("What is being done, and what was"), also=tr("progress jobs cancel running"),
        ),
        Action(Kind.ACTION, tr("Back"), Command.BACK, "back", shortcut="Alt+Left", where=tr("The page before")),
        Action(Kind.ACTION, tr("Forward"), Command.FORWARD, "forward", shortcut="Alt+Right"),
        Action(
            Kind.ACTION, tr("Help and shortcuts"), Command.HELP, "help", shortcut="F1", also=tr("keys keyboard words")
        ),
        Action(Kind.ACTION, tr("Use the light theme"), UseTheme("light"), "settings", "", *theme),
        Action(Kind.ACTION, tr("Use the dark theme"), UseTheme("dark"), "settings", "", *theme),
        Action(Kind.ACTION, tr("Follow the system's theme"), UseTheme("system"), "settings", "", *theme),
        Action(
            Kind.ACTION, tr("Quit Kronkers Studio"), Command.QUIT, "close", shortcut="Ctrl+Q",
            also=tr("exit end close the window"),
        ),
    ]  # fmt: skip


def open_log() -> Action:
    where, also = tr("What the program and the services wrote down"), tr("logs errors messages trouble debug")
    return Action(Kind.ACTION, tr("Open the log"), Command.LOG, "document", tr("Open the log"), where, also)


def save_diagnostics() -> Action:
    where = tr("A file for whoever helps you, without secrets")
    also = tr("support help zip report bug versions trouble log")
    title = tr("Save diagnostics …")
    return Action(Kind.ACTION, title, Command.DIAGNOSTICS, "archive", title, where, also)


def page_action(key: str, title: str, icon: str, position: int, about: str, also: str = "") -> Action:
    """The way to a page."""
    return Action(Kind.PAGE, title, ToPage(key), icon, where=about, also=also, shortcut=f"Ctrl+{position}")


def distinct(actions: Iterable[Action]) -> list[Action]:
    """Each title once, the first of it."""
    found: dict[str, Action] = {}
    for action in actions:
        found.setdefault(action.title, action)
    return list(found.values())

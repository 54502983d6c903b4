"""What can be done with servers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kronkers_studio.desktop.actions import Act, Action, Kind
from kronkers_studio.desktop.destinations import (
    AddServer,
    CheckServer,
    CleanServer,
    LogIn,
    RemoveServer,
    SetUpServer,
    ShowServerLog,
    TakeLockAway,
    ToPage,
)
from kronkers_studio.desktop.localization import tr
from kronkers_studio.desktop.offers.models import put_live_in
from kronkers_studio.domain.servers import Server

if TYPE_CHECKING:
    pass


def add_server() -> Action:
    where = tr("A computer of yours, reached over SSH")
    also = tr("connect host machine new remote")
    return Action(Kind.ACTION, tr("Add a server …"), AddServer(), "servers", where=where, also=also, useful=True)


def server_actions(server: Server) -> list[Action]:
    """All that can be done with a server."""
    first = [put_live_in(server.name), check_server(server), set_up_server(server)]
    return [*first, *more_for_server(server), remove_server(server)]


def check_server(server: Server) -> Action:
    return _about(server, tr("Check {server}"), tr("Check"), CheckServer(server.name), "shield", tr("test verify"))


def set_up_server(server: Server) -> Action:
    also = tr("prepare install swarm docker")
    return _about(server, tr("Set up {server}"), tr("Set up"), SetUpServer(server.name), "settings", also)


def remove_server(server: Server) -> Action:
    also = tr("delete forget disconnect")
    return _about(server, tr("Remove {server}"), tr("Remove"), RemoveServer(server.name), "trash", also)


def more_for_server(server: Server) -> list[Action]:
    """What is needed more rarely."""
    name = server.name
    return [
        _about(
            server, tr("Log in to {server} again …"), tr("Log in again …"), LogIn(name), "key", tr("password ssh key")
        ),
        _about(
            server, tr("Clean up {server} …"), tr("Clean up …"), CleanServer(name), "trash", tr("free disk space prune")
        ),
        _about(
            server,
            tr("See who has the lock of {server} …"),
            tr("See who has the lock …"),
            TakeLockAway(name),
            "lock",
            tr("unlock take the lock away busy"),
        ),
        _about(
            server,
            tr("See who changed what on {server} …"),
            tr("See who changed what …"),
            ShowServerLog(name),
            "history",
            tr("log audit events"),
        ),
    ]


def _about(server: Server, title: str, short: str, act: Act, icon: str, also: str) -> Action:
    words = title.format(server=server.name)
    return Action(Kind.ACTION, words, act, icon, short, server.address, also)


def server_entry(server: Server) -> Action:
    return Action(Kind.SERVER, server.name, ToPage("servers"), "servers", where=server.address)

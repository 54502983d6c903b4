"""Preparing a server for releases: a Swarm of one node, and the network that keeps services on the loopback address.

Swarm publishes a port on every address of the server unless the network says otherwise, so ours says so: a bridge
network of Swarm's scope, whose settings are those of a second, "config-only" network. See
docs/decisions/0004-ssh-and-swarm.md.
"""

from __future__ import annotations

import docker.errors

from kronkers_studio.deployment.engine import Engine, engine_errors, open_engine
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerError
from kronkers_studio.domain.progress import SILENT, Progress

NETWORK = "kronkers"
"""The network that services are attached to."""

_SETTINGS = "kronkers-settings"
_LOOPBACK = "127.0.0.1"
_OPTIONS = {
    "com.docker.network.bridge.host_binding_ipv4": _LOOPBACK,  # published ports listen there and nowhere else
    "com.docker.network.bridge.enable_icc": "false",  # services cannot talk to one another
    "com.docker.network.bridge.enable_ip_masquerade": "false",  # nor to the world outside
}
_LABELS = {"kronkers": "network"}


def set_up_server(connection: Connection, progress: Progress = SILENT) -> None:
    """Make the server ready for releases; does nothing where that is done already.

    Raises ``EngineUnavailable``, or ``ServerError`` when the server's Swarm is somebody else's or locked.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "preparing the server for releases"):
        if not _is_manager(connection, engine):
            progress.note(f"Starting a Swarm of one node on {connection.server.name}")
            _start_swarm(engine)
        _make_networks(connection, engine)


def listens_on_loopback_only(engine: Engine) -> bool:
    """Whether the settings of our network, and every port that services on it have, keep to the loopback address."""
    if not _settings_are_ours(engine):
        return False
    containers = engine.containers(filters={"label": "kronkers.model"})
    addresses = {port.get("IP") for container in containers for port in container.get("Ports") or () if "IP" in port}
    return addresses <= {_LOOPBACK}


def node_id(engine: Engine) -> str:
    """This server's id in its Swarm: releases are bound to it."""
    return str(engine.info()["Swarm"]["NodeID"])


def _is_manager(connection: Connection, engine: Engine) -> bool:
    swarm = engine.info().get("Swarm", {})
    state = swarm.get("LocalNodeState", "inactive")
    name = connection.server.name
    if state == "active" and not swarm.get("ControlAvailable"):
        raise ServerError(
            f"{name} is a worker in another Docker Swarm.",
            next_step="Use that Swarm's manager as the server, or let the administrator take this one out "
            "(docker swarm leave).",
        )
    if state in ("locked", "error"):
        raise ServerError(
            f"The Docker Swarm of {name} is in the state “{state}”.",
            next_step="Ask the server's administrator to unlock or repair it (docker swarm unlock; docker info).",
            details=str(swarm.get("Error", "")),
        )
    return str(state) == "active"


def _start_swarm(engine: Engine) -> None:
    """One node that talks to nobody: its own ports are on the loopback address as well."""
    try:
        engine.init_swarm(advertise_addr=_LOOPBACK, listen_addr=f"{_LOOPBACK}:2377")
    except docker.errors.APIError as error:
        if "already part of a swarm" not in str(error):  # somebody else was a moment quicker: as good
            raise


def _make_networks(connection: Connection, engine: Engine) -> None:
    _make_network(
        engine, {"Name": _SETTINGS, "ConfigOnly": True, "Driver": "bridge", "Options": _OPTIONS, "Labels": _LABELS}
    )
    _make_network(
        engine,
        {
            "Name": NETWORK,
            "Driver": "bridge",
            "Scope": "swarm",
            "ConfigFrom": {"Network": _SETTINGS},  # with this, it may say nothing more of itself
        },
    )
    if not _settings_are_ours(engine):
        raise ServerError(
            f"{connection.server.name} has a network called “{_SETTINGS}” that is not ours.",
            next_step=f"Ask the server's administrator to remove it: docker network rm {NETWORK} {_SETTINGS}",
        )


def _settings_are_ours(engine: Engine) -> bool:
    try:
        options = engine.inspect_network(_SETTINGS).get("Options") or {}
    except docker.errors.NotFound:
        return False
    return all(options.get(name) == value for name, value in _OPTIONS.items())


def _make_network(engine: Engine, definition: dict[str, object]) -> None:
    name = str(definition["Name"])
    if any(network["Name"] == name for network in engine.networks(names=[name])):
        return
    try:
        engine.create_raw_network({**definition, "CheckDuplicate": True})
    except docker.errors.APIError as error:
        if error.status_code != 409 and "already exists" not in str(error):
            raise

"""Preparing a server for releases: a Swarm of one node whose services listen on the loopback address only.

Swarm publishes ports through the bridge network docker_gwbridge, on every address of the server unless that network
says otherwise. It may be made before the Swarm is, so ours says otherwise. Besides, engines before Docker 28 pass on
what a neighbour on the server's own network segment addresses to a container; so containers get a default gateway that
does not exist, and can answer nobody but the server. See docs/decisions/0004-ssh-and-swarm.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import docker.errors

from kronkers_studio.deployment.engine import Engine, engine_errors, open_engine
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.errors import ServerError
from kronkers_studio.domain.progress import SILENT, Progress

_GATEWAY = "docker_gwbridge"  # the name is Swarm's
_LOOPBACK = "127.0.0.1"
_OPTIONS = {
    "com.docker.network.bridge.name": _GATEWAY,
    "com.docker.network.bridge.host_binding_ipv4": _LOOPBACK,  # published ports listen there and nowhere else
    "com.docker.network.bridge.enable_icc": "false",
    "com.docker.network.bridge.enable_ip_masquerade": "false",
}
_DEAD_END = "DefaultGatewayIPv4"
_PROBE = "kronkers-probe"
_LABELS = {"kronkers": "network"}
_NO_SWARM = "inactive"


def set_up_server(connection: Connection, progress: Progress = SILENT) -> None:
    """Make the server ready for releases; does nothing where that is done already.

    Raises ``EngineUnavailable``, or ``ServerError`` when the server has a Swarm that is not ours, or a locked one.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "preparing the server for releases"):
        if not _is_manager(connection, engine):
            progress.note(f"Starting a Swarm of one node on {connection.server.name}")
            _make_gateway(engine)
            _start_swarm(engine)
        _require_our_gateway(connection, engine)


def is_set_up(engine: Engine) -> bool:
    """Whether releases can be made as it is."""
    return has_swarm(engine) and _has_network(engine, _GATEWAY)


def has_swarm(engine: Engine) -> bool:
    """Whether there can be services at all: not before the first release, nor after the Swarm was dissolved."""
    return bool((engine.info().get("Swarm") or {}).get("ControlAvailable"))


def listens_on_loopback_only(engine: Engine) -> bool:
    """Whether the settings of the Swarm's bridge, and every port of our services, keep to the loopback address."""
    if not _gateway_is_ours(engine):
        return False
    containers = engine.containers(filters={"label": "kronkers.model"})
    addresses = {port.get("IP") for container in containers for port in container.get("Ports") or () if "IP" in port}
    return addresses <= {_LOOPBACK}


def node_id(engine: Engine) -> str:
    """This server's id in its Swarm: releases are bound to it."""
    return str((engine.info().get("Swarm") or {}).get("NodeID", ""))


def _is_manager(connection: Connection, engine: Engine) -> bool:
    swarm = engine.info().get("Swarm") or {}
    state = _state_of(swarm)
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
    return state == "active"


def _state_of(swarm: Mapping[str, Any]) -> str:
    return str(swarm.get("LocalNodeState") or _NO_SWARM)


def _start_swarm(engine: Engine) -> None:
    """One node that talks to nobody: its own ports are on the loopback address as well."""
    try:
        engine.init_swarm(advertise_addr=_LOOPBACK, listen_addr=f"{_LOOPBACK}:2377")
    except docker.errors.APIError:
        if _state_of(engine.info().get("Swarm") or {}) == _NO_SWARM:
            raise
        # somebody else was a moment quicker: as good


def _make_gateway(engine: Engine) -> None:
    """The bridge that Swarm publishes ports through; an idle one that an earlier Swarm left is replaced."""
    if _has_network(engine, _GATEWAY):
        if _gateway_is_ours(engine):
            return
        engine.remove_network(_GATEWAY)
    _make_network(
        engine,
        {
            "Name": _GATEWAY,
            "Driver": "bridge",
            "Options": _OPTIONS,
            "Labels": _LABELS,
            "IPAM": {"Config": [_addresses(engine)]},
        },
    )


def _require_our_gateway(connection: Connection, engine: Engine) -> None:
    if not _gateway_is_ours(engine):
        raise ServerError(
            f"{connection.server.name} has a Docker Swarm that Kronkers Studio did not set up: the ports of releases "
            "would be open to its network.",
            next_step="Use a server without a Swarm, or let the administrator dissolve this one if nobody needs it "
            "(docker swarm leave --force).",
        )


def _gateway_is_ours(engine: Engine) -> bool:
    try:
        found = engine.inspect_network(_GATEWAY)
    except docker.errors.NotFound:
        return False
    options = found.get("Options") or {}
    pools = found.get("IPAM", {}).get("Config") or [{}]
    return all(options.get(name) == value for name, value in _OPTIONS.items()) and all(
        _DEAD_END in (pool.get("AuxiliaryAddresses") or {}) for pool in pools
    )


def _addresses(engine: Engine) -> dict[str, object]:
    """A subnet that the engine finds free, and in it a default gateway that nobody will ever be."""
    engine.create_network(_PROBE, driver="bridge")
    try:
        subnet = engine.subnet_of(_PROBE)
    finally:
        engine.remove_network(_PROBE)
    return {
        "Subnet": str(subnet),
        "Gateway": str(subnet[1]),
        "AuxiliaryAddresses": {_DEAD_END: str(subnet[-2])},
    }


def _has_network(engine: Engine, name: str) -> bool:
    return any(network["Name"] == name for network in engine.networks(names=[name]))  # which matches parts of names


def _make_network(engine: Engine, definition: dict[str, object]) -> None:
    try:
        engine.create_raw_network({**definition, "CheckDuplicate": True})
    except docker.errors.APIError:
        if not _has_network(engine, str(definition["Name"])):
            raise
        # somebody else was a moment quicker: as good

"""A release's network that its engine cannot join any more, replaced by a new one.

An engine that starts may prepare a task before its Swarm is active. The task fails half-way and leaves an interface
that bears the number of the release's network; from then on every task of that release is refused: "error creating
vxlan interface: file exists" (Docker 20.10, one engine start in about fifteen on a busy computer;
moby/libnetwork#1765). A network of another number is not in its way.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

import docker.errors

from kronkers_studio.deployment.engine import Engine
from kronkers_studio.deployment.swarm_tasks import tasks_of

_REFUSED = "error creating vxlan interface: file exists"
"""The engine has only words for it."""


def renew_unusable_network(engine: Engine, service: dict[str, Any]) -> bool:
    """Give ``service``, as the engine inspects it, a new network when its last task was refused for the old one;
    whether that was so. The Swarm starts it by itself then."""
    template = service["Spec"]["TaskTemplate"]
    networks = _targets(template)
    refused = [task for task in tasks_of(engine, service["ID"]) if _REFUSED in str(task["Status"].get("Err", ""))]
    if len(networks) != 1 or not refused or _targets(refused[0].get("Spec", {})) != networks:
        return False
    labels = engine.inspect_network(networks[0]).get("Labels") or {}
    definition = {
        "Name": f"{service['Spec']['Name']}-{secrets.token_hex(2)}",
        "Driver": "overlay",
        "Labels": labels,
        "CheckDuplicate": True,
    }
    new = engine.create_raw_network(definition)
    try:
        engine.update_service(
            service["ID"],
            service["Version"]["Index"],
            name=service["Spec"]["Name"],
            labels=service["Spec"].get("Labels"),
            task_template={**template, "Networks": [{"Target": new}]},
            mode=service["Spec"].get("Mode"),
            endpoint_spec=service["Spec"].get("EndpointSpec"),
        )
    except docker.errors.APIError:  # somebody else has just changed it
        engine.remove_network(new)
    return True


def _targets(template: Mapping[str, Any]) -> list[str]:
    return [str(network.get("Target")) for network in template.get("Networks") or ()]

"""What is on a server and no release of a workspace needs any more: services, secrets, networks, volumes and images.

Only what bears the workspace's own label is ever looked at, and of images only those of the workspace's own packages,
under the names that releases give them, that no service or container of anybody uses.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import docker.errors

from kronkers_studio.deployment.deploy_lock import deploy_lock, require_lock
from kronkers_studio.deployment.engine import Engine, engine_errors, open_engine
from kronkers_studio.deployment.releases import bears, remove_network, remove_parts, remove_volume
from kronkers_studio.deployment.service_definition import SERVICE_LABEL, WORKSPACE_LABEL
from kronkers_studio.deployment.setup import has_swarm
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.domain.image_contract import image_name_of
from kronkers_studio.domain.servers import Leftover, LeftoverKind

_CONFLICT = 409  # the engine's answer when an image is in use

_JUST_BROUGHT = timedelta(minutes=15)
"""An image that somebody named less long ago may be one that is about to be released."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a workspace's history says: the ``services`` that are needed, those that are ``past``, and the names of its
    packages' ``images`` (``image_contract.image_tag``); of these, ``ended`` are known to be in nobody's hands."""

    services: frozenset[str]
    past: frozenset[str]
    images: frozenset[str]
    ended: frozenset[str]


def find_leftovers(connection: Connection, workspace: str, needs: Callable[[], Needs]) -> list[Leftover]:
    """What of ``workspace`` (its id) is on the server and not needed.

    ``needs`` is asked after the server: what is seen there was in the history before.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "looking for what nobody needs"):
        if not has_swarm(engine):
            return []
        mine = {"label": f"{WORKSPACE_LABEL}={workspace}"}
        there = [
            (LeftoverKind.SERVICE, each["ID"], _name(each), _name(each))
            for each in engine.services(filters=mine)
            if bears(each["Spec"], WORKSPACE_LABEL, workspace)
        ]
        for each in engine.secrets(filters=mine):
            if bears(each["Spec"], WORKSPACE_LABEL, workspace):
                there.append((LeftoverKind.SECRET, each["ID"], each["Spec"]["Name"], _belongs_to(each["Spec"])))
        for each in engine.networks(filters=mine):
            if bears(each, WORKSPACE_LABEL, workspace) and _is_swarms(engine, each["Id"]):
                there.append((LeftoverKind.NETWORK, each["Id"], each["Name"], _belongs_to(each)))
        for each in engine.volumes(filters=mine):
            if bears(each, WORKSPACE_LABEL, workspace):
                there.append((LeftoverKind.VOLUME, each["Name"], each["Name"], _belongs_to(each)))
        wanted = needs()
        found = [
            Leftover(kind, id, name, known=service in wanted.past)
            for kind, id, name, service in there
            if service not in wanted.services
        ]
        return found + _unused_images(engine, {item.id for item in found}, set(wanted.images), set(wanted.ended))


def remove_leftovers(
    connection: Connection, leftovers: Sequence[Leftover], purpose: str = "clean up"
) -> list[Leftover]:
    """Remove them under the deploy lock; those that are gone. What is in use again, or still, stays.

    Raises ``ServerBusy`` while somebody else changes releases there.
    """
    if not leftovers:
        return []
    engine = open_engine(connection)
    removed = []
    with deploy_lock(connection, purpose) as lock, engine_errors(connection, "removing what nobody needs"):
        for leftover in leftovers:
            require_lock(connection, lock)
            if _removed(engine, leftover):
                removed.append(leftover)
    return removed


def _removed(engine: Engine, leftover: Leftover) -> bool:
    if leftover.kind is LeftoverKind.SERVICE:
        remove_parts(engine, leftover.name)
    elif leftover.kind is LeftoverKind.NETWORK:
        return remove_network(engine, leftover.id)
    elif leftover.kind is LeftoverKind.VOLUME:
        return remove_volume(engine, leftover.id)
    elif leftover.kind is LeftoverKind.SECRET:
        with contextlib.suppress(docker.errors.NotFound):
            engine.remove_secret(leftover.id)
    else:
        return _image_removed(engine, leftover.id)
    return True


def _image_removed(engine: Engine, id: str) -> bool:
    try:
        names = engine.inspect_image(id).get("RepoTags") or ()
        for name in sorted(names, key=len):  # the longest last: it is the one that an image in use is known by later
            engine.remove_image(name)  # with its last name goes the image; not by force, so not one in use
    except docker.errors.ImageNotFound:
        return True
    except docker.errors.APIError as error:
        if error.status_code != _CONFLICT:
            raise
        return False
    return True


def _unused_images(engine: Engine, gone: Collection[str], tags: set[str], over: set[str]) -> list[Leftover]:
    used = {_image_of(service) for service in engine.services() if service["ID"] not in gone}
    used |= {
        container["ImageID"]
        for container in engine.containers(all=True)
        if container.get("Labels", {}).get("com.docker.swarm.service.id") not in gone and not _has_ended(container)
    }
    own = {*tags, *map(image_name_of, tags)}
    found = []
    for summary in engine.images():
        names = [name for name in summary.get("RepoTags") or () if name != "<none>:<none>"]
        if not own.issuperset(names) or not tags.intersection(names) or summary["Id"] in used:
            continue
        if not over.intersection(names) and _just_brought(engine, summary["Id"]):
            continue
        found.append(Leftover(LeftoverKind.IMAGE, summary["Id"], names[0], _size_of_its_own(engine, summary)))
    return found


def _is_swarms(engine: Engine, network: str) -> bool:
    """Whether Swarm has it. The engine lists one that Swarm has forgotten until its last container has ended."""
    try:
        engine.inspect_network(network, scope="swarm")
    except docker.errors.NotFound:
        return False
    return True


def _has_ended(container: Mapping[str, Any]) -> bool:
    """Swarm keeps ended containers of earlier lives for a while; their service, if it is there, names the image."""
    return container.get("State") in ("exited", "dead", "created") and "com.docker.swarm.service.id" in (
        container.get("Labels") or {}
    )


def _just_brought(engine: Engine, id: str) -> bool:
    named = str(engine.inspect_image(id).get("Metadata", {}).get("LastTagTime", ""))
    now = str(engine.info().get("SystemTime", ""))
    try:
        return _moment(now) - _moment(named) < _JUST_BROUGHT
    except ValueError:  # an engine that does not say
        return True


def _moment(text: str) -> datetime:
    """From the engine's own form, which has nanoseconds. Raises ``ValueError``."""
    found = re.fullmatch(r"(.{19})(?:\.\d+)?(Z|[+-]\d\d:\d\d)", text)
    if found is None:
        raise ValueError(text)
    return datetime.fromisoformat(found[1] + found[2].replace("Z", "+00:00"))


def _size_of_its_own(engine: Engine, summary: Mapping[str, Any]) -> int:
    """The bytes that no other image shares."""
    for image in engine.df().get("Images") or ():
        if image["Id"] == summary["Id"]:
            return max(0, int(image.get("Size", 0)) - max(0, int(image.get("SharedSize", 0))))
    return int(summary.get("Size", 0))


def _image_of(service: Mapping[str, Any]) -> str:
    return str(service["Spec"]["TaskTemplate"].get("ContainerSpec", {}).get("Image", ""))


def _name(service: Mapping[str, Any]) -> str:
    return str(service["Spec"]["Name"])


def _belongs_to(labelled: Mapping[str, Any]) -> str:
    return str((labelled.get("Labels") or {}).get(SERVICE_LABEL, ""))

"""Is what runs as locked in as it was asked to be? Engines drop settings that they do not know without a word."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kronkers_studio.deployment.service_definition import USER


def weaknesses(container: Mapping[str, Any], process_statuses: Sequence[str]) -> list[str]:
    """What is not as it should be, as half-sentences; empty when all is well.

    ``container`` is the engine's inspection; ``process_statuses`` the texts of /proc/<pid>/status of its processes but
    the first, which is the engine's own init; those that could not be read are left out.
    """
    host = container["HostConfig"]
    network = container["NetworkSettings"]
    found = []
    if str(container["Config"].get("User", "")).split(":")[0] != USER:
        found.append(f"it runs as “{container['Config'].get('User') or 'root'}”")
    if not host.get("ReadonlyRootfs"):
        found.append("its file system can be written to")
    if "ALL" not in (host.get("CapDrop") or ()) or host.get("CapAdd") or host.get("Privileged"):
        found.append("it has kept capabilities")
    if not host.get("Init"):
        found.append("it has no init process")
    if not host.get("Memory"):
        found.append("its memory is not limited")
    if not host.get("PidsLimit"):
        found.append("its processes are not limited")
    if any("unconfined" in option for option in host.get("SecurityOpt") or ()):
        found.append("it is not confined")
    if any("NoNewPrivs:\t0" in status for status in process_statuses):
        found.append("it could gain new privileges")
    addresses = {
        binding.get("HostIp") for bindings in (network.get("Ports") or {}).values() for binding in bindings or ()
    }
    if addresses - {"127.0.0.1"}:
        found.append("its port is open to the network")
    return found

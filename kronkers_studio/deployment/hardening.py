"""Is what runs as locked in as it was asked to be? Engines drop settings that they do not know without a word."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kronkers_studio.domain.image_contract import SERVICE_USER

_BOTH_FILTERS = 2  # the engine's and ours
_CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def weaknesses(container: Mapping[str, Any], process_statuses: Sequence[str]) -> list[str]:
    """What is not as it should be, as half-sentences; empty when all is well.

    ``container`` is the engine's inspection; ``process_statuses`` the texts of /proc/<pid>/status of its processes but
    the first, which is the engine's own init, and those that the engine itself runs in it to check its health. With
    none that could be read, nothing is known, which is a weakness.
    """
    host = container["HostConfig"]
    network = container["NetworkSettings"]
    found = []
    if str(container["Config"].get("User", "")).split(":")[0] != SERVICE_USER:
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
    if not host.get("NanoCpus") and not host.get("CpuQuota"):
        found.append("its use of the processor is not limited")
    if any("unconfined" in option for option in host.get("SecurityOpt") or ()):
        found.append("it is not confined")
    found += _weaknesses_of_processes([_facts(status) for status in process_statuses])
    addresses = {
        binding.get("HostIp") for bindings in (network.get("Ports") or {}).values() for binding in bindings or ()
    }
    if addresses - {"127.0.0.1"}:
        found.append("its port is open to the network")
    return found


def descendants(parents: Mapping[int, int], first: int) -> list[int]:
    """The processes that ``first`` started, directly or not; ``parents`` says whose child each is."""
    found: list[int] = []
    for pid in sorted(parents):
        above, seen = parents[pid], {pid}
        while above in parents and above != first and above not in seen:
            seen.add(above)
            above = parents[above]
        if above == first and pid != first:
            found.append(pid)
    return found


def whole(text: str) -> int | None:
    """A number as the kernel writes it; None when it is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def _weaknesses_of_processes(processes: Sequence[Mapping[str, str]]) -> list[str]:
    if not processes:
        return ["what the kernel allows its processes could not be read"]
    found = []
    if any(facts.get("NoNewPrivs") != "1" for facts in processes):
        found.append("it could gain new privileges")
    if any(facts.get("Seccomp") != "2" for facts in processes):
        found.append("its system calls are not filtered")
    elif any((whole(facts.get("Seccomp_filters", "2")) or 0) < _BOTH_FILTERS for facts in processes):
        found.append("it could open connections")  # kernels before 5.9 do not count the filters
    if any(facts.get(name, "f").strip("0") for facts in processes for name in _CAPABILITIES):
        found.append("it has kept capabilities")
    return found


def _facts(status: str) -> dict[str, str]:
    return {name: value.strip() for name, _, value in (line.partition(":") for line in status.splitlines())}

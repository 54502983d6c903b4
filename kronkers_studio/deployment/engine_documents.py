"""What a Docker engine answers, turned into values that can be relied on.

An engine is another computer's program: it may be broken, of another make, or lie. So each document is declared here
with the type of all that is used of it. What is not declared is left out, what is declared and absent (or null) must be
optional, and text is what a terminal can show. Whoever asks the engine through ``engine.Engine`` gets such documents
and nothing else.
"""

from __future__ import annotations

import ipaddress
import json
import re
from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any], Any]
"""Gives the value as it is used, or raises ``Unusable``."""

_MOST_TEXT = 4096
_MOST_ITEMS = 50_000
_MOST_PARTS = 1_500_000
"""Values and containers in one answer: each takes up to a hundred bytes of memory."""

_DEEPEST = 40
_LARGEST = 2**63


class Unusable(Exception):
    """An answer is not what it should be; the text says where and in what way."""


def parsed(answer: bytes) -> Any:
    """The JSON value in ``answer``. Raises ``Unusable``."""
    if sum(answer.count(sign) for sign in (b"[", b"{", b",")) > _MOST_PARTS:
        raise Unusable("it has too many parts")
    try:
        return json.loads(answer.decode("utf-8"), parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Unusable("it is not JSON") from None


def _no_number(name: str) -> Any:
    raise ValueError(name)


def plain(said: str, most: int = _MOST_TEXT) -> str:
    """Words of a stranger on one line: what a terminal cannot show is left out, and they have an end."""
    return " ".join("".join(c if c.isprintable() else " " for c in said[: 2 * most]).split())[:most]


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise Unusable("it is no text")
    return "".join(c for c in value[:_MOST_TEXT] if c.isprintable())


def number(value: Any) -> int:
    if type(value) is not int or not -_LARGEST <= value < _LARGEST:
        raise Unusable("it is no whole number")
    return value


def port(value: Any) -> int:
    if not 0 <= number(value) < 2**16:
        raise Unusable("it is no port")
    return int(value)


def flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise Unusable("it is neither true nor false")
    return value


def version(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[0-9]{1,4}\.[0-9]{1,4}", value):
        raise Unusable("it is no version")
    return value


def anything(value: Any) -> Any:
    """What is only ever given back to the same engine."""
    _require_shallow(value, _DEEPEST)
    return value


def many(check: Check) -> Check:
    def checked(value: Any) -> list[Any]:
        if not isinstance(value, list):
            raise Unusable("it is no list")
        if len(value) > _MOST_ITEMS:
            raise Unusable("it is too long a list")
        return [_at(f"[{position}]", check, each) for position, each in enumerate(value)]

    return checked


def table(check: Check) -> Check:
    """An object with any names."""

    def checked(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unusable("it is no object")
        return {text(name): _at(text(name), check, each) for name, each in value.items()}

    return checked


def document(
    required: Mapping[str, Check], optional: Mapping[str, Check] | None = None, *, rest: bool = False
) -> Check:
    """An object with these names. With ``rest`` others are kept as they are, to be given back."""
    known = {**required, **(optional or {})}

    def checked(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise Unusable("it is no object")
        missing = [name for name in required if value.get(name) is None]
        if missing:
            raise Unusable(f"it has no {missing[0]}")
        found = {name: anything(each) for name, each in value.items() if rest and name not in known}
        for name, check in known.items():
            if value.get(name) is not None:
                found[name] = _at(name, check, value[name])
        return found

    return checked


_texts = many(text)
_labels = table(text)

VERSION = document(
    {"ApiVersion": version}, {"MinAPIVersion": version, "Components": many(document({}, {"Name": text}))}
)

INFO = document(
    {},
    {
        "Name": text,
        "Swarm": document(
            {},
            {
                "LocalNodeState": text,
                "ControlAvailable": flag,
                "NodeID": text,
                "Nodes": number,
                "Error": text,
            },
        ),
        "Driver": text,
        "DockerRootDir": text,
        "Architecture": text,
        "ServerVersion": text,
        "SecurityOptions": _texts,
        "SystemTime": text,
        "NCPU": number,
        "MemTotal": number,
    },
)

SERVICE = document(
    {
        "ID": text,
        "Version": document({"Index": number}),
        "Spec": document(
            {
                "Name": text,
                "TaskTemplate": document({}, {"ContainerSpec": document({}, {"Image": text}, rest=True)}, rest=True),
            },
            {
                "Labels": _labels,
                "Mode": document({}, {"Replicated": document({}, {"Replicas": number})}),
                "EndpointSpec": document(
                    {}, {"Ports": many(document({}, {"PublishedPort": port}, rest=True))}, rest=True
                ),
            },
        ),
    }
)
SERVICES = many(SERVICE)

TASKS = many(
    document(
        {
            "ID": text,
            "Status": document(
                {"State": text},
                {
                    "Err": text,
                    "ContainerStatus": document({}, {"ContainerID": text, "ExitCode": number}),
                },
            ),
        },
        {
            "CreatedAt": text,
            "Spec": document(
                {},
                {
                    "Resources": document({}, {"Limits": document({}, {"MemoryBytes": number})}),
                    "Networks": many(document({}, {"Target": text})),
                },
            ),
        },
    )
)

CONTAINER = document(
    {
        "Id": text,
        "Config": document({}, {"User": text, "Entrypoint": _texts, "Tty": flag}),
        "HostConfig": document(
            {},
            {
                "ReadonlyRootfs": flag,
                "CapDrop": _texts,
                "CapAdd": _texts,
                "Privileged": flag,
                "Init": flag,
                "Memory": number,
                "PidsLimit": number,
                "NanoCpus": number,
                "CpuQuota": number,
                "SecurityOpt": _texts,
            },
        ),
        "NetworkSettings": document(
            {}, {"Ports": table(lambda value: None if value is None else many(document({}, {"HostIp": text}))(value))}
        ),
        "State": document(
            {"Running": flag},
            {"Pid": number, "OOMKilled": flag, "ExitCode": number, "Health": document({}, {"Status": text})},
        ),
    }
)
CONTAINERS = many(
    document({"ImageID": text}, {"Labels": _labels, "State": text, "Ports": many(document({}, {"IP": text}))})
)

IMAGE = document(
    {"Id": text},
    {
        "RepoTags": _texts,
        "RootFS": document({}, {"Layers": _texts}),
        "Metadata": document({}, {"LastTagTime": text}),
        "Config": document({}, {"Entrypoint": _texts, "Healthcheck": document({}, {"Test": _texts}, rest=True)}),
    },
)
IMAGES = many(document({"Id": text}, {"RepoTags": _texts, "Size": number}))

_NETWORK = {
    "Id": text,
    "Name": text,
}
_OF_NETWORK = {
    "Labels": _labels,
    "Options": _labels,
    "IPAM": document({}, {"Config": many(document({}, {"Subnet": text, "AuxiliaryAddresses": _labels}))}),
}
NETWORK = document(_NETWORK, _OF_NETWORK)
NETWORKS = many(NETWORK)

SECRETS = many(document({"ID": text, "Spec": document({"Name": text}, {"Labels": _labels})}))

ENDED = document({"ExitCode": number})

VOLUMES = document({}, {"Volumes": many(document({"Name": text}, {"Labels": _labels}))})

USAGE = document({}, {"Images": many(document({"Id": text}, {"Size": number, "SharedSize": number}))})

PROGRESS = document({}, {"error": text, "stream": text})

_PROCESSES = document({"Processes": many(_texts)})

CREATED = document({}, {"ID": text, "Id": text})


def parents(answer: Any) -> dict[int, int]:
    """From what the engine says of a container's processes (pid and parent): whose child each is."""
    found: dict[int, int] = {}
    for row in _PROCESSES(answer)["Processes"]:
        numbers = [int(each) for each in row if re.fullmatch(r"[0-9]{1,9}", each)]
        if len(row) != 2 or len(numbers) != 2:
            raise Unusable("its processes have no numbers")
        found[numbers[0]] = numbers[1]
    return found


def subnet(network: Mapping[str, Any]) -> ipaddress.IPv4Network:
    """The first subnet of a ``NETWORK``, which has room for some addresses. Raises ``Unusable``."""
    pools: list[Any] = network.get("IPAM", {}).get("Config") or []
    try:
        found = ipaddress.IPv4Network(pools[0]["Subnet"])
    except (IndexError, KeyError, ValueError):
        raise Unusable("its network has no subnet") from None
    if found.num_addresses < 8:
        raise Unusable("its network has no room")
    return found


def published_port(service: Mapping[str, Any]) -> int:
    """The port that a ``SERVICE`` of ours is published on. Raises ``Unusable``."""
    ports: list[Any] = service["Spec"].get("EndpointSpec", {}).get("Ports") or []
    if len(ports) != 1 or not ports[0].get("PublishedPort"):
        raise Unusable("the service has no port")
    return int(ports[0]["PublishedPort"])


def message(answer: bytes) -> str:
    """Why the engine refuses something, in its own words."""
    try:
        said = document({"message": text})(parsed(answer))["message"]
    except Unusable:
        said = answer[:_MOST_TEXT].decode("utf-8", "replace")
    return plain(str(said), 500)


def _at(name: str, check: Check, value: Any) -> Any:
    try:
        return check(value)
    except Unusable as problem:
        raise Unusable(f"{name[:60]}: {problem}") from None


def _require_shallow(value: Any, levels: int) -> None:
    if levels == 0:
        raise Unusable("it is nested too deep")
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _require_shallow(each, levels - 1)

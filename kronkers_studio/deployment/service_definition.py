"""What a release is for Swarm, as data: one replica of one image, hardened, healthy or replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kronkers_studio.deployment.setup import NETWORK

USER = "65532"
"""The user that services run as: nobody on any server."""

SERVICE_PORT = 8080
"""The port that the serving program listens on, inside."""

_SECOND = 1_000_000_000
_NO_NEW_PRIVILEGES_API = (1, 44)
"""Docker 25 can be told; older engines cannot in a Swarm service."""

_GIVE_UP_PRIVILEGES = (
    "import ctypes,os,sys;"
    "sys.exit('cannot give up privileges') if ctypes.CDLL(None).prctl(38,1,0,0,0) else None;"  # PR_SET_NO_NEW_PRIVS
    "os.execvp(sys.argv[1],sys.argv[1:])"
)


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One release. ``image`` is the image's config digest (``sha256:…``), ``package`` the manifest's.

    ``memory`` in bytes and ``cpus`` in cores are upper limits, not reservations.
    """

    model: str
    version: int
    number: int
    image: str
    package: str
    memory: int = 2 << 30
    cpus: float = 2.0
    processes: int = 512

    @property
    def label(self) -> str:
        """``churn r3``"""
        return f"{self.model} r{self.number}"


def service_name(spec: ServiceSpec) -> str:
    """``<model>-r<number>``, in the letters that engines allow, at most 60 of them."""
    model = re.sub(r"[^a-z0-9]+", "-", spec.model.lower()).strip("-") or "model"
    end = f"-r{spec.number}"
    return model[: 60 - len(end)].rstrip("-") + end


def service_definition(
    spec: ServiceSpec, *, image_id: str, image: Mapping[str, Any], port: int, node: str, api: tuple[int, ...]
) -> dict[str, Any]:
    """The arguments of the SDK's ``create_service``, but for the name.

    ``image`` is the engine's inspection of the image; ``port`` the one to publish on the loopback address; ``node`` the
    Swarm's id of the server; ``api`` the version of the engine's interface.
    """
    labels = {
        "kronkers.model": spec.model,
        "kronkers.version": str(spec.version),
        "kronkers.release": str(spec.number),
        "kronkers.package": spec.package,
    }
    container: dict[str, Any] = {
        "Image": image_id,  # by id: the engine then neither asks a registry nor takes another image of that name
        "Labels": labels,
        "User": f"{USER}:{USER}",
        "ReadOnly": True,
        "Init": True,
        "CapabilityDrop": ["ALL"],
        "StopGracePeriod": 10 * _SECOND,
        "Mounts": [
            {"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 256 << 20, "Mode": 0o1777}}  # noqa: S108
        ],
        "Healthcheck": _health_check(image, api),
    }
    if api >= _NO_NEW_PRIVILEGES_API:
        container["Privileges"] = {"NoNewPrivileges": True}
    else:
        container["Command"] = _without_new_privileges(image["Config"])
    return {
        "task_template": {
            "ContainerSpec": container,
            "Networks": [{"Target": NETWORK}],
            "Placement": {"Constraints": [f"node.id=={node}"]},
            "Resources": {
                "Limits": {
                    "MemoryBytes": spec.memory,
                    "NanoCPUs": int(spec.cpus * _SECOND),
                    "Pids": spec.processes,
                }
            },
            "RestartPolicy": {"Condition": "any", "Delay": 5 * _SECOND},
        },
        "labels": labels,
        "mode": {"Replicated": {"Replicas": 1}},
        "endpoint_spec": {
            "Mode": "dnsrr",
            "Ports": [
                {"Protocol": "tcp", "TargetPort": SERVICE_PORT, "PublishedPort": port, "PublishMode": "host"},
            ],
        },
    }


def _health_check(image: Mapping[str, Any], api: tuple[int, ...]) -> dict[str, Any]:
    """The image's own check. Engines before Docker 25 cannot look more often while it starts than they do later."""
    check = {**image["Config"]["Healthcheck"]}
    check.setdefault("Timeout", 5 * _SECOND)
    check.setdefault("Retries", 3)
    check.setdefault("StartPeriod", 60 * _SECOND)
    if api < _NO_NEW_PRIVILEGES_API:
        check.pop("StartInterval", None)
        check["Interval"] = 3 * _SECOND
    return check


def _without_new_privileges(configuration: Mapping[str, Any]) -> list[str] | None:
    """The image's command, started by a line of Python that gives up new privileges for good (every package has
    Python); None, which leaves the command as it is, when it does not start with Python."""
    entrypoint: Sequence[str] = configuration.get("Entrypoint") or ()
    if not entrypoint or not re.fullmatch(r"(.*/)?python[0-9.]*", entrypoint[0]):
        return None
    return [entrypoint[0], "-I", "-S", "-c", _GIVE_UP_PRIVILEGES, *entrypoint]

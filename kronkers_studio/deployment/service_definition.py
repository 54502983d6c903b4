"""What a release is for Swarm, as data: one replica of one image, hardened, healthy or replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kronkers_studio.deployment.network_denial import start_program
from kronkers_studio.domain.image_contract import RECORD_FOLDER, SERVICE_PORT, SERVICE_USER
from kronkers_studio.domain.recording import MOST_BYTES, Recording

_SECOND = 1_000_000_000
_NO_NEW_PRIVILEGES_API = (1, 44)
"""Docker 25 can be told; older engines cannot in a Swarm service."""

SECRET_FILE = "/run/secrets/kronkers"  # noqa: S105  # a path
"""Where the release's secret lies, inside."""

WORKSPACE_LABEL, SERVICE_LABEL = "kronkers.workspace", "kronkers.service"
"""What says whose a service, secret, network or volume is, and to which service all but the first belong."""


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """One release. ``image`` is the image's config digest (``sha256:…``), ``package`` the manifest's.

    ``service`` is what it is called on the server (see ``service_name``), ``workspace`` the id of the workspace that it
    belongs to, ``secret`` what both ends of a connection to it know. ``memory`` in bytes and ``cpus`` in cores are
    upper limits, not reservations. ``request_log`` is the share of requests that have a line in its log, ``workers``
    how many processes the model has beside the service's own, None for what suits it, ``recording`` what it keeps of
    its rows, in a volume of its own, sealed for ``recording_key`` (hexadecimal digits).
    """

    model: str
    version: int
    number: int
    image: str
    package: str
    service: str
    workspace: str
    secret: bytes = field(repr=False)
    memory: int = 2 << 30
    cpus: float = 2.0
    processes: int = 512
    request_log: float = 0.0
    workers: int | None = None
    recording: Recording | None = None
    recording_key: str = ""

    @property
    def label(self) -> str:
        """``churn r3``"""
        return f"{self.model} r{self.number}"


def service_name(model: str, number: int, nonce: str) -> str:
    """``<model>-r<number>-<the nonce's beginning>``, in the letters that engines allow, at most 60 of them.

    ``nonce`` (hex) makes it a name that no other release ever had or gets.
    """
    name = re.sub(r"[^a-z0-9]+", "-", model.lower()).strip("-") or "model"
    end = f"-r{number}-{nonce[:8]}"
    return name[: 60 - len(end)].rstrip("-") + end


def labels_of(spec: ServiceSpec) -> dict[str, str]:
    """What a service's secret, network and volume are labelled with."""
    return {WORKSPACE_LABEL: spec.workspace, SERVICE_LABEL: spec.service}


def service_definition(
    spec: ServiceSpec,
    *,
    image_id: str,
    image: Mapping[str, Any],
    port: int,
    node: str,
    network: str,
    secret: str,
    api: tuple[int, ...],
) -> dict[str, Any]:
    """The arguments of the SDK's ``create_service``.

    ``image`` is the engine's inspection of the image; ``port`` the one to publish on the loopback address; ``node`` the
    Swarm's id of the server; ``network`` and ``secret`` the ids of the release's own; ``api`` the version of the
    engine's interface.
    """
    labels = {
        WORKSPACE_LABEL: spec.workspace,
        "kronkers.model": spec.model,
        "kronkers.version": str(spec.version),
        "kronkers.release": str(spec.number),
        "kronkers.package": spec.package,
    }
    container: dict[str, Any] = {
        "Image": image_id,  # by id: the engine then neither asks a registry nor takes another image of that name
        "Labels": labels,
        "User": f"{SERVICE_USER}:{SERVICE_USER}",
        "ReadOnly": True,
        "Init": True,
        "CapabilityDrop": ["ALL"],
        "StopGracePeriod": 15 * _SECOND,
        "Mounts": [
            {"Type": "tmpfs", "Target": "/tmp", "TmpfsOptions": {"SizeBytes": 256 << 20, "Mode": 0o1777}},  # noqa: S108
            *([_volume(spec)] if spec.recording else []),
        ],
        "Healthcheck": _health_check(image, api),
        "Command": _without_connections(image["Config"]),
        "Env": [
            f"KRONKERS_SECRET_FILE={SECRET_FILE}",
            *([f"KRONKERS_REQUEST_LOG={spec.request_log}"] if spec.request_log else []),
            *([f"KRONKERS_WORKERS={spec.workers}"] if spec.workers is not None else []),
            *(_recording_variables(spec.recording, spec.recording_key) if spec.recording else []),
        ],
        "Secrets": [
            {
                "SecretID": secret,
                "SecretName": spec.service,
                "File": {
                    "Name": SECRET_FILE.rpartition("/")[2],
                    "UID": SERVICE_USER,
                    "GID": SERVICE_USER,
                    "Mode": 0o400,
                },
            }
        ],
    }
    if spec.recording:  # the files in the volume are there, and it can make no others: so it fills no disk
        container["Ulimits"] = [{"Name": "fsize", "Soft": MOST_BYTES, "Hard": MOST_BYTES}]
    if api >= _NO_NEW_PRIVILEGES_API:
        container["Privileges"] = {"NoNewPrivileges": True}
    return {
        "name": spec.service,
        "task_template": {
            "ContainerSpec": container,
            "Networks": [{"Target": network}],
            "Placement": {"Constraints": [f"node.id=={node}"]},
            "Resources": {
                "Limits": {
                    "MemoryBytes": spec.memory,
                    "NanoCPUs": int(spec.cpus * _SECOND),
                    "Pids": spec.processes,
                }
            },
            "RestartPolicy": {"Condition": "any", "Delay": 5 * _SECOND},
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "10m", "max-file": "3"}},
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


def volume_name(service: str) -> str:
    """The volume in which the service of that name keeps recorded rows."""
    return f"{service}-rows"


def _volume(spec: ServiceSpec) -> dict[str, Any]:
    """A volume begins as what the image has in its place: files that the service may write into."""
    return {
        "Type": "volume",
        "Source": volume_name(spec.service),
        "Target": RECORD_FOLDER,
        "VolumeOptions": {"Labels": labels_of(spec)},
    }


def _recording_variables(recording: Recording, key: str) -> list[str]:
    return [
        f"KRONKERS_RECORD_ROWS={recording.share}",
        f"KRONKERS_RECORD_MOST={recording.most_rows}",
        f"KRONKERS_RECORD_KEY={key}",
    ]


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


def _without_connections(configuration: Mapping[str, Any]) -> list[str] | None:
    """The image's command, started by a few lines of Python that give up new privileges and connections of its own for
    good (every package has Python); None, which leaves the command as it is, when it does not start with Python."""
    entrypoint: Sequence[str] = configuration.get("Entrypoint") or ()
    if not entrypoint or not re.fullmatch(r"(.*/)?python[0-9.]*", entrypoint[0]):
        return None
    return [entrypoint[0], "-I", "-S", "-c", start_program(), *entrypoint]

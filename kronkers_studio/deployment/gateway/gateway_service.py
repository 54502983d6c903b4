"""The gateway as a service of the server's Swarm: one on each server, on the server's own network.

It is the one service that is reached from the network. HAProxy runs without any privilege, in a container that cannot
be written to but for its volume, where what it was told outlives it.
"""

from __future__ import annotations

import contextlib
import io
import tarfile
import time
from collections.abc import Mapping
from typing import Any

import docker.errors

from kronkers_studio.deployment.engine import Engine, engine_errors, open_engine
from kronkers_studio.deployment.gateway.haproxy_text import GatewayPlace
from kronkers_studio.deployment.ssh import Connection
from kronkers_studio.deployment.swarm_tasks import tasks_of
from kronkers_studio.domain.errors import GatewayFailed
from kronkers_studio.domain.progress import NEVER, SILENT, CancelToken, Progress

SERVICE = "kronkers-gateway"
USER = 65531
"""The number of the gateway's user in the platform's image (resources/platform/Dockerfile)."""

_LABELS = {"kronkers": "gateway"}
_SECOND = 1_000_000_000
_LONGEST_START = 120.0  # seconds
_LONGEST_END = 75.0


class GatewayContainer:
    """The gateway's container on one server, as ``gateway_control`` wants it."""

    def __init__(self, connection: Connection, engine: Engine, container: str) -> None:
        self._connection = connection
        self._engine = engine
        self._container = container

    def run(self, script: str, *arguments: str) -> str:
        with engine_errors(self._connection, "telling the gateway what to do"):
            status, output = self._engine.run_inside(self._container, ["sh", "-c", script, "sh", *arguments])
        text = output.decode("utf-8", "replace")
        if status:
            raise GatewayFailed(
                f"The gateway of {self._connection.server.name} refused what it was told.",
                next_step="What was live still is. Look at the details, then repair it: `kronkers gateway repair`.",
                details=text[-2000:],
            )
        return text

    def put(self, folder: str, files: Mapping[str, bytes]) -> None:
        top = GatewayPlace().folder
        with engine_errors(self._connection, "telling the gateway what to do"):
            self._engine.put_archive(self._container, top, _tar(folder.removeprefix(f"{top}/"), files))


def start_gateway(
    connection: Connection, image: str, *, progress: Progress = SILENT, cancel: CancelToken = NEVER
) -> GatewayContainer:
    """The server's gateway, which is started when there is none, from the image with the id ``image``.

    A new one waits until it is told something. Raises ``GatewayFailed`` when it does not come up.
    """
    engine = open_engine(connection)
    with engine_errors(connection, "starting the gateway"):
        if not _is_there(engine):
            progress.note(f"Starting the gateway of {connection.server.name}")
            engine.create_service(**_definition(image))
        return GatewayContainer(connection, engine, _await_container(connection, engine, cancel))


def is_gateway_there(connection: Connection) -> bool:
    """Whether the server has a gateway, which may be starting again at the moment."""
    with engine_errors(connection, "looking for the gateway"):
        return _is_there(open_engine(connection))


def find_gateway(connection: Connection) -> GatewayContainer | None:
    """The server's gateway; None where there is none, or none that runs."""
    engine = open_engine(connection)
    with engine_errors(connection, "looking for the gateway"):
        container = _running(engine) if _is_there(engine) else ""
    return GatewayContainer(connection, engine, container) if container else None


def remove_gateway(connection: Connection) -> None:
    """End the gateway, and wait until it has: while it answers its last requests, another one would share its port with
    it. Its volume stays."""
    engine = open_engine(connection)
    with engine_errors(connection, "removing the gateway"):
        with contextlib.suppress(docker.errors.NotFound):
            engine.remove_service(SERVICE)
        deadline = time.monotonic() + _LONGEST_END
        while engine.containers(filters={"label": "kronkers=gateway"}) and time.monotonic() < deadline:
            time.sleep(0.2)


def _is_there(engine: Engine) -> bool:
    try:
        engine.inspect_service(SERVICE)
    except docker.errors.NotFound:
        return False
    return True


def _running(engine: Engine) -> str:
    """The id of the gateway's container on this server, if it runs."""
    for task in tasks_of(engine, SERVICE):
        container = str(task["Status"].get("ContainerStatus", {}).get("ContainerID", ""))
        if task["Status"]["State"] not in ("running", "starting") or not container:
            continue
        try:
            if engine.inspect_container(container)["State"]["Running"]:
                return container
        except docker.errors.NotFound:  # it runs on another server, or has just ended
            continue
    return ""


def _await_container(connection: Connection, engine: Engine, cancel: CancelToken) -> str:
    deadline = time.monotonic() + _LONGEST_START
    while not (container := _running(engine)):
        cancel.check()
        if time.monotonic() > deadline:
            errors = {str(task["Status"].get("Err", "")) for task in tasks_of(engine, SERVICE)}
            raise GatewayFailed(
                f"The gateway of {connection.server.name} does not start.",
                next_step="Look at the server's Docker engine (`kronkers server check`).",
                details="; ".join(sorted(filter(None, errors))),
            )
        time.sleep(0.1)
    return container


def _definition(image: str) -> dict[str, Any]:
    return {
        "name": SERVICE,
        "task_template": {
            "ContainerSpec": {
                "Image": image,
                "Labels": _LABELS,
                "User": f"{USER}:{USER}",
                "ReadOnly": True,
                "Init": True,
                "CapabilityDrop": ["ALL"],
                "StopSignal": "SIGUSR1",
                "StopGracePeriod": 60 * _SECOND,
                "Mounts": [{"Type": "volume", "Source": SERVICE, "Target": GatewayPlace().folder}],
            },
            "Networks": [{"Target": "host"}],
            "Resources": {"Limits": {"MemoryBytes": 512 << 20, "Pids": 256}},
            "RestartPolicy": {"Condition": "any", "Delay": _SECOND},
            "LogDriver": {"Name": "json-file", "Options": {"max-size": "20m", "max-file": "5"}},
        },
        "labels": _LABELS,
        "mode": {"Global": {}},
    }


def _tar(folder: str, files: Mapping[str, bytes]) -> bytes:
    """The files and their folders as the gateway's user has them, readable by nobody else."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        folders = {folder} | {f"{folder}/{path.rpartition('/')[0]}" for path in files if "/" in path}
        for name in sorted(folders):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.uid, entry.gid = tarfile.DIRTYPE, 0o700, USER, USER
            archive.addfile(entry)
        for path, content in files.items():
            entry = tarfile.TarInfo(f"{folder}/{path}")
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o600, USER, USER
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()
